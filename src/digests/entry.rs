//! What is known of one digest.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use super::DigestRow;

/// The newest time is one in so many of the average: a statement that turns slow
/// is known after a run or two, and one that turns quick again after a few.
const AVERAGED: u64 = 8;

/// A digest of a shard, for as long as somebody is interested in it.
#[derive(Clone, Debug)]
pub struct Known(Arc<Entry>);

/// What a shard's statements have in common.
#[derive(Debug)]
pub(super) struct Kindred {
    /// In microseconds; the largest number: nothing is long.
    long_after_us: u64,
    /// What statements took of late that were run for the first time.
    first_runs_us: AtomicU64,
}

#[derive(Debug)]
struct Entry {
    kindred: Arc<Kindred>,
    /// In microseconds; 0: it was never run.
    average_us: AtomicU64,
    /// Somebody has asked for it since the table was last looked through.
    used: AtomicBool,
    /// The table has given its place to another.
    gone: AtomicBool,
    stats: Mutex<Stats>,
}

#[derive(Debug, Default)]
struct Stats {
    count: u64,
    errors: u64,
    total_us: u64,
    max_us: u64,
    rows: u64,
    /// Of the first run's end, and of the last one's.
    seen: Option<(Instant, Instant)>,
}

/// How a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ended {
    Well {
        /// Returned and affected.
        rows: u64,
    },
    Failed,
}

impl Kindred {
    pub(super) fn new(long_after: Option<Duration>) -> Arc<Kindred> {
        Arc::new(Kindred {
            long_after_us: long_after.map_or(u64::MAX, micros),
            first_runs_us: AtomicU64::new(0),
        })
    }
}

impl Known {
    pub(super) fn new(kindred: &Arc<Kindred>) -> Known {
        Known(Arc::new(Entry {
            kindred: kindred.clone(),
            average_us: AtomicU64::new(0),
            used: AtomicBool::new(false),
            gone: AtomicBool::new(false),
            stats: Mutex::default(),
        }))
    }

    /// Whether it is likely to hold a connection for long, by what it took of
    /// late. Costs no more than reading a number; others' runs may change it.
    pub fn is_long(&self) -> bool {
        self.0.average_us.load(Ordering::Relaxed) > self.0.kindred.long_after_us
    }

    /// Whether it never ran, where what ran for the first time of late was long. As
    /// cheap, and as changeable.
    pub fn may_be_long(&self) -> bool {
        let kindred = &self.0.kindred;
        let first_runs_us = kindred.first_runs_us.load(Ordering::Relaxed);
        first_runs_us > kindred.long_after_us && self.0.average_us.load(Ordering::Relaxed) == 0
    }

    /// Notes a run that has ended at `now`.
    pub(super) fn record(&self, took: Duration, ended: Ended, now: Instant) {
        let took_us = micros(took);
        let mut stats = self.stats();
        self.average(took_us);
        stats.count += 1;
        stats.total_us = stats.total_us.saturating_add(took_us);
        stats.max_us = stats.max_us.max(took_us);
        match ended {
            Ended::Well { rows } => stats.rows = stats.rows.saturating_add(rows),
            Ended::Failed => stats.errors += 1,
        }
        stats.seen = Some((stats.seen.map_or(now, |(first, _)| first), now));
    }

    /// Under the lock of the rest.
    fn average(&self, took_us: u64) {
        let average = &self.0.average_us;
        let next = match average.load(Ordering::Relaxed) {
            0 => {
                // From nothing, so that one that is somewhat slow says little of all.
                // Of two at the same time one may not count.
                let first_runs = &self.0.kindred.first_runs_us;
                let before = first_runs.load(Ordering::Relaxed);
                first_runs.store(moved(before, took_us), Ordering::Relaxed);
                took_us
            }
            before => moved(before, took_us),
        };
        average.store(next.max(1), Ordering::Relaxed);
    }

    /// None: it was never run.
    pub(super) fn row(&self, shard: String, digest: String) -> Option<DigestRow> {
        let stats = self.stats();
        let (first, last) = stats.seen?;
        let now = SystemTime::now();
        let at = |instant: Instant| now.checked_sub(instant.elapsed()).unwrap_or(now);
        Some(DigestRow {
            shard,
            digest,
            count: stats.count,
            errors: stats.errors,
            total: Duration::from_micros(stats.total_us),
            max: Duration::from_micros(stats.max_us),
            recent: Duration::from_micros(self.0.average_us.load(Ordering::Relaxed)),
            is_long: self.is_long(),
            rows: stats.rows,
            first_seen: at(first),
            last_seen: at(last),
        })
    }

    /// Keeps its place in the table for another round. Written only where it
    /// changes something, so that processors need not take turns for it.
    pub(super) fn touch(&self) {
        if !self.0.used.load(Ordering::Relaxed) {
            self.0.used.store(true, Ordering::Relaxed);
        }
    }

    /// Whether it was touched since the last time that this was asked.
    pub(super) fn take_touch(&self) -> bool {
        self.0.used.swap(false, Ordering::Relaxed)
    }

    pub(super) fn leave_table(&self) {
        self.0.gone.store(true, Ordering::Relaxed);
    }

    pub(super) fn has_left_table(&self) -> bool {
        self.0.gone.load(Ordering::Relaxed)
    }

    fn stats(&self) -> MutexGuard<'_, Stats> {
        self.0.stats.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn moved(average_us: u64, newest_us: u64) -> u64 {
    ((AVERAGED - 1) * average_us).saturating_add(newest_us) / AVERAGED
}

fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX - 1)
}
