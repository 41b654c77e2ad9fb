//! The front of the service: sockets, sessions, messages and their limits.
//! Knows the form of Thrift messages, but neither their meaning nor SQL nor
//! databases: whole messages are handed to a [`Handle`], with the means to
//! answer them from any thread.

mod detect;
mod inbox;
mod patience;
mod scan;
mod session;
mod socket;

use std::collections::HashMap;
use std::io;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

pub use detect::{Protocol, Wire};
pub use inbox::{Fault, FaultKind, Message};
pub use session::Reply;
pub use socket::Listener;

use crate::peer::Peer;
use session::{Session, Task};
use socket::{AsyncListener, ReadHalf, WriteHalf};

/// Whoever understands messages. They are called on the threads that move bytes,
/// and must not block.
pub trait Handle: Send + Sync + 'static {
    /// Takes a message. Its session waits until the reply is used.
    fn message(&self, message: Message, reply: Reply);

    /// Takes or refuses a message that came when the service was about to stop.
    fn late_message(&self, message: Message, reply: Reply);

    /// Whether a session has something to finish before the service stops.
    fn has_unfinished(&self, session: u64) -> bool;

    /// Appends the answer to a message that cannot be taken.
    fn fault(&self, fault: &Fault, out: &mut Vec<u8>);

    /// A session is over, and all its replies have been used.
    fn session_ended(&self, session: u64);
}

/// Limits of sessions.
#[derive(Clone, Copy, Debug)]
pub struct SessionLimits {
    pub sessions_max: usize,
    pub message_max_bytes: usize,
    /// A session without a message for so long is closed.
    pub idle_timeout: Duration,
    /// A message must be complete so long after its first byte.
    pub message_timeout: Duration,
    /// A reply must be taken so long after it is ready.
    pub write_timeout: Duration,
}

/// After a failed accept, which mostly is for want of descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Between two looks at whether all sessions have ended.
const DRAIN_PERIOD: Duration = Duration::from_millis(10);

/// All sessions of the service.
pub struct Frontend<H> {
    handler: Arc<H>,
    limits: SessionLimits,
    draining: Arc<AtomicBool>,
    sessions: Mutex<HashMap<u64, Arc<Session>>>,
    next_number: AtomicU64,
}

impl<H: Handle> Frontend<H> {
    pub fn new(handler: Arc<H>, limits: SessionLimits) -> Arc<Frontend<H>> {
        Arc::new(Frontend {
            handler,
            limits,
            draining: Arc::new(AtomicBool::new(false)),
            sessions: Mutex::default(),
            next_number: AtomicU64::new(1),
        })
    }

    /// Sessions that are connected now.
    pub fn session_count(&self) -> usize {
        self.sessions().len()
    }

    /// Accepts sessions until dropped. Within a tokio runtime.
    pub async fn serve(self: Arc<Self>, listener: Listener) -> io::Result<()> {
        let address = listener.address().clone();
        let listener: AsyncListener = listener.into_async()?;
        loop {
            match listener.accept().await {
                Ok((reader, writer, peer)) => self.admit(reader, writer, peer),
                Err(error) => {
                    tracing::error!(%address, %error, "cannot accept a session");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            }
        }
    }

    fn admit(self: &Arc<Self>, reader: ReadHalf, writer: WriteHalf, peer: Peer) {
        let number = self.next_number.fetch_add(1, Ordering::Relaxed);
        let handler = self.handler.clone();
        let draining = self.draining.clone();
        let session = Arc::new(Session::new(number, peer, writer, handler, draining));
        {
            let mut sessions = self.sessions();
            let limit = self.limits.sessions_max;
            if sessions.len() >= limit {
                tracing::warn!(limit, "a session is refused: sessions_max are connected");
                return;
            }
            sessions.insert(number, session.clone());
        }
        let task = Task::new(session, reader, self.handler.clone(), self.limits);
        let entry = Entry(self.clone(), number);
        tokio::spawn(async move {
            let entry = entry;
            if let Err(error) = task.run().await {
                tracing::debug!(session = entry.1, %error, "session ended");
            }
        });
    }

    /// Lets every session finish what it has begun and close. True: all have,
    /// within `patience`.
    pub async fn drain(&self, patience: Duration) -> bool {
        self.draining.store(true, Ordering::Release);
        for session in self.sessions().values() {
            session.wake();
        }
        let all_ended = async {
            while self.session_count() > 0 {
                tokio::time::sleep(DRAIN_PERIOD).await;
            }
        };
        tokio::time::timeout(patience, all_ended).await.is_ok()
    }

    fn sessions(&self) -> MutexGuard<'_, HashMap<u64, Arc<Session>>> {
        self.sessions.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A session's place among all, given up however its task ends.
struct Entry<H>(Arc<Frontend<H>>, u64);

impl<H> Drop for Entry<H> {
    fn drop(&mut self) {
        let mut sessions = self
            .0
            .sessions
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let session = sessions.remove(&self.1);
        // What its end brings about is not done under the lock that all wait for.
        drop(sessions);
        drop(session);
    }
}
