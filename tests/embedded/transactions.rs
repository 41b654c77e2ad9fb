//! Transactions that outlive a request, and what they leave behind: nothing.

use super::*;

#[test]
fn a_transaction_ends_as_it_is_told() {
    for database in Database::both() {
        let mut transaction = database.begin();
        transaction.execute("INSERT INTO t (n) VALUES (1)").unwrap();
        assert_eq!(ints(&transaction.execute("SELECT n FROM t").unwrap()), [1]);
        transaction.commit(&limits()).unwrap();
        assert_eq!(database.numbers(), [1]);

        let mut transaction = database.begin();
        transaction.execute("INSERT INTO t (n) VALUES (2)").unwrap();
        transaction.rollback(&limits()).unwrap();
        assert_eq!(database.numbers(), [1]);

        let mut transaction = database.begin();
        transaction.execute("INSERT INTO t (n) VALUES (3)").unwrap();
        transaction.execute("CREATE TABLE u (n INT)").unwrap();
        drop(transaction);
        // The pool's only connection is free again, and commits by itself.
        assert_eq!(database.run("INSERT INTO t (n) VALUES (4)").insert_id, 2);
        assert_eq!(database.numbers(), [1, 4]);
        database.run("CREATE TABLE u (n INT)");
    }
}

#[test]
fn every_operation_runs_within_it() {
    for database in Database::both() {
        let mut transaction = database.begin();
        transaction.run(&Operation::Ping, &limits()).unwrap();
        let insert = Insert {
            database: None,
            table: "t".to_owned(),
            columns: vec!["n".to_owned()],
            rows: numbers(0..3),
            mode: InsertMode::Insert,
        };
        let inserted = transaction
            .run(&Operation::Insert(insert.clone()), &limits())
            .unwrap();
        assert_eq!((inserted.insert_id, inserted.insert_count), (1, 3));
        let again = transaction.run(&Operation::Insert(insert), &limits());
        assert_kind(&again.unwrap_err(), ErrorKind::DuplicateKey, "t.n");
        let steps = vec![
            many("INSERT INTO t (n) VALUES (?)", numbers(3..6)),
            step("INSERT INTO t (n) VALUES (0)"),
        ];
        let undone = transaction.run(&batch(BatchMode::Atomic, steps.clone()), &limits());
        assert_kind(&undone.unwrap_err(), ErrorKind::DuplicateKey, "t.n");
        let query = Operation::Query(statement("SELECT n FROM t", &[]));
        let seen = transaction.run(&query, &limits()).unwrap();
        assert_eq!(ints(&seen), [0, 1, 2]);
        let each = transaction
            .run(&batch(BatchMode::Each, steps), &limits())
            .unwrap();
        assert_eq!(done(&each.steps[0]).insert_count, 3);
        assert!(!transaction.is_dead());
        transaction.commit(&limits()).unwrap();
        assert_eq!(database.numbers(), [0, 1, 2, 3, 4, 5]);
    }
}

#[test]
fn what_is_only_read_is_not_written() {
    for database in Database::both() {
        database.run("INSERT INTO t (n) VALUES (1)");
        let mut transaction = database.begin_as(Access::ReadOnly);
        for sql in [
            "INSERT INTO t (n) VALUES (2)",
            "DELETE FROM t RETURNING n",
            "CREATE TABLE IF NOT EXISTS t (n INT)",
            "WITH a AS (SELECT 1) UPDATE t SET n = 5",
        ] {
            let error = transaction.execute(sql).unwrap_err();
            assert_kind(&error, ErrorKind::SqlError, "begun read only");
        }
        let rows = many("INSERT INTO t (n) VALUES (?)", numbers(2..4));
        let error = transaction
            .run(&batch(BatchMode::Atomic, vec![rows]), &limits())
            .unwrap_err();
        assert_kind(&error, ErrorKind::SqlError, "begun read only");
        transaction
            .execute("EXPLAIN INSERT INTO t (n) VALUES (2)")
            .unwrap();
        assert_eq!(ints(&transaction.execute("SELECT n FROM t").unwrap()), [1]);
        transaction.commit(&limits()).unwrap();
        database.run("INSERT INTO t (n) VALUES (2)");
        assert_eq!(database.numbers(), [1, 2]);
    }
}

