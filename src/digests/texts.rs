//! Which texts have which digest: a cache, so that a text which comes again byte
//! for byte is not digested again.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::Source;
use super::entry::Known;
use super::hash::HashKeys;
use crate::operation::Insert;
use crate::sql::DIGESTED_MAX_BYTES;

/// Locks, of which a text takes one.
const STRIPES: usize = 16;

/// Texts that are remembered for each digest of the table, on average: callers
/// that write values into their statements have many. Twice as many at the most.
const TEXTS_PER_DIGEST: usize = 4;

/// 128 bits under secret keys: no two texts share one, whoever tries.
pub(super) type TextHash = u128;

pub(super) struct Texts {
    keys: HashKeys,
    stripes: Vec<Mutex<Stripe>>,
}

/// What was used of late, and what was used before that: when the first is full
/// it becomes the second, and what stood there is forgotten.
struct Stripe {
    recent: Generation,
    older: Generation,
    texts_max: usize,
}

type Generation = HashMap<TextHash, Known, BuildHasherDefault<AsItIs>>;

impl Texts {
    pub(super) fn new(digests_max: usize) -> Texts {
        let texts_max = (digests_max * TEXTS_PER_DIGEST).div_ceil(STRIPES);
        let stripe = || {
            Mutex::new(Stripe {
                recent: Generation::default(),
                older: Generation::default(),
                texts_max,
            })
        };
        Texts {
            keys: HashKeys::random(),
            stripes: (0..STRIPES).map(|_| stripe()).collect(),
        }
    }

    /// Of all that its digest depends on.
    pub(super) fn hash(&self, shard: usize, source: Source<'_>) -> TextHash {
        let (kind, text) = match source {
            Source::Statement(text) => (0, text),
            Source::Table(text) => (1, text),
            Source::Batch(text) => (2, text),
            Source::Insert(insert) => return self.hash_insert(shard, insert),
        };
        // The beginning is all that is digested, and whether there is more.
        let read = text.get(..DIGESTED_MAX_BYTES).unwrap_or(text);
        let is_longer = read.len() < text.len();
        let prefix = (shard as u128) << 8 | kind << 1 | u128::from(is_longer);
        self.keys.hash(prefix, read)
    }

    fn hash_insert(&self, shard: usize, insert: &Insert) -> TextHash {
        const KIND: u128 = 3 << 1;
        let names = insert.database.iter().chain([&insert.table]);
        let is_given = u128::from(insert.database.is_some());
        let mode = insert.mode as u128;
        let prefix = (shard as u128) << 8 | mode << 4 | is_given << 3 | KIND;
        let all = names.chain(&insert.columns);
        // Each has the hash of those before it as its prefix.
        all.fold(prefix, |hash, name| self.keys.hash(hash, name.as_bytes()))
    }

    pub(super) fn find(&self, hash: TextHash) -> Option<Known> {
        let mut stripe = self.stripe(hash);
        let known = match stripe.recent.get(&hash) {
            Some(known) => known.clone(),
            None => {
                let known = stripe.older.remove(&hash)?;
                stripe.insert(hash, known.clone());
                known
            }
        };
        drop(stripe);
        known.touch();
        // One that has left the table is of no use to anybody.
        (!known.has_left_table()).then_some(known)
    }

    pub(super) fn remember(&self, hash: TextHash, known: &Known) {
        self.stripe(hash).insert(hash, known.clone());
    }

    fn stripe(&self, hash: TextHash) -> MutexGuard<'_, Stripe> {
        // Other bits than those that the maps go by.
        let index = (hash >> 64) as usize % self.stripes.len();
        let stripe = &self.stripes[index];
        stripe.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Stripe {
    fn insert(&mut self, hash: TextHash, known: Known) {
        if self.recent.len() >= self.texts_max && !self.recent.contains_key(&hash) {
            std::mem::swap(&mut self.recent, &mut self.older);
            // Keeps its memory: nothing is allocated from the second turn on.
            self.recent.clear();
        }
        self.recent.insert(hash, known);
    }
}

/// The keys are hashes already.
#[derive(Default)]
struct AsItIs(u64);

impl Hasher for AsItIs {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            self.0 = self.0.rotate_left(8) ^ u64::from(byte);
        }
    }

    fn write_u128(&mut self, hash: u128) {
        self.0 = hash as u64;
    }
}
