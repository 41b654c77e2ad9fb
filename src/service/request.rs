//! One message on its way to a worker, and its answer.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Instant;

use super::core::Core;
use super::lanes::Lane;
use super::multi::Gathering;
use super::refusals::{expired, panicked};
use super::transactions::{self, Lease};
use crate::backend::Shard;
use crate::budget::Budget;
use crate::config::{AffectedRows, Target};
use crate::digests::Known;
use crate::error::{Error, ErrorKind, Phase, Result};
use crate::frontend::{self, Message, Wire};
use crate::operation::{Answer, Limits, Operation};
use crate::peer::Peer;
use crate::rpc::{
    self, Ask, Asked, Call, Form, Info, Layout, Protocol, Reply, ShardFacts, ShardKind, Unread,
};
use crate::stats::{Answered, Code, Function};

/// Of a request's id and shard's name, in replies and in the log.
const REQUEST_ID_MAX_BYTES: usize = 128;
const SHARD_MAX_BYTES: usize = 64;

/// A reply buffer that has grown over this is not kept.
const KEPT_BUFFER_BYTES: usize = 1 << 20;

/// A message that waits.
pub(super) struct Request(pub(super) Addressee);

/// Whom to answer, and on what.
pub(super) struct Addressee {
    pub(super) core: Arc<Core>,
    /// Where it waited for its turn.
    pub(super) lane: Lane,
    pub(super) message: Message,
    pub(super) reply: frontend::Reply,
    pub(super) arrived: Instant,
    /// When a worker took it; until then as `arrived`.
    pub(super) started: Instant,
    pub(super) deadline: Instant,
    /// What earlier ones like it have cost; None: it is not known, or all the same.
    pub(super) known: Option<Known>,
}

impl Addressee {
    fn call(&self) -> Call<'_> {
        let bytes = self.message.bytes();
        let head = &self.message.head;
        let shard = match (head.shard_in(bytes), self.lane) {
            // Within a transaction the shard need not be named.
            (None | Some(""), Lane::Transaction(index)) => Some(self.core.shards.get(index).name()),
            (named, _) => named,
        };
        Call {
            name: head.name_in(bytes).unwrap_or_default(),
            sequence_id: head.sequence_id,
            request_id: shortened(head.request_id_in(bytes), REQUEST_ID_MAX_BYTES),
            shard: shortened(shard, SHARD_MAX_BYTES),
            arrived: self.arrived,
            started: self.started,
            deadline: self.deadline,
        }
    }

    /// Sends a reply; `budget` is kept until the client has taken it.
    pub(super) fn send(self, reply: &Reply<'_>, budget: Arc<Budget>, buffer: &mut Vec<u8>) {
        self.write(buffer, |protocol, call, buffer| {
            rpc::write_reply(protocol, call, &self.core.limits, reply, buffer);
        });
        self.count(Code::Ok);
        self.reply.send(buffer, budget);
        if buffer.capacity() > KEPT_BUFFER_BYTES {
            *buffer = Vec::new();
        }
    }

    pub(super) fn send_error(self, error: &Error, buffer: &mut Vec<u8>) {
        let cause = match self.lane {
            Lane::Shard(shard) | Lane::Begin(shard) => self.core.true_cause(shard, error),
            Lane::Common | Lane::Multi | Lane::Transaction(_) => None,
        };
        let error = cause.as_ref().unwrap_or(error);
        self.write(buffer, |protocol, call, buffer| {
            log_error(call, error);
            rpc::write_data_error(protocol, call, error, buffer);
        });
        self.count(Code::Failed(error.kind()));
        self.reply.send(buffer, ());
    }

    fn send_unread(self, unread: &Unread, buffer: &mut Vec<u8>) {
        match unread {
            Unread::Data(error) => self.send_error(error, buffer),
            Unread::Exception(kind, text) => {
                self.write(buffer, |protocol, call, buffer| {
                    let (name, id) = (call.function(), call.sequence_id);
                    rpc::write_exception(protocol, name, id, *kind, text, buffer);
                });
                self.count(Code::Exception);
                self.reply.send(buffer, ());
            }
        }
    }

    /// Counts the answer that is about to be sent.
    fn count(&self, code: Code) {
        let name = self.message.head.name_in(self.message.bytes());
        let answered = Answered {
            function: Function::of(rpc::function(name.unwrap_or_default())),
            code,
            arrived: self.arrived,
            started: (self.started > self.arrived).then_some(self.started),
        };
        self.core.stats.answered(self.lane.shard(), &answered);
    }

    fn write(&self, buffer: &mut Vec<u8>, write: impl FnOnce(Protocol, &Call<'_>, &mut Vec<u8>)) {
        self.reply.begin(buffer);
        write(protocol(self.message.wire), &self.call(), buffer);
    }
}

