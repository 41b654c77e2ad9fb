//! Shards by name, whichever database is behind them.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use scheduled_thread_pool::{OnPoolDropBehavior, ScheduledThreadPool};

use super::Found;
use super::mysql::{MySqlBackend, MySqlTransaction, Watchdog};
use super::pool::{Common, Places, PoolStats, Unavailable};
use super::retry::RetryStats;
use super::sqlite::{SqliteBackend, SqliteTransaction};
use super::transaction::{Inner, Transaction};
use crate::config::{ShardConfig, Target};
use crate::error::{Error, ErrorKind, Result};
use crate::operation::{Answer, Begin, Limits, Operation};

/// Threads that open connections for all shards: two for each, within these
/// bounds. A shard that cannot be reached holds one of them at a time, and all
/// that cannot no more than half of them.
const CONNECT_THREADS_MIN: usize = 8;
const CONNECT_THREADS_MAX: usize = 32;

/// Requests that may wait at once, over all shards, for databases that are gone
/// to come back, unless the caller knows better.
const PATIENT_MAX: usize = 256;

/// Threads that stop what connections which were given up still run, and further
/// ones that wait for servers which are slow to be told.
const KILL_THREADS: usize = 4;
const KILL_SLOW_THREADS: usize = 2;

/// A name that is at most so many edits from a shard's is taken for a slip.
const NEAR_EDITS_MAX: usize = 3;

/// Names that an error lists at the most.
const NEAR_NAMES_MAX: usize = 5;

/// All shards of the service.
pub struct Shards {
    by_name: HashMap<String, usize>,
    shards: Vec<Shard>,
}

/// A name, its database and its pool.
pub struct Shard {
    config: ShardConfig,
    backend: Backend,
}

enum Backend {
    MySql(MySqlBackend),
    Sqlite(SqliteBackend),
}

/// What `info` tells of a shard.
pub struct ShardStatus<'a> {
    pub config: &'a ShardConfig,
    /// Why its database cannot be reached; `None` while it can, as far as is known.
    pub unavailable: Option<String>,
}

/// Threads that all shards share, so that none waits for another's database.
pub(super) struct Threads {
    pub(super) connect: Arc<ScheduledThreadPool>,
    pub(super) kill: KillThreads,
    pub(super) common: Common,
    pub(super) watchdog: Watchdog,
}

/// Threads that stop what still runs.
#[derive(Clone)]
pub(super) struct KillThreads {
    pub(super) prompt: Arc<ScheduledThreadPool>,
    /// For servers that do not answer at once.
    pub(super) slow: Arc<ScheduledThreadPool>,
}

/// What there is to count of a shard.
#[derive(Clone, Debug)]
pub struct ShardStats {
    pub pool: PoolStats,
    pub retries: RetryStats,
    pub kills: KillStats,
}

/// What became of the orders to stop what was given up, since the start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct KillStats {
    /// The server has answered.
    pub sent: u64,
    /// The server could not be told.
    pub failed: u64,
    /// They came too late to be of use, or might have hit another.
    pub skipped: u64,
}

impl Threads {
    fn new(shard_count: usize, patient_max: usize) -> Threads {
        let pool = |name: &str, count: usize| {
            let builder = ScheduledThreadPool::builder().num_threads(count);
            // What pools look after now and then would keep the threads for as long.
            let builder = builder.on_drop_behavior(OnPoolDropBehavior::DiscardPendingScheduled);
            Arc::new(builder.thread_name_pattern(name).build())
        };
        let connect = (2 * shard_count).clamp(CONNECT_THREADS_MIN, CONNECT_THREADS_MAX);
        Threads {
            connect: pool("connect-{}", connect),
            kill: KillThreads {
                prompt: pool("kill-{}", KILL_THREADS),
                slow: pool("kill-slow-{}", KILL_SLOW_THREADS),
            },
            common: Common {
                probes: Places::new(connect / 2),
                patient: Places::new(patient_max),
            },
            watchdog: Watchdog::new(),
        }
    }
}

/// Looks which databases can be reached, in order: one job after the other, so
/// that those who wait for a connection meanwhile get between.
fn look(threads: &Arc<ScheduledThreadPool>, shards: &Arc<Mutex<Probes>>) {
    let (again, left) = (threads.clone(), shards.clone());
    threads.execute(move || {
        let probe = left.lock().unwrap_or_else(PoisonError::into_inner).next();
        if let Some(probe) = probe {
            probe();
            look(&again, &left);
        }
    });
}

type Probes = std::vec::IntoIter<Box<dyn FnOnce() + Send>>;

impl Shards {
    /// As [`Shards::with_patience`], for callers of which each has its own thread.
    pub fn new(configs: &[ShardConfig]) -> Shards {
        Shards::with_patience(configs, PATIENT_MAX)
    }

