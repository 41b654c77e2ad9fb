//! All that is queued for a worker.

use std::sync::Arc;
use std::time::Instant;

use super::multi::{Gathering, ItemJob};
use super::refusals::expired;
use super::request::Request;
use super::transactions::Abandoned;
use crate::dispatch::Job;
use crate::error::Error;
use crate::peer::Peer;

/// Boxed where it is large, since it moves from queue to queue.
pub(super) enum Work {
    /// A message that was sent.
    Request(Box<Request>),
    /// An item of a multi.
    Item(Box<ItemJob>),
    /// A multi whose time is over is to be answered.
    Gathered(Arc<Gathering>),
    /// A transaction that nobody will end is to be rolled back.
    Rollback(Box<Abandoned>),
}

impl Work {
    /// Answers what will not be run.
    pub(super) fn refuse(self, error: &Error) {
        match self {
            Work::Request(request) => request.refuse(error),
            Work::Item(item) => item.refuse(error.clone()),
            Work::Gathered(gathering) => gathering.answer(&mut Vec::new()),
            // Its connection is closed, which rolls it back as well.
            Work::Rollback(abandoned) => drop(abandoned),
        }
    }

    /// Answers what has waited for too long.
    pub(super) fn time_is_over(self) {
        let error = match &self {
            Work::Request(request) => request.expired(),
            Work::Item(item) => item.expired(),
            _ => expired(),
        };
        self.refuse(&error);
    }
}

impl Job for Work {
    /// For the bytes of a reply.
    type Scratch = Vec<u8>;

    fn deadline(&self) -> Instant {
        match self {
            Work::Request(request) => request.deadline(),
            Work::Item(item) => item.deadline(),
            Work::Gathered(gathering) => gathering.answer_by(),
            Work::Rollback(abandoned) => abandoned.deadline(),
        }
    }

    fn peer(&self) -> Peer {
        match self {
            Work::Request(request) => request.peer(),
            Work::Item(item) => item.peer(),
            Work::Gathered(gathering) => gathering.peer(),
            Work::Rollback(_) => Peer::Local,
        }
    }

    /// By what the same took of late; another answer may come later.
    fn is_long(&self) -> bool {
        match self {
            Work::Request(request) => request.is_long(),
            Work::Item(item) => item.is_long(),
            Work::Gathered(_) | Work::Rollback(_) => false,
        }
    }

    fn may_be_long(&self) -> bool {
        match self {
            Work::Request(request) => request.may_be_long(),
            Work::Item(item) => item.may_be_long(),
            Work::Gathered(_) | Work::Rollback(_) => false,
        }
    }

    fn expire(self, _: &mut Vec<u8>) {
        self.time_is_over();
    }

    fn run(self, buffer: &mut Vec<u8>) {
        match self {
            Work::Request(request) => request.run(buffer),
            Work::Item(item) => item.run(buffer),
            Work::Gathered(gathering) => gathering.answer(buffer),
            Work::Rollback(abandoned) => abandoned.roll_back(),
        }
    }
}
