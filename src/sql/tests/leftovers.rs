//! Statements that ask for what the last one on the connection left there.

use super::kinds::check_kinds;
use super::shared::check_refused;
use super::transactions::{BEGUN, FIRST};
use super::*;
use crate::sql::StatementKind;

const OTHERS: &str = " is not allowed: it tells of the last statement on a shared connection, \
                      which may be another caller's; ";

#[track_caller]
fn check(dialect: Dialect, what: &str, remedy: &str, statements: &[&str]) {
    let expected = format!("{what}{OTHERS}{remedy}");
    for sql in statements {
        check_refused(dialect, sql, &expected);
    }
}

#[test]
fn the_last_insert_id_is_refused_without_an_argument() {
    const REMEDY: &str = "the id is insert_id in the result of the statement itself, and \
                          insert_id_of_step in a batch";
    check(
        MYSQL,
        "LAST_INSERT_ID() without an argument",
        REMEDY,
        &[
            "SELECT LAST_INSERT_ID()",
            "select 1 + last_insert_id /* a */ ( -- b\n ) from t",
            "SELECT `Last_Insert_Id` ()",
            "INSERT INTO t (a) VALUES (?, LAST_INSERT_ID())",
            "UPDATE t SET a = LAST_INSERT_ID(a), b = LAST_INSERT_ID()",
            "WITH a AS (SELECT LAST_INSERT_ID()) SELECT * FROM a",
            "EXPLAIN SELECT LAST_INSERT_ID()",
            "CALL p(LAST_INSERT_ID())",
            "DO LAST_INSERT_ID()",
            "SELECT 1 /*!50000 , LAST_INSERT_ID() */",
            "SELECT LAST_INSERT_ID(/*!99999 1 */)",
            "SELECT /*!50000 LAST_INSERT_ID */ ()",
        ],
    );
    check(
        MYSQL,
        "@@last_insert_id or @@identity",
        REMEDY,
        &[
            "SELECT @@last_insert_id",
            "SELECT @@IDENTITY",
            "SELECT @@session.last_insert_id",
            "SELECT @@LOCAL . `identity`",
            "SELECT 1 /*!50000 , @@identity */",
        ],
    );
    let ansi = Dialect::MySql(ANSI);
    check_refused(ansi, "SELECT \"last_insert_id\"()", "LAST_INSERT_ID()");
    check_refused(ansi, "SELECT @@\"identity\"", "@@identity");
}

#[test]
fn the_last_value_of_a_sequence_is_refused() {
    let remedy = "NEXT VALUE FOR gives the value to the statement that takes it";
    check(
        MYSQL,
        "PREVIOUS VALUE FOR",
        remedy,
        &[
            "SELECT PREVIOUS VALUE FOR s",
            "select previous /* a */ value -- b\n for d.s",
            "SELECT 1 + previous value for `d`.`s` FROM t",
            "INSERT INTO t VALUES (?, PREVIOUS VALUE FOR s)",
            "SELECT /*!50000 PREVIOUS */ VALUE FOR s",
            "SELECT PREVIOUS /*!50000 VALUE */ FOR s",
            "SELECT PREVIOUS VALUE /*!50000 FOR */ s",
            "SELECT PREVIOUS /*!999999 x */ VALUE /*!999999 VALUE */ FOR s",
            "SELECT /*!50000 PREVIOUS VALUE FOR s */",
        ],
    );
}

/// A comment that some servers skip, within what they run.
#[test]
fn nothing_hides_behind_a_comment() {
    for inner in ["@@", "PREVIOUS", "LAST_INSERT_ID(", "@@session"] {
        let sql = format!("SELECT LAST_INSERT_ID(/*!999999 {inner} */)");
        check_refused(MYSQL, &sql, "LAST_INSERT_ID()");
    }
}

/// In Oracle's mode; elsewhere it may be a column.
#[test]
fn currval_may_tell_of_the_session() {
    for (sql, touches) in [
        ("SELECT s.CURRVAL", true),
        ("SELECT d . s . currval", true),
        ("SELECT currval, s.nextval", false),
    ] {
        assert_eq!(native(sql).unwrap().may_touch_session(), touches, "{sql}");
    }
}

#[test]
fn counts_of_rows_are_refused() {
    let affected = "the count is affected_rows in the result of the statement itself";
    check(MYSQL, "ROW_COUNT()", affected, &["SELECT row_count ( )"]);
    check(
        MYSQL,
        "FOUND_ROWS()",
        "run SELECT COUNT(*) as a statement of its own",
        &[
            "SELECT FOUND_ROWS()",
            "SELECT a FROM t LIMIT 1, found_rows()",
        ],
    );
}

