//! Values and statements between the generated structs and our own, both ways;
//! no string is copied.

use super::generated as wire;
use crate::error::Error;
use crate::operation::{Insert, InsertMode, ParamStyle, Params, Statement};
use crate::value::Value;

/// Which insert ids a value may ask for with `insert_id_of_step`.
#[derive(Clone, Copy)]
pub(super) enum InsertIds {
    /// None: the request is no batch.
    Refused,
    /// Those of the steps before the one of this number.
    OfStepsBefore(usize),
}

pub(super) fn statement(
    statement: Option<wire::Statement>,
    ids: InsertIds,
) -> Result<Statement, Error> {
    let missing = "the request has no statement; set its field `statement`, with `sql` in it";
    let statement = statement.ok_or_else(|| Error::invalid(missing))?;
    let params = match (statement.params, statement.named_params) {
        (None, None) => Params::Absent,
        (Some(values), None) => positional(values, ids)?,
        (None, Some(values)) => named(values, ids)?,
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

/// A list of parameters.
pub(super) fn positional(values: Vec<wire::Value>, ids: InsertIds) -> Result<Params, Error> {
    Ok(Params::Positional(self::values(values, ids)?))
}

/// Parameters with names.
pub(super) fn named(
    values: impl IntoIterator<Item = (String, wire::Value)>,
    ids: InsertIds,
) -> Result<Params, Error> {
    let values = values.into_iter();
    let values = values.map(|(name, given)| Ok((name, value(given, ids)?)));
    Ok(Params::Named(values.collect::<Result<_, Error>>()?))
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
    let rows = request.rows.unwrap_or_default().into_iter();
    let rows = rows.map(|row| values(row, InsertIds::Refused));
    Ok(Insert {
        database: request.database,
        table: request.table.unwrap_or_default(),
        columns: request.columns.unwrap_or_default(),
        rows: rows.collect::<Result<_, Error>>()?,
        mode,
    })
}

fn values(values: Vec<wire::Value>, ids: InsertIds) -> Result<Vec<Value>, Error> {
    values.into_iter().map(|given| value(given, ids)).collect()
}

fn value(given: wire::Value, ids: InsertIds) -> Result<Value, Error> {
    Ok(match given {
        wire::Value::IsNull(_) => Value::Null,
        wire::Value::Boolean(value) => Value::Bool(value),
        wire::Value::Int64(value) => Value::Int(value),
        wire::Value::Uint64(bits) => Value::UInt(bits.cast_unsigned()),
        wire::Value::Float64(value) => Value::Double(value.0),
        wire::Value::Decimal(text) => Value::Decimal(text),
        wire::Value::Text(text) => Value::Text(text),
        wire::Value::Bytes(bytes) => Value::Bytes(bytes),
        wire::Value::Temporal(text) => Value::Temporal(text),
        wire::Value::InsertIdOfStep(step) => Value::InsertIdOf(ids.checked(step)?),
        wire::Value::Items(items) => {
            let items = items.into_iter().map(|item| value(*item, ids));
            Value::List(items.collect::<Result<_, Error>>()?)
        }
    })
}

impl InsertIds {
    fn checked(self, step: i32) -> Result<usize, Error> {
        let before = match self {
            InsertIds::Refused => {
                let message = "insert_id_of_step is of use in a batch only; send the statements \
                               as the steps of one `batch`, or the id itself as int64";
                return Err(Error::invalid(message));
            }
            InsertIds::OfStepsBefore(number) => number,
        };
        let earlier = usize::try_from(step).ok().filter(|&step| step < before);
        earlier.ok_or_else(|| {
            let which = match before {
                0 => "and there is none before step 0".to_owned(),
                _ => format!("from 0 to {}", before - 1),
            };
            Error::invalid(format!(
                "insert_id_of_step is {step}; it must be the number of an earlier step, {which}"
            ))
        })
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
        Value::InsertIdOf(step) => wire::Value::InsertIdOfStep(clamp_i32(step)),
        Value::List(items) => {
            let items = items.into_iter().map(|item| Box::new(to_wire(item)));
            wire::Value::Items(items.collect())
        }
    }
}

/// As large as the wire's number gets.
pub(super) fn clamp_i32(number: impl TryInto<i32>) -> i32 {
    number.try_into().unwrap_or(i32::MAX)
}

/// As large as the wire's number gets.
pub(super) fn clamp_i64(number: impl TryInto<i64>) -> i64 {
    number.try_into().unwrap_or(i64::MAX)
}
