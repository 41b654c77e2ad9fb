//! From MySQL's text rows to columns, chosen once for each column by its
//! metadata and then filled value by value.

use std::str;

use mysql::Value;
use mysql::consts::{ColumnFlags, ColumnType};

use crate::backend::{too_many_bytes, too_many_rows};
use crate::error::{Error, ErrorKind, Phase, Result};
use crate::operation::Limits;
use crate::value::{Column, ColumnData, Rows};

/// MySQL's number of the `binary` collation: the column holds bytes, not text.
const BINARY: u16 = 63;

pub(super) struct ColumnsBuilder {
    columns: Vec<ColumnBuilder>,
    row_count: usize,
    bytes: usize,
    rows_max: usize,
    bytes_max: usize,
}

struct ColumnBuilder {
    column: Column,
    unsigned: bool,
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
    pub(super) fn new(columns: &[mysql::Column], limits: &Limits) -> ColumnsBuilder {
        ColumnsBuilder {
            columns: columns.iter().map(ColumnBuilder::new).collect(),
            row_count: 0,
            bytes: 0,
            rows_max: limits.result_max_rows,
            bytes_max: limits.result_max_bytes,
        }
    }

    /// Adds a row, or says which limit it is over.
    pub(super) fn push(&mut self, row: Vec<Value>) -> Result<()> {
        if self.row_count == self.rows_max {
            return Err(too_many_rows(self.rows_max));
        }
        for (column, value) in self.columns.iter_mut().zip(row) {
            self.bytes += column.push(value, self.row_count)?;
        }
        self.row_count += 1;
        if self.bytes > self.bytes_max {
            return Err(too_many_bytes(self.bytes_max, self.bytes));
        }
        Ok(())
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
    fn new(column: &mysql::Column) -> ColumnBuilder {
        let flags = column.flags();
        ColumnBuilder {
            column: Column {
                name: column.name_str().into_owned(),
                column_type: column.column_type() as u8,
                flags: flags.bits(),
                collation: column.character_set(),
                decimals: column.decimals(),
                length: column.column_length(),
                nulls: Vec::new(),
                data: empty_data(column),
            },
            unsigned: flags.contains(ColumnFlags::UNSIGNED_FLAG),
        }
    }

    /// Adds a value and says how many bytes it takes in a reply.
    fn push(&mut self, value: Value, row: usize) -> Result<usize> {
        let bytes = match value {
            Value::Bytes(bytes) => bytes,
            Value::NULL => return Ok(self.column.push_null(row)),
            // The text protocol has no others.
            other => other.as_sql(true).into_bytes(),
        };
        let length = bytes.len();
        let size = match &mut self.column.data {
            ColumnData::Int64s(values) => match parse_int(&bytes) {
                Some(value) => {
                    values.push(value);
                    Some(size_of::<i64>())
                }
                None if self.unsigned => {
                    self.widen_to_strings();
                    return self.push(Value::Bytes(bytes), row);
                }
                None => None,
            },
            ColumnData::Doubles(values) => parse_double(&bytes).map(|value| {
                values.push(value);
                size_of::<f64>()
            }),
            ColumnData::Strings(values) => String::from_utf8(bytes).ok().map(|text| {
                values.push(text);
                ColumnData::size_of_bytes(length)
            }),
            ColumnData::Blobs(values) => {
                values.push(bytes);
                Some(ColumnData::size_of_bytes(length))
            }
        };
        size.ok_or_else(|| self.unreadable(row))
    }

    /// A BIGINT UNSIGNED over 2^63-1 has turned up: its column travels as text.
    fn widen_to_strings(&mut self) {
        let ColumnData::Int64s(values) = &self.column.data else {
            return;
        };
        let text = |(row, value): (usize, &i64)| {
            if self.column.is_null(row) {
                String::new()
            } else {
                value.to_string()
            }
        };
        let strings = values.iter().enumerate().map(text).collect();
        self.column.data = ColumnData::Strings(strings);
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
        MYSQL_TYPE_BIT | MYSQL_TYPE_GEOMETRY | MYSQL_TYPE_VECTOR => ColumnData::Blobs(Vec::new()),
        other if is_text_or_bytes(other) && column.character_set() == BINARY => {
            ColumnData::Blobs(Vec::new())
        }
        // DECIMAL, dates and times, ENUM, SET, JSON and NULL have a text form
        // whatever their collation says.
        _ => ColumnData::Strings(Vec::new()),
    }
}

fn parse_double(text: &[u8]) -> Option<f64> {
    str::from_utf8(text).ok()?.parse().ok()
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
