//! Parameters against placeholders: what fits, and what is said if it does not.

use super::*;
use crate::sql::bind;

use ParamStyle::{Native, Pyformat};

#[test]
fn values_take_their_places() {
    let one_two = || positional([Value::Int(1), text("b")]);
    let by_name = || named([("a", Value::Int(1)), ("b", text("b"))]);
    for (sql, style, params, expected) in [
        ("SELECT ?, ?", Native, one_two(), "SELECT 1, 'b'"),
        ("SELECT :b, :a, :b", Native, by_name(), "SELECT 'b', 1, 'b'"),
        ("SELECT %s, %s", Pyformat, one_two(), "SELECT 1, 'b'"),
        ("%(b)s=%(a)s", Pyformat, by_name(), "'b'=1"),
        ("SELECT 1", Native, Params::Absent, "SELECT 1"),
        ("SELECT 1 ; -- x", Native, positional([]), "SELECT 1 "),
        ("SELECT 1", Native, named([]), "SELECT 1"),
        ("SELECT 1 % 2", Native, positional([]), "SELECT 1 % 2"),
    ] {
        assert_eq!(render(sql, style, &params).unwrap(), expected);
    }
}

#[test]
fn percent_signs_are_halved_only_where_parameters_are_given() {
    let one = || positional([Value::Int(1)]);
    let none = || positional([]);
    for (sql, params, expected) in [
        (
            "SELECT 5 % 2, '%', '%%', '%s'",
            Params::Absent,
            "SELECT 5 % 2, '%', '%%', '%s'",
        ),
        (
            "SELECT 5 %% 2, '%', '%%', '%s'",
            none(),
            "SELECT 5 % 2, '%', '%', '%s'",
        ),
        (
            "SELECT '%%%', `%%`, \"%%s\" /* %% */",
            none(),
            "SELECT '%%', `%`, \"%s\" /* % */",
        ),
        ("SELECT %s%%2 -- %%%s", one(), "SELECT 1%2 -- %%s"),
        ("SELECT 5%%%s", one(), "SELECT 5%1"),
        (
            "SELECT 1 /*!50000 %% 2 */",
            none(),
            "SELECT 1 /*!50000 % 2 */",
        ),
        ("SELECT '%(a)s', %s", one(), "SELECT '%(a)s', 1"),
    ] {
        assert_eq!(render(sql, Pyformat, &params).unwrap(), expected);
    }
    const LONE: &str = "sql: a lone % is not allowed where parameters are given: write %% for %, \
                        and %s or %(name)s for a parameter (at character 10)";
    for sql in ["SELECT 5 % 2", "SELECT 5 %d", "SELECT 5 %"] {
        assert_eq!(invalid(render(sql, Pyformat, &none())), LONE);
    }
    assert_eq!(
        invalid(render("SELECT %(a)d", Pyformat, &none())),
        "sql: a named placeholder is written %(name)s (at character 8)"
    );
    assert_eq!(
        invalid(render("SELECT %(a", Pyformat, &none())),
        "sql: the placeholder that begins at character 8 is not closed: )s is missing"
    );
}

/// With this message whatever the database.
#[track_caller]
fn check_mismatch(sql: &str, style: ParamStyle, params: &Params, expected: &str) {
    assert_eq!(invalid(render(sql, style, params)), expected);
    if style == Native {
        let given = *params != Params::Absent;
        let template = analyze(sql, style, given, Dialect::Sqlite).unwrap();
        assert_eq!(invalid(bind(&template, params)), expected);
    }
}

fn ones(count: usize) -> Params {
    positional(vec![Value::Int(1); count])
}

#[test]
fn counts_and_kinds_that_differ_are_told() {
    for (sql, style, params, expected) in [
        (
            "SELECT ?, ?",
            Native,
            Params::Absent,
            "the statement has 2 placeholders, but no parameters were given: set params",
        ),
        (
            "SELECT :a",
            Native,
            Params::Absent,
            "the statement has 1 placeholder, but no parameters were given: set named_params",
        ),
        (
            "SELECT ?, ?",
            Native,
            ones(1),
            "the statement has 2 placeholders, but 1 parameter was given: params must have one \
             for each",
        ),
        (
            "SELECT ?",
            Native,
            ones(3),
            "the statement has 1 placeholder, but 3 parameters were given: params must have one \
             for each",
        ),
        (
            "SELECT 1",
            Native,
            ones(1),
            "the statement has 0 placeholders, but 1 parameter was given: params must have one \
             for each",
        ),
        (
            "SELECT %s",
            Pyformat,
            ones(0),
            "the statement has 1 placeholder, but 0 parameters were given: params must have one \
             for each",
        ),
        (
            "SELECT :a",
            Native,
            ones(1),
            "the statement's placeholders have names (`a` is the first), but params were given: \
             set named_params",
        ),
        (
            "SELECT ?",
            Native,
            named([("a", Value::Null)]),
            "the statement has 1 placeholder without a name, but named_params were given: set \
             params, or give the placeholders names",
        ),
    ] {
        check_mismatch(sql, style, &params, expected);
    }
}

