//! What is allowed and what refused within an atomic batch and within a
//! transaction of the caller's own.

use super::*;
use crate::sql::{Function, Progress, Setting, check};

pub(super) const FIRST: Setting = Setting::Transaction(Progress::First);
pub(super) const BEGUN: Setting = Setting::Transaction(Progress::Begun);

fn checked(dialect: Dialect, setting: Setting, sql: &str) -> Result<()> {
    let template = analyze(sql, ParamStyle::Native, true, dialect)
        .unwrap_or_else(|error| panic!("{sql}: {error}"));
    check(Function::Execute, setting, &template)
}

#[track_caller]
fn check_allowed(dialect: Dialect, settings: &[Setting], statements: &[&str]) {
    for sql in statements {
        for setting in settings {
            checked(dialect, *setting, sql).unwrap_or_else(|error| panic!("{sql}: {error}"));
        }
    }
}

/// Refused in each of the settings, with this in the message.
#[track_caller]
pub(super) fn check_refused(
    dialect: Dialect,
    settings: &[Setting],
    expected: &str,
    statements: &[&str],
) {
    for sql in statements {
        for setting in settings {
            let result = checked(dialect, *setting, sql);
            assert!(result.is_err(), "{sql} is allowed in {setting:?}");
            let message = message_of(result, ErrorKind::StatementNotAllowed);
            assert!(message.contains(expected), "{sql}: {message}");
        }
    }
}

#[test]
fn a_transaction_may_change_its_session() {
    let statements = [
        "SET @a = 1",
        "SET @autocommit = 0, @`names` = 1, @'global' = 2",
        "SET @a := (SELECT global, password FROM t WHERE autocommit = 1), @b = 2",
        "SET sql_mode = 'ANSI_QUOTES'",
        "SET foreign_key_checks = 0, unique_checks = 0",
        "SET SESSION innodb_lock_wait_timeout = 1",
        "SET @@session.time_zone = '+00:00', @@LOCAL.sql_select_limit = DEFAULT",
        "SET @@sort_buffer_size = ?",
        "SET SESSION TRANSACTION ISOLATION LEVEL SERIALIZABLE, READ ONLY",
        "USE d",
        "CREATE TEMPORARY TABLE t (a INT)",
        "create or replace /* a */ temporary table t select 1",
        "CREATE TEMPORARY TABLE IF NOT EXISTS t LIKE u",
        "DROP TEMPORARY TABLE t",
        "drop temporary tables if exists t, u",
        "SAVEPOINT a",
        "RELEASE SAVEPOINT a",
        "ROLLBACK TO a",
        "ROLLBACK TO SAVEPOINT a",
        "rollback work /* a */ to savepoint `b`",
        "SELECT GET_LOCK('a', 1), RELEASE_LOCK('a')",
        "DO RELEASE_ALL_LOCKS()",
        "SELECT LAST_INSERT_ID(), ROW_COUNT(), FOUND_ROWS()",
        "INSERT INTO t VALUES (LAST_INSERT_ID())",
        "SELECT @@last_insert_id, @@session.warning_count",
        "SHOW WARNINGS",
        "SHOW COUNT(*) ERRORS",
        "GET DIAGNOSTICS @a = ROW_COUNT",
        "HANDLER t OPEN",
        "HANDLER t READ FIRST",
        "SELECT 1",
        "INSERT INTO t VALUES (1)",
        "LOAD DATA INFILE 'a' INTO TABLE t",
        "LOAD XML INFILE 'a' INTO TABLE t",
        "CALL p()",
        "KILL QUERY 5",
        "ANALYZE UPDATE t SET a = 1",
    ];
    check_allowed(MYSQL, &[FIRST, BEGUN], &statements);
    let ansi = Dialect::MySql(ANSI);
    check_allowed(ansi, &[BEGUN], &["SET \"sql_mode\" = ''"]);
}

#[test]
fn tables_are_locked_first_or_never() {
    let statements = ["LOCK TABLES t READ", "lock /* a */ table t write"];
    check_allowed(MYSQL, &[FIRST], &statements);
    let late = "make it the transaction's first statement";
    check_refused(MYSQL, &[BEGUN], late, &statements);
    let unlock = "the locks end with the transaction";
    check_refused(
        MYSQL,
        &[FIRST, BEGUN],
        unlock,
        &["UNLOCK TABLES", "unlock table"],
    );
    let stays = "a lock would stay";
    let backup = [
        "LOCK INSTANCE FOR BACKUP",
        "LOCK /*!50000 TABLES */ t READ",
        "BACKUP LOCK t",
    ];
    check_refused(MYSQL, &[FIRST, BEGUN], stays, &backup);
}

