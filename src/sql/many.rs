//! Makes the statements that run one template for many rows of parameters, as
//! DB-API's executemany does: an INSERT … VALUES as few statements of many rows,
//! anything else as one for each row. Making several statements one transaction
//! is for the backend.

use std::ops::Range;

use super::lex::{Token, TokenKind};
use super::mode::{Dialect, SqlMode};
use super::render::{Room, Source, push_escaped, push_sql};
use super::template::Template;
use crate::error::{Error, ErrorKind, Result};
use crate::operation::Params;

/// What all statements of one call may take, in bytes: a long template with many
/// short rows would otherwise become far more than the client has sent.
const ALL_MAX_BYTES: usize = 64 << 20;

/// Statements that run `template` once for each of the rows, in their order. They
/// are kept within `usual_bytes` where a row lets them, and never take more than
/// `longest_bytes`. All are made before any is given, so that a bad row is found
/// before the first is sent.
///
/// INVALID_ARGUMENT names the row, from 0; REQUEST_TOO_LARGE if one row alone is
/// over the limit, or all of them together are over 64 MiB.
pub fn many_for_mysql(
    template: &Template<'_>,
    rows: &[Params],
    usual_bytes: usize,
    longest_bytes: usize,
) -> Result<Vec<String>> {
    let Dialect::MySql(mode) = template.dialect else {
        return Err(Error::new(
            ErrorKind::Internal,
            "rows for SQLite are bound one by one",
        ));
    };
    if rows.is_empty() {
        return Err(Error::invalid("rows: at least one is needed"));
    }
    let mut statements = match group(template) {
        Some(group) => Statements::grouped(template, group),
        None => Statements::single(template),
    };
    statements.usual_bytes = usual_bytes.min(longest_bytes);
    statements.longest_bytes = longest_bytes;
    let mut row_text = String::new();
    for (number, row) in rows.iter().enumerate() {
        row_text.clear();
        statements
            .write_row(&mut row_text, row, mode)
            .and_then(|()| statements.push(&row_text))
            .map_err(|error| in_row(number, &error))?;
    }
    Ok(statements.finish())
}

fn in_row(number: usize, error: &Error) -> Error {
    let named = Error::new(
        error.kind(),
        format!("rows: row {number}: {}", error.message()),
    );
    match error.limit_met() {
        Some(met) => named.with_limit(met.limit, met.seen),
        None => named,
    }
}

/// The statements as they grow.
struct Statements<'t, 'a> {
    template: &'t Template<'a>,
    /// What is written anew for each row, of the template's text.
    part: Range<usize>,
    /// What stands before and after it.
    opening: String,
    ending: String,
    /// Whether a statement takes more than one row.
    joins: bool,
    usual_bytes: usize,
    longest_bytes: usize,
    done: Vec<String>,
    /// Without its ending; empty if there is none.
    current: String,
    all_bytes: usize,
}

impl<'t, 'a> Statements<'t, 'a> {
    fn grouped(template: &'t Template<'a>, group: Range<usize>) -> Statements<'t, 'a> {
        let mut statements = Statements::single(template);
        push_sql(&mut statements.opening, template, 0, group.start);
        let end = template.sql.len();
        push_sql(&mut statements.ending, template, group.end, end);
        statements.part = group;
        statements.joins = true;
        statements
    }

    fn single(template: &'t Template<'a>) -> Statements<'t, 'a> {
        Statements {
            template,
            part: 0..template.sql.len(),
            opening: String::new(),
            ending: String::new(),
            joins: false,
            usual_bytes: 0,
            longest_bytes: 0,
            done: Vec::new(),
            current: String::new(),
            all_bytes: 0,
        }
    }

    fn write_row(&self, out: &mut String, row: &Params, mode: SqlMode) -> Result<()> {
        let source = Source::of(self.template, row)?;
        let room = Room {
            mode,
            max_bytes: self.longest_bytes,
        };
        push_escaped(out, self.template, &source, self.part.clone(), room)
    }

    fn push(&mut self, row_text: &str) -> Result<()> {
        let alone = self.opening.len() + row_text.len() + self.ending.len();
        if alone > self.longest_bytes {
            return Err(too_large(
                "it takes a statement of",
                alone,
                self.longest_bytes,
            ));
        }
        let joined = self.current.len() + 1 + row_text.len() + self.ending.len();
        if self.joins && !self.current.is_empty() && joined <= self.usual_bytes {
            self.current.push(',');
            self.all_bytes += 1 + row_text.len();
        } else {
            self.close();
            self.current.push_str(&self.opening);
            self.all_bytes += alone;
        }
        self.current.push_str(row_text);
        if self.all_bytes > ALL_MAX_BYTES {
            return Err(too_large(
                "with it the statements of all rows take",
                self.all_bytes,
                ALL_MAX_BYTES,
            ));
        }
        Ok(())
    }

