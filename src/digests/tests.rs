use super::*;
use crate::error::{Error, ErrorKind};
use crate::operation::{Answer, ParamStyle, Params, Statement};
use crate::sql::SqlMode;
use std::sync::Arc;
use std::time::Instant;

const LONG_AFTER: Duration = Duration::from_millis(100);

fn digests(digests_max: usize) -> Digests {
    let shard = |name: &str| ShardFacts {
        name: name.to_owned(),
        dialect: Dialect::MySql(SqlMode::default()),
        long_after: Some(LONG_AFTER),
    };
    Digests::new(digests_max, vec![shard("a"), shard("b")])
}

fn find(digests: &Digests, shard: usize, sql: &str) -> Known {
    let source = Source::Statement(sql.as_bytes());
    digests.find(shard, source).expect("a table")
}

/// It has run, and took so many milliseconds.
fn ran(known: &Known, took_ms: u64) {
    let ended = entry::Ended::Well { rows: 2 };
    known.record(Duration::from_millis(took_ms), ended, Instant::now());
}

fn shown(digests: &Digests) -> Vec<(String, String, u64)> {
    let rows = digests.snapshot().into_iter();
    rows.map(|row| (row.shard, row.digest, row.count)).collect()
}

#[test]
fn what_has_the_same_digest_is_counted_together() {
    let digests = digests(10);
    for sql in ["SELECT 1", "select 2 ", "SELECT 1", "SELECT ? -- x"] {
        ran(&find(&digests, 0, sql), 10);
    }
    let failed = find(&digests, 0, "SELECT 5");
    failed.record(
        Duration::from_millis(50),
        entry::Ended::Failed,
        Instant::now(),
    );
    ran(&find(&digests, 1, "SELECT 1"), 100);
    let rows = digests.snapshot();
    let seen: Vec<_> = rows
        .iter()
        .map(|row| (row.shard.as_str(), row.digest.as_str(), row.count))
        .collect();
    assert_eq!(seen, [("b", "SELECT ?", 1), ("a", "SELECT ?", 5)]);
    assert_eq!((rows[1].errors, rows[1].rows), (1, 8));
    assert_eq!(rows[1].total, Duration::from_millis(90));
    assert_eq!(rows[1].max, Duration::from_millis(50));
    let json = rows[1].to_json();
    assert_eq!(json["time_us"]["mean"], 18_000);
    assert_eq!(json["digest"], "SELECT ?");
    assert!(json["last_seen"].as_f64().unwrap() > 1e9);
}

#[test]
fn what_was_never_run_is_not_shown() {
    let digests = digests(10);
    find(&digests, 0, "SELECT a");
    let table = digests.find(0, Source::Table(b"t")).unwrap();
    ran(&table, 1);
    assert_eq!(shown(&digests), []);
}

#[test]
fn it_is_long_by_what_it_took_of_late() {
    let digests = digests(10);
    let known = find(&digests, 0, "SELECT SLEEP(?)");
    assert!(!known.is_long());
    ran(&known, 1000);
    assert!(find(&digests, 0, "SELECT SLEEP(5)").is_long());
    for _ in 0..30 {
        ran(&known, 1);
    }
    assert!(!known.is_long());
    // One slow run does not make it long, unless it was very slow.
    ran(&known, 200);
    assert!(!known.is_long());
    ran(&known, 2000);
    assert!(known.is_long());
}

#[test]
fn what_never_ran_may_be_long_where_first_runs_are() {
    let digests = digests(100);
    let new = |n: u32| find(&digests, 0, &format!("SELECT SLEEP(1) AS a{n}"));
    // One that is somewhat slow says nothing of all.
    ran(&new(0), 300);
    assert!(!new(1).may_be_long());
    (2..6).for_each(|n| ran(&new(n), 1000));
    assert!(new(1).may_be_long());
    let other = find(&digests, 1, "SELECT SLEEP(1) AS a1");
    assert!(!other.may_be_long(), "that is another shard");
    // What has run is known by that, and tells nothing new of the others.
    let quick = find(&digests, 0, "SELECT v FROM t");
    (0..100).for_each(|_| ran(&quick, 1));
    assert!(!quick.may_be_long() && new(1).may_be_long());
    (10..40).for_each(|n| ran(&new(n), 1));
    assert!(!new(1).may_be_long());
}

#[test]
fn nothing_is_long_where_no_length_is_set() {
    let facts = ShardFacts {
        name: "a".into(),
        dialect: Dialect::Sqlite,
        long_after: None,
    };
    let digests = Digests::new(10, vec![facts]);
    let known = find(&digests, 0, "SELECT 1");
    ran(&known, 1_000_000_000);
    assert!(!known.is_long());
}

