//! Deadlines and limits on results: what is over one is stopped, on the database
//! too, and what was asked next gets its own answer.

mod each;
mod frozen;
mod killed;
mod network;
mod trickles;
mod vanished;

use std::time::{Duration, Instant};

use forebay::backend::Shards;
use forebay::config::ServerConfig;
use forebay::operation::{Operation, ParamStyle};
use forebay::rpc::generated::{ErrorCode, Outcome};
use forebay::value::{ColumnData, Value};
use mysql::prelude::Queryable;

use crate::shards::{Bridge, CUT, SILENT};
use crate::support::shard::*;
use crate::support::*;

const SHORT: Duration = Duration::from_millis(200);

/// Waits until the database runs nothing with that text, and tells how long it
/// took, which is meant to be less than 100 ms. A busy machine is given more, and so
/// is MariaDB 10.11, where kills of several SLEEPs, which may be other tests', get in
/// each other's way for seconds.
#[track_caller]
fn prompt_end(what: &str, text: &str, since: Instant) {
    let count = "SELECT COUNT(*) FROM information_schema.processlist \
                 WHERE info LIKE CONCAT('%', ?, '%') AND id <> CONNECTION_ID()";
    let mut direct = direct();
    let mut count = || direct.exec_first::<u32, _, _>(count, (text,)).unwrap();
    while count() != Some(0) {
        let waited = since.elapsed();
        assert!(waited < Duration::from_secs(10), "{what}: it still runs");
        std::thread::sleep(Duration::from_millis(1));
    }
    println!("{what}: nothing of it runs {:?} later", since.elapsed());
}

#[test]
fn a_statement_over_its_deadline_is_stopped() {
    let service = Running::new(vec![mysql_shard("main"), sqlite_shard("embedded")]);
    let mut client = service.client_within(SHORT);
    let slow = "SELECT SLEEP(60) AS stop_me";
    let error = client.fails("main", slow, &[]);
    assert_error(&error, ErrorCode::DEADLINE_EXCEEDED, "is being stopped");
    wait_until("nothing of it runs", || running_like("AS stop_me") == 0);
    assert_eq!(client.texts("main", "SELECT 'next'"), ["next"]);

    let endless = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) \
                   SELECT COUNT(*) FROM n";
    let error = client.fails("embedded", endless, &[]);
    assert_error(&error, ErrorCode::DEADLINE_EXCEEDED, "is being stopped");
    assert_eq!(client.texts("embedded", "SELECT 'next'"), ["next"]);
}

#[test]
fn the_outcome_of_a_stopped_write_is_unknown() {
    let service = Running::new(vec![mysql_shard("main")]);
    let mut client = service.client_within(SHORT);
    client.run("main", "CREATE TABLE t (n INT)", &[]);
    let error = client.fails("main", "INSERT INTO t SELECT SLEEP(60)", &[]);
    assert_error(&error, ErrorCode::DEADLINE_EXCEEDED, "");
    assert_eq!(error.outcome, Some(Outcome::UNKNOWN));
    wait_until("it was rolled back", || {
        running_like("INSERT INTO t SELECT") == 0
    });
    assert_eq!(client.texts("main", "SELECT COUNT(*) FROM t"), ["0"]);
}

#[test]
fn a_request_that_waits_past_its_deadline_is_never_run() {
    let mut shard = mysql_shard("main");
    shard.pool.max_connections = 1;
    let service = Running::new(vec![shard]);
    let mut client = service.client();
    client.run("main", "CREATE TABLE t (n INT)", &[]);
    let mut first = service.client();
    std::thread::scope(|scope| {
        let sleeper = scope.spawn(move || first.run("main", "SELECT SLEEP(2) AS holds_it", &[]));
        wait_until("the connection is taken", || {
            running_like("AS holds_it") == 1
        });
        let mut hurried = service.client_within(SHORT);
        let error = hurried.fails("main", "INSERT INTO t VALUES (1)", &[]);
        assert_error(&error, ErrorCode::QUEUE_TIMEOUT, "try again later");
        assert_eq!(error.outcome, Some(Outcome::NOT_APPLIED));
        // It was told so when its time was over, not when its turn came.
        assert_eq!(running_like("AS holds_it"), 1);
        sleeper.join().unwrap();
    });
    assert_eq!(client.texts("main", "SELECT COUNT(*) FROM t"), ["0"]);
}