    fn close(&mut self) {
        if !self.current.is_empty() {
            let mut statement = std::mem::take(&mut self.current);
            statement.push_str(&self.ending);
            self.done.push(statement);
        }
    }

    fn finish(mut self) -> Vec<String> {
        self.close();
        self.done
    }
}

fn too_large(what: &str, seen: usize, limit: usize) -> Error {
    Error::new(
        ErrorKind::RequestTooLarge,
        format!("{what} {seen} bytes, and the limit is {limit}"),
    )
    .with_limit(limit as u64, seen as u64)
}

/// The one `( … )` after VALUES with all the placeholders, if rows may be joined:
/// None also where a row could see what the one before it has done, and where
/// servers may read the statement differently.
fn group(template: &Template<'_>) -> Option<Range<usize>> {
    let verb = template.keyword();
    let inserts = verb.eq_ignore_ascii_case("INSERT") || verb.eq_ignore_ascii_case("REPLACE");
    if !inserts || template.may_touch_session() || template.reads_leftovers() {
        return None;
    }
    let mut finder = Finder::default();
    let mut tokens = template.tokens();
    // A fault was found when the template was made.
    while let Ok(Some(token)) = tokens.next() {
        finder.see(template.sql, &token)?;
    }
    let group = finder.group?;
    let (first, last) = (template.holes.first()?, template.holes.last()?);
    let holds_all = first.start > group.start && last.end < group.end;
    holds_all.then_some(group)
}

/// Where in an INSERT the tokens are.
#[derive(Clone, Copy, Default)]
enum Stage {
    /// The table and its columns.
    #[default]
    Head,
    /// Behind VALUES.
    Values,
    /// In the parentheses that began there.
    Group(usize),
    /// Right behind them.
    After,
    /// In what follows, such as ON DUPLICATE KEY UPDATE.
    Tail,
}

#[derive(Default)]
struct Finder {
    stage: Stage,
    depth: usize,
    after_dot: bool,
    group: Option<Range<usize>>,
}

impl Finder {
    /// None: this is no statement whose rows can be joined.
    fn see(&mut self, sql: &str, token: &Token<'_>) -> Option<()> {
        if token.executable {
            return None;
        }
        let after_dot = std::mem::replace(
            &mut self.after_dot,
            matches!(token.kind, TokenKind::Sign(b'.')),
        );
        match token.kind {
            TokenKind::Word if !after_dot => self.see_word(sql.get(token.start..token.end)?),
            TokenKind::Sign(b'(') => {
                match self.stage {
                    Stage::Values if self.depth == 0 => self.stage = Stage::Group(token.start),
                    Stage::After => return None,
                    _ => {}
                }
                self.depth += 1;
                Some(())
            }
            TokenKind::Sign(b')') => {
                self.depth = self.depth.checked_sub(1)?;
                if let (Stage::Group(start), 0) = (self.stage, self.depth) {
                    self.group = Some(start..token.end);
                    self.stage = Stage::After;
                }
                Some(())
            }
            _ => match self.stage {
                // A second group, or something unknown.
                Stage::After => None,
                Stage::Values => {
                    self.stage = Stage::Head;
                    Some(())
                }
                _ => Some(()),
            },
        }
    }

    fn see_word(&mut self, word: &str) -> Option<()> {
        let is_one_of = |words: &[&str]| words.iter().any(|known| known.eq_ignore_ascii_case(word));
        // A row of a query could see the rows before it.
        const NOT_JOINED: [&str; 8] = [
            "SELECT",
            "TABLE",
            "WITH",
            "UNION",
            "EXCEPT",
            "INTERSECT",
            "MINUS",
            "RETURNING",
        ];
        if is_one_of(&NOT_JOINED) {
            return None;
        }
        let values = is_one_of(&["VALUES", "VALUE"]);
        self.stage = match self.stage {
            // A table may be named `value`: then its columns stood there.
            Stage::Head | Stage::Values | Stage::After if values && self.depth == 0 => {
                self.group = None;
                Stage::Values
            }
            Stage::Head if self.depth == 0 && is_one_of(&["SET"]) => return None,
            Stage::Values => Stage::Head,
            Stage::After if is_one_of(&["ON", "AS"]) => Stage::Tail,
            Stage::After => return None,
            stage => stage,
        };
        Some(())
    }
}
