//! The open transactions: who has which, by what token, and for how long. What a
//! transaction does is the backend's; here it is kept, lent to one request at a
//! time, and rolled back when nobody will end it.

mod lease;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::core::Core;
use super::lanes::{Lane, Places};
use super::work::Work;
use crate::backend::Transaction;
use crate::budget::Memory;
use crate::config::ServerConfig;
use crate::error::{Error, ErrorKind, Result};
use crate::operation::Limits;
pub(super) use lease::{Lease, begin, roll_back};

/// Random bytes of a token, beside those of the instance.
const TOKEN_BYTES: usize = 16;
const INSTANCE_BYTES: usize = 8;

/// Transactions of one session that have died or expired and were not rolled
/// back by it; the oldest is forgotten.
const ENDED_PER_SESSION_MAX: usize = 64;

/// How long a rollback that nobody waits for may take before the connection is
/// closed instead.
const ROLLBACK_TIMEOUT: Duration = Duration::from_secs(1);

pub(super) struct Transactions {
    /// The beginning of every token of this process.
    instance: String,
    idle_timeout: Duration,
    timeout: Duration,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    by_token: HashMap<String, Entry>,
    /// In the order in which they were begun.
    by_session: HashMap<u64, Vec<String>>,
}

struct Entry {
    session: u64,
    shard: usize,
    /// When its total limit is over.
    ends: Instant,
    last_used: Instant,
    place: Place,
}

/// Where a transaction is.
enum Place {
    Kept(Box<Open>),
    /// A request has it.
    Lent,
    /// It was over a limit, which this names, and has been rolled back.
    Expired(String),
}

/// A transaction and the places that it takes while it has a connection.
struct Open {
    transaction: Transaction,
    places: Option<Places>,
}

impl Transactions {
    pub(super) fn new(server: &ServerConfig) -> Transactions {
        Transactions {
            // Without one, no token can be made either.
            instance: random_text(INSTANCE_BYTES).unwrap_or_default(),
            idle_timeout: server.transaction_idle_timeout,
            timeout: server.transaction_timeout,
            state: Mutex::default(),
        }
    }

    /// The shard of a session's transaction.
    pub(super) fn shard_of(&self, token: &str, session: u64) -> Result<usize> {
        let state = self.lock();
        self.find(&state, token, session).map(|entry| entry.shard)
    }

    /// Whether a session has a transaction that it may still commit.
    pub(super) fn has_open(&self, session: u64) -> bool {
        let state = self.lock();
        let is_open = |token: &String| match state.by_token.get(token).map(|entry| &entry.place) {
            Some(Place::Kept(open)) => !open.transaction.is_dead(),
            Some(Place::Lent) => true,
            Some(Place::Expired(_)) | None => false,
        };
        let tokens = state.by_session.get(&session);
        tokens.is_some_and(|tokens| tokens.iter().any(is_open))
    }

    /// How many are open on each of so many shards.
    pub(super) fn count_open(&self, shard_count: usize) -> Vec<u64> {
        let mut counts = vec![0; shard_count];
        for entry in self.lock().by_token.values() {
            let is_open = match &entry.place {
                Place::Kept(open) => !open.transaction.is_dead(),
                Place::Lent => true,
                Place::Expired(_) => false,
            };
            if is_open {
                counts[entry.shard] += 1;
            }
        }
        counts
    }

    /// Rolls back whatever a session has left open.
    pub(super) fn session_ended(core: &Arc<Core>, session: u64) {
        let mut state = core.transactions.lock();
        let tokens = state.by_session.remove(&session).unwrap_or_default();
        let entries: Vec<Entry> = tokens
            .iter()
            .filter_map(|token| state.by_token.remove(token))
            .collect();
        drop(state);
        for entry in entries {
            if let Place::Kept(open) = entry.place {
                abandon(core, entry.shard, open);
            }
        }
    }

    /// Rolls back what is over its idle or its total limit.
    pub(super) fn expire(core: &Arc<Core>, now: Instant) {
        let transactions = &core.transactions;
        let mut over = Vec::new();
        for entry in transactions.lock().by_token.values_mut() {
            // A dead one keeps telling its cause.
            let lives = matches!(&entry.place, Place::Kept(open) if !open.transaction.is_dead());
            if lives && let Some(why) = transactions.why_over(entry, now) {
                let place = std::mem::replace(&mut entry.place, Place::Expired(why));
                over.push((entry.shard, place));
            }
        }
        for (shard, place) in over {
            if let Place::Kept(open) = place {
                abandon(core, shard, open);
            }
        }
    }

