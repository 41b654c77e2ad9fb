//! A shard's connections, pooled by r2d2; only this file knows r2d2. It adds what
//! r2d2 leaves open: what is said and done while a database cannot be reached
//! ([`Outage`]), and generations, so that all connections can be replaced.

mod outage;
#[cfg(test)]
mod tests;

use std::fmt;
use std::ops::{Deref, DerefMut};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use scheduled_thread_pool::ScheduledThreadPool;

pub use self::outage::{Common, ConnectFailure, ConnectFailureKind, Places, Unavailable};

use self::outage::{Errand, Outage};
use crate::cancel::Cancel;
use crate::config::PoolConfig;
use crate::error::{Phase, Result};

/// What the pool needs to know of a kind of connection.
pub trait Manager: Send + Sync + 'static {
    type Connection: Send + 'static;

    /// Opens a connection, ready for use. Runs on a thread of its own, bounded
    /// by the connect timeout.
    fn connect(&self) -> Result<Self::Connection, ConnectFailure>;

    /// Whether a connection may be handed out. Runs at every checkout: it may
    /// only block on the network when the connection has long been idle.
    fn is_alive(&self, connection: &mut Self::Connection) -> bool;

    /// Whether a connection must not be used again. Runs at every check-in and
    /// costs no more than reading a flag.
    fn is_broken(&self, connection: &Self::Connection) -> bool;
}

/// r2d2 comes back to a connection that could not be opened after half of this.
/// Whether it is then tried is the outage's to say.
const RETRY_PERIOD: Duration = Duration::from_millis(200);

/// How long a checkout waits before it looks again at whether there is any use
/// in waiting: at first, and twice as long each time up to the second. Each look
/// may have r2d2 open one more connection.
const LOOK_AFTER: Duration = Duration::from_millis(20);
const LOOK_PERIOD_MAX: Duration = Duration::from_millis(80);

/// A generation lives at least so long: where a new one is no better than the
/// last, those who only read are not disturbed all the time.
const GENERATION_MIN: Duration = Duration::from_secs(1);

pub struct Pool<M: Manager> {
    connections: r2d2::Pool<Guarded<M>>,
    shared: Arc<Shared<M>>,
}

/// What there is to count of a pool.
#[derive(Clone, Debug)]
pub struct PoolStats {
    pub connections: u32,
    pub idle: u32,
    /// Checkouts that wait now.
    pub waiting: usize,
    /// Connections opened since the start.
    pub connects: u64,
    pub connect_failures: u64,
    /// How often all connections were retired.
    pub generation: u64,
    /// None: the database can be reached, as far as is known.
    pub unavailable: Option<Unavailable>,
}

impl<M: Manager> Pool<M> {
    /// Opens nothing yet. `threads` opens the connections of all pools.
    pub fn new(
        shard: &str,
        manager: M,
        config: &PoolConfig,
        threads: Arc<ScheduledThreadPool>,
        common: Common,
    ) -> Pool<M> {
        let shared = Arc::new(Shared {
            manager,
            outage: Outage::new(shard, config, common),
            generations: Arc::new(Generations::new(shard)),
            open: Arc::default(),
        });
        let connections = r2d2::Pool::builder()
            .max_size(config.max_connections)
            .min_idle(Some(0))
            .idle_timeout(Some(config.idle_timeout))
            .max_lifetime(Some(config.max_lifetime))
            .connection_timeout(RETRY_PERIOD)
            .test_on_check_out(true)
            .error_handler(Box::new(r2d2::NopErrorHandler))
            .thread_pool(threads)
            .build_unchecked(Guarded(shared.clone()));
        Pool {
            connections,
            shared,
        }
    }

    /// A job that finds out whether the database can be reached, and keeps no
    /// connection; for a thread that connects.
    pub fn probe(&self) -> impl FnOnce() + Send + 'static {
        let (shared, connections) = (self.shared.clone(), self.connections.clone());
        move || {
            if shared.connect(Errand::Look).is_err() {
                // From here on r2d2 sees to it that it is tried again.
                let _ = connections.get_timeout(Duration::ZERO);
            }
        }
    }

    /// Takes a connection, opening one if none is idle. While the database cannot
    /// be reached, waits as long as there is hope, and fails with the cause. Fails
    /// at the deadline, or soon after `cancel` is cancelled (CANCELLED, not
    /// applied). With one idle it costs two short locks.
    pub fn checkout(&self, deadline: Instant, cancel: Option<&Cancel>) -> Result<Checkout<M>> {
        if let Some(connection) = self.connections.try_get() {
            return Ok(Checkout(connection));
        }
        let mut waiting = self.shared.outage.wait();
        let mut period = LOOK_AFTER;
        loop {
            if let Some(connection) = self.connections.try_get() {
                return Ok(Checkout(connection));
            }
            if let Some(cancel) = cancel.filter(|cancel| cancel.is_cancelled()) {
                return Err(cancel.error().with_phase(Phase::Connect));
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Err(waiting.late());
            }
            waiting.go_on()?;
            if let Ok(connection) = self.connections.get_timeout(left.min(period)) {
                return Ok(Checkout(connection));
            }
            period = LOOK_PERIOD_MAX.min(2 * period);
        }
    }

    /// Why the database cannot be reached, and since when; `None` while it can, as
    /// far as is known.
    pub fn unavailable(&self) -> Option<Unavailable> {
        self.shared.outage.unavailable()
    }

    /// Costs a lock that checkouts take as well.
    pub fn stats(&self) -> PoolStats {
        let state = self.connections.state();
        let outage = &self.shared.outage;
        PoolStats {
            connections: state.connections,
            idle: state.idle_connections,
            waiting: outage.counts.waiting.load(Ordering::Relaxed),
            connects: outage.counts.connects.load(Ordering::Relaxed),
            connect_failures: outage.counts.connect_failures.load(Ordering::Relaxed),
            generation: self.shared.generations.current(),
            unavailable: outage.unavailable(),
        }
    }
}

