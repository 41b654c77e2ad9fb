//! One message in: the generated processor over bytes in memory, with every limit
//! set to the message's own length, and nothing that it does, a panic included,
//! able to end the process. Its handler runs nothing: it leaves behind what was
//! asked, and the processor's own reply goes nowhere.

use std::cell::Cell;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};

use thrift::TConfiguration;
use thrift::protocol::{
    TBinaryInputProtocol, TBinaryOutputProtocol, TCompactInputProtocol, TInputProtocol,
    TMessageIdentifier, TMessageType, TStoredInputProtocol,
};
use thrift::server::TProcessor;

use super::ask::{Asked, Unread};
use super::call::{ApiLimits, Call};
use super::generated::*;
use super::{ExceptionKind, Protocol, requests};
use crate::error::{Error, ErrorKind};

/// The service's name in TMultiplexed messages.
const SERVICE: &str = "Forebay";

/// What the service has.
pub(super) const FUNCTIONS: &[&str] = &[
    "info",
    "ping",
    "query",
    "execute",
    "insert",
    "batch",
    "multi",
    "begin_transaction",
    "commit_transaction",
    "rollback_transaction",
];

/// Containers in containers; the scanner has refused more already.
const DEPTH_MAX: usize = 64;

/// An unknown function's name is repeated so far.
const NAME_SHOWN_CHARS: usize = 64;

/// Reads one complete, scanned message, and checks what it asks for form.
pub fn read(
    protocol: Protocol,
    message: &[u8],
    call: &Call<'_>,
    limits: &ApiLimits,
) -> Result<Asked, Unread> {
    let service = call.name.split_once(':').map(|(service, _)| service);
    if service.is_some_and(|service| service != SERVICE) {
        let text = format!("there is no service of that name here; this one is `{SERVICE}`");
        return Err(Unread::Exception(ExceptionKind::UnknownFunction, text));
    }
    let progress = Cell::new(Progress::Reading);
    let processor = ForebaySyncProcessor::new(Reader {
        limits,
        progress: &progress,
    });
    let processed = catch_unwind(AssertUnwindSafe(|| {
        process(protocol, message, call, &processor)
    }));
    match progress.replace(Progress::Reading) {
        // What the processor says of it prints the error's Rust form.
        Progress::Reading => Err(not_understood(call.function(), processed.is_err())),
        Progress::Checking => {
            let text = "a fault of this server's own; its log says where";
            Err(Unread::Data(Error::new(ErrorKind::Internal, text)))
        }
        Progress::Done(asked) => asked.map_err(Unread::Data),
    }
}

/// How far the reading of a message has come.
#[expect(
    clippy::large_enum_variant,
    reason = "one at a time, on the stack, and nearly always the large one"
)]
enum Progress {
    /// The arguments, by the generated code.
    Reading,
    /// They are read, and are being checked.
    Checking,
    Done(Result<Asked, Error>),
}

/// The service's functions, each of which only notes what it is asked.
struct Reader<'a> {
    limits: &'a ApiLimits,
    progress: &'a Cell<Progress>,
}

impl Reader<'_> {
    fn note<T: Default>(
        &self,
        check: impl FnOnce(&ApiLimits) -> Result<Asked, Error>,
    ) -> thrift::Result<T> {
        self.progress.set(Progress::Checking);
        self.progress.set(Progress::Done(check(self.limits)));
        Ok(T::default())
    }
}

impl ForebaySyncHandler for Reader<'_> {
    fn handle_info(&self, request: InfoRequest) -> thrift::Result<InfoResult> {
        self.note(|limits| requests::info(request, limits))
    }

    fn handle_ping(&self, request: PingRequest) -> thrift::Result<PingResult> {
        self.note(|limits| requests::ping(request, limits))
    }

    fn handle_query(&self, request: QueryRequest) -> thrift::Result<QueryResult> {
        self.note(|limits| requests::query(request, limits))
    }

    fn handle_execute(&self, request: ExecuteRequest) -> thrift::Result<ExecuteResult> {
        self.note(|limits| requests::execute(request, limits))
    }

    fn handle_insert(&self, request: InsertRequest) -> thrift::Result<InsertResult> {
        self.note(|limits| requests::insert(request, limits))
    }

    fn handle_batch(&self, request: BatchRequest) -> thrift::Result<BatchResult> {
        self.note(|limits| requests::batch(request, limits))
    }

    fn handle_multi(&self, request: MultiRequest) -> thrift::Result<MultiResult> {
        self.note(|limits| requests::multi(request, limits))
    }

    fn handle_begin_transaction(&self, request: BeginRequest) -> thrift::Result<BeginResult> {
        self.note(|limits| requests::begin(request, limits))
    }

    fn handle_commit_transaction(&self, request: CommitRequest) -> thrift::Result<CommitResult> {
        self.note(|limits| requests::commit(request, limits))
    }

    fn handle_rollback_transaction(
        &self,
        request: RollbackRequest,
    ) -> thrift::Result<RollbackResult> {
        self.note(|limits| requests::rollback(request, limits))
    }
}

fn process(
    protocol: Protocol,
    message: &[u8],
    call: &Call<'_>,
    processor: &impl TProcessor,
) -> thrift::Result<()> {
    let length = Some(message.len());
    let limits = TConfiguration::builder()
        .max_message_size(length)
        .max_frame_size(length)
        .max_string_size(length)
        .max_container_size(length)
        .max_recursion_depth(Some(DEPTH_MAX))
        .build()?;
    let mut nowhere = TBinaryOutputProtocol::new(io::sink(), true);
    let process = |input: &mut dyn TInputProtocol| processor.process(input, &mut nowhere);
    match protocol {
        Protocol::Binary => {
            let mut input = TBinaryInputProtocol::with_config(message, true, limits);
            process_named(&mut input, call, process)
        }
        Protocol::Compact => {
            let mut input = TCompactInputProtocol::with_config(message, limits);
            process_named(&mut input, call, process)
        }
    }
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

/// Says in the caller's terms why the arguments could not be read.
fn not_understood(function: &str, panicked: bool) -> Unread {
    if !FUNCTIONS.contains(&function) {
        let function: String = function.chars().take(NAME_SHOWN_CHARS).collect();
        let functions = FUNCTIONS.join(", ");
        let text = format!("there is no function `{function}`; there are {functions}");
        return Unread::Exception(ExceptionKind::UnknownFunction, text);
    }
    let text = if panicked {
        // Generated code panics for a union none of whose members it knows.
        format!(
            "the arguments of `{function}` hold a union with a member that this server does not \
             know; it speaks version {} of idl/forebay.thrift",
            super::API_VERSION
        )
    } else {
        format!(
            "the arguments of `{function}` cannot be read: they are not of the types in version \
             {} of idl/forebay.thrift, or a union does not have exactly one member",
            super::API_VERSION
        )
    };
    Unread::Exception(ExceptionKind::Protocol, text)
}
