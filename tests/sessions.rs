//! Sessions and the connections behind them: addresses, draining, and that
//! nothing a caller does reaches the next one.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use forebay::config::{ListenAddress, ServerConfig};
use forebay::value::Value;
use mysql::prelude::Queryable;

use crate::support::*;

#[test]
fn a_unix_socket_is_served_and_its_file_removed() {
    let folder = folder();
    let path = folder.path().join("forebay.sock");
    let address = ListenAddress::Unix(path.clone());
    let shards = || vec![sqlite_shard("embedded")];
    let service = Running::at(&address, ServerConfig::default(), shards());
    assert_eq!(service.client().texts("embedded", "SELECT 7"), ["7"]);
    assert!(service.wait());
    assert!(!path.exists());
    // One left behind by a process that was killed is in nobody's way.
    drop(std::os::unix::net::UnixListener::bind(&path).unwrap());
    let service = Running::at(&address, ServerConfig::default(), shards());
    assert_eq!(service.client().texts("embedded", "SELECT 7"), ["7"]);
}

#[test]
fn ipv6_is_served() {
    let address = ListenAddress::Tcp("[::1]:0".to_owned());
    let service = Running::at(
        &address,
        ServerConfig::default(),
        vec![sqlite_shard("embedded")],
    );
    assert_eq!(service.client().texts("embedded", "SELECT 7"), ["7"]);
}

#[test]
fn what_is_in_flight_is_finished_before_the_end() {
    let mut service = Running::new(vec![mysql_shard("main")]);
    let mut client = service.client();
    let idle = service.client();
    std::thread::scope(|scope| {
        let last = scope.spawn(move || client.texts("main", "SELECT SLEEP(0.5) AS in_flight"));
        wait_until("it runs", || running_like("AS in_flight") == 1);
        service.stop();
        assert_eq!(last.join().unwrap(), ["0"]);
    });
    assert!(service.wait());
    drop(idle);
}

/// Two requests at once: the second has come, but not begun, when the end does.
#[test]
fn what_has_not_begun_is_refused_at_the_end() {
    let mut service = Running::new(vec![mysql_shard("main")]);
    let mut socket = service.socket();
    let slow = call_as(1, "main", "SELECT SLEEP(0.5) AS at_the_end");
    let fast = call_as(2, "main", "SELECT 'not run'");
    socket.write_all(&[slow, fast].concat()).unwrap();
    wait_until("it runs", || running_like("AS at_the_end") == 1);
    service.stop();
    assert!(service.wait());
    let mut replies = Vec::new();
    socket.read_to_end(&mut replies).unwrap();
    let replies = String::from_utf8_lossy(&replies);
    assert!(replies.contains("at_the_end"), "{replies}");
    assert!(replies.contains("takes nothing new"), "{replies}");
}

/// A framed, binary `execute` without parameters.
pub fn call(shard: &str, sql: &str) -> Vec<u8> {
    call_as(1, shard, sql)
}

fn call_as(sequence_id: u8, shard: &str, sql: &str) -> Vec<u8> {
    let text = |id: u8, text: &str| {
        let length = (text.len() as u32).to_be_bytes();
        [&[11, 0, id], &length[..], text.as_bytes()].concat()
    };
    let opening = b"\x80\x01\x00\x01\x00\x00\x00\x07execute\x00\x00\x00";
    let message = [
        &opening[..],
        &[sequence_id],
        &[12, 0, 1],
        &text(1, shard),
        &[12, 0, 2],
        &text(1, sql),
        &[0, 0, 0],
    ];
    let message = message.concat();
    [&(message.len() as u32).to_be_bytes()[..], &message].concat()
}

#[test]
fn an_end_does_not_wait_longer_than_it_may() {
    let server = ServerConfig {
        drain_timeout: Duration::from_millis(100),
        ..ServerConfig::default()
    };
    let mut service = Running::with(server, vec![mysql_shard("main")]);
    let mut client = service.client();
    std::thread::scope(|scope| {
        scope.spawn(move || {
            let sql = "SELECT SLEEP(5) AS too_long";
            client.execute("main", sql, vec![], forebay::operation::ParamStyle::Native)
        });
        wait_until("it runs", || running_like("AS too_long") == 1);
        service.stop();
        assert!(!service.wait());
    });
}

fn is_closed(mut stream: TcpStream) -> bool {
    matches!(stream.read(&mut [0; 64]), Ok(0) | Err(_))
}

#[test]
fn idle_and_halting_sessions_are_closed() {
    let server = ServerConfig {
        session_idle_timeout: Duration::from_millis(200),
        message_timeout: Duration::from_millis(200),
        ..ServerConfig::default()
    };
    let service = Running::with(server, vec![sqlite_shard("embedded")]);
    assert!(is_closed(service.socket()));
    let mut halting = service.socket();
    halting.write_all(&[0, 0, 0, 50, 0x80, 1, 0, 1]).unwrap();
    assert!(is_closed(halting));
}

