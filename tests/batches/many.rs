//! One statement for many rows of parameters (executemany).

use forebay::error::{ErrorKind, Outcome};
use forebay::operation::{BatchMode, ParamStyle, Params, Statement, Step};
use forebay::value::Value;
use mysql::prelude::Queryable;

use super::{add, add_many};
use crate::support::shard::*;
use crate::support::*;

#[test]
fn many_rows_go_in_few_statements() {
    let mut lone = Lone::with_table(1);
    let step = add_many(1..=10_000);
    let answer = lone.batch(BatchMode::Each, vec![step]).unwrap();
    let total = done(&answer, 0);
    assert_eq!(total.affected_rows, 10_000);
    assert!(total.statements < 10, "{}", total.statements);
    assert_eq!(total.insert_id, 1);
    assert_eq!(lone.numbers().len(), 10_000);
}

/// Together they are twice what one packet may hold, and one alone nearly all of it.
#[test]
fn many_rows_over_several_packets_are_all_or_none() {
    let mut lone = Lone::with_table(1);
    let sql = "INSERT INTO t (n, b) VALUES (?, ?)";
    let row = |n: i64, length: usize| vec![Value::Int(n), text(&"x".repeat(length))];
    let mut rows: Vec<_> = (1..=10_000).map(|n| row(n, 3_000)).collect();
    rows.push(row(10_001, (16 << 20) - 200));
    let mut failing = rows.clone();
    failing.push(row(5_000, 1));
    for mode in [BatchMode::Each, BatchMode::Atomic] {
        let steps = vec![step_many(sql, failing.clone())];
        let error = match lone.batch(mode, steps) {
            Ok(answer) => failed(&answer, 0).clone(),
            Err(error) => error,
        };
        assert_kind(&error, ErrorKind::DuplicateKey, "");
        assert_eq!(error.outcome(), Outcome::NotApplied);
        assert_eq!(lone.numbers().len(), 0, "{mode:?}");
    }
    let steps = vec![step_many(sql, rows)];
    let answer = lone.batch(BatchMode::Each, steps).unwrap();
    let total = done(&answer, 0);
    assert_eq!(total.affected_rows, 10_001);
    assert!(
        (3..1_000).contains(&total.statements),
        "{}",
        total.statements
    );
    assert_eq!(lone.numbers().len(), 10_001);
    let sum = "SELECT SUM(LENGTH(b)) FROM t";
    assert_eq!(
        lone.value(sum),
        (10_000 * 3_000 + (16 << 20) - 200).to_string()
    );
    // One row that no packet can hold: nothing is sent.
    let steps = vec![step_many(sql, vec![row(20_000, 1), row(20_001, 17 << 20)])];
    let answer = lone.batch(BatchMode::Each, steps).unwrap();
    assert_kind(failed(&answer, 0), ErrorKind::RequestTooLarge, "");
    assert_eq!(lone.numbers().len(), 10_001);
}

#[test]
fn many_rows_of_other_statements() {
    let mut lone = Lone::with_table(1);
    lone.batch(BatchMode::Each, vec![add_many(1..=3)]).unwrap();
    let upsert = "INSERT INTO t (n, b) VALUES (?, 'new') ON DUPLICATE KEY UPDATE b = 'old'";
    let rows = (3..=4).map(|n| vec![Value::Int(n)]).collect();
    let update = "UPDATE t SET b = ? WHERE n = ?";
    let updates = (1..=2)
        .map(|n| vec![text("changed"), Value::Int(n)])
        .collect();
    let steps = vec![step_many(upsert, rows), step_many(update, updates)];
    let answer = lone.batch(BatchMode::Each, steps).unwrap();
    // MySQL counts a row that was there, and changed, twice.
    assert_eq!(done(&answer, 0).affected_rows, 3);
    assert_eq!(done(&answer, 1).affected_rows, 2);
    assert_eq!(done(&answer, 1).statements, 2);
    let texts: Vec<String> = lone.direct().query("SELECT b FROM t ORDER BY n").unwrap();
    assert_eq!(texts, ["changed", "changed", "old", "new"]);
    let named = Statement {
        style: ParamStyle::Pyformat,
        ..statement("DELETE FROM t WHERE n = %(n)s", &[])
    };
    let row = |n| Params::Named([("n".to_owned(), Value::Int(n))].into());
    let step = Step {
        statement: named,
        rows: Some(vec![row(1), row(4)]),
        condition: None,
    };
    let answer = lone.batch(BatchMode::Atomic, vec![step]).unwrap();
    assert_eq!(done(&answer, 0).affected_rows, 2);
    assert_eq!(lone.numbers(), [2, 3]);
}

