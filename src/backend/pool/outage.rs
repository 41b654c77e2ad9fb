//! Whether a shard's database can be reached, as far as is known: who may try to
//! connect now, who waits for it to come back, and what the others are told.

use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::config::PoolConfig;
use crate::error::{Error, ErrorKind, Phase};

/// Between two attempts to connect to a database that could not be reached,
/// while somebody asks for it.
const PROBE_PERIOD: Duration = Duration::from_millis(100);

/// The same, while nobody does.
const REST_PERIOD: Duration = Duration::from_secs(5);

/// Whoever asked within this time counts as asking.
const ASKED_LATELY: Duration = Duration::from_secs(1);

/// Attempts of one shard at the same time: one that turns silent holds no more of
/// the threads that connect.
const ATTEMPTS_AT_ONCE_MAX: usize = 4;

/// Why a connection could not be opened.
#[derive(Clone, Debug)]
pub struct ConnectFailure {
    pub kind: ConnectFailureKind,
    /// For callers and the log; never holds a password.
    pub reason: String,
    /// The database's own number and SQLSTATE, if it has answered.
    pub database: Option<(i32, String)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConnectFailureKind {
    /// There is no answer, or none that lasts: it may be back in a moment.
    Unreachable,
    /// It has as many connections as it takes. Those that are open are well.
    Crowded,
    /// Its name leads to no address now. Those that are open are well.
    Unresolved,
    /// It is there and will not have us, whoever asks and how often: a wrong
    /// password, no such database, a certificate that does not fit.
    Refused,
}

impl ConnectFailure {
    pub fn new(kind: ConnectFailureKind, reason: impl Into<String>) -> ConnectFailure {
        ConnectFailure {
            kind,
            reason: reason.into(),
            database: None,
        }
    }

    fn tell(&self, error: Error) -> Error {
        match &self.database {
            Some((errno, sqlstate)) => error.with_database(*errno, sqlstate.clone()),
            None => error,
        }
    }
}

/// What a database that cannot be reached is told by.
#[derive(Clone, Debug)]
pub struct Unavailable {
    pub reason: String,
    /// When the first attempt failed.
    pub since: Instant,
}

/// A number of places that several shards share.
pub struct Places {
    taken: AtomicUsize,
    max: usize,
}

impl Places {
    pub fn new(max: usize) -> Arc<Places> {
        let taken = AtomicUsize::new(0);
        Arc::new(Places { taken, max })
    }

    pub fn max(&self) -> usize {
        self.max
    }

    fn take(self: &Arc<Places>) -> Option<Place> {
        let take = |taken: usize| (taken < self.max).then_some(taken + 1);
        let taken = self
            .taken
            .fetch_update(Ordering::AcqRel, Ordering::Acquire, take);
        taken.ok().map(|_| Place(self.clone()))
    }
}

/// Given back when dropped.
pub(super) struct Place(Arc<Places>);

impl Drop for Place {
    fn drop(&mut self) {
        self.0.taken.fetch_sub(1, Ordering::AcqRel);
    }
}

/// What all shards share, so that those that are gone leave room for the others.
#[derive(Clone)]
pub struct Common {
    /// For attempts to reach what could not be reached before.
    pub probes: Arc<Places>,
    /// For requests that wait for a database to come back: each holds a worker.
    pub patient: Arc<Places>,
}

/// Counts since the start.
#[derive(Default)]
pub(super) struct Counts {
    pub(super) connects: AtomicU64,
    pub(super) connect_failures: AtomicU64,
    /// Checkouts that wait now.
    pub(super) waiting: AtomicUsize,
}

pub(super) struct Outage {
    shard: String,
    patience: Duration,
    common: Common,
    pub(super) counts: Counts,
    started: Instant,
    /// Milliseconds from `started` to when a connection was last waited for.
    asked_ms: AtomicU64,
    /// Set while the database counts as unavailable: a look takes no lock.
    down: AtomicBool,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// It has been reached once.
    reached: bool,
    /// What the last attempt failed with.
    failure: Option<ConnectFailure>,
    /// When `down` was set.
    since: Option<Instant>,
    under_way: usize,
    /// When the last attempt was begun.
    last: Option<Instant>,
}

/// What a connection is opened for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Errand {
    /// For requests, those that wait and those to come.
    Serve,
    /// To tell somebody whether the database can be reached.
    Look,
}

/// An attempt to connect that is under way.
pub(super) struct Attempt<'o> {
    outage: &'o Outage,
    /// Held as long as that is.
    _probe: Option<Place>,
}

/// Somebody who waits for a connection.
pub(super) struct Waiting<'o> {
    outage: &'o Outage,
    /// Set once it is the database that is waited for.
    patient: Option<Place>,
}

impl Outage {
    pub(super) fn new(shard: &str, config: &PoolConfig, common: Common) -> Outage {
        Outage {
            shard: shard.to_owned(),
            patience: config.outage_patience,
            common,
            counts: Counts::default(),
            started: Instant::now(),
            asked_ms: AtomicU64::new(0),
            down: AtomicBool::new(false),
            state: Mutex::default(),
        }
    }