impl Request {
    /// Answers without having been read.
    pub(super) fn refuse(self, error: &Error) {
        self.0.send_error(error, &mut Vec::new());
    }

    /// What is cancelled is taken out of its queue as if it were late.
    pub(super) fn deadline(&self) -> Instant {
        match self.0.reply.cancel().is_cancelled() {
            true => self.0.arrived,
            false => self.0.deadline,
        }
    }

    pub(super) fn peer(&self) -> Peer {
        self.0.reply.peer()
    }

    pub(super) fn is_long(&self) -> bool {
        self.0.known.as_ref().is_some_and(Known::is_long)
    }

    pub(super) fn may_be_long(&self) -> bool {
        self.0.known.as_ref().is_some_and(Known::may_be_long)
    }

    /// Why it is not begun, once its deadline has passed or it is cancelled.
    pub(super) fn expired(&self) -> Error {
        let cancel = self.0.reply.cancel();
        if cancel.is_cancelled() {
            return cancel.error().with_phase(Phase::Queue);
        }
        let Lane::Begin(index) = self.0.lane else {
            return expired();
        };
        let most = self.0.core.shards.get(index).config().transactions_max;
        let message = format!(
            "the deadline passed, or came too near, while the request waited for its turn: {most} \
             transactions of the shard may be open at once (transactions_max); end them sooner, \
             or raise it or timeout_ms"
        );
        Error::new(ErrorKind::QueueTimeout, message)
    }

    pub(super) fn run(mut self, buffer: &mut Vec<u8>) {
        self.0.started = Instant::now();
        if self.0.started >= self.deadline() {
            let error = self.expired();
            return self.0.send_error(&error, buffer);
        }
        let addressee = self.0;
        let asked = match addressee.read() {
            Ok(asked) => asked,
            Err(unread) => return addressee.send_unread(&unread, buffer),
        };
        if let Ask::Multi { items, policy } = asked.ask {
            return Gathering::start(addressee, items, policy, &asked.options);
        }
        let budget = addressee.core.budget();
        // A panic is contained here, so that its request is answered.
        let done = catch_unwind(AssertUnwindSafe(|| addressee.perform(asked, &budget)));
        match done.unwrap_or_else(|_| Err(panicked())) {
            Ok(done) => addressee.send(&done.reply(), budget, buffer),
            Err(error) => addressee.send_error(&error, buffer),
        }
    }
}

/// What one worker does for a request.
impl Addressee {
    fn read(&self) -> Result<Asked, Unread> {
        let bytes = self.message.bytes();
        let protocol = protocol(self.message.wire);
        rpc::read(protocol, bytes, &self.call(), &self.core.limits)
    }

    /// Does what is asked on the shard that the request has waited for.
    fn perform(&self, asked: Asked, budget: &Arc<Budget>) -> Result<Done> {
        let core = &self.core;
        let Asked { options, ask } = asked;
        let cancel = self.reply.cancel().clone();
        let mut limits = core.operation_limits(&options, self.deadline, budget.clone(), cancel);
        limits.meter = match self.lane {
            Lane::Shard(index) | Lane::Transaction(index) => {
                Some(core.meter(index, self.known.clone()))
            }
            Lane::Common | Lane::Multi | Lane::Begin(_) => None,
        };
        let token = options.transaction.as_deref();
        let message = &self.message;
        if token != message.head.transaction_in(message.bytes()) {
            return Err(Error::invalid(
                "the request names its transaction more than once",
            ));
        }
        match (ask, token) {
            (Ask::Info, _) => Ok(Done::Info(info(core))),
            (Ask::Ping { shard: None }, None) => Ok(Done::Ping { attempts: 0 }),
            (Ask::Ping { shard }, token) => {
                let answer = self.operate(shard, token, &Operation::Ping, &limits)?;
                Ok(Done::Ping {
                    attempts: answer.sent,
                })
            }
            (
                Ask::Run {
                    shard,
                    form,
                    operation,
                },
                token,
            ) => {
                let answer = self.operate(shard, token, &operation, &limits)?;
                let layout = options.layout.unwrap_or_default();
                Ok(Done::Operation(form, layout, answer))
            }
            (Ask::Begin { shard, begin }, _) => {
                let index = self.own_shard(shard)?;
                let session = self.reply.session();
                let (transaction, attempts) =
                    transactions::begin(core, session, index, &begin, &limits)?;
                Ok(Done::Begun {
                    transaction,
                    attempts,
                })
            }
            (Ask::Commit, Some(token)) => {
                self.lease(token)?.commit(&limits)?;
                Ok(Done::Committed)
            }
            (Ask::Rollback, Some(token)) => {
                let session = self.reply.session();
                transactions::roll_back(core, token, session, &limits)?;
                Ok(Done::RolledBack)
            }
            (Ask::Commit | Ask::Rollback, None) => Err(Error::invalid(
                "set options.transaction to the transaction's token",
            )),
            (Ask::Multi { .. }, _) => Err(Error::invalid("a multi cannot be an item of itself")),
        }
    }