#[test]
fn warnings_and_errors_are_refused() {
    let remedy = "options.warnings_max gives the warnings with the result of the statement itself, \
                  and an error is its answer";
    check(
        MYSQL,
        "@@warning_count or @@error_count",
        remedy,
        &[
            "SELECT @@warning_count, 1",
            "SELECT @@session.error_count",
            "SELECT @@local.warning_count",
        ],
    );
    check(
        MYSQL,
        "SHOW WARNINGS or SHOW ERRORS",
        remedy,
        &[
            "SHOW WARNINGS",
            "show /* a */ errors limit 1",
            "SHOW COUNT(*) WARNINGS",
            "SHOW COUNT(*) ERRORS",
            "SHOW /*!50000 WARNINGS */",
            "SHOW /*!50000 COUNT(*) */ ERRORS",
        ],
    );
    check(
        MYSQL,
        "GET DIAGNOSTICS",
        remedy,
        &[
            "GET DIAGNOSTICS @a = ROW_COUNT",
            "GET CURRENT DIAGNOSTICS @a = NUMBER",
        ],
    );
}

#[test]
fn what_sqlite_has_left_is_refused() {
    for (sql, what) in [
        ("SELECT last_insert_rowid()", "last_insert_rowid()"),
        (
            "INSERT INTO t VALUES (\"LAST_INSERT_ROWID\" ( ))",
            "last_insert_rowid()",
        ),
        ("SELECT changes()", "changes()"),
        ("SELECT [changes] /* a */ ()", "changes()"),
        ("SELECT total_changes()", "total_changes()"),
    ] {
        check_refused(Dialect::Sqlite, sql, &format!("{what}{OTHERS}"));
    }
    let other_dialect = ["SELECT LAST_INSERT_ID()", "SELECT ROW_COUNT()"];
    check_kinds(Dialect::Sqlite, StatementKind::Read, &other_dialect);
}

/// SQLite's counts go on over the transactions of a connection; its last id is
/// set anew by each.
#[test]
fn counts_are_refused_in_transactions_of_sqlite_too() {
    let within = |sql: &str, setting| {
        let template = analyze(sql, ParamStyle::Native, true, Dialect::Sqlite).unwrap();
        crate::sql::check(crate::sql::Function::Execute, setting, &template)
    };
    for setting in [FIRST, BEGUN] {
        for sql in [
            "SELECT changes()",
            "SELECT total_changes()",
            "SELECT last_insert_rowid(), changes()",
        ] {
            let message = message_of(within(sql, setting), ErrorKind::StatementNotAllowed);
            assert!(message.contains("changes() is not allowed"), "{message}");
        }
        within("SELECT last_insert_rowid()", setting).unwrap();
        within("CREATE VIEW v AS SELECT changes()", setting).unwrap();
    }
}

#[test]
fn what_only_looks_like_it_is_not_refused() {
    check_kinds(
        MYSQL,
        StatementKind::Read,
        &[
            "SELECT LAST_INSERT_ID(a), LAST_INSERT_ID(?) FROM t",
            "SELECT LAST_INSERT_ID(/* a */ 1)",
            "SELECT 'LAST_INSERT_ID()', last_insert_id, `row_count` -- ROW_COUNT()",
            "SELECT found_rows, (1), @identity, t.last_insert_id FROM t",
            "SELECT ROW_COUNT, MAX(a)",
            "SELECT NEXT VALUE FOR s",
            "SELECT previous, value FROM previous value",
            "SELECT `PREVIOUS` value FROM t FOR UPDATE",
            "SELECT previous value FROM t FOR UPDATE",
            "SELECT @@sql_mode, identity, @@session.sql_mode, warning_count",
            // A setting for the next insert, which no statement leaves.
            "SELECT @@insert_id",
            "SELECT SQL_CALC_FOUND_ROWS 1",
            "SELECT changes(), last_insert_rowid()",
            "SHOW COLUMNS FROM warnings",
            "SHOW CREATE TABLE errors",
            "SHOW /*!50000 FULL */ TABLES",
            "SHOW STATUS LIKE 'warnings'",
        ],
    );
    check_kinds(
        MYSQL,
        StatementKind::Write,
        &[
            "INSERT INTO t VALUES (1) ON DUPLICATE KEY UPDATE id = LAST_INSERT_ID(id)",
            "UPDATE t SET a = LAST_INSERT_ID(a + 1)",
            "INSERT INTO found_rows (row_count) VALUES (1)",
        ],
    );
    check_kinds(
        Dialect::Sqlite,
        StatementKind::Read,
        &[
            "SELECT changes, 'changes()' FROM changes",
            "SELECT changes(1)",
        ],
    );
}

/// What is defined runs later, after statements of its own.
#[test]
fn definitions_may_hold_it() {
    check_kinds(
        MYSQL,
        StatementKind::Definition,
        &[
            "CREATE PROCEDURE p() SELECT LAST_INSERT_ID(), @@warning_count",
            "CREATE FUNCTION f() RETURNS INT RETURN ROW_COUNT()",
            "CREATE TRIGGER r AFTER INSERT ON t FOR EACH ROW SET @a = LAST_INSERT_ID()",
            "create or replace view v as select found_rows()",
            "ALTER VIEW v AS SELECT LAST_INSERT_ID()",
        ],
    );
    let view = ["CREATE VIEW v AS SELECT last_insert_rowid()"];
    check_kinds(Dialect::Sqlite, StatementKind::Definition, &view);
}
