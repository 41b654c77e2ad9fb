//! How long things take, counted in fixed classes.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Where each class ends, its own end within it, in microseconds; what takes longer
/// than the last is in a class of its own.
pub const BOUNDS_US: [u64; 18] = [
    100, 250, 500, 1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 100_000, 250_000, 500_000,
    1_000_000, 2_500_000, 5_000_000, 10_000_000, 30_000_000, 60_000_000,
];

const CLASSES: usize = BOUNDS_US.len() + 1;

/// Durations, counted by their class.
#[derive(Default)]
pub struct Histogram {
    classes: [AtomicU64; CLASSES],
    /// In nanoseconds, so that what is short adds up as well: enough for 584 years.
    sum_ns: AtomicU64,
}

/// What a histogram has counted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HistogramCounts {
    /// How many are in each class; the last is of what is over every bound.
    pub classes: [u64; CLASSES],
    pub sum: Duration,
}

impl Histogram {
    pub fn add(&self, took: Duration) {
        let ns = u64::try_from(took.as_nanos()).unwrap_or(u64::MAX);
        self.classes[class(ns.div_ceil(1_000))].fetch_add(1, Ordering::Relaxed);
        self.sum_ns.fetch_add(ns, Ordering::Relaxed);
    }

    pub fn counts(&self) -> HistogramCounts {
        HistogramCounts {
            classes: std::array::from_fn(|class| self.classes[class].load(Ordering::Relaxed)),
            sum: Duration::from_nanos(self.sum_ns.load(Ordering::Relaxed)),
        }
    }
}

/// Bounds below each power of two. Between one and the next there is one bound at
/// the most, so that to find a class takes one comparison.
const BELOW: [u8; 64] = {
    let mut below = [0; 64];
    let mut power = 0;
    while power < 64 {
        let mut bound = 0;
        while bound < BOUNDS_US.len() && BOUNDS_US[bound] < 1 << power {
            bound += 1;
        }
        below[power] = bound as u8;
        let two_above = bound + 1 < BOUNDS_US.len() && BOUNDS_US[bound + 1] >> power < 2;
        assert!(!two_above, "two bounds between two powers of two");
        power += 1;
    }
    below
};

fn class(us: u64) -> usize {
    let below = usize::from(BELOW[us.max(1).ilog2() as usize]);
    let is_above = BOUNDS_US.get(below).is_some_and(|&bound| us > bound);
    below + usize::from(is_above)
}

impl HistogramCounts {
    pub fn count(&self) -> u64 {
        self.classes.iter().sum()
    }
}
