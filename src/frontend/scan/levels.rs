//! The levels of nesting that are open at a place in a message: an explicit
//! stack, since recursion would let a message choose how deep our own goes.

use super::encoding::Kind;
use super::head::Role;

/// Levels that need no allocation: all of an ordinary request.
const INLINE_LEVELS: usize = 8;

/// A struct or container whose end has not been reached. It has the fields of
/// both, since those of an enum would be packed and unpacked at every step.
#[derive(Clone, Copy, Debug)]
pub(super) struct Level {
    pub(super) role: Role,
    /// Of a struct.
    pub(super) last_id: i16,
    /// Of a container: values still to come; in a map keys are even, values odd.
    pub(super) left: u32,
    pub(super) even: Kind,
    pub(super) odd: Kind,
}

/// The levels around the innermost one. An array for each of their fields, so
/// that each is read back as wide as it was written: otherwise the processor
/// waits until the writes have reached its cache.
#[derive(Debug)]
pub(super) struct Levels {
    roles: [Role; INLINE_LEVELS],
    last_ids: [i16; INLINE_LEVELS],
    lefts: [u32; INLINE_LEVELS],
    evens: [Kind; INLINE_LEVELS],
    odds: [Kind; INLINE_LEVELS],
    /// Those that did not fit; as many as the limit of depth allows.
    spilled: Vec<Level>,
    count: u8,
}

impl Level {
    pub(super) const ARGUMENTS: Level = Level::structure(Role::Arguments);

    #[inline(always)]
    pub(super) const fn structure(role: Role) -> Level {
        Level {
            role,
            last_id: 0,
            left: 0,
            even: Kind::Flag,
            odd: Kind::Flag,
        }
    }
}

impl Levels {
    pub(super) fn new() -> Levels {
        Levels {
            roles: [Role::Plain; INLINE_LEVELS],
            last_ids: [0; INLINE_LEVELS],
            lefts: [0; INLINE_LEVELS],
            evens: [Kind::Flag; INLINE_LEVELS],
            odds: [Kind::Flag; INLINE_LEVELS],
            spilled: Vec::new(),
            count: 0,
        }
    }

    #[inline]
    pub(super) fn count(&self) -> u8 {
        self.count
    }

    /// The caller keeps to its limit, which is below 255.
    #[inline(always)]
    pub(super) fn push(&mut self, level: Level) {
        let index = usize::from(self.count);
        self.count += 1;
        if index >= INLINE_LEVELS {
            self.spilled.push(level);
            return;
        }
        self.roles[index] = level.role;
        self.last_ids[index] = level.last_id;
        self.lefts[index] = level.left;
        self.evens[index] = level.even;
        self.odds[index] = level.odd;
    }

    /// Puts the outer level in the place of `level`; false: there is none.
    #[inline(always)]
    pub(super) fn pop(&mut self, level: &mut Level) -> bool {
        let Some(count) = self.count.checked_sub(1) else {
            return false;
        };
        self.count = count;
        let index = usize::from(count);
        if index >= INLINE_LEVELS {
            if let Some(outer) = self.spilled.pop() {
                *level = outer;
            }
            return true;
        }
        level.role = self.roles[index];
        level.last_id = self.last_ids[index];
        level.left = self.lefts[index];
        level.even = self.evens[index];
        level.odd = self.odds[index];
        true
    }
}
