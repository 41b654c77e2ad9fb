//! Statements without their values.

use proptest::prelude::*;

use super::properties::{any_mode, any_sql, any_value, likely_sql, run};
use super::*;
use crate::sql::{DIGEST_MAX_BYTES, DIGESTED_MAX_BYTES, digest};

/// Each digest of MySQL's, and that it is its own.
fn check(cases: &[(&str, &str)]) {
    for (sql, expected) in cases {
        assert_eq!(digest(sql, MYSQL), *expected, "{sql}");
        assert_eq!(digest(expected, MYSQL), *expected, "again");
    }
}

#[test]
fn values_become_marks() {
    check(&[
        ("select * from t where id=5", "SELECT * FROM t WHERE id = ?"),
        (
            "SELECT 'a', \"b\", 1.5e-3, .5, 0x1F, x'41', b'1'",
            "SELECT ?",
        ),
        (
            "SELECT a FROM t WHERE b = N'x' OR c = _utf8mb4 'y'",
            "SELECT a FROM t WHERE b = ? OR c = ?",
        ),
        (
            "SELECT a FROM t WHERE b = 'one' 'text'",
            "SELECT a FROM t WHERE b = ?",
        ),
        (
            "SELECT a FROM t WHERE b = -5 AND c > - 5 AND d = e - 5",
            "SELECT a FROM t WHERE b = ? AND c > ? AND d = e - ?",
        ),
        (
            "SELECT a FROM t WHERE b=NULL OR c IS NOT NULL OR d=true OR e IS FALSE OR f=\\N",
            "SELECT a FROM t WHERE b = ? OR c IS NOT NULL OR d = ? OR e IS FALSE OR f = ?",
        ),
        ("SELECT a FROM t LIMIT 10, 20", "SELECT a FROM t LIMIT ?"),
        ("SET @a := 'x', b.c=+1", "SET @a := ?, b.c = ?"),
        ("SELECT 'it''s' , '\"' FROM t", "SELECT ? FROM t"),
    ]);
}

#[test]
fn placeholders_of_either_style_are_marks() {
    let expected = "SELECT a FROM t WHERE b = ? AND c = ?";
    check(&[
        ("SELECT a FROM t WHERE b = ? AND c = ?", expected),
        ("SELECT a FROM t WHERE b = :x AND c = :y_1", expected),
        ("SELECT a FROM t WHERE b = %s AND c = %s", expected),
        ("SELECT a FROM t WHERE b=%(x)s AND c=%(y)s", expected),
        (
            "SELECT a %% 2, a % s, a %(b) FROM t",
            "SELECT a % ?, a % s, a % (b) FROM t",
        ),
    ]);
}

#[test]
fn lists_and_rows_are_one_of_their_kind() {
    let list = "SELECT a FROM t WHERE b IN (?)";
    let rows = "INSERT INTO t (a, b) VALUES (?)";
    check(&[
        ("SELECT a FROM t WHERE b IN (1)", list),
        ("SELECT a FROM t WHERE b IN ('x', ?, -3)", list),
        (
            "SELECT a FROM t WHERE (b,c) IN ((1,2),(3,4),(5,6))",
            "SELECT a FROM t WHERE (b, c) IN ((?))",
        ),
        ("INSERT INTO t (a,b) VALUES (1, 'x')", rows),
        (
            "insert into t(a,b) values (?,?),(NULL,DEFAULT),(now(),(1+(2)))",
            rows,
        ),
        (
            "INSERT INTO t (a) VALUES (NOW()),(1) ON DUPLICATE KEY UPDATE a=VALUES(a), b=1",
            "INSERT INTO t (a) VALUES (NOW()) ON DUPLICATE KEY UPDATE a = VALUES (a), b = ?",
        ),
    ]);
}

#[test]
fn blanks_comments_and_the_case_of_keywords_do_not_matter() {
    let expected = "SELECT COUNT(*) FROM Users AS u WHERE u.Name = ? ORDER BY u.id";
    check(&[
        (
            "select count(*) from Users as u where u.Name='x' order by u.id",
            expected,
        ),
        (
            "/* a */ SELECT\n\tCount( * ) FROM `Users` AS u -- 5\nWHERE `u`.`Name` = ? # x\nORDER BY u . id;",
            expected,
        ),
        (
            "SELECT `select`, `a b`, `count`, t.`key`, t.key FROM t",
            "SELECT `select`, `a b`, `count`, t.`key`, t.key FROM t",
        ),
        (
            "SELECT a<=b, a<>b, a->>'$.x' FROM t",
            "SELECT a <= b, a <> b, a ->> ? FROM t",
        ),
        ("truncate t", "TRUNCATE t"),
        (
            "SELECT @@global.x, @y FROM t",
            "SELECT @@global.x, @y FROM t",
        ),
    ]);
}

