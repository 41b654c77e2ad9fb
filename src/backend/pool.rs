//! A shard's connections, pooled by r2d2; only this file knows r2d2. It adds what
//! r2d2 leaves open: a breaker, so that a database that cannot be reached fails
//! its callers at once with the true cause, and one probe at a time, so that it
//! holds no more than one of the threads that connect.

use std::fmt;
use std::ops::{Deref, DerefMut};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use scheduled_thread_pool::ScheduledThreadPool;

use crate::cancel::Cancel;
use crate::config::PoolConfig;
use crate::error::{Error, ErrorKind, Phase, Result};

/// What the pool needs to know of a kind of connection.
pub trait Manager: Send + Sync + 'static {
    type Connection: Send + 'static;

    /// Opens a connection, ready for use. Runs on a thread of its own, bounded
    /// by the connect timeout. The error is a text for callers and the log.
    fn connect(&self) -> Result<Self::Connection, String>;

    /// Whether a connection may be handed out. Runs at every checkout: it may
    /// only block on the network when the connection has long been idle.
    fn is_alive(&self, connection: &mut Self::Connection) -> bool;

    /// Whether a connection must not be used again. Runs at every check-in and
    /// costs no more than reading a flag.
    fn is_broken(&self, connection: &Self::Connection) -> bool;
}

/// r2d2 retries a failed connection after 200 ms, then at twice that, up to half
/// of this: so a database that is back is found within half a second.
const RETRY_PERIOD: Duration = Duration::from_secs(1);

/// How long a checkout waits before it looks again at the breaker, and at whether
/// it is cancelled.
const BREAKER_PERIOD: Duration = Duration::from_millis(10);

pub struct Pool<M: Manager> {
    connections: r2d2::Pool<Guarded<M>>,
    breaker: Arc<Breaker>,
}

impl<M: Manager> Pool<M> {
    /// Opens a first connection in the background. `threads` opens the
    /// connections of all pools.
    pub fn new(
        shard: &str,
        manager: M,
        config: &PoolConfig,
        threads: Arc<ScheduledThreadPool>,
    ) -> Pool<M> {
        let breaker = Arc::new(Breaker::new(shard));
        let guarded = Guarded {
            manager,
            breaker: breaker.clone(),
        };
        let connections = r2d2::Pool::builder()
            .max_size(config.max_connections)
            .min_idle(Some(0))
            .idle_timeout(Some(config.idle_timeout))
            .max_lifetime(Some(config.max_lifetime))
            .connection_timeout(RETRY_PERIOD)
            .test_on_check_out(true)
            .error_handler(Box::new(r2d2::NopErrorHandler))
            .thread_pool(threads)
            .build_unchecked(guarded);
        // Asks for one and does not wait for it.
        let _ = connections.get_timeout(Duration::ZERO);
        Pool {
            connections,
            breaker,
        }
    }

    /// Takes a connection, opening one if none is idle. Fails at once while the
    /// database cannot be reached, else at the deadline, or soon after `cancel` is
    /// cancelled (CANCELLED, not applied).
    pub fn checkout(&self, deadline: Instant, cancel: Option<&Cancel>) -> Result<Checkout<M>> {
        loop {
            if let Some(connection) = self.connections.try_get() {
                return Ok(Checkout(connection));
            }
            if let Some(reason) = self.breaker.reason() {
                return Err(self.breaker.unavailable(&reason));
            }
            if cancel.is_some_and(Cancel::is_cancelled) {
                return Err(Cancel::error().with_phase(Phase::Connect));
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                let message = format!(
                    "shard `{}`: no connection to its database within the deadline; \
                     raise timeout_ms, or see why connecting is slow",
                    self.breaker.shard
                );
                return Err(
                    Error::new(ErrorKind::DeadlineExceeded, message).with_phase(Phase::Connect)
                );
            }
            if let Ok(connection) = self.connections.get_timeout(left.min(BREAKER_PERIOD)) {
                return Ok(Checkout(connection));
            }
        }
    }

