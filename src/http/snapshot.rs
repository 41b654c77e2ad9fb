//! A picture of everything that is counted and measured, at one moment.

use crate::backend::ShardStats;
use crate::dispatch::LaneFigures;
use crate::frontend::SessionCounts;
use crate::stats::{Process, Traffic};

/// The whole service.
#[derive(Clone, Debug, Default)]
pub struct Snapshot {
    /// In order of their indexes.
    pub shards: Vec<ShardSnapshot>,
    pub lanes: Vec<LaneSnapshot>,
    /// Of what went to no shard.
    pub traffic: Traffic,
    pub sessions: SessionCounts,
    /// What requests may take in memory while they are in flight.
    pub request_memory_max_bytes: u64,
    /// What results hold in memory now, and what they may.
    pub result_memory_bytes: u64,
    pub result_memory_max_bytes: u64,
    pub draining: bool,
    pub process: Process,
}

/// One queue.
#[derive(Clone, Debug)]
pub struct LaneSnapshot {
    /// The index of its shard, if it has one.
    pub shard: Option<usize>,
    pub lane: &'static str,
    pub figures: LaneFigures,
}

/// One shard.
#[derive(Clone, Debug)]
pub struct ShardSnapshot {
    pub name: String,
    pub stats: ShardStats,
    /// Connections that it may have.
    pub pool_max: u64,
    pub transactions_open: u64,
    /// None: nobody has asked for it.
    pub traffic: Option<Traffic>,
}

impl ShardSnapshot {
    /// Its database can be reached, as far as is known.
    pub(super) fn is_up(&self) -> bool {
        self.stats.pool.unavailable.is_none()
    }

    /// Somebody asks, or has asked, for it. Of the others there is little to tell,
    /// and there may be a thousand.
    pub(super) fn is_used(&self) -> bool {
        let pool = &self.stats.pool;
        self.traffic.is_some() || pool.connections > 0 || pool.waiting > 0
    }
}
