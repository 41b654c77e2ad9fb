//! What is told over HTTP, asked of whoever knows it.

use std::time::Duration;

use super::snapshot::Snapshot;
use crate::digests::DigestRow;

/// The service, as those see it who watch over it. Each call costs some reads of
/// counters and short locks, but where it says more.
pub trait Source: Send + Sync + 'static {
    fn snapshot(&self) -> Snapshot;

    /// How long ago the threads that move bytes last gave a sign of life.
    fn pulse_age(&self) -> Duration;

    /// Takes requests no more, and finishes what it has.
    fn is_draining(&self) -> bool;

    fn has_shard(&self, name: &str) -> bool;

    /// Of each shard, in order of their indexes. May look at databases, and then
    /// blocks for up to a second.
    fn shards(&self) -> Vec<ShardReadiness>;

    /// Of one shard, likewise; None: there is no such shard.
    fn shard(&self, name: &str) -> Option<ShardReadiness>;

    /// What statements have cost, those that took the most time first.
    fn digests(&self) -> Vec<DigestRow>;
}

/// Whether a shard's database can be reached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShardReadiness {
    pub name: String,
    /// None: it can, or nobody has tried yet.
    pub unavailable: Option<Unavailable>,
}

/// That, and since when, a database cannot be reached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unavailable {
    pub reason: String,
    pub since: Duration,
}

impl ShardReadiness {
    pub fn is_ready(&self) -> bool {
        self.unavailable.is_none()
    }
}
