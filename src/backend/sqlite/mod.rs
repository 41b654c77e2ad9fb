//! Shards on SQLite, bundled: the embedded default. Only this folder knows
//! `rusqlite`. Values are bound, never written into a statement.

mod columns;
mod connection;
mod errors;
mod statement;
mod transaction;
mod unit;

use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use rusqlite::OpenFlags;
use rusqlite::limits::Limit;

pub use self::transaction::SqliteTransaction;

use self::connection::Connection;
use super::Found;
use super::pool::{ConnectFailure, ConnectFailureKind, Manager, Pool, Unavailable};
use super::retry::RetryStats;
use super::shards::{KillStats, ShardStats, Threads};
use crate::config::{PoolConfig, SqliteTarget};
use crate::digests::Meter;
use crate::error::{Phase, Result};
use crate::operation::{Answer, Limits, Operation};

/// A text, a blob or a row; a reply could not carry a larger one.
const VALUE_MAX_BYTES: i32 = 16_384_000;

/// How long a file that others are opening is waited for, and between two tries.
const JOURNAL_MODE_PATIENCE: Duration = Duration::from_secs(1);
const JOURNAL_MODE_PAUSE: Duration = Duration::from_millis(5);

/// A shard's database.
pub struct SqliteBackend {
    pool: Pool<SqliteManager>,
    requests: AtomicU64,
}

/// Nothing is given to the database twice; and what was found wrong in the
/// request itself was not given to it at all.
fn sent_once(result: Result<Answer>) -> Result<Answer> {
    match result {
        Ok(mut answer) => {
            answer.sent = 1;
            Ok(answer)
        }
        Err(error) => {
            let sent = u32::from(error.phase() != Phase::Request);
            Err(error.with_sent(sent))
        }
    }
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
            pool: Pool::new(
                shard,
                manager,
                pool,
                threads.connect.clone(),
                threads.common.clone(),
            ),
            requests: AtomicU64::new(0),
        }
    }

    /// Why the database cannot be opened; `None` while it can.
    pub fn unavailable(&self) -> Option<Unavailable> {
        self.pool.unavailable()
    }

    /// A job that finds that out, for a thread that connects.
    pub fn probe(&self) -> Box<dyn FnOnce() + Send> {
        Box::new(self.pool.probe())
    }

    /// Nothing is sent twice here, and nothing is killed.
    pub fn stats(&self) -> ShardStats {
        let retries = RetryStats {
            requests: self.requests.load(Ordering::Relaxed),
            ..RetryStats::default()
        };
        ShardStats {
            pool: self.pool.stats(),
            retries,
            kills: KillStats::default(),
        }
    }

    /// Runs one operation and holds a connection for that long.
    pub fn run(&self, operation: &Operation, limits: &Limits) -> Result<Answer> {
        self.requests.fetch_add(1, Ordering::Relaxed);
        let mut connection = self
            .pool
            .checkout(limits.deadline, limits.cancel.as_deref())?;
        connection.start(limits)?;
        let result = Meter::run(limits.meter.as_ref(), operation, || {
            connection.perform(operation, limits)
        });
        connection.finish();
        sent_once(result)
    }

    /// What `check` shows of the database.
    pub fn inspect(&self, deadline: Instant) -> Result<Found> {
        let connection = self.pool.checkout(deadline, None)?;
        let started = Instant::now();
        let version = connection.version()?;
        Ok(Found {
            version: format!("SQLite {version}"),
            latency: started.elapsed(),
            read_only: connection.inner().is_readonly("main").unwrap_or(false),
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
        set_journal_mode(&connection)?;
    }
    connection.execute_batch("PRAGMA foreign_keys = ON; PRAGMA trusted_schema = OFF;")?;
    connection.set_limit(Limit::SQLITE_LIMIT_LENGTH, VALUE_MAX_BYTES)?;
    Ok(connection)
}

/// Where another connection is about to set the mode of the same file, SQLite says
/// that it is locked, without asking the busy handler.
fn set_journal_mode(connection: &rusqlite::Connection) -> rusqlite::Result<()> {
    let began = Instant::now();
    loop {
        let set = connection.query_row("PRAGMA journal_mode = WAL", [], |_| Ok(()));
        match set {
            Err(error) if is_busy(&error) && began.elapsed() < JOURNAL_MODE_PATIENCE => {
                thread::sleep(JOURNAL_MODE_PAUSE);
            }
            set => return set,
        }
    }
}

fn is_busy(error: &rusqlite::Error) -> bool {
    error.sqlite_error_code() == Some(rusqlite::ErrorCode::DatabaseBusy)
}

impl Manager for SqliteManager {
    type Connection = Connection;

    fn connect(&self) -> Result<Connection, ConnectFailure> {
        open(&self.uri_or_path, self.in_memory)
            .map(Connection::new)
            .map_err(|error| {
                ConnectFailure::new(ConnectFailureKind::Unreachable, error.to_string())
            })
    }

    fn is_alive(&self, _: &mut Connection) -> bool {
        true
    }

    fn is_broken(&self, connection: &Connection) -> bool {
        connection.is_broken()
    }
}
