//! Statements for the prepared protocol: what is bound, and what keeps one from it.

use super::*;
use crate::sql::{Prepared, prepare};

fn prepared<'p>(sql: &str, params: &'p Params) -> Result<Option<Prepared<'p>>> {
    prepare(&native(sql)?, params, 10_000)
}

/// What is prepared, and the values.
#[track_caller]
fn check(sql: &str, params: Params, expected: &str, values: &[Value]) {
    let prepared = prepared(sql, &params).unwrap();
    let prepared = prepared.unwrap_or_else(|| panic!("{sql} is not prepared"));
    assert_eq!(prepared.text, expected, "{sql}");
    let seen: Vec<Value> = prepared
        .values
        .iter()
        .map(|value| (**value).clone())
        .collect();
    assert_eq!(seen, values, "{sql}");
}

#[track_caller]
fn check_bound(sql: &str, value: Value) {
    let count = native(sql).unwrap().placeholder_count();
    let params = positional(vec![value; count]);
    assert!(
        prepared(sql, &params).unwrap().is_some(),
        "{sql} is not prepared"
    );
}

#[track_caller]
fn check_text(sql: &str, value: Value) {
    let count = native(sql).unwrap().placeholder_count();
    let params = positional(vec![value.clone(); count]);
    assert_eq!(
        prepared(sql, &params).unwrap(),
        None,
        "{sql} with {value:?}"
    );
}

#[test]
fn values_are_bound_in_their_types() {
    const SQL: &str = "INSERT INTO t VALUES (?)";
    let bound = |value: Value, letter: &str| {
        let expected = format!("INSERT INTO t VALUES (?) /* {letter} */");
        check(SQL, positional([value.clone()]), &expected, &[value]);
    };
    bound(Value::Null, "t");
    bound(Value::Int(-5), "i");
    bound(Value::Double(-0.0), "d");
    bound(text("é'\0"), "t");
    bound(Value::Temporal("2024-02-29".into()), "t");
    let sql = |value: &str, letter: &str| format!("INSERT INTO t VALUES ({value}) /* {letter} */");
    let largest = positional([Value::UInt(i64::MAX as u64)]);
    check(SQL, largest, &sql("?", "i"), &[Value::Int(i64::MAX)]);
    check(
        SQL,
        positional([Value::Bool(true)]),
        "INSERT INTO t VALUES (TRUE)",
        &[],
    );
    check(
        SQL,
        positional([Value::Bool(false)]),
        "INSERT INTO t VALUES (FALSE)",
        &[],
    );
    for value in [
        Value::Int(i64::MIN),
        Value::UInt(i64::MAX as u64 + 1),
        Value::Bytes(b"a".to_vec()),
        text("a😀"),
        Value::Decimal("9223372036854775808".into()),
        Value::Decimal("-9223372036854775808".into()),
        Value::Decimal(format!("0.{}", "1".repeat(31))),
    ] {
        check_text(SQL, value);
    }
}

#[test]
fn a_decimal_keeps_its_digits() {
    const SQL: &str = "INSERT INTO t VALUES (?)";
    for (decimal, form, value) in [
        ("1.50", "CAST(? AS DECIMAL(3,2)) ", text("1.50")),
        ("+0.5", "CAST(? AS DECIMAL(2,1)) ", text("0.5")),
        ("-007.50", "CAST(? AS DECIMAL(5,2)) ", text("-007.50")),
    ] {
        let expected = format!("INSERT INTO t VALUES ({}) /* t */", form.trim());
        check(
            SQL,
            positional([Value::Decimal(decimal.into())]),
            &expected,
            &[value],
        );
    }
    // Without a point it is a whole number.
    for (decimal, value) in [("7", 7), ("-0012", -12), ("+9223372036854775807", i64::MAX)] {
        let params = positional([Value::Decimal(decimal.into())]);
        check(
            SQL,
            params,
            "INSERT INTO t VALUES (?) /* i */",
            &[Value::Int(value)],
        );
    }
    let longest = format!("{}.{}", "9".repeat(35), "1".repeat(30));
    let expected = "INSERT INTO t VALUES (CAST(? AS DECIMAL(65,30))) /* t */";
    check(
        SQL,
        positional([Value::Decimal(longest.clone())]),
        expected,
        &[text(&longest)],
    );
}

