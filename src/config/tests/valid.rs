//! What comes out of files without a fault.

use std::path::PathBuf;
use std::time::Duration;

use super::*;
use crate::config::{
    AffectedRows, Charset, ClientIdentity, Endpoint, ListenAddress, LogFormat, LogLevel,
    MySqlTarget, Secret, ServerConfig, SqliteTarget, StatementPath, Target, TlsConfig, TlsVerify,
};

/// The only shard of a text, which is of MySQL.
fn mysql(text: &str) -> MySqlTarget {
    mysql_of(valid(text))
}

fn mysql_of(config: Config) -> MySqlTarget {
    match config.shards.into_iter().next().map(|shard| shard.target) {
        Some(Target::MySql(target)) => target,
        other => panic!("not MySQL: {other:?}"),
    }
}

fn endpoint(url: &str) -> Endpoint {
    mysql(&format!("[shards.a]\nurl = \"{url}\"")).endpoint
}

fn tcp(host: &str, port: u16) -> Endpoint {
    let host = host.to_owned();
    Endpoint::Tcp { host, port }
}

#[test]
fn a_url_alone_is_enough() {
    let target = mysql("[shards.a]\nurl = \"mysql://app@db.example/users\"");
    let mut expected = MySqlTarget::new(tcp("db.example", 3306), "app");
    expected.database = Some("users".to_owned());
    assert_eq!(target, expected);
}

#[test]
fn endpoints() {
    assert_eq!(endpoint("mysql://u@db:3307"), tcp("db", 3307));
    assert_eq!(endpoint("mysql://u@10.0.0.1/"), tcp("10.0.0.1", 3306));
    assert_eq!(endpoint("mysql://u@[::1]/d"), tcp("::1", 3306));
    assert_eq!(
        endpoint("mysql://u@[2001:db8::1]:1/d"),
        tcp("2001:db8::1", 1)
    );
    assert_eq!(
        endpoint("mysql+unix://u@localhost/d?socket=/run/my%20sql.sock"),
        Endpoint::Unix(PathBuf::from("/run/my sql.sock"))
    );
    assert_eq!(tcp("::1", 3306).to_string(), "[::1]:3306");
    assert_eq!(tcp("db", 3306).to_string(), "db:3306");
}

#[test]
fn names_in_a_url_are_percent_decoded() {
    let target = mysql("[shards.a]\nurl = \"mysql://a%40b%3ac%25@db/%C3%A9t%C3%A9%2F1\"");
    assert_eq!(target.user, "a@b:c%");
    assert_eq!(target.database.as_deref(), Some("été/1"));
}

#[test]
fn sqlite_targets() {
    let target = |url: &str| {
        let config = valid(&format!("[shards.a]\nurl = \"{url}\""));
        config.shards.into_iter().next().map(|shard| shard.target)
    };
    let path = |path: &str| Some(Target::Sqlite(SqliteTarget::Path(PathBuf::from(path))));
    assert_eq!(
        target("sqlite:data/a b.db"),
        path("/srv/forebay/data/a b.db")
    );
    assert_eq!(target("sqlite:/var/a.db"), path("/var/a.db"));
    assert_eq!(
        target("sqlite::memory:"),
        Some(Target::Sqlite(SqliteTarget::Memory))
    );
}

#[test]
fn shards_take_what_they_lack_from_the_defaults_and_are_sorted() {
    let config = valid(
        r#"
[shard_defaults]
pool_max_connections = 16
max_lifetime_ms = 60000
sql_mode = "ansi_quotes, STRICT_TRANS_TABLES"
time_zone = "+00:00"
tls = "required"

[shards."eu.users"]
url = "sqlite::memory:"
queue_max_requests = 5

[shards.b]
url = "mysql://u@db"
pool_max_connections = 4
charset = "utf8"
collation = "utf8_bin"
sql_mode = ""
"#,
    );
    let [b, eu] = &config.shards[..] else {
        panic!("{config:?}");
    };
    assert_eq!((b.name.as_str(), eu.name.as_str()), ("b", "eu.users"));
    assert_eq!((b.pool.max_connections, eu.pool.max_connections), (4, 16));
    assert_eq!((b.queue_max_requests, eu.queue_max_requests), (1000, 5));
    // The default of ten minutes gives way to the shorter lifetime.
    assert_eq!(b.pool.idle_timeout, Duration::from_secs(60));
    let target = mysql_of(config);
    assert_eq!(target.charset, Charset::Utf8mb3);
    assert_eq!(target.collation.as_deref(), Some("utf8_bin"));
    assert_eq!(target.sql_mode.as_deref(), Some(""));
    assert_eq!(target.time_zone.as_deref(), Some("+00:00"));
    assert_eq!(target.tls.map(|tls| tls.verify), Some(TlsVerify::Nothing));
}