    /// Runs an operation on its shard, or within a transaction on its own.
    fn operate(
        &self,
        shard: Option<String>,
        token: Option<&str>,
        operation: &Operation,
        limits: &Limits,
    ) -> Result<Answer> {
        let Some(token) = token else {
            let index = self.own_shard(shard)?;
            return self.core.shards.get(index).run(operation, limits);
        };
        let mut lease = self.lease(token)?;
        let named = shard.filter(|name| !name.is_empty());
        let index = named.map(|name| self.core.shards.find(&name)).transpose()?;
        if index.is_some_and(|index| index != lease.shard()) {
            let name = self.core.shards.get(lease.shard()).name();
            let text = format!("the transaction is on shard `{name}`: name that one, or none");
            return Err(Error::invalid(text));
        }
        lease.run(operation, limits)
    }

    fn lease(&self, token: &str) -> Result<Lease<'_>> {
        Lease::take(&self.core, token, self.reply.session())
    }

    /// The shard of a request, which must be the one that it queued for.
    fn own_shard(&self, name: Option<String>) -> Result<usize> {
        let index = self.core.shards.find(&name.unwrap_or_default())?;
        match self.lane {
            Lane::Shard(own) | Lane::Begin(own) if own == index => Ok(index),
            _ => Err(Error::invalid("the request names its shard more than once")),
        }
    }
}

/// What came of a request.
enum Done {
    Info(Info),
    Ping { attempts: u32 },
    Operation(Form, Layout, Answer),
    Begun { transaction: String, attempts: u32 },
    Committed,
    RolledBack,
}

impl Done {
    fn reply(&self) -> Reply<'_> {
        match self {
            Done::Info(info) => Reply::Info(info),
            Done::Ping { attempts } => Reply::Ping {
                attempts: *attempts,
            },
            Done::Operation(form, layout, answer) => Reply::Done(*form, *layout, answer),
            Done::Begun {
                transaction,
                attempts,
            } => Reply::Begun {
                transaction,
                attempts: *attempts,
            },
            Done::Committed => Reply::Committed,
            Done::RolledBack => Reply::RolledBack,
        }
    }
}

fn info(core: &Core) -> Info {
    let mut shards: Vec<ShardFacts> = core.shards.iter().map(shard_facts).collect();
    shards.sort_by(|a, b| a.name.cmp(&b.name));
    Info { shards }
}

fn shard_facts(shard: &Shard) -> ShardFacts {
    let status = shard.status();
    let (kind, affected_rows) = match &status.config.target {
        Target::MySql(target) => (ShardKind::MySql, target.affected_rows),
        Target::Sqlite(_) => (ShardKind::Sqlite, AffectedRows::Matched),
    };
    ShardFacts {
        name: status.config.name.clone(),
        kind,
        pool_max_connections: status.config.pool.max_connections,
        queue_max_requests: status.config.queue_max_requests,
        transactions_max: status.config.transactions_max,
        affected_rows,
        unavailable: status.unavailable,
    }
}

/// What went wrong, without the message: the database's own may quote values.
fn log_error(call: &Call<'_>, error: &Error) {
    let errno = error.database().map_or(0, |database| database.errno);
    let function = call.function();
    let (shard, request_id, outcome) = (call.shard, call.request_id, error.outcome());
    let code = Code::Failed(error.kind()).name();
    match error.kind() {
        ErrorKind::Internal | ErrorKind::ConnectionLost => tracing::warn!(
            function,
            shard,
            request_id,
            code,
            ?outcome,
            errno,
            "request failed"
        ),
        _ => tracing::debug!(
            function,
            shard,
            request_id,
            code,
            ?outcome,
            errno,
            "request failed"
        ),
    }
}

/// The front and the stubs do not know each other.
pub(super) fn protocol(wire: Wire) -> Protocol {
    match wire.protocol {
        frontend::Protocol::Binary => Protocol::Binary,
        frontend::Protocol::Compact => Protocol::Compact,
    }
}

/// The beginning of a text that a caller chose the length of.
fn shortened(text: Option<&str>, max_bytes: usize) -> &str {
    let text = text.unwrap_or_default();
    &text[..text.floor_char_boundary(max_bytes)]
}