    fn why_over(&self, entry: &Entry, now: Instant) -> Option<String> {
        if now >= entry.ends {
            Some(self.over_total())
        } else if now >= entry.last_used + self.idle_timeout {
            Some(over("transaction_idle_timeout_ms", self.idle_timeout))
        } else {
            None
        }
    }

    fn over_total(&self) -> String {
        over("transaction_timeout_ms", self.timeout)
    }

    fn add(&self, session: u64, shard: usize, open: Open) -> Result<String> {
        let token = format!("{}{}", self.instance, random_text(TOKEN_BYTES)?);
        let now = Instant::now();
        let entry = Entry {
            session,
            shard,
            ends: now + self.timeout,
            last_used: now,
            place: Place::Kept(Box::new(open)),
        };
        let mut state = self.lock();
        state.by_token.insert(token.clone(), entry);
        state
            .by_session
            .entry(session)
            .or_default()
            .push(token.clone());
        state.forget_oldest(session);
        Ok(token)
    }

    fn find<'s>(&self, state: &'s State, token: &str, session: u64) -> Result<&'s Entry> {
        let entry = state.by_token.get(token);
        entry.filter(|entry| entry.session == session).ok_or_else(|| {
            let message = if token.starts_with(&self.instance) {
                "this session has no such transaction: it has ended, or another session began it"
            } else {
                "this instance of the service has no such transaction: another one, or this one \
                 before it was restarted, may have begun it; begin it anew here"
            };
            Error::new(ErrorKind::TransactionNotFound, message)
        })
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn forget_oldest(&mut self, session: u64) {
        let Some(tokens) = self.by_session.get_mut(&session) else {
            return;
        };
        let by_token = &mut self.by_token;
        let has_ended = |token: &String| match by_token.get(token).map(|entry| &entry.place) {
            Some(Place::Kept(open)) => open.transaction.is_dead(),
            Some(Place::Lent) => false,
            Some(Place::Expired(_)) | None => true,
        };
        if tokens.iter().filter(|token| has_ended(token)).count() <= ENDED_PER_SESSION_MAX {
            return;
        }
        if let Some(oldest) = tokens.iter().position(has_ended) {
            let token = tokens.remove(oldest);
            by_token.remove(&token);
        }
    }

    fn remove(&mut self, token: &str, session: u64) {
        self.by_token.remove(token);
        if let Some(tokens) = self.by_session.get_mut(&session) {
            tokens.retain(|known| known != token);
            if tokens.is_empty() {
                self.by_session.remove(&session);
            }
        }
    }
}

fn over(name: &str, limit: Duration) -> String {
    format!("it was over {name} ({})", limit.as_millis())
}

fn expired(why: &str) -> Error {
    let message = format!(
        "the transaction has been rolled back: {why}; roll it back to be rid of it, and begin anew"
    );
    Error::new(ErrorKind::TransactionExpired, message)
}

/// A transaction that nobody will end.
pub(super) struct Abandoned {
    open: Box<Open>,
    deadline: Instant,
}

impl Abandoned {
    pub(super) fn deadline(&self) -> Instant {
        self.deadline
    }

    pub(super) fn roll_back(self) {
        let Open {
            transaction,
            places,
        } = *self.open;
        let limits = Limits {
            deadline: self.deadline,
            result_max_rows: 0,
            warnings_max: 0,
            budget: Memory::new(0).budget(0),
            cancel: None,
            idempotent: false,
            meter: None,
        };
        if let Err(error) = transaction.rollback(&limits) {
            let reason = error.message();
            tracing::debug!(reason, "an abandoned transaction's connection is closed");
        }
        drop(places);
    }
}

/// Rolls back on a worker; where none is to be had, by closing the connection.
fn abandon(core: &Arc<Core>, shard: usize, open: Box<Open>) {
    let abandoned = Abandoned {
        open,
        deadline: Instant::now() + ROLLBACK_TIMEOUT,
    };
    let work = Work::Rollback(Box::new(abandoned));
    // What comes back is dropped.
    let _ = core.lanes.submit(Lane::Transaction(shard), work);
}

/// Hexadecimal digits that nobody can guess.
fn random_text(bytes: usize) -> Result<String> {
    let mut random = vec![0; bytes];
    getrandom::fill(&mut random).map_err(|error| {
        let message = format!("the system gives no random bytes for a token: {error}");
        Error::new(ErrorKind::Internal, message)
    })?;
    Ok(random.iter().map(|byte| format!("{byte:02x}")).collect())
}
