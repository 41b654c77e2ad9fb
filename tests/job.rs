//! The job, end to end: what a PyMySQL program did, on both kinds of shard.

use forebay::rpc::Client;
use forebay::rpc::generated::{ErrorCode, InsertRequest, Options, Outcome, TForebaySyncClient};
use forebay::value::{ColumnData, Value};

use crate::support::*;

const CREATE_USERS_MYSQL: &str = "CREATE TABLE users (id BIGINT UNSIGNED AUTO_INCREMENT \
     PRIMARY KEY, username VARCHAR(64) NOT NULL UNIQUE, password VARBINARY(200))";
const CREATE_USERS_SQLITE: &str = "CREATE TABLE users (id INTEGER PRIMARY KEY AUTOINCREMENT, \
     username TEXT NOT NULL UNIQUE, password BLOB)";

/// A service with the table `users` on a shard `mysql` and on a shard `sqlite`.
fn users() -> (Running, Client) {
    let service = Running::new(vec![mysql_shard("mysql"), sqlite_shard("sqlite")]);
    let mut client = service.client();
    client.run("mysql", CREATE_USERS_MYSQL, &[]);
    client.run("sqlite", CREATE_USERS_SQLITE, &[]);
    (service, client)
}

const INSERT: &str = "INSERT INTO users (username, password) VALUES (?, ?)";

#[test]
fn insert_delete_and_select() {
    let (_service, mut client) = users();
    for shard in ["mysql", "sqlite"] {
        let inserted = client.run(shard, INSERT, &[text("ada"), Value::Bytes(vec![0, 39, 92])]);
        assert_eq!((inserted.affected_rows, inserted.insert_id), (1, 1));
        let inserted = client.run(shard, INSERT, &[text("bob"), Value::Null]);
        assert_eq!((inserted.affected_rows, inserted.insert_id), (1, 2));

        let select = "SELECT id, username, password FROM users WHERE id IN (?) ORDER BY id";
        let ids = Value::List(vec![Value::Int(1), Value::Int(2)]);
        let rows = client.run(shard, select, &[ids]).rows.unwrap();
        assert_eq!(rows.columns[0].data, ColumnData::Int64s(vec![1, 2]));
        let names = vec!["ada".to_owned(), "bob".to_owned()];
        assert_eq!(
            rows.columns[1].data,
            ColumnData::Strings(names.into_iter().collect())
        );
        let passwords = vec![vec![0, 39, 92], vec![]];
        assert_eq!(
            rows.columns[2].data,
            ColumnData::Blobs(passwords.into_iter().collect())
        );
        assert_eq!(rows.columns[2].nulls, [0b10]);

        let deleted = client.run(shard, "DELETE FROM users WHERE id=?", &[Value::Int(1)]);
        assert_eq!((deleted.affected_rows, deleted.insert_id), (1, 0));
        let again = client.run(shard, "DELETE FROM users WHERE id=?", &[Value::Int(1)]);
        assert_eq!(again.affected_rows, 0);
    }
}

#[test]
fn a_read_sees_what_others_committed() {
    use mysql::prelude::Queryable;
    let mut shard = mysql_shard("main");
    let database = target(&mut shard).database.clone().unwrap();
    let service = Running::new(vec![shard]);
    let mut client = service.client();
    client.run("main", "CREATE TABLE t (n INT)", &[]);
    let mut other = direct();
    for n in 1..=3 {
        other
            .query_drop(format!("INSERT INTO {database}.t VALUES ({n})"))
            .unwrap();
        assert_eq!(
            client.texts("main", "SELECT COUNT(*) FROM t"),
            [n.to_string()]
        );
    }
}

#[test]
fn an_error_of_the_database_keeps_its_number() {
    let (_service, mut client) = users();
    client.run("mysql", INSERT, &[text("ada"), Value::Null]);
    let twice = client.fails("mysql", INSERT, &[text("ada"), Value::Null]);
    assert_error(&twice, ErrorCode::DUPLICATE_KEY, "Duplicate entry");
    assert_eq!(twice.mysql_errno, Some(1062));
    assert_eq!(twice.sqlstate.as_deref(), Some("23000"));
    assert_eq!(twice.outcome, Some(Outcome::NOT_APPLIED));
    let missing = client.fails("mysql", "SELECT * FROM nothing", &[]);
    assert_error(&missing, ErrorCode::SQL_ERROR, "doesn't exist");
    assert_eq!(missing.mysql_errno, Some(1146));
    assert_eq!(missing.sqlstate.as_deref(), Some("42S02"));
    let null = client.fails("mysql", INSERT, &[Value::Null, Value::Null]);
    assert_error(&null, ErrorCode::CONSTRAINT, "cannot be null");

    client.run("sqlite", INSERT, &[text("ada"), Value::Null]);
    let twice = client.fails("sqlite", INSERT, &[text("ada"), Value::Null]);
    assert_error(&twice, ErrorCode::DUPLICATE_KEY, "UNIQUE constraint failed");
    assert_eq!(twice.mysql_errno, Some(-2067));
    let null = client.fails("sqlite", INSERT, &[Value::Null, Value::Null]);
    assert_error(&null, ErrorCode::CONSTRAINT, "NOT NULL");
}

fn insert_of(shard: &str, names: impl IntoIterator<Item = String>) -> InsertRequest {
    use forebay::rpc::generated::Value as Wire;
    let row = |name: String| vec![Wire::Text(name), Wire::Bytes(vec![0xff; 100])];
    InsertRequest {
        shard: Some(shard.to_owned()),
        table: Some("users".to_owned()),
        columns: Some(vec!["username".to_owned(), "password".to_owned()]),
        rows: Some(names.into_iter().map(row).collect()),
        mode: None,
        database: None,
        options: Some(Options {
            transaction: None,
            warnings_max: None,
            idempotent: None,
            result_layout: None,
            timeout_ms: Some(30_000),
            request_id: Some("bulk-1".to_owned()),
            max_rows: None,
        }),
    }
}

#[test]
fn a_bulk_insert_takes_few_statements() {
    let (_service, mut client) = users();
    for (shard, statements) in [("mysql", 3), ("sqlite", 1)] {
        let names = (0..10_000).map(|number| format!("user{number}"));
        let result = client.stubs().insert(insert_of(shard, names)).unwrap();
        assert_eq!(result.affected_rows, Some(10_000), "{shard}");
        assert!(
            result.statements.unwrap() <= statements,
            "{shard}: {:?}",
            result.statements
        );
        assert_eq!(result.first_insert_id, Some(1), "{shard}");
        assert_eq!(result.header.unwrap().request_id.as_deref(), Some("bulk-1"));
        assert_eq!(client.texts(shard, "SELECT COUNT(*) FROM users"), ["10000"]);
    }
}

#[test]
fn a_bulk_insert_that_fails_leaves_nothing() {
    let (_service, mut client) = users();
    for shard in ["mysql", "sqlite"] {
        // The last of many statements has a name that the first had.
        let names = (0..40_000).map(|number| format!("user{}", number % 39_999));
        let result = client.stubs().insert(insert_of(shard, names));
        let error = forebay::rpc::ClientError::from(result.unwrap_err());
        let text = error.to_string();
        assert!(text.starts_with("DUPLICATE_KEY"), "{shard}: {text}");
        assert_eq!(client.texts(shard, "SELECT COUNT(*) FROM users"), ["0"]);
    }
}
