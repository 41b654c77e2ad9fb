//! Savepoints: a caller's own, and those that undo a part of a transaction.

use forebay::error::ErrorKind;
use forebay::operation::{BatchMode, Insert, InsertMode, Operation};
use forebay::value::Value;

use super::ends::assert_dead;
use super::{ADD, add};
use crate::support::shard::*;
use crate::support::*;

#[test]
fn savepoints_of_the_caller() {
    let lone = Lone::with_table(1);
    let mut transaction = lone.begin();
    add(&mut transaction, 1);
    transaction.sql("SAVEPOINT here", &[]);
    add(&mut transaction, 2);
    // Its own savepoints leave the caller's alone.
    transaction
        .batch(BatchMode::Atomic, vec![step(ADD, &[Value::Int(3)])])
        .unwrap();
    transaction.sql("DO SLEEP(0)", &[]);
    transaction.sql("ROLLBACK TO SAVEPOINT here", &[]);
    add(&mut transaction, 4);
    transaction.sql("RELEASE SAVEPOINT here", &[]);
    let error = transaction.sql_fails("ROLLBACK TO SAVEPOINT here");
    assert_eq!(error.database().unwrap().errno, 1305);
    assert!(!transaction.is_dead());
    transaction.commit(&limits()).unwrap();
    assert_eq!(lone.numbers(), [1, 4]);
}

#[test]
fn batches_and_inserts_within_it_are_undone_by_themselves() {
    let lone = Lone::with_table(1);
    let mut transaction = lone.begin();
    add(&mut transaction, 1);
    let steps = vec![step(ADD, &[Value::Int(2)]), step(ADD, &[Value::Int(1)])];
    let error = transaction
        .batch(BatchMode::Atomic, steps.clone())
        .unwrap_err();
    assert_eq!(error.item(), Some(1));
    assert_eq!(transaction.value("SELECT COUNT(*) FROM t"), "1");
    let answer = transaction.batch(BatchMode::Each, steps).unwrap();
    assert_eq!(letters(&answer), "DF");
    assert_eq!(transaction.value("SELECT COUNT(*) FROM t"), "2");
    // Two statements, of which the second fails.
    let update = |pairs: &[[i64; 2]]| {
        let rows = pairs.iter().map(|pair| pair.map(Value::Int).to_vec());
        step_many("UPDATE t SET n = ? WHERE n = ?", rows.collect())
    };
    let steps = vec![update(&[[3, 2], [1, 3]]), update(&[[3, 2]])];
    let answer = transaction.batch(BatchMode::Each, steps).unwrap();
    assert_eq!(letters(&answer), "FD");
    let failing = Insert {
        database: None,
        table: "t".to_owned(),
        columns: vec!["n".to_owned(), "b".to_owned()],
        rows: [5, 6, 1]
            .map(|n| vec![Value::Int(n), text(&"x".repeat(600_000))])
            .to_vec(),
        mode: InsertMode::Insert,
    };
    let insert = Operation::Insert(failing.clone());
    let error = transaction.run(&insert, &limits()).unwrap_err();
    assert_kind(&error, ErrorKind::DuplicateKey, "");
    let mut rows = failing.rows;
    rows[2][0] = Value::Int(7);
    let insert = Operation::Insert(Insert { rows, ..failing });
    let answer = transaction.run(&insert, &limits()).unwrap();
    assert_eq!(answer.statements, 3);
    assert_eq!(lone.numbers(), [0; 0]);
    transaction.commit(&limits()).unwrap();
    assert_eq!(lone.numbers(), [1, 3, 5, 6, 7]);
}

/// They would move where the batch begins, which then is not all or nothing.
#[test]
fn savepoints_are_refused_within_a_batch() {
    let lone = Lone::with_table(1);
    let mut transaction = lone.begin();
    transaction.sql("SAVEPOINT forebay_unit", &[]);
    add(&mut transaction, 1);
    for sql in [
        "SAVEPOINT a",
        "savepoint `forebay's unit`",
        "RELEASE SAVEPOINT forebay_unit",
        "ROLLBACK TO forebay_unit",
        "ROLLBACK WORK TO SAVEPOINT forebay_unit",
    ] {
        let steps = vec![step(ADD, &[Value::Int(2)]), step(sql, &[])];
        let error = transaction.batch(BatchMode::Atomic, steps).unwrap_err();
        assert_kind(&error, ErrorKind::StatementNotAllowed, "atomic batch");
        assert_eq!(error.item(), Some(1), "{sql}");
        let rows = vec![vec![], vec![]];
        let answer = transaction
            .batch(BatchMode::Each, vec![step_many(sql, rows)])
            .unwrap();
        let error = failed(&answer, 0);
        assert_kind(error, ErrorKind::StatementNotAllowed, "atomic batch");
    }
    let steps = vec![
        step("SAVEPOINT b", &[]),
        step(ADD, &[Value::Int(3)]),
        step("ROLLBACK TO b", &[]),
    ];
    let answer = transaction.batch(BatchMode::Each, steps).unwrap();
    assert_eq!(letters(&answer), "DDD");
    transaction.sql("RELEASE SAVEPOINT forebay_unit", &[]);
    transaction.commit(&limits()).unwrap();
    assert_eq!(lone.numbers(), [1]);
}

#[test]
fn a_savepoint_that_a_batch_lost_ends_the_transaction() {
    let lone = Lone::with_table(1);
    let mut transaction = lone.begin();
    lone.make("PROCEDURE undoes() BEGIN ROLLBACK TO SAVEPOINT here; END");
    transaction.sql("SAVEPOINT here", &[]);
    add(&mut transaction, 1);
    // It undoes more than the batch, which then is not all or nothing.
    let steps = vec![step("CALL undoes()", &[]), step(ADD, &[Value::Int(2)])];
    let error = transaction.batch(BatchMode::Atomic, steps).unwrap_err();
    assert_kind(&error, ErrorKind::TransactionAborted, "");
    assert_dead(&lone, transaction, &["TRANSACTION_ABORTED"]);
}