    /// Why the database cannot be reached; `None` while it can, as far as is known.
    pub fn unavailable(&self) -> Option<String> {
        self.breaker.reason()
    }
}

/// A connection out of the pool; it is checked in when dropped.
pub struct Checkout<M: Manager>(r2d2::PooledConnection<Guarded<M>>);

impl<M: Manager> Deref for Checkout<M> {
    type Target = M::Connection;

    fn deref(&self) -> &M::Connection {
        &self.0
    }
}

impl<M: Manager> DerefMut for Checkout<M> {
    fn deref_mut(&mut self) -> &mut M::Connection {
        &mut self.0
    }
}

/// Open while the last attempt to connect failed.
struct Breaker {
    shard: String,
    /// Set while the breaker is open, so that the hot path takes no lock.
    open: AtomicBool,
    reason: Mutex<String>,
    /// The last attempt to connect went well; at first there was none.
    reached: AtomicBool,
    /// An attempt is under way while `reached` is not set: the only one.
    probing: AtomicBool,
}

impl Breaker {
    fn new(shard: &str) -> Breaker {
        Breaker {
            shard: shard.to_owned(),
            open: AtomicBool::new(false),
            reason: Mutex::new(String::new()),
            reached: AtomicBool::new(false),
            probing: AtomicBool::new(false),
        }
    }

    fn reason(&self) -> Option<String> {
        self.open.load(Ordering::Acquire).then(|| {
            let reason = self.reason.lock().unwrap_or_else(PoisonError::into_inner);
            reason.clone()
        })
    }

    fn unavailable(&self, reason: &str) -> Error {
        let message = format!(
            "shard `{}`: its database cannot be reached: {reason}",
            self.shard
        );
        Error::new(ErrorKind::ShardUnavailable, message)
    }

    fn opened(&self, reason: &str) {
        self.reached.store(false, Ordering::Release);
        *self.reason.lock().unwrap_or_else(PoisonError::into_inner) = reason.to_owned();
        if !self.open.swap(true, Ordering::AcqRel) {
            tracing::warn!(shard = self.shard, reason, "shard is unavailable");
        }
    }

    fn closed(&self) {
        self.reached.store(true, Ordering::Release);
        if self.open.swap(false, Ordering::AcqRel) {
            tracing::info!(shard = self.shard, "shard is available again");
        }
    }
}

/// Our manager as r2d2 wants it, behind the breaker.
struct Guarded<M> {
    manager: M,
    breaker: Arc<Breaker>,
}

#[derive(Debug)]
struct ConnectError(String);

impl fmt::Display for ConnectError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for ConnectError {}

impl<M: Manager> r2d2::ManageConnection for Guarded<M> {
    type Connection = M::Connection;
    type Error = ConnectError;

    fn connect(&self) -> Result<M::Connection, ConnectError> {
        let probe = !self.breaker.reached.load(Ordering::Acquire);
        if probe && self.breaker.probing.swap(true, Ordering::AcqRel) {
            return Err(ConnectError("another attempt is under way".to_owned()));
        }
        // A panic here would cost r2d2 the place of this connection for good.
        let result = catch_unwind(AssertUnwindSafe(|| self.manager.connect()))
            .unwrap_or_else(|_| Err("connecting failed with a fault of this server".to_owned()));
        if probe {
            self.breaker.probing.store(false, Ordering::Release);
        }
        match result {
            Ok(connection) => {
                self.breaker.closed();
                Ok(connection)
            }
            Err(reason) => {
                self.breaker.opened(&reason);
                Err(ConnectError(reason))
            }
        }
    }

    fn is_valid(&self, connection: &mut M::Connection) -> Result<(), ConnectError> {
        if self.manager.is_alive(connection) {
            Ok(())
        } else {
            Err(ConnectError(
                "the connection was lost while idle".to_owned(),
            ))
        }
    }

    fn has_broken(&self, connection: &mut M::Connection) -> bool {
        self.manager.is_broken(connection)
    }
}
