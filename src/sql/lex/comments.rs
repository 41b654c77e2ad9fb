//! The comments among the tokens (MySQL Reference Manual, "Comments"; SQLite,
//! "SQL Comment Syntax"), and the comments that some servers run as code.

use memchr::{memchr, memmem};

use super::{CLASS, Lexer, QUOTE};
use crate::error::Result;

impl Lexer<'_> {
    /// `#` or `--` to the end of the line, of which MySQL and SQLite know only `\n`.
    pub(super) fn line_comment(&mut self) -> Result<()> {
        let start = self.at;
        let end = memchr(b'\n', &self.bytes[start..])
            .map_or(self.bytes.len(), |offset| start + offset + 1);
        self.check_nul(start, end)?;
        self.check_inside_executable(start, end)?;
        self.at = end;
        Ok(())
    }

    /// `/* … */`, or the opening of `/*! … */` (MySQL Reference Manual,
    /// "Comments"; MariaDB also has `/*M! … */`), whose content is code.
    pub(super) fn comment(&mut self) -> Result<()> {
        let start = self.at;
        if self.executable.is_some() {
            return Err(self.fault(start, "a comment stands in a comment /*! … */"));
        }
        let mark = match (self.mysql(), self.peek(2), self.peek(3)) {
            (Some(_), Some(b'!'), _) => 3,
            (Some(_), Some(b'M'), Some(b'!')) => 4,
            _ => 0,
        };
        if mark > 0 {
            self.executable = Some(start);
            self.at += mark;
            // The version from which on servers run it: five digits, or six.
            let digits = self.bytes[self.at..].iter().take(6);
            self.at += digits.take_while(|byte| byte.is_ascii_digit()).count();
            return Ok(());
        }
        let from = start + 2;
        let Some(length) = memmem::find(&self.bytes[from..], b"*/") else {
            return Err(self.unterminated(start, "comment", "*/"));
        };
        let end = from + length + 2;
        self.check_nul(start, end)?;
        if self.mysql().is_some() && self.peek(2) == Some(b'+') {
            self.check_hint(from, from + length)?;
        }
        self.at = end;
        Ok(())
    }

    /// An optimizer hint is cut into tokens by rules of its own: a quote that
    /// is open where the comment ends might hold the end for the server.
    pub(super) fn check_hint(&self, from: usize, end: usize) -> Result<()> {
        let mut open = None;
        for &byte in &self.bytes[from..end] {
            match open {
                Some(quote) if byte == quote => open = None,
                None if CLASS[byte as usize] == QUOTE => open = Some(byte),
                _ => {}
            }
        }
        match open {
            Some(_) => Err(self.fault(from - 2, "a quote is not closed in the hint /*+ … */")),
            None => Ok(()),
        }
    }

    /// A server that skips the comment looks for `*/` and `/*` in literals too.
    pub(super) fn check_inside_executable(&self, start: usize, end: usize) -> Result<()> {
        let Some(opened) = self.executable else {
            return Ok(());
        };
        let inner = &self.bytes[start..end];
        let marked = |mark: &[u8]| memmem::find(inner, mark).is_some();
        if marked(b"*/") || marked(b"/*") {
            return Err(self.fault(
                opened,
                "the comment /*! … */ holds */ or /* in a literal or a comment, so that \
                 servers disagree on its end",
            ));
        }
        Ok(())
    }
}
