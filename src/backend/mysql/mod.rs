//! Shards on MySQL, MariaDB and what speaks their protocol. Only this folder
//! knows the `mysql` crate. SQL is rendered by `crate::sql`; here it is sent,
//! and its result read into columns.

mod columns;
mod connection;
mod errors;
mod insert;
mod kill;
mod statement;
mod wait;

use std::time::{Duration, Instant};

use self::connection::{Connection, MySqlManager};
use self::kill::Killer;
use super::Found;
use super::pool::{Checkout, Pool};
use super::shards::Threads;
use crate::config::{MySqlTarget, PoolConfig};
use crate::error::{Error, ErrorKind, Outcome, Phase, Result};
use crate::operation::{Answer, Limits, Operation};

/// How long an idle connection may take to answer before another is tried.
const PING_TIMEOUT: Duration = Duration::from_millis(500);

/// A shard's database.
pub struct MySqlBackend {
    pool: Pool<MySqlManager>,
    killer: Killer,
}

impl MySqlBackend {
    /// Connects to nothing yet.
    pub fn new(
        shard: &str,
        target: &MySqlTarget,
        pool: &PoolConfig,
        threads: &Threads,
    ) -> MySqlBackend {
        let manager = MySqlManager::new(target, pool);
        let killer = Killer::new(manager.options(), threads.kill.clone());
        MySqlBackend {
            pool: Pool::new(shard, manager, pool, threads.connect.clone()),
            killer,
        }
    }

    /// Why the database cannot be reached; `None` while it can.
    pub fn unavailable(&self) -> Option<String> {
        self.pool.unavailable()
    }

    /// Runs one operation and holds a connection for that long. What only reads
    /// is run once more if its connection is lost.
    pub fn run(&self, operation: &Operation, limits: &Limits) -> Result<Answer> {
        let result = self.run_once(operation, limits);
        match &result {
            Err(error) if reads(operation) && was_lost(error) => self.run_once(operation, limits),
            _ => result,
        }
    }

    fn run_once(&self, operation: &Operation, limits: &Limits) -> Result<Answer> {
        let mut connection = self.checkout(limits.deadline)?;
        let result = run_on(&mut connection, operation, limits);
        self.check_in(connection, limits.deadline);
        result
    }

    /// A connection that is there, as far as can be told.
    fn checkout(&self, deadline: Instant) -> Result<Checkout<MySqlManager>> {
        loop {
            let mut connection = self.pool.checkout(deadline)?;
            if !connection.is_doubtful() {
                return Ok(connection);
            }
            let patience = deadline.min(Instant::now() + PING_TIMEOUT);
            let failed = match connection.ping(patience) {
                Ok(()) => return Ok(connection),
                Err(error) => error,
            };
            self.check_in(connection, deadline);
            if Instant::now() >= deadline {
                return Err(failed.with_phase(Phase::Connect));
            }
        }
    }

    /// What `check` shows of the database.
    pub fn inspect(&self, deadline: Instant) -> Result<Found> {
        let mut connection = self.checkout(deadline)?;
        let started = Instant::now();
        connection.ping(deadline)?;
        let latency = started.elapsed();
        let server = connection.server();
        let found = Found {
            version: server.version.clone(),
            latency,
            read_only: server.read_only,
            sql_mode: server.sql_mode.clone(),
        };
        self.check_in(connection, deadline);
        Ok(found)
    }

    /// Gives a connection back clean, or drops it and stops what it still runs.
    /// The caller's answer waits for it, but not past the deadline.
    fn check_in(&self, mut connection: Checkout<MySqlManager>, deadline: Instant) {
        if connection.is_unfinished() {
            self.killer
                .kill(connection.id(), &connection.server().identity);
        }
        if let Err(error) = connection.clean(deadline) {
            let reason = error.message();
            tracing::debug!(reason, "a connection is dropped: it cannot be reset");
        }
    }
}

fn run_on(connection: &mut Connection, operation: &Operation, limits: &Limits) -> Result<Answer> {
    match operation {
        Operation::Ping => connection.ping(limits.deadline).map(|()| Answer::default()),
        Operation::Query(statement) => {
            statement::run(connection, statement, crate::sql::Function::Query, limits)
        }
        Operation::Execute(statement) => {
            statement::run(connection, statement, crate::sql::Function::Execute, limits)
        }
        Operation::Insert(rows) => insert::run(connection, rows, limits),
    }
}

fn reads(operation: &Operation) -> bool {
    matches!(operation, Operation::Query(_) | Operation::Ping)
}

/// The connection was, and nothing that was done on it may have stayed.
fn was_lost(error: &Error) -> bool {
    error.kind() == ErrorKind::ConnectionLost && error.outcome() == Outcome::NotApplied
}
