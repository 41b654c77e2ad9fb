//! A statement without its values: what it has in common with those that differ
//! from it in nothing else. For tables and logs, never to be run.
//!
//! Strings, numbers, placeholders and the like become `?`, several of them with
//! commas between become one, and so do rows after VALUES; comments go, blanks
//! and the case of keywords are made alike. Names stay as they are.
//!
//! No value of a caller may show. What one server reads as a name and another as
//! a string is a value; where it depends on the `sql_mode` where a string ends,
//! or something is not closed, the digest ends with `…`.

mod keywords;
mod write;

use memchr::memchr;

use super::lex::{Lexer, Marks, Token, TokenKind, closing_quote};
use super::mode::Dialect;
use super::words::may_be_stored;
use keywords::keyword;
use write::{Cut, Last, Writer};

/// Of a digest.
pub const DIGEST_MAX_BYTES: usize = 1_024;

/// Of a statement that are read; what follows is `…`.
pub const DIGESTED_MAX_BYTES: usize = 8_192;

/// The digest of a statement, at most [`DIGEST_MAX_BYTES`] long. It is its own
/// digest. Never fails; costs one pass over the first [`DIGESTED_MAX_BYTES`] and
/// an allocation or two.
pub fn digest(text: &str, dialect: Dialect) -> String {
    let read = &text[..text.floor_char_boundary(DIGESTED_MAX_BYTES)];
    let mut digester = Digester {
        text: read,
        is_mysql: matches!(dialect, Dialect::MySql(_)),
        writer: Writer::new(read.len()),
        last_end: 0,
        skip_until: 0,
        after_row: false,
        skipping: 0,
    };
    // Where the text is cut, so is perhaps its last token.
    match digester.read(dialect) {
        Ok(()) if read.len() == text.len() => digester.writer.finish(),
        _ => digester.writer.finish_cut(),
    }
}

struct Digester<'a> {
    text: &'a str,
    is_mysql: bool,
    writer: Writer,
    /// Where the last token ended.
    last_end: usize,
    /// Tokens that begin before it are done with.
    skip_until: usize,
    /// A row after VALUES has just been closed.
    after_row: bool,
    /// Parentheses that are open in a further row, of which nothing is written.
    skipping: usize,
}

impl<'a> Digester<'a> {
    fn read(&mut self, dialect: Dialect) -> Result<(), Cut> {
        // The other style differs in nothing but what begins with `%`.
        let mut lexer = Lexer::new(self.text, dialect, Marks::Native);
        let mut next = lexer.next().map_err(|_| Cut)?;
        while let Some(token) = next {
            if token.kind == TokenKind::Sign(b';') {
                break;
            }
            // A fault behind a token does not concern it.
            let following = lexer.next();
            next = following.as_ref().ok().copied().flatten();
            if token.start >= self.skip_until {
                self.see(&token, next.as_ref())?;
                self.last_end = token.end;
            }
            following.map_err(|_| Cut)?;
        }
        self.writer.release()
    }

    fn see(&mut self, token: &Token<'a>, next: Option<&Token<'a>>) -> Result<(), Cut> {
        let text = &self.text[token.start..token.end];
        // In SQLite, too, `"` may hold either.
        let is_string = token.kind == TokenKind::Text || text.starts_with('"');
        if self.skipping > 0 {
            match token.kind {
                TokenKind::Sign(b'(') => self.skipping += 1,
                TokenKind::Sign(b')') => self.skipping -= 1,
                _ if is_string => self.check_end(token)?,
                _ => {}
            }
            self.after_row = self.skipping == 0;
            return Ok(());
        }
        let after_row = std::mem::take(&mut self.after_row);
        match token.kind {
            TokenKind::Hole(_) => self.writer.value(),
            _ if is_string => {
                self.writer.value()?;
                self.check_end(token)
            }
            TokenKind::Text | TokenKind::Quoted => self.quoted(text, token.start),
            TokenKind::Word => self.word(text, token, next),
            TokenKind::Sign(b',') if after_row && is_sign(next, b'(') => {
                self.skip_until = next.map_or(0, |open| open.end);
                self.skipping = 1;
                Ok(())
            }
            TokenKind::Sign(sign) => self.sign(sign, token, next),
        }
    }

    /// Whether the string ends there in every mode of the server's: only then is
    /// it certain that what follows is none.
    fn check_end(&self, token: &Token<'a>) -> Result<(), Cut> {
        let bytes = self.text.as_bytes();
        let inside = &bytes[token.start..token.end];
        if !self.is_mysql || memchr(b'\\', inside).is_none() {
            return Ok(());
        }
        let end = |escapes| closing_quote(bytes, token.start, inside[0], escapes);
        match end(true) == end(false) {
            true => Ok(()),
            false => Err(Cut),
        }
    }

    /// A name in quotes, without them where it would be the same name.
    fn quoted(&mut self, text: &str, start: usize) -> Result<(), Cut> {
        let name = text.get(1..text.len() - 1).unwrap_or_default();
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
        let is_plain = name.bytes().all(plain)
            && name.as_bytes().first().is_some_and(u8::is_ascii_alphabetic)
            && self.writer.last() != Last::Start
            && keyword(name).is_none()
            && literal_word(name).is_none()
            && may_be_stored(name);
        let follows_at = self.writer.last() == Last::At && start == self.last_end;
        self.writer
            .name(if is_plain { name } else { text }, follows_at)
    }

