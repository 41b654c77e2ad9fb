//! The pool over connections that are none: what it says and does while their
//! database is gone, crowded or replaced.

use std::sync::atomic::AtomicBool;
use std::thread;

use super::*;
use crate::error::{Error, ErrorKind};

const SHORT: Duration = Duration::from_millis(300);

/// More than anything here should take on a busy machine.
const LONG: Duration = Duration::from_secs(20);

/// A database of the test's own.
#[derive(Default)]
struct Database {
    fails: Mutex<Option<ConnectFailure>>,
    /// Attempts to connect so far.
    attempts: AtomicU64,
    /// How long each takes.
    takes: Mutex<Duration>,
    under_way: AtomicU32,
    under_way_most: AtomicU32,
    open: Arc<AtomicU32>,
}

struct Connection {
    broken: AtomicBool,
    _open: Open,
}

struct Opens(Arc<Database>);

impl Manager for Opens {
    type Connection = Connection;

    fn connect(&self) -> Result<Connection, ConnectFailure> {
        let database = &self.0;
        database.attempts.fetch_add(1, Ordering::SeqCst);
        let now = database.under_way.fetch_add(1, Ordering::SeqCst) + 1;
        database.under_way_most.fetch_max(now, Ordering::SeqCst);
        thread::sleep(*database.takes.lock().unwrap());
        database.under_way.fetch_sub(1, Ordering::SeqCst);
        match database.fails.lock().unwrap().clone() {
            Some(failure) => Err(failure),
            None => Ok(Connection {
                broken: AtomicBool::new(false),
                _open: Open::new(&database.open),
            }),
        }
    }

    fn is_alive(&self, connection: &mut Connection) -> bool {
        !*connection.broken.get_mut()
    }

    fn is_broken(&self, connection: &Connection) -> bool {
        connection.broken.load(Ordering::SeqCst)
    }
}

impl Database {
    fn fail(&self, kind: ConnectFailureKind, reason: &str) {
        *self.fails.lock().unwrap() = Some(ConnectFailure::new(kind, reason));
    }

    fn recover(&self) {
        *self.fails.lock().unwrap() = None;
    }

    fn attempts(&self) -> u64 {
        self.attempts.load(Ordering::SeqCst)
    }
}

struct Tried {
    database: Arc<Database>,
    pool: Pool<Opens>,
}

/// A pool of so many connections, on which `change` is made.
fn pool_of(connections: u32, change: impl FnOnce(&mut PoolConfig)) -> Tried {
    let mut config = PoolConfig {
        max_connections: connections,
        outage_patience: LONG,
        ..PoolConfig::default()
    };
    change(&mut config);
    let database = Arc::new(Database::default());
    let threads = Arc::new(ScheduledThreadPool::builder().num_threads(8).build());
    let common = Common {
        probes: Places::new(4),
        patient: Places::new(2),
    };
    let manager = Opens(database.clone());
    Tried {
        pool: Pool::new("main", manager, &config, threads, common),
        database,
    }
}

impl Tried {
    fn checkout(&self, timeout: Duration) -> Result<Checkout<Opens>> {
        self.pool.checkout(Instant::now() + timeout, None)
    }

    #[track_caller]
    fn fails(&self, timeout: Duration) -> Error {
        match self.checkout(timeout) {
            Err(error) => error,
            Ok(_) => panic!("a connection"),
        }
    }

    /// Was there, and is gone.
    fn gone(connections: u32, change: impl FnOnce(&mut PoolConfig)) -> Tried {
        let tried = pool_of(connections, change);
        let connection = tried.checkout(LONG).expect("a connection");
        tried.database.fail(UNREACHABLE, "nobody there");
        connection.broken.store(true, Ordering::SeqCst);
        drop(connection);
        tried
    }
}

const UNREACHABLE: ConnectFailureKind = ConnectFailureKind::Unreachable;
const CROWDED: ConnectFailureKind = ConnectFailureKind::Crowded;

fn wait_until(what: &str, mut is_so: impl FnMut() -> bool) {
    let end = Instant::now() + LONG;
    while !is_so() {
        assert!(Instant::now() < end, "waited in vain: {what}");
        thread::sleep(Duration::from_millis(2));
    }
}

#[test]
fn a_database_that_is_back_in_time_was_never_gone() {
    let tried = Tried::gone(4, |_| {});
    thread::scope(|scope| {
        let waiting = scope.spawn(|| tried.checkout(LONG).map(drop));
        wait_until("it is known to be gone", || {
            tried.pool.unavailable().is_some()
        });
        tried.database.recover();
        waiting.join().unwrap().expect("a connection");
    });
    assert!(tried.pool.unavailable().is_none());
}

#[test]
fn what_is_gone_at_the_deadline_is_called_so() {
    let tried = Tried::gone(4, |_| {});
    let error = tried.fails(SHORT);
    assert_eq!(error.kind(), ErrorKind::ShardUnavailable);
    assert_eq!(error.phase(), Phase::Connect);
    assert!(error.message().contains("nobody there"), "{error}");
}

#[test]
fn what_has_been_gone_for_long_fails_at_once() {
    let tried = Tried::gone(4, |config| config.outage_patience = SHORT);
    // The first may wait; none does for its whole time.
    let started = Instant::now();
    assert_eq!(tried.fails(LONG).kind(), ErrorKind::ShardUnavailable);
    wait_until("it is gone for long", || started.elapsed() > 2 * SHORT);
    let started = Instant::now();
    for _ in 0..50 {
        assert_eq!(tried.fails(LONG).kind(), ErrorKind::ShardUnavailable);
    }
    assert!(started.elapsed() < LONG / 2);
    // And is found again by those who ask.
    tried.database.recover();
    wait_until("it is found again", || tried.checkout(SHORT).is_ok());
}

