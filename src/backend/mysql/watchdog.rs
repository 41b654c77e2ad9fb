//! Ends what lasts longer than it may, however its bytes come. A socket's own time
//! limits hold for one read or write: a server, or a way to it, from which a byte
//! comes now and then would never meet them. One thread for all shards looks at
//! every exchange and every attempt to connect, and shuts the sockets of those
//! that are late.
//!
//! To an exchange that costs two atomic writes, and no lock or system call.

mod attempt;

use std::net::Shutdown;
use std::os::fd::{AsRawFd, BorrowedFd, RawFd};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::thread;
use std::time::{Duration, Instant};

use socket2::SockRef;

pub(super) use attempt::Attempt;
use attempt::{AttemptState, Search};

/// Between two looks: what is late is ended so long after its time at the most.
const PERIOD: Duration = Duration::from_millis(10);

/// Shared by all shards.
#[derive(Clone)]
pub(in crate::backend) struct Watchdog(Arc<Watched>);

struct Watched {
    /// What times in [`Lead`] are counted from.
    epoch: Instant,
    leads: Mutex<Vec<Arc<Lead>>>,
    attempts: Mutex<Vec<Arc<AttemptState>>>,
}

impl Watchdog {
    /// Starts the thread, which ends with the last use of the watchdog.
    pub(in crate::backend) fn new() -> Watchdog {
        let watched = Arc::new(Watched {
            epoch: Instant::now(),
            leads: Mutex::default(),
            attempts: Mutex::default(),
        });
        let weak = Arc::downgrade(&watched);
        let started = thread::Builder::new()
            .name("watchdog".to_owned())
            .spawn(move || look_around(&weak));
        if let Err(error) = started {
            // The sockets' own limits are left.
            tracing::error!(%error, "cannot start the thread that ends what is late");
        }
        Watchdog(watched)
    }

    /// Watches a connection's exchanges from here on.
    pub(super) fn lead(&self, connection: &mysql::Conn) -> Leash {
        let lead = Arc::new(Lead {
            socket: connection.as_raw_fd(),
            until: AtomicU64::new(IDLE),
        });
        lock(&self.0.leads).push(lead.clone());
        Leash {
            lead,
            epoch: self.0.epoch,
        }
    }
}

fn look_around(watched: &Weak<Watched>) {
    let mut search = Search::default();
    loop {
        thread::sleep(PERIOD);
        let Some(watched) = watched.upgrade() else {
            return;
        };
        let now = Instant::now();
        let late = ticks(watched.epoch, now);
        lock(&watched.leads).retain(|lead| {
            lead.end_if_late(late);
            // The connection has the other.
            Arc::strong_count(lead) > 1
        });
        let attempts = lock(&watched.attempts).clone();
        search.end_late(&attempts, now);
    }
}

/// A lead's states; anything else is the time at which its exchange is late.
const IDLE: u64 = 0;
const ENDING: u64 = 1;
const ENDED: u64 = 2;
const FIRST_TICK: u64 = 3;

/// Microseconds; what is over is told from all that is no time.
fn ticks(epoch: Instant, at: Instant) -> u64 {
    let micros = at.saturating_duration_since(epoch).as_micros();
    u64::try_from(micros).unwrap_or(u64::MAX).max(FIRST_TICK)
}

/// What the watchdog sees of a connection.
struct Lead {
    socket: RawFd,
    until: AtomicU64,
}

impl Lead {
    fn end_if_late(&self, now: u64) {
        let until = self.until.load(Ordering::Acquire);
        if until < FIRST_TICK || now < until {
            return;
        }
        let begun = self
            .until
            .compare_exchange(until, ENDING, Ordering::AcqRel, Ordering::Acquire);
        if begun.is_ok() {
            // SAFETY: whoever leaves the exchange waits until this is done, so that
            // the descriptor is open and the connection's own.
            let descriptor = unsafe { BorrowedFd::borrow_raw(self.socket) };
            // Already closed is as good.
            let _ = SockRef::from(&descriptor).shutdown(Shutdown::Both);
            self.until.store(ENDED, Ordering::Release);
        }
    }
}

/// A connection's own part: says when an exchange is begun and over. Dropped before
/// the connection is, since it must not be watched once its descriptor may be
/// another's.
pub(super) struct Leash {
    lead: Arc<Lead>,
    epoch: Instant,
}

/// Whether an exchange was ended by the watchdog.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ran {
    InTime,
    Late,
}

impl Leash {
    /// An exchange is begun that must be over by the deadline.
    pub(super) fn begin(&self, deadline: Instant) {
        let until = ticks(self.epoch, deadline);
        self.lead.until.store(until, Ordering::Release);
    }

    /// The exchange is over. If it was late, the connection is of no more use.
    pub(super) fn end(&self) -> Ran {
        let until = &self.lead.until;
        loop {
            let state = until.load(Ordering::Acquire);
            match state {
                ENDING => thread::yield_now(),
                ENDED => {
                    until.store(IDLE, Ordering::Release);
                    return Ran::Late;
                }
                _ => {
                    let ended =
                        until.compare_exchange(state, IDLE, Ordering::AcqRel, Ordering::Acquire);
                    if ended.is_ok() {
                        return Ran::InTime;
                    }
                }
            }
        }
    }
}

impl Drop for Leash {
    fn drop(&mut self) {
        self.end();
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
