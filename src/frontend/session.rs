//! What a session's task shares with whoever answers its requests: the socket's
//! writing side, and how things stand.

use std::io;
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::Notify;

use super::Handle;
use super::counts::{Close, Counters, Throttle};
use super::memory::RequestMemory;
use super::socket::WriteHalf;
use crate::cancel::{Cancel, Cause};
use crate::peer::Peer;

/// A reply to a request that took so long is written by the session's task, once
/// it has looked whether the client has gone on without it. Clients that give up
/// sooner than this are rare, and replies that are quicker are written by whoever
/// made them.
const LOOK_FIRST_AFTER: Duration = Duration::from_millis(50);

/// Before a reply that took so long whoever made it asks the system whether the
/// client has sent more, and leaves the reply to the task if so: the thread that
/// reads may be behind. Costs a system call, which the quickest replies are spared.
const PEEK_AFTER: Duration = Duration::from_millis(2);

/// No request is under way.
const IDLE: u8 = 0;
/// One is, or its reply is written in part: the client has no use for another one
/// with the same sequence id.
const UNDER_WAY: u8 = 1;
/// Its reply is being written by whoever made it: for all that is known the client
/// has it already, and goes on.
const WRITING: u8 = 2;

/// What all sessions share.
pub(super) struct Common {
    /// The service is about to stop.
    pub(super) draining: AtomicBool,
    pub(super) counters: Counters,
    pub(super) memory: Arc<RequestMemory>,
    /// How long after its request's deadline a reply may still be written.
    pub(super) reply_grace: Duration,
    /// Of the lines about sessions that were closed since answers came too late.
    pub(super) closing_log: Mutex<Throttle>,
}

pub(super) struct Session {
    /// No other session of this process has or had it.
    pub(super) number: u64,
    pub(super) peer: Peer,
    pub(super) writer: WriteHalf,
    /// Stops what its request does.
    pub(super) cancel: Arc<Cancel>,
    /// Hears of the end, when nobody has a use for the session any more.
    handler: Arc<dyn Handle>,
    pub(super) common: Arc<Common>,
    /// [`IDLE`], [`UNDER_WAY`] or [`WRITING`].
    state: AtomicU8,
    /// The session is of no more use.
    failed: AtomicBool,
    /// What the session's task is to write.
    outbox: Mutex<Option<Rest>>,
    /// The state is [`IDLE`] again.
    pub(super) done: Notify,
    /// There is something in the outbox, or to find out about.
    pub(super) wake: Notify,
}

/// What is left of a reply, and what is to be kept until it is written.
pub(super) struct Rest {
    bytes: Vec<u8>,
    written: usize,
    /// None of it may be written before the client's next message is looked for.
    pub(super) look_first: bool,
    /// When it is too late to begin with it.
    begin_by: Option<Instant>,
    _kept: Box<dyn Send>,
}

/// When a request came, and when its answer would be of no use.
#[derive(Clone, Copy)]
pub(super) struct Times {
    pub(super) arrived: Instant,
    pub(super) deadline: Option<Instant>,
}

impl Drop for Session {
    fn drop(&mut self) {
        self.handler.session_ended(self.number);
    }
}

impl Session {
    pub(super) fn new(
        number: u64,
        peer: Peer,
        writer: WriteHalf,
        handler: Arc<dyn Handle>,
        common: Arc<Common>,
    ) -> Session {
        Session {
            number,
            peer,
            writer,
            cancel: Arc::default(),
            handler,
            common,
            state: AtomicU8::new(IDLE),
            failed: AtomicBool::new(false),
            outbox: Mutex::default(),
            done: Notify::new(),
            wake: Notify::new(),
        }
    }

    pub(super) fn wake(&self) {
        self.wake.notify_one();
    }

    pub(super) fn begin(&self) {
        self.state.store(UNDER_WAY, Ordering::Release);
    }

    /// A request is being answered, or its reply not completely written.
    pub(super) fn is_busy(&self) -> bool {
        self.state.load(Ordering::Acquire) != IDLE
    }

    /// The client cannot have its whole answer yet.
    pub(super) fn is_unanswered(&self) -> bool {
        self.state.load(Ordering::Acquire) == UNDER_WAY
    }

    pub(super) fn has_failed(&self) -> bool {
        self.failed.load(Ordering::Acquire)
    }

    pub(super) fn is_draining(&self) -> bool {
        self.common.draining.load(Ordering::Acquire)
    }

