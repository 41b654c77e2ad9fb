//! Interactive transactions through the service: whose they are, how long they
//! last, and that they leave the shard to the others.

use std::time::Duration;

use forebay::config::ServerConfig;
use forebay::operation::{Access, Begin, ParamStyle};
use forebay::rpc::generated::{DataError, ErrorCode, Outcome, Retry};
use forebay::rpc::{Client, ClientError, Executed};

use crate::support::*;

const BEGIN: Begin = Begin {
    isolation: None,
    access: Access::ReadWrite,
};

fn run_in(client: &mut Client, token: &str, sql: &str) -> Result<Executed, Box<DataError>> {
    match client.execute_in(token, sql, vec![], ParamStyle::Native) {
        Ok(executed) => Ok(executed),
        Err(ClientError::Data(error)) => Err(error),
        Err(error) => panic!("{sql}: {error}"),
    }
}

fn data_error<T: std::fmt::Debug>(result: Result<T, ClientError>) -> DataError {
    match result {
        Err(ClientError::Data(error)) => *error,
        other => panic!("not a DataError: {other:?}"),
    }
}

/// A service whose shard has a table of one row, and a client of it.
fn with_row(server: ServerConfig) -> (Running, Client) {
    let service = Running::with(server, vec![mysql_shard("main")]);
    let mut client = service.client();
    client.run("main", "CREATE TABLE t (id INT PRIMARY KEY, n INT)", &[]);
    client.run("main", "INSERT INTO t VALUES (1, 0)", &[]);
    (service, client)
}

#[test]
fn a_commit_lasts_and_a_rollback_does_not() {
    for shard in [mysql_shard("main"), sqlite_shard("main")] {
        let service = Running::new(vec![shard]);
        let mut client = service.client();
        client.run("main", "CREATE TABLE t (id INT PRIMARY KEY, n INT)", &[]);
        for (id, ends_well) in [(1, true), (2, false)] {
            let token = client.begin("main", BEGIN).unwrap();
            run_in(
                &mut client,
                &token,
                &format!("INSERT INTO t VALUES ({id}, 0)"),
            )
            .unwrap();
            let seen = run_in(&mut client, &token, "SELECT id FROM t").unwrap();
            assert!(seen.rows.is_some());
            match ends_well {
                true => client.commit(&token).unwrap(),
                false => client.rollback(&token).unwrap(),
            }
            let error = run_in(&mut client, &token, "SELECT 1").unwrap_err();
            assert_error(&error, ErrorCode::TRANSACTION_NOT_FOUND, "ended");
        }
        assert_eq!(client.texts("main", "SELECT id FROM t"), ["1"]);
    }
}

#[test]
fn it_is_rolled_back_when_its_session_ends() {
    let (service, mut client) = with_row(ServerConfig::default());
    let mut owner = service.client();
    let token = owner.begin("main", BEGIN).unwrap();
    run_in(&mut owner, &token, "UPDATE t SET n = 1").unwrap();
    let stolen = run_in(&mut client, &token, "SELECT 1").unwrap_err();
    assert_error(&stolen, ErrorCode::TRANSACTION_NOT_FOUND, "this session");
    drop(owner);
    // The row's lock is gone with it.
    let waited = client.run("main", "UPDATE t SET n = n + 10", &[]);
    assert_eq!(waited.affected_rows, 1);
    assert_eq!(client.texts("main", "SELECT n FROM t"), ["10"]);
}

