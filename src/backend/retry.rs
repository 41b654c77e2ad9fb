//! Sends again what was not done, or may be done twice: when, how often, and how
//! much of it, so that an outage is not multiplied by those who try again.

use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher, Hasher};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::cancel::Cancel;
use crate::config::PoolConfig;
use crate::error::{Error, ErrorKind, Outcome, Result, Retry};
use crate::operation::{Limits, Operation};

/// How often a request is given to the database at the most.
const TRIES_MAX: u32 = 5;

/// Before the second try, on average; before each further one twice as long.
const PAUSE: Duration = Duration::from_millis(4);

/// The least that may be sent again at once, for small pools.
const BURST_MIN: u64 = 10;

/// What an empty budget takes to be full again with no requests at all, in seconds.
const REFILL_SECONDS: u64 = 10;

/// One of what the budget counts in parts.
const WHOLE: u64 = 1_000;

/// What may be done with an operation that was sent already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Safety {
    /// It may have been applied, and once is enough.
    Once,
    /// It reads, or its caller has said that twice is well. Alone in its
    /// transaction, it begins anew after a deadlock as well.
    Repeatable,
    /// As that; but several statements, of which one may meet a deadlock alone,
    /// or which together see to it by themselves.
    RepeatableUnit,
}

impl Safety {
    pub(super) fn of(operation: &Operation, limits: &Limits) -> Safety {
        match operation {
            Operation::Ping | Operation::Query(_) => Safety::Repeatable,
            Operation::Execute(_) | Operation::Insert(_) if limits.idempotent => Safety::Repeatable,
            Operation::Batch(_) if limits.idempotent => Safety::RepeatableUnit,
            Operation::Execute(_) | Operation::Insert(_) | Operation::Batch(_) => Safety::Once,
        }
    }
}

/// One try.
pub(super) struct Try<T> {
    pub(super) result: Result<T>,
    /// Something was given to the database.
    pub(super) sent: bool,
    /// It found the database to take no writes, and the pool's connections are
    /// replaced: the next one may lead to another.
    pub(super) replaced: bool,
}

impl<T> Try<T> {
    /// It failed before anything was sent.
    pub(super) fn unsent(error: Error) -> Try<T> {
        Try {
            result: Err(error),
            sent: false,
            replaced: false,
        }
    }
}

/// What a shard sends again.
pub(super) struct Retries {
    percent: u64,
    burst: u64,
    /// Requests so far; added to at each, so that no more than that is done then.
    requests: AtomicU64,
    tokens: Mutex<Tokens>,
    retried: AtomicU64,
    refused: AtomicU64,
}

struct Tokens {
    parts: u64,
    /// `requests` when it was filled last.
    requests: u64,
    filled: Instant,
}

/// What there is to count of retries, since the start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RetryStats {
    pub requests: u64,
    pub retries: u64,
    /// Those that the budget did not allow.
    pub refused: u64,
}

/// Why, and at whose expense, something is sent again.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Reason {
    /// Nothing was sent: it is the first time.
    Unsent,
    Lost,
}

/// What the callers of those are told whom the budget keeps from another try.
const NO_BUDGET: &str = "it was not sent again, for the shard's retry_budget_percent is used up";

/// Whether something may be sent again.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Leave {
    Given,
    Refused,
    /// It would be safe and in time.
    NoBudget,
}

impl Retries {
    pub(super) fn new(config: &PoolConfig) -> Retries {
        let burst = u64::from(config.max_connections).max(BURST_MIN);
        Retries {
            percent: config.retry_budget_percent.into(),
            burst,
            requests: AtomicU64::new(0),
            tokens: Mutex::new(Tokens {
                parts: burst * WHOLE,
                requests: 0,
                filled: Instant::now(),
            }),
            retried: AtomicU64::new(0),
            refused: AtomicU64::new(0),
        }
    }

