//! From MySQL's rows to columns, chosen once for each column by its metadata and
//! then filled value by value. Both protocols come to the same.

use std::borrow::Cow;
use std::str;
use std::sync::Arc;

use mysql::Value;
use mysql::consts::{ColumnFlags, ColumnType};

use super::binary;
use crate::backend::too_many_rows;
use crate::budget::Budget;
use crate::error::{Error, ErrorKind, Phase, Result};
use crate::operation::Limits;
use crate::value::{Column, ColumnData, Packed, Rows};

/// MySQL's number of the `binary` collation: the column holds bytes, not text.
const BINARY: u16 = 63;

/// What a column takes in a reply and in memory, its names and values apart.
const COLUMN_BYTES: usize = 72;

/// What one answer takes of its request's limits.
pub(super) struct Account {
    budget: Arc<Budget>,
    /// Of the budget.
    taken: usize,
    rows: usize,
    rows_max: usize,
}

pub(super) struct ColumnsBuilder {
    columns: Vec<ColumnBuilder>,
    row_count: usize,
}

struct ColumnBuilder {
    column: Column,
    column_type: ColumnType,
    unsigned: bool,
}

impl Account {
    pub(super) fn new(limits: &Limits) -> Account {
        Account {
            budget: limits.budget.clone(),
            taken: 0,
            rows: 0,
            rows_max: limits.result_max_rows,
        }
    }

    /// RESULT_TOO_LARGE if there are no more; then nothing was taken.
    fn take(&mut self, bytes: usize) -> Result<()> {
        self.budget.take(bytes)?;
        self.taken += bytes;
        Ok(())
    }

    fn give_back(&mut self, bytes: usize) {
        self.budget.give_back(bytes);
        self.taken -= bytes;
    }

    fn count_row(&mut self) -> Result<()> {
        if self.rows == self.rows_max {
            return Err(too_many_rows(self.rows_max));
        }
        self.rows += 1;
        Ok(())
    }

    /// Bytes of the budget.
    pub(super) fn taken(&self) -> usize {
        self.taken
    }

    /// The rows are of no use: others may have their place.
    pub(super) fn give_up(&mut self) {
        self.give_back(self.taken);
    }
}

/// The collation that the server says of text which it sends in the session's
/// own character set; none if it says other things of other columns.
pub(super) fn text_collation(columns: &[mysql::Column]) -> Option<u16> {
    let mut seen = columns
        .iter()
        .filter(|column| is_text(column))
        .map(mysql::Column::character_set);
    let first = seen.next()?;
    seen.all(|other| other == first).then_some(first)
}

/// Whether a text comes in another character set than the session was given.
pub(super) fn strays_from(columns: &[mysql::Column], collation: Option<u16>) -> bool {
    collation.is_some_and(|expected| {
        columns
            .iter()
            .any(|column| is_text(column) && column.character_set() != expected)
    })
}

fn is_text(column: &mysql::Column) -> bool {
    is_text_or_bytes(column.column_type()) && column.character_set() != BINARY
}

/// Types that hold either, as their collation says.
fn is_text_or_bytes(column_type: ColumnType) -> bool {
    use ColumnType::*;
    matches!(
        column_type,
        MYSQL_TYPE_STRING
            | MYSQL_TYPE_VAR_STRING
            | MYSQL_TYPE_VARCHAR
            | MYSQL_TYPE_TINY_BLOB
            | MYSQL_TYPE_BLOB
            | MYSQL_TYPE_MEDIUM_BLOB
            | MYSQL_TYPE_LONG_BLOB
    )
}

impl ColumnsBuilder {
    /// RESULT_TOO_LARGE if not even their names have a place.
    pub(super) fn new(columns: &[mysql::Column], account: &mut Account) -> Result<ColumnsBuilder> {
        let bytes = |column: &mysql::Column| {
            column.name_ref().len() + column.table_ref().len() + COLUMN_BYTES
        };
        account.take(columns.iter().map(bytes).sum())?;
        let mut table: Arc<str> = Arc::default();
        let builder = |column: &mysql::Column| {
            // Most often it is the one of the column before.
            if column.table_ref() != table.as_bytes() {
                table = column.table_str().into();
            }
            ColumnBuilder::new(column, table.clone())
        };
        Ok(ColumnsBuilder {
            columns: columns.iter().map(builder).collect(),
            row_count: 0,
        })
    }

