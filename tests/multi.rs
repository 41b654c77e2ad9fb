//! A multi end to end: items side by side, one deadline, one reply, and no way to
//! lock up the workers or take a shard from everybody.

use std::time::{Duration, Instant};

use forebay::config::ServerConfig;
use forebay::operation::{Batch, BatchMode, Operation, ParamStyle, Params, Statement, Step};
use forebay::rpc::generated::{ErrorCode, MultiOutcome, Outcome};
use forebay::rpc::{Client, ClientError, Policy};

use crate::support::*;

fn statement(sql: &str) -> Statement {
    Statement {
        sql: sql.to_owned(),
        params: Params::Absent,
        style: ParamStyle::Native,
    }
}

fn query<'s>(shard: &'s str, sql: &str) -> (&'s str, Operation) {
    (shard, Operation::Query(statement(sql)))
}

fn execute<'s>(shard: &'s str, sql: &str) -> (&'s str, Operation) {
    (shard, Operation::Execute(statement(sql)))
}

fn take(client: &mut Client, items: Vec<(&str, Operation)>) -> Vec<MultiOutcome> {
    client.multi(items, Policy::TakeWhatCame).unwrap()
}

/// How many rows a query's outcome has; None for an error.
fn row_count(outcome: &MultiOutcome) -> Option<i64> {
    outcome.query.as_ref()?.rows.as_ref()?.row_count
}

fn code(outcome: &MultiOutcome) -> Option<ErrorCode> {
    outcome.error.as_ref()?.code
}

/// Each call asks every shard, and there are many more calls than workers.
#[test]
fn more_multis_than_workers_all_come_through() {
    const CALLS: usize = 40;
    let server = ServerConfig {
        worker_threads_max: 2,
        ..ServerConfig::default()
    };
    let names = ["a", "b", "c", "d"];
    let mut shards: Vec<_> = names.iter().map(|name| mysql_shard(name)).collect();
    for shard in &mut shards {
        shard.pool.max_connections = 2;
    }
    let service = Running::with(server, shards);
    std::thread::scope(|scope| {
        for _ in 0..CALLS {
            scope.spawn(|| {
                let mut client = service.client();
                let items = names.map(|name| query(name, "SELECT SLEEP(0.005)"));
                let outcomes = take(&mut client, items.to_vec());
                let rows: Vec<_> = outcomes.iter().map(row_count).collect();
                assert_eq!(rows, [Some(1); 4], "{outcomes:?}");
            });
        }
    });
}

#[test]
fn what_missed_the_deadline_is_stopped_and_the_rest_arrives() {
    let service = Running::new(vec![mysql_shard("main"), sqlite_shard("embedded")]);
    let mut client = service.client_within(Duration::from_millis(700));
    let slow = "SELECT SLEEP(30) AS misses_it";
    let items = vec![
        query("main", "SELECT 1"),
        query("main", slow),
        query("embedded", "SELECT 1 UNION SELECT 2"),
        query("nowhere", "SELECT 1"),
    ];
    let outcomes = take(&mut client, items);
    assert_eq!(row_count(&outcomes[0]), Some(1));
    assert_eq!(code(&outcomes[1]), Some(ErrorCode::DEADLINE_EXCEEDED));
    assert_eq!(row_count(&outcomes[2]), Some(2));
    assert_eq!(code(&outcomes[3]), Some(ErrorCode::UNKNOWN_SHARD));
    wait_until("it is stopped", || running_like("misses_it") == 0);
    assert_eq!(client.texts("main", "SELECT 'next'"), ["next"]);
}

#[test]
fn the_first_error_stops_the_others() {
    let service = Running::new(vec![mysql_shard("a"), mysql_shard("b")]);
    let mut client = service.client();
    client.run("b", "CREATE TABLE t (n INT PRIMARY KEY)", &[]);
    let started = Instant::now();
    let items = vec![
        query("a", "SELECT SLEEP(30) AS to_be_stopped"),
        query("b", "SELECT * FROM missing"),
        query("a", "SELECT 1"),
    ];
    let error = match client.multi(items, Policy::FailOnFirstError) {
        Err(ClientError::Data(error)) => *error,
        other => panic!("no error: {other:?}"),
    };
    assert_error(&error, ErrorCode::SQL_ERROR, "missing");
    assert_eq!(error.item, Some(1));
    assert_eq!(error.outcome, Some(Outcome::NOT_APPLIED));
    assert!(started.elapsed() < TIMEOUT);
    wait_until("it is stopped", || running_like("to_be_stopped") == 0);
}

/// The first error may come before the row, while it is written, or after it.
#[test]
fn what_is_said_to_be_applied_is_and_what_is_not_is_not() {
    let service = Running::new(vec![mysql_shard("main")]);
    let mut client = service.client();
    client.run("main", "CREATE TABLE t (n INT PRIMARY KEY)", &[]);
    for number in 0..50 {
        let items = vec![
            execute("main", &format!("INSERT INTO t VALUES ({number})")),
            query("main", "SELECT * FROM missing"),
        ];
        let error = match client.multi(items, Policy::FailOnFirstError) {
            Err(ClientError::Data(error)) => *error,
            other => panic!("no error: {other:?}"),
        };
        let sql = format!("SELECT COUNT(*) FROM t WHERE n = {number}");
        let count = client.texts("main", &sql);
        match error.outcome {
            Some(Outcome::APPLIED) => assert_eq!(count, ["1"]),
            Some(Outcome::NOT_APPLIED) => assert_eq!(count, ["0"]),
            // It was stopped while it ran.
            other => assert_eq!(other, Some(Outcome::UNKNOWN)),
        }
    }
}

