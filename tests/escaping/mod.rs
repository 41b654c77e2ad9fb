//! Statements and values that `forebay::sql` has made, read back from a real
//! server under every `sql_mode` that moves the end of a literal.

mod bound;
mod places;
mod values;

use mysql::prelude::Queryable;
use mysql::{Conn, Opts, Row};
use proptest::test_runner::{Config, TestRunner};

use forebay::operation::{ParamStyle, Params};
use forebay::sql::{Dialect, SqlMode, analyze, render_escaped};

const MODES: [&str; 5] = [
    "",
    "ANSI_QUOTES",
    "NO_BACKSLASH_ESCAPES",
    "ANSI_QUOTES,NO_BACKSLASH_ESCAPES",
    "STRICT_TRANS_TABLES,NO_ENGINE_SUBSTITUTION",
];

/// A connection of one mode, as the server itself names it.
struct Server {
    conn: Conn,
    mode: SqlMode,
}

impl Server {
    fn connect(sql_mode: &str) -> Server {
        let url = std::env::var("FOREBAY_TEST_MYSQL_URL")
            .expect("FOREBAY_TEST_MYSQL_URL is not set: run scripts/with-mariadb cargo test");
        let mut conn = Conn::new(Opts::from_url(&url).unwrap()).unwrap();
        conn.query_drop(format!("SET NAMES utf8mb4, sql_mode = '{sql_mode}'"))
            .unwrap();
        let seen: String = conn.query_first("SELECT @@sql_mode").unwrap().unwrap();
        let mode = SqlMode::parse(&seen);
        assert_eq!(mode, SqlMode::parse(sql_mode));
        Server { conn, mode }
    }

    fn all() -> Vec<Server> {
        MODES.iter().map(|mode| Server::connect(mode)).collect()
    }

    fn render(&self, sql: &str, params: &Params) -> forebay::error::Result<String> {
        let dialect = Dialect::MySql(self.mode);
        let template = analyze(sql, ParamStyle::Native, *params != Params::Absent, dialect)?;
        Ok(render_escaped(&template, params, usize::MAX)?.into_owned())
    }

    /// The only row of the only result.
    fn row(&mut self, sql: &str) -> Row {
        self.try_row(sql)
            .unwrap_or_else(|error| panic!("{sql}: {error}"))
    }

    fn try_row(&mut self, sql: &str) -> mysql::Result<Row> {
        let mut result = self.conn.query_iter(sql)?;
        let rows: mysql::Result<Vec<Row>> = result.iter().unwrap().collect();
        let mut rows = rows?;
        assert_eq!(rows.len(), 1, "{sql}");
        assert!(result.iter().is_none(), "a second result: {sql}");
        Ok(rows.remove(0))
    }
}

/// As many cases as the time of a test allows.
fn runner(cases: u32) -> TestRunner {
    TestRunner::new(Config {
        cases,
        failure_persistence: None,
        ..Config::default()
    })
}
