//! Sees what a SET statement sets (MySQL Reference Manual, "SET Syntax for
//! Variable Assignment"; MariaDB, "SET"): which names stand before an `=`, or
//! where no `=` comes, as in SET NAMES. What may be set within a transaction is
//! decided by those names alone, however they are written.

use super::commit;
use super::lex::{Token, TokenKind};
use super::refused::{self, Refused};

#[derive(Clone, Copy, Default)]
enum Place {
    /// Up to the `=`.
    #[default]
    Target,
    /// After `@`, up to the `=`.
    UserVariable,
    /// From the `=` to a comma outside of parentheses.
    Value,
}

/// What the tokens after SET have named.
#[derive(Default)]
pub(super) struct Assignments {
    place: Place,
    depth: i32,
    names: usize,
    /// Something else than user variables.
    sets_system: bool,
    /// What to use instead, if a setting has a place of its own.
    shared: Option<&'static Refused>,
    transaction: Option<&'static Refused>,
}

impl Assignments {
    /// A token after SET, and the name that it is if it can be one.
    pub fn see(&mut self, token: &Token<'_>, name: Option<&str>) {
        match (self.place, token.kind) {
            (_, TokenKind::Sign(b'(')) => self.depth += 1,
            (_, TokenKind::Sign(b')')) => self.depth -= 1,
            (_, TokenKind::Sign(b',')) if self.depth == 0 => self.place = Place::Target,
            (Place::Value, _) => {}
            (_, TokenKind::Sign(b'=')) => self.place = Place::Value,
            (Place::Target, TokenKind::Sign(b'@')) if token.end - token.start == 1 => {
                self.place = Place::UserVariable;
            }
            (Place::Target, _) => {
                self.sets_system = true;
                if let Some(name) = name {
                    self.see_name(name);
                }
            }
            (Place::UserVariable, _) => {}
        }
    }

    fn see_name(&mut self, name: &str) {
        self.names += 1;
        self.shared = self.shared.or(refused::setting(name));
        let within = match self.names {
            1 if name.eq_ignore_ascii_case("STATEMENT") => Some(&commit::SET_STATEMENT),
            _ => in_transaction(name),
        };
        self.transaction = self.transaction.or(within);
    }

    /// Why it is refused on a shared connection, as any SET is.
    pub fn shared(&self) -> &'static Refused {
        const ANY: &Refused = &refused::SET;
        // What no transaction allows either is not to be tried there.
        self.shared.or(self.transaction).unwrap_or(ANY)
    }

    /// Why it is refused within a transaction; None: it is not.
    pub fn transaction(&self) -> Option<&'static Refused> {
        self.transaction
    }

    /// Whether it sets anything but user variables.
    pub fn sets_system(&self) -> bool {
        self.sets_system
    }
}

fn in_transaction(name: &str) -> Option<&'static Refused> {
    // Servers compare names by a collation: letters may equal others.
    if !name.is_ascii() {
        return Some(&commit::SET_ODD);
    }
    let begins = |prefix: &str| {
        let start = name.get(..prefix.len());
        start.is_some_and(|start| start.eq_ignore_ascii_case(prefix))
    };
    let is_one_of = |names: &[&str]| names.iter().any(|known| known.eq_ignore_ascii_case(name));
    if is_one_of(&["NAMES", "CHARACTER", "CHARSET", "CHAR"])
        || begins("character_set")
        || begins("collation")
    {
        Some(&commit::SET_CHARSET)
    } else if is_one_of(&["GLOBAL", "PERSIST", "PERSIST_ONLY"]) {
        Some(&commit::SET_GLOBAL)
    } else if is_one_of(&["PASSWORD", "ROLE", "DEFAULT", "RESOURCE", "AUTHORIZATION"]) {
        Some(&commit::SET_ACCOUNT)
    } else if is_one_of(&["autocommit", "completion_type"]) {
        Some(&commit::SET_ENDS)
    } else if is_one_of(&["sql_log_bin"]) || begins("session_track_") || begins("pseudo_") {
        Some(&commit::SET_NEEDED)
    } else {
        None
    }
}
