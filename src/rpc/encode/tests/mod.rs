//! Replies as the generated stubs read them, in both protocols.

mod expected;
mod random;
mod replies;

use std::time::{Duration, Instant};

use thrift::protocol::{
    TBinaryInputProtocol, TBinaryOutputProtocol, TCompactInputProtocol, TCompactOutputProtocol,
    TFieldIdentifier, TInputProtocol, TMessageIdentifier, TMessageType, TOutputProtocol,
    TSerializable, TStructIdentifier, TType,
};

use super::*;
use crate::error::{Error, ErrorKind, LimitMet, Outcome, Phase, Retry};
use crate::operation::{Answer, StepOutcome, Warning};
use crate::rpc::call::{ApiLimits, Call, Facts};
use crate::rpc::{Form, Layout, Protocol, generated as wire};
use crate::value::{Column, ColumnData, Packed, Rows};

const PROTOCOLS: [Protocol; 2] = [Protocol::Binary, Protocol::Compact];
const LAYOUTS: [Layout; 2] = [Layout::Lists, Layout::Packed];

/// Every protocol with every layout.
fn forms_of_reply() -> impl Iterator<Item = (Protocol, Layout)> {
    let with_layouts = |protocol| LAYOUTS.map(|layout| (protocol, layout));
    PROTOCOLS.into_iter().flat_map(with_layouts)
}

fn call(name: &str) -> Call<'_> {
    let now = Instant::now();
    let arrived = now.checked_sub(Duration::from_millis(900)).unwrap_or(now);
    Call {
        name,
        sequence_id: -7,
        request_id: "request-1",
        shard: "users",
        arrived,
        started: arrived + Duration::from_millis(2),
        deadline: arrived + Duration::from_millis(500),
    }
}

fn limits() -> ApiLimits {
    ApiLimits {
        request_max_bytes: 1,
        result_max_bytes: 20_000_000,
        result_max_rows: 3,
        default_timeout: Duration::from_millis(4),
        max_timeout: Duration::from_millis(5),
        multi_items_max: 6,
        multi_parallel_max: 7,
        batch_steps_max: 8,
        transaction_idle_timeout: Duration::from_millis(9),
        transaction_timeout: Duration::from_millis(10),
        reply_grace: Duration::from_millis(11),
    }
}

/// The times of a reply depend on when it is written.
fn header_of(
    call: &Call<'_>,
    seen: Option<&wire::ReplyHeader>,
    attempts: i32,
) -> Option<wire::ReplyHeader> {
    let execute_us = seen.unwrap().execute_us.unwrap();
    assert!((898_000..60_000_000).contains(&execute_us), "{execute_us}");
    Some(wire::ReplyHeader {
        request_id: Some(call.request_id.to_owned()),
        shard: Some(call.shard.to_owned()),
        queue_us: Some(2_000),
        execute_us: Some(execute_us),
        attempts: Some(attempts),
    })
}

fn facts(shard: &str) -> Facts {
    Facts {
        request_id: format!("{shard}-1"),
        shard: shard.to_owned(),
        queue_us: 11,
        execute_us: 12,
        time_met: LimitMet {
            limit: 13,
            seen: 14,
        },
    }
}

fn reply_bytes(protocol: Protocol, call: &Call<'_>, reply: &Reply<'_>) -> Vec<u8> {
    let mut out = b"kept".to_vec();
    write_reply(protocol, call, &limits(), reply, &mut out);
    assert!(out.starts_with(b"kept"));
    out.split_off(4)
}

/// What the reply returns.
fn returned<T: TSerializable>(protocol: Protocol, call: &Call<'_>, reply: &Reply<'_>) -> T {
    read_member(protocol, call, 0, &reply_bytes(protocol, call, reply))
}

/// What the reply throws.
fn thrown(protocol: Protocol, call: &Call<'_>, bytes: &[u8]) -> wire::DataError {
    read_member(protocol, call, 1, bytes)
}