#[test]
fn isolation_is_what_sqlite_has() {
    let database = Database::memory(1);
    for (isolation, name) in [
        (Isolation::ReadUncommitted, "READ_UNCOMMITTED"),
        (Isolation::ReadCommitted, "READ_COMMITTED"),
        (Isolation::RepeatableRead, "REPEATABLE_READ"),
    ] {
        let begin = Begin {
            isolation: Some(isolation),
            access: Access::ReadWrite,
        };
        let error = database.shard().begin(&begin, &limits()).err().unwrap();
        assert_kind(&error, ErrorKind::InvalidArgument, name);
    }
    let begin = Begin {
        isolation: Some(Isolation::Serializable),
        access: Access::ReadOnly,
    };
    drop(database.shard().begin(&begin, &limits()).unwrap());
}

/// What comes after the end that SQLite made must not commit itself.
#[test]
fn a_dead_transaction_runs_nothing_and_keeps_its_first_cause() {
    for database in Database::both() {
        database.run("INSERT INTO t (n) VALUES (1)");
        let mut transaction = database.begin();
        transaction.execute("INSERT INTO t (n) VALUES (2)").unwrap();
        let steps = vec![
            step("INSERT OR ROLLBACK INTO t (n) VALUES (1)"),
            step("INSERT INTO t (n) VALUES (3)"),
            many("INSERT INTO t (n) VALUES (?)", numbers(4..6)),
        ];
        let answer = transaction
            .run(&batch(BatchMode::Each, steps), &limits())
            .unwrap();
        assert!(matches!(answer.steps[0], StepOutcome::Failed(_)));
        assert!(matches!(answer.steps[1], StepOutcome::NotRun));
        assert!(matches!(answer.steps[2], StepOutcome::NotRun));
        assert!(transaction.is_dead());
        // It holds the pool's only connection no longer.
        assert_eq!(database.numbers(), [1]);
        for _ in 0..2 {
            let error = transaction.execute("INSERT INTO t (n) VALUES (6)");
            assert_kind(&error.unwrap_err(), ErrorKind::TransactionAborted, "UNIQUE");
        }
        let error = transaction.commit(&limits()).unwrap_err();
        assert_kind(&error, ErrorKind::TransactionAborted, "UNIQUE");
        assert_eq!(database.numbers(), [1]);

        let mut transaction = database.begin();
        let killed = transaction.execute("INSERT OR ROLLBACK INTO t (n) VALUES (1)");
        killed.unwrap_err();
        transaction.rollback(&limits()).unwrap();
    }
}

/// An atomic batch within a transaction that a step ends, ends it too.
#[test]
fn a_batch_that_is_rolled_back_with_its_transaction_is_told() {
    for database in Database::both() {
        database.run("INSERT INTO t (n) VALUES (1)");
        let mut transaction = database.begin();
        let steps = vec![step("INSERT OR ROLLBACK INTO t (n) VALUES (1)")];
        let error = transaction
            .run(&batch(BatchMode::Atomic, steps), &limits())
            .unwrap_err();
        assert_kind(&error, ErrorKind::DuplicateKey, "UNIQUE");
        assert!(transaction.is_dead());
        assert_eq!(database.numbers(), [1]);
    }
}

#[test]
fn errors_that_undo_only_their_statement_leave_it_alive() {
    for database in Database::both() {
        let mut transaction = database.begin();
        transaction.execute("INSERT INTO t (n) VALUES (1)").unwrap();
        for sql in [
            "INSERT INTO t (n) VALUES (2), (1)",
            "SELECT nothing",
            "INSERT OR FAIL INTO t (n) VALUES (3), (1)",
        ] {
            transaction.execute(sql).unwrap_err();
            assert!(!transaction.is_dead(), "{sql}");
        }
        transaction.commit(&limits()).unwrap();
        assert_eq!(database.numbers(), [1, 3]);
    }
}

