//! One lane: what waits, how much runs, and how long jobs took of late.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use super::{Job, LaneLimits, Refusal};

pub(super) struct Lane<J> {
    waiting: VecDeque<J>,
    running: usize,
    /// Places that are taken by what is no job; see `Dispatcher::hold`.
    held: usize,
    limits: LaneLimits,
    /// True while the lane stands in the list of ready lanes.
    listed: bool,
    /// Moving average of what a job takes.
    service_time: Duration,
}

impl<J> Lane<J> {
    pub(super) fn new(limits: &LaneLimits) -> Lane<J> {
        Lane {
            waiting: VecDeque::new(),
            running: 0,
            held: 0,
            limits: LaneLimits {
                in_flight_max: limits.in_flight_max.max(1),
                queue_max: limits.queue_max,
            },
            listed: false,
            service_time: Duration::ZERO,
        }
    }

    #[cfg(test)]
    pub(super) fn load(&self) -> usize {
        self.waiting.len() + self.running
    }

    /// Claims a place in the list of ready lanes, if this one belongs there and
    /// is not in it.
    pub(super) fn list(&mut self) -> bool {
        let ready = !self.listed && !self.waiting.is_empty() && self.has_place();
        self.listed |= ready;
        ready
    }

    fn has_place(&self) -> bool {
        self.running + self.held < self.limits.in_flight_max
    }

    pub(super) fn hold(&mut self) {
        self.held += 1;
    }

    pub(super) fn release(&mut self) {
        self.held = self.held.saturating_sub(1);
    }

    /// None: what was waiting when the lane was listed has expired since.
    pub(super) fn start(&mut self) -> Option<J> {
        self.listed = false;
        let job = self.waiting.pop_front()?;
        self.running += 1;
        Some(job)
    }

    pub(super) fn finish(&mut self, took: Duration) {
        self.running -= 1;
        // One eighth of the newest: quick to follow a shard that turns slow,
        // and not thrown off by one slow statement.
        self.service_time = self.service_time / 8 * 7 + took / 8;
    }

    pub(super) fn take_all(&mut self) -> VecDeque<J> {
        self.listed = false;
        std::mem::take(&mut self.waiting)
    }

    /// How long a job that came now would wait for its turn.
    fn expected_wait(&self) -> Duration {
        if self.has_place() && self.waiting.is_empty() {
            return Duration::ZERO;
        }
        let ahead = u32::try_from(self.waiting.len()).unwrap_or(u32::MAX);
        let at_once = self.limits.in_flight_max.saturating_sub(self.held).max(1);
        let at_once = u32::try_from(at_once).unwrap_or(u32::MAX);
        self.service_time.saturating_mul(ahead) / at_once
    }
}

impl<J: Job> Lane<J> {
    pub(super) fn take_expired(&mut self, now: Instant) -> Vec<J> {
        let waiting = &mut self.waiting;
        if waiting.iter().all(|job| job.deadline() > now) {
            return Vec::new();
        }
        let mut expired = Vec::new();
        for job in std::mem::take(waiting) {
            match job.deadline() > now {
                true => waiting.push_back(job),
                false => expired.push(job),
            }
        }
        expired
    }

    pub(super) fn admit(&mut self, job: J, now: Instant) -> Result<(), Refusal<J>> {
        let taken = self.running + self.held;
        let free = self.limits.in_flight_max.saturating_sub(taken);
        if self.waiting.len() >= free + self.limits.queue_max {
            let limit = self.limits.queue_max;
            return Err(Refusal::Full { job, limit });
        }
        let wait = self.expected_wait();
        if now + wait > job.deadline() {
            return Err(Refusal::TooLate { job, wait });
        }
        self.waiting.push_back(job);
        Ok(())
    }
}
