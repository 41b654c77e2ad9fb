//! The digests themselves, and which of them gives way to a new one.

use std::collections::HashMap;
use std::sync::Arc;

use super::entry::{Kindred, Known};

/// What a digest is known by.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Key {
    pub(super) shard: usize,
    pub(super) kind: Kind,
    pub(super) digest: Arc<str>,
}

/// What is run together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Kind {
    Statement,
    Table,
    Batch,
}

pub(super) struct Table {
    slots: Vec<(Key, Known)>,
    /// Where in them each is.
    by_key: HashMap<Key, usize>,
    digests_max: usize,
    /// Where the search for one to give way goes on.
    hand: usize,
}

impl Table {
    /// Grows up to `digests_max`, which is at least 1 for anything to be entered.
    pub(super) fn new(digests_max: usize) -> Table {
        Table {
            slots: Vec::new(),
            by_key: HashMap::new(),
            digests_max: digests_max.max(1),
            hand: 0,
        }
    }

    /// What is known by that key, from now on if not before.
    pub(super) fn enter(&mut self, key: Key, kindred: &Arc<Kindred>) -> Known {
        if let Some(&index) = self.by_key.get(&key) {
            let known = &self.slots[index].1;
            known.touch();
            return known.clone();
        }
        let known = Known::new(kindred);
        if self.slots.len() < self.digests_max {
            self.by_key.insert(key.clone(), self.slots.len());
            self.slots.push((key, known.clone()));
            return known;
        }
        let index = self.free();
        self.by_key.insert(key.clone(), index);
        let (old_key, old) = std::mem::replace(&mut self.slots[index], (key, known.clone()));
        self.by_key.remove(&old_key);
        old.leave_table();
        known
    }

    /// Whose place a new one takes. Those that were used since the hand came by
    /// stay for another round of it, so that what is used often stays while much
    /// comes that is never used again. A look at two, on average; at each once
    /// at the most.
    fn free(&mut self) -> usize {
        for _ in 0..self.slots.len() {
            let index = self.hand;
            self.hand = (self.hand + 1) % self.slots.len();
            if !self.slots[index].1.take_touch() {
                return index;
            }
        }
        let index = self.hand;
        self.hand = (self.hand + 1) % self.slots.len();
        index
    }

    pub(super) fn entries(&self) -> Vec<(Key, Known)> {
        self.slots.clone()
    }
}
