//! What ends a transaction before its time, and what does not.

use std::time::Duration;

use forebay::backend::Transaction;
use forebay::error::{ErrorKind, Outcome};
use forebay::operation::{BatchMode, Operation};
use mysql::prelude::Queryable;

use super::add;
use crate::shards::{Bridge, CUT, SILENT};
use crate::support::shard::*;
use crate::support::*;

/// Dead, with that in its cause, and none of its rows is there.
#[track_caller]
pub fn assert_dead(lone: &Lone, mut transaction: Transaction, says: &[&str]) {
    assert!(transaction.is_dead());
    let mut messages = Vec::new();
    for operation in [
        Operation::Ping,
        Operation::Query(statement("SELECT 1", &[])),
    ] {
        let error = transaction.run(&operation, &limits()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::TransactionAborted);
        messages.push(error.message().to_owned());
    }
    let error = transaction.commit(&limits()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::TransactionAborted);
    messages.push(error.message().to_owned());
    for message in messages {
        for part in says {
            assert!(message.contains(part), "{message:?} does not say {part:?}");
        }
    }
    wait_until("it is rolled back", || lone.numbers().is_empty());
}

#[test]
fn a_deadlock_kills_one_of_two() {
    let lone = Lone::with_table(2);
    for n in [1, 2] {
        add(&mut &lone, n);
    }
    let mut heavy = lone.direct();
    heavy.query_drop("START TRANSACTION").unwrap();
    heavy
        .query_drop("UPDATE t SET b = 'heavy' WHERE n = 2")
        .unwrap();
    heavy
        .query_drop("INSERT INTO t (b) VALUES ('1'), ('2'), ('3'), ('4'), ('5')")
        .unwrap();
    let mut transaction = lone.begin();
    transaction.sql("UPDATE t SET b = 'light' WHERE n = 1", &[]);
    let error = std::thread::scope(|scope| {
        let sql = "UPDATE t SET b = 'light' WHERE n = 2 AND 'killed' <> ''";
        let light = scope.spawn(|| transaction.sql_fails(sql));
        wait_until("it waits", || running_like("'killed'") == 1);
        heavy
            .query_drop("UPDATE t SET b = 'heavy' WHERE n = 1")
            .unwrap();
        light.join().unwrap()
    });
    assert_kind(&error, ErrorKind::Deadlock, "");
    assert_eq!(error.outcome(), Outcome::NotApplied);
    heavy.query_drop("DELETE FROM t").unwrap();
    heavy.query_drop("COMMIT").unwrap();
    // It holds no place of the pool any more.
    let others: Vec<_> = (0..2).map(|_| lone.begin()).collect();
    drop(others);
    assert_dead(&lone, transaction, &["DEADLOCK", "1213"]);
}

/// After a deadlock the next step would run, and commit, outside of the transaction.
#[test]
fn a_deadlock_ends_every_kind_of_batch_in_it() {
    for mode in [BatchMode::Each, BatchMode::Atomic] {
        let lone = Lone::with_table(1);
        for n in [1, 2] {
            add(&mut &lone, n);
        }
        let mut heavy = lone.direct();
        heavy.query_drop("START TRANSACTION").unwrap();
        heavy
            .query_drop("INSERT INTO t (b) VALUES ('1'), ('2'), ('3'), ('4'), ('5')")
            .unwrap();
        heavy
            .query_drop("UPDATE t SET b = 'heavy' WHERE n = 2")
            .unwrap();
        let mut transaction = lone.begin();
        let mark = format!("'in_{mode:?}'");
        let steps = vec![
            step("UPDATE t SET b = 'light' WHERE n = 1", &[]),
            step(
                &format!("UPDATE t SET b = 'x' WHERE n = 2 AND {mark} <> ''"),
                &[],
            ),
            step("INSERT INTO t (n) VALUES (77)", &[]),
        ];
        let result = std::thread::scope(|scope| {
            let light = scope.spawn(|| transaction.batch(mode, steps));
            wait_until("it waits", || running_like(&mark) == 1);
            heavy
                .query_drop("UPDATE t SET b = 'heavy' WHERE n = 1")
                .unwrap();
            light.join().unwrap()
        });
        match result {
            Ok(answer) => assert_eq!(letters(&answer), "DFN"),
            Err(error) => {
                assert_kind(&error, ErrorKind::Deadlock, "");
                assert_eq!(error.item(), Some(1));
            }
        }
        heavy.query_drop("DELETE FROM t").unwrap();
        heavy.query_drop("COMMIT").unwrap();
        assert_dead(&lone, transaction, &["DEADLOCK", "1213"]);
    }
}

