//! Every multi on its way, and the end of those whose time is over.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Instant;

use super::Gathering;
use crate::service::core::Core;

/// Every multi on its way, to find those whose time is over.
#[derive(Default)]
pub(in crate::service) struct Gatherings {
    all: Mutex<Vec<Weak<Gathering>>>,
}

impl Gatherings {
    pub(super) fn add(&self, gathering: &Arc<Gathering>) {
        self.lock().push(Arc::downgrade(gathering));
    }

    /// Ends those that are past their deadline or whose client is gone, and has them
    /// answered.
    pub(in crate::service) fn expire(core: &Arc<Core>, now: Instant) {
        let mut over = Vec::new();
        core.gatherings.lock().retain(|gathering| {
            let Some(gathering) = gathering.upgrade() else {
                return false;
            };
            let goes_on = now < gathering.deadline && !gathering.client.is_cancelled();
            if !goes_on {
                over.push(gathering);
            }
            goes_on
        });
        for gathering in over {
            gathering.end();
            gathering.answer_elsewhere();
        }
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Weak<Gathering>>> {
        self.all.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
