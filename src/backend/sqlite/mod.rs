//! Shards on SQLite, bundled: the embedded default. Only this folder knows
//! `rusqlite`. Values are bound, never written into a statement.

mod columns;
mod errors;

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use rusqlite::limits::Limit;
use rusqlite::types::{ToSqlOutput, ValueRef};
use rusqlite::{OpenFlags, ToSql};

use super::Found;
use super::pool::{Manager, Pool};
use super::shards::Threads;
use crate::config::{PoolConfig, SqliteTarget};
use crate::error::{Error, ErrorKind, Result};
use crate::operation::{Answer, Insert, Limits, Operation, Params, Statement};
use crate::sql::{self, Dialect, Function};
use crate::value::Value;

/// Instructions of SQLite's machine between two looks at the clock.
const DEADLINE_PERIOD_OPS: i32 = 1000;

/// Between two tries at a lock that another connection holds.
const LOCK_PERIOD: Duration = Duration::from_millis(1);

/// A text, a blob or a row; a reply could not carry a larger one.
const VALUE_MAX_BYTES: i32 = 16_384_000;

/// A shard's database.
pub struct SqliteBackend {
    pool: Pool<SqliteManager>,
}

impl SqliteBackend {
    /// Opens nothing yet, but for a database in memory, which lives as long as
    /// some connection to it does.
    pub fn new(
        shard: &str,
        target: &SqliteTarget,
        pool: &PoolConfig,
        threads: &Threads,
    ) -> SqliteBackend {
        let manager = SqliteManager::new(target);
        SqliteBackend {
            pool: Pool::new(shard, manager, pool, threads.connect.clone()),
        }
    }

    /// Why the database cannot be opened; `None` while it can.
    pub fn unavailable(&self) -> Option<String> {
        self.pool.unavailable()
    }

    /// Runs one operation and holds a connection for that long.
    pub fn run(&self, operation: &Operation, limits: &Limits) -> Result<Answer> {
        let mut checkout = self.pool.checkout(limits.deadline)?;
        let connection = &mut *checkout;
        connection.begin(limits.deadline)?;
        let result = match operation {
            Operation::Ping => connection.version().map(|_| Answer::default()),
            Operation::Query(statement) => connection.run(statement, Function::Query, limits),
            Operation::Execute(statement) => connection.run(statement, Function::Execute, limits),
            Operation::Insert(insert) => connection.insert(insert, limits),
        };
        connection.end();
        result
    }

    /// What `check` shows of the database.
    pub fn inspect(&self, deadline: Instant) -> Result<Found> {
        let connection = self.pool.checkout(deadline)?;
        let started = Instant::now();
        let version = connection.version()?;
        Ok(Found {
            version: format!("SQLite {version}"),
            latency: started.elapsed(),
            read_only: connection.inner.is_readonly("main").unwrap_or(false),
            sql_mode: String::new(),
        })
    }
}

/// Opens connections to one database.
struct SqliteManager {
    uri_or_path: String,
    in_memory: bool,
    /// Keeps a database in memory alive while the pool holds no connection.
    _anchor: Option<std::sync::Mutex<rusqlite::Connection>>,
}

impl SqliteManager {
    fn new(target: &SqliteTarget) -> SqliteManager {
        /// Databases in memory are named in one space for the whole process.
        static NEXT: AtomicU64 = AtomicU64::new(0);
        match target {
            SqliteTarget::Path(path) => SqliteManager {
                uri_or_path: path.to_string_lossy().into_owned(),
                in_memory: false,
                _anchor: None,
            },
            SqliteTarget::Memory => {
                let number = NEXT.fetch_add(1, Ordering::Relaxed);
                let uri_or_path = format!("file:/forebay-{number}?vfs=memdb");
                let anchor = open(&uri_or_path, true).ok().map(std::sync::Mutex::new);
                SqliteManager {
                    uri_or_path,
                    in_memory: true,
                    _anchor: anchor,
                }
            }
        }
    }
}

fn open(uri_or_path: &str, in_memory: bool) -> rusqlite::Result<rusqlite::Connection> {
    let mut flags = OpenFlags::SQLITE_OPEN_READ_WRITE
        | OpenFlags::SQLITE_OPEN_CREATE
        | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    if in_memory {
        flags |= OpenFlags::SQLITE_OPEN_URI;
    }
    let connection = rusqlite::Connection::open_with_flags(uri_or_path, flags)?;
    if !in_memory {
        // Readers go on while one writes; memdb has no such mode.
        connection.query_row("PRAGMA journal_mode = WAL", [], |_| Ok(()))?;
    }
    connection.execute_batch("PRAGMA foreign_keys = ON; PRAGMA trusted_schema = OFF;")?;
    connection.set_limit(Limit::SQLITE_LIMIT_LENGTH, VALUE_MAX_BYTES)?;
    Ok(connection)
}

impl Manager for SqliteManager {
    type Connection = Connection;

    fn connect(&self) -> Result<Connection, String> {
        open(&self.uri_or_path, self.in_memory)
            .map(|inner| Connection {
                inner,
                broken: false,
            })
            .map_err(|error| error.to_string())
    }

