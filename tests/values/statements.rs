//! Prepared statements as the server sees them: which are, and for how long.

use forebay::config::{ShardConfig, StatementPath};
use forebay::operation::{Batch, BatchMode, ParamStyle, Params, Statement, Step};
use forebay::rpc::Client;
use forebay::rpc::generated::{StepResult, StepStatus};
use forebay::value::{ColumnData, Value};

use crate::support::*;

const DISTINCT_STATEMENTS: usize = 100_000;

/// Of them in one call.
const STEPS: usize = 1_000;

/// What the connections of all other tests may keep at the same time.
const OF_OTHER_TESTS: i64 = 2_000;

fn status(client: &mut Client, scope: &str, name: &str) -> i64 {
    let rows = client.run("main", &format!("SHOW {scope} STATUS LIKE '{name}'"), &[]);
    let data = rows.rows.unwrap().columns.remove(1).data;
    let ColumnData::Strings(values) = data else {
        panic!("no text");
    };
    values.get_str(0).unwrap().parse().unwrap()
}

fn prepared_shard() -> ShardConfig {
    let mut shard = mysql_shard("main");
    target(&mut shard).statements = StatementPath::Prepared;
    shard.pool.max_connections = 1;
    shard
}

fn distinct(number: usize) -> Step {
    Step {
        statement: Statement {
            sql: format!("SELECT {number} FROM DUAL WHERE 1 = ?"),
            params: Params::Positional(vec![Value::Int(1)]),
            style: ParamStyle::Native,
        },
        rows: None,
        condition: None,
    }
}

#[test]
fn statements_are_closed_on_the_server() {
    let service = Running::new(vec![prepared_shard()]);
    let mut client = service.client();
    let before = status(&mut client, "SESSION", "Com_stmt_execute");
    for first in (0..DISTINCT_STATEMENTS).step_by(STEPS) {
        let batch = Batch {
            mode: BatchMode::Each,
            steps: (first..first + STEPS).map(distinct).collect(),
        };
        let result = client.batch("main", batch).unwrap();
        let done = |step: &StepResult| step.status == Some(StepStatus::DONE);
        assert!(result.steps.unwrap().iter().all(done));
        let count = status(&mut client, "GLOBAL", "Prepared_stmt_count");
        assert!(count < OF_OTHER_TESTS, "{count} after {first}");
    }
    for length in 1..=500 {
        let list = Value::List((0..length).map(Value::Int).collect());
        let sum = client.run(
            "main",
            "SELECT COUNT(*) FROM seq_0_to_999 WHERE seq IN (?)",
            &[list],
        );
        let count = ColumnData::Int64s(vec![length]);
        assert_eq!(sum.rows.unwrap().columns[0].data, count);
    }
    let count = status(&mut client, "GLOBAL", "Prepared_stmt_count");
    assert!(count < OF_OTHER_TESTS, "{count}");
    let executed = status(&mut client, "SESSION", "Com_stmt_execute") - before;
    assert_eq!(executed, DISTINCT_STATEMENTS as i64 + 500);
}

/// The answer is that of the text, and PREPARE is not tried again.
#[test]
fn what_is_not_prepared_goes_as_text() {
    let service = Running::new(vec![prepared_shard()]);
    let mut client = service.client();
    client.run("main", "CREATE TABLE t (n INT, b BLOB)", &[]);
    let mut tried = |sql: &str, params: &[Value]| {
        let before = status(&mut client, "SESSION", "Com_stmt_prepare");
        for _ in 0..3 {
            client
                .execute("main", sql, params.to_vec(), ParamStyle::Native)
                .ok();
        }
        let prepared = status(&mut client, "SESSION", "Com_stmt_prepare");
        let last = client.execute("main", sql, params.to_vec(), ParamStyle::Native);
        (prepared - before, last.map_err(|error| error.to_string()))
    };
    // No placeholder may stand there, and a literal may.
    let (tries, shown) = tried("SHOW TABLES LIKE ?", &[text("t")]);
    assert_eq!((tries, shown.unwrap().rows.unwrap().row_count), (0, 1));
    let (tries, alias) = tried("SELECT 1 AS ?", &[text("named")]);
    assert_eq!(alias.unwrap().rows.unwrap().columns[0].name, "named");
    assert_eq!(tries, 0);
    let (tries, bytes) = tried("INSERT INTO t (b) VALUES (?)", &[Value::Bytes(vec![255])]);
    assert_eq!((tries, bytes.unwrap().affected_rows), (0, 1));
    // The driver would take `:name` for a parameter of its own.
    let (_, odd) = tried("SELECT ? -- :name", &[Value::Int(5)]);
    assert_eq!(odd.unwrap().rows.unwrap().row_count, 1);
    let (_, wrong) = tried("SELECT ? FROM nothing", &[Value::Int(5)]);
    assert!(wrong.unwrap_err().contains("doesn't exist"));
    let (tries, _) = tried("SELECT n FROM t WHERE n = ?", &[Value::Int(5)]);
    assert_eq!(tries, 1);
}

/// A reset closes the statements, and a table that has changed is described anew.
#[test]
fn prepared_statements_survive_what_happens_around_them() {
    let service = Running::new(vec![prepared_shard()]);
    let mut client = service.client();
    client.run("main", "CREATE TABLE t (n INT, PRIMARY KEY (n))", &[]);
    client.run("main", "INSERT INTO t VALUES (1)", &[]);
    let select = "SELECT * FROM t WHERE n = ?";
    for round in 0..3 {
        let rows = client.run("main", select, &[Value::Int(1)]).rows.unwrap();
        assert_eq!((rows.columns.len(), rows.row_count), (round + 1, 1));
        client.run("main", "SELECT @dirty := 1", &[]);
        let rows = client.run("main", select, &[Value::Int(1)]).rows.unwrap();
        assert_eq!((rows.columns.len(), rows.row_count), (round + 1, 1));
        let error = client.fails("main", "INSERT INTO t (n) VALUES (?)", &[Value::Int(1)]);
        assert_eq!(error.mysql_errno, Some(1062));
        client.run(
            "main",
            &format!("ALTER TABLE t ADD c{round} VARCHAR(9)"),
            &[],
        );
    }
}
