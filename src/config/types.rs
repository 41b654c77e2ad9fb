//! The validated configuration, as the rest of the crate sees it: plain fields,
//! nothing left to check, nothing of the file's format. `Default` and `new` give
//! the defaults that the example file documents.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use super::address::ListenAddress;
use super::keys;

/// A whole, valid configuration. `Default` is one without shards.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Config {
    pub server: ServerConfig,
    pub log: LogConfig,
    /// Sorted by name; at least one when it comes from a file.
    pub shards: Vec<ShardConfig>,
}

/// The service itself: addresses, threads, limits and timeouts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerConfig {
    pub listen: Vec<ListenAddress>,
    /// Where metrics and health are told over HTTP; None: nowhere.
    pub http_listen: Option<ListenAddress>,
    /// Threads that move bytes.
    pub io_threads: usize,
    /// Threads that run operations, shared by all shards. No pool of a
    /// configuration that was read has more connections.
    pub worker_threads_max: usize,
    /// The largest message taken from a client.
    pub request_max_bytes: usize,
    /// What the requests of all sessions may take in memory.
    pub request_memory_max_bytes: usize,
    /// The largest reply sent to a client.
    pub result_max_bytes: usize,
    pub result_max_rows: usize,
    /// What the results of all requests may take in memory.
    pub result_memory_max_bytes: usize,
    /// Items of a multi.
    pub multi_items_max: usize,
    /// Items of one multi that run on one shard at the same time.
    pub multi_parallel_max: usize,
    /// Steps of a batch.
    pub batch_steps_max: usize,
    /// Digests of statements that are kept, of all shards together; 0: none.
    pub digests_max: usize,
    /// A transaction that is not used for so long is rolled back.
    pub transaction_idle_timeout: Duration,
    /// A transaction that is open for so long is rolled back.
    pub transaction_timeout: Duration,
    /// For a request that names no timeout; at most `max_timeout`.
    pub default_timeout: Duration,
    /// The longest that a request may ask for.
    pub max_timeout: Duration,
    pub sessions_max: usize,
    /// Of those that come from one address.
    pub sessions_per_peer_max: usize,
    /// A session without a message for so long is closed.
    pub session_idle_timeout: Duration,
    /// A message must be complete so long after its first byte.
    pub message_timeout: Duration,
    /// A reply must be taken by the client so long after it is ready.
    pub write_timeout: Duration,
    /// A reply that is not ready so long after its deadline is not given at all:
    /// the session is closed.
    pub reply_grace: Duration,
    /// How long a stop waits for what is in flight.
    pub drain_timeout: Duration,
}

impl Default for ServerConfig {
    fn default() -> ServerConfig {
        ServerConfig {
            listen: vec![ListenAddress::default()],
            http_listen: None,
            io_threads: keys::default_io_threads(),
            worker_threads_max: keys::WORKER_THREADS_MAX.default_count(),
            request_max_bytes: keys::REQUEST_MAX_BYTES.default_count(),
            request_memory_max_bytes: keys::REQUEST_MEMORY_MAX_BYTES.default_count(),
            result_max_bytes: keys::RESULT_MAX_BYTES.default_count(),
            result_max_rows: keys::RESULT_MAX_ROWS.default_count(),
            result_memory_max_bytes: keys::RESULT_MEMORY_MAX_BYTES.default_count(),
            multi_items_max: keys::MULTI_ITEMS_MAX.default_count(),
            multi_parallel_max: keys::MULTI_PARALLEL_MAX.default_count(),
            batch_steps_max: keys::BATCH_STEPS_MAX.default_count(),
            digests_max: keys::DIGESTS_MAX.default_count(),
            transaction_idle_timeout: keys::TRANSACTION_IDLE_TIMEOUT_MS.default_duration(),
            transaction_timeout: keys::TRANSACTION_TIMEOUT_MS.default_duration(),
            default_timeout: keys::DEFAULT_TIMEOUT_MS.default_duration(),
            max_timeout: keys::MAX_TIMEOUT_MS.default_duration(),
            sessions_max: keys::SESSIONS_MAX.default_count(),
            sessions_per_peer_max: keys::SESSIONS_PER_PEER_MAX.default_count(),
            session_idle_timeout: keys::SESSION_IDLE_TIMEOUT_MS.default_duration(),
            message_timeout: keys::MESSAGE_TIMEOUT_MS.default_duration(),
            write_timeout: keys::WRITE_TIMEOUT_MS.default_duration(),
            reply_grace: keys::REPLY_GRACE_MS.default_duration(),
            drain_timeout: keys::DRAIN_TIMEOUT_MS.default_duration(),
        }
    }
}

