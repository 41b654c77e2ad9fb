//! What waits for one kind of place: a queue for each peer, served in turn, so
//! that whoever sends much waits behind himself and nobody else.

use std::collections::{HashMap, VecDeque};
use std::mem;
use std::time::Instant;

use super::Job;
use crate::peer::Peer;

/// The buffer of a peer's queue that has grown over this is not kept.
const KEPT_JOBS: usize = 64;

pub(super) struct Queue<J> {
    slots: Vec<Slot<J>>,
    /// Slots that belong to nobody.
    unused: Vec<usize>,
    slot_of: HashMap<Peer, usize>,
    /// Slots with jobs, in the order in which they are served.
    turns: VecDeque<usize>,
    /// At `n`: how many peers have more than `n` jobs here. Never ends in 0, so
    /// that its length is what the fullest has.
    deeper_than: Vec<usize>,
    len: usize,
    /// Whose turn to be filled it was last: most lanes have one peer at a time,
    /// which need not be looked up.
    last_filled: usize,
    /// The one slot without jobs that still belongs to its peer, which probably
    /// comes again.
    parked: Option<usize>,
    /// Probably the fullest slot.
    fullest: usize,
    /// No job has an earlier deadline.
    earliest: Option<Instant>,
    #[cfg(test)]
    pub(super) order: super::tests::Order,
}

struct Slot<J> {
    /// None: it is among the unused.
    peer: Option<Peer>,
    jobs: VecDeque<Waiting<J>>,
}

struct Waiting<J> {
    job: J,
    /// The job's own, here so that a sweep need not look at each job.
    deadline: Instant,
}

impl<J> Queue<J> {
    pub(super) fn new() -> Queue<J> {
        Queue {
            slots: Vec::new(),
            unused: Vec::new(),
            slot_of: HashMap::new(),
            turns: VecDeque::new(),
            deeper_than: Vec::new(),
            len: 0,
            last_filled: 0,
            parked: None,
            fullest: 0,
            earliest: None,
            #[cfg(test)]
            order: Default::default(),
        }
    }

    pub(super) fn len(&self) -> usize {
        self.len
    }

    pub(super) fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// How many jobs the peer with the most has here.
    pub(super) fn fullest_len(&self) -> usize {
        self.deeper_than.len()
    }

    /// How many jobs a peer has here.
    pub(super) fn len_of(&self, peer: Peer) -> usize {
        self.find(peer)
            .map_or(0, |slot| self.slots[slot].jobs.len())
    }

    /// How many jobs would be served before the next one of a peer that has
    /// `own` of them here: its own, and of everybody else no more than that and
    /// one. Costs as much as `own`.
    pub(super) fn ahead_of_next(&self, own: usize) -> usize {
        if self.turns.len() <= 1 && own > 0 {
            return self.len;
        }
        self.deeper_than.iter().take(own + 1).sum()
    }

    fn find(&self, peer: Peer) -> Option<usize> {
        let last = self.slots.get(self.last_filled);
        if last.is_some_and(|slot| slot.peer == Some(peer)) {
            return Some(self.last_filled);
        }
        self.slot_of.get(&peer).copied()
    }

    /// The peer's slot, taken for it if it has none.
    fn slot(&mut self, peer: Peer) -> usize {
        if let Some(slot) = self.find(peer) {
            return slot;
        }
        let slot = self.unused.pop().unwrap_or_else(|| {
            self.slots.push(Slot {
                peer: None,
                jobs: VecDeque::new(),
            });
            self.slots.len() - 1
        });
        self.slots[slot].peer = Some(peer);
        self.slot_of.insert(peer, slot);
        slot
    }

    /// Notes one job more in a slot.
    fn filled(&mut self, slot: usize) {
        let len = self.slots[slot].jobs.len();
        self.len += 1;
        match self.deeper_than.get_mut(len - 1) {
            Some(peers) => *peers += 1,
            None => {
                self.deeper_than.push(1);
                self.fullest = slot;
            }
        }
        if len == 1 {
            self.turns.push_back(slot);
        }
        if self.parked == Some(slot) {
            self.parked = None;
        }
        self.last_filled = slot;
    }

    /// Notes one job less in a slot.
    fn emptied(&mut self, slot: usize) {
        let len = self.slots[slot].jobs.len();
        self.len -= 1;
        self.deeper_than[len] -= 1;
        if self.deeper_than[len] == 0 {
            self.deeper_than.pop();
        }
        if self.len == 0 {
            self.earliest = None;
        }
        if len == 0 {
            self.park(slot);
        }
    }

