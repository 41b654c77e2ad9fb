//! What every request of the service uses, and how one operation is run with it.

use std::sync::Arc;
use std::time::Instant;

use super::lanes::Lanes;
use super::life::Life;
use super::multi::Gatherings;
use super::transactions::Transactions;
use crate::backend::Shards;
use crate::budget::{Budget, Memory};
use crate::cancel::Cancel;
use crate::config::{Config, ShardConfig, Target};
use crate::digests::{Digests, Known, Meter, ShardFacts};
use crate::error::{Error, ErrorKind};
use crate::operation::Limits;
use crate::rpc::{ApiLimits, AskedOptions};
use crate::sql::{Dialect, SqlMode};
use crate::stats::Stats;

pub(super) struct Core {
    pub(super) shards: Shards,
    pub(super) limits: ApiLimits,
    pub(super) memory: Arc<Memory>,
    pub(super) stats: Stats,
    pub(super) life: Life,
    pub(super) lanes: Arc<Lanes>,
    pub(super) transactions: Transactions,
    pub(super) gatherings: Gatherings,
    pub(super) digests: Arc<Digests>,
}

impl Core {
    pub(super) fn new(config: &Config) -> Core {
        let server = &config.server;
        Core {
            // Half of the workers are left to databases that are there.
            shards: Shards::with_patience(&config.shards, server.worker_threads_max / 2),
            limits: ApiLimits {
                request_max_bytes: server.request_max_bytes,
                result_max_bytes: server.result_max_bytes,
                result_max_rows: server.result_max_rows,
                default_timeout: server.default_timeout,
                max_timeout: server.max_timeout,
                multi_items_max: server.multi_items_max,
                multi_parallel_max: server.multi_parallel_max,
                batch_steps_max: server.batch_steps_max,
                transaction_idle_timeout: server.transaction_idle_timeout,
                transaction_timeout: server.transaction_timeout,
                reply_grace: server.reply_grace,
            },
            memory: Memory::new(server.result_memory_max_bytes),
            stats: Stats::new(config.shards.len()),
            life: Life::default(),
            lanes: Arc::new(Lanes::new(config)),
            transactions: Transactions::new(server),
            gatherings: Gatherings::default(),
            digests: Arc::new(Digests::new(
                server.digests_max,
                config.shards.iter().map(facts).collect(),
            )),
        }
    }

    /// What the results of one request may take.
    pub(super) fn budget(&self) -> Arc<Budget> {
        self.memory.budget(self.limits.result_max_bytes)
    }

    /// Why nobody took a request whose time has passed in its shard's queue, where
    /// that is the database, which is gone.
    pub(super) fn true_cause(&self, shard: usize, error: &Error) -> Option<Error> {
        if error.kind() != ErrorKind::QueueTimeout {
            return None;
        }
        let shard = self.shards.get(shard);
        let why = shard.unavailable()?;
        let message = format!(
            "shard `{}`: its database cannot be reached, and the requests before this one wait \
             for it: {}",
            shard.name(),
            why.reason
        );
        Some(Error::new(ErrorKind::ShardUnavailable, message).with_phase(error.phase()))
    }

    /// The limits of an operation with these options.
    pub(super) fn operation_limits(
        &self,
        options: &AskedOptions,
        deadline: Instant,
        budget: Arc<Budget>,
        cancel: Arc<Cancel>,
    ) -> Limits {
        let most = self.limits.result_max_rows;
        Limits {
            deadline,
            result_max_rows: options.max_rows.map_or(most, |rows| rows.min(most)),
            warnings_max: options.warnings_max,
            budget,
            cancel: Some(cancel),
            idempotent: options.idempotent,
            meter: None,
        }
    }

    /// What takes the time of what runs on a shard. `whole` is what is known of
    /// all of it, if that was asked.
    pub(super) fn meter(&self, shard: usize, whole: Option<Known>) -> Meter {
        Meter::new(&self.digests, shard, whole)
    }
}

/// The modes of a connection are its own affair: a digest is true in all of them.
fn facts(shard: &ShardConfig) -> ShardFacts {
    ShardFacts {
        name: shard.name.clone(),
        dialect: match shard.target {
            Target::MySql(_) => Dialect::MySql(SqlMode::default()),
            Target::Sqlite(_) => Dialect::Sqlite,
        },
        long_after: shard.long_statement,
    }
}