/// Whatever comes, the whole message must be there in time.
#[test]
fn a_message_that_trickles_is_not_awaited_for_ever() {
    let server = ServerConfig {
        message_timeout: Duration::from_millis(200),
        ..ServerConfig::default()
    };
    let service = Running::with(server, vec![sqlite_shard("embedded")]);
    let mut socket = service.socket();
    socket
        .write_all(&[0, 0, 100, 0, 0x80, 1, 0, 1, 0, 0, 0, 200])
        .unwrap();
    wait_until("the session is closed", || {
        std::thread::sleep(Duration::from_millis(20));
        socket.write_all(b"x").is_err()
    });
}

#[test]
fn a_reply_that_is_being_written_is_written_whole() {
    let service = Running::new(vec![sqlite_shard("embedded")]);
    let mut socket = service.socket();
    let sql = "SELECT replace(hex(zeroblob(6000000)), '0', 'x') AS large";
    socket.write_all(&call("embedded", sql)).unwrap();
    let mut reply = vec![0];
    socket.read_exact(&mut reply).unwrap();
    socket.shutdown(std::net::Shutdown::Write).unwrap();
    socket.read_to_end(&mut reply).unwrap();
    assert!(reply.len() > 12_000_000, "{} bytes", reply.len());
}

#[test]
fn sessions_over_the_limit_are_refused() {
    let server = ServerConfig {
        sessions_max: 1,
        ..ServerConfig::default()
    };
    let service = Running::with(server, vec![sqlite_shard("embedded")]);
    let mut client = service.client();
    assert_eq!(client.texts("embedded", "SELECT 1"), ["1"]);
    assert!(is_closed(service.socket()));
    assert_eq!(client.texts("embedded", "SELECT 1"), ["1"]);
}

/// A reply larger than the socket's buffers, to a client that is slow to read.
#[test]
fn a_large_reply_arrives_whole() {
    let service = Running::new(vec![sqlite_shard("embedded")]);
    let mut client = service.client();
    let sql = "SELECT CAST(? AS BLOB)";
    let bytes = vec![7; 12_000_000];
    let rows = client
        .run("embedded", sql, &[Value::Bytes(bytes.clone())])
        .rows
        .unwrap();
    assert_eq!(
        rows.columns[0].data,
        forebay::value::ColumnData::Blobs([bytes].into_iter().collect())
    );
}

/// What a statement may leave in its session, and how the next one would see it.
const LEFT_BEHIND: &[(&str, &str, &str)] = &[
    (
        "SELECT @left := 5",
        "SELECT IF(@left IS NULL, 'none', 'left')",
        "none",
    ),
    (
        "CALL sets_variables()",
        "SELECT IF(@left IS NULL, 'none', 'left')",
        "none",
    ),
    (
        "CALL sets_names()",
        "SELECT @@character_set_client",
        "utf8mb4",
    ),
    (
        "CALL sets_mode()",
        "SELECT @@sql_mode LIKE '%NO_BACKSLASH%'",
        "0",
    ),
    ("CALL sets_zone()", "SELECT @@time_zone", "SYSTEM"),
    ("CALL sets_autocommit()", "SELECT @@autocommit", "1"),
    ("CALL opens_transaction()", "SELECT @@in_transaction", "0"),
    ("CALL makes_table()", "SHOW TABLES LIKE 'left%'", ""),
    (
        "SELECT names_from_function()",
        "SELECT @@character_set_client",
        "utf8mb4",
    ),
    (
        "SELECT mode_from_function()",
        "SELECT @@sql_mode LIKE '%NO_BACKSLASH%'",
        "0",
    ),
];

const ROUTINES: &[&str] = &[
    "PROCEDURE sets_variables() SET @left = 5",
    "PROCEDURE sets_names() SET NAMES gbk",
    "PROCEDURE sets_mode() SET SESSION sql_mode = 'NO_BACKSLASH_ESCAPES'",
    "PROCEDURE sets_zone() SET SESSION time_zone = '+09:00'",
    "PROCEDURE sets_autocommit() SET SESSION autocommit = 0",
    "PROCEDURE opens_transaction() START TRANSACTION",
    "PROCEDURE makes_table() CREATE TEMPORARY TABLE left_over (n INT)",
    "FUNCTION names_from_function() RETURNS INT BEGIN SET NAMES gbk; RETURN 1; END",
    "FUNCTION mode_from_function() RETURNS INT \
     BEGIN SET SESSION sql_mode = 'NO_BACKSLASH_ESCAPES'; RETURN 1; END",
];

