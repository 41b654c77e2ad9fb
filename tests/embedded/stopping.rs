//! How what runs is stopped: by its deadline, and by whoever cancels it.

use super::*;

/// Limits that somebody may cancel.
fn cancellable() -> (Arc<Cancel>, Limits) {
    let cancel = Arc::new(Cancel::default());
    let limits = Limits {
        cancel: Some(cancel.clone()),
        ..limits()
    };
    (cancel, limits)
}

/// Runs `work` with limits that are cancelled while it does.
fn cancelled_meanwhile<T>(work: impl FnOnce(&Limits) -> Result<T>) -> Error {
    let (cancel, limits) = cancellable();
    let result = std::thread::scope(|scope| {
        scope.spawn(move || {
            std::thread::sleep(Duration::from_millis(50));
            cancel.cancel(Cause::OtherItem);
        });
        work(&limits)
    });
    let error = result.err().expect("it was cancelled");
    assert!(
        Instant::now() < limits.deadline,
        "only the deadline stopped it"
    );
    assert_kind(&error, ErrorKind::Cancelled, "another item");
    assert_eq!(error.outcome(), Outcome::NotApplied);
    error
}

#[test]
fn what_runs_is_cancelled() {
    for database in Database::both() {
        for sql in [ENDLESS, ENDLESS_WRITE] {
            cancelled_meanwhile(|limits| database.shard().run(&execute(sql, &[]), limits));
            assert!(database.numbers().is_empty());
        }
        let steps = vec![
            step("INSERT INTO t (n) VALUES (1)"),
            step("INSERT INTO t (n) VALUES (2)"),
            step(ENDLESS),
        ];
        let atomic = batch(BatchMode::Atomic, steps);
        cancelled_meanwhile(|limits| database.shard().run(&atomic, limits));
        assert!(database.numbers().is_empty());
    }
}

/// Lists of so many lengths that each row's statement is a new one, which is over
/// before SQLite would look.
#[test]
fn many_rows_are_cancelled_between_them() {
    let database = Database::memory(1);
    let list = |number: usize| vec![Value::List(vec![Value::Int(1); 10 + number % 40])];
    let rows = (0..20_000).map(list).collect();
    let rows = many("UPDATE t SET n = 1 WHERE id IN (?)", rows);
    let rows = batch(BatchMode::Atomic, vec![rows]);
    cancelled_meanwhile(|limits| database.shard().run(&rows, limits));
}

#[test]
fn a_wait_for_a_lock_is_cancelled() {
    let database = Database::file(2);
    let mut holder = database.begin();
    let insert = execute("INSERT INTO t (n) VALUES (1)", &[]);
    cancelled_meanwhile(|limits| database.shard().run(&insert, limits));
    let begin = Begin {
        isolation: None,
        access: Access::ReadWrite,
    };
    cancelled_meanwhile(|limits| database.shard().begin(&begin, limits));
    let atomic = batch(BatchMode::Atomic, vec![step("SELECT 1")]);
    cancelled_meanwhile(|limits| database.shard().run(&atomic, limits));
    holder.commit(&limits()).unwrap();
    assert!(database.numbers().is_empty());
}

#[test]
fn a_wait_for_a_connection_is_cancelled() {
    for database in Database::both() {
        let holder = database.begin();
        let insert = execute("INSERT INTO t (n) VALUES (1)", &[]);
        let error = cancelled_meanwhile(|limits| database.shard().run(&insert, limits));
        assert_eq!(error.phase(), forebay::error::Phase::Connect);
        holder.rollback(&limits()).unwrap();
        assert!(database.numbers().is_empty());
    }
}

/// There is no time for the steps behind the one that is stopped.
#[test]
fn a_deadline_ends_every_batch() {
    for database in Database::both() {
        for mode in [BatchMode::Each, BatchMode::StopOnError] {
            let steps = vec![step(ENDLESS), step("SELECT 1"), step("SELECT 2")];
            let answer = database.shard().run(&batch(mode, steps), &hurried());
            let [first, rest @ ..] = &answer.unwrap().steps[..] else {
                panic!("no steps");
            };
            let StepOutcome::Failed(error) = first else {
                panic!("not failed: {first:?}");
            };
            assert_kind(error, ErrorKind::DeadlineExceeded, "stopped");
            assert!(
                rest.iter()
                    .all(|outcome| matches!(outcome, StepOutcome::NotRun))
            );
        }
    }
}

