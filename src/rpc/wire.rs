//! Between the generated structs and our own, both ways; no string is copied.

use super::api::Call;
use super::generated as wire;
use crate::error::{Error, ErrorKind, Outcome, Phase, Retry};
use crate::operation::{Insert, InsertMode, ParamStyle, Params, Statement};
use crate::value::{Column, ColumnData, Rows, Value};

pub(super) fn statement(statement: Option<wire::Statement>) -> Result<Statement, Error> {
    let missing = "the request has no statement; set its field `statement`, with `sql` in it";
    let statement = statement.ok_or_else(|| Error::invalid(missing))?;
    let params = match (statement.params, statement.named_params) {
        (None, None) => Params::Absent,
        (Some(values), None) => Params::Positional(self::values(values)),
        (None, Some(named)) => {
            let named = named.into_iter();
            Params::Named(named.map(|(name, given)| (name, value(given))).collect())
        }
        (Some(_), Some(_)) => {
            let message = "a statement takes either `params` or `named_params`; unset one of them";
            return Err(Error::invalid(message));
        }
    };
    let style = match statement.param_style {
        None | Some(wire::ParamStyle::NATIVE) => ParamStyle::Native,
        Some(wire::ParamStyle::PYFORMAT) => ParamStyle::Pyformat,
        Some(wire::ParamStyle(number)) => {
            let message = format!("param_style {number} is unknown; NATIVE is 1, PYFORMAT 2");
            return Err(Error::invalid(message));
        }
    };
    Ok(Statement {
        sql: statement.sql.unwrap_or_default(),
        params,
        style,
    })
}

pub(super) fn insert(request: wire::InsertRequest) -> Result<Insert, Error> {
    let mode = match request.mode {
        None | Some(wire::InsertMode::INSERT) => InsertMode::Insert,
        Some(wire::InsertMode::IGNORE) => InsertMode::Ignore,
        Some(wire::InsertMode::REPLACE) => InsertMode::Replace,
        Some(wire::InsertMode(number)) => {
            let message = format!("mode {number} is unknown; INSERT is 1, IGNORE 2, REPLACE 3");
            return Err(Error::invalid(message));
        }
    };
    Ok(Insert {
        database: request.database,
        table: request.table.unwrap_or_default(),
        columns: request.columns.unwrap_or_default(),
        rows: request
            .rows
            .unwrap_or_default()
            .into_iter()
            .map(values)
            .collect(),
        mode,
    })
}

fn values(values: Vec<wire::Value>) -> Vec<Value> {
    values.into_iter().map(value).collect()
}

fn value(given: wire::Value) -> Value {
    match given {
        wire::Value::IsNull(_) => Value::Null,
        wire::Value::Boolean(value) => Value::Bool(value),
        wire::Value::Int64(value) => Value::Int(value),
        wire::Value::Uint64(bits) => Value::UInt(bits.cast_unsigned()),
        wire::Value::Float64(value) => Value::Double(value.0),
        wire::Value::Decimal(text) => Value::Decimal(text),
        wire::Value::Text(text) => Value::Text(text),
        wire::Value::Bytes(bytes) => Value::Bytes(bytes),
        wire::Value::Temporal(text) => Value::Temporal(text),
        wire::Value::Items(items) => {
            Value::List(items.into_iter().map(|item| value(*item)).collect())
        }
    }
}

/// The other way, for our own client.
pub(super) fn to_wire(value: Value) -> wire::Value {
    match value {
        Value::Null => wire::Value::IsNull(true),
        Value::Bool(value) => wire::Value::Boolean(value),
        Value::Int(value) => wire::Value::Int64(value),
        Value::UInt(value) => wire::Value::Uint64(value.cast_signed()),
        Value::Double(value) => wire::Value::Float64(value.into()),
        Value::Decimal(text) => wire::Value::Decimal(text),
        Value::Text(text) => wire::Value::Text(text),
        Value::Bytes(bytes) => wire::Value::Bytes(bytes),
        Value::Temporal(text) => wire::Value::Temporal(text),
        Value::List(items) => wire::Value::Items(
            items
                .into_iter()
                .map(|item| Box::new(to_wire(item)))
                .collect(),
        ),
    }
}

pub(super) fn result_set(rows: Rows) -> wire::ResultSet {
    wire::ResultSet {
        row_count: Some(rows.row_count as i64),
        columns: Some(rows.columns.into_iter().map(column).collect()),
    }
}

fn column(column: Column) -> wire::Column {
    let mut result = wire::Column {
        name: Some(column.name),
        type_: Some(wire::ColumnType(i32::from(column.column_type))),
        flags: Some(i32::from(column.flags)),
        collation: Some(i32::from(column.collation)),
        decimals: Some(i32::from(column.decimals)),
        length: Some(i64::from(column.length)),
        nulls: Some(column.nulls),
        int64s: None,
        doubles: None,
        strings: None,
        blobs: None,
    };
    match column.data {
        ColumnData::Int64s(values) => result.int64s = Some(values),
        ColumnData::Doubles(values) => {
            result.doubles = Some(values.into_iter().map(Into::into).collect());
        }
        ColumnData::Strings(values) => result.strings = Some(values),
        ColumnData::Blobs(values) => result.blobs = Some(values),
    }
    result
}

