//! The pool, the queue and the transactions that a shard of any database may set
//! by itself or take from the defaults. Read first, then laid over the defaults,
//! then checked against one another.

use std::time::Duration;

use super::document::{Located, Section};
use super::error::Faults;
use super::keys;
use super::server::{WorkersMax, ordered};
use super::types::PoolConfig;

/// What comes out for a shard.
pub(super) struct PoolSettings {
    pub pool: PoolConfig,
    pub queue_max_requests: usize,
    pub transactions_max: usize,
    pub long_statement: Option<Duration>,
    pub long_statements_max: usize,
}

/// As written: what is missing, or faulty, is `None`.
#[derive(Clone, Default)]
pub(super) struct RawPool {
    pool_max_connections: Option<Located<u64>>,
    queue_max_requests: Option<Located<u64>>,
    transactions_max: Option<Located<u64>>,
    long_statement_ms: Option<Located<u64>>,
    long_statements_max: Option<Located<u64>>,
    connect_timeout_ms: Option<Located<u64>>,
    idle_timeout_ms: Option<Located<u64>>,
    max_lifetime_ms: Option<Located<u64>>,
    outage_patience_ms: Option<Located<u64>>,
    retry_budget_percent: Option<Located<u64>>,
}

impl RawPool {
    pub fn read(section: &Section<'_>, faults: &mut Faults) -> RawPool {
        let ages = [&keys::IDLE_TIMEOUT_MS, &keys::MAX_LIFETIME_MS];
        let [idle_timeout_ms, max_lifetime_ms] = section.number_pair(ages, faults);
        let pool_max_connections = section.number(&keys::POOL_MAX_CONNECTIONS, faults);
        let transactions_max = section.number(&keys::TRANSACTIONS_MAX, faults);
        let long_statements_max = section.number(&keys::LONG_STATEMENTS_MAX, faults);
        // Beside a faulty pool it cannot be compared with anything.
        let comparable = pool_max_connections.is_some()
            || section
                .place_under(keys::POOL_MAX_CONNECTIONS.name)
                .is_none();
        RawPool {
            pool_max_connections,
            transactions_max: transactions_max.filter(|_| comparable),
            long_statement_ms: section.number(&keys::LONG_STATEMENT_MS, faults),
            long_statements_max: long_statements_max.filter(|_| comparable),
            queue_max_requests: section.number(&keys::QUEUE_MAX_REQUESTS, faults),
            connect_timeout_ms: section.number(&keys::CONNECT_TIMEOUT_MS, faults),
            idle_timeout_ms,
            max_lifetime_ms,
            outage_patience_ms: section.number(&keys::OUTAGE_PATIENCE_MS, faults),
            retry_budget_percent: section.number(&keys::RETRY_BUDGET_PERCENT, faults),
        }
    }

    /// This, and what it lacks from `defaults`.
    pub fn or(self, defaults: &RawPool) -> RawPool {
        let defaults = defaults.clone();
        RawPool {
            pool_max_connections: self.pool_max_connections.or(defaults.pool_max_connections),
            queue_max_requests: self.queue_max_requests.or(defaults.queue_max_requests),
            transactions_max: self.transactions_max.or(defaults.transactions_max),
            long_statement_ms: self.long_statement_ms.or(defaults.long_statement_ms),
            long_statements_max: self.long_statements_max.or(defaults.long_statements_max),
            connect_timeout_ms: self.connect_timeout_ms.or(defaults.connect_timeout_ms),
            idle_timeout_ms: self.idle_timeout_ms.or(defaults.idle_timeout_ms),
            max_lifetime_ms: self.max_lifetime_ms.or(defaults.max_lifetime_ms),
            outage_patience_ms: self.outage_patience_ms.or(defaults.outage_patience_ms),
            retry_budget_percent: self.retry_budget_percent.or(defaults.retry_budget_percent),
        }
    }

