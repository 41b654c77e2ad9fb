//! Makes the statements that run one template for many rows of parameters, as
//! DB-API's executemany does: an INSERT … VALUES as few statements of many rows,
//! anything else as one for each row. Making several statements one transaction
//! is for the backend.

use std::ops::Range;

use super::lex::{Token, TokenKind};
use super::mode::Dialect;
use super::render::{Room, Source, push_escaped, push_sql};
use super::template::Template;
use crate::error::{Error, ErrorKind, Result};
use crate::operation::Params;

/// What all statements of one call may take, in bytes: a long template with many
/// short rows would otherwise become far more work, here and for the server, than
/// what the client has sent.
const ALL_MAX_BYTES: usize = 256 << 20;

/// Statements that run `template` once for each of the rows, in their order. They
/// are kept within `usual_bytes` where a row lets them, and never take more than
/// `longest_bytes`. All are written once to check them, so that a bad row is found
/// before the first is sent, and each again when it is asked for: no two of them
/// are in memory together.
///
/// INVALID_ARGUMENT names the row, from 0; REQUEST_TOO_LARGE if one row alone is
/// over the limit, or all of them together are over 256 MiB.
pub fn many_for_mysql<'a>(
    template: Template<'a>,
    rows: &'a [Params],
    usual_bytes: usize,
    longest_bytes: usize,
) -> Result<Many<'a>> {
    let Dialect::MySql(mode) = template.dialect else {
        return Err(Error::new(
            ErrorKind::Internal,
            "rows for SQLite are bound one by one",
        ));
    };
    if rows.is_empty() {
        return Err(Error::invalid("rows: at least one is needed"));
    }
    let mut many = Many {
        layout: Layout::new(&template),
        template,
        rows,
        room: Room {
            mode,
            max_bytes: longest_bytes,
        },
        usual_bytes: usual_bytes.min(longest_bytes),
        count: 0,
        next_row: 0,
        row_text: None,
    };
    many.check()?;
    Ok(many)
}

/// The statements of one call, one after the other. Each was written before, and
/// an error is not to be expected.
pub struct Many<'a> {
    template: Template<'a>,
    rows: &'a [Params],
    layout: Layout,
    /// How literals are written, and how long a statement may be.
    room: Room,
    usual_bytes: usize,
    count: usize,
    next_row: usize,
    /// Of the next row, if it is written and in no statement yet.
    row_text: Option<String>,
}

/// How the statements are made of the template.
struct Layout {
    /// What is written anew for each row, of the template's text.
    part: Range<usize>,
    /// What stands before and after it.
    opening: String,
    ending: String,
    /// Whether a statement takes more than one row.
    joins: bool,
}

impl Layout {
    fn new(template: &Template<'_>) -> Layout {
        let whole = 0..template.sql.len();
        let group = group(template);
        let joins = group.is_some();
        let part = group.unwrap_or(whole.clone());
        let (mut opening, mut ending) = (String::new(), String::new());
        push_sql(&mut opening, template, 0, part.start);
        push_sql(&mut ending, template, part.end, whole.end);
        Layout {
            part,
            opening,
            ending,
            joins,
        }
    }
}

impl Many<'_> {
    /// How many statements there are in all.
    pub fn statements(&self) -> usize {
        self.count
    }

    /// Writes all into the same room, and begins anew.
    fn check(&mut self) -> Result<()> {
        let mut text = String::new();
        let mut all_bytes = 0;
        while self.write_next(&mut text)? {
            self.count += 1;
            all_bytes += text.len();
            if all_bytes > ALL_MAX_BYTES {
                let error = too_large(
                    "with it the statements of all rows take",
                    all_bytes,
                    ALL_MAX_BYTES,
                );
                return Err(in_row(self.next_row - 1, &error));
            }
        }
        self.next_row = 0;
        Ok(())
    }

    /// Puts the next statement into `text`; false if there is none.
    fn write_next(&mut self, text: &mut String) -> Result<bool> {
        text.clear();
        while let Some(row) = self.rows.get(self.next_row) {
            let row_text = match self.row_text.take() {
                Some(row_text) => row_text,
                None => self
                    .row_text(row)
                    .map_err(|error| in_row(self.next_row, &error))?,
            };
            let joined = text.len() + 1 + row_text.len() + self.layout.ending.len();
            if text.is_empty() {
                text.push_str(&self.layout.opening);
            } else if self.layout.joins && joined <= self.usual_bytes {
                text.push(',');
            } else {
                self.row_text = Some(row_text);
                break;
            }
            text.push_str(&row_text);
            self.next_row += 1;
            if !self.layout.joins {
                break;
            }
        }
        let is_one = !text.is_empty();
        if is_one {
            text.push_str(&self.layout.ending);
        }
        Ok(is_one)
    }

    fn row_text(&self, row: &Params) -> Result<String> {
        let mut text = String::new();
        let source = Source::of(&self.template, row)?;
        let part = self.layout.part.clone();
        push_escaped(&mut text, &self.template, &source, part, self.room)?;
        let alone = self.layout.opening.len() + text.len() + self.layout.ending.len();
        let longest = self.room.max_bytes;
        match alone > longest {
            true => Err(too_large("it takes a statement of", alone, longest)),
            false => Ok(text),
        }
    }
}

impl Iterator for Many<'_> {
    type Item = Result<String>;

    fn next(&mut self) -> Option<Result<String>> {
        let mut text = String::new();
        match self.write_next(&mut text) {
            Ok(true) => Some(Ok(text)),
            Ok(false) => None,
            Err(error) => Some(Err(error)),
        }
    }
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
