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
            cancel.cancel(Cause::ClientGone);
            let error = running.join().unwrap().unwrap_err();
            assert_eq!(
                (error.kind(), error.outcome()),
                (ErrorKind::Cancelled, outcome)
            );
        });
        // So its check-in has the server's side of it killed.
        assert!(connection.is_unfinished());
        connection.killer().kill(connection.victim(), ());
        wait_until("it is stopped", || !runs(sql));
    }
}

/// A server that was started anew counts its connections anew, and is younger than
/// what a late kill is for.
#[test]
fn a_kill_does_not_hit_who_has_the_number_now() {
    const LONG_AGO: Duration = Duration::from_secs(10 * 365 * 24 * 3600);
    let mut connection = connect();
    let killer = connection.killer();
    let mut victim = connection.victim();
    victim.opened = victim.opened.checked_sub(LONG_AGO).unwrap();
    killer.kill(victim, ());
    wait_until("it is left out", || killer.stats().skipped == 1);
    assert_eq!(first_int(&run(&mut connection, "SELECT 1")), 1);
    killer.kill(connection.victim(), ());
    wait_until("it is sent", || killer.stats().sent == 1);
    assert!(send(&mut connection, "DO 0").is_err());
}

#[test]
fn nothing_is_sent_for_what_is_cancelled() {
    let mut connection = connect();
    run(&mut connection, "CREATE TABLE t (n INT)");
    let mut limits = limits();
    let cancel = Arc::new(Cancel::default());
    cancel.cancel(Cause::ClientGone);
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

/// Nobody listens at a name that cannot be resolved; the real error has to be
/// known by its text.
#[test]
fn a_name_that_leads_nowhere_is_told_from_a_database_that_does_not_answer() {
    let options = |host: &str| mysql::OptsBuilder::new().ip_or_hostname(Some(host.to_owned()));
    // Too long a label: no resolver is asked.
    let unresolved = mysql::Conn::new(options(&"x".repeat(64))).unwrap_err();
    assert!(errors::is_unresolved(&unresolved), "{unresolved}");
    let silent = mysql::Conn::new(options("127.0.0.1").tcp_port(1)).unwrap_err();
    assert!(!errors::is_unresolved(&silent), "{silent}");
}
