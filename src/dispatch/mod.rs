//! Bounded queues, one for each lane, served by shared worker threads. A lane is a
//! shard, but nothing here knows shards, SQL or Thrift: a job is whatever can be
//! run.
//!
//! No lane ever has more jobs running than its own limit, so that a slow one
//! holds its own workers only; lanes with work are served in turn. So are, within
//! a lane, the peers whose jobs wait there, first come first served each, and of
//! its places jobs that are long, or may be, get some only. What cannot be done in time is
//! refused when it comes.

mod estimate;
mod lane;
mod queue;

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use crate::peer::Peer;
use lane::{Kind, Lane, Next};

/// Something to run on a worker thread.
pub trait Job: Send + 'static {
    /// What a worker keeps from one job to the next, such as buffers.
    type Scratch: Default;

    /// When the caller stops waiting.
    fn deadline(&self) -> Instant;

    /// Who has asked for it.
    fn peer(&self) -> Peer;

    /// Whether it is likely to hold its place for long. Asked when it comes and
    /// when its turn has come, under a lock: it costs no more than reading numbers.
    fn is_long(&self) -> bool;

    /// Whether nobody knows, and such jobs have been long of late. As `is_long`.
    fn may_be_long(&self) -> bool {
        false
    }

    /// Runs the job. A panic is contained, and the job dropped.
    fn run(self, scratch: &mut Self::Scratch);

    /// Instead: it has waited until its deadline has passed, or is too near.
    fn expire(self, scratch: &mut Self::Scratch);
}

/// Limits of one lane.
#[derive(Clone, Debug)]
pub struct LaneLimits {
    /// Jobs that run at the same time.
    pub in_flight_max: usize,
    /// Of them, those that are long or may be.
    pub long_max: usize,
    /// Jobs that wait while `in_flight_max` are running.
    pub queue_max: usize,
}

/// How a lane is doing, and what it has not run since the start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LaneFigures {
    pub waiting: usize,
    /// Of those that wait, those that are likely to hold their place for long.
    pub waiting_long: usize,
    pub running: usize,
    /// Of those that run.
    pub running_long: usize,
    /// Places that `Dispatcher::hold` has taken.
    pub held: usize,
    /// Refused because the queue was full.
    pub refused_full: u64,
    /// Taken out of a full queue again, for another peer's job.
    pub displaced: u64,
    /// Refused because its turn would have come too late.
    pub refused_too_late: u64,
    /// Given up in the queue, at its deadline or shortly before.
    pub expired: u64,
}

/// Why a job was not taken; it comes back to the caller.
pub enum Refusal<J> {
    /// As many jobs wait as may.
    Full {
        /// The job that was not taken.
        job: J,
        /// The lane's `queue_max`.
        limit: usize,
    },
    /// By what its jobs took of late, the lane would be done with it after its
    /// deadline.
    TooLate {
        /// The job that was not taken.
        job: J,
        /// How long it would have waited.
        wait: Duration,
    },
    /// The dispatcher has been stopped, or no thread could be started.
    Stopped(J),
}

/// The queues and their workers.
pub struct Dispatcher<J: Job> {
    shared: Arc<Shared<J>>,
}

struct Shared<J: Job> {
    state: Mutex<State<J>>,
    work: Condvar,
    threads_max: usize,
}

struct State<J> {
    lanes: Vec<Lane<J>>,
    /// Lanes that have a job and may run it, in the order they are served.
    ready: VecDeque<usize>,
    /// Lanes where jobs wait, and some where they did: a thousand idle lanes cost
    /// nothing when one looks for what has expired.
    watched: Vec<usize>,
    /// Workers waiting for `work`.
    idle: usize,
    /// A worker is on its way; it sees to it that others follow if they must.
    waking: bool,
    threads: usize,
    stopped: bool,
}

impl<J: Job> Dispatcher<J> {
    /// Threads are started when there is work for them, up to `threads_max`,
    /// and stay.
    pub fn new(lanes: &[LaneLimits], threads_max: usize) -> Dispatcher<J> {
        let state = State {
            lanes: lanes.iter().map(Lane::new).collect(),
            ready: VecDeque::new(),
            watched: Vec::new(),
            idle: 0,
            waking: false,
            threads: 0,
            stopped: false,
        };
        Dispatcher {
            shared: Arc::new(Shared {
                state: Mutex::new(state),
                work: Condvar::new(),
                threads_max: threads_max.max(1),
            }),
        }
    }

    /// Queues a job, or gives it back at once. If it is taken in another one's
    /// stead, that one comes back, and is to be told that the queue is full. Costs
    /// a short lock, and a thread start while fewer than `threads_max` run; never
    /// waits for a job.
    pub fn submit(&self, lane: usize, job: J) -> Result<Option<J>, Refusal<J>> {
        let now = Instant::now();
        let mut state = self.shared.lock();
        if state.stopped {
            return Err(Refusal::Stopped(job));
        }
        let displaced = state.lanes[lane].admit(job, now)?;
        state.list_if_ready(lane);
        if state.lanes[lane].watch() {
            state.watched.push(lane);
        }
        let wake = Shared::engage(&self.shared, &mut state);
        drop(state);
        if wake {
            self.shared.work.notify_one();
        }
        Ok(displaced)
    }

    /// Takes one of a lane's places for what goes on after its job has ended, such
    /// as an open transaction: one job fewer runs at a time until `release`. Jobs
    /// that run already are not disturbed.
    pub fn hold(&self, lane: usize) {
        self.shared.lock().lanes[lane].hold();
    }

