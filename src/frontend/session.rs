//! One connected client: its messages are taken one after the other, and the
//! reply to each is written by whoever made it. The task here reads, and writes
//! only what the socket did not take at once.

use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::{sleep, timeout};

use super::detect::{Intruder, Transport, Wire};
use super::inbox::{FRAME_HEADER_BYTES, Fault, Inbox, Message, Next};
use super::patience::Patience;
use super::scan::ScanLimits;
use super::socket::{ReadHalf, WriteHalf};
use super::{Handle, SessionLimits};
use crate::peer::Peer;

/// TMessageType of a call that wants no answer.
const ONEWAY: u8 = 4;

/// What the session's task shares with whoever answers its requests.
pub(super) struct Session {
    /// No other session of this process has or had it.
    number: u64,
    peer: Peer,
    writer: WriteHalf,
    /// Hears of the end, when nobody has a use for the session any more.
    handler: Arc<dyn Handle>,
    /// A request is being answered, or its reply not completely written.
    busy: AtomicBool,
    /// The session is of no more use.
    failed: AtomicBool,
    /// The service is about to stop.
    draining: Arc<AtomicBool>,
    /// What the socket did not take at once.
    outbox: Mutex<Outbox>,
    /// `busy` has ended.
    done: Notify,
    /// There is something in the outbox, or to find out about.
    wake: Notify,
}

