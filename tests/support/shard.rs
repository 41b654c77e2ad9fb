//! One shard without a service in front of it: its operations, batches and
//! transactions, as the service runs them.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use forebay::backend::{Shard, Shards, Transaction};
use forebay::budget::Memory;
use forebay::config::{MySqlTarget, ShardConfig};
use forebay::error::{Error, ErrorKind, Result};
use forebay::operation::{
    Access, Answer, Batch, BatchMode, Begin, Condition, Limits, Operation, ParamStyle, Params,
    Statement, Step, StepOutcome, Wanted,
};
use forebay::value::{ColumnData, Value};
use mysql::prelude::Queryable;

use super::{TIMEOUT, direct, mysql_shard, root, target, wait_until};

/// A shard on a new database of the real server.
pub struct Lone {
    shards: Shards,
    pub database: String,
}

impl Lone {
    /// With so many connections at the most.
    pub fn new(connections: u32) -> Lone {
        Lone::with(connections, |_| {})
    }

    pub fn with(connections: u32, change: impl FnOnce(&mut MySqlTarget)) -> Lone {
        let mut config = mysql_shard("main");
        change(target(&mut config));
        Lone::of(connections, config)
    }

    pub fn of(connections: u32, mut config: ShardConfig) -> Lone {
        config.pool.max_connections = connections;
        Lone {
            database: target(&mut config).database.clone().unwrap(),
            shards: Shards::new(&[config]),
        }
    }

    /// With the table `t` of an `id` that counts, a unique `n` and a `b`.
    pub fn with_table(connections: u32) -> Lone {
        let lone = Lone::new(connections);
        lone.make(
            "TABLE t (id BIGINT UNSIGNED AUTO_INCREMENT PRIMARY KEY, n INT UNIQUE, b LONGTEXT) \
             ENGINE=InnoDB",
        );
        lone
    }

    /// Runs CREATE … past the shard.
    pub fn make(&self, what: &str) {
        self.direct().query_drop(format!("CREATE {what}")).unwrap();
    }

    /// A connection to the shard's database, past the shard.
    pub fn direct(&self) -> mysql::Conn {
        let mut connection = direct();
        connection
            .query_drop(format!("USE `{}`", self.database))
            .unwrap();
        connection
    }

    pub fn shard(&self) -> &Shard {
        self.shards.get(0)
    }

    pub fn begin(&self) -> Transaction {
        self.begin_as(None, Access::ReadWrite)
    }

    pub fn begin_as(
        &self,
        isolation: Option<forebay::operation::Isolation>,
        access: Access,
    ) -> Transaction {
        let begin = Begin { isolation, access };
        self.shard().begin(&begin, &limits()).unwrap()
    }

    /// What is in `t`, in order of `n`, read past the shard.
    pub fn numbers(&self) -> Vec<u32> {
        let sql = "SELECT n FROM t ORDER BY n";
        self.direct().query(sql).unwrap()
    }
}

/// What runs operations.
pub trait Runs {
    fn operate(&mut self, operation: &Operation, limits: &Limits) -> Result<Answer>;

    fn try_sql(&mut self, sql: &str, values: &[Value]) -> Result<Answer> {
        self.operate(&Operation::Execute(statement(sql, values)), &limits())
    }

    #[track_caller]
    fn sql(&mut self, sql: &str, values: &[Value]) -> Answer {
        self.try_sql(sql, values)
            .unwrap_or_else(|error| panic!("{sql}: {error}"))
    }

    #[track_caller]
    fn sql_fails(&mut self, sql: &str) -> Error {
        match self.try_sql(sql, &[]) {
            Err(error) => error,
            Ok(answer) => panic!("{sql}: {answer:?}"),
        }
    }

    /// The first value of the first row, as text; `none` if there is no row.
    #[track_caller]
    fn value(&mut self, sql: &str) -> String {
        let answer = self.sql(sql, &[]);
        first_value(&answer)
    }

    fn batch(&mut self, mode: BatchMode, steps: Vec<Step>) -> Result<Answer> {
        self.operate(&Operation::Batch(Batch { mode, steps }), &limits())
    }
}

impl Runs for &Lone {
    fn operate(&mut self, operation: &Operation, limits: &Limits) -> Result<Answer> {
        self.shard().run(operation, limits)
    }
}

impl Runs for Lone {
    fn operate(&mut self, operation: &Operation, limits: &Limits) -> Result<Answer> {
        self.shard().run(operation, limits)
    }
}

impl Runs for Transaction {
    fn operate(&mut self, operation: &Operation, limits: &Limits) -> Result<Answer> {
        self.run(operation, limits)
    }
}