#[test]
fn only_the_calls_for_it_end_a_transaction() {
    let begun = "the transaction has begun already";
    let statements = [
        "BEGIN",
        "begin work",
        "START TRANSACTION READ ONLY",
        "XA START 'a'",
    ];
    check_refused(MYSQL, &[FIRST, BEGUN], begun, &statements);
    let commit = "commit_transaction ends the transaction";
    let statements = ["COMMIT", "commit /* a */ and chain", "COMMIT WORK RELEASE"];
    check_refused(MYSQL, &[FIRST, BEGUN], commit, &statements);
    let rollback = "rollback_transaction ends the transaction";
    let statements = [
        "ROLLBACK",
        "ROLLBACK WORK",
        "ROLLBACK AND CHAIN",
        "ROLLBACK RELEASE",
        "ROLLBACK /* TO a */",
        "ROLLBACK -- TO a",
        "ROLLBACK 'TO' a",
        "ROLLBACK `TO` a",
        "ROLLBACK /*!99999 TO a */",
    ];
    check_refused(MYSQL, &[FIRST, BEGUN], rollback, &statements);
    let ends = "commit_transaction and rollback_transaction end the transaction";
    let statements = [
        "SET autocommit = 1",
        "SET AutoCommit=1",
        "SET @a = 1, autocommit = 1",
        "SET @a = (SELECT 1, 2), `autocommit` := 1",
        "SET SESSION autocommit = ON",
        "SET @@autocommit = 1",
        "SET @@session . /* a */ `AUTOCOMMIT` = 1",
        "SET @@local.autocommit=1",
        "SET/**/autocommit/**/=/**/1",
        "SET sql_mode = '', SESSION completion_type = 'CHAIN'",
    ];
    check_refused(MYSQL, &[FIRST, BEGUN], ends, &statements);
    check_refused(
        Dialect::MySql(ANSI),
        &[BEGUN],
        ends,
        &["SET \"autocommit\" = 1"],
    );
}

const COMMITTING: [&str; 30] = [
    "CREATE TABLE t (a INT)",
    "create table temporary (a int)",
    "CREATE /* TEMPORARY */ TABLE t (a INT)",
    "CREATE `TEMPORARY` TABLE t (a INT)",
    "CREATE OR REPLACE VIEW v AS SELECT 1",
    "CREATE USER a",
    "CREATE PROCEDURE p() COMMIT",
    "ALTER TABLE t ADD a INT",
    "DROP TABLE t",
    "DROP TABLE temporary",
    "TRUNCATE t",
    "RENAME TABLE t TO u",
    "GRANT SELECT ON t TO a",
    "REVOKE ALL ON t FROM a",
    "ANALYZE TABLE t",
    "ANALYZE LOCAL TABLE t",
    "OPTIMIZE TABLE t",
    "REPAIR TABLE t",
    "CHECK TABLE t",
    "FLUSH TABLES",
    "FLUSH /* a */ PRIVILEGES",
    "RESET MASTER",
    "CACHE INDEX t IN k",
    "LOAD INDEX INTO CACHE t",
    "LOAD /*!50000 INDEX INTO CACHE */ t",
    "INSTALL PLUGIN a SONAME 'b'",
    "UNINSTALL PLUGIN a",
    "START SLAVE",
    "CHANGE MASTER TO MASTER_HOST = 'a'",
    "IMPORT TABLE FROM 'a'",
];

#[test]
fn nothing_commits_a_transaction_or_a_batch_halfway() {
    let outside = "it would end the transaction; run it outside, in a call of its own";
    check_refused(MYSQL, &[FIRST, BEGUN], outside, &COMMITTING);
    let alone = "an atomic batch must not be committed halfway; run it in a call of its own";
    check_refused(MYSQL, &[Setting::Atomic], alone, &COMMITTING);
    check_allowed(MYSQL, &[Setting::Shared], &COMMITTING);
    let comment = ["ANALYZE /*!50000 UPDATE */ t"];
    check_refused(MYSQL, &[FIRST, Setting::Atomic], "", &comment);
    let unknown = ["KILL 5", "BINLOG 'a'", "?", "FLUSHED"];
    check_refused(MYSQL, &[Setting::Atomic], alone, &unknown);
}

#[test]
fn a_batch_takes_what_commits_nothing() {
    check_allowed(
        MYSQL,
        &[Setting::Atomic],
        &[
            "SELECT 1 FOR UPDATE",
            "INSERT INTO t VALUES (1)",
            "WITH a AS (SELECT 1) DELETE FROM t",
            "LOAD DATA INFILE 'a' INTO TABLE t",
            "CALL p()",
            "SHOW TABLES",
            "DROP TEMPORARY TABLE IF EXISTS t",
        ],
    );
}

