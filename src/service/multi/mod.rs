//! A multi: items that run on their shards' own lanes, and the one reply that
//! gathers what came of them. No worker waits for another: whoever brings the
//! last outcome, or finds the time to be over, writes the reply.

mod all;
mod item;

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

pub(super) use all::Gatherings;
pub(super) use item::ItemJob;
use item::{ItemState, with_defaults};

use super::core::Core;
use super::lanes::Lane;
use super::refusals::{crowded_out, refused};
use super::request::Addressee;
use super::work::Work;
use crate::budget::Budget;
use crate::cancel::{Cancel, Cause};
use crate::digests::Source;
use crate::error::{Error, ErrorKind, Outcome, Result, Retry};
use crate::operation::Answer;
use crate::peer::Peer;
use crate::rpc::{AskedOptions, Item, ItemReply, Policy, Reply};

/// After its deadline a multi is answered as soon as a worker is free; not later
/// than so long.
const ANSWER_PATIENCE: Duration = Duration::from_secs(1);

/// One multi on its way.
pub(in crate::service) struct Gathering {
    core: Arc<Core>,
    policy: Policy,
    peer: Peer,
    /// Cancelled once nobody waits for the reply.
    client: Arc<Cancel>,
    arrived: Instant,
    deadline: Instant,
    budget: Arc<Budget>,
    state: Mutex<State>,
}

struct State {
    items: Vec<ItemState>,
    /// Items that have no outcome yet.
    left: usize,
    shards: HashMap<usize, ShardState>,
    /// The first item that failed, if that ends the others.
    failed: Option<usize>,
    /// Whom to answer; None once that is done.
    addressee: Option<Addressee>,
}

/// A shard's items that have not been submitted, and how many have been.
#[derive(Default)]
struct ShardState {
    waiting: VecDeque<ItemJob>,
    under_way: usize,
    parallel_max: usize,
}

impl Gathering {
    /// Queues the items. The reply comes later, and from another thread.
    /// `options` hold for the items that do not say otherwise.
    pub(in crate::service) fn start(
        addressee: Addressee,
        items: Vec<Item>,
        policy: Policy,
        options: &AskedOptions,
    ) {
        let core = addressee.core.clone();
        let gathering = Arc::new(Gathering {
            budget: core.budget(),
            core: core.clone(),
            policy,
            peer: addressee.reply.peer(),
            client: addressee.reply.cancel().clone(),
            arrived: addressee.arrived,
            deadline: addressee.deadline,
            state: Mutex::new(State {
                items: Vec::with_capacity(items.len()),
                left: items.len(),
                shards: HashMap::new(),
                failed: None,
                addressee: Some(addressee),
            }),
        });
        let mut wrong = Vec::new();
        for (index, mut item) in items.into_iter().enumerate() {
            item.options = with_defaults(item.options, options);
            if let Err(error) = gathering.take(index, item) {
                wrong.push((index, error));
            }
        }
        // Not before: it may be ended from here on, and the reply has all items.
        core.gatherings.add(&gathering);
        for (index, error) in wrong {
            if gathering.record(index, Err(error)) == Left::None {
                gathering.answer_elsewhere();
            }
        }
        let shards: Vec<usize> = gathering.lock().shards.keys().copied().collect();
        for shard in shards {
            gathering.submit_next(shard);
        }
    }

    /// Notes an item, and has it wait for its turn on its shard.
    fn take(self: &Arc<Self>, index: usize, item: Item) -> Result<()> {
        let timeout = item.options.timeout.unwrap_or(Duration::MAX);
        let own_deadline = self.arrived.checked_add(timeout);
        let deadline = own_deadline.map_or(self.deadline, |own| own.min(self.deadline));
        let cancel = Arc::new(Cancel::default());
        let mut state = self.lock();
        state.items.push(ItemState {
            form: item.form,
            layout: item.options.layout.unwrap_or_default(),
            request_id: item.options.request_id.clone(),
            shard: item.shard.clone().unwrap_or_default(),
            shard_index: None,
            deadline,
            cancel: cancel.clone(),
            started: None,
            outcome: None,
        });
        let found = self.core.shards.find(&item.shard.unwrap_or_default());
        state.items[index].shard_index = found.as_ref().ok().copied();
        let operation = item.operation?;
        let shard = found?;
        let budget = self.budget.clone();
        let source = Source::of(&operation);
        let known = source.and_then(|source| self.core.digests.find(shard, source));
        let mut limits = self
            .core
            .operation_limits(&item.options, deadline, budget, cancel);
        limits.meter = Some(self.core.meter(shard, known.clone()));
        let job = ItemJob {
            gathering: self.clone(),
            index,
            shard,
            known,
            form: item.form,
            task: Some((operation, limits)),
        };
        let pool = self.core.shards.get(shard).config().pool.max_connections;
        let most = self.core.limits.multi_parallel_max;
        let shard_state = state.shards.entry(shard).or_default();
        shard_state.parallel_max = most.min(pool.div_ceil(2) as usize);
        shard_state.waiting.push_back(job);
        Ok(())
    }

