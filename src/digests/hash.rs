//! SipHash-1-3 with 128 bits (Aumasson and Bernstein, "SipHash: a fast short-input
//! PRF"), over whole slices: whoever does not know the keys cannot find two texts
//! of one hash, and half as much work as two hashes of the standard library's.

use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;

/// Secret, and another one in every process.
pub(super) struct HashKeys(u64, u64);

struct State {
    v0: u64,
    v1: u64,
    v2: u64,
    v3: u64,
}

impl HashKeys {
    pub(super) fn random() -> HashKeys {
        // Each state has keys of its own, which what it makes of a constant hides.
        let random = || RandomState::new().hash_one(0_u8);
        HashKeys(random(), random())
    }

    /// Of the bytes, after a prefix that keeps those of different kinds apart.
    #[inline]
    pub(super) fn hash(&self, prefix: u128, bytes: &[u8]) -> u128 {
        let HashKeys(k0, k1) = *self;
        let mut state = State {
            v0: k0 ^ 0x736f_6d65_7073_6575,
            v1: k1 ^ 0x646f_7261_6e64_6f6d ^ 0xee,
            v2: k0 ^ 0x6c79_6765_6e65_7261,
            v3: k1 ^ 0x7465_6462_7974_6573,
        };
        state.absorb(prefix as u64);
        state.absorb((prefix >> 64) as u64);
        let (words, rest) = bytes.as_chunks::<8>();
        for word in words {
            state.absorb(u64::from_le_bytes(*word));
        }
        let mut last = [0; 8];
        last[..rest.len()].copy_from_slice(rest);
        last[7] = bytes.len() as u8;
        state.absorb(u64::from_le_bytes(last));
        state.v2 ^= 0xee;
        let low = state.finish();
        state.v1 ^= 0xdd;
        let high = state.finish();
        u128::from(high) << 64 | u128::from(low)
    }
}

impl State {
    #[inline(always)]
    fn absorb(&mut self, word: u64) {
        self.v3 ^= word;
        self.round();
        self.v0 ^= word;
    }

    #[inline(always)]
    fn finish(&mut self) -> u64 {
        for _ in 0..3 {
            self.round();
        }
        self.v0 ^ self.v1 ^ self.v2 ^ self.v3
    }

    #[inline(always)]
    fn round(&mut self) {
        self.v0 = self.v0.wrapping_add(self.v1);
        self.v1 = self.v1.rotate_left(13) ^ self.v0;
        self.v0 = self.v0.rotate_left(32);
        self.v2 = self.v2.wrapping_add(self.v3);
        self.v3 = self.v3.rotate_left(16) ^ self.v2;
        self.v0 = self.v0.wrapping_add(self.v3);
        self.v3 = self.v3.rotate_left(21) ^ self.v0;
        self.v2 = self.v2.wrapping_add(self.v1);
        self.v1 = self.v1.rotate_left(17) ^ self.v2;
        self.v2 = self.v2.rotate_left(32);
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn every_byte_and_length_and_prefix_counts() {
        let keys = HashKeys::random();
        let mut seen = HashSet::new();
        let mut note = |prefix, bytes: &[u8]| {
            assert_eq!(keys.hash(prefix, bytes), keys.hash(prefix, bytes));
            assert!(seen.insert(keys.hash(prefix, bytes)), "{prefix} {bytes:?}");
        };
        for length in 0..40 {
            note(0, &vec![0; length]);
            note(1, &vec![0; length]);
            note(1 << 64, &vec![0; length]);
            for at in 0..length {
                let mut bytes = vec![0; length];
                bytes[at] = 1;
                note(0, &bytes);
            }
        }
        assert_ne!(HashKeys::random().hash(0, b""), keys.hash(0, b""));
    }

    #[test]
    fn all_bits_change() {
        let keys = HashKeys::random();
        let (mut ones, mut zeros) = (0, 0);
        for number in 0_u64..64 {
            let hash = keys.hash(0, &number.to_le_bytes());
            ones |= hash;
            zeros |= !hash;
        }
        assert_eq!((ones, zeros), (u128::MAX, u128::MAX));
    }
}
