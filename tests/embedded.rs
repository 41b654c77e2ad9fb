//! What the shards on SQLite do beyond single statements: batches, many rows of
//! parameters, transactions, and being stopped.

mod batches;
mod stopping;
mod transactions;

use std::sync::Arc;
use std::time::{Duration, Instant};

use forebay::backend::{Shard, Shards, Transaction};
use forebay::budget::{Budget, Memory};
use forebay::cancel::{Cancel, Cause};
use forebay::config::{ShardConfig, SqliteTarget, Target};
use forebay::error::{Error, ErrorKind, Outcome, Result};
use forebay::operation::*;
use forebay::value::{ColumnData, Value};

use crate::support::{TIMEOUT, folder};

const RESULT_BYTES: usize = 1 << 20;
const RESULT_ROWS: usize = 1000;

/// Reads without end.
const ENDLESS: &str = "WITH RECURSIVE s(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM s) \
                       SELECT COUNT(*) FROM s";

/// Writes without end.
const ENDLESS_WRITE: &str = "WITH RECURSIVE s(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM s) \
                             INSERT INTO t (n) SELECT n + 100 FROM s";

/// One shard of its own, in a file or in memory, with the table `t`.
struct Database {
    shards: Shards,
    _folder: tempfile::TempDir,
}

impl Database {
    fn file(max_connections: u32) -> Database {
        let folder = folder();
        let target = SqliteTarget::Path(folder.path().join("shard.db"));
        Database::new(target, max_connections, folder)
    }

    fn memory(max_connections: u32) -> Database {
        Database::new(SqliteTarget::Memory, max_connections, folder())
    }

    /// Pools of one connection, of each kind.
    fn both() -> [Database; 2] {
        [Database::file(1), Database::memory(1)]
    }

    fn new(target: SqliteTarget, max_connections: u32, folder: tempfile::TempDir) -> Database {
        let mut config = ShardConfig::new("embedded", Target::Sqlite(target));
        config.pool.max_connections = max_connections;
        let database = Database {
            shards: Shards::new(&[config]),
            _folder: folder,
        };
        database.run("CREATE TABLE t (id INTEGER PRIMARY KEY, n INT UNIQUE)");
        // All connections are open, so that nobody waits for one to be.
        let all = (0..max_connections).map(|_| database.begin_as(Access::ReadOnly));
        drop(all.collect::<Vec<_>>());
        database
    }

    fn shard(&self) -> &Shard {
        self.shards.get(0)
    }

    fn run(&self, sql: &str) -> Answer {
        let result = self.shard().run(&execute(sql, &[]), &limits());
        result.unwrap_or_else(|error| panic!("{sql}: {error}"))
    }

    fn fails(&self, operation: &Operation) -> Error {
        self.shard().run(operation, &limits()).unwrap_err()
    }

    /// The numbers in `t`, read on whichever connection.
    fn numbers(&self) -> Vec<i64> {
        ints(&self.run("SELECT n FROM t ORDER BY n"))
    }

    fn begin(&self) -> Transaction {
        self.begin_as(Access::ReadWrite)
    }

    fn begin_as(&self, access: Access) -> Transaction {
        let begin = Begin {
            isolation: None,
            access,
        };
        self.shard().begin(&begin, &limits()).unwrap()
    }
}

fn limits_of(budget: Arc<Budget>) -> Limits {
    Limits {
        deadline: Instant::now() + TIMEOUT,
        result_max_rows: RESULT_ROWS,
        warnings_max: 0,
        budget,
        cancel: None,
        idempotent: false,
        meter: None,
    }
}

fn budget() -> Arc<Budget> {
    Memory::new(1 << 30).budget(RESULT_BYTES)
}

fn limits() -> Limits {
    limits_of(budget())
}

/// Limits that leave a statement hardly any time, but enough to begin.
fn hurried() -> Limits {
    Limits {
        deadline: Instant::now() + Duration::from_millis(100),
        ..limits()
    }
}

fn statement(sql: &str, params: &[Value]) -> Statement {
    Statement {
        sql: sql.to_owned(),
        params: match params {
            [] => Params::Absent,
            values => Params::Positional(values.to_vec()),
        },
        style: ParamStyle::Native,
    }
}

fn execute(sql: &str, params: &[Value]) -> Operation {
    Operation::Execute(statement(sql, params))
}

fn step(sql: &str) -> Step {
    Step {
        statement: statement(sql, &[]),
        rows: None,
        condition: None,
    }
}

/// `sql` for each of the rows.
fn many(sql: &str, rows: Vec<Vec<Value>>) -> Step {
    Step {
        rows: Some(rows.into_iter().map(Params::Positional).collect()),
        ..step(sql)
    }
}

fn numbers(range: std::ops::Range<i64>) -> Vec<Vec<Value>> {
    range.map(|number| vec![Value::Int(number)]).collect()
}

fn batch(mode: BatchMode, steps: Vec<Step>) -> Operation {
    Operation::Batch(Batch { mode, steps })
}

fn ints(answer: &Answer) -> Vec<i64> {
    match &answer.rows.as_ref().expect("rows").columns[0].data {
        ColumnData::Int64s(values) => values.clone(),
        ColumnData::Strings(values) if values.is_empty() => Vec::new(),
        other => panic!("not integers: {other:?}"),
    }
}

fn done(outcome: &StepOutcome) -> &Answer {
    match outcome {
        StepOutcome::Done(answer) => answer,
        other => panic!("not done: {other:?}"),
    }
}

#[track_caller]
fn assert_kind(error: &Error, kind: ErrorKind, says: &str) {
    let message = error.message();
    assert_eq!(error.kind(), kind, "{message}");
    assert!(message.contains(says), "{message:?} does not say {says:?}");
}

trait InTransaction {
    fn execute(&mut self, sql: &str) -> Result<Answer>;
}

impl InTransaction for Transaction {
    fn execute(&mut self, sql: &str) -> Result<Answer> {
        self.run(&execute(sql, &[]), &limits())
    }
}

/// Whoever opens it sets its journal mode, and whoever closes it last locks it.
#[test]
fn a_file_may_be_opened_and_closed_by_many_at_once() {
    for _ in 0..40 {
        let folder = folder();
        let path = folder.path().join("shard.db");
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    for _ in 0..5 {
                        let target = SqliteTarget::Path(path.clone());
                        let config = ShardConfig::new("embedded", Target::Sqlite(target));
                        let shards = Shards::new(&[config]);
                        let sql = "CREATE TABLE IF NOT EXISTS t (n INT)";
                        let made = shards.get(0).run(&execute(sql, &[]), &limits());
                        made.unwrap();
                    }
                });
            }
        });
    }
}
