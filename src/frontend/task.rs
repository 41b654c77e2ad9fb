//! One connected client: its messages are taken one after the other, and the
//! reply to each is written by whoever made it. The task here reads, and writes
//! only what the socket did not take at once, or what came so late that the
//! client may have given it up.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::{sleep, timeout};

use super::counts::Close;
use super::detect::Intruder;
use super::inbox::{Fault, FaultKind, Inbox, Message, Next};
use super::patience::Patience;
use super::reply::Reply;
use super::scan::ScanLimits;
use super::session::{Rest, Session};
use super::socket::ReadHalf;
use super::{Handle, SessionLimits};

/// TMessageType of a call that wants no answer.
const ONEWAY: u8 = 4;

/// Between two looks at whether a client that waits with its next request at the
/// ready has gone.
const HANG_UP_PERIOD: Duration = Duration::from_millis(20);

/// How long bytes that are there already may take to be noticed.
const LAST_READ: Duration = Duration::from_millis(5);

/// The name of a message that is refused by its length is awaited for so long.
const HEAD_TIMEOUT: Duration = Duration::from_millis(200);

/// A client that is being left is read from until it has been silent for so long;
/// and no longer, and no more, than this in all.
const LINGER: Duration = Duration::from_millis(200);
const LINGER_MAX: Duration = Duration::from_secs(2);
const LINGER_MAX_BYTES: usize = 32 << 20;

/// The session's task, until the client goes or gives cause to be left.
pub(super) struct Task<H> {
    session: Arc<Session>,
    reader: ReadHalf,
    inbox: Inbox,
    handler: Arc<H>,
    limits: SessionLimits,
    patience: Patience,
    awaits: Awaits,
    /// The sequence id of the last call that was taken, if it wants an answer.
    under_way: Option<i32>,
    /// What is being written, and for how long yet.
    rest: Option<(Rest, Patience)>,
}

