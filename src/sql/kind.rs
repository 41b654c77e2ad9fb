//! What kind of statement it is, and whether a function of the service may run
//! it where it is to run. Kinds come from `watch`, which sees the tokens pass;
//! what is refused, and what to do instead, is in `refused`.

use super::refused::Refused;
use super::template::Template;
use crate::error::{Error, ErrorKind, Result};

/// What a statement does, as far as its text tells: a stored function that a
/// SELECT calls, or a trigger, may do more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StatementKind {
    /// Gives rows and changes nothing.
    Read,
    /// Changes rows, or writes a file or a variable.
    Write,
    /// Changes what there is, or tends it: CREATE, ALTER, DROP, GRANT, OPTIMIZE …
    Definition,
    /// Runs code that the statement does not show: CALL, DO.
    Routine,
    /// Changes the session or its transaction: SET, USE, SAVEPOINT, LOCK TABLES …
    Session,
    /// Anything else; the database knows.
    Other,
}

/// A function of the service that takes a statement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Function {
    Query,
    Execute,
}

/// Where a statement is to run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Setting {
    /// A connection that others use next, each statement committing itself.
    Shared,
    /// Within an atomic batch: as Shared, and nothing may commit.
    Atomic,
    /// Within a transaction of the caller's own, whose connection is reset after it.
    Transaction(Progress),
    /// Within an atomic batch there, which is undone by a savepoint of the service's
    /// own: as in the transaction, and no savepoint may be set or ended.
    Nested,
}

/// How far a transaction of a caller has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    /// Nothing has been run in it yet.
    First,
    /// There is something that must not be committed halfway.
    Begun,
}

/// Why a statement may not run, by where it is to run; None: it may.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Refusals {
    pub shared: Option<&'static Refused>,
    pub atomic: Option<&'static Refused>,
    /// In a transaction, wherever it stands there.
    pub transaction: Option<&'static Refused>,
    /// In a transaction in which something has been run.
    pub begun: Option<&'static Refused>,
    /// In an atomic batch there.
    pub nested: Option<&'static Refused>,
}

impl Refusals {
    fn of(&self, setting: Setting) -> Option<&'static Refused> {
        match setting {
            Setting::Shared => self.shared,
            Setting::Atomic => self.shared.or(self.atomic),
            Setting::Transaction(Progress::First) => self.transaction,
            Setting::Transaction(Progress::Begun) => self.transaction.or(self.begun),
            Setting::Nested => self.transaction.or(self.begun).or(self.nested),
        }
    }
}

/// Whether `function` may run the statement in that setting;
/// STATEMENT_NOT_ALLOWED, with what to do instead, if not.
pub fn check(function: Function, setting: Setting, template: &Template<'_>) -> Result<()> {
    if let Some(refused) = template.refusals().of(setting) {
        return Err(not_allowed(format!(
            "{} is not allowed: {}",
            refused.what, refused.remedy
        )));
    }
    match (template.kind(), function) {
        (StatementKind::Read, _) | (_, Function::Execute) => Ok(()),
        (kind, Function::Query) => Err(not_allowed(why_no_query(kind, template))),
    }
}

fn why_no_query(kind: StatementKind, template: &Template<'_>) -> String {
    // Anything may stand where a keyword should.
    let word = match template.keyword() {
        word if word.len() <= 20 => word.to_ascii_uppercase(),
        _ => String::new(),
    };
    let does = match kind {
        StatementKind::Write if template.stores_result() => {
            format!("({word} … INTO) stores what it reads")
        }
        StatementKind::Write => format!("({word}) writes"),
        StatementKind::Definition => format!("({word}) changes or tends what the database is"),
        StatementKind::Routine => format!("({word}) may write"),
        StatementKind::Session => format!("({word}) changes the session or its transaction"),
        _ if word.is_empty() => "is of no kind that is known to read".to_owned(),
        _ => format!("({word}) is of no kind that is known to read"),
    };
    format!("query runs statements that only read, and this one {does}: use execute")
}

fn not_allowed(message: String) -> Error {
    Error::new(ErrorKind::StatementNotAllowed, message)
}
