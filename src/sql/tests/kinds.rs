//! What kind a statement is, and what follows from that.

use super::*;
use crate::sql::{Function, Setting, StatementKind, check};

fn kind_in(dialect: Dialect, sql: &str) -> StatementKind {
    analyze(sql, ParamStyle::Native, true, dialect)
        .unwrap_or_else(|error| panic!("{sql}: {error}"))
        .kind()
}

#[track_caller]
pub(super) fn check_kinds(dialect: Dialect, expected: StatementKind, statements: &[&str]) {
    for sql in statements {
        assert_eq!(kind_in(dialect, sql), expected, "{sql}");
    }
}

#[test]
fn what_only_reads() {
    check_kinds(
        MYSQL,
        StatementKind::Read,
        &[
            "SELECT 1",
            "select * from t for update",
            "SELECT * FROM t LOCK IN SHARE MODE",
            " /* a */ -- b\n # c\n ((SELECT 1) UNION SELECT 2)",
            "SELECT `into`, 'into' FROM t",
            "SELECT @@session.sql_mode",
            "SELECT @a := @a + 1",
            "SELECT 1 /*!50000 + 1 */",
            "SELECT /*+ MAX_EXECUTION_TIME(1) */ 1",
            "WITH a AS (SELECT 1) SELECT * FROM a FOR UPDATE",
            "WITH RECURSIVE a (x) AS (SELECT 1), b AS (DELETE) SELECT 1",
            "WITH a AS (SELECT 1) (SELECT * FROM a)",
            "(WITH a AS (SELECT 1) SELECT * FROM a)",
            "VALUES (1), (2)",
            "VALUES ROW(1)",
            "TABLE t",
            "SHOW TABLES",
            "DESC t",
            "DESCRIBE t a",
            "EXPLAIN UPDATE t SET a = 1",
            "EXPLAIN INSERT INTO t VALUES (1)",
            "EXPLAIN FORMAT=JSON DELETE FROM t",
            "EXPLAIN ANALYZE SELECT 1",
            "EXPLAIN ANALYZE (SELECT 1)",
            "ANALYZE FORMAT=JSON SELECT 1",
            "CHECKSUM TABLE t",
            "HELP 'x'",
        ],
    );
    check_kinds(
        Dialect::Sqlite,
        StatementKind::Read,
        &[
            "SELECT 1",
            "VALUES (1)",
            "WITH a AS (SELECT 1) SELECT * FROM a",
            "EXPLAIN DELETE FROM t",
            "EXPLAIN QUERY PLAN SELECT 1",
            "SELECT * FROM temp.t",
        ],
    );
}

#[test]
fn what_writes() {
    check_kinds(
        MYSQL,
        StatementKind::Write,
        &[
            "INSERT INTO t VALUES (1)",
            "update t set a = 1",
            "DELETE FROM t",
            "REPLACE INTO t VALUES (1)",
            "LOAD DATA INFILE 'a' INTO TABLE t",
            "SELECT 1 INTO @a",
            "SELECT 1 INTO OUTFILE 'a'",
            "SELECT 1 /*!99999 INTO @a */",
            "SELECT 1.INTO @a",
            "TABLE t INTO DUMPFILE 'a'",
            "WITH a AS (SELECT 1) UPDATE t SET b = 1",
            "WITH a AS (SELECT 1), b (c) AS (SELECT 2) DELETE FROM t",
            "WITH a AS (SELECT 1) INSERT INTO t SELECT 1",
            "WITH a AS (SELECT 1 /*!99999 ) SELECT ( */ ) DELETE FROM t",
            "ANALYZE UPDATE t SET a = 1",
            "ANALYZE FORMAT=JSON DELETE FROM t",
            "EXPLAIN ANALYZE DELETE FROM t",
            "EXPLAIN ANALYZE WITH a AS (SELECT 1) DELETE FROM t",
            "EXPLAIN ANALYZE /*!99999 SELECT */ DELETE FROM t",
        ],
    );
    check_kinds(
        Dialect::Sqlite,
        StatementKind::Write,
        &[
            "WITH a AS (SELECT 1) DELETE FROM t",
            "REPLACE INTO t VALUES (1)",
        ],
    );
}