    /// Submits as many of a shard's items as may run beside those that do. Where an
    /// item of another multi gives way, that one has an item more to submit, which
    /// may have a third one give way: one after the other here, since a stack has an
    /// end.
    fn submit_next(self: &Arc<Self>, shard: usize) {
        let mut turns = vec![(self.clone(), shard)];
        while let Some((gathering, shard)) = turns.pop() {
            while let Some(job) = gathering.next_job(shard) {
                let displaced = gathering.submit_item(shard, job);
                turns.extend(displaced.and_then(ItemJob::give_way));
            }
        }
    }

    /// The item that gave way to this one, if it was one.
    fn submit_item(self: &Arc<Self>, shard: usize, job: ItemJob) -> Option<Box<ItemJob>> {
        let work = Work::Item(Box::new(job));
        match self.core.lanes.exchange(Lane::Shard(shard), work) {
            Ok(Some(Work::Item(displaced))) => return Some(displaced),
            Ok(Some(displaced)) => displaced.refuse(&crowded_out()),
            Ok(None) => {}
            Err(refusal) => {
                if let (Work::Item(job), error) = refused(refusal) {
                    // Not `refuse`, which would come back here for the next one.
                    let index = job.index;
                    job.forget();
                    if self.finish(index, shard, Err(error)) == Left::None {
                        self.answer_elsewhere();
                    }
                }
            }
        }
        None
    }

    fn next_job(&self, shard: usize) -> Option<ItemJob> {
        let mut state = self.lock();
        let shard_state = state.shards.get_mut(&shard)?;
        if shard_state.under_way >= shard_state.parallel_max {
            return None;
        }
        let job = shard_state.waiting.pop_front()?;
        shard_state.under_way += 1;
        Some(job)
    }

    /// An item that was under way has its outcome, and makes room for another.
    fn done(self: &Arc<Self>, index: usize, shard: usize, result: Result<Answer>) -> Left {
        let left = self.finish(index, shard, result);
        self.submit_next(shard);
        left
    }

    fn finish(&self, index: usize, shard: usize, result: Result<Answer>) -> Left {
        if let Some(shard_state) = self.lock().shards.get_mut(&shard) {
            shard_state.under_way -= 1;
        }
        self.record(index, result)
    }

    fn record(&self, index: usize, result: Result<Answer>) -> Left {
        let mut state = self.lock();
        // It may come after the reply.
        let item = state.items.get_mut(index);
        let Some(item) = item.filter(|item| item.outcome.is_none()) else {
            return Left::Some;
        };
        let result = self.with_true_cause(&item.shard, result);
        let failed = result.is_err();
        item.finish(&self.core.stats, self.arrived, placed(index, result));
        state.left -= 1;
        let first_failure =
            failed && self.policy == Policy::FailOnFirstError && state.failed.is_none();
        if first_failure {
            state.failed = Some(index);
        }
        let mut left = state.left();
        let stopped = first_failure.then(|| state.stop());
        drop(state);
        if let Some((running, waiting)) = stopped {
            let cause = Cause::OtherItem;
            running.iter().for_each(|cancel| cancel.cancel(cause));
            for job in waiting {
                if self.record(job.index, Err(cause.error())) == Left::None {
                    left = Left::None;
                }
                job.forget();
            }
        }
        left
    }

    fn with_true_cause(&self, shard: &str, result: Result<Answer>) -> Result<Answer> {
        result.map_err(|error| {
            let shard = self.core.shards.find(shard).ok();
            let cause = shard.and_then(|shard| self.core.true_cause(shard, &error));
            cause.unwrap_or(error)
        })
    }

