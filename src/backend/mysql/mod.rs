//! Shards on MySQL, MariaDB and what speaks their protocol. Only this folder
//! knows the `mysql` crate. SQL is rendered by `crate::sql`; here it is sent,
//! and its result read into columns.

mod binary;
mod columns;
mod connection;
mod counts;
mod errors;
mod exchange;
mod insert;
mod kill;
mod many;
mod operations;
mod prepared;
mod read;
mod session;
mod statement;
#[cfg(test)]
mod tests;
mod transaction;
mod units;
mod wait;
mod warnings;

use std::time::{Duration, Instant};

pub use self::transaction::MySqlTransaction;

use self::connection::MySqlManager;
use self::kill::Killer;
use self::operations::{Ground, Session};
use super::Found;
use super::pool::{Checkout, Pool};
use super::shards::Threads;
use crate::cancel::Cancel;
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
        let manager = MySqlManager::new(target, pool, threads.kill.clone());
        let killer = manager.killer();
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
        let connection = self.checkout(limits)?;
        let mut session = Session::new(connection, Ground::Shared(self));
        let result = session.run(operation, limits);
        session.check_in(limits);
        result
    }

    fn checkout(&self, limits: &Limits) -> Result<Checkout<MySqlManager>> {
        self.checkout_until(limits.deadline, limits.cancel.as_deref())
    }

    /// A connection that is there, as far as can be told.
    fn checkout_until(
        &self,
        deadline: Instant,
        cancel: Option<&Cancel>,
    ) -> Result<Checkout<MySqlManager>> {
        loop {
            let mut connection = self.pool.checkout(deadline, cancel)?;
            if !connection.is_doubtful() {
                return Ok(connection);
            }
            let patience = deadline.min(Instant::now() + PING_TIMEOUT);
            let failed = match connection.ping(patience) {
                Ok(()) => return Ok(connection),
                Err(error) => error,
            };
            check_in(&self.killer, connection, deadline);
            if Instant::now() >= deadline {
                return Err(failed.with_phase(Phase::Connect));
            }
        }
    }

    /// What `check` shows of the database.
    pub fn inspect(&self, deadline: Instant) -> Result<Found> {
        let mut connection = self.checkout_until(deadline, None)?;
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
        check_in(&self.killer, connection, deadline);
        Ok(found)
    }
}

/// Gives a connection back clean, or drops it and stops what it still runs. The
/// caller's answer waits for it, but not past the deadline.
fn check_in(killer: &Killer, mut connection: Checkout<MySqlManager>, deadline: Instant) {
    if connection.is_unfinished() {
        killer.kill(connection.id(), &connection.server().identity);
    }
    if let Err(error) = connection.clean(deadline) {
        let reason = error.message();
        tracing::debug!(reason, "a connection is dropped: it cannot be reset");
    }
}

fn reads(operation: &Operation) -> bool {
    matches!(operation, Operation::Query(_) | Operation::Ping)
}

/// The connection was, and nothing that was done on it may have stayed.
fn was_lost(error: &Error) -> bool {
    error.kind() == ErrorKind::ConnectionLost && error.outcome() == Outcome::NotApplied
}
