//! What holds for any text: nothing panics, and a rendered statement is cut
//! into the same tokens as its template, with one literal for each placeholder.

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

use super::*;
use crate::sql::lex::{Lexer, Marks, TokenKind};
use crate::sql::{Function, Progress, Setting, bind, check, many_for_mysql, prepare};

/// Pieces that make a lexer change its mind.
const PIECES: [&str; 44] = [
    "'", "\"", "`", "\\", "''", "\\'", "/*", "*/", "/*!", "/*!50000", "/*M!", "/*+", "--", "-- ",
    "#", "\n", ";", "?", ":a", ":", "%", "%%", "%s", "%(a)s", "(", ")", "@", "@@", "[", "]", "$",
    "$$", "\0", "é", "😀", " ", " ", "1", ".", "a", "SELECT", "INTO", "GET_LOCK", "WITH",
];

pub(super) fn any_sql() -> impl Strategy<Value = String> {
    let pieces = prop::collection::vec(prop::sample::select(&PIECES[..]), 0..24);
    prop_oneof![
        4 => pieces.prop_map(|pieces| pieces.concat()),
        1 => ".{0,40}",
    ]
}

/// Mostly well-formed statements.
pub(super) fn likely_sql() -> impl Strategy<Value = String> {
    let parts = [
        "'a?'",
        "'it''s'",
        "\"b?\"",
        "`c?`",
        "/* ? ' */",
        "-- ?\n",
        "#?'\n",
        "?",
        "?",
        " ?",
        "1-?",
        "--?",
        "(?)",
        ",",
        "=",
        "+",
        "/*!50000 + 1 */",
        "x",
        "1.5",
        "@v",
        "?,?",
        "N'a'",
        "_utf8mb4",
        "/*+ a */",
    ];
    prop::collection::vec(prop::sample::select(parts.to_vec()), 1..16)
        .prop_map(|parts| format!("SELECT {}", parts.join(" ")))
}

pub(super) fn any_mode() -> impl Strategy<Value = SqlMode> {
    any::<(bool, bool)>().prop_map(|(ansi_quotes, no_backslash_escapes)| SqlMode {
        ansi_quotes,
        no_backslash_escapes,
    })
}

pub(super) fn any_value() -> impl Strategy<Value = Value> {
    let hostile = "['\"\\\\`\0\u{1a}\n;#?%:a-]{0,12}";
    prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::Bool),
        any::<i64>().prop_map(Value::Int),
        any::<u64>().prop_map(Value::UInt),
        any::<f64>()
            .prop_filter("finite", |n| n.is_finite())
            .prop_map(Value::Double),
        "-?[0-9]{1,20}(\\.[0-9]{1,9})?".prop_map(Value::Decimal),
        hostile.prop_map(Value::Text),
        ".{0,12}".prop_map(Value::Text),
        hostile.prop_map(|text| Value::Bytes(text.into_bytes())),
        prop::collection::vec(any::<u8>(), 0..12).prop_map(Value::Bytes),
        "-?[0-8][0-3][0-8]:[0-5][0-9]:[0-5][0-9]".prop_map(Value::Temporal),
    ]
}

/// A token's kind and text, but for a placeholder its index.
fn tokens(sql: &str, mode: SqlMode, marks: Marks) -> Vec<Seen> {
    let mut lexer = Lexer::new(sql, Dialect::MySql(mode), marks);
    let mut seen = Vec::new();
    while let Some(token) = lexer.next().unwrap() {
        let text = sql[token.start..token.end].to_owned();
        seen.push(match token.kind {
            TokenKind::Hole(_) => Seen::Hole {
                after_minus: sql[..token.start].ends_with('-'),
            },
            kind => Seen::Token(format!("{kind:?}"), text),
        });
    }
    seen
}

#[derive(Clone, Debug, PartialEq)]
enum Seen {
    Token(String, String),
    Hole { after_minus: bool },
}

/// The tokens of a value's literal when it stands alone.
fn literal_tokens(value: &Value, after_minus: bool, mode: SqlMode) -> Vec<Seen> {
    let sql = if after_minus { "-?" } else { "?" };
    let params = positional([value.clone()]);
    let written = render_in(sql, ParamStyle::Native, &params, mode).unwrap();
    let mut seen = tokens(&written, mode, Marks::None);
    seen.drain(..usize::from(after_minus));
    seen
}

