//! Replies that are made without the generated processor: a DataError for a
//! request that is refused unread, and Thrift's own exception where a message
//! cannot be understood.

use thrift::protocol::{
    TBinaryOutputProtocol, TCompactOutputProtocol, TFieldIdentifier, TMessageIdentifier,
    TMessageType, TOutputProtocol, TSerializable, TStructIdentifier, TType,
};
use thrift::{ApplicationError, ApplicationErrorKind};

use super::api::Call;
use super::{ExceptionKind, Protocol, wire};
use crate::error::Error;

/// Runs `write` with a protocol that appends to `out`.
pub(super) fn with_output<T>(
    protocol: Protocol,
    out: &mut Vec<u8>,
    write: impl FnOnce(&mut dyn TOutputProtocol) -> T,
) -> T {
    match protocol {
        Protocol::Binary => write(&mut TBinaryOutputProtocol::new(out, true)),
        Protocol::Compact => write(&mut TCompactOutputProtocol::new(out)),
    }
}

/// Appends the reply that throws `error`: every function of the service declares
/// the same exception as field 1 of its result.
pub fn write_data_error(protocol: Protocol, call: &Call<'_>, error: &Error, out: &mut Vec<u8>) {
    let start = out.len();
    let written = with_output(protocol, out, |output| {
        let name = call.function();
        output.write_message_begin(&identifier(name, TMessageType::Reply, call.sequence_id))?;
        output.write_struct_begin(&TStructIdentifier::new("result"))?;
        output.write_field_begin(&TFieldIdentifier::new("error", TType::Struct, 1))?;
        wire::data_error(error, call).write_to_out_protocol(output)?;
        output.write_field_end()?;
        output.write_field_stop()?;
        output.write_struct_end()?;
        output.write_message_end()?;
        output.flush()
    });
    forget_failed(written, start, out);
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
    let kind = match kind {
        ExceptionKind::UnknownFunction => ApplicationErrorKind::UnknownMethod,
        ExceptionKind::Protocol => ApplicationErrorKind::ProtocolError,
    };
    let start = out.len();
    let written = with_output(protocol, out, |output| {
        output.write_message_begin(&identifier(name, TMessageType::Exception, sequence_id))?;
        let error = ApplicationError::new(kind, message);
        thrift::Error::write_application_error_to_out_protocol(&error, output)?;
        output.write_message_end()?;
        output.flush()
    });
    forget_failed(written, start, out);
}

fn identifier(name: &str, kind: TMessageType, sequence_id: i32) -> TMessageIdentifier {
    TMessageIdentifier::new(name, kind, sequence_id)
}

/// Writing to memory fails only over a limit of the protocol; half a reply would
/// be worse than none.
fn forget_failed(written: thrift::Result<()>, start: usize, out: &mut Vec<u8>) {
    if let Err(error) = written {
        tracing::error!(%error, "cannot write a reply");
        out.truncate(start);
    }
}