#[test]
fn nothing_of_a_session_reaches_the_next_caller() {
    let mut shard = mysql_shard("main");
    shard.pool.max_connections = 1;
    let database = target(&mut shard).database.clone().unwrap();
    let mut direct = direct();
    direct.query_drop(format!("USE {database}")).unwrap();
    for routine in ROUTINES {
        direct.query_drop(format!("CREATE {routine}")).unwrap();
    }
    let service = Running::new(vec![shard]);
    let mut client = service.client();
    for (leave, look, expected) in LEFT_BEHIND {
        client.run("main", leave, &[]);
        let seen = client
            .texts("main", look)
            .first()
            .cloned()
            .unwrap_or_default();
        assert_eq!(seen, *expected, "after {leave}");
        // And escaping is as right as ever.
        let quoted = "it's \\ \u{1F600} \"quoted\"";
        let rows = client
            .run("main", "SELECT ?", &[text(quoted)])
            .rows
            .unwrap();
        let back = forebay::value::ColumnData::Strings([quoted.to_owned()].into_iter().collect());
        assert_eq!(rows.columns[0].data, back, "after {leave}");
    }
}

/// A function that the statement does not name, since a view calls it.
#[test]
fn text_in_another_character_set_is_never_given_out() {
    let mut shard = mysql_shard("main");
    shard.pool.max_connections = 1;
    let database = target(&mut shard).database.clone().unwrap();
    let mut direct = direct();
    direct.query_drop(format!("USE {database}")).unwrap();
    for made in [
        "FUNCTION strays() RETURNS INT BEGIN SET NAMES gbk; RETURN 1; END",
        "VIEW hides_it AS SELECT strays() AS n",
    ] {
        direct.query_drop(format!("CREATE {made}")).unwrap();
    }
    let service = Running::new(vec![shard]);
    let mut client = service.client();
    assert_eq!(client.texts("main", "SELECT n FROM hides_it"), ["1"]);
    let smile = "\u{1F600}";
    let style = forebay::operation::ParamStyle::Native;
    match client.execute("main", "SELECT ?", vec![text(smile)], style) {
        // MySQL sets the character set back by itself.
        Ok(executed) => {
            let back =
                forebay::value::ColumnData::Strings([smile.to_owned()].into_iter().collect());
            assert_eq!(executed.rows.unwrap().columns[0].data, back);
        }
        Err(error) => assert!(error.to_string().contains("character set"), "{error}"),
    }
    assert_eq!(client.texts("main", "SELECT 'next'"), ["next"]);
}

/// One connection, a table `t` with a unique key, and a trigger on it.
fn with_trigger(action: &str) -> (Running, String) {
    let mut shard = mysql_shard("main");
    shard.pool.max_connections = 1;
    let database = target(&mut shard).database.clone().unwrap();
    let mut direct = direct();
    direct.query_drop(format!("USE {database}")).unwrap();
    let table = "CREATE TABLE t (n INT AUTO_INCREMENT PRIMARY KEY, b LONGBLOB)";
    direct.query_drop(table).unwrap();
    let trigger = format!("CREATE TRIGGER leaves BEFORE INSERT ON t FOR EACH ROW {action}");
    direct.query_drop(trigger).unwrap();
    (Running::new(vec![shard]), database)
}

/// What a trigger sets is in no statement's text; who reads a variable gets a
/// fresh session.
#[test]
fn a_variable_that_a_trigger_left_is_not_read_by_the_next_caller() {
    let (service, _) = with_trigger("SET @left_by_trigger = NEW.n");
    let mut client = service.client();
    client.run("main", "INSERT INTO t (n) VALUES (7)", &[]);
    let read = "SELECT IF(@left_by_trigger IS NULL, 'none', 'left')";
    assert_eq!(client.texts("main", read), ["none"]);
}

#[test]
fn a_setting_that_a_trigger_changed_is_set_back() {
    let (service, _) = with_trigger("SET SESSION time_zone = '+07:00'");
    let mut client = service.client();
    let zone = "SELECT @@time_zone";
    client.run("main", "INSERT INTO t (n) VALUES (7)", &[]);
    assert_eq!(client.texts("main", zone), ["SYSTEM"], "after one row");
    client.fails("main", "INSERT INTO t (n) VALUES (7)", &[]);
    assert_eq!(client.texts("main", zone), ["SYSTEM"], "after a refusal");
    let rows = vec![vec![Value::Text("x".repeat(100_000))]; 30];
    client.insert("main", "t", &["b"], rows).unwrap();
    assert_eq!(client.texts("main", zone), ["SYSTEM"], "after many rows");
}
