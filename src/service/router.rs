//! Takes messages to the queue of their shard, and answers those that cannot be
//! taken there.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::time::MissedTickBehavior;

use super::core::Core;
use super::lanes::Lane;
use super::multi::Gatherings;
use super::request::{Addressee, Request, draining, protocol, refused};
use super::transactions::Transactions;
use super::work::Work;
use crate::config::Config;
use crate::error::{Error, ErrorKind, Result};
use crate::frontend::{Fault, FaultKind, Handle, Message, Reply};
use crate::rpc::{self, Call, ExceptionKind};

/// Between two looks for what has expired.
const EXPIRY_PERIOD: Duration = Duration::from_millis(10);

/// The function whose requests wait for a place among the open transactions.
const BEGIN: &str = "begin_transaction";

/// The function whose requests take long to decode and need no shard of their own.
const MULTI: &str = "multi";

/// Where messages go.
pub(super) struct Router {
    core: Arc<Core>,
}

impl Router {
    pub(super) fn new(config: &Config) -> Router {
        Router {
            core: Arc::new(Core::new(config)),
        }
    }

    /// Where a message is to wait.
    fn lane(&self, message: &Message, reply: &Reply) -> Result<Lane> {
        let (head, bytes) = (&message.head, message.bytes());
        if let Some(token) = head.transaction_in(bytes) {
            let shard = self.core.transactions.shard_of(token, reply.session());
            return shard.map(Lane::Transaction);
        }
        let function = head.name_in(bytes).unwrap_or_default();
        let function = function.rsplit(':').next().unwrap_or_default();
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

    fn addressee(&self, message: Message, reply: Reply, lane: Lane) -> Addressee {
        let arrived = Instant::now();
        let limits = &self.core.limits;
        let timeout = match message.head.timeout_ms {
            // Less than 1 ms is refused once the request is decoded.
            Some(timeout @ 1..) => Duration::from_millis(timeout.unsigned_abs().into()),
            _ => limits.default_timeout,
        };
        Addressee {
            core: self.core.clone(),
            lane,
            arrived,
            started: arrived,
            deadline: arrived + timeout.min(limits.max_timeout),
            message,
            reply,
        }
    }

    /// Answers requests that have expired in their queue, ends multis that are
    /// past their deadline, and transactions that are over a limit; for ever.
    pub(super) async fn expire(&self) {
        let mut ticks = tokio::time::interval(EXPIRY_PERIOD);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            let core = &self.core;
            core.lanes.take_expired().into_iter().for_each(Work::expire);
            let now = Instant::now();
            Gatherings::expire(core, now);
            Transactions::expire(core, now);
        }
    }

    /// Runs nothing more; what waits loses its session.
    pub(super) fn stop(&self) {
        self.core.lanes.stop();
    }
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

    fn session_ended(&self, session: u64) {
        Transactions::session_ended(&self.core, session);
    }

    fn fault(&self, fault: &Fault, out: &mut Vec<u8>) {
        let protocol = protocol(fault.wire);
        let too_large = match &fault.kind {
            FaultKind::TooLarge { limit, seen } => Some((*limit as u64, *seen)),
            FaultKind::Malformed(error) => error.size_limit(),
            FaultKind::NotThrift => None,
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
        match (&fault.kind, too_large) {
            (_, Some((limit, seen))) if !fault.name.is_empty() => {
                let message = format!(
                    "the request is over the server's request_max_bytes of {limit}; send it in parts"
                );
                let error = Error::new(ErrorKind::RequestTooLarge, message).with_limit(limit, seen);
                rpc::write_data_error(protocol, &call, &error, out);
            }
            (kind, _) => {
                let text = match kind {
                    FaultKind::Malformed(error) => format!("the message cannot be read: {error}"),
                    FaultKind::TooLarge { limit, seen } => {
                        format!("a frame of {seen} bytes is over request_max_bytes of {limit}")
                    }
                    FaultKind::NotThrift => "this port speaks Thrift, framed or not, in strict \
                                             binary or compact form"
                        .to_owned(),
                };
                let exception = ExceptionKind::Protocol;
                rpc::write_exception(
                    protocol,
                    call.function(),
                    call.sequence_id,
                    exception,
                    &text,
                    out,
                );
            }
        }
    }
}
