//! How one thread stops the operation that another one runs. Nothing here knows
//! what runs: whoever runs it says how it is stopped, for as long as it can be.

use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::error::{Error, ErrorKind};

/// Shared by an operation and by those who may stop it.
#[derive(Default)]
pub struct Cancel {
    state: Mutex<State>,
}

type Stop = Box<dyn Fn() + Send>;

#[derive(Default)]
struct State {
    cancelled: bool,
    stop: Option<Stop>,
}

impl Cancel {
    /// Stops what runs, and whatever is begun later. Never blocks for long.
    pub fn cancel(&self) {
        let mut state = self.lock();
        state.cancelled = true;
        if let Some(stop) = &state.stop {
            stop();
        }
    }

    pub fn is_cancelled(&self) -> bool {
        self.lock().cancelled
    }

    /// Until the guard is dropped, `stop` is what stops the operation. It is
    /// called at once if that has been asked already, and never after the guard
    /// is dropped, so that it may use what lives as long.
    pub fn on_cancel(&self, stop: impl Fn() + Send + 'static) -> CancelGuard<'_> {
        let mut state = self.lock();
        if state.cancelled {
            stop();
        }
        state.stop = Some(Box::new(stop));
        CancelGuard(self)
    }

    /// What the caller of a cancelled operation is told.
    pub fn error() -> Error {
        let message = "another item of the request failed, and its policy is to stop the others";
        Error::new(ErrorKind::Cancelled, message)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Cancel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Cancel").field(&self.is_cancelled()).finish()
    }
}

/// Ends what `on_cancel` began.
pub struct CancelGuard<'c>(&'c Cancel);

impl Drop for CancelGuard<'_> {
    fn drop(&mut self) {
        self.0.lock().stop = None;
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::*;

    #[test]
    fn it_is_stopped_while_it_can_be() {
        let cancel = Cancel::default();
        let stops = Arc::new(AtomicU32::new(0));
        let count = |stops: &Arc<AtomicU32>| {
            let stops = stops.clone();
            move || {
                stops.fetch_add(1, Ordering::Relaxed);
            }
        };
        drop(cancel.on_cancel(count(&stops)));
        let guard = cancel.on_cancel(count(&stops));
        cancel.cancel();
        assert_eq!(stops.load(Ordering::Relaxed), 1);
        drop(guard);
        cancel.cancel();
        assert_eq!(stops.load(Ordering::Relaxed), 1);
        let _late = cancel.on_cancel(count(&stops));
        assert_eq!(stops.load(Ordering::Relaxed), 2);
    }
}
