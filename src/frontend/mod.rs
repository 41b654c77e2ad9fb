//! The front of the service: sockets, sessions, messages and their limits.
//! Knows the form of Thrift messages, but neither their meaning nor SQL nor
//! databases: whole messages are handed to a [`Handle`], with the means to
//! answer them from any thread.

mod counts;
mod detect;
mod inbox;
mod memory;
mod patience;
mod register;
mod reply;
mod scan;
mod session;
mod socket;
mod task;

use std::io;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

pub use counts::SessionCounts;
pub use detect::{Protocol, Wire};
pub use inbox::{Fault, FaultKind, Message};
pub use reply::Reply;
pub use socket::{AsyncListener, Listener};

use crate::peer::Peer;
use counts::Counters;
use memory::RequestMemory;
use register::Register;
use session::{Common, Session};
use socket::{ReadHalf, WriteHalf};
use task::Task;

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

    /// What a session has under way has been cancelled; it may still wait.
    fn cancelled(&self);

    /// A session is over, and all its replies have been used.
    fn session_ended(&self, session: u64);
}

/// Limits of sessions.
#[derive(Clone, Copy, Debug)]
pub struct SessionLimits {
    pub sessions_max: usize,
    /// Of those that come from one peer.
    pub sessions_per_peer_max: usize,
    pub message_max_bytes: usize,
    /// What all messages may take in memory, from their first byte to their answer.
    pub request_memory_max_bytes: usize,
    /// A session without a message for so long is closed.
    pub idle_timeout: Duration,
    /// A message must be complete so long after its first byte.
    pub message_timeout: Duration,
    /// A reply must be taken so long after it is ready.
    pub write_timeout: Duration,
    /// A reply that is not ready so long after its deadline is not given at all.
    pub reply_grace: Duration,
}

/// After a failed accept, which mostly is for want of descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Between two looks at whether all sessions have ended.
const DRAIN_PERIOD: Duration = Duration::from_millis(10);

/// All sessions of the service.
pub struct Frontend<H> {
    handler: Arc<H>,
    limits: SessionLimits,
    common: Arc<Common>,
    register: Register,
    next_number: AtomicU64,
}

impl<H: Handle> Frontend<H> {
    pub fn new(handler: Arc<H>, limits: SessionLimits) -> Arc<Frontend<H>> {
        let common = Common {
            draining: AtomicBool::new(false),
            counters: Counters::default(),
            memory: RequestMemory::new(limits.request_memory_max_bytes),
            reply_grace: limits.reply_grace,
            closing_log: Mutex::default(),
        };
        Arc::new(Frontend {
            handler,
            limits,
            common: Arc::new(common),
            register: Register::new(limits.sessions_max, limits.sessions_per_peer_max),
            next_number: AtomicU64::new(1),
        })
    }

    /// Sessions that are connected now.
    pub fn session_count(&self) -> usize {
        self.register.count()
    }

    /// What all messages may take in memory.
    pub fn request_memory_max_bytes(&self) -> usize {
        self.limits.request_memory_max_bytes
    }

    /// What has been counted until now. Costs a short lock.
    pub fn counts(&self) -> SessionCounts {
        let common = &self.common;
        common
            .counters
            .snapshot(self.session_count(), common.memory.used())
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
        let (handler, common) = (self.handler.clone(), self.common.clone());
        let session = Arc::new(Session::new(number, peer, writer, handler, common));
        if let Err(refused) = self.register.add(number, &session) {
            refused.count(&self.common.counters);
            return;
        }
        self.common.counters.opened();
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
        self.common.draining.store(true, Ordering::Release);
        self.register.wake_all();
        let all_ended = async {
            while self.session_count() > 0 {
                tokio::time::sleep(DRAIN_PERIOD).await;
            }
        };
        tokio::time::timeout(patience, all_ended).await.is_ok()
    }
}

/// A session's place among all, given up however its task ends.
struct Entry<H>(Arc<Frontend<H>>, u64);

impl<H> Drop for Entry<H> {
    fn drop(&mut self) {
        self.0.register.remove(self.1);
    }
}

#[cfg(test)]
mod tests;
