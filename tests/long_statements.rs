//! Long statements hold a part of a shard's pool only: whoever sends short ones
//! never waits behind them, from the first time that it is known how long they
//! take.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use forebay::config::ShardConfig;
use forebay::operation::{Operation, ParamStyle, Params, Statement};
use forebay::rpc::{Client, Policy};
use forebay::value::Value;

use crate::support::*;

/// How long a point read may take where nothing is in its way, even on a machine
/// with much else to do; behind long statements it takes seconds.
const PROMPT: Duration = Duration::from_millis(250);

fn shard(pool: u32) -> ShardConfig {
    let mut shard = mysql_shard("main");
    shard.pool.max_connections = pool;
    shard.long_statements_max = (pool * 3 / 4) as usize;
    shard
}

fn make_table(service: &Running) {
    let mut client = service.client();
    client.run("main", "CREATE TABLE t (id INT PRIMARY KEY, v INT)", &[]);
    client.run("main", "INSERT INTO t VALUES (1, 1), (2, 4)", &[]);
}

fn read(client: &mut Client) -> Duration {
    let started = Instant::now();
    let sql = "SELECT v FROM t WHERE id = ?";
    let found = client.run("main", sql, &[Value::Int(2)]);
    assert_eq!(found.rows.unwrap().row_count, 1);
    started.elapsed()
}

/// Reads for that long, and gives how long each read took, the longest last.
fn read_for(client: &mut Client, length: Duration) -> Vec<Duration> {
    let until = Instant::now() + length;
    let mut took = Vec::new();
    while Instant::now() < until {
        took.push(read(client));
        std::thread::sleep(Duration::from_millis(2));
    }
    took.sort();
    took
}

#[track_caller]
fn check_prompt(what: &str, took: &[Duration], least: usize) {
    let at = |percent: usize| took[(took.len() - 1) * percent / 100];
    let (p50, p99) = (at(50), at(99));
    println!("{what}: {} answers, p50 {p50:?}, p99 {p99:?}", took.len());
    assert!(took.len() >= least, "{what}: {} answers", took.len());
    assert!(p99 < PROMPT, "{what}: p99 {p99:?}");
}

/// Callers that send long statements until the test's body ends.
fn beside_sleepers(
    service: &Running,
    callers: usize,
    sleep: impl Fn(&mut Client) + Sync,
    body: impl FnOnce(),
) {
    let over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        for _ in 0..callers {
            scope.spawn(|| {
                let mut client = service.client_within(Duration::from_secs(60));
                while !over.load(Ordering::Relaxed) {
                    sleep(&mut client);
                }
            });
        }
        let _end = Raised(&over);
        body();
    });
}

/// Set when dropped, so that a body that panics does not leave the others at work.
struct Raised<'f>(&'f AtomicBool);

impl Drop for Raised<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

#[test]
fn callers_of_sleep_leave_room_for_point_reads() {
    let service = Running::new(vec![shard(16)]);
    make_table(&service);
    let sleep = |client: &mut Client| {
        client.run("main", "SELECT SLEEP(1)", &[]);
    };
    beside_sleepers(&service, 64, sleep, || {
        // The first of them show how long they take.
        std::thread::sleep(Duration::from_millis(1_500));
        let mut client = service.client();
        let took = read_for(&mut client, Duration::from_secs(3));
        check_prompt("beside 64 callers of SLEEP(1)", &took, 200);
    });
    // Nor have the long ones been shut out.
    let digests = service.digests();
    let sleeps = digests.iter().find(|row| row.digest == "SELECT SLEEP(?)");
    let sleeps = sleeps.expect("a digest");
    assert!(sleeps.is_long && sleeps.count >= 64, "{sleeps:?}");
}