    /// Keeps a slot without jobs for its peer, in place of the one before.
    fn park(&mut self, slot: usize) {
        let jobs = &mut self.slots[slot].jobs;
        if jobs.capacity() > KEPT_JOBS {
            *jobs = VecDeque::new();
        }
        let Some(before) = self.parked.replace(slot) else {
            return;
        };
        if let Some(peer) = self.slots[before].peer.take() {
            self.slot_of.remove(&peer);
        }
        self.unused.push(before);
    }

    /// The next job whose turn it is.
    pub(super) fn pop(&mut self) -> Option<(J, Instant)> {
        let slot = self.turns.pop_front()?;
        let jobs = &mut self.slots[slot].jobs;
        #[cfg(test)]
        self.order.arrange(jobs, |waiting| waiting.deadline);
        let Waiting { job, deadline } = jobs.pop_front()?;
        if !jobs.is_empty() {
            self.turns.push_back(slot);
        }
        self.emptied(slot);
        Some((job, deadline))
    }

    /// Takes out the newest job of the peer with the most of them.
    pub(super) fn pop_newest_of_fullest(&mut self) -> Option<J> {
        if self.is_empty() {
            return None;
        }
        let most = self.fullest_len();
        let is_fullest = |slot: &usize| self.slots[*slot].jobs.len() == most;
        let guess = Some(self.fullest).filter(is_fullest);
        let slot = guess.or_else(|| self.turns.iter().copied().find(is_fullest))?;
        self.fullest = slot;
        let Waiting { job, .. } = self.slots[slot].jobs.pop_back()?;
        if self.slots[slot].jobs.is_empty() {
            self.turns.retain(|&turn| turn != slot);
        }
        self.emptied(slot);
        Some(job)
    }

    /// Takes out everything.
    pub(super) fn take_all(&mut self) -> Vec<J> {
        let all = mem::replace(self, Queue::new());
        let waiting = all.slots.into_iter().flat_map(|slot| slot.jobs);
        waiting.map(|waiting| waiting.job).collect()
    }
}

impl<J: Job> Queue<J> {
    pub(super) fn push(&mut self, job: J, peer: Peer) {
        let deadline = job.deadline();
        let slot = self.slot(peer);
        self.slots[slot].jobs.push_back(Waiting { job, deadline });
        self.filled(slot);
        let earliest = self.earliest.map_or(deadline, |known| known.min(deadline));
        self.earliest = Some(earliest);
    }

    /// Asks every job for its deadline again.
    pub(super) fn renew_deadlines(&mut self) {
        let jobs = self.slots.iter_mut().flat_map(|slot| &mut slot.jobs);
        self.earliest = jobs
            .map(|waiting| {
                waiting.deadline = waiting.job.deadline();
                waiting.deadline
            })
            .min();
    }

    /// Takes out what has passed its deadline. Costs a look at every job that
    /// waits, if there may be one that has.
    pub(super) fn take_expired(&mut self, now: Instant, expired: &mut Vec<J>) {
        if self.earliest.is_none_or(|earliest| earliest > now) {
            return;
        }
        self.earliest = None;
        for _ in 0..self.turns.len() {
            let Some(slot) = self.turns.pop_front() else {
                break;
            };
            self.sweep(slot, now, expired);
            let jobs = &self.slots[slot].jobs;
            let earliest = jobs.iter().map(|waiting| waiting.deadline);
            self.earliest = self.earliest.into_iter().chain(earliest).min();
            match jobs.is_empty() {
                true => self.park(slot),
                false => self.turns.push_back(slot),
            }
        }
    }

    /// Takes what has expired out of one slot.
    fn sweep(&mut self, slot: usize, now: Instant, expired: &mut Vec<J>) {
        let jobs = &mut self.slots[slot].jobs;
        if jobs.iter().all(|waiting| waiting.deadline > now) {
            return;
        }
        let before = jobs.len();
        for waiting in mem::take(jobs) {
            match waiting.deadline > now {
                true => jobs.push_back(waiting),
                false => expired.push(waiting.job),
            }
        }
        let after = jobs.len();
        self.len -= before - after;
        for peers in &mut self.deeper_than[after..before] {
            *peers -= 1;
        }
        while self.deeper_than.last() == Some(&0) {
            self.deeper_than.pop();
        }
    }
}
