//! Each count moves when it should, and only then.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use forebay::config::ServerConfig;
use forebay::operation::{Access, Batch, BatchMode, Begin, Operation};
use forebay::rpc::Policy;
use forebay::rpc::generated::ErrorCode;

use super::{call_raw, dead_shard, watched};
use crate::support::http::Samples;
use crate::support::shard::{statement, step};
use crate::support::*;

const REQUESTS: &str = "forebay_requests_total";

fn changed(after: &Samples, before: &Samples, family: &str) -> Vec<String> {
    let changes = after.since(before, family).into_iter();
    changes
        .map(|(labels, by)| format!("{labels} {by}"))
        .collect()
}

#[test]
fn a_request_counts_by_function_shard_and_outcome() {
    let service = watched(vec![sqlite_shard("a"), sqlite_shard("b")]);
    let http = service.http();
    let mut client = service.client();
    let before = http.scrape();
    client.run("a", "CREATE TABLE t (n INT UNIQUE)", &[]);
    client.run("a", "INSERT INTO t VALUES (1)", &[]);
    client.fails("a", "INSERT INTO t VALUES (1)", &[]);
    client.fails("b", "SELECT nothing FROM nowhere", &[]);
    client.fails("c", "SELECT 1", &[]);
    client.shards().unwrap();
    let batch = Batch {
        mode: BatchMode::Atomic,
        steps: vec![step("SELECT 1", &[])],
    };
    client.batch("b", batch).unwrap();
    let after = http.scrape();
    let expected = [
        r#"{function="batch",shard="b",outcome="OK"} 1"#,
        r#"{function="execute",shard="",outcome="UNKNOWN_SHARD"} 1"#,
        r#"{function="execute",shard="a",outcome="DUPLICATE_KEY"} 1"#,
        r#"{function="execute",shard="a",outcome="OK"} 2"#,
        r#"{function="execute",shard="b",outcome="SQL_ERROR"} 1"#,
        r#"{function="info",shard="",outcome="OK"} 1"#,
    ];
    assert_eq!(changed(&after, &before, REQUESTS), expected);
    // And each has taken its time, once; no worker took the one for no shard.
    let expected = [r#"{shard=""} 2"#, r#"{shard="a"} 3"#, r#"{shard="b"} 2"#];
    let total = "forebay_request_seconds_count";
    assert_eq!(changed(&after, &before, total), expected);
    let expected = [r#"{shard=""} 1"#, r#"{shard="a"} 3"#, r#"{shard="b"} 2"#];
    for part in ["queue", "execution"] {
        let family = format!("forebay_request_{part}_seconds_count");
        assert_eq!(changed(&after, &before, &family), expected, "{part}");
    }
    // A scrape is no request.
    let nothing: [&str; 0] = [];
    assert_eq!(changed(&http.scrape(), &after, REQUESTS), nothing);
}

#[test]
fn items_of_a_multi_count_where_they_run() {
    let service = watched(vec![sqlite_shard("a"), sqlite_shard("b")]);
    let before = service.http().scrape();
    let query = |sql: &str| Operation::Query(statement(sql, &[]));
    let items = vec![
        ("a", query("SELECT 1")),
        ("b", query("SELECT 1")),
        ("b", Operation::Execute(statement("nonsense", &[]))),
        ("c", query("SELECT 1")),
    ];
    service.client().multi(items, Policy::TakeWhatCame).unwrap();
    let after = service.http().scrape();
    let expected = [
        r#"{function="execute",shard="b",outcome="SQL_ERROR"} 1"#,
        r#"{function="query",shard="",outcome="UNKNOWN_SHARD"} 1"#,
        r#"{function="query",shard="a",outcome="OK"} 1"#,
        r#"{function="query",shard="b",outcome="OK"} 1"#,
    ];
    assert_eq!(
        changed(&after, &before, "forebay_multi_items_total"),
        expected
    );
    let expected = [r#"{function="multi",shard="",outcome="OK"} 1"#];
    assert_eq!(changed(&after, &before, REQUESTS), expected);
}

#[test]
fn names_that_callers_make_up_add_no_series() {
    let service = watched(vec![sqlite_shard("a")]);
    let http = service.http();
    let mut client = service.client();
    client.run("a", "SELECT 1", &[]);
    // One of each sort, after which there is nothing new to come.
    let make_up = |number: usize| {
        call_raw(&service, "query", &format!("shard{number}"));
        call_raw(&service, "query", &format!("a\"}} 1\n{number}"));
        call_raw(&service, &format!("function{number}"), "a");
        call_raw(&service, &format!("Forebay:function{number}"), "a");
        call_raw(&service, &format!("Service{number}:query"), "a");
        call_raw(&service, &format!("{number}"), &format!("{number}"));
    };
    make_up(0);
    let before = http.scrape();
    for number in 1..100 {
        make_up(number);
    }
    let after = http.scrape();
    assert_eq!(after.names(), before.names());
    let unknown = r#"{function="query",shard="",outcome="UNKNOWN_SHARD"}"#;
    assert_eq!(after.get(&format!("{REQUESTS}{unknown}")), 200.0);
    let unknown = r#"{function="unknown",shard="a",outcome="EXCEPTION"}"#;
    assert_eq!(after.get(&format!("{REQUESTS}{unknown}")), 200.0);
}

#[test]
fn a_shard_that_nobody_asks_for_has_one_series() {
    let mut shards: Vec<_> = (0..50).map(|n| dead_shard(&format!("idle{n}"))).collect();
    shards.push(mysql_shard("used"));
    let service = watched(shards);
    service.client().run("used", "SELECT 1", &[]);
    let samples = service.http().scrape();
    let of = |shard: &str| {
        let label = format!("shard=\"{shard}\"");
        let names = samples.names().into_iter();
        let of_shard = names.filter(|name| name.contains(&label));
        // Whether it can be reached is found out in the background.
        let of_shard = of_shard.filter(|name| !name.starts_with("forebay_connects_total"));
        of_shard.map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(of("idle0"), [r#"forebay_shard_up{shard="idle0"}"#]);
    assert!(of("used").len() > 20, "{:?}", of("used"));
    assert_eq!(samples.get(r#"forebay_shard_up{shard="used"}"#), 1.0);
    assert_eq!(
        samples.get(r#"forebay_pool_connections_max{shard="used"}"#),
        8.0
    );
}

#[test]
fn what_waits_and_what_runs_is_told() {
    let mut shard = mysql_shard("one");
    shard.pool.max_connections = 2;
    shard.transactions_max = 1;
    let service = watched(vec![shard]);
    let http = service.http();
    let of = |samples: &Samples, family: &str, label: &str| {
        samples.get(&format!("forebay_{family}{{shard=\"one\"{label}}}"))
    };
    let mut holder = service.client();
    let begin = Begin {
        isolation: None,
        access: Access::ReadWrite,
    };
    let transaction = holder.begin("one", begin).unwrap();
    std::thread::scope(|scope| {
        for _ in 0..3 {
            let service = &service;
            scope.spawn(move || service.client().run("one", "SELECT SLEEP(1.5)", &[]));
        }
        wait_until("one runs and two wait", || {
            let samples = http.scrape();
            of(&samples, "queue_running", ",lane=\"shard\"") == 1.0
                && of(&samples, "queue_waiting", ",lane=\"shard\"") == 2.0
                && of(&samples, "pool_connections", ",state=\"in_use\"") == 2.0
        });
        assert_eq!(of(&http.scrape(), "transactions_open", ""), 1.0);
        assert_eq!(http.scrape().get("forebay_sessions"), 4.0);
    });
    holder.rollback(&transaction).unwrap();
    wait_until("all is given back", || {
        let samples = http.scrape();
        of(&samples, "queue_running", ",lane=\"shard\"") == 0.0
            && of(&samples, "queue_waiting", ",lane=\"shard\"") == 0.0
            && of(&samples, "pool_connections", ",state=\"in_use\"") == 0.0
            && of(&samples, "transactions_open", "") == 0.0
            && samples.get("forebay_sessions") == 1.0
            && samples.get("forebay_result_memory_bytes") == 0.0
    });
    let samples = http.scrape();
    assert!(of(&samples, "pool_connections", ",state=\"idle\"") >= 1.0);
    assert_eq!(samples.get("forebay_sessions_opened_total"), 4.0);
    // Those that waited did so longer than any other.
    let waited = r#"forebay_request_queue_seconds_bucket{le="1.0",shard="one"}"#;
    let all = r#"forebay_request_queue_seconds_count{shard="one"}"#;
    assert_eq!(samples.get(all) - samples.get(waited), 2.0);
}

#[test]
fn refusals_have_their_cause() {
    let mut shard = mysql_shard("busy");
    shard.pool.max_connections = 1;
    shard.queue_max_requests = 1;
    shard.transactions_max = 0;
    let service = watched(vec![shard]);
    let before = service.http().scrape();
    std::thread::scope(|scope| {
        let service = &service;
        scope.spawn(move || service.client().run("busy", "SELECT SLEEP(3) AS busy", &[]));
        wait_until("it runs", || running_like("AS busy") == 1);
        let waiting = scope.spawn(move || {
            let mut hasty = service.client_within(Duration::from_millis(1_000));
            hasty.fails("busy", "SELECT 'expired'", &[])
        });
        wait_until("one waits", || {
            let waiting = r#"forebay_queue_waiting{shard="busy",lane="shard"}"#;
            service.http().scrape().get(waiting) == 1.0
        });
        let refused = service.client().fails("busy", "SELECT 'refused'", &[]);
        assert_eq!(refused.code, Some(ErrorCode::QUEUE_FULL));
        let expired = waiting.join().unwrap();
        assert_eq!(expired.code, Some(ErrorCode::QUEUE_TIMEOUT));
    });
    let after = service.http().scrape();
    let expected = [
        r#"{shard="busy",lane="shard",cause="expired"} 1"#,
        r#"{shard="busy",lane="shard",cause="full"} 1"#,
    ];
    assert_eq!(changed(&after, &before, "forebay_refusals_total"), expected);
}

#[test]
fn connects_and_kills_are_counted() {
    let service = watched(vec![mysql_shard("live"), dead_shard("gone")]);
    let http = service.http();
    // With a connection that is there, only the statement meets its deadline.
    service.client().run("live", "SELECT 1", &[]);
    let mut client = service.client_within(Duration::from_millis(500));
    client.fails("live", "SELECT SLEEP(5) AS to_be_killed", &[]);
    wait_until("it is killed", || {
        http.scrape()
            .get(r#"forebay_kills_total{shard="live",result="sent"}"#)
            == 1.0
    });
    let mut client = service.client();
    let error = client.fails("gone", "SELECT 1", &[]);
    assert_eq!(error.code, Some(ErrorCode::SHARD_UNAVAILABLE));
    let samples = http.scrape();
    assert!(samples.get(r#"forebay_connects_total{shard="live",result="ok"}"#) >= 1.0);
    assert!(samples.get(r#"forebay_connects_total{shard="gone",result="failed"}"#) >= 1.0);
    assert_eq!(samples.get(r#"forebay_shard_up{shard="live"}"#), 1.0);
    let gone = samples.values.get(r#"forebay_shard_up{shard="gone"}"#);
    assert_eq!(gone, Some(&0.0));
}

#[test]
fn a_session_too_many_is_counted() {
    let server = ServerConfig {
        sessions_max: 1,
        ..ServerConfig::default()
    };
    let service = Running::watched(server, vec![sqlite_shard("a")]);
    let mut client = service.client();
    client.run("a", "SELECT 1", &[]);
    let refused = service.socket();
    let series = r#"forebay_sessions_refused_total{cause="sessions_max"}"#;
    wait_until("it is refused", || {
        service.http().scrape().get(series) == 1.0
    });
    let samples = service.http().scrape();
    assert_eq!(samples.get("forebay_sessions"), 1.0);
    drop(refused);
    let bytes = ["forebay_received_bytes_total", "forebay_sent_bytes_total"];
    for series in bytes {
        let before = service.http().scrape();
        assert!(before.get(series) > 0.0, "{series}");
        client.run("a", "SELECT 1", &[]);
        assert!(service.http().scrape().get(series) > before.get(series));
    }
}

/// Under load, all that only grows does, and nothing is lost at the end.
#[test]
fn it_is_scraped_under_load() {
    const CALLERS: usize = 4;
    const CALLS: usize = 150;
    let service = watched(vec![mysql_shard("a")]);
    let http = service.http();
    let over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let callers: Vec<_> = (0..CALLERS)
            .map(|_| {
                scope.spawn(|| {
                    let mut client = service.client();
                    for _ in 0..CALLS {
                        client.run("a", "SELECT 1", &[]);
                    }
                })
            })
            .collect();
        let scraper = scope.spawn(|| {
            let mut last = http.scrape();
            while !over.load(Ordering::Relaxed) {
                let next = http.scrape();
                for (series, value) in &last.values {
                    let name = series.split('{').next().unwrap();
                    if ["_total", "_bucket", "_count"]
                        .iter()
                        .any(|end| name.ends_with(end))
                    {
                        assert!(next.get(series) >= *value, "{series}");
                    }
                }
                last = next;
            }
        });
        for caller in callers {
            caller.join().unwrap();
        }
        over.store(true, Ordering::Relaxed);
        scraper.join().unwrap();
    });
    let samples = http.scrape();
    let all = (CALLERS * CALLS) as f64;
    let ok = r#"{function="execute",shard="a",outcome="OK"}"#;
    assert_eq!(samples.get(&format!("{REQUESTS}{ok}")), all);
    let series = r#"forebay_request_seconds_bucket{le="+Inf",shard="a"}"#;
    assert_eq!(samples.get(series), all);
}
