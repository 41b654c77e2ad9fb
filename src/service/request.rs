//! One message on its way to a worker, and its answer when it does not get there.

use std::sync::Arc;
use std::time::Instant;

use crate::dispatch::{Job, Refusal};
use crate::error::{Error, ErrorKind};
use crate::frontend::{self, Message, Reply, Wire};
use crate::rpc::{self, Api, Call, Protocol};

/// Of a request's id and shard's name, in replies and in the log.
const REQUEST_ID_MAX_BYTES: usize = 128;
const SHARD_MAX_BYTES: usize = 64;

/// A reply buffer that has grown over this is not kept.
const KEPT_BUFFER_BYTES: usize = 1 << 20;

/// A message that waits.
pub(super) struct Request {
    pub(super) api: Arc<Api>,
    pub(super) message: Message,
    pub(super) reply: Reply,
    pub(super) shard_index: Option<usize>,
    pub(super) arrived: Instant,
    pub(super) deadline: Instant,
}

impl Request {
    fn call(&self, started: Instant) -> Call<'_> {
        let bytes = self.message.bytes();
        let head = &self.message.head;
        Call {
            name: head.name_in(bytes).unwrap_or_default(),
            sequence_id: head.sequence_id,
            request_id: shortened(head.request_id_in(bytes), REQUEST_ID_MAX_BYTES),
            shard: shortened(head.shard_in(bytes), SHARD_MAX_BYTES),
            shard_index: self.shard_index,
            arrived: self.arrived,
            started,
            deadline: self.deadline,
        }
    }

    /// Answers without having been read.
    pub(super) fn refuse(self, error: &Error) {
        let mut buffer = Vec::new();
        self.reply.begin(&mut buffer);
        let call = self.call(Instant::now());
        rpc::write_data_error(protocol(self.message.wire), &call, error, &mut buffer);
        self.reply.send(&mut buffer);
    }
}

impl Job for Request {
    type Scratch = Vec<u8>;

    fn deadline(&self) -> Instant {
        self.deadline
    }

    fn run(self, buffer: &mut Vec<u8>) {
        let started = Instant::now();
        self.reply.begin(buffer);
        let call = self.call(started);
        let protocol = protocol(self.message.wire);
        if started >= self.deadline {
            rpc::write_data_error(protocol, &call, &expired(), buffer);
        } else {
            self.api
                .answer(protocol, self.message.bytes(), &call, buffer);
        }
        self.reply.send(buffer);
        if buffer.capacity() > KEPT_BUFFER_BYTES {
            *buffer = Vec::new();
        }
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

pub(super) fn refused(refusal: Refusal<Request>) -> (Request, Error) {
    match refusal {
        Refusal::Full { job, limit } => {
            let message = format!(
                "{limit} requests wait on the shard already (queue_max_requests); try again later"
            );
            let error = Error::new(ErrorKind::QueueFull, message)
                .with_limit(limit as u64, limit as u64 + 1);
            (job, error)
        }
        Refusal::TooLate { job, wait } => {
            let message = format!(
                "the shard is busy: the request would wait about {} ms, past its deadline",
                wait.as_millis()
            );
            (job, Error::new(ErrorKind::QueueTimeout, message))
        }
        Refusal::Stopped(job) => (job, draining()),
    }
}

pub(super) fn draining() -> Error {
    let message = "this server is stopping and takes nothing new; another one takes the request";
    Error::new(ErrorKind::Draining, message)
}

pub(super) fn expired() -> Error {
    let message = "the deadline passed while the request waited for its turn on the shard; \
                   try again later, or raise timeout_ms";
    Error::new(ErrorKind::QueueTimeout, message)
}
