//! Writes a digest piece by piece: what stands between the pieces, what of them
//! is written once though it came many times, and where it is full.

use super::DIGEST_MAX_BYTES;

/// The digest ends here: it is full, or what follows is doubtful.
#[derive(Debug)]
pub(super) struct Cut;

const ELLIPSIS: &str = "…";

/// Every piece leaves room for a blank and the ellipsis.
const ROOM_BYTES: usize = DIGEST_MAX_BYTES - 1 - ELLIPSIS.len();

/// Signs that stay together if they stood so.
const PAIRS: [&[u8; 2]; 11] = [
    b"<=", b">=", b"<>", b"!=", b"=>", b":=", b"||", b"&&", b"<<", b">>", b"->",
];

/// What was written last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Last {
    Start,
    Keyword(&'static str),
    /// The first word if it is no keyword.
    Word,
    /// A built-in one, whose parenthesis follows.
    Function,
    Name,
    Value,
    Open,
    Close,
    Comma,
    Dot,
    At,
    Sign(u8),
}

impl Last {
    /// Whether a `-` after it subtracts.
    pub(super) fn is_operand(self) -> bool {
        matches!(self, Last::Name | Last::Value | Last::Close)
    }
}

/// An open parenthesis, or the statement itself.
struct Group {
    start: usize,
    is_row: bool,
    /// The last group within this one, while nothing but a comma has followed.
    last_inner: Option<(usize, usize)>,
}

pub(super) struct Writer {
    out: String,
    last: Last,
    before_last: Last,
    /// Signs that go if a value follows.
    held: Vec<u8>,
    groups: Vec<Group>,
}

impl Writer {
    pub(super) fn new(text_bytes: usize) -> Writer {
        Writer {
            out: String::with_capacity(text_bytes.min(DIGEST_MAX_BYTES)),
            last: Last::Start,
            before_last: Last::Start,
            held: Vec::new(),
            groups: vec![Group::at(0)],
        }
    }

    pub(super) fn last(&self) -> Last {
        match self.held.last() {
            Some(&sign) => Last::Sign(sign),
            None => self.last,
        }
    }

    pub(super) fn finish(self) -> String {
        self.out
    }

    /// What is doubtful, or too much, is not there.
    pub(super) fn finish_cut(mut self) -> String {
        let _ = self.release();
        // As a name would be, so that it is one if the digest is digested.
        if self.needs_blank(Last::Name) {
            self.out.push(' ');
        }
        self.out.push_str(ELLIPSIS);
        self.out
    }

    pub(super) fn value(&mut self) -> Result<(), Cut> {
        self.held.clear();
        match (self.last, self.before_last) {
            // 'one' 'string'
            (Last::Value, _) => return Ok(()),
            (Last::Comma, Last::Value) => {
                self.out.pop();
                self.last = Last::Value;
                return Ok(());
            }
            _ => {}
        }
        self.push("?", Last::Value)
    }

    pub(super) fn keyword(&mut self, word: &'static str) -> Result<(), Cut> {
        self.push(word, Last::Keyword(word))
    }

    pub(super) fn word(&mut self, word: &str, is_function: bool) -> Result<(), Cut> {
        let kind = match is_function {
            true => Last::Function,
            false => Last::Word,
        };
        self.push(word, kind)
    }

    pub(super) fn name(&mut self, name: &str, follows_at: bool) -> Result<(), Cut> {
        if follows_at {
            return self.push_after("", name, Last::Name);
        }
        self.push(name, Last::Name)
    }

    /// A `+` or `-` that no operand stands before.
    pub(super) fn hold(&mut self, sign: u8) {
        self.held.push(sign);
    }

    /// Writes the signs that were held: what follows is no value.
    pub(super) fn release(&mut self) -> Result<(), Cut> {
        for sign in std::mem::take(&mut self.held) {
            let text = if sign == b'-' { "-" } else { "+" };
            self.push(text, Last::Sign(sign))?;
        }
        Ok(())
    }

    pub(super) fn sign(&mut self, text: &str, sign: u8, follows: bool) -> Result<(), Cut> {
        let kind = if sign == b'@' {
            Last::At
        } else {
            Last::Sign(sign)
        };
        let joined = match (self.last(), sign) {
            (Last::At, b'@') => true,
            (Last::Sign(before), sign) => PAIRS.contains(&&[before, sign]),
            _ => false,
        };
        match joined && follows {
            true => self.push_after("", text, kind),
            false => self.push(text, kind),
        }
    }

    pub(super) fn comma(&mut self) -> Result<(), Cut> {
        self.push(",", Last::Comma)
    }

    pub(super) fn dot(&mut self) -> Result<(), Cut> {
        self.push(".", Last::Dot)
    }

    pub(super) fn open(&mut self) -> Result<(), Cut> {
        let is_row = matches!(self.last(), Last::Keyword("VALUES" | "VALUE"));
        self.push("(", Last::Open)?;
        self.groups.push(Group {
            is_row,
            ..Group::at(self.out.len() - 1)
        });
        Ok(())
    }

    /// Drops the group if the one before it was the same. True: it was the first
    /// row after VALUES.
    pub(super) fn close(&mut self) -> Result<bool, Cut> {
        self.push(")", Last::Close)?;
        let Some(group) = (self.groups.len() > 1).then(|| self.groups.pop()).flatten() else {
            return Ok(false);
        };
        let mut place = (group.start, self.out.len());
        if let Some(outer) = self.groups.last_mut() {
            if let Some((start, end)) = outer.last_inner
                && self.out.get(end..group.start) == Some(", ")
                && self.out[start..end] == self.out[group.start..]
            {
                self.out.truncate(end);
                place = (start, end);
            }
            outer.last_inner = Some(place);
        }
        Ok(group.is_row)
    }

    fn push(&mut self, piece: &str, kind: Last) -> Result<(), Cut> {
        if !self.held.is_empty() {
            self.release()?;
        }
        let between = if self.needs_blank(kind) { " " } else { "" };
        self.push_after(between, piece, kind)
    }

    fn push_after(&mut self, between: &str, piece: &str, kind: Last) -> Result<(), Cut> {
        if self.out.len() + between.len() + piece.len() > ROOM_BYTES {
            return Err(Cut);
        }
        self.out.push_str(between);
        self.out.push_str(piece);
        self.before_last = self.last;
        self.last = kind;
        Ok(())
    }

    fn needs_blank(&self, next: Last) -> bool {
        let is_name = |last| matches!(last, Last::Name | Last::Word | Last::Keyword(_));
        match (self.last, next) {
            (Last::Start | Last::Open, _) => false,
            (_, Last::Comma | Last::Close) => false,
            (Last::Function, Last::Open) => false,
            (last, Last::Dot) => !is_name(last),
            (Last::Dot, Last::Name | Last::Sign(b'*')) => false,
            _ => true,
        }
    }
}

impl Group {
    fn at(start: usize) -> Group {
        Group {
            start,
            is_row: false,
            last_inner: None,
        }
    }
}