    fn word(&mut self, text: &str, token: &Token<'a>, next: Option<&Token<'a>>) -> Result<(), Cut> {
        let last = self.writer.last();
        if text.as_bytes()[0].is_ascii_digit() {
            self.skip_until = number_end(self.text.as_bytes(), token.start);
            return self.writer.value();
        }
        if is_prefix(text, token, next) {
            return Ok(());
        }
        let follows_at = last == Last::At && token.start == self.last_end;
        if last == Last::Dot || follows_at {
            return self.writer.name(text, follows_at);
        }
        if let Some(literal) = literal_word(text) {
            return match last {
                Last::Keyword("IS" | "NOT") => self.writer.keyword(literal),
                _ => self.writer.value(),
            };
        }
        if let Some(keyword) = keyword(text) {
            return self.writer.keyword(keyword);
        }
        let is_function = is_sign(next, b'(') && !may_be_stored(text);
        match is_function || last == Last::Start {
            true => self.writer.word(&text.to_ascii_uppercase(), is_function),
            false => self.writer.name(text, false),
        }
    }

    fn sign(&mut self, sign: u8, token: &Token<'a>, next: Option<&Token<'a>>) -> Result<(), Cut> {
        let adjacent = next.filter(|next| next.start == token.end);
        let follows = token.start == self.last_end;
        match sign {
            b'%' => self.percent(token, adjacent),
            b'+' | b'-' if !self.writer.last().is_operand() => {
                self.writer.hold(sign);
                Ok(())
            }
            // NULL, or what looks like it.
            b'\\' => {
                self.skip_until = adjacent.map_or(token.end, |next| next.end);
                self.writer.value()
            }
            b'.' if begins_number(self.text, adjacent) => Ok(()),
            b'(' => self.writer.open(),
            b')' => {
                self.after_row = self.writer.close()?;
                Ok(())
            }
            b',' => self.writer.comma(),
            b'.' => self.writer.dot(),
            _ => {
                let text = &self.text[token.start..token.end];
                self.writer.sign(text, sign, follows)
            }
        }
    }

    /// A placeholder of the other style, or an operator.
    fn percent(&mut self, token: &Token<'a>, adjacent: Option<&Token<'a>>) -> Result<(), Cut> {
        let rest = &self.text[token.end..];
        let next = adjacent.map(|next| (next.kind, &self.text[next.start..next.end]));
        let length = match next {
            Some((TokenKind::Word, "s")) => 1,
            Some((TokenKind::Sign(b'%'), _)) => {
                self.skip_until = token.end + 1;
                return self.writer.sign("%", b'%', false);
            }
            Some((TokenKind::Sign(b'('), _)) => match named_mark(rest)? {
                Some(length) => length,
                None => return self.writer.sign("%", b'%', false),
            },
            _ => return self.writer.sign("%", b'%', false),
        };
        self.skip_until = token.end + length;
        self.writer.value()
    }
}

/// How long `(name)s` is, if that is what the text begins with. A name may hold
/// anything but `)`: what is in one that is not plain is doubtful.
fn named_mark(text: &str) -> Result<Option<usize>, Cut> {
    let Some(close) = text.find(')') else {
        return Err(Cut);
    };
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    match (
        text[close + 1..].starts_with('s'),
        text[1..close].bytes().all(plain),
    ) {
        (true, true) => Ok(Some(close + 2)),
        (true, false) => Err(Cut),
        (false, _) => Ok(None),
    }
}

fn is_sign(token: Option<&Token<'_>>, sign: u8) -> bool {
    token.is_some_and(|token| token.kind == TokenKind::Sign(sign))
}

/// A word that is a value, in upper case.
fn literal_word(word: &str) -> Option<&'static str> {
    ["NULL", "TRUE", "FALSE"]
        .into_iter()
        .find(|known| known.eq_ignore_ascii_case(word))
}

/// What belongs to the string that follows: `x'41'`, `N'a'`, `_utf8mb4 'a'`.
fn is_prefix(word: &str, token: &Token<'_>, next: Option<&Token<'_>>) -> bool {
    let Some(next) = next.filter(|next| next.kind == TokenKind::Text) else {
        return false;
    };
    let is_letter = matches!(word, "x" | "X" | "b" | "B" | "n" | "N");
    word.starts_with('_') || is_letter && next.start == token.end
}

fn begins_number(text: &str, token: Option<&Token<'_>>) -> bool {
    token.is_some_and(|token| {
        token.kind == TokenKind::Word && text.as_bytes()[token.start].is_ascii_digit()
    })
}

/// The end of what begins with a digit: `12`, `1.5e-3`, `0x1f`. A name that
/// begins so is taken for a number.
fn number_end(bytes: &[u8], start: usize) -> usize {
    let word = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'$' | 0x80..);
    let word_end = |at: usize| {
        let rest = bytes.get(at..).unwrap_or_default();
        at + rest.iter().take_while(|byte| word(byte)).count()
    };
    let mut end = word_end(start);
    if bytes.get(end) == Some(&b'.') {
        end = word_end(end + 1);
    }
    let has_exponent = matches!(bytes[end - 1], b'e' | b'E');
    let is_signed = matches!(bytes.get(end), Some(b'+' | b'-'));
    if has_exponent && is_signed && bytes.get(end + 1).is_some_and(u8::is_ascii_digit) {
        end = word_end(end + 1);
    }
    end
}
