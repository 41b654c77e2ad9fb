//! What is cancelled, and modes that change.

use super::*;

#[test]
fn a_statement_can_be_cancelled() {
    for (sql, outcome) in [
        ("SELECT SLEEP(60) AS cancel_me", Outcome::NotApplied),
        (
            "INSERT INTO t SELECT SLEEP(60) AS cancel_me",
            Outcome::Unknown,
        ),
    ] {
        let mut connection = connect();
        run(&mut connection, "CREATE TABLE t (n INT)");
        let cancel = Arc::new(Cancel::default());
        let mut limits = limits();
        limits.cancel = Some(cancel.clone());
        std::thread::scope(|scope| {
            let running =
                scope.spawn(|| run_with(&mut connection, Setting::Shared, sql, vec![], &limits));
            wait_until("it runs", || runs(sql));
            cancel.cancel();
            let error = running.join().unwrap().unwrap_err();
            assert_eq!(
                (error.kind(), error.outcome()),
                (ErrorKind::Cancelled, outcome)
            );
        });
        // So its check-in has the server's side of it killed.
        assert!(connection.is_unfinished());
        let id = connection.id();
        let identity = connection.server().identity.clone();
        connection.killer().kill(id, &identity);
        wait_until("it is stopped", || !runs(sql));
    }
}

#[test]
fn nothing_is_sent_for_what_is_cancelled() {
    let mut connection = connect();
    run(&mut connection, "CREATE TABLE t (n INT)");
    let mut limits = limits();
    let cancel = Arc::new(Cancel::default());
    cancel.cancel();
    limits.cancel = Some(cancel);
    let insert = "INSERT INTO t VALUES (1)";
    let error = run_with(&mut connection, Setting::Shared, insert, vec![], &limits).unwrap_err();
    assert_eq!(
        (error.kind(), error.outcome()),
        (ErrorKind::Cancelled, Outcome::NotApplied)
    );
    assert!(connection.is_ready());
    assert_eq!(
        first_int(&run(&mut connection, "SELECT COUNT(*) FROM t")),
        0
    );
}

#[test]
fn a_transaction_writes_under_the_modes_that_it_has_set() {
    let mut connection = connect();
    for mode in ["NO_BACKSLASH_ESCAPES", "ANSI_QUOTES", ""] {
        send(&mut connection, &format!("SET SESSION sql_mode = '{mode}'")).unwrap();
        let hostile = "\\' , USER() AS injected -- ";
        let params = vec![Value::Text(hostile.to_owned())];
        let answer = run_with(&mut connection, BEGUN, "SELECT ?", params, &limits()).unwrap();
        let columns = answer.rows.unwrap().columns;
        assert_eq!(columns.len(), 1, "{mode}");
        let back = ColumnData::Strings([hostile].into_iter().collect());
        assert_eq!(columns[0].data, back, "{mode}");
    }
}

#[test]
fn a_transaction_ends_where_its_character_set_is_another() {
    let mut connection = connect();
    let error = send(&mut connection, "SET NAMES latin1").unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ConnectionLost);
    assert!(connection.is_unfinished());
}
