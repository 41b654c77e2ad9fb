//! A database that has no room: for another connection, or for another row.

use std::time::Duration;

use forebay::operation::ParamStyle;
use forebay::rpc::generated::{ErrorCode, Outcome};

use super::trial::{CURIOUS, PATIENT, Trial, assert_only_lost};
use crate::support::load::{Plan, failures, summary};
use crate::support::proven::assert_outcomes_are_true;
use crate::support::server::{Mariadb, may_mount};
use crate::support::*;
use mysql::prelude::Queryable;

/// The least that MariaDB takes.
const CONNECTIONS_MAX: usize = 10;

/// Takes every place that there is, those of the service too.
fn take_all(database: &Mariadb) -> Vec<mysql::Conn> {
    let options = other(database);
    let mut taken = Vec::new();
    // A place is free some time after its connection has ended.
    wait_until("every place is taken", || {
        match mysql::Conn::new(options.clone()) {
            Ok(connection) => taken.push(connection),
            Err(mysql::Error::MySqlError(error)) if error.code == 1040 => {
                database.kill_connections();
            }
            Err(error) => panic!("{error}"),
        }
        taken.len() == CONNECTIONS_MAX
    });
    taken
}

fn other(database: &Mariadb) -> mysql::OptsBuilder {
    mysql::OptsBuilder::new()
        .user(Some("other"))
        .ip_or_hostname(Some(database.host.clone()))
        .tcp_port(database.port)
}

/// Takes every place that is left, those too that are free a moment later.
fn take_others(database: &Mariadb) -> Vec<mysql::Conn> {
    let (mut taken, mut refusals) = (Vec::new(), 0);
    while refusals < 20 {
        match mysql::Conn::new(other(database)) {
            Ok(connection) => taken.push(connection),
            Err(_) => {
                refusals += 1;
                std::thread::sleep(Duration::from_millis(5));
            }
        }
    }
    taken
}

fn small_database() -> Mariadb {
    let database = Mariadb::new(&[&format!("--max-connections={CONNECTIONS_MAX}")]);
    database.run("CREATE USER other@'%'");
    database
}

/// Nobody is told of it who can be served by the few that there are.
#[test]
fn a_pool_goes_on_with_the_connections_that_it_got() {
    let database = small_database();
    let mut others = take_all(&database);
    let mut trial = Trial::on(database, "");
    let mut client = trial.service.client_within(CURIOUS);
    let error = client.fails("main", "SELECT 1", &[]);
    assert_error(&error, ErrorCode::SHARD_UNAVAILABLE, "Too many connections");
    assert_eq!(error.outcome, Some(Outcome::NOT_APPLIED));

    others.truncate(others.len() - 2);
    wait_until("it has found the room", || {
        let asked = client.query("main", "SELECT 1", vec![], ParamStyle::Native);
        asked.is_ok()
    });
    drop(client);
    let calls = trial.under_load("two connections", Plan::new(12, 4, PATIENT), |trial| {
        // One that is refused is seen for a moment.
        wait_until("it has no more", || trial.database.connections().len() <= 2);
        drop(others);
    });
    assert_eq!(failures(&calls).count(), 0, "{}", summary(&calls));
}

/// Others take the places of connections that were lost.
#[test]
fn a_pool_without_connections_says_why_and_comes_back() {
    let mut trial = Trial::on(small_database(), "");
    let calls = trial.under_load("no connections", Plan::new(12, 4, PATIENT), |trial| {
        let _others = take_all(&trial.database);
        let mut client = trial.service.client_within(CURIOUS);
        let error = client.fails("main", "SELECT 1", &[]);
        assert_error(&error, ErrorCode::SHARD_UNAVAILABLE, "Too many connections");
        std::thread::sleep(Duration::from_millis(500));
    });
    assert_only_lost(&calls);
    assert_outcomes_are_true(&calls, &[&trial.database]);
}

/// Who tells the database to stop a statement needs a place, too.
#[test]
fn what_is_late_is_stopped_once_there_is_room_to_say_so() {
    let trial = Trial::on(small_database(), "");
    let mut client = trial.service.client_within(Duration::from_secs(2));
    client.run("main", "DO 1", &[]);
    // As long as it works, MariaDB does not notice that nobody waits for it.
    let works = "SELECT BENCHMARK(1000000000000, SHA2('x', 512)) AS crowded";
    let runs = || {
        let find = "SELECT COUNT(*) FROM information_schema.processlist \
                    WHERE info LIKE '%AS crowded' AND user = 'app'";
        let count: Option<u32> = trial.database.direct().query_first(find).unwrap();
        count != Some(0)
    };
    let mut others = std::thread::scope(|scope| {
        let asked = scope.spawn(move || client.fails("main", works, &[]));
        wait_until("it runs", runs);
        let others = take_others(&trial.database);
        let error = asked.join().unwrap();
        assert_error(&error, ErrorCode::DEADLINE_EXCEEDED, "");
        others
    });
    std::thread::sleep(Duration::from_millis(300));
    assert!(runs(), "nobody could have stopped it");
    others.truncate(others.len() - 2);
    wait_until("it is stopped", || !runs());
}

const DISK_BYTES: u64 = 64 << 20;

#[test]
fn a_full_disk_stops_writes_only_and_only_while_it_is_full() {
    if !may_mount() {
        println!("skipped: this user may not mount a disk of its own, which the test fills");
        return;
    }
    let database = Mariadb::with_disk(DISK_BYTES, &[]);
    database.run("CREATE TABLE large (id INT AUTO_INCREMENT PRIMARY KEY, t VARCHAR(3000))");
    let mut trial = Trial::on(database, "");
    let write = "INSERT INTO large (t) SELECT REPEAT('x', 3000) FROM seq_1_to_1000";
    let calls = trial.under_load("disk full", Plan::new(12, 0, PATIENT), |trial| {
        let mut client = trial.service.client();
        client.run("main", write, &[]);
        trial.database.fill_disk();
        for _ in 0..5 {
            let error = client.fails("main", write, &[]);
            assert_error(&error, ErrorCode::SQL_ERROR, "The table 'large' is full");
            assert_eq!(error.mysql_errno, Some(1114));
            assert_eq!(error.outcome, Some(Outcome::NOT_APPLIED));
        }
        trial.database.empty_disk();
        client.run("main", write, &[]);
        assert_eq!(client.texts("main", "SELECT COUNT(*) FROM large"), ["2000"]);
    });
    assert_eq!(failures(&calls).count(), 0, "{}", summary(&calls));
}