#[test]
fn a_result_that_is_too_large_is_undone_and_given_back() {
    for database in Database::both() {
        let mut transaction = database.begin();
        transaction
            .execute("INSERT INTO t (n) VALUES (-1)")
            .unwrap();
        let budget = budget();
        let limits = limits_of(budget.clone());
        let many = "WITH RECURSIVE s(n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM s LIMIT 2000) \
                    INSERT INTO t (n) SELECT n FROM s RETURNING n";
        let error = transaction.run(&execute(many, &[]), &limits).unwrap_err();
        assert_kind(&error, ErrorKind::ResultTooLarge, "more than 1000 rows");
        assert_eq!(error.outcome(), Outcome::NotApplied);
        let wide = execute("SELECT zeroblob(2000000)", &[]);
        let error = transaction.run(&wide, &limits).unwrap_err();
        assert_kind(&error, ErrorKind::ResultTooLarge, "result_max_bytes");
        budget.take(RESULT_BYTES).expect("all was given back");
        let wide = execute(
            "INSERT INTO t (n) VALUES (-2) RETURNING zeroblob(2000000)",
            &[],
        );
        let error = transaction.run(&wide, &limits).unwrap_err();
        assert_kind(&error, ErrorKind::ResultTooLarge, "result_max_bytes");
        assert_eq!(ints(&transaction.execute("SELECT n FROM t").unwrap()), [-1]);
        transaction.commit(&super::limits()).unwrap();
        assert_eq!(database.numbers(), [-1]);
    }
}

#[test]
fn a_commit_that_fails_ends_it() {
    for database in Database::both() {
        database.run("CREATE TABLE child (n INT REFERENCES t (id) DEFERRABLE INITIALLY DEFERRED)");
        let mut transaction = database.begin();
        transaction.execute("INSERT INTO child VALUES (1)").unwrap();
        transaction.execute("INSERT INTO t (n) VALUES (1)").unwrap();
        transaction.execute("DELETE FROM t").unwrap();
        let error = transaction.commit(&limits()).unwrap_err();
        assert_kind(&error, ErrorKind::Constraint, "FOREIGN KEY");
        assert_eq!(error.outcome(), Outcome::NotApplied);
        assert_eq!(ints(&database.run("SELECT COUNT(*) FROM child")), [0]);

        let steps = vec![step("INSERT INTO child VALUES (1)")];
        let error = database.fails(&batch(BatchMode::Atomic, steps));
        assert_kind(&error, ErrorKind::Constraint, "FOREIGN KEY");
        database.run("INSERT INTO t (n) VALUES (2)");
        assert_eq!(ints(&database.run("SELECT COUNT(*) FROM child")), [0]);
    }
}

#[test]
fn what_would_stay_with_the_connection_is_refused() {
    let database = Database::memory(1);
    let mut transaction = database.begin();
    for sql in [
        "CREATE TEMP TABLE u (n INT)",
        "PRAGMA foreign_keys = OFF",
        "ATTACH ':memory:' AS other",
        "COMMIT",
        "END",
        "BEGIN",
        "ROLLBACK",
    ] {
        let error = transaction.execute(sql).unwrap_err();
        assert_kind(&error, ErrorKind::StatementNotAllowed, "is not allowed");
    }
    transaction.commit(&limits()).unwrap();
}