    /// Everything that was written, and the defaults for what was not.
    pub fn resolve(&self, workers_max: WorkersMax, faults: &mut Faults) -> PoolSettings {
        let (idle_timeout, max_lifetime) = ordered(
            (&keys::IDLE_TIMEOUT_MS, self.idle_timeout_ms.as_ref()),
            (&keys::MAX_LIFETIME_MS, self.max_lifetime_ms.as_ref()),
            faults,
        );
        let max_connections = self.max_connections(workers_max, faults);
        let mut pool = PoolConfig {
            idle_timeout,
            max_lifetime,
            max_connections: max_connections as u32,
            ..PoolConfig::default()
        };
        if let Some(number) = &self.connect_timeout_ms {
            pool.connect_timeout = Duration::from_millis(number.value);
        }
        if let Some(number) = &self.outage_patience_ms {
            pool.outage_patience = Duration::from_millis(number.value);
        }
        if let Some(number) = &self.retry_budget_percent {
            pool.retry_budget_percent = number.value as u32;
        }
        let queue = self.queue_max_requests.as_ref();
        PoolSettings {
            pool,
            queue_max_requests: queue.map_or(keys::QUEUE_MAX_REQUESTS.default_count(), |number| {
                number.value as usize
            }),
            transactions_max: self.transactions_max(max_connections, faults),
            long_statement: self.long_statement(),
            long_statements_max: self.long_statements_max(max_connections, faults),
        }
    }

    /// None: no statement is long.
    fn long_statement(&self) -> Option<Duration> {
        let number = self.long_statement_ms.as_ref();
        let after = number.map_or(keys::LONG_STATEMENT_MS.default_duration(), |number| {
            Duration::from_millis(number.value)
        });
        (!after.is_zero()).then_some(after)
    }

    /// More connections than workers could never all be in use. The default
    /// gives way, so that fewer workers alone are no fault.
    fn max_connections(&self, workers_max: WorkersMax, faults: &mut Faults) -> u64 {
        let most = workers_max.count().unwrap_or(u64::MAX);
        let Some(number) = &self.pool_max_connections else {
            return keys::POOL_MAX_CONNECTIONS.default.min(most);
        };
        let count = number.value;
        if count > most {
            let whose = workers_max.whose();
            let message = format!(
                "{count} is more than {whose}, which is {most}, and each connection in use takes \
                 one worker; lower it, or raise worker_threads_max"
            );
            faults.add(&number.place, message);
        }
        count
    }

    /// Each open transaction keeps a connection, and one must be left for
    /// everybody else. The default gives way, so that a small pool alone is no
    /// fault.
    fn transactions_max(&self, max_connections: u64, faults: &mut Faults) -> usize {
        let Some(number) = &self.transactions_max else {
            return keys::default_transactions_max(max_connections);
        };
        let count = number.value;
        if count >= max_connections {
            let message = format!(
                "{count} is not less than {}, which is {max_connections}, and each \
                 transaction keeps a connection; lower it, or raise {}",
                self.whose_pool(),
                keys::POOL_MAX_CONNECTIONS.name
            );
            faults.add(&number.place, message);
        }
        count as usize
    }

    /// All connections may be given to long statements, if that is said. The
    /// default leaves some to short ones, and follows the pool.
    fn long_statements_max(&self, max_connections: u64, faults: &mut Faults) -> usize {
        let Some(number) = &self.long_statements_max else {
            return keys::default_long_statements_max(max_connections);
        };
        let count = number.value;
        if count > max_connections {
            let message = format!(
                "{count} is more than {}, which is {max_connections}, and each statement takes \
                 a connection; lower it, or raise {}",
                self.whose_pool(),
                keys::POOL_MAX_CONNECTIONS.name
            );
            faults.add(&number.place, message);
        }
        count as usize
    }

    fn whose_pool(&self) -> String {
        match &self.pool_max_connections {
            Some(pool) => pool.place.key.clone(),
            None => format!("the default of {}", keys::POOL_MAX_CONNECTIONS.name),
        }
    }
}
