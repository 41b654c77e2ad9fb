//! The statements that run a template for many rows.

use super::*;
use crate::sql::many_for_mysql;

fn many(sql: &str, rows: &[Params], usual: usize, longest: usize) -> Result<Vec<String>> {
    let many = many_for_mysql(native(sql)?, rows, usual, longest)?;
    let count = many.statements();
    let texts: Vec<String> = many.collect::<Result<_>>()?;
    assert_eq!(texts.len(), count);
    Ok(texts)
}

fn ints(rows: &[&[i64]]) -> Vec<Params> {
    let row = |row: &&[i64]| positional(row.iter().copied().map(Value::Int));
    rows.iter().map(row).collect()
}

/// What becomes of two rows.
#[track_caller]
fn check(sql: &str, expected: &[&str]) {
    let count = native(sql).unwrap().placeholder_count() as i64;
    let first: Vec<i64> = (1..=count).collect();
    let second: Vec<i64> = (1..=count).map(|number| number * 10).collect();
    let statements = many(sql, &ints(&[&first, &second]), 1000, 1000).unwrap();
    assert_eq!(statements, expected, "{sql}");
}

#[test]
fn rows_of_an_insert_are_joined() {
    for (sql, expected) in [
        ("INSERT INTO t VALUES (?)", "INSERT INTO t VALUES (1),(10)"),
        ("insert t value(?, ?);", "insert t value(1, 2),(10, 20)"),
        (
            "REPLACE LOW_PRIORITY INTO d.t (a, b) VALUES (?, 'x)') -- (?)",
            "REPLACE LOW_PRIORITY INTO d.t (a, b) VALUES (1, 'x)'),(10, 'x)') -- (?)",
        ),
        (
            "INSERT INTO t (a) VALUES (NOW(), ?, COALESCE(?, 0) /* ) */, ((1)))",
            "INSERT INTO t (a) VALUES (NOW(), 1, COALESCE(2, 0) /* ) */, ((1))),(NOW(), 10, \
             COALESCE(20, 0) /* ) */, ((1)))",
        ),
        (
            "INSERT INTO t (a) VALUES (?) ON DUPLICATE KEY UPDATE a = VALUES(a), b = (b + 1)",
            "INSERT INTO t (a) VALUES (1),(10) ON DUPLICATE KEY UPDATE a = VALUES(a), b = (b + 1)",
        ),
        (
            "INSERT INTO t VALUES (?) AS new(a) ON DUPLICATE KEY UPDATE b = new.a",
            "INSERT INTO t VALUES (1),(10) AS new(a) ON DUPLICATE KEY UPDATE b = new.a",
        ),
        (
            "INSERT INTO `values` (`VALUES`, d.value) VALUES (?, `(`)",
            "INSERT INTO `values` (`VALUES`, d.value) VALUES (1, `(`),(10, `(`)",
        ),
        (
            "INSERT INTO value (a) VALUES (?)",
            "INSERT INTO value (a) VALUES (1),(10)",
        ),
        (
            "INSERT INTO value VALUES (?)",
            "INSERT INTO value VALUES (1),(10)",
        ),
        (
            "INSERT INTO t PARTITION (p0) (a) VALUES (?, \"(\")",
            "INSERT INTO t PARTITION (p0) (a) VALUES (1, \"(\"),(10, \"(\")",
        ),
        (
            "INSERT INTO t VALUES (?) ON DUPLICATE KEY UPDATE id = LAST_INSERT_ID(id)",
            "INSERT INTO t VALUES (1),(10) ON DUPLICATE KEY UPDATE id = LAST_INSERT_ID(id)",
        ),
    ] {
        check(sql, &[expected]);
    }
}

#[test]
fn anything_else_is_a_statement_for_each_row() {
    for sql in [
        "UPDATE t SET a = ?",
        "DELETE FROM t WHERE a IN (?)",
        "SELECT ?",
        "CALL p(?)",
        "INSERT INTO t SET a = ?",
        "INSERT INTO t SELECT ?",
        "INSERT INTO t (a) (SELECT ?)",
        "INSERT INTO t (SELECT 1) UNION VALUES (?)",
        "INSERT INTO t SELECT 1 UNION VALUES (?)",
        "INSERT INTO t TABLE u UNION VALUES (?)",
        "INSERT INTO t VALUES (?), (1)",
        "INSERT INTO t VALUES (1), (?)",
        "INSERT INTO t VALUES (1) ON DUPLICATE KEY UPDATE a = ?",
        "INSERT INTO t VALUES (1) ON DUPLICATE KEY UPDATE a = VALUES(?)",
        "INSERT INTO t VALUES (?) RETURNING a",
        "INSERT INTO t VALUES (?) ON DUPLICATE KEY UPDATE a = 1 RETURNING a",
        "INSERT INTO t VALUES ROW(?)",
        "INSERT INTO t /*!50000 (a) */ VALUES (?)",
        // The second row could see the first.
        "INSERT INTO t VALUES (?, (SELECT MAX(a) FROM t))",
        "INSERT INTO t VALUES (?) ON DUPLICATE KEY UPDATE a = (SELECT COUNT(*) FROM t)",
        "INSERT INTO t VALUES (f(?))",
        "INSERT INTO t VALUES (?, @a := @a + 1)",
        "INSERT INTO t VALUES (?, LAST_INSERT_ID())",
    ] {
        check(sql, &[&sql.replace('?', "1"), &sql.replace('?', "10")]);
    }
    let two = "INSERT INTO t VALUES (?) ON DUPLICATE KEY UPDATE a = ?";
    check(
        two,
        &[
            "INSERT INTO t VALUES (1) ON DUPLICATE KEY UPDATE a = 2",
            "INSERT INTO t VALUES (10) ON DUPLICATE KEY UPDATE a = 20",
        ],
    );
    let none = [Params::Absent, positional([])];
    let each = many("INSERT INTO t VALUES (1)", &none, 1000, 1000).unwrap();
    assert_eq!(each, ["INSERT INTO t VALUES (1)"; 2]);
}

