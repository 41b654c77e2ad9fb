//! A database that is gone: who waits for it, for how long, and what is told.

use std::time::{Duration, Instant};

use forebay::backend::Shards;
use forebay::config::ShardConfig;
use forebay::error::{ErrorKind, Outcome};
use forebay::operation::{Access, Begin, Limits, Operation, ParamStyle};
use forebay::rpc::generated::{ErrorCode, Phase};
use forebay::rpc::{Client, ClientError, Policy};

use super::start::shard_at;
use crate::shards::{Bridge, CUT, OPEN};
use crate::support::server::Mariadb;
use crate::support::shard::*;
use crate::support::*;

/// Long enough for a busy machine, and shorter than any patience here.
const SHORT: Duration = Duration::from_millis(500);

/// Behind a bridge, and reached once.
struct Cut {
    bridge: Bridge,
    service: Running,
}

impl Cut {
    fn new(change: impl FnOnce(&mut ShardConfig)) -> Cut {
        let bridge = Bridge::new();
        let mut shard = mysql_shard_at("main", "127.0.0.1", bridge.port);
        shard.pool.outage_patience = Duration::from_secs(60);
        change(&mut shard);
        let service = Running::new(vec![shard, mysql_shard("other")]);
        assert_eq!(service.client().texts("main", "SELECT 1"), ["1"]);
        bridge.set(CUT);
        // The end of what is idle is seen at the next look, not at once.
        std::thread::sleep(Duration::from_millis(20));
        Cut { bridge, service }
    }

    fn fails(&self, timeout: Duration) -> forebay::rpc::generated::DataError {
        self.service
            .client_within(timeout)
            .fails("main", "SELECT 1", &[])
    }
}

fn select(mut client: Client) -> Result<(), ClientError> {
    let done = client.execute("main", "SELECT 1", vec![], ParamStyle::Native);
    done.map(drop)
}

#[test]
fn callers_wait_for_a_database_that_is_back_in_time() {
    let cut = Cut::new(|_| {});
    std::thread::scope(|scope| {
        let calls: Vec<_> = (0..32)
            .map(|_| cut.service.client())
            .map(|client| scope.spawn(|| select(client)))
            .collect();
        std::thread::sleep(Duration::from_secs(1));
        cut.bridge.set(OPEN);
        for call in calls {
            call.join().unwrap().unwrap();
        }
    });
}

/// Those that have a connection to wait for, and those that wait for their turn.
#[test]
fn at_the_deadline_the_true_cause_is_told() {
    let cut = Cut::new(|shard| shard.pool.max_connections = 1);
    std::thread::scope(|scope| {
        let calls: Vec<_> = (0..4).map(|_| scope.spawn(|| cut.fails(SHORT))).collect();
        let errors: Vec<_> = calls.into_iter().map(|call| call.join().unwrap()).collect();
        for error in &errors {
            assert_error(error, ErrorCode::SHARD_UNAVAILABLE, "cannot be reached");
            assert_eq!(error.attempts, Some(0));
        }
        let in_phase = |phase| {
            let there = errors.iter().filter(|error| error.phase == Some(phase));
            there.count()
        };
        assert_eq!(in_phase(Phase::CONNECT) + in_phase(Phase::QUEUE), 4);
        assert!(in_phase(Phase::QUEUE) >= 1, "{errors:?}");
    });
}

#[test]
fn the_items_of_a_multi_are_told_the_true_cause() {
    let cut = Cut::new(|shard| shard.pool.max_connections = 1);
    let item = |shard| {
        let sql = statement("SELECT 1", &[]);
        (shard, Operation::Query(sql))
    };
    let items = vec![item("main"), item("other"), item("main")];
    let mut client = cut.service.client_within(SHORT);
    // Known to be gone by then.
    cut.fails(Duration::from_millis(100));
    let outcomes = client.multi(items, Policy::TakeWhatCame).unwrap();
    for index in [0, 2] {
        let error = outcomes[index].error.as_ref().unwrap();
        let code = error.code.unwrap();
        // Whether the item that runs or the multi as a whole is first to be late.
        let may = [ErrorCode::SHARD_UNAVAILABLE, ErrorCode::DEADLINE_EXCEEDED];
        assert!(may.contains(&code), "{error:?}");
    }
    let queued = outcomes[2].error.as_ref().unwrap();
    assert_error(queued, ErrorCode::SHARD_UNAVAILABLE, "cannot be reached");
    assert!(outcomes[1].query.is_some());
}

#[test]
fn nobody_waits_where_that_is_not_wanted() {
    let cut = Cut::new(|shard| shard.pool.outage_patience = Duration::ZERO);
    let started = Instant::now();
    for _ in 0..20 {
        let error = cut.fails(TIMEOUT);
        assert_error(&error, ErrorCode::SHARD_UNAVAILABLE, "cannot be reached");
        assert_eq!(error.phase, Some(Phase::CONNECT));
    }
    assert!(started.elapsed() < TIMEOUT);
}

