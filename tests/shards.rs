//! Shards: dead ones, ones that come back, and the settings of their connections.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::{Duration, Instant};

use forebay::config::{Secret, ServerConfig, ShardConfig, TlsConfig, TlsVerify};
use forebay::operation::ParamStyle;
use forebay::rpc::generated::{ErrorCode, InfoRequest, PingRequest, Retry, TForebaySyncClient};
use forebay::value::ColumnData;
use mysql::prelude::Queryable;

use crate::support::*;

/// A way to the database that can be cut, or swallow what it is given.
pub struct Bridge {
    pub port: u16,
    state: Arc<AtomicU8>,
}

pub const OPEN: u8 = 0;
pub const CUT: u8 = 1;
pub const SILENT: u8 = 2;
/// Ends each connection on which something is asked behind a statement.
pub const LOSES_QUESTIONS: u8 = 3;

impl Bridge {
    pub fn new() -> Bridge {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let state = Arc::new(AtomicU8::new(OPEN));
        let shared = state.clone();
        std::thread::spawn(move || {
            for client in listener.incoming().flatten() {
                if shared.load(Ordering::SeqCst) != CUT {
                    carry(client, shared.clone());
                }
            }
        });
        Bridge { port, state }
    }

    pub fn set(&self, state: u8) {
        self.state.store(state, Ordering::SeqCst);
    }
}

/// Carries both ways until the bridge is cut.
fn carry(client: TcpStream, state: Arc<AtomicU8>) {
    let server = TcpStream::connect(("127.0.0.1", mysql_port())).unwrap();
    for (mut from, mut to) in [
        (client.try_clone().unwrap(), server.try_clone().unwrap()),
        (server.try_clone().unwrap(), client.try_clone().unwrap()),
    ] {
        let state = state.clone();
        std::thread::spawn(move || {
            let mut bytes = [0; 4096];
            while let Ok(count @ 1..) = from.read(&mut bytes) {
                let asked = &bytes[..count];
                let text = String::from_utf8_lossy(asked);
                let asks = text.contains("SHOW WARNINGS") || text.contains("SELECT @@sql_mode");
                match state.load(Ordering::SeqCst) {
                    SILENT => {}
                    LOSES_QUESTIONS if asks => {
                        for side in [&from, &to] {
                            side.shutdown(std::net::Shutdown::Both).ok();
                        }
                    }
                    _ => drop(to.write_all(asked)),
                }
            }
        });
    }
    std::thread::spawn(move || {
        while state.load(Ordering::SeqCst) != CUT {
            std::thread::sleep(Duration::from_millis(1));
        }
        for side in [client, server] {
            side.shutdown(std::net::Shutdown::Both).ok();
        }
    });
}

/// Every idle connection is doubtful, and the first takes all the time there is:
/// the caller is answered, and its worker free.
#[test]
fn idle_connections_that_lead_nowhere_end_at_the_deadline() {
    let bridge = Bridge::new();
    let mut shard = mysql_shard_at("main", "127.0.0.1", bridge.port);
    shard.pool.idle_timeout = Duration::from_millis(200);
    let service = Running::new(vec![shard]);
    let clients: Vec<_> = (0..3).map(|_| service.client()).collect();
    std::thread::scope(|scope| {
        for mut client in clients {
            scope.spawn(move || client.run("main", "SELECT SLEEP(1) AS opens_three", &[]));
        }
        wait_until("three are open", || running_like("AS opens_three") == 3);
    });
    std::thread::sleep(Duration::from_millis(150));
    bridge.set(SILENT);
    let mut hurried = service.client_within(Duration::from_millis(200));
    let error = hurried.fails("main", "SELECT 1", &[]);
    assert_error(&error, ErrorCode::DEADLINE_EXCEEDED, "");
    bridge.set(OPEN);
    let mut client = service.client();
    wait_until("it answers again", || {
        client
            .execute("main", "SELECT 1", vec![], ParamStyle::Native)
            .is_ok()
    });
}

/// A server of the test's own, whose global settings are nobody else's; it ends
/// when its input does.
#[test]
fn text_is_escaped_for_the_modes_it_is_read_in() {
    let mut own = Command::new(root().join("scripts/with-mariadb"))
        .args(["sh", "-c", "echo $FOREBAY_TEST_MYSQL_PORT; exec cat"])
        .env_remove("FOREBAY_TEST_MYSQL_URL")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut port = String::new();
    BufReader::new(own.stdout.take().unwrap())
        .read_line(&mut port)
        .unwrap();
    let port: u16 = port.trim().parse().unwrap();
    let mut shard = mysql_shard_at("main", "127.0.0.1", port);
    target(&mut shard).database = None;
    shard.pool.max_connections = 1;
    let service = Running::new(vec![shard]);
    let mut client = service.client();
    assert_eq!(client.texts("main", "SELECT 1"), ["1"]);
    let url = format!("mysql://root@127.0.0.1:{port}/test");
    let mut direct = mysql::Conn::new(url.as_str()).unwrap();
    for mode in ["NO_BACKSLASH_ESCAPES", "ANSI_QUOTES", ""] {
        direct
            .query_drop(format!("SET GLOBAL sql_mode = '{mode}'"))
            .unwrap();
        // Reading a variable takes a fresh session, which has the new mode.
        let hostile = "\\' , USER() AS injected -- ";
        let sql = "SELECT ?, @nothing";
        let rows = client.run("main", sql, &[text(hostile)]).rows.unwrap();
        assert_eq!(rows.columns.len(), 2, "{mode}");
        let back = forebay::value::ColumnData::Strings([hostile.to_owned()].into_iter().collect());
        assert_eq!(rows.columns[0].data, back, "{mode}");
    }
    drop(own.stdin.take());
    own.wait().unwrap();
}

