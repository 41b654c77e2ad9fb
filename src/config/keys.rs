//! Every key of the configuration file: its name, and for a number the range and
//! the default. The reader, the defaults in code, the messages and the test of
//! the example file all take them from here.

use std::time::Duration;

/// A whole-number key. Its unit is the end of its name.
#[derive(Clone, Copy, Debug)]
pub(super) struct Number {
    pub name: &'static str,
    pub min: u64,
    pub max: u64,
    pub default: u64,
}

impl Number {
    const fn new(name: &'static str, min: u64, max: u64, default: u64) -> Number {
        Number {
            name,
            min,
            max,
            default,
        }
    }

    /// For a message: from where to where, and the default.
    pub fn range(&self) -> String {
        let Number { min, max, .. } = self;
        let default = if self.name == IO_THREADS.name {
            // Not a function of the machine that reads the file: messages stay the same.
            "1 or 2, by the number of processors".to_owned()
        } else if self.name == TRANSACTIONS_MAX.name {
            format!("half of {}", POOL_MAX_CONNECTIONS.name)
        } else if self.name == LONG_STATEMENTS_MAX.name {
            format!("three quarters of {}", POOL_MAX_CONNECTIONS.name)
        } else {
            self.default.to_string()
        };
        format!("from {min} to {max} (default {default})")
    }

    /// The default of a key that is a count or a size.
    pub const fn default_count(&self) -> usize {
        self.default as usize
    }

    /// The default of a key that is in milliseconds.
    pub const fn default_duration(&self) -> Duration {
        Duration::from_millis(self.default)
    }
}

const MINUTE_MS: u64 = 60_000;
const HOUR_MS: u64 = 60 * MINUTE_MS;
const DAY_MS: u64 = 24 * HOUR_MS;

/// Standard Thrift clients refuse a message of 16,384,000 bytes or more.
const MESSAGE_MAX_BYTES: u64 = 16_383_999;

/// The default follows the processors; see `default_io_threads`.
pub(super) const IO_THREADS: Number = Number::new("io_threads", 1, 16, 1);
pub(super) const WORKER_THREADS_MAX: Number = Number::new("worker_threads_max", 1, 4096, 512);
pub(super) const REQUEST_MAX_BYTES: Number =
    Number::new("request_max_bytes", 1024, MESSAGE_MAX_BYTES, 16_000_000);
pub(super) const REQUEST_MEMORY_MAX_BYTES: Number =
    Number::new("request_memory_max_bytes", 1 << 20, 1 << 40, 512_000_000);
pub(super) const RESULT_MAX_BYTES: Number =
    Number::new("result_max_bytes", 1024, MESSAGE_MAX_BYTES, 16_000_000);
pub(super) const RESULT_MAX_ROWS: Number =
    Number::new("result_max_rows", 1, 100_000_000, 1_000_000);
pub(super) const RESULT_MEMORY_MAX_BYTES: Number =
    Number::new("result_memory_max_bytes", 1 << 20, 1 << 40, 512_000_000);
pub(super) const MULTI_ITEMS_MAX: Number = Number::new("multi_items_max", 1, 10_000, 256);
pub(super) const MULTI_PARALLEL_MAX: Number = Number::new("multi_parallel_max", 1, 1_000, 4);
pub(super) const BATCH_STEPS_MAX: Number = Number::new("batch_steps_max", 1, 10_000, 1_000);
pub(super) const DIGESTS_MAX: Number = Number::new("digests_max", 0, 100_000, 1_000);
pub(super) const DEFAULT_TIMEOUT_MS: Number = Number::new("default_timeout_ms", 1, DAY_MS, 2_000);
pub(super) const MAX_TIMEOUT_MS: Number = Number::new("max_timeout_ms", 1, DAY_MS, 60_000);
pub(super) const TRANSACTION_IDLE_TIMEOUT_MS: Number =
    Number::new("transaction_idle_timeout_ms", 1, HOUR_MS, 10_000);
pub(super) const TRANSACTION_TIMEOUT_MS: Number =
    Number::new("transaction_timeout_ms", 1, HOUR_MS, MINUTE_MS);
