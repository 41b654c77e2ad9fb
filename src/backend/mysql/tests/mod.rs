//! What no function of the service shows by itself, on connections to a real
//! server: `scripts/with-mariadb cargo test`.

mod counts;
mod limits;
mod session;

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use mysql::prelude::Queryable;
use scheduled_thread_pool::ScheduledThreadPool;

use super::connection::{Connection, MySqlManager};
use super::errors::{self, Effect};
use super::statement::{self, Keep, Manner};
use super::watchdog::Watchdog;
use crate::backend::pool::Manager;
use crate::backend::shards::KillThreads;
use crate::budget::Memory;
use crate::cancel::{Cancel, Cause};
use crate::config::{AffectedRows, Endpoint, MySqlTarget, PoolConfig, StatementPath};
use crate::error::{Error, ErrorKind, Outcome, Result};
use crate::operation::{Answer, Limits, ParamStyle, Params, Statement};
use crate::sql::{Function, Progress, Setting};
use crate::value::{ColumnData, Value};

const BEGUN: Setting = Setting::Transaction(Progress::Begun);

fn url() -> String {
    std::env::var("FOREBAY_TEST_MYSQL_URL")
        .expect("FOREBAY_TEST_MYSQL_URL is not set: run scripts/with-mariadb cargo test")
}

/// A connection of the test's own, past what is tested.
fn direct() -> mysql::Conn {
    mysql::Conn::new(url().as_str()).unwrap()
}

/// On a database that no other test uses.
fn target() -> MySqlTarget {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    let database = format!("forebay_unit_{}_{number}", std::process::id());
    let create = format!("CREATE DATABASE `{database}`");
    direct().query_drop(create).unwrap();
    let options = mysql::Opts::from_url(&url()).unwrap();
    let endpoint = Endpoint::Tcp {
        host: "127.0.0.1".to_owned(),
        port: options.get_tcp_port(),
    };
    let mut target = MySqlTarget::new(endpoint, "root");
    target.database = Some(database);
    target
}

fn connect_to(target: &MySqlTarget) -> Connection {
    let threads = KillThreads {
        prompt: Arc::new(ScheduledThreadPool::new(1)),
        slow: Arc::new(ScheduledThreadPool::new(1)),
    };
    let pool = PoolConfig::default();
    let manager = MySqlManager::new("tested", target, &pool, threads, &Watchdog::new());
    manager.connect().unwrap()
}

fn connect() -> Connection {
    connect_to(&target())
}

fn limits() -> Limits {
    Limits {
        deadline: Instant::now() + Duration::from_secs(10),
        result_max_rows: 100,
        warnings_max: 0,
        budget: Memory::new(100_000_000).budget(1_000_000),
        cancel: None,
        idempotent: false,
        meter: None,
    }
}

fn run_with(
    connection: &mut Connection,
    setting: Setting,
    sql: &str,
    params: Vec<Value>,
    limits: &Limits,
) -> Result<Answer> {
    let statement = Statement {
        sql: sql.to_owned(),
        params: Params::Positional(params),
        style: ParamStyle::Native,
    };
    statement::run(connection, &statement, Function::Execute, setting, limits)
}

/// Within a transaction, but for what would commit it.
fn run(connection: &mut Connection, sql: &str) -> Answer {
    let commits = ["CREATE", "ALTER", "DROP"]
        .iter()
        .any(|verb| sql.starts_with(verb));
    let setting = if commits { Setting::Shared } else { BEGUN };
    run_with(connection, setting, sql, Vec::new(), &limits())
        .unwrap_or_else(|error| panic!("{sql}: {error}"))
}

fn fails(connection: &mut Connection, sql: &str) -> Error {
    let result = run_with(connection, BEGUN, sql, Vec::new(), &limits());
    result.expect_err(sql)
}

/// What the service itself sends around a caller's statements.
fn send(connection: &mut Connection, sql: &str) -> Result<Answer> {
    let manner = Manner {
        effect: Effect::None,
        touches_session: false,
        keep: Keep::Yes(connection.killer()),
    };
    statement::send(connection, sql, manner, &limits())
}

fn first_int(answer: &Answer) -> i64 {
    match &answer.rows.as_ref().unwrap().columns[0].data {
        ColumnData::Int64s(values) => values[0],
        other => panic!("{other:?}"),
    }
}

fn wait_until(what: &str, mut is_so: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(10);
    while !is_so() {
        assert!(Instant::now() < deadline, "never so: {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

fn runs(text: &str) -> bool {
    let count = "SELECT COUNT(*) FROM information_schema.processlist \
                 WHERE info LIKE CONCAT('%', ?, '%') AND id <> CONNECTION_ID()";
    direct().exec_first::<u32, _, _>(count, (text,)).unwrap() != Some(0)
}