#[test]
fn lists_names_and_percent_signs_are_written_out() {
    let list = Value::List(vec![
        Value::Int(1),
        Value::Bool(true),
        text("a"),
        Value::Null,
    ]);
    check(
        "SELECT a FROM t WHERE b IN (?) AND c = ?",
        positional([list, Value::Double(1.5)]),
        "SELECT a FROM t WHERE b IN (?,TRUE,?,?) AND c = ? /* it2d */",
        &[Value::Int(1), text("a"), Value::Null, Value::Double(1.5)],
    );
    let params = named([("a", Value::Int(1))]);
    let sql = "SELECT '%%' FROM t WHERE a = %(a)s OR b = %(a)s";
    let template = analyze(sql, ParamStyle::Pyformat, true, MYSQL).unwrap();
    let prepared = prepare(&template, &params, 1000).unwrap().unwrap();
    assert_eq!(
        prepared.text,
        "SELECT '%' FROM t WHERE a = ? OR b = ? /* i2 */"
    );
    assert!(!prepared.binds_text());
    check("SELECT 1", Params::Absent, "SELECT 1", &[]);
}

#[test]
fn text_that_is_bound_is_told() {
    let text = positional([text("a")]);
    assert!(
        prepared("DELETE FROM t WHERE a = ?", &text)
            .unwrap()
            .unwrap()
            .binds_text()
    );
}

#[test]
fn places_where_a_bound_value_is_its_literal() {
    for sql in [
        "INSERT INTO t (a, b) VALUES (?, ?), (1, ?)",
        "REPLACE t VALUE (?, NOW())",
        "INSERT INTO t SET a = ?, b=?",
        "INSERT INTO t (a) VALUES (?) ON DUPLICATE KEY UPDATE b = ?, c = VALUES(c)",
        "INSERT INTO t SELECT a FROM u WHERE b = ? ON DUPLICATE KEY UPDATE c = ?",
        "UPDATE t SET a = ?, b = ? WHERE c = ? AND (d <> ? OR e<=? XOR NOT f >= ?)",
        "UPDATE t JOIN u ON t.a = u.a AND u.b = ? SET t.c = ? WHERE u.d != ?",
        "DELETE FROM t WHERE a <=> ? LIMIT 1",
        "SELECT a FROM t WHERE a LIKE ? OR b NOT LIKE ? ESCAPE '|'",
        "SELECT a FROM t WHERE a BETWEEN ? AND ? AND b = ?",
        "SELECT a FROM t WHERE a BETWEEN 1 AND ? AND b IN (?, ?) FOR UPDATE",
        "SELECT a FROM t WHERE (a, b) IN ((?, ?), (?, ?))",
        "SELECT a FROM t WHERE a IN (SELECT b FROM u WHERE c = ?) ORDER BY a",
        "SELECT a FROM t WHERE EXISTS (SELECT 1 FROM u WHERE u.a = t.a AND u.b < ?)",
        "SELECT a FROM (SELECT a FROM t WHERE b = ?) x WHERE a > ?",
        "SELECT a, COUNT(*) FROM t WHERE b = ? GROUP BY a HAVING COUNT(*) > ?",
        "WITH x AS (SELECT a FROM t WHERE b = ?) SELECT a FROM x WHERE a = ?",
        "(SELECT a FROM t WHERE b = ?) UNION SELECT a FROM t WHERE b = ?",
        "SELECT a FROM t LEFT JOIN u ON u.a = ? RIGHT JOIN v ON v.a = ?",
        "UPDATE t SET a = CASE WHEN b = ? THEN 1 END",
        "SELECT /* ? */ a FROM t -- ?\n WHERE a = ? # ?",
    ] {
        for value in [
            Value::Null,
            Value::Int(1),
            text("a"),
            Value::Decimal("1.5".into()),
        ] {
            check_bound(sql, value);
        }
    }
}

