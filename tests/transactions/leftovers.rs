//! What a transaction leaves on its connection, and what it finds there: nothing.

use std::time::Duration;

use forebay::backend::Transaction;
use forebay::error::ErrorKind;
use forebay::operation::{BatchMode, Operation};
use mysql::prelude::Queryable;

use super::add;
use crate::support::shard::*;
use crate::support::*;

const IN_TRANSACTION: &str = "SELECT @@in_transaction";

/// A statement, and what would show the next caller that it was run.
const LEAVE: &[(&str, &str, &str)] = &[
    ("SET @left = 5", "SELECT @left", "NULL"),
    (
        "SET sql_mode = 'ANSI_QUOTES,NO_BACKSLASH_ESCAPES'",
        "SELECT \"\\\"\"",
        "\"",
    ),
    ("SET time_zone = '+07:00'", "SELECT @@time_zone", "SYSTEM"),
    (
        "CREATE TEMPORARY TABLE left_table (n INT)",
        "SELECT COUNT(*) FROM information_schema.tables WHERE table_schema = DATABASE() \
         AND table_name = 'left_table'",
        "0",
    ),
    (
        "USE information_schema",
        "SELECT DATABASE() <> 'information_schema'",
        "1",
    ),
    (
        "SELECT GET_LOCK(CONCAT('left in ', DATABASE()), 0)",
        "SELECT IS_USED_LOCK(CONCAT('left in ', DATABASE()))",
        "NULL",
    ),
    ("SAVEPOINT left_savepoint", IN_TRANSACTION, "0"),
    ("INSERT INTO t (n) VALUES (1)", IN_TRANSACTION, "0"),
    (
        "LOCK TABLES t WRITE",
        "SELECT COUNT(*) FROM mysql.user WHERE user = 'nobody'",
        "0",
    ),
];

/// Pools of one connection and of two, so that the next caller gets the same.
fn leaves_nothing(end: impl Fn(Transaction)) {
    for connections in [1, 2] {
        let mut lone = Lone::with_table(connections);
        for (leave, look, expected) in LEAVE {
            let mut transaction = lone.begin();
            transaction.sql(leave, &[]);
            end(transaction);
            // The server may take a moment to see that a connection was closed,
            // and keeps its locks for so long.
            wait_until(&format!("nothing is left by {leave}"), || {
                (0..connections).all(|_| lone.value(look) == *expected)
            });
            // A temporary table hides another of its name.
            let made = lone.try_sql("SELECT * FROM left_table", &[]);
            assert!(made.is_err(), "after {leave}");
            lone.sql("DELETE FROM t", &[]);
            let mut next = lone.begin();
            if *look != IN_TRANSACTION {
                assert_eq!(next.value(look), *expected, "after {leave}");
            }
            next.rollback(&limits()).unwrap();
        }
    }
}

#[test]
fn nothing_is_left_by_a_commit() {
    leaves_nothing(|mut transaction| transaction.commit(&limits()).unwrap());
}

#[test]
fn nothing_is_left_by_a_rollback() {
    leaves_nothing(|transaction| transaction.rollback(&limits()).unwrap());
}

#[test]
fn nothing_is_left_by_one_that_is_dropped() {
    leaves_nothing(drop);
}

#[test]
fn nothing_is_left_by_one_that_dies() {
    leaves_nothing(|mut transaction| {
        let sleep = Operation::Execute(statement("DO SLEEP(5)", &[]));
        let limits = limits_within(Duration::from_millis(50));
        transaction.run(&sleep, &limits).unwrap_err();
        assert!(transaction.is_dead());
    });
}

/// What its caller may read within it is its own, never an earlier caller's.
#[test]
fn nothing_of_others_is_there_at_its_beginning() {
    let mut lone = Lone::with_table(1);
    lone.make("TRIGGER leaves BEFORE INSERT ON t FOR EACH ROW SET @left = NEW.n");
    add(&mut lone, 7);
    let mut transaction = lone.begin();
    assert_eq!(transaction.value("SELECT LAST_INSERT_ID()"), "0");
    assert_eq!(transaction.value("SELECT @left"), "NULL");
    add(&mut transaction, 8);
    assert_eq!(transaction.value("SELECT LAST_INSERT_ID() > 0"), "1");
    assert_eq!(transaction.value("SELECT @left"), "8");
    transaction.commit(&limits()).unwrap();
}

#[test]
fn a_panic_gives_nothing_back() {
    let lone = Lone::with_table(1);
    let panicked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        let mut transaction = lone.begin();
        add(&mut transaction, 1);
        panic!("as planned");
    }));
    assert!(panicked.is_err());
    add(&mut &lone, 1);
    assert_eq!((&lone).value(IN_TRANSACTION), "0");
    assert_eq!(lone.numbers(), [1]);
}

#[test]
fn a_server_that_chains_transactions_swallows_nothing() {
    let server = OwnServer::new("--completion-type=CHAIN");
    let connect = || {
        let url = format!("mysql://root@127.0.0.1:{}/test", server.port);
        mysql::Conn::new(url.as_str()).unwrap()
    };
    let mut config = mysql_shard_at("main", "127.0.0.1", server.port);
    target(&mut config).database = Some("test".to_owned());
    let mut lone = Lone::of(1, config);
    let mut other = connect();
    other
        .query_drop("CREATE TABLE t (n INT PRIMARY KEY) ENGINE=InnoDB")
        .unwrap();
    let steps = vec![step("INSERT INTO t VALUES (1)", &[])];
    lone.batch(BatchMode::Atomic, steps).unwrap();
    add(&mut lone, 2);
    let mut transaction = lone.begin();
    add(&mut transaction, 3);
    transaction.commit(&limits()).unwrap();
    add(&mut lone, 4);
    assert_eq!(
        other.query::<u32, _>("SELECT n FROM t").unwrap(),
        [1, 2, 3, 4]
    );
}

/// A refusal does not tell what has changed before it.
#[test]
fn a_read_that_fails_leaves_nothing() {
    let mut lone = Lone::with_table(1);
    lone.make(
        "FUNCTION f() RETURNS INT BEGIN SET time_zone = '+09:00'; SIGNAL SQLSTATE '45000'; \
         RETURN 1; END",
    );
    lone.make("VIEW v AS SELECT f() AS x");
    let before = lone.value("SELECT @@time_zone");
    lone.sql_fails("SELECT * FROM v");
    assert_eq!(lone.value("SELECT @@time_zone"), before);
}

#[test]
fn the_last_value_of_a_sequence_is_nobody_elses() {
    let mut lone = Lone::with_table(1);
    lone.make("SEQUENCE s");
    assert_eq!(lone.value("SELECT NEXTVAL(s)"), "1");
    assert_eq!(lone.value("SELECT LASTVAL(s)"), "NULL");
    let steps = || vec![step("SELECT PREVIOUS VALUE FOR s", &[])];
    let error = lone.sql_fails("SELECT PREVIOUS VALUE FOR s");
    assert_kind(&error, ErrorKind::StatementNotAllowed, "another caller's");
    let error = lone.batch(BatchMode::Atomic, steps()).unwrap_err();
    assert_kind(&error, ErrorKind::StatementNotAllowed, "another caller's");
    let mut transaction = lone.begin();
    let last = "SELECT PREVIOUS VALUE FOR s";
    assert_eq!(transaction.value(last), "NULL");
    assert_eq!(transaction.value("SELECT NEXT VALUE FOR s"), "2");
    assert_eq!(transaction.value(last), "2");
    transaction.commit(&limits()).unwrap();
}
