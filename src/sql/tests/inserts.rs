//! The statements of bulk inserts.

use super::*;
use crate::operation::{Insert, InsertMode};
use crate::sql::insert::{for_mysql, for_sqlite};

fn insert(columns: &[&str], rows: Vec<Vec<Value>>) -> Insert {
    Insert {
        database: None,
        table: "t".to_owned(),
        columns: columns.iter().map(|&name| name.to_owned()).collect(),
        rows,
        mode: InsertMode::Insert,
    }
}

fn numbers(count: i64) -> Vec<Vec<Value>> {
    (0..count).map(|number| vec![Value::Int(number)]).collect()
}

#[test]
fn names_are_quoted_and_values_escaped() {
    let rows = vec![
        vec![Value::Int(-1), text("a'")],
        vec![Value::Null, text("")],
    ];
    let mut insert = insert(&["a`b", "c\"d"], rows);
    assert_eq!(
        for_mysql(&insert, DEFAULT, 1000).unwrap(),
        [r#"INSERT INTO `t` (`a``b`,`c"d`) VALUES (-1,'a\''),(NULL,'')"#]
    );
    insert.database = Some("d.e".to_owned());
    insert.mode = InsertMode::Ignore;
    assert_eq!(
        for_mysql(&insert, NO_BACKSLASH, 1000).unwrap(),
        [r#"INSERT IGNORE INTO `d.e`.`t` (`a``b`,`c"d`) VALUES (-1,'a'''),(NULL,'')"#]
    );
    assert_eq!(
        for_sqlite(&insert).unwrap(),
        r#"INSERT OR IGNORE INTO "d.e"."t" ("a`b","c""d") VALUES (?,?)"#
    );
    insert.mode = InsertMode::Replace;
    assert!(for_mysql(&insert, DEFAULT, 1000).unwrap()[0].starts_with("REPLACE INTO `d.e`"));
    assert!(
        for_sqlite(&insert)
            .unwrap()
            .starts_with("REPLACE INTO \"d.e\"")
    );
}

#[test]
fn rows_are_packed_up_to_the_limit() {
    let insert = insert(&["a"], numbers(5));
    let opening = "INSERT INTO `t` (`a`) VALUES ".len();
    assert_eq!(
        for_mysql(&insert, DEFAULT, opening + 7).unwrap(),
        [
            "INSERT INTO `t` (`a`) VALUES (0),(1)",
            "INSERT INTO `t` (`a`) VALUES (2),(3)",
            "INSERT INTO `t` (`a`) VALUES (4)",
        ]
    );
    assert_eq!(for_mysql(&insert, DEFAULT, opening + 6).unwrap().len(), 5);
    assert_eq!(for_mysql(&insert, DEFAULT, opening + 19).unwrap().len(), 1);
    let error = for_mysql(&insert, DEFAULT, opening + 2).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::RequestTooLarge);
    assert_eq!(
        error.message(),
        "rows: row 1 takes a statement of 32 bytes, and the limit is 31"
    );
    assert_eq!(error.limit_met().unwrap().seen, 32);
}

fn good() -> Insert {
    insert(&["a", "b"], vec![vec![Value::Null, Value::Null]])
}

/// The message that both databases' statements fail with after a change.
#[track_caller]
fn message_with(change: impl Fn(&mut Insert)) -> String {
    let mut insert = good();
    change(&mut insert);
    let message = invalid(for_mysql(&insert, DEFAULT, 1000));
    assert_eq!(message, invalid(for_sqlite(&insert)));
    message
}

#[test]
fn names_that_mysql_could_not_have_are_refused() {
    let table = |name: &str| message_with(|insert| insert.table = name.to_owned());
    assert_eq!(table(""), "table: a name is empty");
    assert_eq!(table("a\0"), "table: a name has a NUL in it");
    assert_eq!(table("a "), "table: the name `a ` ends in a space");
    assert_eq!(
        table("😀"),
        "table: the name `😀` has a character above U+FFFF, which MySQL's names cannot have"
    );
    assert_eq!(
        table(&"é".repeat(65)),
        "table: a name has 65 characters, and at most 64 are allowed"
    );
    assert!(
        for_mysql(
            &Insert {
                table: "é".repeat(64),
                ..good()
            },
            DEFAULT,
            1000
        )
        .is_ok()
    );
}

#[test]
fn what_is_wrong_with_an_insert_is_named() {
    type Change<'c> = &'c dyn Fn(&mut Insert);
    let changes: [(&str, Change<'_>); 9] = [
        ("database: a name is empty", &|insert| {
            insert.database = Some(String::new())
        }),
        ("columns: a name is empty", &|insert| {
            insert.columns[1].clear()
        }),
        ("columns: at least one is needed", &|insert| {
            insert.columns.clear()
        }),
        (
            "columns: there are 4097, and at most 4096 are allowed",
            &|insert| insert.columns = vec!["a".to_owned(); 4_097],
        ),
        (
            "columns: `A` is there twice (case does not matter)",
            &|insert| insert.columns[1] = "A".to_owned(),
        ),
        ("rows: at least one is needed", &|insert| {
            insert.rows.clear()
        }),
        ("rows: row 2 has 1 values for 2 columns", &|insert| {
            insert.rows.push(vec![Value::Null])
        }),
        (
            "rows: row 1, column `b`: a list is no value of a column: pass one value",
            &|insert| insert.rows[0][1] = Value::List(vec![Value::Null]),
        ),
        (
            "rows: row 1, column `a`: NaN and the infinities have no SQL value: pass NULL or a \
             number",
            &|insert| insert.rows[0][0] = Value::Double(f64::INFINITY),
        ),
    ];
    for (expected, change) in changes {
        assert_eq!(message_with(change), expected);
    }
}
