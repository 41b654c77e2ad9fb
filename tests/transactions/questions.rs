//! What the service itself asks of the connection behind a caller's statement.

use forebay::error::ErrorKind;
use forebay::operation::{Batch, BatchMode, Limits, Operation};
use forebay::value::Value;
use mysql::prelude::Queryable;

use super::add;
use super::ends::assert_dead;
use crate::shards::{Bridge, LOSES_QUESTIONS, OPEN};
use crate::support::shard::*;
use crate::support::*;

/// The statement itself went well; the transaction is over, and its connection's
/// place is another's.
#[test]
fn a_connection_that_is_lost_behind_an_answer_is_given_up() {
    let bridge = Bridge::new();
    let lone = Lone::of(1, mysql_shard_at("main", "127.0.0.1", bridge.port));
    lone.make("TABLE t (n INT PRIMARY KEY) ENGINE=InnoDB");
    let mut transaction = lone.begin();
    add(&mut transaction, 1);
    bridge.set(LOSES_QUESTIONS);
    let limits = Limits {
        warnings_max: 10,
        ..limits()
    };
    let warns = Operation::Execute(statement("SELECT 1 / 0", &[]));
    let answer = transaction.run(&warns, &limits).unwrap();
    assert_eq!((answer.warning_count, answer.warnings.len()), (1, 0));
    assert!(transaction.is_dead());
    bridge.set(OPEN);
    assert_eq!((&lone).value("SELECT 'next'"), "next");
    assert_dead(&lone, transaction, &["CONNECTION_LOST"]);
}

/// A caller may limit its own rows, not ours.
#[test]
fn a_limit_of_the_callers_own_hides_nothing() {
    let lone = Lone::with_table(1);
    let mut other = lone.direct();
    other.query_drop("START TRANSACTION").unwrap();
    other.query_drop("INSERT INTO t (n) VALUES (9)").unwrap();
    let mut transaction = lone.begin();
    transaction.sql("SET sql_select_limit = 0", &[]);
    assert_eq!(transaction.value("SELECT 1"), "none");
    transaction.sql("SET sql_mode = 'ANSI_QUOTES'", &[]);
    add(&mut transaction, 1);
    transaction.sql("SET innodb_lock_wait_timeout = 1", &[]);
    let error = transaction.sql_fails("INSERT INTO t (n) VALUES (9)");
    assert_kind(&error, ErrorKind::LockTimeout, "");
    assert!(!transaction.is_dead());
    other.query_drop("ROLLBACK").unwrap();
    transaction.commit(&super::limits()).unwrap();
    assert_eq!(lone.numbers(), [1]);
}

/// Its names, its values, its warnings: all that an answer took is free for another.
#[test]
fn an_answer_that_is_not_kept_gives_back_what_it_took() {
    let lone = Lone::with_table(1);
    lone.make("PROCEDURE commits() BEGIN SELECT 'x' AS y; COMMIT; END");
    let wide = format!("SELECT 1 / 0 AS `{}`, NULL AS x", "c".repeat(60));
    let batches = [
        vec![step(&wide, &[]), step("SELECT nothing", &[])],
        vec![step_many(
            "INSERT IGNORE INTO t (n) VALUES (?) , (1)",
            vec![
                vec![Value::Int(1)],
                vec![text("no number")],
                vec![Value::List(vec![Value::Int(1), Value::Int(2)])],
            ],
        )],
        vec![step(&wide, &[]), step("CALL commits()", &[])],
    ];
    for steps in batches {
        let limits = Limits {
            warnings_max: 10,
            ..limits()
        };
        let mode = BatchMode::Atomic;
        let shown = format!("{steps:?}");
        let batch = Operation::Batch(Batch { mode, steps });
        let mut transaction = lone.begin();
        transaction.run(&batch, &limits).expect_err(&shown);
        assert!(limits.budget.take(16 << 20).is_ok(), "{shown}");
        transaction.rollback(&limits).unwrap();
    }
}

/// The next statement could not be written.
#[test]
fn an_answer_behind_which_the_modes_are_not_told_is_not_kept() {
    let bridge = Bridge::new();
    let lone = Lone::of(1, mysql_shard_at("main", "127.0.0.1", bridge.port));
    lone.make("TABLE t (n INT PRIMARY KEY) ENGINE=InnoDB");
    let mut transaction = lone.begin();
    bridge.set(LOSES_QUESTIONS);
    let limits = limits();
    let assigns = Operation::Execute(statement("SELECT @a := 1 AS a", &[]));
    let error = transaction.run(&assigns, &limits).unwrap_err();
    assert_kind(&error, ErrorKind::ConnectionLost, "");
    assert!(limits.budget.take(16 << 20).is_ok());
    bridge.set(OPEN);
    assert_dead(&lone, transaction, &["CONNECTION_LOST"]);
}
