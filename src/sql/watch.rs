//! Sees a statement's tokens pass and says at the end what kind it is. It works
//! on the first keywords and on a few words that matter wherever they stand;
//! it does not parse. In doubt a statement is taken for the stronger kind. What
//! follows from what was seen is in `verdict`.

mod verdict;

use super::assign::Assignments;
use super::kind::{Refusals, StatementKind};
use super::leftover::Leftovers;
use super::lex::{Token, TokenKind};
use super::mode::Dialect;
use super::words::{self, DIAGNOSTICS, LOCK_FUNCTIONS, READS, TURNING, WRAPS, WRITES};

/// Words kept from the start: enough for `CREATE OR REPLACE TEMPORARY TABLE`.
const HEAD_MAX: usize = 6;

pub(super) struct Watch<'a> {
    sql: &'a str,
    dialect: Dialect,
    /// The first words outside of executable comments.
    head: [&'a str; HEAD_MAX],
    head_length: usize,
    previous: Option<Token<'a>>,
    /// The last one outside of executable comments.
    last_plain: Option<Token<'a>>,
    seen_code: bool,
    begins_executable: bool,
    /// The first token is neither a word nor `(`: no statement that is known.
    begins_oddly: bool,
    wraps: bool,
    has_executable: bool,
    turns_executable: bool,
    /// WARNINGS, ERRORS … in an executable comment.
    diagnoses_executable: bool,
    depth: i32,
    head_depth: i32,
    /// The first of SELECT, INSERT … after the first word, as deep in parentheses as that.
    main_verb: Option<&'a str>,
    has_into: bool,
    has_lock: bool,
    calls_lock_function: bool,
    names_temp_schema: bool,
    has_variable: bool,
    calls_unknown: bool,
    /// The last name followed a dot.
    name_is_qualified: bool,
    /// The last name followed AS.
    name_is_alias: bool,
    /// Names since the word INTO, a name with its database counted as one.
    names_since_into: usize,
    leftovers: Leftovers,
    /// Of a SET.
    assignments: Option<Assignments>,
}

/// What the whole statement was seen to be.
#[derive(Clone, Copy, Debug)]
pub(super) struct Seen<'a> {
    pub kind: StatementKind,
    pub keyword: &'a str,
    /// It reads, and puts what it has read INTO a file or a variable.
    pub stores_result: bool,
    pub may_touch_session: bool,
    pub changes_modes: bool,
    pub may_end_transaction: bool,
    pub reads_leftovers: bool,
    pub refusals: Refusals,
}

fn is_one_of(word: &str, words: &[&str]) -> bool {
    words.iter().any(|known| known.eq_ignore_ascii_case(word))
}

impl<'a> Watch<'a> {
    pub fn new(sql: &'a str, dialect: Dialect) -> Watch<'a> {
        Watch {
            sql,
            dialect,
            head: [""; HEAD_MAX],
            head_length: 0,
            previous: None,
            last_plain: None,
            seen_code: false,
            begins_executable: false,
            begins_oddly: false,
            wraps: false,
            has_executable: false,
            turns_executable: false,
            diagnoses_executable: false,
            depth: 0,
            head_depth: 0,
            main_verb: None,
            has_into: false,
            has_lock: false,
            calls_lock_function: false,
            names_temp_schema: false,
            has_variable: false,
            calls_unknown: false,
            name_is_qualified: false,
            name_is_alias: false,
            names_since_into: usize::MAX,
            leftovers: Leftovers::new(dialect),
            assignments: None,
        }
    }

    /// False until something but blanks and comments has been seen.
    pub fn seen_code(&self) -> bool {
        self.seen_code
    }

    /// The first word outside of executable comments; empty if there is none.
    pub fn keyword(&self) -> &'a str {
        self.head[0]
    }

    /// The next token. Costs a few comparisons and never allocates.
    pub fn see(&mut self, token: &Token<'a>) {
        if !self.seen_code {
            self.seen_code = true;
            self.begins_oddly = !matches!(token.kind, TokenKind::Word | TokenKind::Sign(b'('));
        }
        if self.leftovers.is_near() {
            self.go_on(token);
        }
        if self.assignments.is_some() {
            self.assign(token);
        }
        self.has_executable |= token.executable;
        self.begins_executable |= token.executable && self.head_length == 0;
        match token.kind {
            TokenKind::Word => self.see_word(&self.sql[token.start..token.end], token.executable),
            TokenKind::Sign(sign) => self.see_sign(sign, token),
            TokenKind::Quoted => self.count_name(),
            TokenKind::Text | TokenKind::Hole(_) => {}
        }
        self.previous = Some(*token);
        if !token.executable {
            self.last_plain = Some(*token);
        }
    }

    #[cold]
    #[inline(never)]
    fn go_on(&mut self, token: &Token<'a>) {
        let name = self.name_in(token);
        self.leftovers.go_on(token, name);
    }

