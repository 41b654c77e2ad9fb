//! Sees whether a statement asks for what the one before it left in their
//! connection: an insert id, a count of rows or warnings. On a shared connection
//! that one may have been another caller's. What to do instead is in `refused`.

use super::lex::{Token, TokenKind};
use super::mode::Dialect;
use super::refused::{self, Refused};

pub(super) struct Leftovers {
    dialect: Dialect,
    near: Near,
    asked: Option<&'static Refused>,
}

/// What the tokens just seen may be the beginning of.
#[derive(Clone, Copy)]
enum Near {
    Nothing,
    /// A call of a function that, without an argument, tells of what was left.
    Call(&'static Refused),
    /// `@@`, or `@@session.`
    Variable,
    /// `@@session`
    Scope,
}

impl Leftovers {
    pub fn new(dialect: Dialect) -> Leftovers {
        Leftovers {
            dialect,
            near: Near::Nothing,
            asked: None,
        }
    }

    /// What it asks for first; None if for nothing.
    pub fn asked(&self) -> Option<Refused> {
        self.asked.copied()
    }

    /// At the parenthesis after a name.
    pub fn open_call(&mut self, name: &str) {
        let function = match self.dialect {
            Dialect::MySql(_) => refused::function_in_mysql(name),
            Dialect::Sqlite => refused::function_in_sqlite(name),
        };
        if let Some(refused) = function {
            self.near = Near::Call(refused);
        }
    }

    /// At `@@`, which only MySQL knows.
    pub fn open_variable(&mut self) {
        self.near = Near::Variable;
    }

    /// Whether the next token matters: nearly always not.
    #[inline]
    pub fn is_near(&self) -> bool {
        !matches!(self.near, Near::Nothing)
    }

    /// The token after one that opened something, and the name that it is if it
    /// can be one. What stands in a `/*! … */` comment may count and may not: it
    /// can complete a call, and does not keep one from being complete.
    pub fn go_on(&mut self, token: &Token<'_>, name: Option<&str>) {
        let mut ask = |refused| {
            self.asked = self.asked.or(Some(refused));
            Near::Nothing
        };
        let next = match (self.near, token.kind, name) {
            (Near::Call(refused), TokenKind::Sign(b')'), _) => ask(refused),
            (Near::Variable, _, Some(name)) => match refused::variable_in_mysql(name) {
                Some(refused) => ask(refused),
                None if is_scope(name) => Near::Scope,
                None => Near::Nothing,
            },
            (Near::Scope, TokenKind::Sign(b'.'), _) => Near::Variable,
            (near, _, _) if token.executable => near,
            _ => Near::Nothing,
        };
        self.near = next;
    }
}

fn is_scope(name: &str) -> bool {
    name.eq_ignore_ascii_case("session") || name.eq_ignore_ascii_case("local")
}
