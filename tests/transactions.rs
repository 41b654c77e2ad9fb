//! Transactions of callers on a real database: how they end, and that nothing of
//! them reaches anybody else.

mod ends;
mod leftovers;
mod questions;
mod savepoints;

use forebay::error::{ErrorKind, Outcome};
use forebay::operation::{Access, BatchMode, Isolation, Operation};
use forebay::value::Value;
use mysql::prelude::Queryable;

use crate::support::shard::*;

const ADD: &str = "INSERT INTO t (n) VALUES (?)";

fn add(runs: &mut impl Runs, n: i64) {
    runs.sql(ADD, &[Value::Int(n)]);
}

#[test]
fn what_is_committed_stays_and_nothing_else() {
    let lone = Lone::with_table(2);
    let mut transaction = lone.begin();
    add(&mut transaction, 1);
    assert_eq!(transaction.value("SELECT COUNT(*) FROM t"), "1");
    assert_eq!(lone.numbers(), [0; 0]);
    transaction.run(&Operation::Ping, &limits()).unwrap();
    transaction.commit(&limits()).unwrap();
    assert_eq!(lone.numbers(), [1]);
    let mut transaction = lone.begin();
    add(&mut transaction, 2);
    transaction.rollback(&limits()).unwrap();
    assert_eq!(lone.numbers(), [1]);
    let mut transaction = lone.begin();
    add(&mut transaction, 3);
    drop(transaction);
    // The row is locked until the server has seen that its connection is closed.
    let mut next = &lone;
    add(&mut next, 3);
    assert_eq!(lone.numbers(), [1, 3]);
}

#[test]
fn an_ordinary_error_ends_nothing() {
    let lone = Lone::with_table(1);
    let mut transaction = lone.begin();
    add(&mut transaction, 1);
    let error = transaction.sql_fails("INSERT INTO t (n) VALUES (2), (1)");
    assert_kind(&error, ErrorKind::DuplicateKey, "");
    assert_eq!(error.outcome(), Outcome::NotApplied);
    transaction.sql_fails("SELECT no_such_column FROM t");
    let error = transaction.sql_fails("COMMIT");
    assert_kind(&error, ErrorKind::StatementNotAllowed, "");
    let error = transaction.sql_fails("CREATE TABLE u (n INT)");
    assert_kind(&error, ErrorKind::StatementNotAllowed, "");
    assert!(!transaction.is_dead());
    transaction.commit(&limits()).unwrap();
    assert_eq!(lone.numbers(), [1]);
}

/// The server stops the statement alone.
#[test]
fn a_result_that_is_too_large_ends_nothing() {
    let lone = Lone::with_table(1);
    let mut transaction = lone.begin();
    add(&mut transaction, 1);
    let large = "WITH RECURSIVE many AS (SELECT 1 AS n UNION ALL SELECT n + 1 FROM many \
                 WHERE n < 500000) SELECT REPEAT('x', 100) FROM many";
    let steps = vec![
        step(ADD, &[Value::Int(2)]),
        step("SET max_recursive_iterations = 1000000", &[]),
        step(large, &[]),
        step(ADD, &[Value::Int(3)]),
    ];
    let answer = transaction.batch(BatchMode::Each, steps).unwrap();
    assert_eq!(letters(&answer), "DDFD");
    assert_kind(failed(&answer, 2), ErrorKind::ResultTooLarge, "");
    transaction.commit(&limits()).unwrap();
    assert_eq!(lone.numbers(), [1, 2, 3]);
}

#[test]
fn prepared_statements_run_in_it() {
    let prepared = |target: &mut forebay::config::MySqlTarget| {
        target.statements = forebay::config::StatementPath::Prepared;
    };
    let lone = Lone::with(1, prepared);
    lone.make("TABLE t (n INT PRIMARY KEY) ENGINE=InnoDB");
    let mut transaction = lone.begin();
    for n in 1..=3 {
        transaction.sql(ADD, &[Value::Int(n)]);
        let error = transaction.try_sql(ADD, &[Value::Int(n)]).unwrap_err();
        assert_kind(&error, ErrorKind::DuplicateKey, "");
    }
    let steps = vec![step(ADD, &[Value::Int(4)]), step(ADD, &[Value::Int(1)])];
    transaction.batch(BatchMode::Atomic, steps).unwrap_err();
    transaction.commit(&limits()).unwrap();
    let steps = vec![step(ADD, &[Value::Int(5)]), step(ADD, &[Value::Int(1)])];
    (&lone).batch(BatchMode::Atomic, steps).unwrap_err();
    assert_eq!(lone.numbers(), [1, 2, 3]);
}

