//! Puts parameters into a template: as literals for MySQL, as `?` and a list of
//! values for SQLite. Every mismatch is found here, before anything is sent, also
//! those of `prepared` and `many`.

use std::borrow::Cow;
use std::ops::Range;

use memchr::memmem;

use super::mode::{Dialect, SqlMode};
use super::template::{Hole, Template};
use super::{PARAMS_MAX, SQLITE_PARAMS_MAX, literal};
use crate::error::{Error, ErrorKind, Result};
use crate::operation::Params;
use crate::value::Value;

/// Room for the literals of a few numbers or short texts.
const LITERAL_BYTES_GUESS: usize = 24;

/// The statement's text with its parameters written into it, for the MySQL
/// dialect that the template was read in. The caller sends it over a connection
/// of that `sql_mode` and of character set utf8mb4. REQUEST_TOO_LARGE if it
/// would have more than `max_bytes`.
pub fn render_escaped<'a>(
    template: &Template<'a>,
    params: &Params,
    max_bytes: usize,
) -> Result<Cow<'a, str>> {
    let Dialect::MySql(mode) = template.dialect else {
        return Err(Error::new(
            ErrorKind::Internal,
            "a statement for SQLite is bound, never escaped",
        ));
    };
    let source = Source::of(template, params)?;
    let plain = template.holes.is_empty()
        && !(template.halves_percent && memmem::find(template.sql.as_bytes(), b"%%").is_some());
    if plain {
        check_size(template.sql.len(), max_bytes)?;
        return Ok(Cow::Borrowed(template.sql));
    }
    let room = template.sql.len() + template.holes.len() * LITERAL_BYTES_GUESS;
    let mut out = String::with_capacity(room.min(max_bytes));
    let whole = 0..template.sql.len();
    push_escaped(&mut out, template, &source, whole, Room { mode, max_bytes })?;
    Ok(Cow::Owned(out))
}

/// How literals are written, and how long the text may become.
#[derive(Clone, Copy)]
pub(super) struct Room {
    pub mode: SqlMode,
    pub max_bytes: usize,
}

/// Appends a part of the template that holds all placeholders, with their values.
pub(super) fn push_escaped(
    out: &mut String,
    template: &Template<'_>,
    source: &Source<'_>,
    part: Range<usize>,
    room: Room,
) -> Result<()> {
    let mut copied = part.start;
    for (index, hole) in template.holes.iter().enumerate() {
        push_sql(out, template, copied, hole.start);
        let value = source.value(index, hole)?;
        literal::push(out, value, room.mode).map_err(|fault| at_fault(index, hole, &fault))?;
        check_size(out.len(), room.max_bytes)?;
        copied = hole.end;
    }
    push_sql(out, template, copied, part.end);
    check_size(out.len(), room.max_bytes)
}

/// The statement's text with a `?` for each value, and the values in order; a
/// list gives as many as it has items. INVALID_ARGUMENT for what MySQL's
/// literals could not say either.
pub fn bind<'p>(template: &Template<'_>, params: &'p Params) -> Result<(String, Vec<&'p Value>)> {
    let source = Source::of(template, params)?;
    let mut out = String::with_capacity(template.sql.len());
    let mut values = Vec::with_capacity(template.holes.len());
    let mut copied = 0;
    for (index, hole) in template.holes.iter().enumerate() {
        push_sql(&mut out, template, copied, hole.start);
        let value = source.value(index, hole)?;
        literal::check(value).map_err(|fault| at_fault(index, hole, &fault))?;
        let items = match value {
            Value::List(items) => items.as_slice(),
            one => std::slice::from_ref(one),
        };
        let count = values.len() + items.len();
        if count > SQLITE_PARAMS_MAX {
            return Err(Error::invalid(format!(
                "SQLite takes at most {SQLITE_PARAMS_MAX} values in a statement, the items of \
                 lists counted"
            ))
            .with_limit(SQLITE_PARAMS_MAX as u64, count as u64));
        }
        out.push('?');
        (1..items.len()).for_each(|_| out.push_str(",?"));
        values.extend(items);
        copied = hole.end;
    }
    push_sql(&mut out, template, copied, template.sql.len());
    Ok((out, values))
}