#[test]
fn where_it_is_doubtful_what_is_a_value_nothing_shows() {
    check(&[
        // Under NO_BACKSLASH_ESCAPES the string ends before the comma.
        ("SELECT 'a\\', secret, ' FROM t'", "SELECT ? …"),
        ("SELECT a, 'secret", "SELECT a, …"),
        ("SELECT `secret", "SELECT …"),
        ("SELECT /* secret", "SELECT …"),
        ("'secret", "…"),
        ("SELECT %(it's)s, 'secret' FROM t", "SELECT …"),
        ("SELECT \"name\" FROM t", "SELECT ? FROM t"),
    ]);
    assert_eq!(
        digest("SELECT \"a\", [b c], `d`, @x", Dialect::Sqlite),
        "SELECT ?, [b c], d, …"
    );
}

#[test]
fn it_has_a_limit_and_ends_at_a_whole_piece() {
    let names: Vec<String> = (0..400).map(|n| format!("näme{n}")).collect();
    let sql = format!("SELECT {} FROM t", names.join(","));
    let digest = crate::sql::digest(&sql, MYSQL);
    assert!(digest.len() <= DIGEST_MAX_BYTES && digest.len() > DIGEST_MAX_BYTES - 20);
    assert!(digest.ends_with(", …") || digest.ends_with("…"), "{digest}");
    assert_eq!(crate::sql::digest(&digest, MYSQL), digest);
    let far = format!(
        "SELECT a FROM t WHERE b = '{}' AND c = 1",
        "é".repeat(DIGESTED_MAX_BYTES)
    );
    assert_eq!(
        crate::sql::digest(&far, MYSQL),
        "SELECT a FROM t WHERE b = …"
    );
}

fn all_dialects() -> Vec<Dialect> {
    let modes = [(false, false), (false, true), (true, false), (true, true)];
    let mysql = modes.map(|(ansi_quotes, no_backslash_escapes)| {
        Dialect::MySql(SqlMode {
            ansi_quotes,
            no_backslash_escapes,
        })
    });
    mysql.into_iter().chain([Dialect::Sqlite]).collect()
}

#[test]
fn a_digest_is_its_own_and_short() {
    let cut = (any_sql(), 0_usize..1_100)
        .prop_map(|(sql, length)| format!("{}{sql}", "x, ".repeat(length / 3)));
    run(
        3_000,
        &prop_oneof![3 => any_sql(), 1 => likely_sql(), 1 => cut],
        |sql| {
            for dialect in all_dialects() {
                let once = digest(&sql, dialect);
                assert!(once.len() <= DIGEST_MAX_BYTES, "{sql}");
                assert_eq!(digest(&once, dialect), once, "{sql:?}");
            }
        },
    );
}

const SECRET: &str = "Xyzzy";

/// Values that hold the secret among what tempts a lexer.
fn secrets() -> impl Strategy<Value = Vec<Value>> {
    let hostile = "['\"\\\\`\0\u{1a}\n;#?%:a/*() -]{0,6}";
    let text = (hostile, hostile).prop_map(|(a, b)| Value::Text(format!("{a}{SECRET}{b}")));
    prop::collection::vec(text, 32)
}

#[test]
fn no_value_shows_whatever_the_mode_is() {
    run(
        2_000,
        &(likely_sql(), any_mode(), secrets()),
        |(sql, mode, mut values)| {
            let written_for = Dialect::MySql(mode);
            let Ok(template) = analyze(&sql, ParamStyle::Native, true, written_for) else {
                return;
            };
            values.truncate(template.placeholder_count());
            let params = Params::Positional(values);
            let written = render_escaped(&template, &params, usize::MAX).unwrap();
            for dialect in all_dialects() {
                if dialect != Dialect::Sqlite {
                    let digest = digest(&written, dialect);
                    assert!(!digest.contains(SECRET), "{written:?}: {digest}");
                }
            }
        },
    );
}

/// Values that end where they end in every mode.
fn certain_value() -> impl Strategy<Value = Value> {
    any_value().prop_filter("certain", |value| match value {
        Value::Text(text) | Value::Temporal(text) => !text.contains(['\\', '\'']),
        Value::Bytes(_) => false,
        _ => true,
    })
}

#[test]
fn values_and_how_many_of_them_make_no_difference() {
    let list = || prop::collection::vec(certain_value(), 1..6).prop_map(Value::List);
    let values = || (certain_value(), list(), certain_value());
    let sql = "SELECT a FROM t WHERE b > ? AND c IN (?) OR d = e - ? ORDER BY f LIMIT 3";
    let expected = digest(sql, MYSQL);
    run(500, &(values(), any_mode()), |((b, c, d), mode)| {
        let dialect = Dialect::MySql(mode);
        let template = analyze(sql, ParamStyle::Native, true, dialect).unwrap();
        let params = Params::Positional(vec![b, c, d]);
        let written = render_escaped(&template, &params, usize::MAX).unwrap();
        assert_eq!(digest(&written, dialect), expected, "{written}");
    });
}