#[test]
fn what_has_been_gone_for_long_fails_at_once_and_is_found_again() {
    let cut = Cut::new(|shard| shard.pool.outage_patience = SHORT);
    // The first waits, but not for its whole time.
    cut.fails(TIMEOUT);
    std::thread::sleep(SHORT);
    let started = Instant::now();
    for _ in 0..20 {
        cut.fails(TIMEOUT);
    }
    assert!(started.elapsed() < TIMEOUT / 2);
    cut.bridge.set(OPEN);
    wait_until("it is found again", || select(cut.service.client()).is_ok());
}

/// Each that waits holds a worker, and half of them are for the others.
#[test]
fn those_who_wait_for_a_database_leave_workers_to_the_others() {
    let server = forebay::config::ServerConfig {
        worker_threads_max: 4,
        ..Default::default()
    };
    let bridges = [Bridge::new(), Bridge::new()];
    let behind = |number: usize| {
        let name = format!("gone{number}");
        let mut shard = mysql_shard_at(&name, "127.0.0.1", bridges[number].port);
        shard.pool.max_connections = 4;
        shard.pool.outage_patience = Duration::from_secs(60);
        shard
    };
    let mut other = mysql_shard("other");
    other.pool.max_connections = 4;
    let service = Running::with(server, vec![behind(0), behind(1), other]);
    for (number, bridge) in bridges.iter().enumerate() {
        let name = format!("gone{number}");
        assert_eq!(service.client().texts(&name, "SELECT 1"), ["1"]);
        bridge.set(CUT);
    }
    std::thread::sleep(Duration::from_millis(20));
    let over = std::sync::atomic::AtomicBool::new(false);
    std::thread::scope(|scope| {
        for number in 0..8 {
            let (service, over) = (&service, &over);
            scope.spawn(move || {
                let name = format!("gone{}", number % 2);
                while !over.load(std::sync::atomic::Ordering::Relaxed) {
                    let mut client = service.client_within(2 * SHORT);
                    client.fails(&name, "SELECT 1", &[]);
                }
            });
        }
        std::thread::sleep(SHORT);
        let started = Instant::now();
        let mut client = service.client();
        for _ in 0..50 {
            assert_eq!(client.texts("other", "SELECT 1"), ["1"]);
        }
        let took = started.elapsed();
        over.store(true, std::sync::atomic::Ordering::Relaxed);
        assert!(took < TIMEOUT / 2, "{took:?}");
    });
}

/// A server that does nothing keeps the kills for it from going out. There are
/// few of them, and what runs later is not hit by any.
#[test]
fn kills_for_a_server_that_stood_still_hit_nothing_later() {
    let database = Mariadb::new(&[]);
    let mut shard = shard_at("main".to_owned(), database.port);
    shard.pool.max_connections = 4;
    let shards = Shards::new(&[shard]);
    let shard = shards.get(0);
    let run = |sql: &str, timeout| {
        let query = Operation::Query(statement(sql, &[]));
        shard.run(&query, &limits_within(timeout))
    };
    run("SELECT 1", TIMEOUT).unwrap();
    database.stop();
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for _ in 0..10 {
                    run("SELECT 1", Duration::from_millis(50)).unwrap_err();
                }
            });
        }
    });
    database.go_on();
    wait_until("it answers", || run("SELECT 1", TIMEOUT).is_ok());
    let end = Instant::now() + Duration::from_secs(2);
    while Instant::now() < end {
        run("SELECT SLEEP(0.01)", TIMEOUT).unwrap();
    }
    let kills = shard.stats().kills;
    let all = kills.sent + kills.failed + kills.skipped;
    // No more than there were connections to give up.
    assert!((1..=8).contains(&all), "{kills:?}");
    // Other than the first, nothing had to be sent again.
    assert_eq!(shard.stats().retries.retries, 0);
}

/// Another may have taken over behind the same name: a write that may be sent
/// twice looks there once, and a transaction is to be begun anew.
#[test]
fn a_write_that_meets_a_read_only_database_looks_for_another_once() {
    let database = Mariadb::new(&[]);
    database.run("CREATE TABLE t (n INT) ENGINE=InnoDB");
    let shards = Shards::new(&[shard_at("main".to_owned(), database.port)]);
    let shard = shards.get(0);
    let insert = Operation::Execute(statement("INSERT INTO t VALUES (1)", &[]));
    let write = |idempotent| {
        let limits = Limits {
            idempotent,
            ..limits()
        };
        shard.run(&insert, &limits)
    };
    write(false).unwrap();
    let begin = Begin {
        isolation: None,
        access: Access::ReadWrite,
    };
    let mut transaction = shard.begin(&begin, &limits()).unwrap();
    database.run("SET GLOBAL read_only = ON");
    let error = write(true).unwrap_err();
    assert_kind(&error, ErrorKind::ShardReadOnly, "read-only");
    assert_eq!((error.outcome(), error.sent()), (Outcome::NotApplied, 2));
    assert_eq!(shard.stats().pool.generation, 1);
    let error = write(false).unwrap_err();
    assert_eq!((error.kind(), error.sent()), (ErrorKind::ShardReadOnly, 1));
    let error = transaction.run(&insert, &limits()).unwrap_err();
    assert_kind(&error, ErrorKind::ShardReadOnly, "read-only");
    assert!(transaction.is_dead());
    database.run("SET GLOBAL read_only = OFF");
    assert_eq!(write(true).unwrap().sent, 1);
}
