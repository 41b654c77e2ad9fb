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
mod watchdog;

use std::time::{Duration, Instant};

pub use self::transaction::MySqlTransaction;
pub(super) use self::watchdog::Watchdog;

use self::connection::MySqlManager;
use self::kill::Killer;
use self::operations::{Ground, Session};
use super::Found;
use super::batch::give_back_all;
use super::pool::{Checkout, Pool, Unavailable};
use super::retry::{Retries, Safety, Try};
use super::shards::{ShardStats, Threads};
use crate::cancel::Cancel;
use crate::config::{MySqlTarget, PoolConfig};
use crate::digests::Meter;
use crate::error::{Error, ErrorKind, Phase, Result};
use crate::operation::{Answer, Limits, Operation, StepOutcome};

/// How long an idle connection may take to answer before another is tried.
const PING_TIMEOUT: Duration = Duration::from_millis(500);

/// A shard's database.
pub struct MySqlBackend {
    pool: Pool<MySqlManager>,
    killer: Killer,
    retries: Retries,
}

impl MySqlBackend {
    /// Connects to nothing yet.
    pub fn new(
        shard: &str,
        target: &MySqlTarget,
        pool: &PoolConfig,
        threads: &Threads,
    ) -> MySqlBackend {
        let manager =
            MySqlManager::new(shard, target, pool, threads.kill.clone(), &threads.watchdog);
        let killer = manager.killer();
        MySqlBackend {
            pool: Pool::new(
                shard,
                manager,
                pool,
                threads.connect.clone(),
                threads.common.clone(),
            ),
            killer,
            retries: Retries::new(pool),
        }
    }

    /// Why the database cannot be reached; `None` while it can.
    pub fn unavailable(&self) -> Option<Unavailable> {
        self.pool.unavailable()
    }

    /// A job that finds that out, for a thread that connects.
    pub fn probe(&self) -> Box<dyn FnOnce() + Send> {
        Box::new(self.pool.probe())
    }

    pub fn stats(&self) -> ShardStats {
        ShardStats {
            pool: self.pool.stats(),
            retries: self.retries.stats(),
            kills: self.killer.stats(),
        }
    }

    /// Runs one operation and holds a connection for that long. What was not done,
    /// or may be done twice, is run again where that may help.
    pub fn run(&self, operation: &Operation, limits: &Limits) -> Result<Answer> {
        let (result, sent) = self.retries.run(
            Safety::of(operation, limits),
            limits,
            failure,
            |answer| give_back_all(&answer.steps, limits),
            || self.run_once(operation, limits),
        );
        match result {
            Ok(mut answer) => {
                answer.sent = sent;
                Ok(answer)
            }
            Err(error) => Err(error.with_sent(sent)),
        }
    }

    fn run_once(&self, operation: &Operation, limits: &Limits) -> Try<Answer> {
        let connection = match self.checkout(limits) {
            Ok(connection) => connection,
            Err(error) => return Try::unsent(error),
        };
        let mut session = Session::new(connection, Ground::Shared(self));
        let result = Meter::run(limits.meter.as_ref(), operation, || {
            session.run(operation, limits)
        });
        session.check_in(limits);
        Try {
            result,
            sent: session.sent,
            replaced: session.replaced,
        }
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

/// Gives a connection back clean, or ends it and stops what it still runs, for which
/// nobody waits. The caller's answer waits for the rest, but not past the deadline.
fn check_in(killer: &Killer, mut connection: Checkout<MySqlManager>, deadline: Instant) {
    if connection.is_unfinished() {
        connection.hang_up();
        return killer.kill(connection.victim(), connection);
    }
    if let Err(error) = connection.clean(deadline) {
        let reason = error.message();
        tracing::debug!(reason, "a connection is dropped: it cannot be reset");
    }
}

/// What another try may mend: of a batch, what ended the steps after it.
fn failure(result: &Result<Answer>) -> Option<&Error> {
    let lost = |step: &'_ StepOutcome| match step {
        StepOutcome::Failed(error) => error.kind() == ErrorKind::ConnectionLost,
        _ => false,
    };
    match result {
        Err(error) => Some(error),
        Ok(answer) => match answer.steps.iter().find(|step| lost(step)) {
            Some(StepOutcome::Failed(error)) => Some(error),
            _ => None,
        },
    }
}