    pub(super) fn finish(&self) {
        self.state.store(IDLE, Ordering::Release);
        self.done.notify_one();
        if self.is_draining() {
            self.wake();
        }
    }

    pub(super) fn fail(&self) {
        self.failed.store(true, Ordering::Release);
        self.finish();
        self.wake();
    }

    /// Stops what the session has under way; it is still answered.
    pub(super) fn cancel(&self) {
        if self.is_busy() {
            self.cancel.cancel(Cause::ClientGone);
            self.handler.cancelled();
        }
    }

    /// Nobody is to read an answer any more: what the session has under way is
    /// stopped, nothing more is written, and its task ends. The client finds the
    /// connection closed at once, whoever else still holds the session.
    pub(super) fn end(&self) {
        self.failed.store(true, Ordering::Release);
        self.writer.shut_down();
        self.cancel();
        self.wake();
    }

    /// The client is not to get what is under way, nor anything else: it may take
    /// it for the answer to another request.
    pub(super) fn abandon(&self, cause: Close) {
        self.common.counters.closed(cause);
        self.end();
        let log = &self.common.closing_log;
        let mut log = log.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(unlogged) = log.pass(Instant::now()) else {
            return;
        };
        drop(log);
        let peer = self.peer;
        match cause {
            Close::Late => tracing::warn!(
                %peer,
                unlogged,
                "a session is closed, since its answer would have come later than \
                 reply_grace_ms after its deadline"
            ),
            _ => tracing::warn!(
                %peer,
                unlogged,
                "a session is closed: its client has sent a request before the last one was \
                 answered. Its socket's timeout must be longer than timeout_ms and \
                 reply_grace_ms together"
            ),
        }
    }

    /// Writes a reply from whichever thread, without waiting for the client. Takes
    /// the bytes if they cannot be written at once.
    pub(super) fn send(&self, bytes: &mut Vec<u8>, kept: impl Send + 'static, times: Times) {
        if self.has_failed() {
            return self.finish();
        }
        let now = Instant::now();
        let begin_by = times.deadline.map(|at| at + self.common.reply_grace);
        if begin_by.is_some_and(|begin_by| now > begin_by) {
            self.abandon(Close::Late);
            return self.finish();
        }
        let took = now.saturating_duration_since(times.arrived);
        let look_first = took >= LOOK_FIRST_AFTER || took >= PEEK_AFTER && self.writer.has_input();
        let written = match look_first {
            true => 0,
            false => {
                self.state.store(WRITING, Ordering::Release);
                match self.write_now(bytes) {
                    Ok(written) => written,
                    Err(_) => return self.fail(),
                }
            }
        };
        if written == bytes.len() {
            return self.finish();
        }
        self.state.store(UNDER_WAY, Ordering::Release);
        let rest = Rest {
            bytes: std::mem::take(bytes),
            written,
            look_first,
            begin_by: begin_by.filter(|_| written == 0),
            _kept: Box::new(kept),
        };
        *self.lock_outbox() = Some(rest);
        self.wake();
    }

    /// Whether a reply waits for a look at what the client has sent.
    pub(super) fn looks_first(&self) -> bool {
        self.lock_outbox()
            .as_ref()
            .is_some_and(|rest| rest.look_first)
    }

    pub(super) fn take_outbox(&self) -> Option<Rest> {
        self.lock_outbox().take()
    }

    fn lock_outbox(&self) -> std::sync::MutexGuard<'_, Option<Rest>> {
        self.outbox.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn write_now(&self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.writer.write_now(bytes)?;
        self.common.counters.wrote(written);
        Ok(written)
    }

    /// Writes what the socket takes. Nothing is lost if the wait is given up.
    pub(super) async fn write_rest(&self, rest: &mut Rest) -> io::Result<()> {
        if rest.begin_by.take().is_some_and(|at| Instant::now() > at) {
            self.abandon(Close::Late);
            return Err(io::ErrorKind::TimedOut.into());
        }
        loop {
            rest.written += self.write_now(&rest.bytes[rest.written..])?;
            if rest.written == rest.bytes.len() {
                return Ok(());
            }
            self.writer.writable().await?;
        }
    }

    pub(super) async fn write_all(&self, bytes: &[u8]) -> io::Result<()> {
        let mut written = self.write_now(bytes)?;
        while written < bytes.len() {
            self.writer.writable().await?;
            written += self.write_now(&bytes[written..])?;
        }
        Ok(())
    }
}