#[test]
fn nobody_waits_for_what_was_never_there_or_refuses() {
    let tried = pool_of(4, |_| {});
    tried.database.fail(UNREACHABLE, "nobody there");
    let started = Instant::now();
    assert_eq!(tried.fails(LONG).kind(), ErrorKind::ShardUnavailable);
    let tried = Tried::gone(4, |_| {});
    tried
        .database
        .fail(ConnectFailureKind::Refused, "wrong password");
    assert!(tried.fails(LONG).message().contains("wrong password"));
    let tried = Tried::gone(4, |config| config.outage_patience = Duration::ZERO);
    assert_eq!(tried.fails(LONG).kind(), ErrorKind::ShardUnavailable);
    assert!(started.elapsed() < LONG / 2);
}

/// Each that waits holds a worker, which others need.
#[test]
fn no_more_wait_for_what_is_gone_than_may() {
    let tried = Tried::gone(8, |_| {});
    thread::scope(|scope| {
        let waiting: Vec<_> = (0..8)
            .map(|_| scope.spawn(|| tried.checkout(LONG).map(drop)))
            .collect();
        let mut done = 0;
        wait_until("all but two are answered", || {
            done = waiting.iter().filter(|one| one.is_finished()).count();
            done >= 6
        });
        assert_eq!(done, 6);
        tried.database.recover();
        let well = waiting
            .into_iter()
            .map(|one| one.join().unwrap())
            .filter(Result::is_ok)
            .count();
        assert_eq!(well, 2);
    });
}

#[test]
fn what_gives_no_more_is_not_gone_while_there_are_connections() {
    goes_on_with_what_it_has(CROWDED, "Too many connections");
    goes_on_with_what_it_has(ConnectFailureKind::Unresolved, "Name not known");
}

fn goes_on_with_what_it_has(kind: ConnectFailureKind, reason: &str) {
    let tried = pool_of(4, |config| config.outage_patience = SHORT / 3);
    let kept = tried.checkout(LONG).expect("a connection");
    tried.database.fail(kind, reason);
    let error = tried.fails(SHORT);
    assert_eq!(error.kind(), ErrorKind::DeadlineExceeded);
    assert!(error.message().contains(reason), "{error}");
    assert!(tried.pool.unavailable().is_none());
    // It goes on with the one that it has.
    thread::scope(|scope| {
        let waiting = scope.spawn(|| tried.checkout(LONG).map(drop));
        wait_until("it waits", || tried.pool.stats().waiting == 1);
        drop(kept);
        waiting.join().unwrap().expect("the connection");
    });
    // Without any, it is.
    let last = tried.checkout(LONG).expect("the connection");
    last.broken.store(true, Ordering::SeqCst);
    drop(last);
    wait_until("it is gone", || {
        drop(tried.checkout(Duration::from_millis(1)));
        tried.pool.unavailable().is_some()
    });
    assert!(tried.fails(SHORT).message().contains(reason));
}

#[test]
fn a_database_that_is_gone_is_tried_at_a_steady_pace() {
    let tried = Tried::gone(8, |_| {});
    let started = Instant::now();
    thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| tried.fails(Duration::from_secs(1)));
        }
    });
    let tenths = started.elapsed().as_millis() as u64 / 100;
    let attempts = tried.database.attempts();
    // At first there may be several at the same time.
    assert!(attempts <= tenths + 6, "{attempts} in {tenths} tenths");
    assert!(attempts >= 3, "{attempts}");
}

#[test]
fn a_slow_database_holds_few_threads() {
    let tried = pool_of(8, |_| {});
    *tried.database.takes.lock().unwrap() = SHORT;
    thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| tried.checkout(LONG).map(drop));
        }
    });
    let most = tried.database.under_way_most.load(Ordering::SeqCst);
    assert!(most <= 4, "{most} at once");
}

#[test]
fn a_retired_generation_is_replaced_once_in_a_while() {
    let tried = pool_of(4, |_| {});
    let (one, two) = (tried.checkout(LONG).unwrap(), tried.checkout(LONG).unwrap());
    let idle = tried.checkout(LONG).unwrap();
    drop(idle);
    assert_eq!(tried.pool.stats().connections, 3);
    let started = Instant::now();
    assert!(one.retire_generation());
    // Its own is gone already.
    assert!(two.retire_generation());
    assert_eq!(tried.pool.stats().generation, 1);
    drop((one, two));
    let new = tried.checkout(LONG).unwrap();
    assert_eq!(tried.pool.stats().connections, 1);
    // Not before it has lived for a while.
    wait_until("it may be replaced", || new.retire_generation());
    assert_eq!(tried.pool.stats().generation, 2);
    assert!(started.elapsed() >= GENERATION_MIN);
}

#[test]
fn a_probe_keeps_no_connection() {
    let tried = pool_of(4, |_| {});
    tried.pool.probe()();
    assert_eq!(tried.database.attempts(), 1);
    assert_eq!(tried.pool.stats().connections, 0);
    assert!(tried.pool.unavailable().is_none());
    tried.database.fail(UNREACHABLE, "nobody there");
    tried.pool.probe()();
    assert_eq!(tried.pool.unavailable().unwrap().reason, "nobody there");
}
