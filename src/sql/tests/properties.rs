//! What holds for any text: nothing panics, and a rendered statement is cut
//! into the same tokens as its template, with one literal for each placeholder.

use proptest::prelude::*;

use super::*;
use crate::sql::lex::{Lexer, Marks, TokenKind};
use crate::sql::{Function, bind, check};

/// Pieces that make a lexer change its mind.
const PIECES: [&str; 44] = [
    "'", "\"", "`", "\\", "''", "\\'", "/*", "*/", "/*!", "/*!50000", "/*M!", "/*+", "--", "-- ",
    "#", "\n", ";", "?", ":a", ":", "%", "%%", "%s", "%(a)s", "(", ")", "@", "@@", "[", "]", "$",
    "$$", "\0", "é", "😀", " ", " ", "1", ".", "a", "SELECT", "INTO", "GET_LOCK", "WITH",
];

fn any_sql() -> impl Strategy<Value = String> {
    let pieces = prop::collection::vec(prop::sample::select(&PIECES[..]), 0..24);
    prop_oneof![
        4 => pieces.prop_map(|pieces| pieces.concat()),
        1 => ".{0,40}",
    ]
}

/// Mostly well-formed statements.
fn likely_sql() -> impl Strategy<Value = String> {
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

fn any_mode() -> impl Strategy<Value = SqlMode> {
    any::<(bool, bool)>().prop_map(|(ansi_quotes, no_backslash_escapes)| SqlMode {
        ansi_quotes,
        no_backslash_escapes,
    })
}

fn any_value() -> impl Strategy<Value = Value> {
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

/// Tokens of a text without placeholders, as (kind, text).
fn tokens(sql: &str, mode: SqlMode) -> Vec<(TokenKind<'_>, String)> {
    let mut lexer = Lexer::new(sql, Dialect::MySql(mode), Marks::None);
    let mut tokens = Vec::new();
    while let Some(token) = lexer.next().unwrap() {
        let kind = match token.kind {
            TokenKind::Hole(_) => unreachable!(),
            kind => kind,
        };
        tokens.push((kind, sql[token.start..token.end].to_owned()));
    }
    tokens
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, failure_persistence: None, ..Default::default() })]

    #[test]
    fn no_text_makes_it_panic(sql in any_sql(), mode in any_mode(), values in prop::collection::vec(any_value(), 0..3)) {
        let params = Params::Positional(values);
        let by_name = named([("a", Value::Null)]);
        for dialect in [Dialect::MySql(mode), Dialect::Sqlite] {
            for (style, given) in [
                (ParamStyle::Native, true),
                (ParamStyle::Pyformat, true),
                (ParamStyle::Pyformat, false),
            ] {
                let Ok(template) = analyze(&sql, style, given, dialect) else {
                    continue;
                };
                let _ = check(Function::Query, &template);
                for params in [&params, &by_name, &Params::Absent] {
                    let _ = render_escaped(&template, params, 1000);
                    let _ = bind(&template, params);
                }
            }
        }
    }

    #[test]
    fn values_stay_where_they_are_put(
        sql in likely_sql(),
        mode in any_mode(),
        values in prop::collection::vec(any_value(), 32),
    ) {
        let dialect = Dialect::MySql(mode);
        let Ok(template) = analyze(&sql, ParamStyle::Native, true, dialect) else {
            return Ok(());
        };
        let values = values[..template.placeholder_count()].to_vec();
        let rendered =
            render_escaped(&template, &Params::Positional(values.clone()), usize::MAX).unwrap();

        // The template's tokens, with each placeholder's place taken by its literal's.
        let mut expected = Vec::new();
        let mut lexer = Lexer::new(&sql, dialect, Marks::Native);
        let mut values = values.into_iter();
        let mut before = String::new();
        while let Some(token) = lexer.next().unwrap() {
            let text = &sql[token.start..token.end];
            if let TokenKind::Hole(_) = token.kind {
                let glue = if before.ends_with('-') && sql[..token.start].ends_with('-') { "-" } else { "" };
                let alone = render_in(&format!("{glue}?"), ParamStyle::Native, &positional([values.next().unwrap()]), mode).unwrap();
                let tokens = tokens(&alone, mode);
                expected.extend(tokens.into_iter().skip(glue.len()).map(|(kind, text)| (format!("{kind:?}"), text)));
            } else {
                expected.push((format!("{:?}", token.kind), text.to_owned()));
            }
            before = text.to_owned();
        }
        let seen: Vec<_> = tokens(&rendered, mode)
            .into_iter()
            .map(|(kind, text)| (format!("{kind:?}"), text))
            .collect();
        prop_assert_eq!(seen, expected, "{}", rendered);
    }
}
