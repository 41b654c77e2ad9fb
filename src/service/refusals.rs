//! Why something is not run, in words for its caller.

use super::work::Work;
use crate::dispatch::Refusal;
use crate::error::{Error, ErrorKind, Outcome};

/// What was not taken, and why.
pub(super) fn refused(refusal: Refusal<Work>) -> (Work, Error) {
    match refusal {
        Refusal::Full { job, limit } => {
            let message = format!(
                "{limit} requests wait on the shard already (queue_max_requests); try again later"
            );
            let error = Error::new(ErrorKind::QueueFull, message)
                .with_limit(limit as u64, limit as u64 + 1);
            (job, error)
        }
        Refusal::TooLate { job, wait } => {
            let message = format!(
                "the shard is busy: the request would wait about {} ms, and not be done by its \
                 deadline; try again later, or raise timeout_ms",
                wait.as_millis()
            );
            (job, Error::new(ErrorKind::QueueTimeout, message))
        }
        Refusal::Stopped(job) => (job, draining()),
    }
}

/// What has been taken, and gives way to another caller's.
pub(super) fn crowded_out() -> Error {
    let message = "the shard's queue is full (queue_max_requests), and of all callers' requests \
                   most were from your address: the newest of them gave way to another caller's; \
                   try again later";
    Error::new(ErrorKind::QueueFull, message)
}

pub(super) fn draining() -> Error {
    let message = "this server is stopping and takes nothing new; another one takes the request";
    Error::new(ErrorKind::Draining, message)
}

pub(super) fn expired() -> Error {
    let message = "the deadline passed, or came too near to begin, while the request waited for \
                   its turn on the shard; try again later, or raise timeout_ms";
    Error::new(ErrorKind::QueueTimeout, message)
}

pub(super) fn panicked() -> Error {
    let message = "a fault of this server's own; its log says where";
    Error::new(ErrorKind::Internal, message).with_outcome(Outcome::Unknown)
}
