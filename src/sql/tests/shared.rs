//! What is refused on a connection that others use next, with what to do instead.

use super::*;
use crate::sql::{Function, Setting, check};

/// Refused by both functions, with this message, in an atomic batch too.
#[track_caller]
pub(super) fn check_refused(dialect: Dialect, sql: &str, expected: &str) {
    let template = analyze(sql, ParamStyle::Native, true, dialect).unwrap();
    for function in [Function::Query, Function::Execute] {
        for setting in [Setting::Shared, Setting::Atomic] {
            let result = check(function, setting, &template);
            let message = message_of(result, ErrorKind::StatementNotAllowed);
            assert!(message.contains(expected), "{sql}: {message}");
        }
    }
}

const TRANSACTION: &str = "is not allowed: each statement commits itself; use begin_transaction";
const END: &str = "a transaction of begin_transaction ends with commit_transaction or \
                   rollback_transaction";
const SAVEPOINT: &str = "is not allowed: each statement commits itself; within begin_transaction \
                         it is allowed and ends with it";
const LOCK: &str = "is not allowed: a lock would stay with a connection that others use next";

#[test]
fn settings_are_refused_with_a_remedy() {
    const CHARSET: &str = "SET NAMES or SET CHARACTER SET is not allowed: the connection's \
                           character set is the shard's `charset` option";
    const ACCESS: &str = "SET TRANSACTION is not allowed: use begin_transaction, whose request \
                          has `isolation` and `read_only`";
    const TIMEOUT: &str = "may take is not allowed: use options.timeout_ms";
    for (sql, expected) in [
        ("SET NAMES gbk", CHARSET),
        ("set /* a */ character set gbk", CHARSET),
        (
            "SET sql_mode = ''",
            "it is the shard's `sql_mode` option; within begin_transaction",
        ),
        (
            "SET @@session.time_zone = 'UTC'",
            "it is the shard's `time_zone` option",
        ),
        ("SET TRANSACTION READ ONLY", ACCESS),
        (
            "SET SESSION TRANSACTION ISOLATION LEVEL SERIALIZABLE",
            ACCESS,
        ),
        ("SET @@tx_isolation = 'SERIALIZABLE'", ACCESS),
        ("SET max_statement_time = 1", TIMEOUT),
        ("SET STATEMENT max_statement_time=1 FOR SELECT 1", TIMEOUT),
        ("SET SESSION MAX_EXECUTION_TIME=1000", TIMEOUT),
        (
            "SET autocommit = 0",
            "use begin_transaction, or a batch of mode ATOMIC",
        ),
        (
            "SET foreign_key_checks = 0",
            "SET is not allowed: connections are shared",
        ),
        ("SET @a = 1", "pass values as parameters"),
        ("SET @autocommit = 1", "SET is not allowed"),
        (
            "USE d",
            "USE is not allowed: name the shard, write `database`.`table`, or use multi for \
             several shards; within begin_transaction it is allowed and ends with it",
        ),
    ] {
        check_refused(MYSQL, sql, expected);
    }
}

#[test]
fn transactions_are_refused_with_a_remedy() {
    for (sql, expected) in [
        ("BEGIN", TRANSACTION),
        ("START TRANSACTION", TRANSACTION),
        (
            "START TRANSACTION READ ONLY",
            "is not allowed: use begin_transaction, whose request has `isolation`",
        ),
        (
            "start /*!50000 transaction */",
            "a comment /*! … */ is not allowed",
        ),
        ("COMMIT", END),
        ("ROLLBACK", END),
        ("ROLLBACK TO a", SAVEPOINT),
        ("SAVEPOINT a", SAVEPOINT),
        ("RELEASE SAVEPOINT a", SAVEPOINT),
        ("XA START 'a'", "a transaction lives on one shard"),
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

/// The server may skip the comment, and call what stands before it.
#[test]
fn no_comment_hides_a_call() {
    for sql in [
        "SELECT GET_LOCK /*!99999 x */ ('a', 1)",
        "SELECT LAST_INSERT_ID/*!99999 x */()",
    ] {
        let template = native(sql).unwrap();
        assert!(
            check(Function::Execute, Setting::Shared, &template).is_err(),
            "{sql}"
        );
    }
    let plain = native("SELECT /*!50000 (1), */ (2)").unwrap();
    check(Function::Query, Setting::Shared, &plain).unwrap();
}