    /// Adds a row, or says which limit it is over.
    pub(super) fn push(&mut self, row: Vec<Value>, account: &mut Account) -> Result<()> {
        account.count_row()?;
        let mut bytes = 0;
        for (column, value) in self.columns.iter_mut().zip(row) {
            if column.is_over_int64(&value) {
                column.widen_to_strings(account)?;
            }
            bytes += column.push(value, self.row_count)?;
        }
        self.row_count += 1;
        account.take(bytes)
    }

    pub(super) fn finish(self) -> Rows {
        let row_count = self.row_count;
        let finish = |mut builder: ColumnBuilder| {
            builder.column.finish(row_count);
            builder.column
        };
        Rows {
            row_count,
            columns: self.columns.into_iter().map(finish).collect(),
        }
    }
}

impl ColumnBuilder {
    fn new(column: &mysql::Column, table: Arc<str>) -> ColumnBuilder {
        let flags = column.flags();
        ColumnBuilder {
            column: Column {
                name: column.name_str().into_owned(),
                table,
                column_type: column.column_type() as u8,
                flags: flags.bits(),
                collation: column.character_set(),
                decimals: column.decimals(),
                length: column.column_length(),
                nulls: Vec::new(),
                data: empty_data(column),
            },
            column_type: column.column_type(),
            unsigned: flags.contains(ColumnFlags::UNSIGNED_FLAG),
        }
    }

    /// Adds a value and says how many bytes it takes in a reply.
    fn push(&mut self, value: Value, row: usize) -> Result<usize> {
        if value == Value::NULL {
            return Ok(self.column.push_null(row));
        }
        let decimals = self.column.decimals;
        let size = match &mut self.column.data {
            ColumnData::Int64s(values) => int64(&value).map(|value| {
                values.push(value);
                size_of::<i64>()
            }),
            ColumnData::Doubles(values) => double(&value, decimals).map(|value| {
                values.push(value);
                size_of::<f64>()
            }),
            ColumnData::Strings(values) => text(&value, self.column_type, decimals)
                .map(|text| push_bytes(values, text.as_bytes())),
            ColumnData::Blobs(values) => match &value {
                Value::Bytes(bytes) => Some(push_bytes(values, bytes)),
                _ => None,
            },
        };
        size.ok_or_else(|| self.unreadable(row))
    }

    fn is_over_int64(&self, value: &Value) -> bool {
        self.unsigned
            && matches!(self.column.data, ColumnData::Int64s(_))
            && *value != Value::NULL
            && int64(value).is_none()
    }

    /// A BIGINT UNSIGNED over 2^63-1 has turned up: its column travels as text.
    fn widen_to_strings(&mut self, account: &mut Account) -> Result<()> {
        let ColumnData::Int64s(values) = &self.column.data else {
            return Ok(());
        };
        let text = |(row, value): (usize, &i64)| match self.column.is_null(row) {
            true => String::new(),
            false => value.to_string(),
        };
        let texts = || values.iter().enumerate().map(text);
        let needed: usize = texts()
            .map(|text| ColumnData::size_of_bytes(text.len()))
            .sum();
        let freed = size_of_val(values.as_slice());
        match needed.checked_sub(freed) {
            Some(more) => account.take(more)?,
            None => account.give_back(freed - needed),
        }
        self.column.data = ColumnData::Strings(texts().collect());
        Ok(())
    }

    fn unreadable(&self, row: usize) -> Error {
        let (what, remedy) = match self.column.data {
            ColumnData::Strings(_) => ("UTF-8 text", "CAST it AS BINARY to read its bytes"),
            _ => ("a number", "CAST it AS CHAR to read what it is"),
        };
        let name = &self.column.name;
        let message = format!("column `{name}`, row {row}: the value is not {what}; {remedy}");
        Error::new(ErrorKind::DataError, message).with_phase(Phase::Fetch)
    }
}

