//! What a caller asks for, once it has been decoded and checked for form, and
//! what comes back. Nothing here knows Thrift, SQL or a database.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;

use crate::budget::Budget;
use crate::cancel::Cancel;
use crate::digests::Meter;
use crate::error::Error;
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

/// Several statements on one shard, one after the other.
#[derive(Clone, Debug, PartialEq)]
pub struct Batch {
    pub mode: BatchMode,
    /// At least one.
    pub steps: Vec<Step>,
}

/// What the steps of a batch are to each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BatchMode {
    /// Each on its own, whatever becomes of the others.
    Each,
    /// Each on its own, and none after one that failed.
    StopOnError,
    /// One transaction; run again after a deadlock.
    Atomic,
}

/// One statement of a batch.
#[derive(Clone, Debug, PartialEq)]
pub struct Step {
    /// Its params are absent if there are rows.
    pub statement: Statement,
    /// Run it once for each of these (executemany), all or none; at least one.
    pub rows: Option<Vec<Params>>,
    pub condition: Option<Condition>,
}

/// What an earlier step must have come to for this one to run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Condition {
    /// An earlier one.
    pub step: usize,
    pub wanted: Wanted,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// It affected rows (matched, of an UPDATE), or returned some.
    Rows,
    /// It ran and did neither.
    NoRows,
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
    Batch(Batch),
}

/// How a transaction begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Begin {
    /// None: the database's own.
    pub isolation: Option<Isolation>,
    pub access: Access,
}

/// SQL's isolation levels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Isolation {
    ReadUncommitted,
    ReadCommitted,
    RepeatableRead,
    Serializable,
}

/// Whether a transaction may write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    ReadWrite,
    ReadOnly,
}

/// What an operation may use.
#[derive(Clone, Debug)]
pub struct Limits {
    /// When the caller stops waiting.
    pub deadline: Instant,
    /// Rows of one result set.
    pub result_max_rows: usize,
    /// Warnings of one statement that are read.
    pub warnings_max: usize,
    /// Bytes of all results of the request.
    pub budget: Arc<Budget>,
    /// How another thread can stop it; None: nobody may.
    pub cancel: Option<Arc<Cancel>>,
    /// The caller does not mind if it is applied more than once.
    pub idempotent: bool,
    /// Takes the time of what runs; None: nobody wants to know.
    pub meter: Option<Meter>,
}

impl Limits {
    /// Another thread has stopped the operation.
    pub fn is_cancelled(&self) -> bool {
        self.cancel.as_deref().is_some_and(Cancel::is_cancelled)
    }

    /// What to tell of an operation that another thread has stopped.
    pub fn cancelled(&self) -> Option<Error> {
        let cancel = self.cancel.as_deref();
        let cancelled = cancel.filter(|cancel| cancel.is_cancelled());
        cancelled.map(Cancel::error)
    }
}

/// What MySQL has to say of a statement that went well.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Warning {
    /// `Note`, `Warning` or `Error`.
    pub level: String,
    /// MySQL's number.
    pub code: u32,
    pub message: String,
}

/// What an operation brought.
#[derive(Debug, Default)]
pub struct Answer {
    /// As the shard is configured to count them.
    pub affected_rows: u64,
    /// Rows that an UPDATE's condition met; else as `affected_rows`.
    pub matched_rows: u64,
    /// 0: there is none.
    pub insert_id: u64,
    /// Rows that an INSERT or REPLACE has added.
    pub insert_count: u64,
    pub warning_count: u32,
    pub warnings: Vec<Warning>,
    /// How many statements were sent.
    pub statements: u32,
    /// None: the statement has no result set.
    pub rows: Option<Rows>,
    /// The sets after the first.
    pub more_rows: Vec<Rows>,
    /// Of a batch, which leaves all of the above empty: one for each step.
    pub steps: Vec<StepOutcome>,
    /// How often a batch was run.
    pub attempts: u32,
    /// How often all of it was given to the database.
    pub sent: u32,
    /// Bytes of the request's budget that it holds, its steps' apart.
    pub taken: usize,
}

/// What came of one step of a batch.
#[derive(Debug)]
pub enum StepOutcome {
    Done(Answer),
    Failed(Error),
    /// Its condition was not met.
    Skipped,
    /// An earlier step failed.
    NotRun,
}

impl Answer {
    /// Counts a further statement of the same insert; the first id stays.
    pub fn add(&mut self, further: Answer) {
        if self.insert_id == 0 {
            self.insert_id = further.insert_id;
        }
        self.affected_rows += further.affected_rows;
        self.matched_rows += further.matched_rows;
        self.insert_count += further.insert_count;
        self.warning_count += further.warning_count;
        self.warnings.extend(further.warnings);
        self.statements += further.statements;
        self.taken += further.taken;
    }

    /// Whether it affected or returned rows: what the conditions of a batch ask.
    pub fn had_rows(&self) -> bool {
        let returned = self.rows.as_ref().is_some_and(|rows| rows.row_count > 0);
        returned || self.affected_rows > 0 || self.matched_rows > 0
    }
}
