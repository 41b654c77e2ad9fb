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
}

/// As written: what is missing, or faulty, is `None`.
#[derive(Clone, Default)]
pub(super) struct RawPool {
    pool_max_connections: Option<Located<u64>>,
    queue_max_requests: Option<Located<u64>>,
    transactions_max: Option<Located<u64>>,
    connect_timeout_ms: Option<Located<u64>>,
    idle_timeout_ms: Option<Located<u64>>,
    max_lifetime_ms: Option<Located<u64>>,
}

impl RawPool {
    pub fn read(section: &Section<'_>, faults: &mut Faults) -> RawPool {
        let ages = [&keys::IDLE_TIMEOUT_MS, &keys::MAX_LIFETIME_MS];
        let [idle_timeout_ms, max_lifetime_ms] = section.number_pair(ages, faults);
        let pool_max_connections = section.number(&keys::POOL_MAX_CONNECTIONS, faults);
        let transactions_max = section.number(&keys::TRANSACTIONS_MAX, faults);
        // Beside a faulty pool it cannot be compared with anything.
        let comparable = pool_max_connections.is_some()
            || section
                .place_under(keys::POOL_MAX_CONNECTIONS.name)
                .is_none();
        RawPool {
            pool_max_connections,
            transactions_max: transactions_max.filter(|_| comparable),
            queue_max_requests: section.number(&keys::QUEUE_MAX_REQUESTS, faults),
            connect_timeout_ms: section.number(&keys::CONNECT_TIMEOUT_MS, faults),
            idle_timeout_ms,
            max_lifetime_ms,
        }
    }

    /// This, and what it lacks from `defaults`.
    pub fn or(self, defaults: &RawPool) -> RawPool {
        let defaults = defaults.clone();
        RawPool {
            pool_max_connections: self.pool_max_connections.or(defaults.pool_max_connections),
            queue_max_requests: self.queue_max_requests.or(defaults.queue_max_requests),
            transactions_max: self.transactions_max.or(defaults.transactions_max),
            connect_timeout_ms: self.connect_timeout_ms.or(defaults.connect_timeout_ms),
            idle_timeout_ms: self.idle_timeout_ms.or(defaults.idle_timeout_ms),
            max_lifetime_ms: self.max_lifetime_ms.or(defaults.max_lifetime_ms),
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
        let queue = self.queue_max_requests.as_ref();
        PoolSettings {
            pool,
            queue_max_requests: queue.map_or(keys::QUEUE_MAX_REQUESTS.default_count(), |number| {
                number.value as usize
            }),
            transactions_max: self.transactions_max(max_connections, faults),
        }
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
            let name = keys::POOL_MAX_CONNECTIONS.name;
            let whose = match &self.pool_max_connections {
                Some(pool) => pool.place.key.clone(),
                None => format!("the default of {name}"),
            };
            let message = format!(
                "{count} is not less than {whose}, which is {max_connections}, and each \
                 transaction keeps a connection; lower it, or raise {name}"
            );
            faults.add(&number.place, message);
        }
        count as usize
    }
}
