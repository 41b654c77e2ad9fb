//! A statement that is about to be stopped while its result is read: whether it
//! is, and when nothing more can be hit.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

/// Whether a kill may still hit what runs next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::backend::mysql) enum Sent {
    /// None was sent, and none will be.
    Not,
    /// Its answer is there: if it hits the next statement, it does so at once.
    Answered,
    /// It may hit anything, at any time.
    Unanswered,
}

/// Shared by who reads the result and who stops the statement.
#[derive(Default)]
pub(super) struct Progress {
    state: Mutex<State>,
    ended: Condvar,
}

#[derive(Default)]
struct State {
    stage: Stage,
    /// The result has ended, or is given up: nothing is sent any more.
    over: bool,
}

#[derive(Clone, Copy, Default)]
enum Stage {
    #[default]
    Waiting,
    UnderWay,
    Ended(Sent),
}

impl Progress {
    /// False: it has been called off, or the last one may still hit something.
    pub(super) fn begin(&self) -> bool {
        let mut state = self.lock();
        let last = matches!(state.stage, Stage::Ended(Sent::Unanswered));
        if state.over || last {
            return false;
        }
        state.stage = Stage::UnderWay;
        true
    }

    pub(super) fn end(&self, sent: Sent) {
        self.lock().stage = Stage::Ended(sent);
        self.ended.notify_all();
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A statement that is about to be stopped. Called off if dropped before it is.
pub(in crate::backend::mysql) struct Stopping(pub(super) Arc<Progress>);

impl Stopping {
    /// The statement's result has been read to its end, and nothing was sent
    /// since: waits until nothing can be stopped any more, at most until the
    /// deadline.
    pub(in crate::backend::mysql) fn settle(self, deadline: Instant) -> Sent {
        let mut state = self.0.lock();
        state.over = true;
        loop {
            match state.stage {
                Stage::Waiting => return Sent::Not,
                Stage::Ended(sent) => return sent,
                Stage::UnderWay => {}
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Sent::Unanswered;
            }
            let waited = self.0.ended.wait_timeout(state, left);
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}

impl Drop for Stopping {
    fn drop(&mut self) {
        self.0.lock().over = true;
    }
}