#[test]
fn pools_are_as_large_as_the_workers_at_most() {
    let config = valid(
        r#"
[server]
worker_threads_max = 4

[shards.a]
url = "sqlite::memory:"

[shards.b]
url = "sqlite::memory:"
pool_max_connections = 4
"#,
    );
    let pools: Vec<_> = config.shards.iter().map(|shard| shard.pool).collect();
    // The default of 8 gives way to the fewer workers.
    assert_eq!(pools[0].max_connections, 4);
    assert_eq!(pools[1].max_connections, 4);
    let large = "[server]\nworker_threads_max = 1000\n[shards.a]\nurl = \"sqlite::memory:\"\n\
                 pool_max_connections = 1000";
    assert_eq!(valid(large).shards[0].pool.max_connections, 1000);
}

#[test]
fn sql_mode_may_be_a_list() {
    let target =
        mysql("[shards.a]\nurl = \"mysql://u@h\"\nsql_mode = [\"ANSI\", \"no_zero_date\"]");
    assert_eq!(target.sql_mode.as_deref(), Some("ANSI,NO_ZERO_DATE"));
}

#[test]
fn defaults_that_a_shard_has_no_use_for_are_not_applied() {
    let config = valid(
        r#"
[shard_defaults]
charset = "utf8mb3"
tls = "verify_identity"

[shards.a]
url = "mysql+unix://u@localhost/?socket=/run/mysqld.sock"

[shards.b]
url = "sqlite::memory:"
"#,
    );
    let target = mysql_of(config);
    assert_eq!(target.tls, None);
    assert_eq!(target.charset, Charset::Utf8mb3);
}

#[test]
fn passwords() {
    let folder = tempfile::tempdir().expect("temporary folder");
    std::fs::write(folder.path().join("password"), " pä ss\r\n").expect("written");
    let url = "[shards.a]\nurl = \"mysql://u@h\"\n";
    let from = |key: &str| {
        let text = format!("{url}{key}");
        let config = parse_in(&text, folder.path()).unwrap_or_else(|errors| panic!("{errors}"));
        mysql_of(config).password
    };
    let file = from("password_file = \"password\"");
    assert_eq!(file, Some(Secret::new(" pä ss")));
    let variable = from("password_env = \"USERS_PASSWORD\"");
    assert_eq!(variable.as_ref().map(Secret::expose), Some("s3cret"));
    assert_eq!(format!("{variable:?}"), "Some(***)");
}

#[test]
fn tls_with_files() {
    let folder = tempfile::tempdir().expect("temporary folder");
    for name in ["ca.pem", "cert.pem", "key.pem"] {
        std::fs::write(folder.path().join(name), "PEM").expect("written");
    }
    let text = "[shard_defaults]\ntls_ca_file = \"ca.pem\"\n[shards.a]\nurl = \"mysql://u@h\"\n\
                tls = \"verify_ca\"\ntls_cert_file = \"cert.pem\"\ntls_key_file = \"key.pem\"";
    let config = parse_in(text, folder.path()).unwrap_or_else(|errors| panic!("{errors}"));
    let expected = TlsConfig {
        verify: TlsVerify::Authority,
        ca_file: Some(folder.path().join("ca.pem")),
        client_identity: Some(ClientIdentity {
            cert_file: folder.path().join("cert.pem"),
            key_file: folder.path().join("key.pem"),
        }),
    };
    assert_eq!(mysql_of(config).tls, Some(expected));
}

#[test]
fn server_and_log() {
    let config = valid(
        r#"
[server]
listen = [":9090", "[::1]:0", "localhost:9091", "unix:run/forebay.sock"]
io_threads = 2
request_max_bytes = 16_383_999
max_timeout_ms = 1500

[log]
format = "json"
level = "debug"

[shards.a]
url = "sqlite::memory:"
"#,
    );
    let tcp = |address: &str| ListenAddress::Tcp(address.to_owned());
    let unix = ListenAddress::Unix(PathBuf::from("/srv/forebay/run/forebay.sock"));
    let expected = [
        tcp("[::]:9090"),
        tcp("[::1]:0"),
        tcp("localhost:9091"),
        unix,
    ];
    assert_eq!(config.server.listen, expected);
    assert_eq!(config.server.io_threads, 2);
    assert_eq!(config.server.request_max_bytes, 16_383_999);
    // The default of two seconds gives way to the lower limit.
    assert_eq!(config.server.default_timeout, Duration::from_millis(1500));
    assert_eq!(config.log.format, LogFormat::Json);
    assert_eq!(config.log.level, LogLevel::Debug);
}

