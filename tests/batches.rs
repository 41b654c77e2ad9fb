//! Batches and executemany on a real database.

mod many;

use std::time::Duration;

use forebay::error::{ErrorKind, Outcome, Retry};
use forebay::operation::{BatchMode, Insert, InsertMode, Limits, Operation, Params, Step, Wanted};
use forebay::value::Value;
use mysql::prelude::Queryable;

use crate::support::shard::*;
use crate::support::*;

const ADD: &str = "INSERT INTO t (n) VALUES (?)";

fn add(n: i64) -> Step {
    step(ADD, &[Value::Int(n)])
}

fn add_many(numbers: impl Iterator<Item = i64>) -> Step {
    step_many(ADD, numbers.map(|n| vec![Value::Int(n)]).collect())
}

#[test]
fn each_step_is_on_its_own_or_stops_the_rest() {
    let mut lone = Lone::with_table(1);
    let steps = || vec![add(1), add(1), add(2)];
    let answer = lone.batch(BatchMode::Each, steps()).unwrap();
    assert_eq!(letters(&answer), "DFD");
    assert_eq!(answer.attempts, 1);
    let error = failed(&answer, 1);
    assert_kind(error, ErrorKind::DuplicateKey, "");
    assert_eq!(error.outcome(), Outcome::NotApplied);
    assert_eq!(lone.numbers(), [1, 2]);
    lone.sql("DELETE FROM t", &[]);
    let answer = lone.batch(BatchMode::StopOnError, steps()).unwrap();
    assert_eq!(letters(&answer), "DFN");
    assert_eq!(lone.numbers(), [1]);
}

#[test]
fn an_atomic_batch_is_all_or_nothing() {
    let mut lone = Lone::with_table(1);
    let answer = lone.batch(BatchMode::Atomic, vec![add(1), add(2)]).unwrap();
    assert_eq!(letters(&answer), "DD");
    assert_eq!(answer.attempts, 1);
    assert_eq!(lone.numbers(), [1, 2]);
    let steps = vec![add(3), step("SELECT 1", &[]), add(2), add(4)];
    let error = lone.batch(BatchMode::Atomic, steps).unwrap_err();
    assert_kind(&error, ErrorKind::DuplicateKey, "Duplicate entry '2'");
    assert_eq!(error.item(), Some(2));
    assert_eq!(error.outcome(), Outcome::NotApplied);
    assert_eq!(lone.numbers(), [1, 2]);
    let refused = vec![add(5), step("CREATE TABLE u (n INT)", &[])];
    let error = lone.batch(BatchMode::Atomic, refused).unwrap_err();
    assert_kind(&error, ErrorKind::StatementNotAllowed, "");
    assert_eq!(error.item(), Some(1));
    assert_eq!(lone.numbers(), [1, 2]);
}

#[test]
fn conditions_and_ids_of_earlier_steps() {
    let mut lone = Lone::with_table(1);
    lone.make("TABLE log (of_id BIGINT, what TEXT)");
    let update = "UPDATE t SET b = 'x' WHERE n = 1";
    let log = "INSERT INTO log VALUES (?, 'logged')";
    let steps = || {
        let mut insert = step_if("INSERT INTO t (n, b) VALUES (1, 'x')", 0, Wanted::NoRows);
        insert.statement.params = Params::Absent;
        vec![
            step(update, &[]),
            insert,
            step_if("INSERT INTO log VALUES (0, 'updated')", 0, Wanted::Rows),
        ]
    };
    let answer = lone.batch(BatchMode::Atomic, steps()).unwrap();
    assert_eq!(letters(&answer), "DDS");
    let id = done(&answer, 1).insert_id;
    assert!(id > 0);
    // The second time there is a row, though the update changes nothing in it.
    let answer = lone.batch(BatchMode::Atomic, steps()).unwrap();
    assert_eq!(letters(&answer), "DSD");
    let steps = vec![
        add(2),
        step(log, &[Value::InsertIdOf(0)]),
        step_many(log, vec![vec![Value::InsertIdOf(0)], vec![Value::Int(9)]]),
        step("SELECT 1", &[]),
        step(log, &[Value::InsertIdOf(3)]),
    ];
    let answer = lone.batch(BatchMode::Each, steps).unwrap();
    assert_eq!(letters(&answer), "DDDDF");
    let says = "step 4 asks for the insert id of step 3";
    assert_kind(failed(&answer, 4), ErrorKind::InvalidArgument, says);
    let made = done(&answer, 0).insert_id;
    let sql = "SELECT of_id FROM log WHERE what = 'logged' ORDER BY of_id";
    let logged: Vec<u64> = lone.direct().query(sql).unwrap();
    assert_eq!(
        logged,
        if made < 9 {
            [made, made, 9]
        } else {
            [9, made, made]
        }
    );
}

