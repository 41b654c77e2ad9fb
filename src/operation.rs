//! What a caller asks for, once it has been decoded and checked for form, and
//! what comes back. Nothing here knows Thrift, SQL or a database.

use std::collections::BTreeMap;
use std::time::Instant;

use crate::value::{Rows, Value};

/// How a statement marks the places of its parameters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ParamStyle {
    /// `?` and `:name`.
    Native,
    /// PyMySQL's `%s` and `%(name)s`; `%%` is `%` if parameters are given.
    Pyformat,
}

/// The parameters of a statement.
#[derive(Clone, Debug, PartialEq)]
pub enum Params {
    /// None were given, which is not the same as none being needed.
    Absent,
    Positional(Vec<Value>),
    Named(BTreeMap<String, Value>),
}

/// One SQL statement and its parameters.
#[derive(Clone, Debug, PartialEq)]
pub struct Statement {
    pub sql: String,
    pub params: Params,
    pub style: ParamStyle,
}

/// What an insert does with a row whose key is there already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InsertMode {
    Insert,
    Ignore,
    Replace,
}

/// Many rows of one table.
#[derive(Clone, Debug, PartialEq)]
pub struct Insert {
    pub database: Option<String>,
    pub table: String,
    pub columns: Vec<String>,
    /// Each as long as `columns`.
    pub rows: Vec<Vec<Value>>,
    pub mode: InsertMode,
}

/// One thing to do on one shard.
#[derive(Clone, Debug, PartialEq)]
pub enum Operation {
    /// Ask the database for an answer.
    Ping,
    /// A statement that reads.
    Query(Statement),
    /// A statement of any kind.
    Execute(Statement),
    Insert(Insert),
}

/// What an operation may use.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// When the caller stops waiting.
    pub deadline: Instant,
    /// Rows of a result.
    pub result_max_rows: usize,
    /// Bytes of a result.
    pub result_max_bytes: usize,
}

/// What an operation brought.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Answer {
    pub affected_rows: u64,
    /// 0: there is none.
    pub insert_id: u64,
    pub warning_count: u32,
    /// How many statements were sent.
    pub statements: u32,
    /// None: the statement has no result set.
    pub rows: Option<Rows>,
}

impl Answer {
    /// Counts a further statement of the same insert; the first id stays.
    pub fn add(&mut self, further: Answer) {
        if self.insert_id == 0 {
            self.insert_id = further.insert_id;
        }
        self.affected_rows += further.affected_rows;
        self.warning_count += further.warning_count;
        self.statements += further.statements;
    }
}
