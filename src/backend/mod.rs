//! The databases: shards by name, each with its pool. Takes operations and gives
//! answers; nothing here knows Thrift or sockets of clients.

mod batch;
mod mysql;
mod pool;
mod retry;
mod shards;
mod sqlite;
mod transaction;

use std::time::Duration;

pub use pool::{PoolStats, Unavailable};
pub use retry::RetryStats;
pub use shards::{KillStats, Shard, ShardStats, ShardStatus, Shards};
pub use transaction::Transaction;

use crate::error::{Error, ErrorKind};

/// What there is to know of a shard's database.
#[derive(Clone, Debug)]
pub struct Found {
    pub version: String,
    /// Of one round trip on an open connection.
    pub latency: Duration,
    pub read_only: bool,
    /// Empty where there is none, as in SQLite.
    pub sql_mode: String,
}

fn too_many_rows(limit: usize) -> Error {
    let message = format!(
        "the result has more than {limit} rows; ask for fewer with LIMIT, or page by key, \
         or raise max_rows up to the server's result_max_rows"
    );
    Error::new(ErrorKind::ResultTooLarge, message).with_limit(limit as u64, limit as u64 + 1)
}