/// The other transaction has changed more rows, so that the batch is the victim.
#[test]
fn a_batch_that_deadlocks_is_run_again() {
    let mut lone = Lone::with_table(1);
    lone.batch(BatchMode::Atomic, vec![add_many(1..=100)])
        .unwrap();
    let mut other = lone.direct();
    other.query_drop("START TRANSACTION").unwrap();
    other
        .query_drop("UPDATE t SET b = 'other' WHERE id > 1")
        .unwrap();
    let steps = vec![
        step("SELECT REPEAT('x', 100) FROM t", &[]),
        step(
            "UPDATE t SET b = CONCAT(COALESCE(b, ''), '+') WHERE n = 1",
            &[],
        ),
        step(
            "UPDATE t SET b = 'batch' WHERE n = 2 AND 'deadlocks' <> ''",
            &[],
        ),
    ];
    std::thread::scope(|scope| {
        let batch = scope.spawn(|| (&lone).batch(BatchMode::Atomic, steps));
        wait_until("the batch waits", || running_like("'deadlocks'") == 1);
        other
            .query_drop("UPDATE t SET b = 'both' WHERE n = 1")
            .unwrap();
        other.query_drop("COMMIT").unwrap();
        let answer = batch.join().unwrap().unwrap();
        assert_eq!(letters(&answer), "DDD");
        assert_eq!(answer.attempts, 2);
    });
    assert_eq!(lone.value("SELECT b FROM t WHERE n = 1"), "both+");
    assert_eq!(lone.value("SELECT b FROM t WHERE n = 2"), "batch");
}

#[test]
fn a_lost_connection_undoes_an_atomic_batch() {
    let mut lone = Lone::with_table(1);
    let batch = |mode, mark: &str| {
        let sleep = format!("UPDATE t SET b = SLEEP(5) WHERE n = 1 AND '{mark}' <> ''");
        std::thread::scope(|scope| {
            let steps = vec![add(1), step(&sleep, &[]), add(2)];
            let batch = scope.spawn(|| (&lone).batch(mode, steps));
            kill_running(mark);
            batch.join().unwrap()
        })
    };
    let error = batch(BatchMode::Atomic, "lost_atomic").unwrap_err();
    assert_kind(&error, ErrorKind::ConnectionLost, "");
    assert_eq!(error.item(), Some(1));
    assert_eq!(error.outcome(), Outcome::NotApplied);
    assert_eq!(error.retry(), Retry::AfterPause);
    wait_until("it is rolled back", || lone.numbers().is_empty());
    let answer = batch(BatchMode::Each, "lost_each").unwrap();
    assert_eq!(letters(&answer), "DFN");
    assert_kind(failed(&answer, 1), ErrorKind::ConnectionLost, "");
    assert_eq!(failed(&answer, 1).outcome(), Outcome::Unknown);
    assert_eq!(lone.numbers(), [1]);
    assert_eq!(lone.value("SELECT 'next'"), "next");
}

#[test]
fn a_deadline_undoes_an_atomic_batch() {
    let lone = Lone::with_table(1);
    let steps = vec![
        add(1),
        step("SELECT SLEEP(5) AS past_the_deadline", &[]),
        add(2),
    ];
    let batch = |mode| {
        let steps = steps.clone();
        let operation = Operation::Batch(forebay::operation::Batch { mode, steps });
        let limits = limits_within(Duration::from_millis(300));
        lone.shard().run(&operation, &limits)
    };
    let error = batch(BatchMode::Atomic).unwrap_err();
    assert_kind(&error, ErrorKind::DeadlineExceeded, "");
    assert_eq!(error.item(), Some(1));
    assert_eq!(error.outcome(), Outcome::NotApplied);
    wait_until("it is stopped", || running_like("past_the_deadline") == 0);
    wait_until("it is rolled back", || lone.numbers().is_empty());
    let answer = batch(BatchMode::Each).unwrap();
    assert_eq!(letters(&answer), "DFN");
    assert_eq!(lone.numbers(), [1]);
}

/// A result that is over a limit may cost its connection, but no other step.
#[test]
fn a_result_that_is_too_large_harms_no_other_step() {
    let lone = Lone::with_table(1);
    let large = "SELECT 1 UNION ALL SELECT 2 UNION ALL SELECT 3";
    let limits = Limits {
        result_max_rows: 2,
        ..limits()
    };
    let steps = vec![add(1), step(large, &[]), add(2)];
    let mode = BatchMode::Each;
    let batch = Operation::Batch(forebay::operation::Batch { mode, steps });
    let answer = lone.shard().run(&batch, &limits).unwrap();
    assert_eq!(letters(&answer), "DFD");
    assert_kind(failed(&answer, 1), ErrorKind::ResultTooLarge, "");
    assert_eq!(lone.numbers(), [1, 2]);
}

