//! Sees whether a statement asks for what the one before it left in their
//! connection: an insert id, a sequence's value, a count of rows or warnings. On a
//! shared connection that one may have been another caller's. What to do instead
//! is in `refused`.

use super::lex::{Token, TokenKind};
use super::mode::Dialect;
use super::refused::{self, Refused};

pub(super) struct Leftovers {
    dialect: Dialect,
    /// Each of the three on its own: what a comment that some servers skip begins
    /// must not hide what began before it.
    call: Option<&'static Refused>,
    variable: Variable,
    sequence: Sequence,
    asked: Option<&'static Refused>,
    asked_in_transaction: Option<&'static Refused>,
}

/// What the tokens just seen may be the beginning of.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Variable {
    No,
    /// `@@`, or `@@session.`
    Name,
    /// `@@session`
    Scope,
}

/// The same of MariaDB's `PREVIOUS VALUE FOR`.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Sequence {
    No,
    Previous,
    PreviousValue,
}

impl Leftovers {
    pub fn new(dialect: Dialect) -> Leftovers {
        Leftovers {
            dialect,
            call: None,
            variable: Variable::No,
            sequence: Sequence::No,
            asked: None,
            asked_in_transaction: None,
        }
    }

    /// What it asks for first; None if for nothing.
    pub fn asked(&self) -> Option<&'static Refused> {
        self.asked
    }

    /// The first of those that not even a transaction begins anew.
    pub fn asked_in_transaction(&self) -> Option<&'static Refused> {
        self.asked_in_transaction
    }

    /// At the parenthesis after a name.
    pub fn open_call(&mut self, name: &str) {
        let function = match self.dialect {
            Dialect::MySql(_) => refused::function_in_mysql(name),
            Dialect::Sqlite => refused::function_in_sqlite(name),
        };
        self.call = function.or(self.call);
    }

    /// At `@@`, which only MySQL knows.
    pub fn open_variable(&mut self) {
        self.variable = Variable::Name;
    }

    /// At the word PREVIOUS.
    pub fn open_sequence(&mut self) {
        if self.dialect != Dialect::Sqlite {
            self.sequence = Sequence::Previous;
        }
    }

    /// Whether the next token matters: nearly always not.
    #[inline]
    pub fn is_near(&self) -> bool {
        self.call.is_some() || self.variable != Variable::No || self.sequence != Sequence::No
    }

    /// The token after one that opened something, and the name that it is if it
    /// can be one. What stands in a `/*! … */` comment may count and may not: it
    /// can complete a call, and does not keep one from being complete.
    pub fn go_on(&mut self, token: &Token<'_>, name: Option<&str>) {
        self.go_on_call(token);
        self.go_on_variable(token, name);
        self.go_on_sequence(token, name);
    }

    fn ask(&mut self, refused: &'static Refused) {
        self.asked = self.asked.or(Some(refused));
        if refused::stays_for_transactions(refused) {
            self.asked_in_transaction = self.asked_in_transaction.or(Some(refused));
        }
    }

    fn go_on_call(&mut self, token: &Token<'_>) {
        let Some(refused) = self.call else {
            return;
        };
        if token.kind == TokenKind::Sign(b')') {
            self.ask(refused);
        }
        if !token.executable {
            self.call = None;
        }
    }

    fn go_on_variable(&mut self, token: &Token<'_>, name: Option<&str>) {
        self.variable = match (self.variable, token.kind, name) {
            (Variable::No, _, _) => return,
            (Variable::Name, _, Some(name)) => match refused::variable_in_mysql(name) {
                Some(refused) => {
                    self.ask(refused);
                    Variable::No
                }
                None if is_scope(name) => Variable::Scope,
                None => Variable::No,
            },
            (Variable::Scope, TokenKind::Sign(b'.'), _) => Variable::Name,
            (near, _, _) if token.executable => near,
            _ => Variable::No,
        };
    }

    fn go_on_sequence(&mut self, token: &Token<'_>, name: Option<&str>) {
        let word = name.filter(|_| token.kind == TokenKind::Word);
        let is = |expected: &str| word.is_some_and(|word| word.eq_ignore_ascii_case(expected));
        self.sequence = match self.sequence {
            Sequence::No => return,
            _ if is("VALUE") => Sequence::PreviousValue,
            Sequence::PreviousValue if is("FOR") => {
                self.ask(&refused::PREVIOUS_VALUE);
                Sequence::No
            }
            near if token.executable => near,
            _ => Sequence::No,
        };
    }
}

fn is_scope(name: &str) -> bool {
    name.eq_ignore_ascii_case("session") || name.eq_ignore_ascii_case("local")
}
