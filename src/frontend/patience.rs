//! The clock of a session's waiting.

use std::pin::Pin;
use std::time::Duration;

use tokio::time::{Instant, Sleep, sleep_until};

/// How long the session still waits for its client. A timer that is set for
/// every read would be a good part of a short request's cost: this one is left
/// to go off early, and then set to what is left.
pub(super) struct Patience {
    timer: Pin<Box<Sleep>>,
    deadline: Instant,
}

impl Patience {
    pub(super) fn new(timeout: Duration) -> Patience {
        let deadline = Instant::now() + timeout;
        Patience {
            timer: Box::pin(sleep_until(deadline)),
            deadline,
        }
    }

    pub(super) fn renew(&mut self, timeout: Duration) {
        self.deadline = Instant::now() + timeout;
        if self.deadline < self.timer.deadline() {
            self.timer.as_mut().reset(self.deadline);
        }
    }

    pub(super) async fn end(&mut self) {
        loop {
            self.timer.as_mut().await;
            if Instant::now() >= self.deadline {
                return;
            }
            self.timer.as_mut().reset(self.deadline);
        }
    }
}
