//! Takes messages to the queue of their shard, and answers those that cannot be
//! taken there.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use tokio::time::MissedTickBehavior;

use super::core::Core;
use super::lanes::Lane;
use super::multi::Gatherings;
use super::notices::Notices;
use super::refusals::{draining, refused};
use super::request::{Addressee, Request, protocol};
use super::transactions::Transactions;
use super::work::Work;
use crate::config::Config;
use crate::digests::{Digests, Known, Source};
use crate::error::{Error, ErrorKind, Result, Retry};
use crate::frontend::{Fault, FaultKind, Handle, Message, Reply};
use crate::rpc::{self, Call, ExceptionKind};
use crate::stats::{Answered, Code, Function};

/// Between two looks for what has expired.
const EXPIRY_PERIOD: Duration = Duration::from_millis(10);

/// The function whose requests wait for a place among the open transactions.
const BEGIN: &str = "begin_transaction";

/// The function whose requests take long to decode and need no shard of their own.
const MULTI: &str = "multi";

/// Where messages go.
pub(super) struct Router {
    core: Arc<Core>,
    /// Something that may still wait was cancelled since the last look.
    has_cancelled: AtomicBool,
}

impl Router {
    pub(super) fn new(config: &Config) -> Router {
        Router {
            core: Arc::new(Core::new(config)),
            has_cancelled: AtomicBool::new(false),
        }
    }

    pub(super) fn core(&self) -> &Arc<Core> {
        &self.core
    }

    pub(super) fn digests(&self) -> Arc<Digests> {
        self.core.digests.clone()
    }

    /// Where a message is to wait.
    fn lane(&self, message: &Message, reply: &Reply) -> Result<Lane> {
        let (head, bytes) = (&message.head, message.bytes());
        if let Some(token) = head.transaction_in(bytes) {
            let shard = self.core.transactions.shard_of(token, reply.session());
            return shard.map(Lane::Transaction);
        }
        let function = function(message);
        if function == MULTI {
            return Ok(Lane::Multi);
        }
        let Some(name) = head.shard_in(bytes) else {
            return Ok(Lane::Common);
        };
        let index = self.core.shards.find(name)?;
        if function != BEGIN {
            return Ok(Lane::Shard(index));
        }
        let config = self.core.shards.get(index).config();
        if config.transactions_max == 0 {
            let message = format!(
                "shard `{}` takes no transactions: its transactions_max is 0; use an atomic batch",
                config.name
            );
            return Err(Error::new(ErrorKind::StatementNotAllowed, message));
        }
        Ok(Lane::Begin(index))
    }

    /// What requests like it have cost their shard. Only those that wait for one of
    /// its connections are asked for.
    fn known(&self, message: &Message, lane: Lane) -> Option<Known> {
        let Lane::Shard(shard) = lane else {
            return None;
        };
        let text = message.head.text_in(message.bytes())?;
        let source = match function(message) {
            "query" | "execute" => Source::Statement(text),
            "batch" => Source::Batch(text),
            "insert" => Source::Table(text),
            _ => return None,
        };
        self.core.digests.find(shard, source)
    }

    fn addressee(&self, message: Message, mut reply: Reply, lane: Lane) -> Addressee {
        let arrived = reply.arrived();
        let limits = &self.core.limits;
        let timeout = match message.head.timeout_ms {
            // Less than 1 ms is refused once the request is decoded.
            Some(timeout @ 1..) => Duration::from_millis(timeout.unsigned_abs().into()),
            _ => limits.default_timeout,
        };
        let deadline = arrived + timeout.min(limits.max_timeout);
        reply.set_deadline(deadline);
        Addressee {
            core: self.core.clone(),
            lane,
            arrived,
            started: arrived,
            deadline,
            known: self.known(&message, lane),
            message,
            reply,
        }
    }

    /// Answers requests that have expired in their queue, ends multis that are
    /// past their deadline, and transactions that are over a limit, and tells the log
    /// of refusals; for ever.
    pub(super) async fn expire(&self) {
        let mut ticks = tokio::time::interval(EXPIRY_PERIOD);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut notices = Notices::new();
        loop {
            ticks.tick().await;
            let core = &self.core;
            core.life.beat();
            if self.has_cancelled.swap(false, Ordering::AcqRel) {
                core.lanes.renew_deadlines();
            }
            let expired = core.lanes.take_expired();
            expired.into_iter().for_each(Work::time_is_over);
            let now = Instant::now();
            Gatherings::expire(core, now);
            Transactions::expire(core, now);
            notices.tell(core, now);
        }
    }

