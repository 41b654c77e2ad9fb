//! How one thread stops the operation that another one runs. Nothing here knows
//! what runs: whoever runs it says how it is stopped, for as long as it can be.

use std::fmt;
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::error::{Error, ErrorKind};

/// Shared by operations and by those who may stop them. A client's session has
/// one for its life, and each item of a `multi` one of its own; what uses one runs
/// one after the other. No request costs it an allocation: to note how one
/// exchange is stopped, and that it is over, are two uncontended locks.
#[derive(Default)]
pub struct Cancel {
    /// [`NOT_CANCELLED`], or a cause.
    cause: AtomicU8,
    stop: Mutex<Option<Stop>>,
}

const NOT_CANCELLED: u8 = 0;

/// Why something is stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Cause {
    /// Another item of the same request has failed, or their time is over.
    OtherItem = 1,
    /// Nobody is there any more to be answered.
    ClientGone = 2,
}

impl Cause {
    /// What the caller of a cancelled operation is told.
    pub fn error(self) -> Error {
        let message = match self {
            Cause::OtherItem => {
                "another item of the request failed, and its policy is to stop the others"
            }
            Cause::ClientGone => {
                "the client has closed its connection, or its sending side; what it asked for is \
                 stopped"
            }
        };
        Error::new(ErrorKind::Cancelled, message)
    }
}

/// What stops an operation: a call, and what it is about, such as a socket.
#[derive(Clone, Copy)]
pub struct Stop {
    pub call: fn(i32),
    pub on: i32,
}

impl Cancel {
    /// Stops what runs, and whatever is begun later. Never blocks for long. The
    /// first cause is the one that is told.
    pub fn cancel(&self, cause: Cause) {
        let stop = self.lock();
        let _ = self.cause.compare_exchange(
            NOT_CANCELLED,
            cause as u8,
            Ordering::AcqRel,
            Ordering::Acquire,
        );
        if let Some(stop) = *stop {
            (stop.call)(stop.on);
        }
    }

    pub fn is_cancelled(&self) -> bool {
        self.cause.load(Ordering::Acquire) != NOT_CANCELLED
    }

    /// Until the guard is dropped, `stop` is what stops the operation. It is
    /// called at once if that has been asked already, and never after the guard
    /// is dropped, so that it may use what lives as long.
    pub fn on_cancel(&self, stop: Stop) -> CancelGuard<'_> {
        let mut current = self.lock();
        if self.is_cancelled() {
            (stop.call)(stop.on);
        }
        *current = Some(stop);
        CancelGuard(self)
    }

    /// What the caller of a cancelled operation is told.
    pub fn error(&self) -> Error {
        match self.cause.load(Ordering::Acquire) {
            cause if cause == Cause::ClientGone as u8 => Cause::ClientGone.error(),
            _ => Cause::OtherItem.error(),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Option<Stop>> {
        self.stop.lock().unwrap_or_else(PoisonError::into_inner)
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
        *self.0.lock() = None;
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicU32;

    use super::*;

    #[test]
    fn it_is_stopped_while_it_can_be() {
        static STOPS: AtomicU32 = AtomicU32::new(0);
        let seven = Stop {
            call: |on| {
                STOPS.fetch_add(on.unsigned_abs(), Ordering::Relaxed);
            },
            on: 7,
        };
        let stops = || STOPS.load(Ordering::Relaxed);
        let cancel = Cancel::default();
        drop(cancel.on_cancel(seven));
        let guard = cancel.on_cancel(seven);
        cancel.cancel(Cause::ClientGone);
        assert_eq!(stops(), 7);
        drop(guard);
        cancel.cancel(Cause::OtherItem);
        assert_eq!(stops(), 7);
        let _late = cancel.on_cancel(seven);
        assert_eq!(stops(), 14);
        // The first cause stays.
        assert!(cancel.error().message().contains("client"));
    }
}