/// The one member of a function's result, as the generated code reads it. What
/// it makes of that again must be the same bytes.
fn read_member<T: TSerializable>(
    protocol: Protocol,
    call: &Call<'_>,
    member: i16,
    bytes: &[u8],
) -> T {
    let mut rest = bytes;
    let identifier =
        TMessageIdentifier::new(call.function(), TMessageType::Reply, call.sequence_id);
    let value: T = {
        let mut input: Box<dyn TInputProtocol> = match protocol {
            Protocol::Binary => Box::new(TBinaryInputProtocol::new(&mut rest, true)),
            Protocol::Compact => Box::new(TCompactInputProtocol::new(&mut rest)),
        };
        assert_eq!(input.read_message_begin().unwrap(), identifier);
        input.read_struct_begin().unwrap();
        let field = input.read_field_begin().unwrap();
        assert_eq!((field.field_type, field.id), (TType::Struct, Some(member)));
        let value = T::read_from_in_protocol(&mut *input).unwrap();
        input.read_field_end().unwrap();
        assert_eq!(input.read_field_begin().unwrap().field_type, TType::Stop);
        input.read_struct_end().unwrap();
        input.read_message_end().unwrap();
        value
    };
    assert!(rest.is_empty(), "{} bytes after the message", rest.len());
    assert_eq!(written_again(protocol, &identifier, member, &value), bytes);
    value
}

fn written_again<T: TSerializable>(
    protocol: Protocol,
    identifier: &TMessageIdentifier,
    member: i16,
    value: &T,
) -> Vec<u8> {
    let mut bytes = Vec::new();
    {
        let mut output: Box<dyn TOutputProtocol> = match protocol {
            Protocol::Binary => Box::new(TBinaryOutputProtocol::new(&mut bytes, true)),
            Protocol::Compact => Box::new(TCompactOutputProtocol::new(&mut bytes)),
        };
        let field = TFieldIdentifier::new("member", TType::Struct, member);
        output.write_message_begin(identifier).unwrap();
        output
            .write_struct_begin(&TStructIdentifier::new("result"))
            .unwrap();
        output.write_field_begin(&field).unwrap();
        value.write_to_out_protocol(&mut *output).unwrap();
        output.write_field_end().unwrap();
        output.write_field_stop().unwrap();
        output.write_struct_end().unwrap();
        output.write_message_end().unwrap();
    }
    bytes
}

fn column(name: &str, data: ColumnData) -> Column {
    Column {
        name: name.to_owned(),
        table: "é table".into(),
        column_type: 253,
        flags: 0xFFFF,
        collation: 255,
        decimals: 31,
        length: u32::MAX,
        nulls: vec![0b101],
        data,
    }
}

/// Three rows of every kind of column.
fn rows() -> Rows {
    Rows {
        row_count: 3,
        columns: vec![
            column("i", ColumnData::Int64s(vec![0, i64::MIN, i64::MAX])),
            column("d", ColumnData::Doubles(vec![0.0, -1.5e300, f64::INFINITY])),
            column(
                "s",
                ColumnData::Strings(["", "é😀\0", "x"].iter().collect()),
            ),
            column(
                "b",
                ColumnData::Blobs([&b""[..], b"\xFF\0", b"y"].iter().collect()),
            ),
        ],
    }
}

fn warning() -> Warning {
    Warning {
        level: "Note".to_owned(),
        code: 1051,
        message: "Unknown table 'é'".to_owned(),
    }
}

/// One with everything in it, but the steps.
fn answer() -> Answer {
    Answer {
        affected_rows: 1,
        matched_rows: 2,
        insert_id: u64::MAX,
        insert_count: 4,
        warning_count: 65_535,
        warnings: vec![warning(), warning()],
        statements: 5,
        rows: Some(rows()),
        more_rows: vec![Rows::default(), rows()],
        steps: Vec::new(),
        attempts: 0,
        sent: 2,
        taken: 0,
    }
}

fn error() -> Error {
    Error::new(ErrorKind::DuplicateKey, "Duplicate entry 'é'")
        .with_database(1062, "23000")
        .with_limit(5, u64::MAX)
        .with_item(9)
        .with_outcome(Outcome::Unknown)
        .with_retry(Retry::AfterPause)
        .with_phase(Phase::Fetch)
        .with_sent(5)
}

fn batch_answer() -> Answer {
    Answer {
        steps: vec![
            StepOutcome::Done(answer()),
            StepOutcome::Failed(error()),
            StepOutcome::Skipped,
            StepOutcome::NotRun,
            StepOutcome::Done(Answer::default()),
            StepOutcome::Failed(Error::new(ErrorKind::QueueTimeout, "")),
        ],
        attempts: 3,
        sent: 4,
        ..Answer::default()
    }
}
