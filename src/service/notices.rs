//! Tells the log what queues have refused, once in a while for each: a line for
//! every request would bury what it says.

use std::time::{Duration, Instant};

use super::core::Core;
use crate::dispatch::LaneFigures;

/// Between two lines about the same queue.
const PERIOD: Duration = Duration::from_secs(10);

pub(super) struct Notices {
    next: Instant,
    /// What was known at the last look, in the order of the lanes.
    known: Vec<Refused>,
}

/// Counts since the start.
#[derive(Clone, Copy, Default)]
struct Refused {
    full: u64,
    late: u64,
    expired: u64,
}

impl Refused {
    fn of(figures: &LaneFigures) -> Refused {
        Refused {
            full: figures.refused_full + figures.displaced,
            late: figures.refused_too_late,
            expired: figures.expired,
        }
    }

    fn since(self, earlier: Refused) -> Refused {
        Refused {
            full: self.full - earlier.full,
            late: self.late - earlier.late,
            expired: self.expired - earlier.expired,
        }
    }
}

impl Notices {
    pub(super) fn new() -> Notices {
        Notices {
            next: Instant::now() + PERIOD,
            known: Vec::new(),
        }
    }

    pub(super) fn tell(&mut self, core: &Core, now: Instant) {
        if now < self.next {
            return;
        }
        self.next = now + PERIOD;
        let lanes = core.lanes.figures();
        self.known.resize(lanes.len(), Refused::default());
        for (lane, known) in lanes.iter().zip(&mut self.known) {
            let all = Refused::of(&lane.figures);
            let Refused {
                full,
                late,
                expired,
            } = all.since(std::mem::replace(known, all));
            if full + late + expired == 0 {
                continue;
            }
            let shard = lane.shard.map(|index| core.shards.get(index).name());
            tracing::warn!(
                shard,
                lane = lane.lane,
                queue_full = full,
                too_late = late,
                expired,
                waiting = lane.figures.waiting,
                "requests were refused in the last {} s",
                PERIOD.as_secs()
            );
        }
    }
}