    /// Tries until it is done, or no further try is safe, allowed or in time.
    /// `failure` finds in a result what may be mended by another try, and
    /// `discard` gives back what a result that is not kept has taken. Also tells
    /// how often it was sent. Costs one addition where all goes well.
    pub(super) fn run<T>(
        &self,
        safety: Safety,
        limits: &Limits,
        failure: fn(&Result<T>) -> Option<&Error>,
        discard: impl Fn(&T),
        mut attempt: impl FnMut() -> Try<T>,
    ) -> (Result<T>, u32) {
        self.requests.fetch_add(1, Ordering::Relaxed);
        let (mut tries, mut sent, mut in_doubt) = (0, 0, false);
        loop {
            tries += 1;
            let this = attempt();
            sent += u32::from(this.sent);
            let leave = failure(&this.result)
                .and_then(|error| reason(error, safety, &this))
                .filter(|_| tries < TRIES_MAX)
                .map_or(Leave::Refused, |reason| self.leave(reason, tries, limits));
            if leave != Leave::Given {
                let result = match (in_doubt, failure(&this.result), &this.result) {
                    // Of its steps each would tell of the last try alone, and may
                    // have been applied by an earlier one.
                    (true, Some(error), Ok(value)) => {
                        discard(value);
                        Err(error.clone())
                    }
                    _ => this.result,
                };
                let settled = |error| settled(error, safety, in_doubt);
                let told = |error: Error| match leave {
                    Leave::NoBudget => settled(error).noting(NO_BUDGET),
                    Leave::Given | Leave::Refused => settled(error),
                };
                return (result.map_err(told), sent);
            }
            match &this.result {
                Ok(value) => {
                    in_doubt = true;
                    discard(value);
                }
                Err(error) => in_doubt |= error.outcome() != Outcome::NotApplied,
            }
        }
    }

    /// Waits a little, unless there is no time for another try, or no budget.
    fn leave(&self, reason: Reason, tries: u32, limits: &Limits) -> Leave {
        let pause = jittered(PAUSE * 2_u32.pow(tries - 1));
        let is_cancelled = limits.cancel.as_deref().is_some_and(Cancel::is_cancelled);
        if is_cancelled || Instant::now() + pause >= limits.deadline {
            return Leave::Refused;
        }
        if reason == Reason::Lost && !self.draw() {
            self.refused.fetch_add(1, Ordering::Relaxed);
            return Leave::NoBudget;
        }
        self.retried.fetch_add(1, Ordering::Relaxed);
        std::thread::sleep(pause);
        Leave::Given
    }

    /// Takes one from the budget, if there is one.
    fn draw(&self) -> bool {
        if self.percent == 0 {
            return false;
        }
        let requests = self.requests.load(Ordering::Relaxed);
        let mut tokens = self.lock();
        let by_requests = requests.saturating_sub(tokens.requests) * self.percent * WHOLE / 100;
        let passed = tokens.filled.elapsed();
        let passed_us = u64::try_from(passed.as_micros()).unwrap_or(u64::MAX);
        let by_time = passed_us.saturating_mul(self.burst) / (REFILL_SECONDS * 1_000);
        let full = self.burst * WHOLE;
        let filled = tokens
            .parts
            .saturating_add(by_requests.saturating_add(by_time));
        tokens.parts = filled.min(full);
        tokens.requests = requests;
        if by_time > 0 {
            tokens.filled += passed;
        }
        match tokens.parts.checked_sub(WHOLE) {
            Some(left) => {
                tokens.parts = left;
                true
            }
            None => false,
        }
    }

    pub(super) fn stats(&self) -> RetryStats {
        RetryStats {
            requests: self.requests.load(Ordering::Relaxed),
            retries: self.retried.load(Ordering::Relaxed),
            refused: self.refused.load(Ordering::Relaxed),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Tokens> {
        self.tokens.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether another try may mend it. What cannot be reached has been waited for.
fn reason<T>(error: &Error, safety: Safety, this: &Try<T>) -> Option<Reason> {
    let repeatable = safety != Safety::Once;
    match error.kind() {
        ErrorKind::ConnectionLost if !this.sent => Some(Reason::Unsent),
        ErrorKind::ConnectionLost if repeatable => Some(Reason::Lost),
        ErrorKind::ShardReadOnly if repeatable && this.replaced => Some(Reason::Lost),
        ErrorKind::Deadlock if safety == Safety::Repeatable => Some(Reason::Lost),
        _ => None,
    }
}

/// An earlier try may have been applied, whatever became of the last one.
fn settled(error: Error, safety: Safety, in_doubt: bool) -> Error {
    let error = match in_doubt {
        true => error.with_outcome(Outcome::Unknown),
        false => error,
    };
    match error.kind() {
        ErrorKind::ConnectionLost if safety != Safety::Once => error.with_retry(Retry::AfterPause),
        _ => error,
    }
}

/// From a half to one and a half of that: those who failed together shall not
/// come back together.
pub(super) fn jittered(usual: Duration) -> Duration {
    // Each state hashes differently: chance without a package for it.
    let chance = RandomState::new().build_hasher().finish() % 1_000;
    usual / 2 + usual.mul_f64(chance as f64 / 1_000.0)
}

#[cfg(test)]
mod tests;
