//! What a load reads and writes: rows that prove which they are, and writes that
//! can be looked for afterwards.

use std::collections::HashSet;
use std::slice::from_ref;

use forebay::operation::{Batch, BatchMode, Operation, ParamStyle, Statement};
use forebay::rpc::generated::Outcome;
use forebay::rpc::{Client, ClientError, Policy};
use forebay::value::{ColumnData, Rows, Value};
use mysql::prelude::Queryable;

use super::load::Call;
use super::server::Mariadb;
use super::shard::{statement, step};

/// Rows that are read.
const KEYS: i64 = 100;

/// Its first column is the key, the second its proof as it is stored, and the
/// third as it must be.
const READ: &str = "SELECT id, proof, MD5(?) FROM proven WHERE id = ?";

pub fn make_tables(database: &Mariadb) {
    database.run("CREATE TABLE proven (id INT PRIMARY KEY, proof CHAR(32)) ENGINE=InnoDB");
    database.run(&format!(
        "INSERT INTO proven SELECT seq, MD5(seq) FROM seq_1_to_{KEYS}"
    ));
    database.run("CREATE TABLE written (id BIGINT PRIMARY KEY) ENGINE=InnoDB");
}

/// Reads one row, or two side by side.
pub fn read(client: &mut Client, id: i64) -> Result<(), ClientError> {
    let key = id % KEYS + 1;
    let values = |key| vec![Value::Int(key), Value::Int(key)];
    if id % 4 != 0 {
        let rows = client.query("main", READ, values(key), ParamStyle::Native)?;
        prove(&rows, key);
        return Ok(());
    }
    let keys = [key, KEYS + 1 - key];
    let item = |key| {
        let statement: Statement = statement(READ, &values(key));
        ("main", Operation::Query(statement))
    };
    let items = keys.into_iter().map(item).collect();
    let outcomes = client.multi(items, Policy::TakeWhatCame)?;
    for (outcome, key) in outcomes.into_iter().zip(keys) {
        if let Some(error) = outcome.error {
            return Err(ClientError::Data(Box::new(error)));
        }
        let rows = outcome.query.and_then(|result| result.rows);
        prove(&rows.expect("rows").into(), key);
    }
    Ok(())
}

fn prove(rows: &Rows, key: i64) {
    assert_eq!(rows.row_count, 1, "{rows:?}");
    let text = |column: usize| match &rows.columns[column].data {
        ColumnData::Int64s(values) => values[0].to_string(),
        ColumnData::Strings(values) => values.get_str(0).unwrap().to_owned(),
        other => panic!("{other:?}"),
    };
    assert_eq!(text(0), key.to_string(), "another's row");
    assert_eq!(text(1), text(2), "another's row");
}

/// Writes two rows in one of the ways that there are; each is all or nothing.
pub fn write(client: &mut Client, id: i64) -> Result<(), ClientError> {
    let values = [Value::Int(id), Value::Int(-id)];
    let added = match id % 3 {
        0 => {
            let sql = "INSERT INTO written (id) VALUES (?), (?)";
            let done = client.execute("main", sql, values.to_vec(), ParamStyle::Native)?;
            done.affected_rows
        }
        1 => {
            let rows = values.map(|value| vec![value]).to_vec();
            client.insert("main", "written", &["id"], rows)?
        }
        _ => {
            let sql = "INSERT INTO written (id) VALUES (?)";
            let steps = values.iter().map(|value| step(sql, from_ref(value)));
            let batch = Batch {
                mode: BatchMode::Atomic,
                steps: steps.collect(),
            };
            let done = client.batch("main", batch)?.steps.unwrap_or_default();
            done.iter().filter(|step| step.result.is_some()).count() as i64
        }
    };
    assert_eq!(added, 2, "in way {}", id % 3);
    Ok(())
}

/// What was said of each write is so; it may be in any of the databases.
#[track_caller]
pub fn assert_outcomes_are_true(calls: &[Call], databases: &[&Mariadb]) {
    let written = |database: &&Mariadb| -> Vec<i64> {
        database.direct().query("SELECT id FROM written").unwrap()
    };
    let there: HashSet<i64> = databases.iter().flat_map(written).collect();
    for call in calls {
        let Some(id) = call.writes else { continue };
        let said = match &call.failure {
            None => Outcome::APPLIED,
            Some(failure) => failure.outcome.unwrap_or(Outcome::UNKNOWN),
        };
        let is_there = there.contains(&id);
        assert_eq!(is_there, there.contains(&-id), "half is there: {call:?}");
        match said {
            Outcome::APPLIED => assert!(is_there, "not there: {call:?}"),
            Outcome::NOT_APPLIED => assert!(!is_there, "there: {call:?}"),
            _ => {}
        }
    }
}
