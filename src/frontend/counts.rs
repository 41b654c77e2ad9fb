//! What the front counts: sessions by how they came and went, and bytes. Plain
//! numbers that anybody may read at any time; nothing here knows who does.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// Counts since the start, and two that go up and down.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SessionCounts {
    /// Sessions that are connected now.
    pub sessions: u64,
    /// Sessions that were taken.
    pub opened: u64,
    /// Refused: `sessions_max` were connected.
    pub refused_sessions_max: u64,
    /// Refused: `sessions_per_peer_max` of its peer were connected.
    pub refused_sessions_per_peer_max: u64,
    /// Closed: its client had given up the request that was being answered.
    pub closed_stale: u64,
    /// Closed: the answer would have come too long after the deadline.
    pub closed_late: u64,
    /// Closed: it had sent nothing for `session_idle_timeout_ms`.
    pub closed_idle: u64,
    /// Closed: a message was not complete within `message_timeout_ms`.
    pub closed_incomplete: u64,
    /// Closed: a reply was not taken within `write_timeout_ms`.
    pub closed_unread: u64,
    /// Requests that were refused by `request_memory_max_bytes`.
    pub requests_over_memory: u64,
    pub bytes_in: u64,
    pub bytes_out: u64,
    /// What the requests in flight take of `request_memory_max_bytes` now.
    pub request_memory_bytes: u64,
}

/// Why a session was closed by us.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Close {
    Stale,
    Late,
    Idle,
    Incomplete,
    Unread,
}

/// A counter that threads of different work count on: not on the cache line of
/// another one.
#[derive(Debug, Default)]
#[repr(align(64))]
struct Busy(AtomicU64);

/// The same, as they are counted.
#[derive(Debug, Default)]
pub(super) struct Counters {
    bytes_in: Busy,
    bytes_out: Busy,
    opened: AtomicU64,
    refused_sessions_max: AtomicU64,
    refused_sessions_per_peer_max: AtomicU64,
    closed_stale: AtomicU64,
    closed_late: AtomicU64,
    closed_idle: AtomicU64,
    closed_incomplete: AtomicU64,
    closed_unread: AtomicU64,
    requests_over_memory: AtomicU64,
}

impl Counters {
    pub(super) fn opened(&self) {
        count(&self.opened);
    }

    pub(super) fn refused_sessions_max(&self) {
        count(&self.refused_sessions_max);
    }

    pub(super) fn refused_sessions_per_peer_max(&self) {
        count(&self.refused_sessions_per_peer_max);
    }

    pub(super) fn closed(&self, cause: Close) {
        count(match cause {
            Close::Stale => &self.closed_stale,
            Close::Late => &self.closed_late,
            Close::Idle => &self.closed_idle,
            Close::Incomplete => &self.closed_incomplete,
            Close::Unread => &self.closed_unread,
        });
    }

    pub(super) fn request_over_memory(&self) {
        count(&self.requests_over_memory);
    }

    pub(super) fn read(&self, bytes: usize) {
        self.bytes_in.0.fetch_add(bytes as u64, Ordering::Relaxed);
    }

    pub(super) fn wrote(&self, bytes: usize) {
        self.bytes_out.0.fetch_add(bytes as u64, Ordering::Relaxed);
    }

    pub(super) fn snapshot(&self, sessions: usize, request_memory_bytes: usize) -> SessionCounts {
        let get = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        SessionCounts {
            sessions: sessions as u64,
            opened: get(&self.opened),
            refused_sessions_max: get(&self.refused_sessions_max),
            refused_sessions_per_peer_max: get(&self.refused_sessions_per_peer_max),
            closed_stale: get(&self.closed_stale),
            closed_late: get(&self.closed_late),
            closed_idle: get(&self.closed_idle),
            closed_incomplete: get(&self.closed_incomplete),
            closed_unread: get(&self.closed_unread),
            requests_over_memory: get(&self.requests_over_memory),
            bytes_in: get(&self.bytes_in.0),
            bytes_out: get(&self.bytes_out.0),
            request_memory_bytes: request_memory_bytes as u64,
        }
    }
}

fn count(counter: &AtomicU64) {
    counter.fetch_add(1, Ordering::Relaxed);
}

/// Lets one line through in each `PERIOD`, so that a flood of refusals is not a
/// flood of lines as well.
#[derive(Debug, Default)]
pub(super) struct Throttle {
    last: Option<Instant>,
    held_back: u64,
}

impl Throttle {
    const PERIOD: Duration = Duration::from_secs(1);

    /// None: not now. Otherwise how many were held back since the last one.
    pub(super) fn pass(&mut self, now: Instant) -> Option<u64> {
        let too_soon = self.last.is_some_and(|last| now < last + Throttle::PERIOD);
        if too_soon {
            self.held_back += 1;
            return None;
        }
        self.last = Some(now);
        Some(std::mem::take(&mut self.held_back))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flood_is_told_of_once_in_each_period() {
        let mut throttle = Throttle::default();
        let start = Instant::now();
        assert_eq!(throttle.pass(start), Some(0));
        for _ in 0..5 {
            assert_eq!(throttle.pass(start + Throttle::PERIOD / 2), None);
        }
        assert_eq!(throttle.pass(start + Throttle::PERIOD), Some(5));
        assert_eq!(throttle.pass(start + Throttle::PERIOD * 3), Some(0));
    }
}
