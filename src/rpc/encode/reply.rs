//! One whole reply out, whichever its kind and its protocol.

use super::binary::Binary;
use super::compact::Compact;
use super::error::data_error;
use super::info::{Info, info};
use super::output::{MessageKind, Output};
use super::results::{done, header, outcomes};
use super::size::reply_bytes_max;
use crate::error::{Error, ErrorKind, Outcome, Phase};
use crate::operation::{Answer, StepOutcome};
use crate::rpc::ask::{Form, Layout};
use crate::rpc::call::{ApiLimits, Call, Facts, Told};
use crate::rpc::wire::clamp_i32;
use crate::rpc::{ExceptionKind, Protocol};

/// What a function returns. The header is the call's.
#[derive(Clone, Copy, Debug)]
pub enum Reply<'a> {
    Info(&'a Info),
    Ping {
        attempts: u32,
    },
    Done(Form, Layout, &'a Answer),
    /// In the items' order.
    Multi(&'a [ItemReply]),
    Begun {
        transaction: &'a str,
        attempts: u32,
    },
    Committed,
    RolledBack,
}

/// What came of one item of a multi.
#[derive(Debug)]
pub struct ItemReply {
    pub form: Form,
    pub layout: Layout,
    /// Its own: the header of its result, or what its error tells.
    pub facts: Facts,
    pub result: Result<Answer, Error>,
}

impl ItemReply {
    /// Whether the item took effect, all of its steps together.
    pub fn outcome(&self) -> Outcome {
        match &self.result {
            Ok(answer) => answer_outcome(self.form, answer),
            Err(error) => error.outcome(),
        }
    }
}

/// Appends the reply; if it came out over `result_max_bytes`, the error
/// RESULT_TOO_LARGE instead.
pub fn write_reply(
    protocol: Protocol,
    call: &Call<'_>,
    limits: &ApiLimits,
    reply: &Reply<'_>,
    out: &mut Vec<u8>,
) {
    let start = out.len();
    out.reserve(reply_bytes_max(protocol, reply));
    match protocol {
        Protocol::Binary => returned(&mut Binary::new(out), call, limits, reply),
        Protocol::Compact => returned(&mut Compact::new(out), call, limits, reply),
    }
    let seen = out.len() - start;
    if seen > limits.result_max_bytes {
        out.truncate(start);
        let error = too_large(limits.result_max_bytes, seen, reply);
        write_data_error(protocol, call, &error, out);
    }
}

/// Appends the reply that throws `error`.
pub fn write_data_error(protocol: Protocol, call: &Call<'_>, error: &Error, out: &mut Vec<u8>) {
    match protocol {
        Protocol::Binary => thrown(&mut Binary::new(out), call, error),
        Protocol::Compact => thrown(&mut Compact::new(out), call, error),
    }
}

/// Appends Thrift's TApplicationException.
pub fn write_exception(
    protocol: Protocol,
    name: &str,
    sequence_id: i32,
    kind: ExceptionKind,
    message: &str,
    out: &mut Vec<u8>,
) {
    match protocol {
        Protocol::Binary => exception(&mut Binary::new(out), name, sequence_id, kind, message),
        Protocol::Compact => exception(&mut Compact::new(out), name, sequence_id, kind, message),
    }
}

/// A function's result is a struct in which field 0 is what it returns.
fn returned(output: &mut impl Output, call: &Call<'_>, limits: &ApiLimits, reply: &Reply<'_>) {
    let told = call.told();
    output.message(MessageKind::Reply, call.function(), call.sequence_id);
    output.structure(|output| {
        output.struct_field(0, |output| result(output, &told, limits, reply));
    });
}

fn result(output: &mut impl Output, told: &Told<'_>, limits: &ApiLimits, reply: &Reply<'_>) {
    header(output, told, attempts(reply));
    match reply {
        Reply::Done(form, layout, answer) => done(output, *form, *layout, told, answer),
        Reply::Info(facts) => info(output, facts, limits),
        Reply::Multi(items) => outcomes(output, items),
        Reply::Begun { transaction, .. } => {
            output.text_field(2, transaction);
            output.i32_field(3, clamp_i32(limits.transaction_idle_timeout.as_millis()));
            output.i32_field(4, clamp_i32(limits.transaction_timeout.as_millis()));
        }
        Reply::Ping { .. } | Reply::Committed | Reply::RolledBack => {}
    }
}

/// Field 1 is what it throws; every function declares the same exception.
fn thrown(output: &mut impl Output, call: &Call<'_>, error: &Error) {
    let told = call.told();
    output.message(MessageKind::Reply, call.function(), call.sequence_id);
    output.structure(|output| {
        output.struct_field(1, |output| data_error(output, error, &told, error.sent()));
    });
}

fn exception(
    output: &mut impl Output,
    name: &str,
    sequence_id: i32,
    kind: ExceptionKind,
    message: &str,
) {
    // Thrift's own numbers, which are the same in every language.
    let number = match kind {
        ExceptionKind::UnknownFunction => 1,
        ExceptionKind::Protocol => 7,
    };
    output.message(MessageKind::Exception, name, sequence_id);
    output.structure(|output| {
        output.text_field(1, message);
        output.i32_field(2, number);
    });
}

fn too_large(limit: usize, seen: usize, reply: &Reply<'_>) -> Error {
    let message = format!(
        "the reply would be {seen} bytes, over the server's limit of {limit}; ask for fewer rows \
         or columns"
    );
    Error::new(ErrorKind::ResultTooLarge, message)
        .with_limit(limit as u64, seen as u64)
        .with_outcome(outcome(reply))
        .with_phase(Phase::Encode)
        .with_sent(attempts(reply))
}

/// How often the database was asked.
fn attempts(reply: &Reply<'_>) -> u32 {
    match reply {
        Reply::Info(_) | Reply::Multi(_) => 0,
        Reply::Committed | Reply::RolledBack => 1,
        Reply::Ping { attempts } | Reply::Begun { attempts, .. } => *attempts,
        Reply::Done(_, _, answer) => answer.sent,
    }
}

/// What the reply would have told of.
fn outcome(reply: &Reply<'_>) -> Outcome {
    match reply {
        Reply::Info(_) | Reply::Ping { .. } | Reply::Begun { .. } => Outcome::NotApplied,
        Reply::Committed | Reply::RolledBack => Outcome::Applied,
        Reply::Done(form, _, answer) => answer_outcome(*form, answer),
        Reply::Multi(items) => Outcome::of_all(items.iter().map(ItemReply::outcome)),
    }
}

fn answer_outcome(form: Form, answer: &Answer) -> Outcome {
    match form {
        Form::Query => Outcome::NotApplied,
        Form::Execute | Form::Insert => Outcome::Applied,
        Form::Batch => Outcome::of_all(answer.steps.iter().map(|step| match step {
            StepOutcome::Done(_) => Outcome::Applied,
            StepOutcome::Failed(error) => error.outcome(),
            StepOutcome::Skipped | StepOutcome::NotRun => Outcome::NotApplied,
        })),
    }
}
