//! Every queue of the service. A shard has a lane for requests of their own, a
//! lane for those that begin a transaction, and, on threads of their own, a lane
//! for what goes on within one: a transaction that others wait for is never
//! stuck behind them.

use std::sync::Arc;

use super::refusals::crowded_out;
use super::work::Work;
use crate::config::{Config, ShardConfig};
use crate::dispatch::{Dispatcher, LaneLimits, Refusal};
use crate::http::LaneSnapshot;

/// Where something waits for its turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Lane {
    /// Goes to no shard.
    Common,
    /// Goes to several, each item of it by itself once it is decoded.
    Multi,
    /// The number is the shard's index, as in the next two.
    Shard(usize),
    Begin(usize),
    Transaction(usize),
}

impl Lane {
    /// The index of the shard that what waits here goes to.
    pub(super) fn shard(self) -> Option<usize> {
        match self {
            Lane::Common | Lane::Multi => None,
            Lane::Shard(index) | Lane::Begin(index) | Lane::Transaction(index) => Some(index),
        }
    }
}

/// Requests to no shard only decode or encode: a few at a time are enough. They
/// have workers of their own, so that they are answered when all shards are busy.
const COMMON_LANE_LIMITS: LaneLimits = LaneLimits {
    in_flight_max: 2,
    long_max: 2,
    queue_max: 10_000,
};

/// To decode a multi may take long: `ping` and `info` do not wait behind it.
const MULTI_LANE_LIMITS: LaneLimits = LaneLimits {
    in_flight_max: 2,
    long_max: 2,
    queue_max: 10_000,
};

/// A session has one request under way and a transaction one session, so that
/// hardly anything waits there but the rollback of what was left open.
const TRANSACTION_QUEUE_MAX: usize = 10_000;

/// The two lanes of a shard in the same dispatcher.
const LANES_PER_SHARD: usize = 2;

pub(super) struct Lanes {
    common: Dispatcher<Work>,
    shards: Dispatcher<Work>,
    transactions: Dispatcher<Work>,
    shard_count: usize,
}

impl Lanes {
    pub(super) fn new(config: &Config) -> Lanes {
        let lanes_of = |shard: &ShardConfig| {
            let own = LaneLimits {
                in_flight_max: shard.pool.max_connections as usize,
                long_max: shard.long_statements_max,
                queue_max: shard.queue_max_requests,
            };
            let begins = LaneLimits {
                in_flight_max: shard.transactions_max,
                long_max: shard.transactions_max,
                queue_max: shard.queue_max_requests,
            };
            [own, begins]
        };
        let shards: Vec<LaneLimits> = config.shards.iter().flat_map(lanes_of).collect();
        let within = config.shards.iter().map(|shard| LaneLimits {
            in_flight_max: shard.transactions_max,
            long_max: shard.transactions_max,
            queue_max: TRANSACTION_QUEUE_MAX,
        });
        let within: Vec<LaneLimits> = within.collect();
        let threads_max = config.server.worker_threads_max;
        Lanes {
            common: Dispatcher::new(
                &[COMMON_LANE_LIMITS, MULTI_LANE_LIMITS],
                COMMON_LANE_LIMITS.in_flight_max + MULTI_LANE_LIMITS.in_flight_max,
            ),
            shards: Dispatcher::new(&shards, threads_max),
            transactions: Dispatcher::new(&within, threads_max),
            shard_count: config.shards.len(),
        }
    }

    /// Queues something, or gives it back at once. What gives way to it is told
    /// so here.
    pub(super) fn submit(&self, lane: Lane, work: Work) -> Result<(), Refusal<Work>> {
        if let Some(displaced) = self.exchange(lane, work)? {
            displaced.refuse(&crowded_out());
        }
        Ok(())
    }

    /// The same, but what gives way comes back and is to be told.
    pub(super) fn exchange(&self, lane: Lane, work: Work) -> Result<Option<Work>, Refusal<Work>> {
        match lane {
            Lane::Common => self.common.submit(0, work),
            Lane::Multi => self.common.submit(1, work),
            Lane::Shard(index) => self.shards.submit(own_lane(index), work),
            Lane::Begin(index) => self.shards.submit(begin_lane(index), work),
            Lane::Transaction(index) => self.transactions.submit(index, work),
        }
    }

    /// What every lane does and has done. Costs a short lock for each.
    pub(super) fn figures(&self) -> Vec<LaneSnapshot> {
        let of = |shard, lane, figures| LaneSnapshot {
            shard,
            lane,
            figures,
        };
        let mut all = vec![
            of(None, "common", self.common.figures(0)),
            of(None, "multi", self.common.figures(1)),
        ];
        for index in 0..self.shard_count {
            let (own, begin) = (own_lane(index), begin_lane(index));
            let shard = Some(index);
            all.push(of(shard, "shard", self.shards.figures(own)));
            all.push(of(shard, "begin", self.shards.figures(begin)));
            all.push(of(shard, "transaction", self.transactions.figures(index)));
        }
        all
    }

    /// Some of what waits has become of no use.
    pub(super) fn renew_deadlines(&self) {
        self.all().into_iter().for_each(Dispatcher::renew_deadlines);
    }

    /// What has passed its deadline in a queue.
    pub(super) fn take_expired(&self) -> Vec<Work> {
        let expired = self.all().map(Dispatcher::take_expired);
        expired.into_iter().flatten().collect()
    }

    /// Takes nothing more, and gives up what waits.
    pub(super) fn stop(&self) {
        for dispatcher in self.all() {
            drop(dispatcher.stop());
        }
    }

    fn all(&self) -> [&Dispatcher<Work>; 3] {
        [&self.common, &self.shards, &self.transactions]
    }
}

fn own_lane(shard: usize) -> usize {
    shard * LANES_PER_SHARD
}

fn begin_lane(shard: usize) -> usize {
    shard * LANES_PER_SHARD + 1
}

/// An open transaction's places: of the shard's connections, and of its
/// transactions. Given back when dropped.
pub(super) struct Places {
    lanes: Arc<Lanes>,
    shard: usize,
}

impl Places {
    pub(super) fn take(lanes: &Arc<Lanes>, shard: usize) -> Places {
        lanes.shards.hold(own_lane(shard));
        lanes.shards.hold(begin_lane(shard));
        Places {
            lanes: lanes.clone(),
            shard,
        }
    }
}

impl Drop for Places {
    fn drop(&mut self) {
        self.lanes.shards.release(own_lane(self.shard));
        self.lanes.shards.release(begin_lane(self.shard));
    }
}