#[test]
fn limits_of_requests_with_many_parts() {
    let config = valid(
        r#"
[server]
result_max_bytes = 1_000_000
result_memory_max_bytes = 2_000_000
multi_items_max = 10
multi_parallel_max = 2
batch_steps_max = 20
transaction_timeout_ms = 4000

[shards.a]
url = "sqlite::memory:"
"#,
    );
    let server = config.server;
    assert_eq!(server.result_max_bytes, 1_000_000);
    assert_eq!(server.result_memory_max_bytes, 2_000_000);
    assert_eq!((server.multi_items_max, server.multi_parallel_max), (10, 2));
    assert_eq!(server.batch_steps_max, 20);
    assert_eq!(server.transaction_timeout, Duration::from_secs(4));
    // The default of ten seconds gives way to the shorter total.
    assert_eq!(server.transaction_idle_timeout, Duration::from_secs(4));
    let of_requests = "[server]\nrequest_max_bytes = 500000\nrequest_memory_max_bytes = 1048576\n\
                       sessions_per_peer_max = 7\nreply_grace_ms = 9\n\
                       [shards.a]\nurl = \"sqlite::memory:\"";
    let server = valid(of_requests).server;
    assert_eq!(server.request_max_bytes, 500_000);
    assert_eq!(server.request_memory_max_bytes, 1_048_576);
    assert_eq!(server.sessions_per_peer_max, 7);
    assert_eq!(server.reply_grace, Duration::from_millis(9));
    let both = "[server]\ntransaction_idle_timeout_ms = 7\ntransaction_timeout_ms = 8\n\
                [shards.a]\nurl = \"sqlite::memory:\"";
    let server = valid(both).server;
    assert_eq!(server.transaction_idle_timeout, Duration::from_millis(7));
    assert_eq!(server.transaction_timeout, Duration::from_millis(8));
}

#[test]
fn the_default_result_memory_is_enough_for_the_largest_result() {
    let text = "[server]\nresult_max_bytes = 16383999\n[shards.a]\nurl = \"sqlite::memory:\"";
    let server = valid(text).server;
    let default = ServerConfig::default().result_memory_max_bytes;
    assert_eq!(server.result_memory_max_bytes, default);
    assert!(server.result_memory_max_bytes >= 2 * server.result_max_bytes);
}

#[test]
fn transactions_leave_a_connection_to_the_others() {
    let transactions_max = |keys: &str| {
        let text = format!("[shards.a]\nurl = \"sqlite::memory:\"\n{keys}");
        valid(&text).shards[0].transactions_max
    };
    // The default follows the pool.
    for (pool, expected) in [(1, 0), (2, 1), (3, 1), (4, 2), (9, 4), (512, 256)] {
        let keys = format!("pool_max_connections = {pool}");
        assert_eq!(transactions_max(&keys), expected, "a pool of {pool}");
    }
    assert_eq!(transactions_max(""), 4);
    let fewer_workers = "[server]\nworker_threads_max = 1";
    assert_eq!(transactions_max(fewer_workers), 0);
    // What is written is taken, up to all connections but one.
    assert_eq!(transactions_max("transactions_max = 7"), 7);
    assert_eq!(transactions_max("transactions_max = 0"), 0);
    let alone = "pool_max_connections = 1\ntransactions_max = 0";
    assert_eq!(transactions_max(alone), 0);
}

#[test]
fn patience_and_retries_come_from_the_shard_or_the_defaults() {
    let config = valid(
        r#"
[shard_defaults]
outage_patience_ms = 0
retry_budget_percent = 7

[shards.a]
url = "mysql://u@h"

[shards.b]
url = "mysql://u@h"
outage_patience_ms = 9000
retry_budget_percent = 0
"#,
    );
    let found: Vec<_> = config
        .shards
        .iter()
        .map(|shard| (shard.pool.outage_patience, shard.pool.retry_budget_percent))
        .collect();
    let expected = [(Duration::ZERO, 7), (Duration::from_secs(9), 0)];
    assert_eq!(found, expected);
}

#[test]
fn statements_and_counts_come_from_the_shard_or_the_defaults() {
    let config = valid(
        r#"
[shard_defaults]
transactions_max = 2
statements = "prepared"
prepared_statements_max = 500
affected_rows = "matched"

[shards.a]
url = "mysql://u@h"

[shards.b]
url = "mysql://u@h"
transactions_max = 3
statements = "escaped"
affected_rows = "changed"

[shards.c]
url = "mysql://u@h"
prepared_statements_max = 1

[shards.d]
url = "sqlite::memory:"
"#,
    );
    let transactions: Vec<_> = config.shards.iter().map(|s| s.transactions_max).collect();
    assert_eq!(transactions, [2, 3, 2, 2]);
    let targets = config
        .shards
        .iter()
        .filter_map(|shard| match &shard.target {
            Target::MySql(target) => Some(target),
            Target::Sqlite(_) => None,
        });
    let found: Vec<_> = targets
        .map(|target| {
            let most = target.prepared_statements_max;
            (target.statements, most, target.affected_rows)
        })
        .collect();
    let expected = [
        (StatementPath::Prepared, 500, AffectedRows::Matched),
        (StatementPath::Escaped, 500, AffectedRows::Changed),
        (StatementPath::Prepared, 1, AffectedRows::Matched),
    ];
    assert_eq!(found, expected);
}