#[test]
fn a_lost_connection_is_never_replaced() {
    let lone = Lone::with_table(2);
    let mut transaction = lone.begin();
    add(&mut transaction, 1);
    let id = transaction.value("SELECT CONNECTION_ID()");
    direct().query_drop(format!("KILL {id}")).unwrap();
    // Even what only reads, and would be run again elsewhere.
    let query = Operation::Query(statement("SELECT 1", &[]));
    let error = transaction.run(&query, &limits()).unwrap_err();
    assert_kind(&error, ErrorKind::ConnectionLost, "");
    assert_eq!(error.outcome(), Outcome::NotApplied);
    assert_dead(&lone, transaction, &["CONNECTION_LOST"]);
}

#[test]
fn a_deadline_ends_it() {
    let lone = Lone::with_table(1);
    let mut transaction = lone.begin();
    add(&mut transaction, 1);
    let sql = "UPDATE t SET b = SLEEP(5) WHERE 'late_in_transaction' <> ''";
    let operation = Operation::Execute(statement(sql, &[]));
    let limits = limits_within(Duration::from_millis(200));
    let error = transaction.run(&operation, &limits).unwrap_err();
    assert_kind(&error, ErrorKind::DeadlineExceeded, "");
    assert_eq!(error.outcome(), Outcome::NotApplied);
    wait_until("it is stopped", || running_like("late_in_transaction") == 0);
    assert_dead(&lone, transaction, &["DEADLINE_EXCEEDED"]);
    assert_eq!((&lone).value("SELECT 'next'"), "next");
}

/// The time was up before anything was sent: it may be tried again.
#[test]
fn a_deadline_that_has_passed_before_ends_nothing() {
    let lone = Lone::with_table(1);
    let mut transaction = lone.begin();
    add(&mut transaction, 1);
    let operation = Operation::Execute(statement("INSERT INTO t (n) VALUES (2)", &[]));
    let limits_past = limits_within(Duration::ZERO);
    let error = transaction.run(&operation, &limits_past).unwrap_err();
    assert_kind(&error, ErrorKind::DeadlineExceeded, "");
    transaction.commit(&limits()).unwrap();
    assert_eq!(lone.numbers(), [1]);
}

/// Nobody can tell whether the server has taken it; here it has not.
#[test]
fn an_end_that_is_not_answered_is_not_taken_for_done() {
    for commits in [true, false] {
        let bridge = Bridge::new();
        let lone = Lone::of(1, mysql_shard_at("main", "127.0.0.1", bridge.port));
        lone.make("TABLE t (n INT PRIMARY KEY) ENGINE=InnoDB");
        let mut transaction = lone.begin();
        add(&mut transaction, 1);
        bridge.set(SILENT);
        let hurried = limits_within(Duration::from_millis(200));
        if commits {
            let error = transaction.commit(&hurried).unwrap_err();
            assert_kind(&error, ErrorKind::DeadlineExceeded, "");
            assert_eq!(error.outcome(), Outcome::Unknown);
        } else {
            transaction.rollback(&hurried).unwrap();
        }
        bridge.set(CUT);
        let mut direct = lone.direct();
        // Waits for the lock of a row that is still to be rolled back.
        direct.query_drop("INSERT INTO t VALUES (1)").unwrap();
    }
}

#[test]
fn a_dead_one_may_be_rolled_back() {
    let lone = Lone::with_table(1);
    let mut transaction = lone.begin();
    let id = transaction.value("SELECT CONNECTION_ID()");
    direct().query_drop(format!("KILL {id}")).unwrap();
    transaction.sql_fails("SELECT 1");
    assert!(transaction.is_dead());
    transaction.rollback(&limits()).unwrap();
}

/// One row is locked by another transaction; the wait for it is short.
fn times_out(lone: &Lone, mut other: mysql::Conn) -> Transaction {
    other.query_drop("START TRANSACTION").unwrap();
    other.query_drop("INSERT INTO t (n) VALUES (99)").unwrap();
    let mut transaction = lone.begin();
    transaction.sql("SET innodb_lock_wait_timeout = 1", &[]);
    add(&mut transaction, 1);
    let error = transaction.sql_fails("INSERT INTO t (n) VALUES (99)");
    assert_kind(&error, ErrorKind::LockTimeout, "");
    assert_eq!(error.outcome(), Outcome::NotApplied);
    other.query_drop("ROLLBACK").unwrap();
    transaction
}