    #[cold]
    #[inline(never)]
    fn assign(&mut self, token: &Token<'a>) {
        let name = self.name_in(token);
        if let Some(assignments) = &mut self.assignments {
            assignments.see(token, name);
        }
    }

    fn see_word(&mut self, word: &'a str, executable: bool) {
        if executable {
            self.turns_executable |= is_one_of(word, &TURNING);
            self.diagnoses_executable |= is_one_of(word, &DIAGNOSTICS);
        } else if self.head_length < HEAD_MAX {
            if self.head_length == 0 {
                self.head_depth = self.depth;
                self.wraps = is_one_of(word, &WRAPS);
                let sets = word.eq_ignore_ascii_case("SET");
                self.assignments = sets.then(Assignments::default);
            }
            self.head[self.head_length] = word;
            self.head_length += 1;
        }
        match word.len() {
            4 => {
                if word.eq_ignore_ascii_case("INTO") {
                    self.has_into = true;
                    self.names_since_into = 0;
                    return;
                }
                self.has_lock |= word.eq_ignore_ascii_case("LOCK");
            }
            5..=7 => {
                self.has_lock |= word.eq_ignore_ascii_case("EXPORT");
                let follows = self.wraps && self.head_length > 1;
                if follows && self.main_verb.is_none() && self.depth == self.head_depth {
                    let is_verb = is_one_of(word, &READS) || is_one_of(word, &WRITES);
                    self.main_verb = is_verb.then_some(word);
                }
            }
            8 if word.eq_ignore_ascii_case("PREVIOUS") => self.leftovers.open_sequence(),
            _ => {}
        }
        self.count_name();
        if self.name_is_qualified && word.eq_ignore_ascii_case("CURRVAL") {
            // In Oracle's mode it is LASTVAL of what stands before the dot.
            self.calls_unknown = true;
        }
    }

    fn count_name(&mut self) {
        self.name_is_qualified = self
            .previous
            .is_some_and(|token| token.kind == TokenKind::Sign(b'.'));
        self.name_is_alias = self.previous.is_some_and(|token| {
            token.kind == TokenKind::Word
                && !token.executable
                && self.sql[token.start..token.end].eq_ignore_ascii_case("AS")
        });
        if !self.name_is_qualified {
            self.names_since_into = self.names_since_into.saturating_add(1);
        }
    }

    /// At a parenthesis. `INTO name (` and `AS name (` open a list of columns, any
    /// other name that is not built in may be a stored function's.
    fn opens_call(&self) -> bool {
        let target = self.names_since_into == 1;
        // In quotes even a keyword is the name of a function of somebody's own.
        let quoted = self
            .previous
            .is_some_and(|token| token.kind == TokenKind::Quoted);
        let unknown = |name: &str| self.name_is_qualified || quoted || words::may_be_stored(name);
        !target && !self.name_is_alias && self.previous_name().is_some_and(unknown)
    }

    fn see_sign(&mut self, sign: u8, token: &Token<'a>) {
        match sign {
            b'(' => {
                self.depth += 1;
                for name in self.callees(token).into_iter().flatten() {
                    self.calls_lock_function |= is_one_of(name, &LOCK_FUNCTIONS);
                    self.leftovers.open_call(name);
                }
                self.calls_unknown |= self.opens_call();
            }
            b')' => self.depth -= 1,
            b'.' if self.dialect == Dialect::Sqlite => {
                self.names_temp_schema |= self
                    .previous_name()
                    .is_some_and(|name| name.eq_ignore_ascii_case("TEMP"));
            }
            // `@@name` only reads a setting.
            b'@' if token.end - token.start == 2 => self.leftovers.open_variable(),
            b'@' => self.has_variable = true,
            b':' => self.has_variable |= self.sql.as_bytes().get(token.end) == Some(&b'='),
            _ => {}
        }
    }

    /// The names that a parenthesis may call: the one before it, and the one
    /// before an executable comment that stands between, for servers skip it.
    fn callees(&self, parenthesis: &Token<'a>) -> [Option<&'a str>; 2] {
        let hidden = self
            .last_plain
            .filter(|_| !parenthesis.executable && self.previous != self.last_plain);
        [
            self.previous_name(),
            hidden.and_then(|token| self.name_in(&token)),
        ]
    }

    /// The token before this one, if it can be a name.
    fn previous_name(&self) -> Option<&'a str> {
        self.name_in(&self.previous?)
    }

    /// A token that can be a name, without its quotes.
    fn name_in(&self, token: &Token<'a>) -> Option<&'a str> {
        match token.kind {
            TokenKind::Word => self.sql.get(token.start..token.end),
            TokenKind::Quoted => self.sql.get(token.start + 1..token.end - 1),
            // SQLite takes a string for a name where only a name makes sense.
            TokenKind::Text if self.dialect == Dialect::Sqlite => {
                self.sql.get(token.start + 1..token.end - 1)
            }
            _ => None,
        }
    }
}