#[test]
fn numbers_are_added_and_counted() {
    for sql in [
        "UPDATE t SET a = a + ?, `b` = `b` - ?",
        "SELECT a FROM t WHERE a = b+?",
    ] {
        check_bound(sql, Value::Int(-1));
        check_bound(sql, Value::Double(1.5));
        check_bound(sql, Value::Decimal("1.5".into()));
        check_text(sql, text("1"));
        check_text(sql, Value::Null);
    }
    for sql in [
        "SELECT a FROM t LIMIT ?",
        "SELECT a FROM t LIMIT ?, ?",
        "DELETE FROM t LIMIT ?",
    ] {
        check_bound(sql, Value::Int(0));
        check_bound(sql, Value::UInt(5));
        for value in [Value::Int(-1), text("1"), Value::Null, Value::Double(1.0)] {
            check_text(sql, value);
        }
    }
    check_bound(
        "SELECT a FROM t WHERE b = ? LIMIT ? OFFSET ? FOR UPDATE",
        Value::Int(1),
    );
    for sql in [
        "DELETE FROM t WHERE a < NOW() - INTERVAL ? DAY",
        "INSERT INTO t VALUES (DATE_ADD(NOW(), INTERVAL ? SECOND))",
    ] {
        check_bound(sql, Value::Int(-1));
        check_text(sql, text("1"));
        check_text(sql, Value::Double(1.5));
    }
}

#[test]
fn places_where_a_bound_value_may_be_something_else() {
    for sql in [
        "SELECT ?",
        "SELECT ? AS a",
        "SELECT a + ? FROM t",
        "SELECT (SELECT b FROM t WHERE c = ?) FROM u",
        "SELECT IF(a = ?, 1, 2) FROM t",
        "SELECT a FROM (SELECT ? AS a) x",
        "INSERT INTO t VALUES (1) RETURNING ?",
        "INSERT INTO t SELECT ?",
        "SELECT a FROM t ORDER BY ?",
        "SELECT a FROM t ORDER BY (?) DESC",
        "SELECT a FROM t ORDER BY a = ?",
        "SELECT a FROM t GROUP BY a, ?",
        "SELECT a FROM t GROUP BY a + ? HAVING a = ?",
        "SELECT a FROM t WHERE ?",
        "SELECT a FROM t WHERE ? = a",
        "SELECT a FROM t WHERE a AND ?",
        "SELECT a FROM t WHERE a = ? + 1",
        "SELECT a FROM t WHERE a = -?",
        "SELECT a FROM t WHERE a = - ? AND b",
        "SELECT a FROM t WHERE a = ? COLLATE utf8mb4_bin",
        "SELECT a FROM t WHERE a = ? IS NULL",
        "SELECT a FROM t WHERE a = ? || b",
        "SELECT a FROM t WHERE a << ?",
        "SELECT a FROM t WHERE a >> ?",
        "SELECT a FROM t WHERE a * ?",
        "SELECT a FROM t WHERE a + ? = b",
        "SELECT a FROM t WHERE a = LOWER(?)",
        "SELECT a FROM t WHERE a REGEXP ?",
        "SELECT a FROM t WHERE a LIKE 'b' ESCAPE ?",
        "SELECT a FROM t WHERE MATCH (a) AGAINST (?)",
        "SELECT a FROM t WHERE a = BINARY ?",
        "SELECT a FROM t WHERE a = ANY (SELECT ?)",
        "SELECT a FROM t WHERE a IN (b, ? + 1)",
        "SELECT a FROM t WHERE (a IN (1)) IN (b, (c), d, (1 * ?))",
        "SELECT a FROM t FOR SYSTEM_TIME AS OF ?",
        "INSERT INTO t VALUES (-?)",
        "INSERT INTO t VALUES (? + 1)",
        "INSERT INTO t VALUES (COALESCE(?, 0))",
        "INSERT INTO t VALUES (1) ON DUPLICATE KEY UPDATE a = VALUES(?)",
        "INSERT INTO t (a) VALUES ROW(?)",
        "UPDATE t SET a = CASE WHEN b THEN ? END",
        "UPDATE t SET a = ? DIV 2",
        "CALL p(?)",
        "SHOW TABLES LIKE ?",
        "EXPLAIN SELECT a FROM t WHERE a = ?",
        "VALUES (?)",
        "SET @a = ?",
        "SELECT a FROM t WHERE a = ? INTO OUTFILE 'x'",
        "SELECT a FROM t WHERE a = f() AND b = ?",
        "SELECT a FROM t WHERE @a = ?",
        "SELECT a FROM t WHERE a = ? /*!50000 AND b */",
        "SELECT a FROM t WHERE a = ? AND b = LAST_INSERT_ID()",
        "CREATE TABLE t AS SELECT a FROM t WHERE a = ?",
    ] {
        check_text(sql, Value::Int(1));
    }
    // TRUE and FALSE are written in any case.
    check(
        "SELECT ?",
        positional([Value::Bool(true)]),
        "SELECT TRUE",
        &[],
    );
    let deep = format!("SELECT 1 WHERE {}a = ?{}", "(".repeat(70), ")".repeat(70));
    check_text(&deep, Value::Int(1));
}