#[test]
fn a_lock_timeout_ends_nothing() {
    let lone = Lone::with_table(1);
    let mut transaction = times_out(&lone, lone.direct());
    assert!(!transaction.is_dead());
    add(&mut transaction, 2);
    transaction.commit(&limits()).unwrap();
    assert_eq!(lone.numbers(), [1, 2]);
}

#[test]
fn a_lock_timeout_ends_it_where_the_server_says_so() {
    let server = OwnServer::new("--innodb-rollback-on-timeout=1");
    let connect = || {
        let url = format!("mysql://root@127.0.0.1:{}/test", server.port);
        mysql::Conn::new(url.as_str()).unwrap()
    };
    let table = "CREATE TABLE t (n INT PRIMARY KEY) ENGINE=InnoDB";
    connect().query_drop(table).unwrap();
    let mut config = mysql_shard_at("main", "127.0.0.1", server.port);
    target(&mut config).database = Some("test".to_owned());
    let lone = Lone::of(1, config);
    let mut transaction = times_out(&lone, connect());
    assert!(transaction.is_dead());
    let error = transaction.sql_fails("INSERT INTO t (n) VALUES (3)");
    assert_kind(&error, ErrorKind::TransactionAborted, "LOCK_TIMEOUT");
    assert_eq!((&lone).value("SELECT COUNT(*) FROM t"), "0");
}

#[test]
fn a_procedure_that_ends_the_transaction_is_found_out() {
    let lone = Lone::with_table(1);
    for body in [
        "commits() BEGIN COMMIT; END",
        "commits_and_begins() BEGIN COMMIT; START TRANSACTION; END",
        "makes_table() BEGIN CREATE TABLE IF NOT EXISTS u (n INT); END",
        "rolls_back() BEGIN ROLLBACK; END",
        "fails_after() BEGIN COMMIT; SIGNAL SQLSTATE '45000'; END",
    ] {
        lone.make(&format!("PROCEDURE {body}"));
        let name = body.split('(').next().unwrap();
        let mut transaction = lone.begin();
        add(&mut transaction, 1);
        let error = transaction.sql_fails(&format!("CALL {name}()"));
        let says = "ended its transaction by itself";
        assert_kind(&error, ErrorKind::TransactionAborted, says);
        assert_eq!(error.outcome(), Outcome::Unknown);
        assert!(transaction.is_dead());
        let error = transaction.sql_fails("INSERT INTO t (n) VALUES (2)");
        assert_kind(&error, ErrorKind::TransactionAborted, says);
        let error = transaction.commit(&limits()).unwrap_err();
        assert_kind(&error, ErrorKind::TransactionAborted, says);
        assert_eq!(error.outcome(), Outcome::Unknown);
        let left: &[u32] = if name == "rolls_back" { &[] } else { &[1] };
        assert_eq!(lone.numbers(), left, "{name}");
        lone.direct().query_drop("DELETE FROM t").unwrap();
    }
}

/// It had committed already, which nobody can know who lost it.
#[test]
fn a_procedure_that_was_lost_may_have_committed() {
    let lone = Lone::with_table(1);
    lone.make("PROCEDURE commits() BEGIN COMMIT; DO SLEEP(5) + LENGTH('lost_in_own'); END");
    let mut transaction = lone.begin();
    add(&mut transaction, 1);
    let error = std::thread::scope(|scope| {
        let call = scope.spawn(|| transaction.sql_fails("CALL commits()"));
        kill_running("lost_in_own");
        call.join().unwrap()
    });
    assert_kind(&error, ErrorKind::ConnectionLost, "");
    assert_eq!(error.outcome(), Outcome::Unknown);
    let error = transaction.commit(&limits()).unwrap_err();
    assert_kind(&error, ErrorKind::TransactionAborted, "CONNECTION_LOST");
    assert_eq!(error.outcome(), Outcome::Unknown);
    assert_eq!(lone.numbers(), [1]);
}

