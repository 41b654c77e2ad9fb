//! Batches, and statements for many rows of parameters.

use super::*;

const INSERT: &str = "INSERT INTO t (n) VALUES (?)";

#[test]
fn an_atomic_batch_is_all_or_nothing() {
    for database in Database::both() {
        let both = vec![
            step("INSERT INTO t (n) VALUES (1)"),
            step("SELECT n FROM t"),
        ];
        let answer = database
            .shard()
            .run(&batch(BatchMode::Atomic, both), &limits())
            .unwrap();
        assert_eq!(ints(done(&answer.steps[1])), [1]);
        for bad in [
            "INSERT INTO t (n) VALUES (1)",
            "INSERT OR ROLLBACK INTO t (n) VALUES (1)",
            "INSERT OR FAIL INTO t (n) VALUES (5), (1)",
        ] {
            let steps = vec![step("INSERT INTO t (n) VALUES (2)"), step(bad)];
            let error = database.fails(&batch(BatchMode::Atomic, steps));
            assert_kind(&error, ErrorKind::DuplicateKey, "t.n");
            assert_eq!(error.item(), Some(1));
            assert_eq!(database.numbers(), [1], "{bad}");
        }
    }
}

/// A table is made and undone like any row.
#[test]
fn definitions_are_part_of_an_atomic_batch() {
    for database in Database::both() {
        let steps = vec![
            step("CREATE TABLE made (n INT)"),
            step("INSERT INTO made VALUES (1)"),
            step("SELECT nothing"),
        ];
        database.fails(&batch(BatchMode::Atomic, steps));
        let error = database.fails(&execute("SELECT * FROM made", &[]));
        assert_kind(&error, ErrorKind::SqlError, "no such table: made");
    }
}

#[test]
fn steps_each_on_their_own_commit_themselves() {
    for database in Database::both() {
        let steps = vec![
            step("INSERT INTO t (n) VALUES (1)"),
            step("INSERT OR ROLLBACK INTO t (n) VALUES (1)"),
            step("INSERT INTO t (n) VALUES (2)"),
        ];
        let answer = database
            .shard()
            .run(&batch(BatchMode::Each, steps), &limits())
            .unwrap();
        assert!(matches!(&answer.steps[1], StepOutcome::Failed(_)));
        assert_eq!(done(&answer.steps[2]).insert_id, 2);
        assert_eq!(database.numbers(), [1, 2]);
    }
}

#[test]
fn many_rows_are_one_answer() {
    for database in Database::both() {
        let steps = vec![many(INSERT, numbers(0..10_000))];
        let answer = database
            .shard()
            .run(&batch(BatchMode::Each, steps), &limits())
            .unwrap();
        let total = done(&answer.steps[0]);
        assert_eq!(total.affected_rows, 10_000);
        assert_eq!(total.matched_rows, 10_000);
        assert_eq!(total.insert_count, 10_000);
        assert_eq!(total.insert_id, 1);
        assert!(total.rows.is_none());
        assert_eq!(ints(&database.run("SELECT COUNT(*) FROM t")), [10_000]);
    }
}

#[test]
fn many_rows_are_all_or_none() {
    for database in Database::both() {
        database.run("INSERT INTO t (n) VALUES (7)");
        for mode in [BatchMode::Each, BatchMode::Atomic] {
            let run = |step| {
                let ran = database.shard().run(&batch(mode, vec![step]), &limits());
                match ran {
                    Err(error) => error,
                    Ok(answer) => match answer.steps.into_iter().next() {
                        Some(StepOutcome::Failed(error)) => error,
                        other => panic!("not failed: {other:?}"),
                    },
                }
            };
            let error = run(many(INSERT, numbers(0..10)));
            assert_kind(&error, ErrorKind::DuplicateKey, "t.n");
            assert_eq!(error.outcome(), Outcome::NotApplied);
            let or_fail = "INSERT OR FAIL INTO t (n) VALUES (?)";
            let error = run(many(or_fail, numbers(0..10)));
            assert_eq!(error.outcome(), Outcome::NotApplied);
            let short = vec![vec![Value::Int(1)], vec![]];
            assert_kind(
                &run(many(INSERT, short)),
                ErrorKind::InvalidArgument,
                "row 1:",
            );
            let returning = format!("{INSERT} RETURNING n");
            for with_rows in [&returning, "SELECT ?"] {
                let error = run(many(with_rows, numbers(0..10)));
                assert_kind(&error, ErrorKind::StatementNotAllowed, "returns rows");
            }
            assert_eq!(database.numbers(), [7]);
        }
    }
}

#[test]
fn counts_are_of_the_statement_alone() {
    for database in Database::both() {
        let answer = database.run("INSERT INTO t (n) VALUES (1), (2), (3)");
        assert_eq!((answer.affected_rows, answer.insert_count), (3, 3));
        assert_eq!(answer.insert_id, 3);
        let answer = database.run("UPDATE t SET n = n WHERE n > 1");
        assert_eq!((answer.affected_rows, answer.matched_rows), (2, 2));
        assert_eq!((answer.insert_id, answer.insert_count), (0, 0));
        // The last row's id is an earlier statement's.
        let upsert = "INSERT INTO t (n) VALUES (1) ON CONFLICT (n) DO UPDATE SET n = 10";
        assert_eq!(database.run(upsert).insert_id, 0);
        let answer = database.run("INSERT OR IGNORE INTO t (n) VALUES (2)");
        assert_eq!((answer.affected_rows, answer.insert_id), (0, 0));
        let answer = database.run("WITH a AS (SELECT 20 AS n) INSERT INTO t (n) SELECT n FROM a");
        assert_eq!((answer.insert_id, answer.insert_count), (4, 1));
        let answer = database.run("CREATE TABLE u (n INT)");
        assert_eq!((answer.affected_rows, answer.insert_id), (0, 0));
        let answer = database.run("INSERT INTO u VALUES (1) RETURNING n");
        assert_eq!((answer.insert_id, answer.insert_count), (1, 1));
        assert_eq!(ints(&answer), [1]);
    }
}

/// INSERT OR FAIL keeps the rows before the one that failed.
#[test]
fn what_stays_of_a_failed_statement_is_told() {
    for database in Database::both() {
        database.run("INSERT INTO t (n) VALUES (1)");
        for (conflict, outcome, left) in [
            ("ABORT", Outcome::NotApplied, vec![1]),
            ("ROLLBACK", Outcome::NotApplied, vec![1]),
            ("FAIL", Outcome::Unknown, vec![1, 2]),
        ] {
            let sql = format!("INSERT OR {conflict} INTO t (n) VALUES (2), (1)");
            let error = database.fails(&execute(&sql, &[]));
            assert_kind(&error, ErrorKind::DuplicateKey, "t.n");
            assert_eq!(error.outcome(), outcome, "{conflict}");
            assert_eq!(database.numbers(), left, "{conflict}");
        }
    }
}