/// One call with many items leaves the shard's other callers their connections.
#[test]
fn one_call_does_not_take_a_pool_from_everybody() {
    let mut shard = mysql_shard("main");
    shard.pool.max_connections = 4;
    let service = Running::new(vec![shard]);
    std::thread::scope(|scope| {
        let many = scope.spawn(|| {
            let mut client = service.client();
            let items = vec![query("main", "SELECT SLEEP(0.3) AS one_of_many"); 8];
            take(&mut client, items)
        });
        wait_until("they run", || running_like("one_of_many") == 2);
        let mut other = service.client();
        for _ in 0..5 {
            assert_eq!(other.texts("main", "SELECT 'free'"), ["free"]);
            assert!(running_like("one_of_many") <= 2);
        }
        let outcomes = many.join().unwrap();
        assert!(outcomes.iter().all(|outcome| row_count(outcome) == Some(1)));
    });
}

/// All results of a call have one limit, and one that is over it fails alone.
#[test]
fn the_items_share_the_limit_on_bytes() {
    let server = ServerConfig {
        result_max_bytes: 100_000,
        multi_parallel_max: 1,
        ..ServerConfig::default()
    };
    let service = Running::with(server, vec![mysql_shard("main")]);
    let mut client = service.client();
    let wide = query("main", "SELECT REPEAT('x', 60000)");
    let outcomes = take(
        &mut client,
        vec![wide.clone(), wide, query("main", "SELECT 1")],
    );
    assert_eq!(row_count(&outcomes[0]), Some(1));
    assert_eq!(code(&outcomes[1]), Some(ErrorCode::RESULT_TOO_LARGE));
    assert_eq!(row_count(&outcomes[2]), Some(1));
}

#[test]
fn more_items_than_wait_on_a_shard_are_refused_one_by_one() {
    let mut shard = mysql_shard("main");
    shard.queue_max_requests = 1;
    shard.pool.max_connections = 1;
    let service = Running::new(vec![shard]);
    let mut blocker = service.client();
    std::thread::scope(|scope| {
        scope.spawn(|| blocker.texts("main", "SELECT SLEEP(1) AS blocks_it"));
        wait_until("it runs", || running_like("blocks_it") == 1);
        let mut waiter = service.client();
        scope.spawn(move || waiter.texts("main", "SELECT 'waits'"));
        std::thread::sleep(Duration::from_millis(100));
        let mut client = service.client();
        let outcomes = take(&mut client, vec![query("main", "SELECT 1"); 200]);
        let refused = outcomes
            .iter()
            .all(|outcome| code(outcome) == Some(ErrorCode::QUEUE_FULL));
        assert!(refused, "{outcomes:?}");
    });
}

/// The deadline may pass at any moment, also while the items are being queued.
#[test]
fn every_item_has_an_outcome_whenever_the_deadline_passes() {
    const ITEMS: usize = 10_000;
    let server = ServerConfig {
        multi_items_max: ITEMS,
        // So many errors take a busy machine a while to write.
        reply_grace: TIMEOUT,
        ..ServerConfig::default()
    };
    let service = Running::with(server, vec![sqlite_shard("embedded")]);
    for timeout_ms in (10..200).step_by(20) {
        let mut client = service.client_within(Duration::from_millis(timeout_ms));
        let items = vec![query("embedded", "SELECT 1"); ITEMS];
        match client.multi(items, Policy::TakeWhatCame) {
            Ok(outcomes) => assert_eq!(outcomes.len(), ITEMS, "{timeout_ms} ms"),
            Err(ClientError::Data(error)) => {
                assert_eq!(
                    error.code,
                    Some(ErrorCode::QUEUE_TIMEOUT),
                    "{timeout_ms} ms"
                );
            }
            Err(ClientError::Transport(error)) => panic!("{timeout_ms} ms: {error}"),
        }
    }
}

fn batch<'s>(shard: &'s str, mode: BatchMode, steps: &[&str]) -> (&'s str, Operation) {
    let step = |sql: &&str| Step {
        statement: statement(sql),
        rows: None,
        condition: None,
    };
    let steps = steps.iter().map(step).collect();
    (shard, Operation::Batch(Batch { mode, steps }))
}

#[test]
fn the_step_that_failed_is_told_in_the_items_outcome() {
    let service = Running::new(vec![sqlite_shard("embedded")]);
    let mut client = service.client();
    let failing = batch(
        "embedded",
        BatchMode::Atomic,
        &["SELECT 1", "SELECT * FROM missing"],
    );
    let outcomes = take(&mut client, vec![failing.clone()]);
    assert_eq!(outcomes[0].error.as_ref().unwrap().item, Some(1));
    let error = match client.multi(vec![failing], Policy::FailOnFirstError) {
        Err(ClientError::Data(error)) => *error,
        other => panic!("no error: {other:?}"),
    };
    assert_eq!(error.item, Some(0));
}

/// A batch has an answer although none of its steps did anything.
#[test]
fn what_did_nothing_does_not_count_as_applied() {
    let server = ServerConfig {
        multi_parallel_max: 1,
        ..ServerConfig::default()
    };
    let service = Running::with(server, vec![sqlite_shard("embedded")]);
    let items = vec![
        batch(
            "embedded",
            BatchMode::Each,
            &["INSERT INTO missing VALUES (1)"],
        ),
        query("embedded", "SELECT * FROM missing"),
    ];
    let error = match service.client().multi(items, Policy::FailOnFirstError) {
        Err(ClientError::Data(error)) => *error,
        other => panic!("no error: {other:?}"),
    };
    assert_eq!(error.item, Some(1));
    assert_eq!(error.outcome, Some(Outcome::NOT_APPLIED));
}