    fn is_alive(&self, _: &mut Connection) -> bool {
        true
    }

    fn is_broken(&self, connection: &Connection) -> bool {
        connection.broken
    }
}

/// An open database.
struct Connection {
    inner: rusqlite::Connection,
    /// Set while an operation runs, so that one that panics leaves it set.
    broken: bool,
}

impl Connection {
    /// From here on statements are stopped at the deadline.
    fn begin(&mut self, deadline: Instant) -> Result<()> {
        if Instant::now() >= deadline {
            let message = "the deadline passed before the statement was begun; raise timeout_ms";
            return Err(Error::new(ErrorKind::DeadlineExceeded, message));
        }
        self.broken = true;
        let is_late = move || Instant::now() >= deadline;
        let wait_for_lock = move |_| {
            std::thread::sleep(LOCK_PERIOD);
            !is_late()
        };
        self.inner
            .busy_handler(Some(wait_for_lock))
            .and_then(|()| {
                self.inner
                    .progress_handler(DEADLINE_PERIOD_OPS, Some(is_late))
            })
            .map_err(|error| errors::from_sqlite(&error))
    }

    /// The operation is over, well or not.
    fn end(&mut self) {
        let no_handler = None::<fn() -> bool>;
        let cleared = self.inner.progress_handler(0, no_handler).is_ok();
        let settled = self.inner.is_autocommit();
        self.broken = !(cleared && settled);
    }

    fn version(&self) -> Result<String> {
        self.inner
            .query_row("SELECT sqlite_version()", [], |row| row.get(0))
            .map_err(|error| errors::from_sqlite(&error))
    }

    fn run(&self, statement: &Statement, function: Function, limits: &Limits) -> Result<Answer> {
        let params_given = statement.params != Params::Absent;
        let template = sql::analyze(
            &statement.sql,
            statement.style,
            params_given,
            Dialect::Sqlite,
        )?;
        sql::check(function, &template)?;
        let (text, values) = sql::bind(&template, &statement.params)?;
        let inserts =
            ["INSERT", "REPLACE"].map(|verb| verb.eq_ignore_ascii_case(template.keyword()));
        self.run_bound(&text, values.into_iter(), inserts.contains(&true), limits)
    }

    fn run_bound<'v>(
        &self,
        text: &str,
        values: impl Iterator<Item = &'v Value>,
        inserts: bool,
        limits: &Limits,
    ) -> Result<Answer> {
        let run = || -> Result<Answer, errors::Failure> {
            let mut prepared = self.inner.prepare_cached(text)?;
            for (index, value) in values.enumerate() {
                prepared.raw_bind_parameter(index + 1, Bound(value))?;
            }
            let has_rows = prepared.column_count() > 0;
            let changes_before = self.inner.total_changes();
            // What returns rows of a write has written them all before the first.
            let undo = match has_rows && !prepared.readonly() {
                true => Some(self.inner.unchecked_transaction()?),
                false => None,
            };
            let rows = columns::read(&mut prepared, limits)?;
            if let Some(transaction) = undo {
                transaction.commit()?;
            }
            // SQLite keeps both numbers from earlier statements.
            let changed = self.inner.total_changes() > changes_before;
            let insert_id = match changed && inserts {
                true => self.inner.last_insert_rowid().cast_unsigned(),
                false => 0,
            };
            Ok(Answer {
                affected_rows: if changed { self.inner.changes() } else { 0 },
                insert_id,
                warning_count: 0,
                statements: 1,
                rows: has_rows.then_some(rows),
            })
        };
        run().map_err(errors::Failure::into_error)
    }

    fn insert(&mut self, insert: &Insert, limits: &Limits) -> Result<Answer> {
        let text = sql::insert::for_sqlite(insert)?;
        let failed = |error: rusqlite::Error| errors::from_sqlite(&error);
        let transaction = self.inner.unchecked_transaction().map_err(failed)?;
        let mut total = Answer::default();
        for row in &insert.rows {
            total.add(self.run_bound(&text, row.iter(), true, limits)?);
        }
        transaction.commit().map_err(failed)?;
        Ok(Answer {
            statements: 1,
            ..total
        })
    }
}

/// A parameter as SQLite binds it: what has no type of its own there is text.
struct Bound<'v>(&'v Value);

impl ToSql for Bound<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        let value = match self.0 {
            Value::Null => ValueRef::Null,
            Value::Bool(value) => ValueRef::Integer(i64::from(*value)),
            Value::Int(value) => ValueRef::Integer(*value),
            Value::UInt(value) => match i64::try_from(*value) {
                Ok(value) => ValueRef::Integer(value),
                Err(_) => return Ok(ToSqlOutput::from(value.to_string())),
            },
            Value::Double(value) => ValueRef::Real(*value),
            Value::Decimal(text) | Value::Text(text) | Value::Temporal(text) => {
                ValueRef::Text(text.as_bytes())
            }
            Value::Bytes(bytes) => ValueRef::Blob(bytes),
            Value::List(_) => {
                return Err(rusqlite::Error::InvalidParameterName("a list".to_owned()));
            }
        };
        Ok(ToSqlOutput::Borrowed(value))
    }
}