/// As of a tool for reports, which makes another statement each time.
#[test]
fn long_statements_that_never_come_again_leave_room_too() {
    let service = Running::new(vec![shard(16)]);
    make_table(&service);
    read(&mut service.client());
    let sleep = |client: &mut Client| {
        let sql = format!("SELECT SLEEP(0.5) AS a{}", rand_number());
        client.run("main", &sql, &[]);
    };
    beside_sleepers(&service, 64, sleep, || {
        std::thread::sleep(Duration::from_millis(1_500));
        let mut client = service.client();
        let took = read_for(&mut client, Duration::from_secs(2));
        check_prompt("beside 64 callers who never repeat themselves", &took, 200);
    });
}

#[test]
fn a_session_that_sends_both_waits_for_its_long_ones_only() {
    let service = Running::new(vec![shard(8)]);
    make_table(&service);
    let took = std::sync::Mutex::new(Vec::new());
    // Values in the text: every statement is another to look at.
    let both = |client: &mut Client| {
        let length = 0.2 + f64::from(rand_number() % 100) / 1_000.0;
        client.run("main", &format!("SELECT SLEEP({length})"), &[]);
        let one = read(client);
        took.lock().unwrap().push((Instant::now(), one));
    };
    beside_sleepers(&service, 32, both, || {
        std::thread::sleep(Duration::from_millis(1_000));
        took.lock().unwrap().clear();
        std::thread::sleep(Duration::from_millis(3_000));
        let took = std::mem::take(&mut *took.lock().unwrap());
        let mut took: Vec<_> = took.into_iter().map(|(_, took)| took).collect();
        took.sort();
        check_prompt("reads of sessions that sleep too", &took, 30);
    });
}

/// A number that differs from call to call, without a package for it.
fn rand_number() -> u32 {
    use std::hash::{BuildHasher, Hasher, RandomState};
    RandomState::new().build_hasher().finish() as u32
}

#[test]
fn long_items_of_multis_leave_room_too() {
    let service = Running::new(vec![shard(4)]);
    make_table(&service);
    let item = |sql: &str| {
        let statement = Statement {
            sql: sql.to_owned(),
            params: Params::Absent,
            style: ParamStyle::Native,
        };
        ("main", Operation::Query(statement))
    };
    let sleep = |client: &mut Client| {
        let items = vec![item("SELECT SLEEP(0.3)"), item("SELECT SLEEP(0.4)")];
        let outcomes = client.multi(items, Policy::TakeWhatCame).unwrap();
        assert_eq!(outcomes.len(), 2);
    };
    beside_sleepers(&service, 8, sleep, || {
        std::thread::sleep(Duration::from_millis(1_500));
        let mut client = service.client();
        let took = read_for(&mut client, Duration::from_secs(2));
        check_prompt("beside multis that sleep", &took, 100);
    });
}

#[test]
fn a_statement_that_turns_quick_again_is_no_longer_long() {
    let service = Running::new(vec![shard(4)]);
    let mut client = service.client();
    let mut sleep = |seconds: f64| {
        client.run("main", "SELECT SLEEP(?)", &[Value::Double(seconds)]);
        service.digests()[0].is_long
    };
    assert!(!sleep(0.0));
    assert!(!sleep(0.01));
    while !sleep(0.9) {}
    // Each of these counts for one part in eight.
    let quick = (1..100).find(|_| !sleep(0.0)).expect("it never is");
    assert!(quick >= 1);
}

#[test]
fn what_is_stopped_at_its_deadline_counts_as_what_it_held() {
    let service = Running::new(vec![shard(4)]);
    let mut client = service.client_within(Duration::from_millis(400));
    for _ in 0..2 {
        client.fails("main", "SELECT SLEEP(30)", &[]);
    }
    let digests = service.digests();
    let row = &digests[0];
    assert_eq!(
        (row.digest.as_str(), row.count, row.errors),
        ("SELECT SLEEP(?)", 2, 2)
    );
    assert!(
        row.is_long && row.max >= Duration::from_millis(300),
        "{row:?}"
    );
}
