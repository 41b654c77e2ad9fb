//! One message in, one reply out: the generated processor over bytes in memory,
//! with every limit set to the message's own length, and nothing that it does,
//! a panic included, able to end the process.

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::{Duration, Instant};

use thrift::TConfiguration;
use thrift::protocol::{
    TBinaryInputProtocol, TCompactInputProtocol, TInputProtocol, TMessageIdentifier, TMessageType,
    TStoredInputProtocol,
};
use thrift::server::TProcessor;

use super::generated::ForebaySyncProcessor;
use super::handler::Handler;
use super::reply::{with_output, write_data_error, write_exception};
use super::{ExceptionKind, Protocol};
use crate::backend::Shards;
use crate::error::{Error, ErrorKind, LimitMet, Outcome, Phase};

/// The service's name in TMultiplexed messages.
const SERVICE: &str = "Forebay";

/// What the service has.
const FUNCTIONS: &[&str] = &["info", "ping", "query", "execute", "insert"];

/// Containers in containers; the scanner has refused more already.
const DEPTH_MAX: usize = 64;

/// Limits that callers are told and held to.
#[derive(Clone, Copy, Debug)]
pub struct ApiLimits {
    pub request_max_bytes: usize,
    pub result_max_bytes: usize,
    pub result_max_rows: usize,
    pub default_timeout: Duration,
    pub max_timeout: Duration,
}

/// What is known of a request beside its bytes.
#[derive(Clone, Copy, Debug)]
pub struct Call<'a> {
    /// As sent, perhaps with the service's name before a colon.
    pub name: &'a str,
    pub sequence_id: i32,
    /// Empty if there was none.
    pub request_id: &'a str,
    /// Empty if there was none.
    pub shard: &'a str,
    /// The shard in whose queue the request waited.
    pub shard_index: Option<usize>,
    pub arrived: Instant,
    /// When a worker took it.
    pub started: Instant,
    pub deadline: Instant,
}

impl Call<'_> {
    /// The name without the service's.
    pub fn function(&self) -> &str {
        self.name
            .split_once(':')
            .map_or(self.name, |(_, function)| function)
    }

    /// Milliseconds that the request was allowed, and that have passed.
    pub(super) fn time_met(&self) -> LimitMet {
        let millis = |duration: Duration| u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
        LimitMet {
            limit: millis(self.deadline.saturating_duration_since(self.arrived)),
            seen: millis(self.arrived.elapsed()),
        }
    }

    pub(super) fn queue_us(&self) -> i64 {
        micros(self.started.saturating_duration_since(self.arrived))
    }

    pub(super) fn execute_us(&self) -> i64 {
        micros(self.started.elapsed())
    }
}

fn micros(duration: Duration) -> i64 {
    i64::try_from(duration.as_micros()).unwrap_or(i64::MAX)
}

/// The service behind the stubs.
pub struct Api {
    shards: Arc<Shards>,
    limits: ApiLimits,
}

impl Api {
    pub fn new(shards: Arc<Shards>, limits: ApiLimits) -> Api {
        Api { shards, limits }
    }

    /// Answers one complete, scanned message. Blocks while its operation runs.
    pub fn answer(&self, protocol: Protocol, message: &[u8], call: &Call<'_>, out: &mut Vec<u8>) {
        let start = out.len();
        let function = call.function();
        let service = call.name.split_once(':').map(|(service, _)| service);
        if service.is_some_and(|service| service != SERVICE) {
            let text = format!("there is no service of that name here; this one is `{SERVICE}`");
            let kind = ExceptionKind::UnknownFunction;
            write_exception(protocol, function, call.sequence_id, kind, &text, out);
            return;
        }
        let entered = Cell::new(false);
        let processor =
            ForebaySyncProcessor::new(Handler::new(&self.shards, &self.limits, call, &entered));
        let processed = catch_unwind(AssertUnwindSafe(|| {
            process(protocol, message, call, &processor, out)
        }));
        if !entered.get() {
            out.truncate(start);
            not_understood(protocol, call, processed.is_err(), out);
        } else if !matches!(processed, Ok(Ok(()))) {
            out.truncate(start);
            let text = "a fault of this server's own; its log says where";
            let error = Error::new(ErrorKind::Internal, text).with_outcome(Outcome::Unknown);
            write_data_error(protocol, call, &error, out);
        } else if out.len() - start > self.limits.result_max_bytes {
            let seen = out.len() - start;
            out.truncate(start);
            write_data_error(protocol, call, &self.reply_too_large(function, seen), out);
        }
    }

    fn reply_too_large(&self, function: &str, seen: usize) -> Error {
        let limit = self.limits.result_max_bytes;
        let message = format!(
            "the reply would be {seen} bytes, over the server's limit of {limit}; \
             ask for fewer rows or columns"
        );
        Error::new(ErrorKind::ResultTooLarge, message)
            .with_limit(limit as u64, seen as u64)
            .with_outcome(match function {
                "execute" | "insert" => Outcome::Applied,
                _ => Outcome::NotApplied,
            })
            .with_phase(Phase::Encode)
    }
}

fn process(
    protocol: Protocol,
    message: &[u8],
    call: &Call<'_>,
    processor: &impl TProcessor,
    out: &mut Vec<u8>,
) -> thrift::Result<()> {
    let length = Some(message.len());
    let limits = TConfiguration::builder()
        .max_message_size(length)
        .max_frame_size(length)
        .max_string_size(length)
        .max_container_size(length)
        .max_recursion_depth(Some(DEPTH_MAX))
        .build()?;
    with_output(protocol, out, |output| match protocol {
        Protocol::Binary => {
            let mut input = TBinaryInputProtocol::with_config(message, true, limits);
            process_named(&mut input, call, |input| processor.process(input, output))
        }
        Protocol::Compact => {
            let mut input = TCompactInputProtocol::with_config(message, limits);
            process_named(&mut input, call, |input| processor.process(input, output))
        }
    })
}

/// Hides the service's name from the processor, where there is one.
fn process_named(
    input: &mut dyn TInputProtocol,
    call: &Call<'_>,
    process: impl FnOnce(&mut dyn TInputProtocol) -> thrift::Result<()>,
) -> thrift::Result<()> {
    if !call.name.contains(':') {
        return process(input);
    }
    input.read_message_begin()?;
    let identifier = TMessageIdentifier::new(call.function(), TMessageType::Call, call.sequence_id);
    process(&mut TStoredInputProtocol::new(input, identifier))
}

/// The processor did not get as far as the handler. What it wrote itself prints
/// its error's Rust form; say it in the caller's terms.
fn not_understood(protocol: Protocol, call: &Call<'_>, panicked: bool, out: &mut Vec<u8>) {
    let function = call.function();
    let (kind, text) = if !FUNCTIONS.contains(&function) {
        let function: String = function.chars().take(64).collect();
        let functions = FUNCTIONS.join(", ");
        let text = format!("there is no function `{function}`; there are {functions}");
        (ExceptionKind::UnknownFunction, text)
    } else if panicked {
        // Generated code panics for a union none of whose members it knows.
        let text = format!(
            "the arguments of `{function}` hold a union with a member that this server does not \
             know; it speaks version {} of idl/forebay.thrift",
            super::API_VERSION
        );
        (ExceptionKind::Protocol, text)
    } else {
        let text = format!(
            "the arguments of `{function}` cannot be read: they are not of the types in version \
             {} of idl/forebay.thrift, or a union does not have exactly one member",
            super::API_VERSION
        );
        (ExceptionKind::Protocol, text)
    };
    write_exception(protocol, function, call.sequence_id, kind, &text, out);
}