#[test]
fn a_full_queue_refuses_at_once() {
    let mut shard = mysql_shard("main");
    shard.pool.max_connections = 1;
    shard.queue_max_requests = 1;
    let service = Running::new(vec![shard]);
    let ask = |mut client: forebay::rpc::Client| {
        let sql = "SELECT SLEEP(1) AS fills_it";
        client.execute("main", sql, vec![], ParamStyle::Native)
    };
    std::thread::scope(|scope| {
        let first = service.client();
        let first = scope.spawn(move || ask(first));
        wait_until("the connection is taken", || {
            running_like("AS fills_it") == 1
        });
        // One of these waits, and there is no room for the other.
        let two = [service.client(), service.client()];
        let two = two.map(|client| scope.spawn(move || ask(client)));
        let refused: Vec<String> = two
            .into_iter()
            .filter_map(|asked| asked.join().unwrap().err())
            .map(|error| error.to_string())
            .collect();
        assert_eq!(refused.len(), 1, "{refused:?}");
        assert!(
            refused[0].starts_with("QUEUE_FULL: 1 requests wait"),
            "{refused:?}"
        );
        first.join().unwrap().unwrap();
    });
}

#[test]
fn a_result_over_a_limit_says_which_and_stops_the_server() {
    let server = ServerConfig {
        result_max_rows: 1000,
        result_max_bytes: 100_000,
        ..ServerConfig::default()
    };
    let shards = vec![mysql_shard("main"), sqlite_shard("embedded")];
    let service = Running::with(server, shards);
    let mut client = service.client();
    let many = "SELECT seq, 'too_many' FROM seq_1_to_50000000";
    let error = client.fails("main", many, &[]);
    assert_error(&error, ErrorCode::RESULT_TOO_LARGE, "more than 1000 rows");
    assert_eq!((error.limit, error.seen), (Some(1000), Some(1001)));
    wait_until("nothing of it runs", || running_like("'too_many'") == 0);

    for shard in ["main", "embedded"] {
        let wide = "SELECT ? UNION ALL SELECT 'b'";
        let error = client.fails(shard, wide, &[Value::Text("x".repeat(200_000))]);
        assert_error(
            &error,
            ErrorCode::RESULT_TOO_LARGE,
            "result_max_bytes of 100000",
        );
        assert_eq!(client.texts(shard, "SELECT 'next'"), ["next"]);
    }
}

/// Rows that were not read would answer the next statement.
#[test]
fn all_result_sets_come_back_and_none_is_left_over() {
    let mut shard = mysql_shard("main");
    shard.pool.max_connections = 1;
    let database = target(&mut shard).database.clone().unwrap();
    let service = Running::new(vec![shard]);
    let mut client = service.client();
    let mut direct = direct();
    direct.query_drop(format!("USE {database}")).unwrap();
    for body in [
        "two() BEGIN SELECT 1; SELECT 2; END",
        "many(n INT) BEGIN WHILE n > 0 DO SELECT n; SET n = n - 1; END WHILE; END",
    ] {
        direct
            .query_drop(format!("CREATE PROCEDURE {body}"))
            .unwrap();
    }
    let two = client.run("main", "CALL two()", &[]);
    assert_eq!(
        two.rows.unwrap().columns[0].data,
        ColumnData::Int64s(vec![1])
    );
    client.run("main", "CALL many(1000)", &[]);
    let error = client.fails("main", "CALL many(1001)", &[]);
    assert_error(
        &error,
        ErrorCode::RESULT_TOO_LARGE,
        "more than 1000 result sets",
    );
    assert_eq!((error.limit, error.seen), (Some(1000), Some(1001)));
    assert_eq!(error.outcome, Some(Outcome::UNKNOWN));
    assert_eq!(client.texts("main", "SELECT 'next'"), ["next"]);
}

/// Each row comes well within the deadline, and all of them do not.
#[test]
fn rows_that_trickle_end_at_the_deadline() {
    let service = Running::new(vec![mysql_shard("main")]);
    let mut client = service.client_within(SHORT);
    let rows = "SELECT REPEAT('x', 40000), SLEEP(0.05) AS trickle FROM seq_1_to_1000";
    let error = client.fails("main", rows, &[]);
    assert_error(&error, ErrorCode::DEADLINE_EXCEEDED, "is being stopped");
    wait_until("nothing of it runs", || running_like("AS trickle") == 0);
    assert_eq!(client.texts("main", "SELECT 'next'"), ["next"]);
}

