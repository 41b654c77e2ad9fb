//! Shards by name, whichever database is behind them.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Instant;

use scheduled_thread_pool::ScheduledThreadPool;

use super::Found;
use super::mysql::{MySqlBackend, MySqlTransaction};
use super::sqlite::{SqliteBackend, SqliteTransaction};
use super::transaction::{Inner, Transaction};
use crate::config::{ShardConfig, Target};
use crate::error::{Error, ErrorKind, Result};
use crate::operation::{Answer, Begin, Limits, Operation};

/// Threads that open connections for all shards: two for each, within these
/// bounds. A shard that cannot be reached holds one of them at a time.
const CONNECT_THREADS_MIN: usize = 4;
const CONNECT_THREADS_MAX: usize = 32;

/// Threads that stop what connections which were given up still run.
const KILL_THREADS: usize = 2;

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
    pub(super) kill: Arc<ScheduledThreadPool>,
}

impl Threads {
    fn new(shard_count: usize) -> Threads {
        let pool = |name: &str, count: usize| {
            let builder = ScheduledThreadPool::builder().num_threads(count);
            Arc::new(builder.thread_name_pattern(name).build())
        };
        let connect = (2 * shard_count).clamp(CONNECT_THREADS_MIN, CONNECT_THREADS_MAX);
        Threads {
            connect: pool("connect-{}", connect),
            kill: pool("kill-{}", KILL_THREADS),
        }
    }
}

impl Shards {
    /// Makes the pools. Their first connections are opened in the background, so
    /// that a dead database is known, and logged, before somebody asks for it.
    pub fn new(configs: &[ShardConfig]) -> Shards {
        let threads = Threads::new(configs.len());
        let shards: Vec<Shard> = configs
            .iter()
            .map(|config| Shard::new(config, &threads))
            .collect();
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
            unavailable: match &self.backend {
                Backend::MySql(backend) => backend.unavailable(),
                Backend::Sqlite(backend) => backend.unavailable(),
            },
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
        let inner = match &self.backend {
            Backend::MySql(backend) => {
                Inner::MySql(MySqlTransaction::begin(backend, begin, limits)?)
            }
            Backend::Sqlite(backend) => {
                Inner::Sqlite(SqliteTransaction::begin(backend, begin, limits)?)
            }
        };
        Ok(Transaction::new(inner))
    }

    /// Connects and looks at the database.
    pub fn inspect(&self, deadline: Instant) -> Result<Found> {
        match &self.backend {
            Backend::MySql(backend) => backend.inspect(deadline),
            Backend::Sqlite(backend) => backend.inspect(deadline),
        }
    }
}
