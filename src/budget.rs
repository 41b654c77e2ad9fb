//! What results may take in memory: of one request, and of all together. Nothing
//! here knows what a result is.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::error::{Error, ErrorKind, Result, Retry};

/// A result is held twice for a moment: as columns, and as the reply's bytes.
const COPIES: usize = 2;

/// The process's memory is asked for in steps of so many bytes, so that the
/// counter that all share is not touched for every row.
const STEP_BYTES: usize = 64 << 10;

/// The memory for the results of the whole process.
#[derive(Debug)]
pub struct Memory {
    max_bytes: usize,
    used: AtomicUsize,
}

impl Memory {
    pub fn new(max_bytes: usize) -> Arc<Memory> {
        Arc::new(Memory {
            max_bytes,
            used: AtomicUsize::new(0),
        })
    }

    /// Bytes that are in use now.
    pub fn used(&self) -> usize {
        self.used.load(Ordering::Relaxed)
    }

    /// Bytes that may be in use.
    pub fn max_bytes(&self) -> usize {
        self.max_bytes
    }

    /// A request's part: at most `max_bytes` of results.
    pub fn budget(self: &Arc<Memory>, max_bytes: usize) -> Arc<Budget> {
        Arc::new(Budget {
            memory: self.clone(),
            max_bytes,
            used: AtomicUsize::new(0),
            granted: AtomicUsize::new(0),
        })
    }

    fn take(&self, bytes: usize) -> Result<()> {
        let before = self.used.fetch_add(bytes, Ordering::Relaxed);
        let seen = before.saturating_add(bytes);
        if seen <= self.max_bytes {
            return Ok(());
        }
        self.used.fetch_sub(bytes, Ordering::Relaxed);
        let limit = self.max_bytes;
        let message = format!(
            "the results of all requests would take {seen} bytes of memory together, over the \
             server's result_memory_max_bytes of {limit}; try again later, or ask for fewer rows"
        );
        Err(Error::new(ErrorKind::ResultTooLarge, message)
            .with_limit(limit as u64, seen as u64)
            .with_retry(Retry::AfterPause))
    }
}

/// What the results of one request may take, in memory and in its reply. The
/// memory is given back when the last of its holders is dropped: the one that
/// keeps it until the reply is written.
#[derive(Debug)]
pub struct Budget {
    memory: Arc<Memory>,
    max_bytes: usize,
    used: AtomicUsize,
    /// Of the process's memory; at least `COPIES` times `used`.
    granted: AtomicUsize,
}

impl Budget {
    /// Takes `bytes` more for rows. RESULT_TOO_LARGE if the request, or the
    /// process, has no more; then nothing was taken.
    pub fn take(&self, bytes: usize) -> Result<()> {
        let used = self.used.fetch_add(bytes, Ordering::Relaxed) + bytes;
        let checked = match used > self.max_bytes {
            true => Err(self.exceeded(used)),
            false => self.grant(used.saturating_mul(COPIES)),
        };
        if checked.is_err() {
            self.used.fetch_sub(bytes, Ordering::Relaxed);
        }
        checked
    }

    /// Gives back rows that are not kept.
    pub fn give_back(&self, bytes: usize) {
        self.used.fetch_sub(bytes, Ordering::Relaxed);
    }

    fn grant(&self, wanted: usize) -> Result<()> {
        let granted = self.granted.load(Ordering::Relaxed);
        if wanted <= granted {
            return Ok(());
        }
        let more = (wanted - granted).next_multiple_of(STEP_BYTES);
        self.memory.take(more)?;
        self.granted.fetch_add(more, Ordering::Relaxed);
        Ok(())
    }

    fn exceeded(&self, seen: usize) -> Error {
        let limit = self.max_bytes;
        let message = format!(
            "the result is over the server's result_max_bytes of {limit}; ask for fewer rows or \
             columns, or page by key"
        );
        Error::new(ErrorKind::ResultTooLarge, message).with_limit(limit as u64, seen as u64)
    }
}

impl Drop for Budget {
    fn drop(&mut self) {
        let granted = self.granted.load(Ordering::Relaxed);
        self.memory.used.fetch_sub(granted, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_comes_back_with_the_last_holder() {
        let memory = Memory::new(1 << 20);
        let budget = memory.budget(400_000);
        budget.take(300_000).unwrap();
        assert!(memory.used() >= 600_000);
        let other = budget.clone();
        drop(budget);
        assert!(memory.used() >= 600_000);
        drop(other);
        assert_eq!(memory.used(), 0);
    }

    #[test]
    fn the_limit_that_is_met_is_named() {
        let memory = Memory::new(500_000);
        let budget = memory.budget(100);
        let error = budget.take(101).unwrap_err();
        assert!(error.message().contains("result_max_bytes of 100"));
        assert_eq!(error.limit_met().unwrap().seen, 101);
        budget.take(100).unwrap();
        let wide = memory.budget(1 << 30);
        let error = wide.take(400_000).unwrap_err();
        assert!(
            error
                .message()
                .contains("result_memory_max_bytes of 500000")
        );
        assert_eq!(error.retry(), Retry::AfterPause);
        wide.take(100_000).unwrap();
    }

    #[test]
    fn what_is_given_back_may_be_taken_again() {
        let budget = Memory::new(1 << 20).budget(100);
        budget.take(100).unwrap();
        assert!(budget.take(1).is_err());
        budget.give_back(60);
        budget.take(60).unwrap();
    }
}