#[test]
fn result_sets_without_end_end_at_the_deadline() {
    let mut shard = mysql_shard("main");
    let database = target(&mut shard).database.clone().unwrap();
    let mut direct = direct();
    direct.query_drop(format!("USE {database}")).unwrap();
    let endless = "PROCEDURE endless() LOOP SELECT SLEEP(0.01) AS endless_set; END LOOP";
    direct.query_drop(format!("CREATE {endless}")).unwrap();
    let service = Running::new(vec![shard]);
    let mut client = service.client_within(SHORT);
    let error = client.fails("main", "CALL endless()", &[]);
    assert_error(&error, ErrorCode::DEADLINE_EXCEEDED, "is being stopped");
    assert_eq!(error.outcome, Some(Outcome::UNKNOWN));
    wait_until("nothing of it runs", || running_like("endless") == 0);
    assert_eq!(client.texts("main", "SELECT 'next'"), ["next"]);
}

/// Wherever in its transaction a bulk insert is stopped, the connection's next
/// user is not in that transaction.
#[test]
fn a_bulk_insert_that_runs_late_leaves_no_transaction_open() {
    let mut shard = mysql_shard("main");
    shard.pool.max_connections = 1;
    let database = target(&mut shard).database.clone().unwrap();
    let service = Running::new(vec![shard]);
    let mut client = service.client();
    client.run("main", "CREATE TABLE bulk (b LONGBLOB)", &[]);
    client.run("main", "CREATE TABLE victim (n INT)", &[]);
    let rows = || vec![vec![Value::Text("x".repeat(100_000))]; 100];
    let started = Instant::now();
    client.insert("main", "bulk", &["b"], rows()).unwrap();
    let whole = started.elapsed();
    let mut other = direct();
    for part in 1..=12 {
        let patience = whole * part / 12 + Duration::from_millis(1);
        let late = service
            .client_within(patience)
            .insert("main", "bulk", &["b"], rows());
        client.run(
            "main",
            "INSERT INTO victim VALUES (?)",
            &[Value::Int(part.into())],
        );
        let count = format!("SELECT COUNT(*) FROM {database}.victim");
        let seen: Option<u32> = other.query_first(count).unwrap();
        assert_eq!(seen, Some(part), "after {late:?}");
    }
}

#[test]
fn a_write_that_fails_says_truly_whether_it_stayed() {
    let server = ServerConfig {
        result_max_rows: 2,
        ..ServerConfig::default()
    };
    let shards = vec![mysql_shard("main"), sqlite_shard("embedded")];
    let service = Running::with(server, shards);
    let mut client = service.client();
    client.run("embedded", "CREATE TABLE t (n INT)", &[]);
    let returning = "INSERT INTO t VALUES (1), (2), (3) RETURNING n";
    let error = client.fails("embedded", returning, &[]);
    assert_error(&error, ErrorCode::RESULT_TOO_LARGE, "more than 2 rows");
    assert_eq!(error.outcome, Some(Outcome::NOT_APPLIED));
    assert_eq!(client.texts("embedded", "SELECT COUNT(*) FROM t"), ["0"]);

    client.run("main", "CREATE TABLE there (n INT)", &[]);
    let error = client.fails("main", "DROP TABLE there, not_there", &[]);
    assert_eq!(error.outcome, Some(Outcome::UNKNOWN));
}

#[test]
fn kills_do_not_wait_for_a_shard_that_does_not_answer() {
    let bridge = Bridge::new();
    let mut a = mysql_shard_at("a", "127.0.0.1", bridge.port);
    a.pool.max_connections = 12;
    let mut b = mysql_shard("b");
    b.pool.max_connections = 2;
    let shards = Shards::new(&[a, b]);
    let sleep = |shard: usize, mark: &str, ms: u64| {
        let sql = format!("SELECT SLEEP(20) FROM DUAL WHERE '{mark}' <> ''");
        shards.get(shard).run(
            &Operation::Execute(statement(&sql, &[])),
            &limits_within(Duration::from_millis(ms)),
        )
    };
    sleep(1, "warm", 100).unwrap_err();
    wait_until("killed", || running_like("'warm'") == 0);
    std::thread::scope(|scope| {
        for _ in 0..12 {
            scope.spawn(|| sleep(0, "of_a", 1_500).unwrap_err());
        }
        wait_until("all run", || running_like("'of_a'") == 12);
        bridge.set(SILENT);
    });
    sleep(1, "of_b", 200).unwrap_err();
    let began = Instant::now();
    while running_like("'of_b'") > 0 && began.elapsed() < Duration::from_secs(19) {
        std::thread::sleep(Duration::from_millis(20));
    }
    bridge.set(CUT);
    assert!(began.elapsed() < Duration::from_secs(5));
}