/// Parameters that fit a template in number and names.
pub(super) enum Source<'p> {
    None,
    Positional(&'p [Value]),
    Named(&'p std::collections::BTreeMap<String, Value>),
}

impl<'p> Source<'p> {
    pub(super) fn of(template: &Template<'_>, params: &'p Params) -> Result<Source<'p>> {
        let holes = &template.holes;
        let is_named = holes.first().is_some_and(|hole| hole.name.is_some());
        match params {
            Params::Absent if holes.is_empty() => Ok(Source::None),
            Params::Absent => {
                let field = if is_named { "named_params" } else { "params" };
                Err(Error::invalid(format!(
                    "the statement has {}, but no parameters were given: set {field}",
                    count_of(holes.len(), "placeholder")
                )))
            }
            Params::Positional(values) => {
                check_positional(template, is_named, values.len())?;
                Ok(Source::Positional(values))
            }
            Params::Named(values) => {
                check_count(values.len(), "named_params")?;
                if !holes.is_empty() && !is_named {
                    return Err(Error::invalid(format!(
                        "the statement has {} without a name, but named_params were given: \
                         set params, or give the placeholders names",
                        count_of(holes.len(), "placeholder")
                    )));
                }
                check_unused(holes, values.keys())?;
                Ok(Source::Named(values))
            }
        }
    }

    pub(super) fn value(&self, index: usize, hole: &Hole<'_>) -> Result<&'p Value> {
        let found = match (self, hole.name) {
            (Source::Positional(values), _) => values.get(index),
            (Source::Named(values), Some(name)) => values.get(name),
            _ => None,
        };
        found.ok_or_else(|| {
            Error::invalid(format!(
                "named_params lacks `{}`, which the statement uses",
                shown(hole.name.unwrap_or_default())
            ))
        })
    }
}

fn check_positional(template: &Template<'_>, is_named: bool, given: usize) -> Result<()> {
    check_count(given, "params")?;
    let holes = &template.holes;
    if is_named {
        return Err(Error::invalid(format!(
            "the statement's placeholders have names (`{}` is the first), but params were given: \
             set named_params",
            shown(holes[0].name.unwrap_or_default())
        )));
    }
    if holes.len() != given {
        let verb = if given == 1 { "was" } else { "were" };
        return Err(Error::invalid(format!(
            "the statement has {}, but {} {verb} given: params must have one for each{}",
            count_of(holes.len(), "placeholder"),
            count_of(given, "parameter"),
            style_hint(template),
        )));
    }
    Ok(())
}

/// For the commonest slip of those who come from PyMySQL.
fn style_hint(template: &Template<'_>) -> &'static str {
    let looks_pyformat = template.holes.is_empty()
        && !template.halves_percent
        && ["%s", "%("].iter().any(|mark| template.sql.contains(mark));
    match looks_pyformat {
        true => "; write ? for each, or set param_style to PYFORMAT for %s",
        false => "",
    }
}

fn check_count(given: usize, field: &str) -> Result<()> {
    if given > PARAMS_MAX {
        return Err(Error::invalid(format!(
            "{field} has {given} parameters, and at most {PARAMS_MAX} are allowed: pass a list \
             for IN (…), or use insert for many rows"
        ))
        .with_limit(PARAMS_MAX as u64, given as u64));
    }
    Ok(())
}

/// Both sides in order, so that many names cost no more than their sorting.
fn check_unused<'n>(holes: &[Hole<'_>], given: impl Iterator<Item = &'n String>) -> Result<()> {
    let mut used: Vec<&str> = holes.iter().filter_map(|hole| hole.name).collect();
    used.sort_unstable();
    let unused: Vec<String> = given
        .filter(|name| used.binary_search(&name.as_str()).is_err())
        .take(4)
        .map(|name| format!("`{}`", shown(name)))
        .collect();
    if unused.is_empty() {
        return Ok(());
    }
    Err(Error::invalid(format!(
        "the statement does not use {} of named_params: every one must be used",
        unused.join(", ")
    )))
}

fn check_size(size: usize, max_bytes: usize) -> Result<()> {
    if size <= max_bytes {
        return Ok(());
    }
    Err(Error::new(
        ErrorKind::RequestTooLarge,
        format!(
            "the statement with its parameters takes at least {size} bytes, and the limit is \
             {max_bytes}"
        ),
    )
    .with_limit(max_bytes as u64, size as u64))
}

pub(super) fn push_sql(out: &mut String, template: &Template<'_>, from: usize, to: usize) {
    let mut rest = &template.sql[from..to];
    if template.halves_percent {
        while let Some(at) = memmem::find(rest.as_bytes(), b"%%") {
            out.push_str(&rest[..=at]);
            rest = &rest[at + 2..];
        }
    }
    out.push_str(rest);
}

pub(super) fn at_fault(index: usize, hole: &Hole<'_>, fault: &str) -> Error {
    Error::invalid(match hole.name {
        Some(name) => format!("parameter `{}`: {fault}", shown(name)),
        None => format!("parameter {}: {fault}", index + 1),
    })
}

fn count_of(count: usize, what: &str) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} {what}{plural}")
}

/// A name short enough for a message.
fn shown(name: &str) -> Cow<'_, str> {
    const CHARS_MAX: usize = 64;
    match name.char_indices().nth(CHARS_MAX) {
        Some((end, _)) => format!("{}…", &name[..end]).into(),
        None => name.into(),
    }
}