/// A procedure that commits makes an atomic batch more than atomic: it is told,
/// and nothing is said to be undone.
#[test]
fn a_procedure_that_commits_is_found_out() {
    let mut lone = Lone::with_table(1);
    lone.make("PROCEDURE commits() BEGIN COMMIT; END");
    lone.make("PROCEDURE adds() BEGIN INSERT INTO t (n) VALUES (50); END");
    let steps = |procedure: &str| vec![add(1), step(&format!("CALL {procedure}()"), &[]), add(2)];
    let error = lone.batch(BatchMode::Atomic, steps("commits")).unwrap_err();
    assert_kind(
        &error,
        ErrorKind::TransactionAborted,
        "ended its transaction",
    );
    assert_eq!(error.outcome(), Outcome::Unknown);
    assert_eq!(error.item(), Some(1));
    assert_eq!(lone.numbers(), [1]);
    lone.sql("DELETE FROM t", &[]);
    let answer = lone.batch(BatchMode::Atomic, steps("adds")).unwrap();
    assert_eq!(letters(&answer), "DDD");
    assert_eq!(lone.numbers(), [1, 2, 50]);
    // With an error after it, what a procedure did is undone.
    let steps = vec![
        step("DELETE FROM t", &[]),
        step("CALL adds()", &[]),
        add(3),
        add(3),
    ];
    let error = lone.batch(BatchMode::Atomic, steps).unwrap_err();
    assert_eq!(error.outcome(), Outcome::NotApplied);
    assert_eq!(lone.numbers(), [1, 2, 50]);
}

/// It had committed already, which nobody can know who lost it.
#[test]
fn a_procedure_that_was_lost_may_have_committed() {
    let lone = Lone::with_table(1);
    lone.make("PROCEDURE commits() BEGIN COMMIT; DO SLEEP(5) + LENGTH('lost_in_batch'); END");
    let error = std::thread::scope(|scope| {
        let steps = vec![add(1), step("CALL commits()", &[])];
        let batch = scope.spawn(|| (&lone).batch(BatchMode::Atomic, steps));
        kill_running("lost_in_batch");
        batch.join().unwrap().unwrap_err()
    });
    assert_kind(&error, ErrorKind::ConnectionLost, "");
    assert_eq!(error.outcome(), Outcome::Unknown);
    assert_eq!(error.retry(), Retry::No);
    assert_eq!(lone.numbers(), [1]);
}

/// A batch costs a statement to begin, one to commit and one for each step.
#[test]
fn a_clean_commit_needs_no_reset() {
    let mut lone = Lone::with_table(1);
    lone.sql("SELECT 1", &[]);
    let asked = |lone: &mut Lone| -> u64 {
        let answer = lone.sql("SHOW SESSION STATUS LIKE 'Questions'", &[]);
        let rows = answer.rows.unwrap();
        let forebay::value::ColumnData::Strings(values) = &rows.columns[1].data else {
            panic!("{rows:?}");
        };
        values.get_str(0).unwrap().parse().unwrap()
    };
    let before = asked(&mut lone);
    let steps = vec![add(1), add(2), step("SELECT n FROM t", &[])];
    lone.batch(BatchMode::Atomic, steps).unwrap();
    assert_eq!(asked(&mut lone) - before, 3 + 2 + 1);
    let before = asked(&mut lone);
    let insert = Insert {
        database: None,
        table: "t".to_owned(),
        columns: vec!["b".to_owned()],
        rows: vec![vec![text(&"x".repeat(600_000))]; 3],
        mode: InsertMode::Insert,
    };
    let answer = lone.operate(&Operation::Insert(insert), &limits()).unwrap();
    assert_eq!(answer.statements, 3);
    assert_eq!(asked(&mut lone) - before, 3 + 2 + 1);
}

#[test]
fn what_a_batch_leaves_reaches_no_one() {
    let mut lone = Lone::with_table(1);
    lone.make("TRIGGER leaves BEFORE INSERT ON t FOR EACH ROW SET @left = NEW.n");
    let seen = "SELECT IF(@left IS NULL, 'none', 'left')";
    for (mode, fails) in [
        (BatchMode::Each, false),
        (BatchMode::Atomic, false),
        (BatchMode::Atomic, true),
    ] {
        let mut steps = vec![add(1), step("SELECT @left := 5", &[]), step(seen, &[])];
        if fails {
            steps.push(step("SELECT no_such_column FROM t", &[]));
        }
        let result = lone.batch(mode, steps);
        assert_eq!(result.is_err(), fails);
        assert_eq!(lone.value(seen), "none", "{mode:?}");
        lone.sql("DELETE FROM t", &[]);
        // Nor does what an insert's trigger left reach a batch.
        lone.sql("INSERT INTO t (n) VALUES (7)", &[]);
        let answer = lone.batch(mode, vec![step(seen, &[])]).unwrap();
        assert_eq!(first_value(done(&answer, 0)), "none", "{mode:?}");
        lone.sql("DELETE FROM t", &[]);
    }
}

/// Each step is rendered under the modes that its connection has then.
#[test]
fn modes_that_a_step_leaves_do_not_change_what_text_means() {
    let mut lone = Lone::with_table(1);
    lone.make("PROCEDURE strays() BEGIN SET SESSION sql_mode = 'NO_BACKSLASH_ESCAPES'; END");
    let quoted = "it's \\ \"quoted\"";
    for mode in [BatchMode::Each, BatchMode::StopOnError] {
        let steps = vec![
            step("CALL strays()", &[]),
            step("SELECT ?", &[text(quoted)]),
        ];
        let answer = lone.batch(mode, steps).unwrap();
        assert_eq!(first_value(done(&answer, 1)), quoted);
    }
}