#[test]
fn nothing_is_begun_that_is_cancelled_already() {
    let database = Database::memory(1);
    let (cancel, limits) = cancellable();
    cancel.cancel(Cause::OtherItem);
    let insert = execute("INSERT INTO t (n) VALUES (1)", &[]);
    let error = database.shard().run(&insert, &limits).unwrap_err();
    assert_kind(&error, ErrorKind::Cancelled, "");
    assert!(database.numbers().is_empty());
    let mut transaction = database.begin();
    let error = transaction.run(&insert, &limits).unwrap_err();
    assert_kind(&error, ErrorKind::Cancelled, "");
    assert!(!transaction.is_dead());
    transaction.execute("INSERT INTO t (n) VALUES (2)").unwrap();
    transaction.commit(&super::limits()).unwrap();
    assert_eq!(database.numbers(), [2]);
}

/// SQLite rolls a transaction back whose write it interrupts, and only then.
#[test]
fn a_deadline_ends_a_transaction_only_where_it_stops_a_write() {
    for database in Database::both() {
        let mut transaction = database.begin();
        transaction.execute("INSERT INTO t (n) VALUES (1)").unwrap();
        let error = transaction.run(&execute(ENDLESS, &[]), &hurried());
        assert_kind(&error.unwrap_err(), ErrorKind::DeadlineExceeded, "stopped");
        assert!(!transaction.is_dead());
        transaction.execute("INSERT INTO t (n) VALUES (2)").unwrap();
        let error = transaction.run(&execute(ENDLESS_WRITE, &[]), &hurried());
        assert_kind(&error.unwrap_err(), ErrorKind::DeadlineExceeded, "stopped");
        assert!(transaction.is_dead());
        assert!(database.numbers().is_empty());
        let error = transaction.commit(&limits()).unwrap_err();
        assert_kind(&error, ErrorKind::TransactionAborted, "deadline");
        assert_eq!(
            database.run("INSERT INTO t (n) VALUES (3)").affected_rows,
            1
        );
        assert_eq!(database.numbers(), [3]);
    }
}

#[test]
fn a_transaction_that_is_committed_late_is_rolled_back() {
    for database in Database::both() {
        let mut transaction = database.begin();
        transaction.execute("INSERT INTO t (n) VALUES (1)").unwrap();
        let past = Limits {
            deadline: Instant::now(),
            ..limits()
        };
        let error = transaction.commit(&past).unwrap_err();
        assert_kind(&error, ErrorKind::DeadlineExceeded, "");
        assert_eq!(error.outcome(), Outcome::NotApplied);
        assert!(database.numbers().is_empty());
        let transaction = database.begin();
        transaction.rollback(&past).unwrap();
        database.run("INSERT INTO t (n) VALUES (2)");
    }
}

/// In memory whoever reads keeps a writer from committing.
#[test]
fn a_commit_that_may_not_wait_longer_is_undone() {
    let database = Database::memory(2);
    database.run("INSERT INTO t (n) VALUES (1)");
    let mut reader = database.begin_as(Access::ReadOnly);
    reader.execute("SELECT n FROM t").unwrap();
    let mut writer = database.begin();
    writer.execute("INSERT INTO t (n) VALUES (2)").unwrap();
    let error = writer.commit(&hurried()).unwrap_err();
    assert_kind(&error, ErrorKind::LockTimeout, "locked");
    assert_eq!(error.outcome(), Outcome::NotApplied);
    let atomic = batch(
        BatchMode::Atomic,
        vec![step("INSERT INTO t (n) VALUES (3)")],
    );
    let error = database.shard().run(&atomic, &hurried()).unwrap_err();
    assert_kind(&error, ErrorKind::LockTimeout, "locked");
    reader.commit(&limits()).unwrap();
    assert_eq!(database.numbers(), [1]);
}

#[test]
fn a_lock_that_does_not_come_leaves_nothing_behind() {
    let database = Database::file(2);
    let holder = database.begin();
    let begin = Begin {
        isolation: None,
        access: Access::ReadWrite,
    };
    let error = database.shard().begin(&begin, &hurried()).err().unwrap();
    assert_kind(&error, ErrorKind::LockTimeout, "locked");
    holder.rollback(&limits()).unwrap();
    database.run("INSERT INTO t (n) VALUES (1)");
    database.begin().commit(&limits()).unwrap();
}