    pub(super) fn unavailable(&self) -> Option<Unavailable> {
        if !self.down.load(Ordering::Acquire) {
            return None;
        }
        let state = self.lock();
        Some(Unavailable {
            reason: state.failure.as_ref()?.reason.clone(),
            since: state.since?,
        })
    }

    /// Whether an attempt may be made now; None: another one is under way, or was
    /// a moment ago.
    pub(super) fn attempt(&self, errand: Errand) -> Option<Attempt<'_>> {
        let mut state = self.lock();
        let mut probe = None;
        if state.failure.is_some() {
            let period = match errand {
                Errand::Look => PROBE_PERIOD,
                Errand::Serve if self.is_asked_for() => PROBE_PERIOD,
                Errand::Serve => REST_PERIOD,
            };
            let is_early = state.last.is_some_and(|last| last.elapsed() < period);
            if state.under_way > 0 || is_early {
                return None;
            }
            probe = Some(self.common.probes.take()?);
        }
        if state.under_way >= ATTEMPTS_AT_ONCE_MAX {
            return None;
        }
        state.under_way += 1;
        state.last = Some(Instant::now());
        Some(Attempt {
            outage: self,
            _probe: probe,
        })
    }

    fn is_asked_for(&self) -> bool {
        let asked = Duration::from_millis(self.asked_ms.load(Ordering::Relaxed));
        let waits = self.counts.waiting.load(Ordering::Relaxed) > 0;
        waits || self.started.elapsed() < asked + ASKED_LATELY
    }

    pub(super) fn wait(&self) -> Waiting<'_> {
        let now = self.started.elapsed().as_millis();
        let now = u64::try_from(now).unwrap_or(u64::MAX);
        self.asked_ms.store(now, Ordering::Relaxed);
        self.counts.waiting.fetch_add(1, Ordering::Relaxed);
        Waiting {
            outage: self,
            patient: None,
        }
    }

    fn error(&self, failure: &ConnectFailure) -> Error {
        let message = format!(
            "shard `{}`: its database cannot be reached: {}",
            self.shard, failure.reason
        );
        failure.tell(Error::new(ErrorKind::ShardUnavailable, message))
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Attempt<'_> {
    pub(super) fn succeeded(self) {
        let outage = self.outage;
        outage.counts.connects.fetch_add(1, Ordering::Relaxed);
        let mut state = outage.lock();
        state.reached = true;
        state.failure = None;
        let since = state.since.take();
        outage.down.store(false, Ordering::Release);
        drop(state);
        if let Some(since) = since {
            let after_ms = since.elapsed().as_millis();
            tracing::info!(shard = outage.shard, after_ms, "shard is available again");
        }
    }

    /// `open` is how many connections the pool has: with some, a database that
    /// answers, if only to refuse further ones, is not gone.
    pub(super) fn failed(self, failure: ConnectFailure, open: u32) {
        let outage = self.outage;
        let failures = &outage.counts.connect_failures;
        failures.fetch_add(1, Ordering::Relaxed);
        let goes_on = failure.kind != ConnectFailureKind::Unreachable && open > 0;
        let reason = failure.reason.clone();
        let mut state = outage.lock();
        let is_news = state.failure.replace(failure).is_none();
        if goes_on {
            let shard = &outage.shard;
            if is_news {
                tracing::warn!(shard, reason, open, "shard gets no further connection");
            }
            return;
        }
        let was_down = outage.down.swap(true, Ordering::AcqRel);
        state.since.get_or_insert_with(Instant::now);
        if !was_down {
            tracing::warn!(shard = outage.shard, reason, "shard is unavailable");
        }
    }
}

impl Drop for Attempt<'_> {
    fn drop(&mut self) {
        self.outage.lock().under_way -= 1;
    }
}

impl Waiting<'_> {
    /// An error once it is of no use to wait any longer.
    pub(super) fn go_on(&mut self) -> Result<(), Error> {
        let outage = self.outage;
        if !outage.down.load(Ordering::Acquire) {
            self.patient = None;
            return Ok(());
        }
        let state = outage.lock();
        let (Some(failure), Some(since)) = (&state.failure, state.since) else {
            return Ok(());
        };
        let may_pass = state.reached && failure.kind != ConnectFailureKind::Refused;
        if may_pass && since.elapsed() < outage.patience {
            self.patient = self.patient.take().or_else(|| outage.common.patient.take());
            if self.patient.is_some() {
                return Ok(());
            }
        }
        Err(outage.error(failure))
    }

    /// What is said at the deadline.
    pub(super) fn late(&self) -> Error {
        let outage = self.outage;
        let state = outage.lock();
        let failure = state.failure.as_ref();
        if let Some(failure) = failure
            && state.since.is_some()
        {
            return outage.error(failure);
        }
        let shard = &outage.shard;
        let why = match failure {
            Some(failure) => format!(
                "all that it has are in use, and it gives no more: {}",
                failure.reason
            ),
            None => "raise timeout_ms, or see why connecting is slow".to_owned(),
        };
        let message =
            format!("shard `{shard}`: no connection to its database within the deadline; {why}");
        let error = Error::new(ErrorKind::DeadlineExceeded, message).with_phase(Phase::Connect);
        failure.map_or(error.clone(), |failure| failure.tell(error))
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.outage.counts.waiting.fetch_sub(1, Ordering::Relaxed);
    }
}
