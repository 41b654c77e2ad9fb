//! A statement with its values beside it: prepared once for each connection, then
//! executed.
//!
//! The driver keeps the statements that a connection has used last and closes
//! the others on the server; one that fails between PREPARE and EXECUTE stays
//! among them. A reset closes all, and the driver forgets them with it. What the
//! server does not prepare goes as escaped text instead, whose answer is the
//! truth.
//!
//! An answer is the same by either way, but for how the server describes a bare
//! `?` in the list of a SELECT: the column's name is `?`, and its length and
//! decimals are those of any value of the type.

use std::collections::HashSet;
use std::hash::{BuildHasher, RandomState};

use mysql::prelude::Queryable;

use super::binary;
use super::connection::Connection;
use super::errors;
use super::exchange;
use super::read::{Failure, Gathered, Reader};
use super::statement::Manner;
use crate::error::{ErrorKind, Result};
use crate::operation::{Answer, Limits};
use crate::sql::Prepared;
use crate::value::Value;

/// A text with more values is not prepared: the driver keeps a description of
/// each, some 200 bytes.
const VALUES_MAX: usize = 512;

/// A longer text is not prepared: driver and server keep it.
const TEXT_MAX_BYTES: usize = 64 << 10;

/// Of one text. Where a query keeps rows for a while (UNION, DISTINCT …) MariaDB
/// cuts a `?` of more than 65,535 bytes short, and says nothing; a character
/// takes up to four.
const VALUE_MAX_BYTES: usize = 65_535 / 4;

/// What a value takes in EXECUTE beside its bytes.
const VALUE_BYTES: usize = 16;

/// Texts that a connection remembers as not prepared. When it has seen more, it
/// forgets them all.
const UNPREPARABLE_MAX: usize = 256;

/// The server has lost the statement, or its tables have changed too often.
const NEEDS_REPREPARE: [u16; 2] = [1243, 1615];

/// Texts that the server does not prepare and yet runs, by their hash.
#[derive(Default)]
pub(super) struct Unpreparable {
    hashes: HashSet<u64>,
    hasher: RandomState,
}

impl Unpreparable {
    pub(super) fn remember(&mut self, text: &str) {
        if self.hashes.len() == UNPREPARABLE_MAX {
            self.hashes.clear();
        }
        self.hashes.insert(self.hasher.hash_one(text));
    }

    fn has(&self, text: &str) -> bool {
        self.hashes.contains(&self.hasher.hash_one(text))
    }
}

/// Whether to try; nothing has been sent.
pub(super) fn may_be_sent(connection: &mut Connection, prepared: &Prepared<'_>) -> bool {
    let sizes = || prepared.values.iter().map(|value| size(value));
    let bytes: usize = sizes().map(|bytes| bytes + VALUE_BYTES).sum();
    let count = prepared.values.len();
    let is_known = |known: &mut Unpreparable| known.has(&prepared.text);
    let keeps_meaning = !(prepared.binds_text() && connection.server().converts_bound_text());
    keeps_meaning
        && (1..=VALUES_MAX).contains(&count)
        && sizes().all(|bytes| bytes <= VALUE_MAX_BYTES)
        && bytes <= connection.statement_max_bytes()
        && prepared.text.len() <= TEXT_MAX_BYTES
        && !connection.unpreparable().is_none_or(is_known)
}

fn size(value: &Value) -> usize {
    match value {
        Value::Text(text) | Value::Temporal(text) => text.len(),
        _ => 0,
    }
}

/// None: it is not run, and must be sent as text.
pub(super) fn send(
    connection: &mut Connection,
    prepared: &Prepared<'_>,
    manner: &Manner,
    limits: &Limits,
) -> Result<Option<Answer>> {
    let Some(values) = prepared
        .values
        .iter()
        .map(|value| driver_value(value))
        .collect()
    else {
        return Ok(None);
    };
    let text = &prepared.text;
    let sent = exchange::run(connection, &manner.keep, limits, |session, reader| {
        execute(session, reader, text, values)
    })?;
    match sent {
        Ok(None) => {
            connection.finish_quietly();
            Ok(None)
        }
        Ok(Some(gathered)) => {
            exchange::conclude(connection, text, manner, limits, Ok(gathered)).map(Some)
        }
        Err(failure) => {
            exchange::conclude(connection, text, manner, limits, Err(failure)).map(Some)
        }
    }
}

fn execute(
    session: &mut mysql::Conn,
    reader: &mut Reader,
    text: &str,
    values: Vec<mysql::Value>,
) -> Result<Option<Gathered>, Failure> {
    let statement = match session.prep(text) {
        Ok(statement) => statement,
        Err(error) if is_refusal(&error) => return Ok(None),
        Err(error) => return Err(Failure::Unsent(error)),
    };
    let is_readable = |column: &mysql::Column| binary::is_readable(column.column_type());
    if !statement.columns().iter().all(is_readable) {
        return Ok(None);
    }
    reader.watch.check().map_err(Failure::NotBegun)?;
    let refused = match session.exec_iter(&statement, values) {
        Ok(result) => return reader.read(result).map(Some),
        Err(error) => error,
    };
    match refused {
        // The driver takes `:word` for a name in some places where MySQL does not.
        mysql::Error::DriverError(_) => Ok(None),
        mysql::Error::MySqlError(error) if NEEDS_REPREPARE.contains(&error.code) => {
            session.close(statement).map_err(Failure::Unsent)?;
            Ok(None)
        }
        error => Err(Failure::Database(error)),
    }
}

/// PREPARE was refused, or not sent, for what the statement is. What befalls a
/// transaction, or the connection, is no matter of how it is sent.
fn is_refusal(error: &mysql::Error) -> bool {
    match error {
        mysql::Error::DriverError(_) => true,
        mysql::Error::MySqlError(error) => {
            !errors::closes_connection(error.code)
                && error.code != errors::INTERRUPTED
                && !matches!(
                    errors::kind_of(error),
                    ErrorKind::Deadlock | ErrorKind::LockTimeout | ErrorKind::DeadlineExceeded
                )
        }
        _ => false,
    }
}

/// None where a `?` would not keep its type.
fn driver_value(value: &Value) -> Option<mysql::Value> {
    Some(match value {
        Value::Null => mysql::Value::NULL,
        Value::Int(number) => mysql::Value::Int(*number),
        Value::UInt(number) => mysql::Value::UInt(*number),
        Value::Double(number) => mysql::Value::Double(*number),
        Value::Text(text) | Value::Temporal(text) => mysql::Value::Bytes(text.clone().into_bytes()),
        Value::Bool(_)
        | Value::Decimal(_)
        | Value::Bytes(_)
        | Value::List(_)
        | Value::InsertIdOf(_) => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_remembered_is_bounded() {
        let mut known = Unpreparable::default();
        for number in 0..10 * UNPREPARABLE_MAX {
            known.remember(&number.to_string());
            assert!(known.has(&number.to_string()));
            assert!(known.hashes.len() <= UNPREPARABLE_MAX);
        }
        assert!(!known.has("another"));
    }
}
