//! What the tests share: a service of their own, a client of it, and databases
//! and tables that no other test uses.

pub mod http;
pub mod link;
pub mod load;
pub mod network;
pub mod process;
pub mod proven;
pub mod server;
pub mod shard;

use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use forebay::config::{
    Config, Endpoint, ListenAddress, MySqlTarget, ServerConfig, ShardConfig, SqliteTarget, Target,
};
use forebay::digests::DigestRow;
use forebay::frontend::Listener;
use forebay::operation::ParamStyle;
use forebay::rpc::generated::{DataError, ErrorCode};
use forebay::rpc::{Client, ClientError, Executed};
use forebay::service::{Listeners, Service};
use forebay::value::{ColumnData, Value};
use mysql::prelude::Queryable;

pub const TIMEOUT: Duration = Duration::from_secs(10);

/// A variable that scripts/with-mariadb sets.
pub fn variable(name: &str) -> String {
    let remedy = "run scripts/with-mariadb cargo test";
    std::env::var(name).unwrap_or_else(|_| panic!("{name} is not set: {remedy}"))
}

pub fn mysql_port() -> u16 {
    variable("FOREBAY_TEST_MYSQL_PORT").parse().unwrap()
}

/// A connection of the test's own, past the service.
pub fn direct() -> mysql::Conn {
    mysql::Conn::new(variable("FOREBAY_TEST_MYSQL_URL").as_str()).unwrap()
}

/// Makes a database that no other test uses, and gives its name.
pub fn new_database() -> String {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    let name = format!("forebay_{}_{number}", std::process::id());
    direct()
        .query_drop(format!("CREATE DATABASE `{name}`"))
        .unwrap();
    name
}

/// A shard on a new database of the real server, as root.
pub fn mysql_shard(name: &str) -> ShardConfig {
    mysql_shard_at(name, "127.0.0.1", mysql_port())
}

pub fn mysql_shard_at(name: &str, host: &str, port: u16) -> ShardConfig {
    let endpoint = Endpoint::Tcp {
        host: host.to_owned(),
        port,
    };
    let mut target = MySqlTarget::new(endpoint, "root");
    target.database = Some(new_database());
    ShardConfig::new(name, Target::MySql(target))
}

pub fn sqlite_shard(name: &str) -> ShardConfig {
    ShardConfig::new(name, Target::Sqlite(SqliteTarget::Memory))
}

/// The target of a MySQL shard, to change it.
pub fn target(shard: &mut ShardConfig) -> &mut MySqlTarget {
    match &mut shard.target {
        Target::MySql(target) => target,
        Target::Sqlite(_) => panic!("not a MySQL shard"),
    }
}

/// A service in this process; it ends with the test.
pub struct Running {
    service: Option<Service>,
    shutdown: Option<tokio::sync::oneshot::Sender<()>>,
    address: ListenAddress,
    http: Option<ListenAddress>,
}

impl Running {
    pub fn new(shards: Vec<ShardConfig>) -> Running {
        Running::with(ServerConfig::default(), shards)
    }

    pub fn with(server: ServerConfig, shards: Vec<ShardConfig>) -> Running {
        let anywhere = ListenAddress::Tcp("127.0.0.1:0".to_owned());
        Running::at(&anywhere, server, shards)
    }

    /// One that tells its metrics and health.
    pub fn watched(server: ServerConfig, shards: Vec<ShardConfig>) -> Running {
        let anywhere = ListenAddress::Tcp("127.0.0.1:0".to_owned());
        let http = Listener::bind(&anywhere).unwrap();
        Running::listening(&anywhere, Some(http), server, shards)
    }

    pub fn at(address: &ListenAddress, server: ServerConfig, shards: Vec<ShardConfig>) -> Running {
        Running::listening(address, None, server, shards)
    }

    pub fn listening(
        address: &ListenAddress,
        http: Option<Listener>,
        server: ServerConfig,
        shards: Vec<ShardConfig>,
    ) -> Running {
        let config = Config {
            server,
            shards,
            ..Config::default()
        };
        let (shutdown, stopped) = tokio::sync::oneshot::channel();
        let listener = Listener::bind(address).unwrap();
        let stop = async {
            stopped.await.ok();
        };
        let listeners = Listeners {
            sessions: vec![listener],
            http,
        };
        let service = Service::start(&config, listeners, stop).unwrap();
        Running {
            http: service.http_address().cloned(),
            address: service.addresses()[0].clone(),
            service: Some(service),
            shutdown: Some(shutdown),
        }
    }

