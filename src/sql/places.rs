//! Finds the placeholders where a value that is bound to a prepared statement
//! means the same as the literal that would be written there. It knows a few
//! places that are common and certain: a column's new value, the right side of a
//! comparison, IN, BETWEEN, LIMIT, what is added to a column. Anywhere else
//! servers may tell the two apart: a literal in a select list names its column,
//! one in ORDER BY is a column's number, and MySQL from 8.0.22 derives the type of
//! a bound value from what stands around it (MySQL Reference Manual, "PREPARE
//! Statement").

use super::lex::{Token, TokenKind};
use super::template::Template;

/// What may be bound at a placeholder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// Any value that has a form of its own when bound.
    Value,
    /// A number.
    Number,
    /// A whole number.
    Whole,
    /// A whole number that is not negative.
    Count,
    /// Nothing: it must be a literal.
    Literal,
}

/// A place for each placeholder; None if the statement cannot be prepared, or is
/// read differently when it is.
pub(super) fn places(template: &Template<'_>) -> Option<Vec<Place>> {
    let mut finder = Finder::new(template);
    let mut tokens = template.tokens();
    // A fault was found when the template was made.
    while let Ok(Some(token)) = tokens.next() {
        // The server would take the sign for a placeholder of its own.
        if token.executable || token.kind == TokenKind::Sign(b'?') {
            return None;
        }
        finder.see(token)?;
    }
    Some(finder.finish())
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Clause {
    /// From the first word on: tables, columns.
    Head,
    /// What is given to the caller.
    Shown,
    /// Rows after VALUES.
    Rows,
    /// `column = value`, separated by commas.
    Assigned,
    /// FROM, WHERE, ON, HAVING.
    Condition,
    Limit,
    /// ORDER BY and whatever else.
    Other,
}

/// What a parenthesis encloses.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Opened {
    Row,
    In,
    Other,
}

#[derive(Clone, Copy)]
struct Frame {
    clause: Clause,
    opened: Opened,
    /// It is part of what is given to the caller.
    shown: bool,
    /// After BETWEEN, before its AND.
    between: bool,
}

/// Parentheses within each other; deeper statements are not prepared.
const DEPTH_MAX: usize = 64;

/// Words that can end an expression.
const ENDS: [&str; 31] = [
    "AND",
    "OR",
    "XOR",
    "WHERE",
    "ORDER",
    "GROUP",
    "HAVING",
    "LIMIT",
    "OFFSET",
    "FOR",
    "LOCK",
    "UNION",
    "EXCEPT",
    "INTERSECT",
    "ON",
    "SET",
    "JOIN",
    "LEFT",
    "RIGHT",
    "INNER",
    "CROSS",
    "NATURAL",
    "STRAIGHT_JOIN",
    "WINDOW",
    "ESCAPE",
    "RETURNING",
    "FETCH",
    "ROW",
    "ROWS",
    "ONLY",
    "THEN",
];

const UNITS: [&str; 8] = [
    "SECOND", "MINUTE", "HOUR", "DAY", "WEEK", "MONTH", "QUARTER", "YEAR",
];

struct Finder<'t, 'a> {
    template: &'t Template<'a>,
    inserts: bool,
    frames: Vec<Frame>,
    /// The last token, and the one before it.
    last: [Option<Token<'a>>; 2],
    /// The last AND belongs to a BETWEEN.
    joins_range: bool,
    /// What the last token, a placeholder, may be if the next one lets it.
    waiting: Option<Place>,
    places: Vec<Place>,
}

impl<'t, 'a> Finder<'t, 'a> {
    fn new(template: &'t Template<'a>) -> Finder<'t, 'a> {
        let verb = template.keyword();
        let is = |known: &str| verb.eq_ignore_ascii_case(known);
        Finder {
            template,
            inserts: is("INSERT") || is("REPLACE"),
            frames: vec![Frame {
                clause: Clause::Head,
                opened: Opened::Other,
                shown: false,
                between: false,
            }],
            last: [None; 2],
            joins_range: false,
            waiting: None,
            places: Vec::with_capacity(template.holes.len()),
        }
    }

    fn finish(mut self) -> Vec<Place> {
        self.settle(None);
        self.places
    }