#[test]
fn what_hides_a_statement_is_refused_in_a_transaction_too() {
    for (sql, expected) in [
        ("PREPARE a FROM 'COMMIT'", "send the statement itself"),
        ("EXECUTE a", "send the statement itself"),
        ("EXECUTE IMMEDIATE 'COMMIT'", "send the statement itself"),
        ("DEALLOCATE PREPARE a", "send the statement itself"),
        ("DROP /* a */ PREPARE a", "send the statement itself"),
        ("DELIMITER //", "a command of a client program"),
        (
            "LOAD DATA LOCAL INFILE 'a' INTO TABLE t",
            "LOAD … LOCAL is not allowed",
        ),
    ] {
        check_refused(
            MYSQL,
            &[Setting::Shared, Setting::Atomic, FIRST, BEGUN],
            expected,
            &[sql],
        );
    }
}

#[test]
fn sqlite_has_savepoints_and_definitions_in_transactions() {
    let all = [Setting::Atomic, FIRST, BEGUN];
    let sqlite = Dialect::Sqlite;
    check_allowed(
        sqlite,
        &all,
        &["CREATE TABLE t (a)", "DROP TABLE t", "SELECT 1"],
    );
    let savepoints = [
        "SAVEPOINT a",
        "RELEASE a",
        "release savepoint a",
        "ROLLBACK TO a",
        "ROLLBACK TRANSACTION TO SAVEPOINT a",
    ];
    check_allowed(sqlite, &[FIRST, BEGUN], &savepoints);
    let shared = [Setting::Shared, Setting::Atomic];
    check_refused(
        sqlite,
        &shared,
        "within begin_transaction it is allowed",
        &savepoints,
    );
    let last_id = ["SELECT last_insert_rowid()"];
    check_allowed(sqlite, &[FIRST, BEGUN], &last_id);
    check_refused(sqlite, &shared, "may be another caller's", &last_id);
    let ends = [
        "ROLLBACK",
        "ROLLBACK TRANSACTION \"to\"",
        "COMMIT",
        "END",
        "BEGIN",
    ];
    check_refused(
        sqlite,
        &[Setting::Shared, FIRST, BEGUN],
        "_transaction",
        &ends,
    );
    let never = [
        "PRAGMA foreign_keys",
        "ATTACH 'a' AS b",
        "CREATE TEMP TABLE t (a)",
    ];
    check_refused(
        sqlite,
        &[Setting::Shared, Setting::Atomic, BEGUN],
        "is not allowed",
        &never,
    );
}

/// For each statement: may it touch the session, change its modes, end the
/// transaction, and does it tell of an earlier statement?
#[test]
fn what_a_statement_leaves_behind_is_known() {
    for (sql, touches, modes, ends, tells) in [
        ("SELECT 1", false, false, false, false),
        ("INSERT INTO t VALUES (1)", false, false, false, false),
        ("SAVEPOINT a", false, false, false, false),
        ("ROLLBACK TO a", false, false, false, false),
        ("DROP TEMPORARY TABLE t", false, false, false, false),
        ("USE d", true, false, false, false),
        ("HANDLER t OPEN", true, false, false, false),
        ("LOCK TABLES t READ", true, false, false, false),
        (
            "CREATE TEMPORARY TABLE t SELECT 1",
            true,
            false,
            false,
            false,
        ),
        ("SELECT @a := 1", true, false, false, false),
        ("SET @a = 1", true, false, false, false),
        ("SET @a = 1, @@sql_mode = ''", true, true, false, false),
        ("SET sql_mode = ''", true, true, false, false),
        ("SELECT GET_LOCK('a', 1)", true, true, false, false),
        ("SELECT f()", true, true, false, false),
        ("CALL p()", true, true, true, false),
        ("DO 1", true, true, true, false),
        ("KILL 5", true, true, true, false),
        ("SELECT LAST_INSERT_ID()", false, false, false, true),
        ("SHOW WARNINGS", false, false, false, true),
        ("GET DIAGNOSTICS @a = ROW_COUNT", true, false, false, true),
    ] {
        let template = native(sql).unwrap();
        assert_eq!(template.may_touch_session(), touches, "touches: {sql}");
        assert_eq!(template.changes_modes(), modes, "modes: {sql}");
        assert_eq!(template.may_end_transaction(), ends, "ends: {sql}");
        assert_eq!(template.reads_leftovers(), tells, "tells: {sql}");
    }
    let sqlite = analyze("x", ParamStyle::Native, true, Dialect::Sqlite).unwrap();
    assert!(!sqlite.may_end_transaction());
}

#[test]
fn query_runs_what_reads_in_a_transaction_too() {
    for sql in [
        "SHOW WARNINGS",
        "SELECT GET_LOCK('a', 1)",
        "SELECT LAST_INSERT_ID()",
    ] {
        check(Function::Query, BEGUN, &native(sql).unwrap()).unwrap();
    }
    let result = check(Function::Query, BEGUN, &native("SET @a = 1").unwrap());
    assert_eq!(
        message_of(result, ErrorKind::StatementNotAllowed),
        "query runs statements that only read, and this one (SET) changes the session or its \
         transaction: use execute"
    );
}
