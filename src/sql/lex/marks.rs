//! The placeholders among the tokens: which marks are some, and which are
//! refused because of what they stand next to.

use memchr::memchr;

use super::{CLASS, Lexer, Marks, QUOTE, Token, TokenKind, WORD};
use crate::error::{Error, Result};
use crate::sql::mode::Dialect;

impl<'a> Lexer<'a> {
    /// In MySQL `a:b` is a label and `::` nothing; SQLite reads `:b` wherever it stands.
    pub(super) fn is_colon_mark(&self) -> bool {
        let before = self.before();
        match self.dialect {
            Dialect::Sqlite => self.continues_word(1),
            Dialect::MySql(_) => {
                self.marks == Marks::Native
                    && self.peek(1).is_some_and(begins_name)
                    && (self.last_hole_end == Some(self.at)
                        || before.is_none_or(|byte| byte != b':' && CLASS[byte as usize] != WORD))
            }
        }
    }

    pub(super) fn colon(&mut self) -> Result<Token<'a>> {
        if self.marks != Marks::Native || !self.peek(1).is_some_and(begins_name) {
            return Err(self.foreign_mark());
        }
        let rest = &self.bytes[self.at + 1..];
        let length = rest
            .iter()
            .position(|byte| !byte.is_ascii_alphanumeric() && *byte != b'_')
            .unwrap_or(rest.len());
        let name = &self.sql[self.at + 1..self.at + 1 + length];
        self.hole(1 + length, Some(name))
    }

    pub(super) fn percent(&mut self) -> Result<Token<'a>> {
        const REMEDY: &str = "a lone % is not allowed where parameters are given: \
                              write %% for %, and %s or %(name)s for a parameter";
        match self.peek(1) {
            Some(b'%') => {
                let end = self.at + 2;
                Ok(self.token(TokenKind::Sign(b'%'), end))
            }
            Some(b's') => self.hole(2, None),
            Some(b'(') => {
                let from = self.at + 2;
                let Some(length) = memchr(b')', &self.bytes[from..]) else {
                    return Err(self.unterminated(self.at, "placeholder", ")s"));
                };
                if self.bytes.get(from + length + 1) != Some(&b's') {
                    return Err(self.fault(self.at, "a named placeholder is written %(name)s"));
                }
                self.hole(length + 4, Some(&self.sql[from..from + length]))
            }
            _ => Err(self.fault(self.at, REMEDY)),
        }
    }

    /// A placeholder of `length` bytes. It may not touch what its value could
    /// merge with: `x?` would be a hexadecimal literal, `'a'?` one string,
    /// `1.?` one number.
    pub(super) fn hole(&mut self, length: usize, name: Option<&'a str>) -> Result<Token<'a>> {
        let (start, end) = (self.at, self.at + length);
        if self.executable.is_some() {
            return Err(self.fault(
                start,
                "a placeholder stands in a comment /*! … */, which some servers run and some \
                 skip: move it out",
            ));
        }
        let merges = |byte: u8| matches!(CLASS[byte as usize], WORD | QUOTE) || byte == b'.';
        let touches = self.before().is_some_and(merges)
            || self.peek(length).is_some_and(merges)
            || self.last_hole_end == Some(start);
        if touches {
            return Err(self.fault(
                start,
                "a placeholder touches a name, a number, a literal or another placeholder: \
                 put a space between",
            ));
        }
        self.last_hole_end = Some(end);
        Ok(self.token(TokenKind::Hole(name), end))
    }

    /// SQLite would see a placeholder where the caller's style has none.
    #[cold]
    pub(super) fn foreign_mark(&self) -> Error {
        let remedy = match self.marks {
            Marks::Native => "write ? or :name, with a name of ASCII letters, digits and _",
            Marks::Percent => "write %s or %(name)s",
            Marks::None => "no parameters were given",
        };
        self.fault(
            self.at,
            &format!("SQLite reads this as a placeholder of its own: {remedy}"),
        )
    }
}

fn begins_name(byte: u8) -> bool {
    byte.is_ascii_alphabetic() || byte == b'_'
}