#[test]
fn a_dead_shard_is_reported_and_others_go_on() {
    let dead = mysql_shard_at("dead", "127.0.0.1", 1);
    let service = Running::new(vec![dead, mysql_shard("alive")]);
    let mut client = service.client();
    let error = client.fails("dead", "SELECT 1", &[]);
    assert_error(&error, ErrorCode::SHARD_UNAVAILABLE, "Connection refused");
    assert_eq!(error.retry_hint, Some(Retry::AFTER_PAUSE));
    assert_eq!(client.texts("alive", "SELECT 1"), ["1"]);
    let info = client.stubs().info(InfoRequest { options: None }).unwrap();
    let shards = info.shards.unwrap();
    let available: Vec<_> = shards
        .iter()
        .map(|shard| (shard.name.as_deref().unwrap(), shard.available.unwrap()))
        .collect();
    assert_eq!(available, [("alive", true), ("dead", false)]);
    assert!(
        shards[1]
            .reason
            .as_ref()
            .unwrap()
            .contains("Connection refused")
    );
}

#[test]
fn a_dead_shard_is_known_before_it_is_asked_for() {
    let service = Running::new(vec![mysql_shard_at("dead", "127.0.0.1", 1)]);
    let mut client = service.client();
    wait_until("it is reported", || {
        let info = client.stubs().info(InfoRequest { options: None });
        info.unwrap().shards.unwrap()[0].available == Some(false)
    });
}

/// With every worker taken, what goes to no shard has one of its own.
#[test]
fn ping_is_answered_when_all_workers_are_taken() {
    let server = ServerConfig {
        worker_threads_max: 1,
        ..ServerConfig::default()
    };
    let service = Running::with(server, vec![mysql_shard("main")]);
    let mut client = service.client();
    let mut sleeper = service.client();
    std::thread::scope(|scope| {
        scope.spawn(move || sleeper.run("main", "SELECT SLEEP(1) AS takes_all", &[]));
        wait_until("it sleeps", || running_like("AS takes_all") == 1);
        let ping = PingRequest {
            shard: None,
            options: None,
        };
        client.stubs().ping(ping).unwrap();
        assert_eq!(running_like("AS takes_all"), 1);
    });
}

#[test]
fn a_shard_that_was_cut_off_comes_back_by_itself() {
    let bridge = Bridge::new();
    let shard = mysql_shard_at("main", "127.0.0.1", bridge.port);
    let service = Running::new(vec![shard]);
    let mut client = service.client();
    assert_eq!(client.texts("main", "SELECT 1"), ["1"]);
    bridge.set(CUT);
    wait_until("it is unavailable", || {
        let result = client.execute("main", "SELECT 1", vec![], ParamStyle::Native);
        result.is_err_and(|error| error.to_string().starts_with("SHARD_UNAVAILABLE"))
    });
    bridge.set(OPEN);
    wait_until("it is back", || {
        client
            .execute("main", "SELECT 1", vec![], ParamStyle::Native)
            .is_ok()
    });
}

/// A connection that died while idle costs its next user nothing.
#[test]
fn a_connection_killed_while_idle_is_replaced_unseen() {
    let service = Running::new(vec![mysql_shard("main")]);
    let mut client = service.client();
    client.run("main", "CREATE TABLE t (n INT)", &[]);
    for _ in 0..5 {
        let id = client.texts("main", "SELECT CONNECTION_ID()").remove(0);
        direct().query_drop(format!("KILL {id}")).unwrap();
        wait_until("it is gone", || {
            let by_id = "SELECT COUNT(*) FROM information_schema.processlist WHERE id = ?";
            direct().exec_first(by_id, (&id,)).unwrap() == Some(0)
        });
        client.run("main", "INSERT INTO t VALUES (1)", &[]);
    }
}

/// Accepts and never says a word.
fn black_hole() -> (TcpListener, u16) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    (listener, port)
}