#[test]
fn the_other_kinds() {
    check_kinds(
        MYSQL,
        StatementKind::Definition,
        &[
            "CREATE TABLE temporary (a INT)",
            "CREATE DATABASE /*!32312 IF NOT EXISTS*/ d",
            "CREATE PROCEDURE p() SELECT 1",
            "ALTER TABLE t ADD a INT",
            "DROP TEMPORARY TABLE t",
            "TRUNCATE t",
            "ANALYZE TABLE t",
            "GRANT SELECT ON t TO a@b",
        ],
    );
    check_kinds(MYSQL, StatementKind::Routine, &["CALL p(?)", "DO SLEEP(1)"]);
    check_kinds(
        MYSQL,
        StatementKind::Other,
        &[
            "FLUSH PRIVILEGES",
            "KILL 5",
            "START REPLICA",
            "'a' SELECT 1",
            "?",
        ],
    );
    check_kinds(
        Dialect::Sqlite,
        StatementKind::Definition,
        &["VACUUM", "ANALYZE", "REINDEX", "CREATE TABLE a.t (b)"],
    );
}

#[test]
fn query_says_why_it_does_not_run_a_statement() {
    for (sql, expected) in [
        (
            "insert into t values (1)",
            "query runs statements that only read, and this one (INSERT) writes: use execute",
        ),
        (
            "SELECT 1 INTO @a",
            "query runs statements that only read, and this one (SELECT … INTO) stores what it \
             reads: use execute",
        ),
        (
            "CREATE TABLE t (a INT)",
            "query runs statements that only read, and this one (CREATE) changes or tends what \
             the database is: use execute",
        ),
        (
            "CALL p()",
            "query runs statements that only read, and this one (CALL) may write: use execute",
        ),
        (
            "KILL 5",
            "query runs statements that only read, and this one (KILL) is of no kind that is \
             known to read: use execute",
        ),
        (
            "?",
            "query runs statements that only read, and this one is of no kind that is known to \
             read: use execute",
        ),
        (
            "WITH a AS (SELECT 1) DELETE FROM t",
            "query runs statements that only read, and this one (WITH) writes: use execute",
        ),
    ] {
        let template = native(sql).unwrap();
        let message = message_of(
            check(Function::Query, Setting::Shared, &template),
            ErrorKind::StatementNotAllowed,
        );
        assert_eq!(message, expected);
        check(Function::Execute, Setting::Shared, &template).unwrap();
    }
    check(
        Function::Query,
        Setting::Shared,
        &native("SELECT 1").unwrap(),
    )
    .unwrap();
}

#[test]
fn what_may_leave_something_in_the_connection() {
    for (sql, expected) in [
        ("SELECT 1", false),
        ("SELECT '@a', `@a`, @@version -- @a", false),
        ("INSERT INTO t VALUES (?)", false),
        ("DROP TABLE t", false),
        // It might have been a call; definitions are rare enough to pay for it.
        ("CREATE TABLE t (a INT)", true),
        ("SELECT @a", true),
        ("SELECT 1 INTO @a", true),
        ("SELECT @'a' := 1", true),
        ("SELECT 1 /*!50000 , @a := 1 */", true),
        ("CALL p()", true),
        ("DO 1", true),
        ("FLUSH STATUS", true),
        (
            "SELECT COUNT(*), now() FROM t WHERE a IN (1) AND (b)",
            false,
        ),
        ("INSERT INTO t (a) VALUES (1)", false),
        ("INSERT INTO `d`.t (a) VALUES (concat(?, 1))", false),
        ("SELECT f(1)", true),
        ("SELECT `f` (1)", true),
        ("SELECT d.count(1)", true),
        ("INSERT INTO t (a) VALUES (f(1))", true),
        ("INSERT INTO t SELECT f(1)", true),
        ("INSERT INTO t VALUES (1) AS new (a)", false),
        ("SELECT /*!99999 1 AS */ f(1)", true),
        ("SELECT 1 AS a, f(1)", true),
    ] {
        assert_eq!(native(sql).unwrap().may_touch_session(), expected, "{sql}");
    }
}
