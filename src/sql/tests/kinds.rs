//! What kind a statement is, and what is refused.

use super::*;
use crate::sql::{Function, StatementKind, check};

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

/// Refused by both functions, with this message.
#[track_caller]
pub(super) fn check_refused(dialect: Dialect, sql: &str, expected: &str) {
    let template = analyze(sql, ParamStyle::Native, true, dialect).unwrap();
    for function in [Function::Query, Function::Execute] {
        let message = message_of(check(function, &template), ErrorKind::StatementNotAllowed);
        assert!(message.contains(expected), "{sql}: {message}");
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

const TRANSACTION: &str =
    "is not allowed: each statement commits itself, and insert makes its rows one transaction";
const LOCK: &str = "is not allowed: a lock would stay with a connection that others use next";

#[test]
fn settings_and_transactions_are_refused_with_a_remedy() {
    for (sql, expected) in [
        (
            "SET NAMES gbk",
            "SET NAMES or SET CHARACTER SET is not allowed: the connection's character set is \
             the shard's `charset` option",
        ),
        (
            "set /* a */ character set gbk",
            "SET NAMES or SET CHARACTER SET",
        ),
        (
            "SET sql_mode = ''",
            "SET is not allowed: connections are shared",
        ),
        (
            "SET STATEMENT max_statement_time=1 FOR SELECT 1",
            "SET is not allowed",
        ),
        ("SET @a = 1", "pass values as parameters"),
        (
            "USE d",
            "USE is not allowed: name the shard, or write `database`.`table`",
        ),
        ("BEGIN", TRANSACTION),
        (
            "START TRANSACTION READ ONLY",
            "START TRANSACTION is not allowed",
        ),
        (
            "start /*!50000 transaction */",
            "a comment /*! … */ is not allowed",
        ),
        ("COMMIT", TRANSACTION),
        ("ROLLBACK TO a", TRANSACTION),
        ("SAVEPOINT a", TRANSACTION),
        ("RELEASE SAVEPOINT a", TRANSACTION),
        ("XA START 'a'", TRANSACTION),
    ] {
        check_refused(MYSQL, sql, expected);
    }
}

#[test]
fn locks_are_refused() {
    for (sql, expected) in [
        ("LOCK TABLES t READ", LOCK),
        ("LOCK INSTANCE FOR BACKUP", LOCK),
        ("UNLOCK TABLES", LOCK),
        ("BACKUP STAGE START", LOCK),
        ("FLUSH TABLES a, b, c, d, e, f, g WITH READ LOCK", LOCK),
        ("FLUSH TABLES t FOR EXPORT", LOCK),
        (
            "SELECT GET_LOCK('a', 1)",
            "GET_LOCK, RELEASE_LOCK …) is not allowed",
        ),
        ("SELECT 1 + get_lock /* a */ ('a', 1)", LOCK),
        ("SELECT `release_all_locks`()", LOCK),
        ("SELECT 1 /*!50000 + GET_LOCK('a', 1) */", LOCK),
    ] {
        check_refused(MYSQL, sql, expected);
    }
}

#[test]
fn other_things_that_would_stay_or_hide_are_refused() {
    for (sql, expected) in [
        (
            "CREATE TEMPORARY TABLE t (a INT)",
            "CREATE TEMPORARY is not allowed",
        ),
        (
            "CREATE OR REPLACE TEMPORARY TABLE t (a INT)",
            "CREATE TEMPORARY",
        ),
        (
            "CREATE /*!50000 TEMPORARY */ TABLE t (a INT)",
            "a comment /*! … */",
        ),
        (
            "CREATE /*!99999 a b c d e f */ TEMPORARY TABLE t (a INT)",
            "CREATE TEMPORARY",
        ),
        (
            "PREPARE a FROM 'SELECT 1'",
            "send the statement itself with its parameters",
        ),
        (
            "EXECUTE IMMEDIATE 'SELECT 1'",
            "PREPARE, EXECUTE or DEALLOCATE PREPARE",
        ),
        ("DROP PREPARE a", "PREPARE, EXECUTE or DEALLOCATE PREPARE"),
        ("HANDLER t OPEN", "HANDLER is not allowed"),
        (
            "LOAD DATA LOCAL INFILE 'a' INTO TABLE t",
            "LOAD … LOCAL is not allowed",
        ),
        (
            "LOAD DATA LOW_PRIORITY LOCAL INFILE 'a' INTO TABLE t",
            "LOAD … LOCAL",
        ),
        (
            "LOAD XML /*!50000 LOCAL */ INFILE 'a' INTO TABLE t",
            "a comment /*! … */",
        ),
        (
            "DELIMITER //",
            "DELIMITER is not allowed: it is a command of a client program",
        ),
        ("/*!50000 SET NAMES gbk */", "write it without the comment"),
        (
            "/*!99999 x */ SET NAMES gbk",
            "write it without the comment",
        ),
        ("/*M!100100 SELECT */ 1", "write it without the comment"),
        ("(/*! SELECT */ 1)", "write it without the comment"),
    ] {
        check_refused(MYSQL, sql, expected);
    }
}

#[test]
fn sqlite_refuses_its_own() {
    for (sql, expected) in [
        ("PRAGMA journal_mode", "PRAGMA is not allowed"),
        ("EXPLAIN PRAGMA journal_mode", "PRAGMA is not allowed"),
        (
            "ATTACH 'a' AS b",
            "ATTACH is not allowed: this service opens the shard's own file only",
        ),
        ("DETACH b", "DETACH is not allowed"),
        ("VACUUM INTO 'a'", "VACUUM INTO is not allowed"),
        ("END", "END is not allowed"),
        ("BEGIN IMMEDIATE", "BEGIN is not allowed"),
        (
            "CREATE TEMP VIEW v AS SELECT 1",
            "CREATE TEMPORARY is not allowed",
        ),
        ("CREATE TABLE temp.t (a)", "CREATE TEMPORARY is not allowed"),
        (
            "CREATE TABLE \"temp\" . t (a)",
            "CREATE TEMPORARY is not allowed",
        ),
        (
            "CREATE TABLE [Temp].t (a)",
            "CREATE TEMPORARY is not allowed",
        ),
        (
            "CREATE TABLE 'temp'.t (a)",
            "CREATE TEMPORARY is not allowed",
        ),
    ] {
        check_refused(Dialect::Sqlite, sql, expected);
    }
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
            check(Function::Query, &template),
            ErrorKind::StatementNotAllowed,
        );
        assert_eq!(message, expected);
        check(Function::Execute, &template).unwrap();
    }
    check(Function::Query, &native("SELECT 1").unwrap()).unwrap();
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
    ] {
        assert_eq!(native(sql).unwrap().may_touch_session(), expected, "{sql}");
    }
}

/// The server may skip the comment, and call what stands before it.
#[test]
fn no_comment_hides_a_call() {
    for sql in [
        "SELECT GET_LOCK /*!99999 x */ ('a', 1)",
        "SELECT LAST_INSERT_ID/*!99999 x */()",
    ] {
        let template = native(sql).unwrap();
        assert!(check(Function::Execute, &template).is_err(), "{sql}");
    }
    let plain = native("SELECT /*!50000 (1), */ (2)").unwrap();
    check(Function::Query, &plain).unwrap();
}