pub(super) const SESSIONS_MAX: Number = Number::new("sessions_max", 1, 1_000_000, 15_000);
pub(super) const SESSIONS_PER_PEER_MAX: Number =
    Number::new("sessions_per_peer_max", 1, 1_000_000, 4_000);
pub(super) const SESSION_IDLE_TIMEOUT_MS: Number =
    Number::new("session_idle_timeout_ms", 1_000, 7 * DAY_MS, 8 * HOUR_MS);
pub(super) const MESSAGE_TIMEOUT_MS: Number =
    Number::new("message_timeout_ms", 1, 10 * MINUTE_MS, 10_000);
pub(super) const WRITE_TIMEOUT_MS: Number =
    Number::new("write_timeout_ms", 1, 10 * MINUTE_MS, 10_000);
pub(super) const REPLY_GRACE_MS: Number = Number::new("reply_grace_ms", 1, 10 * MINUTE_MS, 250);
pub(super) const DRAIN_TIMEOUT_MS: Number =
    Number::new("drain_timeout_ms", 1, 10 * MINUTE_MS, 10_000);

pub(super) const POOL_MAX_CONNECTIONS: Number = Number::new("pool_max_connections", 1, 1_000, 8);
pub(super) const QUEUE_MAX_REQUESTS: Number = Number::new("queue_max_requests", 1, 100_000, 1_000);
/// Its default and its maximum follow the pool; see `default_transactions_max`.
pub(super) const TRANSACTIONS_MAX: Number = Number::new("transactions_max", 0, 999, 4);
pub(super) const LONG_STATEMENT_MS: Number = Number::new("long_statement_ms", 0, HOUR_MS, 100);
/// Its default follows the pool; see `default_long_statements_max`.
pub(super) const LONG_STATEMENTS_MAX: Number = Number::new("long_statements_max", 1, 1_000, 6);
pub(super) const CONNECT_TIMEOUT_MS: Number =
    Number::new("connect_timeout_ms", 1, MINUTE_MS, 2_000);
pub(super) const IDLE_TIMEOUT_MS: Number =
    Number::new("idle_timeout_ms", 1_000, DAY_MS, 10 * MINUTE_MS);
pub(super) const MAX_LIFETIME_MS: Number =
    Number::new("max_lifetime_ms", 1_000, 7 * DAY_MS, 30 * MINUTE_MS);
pub(super) const OUTAGE_PATIENCE_MS: Number =
    Number::new("outage_patience_ms", 0, 10 * MINUTE_MS, 5_000);
pub(super) const RETRY_BUDGET_PERCENT: Number = Number::new("retry_budget_percent", 0, 100, 20);

pub(super) const PREPARED_STATEMENTS_MAX: Number =
    Number::new("prepared_statements_max", 1, 10_000, 64);

/// Half of the pool, at least one transaction, and never all connections: a pool
/// of one has none.
pub(super) fn default_transactions_max(pool_max_connections: u64) -> usize {
    let half = (pool_max_connections / 2).max(1);
    half.min(pool_max_connections.saturating_sub(1)) as usize
}

/// Three quarters of the pool, at least one connection, and never all of several.
pub(super) fn default_long_statements_max(pool_max_connections: u64) -> usize {
    let most = pool_max_connections.saturating_sub(1).max(1);
    (pool_max_connections * 3 / 4).clamp(1, most) as usize
}

/// Addresses in `listen`.
pub(super) const LISTEN_MAX_ADDRESSES: usize = 64;
/// `[shards.NAME]` tables.
pub(super) const SHARDS_MAX: usize = 4096;
/// Characters in a shard's name.
pub(super) const SHARD_NAME_MAX_CHARS: usize = 64;

/// Tables of the top level.
pub(super) const ROOT_KEYS: &[&str] = &["server", "log", "shard_defaults", "shards"];

