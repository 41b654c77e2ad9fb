//! Limits on results, and what outlives them.

use super::*;

/// Rows, and how their result is over the limit of 100.
const TOO_MANY: &[&str] = &[
    "SELECT seq FROM seq_1_to_101",
    "SELECT seq FROM seq_1_to_100000",
    "SELECT seq FROM seq_1_to_2000000000",
    // The server has nothing to say for long: it must be told.
    "SELECT seq, IF(seq > 110, SLEEP(60), 0), REPEAT('x', 5000) FROM seq_1_to_200",
    "SELECT REPEAT('x', 600000) FROM seq_1_to_10",
];

#[test]
fn a_transaction_outlives_results_over_its_limits() {
    for path in [StatementPath::Escaped, StatementPath::Prepared] {
        let mut target = target();
        target.statements = path;
        let mut connection = connect_to(&target);
        run(&mut connection, "CREATE TABLE t (n INT)");
        send(&mut connection, "START TRANSACTION").unwrap();
        for (number, sql) in TOO_MANY.iter().enumerate() {
            run(&mut connection, &format!("INSERT INTO t VALUES ({number})"));
            let sql = format!("{sql} WHERE seq > ?");
            let result = run_with(&mut connection, BEGUN, &sql, vec![Value::Int(0)], &limits());
            let error = result.expect_err(&sql);
            assert_eq!(error.kind(), ErrorKind::ResultTooLarge, "{sql}: {error}");
            assert_eq!(error.outcome(), Outcome::NotApplied);
            assert!(connection.is_ready(), "{sql}");
            // Nothing that was meant for it hits what follows.
            for _ in 0..5 {
                let count = run(&mut connection, "SELECT COUNT(*) FROM t");
                assert_eq!(first_int(&count), number as i64 + 1, "{sql}");
            }
        }
        send(&mut connection, "COMMIT").unwrap();
        let count = format!("SELECT COUNT(*) FROM {}.t", target.database.unwrap());
        let seen: Option<usize> = direct().query_first(count).unwrap();
        assert_eq!(seen, Some(TOO_MANY.len()));
    }
}

/// Results that end about when they are stopped.
#[test]
fn a_kill_that_comes_late_hits_nothing_else() {
    let mut connection = connect();
    run(&mut connection, "CREATE TABLE t (n INT)");
    send(&mut connection, "START TRANSACTION").unwrap();
    for millis in 0..40 {
        let pause = f64::from(30 + millis) / 1000.0;
        let sql = format!("SELECT IF(seq = 200, SLEEP({pause}), 0) FROM seq_1_to_200");
        let error = fails(&mut connection, &sql);
        assert_eq!(error.kind(), ErrorKind::ResultTooLarge, "{error}");
        run(&mut connection, "INSERT INTO t VALUES (1)");
    }
    let count = run(&mut connection, "SELECT COUNT(*) FROM t");
    assert_eq!(first_int(&count), 40);
}

#[test]
fn a_write_over_a_limit_says_what_became_of_it() {
    let mut connection = connect();
    run(&mut connection, "CREATE TABLE t (n INT)");
    send(&mut connection, "START TRANSACTION").unwrap();
    let few = "INSERT INTO t SELECT seq FROM seq_1_to_101 RETURNING n";
    assert_eq!(fails(&mut connection, few).outcome(), Outcome::Applied);
    let count = run(&mut connection, "SELECT COUNT(*) FROM t");
    assert_eq!(first_int(&count), 101);
    let endless = "INSERT INTO t SELECT seq FROM seq_1_to_2000000000 RETURNING n";
    assert_eq!(
        fails(&mut connection, endless).outcome(),
        Outcome::NotApplied
    );
    let count = run(&mut connection, "SELECT COUNT(*) FROM t");
    assert_eq!(first_int(&count), 101);
}

#[test]
fn rows_of_all_result_sets_count_together() {
    let mut target = target();
    let database = target.database.take().unwrap();
    target.database = Some(database.clone());
    let mut direct = direct();
    direct.query_drop(format!("USE {database}")).unwrap();
    let body = "sets(n INT) WHILE n > 0 DO SELECT seq FROM seq_1_to_50; SET n = n - 1; END WHILE";
    direct
        .query_drop(format!("CREATE PROCEDURE {body}"))
        .unwrap();
    let mut connection = connect_to(&target);
    let two = run(&mut connection, "CALL sets(2)");
    assert_eq!((two.rows.unwrap().row_count, two.more_rows.len()), (50, 1));
    let error = fails(&mut connection, "CALL sets(3)");
    assert_eq!(error.kind(), ErrorKind::ResultTooLarge);
    let error = fails(&mut connection, "CALL sets(100000000)");
    assert_eq!(
        (error.kind(), error.outcome()),
        (ErrorKind::ResultTooLarge, Outcome::Unknown)
    );
    assert_eq!(first_int(&run(&mut connection, "SELECT 7")), 7);
}

/// What is not kept is given back, so that a batch's later steps have it.
#[test]
fn a_result_that_is_refused_takes_nothing() {
    let mut connection = connect();
    let limits = limits();
    let wide = "SELECT REPEAT('x', 300000) FROM seq_1_to_10";
    for _ in 0..5 {
        let result = run_with(&mut connection, BEGUN, wide, vec![], &limits);
        assert_eq!(result.unwrap_err().kind(), ErrorKind::ResultTooLarge);
    }
    limits.budget.take(1_000_000).unwrap();
}

/// Numbers of 8 bytes become texts of 20.
#[test]
fn a_column_that_is_widened_takes_its_bytes() {
    let mut connection = connect();
    let sql = "SELECT CAST(IF(seq = 100, 18446744073709551615, 9000000000000000000) AS UNSIGNED) \
               FROM seq_1_to_100";
    for (bytes, fits) in [(1_500, false), (4_000, true)] {
        let mut limits = limits();
        limits.budget = Memory::new(100_000_000).budget(bytes);
        let result = run_with(&mut connection, BEGUN, sql, vec![], &limits);
        assert_eq!(result.is_ok(), fits, "{bytes}");
        if let Ok(answer) = result {
            let size = answer.rows.unwrap().size_bytes();
            assert_eq!(size, 99 * 23 + 24);
            assert!(limits.budget.take(bytes - size + 1).is_err());
        }
    }
}

/// A kill that comes between two statements of a procedure may be lost.
#[test]
fn a_procedure_is_stopped_wherever_the_kill_meets_it() {
    let mut target = target();
    let database = target.database.clone().unwrap();
    let mut direct = direct();
    direct.query_drop(format!("USE {database}")).unwrap();
    let body = "endless() LOOP SELECT seq FROM seq_1_to_50; SET @n = @n + 1; END LOOP";
    direct
        .query_drop(format!("CREATE PROCEDURE {body}"))
        .unwrap();
    target.database = Some(database);
    let mut connection = connect_to(&target);
    for _ in 0..20 {
        let error = fails(&mut connection, "CALL endless()");
        assert_eq!(error.kind(), ErrorKind::ResultTooLarge, "{error}");
        assert_eq!(first_int(&run(&mut connection, "SELECT 7")), 7);
    }
}
