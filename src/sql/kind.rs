//! What kind of statement it is, and whether a function of the service may run
//! it. Kinds come from `watch`, which sees the tokens pass; the words that no
//! function runs, and what to do instead, are in `refused`.

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
    /// Changes the connection for those who use it next, asks what others left in
    /// it, or reaches beyond the service.
    Refused(Refused),
    /// Anything else; the database knows.
    Other,
}

/// A function of the service that takes a statement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Function {
    Query,
    Execute,
}

/// Whether `function` may run the statement; STATEMENT_NOT_ALLOWED if not.
pub fn check(function: Function, template: &Template<'_>) -> Result<()> {
    match (template.kind(), function) {
        (StatementKind::Refused(refused), _) => Err(not_allowed(format!(
            "{} is not allowed: {}",
            refused.what, refused.remedy
        ))),
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
        _ if word.is_empty() => "is of no kind that is known to read".to_owned(),
        _ => format!("({word}) is of no kind that is known to read"),
    };
    format!("query runs statements that only read, and this one {does}: use execute")
}

fn not_allowed(message: String) -> Error {
    Error::new(ErrorKind::StatementNotAllowed, message)
}