/// What a session waits for, and so what its patience is for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Awaits {
    /// Any message.
    Message,
    /// The rest of one that has begun.
    Rest,
    /// The name of one that is too large.
    Head,
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
            inbox: Inbox::new(scan, &session.common.memory),
            session,
            reader,
            handler,
            patience: Patience::new(limits.idle_timeout),
            awaits: Awaits::Message,
            limits,
            under_way: None,
            rest: None,
        }
    }

    pub(super) async fn run(mut self) -> io::Result<()> {
        let ended = self.take_messages().await;
        // Whatever it has under way is for nobody.
        self.session.end();
        ended
    }

    async fn take_messages(&mut self) -> io::Result<()> {
        loop {
            match self.inbox.next() {
                Next::NeedMore => {
                    self.check_given_up(self.begun())?;
                    let awaits = match self.inbox.is_empty() {
                        true => Awaits::Message,
                        false => Awaits::Rest,
                    };
                    if !self.read(awaits).await? {
                        return self.take_leave().await;
                    }
                }
                Next::NeedHead(fault) => {
                    if !self.read(Awaits::Head).await? {
                        return self.refuse(fault).await;
                    }
                }
                Next::Message(message) => {
                    self.awaits = Awaits::Message;
                    self.wait_for_turn(Some(message.head.sequence_id)).await?;
                    self.hand_over(message);
                }
                Next::Fault(fault) => {
                    self.awaits = Awaits::Message;
                    if fault.fatal {
                        return self.refuse(fault).await;
                    }
                    self.wait_for_turn(fault.known_sequence_id()).await?;
                    self.answer_fault(&fault);
                }
                Next::Intruder(intruder) => {
                    self.session.write_all(farewell(intruder)).await?;
                    return self.linger().await;
                }
            }
        }
    }

    /// A client that may have several requests under way tells their answers apart
    /// by sequence ids. One that sends the same again before the first is answered
    /// has given that up, and would take its answer for that of the second.
    fn check_given_up(&self, sequence_id: Option<i32>) -> io::Result<()> {
        let same = sequence_id.is_some() && sequence_id == self.under_way;
        if !same || !self.session.is_unanswered() {
            return Ok(());
        }
        self.session.abandon(Close::Stale);
        Err(io::Error::other("the client has given up its last request"))
    }

    /// The sequence id of the message that has come in part, if that matters.
    fn begun(&self) -> Option<i32> {
        let matters = !self.inbox.is_empty() && self.session.is_unanswered();
        matters.then(|| self.inbox.begun_sequence_id()).flatten()
    }

    async fn refuse(&mut self, fault: Fault) -> io::Result<()> {
        self.inbox.clear();
        self.wait_for_turn(fault.known_sequence_id()).await?;
        self.answer_fault(&fault);
        self.linger().await
    }

    fn answer_fault(&mut self, fault: &Fault) {
        if matches!(fault.kind, FaultKind::OverMemory { .. }) {
            self.session.common.counters.request_over_memory();
        }
        self.session.begin();
        self.under_way = fault.known_sequence_id();
        let reply = Reply::to(&self.session, fault.wire, true);
        let mut buffer = Vec::new();
        reply.begin(&mut buffer);
        self.handler.fault(fault, &mut buffer);
        reply.send(&mut buffer, ());
    }

    fn hand_over(&mut self, message: Message) {
        self.session.begin();
        let wanted = message.head.message_type != ONEWAY;
        self.under_way = wanted.then_some(message.head.sequence_id);
        let reply = Reply::to(&self.session, message.wire, wanted);
        match self.session.is_draining() {
            true => self.handler.late_message(message, reply),
            false => self.handler.message(message, reply),
        }
    }

    /// The client has closed its sending side, and cannot be told from one that has
    /// gone: what runs is stopped. If it reads on, it gets what was being written,
    /// or the error that says so.
    async fn take_leave(&mut self) -> io::Result<()> {
        self.session.cancel();
        while self.session.is_busy() && !self.session.has_failed() {
            tokio::select! {
                () = self.session.done.notified() => {}
                () = self.session.wake.notified() => self.begin_to_write(),
                written = write(&self.session, &mut self.rest), if self.rest.is_some() => {
                    self.wrote(written)?;
                }
            }
        }
        Ok(())
    }

    /// Waits until the last reply is written: requests of a session are answered
    /// in order. Nothing is read meanwhile, so that only a look now and then finds
    /// out that the client has gone. `next`: the sequence id of what waits.
    async fn wait_for_turn(&mut self, next: Option<i32>) -> io::Result<()> {
        self.check_given_up(next)?;
        while self.session.is_busy() && !self.session.has_failed() {
            tokio::select! {
                biased;
                () = self.session.done.notified() => {}
                () = self.session.wake.notified() => {
                    // It may not have been clear before that the reply is not all written.
                    self.check_given_up(next)?;
                    self.begin_to_write();
                }
                written = write(&self.session, &mut self.rest), if self.rest.is_some() => {
                    self.wrote(written)?;
                }
                () = sleep(HANG_UP_PERIOD) => {
                    if self.reader.has_hung_up().await {
                        return Err(io::ErrorKind::ConnectionReset.into());
                    }
                }
            }
        }
        match self.session.has_failed() {
            true => Err(io::ErrorKind::BrokenPipe.into()),
            false => Ok(()),
        }
    }

    fn begin_to_write(&mut self) {
        if let Some(rest) = self.session.take_outbox() {
            self.rest = Some((rest, Patience::new(self.limits.write_timeout)));
        }
    }

    fn wrote(&mut self, written: io::Result<()>) -> io::Result<()> {
        // With it goes what was kept for it.
        self.rest = None;
        written?;
        self.session.finish();
        Ok(())
    }

    /// Reads more, and meanwhile writes what is left of a reply. False: the
    /// session, or what it awaited, is over.
    async fn read(&mut self, awaits: Awaits) -> io::Result<bool> {
        // Not for every part of a message, or a trickle would never end.
        if awaits == Awaits::Message || awaits != self.awaits {
            self.awaits = awaits;
            self.patience.renew(self.patience_for(awaits));
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
                count = self.reader.read_into(&mut self.inbox) => return self.has_read(count),
                () = self.session.wake.notified() => {
                    if self.session.looks_first() && self.session.writer.has_input() {
                        // What the client has sent is read before the reply is begun,
                        // and may be the end of it.
                        self.session.wake();
                        let count = self.reader.read_into(&mut self.inbox).await;
                        return self.has_read(count);
                    }
                    self.check_given_up(self.begun())?;
                    self.begin_to_write();
                }
                written = write(&self.session, &mut self.rest), if self.rest.is_some() => {
                    self.wrote(written)?;
                }
                () = self.patience.end() => {
                    // A request that runs for long is not idleness.
                    if self.session.is_busy() {
                        self.patience.renew(self.patience_for(awaits));
                        continue;
                    }
                    self.count_impatience();
                    return Ok(false);
                }
            }
        }
    }

    fn patience_for(&self, awaits: Awaits) -> Duration {
        match awaits {
            Awaits::Message => self.limits.idle_timeout,
            Awaits::Rest => self.limits.message_timeout,
            Awaits::Head => self.limits.message_timeout.min(HEAD_TIMEOUT),
        }
    }

    fn has_read(&self, count: io::Result<usize>) -> io::Result<bool> {
        let count = count?;
        self.session.common.counters.read(count);
        Ok(count > 0)
    }

    fn count_impatience(&self) {
        let counters = &self.session.common.counters;
        match self.awaits {
            Awaits::Message => counters.closed(Close::Idle),
            Awaits::Rest => counters.closed(Close::Incomplete),
            // It is answered.
            Awaits::Head => {}
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
            count = self.reader.read_into(&mut self.inbox) => self.has_read(count),
            () = sleep(LAST_READ) => Ok(false),
        }
    }

    /// Lets the last reply arrive: closing at once, with bytes unread, would
    /// reset the connection and might throw the reply away. A client that has not
    /// yet sent all of its message reads nothing before it has.
    async fn linger(&mut self) -> io::Result<()> {
        self.wait_for_turn(None).await?;
        let reader = &mut self.reader;
        let _ = timeout(LINGER_MAX, async {
            let mut count = 0;
            while count < LINGER_MAX_BYTES {
                match timeout(LINGER, reader.discard()).await {
                    Ok(Ok(more @ 1..)) => count += more,
                    _ => return,
                }
            }
        })
        .await;
        Ok(())
    }
}

/// Writes what is left of a reply, for as long as there is patience with it.
async fn write(session: &Session, rest: &mut Option<(Rest, Patience)>) -> io::Result<()> {
    let Some((rest, patience)) = rest else {
        return Ok(());
    };
    tokio::select! {
        biased;
        written = session.write_rest(rest) => written,
        () = patience.end() => {
            session.common.counters.closed(Close::Unread);
            Err(io::ErrorKind::TimedOut.into())
        }
    }
}

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
