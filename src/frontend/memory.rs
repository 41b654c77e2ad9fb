//! What requests may take in memory, all sessions together: what has come of a
//! message, and whole ones until they are answered.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Buffers up to this size are not counted: small requests touch no counter that
/// all share, and are taken when large ones have used up everything. A session
/// has at most two such buffers, one that is answered and one that fills.
pub(super) const FREE_BYTES: usize = 4096;

/// The memory for requests of the whole process.
#[derive(Debug)]
pub(super) struct RequestMemory {
    max_bytes: usize,
    used: AtomicUsize,
}

/// The memory that was asked for is not to be had.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct OverMemory {
    pub(super) limit: usize,
    pub(super) seen: usize,
}

impl RequestMemory {
    pub(super) fn new(max_bytes: usize) -> Arc<RequestMemory> {
        Arc::new(RequestMemory {
            max_bytes,
            used: AtomicUsize::new(0),
        })
    }

    /// Bytes that are in use now.
    pub(super) fn used(&self) -> usize {
        self.used.load(Ordering::Relaxed)
    }

    /// Whether there is room for so many bytes more.
    fn has_left(&self, bytes: usize) -> bool {
        self.used().saturating_add(bytes) <= self.max_bytes
    }

    /// A share that holds nothing yet.
    pub(super) fn share(self: &Arc<RequestMemory>) -> Share {
        Share {
            memory: self.clone(),
            bytes: 0,
        }
    }
}

/// What one buffer takes; given back when dropped.
#[derive(Debug)]
pub(super) struct Share {
    memory: Arc<RequestMemory>,
    bytes: usize,
}

impl Share {
    /// Whether it may become larger by so many bytes, as things stand.
    pub(super) fn may_grow(&self, bytes: usize) -> bool {
        self.memory.has_left(bytes)
    }

    /// Makes it that of a buffer of this size. After an error it is as it was.
    pub(super) fn resize(&mut self, buffer_bytes: usize) -> Result<(), OverMemory> {
        let wanted = counted(buffer_bytes);
        let used = &self.memory.used;
        if wanted > self.bytes {
            let more = wanted - self.bytes;
            let seen = used.fetch_add(more, Ordering::Relaxed).saturating_add(more);
            let limit = self.memory.max_bytes;
            if seen > limit {
                used.fetch_sub(more, Ordering::Relaxed);
                return Err(OverMemory { limit, seen });
            }
        } else if wanted < self.bytes {
            used.fetch_sub(self.bytes - wanted, Ordering::Relaxed);
        }
        self.bytes = wanted;
        Ok(())
    }

    /// What is held, for the buffer that goes its own way from here on. None:
    /// it is too small to count.
    pub(super) fn split(&mut self) -> Option<Share> {
        let bytes = std::mem::take(&mut self.bytes);
        (bytes > 0).then(|| Share {
            memory: self.memory.clone(),
            bytes,
        })
    }

    /// A share for the copy of a part of the buffer, which is there already and so
    /// is never refused. None: it is too small to count.
    pub(super) fn for_copy(&self, buffer_bytes: usize) -> Option<Share> {
        let bytes = counted(buffer_bytes);
        (bytes > 0).then(|| {
            self.memory.used.fetch_add(bytes, Ordering::Relaxed);
            Share {
                memory: self.memory.clone(),
                bytes,
            }
        })
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        if self.bytes > 0 {
            self.memory.used.fetch_sub(self.bytes, Ordering::Relaxed);
        }
    }
}

fn counted(buffer_bytes: usize) -> usize {
    match buffer_bytes {
        ..=FREE_BYTES => 0,
        bytes => bytes,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_dropped_is_given_back() {
        let memory = RequestMemory::new(100_000);
        let mut share = memory.share();
        share.resize(60_000).unwrap();
        let over = memory.share().resize(50_000).unwrap_err();
        assert_eq!((over.limit, over.seen), (100_000, 110_000));
        assert_eq!(memory.used(), 60_000);
        let message = share.split();
        drop(share);
        assert_eq!(memory.used(), 60_000);
        drop(message);
        assert_eq!(memory.used(), 0);
    }

    #[test]
    fn a_share_shrinks_and_grows() {
        let memory = RequestMemory::new(100_000);
        let mut share = memory.share();
        for size in [10_000, 100_000, 5_000, 0, 50_000] {
            share.resize(size).unwrap();
            assert_eq!(memory.used(), size);
        }
        share.resize(100_001).unwrap_err();
        assert_eq!(memory.used(), 50_000);
    }

    #[test]
    fn small_buffers_are_had_when_nothing_else_is() {
        let memory = RequestMemory::new(10_000);
        let mut large = memory.share();
        large.resize(10_000).unwrap();
        assert!(!memory.has_left(1));
        let mut small = memory.share();
        small.resize(FREE_BYTES).unwrap();
        assert!(small.split().is_none());
        small.resize(FREE_BYTES + 1).unwrap_err();
    }
}
