//! What an administrator of the database may do to connections and settings.

use std::time::Duration;

use forebay::operation::ParamStyle;
use forebay::rpc::Client;
use forebay::rpc::generated::{ErrorCode, Outcome};
use mysql::prelude::Queryable;

use super::trial::{CURIOUS, PATIENT, POOL, Trial, assert_only_lost};
use crate::support::load::{Plan, failures, summary};
use crate::support::proven::assert_outcomes_are_true;
use crate::support::server::Mariadb;
use crate::support::*;

/// Ends the connection that runs a statement with that text, once it does.
fn kill_running(database: &Mariadb, text: &str) {
    let find = "SELECT id FROM information_schema.processlist \
                WHERE info LIKE ? AND id <> CONNECTION_ID()";
    let mut direct = database.direct();
    let mut id: Option<u64> = None;
    wait_until("it runs", || {
        id = direct.exec_first(find, (format!("%{text}%"),)).unwrap();
        id.is_some()
    });
    direct.query_drop(format!("KILL {}", id.unwrap())).unwrap();
}

#[test]
fn a_killed_read_is_asked_again_and_a_killed_write_is_not() {
    let trial = Trial::new(&[]);
    let mut client = trial.service.client_within(PATIENT);
    std::thread::scope(|scope| {
        scope.spawn(|| kill_running(&trial.database, "AS killed_read"));
        let read = "SELECT SLEEP(0.5) AS killed_read";
        let rows = client.query("main", read, vec![], ParamStyle::Native);
        assert_eq!(rows.unwrap().row_count, 1);
    });
    std::thread::scope(|scope| {
        scope.spawn(|| kill_running(&trial.database, "killed_write"));
        let write = "INSERT INTO written SELECT 0 + SLEEP(5) AS killed_write";
        let error = client.fails("main", write, &[]);
        assert_error(&error, ErrorCode::CONNECTION_LOST, "");
        assert_eq!(error.outcome, Some(Outcome::UNKNOWN));
    });
    assert_eq!(client.texts("main", "SELECT COUNT(*) FROM written"), ["0"]);
}

/// One after the other and whatever it does just then, as `pt-kill` does.
#[test]
fn connections_killed_under_load_cost_readers_nothing() {
    let mut trial = Trial::new(&[]);
    let calls = trial.under_load("connections killed", Plan::new(12, 4, PATIENT), |trial| {
        for _ in 0..10 {
            trial.database.kill_connections();
            std::thread::sleep(Duration::from_millis(100));
        }
    });
    assert_only_lost(&calls);
    assert_outcomes_are_true(&calls, &[&trial.database]);
}

/// As many statements at once as the pool may have connections; half of them are
/// not asked again if they fail.
fn use_all(trial: &Trial, clients: &mut [Client]) {
    std::thread::scope(|scope| {
        for (number, client) in clients.iter_mut().enumerate() {
            scope.spawn(move || match number % 2 {
                0 => client.run("main", "DO SLEEP(0.3)", &[]),
                _ => client.run("main", "SELECT SLEEP(0.3)", &[]),
            });
        }
    });
    assert!(trial.database.connections().len() > 1);
}

/// The server closes what the pool would keep for minutes.
#[test]
fn connections_that_the_server_closes_when_idle_cost_nothing() {
    let trial = Trial::new(&["--wait-timeout=1"]);
    let mut clients: Vec<_> = (0..POOL).map(|_| trial.service.client()).collect();
    for _ in 0..2 {
        use_all(&trial, &mut clients);
        wait_until("the server has closed them", || {
            trial.database.connections().is_empty()
        });
    }
    use_all(&trial, &mut clients);
}

/// A failover behind the same address looks like this from here: the old server
/// takes no more writes, and only new connections lead to the new one. One write
/// tells it for all.
#[test]
fn a_database_that_is_read_only_is_connected_to_anew() {
    let mut trial = Trial::new(&[]);
    let calls = trial.under_load("read only", Plan::new(16, 0, PATIENT), |trial| {
        let before = trial.database.connections();
        trial.database.run("SET GLOBAL read_only = ON");
        let mut client = trial.service.client_within(CURIOUS);
        let write = "INSERT INTO written VALUES (0)";
        let error = client.fails("main", write, &[]);
        assert_error(&error, ErrorCode::SHARD_READ_ONLY, "read-only");
        assert_eq!(error.outcome, Some(Outcome::NOT_APPLIED));
        wait_until("no connection is as old as that", || {
            let now = trial.database.connections();
            !now.is_empty() && now.iter().all(|id| !before.contains(id))
        });
        trial.database.run("SET GLOBAL read_only = OFF");
        client.run("main", write, &[]);
    });
    assert_eq!(failures(&calls).count(), 0, "{}", summary(&calls));
}

/// Each new connection costs the server a thread: while writes go on failing, the
/// pool is not replaced again and again.
#[test]
fn a_pool_is_not_replaced_for_every_write_that_is_refused() {
    let trial = Trial::new(&[]);
    trial.database.run("SET GLOBAL read_only = ON");
    let mut client = trial.service.client_within(CURIOUS);
    let opened = "SHOW GLOBAL STATUS LIKE 'Connections'";
    let count = || {
        let row: Option<(String, u64)> = trial.database.direct().query_first(opened).unwrap();
        row.unwrap().1
    };
    let before = count();
    for _ in 0..100 {
        let error = client.fails("main", "INSERT INTO written VALUES (0)", &[]);
        assert_error(&error, ErrorCode::SHARD_READ_ONLY, "read-only");
    }
    let opened = count() - before;
    assert!(opened < 50, "{opened} connections for 100 writes");
}