pub(super) fn header(call: &Call<'_>) -> wire::ReplyHeader {
    wire::ReplyHeader {
        request_id: Some(call.request_id.to_owned()),
        shard: Some(call.shard.to_owned()),
        queue_us: Some(call.queue_us()),
        execute_us: Some(call.execute_us()),
    }
}

pub(super) fn data_error(error: &Error, call: &Call<'_>) -> wire::DataError {
    let database = error.database();
    let limit = error.limit_met().or_else(|| match error.kind() {
        ErrorKind::DeadlineExceeded | ErrorKind::QueueTimeout => Some(call.time_met()),
        _ => None,
    });
    wire::DataError {
        code: Some(code(error.kind())),
        outcome: Some(outcome(error.outcome())),
        retry_hint: Some(retry(error.retry())),
        message: Some(error.message().to_owned()),
        mysql_errno: Some(database.map_or(0, |database| database.errno)),
        sqlstate: Some(database.map_or(String::new(), |database| database.sqlstate.clone())),
        shard: Some(call.shard.to_owned()),
        phase: Some(phase(error.phase())),
        request_id: Some(call.request_id.to_owned()),
        limit: limit.map(|met| clamp_i64(met.limit)),
        seen: limit.map(|met| clamp_i64(met.seen)),
        item: None,
        queue_us: Some(call.queue_us()),
        execute_us: Some(call.execute_us()),
    }
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

/// Every code of the IDL; a test holds the two together.
const ERROR_NAMES: &[(wire::ErrorCode, &str)] = &[
    (wire::ErrorCode::INVALID_ARGUMENT, "INVALID_ARGUMENT"),
    (wire::ErrorCode::UNKNOWN_SHARD, "UNKNOWN_SHARD"),
    (wire::ErrorCode::UNAUTHENTICATED, "UNAUTHENTICATED"),
    (wire::ErrorCode::PERMISSION_DENIED, "PERMISSION_DENIED"),
    (
        wire::ErrorCode::STATEMENT_NOT_ALLOWED,
        "STATEMENT_NOT_ALLOWED",
    ),
    (wire::ErrorCode::SQL_ERROR, "SQL_ERROR"),
    (wire::ErrorCode::DUPLICATE_KEY, "DUPLICATE_KEY"),
    (wire::ErrorCode::CONSTRAINT, "CONSTRAINT"),
    (wire::ErrorCode::DATA_ERROR, "DATA_ERROR"),
    (wire::ErrorCode::DEADLOCK, "DEADLOCK"),
    (wire::ErrorCode::LOCK_TIMEOUT, "LOCK_TIMEOUT"),
    (wire::ErrorCode::QUEUE_FULL, "QUEUE_FULL"),
    (wire::ErrorCode::QUEUE_TIMEOUT, "QUEUE_TIMEOUT"),
    (wire::ErrorCode::DEADLINE_EXCEEDED, "DEADLINE_EXCEEDED"),
    (wire::ErrorCode::CANCELLED, "CANCELLED"),
    (wire::ErrorCode::REQUEST_TOO_LARGE, "REQUEST_TOO_LARGE"),
    (wire::ErrorCode::RESULT_TOO_LARGE, "RESULT_TOO_LARGE"),
    (wire::ErrorCode::SHARD_UNAVAILABLE, "SHARD_UNAVAILABLE"),
    (wire::ErrorCode::SHARD_READ_ONLY, "SHARD_READ_ONLY"),
    (wire::ErrorCode::CONNECTION_LOST, "CONNECTION_LOST"),
    (
        wire::ErrorCode::TRANSACTION_NOT_FOUND,
        "TRANSACTION_NOT_FOUND",
    ),
    (wire::ErrorCode::TRANSACTION_ABORTED, "TRANSACTION_ABORTED"),
    (wire::ErrorCode::TRANSACTION_EXPIRED, "TRANSACTION_EXPIRED"),
    (wire::ErrorCode::DRAINING, "DRAINING"),
    (wire::ErrorCode::INTERNAL, "INTERNAL"),
];

/// The code's name in the IDL.
pub(super) fn code_name(code: Option<wire::ErrorCode>) -> String {
    let number = code.map_or(0, |code| code.0);
    ERROR_NAMES
        .iter()
        .find(|(known, _)| known.0 == number)
        .map_or_else(|| format!("error {number}"), |(_, name)| (*name).to_owned())
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

pub(super) fn clamp_i32(number: impl TryInto<i32>) -> i32 {
    number.try_into().unwrap_or(i32::MAX)
}

pub(super) fn clamp_i64(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// An unsigned number as the IDL carries it.
pub(super) fn same_bits(number: u64) -> i64 {
    number.cast_signed()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_has_its_name() {
        for code in wire::ErrorCode::ENUM_VALUES {
            assert!(!code_name(Some(*code)).starts_with("error "), "{code:?}");
        }
    }
}