#[test]
fn no_sign_of_the_text_becomes_a_placeholder() {
    for (sql, params) in [
        ("SELECT ? FROM t", Params::Absent),
        ("SELECT a FROM t WHERE a = ?", positional([])),
        (
            "SELECT a FROM t WHERE b = %s AND a = ?",
            positional([Value::Int(1)]),
        ),
    ] {
        let given = params != Params::Absent;
        let template = analyze(sql, ParamStyle::Pyformat, given, MYSQL).unwrap();
        assert_eq!(prepare(&template, &params, 1000).unwrap(), None, "{sql}");
    }
}

#[test]
fn what_is_too_large_goes_as_text() {
    let sql = "SELECT a FROM t WHERE a IN (?) OR a IN (?)";
    let list = |count: usize| Value::List(vec![Value::Int(1); count]);
    let template = native(sql).unwrap();
    for (first, is_prepared) in [(65_534, true), (65_535, false)] {
        let params = positional([list(first), list(1)]);
        let prepared = prepare(&template, &params, usize::MAX).unwrap();
        assert_eq!(prepared.is_some(), is_prepared, "{first}");
    }
    let params = positional([text(&"x".repeat(500)), Value::Int(1)]);
    assert!(prepare(&template, &params, 600).unwrap().is_some());
    assert_eq!(prepare(&template, &params, 550).unwrap(), None);
}

/// With the very words that the escaped text is refused with.
#[test]
fn mismatches_are_told_as_ever() {
    for (sql, params) in [
        ("SELECT a FROM t WHERE a = ?", Params::Absent),
        ("SELECT a FROM t WHERE a = ?", positional([])),
        ("SELECT a FROM t WHERE a = ?", named([("a", Value::Null)])),
        ("SELECT a FROM t WHERE a = :a", named([("b", Value::Null)])),
        ("SELECT a FROM t WHERE a = :a", named([])),
        (
            "SELECT a FROM t WHERE a = ?",
            positional([Value::Double(f64::NAN)]),
        ),
        (
            "SELECT a FROM t WHERE a = ?",
            positional([Value::Decimal("x".into())]),
        ),
        (
            "SELECT a FROM t WHERE a = ?",
            positional([Value::Temporal("x".into())]),
        ),
        (
            "SELECT a FROM t WHERE a IN (?)",
            positional([Value::List(vec![])]),
        ),
        (
            "SELECT a FROM t WHERE a = ?",
            positional([Value::InsertIdOf(0)]),
        ),
    ] {
        let expected = invalid(render(sql, ParamStyle::Native, &params));
        assert_eq!(invalid(prepared(sql, &params)), expected);
    }
}