    /// Makes the pools, which hold no connection until one is asked for. In the
    /// background it is found out which databases can be reached, so that a dead
    /// one is known, and logged, before somebody asks for it. `patient_max`
    /// requests at most wait at once for those that are gone.
    pub fn with_patience(configs: &[ShardConfig], patient_max: usize) -> Shards {
        let threads = Threads::new(configs.len(), patient_max);
        let shards: Vec<Shard> = configs
            .iter()
            .map(|config| Shard::new(config, &threads))
            .collect();
        let probes: Vec<_> = shards.iter().map(Shard::probe).collect();
        let at_once = probes.len().min(threads.common.probes.max());
        let probes = Arc::new(Mutex::new(probes.into_iter()));
        for _ in 0..at_once {
            look(&threads.connect, &probes);
        }
        let by_name = configs
            .iter()
            .enumerate()
            .map(|(index, config)| (config.name.clone(), index))
            .collect();
        Shards { by_name, shards }
    }

    /// The index of the shard with that name, or an error with the names near it.
    pub fn find(&self, name: &str) -> Result<usize> {
        self.by_name
            .get(name)
            .copied()
            .ok_or_else(|| self.unknown(name))
    }

    pub fn get(&self, index: usize) -> &Shard {
        &self.shards[index]
    }

    /// In order of their indexes.
    pub fn iter(&self) -> impl Iterator<Item = &Shard> {
        self.shards.iter()
    }

    fn unknown(&self, name: &str) -> Error {
        if name.is_empty() {
            return Error::invalid("the request names no shard; set its field `shard`");
        }
        let lower = name.to_lowercase();
        let distance =
            |shard: &Shard| strsim::osa_distance(&lower, &shard.config.name.to_lowercase());
        let mut near: Vec<&Shard> = self
            .shards
            .iter()
            .filter(|shard| distance(shard) <= NEAR_EDITS_MAX)
            .collect();
        near.sort_by_key(|shard| distance(shard));
        near.truncate(NEAR_NAMES_MAX);
        let hint = if near.is_empty() {
            "`info` lists the shards".to_owned()
        } else {
            let names: Vec<String> = near
                .iter()
                .map(|shard| format!("`{}`", shard.name()))
                .collect();
            format!("did you mean {}?", names.join(" or "))
        };
        let name: String = name.chars().take(64).collect();
        Error::new(
            ErrorKind::UnknownShard,
            format!("there is no shard `{name}`; {hint}"),
        )
    }
}

impl Shard {
    fn new(config: &ShardConfig, threads: &Threads) -> Shard {
        let backend = match &config.target {
            Target::MySql(target) => Backend::MySql(MySqlBackend::new(
                &config.name,
                target,
                &config.pool,
                threads,
            )),
            Target::Sqlite(target) => Backend::Sqlite(SqliteBackend::new(
                &config.name,
                target,
                &config.pool,
                threads,
            )),
        };
        Shard {
            config: config.clone(),
            backend,
        }
    }

    pub fn name(&self) -> &str {
        &self.config.name
    }

    pub fn config(&self) -> &ShardConfig {
        &self.config
    }

    pub fn status(&self) -> ShardStatus<'_> {
        ShardStatus {
            config: &self.config,
            unavailable: self.unavailable().map(|why| why.reason),
        }
    }

    /// Why its database cannot be reached, and since when; `None` while it can, as
    /// far as is known. While it can, that costs a look at a flag.
    pub fn unavailable(&self) -> Option<Unavailable> {
        match &self.backend {
            Backend::MySql(backend) => backend.unavailable(),
            Backend::Sqlite(backend) => backend.unavailable(),
        }
    }

    /// Costs two short locks.
    pub fn stats(&self) -> ShardStats {
        match &self.backend {
            Backend::MySql(backend) => backend.stats(),
            Backend::Sqlite(backend) => backend.stats(),
        }
    }

    /// A job that finds out whether its database can be reached, for a thread that
    /// may be held for its `connect_timeout_ms`. It keeps no connection.
    pub fn probe(&self) -> Box<dyn FnOnce() + Send> {
        match &self.backend {
            Backend::MySql(backend) => backend.probe(),
            Backend::Sqlite(backend) => backend.probe(),
        }
    }

    /// Runs one operation, blocking until it is done or its deadline passes.
    pub fn run(&self, operation: &Operation, limits: &Limits) -> Result<Answer> {
        match &self.backend {
            Backend::MySql(backend) => backend.run(operation, limits),
            Backend::Sqlite(backend) => backend.run(operation, limits),
        }
    }

    /// Opens a transaction, which holds one of the pool's connections until it
    /// ends. Blocks like [`Shard::run`].
    pub fn begin(&self, begin: &Begin, limits: &Limits) -> Result<Transaction> {
        let (inner, sent) = match &self.backend {
            Backend::MySql(backend) => {
                let (transaction, sent) = MySqlTransaction::begin(backend, begin, limits)?;
                (Inner::MySql(Box::new(transaction)), sent)
            }
            Backend::Sqlite(backend) => {
                let transaction = SqliteTransaction::begin(backend, begin, limits)?;
                (Inner::Sqlite(Box::new(transaction)), 1)
            }
        };
        Ok(Transaction::new(inner, sent))
    }

    /// Connects and looks at the database.
    pub fn inspect(&self, deadline: Instant) -> Result<Found> {
        match &self.backend {
            Backend::MySql(backend) => backend.inspect(deadline),
            Backend::Sqlite(backend) => backend.inspect(deadline),
        }
    }
}
