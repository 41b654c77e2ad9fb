//! Cuts a statement into tokens as its database would: the one place that knows
//! where literals, quoted identifiers and comments begin and end, and where a
//! placeholder stands. What the tokens mean is left to `kind` and `template`.
//!
//! Where servers differ on a text, it is refused: a reading that is right for
//! one of them only would let a parameter's text become a statement's.

mod comments;
mod marks;

use memchr::{memchr, memchr2};

use super::mode::{Dialect, SqlMode};
use crate::error::{Error, Result};

/// Which marks are placeholders.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Marks {
    /// `?` and `:name`.
    Native,
    /// `%s` and `%(name)s`.
    Percent,
    /// None: the text is what it is.
    None,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum TokenKind<'a> {
    /// A keyword, a bare name, or a number up to its point.
    Word,
    /// A name in quotes of any kind.
    Quoted,
    /// A string.
    Text,
    /// One character of punctuation; `@@` is one too.
    Sign(u8),
    /// A placeholder, and its name if it has one.
    Hole(Option<&'a str>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Token<'a> {
    pub kind: TokenKind<'a>,
    pub start: usize,
    pub end: usize,
    /// In a `/*! … */` comment, which some servers run and some skip.
    pub executable: bool,
}

pub(super) struct Lexer<'a> {
    sql: &'a str,
    bytes: &'a [u8],
    at: usize,
    dialect: Dialect,
    marks: Marks,
    has_nul: bool,
    /// Where the executable comment began that `at` is in.
    executable: Option<usize>,
    last_hole_end: Option<usize>,
}

const SIGN: u8 = 0;
const BLANK: u8 = 1;
const WORD: u8 = 2;
const QUOTE: u8 = 3;

/// Letters, digits, `_`, `$` and every byte of a character beyond ASCII make
/// words, in MySQL ("Schema Object Names") as in SQLite.
const CLASS: [u8; 256] = {
    let mut class = [SIGN; 256];
    let mut byte = 0;
    while byte < 256 {
        class[byte] = match byte as u8 {
            b'\t'..=b'\r' | b' ' => BLANK,
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'_' | b'$' | 0x80.. => WORD,
            b'\'' | b'"' | b'`' => QUOTE,
            _ => SIGN,
        };
        byte += 1;
    }
    class
};

/// The place of a byte, as a person counts it.
#[cold]
pub(super) fn place(sql: &str, at: usize) -> String {
    let before = sql.get(..at).unwrap_or(sql);
    format!("character {}", before.chars().count() + 1)
}

impl<'a> Lexer<'a> {
    pub fn new(sql: &'a str, dialect: Dialect, marks: Marks) -> Lexer<'a> {
        let bytes = sql.as_bytes();
        Lexer {
            sql,
            bytes,
            at: 0,
            dialect,
            marks,
            has_nul: memchr(0, bytes).is_some(),
            executable: None,
            last_hole_end: None,
        }
    }

    /// The next token; None at the end of the text.
    pub fn next(&mut self) -> Result<Option<Token<'a>>> {
        while let Some(&byte) = self.bytes.get(self.at) {
            match CLASS[byte as usize] {
                BLANK => self.at += 1,
                WORD => return self.word().map(Some),
                QUOTE => return self.quoted(byte).map(Some),
                _ => {
                    if let Some(token) = self.sign(byte)? {
                        return Ok(Some(token));
                    }
                }
            }
        }
        match self.executable {
            Some(start) => Err(self.unterminated(start, "comment", "*/")),
            None => Ok(None),
        }
    }

    fn peek(&self, ahead: usize) -> Option<u8> {
        self.bytes.get(self.at + ahead).copied()
    }

    fn mysql(&self) -> Option<SqlMode> {
        match self.dialect {
            Dialect::MySql(mode) => Some(mode),
            Dialect::Sqlite => None,
        }
    }

    /// The token from `at` to `end`, which becomes the new place.
    fn token(&mut self, kind: TokenKind<'a>, end: usize) -> Token<'a> {
        let start = std::mem::replace(&mut self.at, end);
        Token {
            kind,
            start,
            end,
            executable: self.executable.is_some(),
        }
    }

    fn word(&mut self) -> Result<Token<'a>> {
        let start = self.at;
        let rest = &self.bytes[start..];
        let length = rest
            .iter()
            .position(|&byte| CLASS[byte as usize] != WORD)
            .unwrap_or(rest.len());
        let word = &rest[..length];
        if matches!(word[0], b'$' | b'0'..=b'9') {
            self.check_dollar(word)?;
        }
        Ok(self.token(TokenKind::Word, start + length))
    }

    /// MySQL from 8.1 has `$tag$ … $tag$` around text, older servers and
    /// MariaDB read it as names; in SQLite `$name` is a placeholder of its own.
    fn check_dollar(&self, word: &[u8]) -> Result<()> {
        let dollars = word.iter().filter(|&&byte| byte == b'$').count();
        match self.dialect {
            Dialect::MySql(_) if dollars >= 2 => Err(self.fault(
                self.at,
                "text between dollar signs is not supported: put a string in '…', a name in `…`",
            )),
            Dialect::Sqlite if word[0] == b'$' => Err(self.foreign_mark()),
            _ => Ok(()),
        }
    }