#[test]
fn an_idle_one_expires_and_says_so_until_rolled_back() {
    let server = ServerConfig {
        transaction_idle_timeout: Duration::from_millis(100),
        ..ServerConfig::default()
    };
    let (_service, mut client) = with_row(server);
    let token = client.begin("main", BEGIN).unwrap();
    run_in(&mut client, &token, "UPDATE t SET n = 1").unwrap();
    wait_until("it is rolled back", || {
        let count = "SELECT COUNT(*) FROM information_schema.innodb_trx";
        let open: Option<u32> =
            mysql::prelude::Queryable::query_first(&mut direct(), count).unwrap();
        std::thread::sleep(Duration::from_millis(20));
        open == Some(0) || client.texts("main", "SELECT n FROM t FOR UPDATE") == ["0"]
    });
    let error = run_in(&mut client, &token, "SELECT 1").unwrap_err();
    assert_error(
        &error,
        ErrorCode::TRANSACTION_EXPIRED,
        "transaction_idle_timeout_ms (100)",
    );
    let error = data_error(client.commit(&token));
    assert_error(&error, ErrorCode::TRANSACTION_EXPIRED, "idle");
    assert_eq!(error.outcome, Some(Outcome::NOT_APPLIED));
    client.rollback(&token).unwrap();
    let error = data_error(client.rollback(&token));
    assert_error(&error, ErrorCode::TRANSACTION_NOT_FOUND, "ended");
    assert_eq!(client.texts("main", "SELECT n FROM t"), ["0"]);
}

#[test]
fn what_runs_past_the_total_limit_is_stopped() {
    let server = ServerConfig {
        transaction_idle_timeout: Duration::from_millis(300),
        transaction_timeout: Duration::from_millis(300),
        ..ServerConfig::default()
    };
    let (_service, mut client) = with_row(server);
    let token = client.begin("main", BEGIN).unwrap();
    run_in(&mut client, &token, "UPDATE t SET n = 1").unwrap();
    let error = run_in(&mut client, &token, "SELECT SLEEP(30) AS too_long").unwrap_err();
    let limit = "transaction_timeout_ms (300)";
    assert_error(&error, ErrorCode::TRANSACTION_EXPIRED, limit);
    assert_eq!(error.outcome, Some(Outcome::NOT_APPLIED));
    let error = run_in(&mut client, &token, "SELECT 1").unwrap_err();
    assert_error(&error, ErrorCode::TRANSACTION_EXPIRED, limit);
    wait_until("nothing of it runs", || running_like("too_long") == 0);
    assert_eq!(client.texts("main", "SELECT n FROM t"), ["0"]);
}

#[test]
fn a_token_of_another_instance_is_told_from_a_wrong_one() {
    let (_service, mut client) = with_row(ServerConfig::default());
    let (_other_service, mut other) = with_row(ServerConfig::default());
    let token = other.begin("main", BEGIN).unwrap();
    let error = run_in(&mut client, &token, "SELECT 1").unwrap_err();
    assert_error(&error, ErrorCode::TRANSACTION_NOT_FOUND, "another one");
    let error = run_in(&mut client, "made up", "SELECT 1").unwrap_err();
    assert_error(&error, ErrorCode::TRANSACTION_NOT_FOUND, "another one");
    other.rollback(&token).unwrap();
}

/// The lane of their own: as many as may, and the pool still serves the others.
#[test]
fn open_transactions_never_use_up_the_pool() {
    let mut shard = mysql_shard("main");
    shard.pool.max_connections = 3;
    shard.transactions_max = 2;
    let service = Running::new(vec![shard]);
    let mut client = service.client();
    let mut first = service.client();
    let mut second = service.client();
    let token = first.begin("main", BEGIN).unwrap();
    second.begin("main", BEGIN).unwrap();
    let mut hurried = service.client_within(Duration::from_millis(200));
    let error = data_error(hurried.begin("main", BEGIN));
    assert_error(&error, ErrorCode::QUEUE_TIMEOUT, "2 transactions");
    for _ in 0..20 {
        assert_eq!(client.texts("main", "SELECT 'free'"), ["free"]);
    }
    // One more begins as soon as one has ended.
    std::thread::scope(|scope| {
        let third = scope.spawn(|| service.client().begin("main", BEGIN));
        std::thread::sleep(Duration::from_millis(50));
        first.commit(&token).unwrap();
        third.join().unwrap().unwrap();
    });
    let connections = || {
        let count = "SELECT COUNT(*) FROM information_schema.processlist WHERE db = DATABASE()";
        client.texts("main", count)[0].parse::<u32>().unwrap()
    };
    assert!({ connections }() <= 3);
}

