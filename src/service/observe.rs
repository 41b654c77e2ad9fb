//! The service as those see it who watch over it, over HTTP.

use std::sync::Arc;
use std::time::Duration;

use super::core::Core;
use super::looks::Looks;
use super::router::Router;
use crate::digests::DigestRow;
use crate::frontend::Frontend;
use crate::http::{ShardReadiness, ShardSnapshot, Snapshot, Source};

pub(super) struct Observer {
    core: Arc<Core>,
    frontend: Arc<Frontend<Router>>,
    looks: Looks,
}

impl Observer {
    pub(super) fn new(core: &Arc<Core>, frontend: &Arc<Frontend<Router>>) -> Observer {
        Observer {
            core: core.clone(),
            frontend: frontend.clone(),
            looks: Looks::new(core),
        }
    }
}

impl Source for Observer {
    fn snapshot(&self) -> Snapshot {
        let core = &self.core;
        let memory = &core.memory;
        let transactions = core.transactions.count_open(core.shards.iter().count());
        let shards = core.shards.iter().zip(transactions).enumerate();
        let shards = shards.map(|(index, (shard, transactions_open))| ShardSnapshot {
            name: shard.name().to_owned(),
            stats: shard.stats(),
            pool_max: shard.config().pool.max_connections.into(),
            transactions_open,
            traffic: core.stats.shard(index),
        });
        Snapshot {
            shards: shards.collect(),
            lanes: core.lanes.figures(),
            traffic: core.stats.common(),
            sessions: self.frontend.counts(),
            request_memory_max_bytes: self.frontend.request_memory_max_bytes() as u64,
            result_memory_bytes: memory.used() as u64,
            result_memory_max_bytes: memory.max_bytes() as u64,
            draining: self.is_draining(),
            process: core.stats.process(),
        }
    }

    fn pulse_age(&self) -> Duration {
        self.core.life.beat_age()
    }

    fn is_draining(&self) -> bool {
        self.core.life.is_draining()
    }

    fn has_shard(&self, name: &str) -> bool {
        self.core.shards.find(name).is_ok()
    }

    fn shards(&self) -> Vec<ShardReadiness> {
        self.looks.all()
    }

    fn shard(&self, name: &str) -> Option<ShardReadiness> {
        let index = self.core.shards.find(name).ok()?;
        Some(self.looks.one(index))
    }

    fn digests(&self) -> Vec<DigestRow> {
        self.core.digests.snapshot()
    }
}