#[test]
fn names_that_differ_are_told() {
    for (sql, style, params, expected) in [
        (
            "SELECT :a, :b",
            Native,
            named([("a", Value::Null)]),
            "named_params lacks `b`, which the statement uses",
        ),
        (
            "SELECT %(a)s",
            Pyformat,
            named([]),
            "named_params lacks `a`, which the statement uses",
        ),
        (
            "SELECT :a",
            Native,
            named([("a", Value::Null), ("b", Value::Null)]),
            "the statement does not use `b` of named_params: every one must be used",
        ),
        (
            "SELECT 1",
            Native,
            named([("a", Value::Null), ("b", Value::Null)]),
            "the statement does not use `a`, `b` of named_params: every one must be used",
        ),
        (
            "SELECT :a",
            Native,
            named([("a", Value::Double(f64::NAN))]),
            "parameter `a`: NaN and the infinities have no SQL value: pass NULL or a number",
        ),
        (
            "SELECT 1",
            Native,
            ones(65_536),
            "params has 65536 parameters, and at most 65535 are allowed: pass a list for IN (…), \
             or use insert for many rows",
        ),
    ] {
        check_mismatch(sql, style, &params, expected);
    }
}

#[test]
fn no_message_repeats_a_long_name() {
    let name = "x".repeat(10_000);
    let message = invalid(render(
        "SELECT 1",
        Native,
        &named([(name.as_str(), Value::Null)]),
    ));
    assert!(message.len() < 200, "{message}");
}

#[test]
fn the_size_is_limited_while_it_grows() {
    let template = native("SELECT :a, :a, :a").unwrap();
    let params = named([("a", text(&"x".repeat(100)))]);
    let error = render_escaped(&template, &params, 200).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::RequestTooLarge);
    assert_eq!(
        error.message(),
        "the statement with its parameters takes at least 213 bytes, and the limit is 200"
    );
    assert_eq!(error.limit_met().unwrap().seen, 213);
    assert!(render_escaped(&template, &params, 316).is_err());
    assert_eq!(render_escaped(&template, &params, 317).unwrap().len(), 317);
    assert!(render_escaped(&native("SELECT 1").unwrap(), &Params::Absent, 7).is_err());
}

#[test]
fn sqlite_gets_a_mark_for_each_value() {
    let list = Value::List(vec![Value::Int(1), Value::Null]);
    let params = named([("a", list), ("b", text("x"))]);
    let sql = "SELECT ':a' WHERE c IN (:a) AND d = :b OR e IN (:a);";
    let template = analyze(sql, Native, true, Dialect::Sqlite).unwrap();
    let (sql, values) = bind(&template, &params).unwrap();
    assert_eq!(sql, "SELECT ':a' WHERE c IN (?,?) AND d = ? OR e IN (?,?)");
    let expected = [
        Value::Int(1),
        Value::Null,
        text("x"),
        Value::Int(1),
        Value::Null,
    ];
    assert_eq!(values, expected.iter().collect::<Vec<_>>());

    let params = positional([Value::Int(1)]);
    let template = analyze("SELECT %s %% 2", Pyformat, true, Dialect::Sqlite).unwrap();
    assert_eq!(bind(&template, &params).unwrap().0, "SELECT ? % 2");
    assert_eq!(
        message_of(render_escaped(&template, &params, 99), ErrorKind::Internal),
        "a statement for SQLite is bound, never escaped"
    );
    let params = positional([Value::List(vec![Value::Null; 32_767])]);
    assert_eq!(
        invalid(bind(&template, &params)),
        "SQLite takes at most 32766 values in a statement, the items of lists counted"
    );
}

#[test]
fn who_writes_percent_s_in_the_default_style_is_told_so() {
    let error = render("SELECT %s", Native, &positional([Value::Int(1)])).unwrap_err();
    let hint = "; write ? for each, or set param_style to PYFORMAT for %s";
    assert!(error.message().ends_with(hint), "{}", error.message());
}