    /// Gives back a place that `hold` took.
    pub fn release(&self, lane: usize) {
        let mut state = self.shared.lock();
        state.lanes[lane].release();
        state.list_if_ready(lane);
        let wake = Shared::engage(&self.shared, &mut state);
        drop(state);
        if wake {
            self.shared.work.notify_one();
        }
    }

    /// Asks all that waits for its deadline again: some may have become earlier.
    pub fn renew_deadlines(&self) {
        let mut guard = self.shared.lock();
        let state = &mut *guard;
        for &lane in &state.watched {
            state.lanes[lane].renew_deadlines();
        }
    }

    /// Takes out what waits on any lane and has passed its deadline, so that it
    /// is answered in time. Costs nothing for a lane where nothing waits, and a
    /// look at all that waits where something has expired.
    pub fn take_expired(&self) -> Vec<J> {
        let now = Instant::now();
        let mut expired = Vec::new();
        let mut guard = self.shared.lock();
        let state = &mut *guard;
        state.watched.retain(|&lane| {
            let lane = &mut state.lanes[lane];
            lane.take_expired(now, &mut expired);
            lane.stays_watched()
        });
        expired
    }

    /// What a lane does now and has done.
    pub fn figures(&self, lane: usize) -> LaneFigures {
        self.shared.lock().lanes[lane].figures()
    }

    /// Takes nothing new and gives back what still waits; jobs that run go on.
    pub fn stop(&self) -> Vec<J> {
        let mut state = self.shared.lock();
        state.stopped = true;
        state.ready.clear();
        let waiting = state.lanes.iter_mut().flat_map(Lane::take_all).collect();
        drop(state);
        self.shared.work.notify_all();
        waiting
    }
}

/// Enough for the generated decoder at its depth limit, with room to spare.
const WORKER_STACK_BYTES: usize = 1 << 20;

impl<J: Job> Shared<J> {
    fn lock(&self) -> MutexGuard<'_, State<J>> {
        // Nothing that runs under the lock can leave the state half changed.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Brings in one more worker if there is a job that may run: true if a
    /// waiting one is to be notified. Called after every change that may make a
    /// job ready, and by each worker that comes, so that workers come one by
    /// one and no more than are wanted: being woken for nothing costs more than
    /// a short request.
    fn engage(shared: &Arc<Shared<J>>, state: &mut State<J>) -> bool {
        if state.waking || state.ready.is_empty() {
            return false;
        }
        if state.idle > 0 {
            state.waking = true;
            return true;
        }
        if state.threads < shared.threads_max {
            state.waking = Shared::start_thread(shared, state);
        }
        false
    }

    fn start_thread(shared: &Arc<Shared<J>>, state: &mut State<J>) -> bool {
        let worker = shared.clone();
        let started = thread::Builder::new()
            .name(format!("worker-{}", state.threads))
            .stack_size(WORKER_STACK_BYTES)
            .spawn(move || Shared::work(&worker));
        match started {
            Ok(_) => {
                state.threads += 1;
                true
            }
            Err(error) => {
                // The job is queued: a worker that is busy now will come to it.
                // With no worker at all it expires, and the next job tries again.
                tracing::error!(%error, "cannot start a worker thread");
                false
            }
        }
    }

    /// A worker's life.
    fn work(shared: &Arc<Shared<J>>) {
        let mut scratch = J::Scratch::default();
        let mut state = shared.lock();
        state.waking = false;
        let mut now = Instant::now();
        while !state.stopped {
            let Some((lane, next)) = state.take(now) else {
                state.idle += 1;
                state = shared
                    .work
                    .wait(state)
                    .unwrap_or_else(PoisonError::into_inner);
                state.idle -= 1;
                state.waking = false;
                now = Instant::now();
                continue;
            };
            let wake = Shared::engage(shared, &mut state);
            drop(state);
            if wake {
                shared.work.notify_one();
            }
            let (kind, fate) = perform(next, &mut scratch);
            let ended = Instant::now();
            state = shared.lock();
            match fate {
                Fate::Run => state.lanes[lane].finish(kind, now, ended),
                Fate::GivenUp => state.lanes[lane].given_up(kind),
            }
            state.list_if_ready(lane);
            now = ended;
        }
    }
}

/// What became of a job.
enum Fate {
    Run,
    GivenUp,
}

/// Runs a job, or gives it up. Tells what kind of place it had. A job that panics
/// must not cost the lane its place.
fn perform<J: Job>(next: Next<J>, scratch: &mut J::Scratch) -> (Kind, Fate) {
    let (kind, fate, done) = match next {
        Next::Run(job, kind) => {
            let run = AssertUnwindSafe(|| job.run(scratch));
            (kind, Fate::Run, catch_unwind(run))
        }
        Next::GiveUp(job, kind) => {
            let expire = AssertUnwindSafe(|| job.expire(scratch));
            (kind, Fate::GivenUp, catch_unwind(expire))
        }
    };
    if done.is_err() {
        *scratch = J::Scratch::default();
    }
    (kind, fate)
}

impl<J: Job> State<J> {
    fn take(&mut self, now: Instant) -> Option<(usize, Next<J>)> {
        while let Some(lane) = self.ready.pop_front() {
            let next = self.lanes[lane].start(now);
            self.list_if_ready(lane);
            if let Some(next) = next {
                return Some((lane, next));
            }
        }
        None
    }

    fn list_if_ready(&mut self, lane: usize) {
        if self.lanes[lane].list() {
            self.ready.push_back(lane);
        }
    }
}

#[cfg(test)]
mod tests;
