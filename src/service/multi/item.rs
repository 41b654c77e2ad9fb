//! One item of a multi: what is known of it, and the job that runs it.

use std::sync::Arc;
use std::time::Instant;

use super::{Gathering, Left};
use crate::cancel::Cancel;
use crate::digests::Known;
use crate::error::{Error, ErrorKind, Outcome, Phase, Result};
use crate::operation::{Answer, Limits, Operation};
use crate::peer::Peer;
use crate::rpc::{AskedOptions, Call, Form, ItemReply, Layout};
use crate::service::refusals::{crowded_out, expired};
use crate::stats::{Answered, Code, Function, Stats};

/// What is known of one item.
pub(super) struct ItemState {
    pub(super) form: Form,
    pub(super) layout: Layout,
    pub(super) request_id: String,
    pub(super) shard: String,
    /// Of the shard; None: there is no such shard.
    pub(super) shard_index: Option<usize>,
    pub(super) deadline: Instant,
    pub(super) cancel: Arc<Cancel>,
    /// When a worker took it.
    pub(super) started: Option<Instant>,
    pub(super) outcome: Option<ItemReply>,
}

impl ItemState {
    pub(super) fn finish(&mut self, stats: &Stats, arrived: Instant, result: Result<Answer>) {
        let answered = Answered {
            function: match self.form {
                Form::Query => Function::QueryItem,
                Form::Execute => Function::ExecuteItem,
                Form::Insert => Function::InsertItem,
                Form::Batch => Function::BatchItem,
            },
            code: match &result {
                Ok(_) => Code::Ok,
                Err(error) => Code::Failed(error.kind()),
            },
            arrived,
            started: self.started,
        };
        stats.answered(self.shard_index, &answered);
        let call = Call {
            name: "",
            sequence_id: 0,
            request_id: &self.request_id,
            shard: &self.shard,
            arrived,
            started: self.started.unwrap_or_else(Instant::now),
            deadline: self.deadline,
        };
        self.outcome = Some(ItemReply {
            form: self.form,
            layout: self.layout,
            facts: call.facts(),
            result,
        });
    }

    /// Why there is nothing of it by the deadline.
    pub(super) fn missed(&self) -> Error {
        if self.started.is_none() {
            return expired();
        }
        let message = "the deadline passed while the statement ran; it is being stopped";
        let outcome = match self.form {
            Form::Query => Outcome::NotApplied,
            Form::Execute | Form::Insert | Form::Batch => Outcome::Unknown,
        };
        Error::new(ErrorKind::DeadlineExceeded, message).with_outcome(outcome)
    }
}

/// An item's own options, and what it leaves unset from those of its multi.
pub(super) fn with_defaults(own: AskedOptions, of_all: &AskedOptions) -> AskedOptions {
    let request_id = match own.request_id.is_empty() {
        true => of_all.request_id.clone(),
        false => own.request_id,
    };
    AskedOptions {
        request_id,
        max_rows: own.max_rows.or(of_all.max_rows),
        warnings_max: own.warnings_max.max(of_all.warnings_max),
        idempotent: own.idempotent || of_all.idempotent,
        layout: own.layout.or(of_all.layout),
        ..own
    }
}

/// One item in the queue of its shard. Dropped without having been run, or in a
/// panic, it counts as failed.
pub(in crate::service) struct ItemJob {
    pub(super) gathering: Arc<Gathering>,
    pub(super) index: usize,
    pub(super) shard: usize,
    pub(super) form: Form,
    /// What earlier ones like it have cost.
    pub(super) known: Option<Known>,
    /// None once it has been run.
    pub(super) task: Option<(Operation, Limits)>,
}

impl ItemJob {
    pub(in crate::service) fn deadline(&self) -> Instant {
        match &self.task {
            // What is stopped is taken out of its queue as if it were late.
            Some((_, limits)) if limits.is_cancelled() => self.gathering.arrived,
            Some((_, limits)) => limits.deadline,
            None => self.gathering.deadline,
        }
    }

    /// Why it is not begun, once it is to be taken out of its queue.
    pub(in crate::service) fn expired(&self) -> Error {
        let limits = self.task.as_ref().map(|(_, limits)| limits);
        let cancelled = limits.and_then(Limits::cancelled);
        cancelled.map_or_else(expired, |error| error.with_phase(Phase::Queue))
    }

    pub(in crate::service) fn peer(&self) -> Peer {
        self.gathering.peer
    }

    pub(in crate::service) fn is_long(&self) -> bool {
        self.known.as_ref().is_some_and(Known::is_long)
    }

    pub(in crate::service) fn may_be_long(&self) -> bool {
        self.known.as_ref().is_some_and(Known::may_be_long)
    }

    /// Its outcome is known already.
    pub(super) fn forget(mut self) {
        self.task = None;
    }

    /// Will not be run. Whoever says so has no time to write a reply.
    pub(in crate::service) fn refuse(mut self, error: Error) {
        if self.task.take().is_some() {
            self.done_elsewhere(Err(error));
        }
    }

    /// Another caller's has its place in the queue. Gives whose turn it is to submit
    /// the next one there.
    pub(super) fn give_way(mut self: Box<Self>) -> Option<(Arc<Gathering>, usize)> {
        self.task.take()?;
        let finished = self
            .gathering
            .finish(self.index, self.shard, Err(crowded_out()));
        if finished == Left::None {
            self.gathering.answer_elsewhere();
        }
        Some((self.gathering.clone(), self.shard))
    }

    fn done_elsewhere(&self, result: Result<Answer>) {
        if self.gathering.done(self.index, self.shard, result) == Left::None {
            self.gathering.answer_elsewhere();
        }
    }

    pub(in crate::service) fn run(mut self, buffer: &mut Vec<u8>) {
        let Some((operation, limits)) = &self.task else {
            return;
        };
        let started = Instant::now();
        if started >= limits.deadline {
            return self.refuse(expired());
        }
        if let Some(cancelled) = limits.cancelled() {
            return self.refuse(cancelled.with_phase(Phase::Queue));
        }
        // In one step with the look: what has been told as not begun must not run.
        if !self.gathering.begin(self.index, started) {
            return self.refuse(expired());
        }
        let result = self
            .gathering
            .core
            .shards
            .get(self.shard)
            .run(operation, limits);
        self.task = None;
        if self.gathering.done(self.index, self.shard, result) == Left::None {
            self.gathering.answer(buffer);
        }
    }
}

impl Drop for ItemJob {
    fn drop(&mut self) {
        if self.task.take().is_some() {
            let message = "a fault of this server's own; its log says where";
            let outcome = match self.form {
                Form::Query => Outcome::NotApplied,
                _ => Outcome::Unknown,
            };
            let error = Error::new(ErrorKind::Internal, message).with_outcome(outcome);
            self.done_elsewhere(Err(error));
        }
    }
}