#[test]
fn statements_are_filled_up_to_the_usual_size() {
    let sql = "INSERT INTO t VALUES (?) ON DUPLICATE KEY UPDATE a=a";
    let rows = ints(&[&[1], &[2], &[3]]);
    let two = "INSERT INTO t VALUES (1),(2) ON DUPLICATE KEY UPDATE a=a";
    let three = "INSERT INTO t VALUES (3) ON DUPLICATE KEY UPDATE a=a";
    let all = two.len() + 4;
    for usual in [two.len(), all - 1] {
        assert_eq!(many(sql, &rows, usual, 1000).unwrap(), [two, three]);
    }
    assert_eq!(many(sql, &rows, all, all).unwrap().len(), 1);
    assert_eq!(many(sql, &rows, two.len() - 1, 1000).unwrap().len(), 3);
    assert_eq!(many(sql, &rows, 0, 1000).unwrap().len(), 3);
    assert_eq!(many(sql, &rows, 1000, two.len()).unwrap().len(), 2);

    // A long row may go alone beyond the usual size, and not beyond the longest.
    let rows = [
        positional([text("a")]),
        positional([text("aaaa")]),
        positional([text("b")]),
    ];
    let statements = many("INSERT INTO t VALUES (?)", &rows, 28, 30).unwrap();
    assert_eq!(statements[1], "INSERT INTO t VALUES ('aaaa')");
    let error = many("INSERT INTO t VALUES (?)", &rows, 28, 28).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::RequestTooLarge);
    assert_eq!(
        error.message(),
        "rows: row 1: it takes a statement of 29 bytes, and the limit is 28"
    );
    assert_eq!(error.limit_met().unwrap().seen, 29);
    let error = many("UPDATE t SET a = ?", &rows, 28, 22).unwrap_err();
    assert!(
        error
            .message()
            .starts_with("rows: row 1: the statement with its"),
        "{error}"
    );
}

#[test]
fn many_rows_cannot_make_far_more_of_a_long_statement() {
    let sql = format!("UPDATE t SET a = ? -- {}", "x".repeat(1 << 20));
    let rows = vec![positional([Value::Null]); 300];
    let error = many(&sql, &rows, 2 << 20, 2 << 20).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::RequestTooLarge);
    assert!(error.message().starts_with("rows: row 25"), "{error}");
}

#[test]
fn rows_are_written_in_every_style_and_mode() {
    let row = |number: i64| named([("a", Value::Int(number)), ("b", text("it's"))]);
    let rows = [row(1), row(2)];
    let sql = "INSERT INTO t VALUES (%(a)s, '%%', %(b)s, %(a)s) ON DUPLICATE KEY UPDATE a=a%%2";
    let dialect = Dialect::MySql(NO_BACKSLASH);
    let template = analyze(sql, ParamStyle::Pyformat, true, dialect).unwrap();
    let many = many_for_mysql(template, &rows, 1000, 1000).unwrap();
    assert_eq!(
        many.map(Result::unwrap).collect::<Vec<_>>(),
        [
            "INSERT INTO t VALUES (1, '%', 'it''s', 1),(2, '%', 'it''s', 2) ON DUPLICATE KEY UPDATE \
          a=a%2"
        ]
    );
}

#[test]
fn what_is_wrong_with_a_row_is_named() {
    let good = positional([Value::Null]);
    for (bad, expected) in [
        (
            positional([]),
            "rows: row 2: the statement has 1 placeholder, but 0 parameters were given: params \
             must have one for each",
        ),
        (
            Params::Absent,
            "rows: row 2: the statement has 1 placeholder, but no parameters were given: set params",
        ),
        (
            positional([Value::Double(f64::NAN)]),
            "rows: row 2: parameter 1: NaN and the infinities have no SQL value: pass NULL or a \
             number",
        ),
        (
            positional([Value::InsertIdOf(0)]),
            "rows: row 2: parameter 1: insert_id_of_step is for the steps of a batch only",
        ),
    ] {
        let rows = [good.clone(), good.clone(), bad, good.clone()];
        for sql in ["INSERT INTO t VALUES (?)", "DELETE FROM t WHERE a = ?"] {
            assert_eq!(invalid(many(sql, &rows, 1000, 1000)), expected);
        }
    }
    let none = many("INSERT INTO t VALUES (?)", &[], 1000, 1000);
    assert_eq!(invalid(none), "rows: at least one is needed");
    let sqlite = analyze("SELECT ?", ParamStyle::Native, true, Dialect::Sqlite).unwrap();
    assert!(many_for_mysql(sqlite, &[good], 1000, 1000).is_err());
}
