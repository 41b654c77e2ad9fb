//! A statement that has been read once: where its placeholders are, what kind
//! it is, and whether the connection needs a reset after it. Putting values in
//! is left to `render`.

use super::kind::{Refusals, StatementKind};
use super::lex::{Lexer, Marks, Token, TokenKind, place};
use super::mode::Dialect;
use super::watch::{Seen, Watch};
use super::{PARAMS_MAX, refused};
use crate::error::{Error, Result};
use crate::operation::ParamStyle;

/// A statement's text and what its analysis found.
#[derive(Clone, Debug)]
pub struct Template<'a> {
    /// Up to the `;`, if there is one.
    pub(super) sql: &'a str,
    /// In the order of the text, either all with a name or none.
    pub(super) holes: Vec<Hole<'a>>,
    pub(super) dialect: Dialect,
    /// `%%` stands for `%`.
    pub(super) halves_percent: bool,
    seen: Seen<'a>,
}

/// The place of one placeholder.
#[derive(Clone, Copy, Debug)]
pub(super) struct Hole<'a> {
    pub start: usize,
    pub end: usize,
    pub name: Option<&'a str>,
}

impl<'a> Template<'a> {
    pub fn kind(&self) -> StatementKind {
        self.seen.kind
    }

    /// The statement's first word as it was written; empty if it begins with none.
    pub fn keyword(&self) -> &'a str {
        self.seen.keyword
    }

    /// It reads, and puts what it has read INTO a file or a variable.
    pub(super) fn stores_result(&self) -> bool {
        self.seen.stores_result
    }

    /// Where it is refused.
    pub(super) fn refusals(&self) -> &Refusals {
        &self.seen.refusals
    }

    /// Whether it may leave something in the connection, a user variable for
    /// one, so that this must be reset before someone else gets it. A call of a
    /// function that is not built in counts; what a view or a trigger calls is
    /// not in the text.
    pub fn may_touch_session(&self) -> bool {
        self.seen.may_touch_session
    }

    /// Whether it may leave another `sql_mode`, under which the next statement
    /// must be read: SET of anything but user variables, and code that the
    /// statement does not show.
    pub fn changes_modes(&self) -> bool {
        self.seen.changes_modes
    }

    /// Whether it may end the transaction that it runs in, and the text does not
    /// show: CALL, DO, and what is not known. Never in SQLite.
    pub fn may_end_transaction(&self) -> bool {
        self.seen.may_end_transaction
    }

    /// Whether it asks what an earlier statement has left in the session
    /// (LAST_INSERT_ID(), SHOW WARNINGS …), which on a connection that was not
    /// reset may be another caller's.
    pub fn reads_leftovers(&self) -> bool {
        self.seen.reads_leftovers
    }

    /// Its tokens once more, which were found well-formed.
    pub(super) fn tokens(&self) -> Lexer<'a> {
        let marks = match (self.halves_percent, self.holes.is_empty()) {
            (true, _) => Marks::Percent,
            (false, true) => Marks::None,
            (false, false) => Marks::Native,
        };
        Lexer::new(self.sql, self.dialect, marks)
    }

    /// How many placeholders it has; a name counts as often as it is used.
    pub fn placeholder_count(&self) -> usize {
        self.holes.len()
    }
}

/// Reads a statement. `params_given` is false if neither `params` nor
/// `named_params` were set; PyMySQL's style then has no placeholders at all.
///
/// Costs one pass over the text and one allocation, none if there is no
/// placeholder. INVALID_ARGUMENT if the text is empty, is more than one
/// statement, has something that is not closed, or mixes placeholders.
pub fn analyze(
    sql: &str,
    style: ParamStyle,
    params_given: bool,
    dialect: Dialect,
) -> Result<Template<'_>> {
    let marks = match style {
        ParamStyle::Native => Marks::Native,
        ParamStyle::Pyformat if params_given => Marks::Percent,
        ParamStyle::Pyformat => Marks::None,
    };
    let mut lexer = Lexer::new(sql, dialect, marks);
    let mut watch = Watch::new(sql, dialect);
    let mut holes = Vec::new();
    let mut end = sql.len();
    while let Some(token) = lexer.next()? {
        match token.kind {
            TokenKind::Hole(name) => push_hole(&mut holes, sql, &token, name)?,
            TokenKind::Sign(b';') => {
                end = token.start;
                expect_end(&mut lexer, &watch, sql, &token)?;
                break;
            }
            _ => {}
        }
        watch.see(&token);
    }
    if !watch.seen_code() {
        return Err(Error::invalid(
            "sql: there is no statement, only blanks and comments",
        ));
    }
    Ok(Template {
        sql: &sql[..end],
        holes,
        dialect,
        halves_percent: marks == Marks::Percent,
        seen: watch.finish(),
    })
}

fn push_hole<'a>(
    holes: &mut Vec<Hole<'a>>,
    sql: &str,
    token: &Token<'a>,
    name: Option<&'a str>,
) -> Result<()> {
    let hole = Hole {
        start: token.start,
        end: token.end,
        name,
    };
    if let Some(first) = holes.first()
        && first.name.is_some() != name.is_some()
    {
        return Err(Error::invalid(format!(
            "sql: placeholders with and without names are mixed: {} (at {}) and {} (at {})",
            &sql[first.start..first.end],
            place(sql, first.start),
            &sql[hole.start..hole.end],
            place(sql, hole.start),
        )));
    }
    if holes.len() == PARAMS_MAX {
        return Err(Error::invalid(format!(
            "sql: it has more than {PARAMS_MAX} placeholders: pass a list for IN (?), \
             or use insert for many rows"
        ))
        .with_limit(PARAMS_MAX as u64, PARAMS_MAX as u64 + 1));
    }
    holes.push(hole);
    Ok(())
}

/// After a `;` only blanks and comments may come: the connection would run a
/// second statement. A routine's body is no exception, since whether a `;` is
/// inside of it is for the server's grammar to say.
fn expect_end<'a>(
    lexer: &mut Lexer<'a>,
    watch: &Watch<'a>,
    sql: &str,
    semicolon: &Token<'a>,
) -> Result<()> {
    let keyword = watch.keyword();
    let is = |known: &str| keyword.eq_ignore_ascii_case(known);
    if semicolon.executable {
        return Err(lexer.fault(semicolon.start, "a ; stands in a comment /*! … */"));
    }
    if !watch.seen_code() {
        return Err(lexer.fault(semicolon.start, "there is no statement before the ;"));
    }
    let Some(next) = lexer.next()? else {
        return Ok(());
    };
    let remedy = if is("DELIMITER") {
        "DELIMITER is a command of a client program, not SQL"
    } else if is("CREATE") || is("ALTER") {
        "a routine or trigger whose body holds a ; must be created by another client"
    } else if is("BEGIN") || is("START") {
        refused::TRANSACTION
    } else {
        "send each in a call of its own"
    };
    Err(lexer.fault(
        next.start,
        &format!(
            "text follows the ; at {}, and a call runs one statement: {remedy}",
            place(sql, semicolon.start)
        ),
    ))
}
