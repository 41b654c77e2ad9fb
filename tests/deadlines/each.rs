//! Whatever takes too long ends at its deadline, and is stopped on the database;
//! the outcome that is told is true; and who uses the connections next is not hit.

use std::time::{Duration, Instant};

use forebay::config::ShardConfig;
use forebay::operation::{Access, Batch, BatchMode, Begin, Operation, ParamStyle};
use forebay::rpc::generated::{DataError, ErrorCode, Outcome, Phase};
use forebay::rpc::{Client, ClientError, Policy};
use forebay::value::Value;
use mysql::prelude::Queryable;

use super::{SHORT, prompt_end};
use crate::support::shard::{statement, step};
use crate::support::*;

/// What a late end is given on a busy machine.
const GRACE: Duration = Duration::from_secs(1);

/// Connections of the shard.
const POOL: u32 = 2;

fn shard() -> (ShardConfig, String) {
    let mut shard = mysql_shard("main");
    shard.pool.max_connections = POOL;
    let database = target(&mut shard).database.clone().unwrap();
    (shard, database)
}

/// Runs what takes too long: it is told at its deadline, neither before nor long
/// after, and nothing of it runs then.
#[track_caller]
fn ends_late<T: std::fmt::Debug>(
    what: &str,
    ask: impl FnOnce() -> Result<T, ClientError>,
) -> DataError {
    let began = Instant::now();
    let result = ask();
    let ended = Instant::now();
    let error = match result {
        Err(ClientError::Data(error)) => *error,
        other => panic!("{what}: not a DataError: {other:?}"),
    };
    assert_error(&error, ErrorCode::DEADLINE_EXCEEDED, "is being stopped");
    let took = ended - began;
    assert!(took >= SHORT && took < SHORT + GRACE, "{what}: {took:?}");
    println!("{what}: told {:?} after its deadline", took - SHORT);
    prompt_end(what, what, ended);
    error
}

/// Hundreds of statements of others on the same few connections.
fn others_are_not_hit(service: &Running, database: &str) {
    std::thread::scope(|scope| {
        for _ in 0..POOL {
            scope.spawn(|| {
                let mut client = service.client();
                for number in 0..150 {
                    let rows = client.run("main", "SELECT ? + 0", &[Value::Int(number)]);
                    let rows = rows.rows.unwrap();
                    let back = forebay::value::ColumnData::Int64s(vec![number]);
                    assert_eq!(rows.columns[0].data, back);
                }
            });
        }
    });
    // Those that were killed have gone, and no more than the pool may have came.
    let count = "SELECT COUNT(*) FROM information_schema.processlist WHERE db = ?";
    let mut direct = direct();
    wait_until("the connections are no more than the pool's", || {
        let connections: Option<u32> = direct.exec_first(count, (database,)).unwrap();
        connections <= Some(POOL)
    });
}

#[test]
fn reads_that_take_too_long() {
    let (shard, database) = shard();
    let service = Running::new(vec![shard]);
    let mut client = service.client_within(SHORT);
    service.client().run("main", "SELECT 1", &[]);
    let numbers = "seq_1_to_1000000";
    for (what, sql) in [
        ("late_sleep", "SELECT SLEEP(30)".to_owned()),
        (
            "late_benchmark",
            "SELECT BENCHMARK(10000000000, SHA2('x', 512))".to_owned(),
        ),
        (
            "late_join",
            format!("SELECT COUNT(*) FROM {numbers} a, {numbers} b WHERE a.seq * b.seq % 7 = 9"),
        ),
    ] {
        let marked = format!("{sql} AS {what}");
        let sql = match what {
            "late_join" => format!("{sql} AND '{what}' <> ''"),
            _ => marked,
        };
        for function in ["query", "execute"] {
            let error = ends_late(what, || match function {
                "query" => client.query_one("main", &sql),
                _ => client
                    .execute("main", &sql, vec![], ParamStyle::Native)
                    .map(drop),
            });
            assert_eq!(error.outcome, Some(Outcome::NOT_APPLIED), "{what}");
            assert_eq!(error.phase, Some(Phase::EXECUTE), "{what}");
            others_are_not_hit(&service, &database);
        }
    }
}

trait QueryOne {
    fn query_one(&mut self, shard: &str, sql: &str) -> Result<(), ClientError>;
}

impl QueryOne for Client {
    /// A query as an item of its own, since the client has no other way.
    fn query_one(&mut self, shard: &str, sql: &str) -> Result<(), ClientError> {
        let query = Operation::Query(statement(sql, &[]));
        let outcomes = self.multi(vec![(shard, query)], Policy::FailOnFirstError)?;
        assert_eq!(outcomes.len(), 1);
        Ok(())
    }
}