    /// A string or a quoted name that begins with `quote`, or with `[`.
    fn quoted(&mut self, quote: u8) -> Result<Token<'a>> {
        let (kind, escapes) = match (quote, self.mysql()) {
            (b'`' | b'[', _) | (b'"', None) => (TokenKind::Quoted, false),
            (b'"', Some(mode)) if mode.ansi_quotes => (TokenKind::Quoted, false),
            (_, Some(mode)) => (TokenKind::Text, !mode.no_backslash_escapes),
            (_, None) => (TokenKind::Text, false),
        };
        let start = self.at;
        let end = match quote {
            b'[' => memchr(b']', &self.bytes[start..]).map(|offset| start + offset + 1),
            _ => closing_quote(self.bytes, start, quote, escapes),
        };
        let Some(end) = end else {
            let (what, close) = match (kind, quote) {
                (_, b'[') => ("quoted name", "]"),
                (TokenKind::Quoted, b'`') => ("quoted name", "`"),
                (TokenKind::Quoted, _) => ("quoted name", "\""),
                (_, b'"') => ("string", "\""),
                _ => ("string", "'"),
            };
            return Err(self.unterminated(start, what, close));
        };
        // SQLite stops reading at a NUL wherever it is, MySQL in names.
        if kind == TokenKind::Quoted || self.dialect == Dialect::Sqlite {
            self.check_nul(start, end)?;
        }
        self.check_inside_executable(start, end)?;
        Ok(self.token(kind, end))
    }

    /// What begins with a character that is neither blank, word nor quote. None: it was a comment.
    fn sign(&mut self, byte: u8) -> Result<Option<Token<'a>>> {
        let next = self.peek(1);
        let mysql = self.mysql().is_some();
        let length = match byte {
            0 => return Err(self.nul(self.at)),
            b'/' if next == Some(b'*') => return self.comment().map(|()| None),
            b'*' if next == Some(b'/') && self.executable.is_some() => {
                self.executable = None;
                self.at += 2;
                return Ok(None);
            }
            b'#' if mysql => return self.line_comment().map(|()| None),
            b'-' if next == Some(b'-') && (!mysql || opens_comment(self.peek(2))) => {
                return self.line_comment().map(|()| None);
            }
            b'[' if !mysql => return self.quoted(b'[').map(Some),
            b'?' if self.marks == Marks::Native => return self.hole(1, None).map(Some),
            b':' if self.is_colon_mark() => return self.colon().map(Some),
            b'%' if self.marks == Marks::Percent => return self.percent().map(Some),
            b'@' if !mysql && self.continues_word(1) => return Err(self.foreign_mark()),
            b'?' if !mysql => return Err(self.foreign_mark()),
            b'@' if next == Some(b'@') => 2,
            // After a backslash MySQL takes whatever follows, a quote too, as one character.
            b'\\' if mysql && next != Some(b'N') => {
                return Err(self.fault(self.at, "a backslash stands outside of a string"));
            }
            _ => 1,
        };
        let end = self.at + length;
        Ok(Some(self.token(TokenKind::Sign(byte), end)))
    }

    fn continues_word(&self, ahead: usize) -> bool {
        self.peek(ahead)
            .is_some_and(|byte| CLASS[byte as usize] == WORD)
    }

    fn before(&self) -> Option<u8> {
        self.at.checked_sub(1).map(|at| self.bytes[at])
    }

    fn check_nul(&self, start: usize, end: usize) -> Result<()> {
        if !self.has_nul {
            return Ok(());
        }
        match memchr(0, &self.bytes[start..end]) {
            Some(offset) => Err(self.nul(start + offset)),
            None => Ok(()),
        }
    }

    #[cold]
    fn nul(&self, at: usize) -> Error {
        self.fault(
            at,
            "a NUL stands outside of a string: pass it as a parameter",
        )
    }

    #[cold]
    fn unterminated(&self, start: usize, what: &str, close: &str) -> Error {
        let place = place(self.sql, start);
        Error::invalid(format!(
            "sql: the {what} that begins at {place} is not closed: {close} is missing"
        ))
    }

    #[cold]
    pub fn fault(&self, at: usize, what: &str) -> Error {
        Error::invalid(format!("sql: {what} (at {})", place(self.sql, at)))
    }
}

/// What must follow `--` in MySQL: a blank, a control character or the end.
fn opens_comment(byte: Option<u8>) -> bool {
    byte.is_none_or(|byte| byte == b' ' || byte.is_ascii_control())
}

/// The end of what is quoted from `start`; a quote doubled or, with `escapes`,
/// after a backslash does not end it.
pub(super) fn closing_quote(bytes: &[u8], start: usize, quote: u8, escapes: bool) -> Option<usize> {
    let mut at = start + 1;
    loop {
        let rest = bytes.get(at..)?;
        let found = match escapes {
            true => memchr2(quote, b'\\', rest),
            false => memchr(quote, rest),
        };
        at += found?;
        if bytes[at] == quote && bytes.get(at + 1) != Some(&quote) {
            return Some(at + 1);
        }
        // Either of the two makes a pair with whatever follows.
        at += 2;
    }
}