/// The rest of a reply, and what is to be kept until it is written.
#[derive(Default)]
struct Outbox {
    bytes: Vec<u8>,
    kept: Option<Box<dyn Send>>,
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
        draining: Arc<AtomicBool>,
    ) -> Session {
        Session {
            number,
            peer,
            writer,
            handler,
            busy: AtomicBool::new(false),
            failed: AtomicBool::new(false),
            draining,
            outbox: Mutex::default(),
            done: Notify::new(),
            wake: Notify::new(),
        }
    }

    pub(super) fn wake(&self) {
        self.wake.notify_one();
    }

    fn is_busy(&self) -> bool {
        self.busy.load(Ordering::Acquire)
    }

    fn has_failed(&self) -> bool {
        self.failed.load(Ordering::Acquire)
    }

    fn is_draining(&self) -> bool {
        self.draining.load(Ordering::Acquire)
    }

    fn finish(&self) {
        self.busy.store(false, Ordering::Release);
        self.done.notify_one();
        if self.is_draining() {
            self.wake();
        }
    }

    fn fail(&self) {
        self.failed.store(true, Ordering::Release);
        self.finish();
        self.wake();
    }

    /// Writes a reply from whichever thread, without waiting for the client.
    fn send(&self, bytes: &[u8], kept: impl Send + 'static) {
        match self.writer.write_now(bytes) {
            Ok(written) if written == bytes.len() => self.finish(),
            Ok(written) => {
                let mut outbox = self.outbox.lock().unwrap_or_else(PoisonError::into_inner);
                outbox.bytes.extend_from_slice(&bytes[written..]);
                outbox.kept = Some(Box::new(kept));
                drop(outbox);
                self.wake();
            }
            Err(_) => self.fail(),
        }
    }

    fn take_outbox(&self) -> Outbox {
        std::mem::take(&mut *self.outbox.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Writes what is left of a reply.
    async fn flush(&self, patience: Duration) -> io::Result<()> {
        let rest = self.take_outbox();
        if rest.bytes.is_empty() {
            return Ok(());
        }
        timeout(patience, self.write_all(&rest.bytes))
            .await
            .map_err(|_| io::Error::from(io::ErrorKind::TimedOut))??;
        drop(rest);
        self.finish();
        Ok(())
    }

    async fn write_all(&self, bytes: &[u8]) -> io::Result<()> {
        let mut written = self.writer.write_now(bytes)?;
        while written < bytes.len() {
            self.writer.writable().await?;
            written += self.writer.write_now(&bytes[written..])?;
        }
        Ok(())
    }
}

/// The right, and the duty, to answer one message. Dropped unused it closes the
/// session, since the client would wait for ever.
pub struct Reply {
    session: Arc<Session>,
    wire: Wire,
    wanted: bool,
    used: bool,
}

impl Reply {
    fn to(session: &Arc<Session>, wire: Wire, wanted: bool) -> Reply {
        Reply {
            session: session.clone(),
            wire,
            wanted,
            used: false,
        }
    }

    /// Empties `buffer` and leaves room in it for a frame's length. The reply
    /// is appended to it.
    pub fn begin(&self, buffer: &mut Vec<u8>) {
        buffer.clear();
        if self.wire.transport == Transport::Framed {
            buffer.extend_from_slice(&[0; FRAME_HEADER_BYTES]);
        }
    }

    /// The number of the session that is answered.
    pub fn session(&self) -> u64 {
        self.session.number
    }

    /// Who is answered.
    pub fn peer(&self) -> Peer {
        self.session.peer
    }

    /// Sends what was appended since `begin`. Never waits for the client, which
    /// may take its time: `kept` is dropped when all is written, or given up.
    pub fn send(mut self, buffer: &mut [u8], kept: impl Send + 'static) {
        self.used = true;
        if !self.wanted {
            self.session.finish();
            return;
        }
        if self.wire.transport == Transport::Framed
            && let Some((header, reply)) = buffer.split_first_chunk_mut::<FRAME_HEADER_BYTES>()
        {
            // Replies are held below 16 MB long before this.
            *header = u32::try_from(reply.len()).unwrap_or(u32::MAX).to_be_bytes();
        }
        self.session.send(buffer, kept);
    }
}

impl Drop for Reply {
    fn drop(&mut self) {
        if !self.used {
            self.session.fail();
        }
    }
}

/// The session's task, until the client goes or gives cause to be left.
pub(super) struct Task<H> {
    session: Arc<Session>,
    reader: ReadHalf,
    inbox: Inbox,
    handler: Arc<H>,
    limits: SessionLimits,
    patience: Patience,
    /// A part of a message has come, and the clock for its whole is running.
    message_begun: bool,
}

impl<H: Handle> Task<H> {
    pub(super) fn new(
        session: Arc<Session>,
        reader: ReadHalf,
        handler: Arc<H>,
        limits: SessionLimits,
    ) -> Task<H> {
        let scan = ScanLimits {
            message_max_bytes: limits.message_max_bytes,
            ..ScanLimits::default()
        };
        Task {
            session,
            reader,
            inbox: Inbox::new(scan),
            handler,
            patience: Patience::new(limits.idle_timeout),
            message_begun: false,
            limits,
        }
    }

    pub(super) async fn run(mut self) -> io::Result<()> {
        loop {
            match self.inbox.next() {
                Next::NeedMore => {
                    if !self.read().await? {
                        // The client may have closed its sending side only.
                        return self.wait_idle().await;
                    }
                }
                Next::Message(message) => {
                    self.message_begun = false;
                    self.wait_idle().await?;
                    self.hand_over(message);
                }
                Next::Fault(fault) => {
                    self.message_begun = false;
                    self.wait_idle().await?;
                    self.answer_fault(&fault);
                    if fault.fatal {
                        return self.linger().await;
                    }
                }
                Next::Intruder(intruder) => {
                    self.session.write_all(farewell(intruder)).await?;
                    return self.linger().await;
                }
            }
        }
    }

    fn answer_fault(&self, fault: &Fault) {
        self.session.busy.store(true, Ordering::Release);
        let reply = Reply::to(&self.session, fault.wire, true);
        let mut buffer = Vec::new();
        reply.begin(&mut buffer);
        self.handler.fault(fault, &mut buffer);
        reply.send(&mut buffer, ());
    }

    fn hand_over(&self, message: Message) {
        self.session.busy.store(true, Ordering::Release);
        let wanted = message.head.message_type != ONEWAY;
        let reply = Reply::to(&self.session, message.wire, wanted);
        match self.session.is_draining() {
            true => self.handler.late_message(message, reply),
            false => self.handler.message(message, reply),
        }
    }

    /// Waits until the last reply is written: requests of a session are answered
    /// in order.
    async fn wait_idle(&self) -> io::Result<()> {
        while self.session.is_busy() {
            tokio::select! {
                () = self.session.done.notified() => {}
                () = self.session.wake.notified() => {
                    self.session.flush(self.limits.write_timeout).await?;
                }
            }
        }
        match self.session.has_failed() {
            true => Err(io::ErrorKind::BrokenPipe.into()),
            false => Ok(()),
        }
    }

    /// Reads more, and meanwhile writes what is left of a reply. False: the
    /// session is over.
    async fn read(&mut self) -> io::Result<bool> {
        if self.inbox.is_empty() {
            self.patience.renew(self.limits.idle_timeout);
        } else if !self.message_begun {
            // Not for every part of it, or a trickle would never end.
            self.message_begun = true;
            self.patience.renew(self.limits.message_timeout);
        }
        loop {
            if self.session.has_failed() {
                return Ok(false);
            }
            if self.session.is_draining() && !self.session.is_busy() && !self.is_unfinished() {
                return self.read_last().await;
            }
            tokio::select! {
                biased;
                count = self.reader.read_into(&mut self.inbox) => return Ok(count? > 0),
                () = self.session.wake.notified() => {
                    self.session.flush(self.limits.write_timeout).await?;
                }
                () = self.patience.end() => {
                    // A request that runs for long is not idleness.
                    if !self.session.is_busy() {
                        return Ok(false);
                    }
                    self.wait_idle().await?;
                    return Ok(true);
                }
            }
        }
    }

    fn is_unfinished(&self) -> bool {
        self.handler.has_unfinished(self.session.number)
    }

    /// Takes what has come already, and no more: its sender is to hear that it
    /// was not run, rather than find the session closed.
    async fn read_last(&mut self) -> io::Result<bool> {
        tokio::select! {
            biased;
            count = self.reader.read_into(&mut self.inbox) => Ok(count? > 0),
            () = sleep(LAST_READ) => Ok(false),
        }
    }

    /// Lets the last reply arrive: closing at once, with bytes unread, would
    /// reset the connection and might throw the reply away.
    async fn linger(&mut self) -> io::Result<()> {
        self.wait_idle().await?;
        let _ = timeout(LINGER, async {
            let mut sink = 0;
            while sink < LINGER_MAX_BYTES {
                let mut rest = Inbox::new(ScanLimits::default());
                match self.reader.read_into(&mut rest).await {
                    Ok(0) | Err(_) => return,
                    Ok(count) => sink += count,
                }
            }
        })
        .await;
        Ok(())
    }
}

/// How long bytes that are there already may take to be noticed.
const LAST_READ: Duration = Duration::from_millis(5);

/// How long, and how much, is read from a client that is being left.
const LINGER: Duration = Duration::from_millis(200);
const LINGER_MAX_BYTES: usize = 1 << 20;

/// What tells a client of another protocol that it is at the wrong door.
fn farewell(intruder: Intruder) -> &'static [u8] {
    match intruder {
        Intruder::Http => {
            b"HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain\r\nConnection: close\r\n\
              Content-Length: 62\r\n\r\n\
              This port speaks Apache Thrift, not HTTP. See forebay.thrift.\n"
        }
        // A fatal alert, protocol_version (RFC 8446, section 6).
        Intruder::Tls => &[0x15, 0x03, 0x01, 0x00, 0x02, 0x02, 0x46],
        // Whatever it is, it would not understand.
        Intruder::Other => b"",
    }
}
