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

use std::sync::Arc;
use std::time::{Duration, Instant};

use scheduled_thread_pool::ScheduledThreadPool;

use self::connection::{Connection, MySqlManager};
use self::kill::Killer;
use super::Found;
use super::pool::{Checkout, Pool};
use crate::config::{MySqlTarget, PoolConfig};
use crate::error::{Error, ErrorKind, Result};
use crate::operation::{Answer, Limits, Operation};

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
        threads: Arc<ScheduledThreadPool>,
    ) -> MySqlBackend {
        let manager = MySqlManager::new(target, pool.connect_timeout);
        let killer = Killer::new(manager.options(), threads.clone());
        MySqlBackend {
            pool: Pool::new(shard, manager, pool, threads),
            killer,
        }
    }

    /// Why the database cannot be reached; `None` while it can.
    pub fn unavailable(&self) -> Option<String> {
        self.pool.unavailable()
    }

    /// Runs one operation and holds a connection for that long.
    pub fn run(&self, operation: &Operation, limits: &Limits) -> Result<Answer> {
        let mut connection = self.pool.checkout(limits.deadline)?;
        let result = run_on(&mut connection, operation, limits);
        let lost = matches!(&result, Err(error) if error.kind() == ErrorKind::ConnectionLost);
        let retries = lost && matches!(operation, Operation::Query(_) | Operation::Ping);
        let result = if retries && Instant::now() < limits.deadline {
            drop(connection);
            connection = self.pool.checkout(limits.deadline)?;
            run_on(&mut connection, operation, limits)
        } else {
            result
        };
        self.check_in(connection);
        result
    }

    /// What `check` shows of the database.
    pub fn inspect(&self, deadline: Instant) -> Result<Found> {
        let mut connection = self.pool.checkout(deadline)?;
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
        self.check_in(connection);
        Ok(found)
    }

    /// Gives a connection back clean, or drops it and stops what it still runs.
    fn check_in(&self, mut connection: Checkout<MySqlManager>) {
        if connection.is_unfinished() {
            self.killer.kill(connection.id());
        }
        connection.clean();
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

/// The part of the deadline that is left, or an error if nothing is.
fn time_left(deadline: Instant) -> Result<Duration> {
    let left = deadline.saturating_duration_since(Instant::now());
    if left.is_zero() {
        let message = "the deadline passed before the statement was sent; raise timeout_ms";
        return Err(Error::new(ErrorKind::DeadlineExceeded, message));
    }
    Ok(left)
}
