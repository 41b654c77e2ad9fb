//! Deadlines and limits on results: what is over one is stopped, on the database
//! too, and what was asked next gets its own answer.

use std::time::Duration;

use forebay::config::ServerConfig;
use forebay::operation::ParamStyle;
use forebay::rpc::generated::{ErrorCode, Outcome};
use forebay::value::Value;

use crate::support::*;

const SHORT: Duration = Duration::from_millis(200);

#[test]
fn a_statement_over_its_deadline_is_stopped() {
    let service = Running::new(vec![mysql_shard("main"), sqlite_shard("embedded")]);
    let mut client = service.client_within(SHORT);
    let slow = "SELECT SLEEP(60) AS stop_me";
    let error = client.fails("main", slow, &[]);
    assert_error(&error, ErrorCode::DEADLINE_EXCEEDED, "has been stopped");
    wait_until("nothing of it runs", || running_like("AS stop_me") == 0);
    assert_eq!(client.texts("main", "SELECT 'next'"), ["next"]);

    let endless = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) \
                   SELECT COUNT(*) FROM n";
    let error = client.fails("embedded", endless, &[]);
    assert_error(&error, ErrorCode::DEADLINE_EXCEEDED, "has been stopped");
    assert_eq!(client.texts("embedded", "SELECT 'next'"), ["next"]);
}

#[test]
fn the_outcome_of_a_stopped_write_is_unknown() {
    let service = Running::new(vec![mysql_shard("main")]);
    let mut client = service.client_within(SHORT);
    client.run("main", "CREATE TABLE t (n INT)", &[]);
    let error = client.fails("main", "INSERT INTO t SELECT SLEEP(60)", &[]);
    assert_error(&error, ErrorCode::DEADLINE_EXCEEDED, "");
    assert_eq!(error.outcome, Some(Outcome::UNKNOWN));
    wait_until("it was rolled back", || {
        running_like("INSERT INTO t SELECT") == 0
    });
    assert_eq!(client.texts("main", "SELECT COUNT(*) FROM t"), ["0"]);
}

#[test]
fn a_request_that_waits_past_its_deadline_is_never_run() {
    let mut shard = mysql_shard("main");
    shard.pool.max_connections = 1;
    let service = Running::new(vec![shard]);
    let mut client = service.client();
    client.run("main", "CREATE TABLE t (n INT)", &[]);
    let mut first = service.client();
    std::thread::scope(|scope| {
        let sleeper = scope.spawn(move || first.run("main", "SELECT SLEEP(1) AS holds_it", &[]));
        wait_until("the connection is taken", || {
            running_like("AS holds_it") == 1
        });
        let mut hurried = service.client_within(SHORT);
        let error = hurried.fails("main", "INSERT INTO t VALUES (1)", &[]);
        assert_error(&error, ErrorCode::QUEUE_TIMEOUT, "try again later");
        assert_eq!(error.outcome, Some(Outcome::NOT_APPLIED));
        sleeper.join().unwrap();
    });
    assert_eq!(client.texts("main", "SELECT COUNT(*) FROM t"), ["0"]);
}

#[test]
fn a_full_queue_refuses_at_once() {
    let mut shard = mysql_shard("main");
    shard.pool.max_connections = 1;
    shard.queue_max_requests = 1;
    let service = Running::new(vec![shard]);
    let ask = |mut client: forebay::rpc::Client| {
        let sql = "SELECT SLEEP(1) AS fills_it";
        client.execute("main", sql, vec![], ParamStyle::Native)
    };
    std::thread::scope(|scope| {
        let first = service.client();
        let first = scope.spawn(move || ask(first));
        wait_until("the connection is taken", || {
            running_like("AS fills_it") == 1
        });
        // One of these waits, and there is no room for the other.
        let two = [service.client(), service.client()];
        let two = two.map(|client| scope.spawn(move || ask(client)));
        let refused: Vec<String> = two
            .into_iter()
            .filter_map(|asked| asked.join().unwrap().err())
            .map(|error| error.to_string())
            .collect();
        assert_eq!(refused.len(), 1, "{refused:?}");
        assert!(
            refused[0].starts_with("QUEUE_FULL: 1 requests wait"),
            "{refused:?}"
        );
        first.join().unwrap().unwrap();
    });
}

#[test]
fn a_result_over_a_limit_says_which_and_stops_the_server() {
    let server = ServerConfig {
        result_max_rows: 1000,
        result_max_bytes: 100_000,
        ..ServerConfig::default()
    };
    let shards = vec![mysql_shard("main"), sqlite_shard("embedded")];
    let service = Running::with(server, shards);
    let mut client = service.client();
    let many = "SELECT seq, 'too_many' FROM seq_1_to_50000000";
    let error = client.fails("main", many, &[]);
    assert_error(&error, ErrorCode::RESULT_TOO_LARGE, "more than 1000 rows");
    assert_eq!((error.limit, error.seen), (Some(1000), Some(1001)));
    wait_until("nothing of it runs", || running_like("'too_many'") == 0);

    for shard in ["main", "embedded"] {
        let wide = "SELECT ? UNION ALL SELECT 'b'";
        let error = client.fails(shard, wide, &[Value::Text("x".repeat(200_000))]);
        assert_error(&error, ErrorCode::RESULT_TOO_LARGE, "over 100000 bytes");
        assert_eq!(client.texts(shard, "SELECT 'next'"), ["next"]);
    }
}

/// Rows that were not read would answer the next statement.
#[test]
fn a_second_result_set_is_refused_and_none_is_left_over() {
    let mut shard = mysql_shard("main");
    shard.pool.max_connections = 1;
    let service = Running::new(vec![shard]);
    let mut client = service.client();
    {
        use mysql::prelude::Queryable;
        let database = client.texts("main", "SELECT DATABASE()").remove(0);
        let two = "PROCEDURE two() BEGIN SELECT 1; SELECT 2; END";
        let mut direct = direct();
        direct.query_drop(format!("USE {database}")).unwrap();
        direct.query_drop(format!("CREATE {two}")).unwrap();
    }
    let error = client.fails("main", "CALL two()", &[]);
    assert_error(&error, ErrorCode::STATEMENT_NOT_ALLOWED, "2 result sets");
    assert_eq!(error.outcome, Some(Outcome::APPLIED));
    assert_eq!(client.texts("main", "SELECT 'next'"), ["next"]);
}