#[test]
fn the_table_is_bounded_and_keeps_what_is_used() {
    let digests = digests(20);
    let often: Vec<String> = (0..10).map(|n| format!("SELECT often{n}")).collect();
    for round in 0..500 {
        for sql in &often {
            ran(&find(&digests, 0, sql), 1);
        }
        let once = find(&digests, 0, &format!("SELECT once{round}"));
        ran(&once, 1);
    }
    let rows = shown(&digests);
    assert_eq!(rows.len(), 20);
    let kept = rows.iter().filter(|(_, _, count)| *count == 500).count();
    assert_eq!(kept, 10, "{rows:?}");
}

#[test]
fn what_has_lost_its_place_is_entered_anew() {
    let digests = digests(1);
    let first = find(&digests, 0, "SELECT a");
    ran(&first, 1);
    find(&digests, 0, "SELECT b");
    find(&digests, 0, "SELECT c");
    let again = find(&digests, 0, "SELECT a");
    ran(&again, 1);
    assert_eq!(shown(&digests), [("a".into(), "SELECT a".into(), 1)]);
}

#[test]
fn many_texts_of_one_digest_are_one() {
    let digests = digests(2);
    for number in 0..10_000 {
        ran(&find(&digests, 0, &format!("SELECT {number}")), 1);
    }
    assert_eq!(shown(&digests), [("a".into(), "SELECT ?".into(), 10_000)]);
}

#[test]
fn without_a_table_nothing_is_known() {
    let digests = digests(0);
    assert!(digests.find(0, Source::Statement(b"SELECT 1")).is_none());
    assert!(digests.snapshot().is_empty());
}

#[test]
fn texts_that_are_none_are_not_known() {
    assert!(
        digests(1)
            .find(0, Source::Statement(b"SELECT \xff"))
            .is_none()
    );
}

#[test]
fn long_texts_differ_where_they_are_read() {
    let digests = digests(10);
    let long = |value: &str, rest: &str| {
        let blanks = " ".repeat(sql::DIGESTED_MAX_BYTES);
        format!("SELECT {value}{blanks}{rest}")
    };
    ran(&find(&digests, 0, &long("1", "FROM a")), 1);
    ran(&find(&digests, 0, &long("1", "FROM b")), 1);
    ran(&find(&digests, 0, &long("a", "")), 1);
    assert_eq!(
        shown(&digests),
        [
            ("a".into(), "SELECT ? …".into(), 2),
            ("a".into(), "SELECT a …".into(), 1)
        ]
    );
}

#[test]
fn an_insert_has_the_digest_of_its_statement() {
    let digests = digests(10);
    let insert = Insert {
        database: None,
        table: "users".into(),
        columns: vec!["id".into(), "odd name".into()],
        rows: vec![],
        mode: InsertMode::Insert,
    };
    ran(&digests.find(0, Source::Insert(&insert)).unwrap(), 1);
    ran(
        &find(
            &digests,
            0,
            "INSERT INTO users (id, `odd name`) VALUES (1, 'x')",
        ),
        1,
    );
    let expected = "INSERT INTO users (id, `odd name`) VALUES (?)";
    assert_eq!(shown(&digests), [("a".into(), expected.into(), 2)]);
}

fn statement(sql: &str) -> Statement {
    Statement {
        sql: sql.to_owned(),
        params: Params::Absent,
        style: ParamStyle::Native,
    }
}

#[test]
fn a_meter_notes_what_was_sent() {
    let digests = Arc::new(digests(10));
    let operation = Operation::Query(statement("SELECT 1"));
    let known = digests.find(0, Source::of(&operation).unwrap());
    let meter = Meter::new(&digests, 0, known);
    let failed = |kind| move || Err(Error::new(kind, "no"));
    Meter::run(Some(&meter), &operation, || Ok(Answer::default())).unwrap();
    for kind in [
        ErrorKind::SqlError,
        ErrorKind::DeadlineExceeded,
        ErrorKind::InvalidArgument,
        ErrorKind::ShardUnavailable,
    ] {
        Meter::run(Some(&meter), &operation, failed(kind)).unwrap_err();
    }
    let step = statement("SELECT a");
    let other = Meter::new(&digests, 0, None);
    Meter::run_step(Some(&other), &step, || Ok(Answer::default())).unwrap();
    Meter::run(Some(&other), &operation, || Ok(Answer::default())).unwrap();
    let mut rows = digests.snapshot();
    rows.sort_by_key(|row| row.count);
    let counts: Vec<_> = rows.iter().map(|row| (row.count, row.errors)).collect();
    assert_eq!(counts, [(1, 0), (4, 2)]);
}
