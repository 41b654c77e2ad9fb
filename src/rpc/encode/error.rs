//! What goes wrong, as the wire has it.

use super::output::Output;
use crate::error::{Error, ErrorKind, Outcome, Phase, Retry};
use crate::rpc::call::Told;
use crate::rpc::generated as wire;
use crate::rpc::wire::{clamp_i32, clamp_i64};

/// The fields of a DataError; `attempts` are those of the whole request.
pub(super) fn data_error(output: &mut impl Output, error: &Error, told: &Told<'_>, attempts: u32) {
    let database = error.database();
    let limit = error.limit_met().or(match error.kind() {
        ErrorKind::DeadlineExceeded | ErrorKind::QueueTimeout => Some(told.time_met),
        _ => None,
    });
    output.i32_field(1, code(error.kind()).0);
    output.i32_field(2, outcome(error.outcome()).0);
    output.i32_field(3, retry(error.retry()).0);
    output.text_field(4, error.message());
    output.i32_field(5, database.map_or(0, |database| database.errno));
    output.text_field(6, database.map_or("", |database| &database.sqlstate));
    output.text_field(7, told.shard);
    output.i32_field(8, phase(error.phase()).0);
    output.text_field(9, told.request_id);
    if let Some(met) = limit {
        output.i64_field(10, clamp_i64(met.limit));
        output.i64_field(11, clamp_i64(met.seen));
    }
    if let Some(item) = error.item() {
        output.i32_field(12, clamp_i32(item));
    }
    output.i64_field(13, told.queue_us);
    output.i64_field(14, told.execute_us);
    output.i32_field(15, clamp_i32(attempts));
}

fn code(kind: ErrorKind) -> wire::ErrorCode {
    use wire::ErrorCode;
    match kind {
        ErrorKind::InvalidArgument => ErrorCode::INVALID_ARGUMENT,
        ErrorKind::UnknownShard => ErrorCode::UNKNOWN_SHARD,
        ErrorKind::StatementNotAllowed => ErrorCode::STATEMENT_NOT_ALLOWED,
        ErrorKind::SqlError => ErrorCode::SQL_ERROR,
        ErrorKind::DuplicateKey => ErrorCode::DUPLICATE_KEY,
        ErrorKind::Constraint => ErrorCode::CONSTRAINT,
        ErrorKind::DataError => ErrorCode::DATA_ERROR,
        ErrorKind::Deadlock => ErrorCode::DEADLOCK,
        ErrorKind::LockTimeout => ErrorCode::LOCK_TIMEOUT,
        ErrorKind::QueueFull => ErrorCode::QUEUE_FULL,
        ErrorKind::QueueTimeout => ErrorCode::QUEUE_TIMEOUT,
        ErrorKind::DeadlineExceeded => ErrorCode::DEADLINE_EXCEEDED,
        ErrorKind::Cancelled => ErrorCode::CANCELLED,
        ErrorKind::TransactionNotFound => ErrorCode::TRANSACTION_NOT_FOUND,
        ErrorKind::TransactionAborted => ErrorCode::TRANSACTION_ABORTED,
        ErrorKind::TransactionExpired => ErrorCode::TRANSACTION_EXPIRED,
        ErrorKind::RequestTooLarge => ErrorCode::REQUEST_TOO_LARGE,
        ErrorKind::ResultTooLarge => ErrorCode::RESULT_TOO_LARGE,
        ErrorKind::ShardUnavailable => ErrorCode::SHARD_UNAVAILABLE,
        ErrorKind::ShardReadOnly => ErrorCode::SHARD_READ_ONLY,
        ErrorKind::PermissionDenied => ErrorCode::PERMISSION_DENIED,
        ErrorKind::ConnectionLost => ErrorCode::CONNECTION_LOST,
        ErrorKind::Draining => ErrorCode::DRAINING,
        ErrorKind::Internal => ErrorCode::INTERNAL,
    }
}

fn outcome(outcome: Outcome) -> wire::Outcome {
    match outcome {
        Outcome::NotApplied => wire::Outcome::NOT_APPLIED,
        Outcome::Applied => wire::Outcome::APPLIED,
        Outcome::Unknown => wire::Outcome::UNKNOWN,
    }
}

fn retry(retry: Retry) -> wire::Retry {
    match retry {
        Retry::No => wire::Retry::NO,
        Retry::AtOnce => wire::Retry::AT_ONCE,
        Retry::AfterPause => wire::Retry::AFTER_PAUSE,
    }
}

fn phase(phase: Phase) -> wire::Phase {
    match phase {
        Phase::Request => wire::Phase::REQUEST,
        Phase::Queue => wire::Phase::QUEUE,
        Phase::Connect => wire::Phase::CONNECT,
        Phase::Execute => wire::Phase::EXECUTE,
        Phase::Fetch => wire::Phase::FETCH,
        Phase::Encode => wire::Phase::ENCODE,
    }
}