#[test]
fn a_dead_one_keeps_its_first_cause_and_no_connection() {
    let mut shard = mysql_shard("main");
    shard.pool.max_connections = 2;
    shard.transactions_max = 1;
    let service = Running::new(vec![shard]);
    let mut client = service.client();
    let token = client.begin("main", BEGIN).unwrap();
    let id = run_in(&mut client, &token, "SELECT CONNECTION_ID()").unwrap();
    let id = format!("{:?}", id.rows.unwrap().columns[0].data);
    let id: String = id.chars().filter(char::is_ascii_digit).skip(2).collect();
    mysql::prelude::Queryable::query_drop(&mut direct(), format!("KILL {id}")).unwrap();
    let error = run_in(&mut client, &token, "SELECT 1").unwrap_err();
    assert_error(&error, ErrorCode::CONNECTION_LOST, "lost");
    assert_eq!(error.retry_hint, Some(Retry::NO));
    for _ in 0..2 {
        let error = run_in(&mut client, &token, "SELECT 1").unwrap_err();
        assert_error(&error, ErrorCode::TRANSACTION_ABORTED, "lost");
    }
    let error = data_error(client.commit(&token));
    assert_error(&error, ErrorCode::TRANSACTION_ABORTED, "lost");
    // Its place is free, though it was not rolled back yet.
    let mut other = service.client();
    let second = other.begin("main", BEGIN).unwrap();
    other.commit(&second).unwrap();
    client.rollback(&token).unwrap();
    let error = run_in(&mut client, &token, "SELECT 1").unwrap_err();
    assert_error(&error, ErrorCode::TRANSACTION_NOT_FOUND, "ended");
}

#[test]
fn a_shard_without_room_for_transactions_says_so() {
    let mut shard = mysql_shard("main");
    shard.pool.max_connections = 1;
    shard.transactions_max = 0;
    let service = Running::new(vec![shard]);
    let error = data_error(service.client().begin("main", BEGIN));
    assert_error(
        &error,
        ErrorCode::STATEMENT_NOT_ALLOWED,
        "transactions_max is 0",
    );
}

/// A stop finishes what is in flight, and an open transaction is.
#[test]
fn a_stop_lets_a_transaction_end() {
    let (mut service, mut client) = with_row(ServerConfig::default());
    let mut idle = service.client();
    let token = client.begin("main", BEGIN).unwrap();
    run_in(&mut client, &token, "UPDATE t SET n = 1").unwrap();
    service.stop();
    wait_until("idle sessions are closed", || {
        idle.execute("main", "SELECT 1", vec![], ParamStyle::Native)
            .is_err()
    });
    let seen = run_in(&mut client, &token, "SELECT n FROM t").unwrap();
    assert_eq!(seen.rows.unwrap().row_count, 1);
    let error = client.fails("main", "SELECT 1", &[]);
    assert_error(&error, ErrorCode::DRAINING, "takes nothing new");
    client.commit(&token).unwrap();
    assert!(service.wait());
}

/// But not for ever.
#[test]
fn the_end_of_the_service_rolls_back() {
    let server = ServerConfig {
        drain_timeout: Duration::from_millis(200),
        ..ServerConfig::default()
    };
    let (service, mut client) = with_row(server);
    let mut check = direct();
    let database = client.texts("main", "SELECT DATABASE()")[0].clone();
    let token = client.begin("main", BEGIN).unwrap();
    run_in(&mut client, &token, "UPDATE t SET n = 1").unwrap();
    assert!(!service.wait());
    wait_until("its lock is gone", || {
        let sql = format!("UPDATE `{database}`.t SET n = 5 WHERE n = 0");
        mysql::prelude::Queryable::query_drop(&mut check, sql).unwrap();
        check.affected_rows() == 1
    });
}
