//! Bad input gets an error that names the thing and the remedy, and the session
//! goes on. What the bytes on the wire may get wrong is in tests/python.

use forebay::config::ServerConfig;
use forebay::rpc::generated::ErrorCode;
use forebay::value::Value;

use crate::support::*;

#[test]
fn every_refusal_names_the_thing() {
    use ErrorCode as Code;
    let service = Running::new(vec![mysql_shard("users"), sqlite_shard("embedded")]);
    let mut client = service.client();
    let list = |items: Vec<Value>| Value::List(items);
    let one = || vec![Value::Int(1)];
    let cases: Vec<(&str, Vec<Value>, Code, &str)> = vec![
        ("", vec![], Code::INVALID_ARGUMENT, "there is no statement"),
        (
            "-- nothing",
            vec![],
            Code::INVALID_ARGUMENT,
            "there is no statement",
        ),
        (
            "SELECT 1; SELECT 2",
            vec![],
            Code::INVALID_ARGUMENT,
            "one statement",
        ),
        ("SELECT ?", vec![], Code::INVALID_ARGUMENT, "1 "),
        ("SELECT ?, ?", one(), Code::INVALID_ARGUMENT, "2 "),
        ("SELECT 1", one(), Code::INVALID_ARGUMENT, "1 "),
        (
            "SELECT ?",
            vec![Value::Double(f64::NAN)],
            Code::INVALID_ARGUMENT,
            "NaN",
        ),
        (
            "SELECT 1 IN (?)",
            vec![list(vec![])],
            Code::INVALID_ARGUMENT,
            "empty",
        ),
        (
            "SELECT ?",
            vec![Value::Decimal("1e5".into())],
            Code::INVALID_ARGUMENT,
            "decimal",
        ),
        (
            "SELECT ?",
            vec![Value::Temporal("today".into())],
            Code::INVALID_ARGUMENT,
            "no date or time",
        ),
        ("SELECT 'a", vec![], Code::INVALID_ARGUMENT, "not closed"),
        ("BEGIN", vec![], Code::STATEMENT_NOT_ALLOWED, "BEGIN"),
    ];
    for shard in ["users", "embedded"] {
        for (sql, params, code, says) in &cases {
            let error = client.fails(shard, sql, params);
            assert_error(&error, *code, says);
            assert_eq!(error.shard.as_deref(), Some(shard), "{sql}");
        }
    }
    assert_eq!(client.texts("users", "SELECT 1"), ["1"]);
}

#[test]
fn an_unknown_shard_is_told_with_its_neighbours() {
    let service = Running::new(vec![sqlite_shard("users"), sqlite_shard("slave001")]);
    let mut client = service.client();
    let near = client.fails("slave01", "SELECT 1", &[]);
    assert_error(&near, ErrorCode::UNKNOWN_SHARD, "did you mean `slave001`?");
    let far = client.fails("something-else", "SELECT 1", &[]);
    assert_error(&far, ErrorCode::UNKNOWN_SHARD, "`info` lists the shards");
    let none = client.fails("", "SELECT 1", &[]);
    assert_error(&none, ErrorCode::INVALID_ARGUMENT, "set its field `shard`");
}

#[test]
fn statements_that_change_the_session_are_refused() {
    let service = Running::new(vec![mysql_shard("main")]);
    let mut client = service.client();
    for sql in [
        "SET NAMES gbk",
        "SET CHARACTER SET big5",
        "SET character_set_client = gbk",
        "SET SESSION sql_mode = 'NO_BACKSLASH_ESCAPES'",
        "/*!50000 SET NAMES gbk */",
        "EXECUTE IMMEDIATE 'SET NAMES gbk'",
        "USE mysql",
        "LOCK TABLES t WRITE",
        "CREATE TEMPORARY TABLE t (n INT)",
        "SELECT GET_LOCK('x', 0)",
    ] {
        let error = client.fails("main", sql, &[]);
        assert_error(&error, ErrorCode::STATEMENT_NOT_ALLOWED, "not allowed");
    }
}

/// A statement over `max_allowed_packet` would cost the connection.
#[test]
fn a_statement_over_max_allowed_packet_is_not_sent() {
    let mut shard = mysql_shard("main");
    // So that another one is seen.
    shard.pool.max_connections = 1;
    let service = Running::new(vec![shard]);
    let mut client = service.client();
    let connection = client.texts("main", "SELECT CONNECTION_ID()");
    // Bytes that are no UTF-8 are written as two digits each.
    let large = Value::Bytes(vec![0xff; 9_000_000]);
    let error = client.fails("main", "SELECT LENGTH(?)", &[large]);
    assert_error(&error, ErrorCode::REQUEST_TOO_LARGE, "16777215");
    assert_eq!(error.limit, Some(16_777_215));
    assert!(error.seen > error.limit);
    assert_eq!(client.texts("main", "SELECT CONNECTION_ID()"), connection);
}

#[test]
fn a_request_over_the_limit_is_refused_by_name() {
    let server = ServerConfig {
        request_max_bytes: 10_000,
        ..ServerConfig::default()
    };
    let service = Running::with(server, vec![sqlite_shard("embedded")]);
    let mut client = service.client();
    let error = client.fails("embedded", "SELECT ?", &[Value::Bytes(vec![0; 20_000])]);
    assert_error(
        &error,
        ErrorCode::REQUEST_TOO_LARGE,
        "request_max_bytes of 10000",
    );
    let mut client = service.client();
    assert_eq!(client.texts("embedded", "SELECT 1"), ["1"]);
}
