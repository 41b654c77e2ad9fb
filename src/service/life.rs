//! Whether the service is alive, and whether it goes on, for those who watch it.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

pub(super) struct Life {
    begun: Instant,
    /// Milliseconds from there to the last sign of life of the threads that move
    /// bytes.
    beat_ms: AtomicU64,
    draining: AtomicBool,
}

impl Default for Life {
    /// Just now alive.
    fn default() -> Life {
        Life {
            begun: Instant::now(),
            beat_ms: AtomicU64::new(0),
            draining: AtomicBool::new(false),
        }
    }
}

impl Life {
    /// A sign of life.
    pub(super) fn beat(&self) {
        self.beat_ms.store(self.age_ms(), Ordering::Relaxed);
    }

    /// How long the last one is ago.
    pub(super) fn beat_age(&self) -> Duration {
        let age = self.age_ms();
        let beat = self.beat_ms.load(Ordering::Relaxed);
        Duration::from_millis(age.saturating_sub(beat))
    }

    /// It takes nothing new from here on.
    pub(super) fn drain(&self) {
        self.draining.store(true, Ordering::Relaxed);
    }

    pub(super) fn is_draining(&self) -> bool {
        self.draining.load(Ordering::Relaxed)
    }

    fn age_ms(&self) -> u64 {
        u64::try_from(self.begun.elapsed().as_millis()).unwrap_or(u64::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_life_without_a_beat_grows_old() {
        let life = Life {
            begun: Instant::now() - Duration::from_secs(10),
            ..Life::default()
        };
        assert!(life.beat_age() >= Duration::from_secs(10));
        life.beat();
        assert!(life.beat_age() < Duration::from_secs(10));
    }
}