    fn text(&self, token: &Token<'a>) -> &'a str {
        self.template
            .sql
            .get(token.start..token.end)
            .unwrap_or_default()
    }

    /// None: too deep, or not balanced.
    fn see(&mut self, token: Token<'a>) -> Option<()> {
        self.settle(Some(&token));
        match token.kind {
            TokenKind::Hole(_) => self.waiting = Some(self.place()),
            TokenKind::Sign(b'(') => self.open()?,
            TokenKind::Sign(b')') => {
                self.frames.pop();
                self.frames.last()?;
            }
            TokenKind::Word if !self.last_is_sign(0, b'.') => self.see_word(self.text(&token)),
            _ => {}
        }
        self.last = [Some(token), self.last[0]];
        Some(())
    }

    fn last_is_sign(&self, back: usize, sign: u8) -> bool {
        self.last[back].is_some_and(|token| token.kind == TokenKind::Sign(sign))
    }

    fn last_is_word(&self, words: &[&str]) -> bool {
        self.last[0].is_some_and(|token| {
            let text = self.text(&token);
            token.kind == TokenKind::Word && is_one_of(text, words)
        })
    }

    fn frame(&self) -> Frame {
        const OUTSIDE: Frame = Frame {
            clause: Clause::Other,
            opened: Opened::Other,
            shown: true,
            between: false,
        };
        self.frames.last().copied().unwrap_or(OUTSIDE)
    }

    fn open(&mut self) -> Option<()> {
        let outer = self.frame();
        let after_comma = self.last_is_sign(0, b',');
        let is_base = self.frames.len() == 1;
        let opens_row = is_base
            && outer.clause == Clause::Rows
            && (after_comma || self.last_is_word(&["VALUES", "VALUE"]));
        let opens_in = self.last_is_word(&["IN"])
            || outer.opened == Opened::In && (after_comma || self.last_is_sign(0, b'('));
        self.frames.push(Frame {
            opened: match (opens_row, opens_in) {
                (true, _) => Opened::Row,
                (_, true) => Opened::In,
                _ => Opened::Other,
            },
            shown: outer.shown || outer.clause == Clause::Shown,
            between: false,
            clause: outer.clause,
        });
        (self.frames.len() <= DEPTH_MAX).then_some(())
    }

    fn see_word(&mut self, word: &str) {
        let inserts = self.inserts && self.frames.len() == 1;
        let Some(frame) = self.frames.last_mut() else {
            return;
        };
        let is = |words: &[&str]| is_one_of(word, words);
        if is(&["BETWEEN"]) {
            frame.between = true;
        } else if is(&["AND"]) {
            self.joins_range = std::mem::take(&mut frame.between);
        } else if is(&["SELECT", "RETURNING"]) {
            frame.clause = Clause::Shown;
        } else if is(&["FROM", "WHERE", "ON", "HAVING"]) {
            frame.clause = Clause::Condition;
        } else if is(&["SET", "UPDATE"]) {
            frame.clause = Clause::Assigned;
        } else if is(&["VALUES", "VALUE"]) {
            if inserts && frame.clause == Clause::Head {
                frame.clause = Clause::Rows;
            }
        } else if is(&["LIMIT", "OFFSET", "FETCH"]) {
            frame.clause = Clause::Limit;
        } else if is(&["UNION", "EXCEPT", "INTERSECT", "MINUS"]) {
            frame.clause = Clause::Head;
        } else if is(&["BY", "WINDOW", "PROCEDURE", "FOR", "LOCK", "INTO"])
            && frame.clause != Clause::Head
        {
            frame.clause = Clause::Other;
        }
    }

    /// What the placeholder after the last token may be, if nothing that binds
    /// tighter follows.
    fn place(&self) -> Place {
        let frame = self.frame();
        let begins = self.last_is_sign(0, b'(') || self.last_is_sign(0, b',');
        let tests = matches!(frame.clause, Clause::Condition | Clause::Assigned);
        if frame.shown {
            Place::Literal
        } else if frame.clause == Clause::Limit {
            match self.last_is_sign(0, b',') || self.last_is_word(&["LIMIT", "OFFSET"]) {
                true => Place::Count,
                false => Place::Literal,
            }
        } else if frame.clause == Clause::Rows && frame.opened == Opened::Row && begins {
            Place::Value
        } else if (tests || frame.clause == Clause::Rows) && self.last_is_word(&["INTERVAL"]) {
            Place::Whole
        } else if !tests {
            Place::Literal
        } else if frame.opened == Opened::In && begins || self.compares() {
            Place::Value
        } else if self.adds() {
            Place::Number
        } else {
            Place::Literal
        }
    }

    fn compares(&self) -> bool {
        let [Some(last), before] = self.last else {
            return false;
        };
        let before = before.filter(|token| token.end == last.start);
        let before = before.map(|token| token.kind);
        match last.kind {
            TokenKind::Sign(b'=') => before != Some(TokenKind::Sign(b':')),
            TokenKind::Sign(b'<') => before != Some(TokenKind::Sign(b'<')),
            TokenKind::Sign(b'>') => !matches!(before, Some(TokenKind::Sign(b'>' | b'-'))),
            TokenKind::Word => {
                self.last_is_word(&["LIKE", "BETWEEN"])
                    || self.joins_range && self.last_is_word(&["AND"])
            }
            _ => false,
        }
    }

    /// After `column +` or `column -`.
    fn adds(&self) -> bool {
        let added = self.last_is_sign(0, b'+') || self.last_is_sign(0, b'-');
        added
            && self.last[1].is_some_and(|token| {
                matches!(
                    token.kind,
                    TokenKind::Word | TokenKind::Quoted | TokenKind::Sign(b')')
                )
            })
    }

    /// Decides on the placeholder before this token, or before the end.
    fn settle(&mut self, next: Option<&Token<'a>>) {
        let Some(place) = self.waiting.take() else {
            return;
        };
        let ends = match next.map(|token| token.kind) {
            None | Some(TokenKind::Sign(b',' | b')')) => place != Place::Whole,
            Some(TokenKind::Word) => {
                let word = next.map_or("", |token| self.text(token));
                match place {
                    Place::Whole => is_one_of(word, &UNITS),
                    _ => is_one_of(word, &ENDS),
                }
            }
            Some(_) => false,
        };
        self.places.push(match ends {
            true => place,
            false => Place::Literal,
        });
    }
}

fn is_one_of(word: &str, words: &[&str]) -> bool {
    words.iter().any(|known| known.eq_ignore_ascii_case(word))
}
