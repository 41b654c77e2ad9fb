//! `forebay query --all-shards` against the service itself.

use std::process::Output;

use serde_json::json;

use crate::program::{Serving, stderr, stdout};
use crate::support::*;

/// Five shards and two items in a multi, so that it takes three calls.
fn serving() -> Serving {
    let sqlite = |name| format!("[shards.{name}]\nurl = \"sqlite::memory:\"\n");
    let shards: String = ["a", "b", "c", "d"].into_iter().map(sqlite).collect();
    let (port, database) = (mysql_port(), new_database());
    let mysql = format!("[shards.real]\nurl = \"mysql://root@127.0.0.1:{port}/{database}\"\n");
    let text = format!("[server]\nmulti_items_max = 2\n{shards}{mysql}");
    Serving::new(&text, &[])
}

fn all(serving: &Serving, format: &str, sql: &str, params: &[&str]) -> Output {
    let args = ["--all-shards", "--format", format, sql];
    serving.query(&[&args, params].concat())
}

fn well(output: &Output) -> String {
    assert_eq!(output.status.code(), Some(0), "{}", stderr(output));
    assert_eq!(stderr(output), "");
    stdout(output)
}

#[test]
fn every_shard_answers() {
    let serving = serving();
    let names = ["a", "b", "c", "d", "real"];
    let sql = "SELECT ? + 1 AS n, ? AS t";
    let csv = well(&all(&serving, "csv", sql, &["6", "x,y"]));
    let line = |name| format!("{name},7,\"x,y\"\r\n");
    let lines: String = names.into_iter().map(line).collect();
    assert_eq!(csv, format!("shard,n,t\r\n{lines}"));

    let shown = well(&all(&serving, "json", sql, &["6", "x,y"]));
    let shown: serde_json::Value = serde_json::from_str(&shown).unwrap();
    let row = json!([{"n": 7, "t": "x,y"}]);
    let expected: serde_json::Map<_, _> = names
        .into_iter()
        .map(|name| (name.to_owned(), row.clone()))
        .collect();
    assert_eq!(shown, serde_json::Value::Object(expected));

    let table = well(&all(&serving, "table", sql, &["6", "x,y"]));
    let places = names.map(|name| table.find(&format!("{name}:\n| n | t   |\n")));
    assert!(
        places.iter().all(Option::is_some) && places.is_sorted(),
        "{table}"
    );
}

#[test]
fn every_shard_is_written_to() {
    let serving = serving();
    let create = "CREATE TABLE t (id INTEGER PRIMARY KEY)";
    well(&all(&serving, "table", create, &[]));
    let csv = well(&all(
        &serving,
        "csv",
        "INSERT INTO t VALUES (?), (?)",
        &["1", "2"],
    ));
    let affected: Vec<_> = csv.lines().map(|line| line.split(',').nth(1)).collect();
    let expected = ["affected_rows", "2", "2", "2", "2", "2"].map(Some);
    assert_eq!(affected, expected, "{csv}");
    let count = well(&all(&serving, "csv", "SELECT COUNT(*) AS n FROM t", &[]));
    assert_eq!(count, "shard,n\r\na,2\r\nb,2\r\nc,2\r\nd,2\r\nreal,2\r\n");
}

#[test]
fn a_shard_that_fails_is_told_and_the_others_are_printed() {
    let serving = serving();
    for shard in ["a", "b", "d", "real"] {
        let create = serving.query(&["--shard", shard, "CREATE TABLE t (id INTEGER)"]);
        assert_eq!(create.status.code(), Some(0), "{}", stderr(&create));
    }
    let output = all(&serving, "json", "SELECT id FROM t", &[]);
    assert_eq!(output.status.code(), Some(1));
    let shown: serde_json::Value = serde_json::from_str(&stdout(&output)).unwrap();
    for shard in ["a", "b", "d", "real"] {
        assert_eq!(shown[shard], json!([]), "{shown}");
    }
    assert_eq!(shown["c"]["error"]["code"], "SQL_ERROR", "{shown}");
    let message = shown["c"]["error"]["message"].as_str().unwrap();
    assert!(message.contains("no such table"), "{message}");
    let told = stderr(&output);
    let lines: Vec<_> = told.lines().collect();
    assert_eq!(lines.len(), 2, "{told}");
    assert!(lines[0].starts_with("c: SQL_ERROR"), "{told}");
    assert!(lines[0].contains(message), "{told}");
    assert_eq!(lines[1], "forebay: 1 of 5 shards failed");

    let csv = all(&serving, "csv", "SELECT id FROM t", &[]);
    assert_eq!(csv.status.code(), Some(1));
    assert_eq!(stdout(&csv), "shard,id\r\n");
    let table = stdout(&all(&serving, "table", "SELECT id FROM t", &[]));
    assert!(table.contains("\nc:\nSQL_ERROR"), "{table}");
}

#[test]
fn csv_needs_the_same_columns_everywhere() {
    let serving = serving();
    for shard in ["a", "b", "c", "d", "real"] {
        let column = if shard == "d" { "other" } else { "id" };
        let create = format!("CREATE TABLE t ({column} INTEGER)");
        serving.query(&["--shard", shard, &create]);
    }
    let output = all(&serving, "csv", "SELECT * FROM t", &[]);
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(stdout(&output), "");
    let told = stderr(&output);
    for part in ["`a` has id", "`d` has other", "--format json"] {
        assert!(told.contains(part), "{part} is not in {told}");
    }
}
