//! Tables of input and expected outcome, by what they look at, and properties
//! over any text. What a real server makes of it is tested in `tests/escaping`.

mod assignments;
mod digests;
mod inserts;
mod kinds;
mod leftovers;
mod literals;
mod many;
mod parameters;
mod places;
mod prepared;
mod properties;
mod shared;
mod transactions;

use super::{Dialect, SqlMode, Template, analyze, render_escaped};
use crate::error::{Error, ErrorKind, Result};
use crate::operation::{ParamStyle, Params};
use crate::value::Value;

const DEFAULT: SqlMode = SqlMode {
    ansi_quotes: false,
    no_backslash_escapes: false,
};
const ANSI: SqlMode = SqlMode {
    ansi_quotes: true,
    no_backslash_escapes: false,
};
const NO_BACKSLASH: SqlMode = SqlMode {
    ansi_quotes: false,
    no_backslash_escapes: true,
};
const MYSQL: Dialect = Dialect::MySql(DEFAULT);

fn native(sql: &str) -> Result<Template<'_>> {
    analyze(sql, ParamStyle::Native, true, MYSQL)
}

fn text(text: &str) -> Value {
    Value::Text(text.to_owned())
}

fn positional(values: impl IntoIterator<Item = Value>) -> Params {
    Params::Positional(values.into_iter().collect())
}

fn named<'n>(values: impl IntoIterator<Item = (&'n str, Value)>) -> Params {
    let owned = |(name, value): (&str, Value)| (name.to_owned(), value);
    Params::Named(values.into_iter().map(owned).collect())
}

/// What MySQL would be sent.
fn render(sql: &str, style: ParamStyle, params: &Params) -> Result<String> {
    render_in(sql, style, params, DEFAULT)
}

fn render_in(sql: &str, style: ParamStyle, params: &Params, mode: SqlMode) -> Result<String> {
    let given = *params != Params::Absent;
    let template = analyze(sql, style, given, Dialect::MySql(mode))?;
    Ok(render_escaped(&template, params, usize::MAX)?.into_owned())
}

/// The message of an INVALID_ARGUMENT, which anything else is not.
#[track_caller]
fn invalid<T>(result: Result<T>) -> String {
    message_of(result, ErrorKind::InvalidArgument)
}

#[track_caller]
fn message_of<T>(result: Result<T>, kind: ErrorKind) -> String {
    let error: Error = result.err().expect("an error");
    assert_eq!(error.kind(), kind, "{error}");
    error.message().to_owned()
}

#[test]
fn the_mode_is_read_from_its_text() {
    let both = SqlMode {
        ansi_quotes: true,
        no_backslash_escapes: true,
    };
    for (text, expected) in [
        ("", DEFAULT),
        ("STRICT_TRANS_TABLES,NO_ENGINE_SUBSTITUTION", DEFAULT),
        ("ANSI_QUOTES", ANSI),
        ("ansi", ANSI),
        ("PIPES_AS_CONCAT,ORACLE", ANSI),
        ("NO_BACKSLASH_ESCAPES", NO_BACKSLASH),
        ("POSTGRESQL, NO_BACKSLASH_ESCAPES", both),
        ("REAL_AS_FLOAT,ANSI_QUOTES,NO_BACKSLASH_ESCAPES", both),
        ("NOT_ANSI_QUOTES", DEFAULT),
    ] {
        assert_eq!(SqlMode::parse(text), expected, "{text}");
    }
}