#[test]
fn isolation_is_what_was_asked_for() {
    let lone = Lone::with_table(1);
    let mut other = lone.direct();
    let seen = "SELECT COUNT(*) FROM t";
    for (isolation, uncommitted, committed) in [
        (Some(Isolation::ReadUncommitted), "1", "1"),
        (Some(Isolation::ReadCommitted), "0", "1"),
        (Some(Isolation::RepeatableRead), "0", "0"),
        // After the others on the same connection.
        (None, "0", "0"),
    ] {
        let mut transaction = lone.begin_as(isolation, Access::ReadWrite);
        assert_eq!(transaction.value(seen), "0");
        other.query_drop("START TRANSACTION").unwrap();
        other.query_drop("INSERT INTO t (n) VALUES (1)").unwrap();
        assert_eq!(transaction.value(seen), uncommitted, "{isolation:?}");
        other.query_drop("COMMIT").unwrap();
        assert_eq!(transaction.value(seen), committed, "{isolation:?}");
        transaction.commit(&limits()).unwrap();
        other.query_drop("DELETE FROM t").unwrap();
    }
    let mut transaction = lone.begin_as(Some(Isolation::Serializable), Access::ReadWrite);
    assert_eq!(transaction.value(seen), "0");
    other
        .query_drop("SET innodb_lock_wait_timeout = 1")
        .unwrap();
    other
        .query_drop("INSERT INTO t (n) VALUES (1)")
        .unwrap_err();
    transaction.rollback(&limits()).unwrap();
}

#[test]
fn read_only_is_held_to() {
    let lone = Lone::with_table(1);
    let mut transaction = lone.begin_as(None, Access::ReadOnly);
    let error = transaction.sql_fails("INSERT INTO t (n) VALUES (1)");
    assert_eq!(error.kind(), ErrorKind::SqlError);
    assert_eq!(error.database().unwrap().errno, 1792);
    assert_eq!(transaction.value("SELECT COUNT(*) FROM t"), "0");
    transaction.commit(&limits()).unwrap();
    add(&mut &lone, 1);
    assert_eq!(lone.numbers(), [1]);
}

#[test]
fn table_locks_come_first_and_are_part_of_it() {
    let lone = Lone::with_table(1);
    let mut other = lone.direct();
    other.query_drop("SET lock_wait_timeout = 1").unwrap();
    for commits in [true, false] {
        let mut transaction = lone.begin();
        transaction.sql("LOCK TABLES t WRITE", &[]);
        other.query_drop("SELECT * FROM t").unwrap_err();
        add(&mut transaction, 1);
        transaction.sql_fails("INSERT INTO t (n) VALUES (1)");
        add(&mut transaction, 2);
        match commits {
            true => transaction.commit(&limits()).unwrap(),
            false => transaction.rollback(&limits()).unwrap(),
        }
        let left: Vec<u32> = other.query("SELECT n FROM t ORDER BY n").unwrap();
        assert_eq!(left, if commits { vec![1, 2] } else { vec![] });
        other.query_drop("DELETE FROM t").unwrap();
        assert_eq!((&lone).value("SELECT @@autocommit"), "1");
    }
    let mut transaction = lone.begin();
    add(&mut transaction, 1);
    let error = transaction.sql_fails("LOCK TABLES t WRITE");
    assert_kind(&error, ErrorKind::StatementNotAllowed, "");
    drop(transaction);
    let mut transaction = lone.begin_as(Some(Isolation::ReadCommitted), Access::ReadOnly);
    transaction.sql("LOCK TABLES t READ", &[]);
    assert_eq!(transaction.value("SELECT COUNT(*) FROM t"), "0");
    let isolation = "SELECT @@session.tx_isolation";
    assert_eq!(transaction.value(isolation), "READ-COMMITTED");
    transaction.commit(&limits()).unwrap();
    assert_eq!((&lone).value(isolation), "REPEATABLE-READ");
}