#[test]
fn shards_that_never_answer_do_not_hold_up_the_others() {
    let (_hole, port) = black_hole();
    let silent = |number: usize| {
        let mut shard = mysql_shard_at(&format!("silent{number}"), "127.0.0.1", port);
        shard.pool.connect_timeout = Duration::from_millis(500);
        shard
    };
    let mut shards: Vec<ShardConfig> = (0..4).map(silent).collect();
    shards.push(mysql_shard("alive"));
    let service = Running::new(shards);
    std::thread::scope(|scope| {
        for number in 0..4 {
            for _ in 0..4 {
                let mut client = service.client();
                scope.spawn(move || {
                    let error = client.fails(&format!("silent{number}"), "SELECT 1", &[]);
                    assert_error(
                        &error,
                        ErrorCode::SHARD_UNAVAILABLE,
                        "did not answer within",
                    );
                });
            }
        }
        let mut client = service.client();
        assert_eq!(client.texts("alive", "SELECT 1"), ["1"]);
    });
}

#[test]
fn a_session_has_the_settings_of_its_shard() {
    let mut shard = mysql_shard("main");
    let settings = target(&mut shard);
    settings.collation = Some("utf8mb4_bin".to_owned());
    settings.sql_mode = Some("ANSI_QUOTES,NO_BACKSLASH_ESCAPES".to_owned());
    settings.time_zone = Some("+09:00".to_owned());
    shard.pool.max_connections = 1;
    let service = Running::new(vec![shard]);
    let mut client = service.client();
    for _ in 0..2 {
        let mut one = |sql: &str| client.texts("main", sql).remove(0);
        assert_eq!(one("SELECT @@collation_connection"), "utf8mb4_bin");
        assert_eq!(one("SELECT @@sql_mode"), "ANSI_QUOTES,NO_BACKSLASH_ESCAPES");
        assert_eq!(one("SELECT @@time_zone"), "+09:00");
        let quoted = r#"it's \ "quoted" \' "#;
        let rows = client
            .run("main", "SELECT ?", &[text(quoted)])
            .rows
            .unwrap();
        let back = forebay::value::ColumnData::Strings([quoted.to_owned()].into_iter().collect());
        assert_eq!(rows.columns[0].data, back);
        // And they are there again after the session has been cleaned.
        client.run("main", "SELECT @dirty := 1", &[]);
    }
}

/// A shard whose user may only come over TLS.
fn tls_shard(verify: TlsVerify, host: &str) -> ShardConfig {
    let mut shard = mysql_shard_at("main", host, mysql_port());
    let ca = variable("FOREBAY_TEST_MYSQL_CA");
    let settings = target(&mut shard);
    settings.user = variable("FOREBAY_TEST_MYSQL_TLS_USER");
    settings.password = Some(Secret::new(variable("FOREBAY_TEST_MYSQL_PASSWORD")));
    settings.database = None;
    settings.tls = Some(TlsConfig {
        verify,
        ca_file: (verify != TlsVerify::Nothing).then(|| ca.into()),
        client_identity: None,
    });
    shard
}

#[test]
fn mysql_is_reached_over_tls() {
    for verify in [
        TlsVerify::Identity,
        TlsVerify::Authority,
        TlsVerify::Nothing,
    ] {
        let service = Running::new(vec![tls_shard(verify, "localhost")]);
        let status = "SHOW STATUS LIKE 'Ssl_version'";
        let rows = service.client().run("main", status, &[]).rows.unwrap();
        let ColumnData::Strings(seen) = &rows.columns[1].data else {
            panic!("no text");
        };
        let seen = seen.get_str(0).unwrap();
        assert!(seen.starts_with("TLSv1."), "{verify:?}: {seen}");
    }
}

#[test]
fn a_certificate_that_nobody_vouches_for_is_refused() {
    let mut shard = tls_shard(TlsVerify::Identity, "localhost");
    if let Some(tls) = &mut target(&mut shard).tls {
        tls.ca_file = None;
    }
    let service = Running::new(vec![shard]);
    let error = service.client().fails("main", "SELECT 1", &[]);
    assert_error(&error, ErrorCode::SHARD_UNAVAILABLE, "UnknownIssuer");
}

/// With a limit per shard the sleepers hold their own connections only.
#[test]
fn a_slow_shard_does_not_slow_another() {
    let server = ServerConfig {
        worker_threads_max: 16,
        ..ServerConfig::default()
    };
    let service = Running::with(server, vec![mysql_shard("slow"), mysql_shard("healthy")]);
    let clients: Vec<_> = (0..32).map(|_| service.client()).collect();
    std::thread::scope(|scope| {
        for mut client in clients {
            scope.spawn(move || client.run("slow", "SELECT SLEEP(0.5) AS slow_shard", &[]));
        }
        wait_until("the sleepers sleep", || running_like("AS slow_shard") == 8);
        let started = Instant::now();
        let mut client = service.client();
        for _ in 0..100 {
            client.run("healthy", "SELECT 1", &[]);
        }
        // Four rounds of sleepers take two seconds.
        assert!(started.elapsed() < Duration::from_millis(500));
    });
}