/// A connection out of the pool; it is checked in when dropped.
pub struct Checkout<M: Manager>(r2d2::PooledConnection<Guarded<M>>);

impl<M: Manager> Checkout<M> {
    /// Retires this connection's generation: all that were opened before now are
    /// closed when they come back, or are about to be taken. False: they are not,
    /// for they are hardly older than a moment.
    pub fn retire_generation(&self) -> bool {
        self.0.generations.retire(self.0.generation)
    }
}

impl<M: Manager> Deref for Checkout<M> {
    type Target = M::Connection;

    fn deref(&self) -> &M::Connection {
        &self.0.inner
    }
}

impl<M: Manager> DerefMut for Checkout<M> {
    fn deref_mut(&mut self) -> &mut M::Connection {
        &mut self.0.inner
    }
}

/// Which connections are too old to be used, however well they are.
struct Generations {
    shard: String,
    current: AtomicU64,
    retired: Mutex<Option<Instant>>,
}

impl Generations {
    fn new(shard: &str) -> Generations {
        Generations {
            shard: shard.to_owned(),
            current: AtomicU64::new(0),
            retired: Mutex::default(),
        }
    }

    fn current(&self) -> u64 {
        self.current.load(Ordering::Acquire)
    }

    fn retire(&self, generation: u64) -> bool {
        let mut retired = self.retired.lock().unwrap_or_else(PoisonError::into_inner);
        if generation < self.current() {
            return true;
        }
        if retired.is_some_and(|retired| retired.elapsed() < GENERATION_MIN) {
            return false;
        }
        *retired = Some(Instant::now());
        self.current.fetch_add(1, Ordering::AcqRel);
        tracing::warn!(
            shard = self.shard,
            "the shard's database takes no writes: every connection is replaced, since another \
             one may have its name by now"
        );
        true
    }
}

/// What r2d2 keeps: a connection, and what it was opened as.
struct Stamped<C> {
    inner: C,
    generation: u64,
    generations: Arc<Generations>,
    _open: Open,
}

/// Counts as an open connection until it is dropped.
struct Open(Arc<AtomicU32>);

impl Open {
    fn new(count: &Arc<AtomicU32>) -> Open {
        count.fetch_add(1, Ordering::AcqRel);
        Open(count.clone())
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
    }
}

struct Shared<M> {
    manager: M,
    outage: Outage,
    generations: Arc<Generations>,
    /// How many connections there are.
    open: Arc<AtomicU32>,
}

impl<M: Manager> Shared<M> {
    fn connect(&self, errand: Errand) -> Result<Stamped<M::Connection>, ConnectError> {
        let Some(attempt) = self.outage.attempt(errand) else {
            let reason = "another attempt is under way, or was a moment ago";
            return Err(ConnectError(reason.to_owned()));
        };
        // Before it is opened: what is retired meanwhile may be what it leads to.
        let generation = self.generations.current();
        // A panic here would cost r2d2 the place of this connection for good.
        let result = catch_unwind(AssertUnwindSafe(|| self.manager.connect()));
        let result = result.unwrap_or_else(|_| {
            let reason = "connecting failed with a fault of this server";
            Err(ConnectFailure::new(ConnectFailureKind::Refused, reason))
        });
        match result {
            Ok(inner) => {
                attempt.succeeded();
                Ok(Stamped {
                    inner,
                    generation,
                    generations: self.generations.clone(),
                    _open: Open::new(&self.open),
                })
            }
            Err(failure) => {
                let reason = failure.reason.clone();
                attempt.failed(failure, self.open.load(Ordering::Acquire));
                Err(ConnectError(reason))
            }
        }
    }
}

/// Our manager as r2d2 wants it.
struct Guarded<M>(Arc<Shared<M>>);

#[derive(Debug)]
struct ConnectError(String);

impl fmt::Display for ConnectError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for ConnectError {}

impl<M: Manager> r2d2::ManageConnection for Guarded<M> {
    type Connection = Stamped<M::Connection>;
    type Error = ConnectError;

    fn connect(&self) -> Result<Stamped<M::Connection>, ConnectError> {
        self.0.connect(Errand::Serve)
    }

    fn is_valid(&self, connection: &mut Stamped<M::Connection>) -> Result<(), ConnectError> {
        let is_current = connection.generation == connection.generations.current();
        match is_current && self.0.manager.is_alive(&mut connection.inner) {
            true => Ok(()),
            false => Err(ConnectError(
                "the connection was lost while idle, or retired".to_owned(),
            )),
        }
    }

    fn has_broken(&self, connection: &mut Stamped<M::Connection>) -> bool {
        let is_current = connection.generation == connection.generations.current();
        !is_current || self.0.manager.is_broken(&connection.inner)
    }
}
