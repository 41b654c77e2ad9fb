//! What every request of the service uses, and how one operation is run with it.

use std::sync::Arc;
use std::time::Instant;

use super::lanes::Lanes;
use super::multi::Gatherings;
use super::transactions::Transactions;
use crate::backend::Shards;
use crate::budget::{Budget, Memory};
use crate::cancel::Cancel;
use crate::config::Config;
use crate::operation::Limits;
use crate::rpc::{ApiLimits, AskedOptions};

pub(super) struct Core {
    pub(super) shards: Shards,
    pub(super) limits: ApiLimits,
    memory: Arc<Memory>,
    pub(super) lanes: Arc<Lanes>,
    pub(super) transactions: Transactions,
    pub(super) gatherings: Gatherings,
}

impl Core {
    pub(super) fn new(config: &Config) -> Core {
        let server = &config.server;
        Core {
            shards: Shards::new(&config.shards),
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
            },
            memory: Memory::new(server.result_memory_max_bytes),
            lanes: Arc::new(Lanes::new(config)),
            transactions: Transactions::new(server),
            gatherings: Gatherings::default(),
        }
    }

    /// What the results of one request may take.
    pub(super) fn budget(&self) -> Arc<Budget> {
        self.memory.budget(self.limits.result_max_bytes)
    }

    /// The limits of an operation with these options.
    pub(super) fn operation_limits(
        &self,
        options: &AskedOptions,
        deadline: Instant,
        budget: Arc<Budget>,
        cancel: Option<Arc<Cancel>>,
    ) -> Limits {
        let most = self.limits.result_max_rows;
        Limits {
            deadline,
            result_max_rows: options.max_rows.map_or(most, |rows| rows.min(most)),
            warnings_max: options.warnings_max,
            budget,
            cancel,
        }
    }
}