pub fn first_value(answer: &Answer) -> String {
    let rows = answer.rows.as_ref().expect("rows");
    if rows.row_count == 0 {
        return "none".to_owned();
    }
    let column = &rows.columns[0];
    if column.is_null(0) {
        return "NULL".to_owned();
    }
    match &column.data {
        ColumnData::Int64s(values) => values[0].to_string(),
        ColumnData::Doubles(values) => values[0].to_string(),
        ColumnData::Strings(values) | ColumnData::Blobs(values) => {
            String::from_utf8_lossy(values.get(0).unwrap()).into_owned()
        }
    }
}

/// The usual time, and room for small results.
pub fn limits() -> Limits {
    limits_within(TIMEOUT)
}

pub fn limits_within(timeout: Duration) -> Limits {
    Limits {
        deadline: Instant::now() + timeout,
        result_max_rows: 1_000,
        warnings_max: 0,
        budget: Memory::new(64 << 20).budget(16 << 20),
        cancel: None,
        idempotent: false,
        meter: None,
    }
}

pub fn statement(sql: &str, values: &[Value]) -> Statement {
    Statement {
        sql: sql.to_owned(),
        params: match values {
            [] => Params::Absent,
            values => Params::Positional(values.to_vec()),
        },
        style: ParamStyle::Native,
    }
}

pub fn step(sql: &str, values: &[Value]) -> Step {
    Step {
        statement: statement(sql, values),
        rows: None,
        condition: None,
    }
}

pub fn step_if(sql: &str, asked: usize, wanted: Wanted) -> Step {
    let condition = Condition {
        step: asked,
        wanted,
    };
    Step {
        condition: Some(condition),
        ..step(sql, &[])
    }
}

/// Runs it once for each row.
pub fn step_many(sql: &str, rows: Vec<Vec<Value>>) -> Step {
    Step {
        rows: Some(rows.into_iter().map(Params::Positional).collect()),
        ..step(sql, &[])
    }
}

/// One letter for each step: done, failed, skipped, not run.
pub fn letters(answer: &Answer) -> String {
    let letter = |outcome: &StepOutcome| match outcome {
        StepOutcome::Done(_) => 'D',
        StepOutcome::Failed(_) => 'F',
        StepOutcome::Skipped => 'S',
        StepOutcome::NotRun => 'N',
    };
    answer.steps.iter().map(letter).collect()
}

#[track_caller]
pub fn done(answer: &Answer, step: usize) -> &Answer {
    match &answer.steps[step] {
        StepOutcome::Done(answer) => answer,
        other => panic!("step {step}: {other:?}"),
    }
}

#[track_caller]
pub fn failed(answer: &Answer, step: usize) -> &Error {
    match &answer.steps[step] {
        StepOutcome::Failed(error) => error,
        other => panic!("step {step}: {other:?}"),
    }
}

#[track_caller]
pub fn assert_kind(error: &Error, kind: ErrorKind, says: &str) {
    assert_eq!(error.kind(), kind, "{error}");
    let message = error.message();
    assert!(message.contains(says), "{message:?} does not say {says:?}");
}

/// Closes the connection that runs a statement with that text, once it does.
pub fn kill_running(text: &str) {
    let find = "SELECT id FROM information_schema.processlist \
                WHERE info LIKE ? AND id <> CONNECTION_ID()";
    let mut direct = direct();
    let mut id: Option<u64> = None;
    wait_until("it runs", || {
        id = direct.exec_first(find, (format!("%{text}%"),)).unwrap();
        id.is_some()
    });
    direct.query_drop(format!("KILL {}", id.unwrap())).unwrap();
}

/// A server of the test's own, with options of its own; it ends with the value.
pub struct OwnServer {
    process: Child,
    pub port: u16,
}

impl OwnServer {
    pub fn new(options: &str) -> OwnServer {
        let mut process = Command::new(root().join("scripts/with-mariadb"))
            .args(["sh", "-c", "echo $FOREBAY_TEST_MYSQL_PORT; exec cat"])
            .env_remove("FOREBAY_TEST_MYSQL_URL")
            .env("FOREBAY_MARIADB_ARGS", options)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut port = String::new();
        BufReader::new(process.stdout.take().unwrap())
            .read_line(&mut port)
            .unwrap();
        OwnServer {
            process,
            port: port.trim().parse().unwrap(),
        }
    }
}

impl Drop for OwnServer {
    fn drop(&mut self) {
        // It ends when its input does.
        drop(self.process.stdin.take());
        self.process.wait().ok();
    }
}