/// The vector that a column's values travel in.
fn empty_data(column: &mysql::Column) -> ColumnData {
    use ColumnType::*;
    match column.column_type() {
        MYSQL_TYPE_TINY | MYSQL_TYPE_SHORT | MYSQL_TYPE_INT24 | MYSQL_TYPE_LONG
        | MYSQL_TYPE_LONGLONG | MYSQL_TYPE_YEAR => ColumnData::Int64s(Vec::new()),
        MYSQL_TYPE_FLOAT | MYSQL_TYPE_DOUBLE => ColumnData::Doubles(Vec::new()),
        MYSQL_TYPE_BIT | MYSQL_TYPE_GEOMETRY | MYSQL_TYPE_VECTOR => {
            ColumnData::Blobs(Packed::default())
        }
        other if is_text_or_bytes(other) && column.character_set() == BINARY => {
            ColumnData::Blobs(Packed::default())
        }
        // DECIMAL, dates and times, ENUM, SET, JSON and NULL have a text form
        // whatever their collation says.
        _ => ColumnData::Strings(Packed::default()),
    }
}

fn push_bytes(values: &mut Packed, bytes: &[u8]) -> usize {
    values.push(bytes);
    ColumnData::size_of_bytes(bytes.len())
}

fn int64(value: &Value) -> Option<i64> {
    match value {
        Value::Bytes(text) => parse_int(text),
        Value::Int(value) => Some(*value),
        Value::UInt(value) => i64::try_from(*value).ok(),
        _ => None,
    }
}

fn double(value: &Value, decimals: u8) -> Option<f64> {
    match value {
        Value::Bytes(text) => str::from_utf8(text).ok()?.parse().ok(),
        Value::Float(value) => binary::float(*value, decimals),
        Value::Double(value) => binary::double(*value, decimals),
        _ => None,
    }
}

fn text(value: &Value, column_type: ColumnType, decimals: u8) -> Option<Cow<'_, str>> {
    match value {
        // Of a column that was widened; ZEROFILL writes zeros before the digits.
        Value::Bytes(digits) if column_type == ColumnType::MYSQL_TYPE_LONGLONG => {
            let number: u64 = str::from_utf8(digits).ok()?.parse().ok()?;
            Some(number.to_string().into())
        }
        Value::Bytes(bytes) => str::from_utf8(bytes).ok().map(Cow::Borrowed),
        Value::Int(value) => Some(value.to_string().into()),
        Value::UInt(value) => Some(value.to_string().into()),
        other => binary::temporal(other, column_type, decimals).map(Cow::Owned),
    }
}

/// MySQL's decimal digits; `None` also if they do not fit.
fn parse_int(text: &[u8]) -> Option<i64> {
    let (negative, digits) = match text {
        [b'-', digits @ ..] => (true, digits),
        digits => (false, digits),
    };
    if digits.is_empty() {
        return None;
    }
    // Downwards, since there is one more negative number than positive ones.
    let mut value: i64 = 0;
    for digit in digits {
        let digit = digit.wrapping_sub(b'0');
        if digit > 9 {
            return None;
        }
        value = value.checked_mul(10)?.checked_sub(i64::from(digit))?;
    }
    if negative {
        Some(value)
    } else {
        value.checked_neg()
    }
}

#[cfg(test)]
mod tests {
    use super::parse_int;

    #[test]
    fn integers_parse_to_their_edges() {
        let cases: [(&str, Option<i64>); 9] = [
            ("0", Some(0)),
            ("-1", Some(-1)),
            ("9223372036854775807", Some(i64::MAX)),
            ("-9223372036854775808", Some(i64::MIN)),
            ("9223372036854775808", None),
            ("-9223372036854775809", None),
            ("007", Some(7)),
            ("", None),
            ("1.5", None),
        ];
        for (text, expected) in cases {
            assert_eq!(parse_int(text.as_bytes()), expected, "{text}");
        }
    }
}