/// One writes at a time; in a file others read meanwhile.
#[test]
fn a_second_writer_waits_for_the_first() {
    let database = Database::file(3);
    let mut first = database.begin();
    first.execute("INSERT INTO t (n) VALUES (1)").unwrap();
    assert!(database.numbers().is_empty());
    let mut reader = database.begin_as(Access::ReadOnly);
    assert!(ints(&reader.execute("SELECT n FROM t").unwrap()).is_empty());
    std::thread::scope(|scope| {
        let second = scope.spawn(|| {
            let mut second = database.begin();
            let seen = ints(&second.execute("SELECT n FROM t").unwrap());
            second.execute("INSERT INTO t (n) VALUES (2)").unwrap();
            second.commit(&limits()).unwrap();
            seen
        });
        std::thread::sleep(Duration::from_millis(50));
        first.commit(&limits()).unwrap();
        assert_eq!(second.join().unwrap(), [1]);
    });
    // The reader still has what it saw first.
    assert!(ints(&reader.execute("SELECT n FROM t").unwrap()).is_empty());
    reader.commit(&limits()).unwrap();
    assert_eq!(database.numbers(), [1, 2]);
}

/// Batches that read what they write take turns: none is refused by the others.
#[test]
fn batches_that_meet_take_turns() {
    for database in [Database::file(4), Database::memory(4)] {
        database.run("INSERT INTO t (n) VALUES (0)");
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    for _ in 0..25 {
                        let steps = vec![
                            step("SELECT n FROM t"),
                            step("UPDATE t SET n = (SELECT n FROM t) + 1"),
                        ];
                        let atomic = batch(BatchMode::Atomic, steps);
                        database.shard().run(&atomic, &limits()).unwrap();
                    }
                });
            }
        });
        assert_eq!(database.numbers(), [100]);
    }
}

/// What a caller's own savepoints do, and those of the service within them.
#[test]
fn savepoints_of_the_caller_are_its_own() {
    for database in Database::both() {
        let mut transaction = database.begin();
        transaction.execute("INSERT INTO t (n) VALUES (1)").unwrap();
        transaction.execute("SAVEPOINT forebay_unit").unwrap();
        transaction.execute("INSERT INTO t (n) VALUES (2)").unwrap();
        let steps = vec![
            many("INSERT INTO t (n) VALUES (?)", numbers(3..6)),
            step("ROLLBACK TO forebay_unit"),
        ];
        let error = transaction
            .run(&batch(BatchMode::Atomic, steps), &limits())
            .unwrap_err();
        assert_kind(&error, ErrorKind::StatementNotAllowed, "ROLLBACK");
        assert_eq!(
            ints(&transaction.execute("SELECT n FROM t").unwrap()),
            [1, 2]
        );
        transaction.execute("ROLLBACK TO forebay_unit").unwrap();
        transaction
            .execute("INSERT INTO t (n) VALUES (7) RETURNING n")
            .unwrap();
        transaction.commit(&limits()).unwrap();
        assert_eq!(database.numbers(), [1, 7]);
    }
}

/// Not even one that has changed nothing yet is told how much others have.
#[test]
fn counts_of_earlier_callers_are_not_told() {
    for database in Database::both() {
        database.run("INSERT INTO t (n) VALUES (1), (2)");
        let mut transaction = database.begin();
        for sql in ["SELECT changes()", "SELECT total_changes()"] {
            let error = transaction.execute(sql).unwrap_err();
            assert_kind(&error, ErrorKind::StatementNotAllowed, "affected_rows");
        }
        transaction.commit(&limits()).unwrap();
    }
}

/// It may ask for what its own statements left, not another caller's.
#[test]
fn the_last_insert_id_is_of_this_transaction() {
    for database in Database::both() {
        database.run("INSERT INTO t (n) VALUES (1)");
        let mut transaction = database.begin();
        let last = "SELECT last_insert_rowid()";
        assert_eq!(ints(&transaction.execute(last).unwrap()), [0]);
        transaction.execute("INSERT INTO t (n) VALUES (2)").unwrap();
        transaction
            .execute("UPDATE t SET n = 3 WHERE n = 2")
            .unwrap();
        assert_eq!(ints(&transaction.execute(last).unwrap()), [2]);
        transaction.commit(&limits()).unwrap();
    }
}
