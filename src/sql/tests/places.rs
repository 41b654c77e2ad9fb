//! Where placeholders are, and which texts are refused.

use super::*;

/// Puts `<name>` where the placeholders are.
#[track_caller]
fn check(dialect: Dialect, sql: &str, expected: &str) {
    let template = analyze(sql, ParamStyle::Native, true, dialect).unwrap_or_else(|error| {
        panic!("{sql}: {error}");
    });
    let mut out = String::new();
    let mut copied = 0;
    for hole in &template.holes {
        out.push_str(&template.sql[copied..hole.start]);
        out.push_str(&format!("<{}>", hole.name.unwrap_or_default()));
        copied = hole.end;
    }
    out.push_str(&template.sql[copied..]);
    assert_eq!(out, expected, "{sql}");
}

#[test]
fn placeholders_are_found_in_code_only() {
    for (sql, expected) in [
        ("SELECT ?", "SELECT <>"),
        ("SELECT ? , ?", "SELECT <> , <>"),
        ("SELECT (?)=?", "SELECT (<>)=<>"),
        ("SELECT :a, :_b2", "SELECT <a>, <_b2>"),
        ("SELECT ':a ?', ?", "SELECT ':a ?', <>"),
        ("SELECT 'it''s ?', ?", "SELECT 'it''s ?', <>"),
        (r"SELECT 'a\'?', ?", r"SELECT 'a\'?', <>"),
        (r"SELECT 'a\\', ?, '?'", r"SELECT 'a\\', <>, '?'"),
        (r#"SELECT "?\"?""?", ?"#, r#"SELECT "?\"?""?", <>"#),
        (r"SELECT `a``?\`, ?, '`'", r"SELECT `a``?\`, <>, '`'"),
        ("SELECT 1 -- ?\n, ?", "SELECT 1 -- ?\n, <>"),
        ("SELECT 1 --\t?\n, ?", "SELECT 1 --\t?\n, <>"),
        ("SELECT 1 --?", "SELECT 1 --<>"),
        ("SELECT 1--1, ?", "SELECT 1--1, <>"),
        ("SELECT 1 # ?\r?\n, ?", "SELECT 1 # ?\r?\n, <>"),
        ("SELECT /* ? ' */ ?", "SELECT /* ? ' */ <>"),
        (
            "SELECT /*+ NO_ICP(`a?`) */ ?",
            "SELECT /*+ NO_ICP(`a?`) */ <>",
        ),
        (
            "SELECT 1 /*!50000 + 1 */ + ?",
            "SELECT 1 /*!50000 + 1 */ + <>",
        ),
        ("SELECT 2 */* x */ ?", "SELECT 2 */* x */ <>"),
        ("SELECT @x:=?, b::c, d:e", "SELECT @x:=<>, b::c, d:e"),
        (
            "SELECT N'?', x'3F', b'1', ?",
            "SELECT N'?', x'3F', b'1', <>",
        ),
        ("SELECT _utf8mb4'?', ?", "SELECT _utf8mb4'?', <>"),
        // The server, too, reads it in the connection's character set.
        (
            "SELECT _gbk'\u{ffff}\\'?', ?",
            "SELECT _gbk'\u{ffff}\\'?', <>",
        ),
        (r"SELECT \N, ?", r"SELECT \N, <>"),
        ("SELECT 'é?', é, ?", "SELECT 'é?', é, <>"),
        ("SELECT a$b, j->'$.a', ?", "SELECT a$b, j->'$.a', <>"),
        ("SELECT 'a\0', ?", "SELECT 'a\0', <>"),
        ("CREATE USER ?@?", "CREATE USER <>@<>"),
    ] {
        check(MYSQL, sql, expected);
    }
}

#[test]
fn the_mode_moves_the_end_of_a_string() {
    let ansi = Dialect::MySql(ANSI);
    let plain = Dialect::MySql(NO_BACKSLASH);
    check(MYSQL, r#"SELECT "\", ?, ""#, r#"SELECT "\", ?, ""#);
    check(ansi, r#"SELECT "\", ?, "b""#, r#"SELECT "\", <>, "b""#);
    check(plain, r"SELECT '\', ?, 'b'", r"SELECT '\', <>, 'b'");
    check(plain, r#"SELECT "\", ?, "b""#, r#"SELECT "\", <>, "b""#);
    check(ansi, r"SELECT '\', ?, '", r"SELECT '\', ?, '");
}

#[test]
fn sqlite_has_its_own_quotes_and_comments() {
    let sqlite = Dialect::Sqlite;
    for (sql, expected) in [
        (r"SELECT '\', ?, 'b'", r"SELECT '\', <>, 'b'"),
        ("SELECT [a?'b], ?", "SELECT [a?'b], <>"),
        (r#"SELECT "a\", ?"#, r#"SELECT "a\", <>"#),
        ("SELECT `a?`, x'3f', ?", "SELECT `a?`, x'3f', <>"),
        ("SELECT 1 --?\n, ?", "SELECT 1 --?\n, <>"),
        (
            "SELECT a->'$.x', b->>'y', ?",
            "SELECT a->'$.x', b->>'y', <>",
        ),
        ("SELECT /*! ? */ ?", "SELECT /*! ? */ <>"),
        ("SELECT :a", "SELECT <a>"),
    ] {
        check(sqlite, sql, expected);
    }
    for sql in [
        "SELECT @a",
        "SELECT $a",
        "SELECT :1",
        "SELECT :é",
        "SELECT $a::b(c)",
    ] {
        let message = invalid(analyze(sql, ParamStyle::Native, true, sqlite));
        assert_eq!(
            message,
            "sql: SQLite reads this as a placeholder of its own: write ? or :name, with a name \
             of ASCII letters, digits and _ (at character 8)"
        );
    }
    for (given, remedy) in [
        (true, "write %s or %(name)s"),
        (false, "no parameters were given"),
    ] {
        for sql in ["SELECT ?", "SELECT :a"] {
            let message = invalid(analyze(sql, ParamStyle::Pyformat, given, sqlite));
            assert!(message.contains(remedy), "{message}");
        }
    }
    assert!(analyze("SELECT 'a\0'", ParamStyle::Native, true, sqlite).is_err());
}

#[test]
fn what_is_not_closed_is_refused() {
    for (sql, expected) in [
        (
            "SELECT 'a",
            "sql: the string that begins at character 8 is not closed: ' is missing",
        ),
        (
            "SELECT é, \"a",
            "sql: the string that begins at character 11 is not closed: \" is missing",
        ),
        (
            "SELECT `a``",
            "sql: the quoted name that begins at character 8 is not closed: ` is missing",
        ),
        (
            "SELECT 1 /* a",
            "sql: the comment that begins at character 10 is not closed: */ is missing",
        ),
        (
            "SELECT 1 /*! a",
            "sql: the comment that begins at character 10 is not closed: */ is missing",
        ),
        (
            "SELECT 1 /*/",
            "sql: the comment that begins at character 10 is not closed: */ is missing",
        ),
    ] {
        assert_eq!(invalid(native(sql)), expected, "{sql}");
    }
}

#[test]
fn a_text_that_can_be_read_in_two_ways_is_refused() {
    for (sql, expected) in [
        (
            "SELECT 1 /*!50000 ? */",
            "sql: a placeholder stands in a comment /*! … */, which some servers run and some \
             skip: move it out (at character 19)",
        ),
        (
            "SELECT 1 /*!50000 '*/' */",
            "sql: the comment /*! … */ holds */ or /* in a literal or a comment, so that servers \
             disagree on its end (at character 10)",
        ),
        (
            "SELECT 1 /*!50000 -- */\n */",
            "sql: the comment /*! … */ holds */ or /* in a literal or a comment, so that servers \
             disagree on its end (at character 10)",
        ),
        (
            "SELECT 1 /*M! /* a */ */",
            "sql: a comment stands in a comment /*! … */ (at character 15)",
        ),
        (
            "SELECT /*+ SET_VAR(a='*/ ?",
            "sql: a quote is not closed in the hint /*+ … */ (at character 8)",
        ),
        (
            "SELECT \0",
            "sql: a NUL stands outside of a string: pass it as a parameter (at character 8)",
        ),
        (
            "SELECT 1 -- \0",
            "sql: a NUL stands outside of a string: pass it as a parameter (at character 13)",
        ),
        (
            "SELECT `\0`",
            "sql: a NUL stands outside of a string: pass it as a parameter (at character 9)",
        ),
        (
            "SELECT \\'a'",
            "sql: a backslash stands outside of a string (at character 8)",
        ),
        (
            "SELECT $$ ? $$",
            "sql: text between dollar signs is not supported: put a string in '…', a name in `…` \
             (at character 8)",
        ),
        (
            "SELECT $tag$ ? $tag$",
            "sql: text between dollar signs is not supported: put a string in '…', a name in `…` \
             (at character 8)",
        ),
    ] {
        assert_eq!(invalid(native(sql)), expected, "{sql}");
    }
}

#[test]
fn mixed_and_missing_statements_are_refused() {
    for (sql, expected) in [
        (
            "SELECT ?, :a",
            "sql: placeholders with and without names are mixed: ? (at character 8) and :a (at \
             character 11)",
        ),
        ("", "sql: there is no statement, only blanks and comments"),
        (
            " -- a\n /* b */",
            "sql: there is no statement, only blanks and comments",
        ),
        (
            " ;",
            "sql: there is no statement before the ; (at character 2)",
        ),
    ] {
        assert_eq!(invalid(native(sql)), expected, "{sql}");
    }
}

#[test]
fn a_placeholder_may_not_touch_what_it_could_merge_with() {
    for sql in [
        "SELECT x?",
        "SELECT _utf8mb4?",
        "SELECT 1?",
        "SELECT ?1",
        "SELECT ?a",
        "SELECT 1.?",
        "SELECT ?.5",
        "SELECT 'a'?",
        "SELECT ?'a'",
        "SELECT ?\"a\"",
        "SELECT ??",
        "SELECT :a:b",
        "SELECT ?`a`",
        "SELECT é?",
        "SELECT ?é",
        "SELECT :né",
        "SELECT ?:a",
    ] {
        let message = invalid(native(sql));
        assert!(
            message.starts_with(
                "sql: a placeholder touches a name, a number, a literal or another placeholder: \
                 put a space between"
            ),
            "{sql}: {message}"
        );
    }
    for sql in [
        "SELECT %s%s",
        "SELECT x%s",
        "SELECT %sx",
        "SELECT %(a)s%(a)s",
    ] {
        let message = invalid(analyze(sql, ParamStyle::Pyformat, true, MYSQL));
        assert!(
            message.starts_with("sql: a placeholder touches"),
            "{message}"
        );
    }
}

#[test]
fn one_statement_per_call() {
    for sql in [
        "SELECT 1;",
        "SELECT 1 ; -- a\n",
        "SELECT 1;/* b */\n",
        "SELECT ';';",
    ] {
        let template = native(sql).unwrap();
        assert!(!template.sql.trim_end_matches("';'").contains(';'), "{sql}");
    }
    for (sql, remedy) in [
        (
            "SELECT 1; SELECT 2",
            "send each in a call of its own (at character 11)",
        ),
        (
            "SELECT 1;;",
            "send each in a call of its own (at character 10)",
        ),
        (
            "SELECT 1; /*! SELECT 2 */",
            "send each in a call of its own (at character 15)",
        ),
        (
            "CREATE PROCEDURE p() SELECT 1; DROP TABLE t",
            "a routine or trigger whose body holds a ; must be created by another client (at \
             character 32)",
        ),
        (
            "BEGIN NOT ATOMIC SELECT 1; END",
            "each statement commits itself; use begin_transaction, or a batch of mode ATOMIC for \
             statements known beforehand (at character 28)",
        ),
        (
            "DELIMITER //\nSELECT 1; //",
            "DELIMITER is a command of a client program, not SQL (at character 24)",
        ),
    ] {
        let message = invalid(native(sql));
        assert!(
            message.starts_with("sql: text follows the ; at character "),
            "{message}"
        );
        assert!(message.ends_with(remedy), "{message}");
    }
    assert_eq!(
        invalid(native("SELECT 1 /*! ; SELECT 2 */")),
        "sql: a ; stands in a comment /*! … */ (at character 14)"
    );
}

#[test]
fn there_is_a_limit_on_placeholders() {
    let sql = format!("SELECT ?{}", ",?".repeat(65_534));
    assert_eq!(native(&sql).unwrap().placeholder_count(), 65_535);
    let sql = format!("{sql},?");
    let error = native(&sql).unwrap_err();
    assert_eq!(error.limit_met().unwrap().limit, 65_535);
    assert_eq!(
        error.message(),
        "sql: it has more than 65535 placeholders: pass a list for IN (?), or use insert for \
         many rows"
    );
}