/// What is logged, and how.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LogConfig {
    pub format: LogFormat,
    pub level: LogLevel,
}

/// The form of a logged event.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LogFormat {
    #[default]
    Human,
    /// One JSON object per line.
    Json,
}

/// The least severe event that is logged.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum LogLevel {
    Error,
    Warn,
    #[default]
    Info,
    Debug,
    Trace,
}

/// A shard: its name, its database, its pool and its queue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShardConfig {
    pub name: String,
    pub target: Target,
    pub pool: PoolConfig,
    /// Requests that may wait for a connection of this shard; one more is refused.
    pub queue_max_requests: usize,
    /// Transactions that may be open at once: fewer than the pool has
    /// connections, of which each keeps one.
    pub transactions_max: usize,
    /// A statement that takes longer than this on average is long; None: none is.
    pub long_statement: Option<Duration>,
    /// Connections of the pool that statements known to be long may hold.
    pub long_statements_max: usize,
}

impl ShardConfig {
    /// A shard with the default pool and queue.
    pub fn new(name: impl Into<String>, target: Target) -> ShardConfig {
        ShardConfig {
            name: name.into(),
            target,
            pool: PoolConfig::default(),
            queue_max_requests: keys::QUEUE_MAX_REQUESTS.default_count(),
            transactions_max: keys::default_transactions_max(keys::POOL_MAX_CONNECTIONS.default),
            long_statement: Some(keys::LONG_STATEMENT_MS.default_duration()),
            long_statements_max: keys::default_long_statements_max(
                keys::POOL_MAX_CONNECTIONS.default,
            ),
        }
    }
}

/// The connections of one shard.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PoolConfig {
    pub max_connections: u32,
    pub connect_timeout: Duration,
    /// A connection unused for so long is closed; at most `max_lifetime`.
    pub idle_timeout: Duration,
    /// A connection this old is closed when it comes back.
    pub max_lifetime: Duration,
    /// While a database that was there has been gone for less than this, requests
    /// wait for it.
    pub outage_patience: Duration,
    /// What is sent again, beside a floor, in percent of all requests.
    pub retry_budget_percent: u32,
}

impl Default for PoolConfig {
    fn default() -> PoolConfig {
        PoolConfig {
            max_connections: keys::POOL_MAX_CONNECTIONS.default as u32,
            connect_timeout: keys::CONNECT_TIMEOUT_MS.default_duration(),
            idle_timeout: keys::IDLE_TIMEOUT_MS.default_duration(),
            max_lifetime: keys::MAX_LIFETIME_MS.default_duration(),
            outage_patience: keys::OUTAGE_PATIENCE_MS.default_duration(),
            retry_budget_percent: keys::RETRY_BUDGET_PERCENT.default as u32,
        }
    }
}

/// The database behind a shard.
#[expect(
    clippy::large_enum_variant,
    reason = "one per shard, and nearly always the large one"
)]
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    MySql(MySqlTarget),
    Sqlite(SqliteTarget),
}