pub(super) const SERVER_KEYS: &[&str] = &[
    "listen",
    "http_listen",
    IO_THREADS.name,
    WORKER_THREADS_MAX.name,
    REQUEST_MAX_BYTES.name,
    REQUEST_MEMORY_MAX_BYTES.name,
    RESULT_MAX_BYTES.name,
    RESULT_MAX_ROWS.name,
    RESULT_MEMORY_MAX_BYTES.name,
    MULTI_ITEMS_MAX.name,
    MULTI_PARALLEL_MAX.name,
    BATCH_STEPS_MAX.name,
    DIGESTS_MAX.name,
    DEFAULT_TIMEOUT_MS.name,
    MAX_TIMEOUT_MS.name,
    TRANSACTION_IDLE_TIMEOUT_MS.name,
    TRANSACTION_TIMEOUT_MS.name,
    SESSIONS_MAX.name,
    SESSIONS_PER_PEER_MAX.name,
    SESSION_IDLE_TIMEOUT_MS.name,
    MESSAGE_TIMEOUT_MS.name,
    WRITE_TIMEOUT_MS.name,
    REPLY_GRACE_MS.name,
    DRAIN_TIMEOUT_MS.name,
];

pub(super) const LOG_KEYS: &[&str] = &["format", "level"];

/// What is a shard's own, and only `[shards.NAME]` may hold.
pub(super) const SHARD_OWN_KEYS: &[&str] = &["url", "password_file", "password_env"];

/// Those of them that are the password.
pub(super) const PASSWORD_KEYS: &[&str] = &["password_file", "password_env"];

/// What `[shards.NAME]` may hold for any database, and `[shard_defaults]` for all.
pub(super) const POOL_KEYS: &[&str] = &[
    POOL_MAX_CONNECTIONS.name,
    QUEUE_MAX_REQUESTS.name,
    TRANSACTIONS_MAX.name,
    LONG_STATEMENT_MS.name,
    LONG_STATEMENTS_MAX.name,
    CONNECT_TIMEOUT_MS.name,
    IDLE_TIMEOUT_MS.name,
    MAX_LIFETIME_MS.name,
    OUTAGE_PATIENCE_MS.name,
    RETRY_BUDGET_PERCENT.name,
];

/// Likewise, for MySQL alone.
pub(super) const MYSQL_KEYS: &[&str] = &[
    "charset",
    "collation",
    "sql_mode",
    "time_zone",
    "tls",
    "tls_ca_file",
    "tls_cert_file",
    "tls_key_file",
    "statements",
    PREPARED_STATEMENTS_MAX.name,
    "affected_rows",
];

/// What to do about a key that its table does not know.
pub(super) fn unknown_key_remedy(key: &str, known: &[&str]) -> String {
    const URL_PARTS: &[&str] = &[
        "host", "hostname", "port", "user", "username", "database", "db", "dbname", "socket",
    ];
    if key == "password" {
        return "a password does not belong in this file; keep it in a file named by \
                password_file, or in an environment variable named by password_env"
            .to_owned();
    }
    if known.contains(&"url") && URL_PARTS.contains(&key) {
        return "it is a part of url: mysql://user@host:port/database".to_owned();
    }
    let tables = [
        ("[server]", SERVER_KEYS),
        ("[log]", LOG_KEYS),
        ("[shards.NAME]", SHARD_OWN_KEYS),
        ("[shards.NAME] or [shard_defaults]", POOL_KEYS),
        ("[shards.NAME] or [shard_defaults]", MYSQL_KEYS),
    ];
    if let Some((table, _)) = tables.iter().find(|(_, keys)| keys.contains(&key)) {
        return format!("it belongs in {table}");
    }
    match nearest(key, known) {
        Some(name) => format!("the nearest known one is {name}"),
        None => format!("the known ones are {}", known.join(", ")),
    }
}

/// The known word that `word` was probably meant to be.
pub(super) fn nearest<'k>(word: &str, known: &[&'k str]) -> Option<&'k str> {
    const LIKE_ENOUGH: f64 = 0.8;
    let likeness = |name: &str| {
        let part = word.len() >= 4 && (name.contains(word) || word.contains(name));
        strsim::jaro_winkler(word, name).max(if part { LIKE_ENOUGH } else { 0.0 })
    };
    known
        .iter()
        .map(|name| (likeness(name), *name))
        .filter(|(likeness, _)| *likeness >= LIKE_ENOUGH)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, name)| name)
}

/// One or two threads move all the bytes; a second pays only where the workers
/// leave it a processor.
pub(super) fn default_io_threads() -> usize {
    let processors = std::thread::available_parallelism().map_or(1, usize::from);
    if processors <= 4 { 1 } else { 2 }
}