#[test]
fn other_procedures_run_in_the_transaction() {
    let lone = Lone::with_table(1);
    lone.make("PROCEDURE adds() BEGIN INSERT INTO t (n) VALUES (50); END");
    lone.make("PROCEDURE fails() BEGIN SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'no'; END");
    let mut transaction = lone.begin();
    transaction.sql("CALL adds()", &[]);
    let error = transaction.sql_fails("CALL fails()");
    assert_kind(&error, ErrorKind::SqlError, "no");
    transaction.sql("DO SLEEP(0)", &[]);
    assert_eq!(lone.numbers(), [0; 0]);
    transaction.commit(&limits()).unwrap();
    assert_eq!(lone.numbers(), [50]);
}

/// The server tells of it when rows were sent already, and the limit was met by one of them.
#[test]
fn a_deadlock_behind_a_limit_ends_it() {
    let lone = Lone::with_table(1);
    lone.make("TABLE u (n INT) ENGINE=InnoDB");
    lone.make("TABLE w (n INT) ENGINE=InnoDB");
    let mut heavy = lone.direct();
    heavy
        .query_drop("INSERT INTO t (n, b) SELECT seq, REPEAT('x', 40000) FROM seq_1_to_6")
        .unwrap();
    heavy.query_drop("START TRANSACTION").unwrap();
    heavy
        .query_drop("INSERT INTO w SELECT seq FROM seq_1_to_2000")
        .unwrap();
    heavy
        .query_drop("UPDATE t SET b = 'h' WHERE id = 4")
        .unwrap();
    let mut transaction = lone.begin();
    transaction.sql("INSERT INTO u VALUES (1)", &[]);
    transaction.sql("SELECT id FROM t WHERE id = 1 FOR UPDATE", &[]);
    let error = std::thread::scope(|scope| {
        scope.spawn(|| {
            heavy
                .query_drop("UPDATE t SET b = 'heavy' WHERE id = 1")
                .unwrap()
        });
        wait_until("it waits", || running_like("'heavy'") == 1);
        let mut few = limits();
        few.result_max_rows = 1;
        let sql = "SELECT id, b FROM t ORDER BY id FOR UPDATE";
        transaction
            .run(&Operation::Execute(statement(sql, &[])), &few)
            .unwrap_err()
    });
    assert_kind(&error, ErrorKind::Deadlock, "");
    assert!(transaction.is_dead());
    let error = transaction.sql_fails("INSERT INTO u VALUES (2)");
    assert_kind(&error, ErrorKind::TransactionAborted, "DEADLOCK");
    transaction.rollback(&limits()).unwrap();
    let left: Vec<u32> = lone.direct().query("SELECT n FROM u").unwrap();
    assert_eq!(left, [0; 0]);
}

/// The answer comes after the deadline and within the slack of the wait for it: what
/// the timeout has ended cannot be asked any more.
#[test]
fn a_lock_timeout_past_the_deadline_ends_it() {
    let server = OwnServer::new("--innodb-rollback-on-timeout=1 --innodb-lock-wait-timeout=5");
    let connect = || {
        let url = format!("mysql://root@127.0.0.1:{}/test", server.port);
        mysql::Conn::new(url.as_str()).unwrap()
    };
    let mut config = mysql_shard_at("main", "127.0.0.1", server.port);
    target(&mut config).database = Some("test".to_owned());
    let lone = Lone::of(1, config);
    let mut other = connect();
    other
        .query_drop("CREATE TABLE t (n INT PRIMARY KEY) ENGINE=InnoDB")
        .unwrap();
    other.query_drop("INSERT INTO t VALUES (1)").unwrap();
    other.query_drop("START TRANSACTION").unwrap();
    other.query_drop("DELETE FROM t WHERE n = 1").unwrap();
    let mut transaction = lone.begin();
    add(&mut transaction, 10);
    let waits = Operation::Execute(statement("SELECT n FROM t WHERE n = 1 FOR UPDATE", &[]));
    let limits_now = limits_within(Duration::from_millis(4_970));
    transaction.run(&waits, &limits_now).unwrap_err();
    let error = transaction.sql_fails("INSERT INTO t (n) VALUES (11)");
    assert_kind(&error, ErrorKind::TransactionAborted, "");
    other.query_drop("ROLLBACK").unwrap();
    assert_eq!(other.query::<u32, _>("SELECT n FROM t").unwrap(), [1]);
}