    pub fn client(&self) -> Client {
        self.client_within(TIMEOUT)
    }

    /// A client all of whose calls have that timeout.
    pub fn client_within(&self, timeout: Duration) -> Client {
        Client::connect(&self.address, timeout).unwrap()
    }

    pub fn port(&self) -> u16 {
        self.socket().peer_addr().unwrap().port()
    }

    pub fn socket(&self) -> std::net::TcpStream {
        let ListenAddress::Tcp(address) = &self.address else {
            panic!("not over TCP");
        };
        let stream = std::net::TcpStream::connect(address).unwrap();
        stream.set_read_timeout(Some(TIMEOUT)).unwrap();
        stream
    }

    /// Where it tells its metrics and health.
    pub fn http(&self) -> http::Http {
        http::Http::at(self.http.as_ref().expect("it is not watched"))
    }

    /// What statements have cost, the most time in all first.
    pub fn digests(&self) -> Vec<DigestRow> {
        self.service.as_ref().unwrap().digests().snapshot()
    }

    /// Begins to stop.
    pub fn stop(&mut self) {
        drop(self.shutdown.take());
    }

    /// Waits for the end; whether all in flight was answered.
    pub fn wait(mut self) -> bool {
        self.stop();
        self.service.take().unwrap().wait()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.stop();
        if let Some(service) = self.service.take() {
            service.wait();
        }
    }
}

/// Calls that make a test's lines short.
pub trait Calls {
    fn run(&mut self, shard: &str, sql: &str, params: &[Value]) -> Executed;
    fn fails(&mut self, shard: &str, sql: &str, params: &[Value]) -> DataError;
    /// The first column, as text.
    fn texts(&mut self, shard: &str, sql: &str) -> Vec<String>;
}

impl Calls for Client {
    fn run(&mut self, shard: &str, sql: &str, params: &[Value]) -> Executed {
        self.execute(shard, sql, params.to_vec(), ParamStyle::Native)
            .unwrap_or_else(|error| panic!("{sql}: {error}"))
    }

    fn fails(&mut self, shard: &str, sql: &str, params: &[Value]) -> DataError {
        match self.execute(shard, sql, params.to_vec(), ParamStyle::Native) {
            Err(ClientError::Data(error)) => *error,
            other => panic!("{sql}: not a DataError: {other:?}"),
        }
    }

    fn texts(&mut self, shard: &str, sql: &str) -> Vec<String> {
        let rows = self.run(shard, sql, &[]).rows.expect("rows");
        match &rows.columns[0].data {
            ColumnData::Int64s(values) => values.iter().map(ToString::to_string).collect(),
            ColumnData::Doubles(values) => values.iter().map(ToString::to_string).collect(),
            ColumnData::Strings(values) => values
                .iter()
                .map(|text| String::from_utf8(text.to_vec()).unwrap())
                .collect(),
            ColumnData::Blobs(values) => values.iter().map(|bytes| format!("{bytes:?}")).collect(),
        }
    }
}

/// Asserts on an error's code and on what its message says.
pub fn assert_error(error: &DataError, code: ErrorCode, says: &str) {
    let message = error.message.as_deref().unwrap_or_default();
    assert_eq!(error.code, Some(code), "{message}");
    assert!(message.contains(says), "{message:?} does not say {says:?}");
}

/// Waits until `is_so`, within the usual time.
pub fn wait_until(what: &str, mut is_so: impl FnMut() -> bool) {
    let deadline = Instant::now() + TIMEOUT;
    while !is_so() {
        assert!(Instant::now() < deadline, "never so: {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// Statements with that text which the server runs now.
pub fn running_like(text: &str) -> usize {
    let count = "SELECT COUNT(*) FROM information_schema.processlist \
                 WHERE info LIKE CONCAT('%', ?, '%') AND id <> CONNECTION_ID()";
    direct().exec_first(count, (text,)).unwrap().unwrap()
}

pub fn text(text: &str) -> Value {
    Value::Text(text.to_owned())
}

/// A folder that is removed with the value.
pub fn folder() -> tempfile::TempDir {
    tempfile::tempdir().unwrap()
}

/// The repository's folder.
pub fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}