    /// Runs nothing more; what waits loses its session.
    pub(super) fn stop(&self) {
        self.core.lanes.stop();
    }
}

/// The function's name without the service's.
fn function(message: &Message) -> &str {
    let name = message.head.name_in(message.bytes()).unwrap_or_default();
    name.rsplit(':').next().unwrap_or_default()
}

impl Handle for Router {
    fn message(&self, message: Message, reply: Reply) {
        let lane = match self.lane(&message, &reply) {
            Ok(lane) => lane,
            Err(error) => {
                let addressee = self.addressee(message, reply, Lane::Common);
                return addressee.send_error(&error, &mut Vec::new());
            }
        };
        let request = Request(self.addressee(message, reply, lane));
        if let Err(refusal) = self
            .core
            .lanes
            .submit(lane, Work::Request(Box::new(request)))
        {
            let (work, error) = refused(refusal);
            work.refuse(&error);
        }
    }

    /// What goes on within a transaction is let go on, until it ends.
    fn late_message(&self, message: Message, reply: Reply) {
        if message.head.transaction.is_some() {
            return self.message(message, reply);
        }
        let addressee = self.addressee(message, reply, Lane::Common);
        addressee.send_error(&draining(), &mut Vec::new());
    }

    fn has_unfinished(&self, session: u64) -> bool {
        self.core.transactions.has_open(session)
    }

    fn cancelled(&self) {
        self.has_cancelled.store(true, Ordering::Release);
    }

    fn session_ended(&self, session: u64) {
        Transactions::session_ended(&self.core, session);
    }

    fn fault(&self, fault: &Fault, out: &mut Vec<u8>) {
        let protocol = protocol(fault.wire);
        let too_large = match &fault.kind {
            FaultKind::TooLarge { limit, seen } => Some((*limit as u64, *seen)),
            FaultKind::Malformed(error) => error.size_limit(),
            FaultKind::NotThrift | FaultKind::OverMemory { .. } => None,
        };
        let now = Instant::now();
        let call = Call {
            name: &fault.name,
            sequence_id: fault.sequence_id,
            request_id: "",
            shard: "",
            arrived: now,
            started: now,
            deadline: now,
        };
        let code = match (&fault.kind, too_large) {
            (FaultKind::OverMemory { limit, seen }, _) if !fault.name.is_empty() => {
                let error = over_memory(*limit as u64, *seen as u64);
                rpc::write_data_error(protocol, &call, &error, out);
                Code::Failed(error.kind())
            }
            (_, Some((limit, seen))) if !fault.name.is_empty() => {
                let message = format!(
                    "the request is over the server's request_max_bytes of {limit}; send it in parts"
                );
                let error = Error::new(ErrorKind::RequestTooLarge, message).with_limit(limit, seen);
                rpc::write_data_error(protocol, &call, &error, out);
                Code::Failed(error.kind())
            }
            (kind, _) => {
                let (name, id) = (call.function(), call.sequence_id);
                let text = fault_text(kind);
                rpc::write_exception(protocol, name, id, ExceptionKind::Protocol, &text, out);
                Code::Exception
            }
        };
        let answered = Answered {
            function: Function::of(call.function()),
            code,
            arrived: now,
            started: None,
        };
        self.core.stats.answered(None, &answered);
    }
}

/// For a client that could not be told by an error of the function it called.
fn fault_text(kind: &FaultKind) -> String {
    match kind {
        FaultKind::Malformed(error) => format!("the message cannot be read: {error}"),
        FaultKind::TooLarge { limit, seen } => {
            format!("a frame of {seen} bytes is over request_max_bytes of {limit}")
        }
        FaultKind::OverMemory { limit, seen } => {
            over_memory(*limit as u64, *seen as u64).to_string()
        }
        FaultKind::NotThrift => {
            "this port speaks Thrift, framed or not, in strict binary or compact form".to_owned()
        }
    }
}

fn over_memory(limit: u64, seen: u64) -> Error {
    let message = format!(
        "the requests of all sessions would take {seen} bytes of memory together, over the \
         server's request_memory_max_bytes of {limit}; try again later, or send less at once"
    );
    Error::new(ErrorKind::RequestTooLarge, message)
        .with_limit(limit, seen)
        .with_retry(Retry::AfterPause)
}
