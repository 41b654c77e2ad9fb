//! What the service counts, as plain atomics, and the picture of all counts that
//! is told of them. Nothing here knows who reads it, in which form, or where.
//!
//! To count a request costs a handful of relaxed additions: no lock, no memory, no
//! search. What is counted is chosen by numbers (shard, function, code) that the
//! service knows, never by a text that a caller has sent.

mod figures;
mod histogram;
mod labels;
mod process;

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime};

pub use figures::{Process, RequestCount, Times, Traffic};
use histogram::Histogram;
pub use histogram::{BOUNDS_US, HistogramCounts};
pub use labels::{Code, Function};

/// The counts of one service.
pub struct Stats {
    started: SystemTime,
    /// By the shard's index; made when the shard is used for the first time, so
    /// that a thousand shards that nobody asks for take no memory.
    shards: Box<[OnceLock<Box<PlaceStats>>]>,
    /// Of requests that go to no shard, or to one that there is not.
    common: PlaceStats,
}

/// The counts of one shard, or of what goes to none. On a cache line of its own:
/// shards do not slow each other down.
#[derive(Default)]
#[repr(align(64))]
struct PlaceStats {
    answers: [[AtomicU64; Code::COUNT]; Function::COUNT],
    queue: Histogram,
    execution: Histogram,
    total: Histogram,
}

/// A request, or an item of a multi, when it is answered.
#[derive(Clone, Copy, Debug)]
pub struct Answered {
    pub function: Function,
    pub code: Code,
    pub arrived: Instant,
    /// When a worker took it; None: none has.
    pub started: Option<Instant>,
}

impl Stats {
    pub fn new(shard_count: usize) -> Stats {
        Stats {
            started: SystemTime::now(),
            shards: (0..shard_count).map(|_| OnceLock::new()).collect(),
            common: PlaceStats::default(),
        }
    }

    /// Counts an answer, which is about to be sent, on a shard or on none.
    pub fn answered(&self, shard: Option<usize>, answered: &Answered) {
        let place = match shard.and_then(|index| self.shards.get(index)) {
            Some(shard) => shard.get_or_init(Box::default),
            None => &self.common,
        };
        place.answered(answered, Instant::now());
    }

    /// What has been answered on a shard; None: nobody has asked for it.
    pub fn shard(&self, index: usize) -> Option<Traffic> {
        self.shards.get(index)?.get().map(|place| place.traffic())
    }

    /// What has been answered of what went to no shard.
    pub fn common(&self) -> Traffic {
        self.common.traffic()
    }

    /// What the process takes, of which these counts are.
    pub fn process(&self) -> Process {
        Process::read(self.started)
    }
}

impl PlaceStats {
    fn answered(&self, answered: &Answered, now: Instant) {
        let count = &self.answers[answered.function.number()][answered.code.number()];
        count.fetch_add(1, Ordering::Relaxed);
        self.total.add(since(answered.arrived, now));
        if let Some(started) = answered.started {
            self.queue.add(since(answered.arrived, started));
            self.execution.add(since(started, now));
        }
    }

    fn traffic(&self) -> Traffic {
        Traffic {
            answers: self.answers(),
            times: Times {
                queue: self.queue.counts(),
                execution: self.execution.counts(),
                total: self.total.counts(),
            },
        }
    }

    /// Each function and code that is not zero.
    fn answers(&self) -> Vec<RequestCount> {
        let mut counts = Vec::new();
        for (function, codes) in Function::all().zip(&self.answers) {
            for (code, count) in Code::all().zip(codes) {
                let count = count.load(Ordering::Relaxed);
                if count > 0 {
                    counts.push(RequestCount {
                        function,
                        code,
                        count,
                    });
                }
            }
        }
        counts
    }
}

fn since(earlier: Instant, later: Instant) -> Duration {
    later.saturating_duration_since(earlier)
}

#[cfg(test)]
mod tests;