/// A MySQL server, or one that speaks its protocol, and how to talk to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MySqlTarget {
    pub endpoint: Endpoint,
    pub user: String,
    pub password: Option<Secret>,
    /// The database that statements mean when they name none.
    pub database: Option<String>,
    pub charset: Charset,
    /// `None` is the server's default for the character set. Otherwise only
    /// `[a-z0-9_]`, and a collation of `charset` by its name.
    pub collation: Option<String>,
    /// `None` leaves the server's own; `Some("")` sets none. Otherwise words of
    /// `[A-Z0-9_]` with commas between.
    pub sql_mode: Option<String>,
    /// `None` leaves the server's own. Otherwise only `[A-Za-z0-9_/+:-]`.
    pub time_zone: Option<String>,
    /// `None` is plain text.
    pub tls: Option<TlsConfig>,
    pub statements: StatementPath,
    /// Prepared statements that each connection keeps.
    pub prepared_statements_max: u32,
    pub affected_rows: AffectedRows,
}

/// How statements with parameters go to MySQL.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum StatementPath {
    /// As text with the values escaped into it.
    #[default]
    Escaped,
    /// Prepared once for each connection, with the values beside them.
    Prepared,
}

/// What MySQL counts as affected by an UPDATE.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum AffectedRows {
    /// Rows that have other values than before.
    #[default]
    Changed,
    /// Rows that the condition met (CLIENT_FOUND_ROWS). INSERT … ON DUPLICATE KEY
    /// UPDATE then counts a row that had its new values already as 1 instead of 0,
    /// which in an insert of one row looks like a new one.
    Matched,
}

impl MySqlTarget {
    /// `user` at `endpoint`; no password, no database, utf8mb4, no TLS.
    pub fn new(endpoint: Endpoint, user: impl Into<String>) -> MySqlTarget {
        MySqlTarget {
            endpoint,
            user: user.into(),
            password: None,
            database: None,
            charset: Charset::default(),
            collation: None,
            sql_mode: None,
            time_zone: None,
            tls: None,
            statements: StatementPath::default(),
            prepared_statements_max: keys::PREPARED_STATEMENTS_MAX.default as u32,
            affected_rows: AffectedRows::default(),
        }
    }
}

/// Where a MySQL server listens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Endpoint {
    /// `host` is a name or an address; IPv6 stands without brackets.
    Tcp {
        host: String,
        port: u16,
    },
    Unix(PathBuf),
}

/// Displays as a person would write it: `db.example:3306`, `[::1]:3306`, a path.
impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Endpoint::Tcp { host, port } if host.contains(':') => write!(f, "[{host}]:{port}"),
            Endpoint::Tcp { host, port } => write!(f, "{host}:{port}"),
            Endpoint::Unix(path) => write!(f, "{}", path.display()),
        }
    }
}

/// The character sets that a connection may use. Statements and results are
/// UTF-8, and escaping is only sound where no character ends in an ASCII byte.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Charset {
    #[default]
    Utf8mb4,
    Utf8mb3,
}

impl Charset {
    /// MySQL's name for it.
    pub fn name(self) -> &'static str {
        match self {
            Charset::Utf8mb4 => "utf8mb4",
            Charset::Utf8mb3 => "utf8mb3",
        }
    }
}

/// How a connection to MySQL is encrypted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlsConfig {
    pub verify: TlsVerify,
    /// PEM; `None` trusts the public authorities. Set only where `verify` is not
    /// `Nothing`.
    pub ca_file: Option<PathBuf>,
    pub client_identity: Option<ClientIdentity>,
}

/// What of the server's certificate is checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TlsVerify {
    /// Encrypted, but to anybody (MySQL's REQUIRED).
    Nothing,
    /// Signed by a trusted authority, for whatever host (VERIFY_CA).
    Authority,
    /// And made out to the host that was dialled (VERIFY_IDENTITY).
    Identity,
}

/// The certificate that the service shows to MySQL, both in PEM.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientIdentity {
    pub cert_file: PathBuf,
    pub key_file: PathBuf,
}

/// An SQLite database.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SqliteTarget {
    Path(PathBuf),
    /// In memory, one for all connections of the shard, gone at the end.
    Memory,
}

/// A password. It is never displayed; `Debug` prints `***`.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    pub fn new(text: impl Into<String>) -> Secret {
        Secret(text.into())
    }

    /// The password itself. Never log it.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}
