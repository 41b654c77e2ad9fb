//! Requests as the generated stubs write them, in both protocols.

mod asked;
mod refusals;
mod refused_steps;
mod unreadable;

use std::time::{Duration, Instant};

use thrift::protocol::{
    TBinaryOutputProtocol, TCompactOutputProtocol, TFieldIdentifier, TMessageIdentifier,
    TMessageType, TOutputProtocol, TSerializable, TStructIdentifier, TType,
};

use super::client::requests;
use super::generated as wire;
use super::*;
use crate::error::{Error, ErrorKind};
use crate::operation::*;
use crate::value::Value;

const PROTOCOLS: [Protocol; 2] = [Protocol::Binary, Protocol::Compact];

fn limits() -> ApiLimits {
    ApiLimits {
        request_max_bytes: 1_000_000,
        result_max_bytes: 1_000_000,
        result_max_rows: 500,
        default_timeout: Duration::from_secs(2),
        max_timeout: Duration::from_secs(60),
        multi_items_max: 3,
        multi_parallel_max: 2,
        batch_steps_max: 4,
        transaction_idle_timeout: Duration::from_secs(10),
        transaction_timeout: Duration::from_secs(60),
        reply_grace: Duration::from_millis(250),
    }
}

fn call(name: &str) -> Call<'_> {
    let now = Instant::now();
    Call {
        name,
        sequence_id: 1,
        request_id: "",
        shard: "",
        arrived: now,
        started: now,
        deadline: now + Duration::from_secs(1),
    }
}

/// A message whose one argument is a struct that `write` writes.
fn message_with(
    protocol: Protocol,
    name: &str,
    write: impl FnOnce(&mut dyn TOutputProtocol) -> thrift::Result<()>,
) -> Vec<u8> {
    let mut bytes = Vec::new();
    {
        let mut output: Box<dyn TOutputProtocol> = match protocol {
            Protocol::Binary => Box::new(TBinaryOutputProtocol::new(&mut bytes, true)),
            Protocol::Compact => Box::new(TCompactOutputProtocol::new(&mut bytes)),
        };
        let identifier = TMessageIdentifier::new(name, TMessageType::Call, 1);
        let field = TFieldIdentifier::new("request", TType::Struct, 1);
        output.write_message_begin(&identifier).unwrap();
        output
            .write_struct_begin(&TStructIdentifier::new("args"))
            .unwrap();
        output.write_field_begin(&field).unwrap();
        write(&mut *output).unwrap();
        output.write_field_end().unwrap();
        output.write_field_stop().unwrap();
        output.write_struct_end().unwrap();
        output.write_message_end().unwrap();
    }
    bytes
}

fn message(protocol: Protocol, name: &str, request: &impl TSerializable) -> Vec<u8> {
    message_with(protocol, name, |output| {
        request.write_to_out_protocol(output)
    })
}

/// What the request asks, which is the same in both protocols.
fn read_request(name: &str, request: &impl TSerializable) -> Result<Asked, Unread> {
    let [binary, compact] = PROTOCOLS.map(|protocol| {
        let message = message(protocol, name, request);
        read(protocol, &message, &call(name), &limits())
    });
    assert_eq!(format!("{binary:?}"), format!("{compact:?}"));
    binary
}

fn asked(name: &str, request: &impl TSerializable) -> Asked {
    read_request(name, request).unwrap_or_else(|unread| panic!("{name}: {unread:?}"))
}

/// The error of a request that is wrong.
fn refused(name: &str, request: &impl TSerializable) -> Error {
    match read_request(name, request) {
        Err(Unread::Data(error)) => error,
        other => panic!("{name}: {other:?}"),
    }
}

fn no_options() -> wire::Options {
    wire::Options::new(None, None, None, None, None, None, None)
}

fn statement(sql: &str) -> wire::Statement {
    wire::Statement::new(sql.to_owned(), None, None, None)
}

fn step(sql: &str) -> wire::BatchStep {
    wire::BatchStep::new(statement(sql), None, None, None, None)
}

fn batch_of(steps: Vec<wire::BatchStep>) -> wire::BatchRequest {
    wire::BatchRequest::new("users".to_owned(), steps, None, None)
}

fn query_of(sql: &str) -> wire::QueryRequest {
    wire::QueryRequest::new("users".to_owned(), statement(sql), None)
}

fn no_item() -> wire::MultiItem {
    wire::MultiItem::new(None, None, None, None)
}

fn multi_of(items: Vec<wire::MultiItem>) -> wire::MultiRequest {
    wire::MultiRequest::new(items, None, None)
}

/// Asserts on an error of the request's own form.
fn assert_refused(error: &Error, item: Option<usize>, says: &str) {
    assert_eq!(error.kind(), ErrorKind::InvalidArgument);
    assert_eq!(error.item(), item, "{error}");
    assert!(
        error.message().contains(says),
        "{error:?} does not say {says:?}"
    );
}

/// The error of an item, beside which the others stay as they are.
fn wrong_item(wrong: wire::MultiItem) -> Error {
    let right = || wire::MultiItem {
        query: Some(query_of("a")),
        ..no_item()
    };
    let request = multi_of(vec![right(), wrong, right()]);
    let Ask::Multi { items, .. } = asked("multi", &request).ask else {
        panic!("no multi");
    };
    assert!(items[0].operation.is_ok() && items[2].operation.is_ok());
    items[1].operation.clone().unwrap_err()
}