pub(super) fn run<S: Strategy>(cases: u32, strategy: &S, test: impl Fn(S::Value)) {
    let config = Config {
        cases,
        failure_persistence: None,
        ..Config::default()
    };
    let result = TestRunner::new(config).run(strategy, |input| {
        test(input);
        Ok(())
    });
    if let Err(error) = result {
        panic!("{error}");
    }
}

#[test]
fn no_text_makes_it_panic() {
    let values = prop::collection::vec(any_value(), 0..3);
    run(
        500,
        &(any_sql(), any_mode(), values),
        |(sql, mode, values)| {
            let all_params = [
                Params::Positional(values),
                named([("a", Value::Null)]),
                Params::Absent,
            ];
            for dialect in [Dialect::MySql(mode), Dialect::Sqlite] {
                for (style, given) in [
                    (ParamStyle::Native, true),
                    (ParamStyle::Pyformat, true),
                    (ParamStyle::Pyformat, false),
                ] {
                    let Ok(template) = analyze(&sql, style, given, dialect) else {
                        continue;
                    };
                    let _ = check(Function::Query, Setting::Shared, &template);
                    let begun = Setting::Transaction(Progress::Begun);
                    let _ = check(Function::Execute, begun, &template);
                    for params in &all_params {
                        let _ = render_escaped(&template, params, 1000);
                        let _ = bind(&template, params);
                        let _ = prepare(&template, params, 1000);
                        let rows = std::slice::from_ref(params);
                        let template = analyze(&sql, style, given, dialect).unwrap();
                        if let Ok(mut many) = many_for_mysql(template, rows, 100, 1000) {
                            assert!(many.all(|text| text.is_ok()));
                        }
                    }
                }
            }
        },
    );
}

#[test]
fn values_stay_where_they_are_put() {
    let values = prop::collection::vec(any_value(), 32);
    run(
        500,
        &(likely_sql(), any_mode(), values),
        |(sql, mode, mut values)| {
            let dialect = Dialect::MySql(mode);
            let Ok(template) = analyze(&sql, ParamStyle::Native, true, dialect) else {
                return;
            };
            values.truncate(template.placeholder_count());
            let params = Params::Positional(values.clone());
            let rendered = render_escaped(&template, &params, usize::MAX).unwrap();

            let mut values = values.iter();
            let mut expected = Vec::new();
            for seen in tokens(&sql, mode, Marks::Native) {
                match seen {
                    Seen::Hole { after_minus } => {
                        let value = values.next().unwrap();
                        expected.extend(literal_tokens(value, after_minus, mode));
                    }
                    token => expected.push(token),
                }
            }
            assert_eq!(tokens(&rendered, mode, Marks::None), expected, "{rendered}");
        },
    );
}

/// Pieces of statements that are prepared, if they fit each other.
fn likely_condition() -> impl Strategy<Value = String> {
    let parts = [
        "a = ?",
        "b IN (?)",
        "c BETWEEN ? AND ?",
        "'?' = d",
        "`?` < ?",
        "/* ? */",
        "e LIKE ?",
        "-- ?\n",
        "(f <> ?)",
        "AND",
        "AND",
        "OR",
        "g = g + ?",
        "ORDER BY a",
        "LIMIT ?",
    ];
    prop::collection::vec(prop::sample::select(parts.to_vec()), 1..8)
        .prop_map(|parts| format!("SELECT a FROM t WHERE {}", parts.join(" ")))
}

/// A server finds as many placeholders as there are values, and everything else
/// where it was.
#[test]
fn what_is_prepared_has_a_place_for_each_value() {
    let values = prop::collection::vec(any_value(), 16);
    let all = (likely_condition(), any_mode(), values);
    let prepared = std::cell::Cell::new(0);
    run(500, &all, |(sql, mode, mut values)| {
        let template = analyze(&sql, ParamStyle::Native, true, Dialect::MySql(mode)).unwrap();
        values.truncate(template.placeholder_count());
        let params = Params::Positional(values);
        if let Some(statement) = prepare(&template, &params, usize::MAX).unwrap() {
            prepared.set(prepared.get() + 1);
            let is_hole = |seen: &Seen| matches!(seen, Seen::Hole { .. });
            let seen = tokens(&statement.text, mode, Marks::Native);
            let holes = seen.iter().filter(|seen| is_hole(seen)).count();
            assert_eq!(holes, statement.values.len(), "{}", statement.text);
        }
    });
    assert!(prepared.get() > 20, "only {} were prepared", prepared.get());
}