    /// Has the reply written by a worker that has nothing else to do: it may be
    /// long, and threads that move bytes have no time for it.
    fn answer_elsewhere(self: &Arc<Self>) {
        let work = Work::Gathered(self.clone());
        if let Err(refusal) = self.core.lanes.submit(Lane::Common, work) {
            let (work, error) = refused(refusal);
            work.refuse(&error);
        }
    }

    /// The time is over, or the client gone: what has not come is given up, and
    /// stopped.
    fn end(&self) {
        let gone = self.client.is_cancelled().then(|| self.client.error());
        let mut state = self.lock();
        let (running, waiting) = state.stop();
        let missing = (0..state.items.len()).filter(|&index| state.items[index].outcome.is_none());
        for index in missing.collect::<Vec<_>>() {
            let item = &mut state.items[index];
            let missed = match &gone {
                Some(gone) => Err(gone.clone().with_outcome(item.missed().outcome())),
                None => self.with_true_cause(&item.shard, Err(item.missed())),
            };
            item.finish(&self.core.stats, self.arrived, placed(index, missed));
            if self.policy == Policy::FailOnFirstError && state.failed.is_none() {
                state.failed = Some(index);
            }
        }
        state.left = 0;
        drop(state);
        let cause = match gone {
            Some(_) => Cause::ClientGone,
            None => Cause::OtherItem,
        };
        running.iter().for_each(|cancel| cancel.cancel(cause));
        waiting.into_iter().for_each(ItemJob::forget);
    }

    /// Writes the reply, if it was not written yet.
    pub(in crate::service) fn answer(&self, buffer: &mut Vec<u8>) {
        let mut state = self.lock();
        let Some(addressee) = state.addressee.take() else {
            return;
        };
        let items = std::mem::take(&mut state.items);
        let failed = state.failed;
        drop(state);
        let outcomes: Vec<ItemReply> = items.into_iter().filter_map(|item| item.outcome).collect();
        match failed {
            Some(index) => {
                let error = together(&outcomes, index);
                addressee.send_error(&error, buffer);
            }
            None => {
                addressee.send(&Reply::Multi(&outcomes), self.budget.clone(), buffer);
            }
        }
    }

    /// Notes that an item is begun. False: its outcome is known already.
    fn begin(&self, index: usize, started: Instant) -> bool {
        let mut state = self.lock();
        let item = state.items.get_mut(index);
        let item = item.filter(|item| item.outcome.is_none());
        item.map(|item| item.started = Some(started)).is_some()
    }

    pub(in crate::service) fn peer(&self) -> Peer {
        self.peer
    }

    /// When the last chance to answer is gone.
    pub(in crate::service) fn answer_by(&self) -> Instant {
        self.deadline + ANSWER_PATIENCE
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether some items have no outcome yet. None is told once only.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Left {
    Some,
    None,
}

impl State {
    fn left(&self) -> Left {
        match self.left {
            0 => Left::None,
            _ => Left::Some,
        }
    }

    /// What stops the items that run, and those that are not begun.
    fn stop(&mut self) -> (Vec<Arc<Cancel>>, Vec<ItemJob>) {
        let running = self.items.iter().filter(|item| item.outcome.is_none());
        let running = running.map(|item| item.cancel.clone()).collect();
        let shards = self.shards.values_mut();
        let waiting = shards.flat_map(|shard| shard.waiting.drain(..)).collect();
        (running, waiting)
    }
}

/// An error with its item's number, unless it has that of a step of its batch: the
/// item's can be told from its place.
fn placed(index: usize, result: Result<Answer>) -> Result<Answer> {
    result.map_err(|error| match error.item() {
        Some(_) => error,
        None => error.with_item(index),
    })
}

/// The error of the item that ended the others, with the outcome of all.
fn together(outcomes: &[ItemReply], failed: usize) -> Error {
    let error = match outcomes.get(failed).map(|item| &item.result) {
        Some(Err(error)) => error.clone(),
        _ => Error::new(ErrorKind::Internal, "an item's error was lost"),
    };
    let error = error.with_item(failed);
    match Outcome::of_all(outcomes.iter().map(ItemReply::outcome)) {
        Outcome::NotApplied => error,
        applied => error.with_outcome(applied).with_retry(Retry::No),
    }
}