#[test]
fn many_rows_that_return_rows_are_refused_and_undone() {
    let mut lone = Lone::with_table(1);
    lone.make("PROCEDURE shows(m INT) BEGIN INSERT INTO t (n) VALUES (m); SELECT m; END");
    for (sql, rows) in [
        ("SELECT ?", 1),
        ("INSERT INTO t (n) VALUES (?) RETURNING id", 1),
        ("INSERT INTO t (n) VALUES (?) RETURNING id", 2),
        ("CALL shows(?)", 1),
        ("CALL shows(?)", 2),
        // Would commit.
        ("CREATE TABLE u (n INT DEFAULT ?)", 1),
    ] {
        let rows = (0..rows).map(|n| vec![Value::Int(n)]).collect();
        let step = step_many(sql, rows);
        let answer = lone.batch(BatchMode::Each, vec![step, add(7)]).unwrap();
        assert_eq!(letters(&answer), "FD", "{sql}");
        let error = failed(&answer, 0);
        assert_eq!(
            error.kind(),
            ErrorKind::StatementNotAllowed,
            "{sql}: {error}"
        );
        assert_eq!(error.outcome(), Outcome::NotApplied, "{sql}");
        assert_eq!(lone.numbers(), [7], "{sql}");
        lone.sql("DELETE FROM t", &[]);
    }
}

#[test]
fn many_rows_that_fail_are_undone_and_the_batch_goes_on() {
    let mut lone = Lone::with_table(1);
    let update = "UPDATE t SET n = ? WHERE n = ?";
    let pairs = [[11, 1], [12, 2], [11, 3]];
    let rows = pairs.map(|pair| pair.map(Value::Int).to_vec()).to_vec();
    let steps = vec![add_many(1..=3), step_many(update, rows), add(4)];
    let answer = lone.batch(BatchMode::Each, steps).unwrap();
    assert_eq!(letters(&answer), "DFD");
    assert_kind(failed(&answer, 1), ErrorKind::DuplicateKey, "");
    assert_eq!(lone.numbers(), [1, 2, 3, 4]);
}

/// MariaDB's ANALYZE runs the statement.
#[test]
fn what_returns_rows_unasked_is_undone() {
    let mut lone = Lone::with_table(1);
    lone.sql("INSERT INTO t (n) VALUES (1)", &[]);
    let many = step_many(
        "ANALYZE UPDATE t SET b = ? WHERE n = 1",
        vec![vec![text("changed")]],
    );
    let answer = lone.batch(BatchMode::Each, vec![many]).unwrap();
    let error = failed(&answer, 0);
    assert_eq!(error.outcome(), Outcome::NotApplied);
    assert_eq!(lone.value("SELECT b FROM t"), "NULL");
}

/// All are written before the first is sent.
#[test]
fn rows_are_not_sent_under_other_modes() {
    let lone = Lone::with_table(1);
    let mut transaction = lone.begin();
    let row = |value: &str| vec![text("NO_BACKSLASH_ESCAPES"), text(value)];
    let many = step_many(
        "SET sql_mode = ?, @a = ?",
        vec![row("x"), row("', @hit = 1 -- ")],
    );
    let answer = transaction.batch(BatchMode::Each, vec![many]).unwrap();
    assert_kind(
        failed(&answer, 0),
        ErrorKind::StatementNotAllowed,
        "sql_mode",
    );
    assert_eq!(transaction.value("SELECT @hit"), "NULL");
}