/// Somebody else holds what they need.
#[test]
fn writes_that_wait_for_locks() {
    let (shard, database) = shard();
    let service = Running::new(vec![shard]);
    let mut calm = service.client();
    calm.run(
        "main",
        "CREATE TABLE t (id INT PRIMARY KEY, n INT) ENGINE=InnoDB",
        &[],
    );
    calm.run("main", "INSERT INTO t VALUES (1, 0)", &[]);
    let mut client = service.client_within(SHORT);
    let mut holder = direct();
    for (what, held, sql) in [
        (
            "late_row_lock",
            format!("UPDATE {database}.t SET n = 7 WHERE id = 1"),
            "UPDATE t SET n = 9 WHERE id = 1 AND 'late_row_lock' <> ''",
        ),
        (
            "late_metadata_lock",
            format!("SELECT * FROM {database}.t"),
            "ALTER TABLE t ADD COLUMN late_metadata_lock INT",
        ),
    ] {
        holder.query_drop("BEGIN").unwrap();
        holder.query_drop(held).unwrap();
        let error = ends_late(what, || {
            client.execute("main", sql, vec![], ParamStyle::Native)
        });
        assert_eq!(error.outcome, Some(Outcome::UNKNOWN), "{what}");
        others_are_not_hit(&service, &database);
        holder.query_drop("ROLLBACK").unwrap();
        // Nor is it done now that the lock could be had.
        let row = calm.run("main", "SELECT * FROM t", &[]).rows.unwrap();
        assert_eq!(row.columns.len(), 2, "{what}");
        assert_eq!(calm.texts("main", "SELECT n FROM t"), ["0"], "{what}");
    }
}

#[test]
fn what_is_late_within_a_transaction_ends_it() {
    let (shard, database) = shard();
    let service = Running::new(vec![shard]);
    let mut calm = service.client();
    calm.run("main", "CREATE TABLE t (n INT PRIMARY KEY)", &[]);
    let mut client = service.client_within(SHORT);
    let begin = Begin {
        isolation: None,
        access: Access::ReadWrite,
    };
    let token = client.begin("main", begin).unwrap();
    let within =
        |client: &mut Client, sql: &str| client.execute_in(&token, sql, vec![], ParamStyle::Native);
    within(&mut client, "INSERT INTO t VALUES (1)").unwrap();
    ends_late("late_within", || {
        within(&mut client, "SELECT SLEEP(30) AS late_within")
    });
    let error = client.commit(&token).unwrap_err().to_string();
    assert!(error.starts_with("TRANSACTION_ABORTED"), "{error}");
    others_are_not_hit(&service, &database);
    // Its lock is gone as well.
    calm.run("main", "INSERT INTO t VALUES (1)", &[]);
}

#[test]
fn a_batch_ends_in_its_middle() {
    let (shard, database) = shard();
    let service = Running::new(vec![shard]);
    let mut calm = service.client();
    calm.run("main", "CREATE TABLE t (n INT)", &[]);
    let mut client = service.client_within(SHORT);
    let steps = vec![
        step("INSERT INTO t VALUES (1)", &[]),
        step("INSERT INTO t SELECT SLEEP(30) AS late_step", &[]),
        step("INSERT INTO t VALUES (3)", &[]),
    ];
    let error = ends_late("late_step", || {
        let mode = BatchMode::Atomic;
        client.batch("main", Batch { mode, steps })
    });
    assert_eq!(error.item, Some(1));
    assert_ne!(error.outcome, Some(Outcome::APPLIED));
    others_are_not_hit(&service, &database);
    assert_eq!(calm.texts("main", "SELECT COUNT(*) FROM t"), ["0"]);
}

/// One item is in time, one late, and one had no turn by then.
#[test]
fn items_of_a_multi_end_at_its_deadline() {
    let mut shard = shard();
    shard.0.pool.max_connections = 2;
    let service = Running::new(vec![shard.0]);
    let mut calm = service.client();
    calm.run("main", "CREATE TABLE t (n INT)", &[]);
    let mut client = service.client_within(SHORT);
    let item = |sql: &str| ("main", Operation::Execute(statement(sql, &[])));
    let items = vec![
        item("INSERT INTO t VALUES (1)"),
        item("INSERT INTO t SELECT SLEEP(30) AS late_item"),
        item("INSERT INTO t VALUES (3)"),
    ];
    let began = Instant::now();
    let outcomes = client.multi(items, Policy::TakeWhatCame).unwrap();
    let took = began.elapsed();
    assert!(took >= SHORT && took < SHORT + GRACE, "{took:?}");
    prompt_end("late_item", "late_item", Instant::now());
    let errors: Vec<_> = outcomes.iter().map(|outcome| &outcome.error).collect();
    let late = errors[1].as_ref().unwrap();
    assert_error(late, ErrorCode::DEADLINE_EXCEEDED, "is being stopped");
    assert_eq!(late.outcome, Some(Outcome::UNKNOWN));
    // Each of the others was done if, and only if, it says so.
    let done = |outcome: &Option<DataError>| match outcome {
        None => true,
        Some(error) => {
            assert_eq!(error.outcome, Some(Outcome::NOT_APPLIED));
            false
        }
    };
    for (index, number) in [(0, 1), (2, 3)] {
        let count = format!("SELECT COUNT(*) FROM t WHERE n = {number}");
        let found = calm.texts("main", &count)[0] == "1";
        assert_eq!(found, done(errors[index]), "item {index}");
    }
}
