//! From SQLite's rows, whose values each have their own type, to columns that
//! have one: the narrowest that holds every value without loss. A column begins
//! with the type of its first value, and is widened when another asks for more.

use std::sync::Arc;

use rusqlite::Statement;
use rusqlite::types::ValueRef;

use super::errors::Failure;
use crate::backend::too_many_rows;
use crate::budget::Budget;
use crate::error::{Error, ErrorKind, Phase, Result};
use crate::operation::Limits;
use crate::value::{Column, ColumnData, Packed, Rows};

/// MySQL's numbers of the types that SQLite's values have.
const DOUBLE: u8 = 5;
const NULL: u8 = 6;
const LONGLONG: u8 = 8;
const BLOB: u8 = 252;
const VAR_STRING: u8 = 253;

/// Integers up to here are exact as doubles.
const EXACT_AS_DOUBLE: u64 = 1 << 53;

/// The budget is asked for in steps of so many bytes, not for every value.
const STEP_BYTES: usize = 4 << 10;

/// Rows, and the bytes of the budget that they hold.
#[derive(Debug, Default)]
pub(super) struct Counted {
    pub(super) rows: Rows,
    pub(super) taken: usize,
}

/// Steps a bound statement to its end. What was taken of the budget is given back
/// with an error.
pub(super) fn read(statement: &mut Statement<'_>, limits: &Limits) -> Result<Counted, Failure> {
    let mut columns = ColumnsBuilder::new(statement, limits);
    let mut rows = statement.raw_query();
    while let Some(row) = rows.next()? {
        columns.begin_row(limits.result_max_rows)?;
        for index in 0..columns.columns.len() {
            columns.push(index, row.get_ref(index)?)?;
        }
        columns.row_count += 1;
    }
    Ok(columns.finish())
}

struct ColumnsBuilder {
    columns: Vec<ColumnBuilder>,
    row_count: usize,
    budget: Arc<Budget>,
    /// Of the budget: at least what the columns hold, between two values.
    taken: usize,
    /// Bytes that the columns hold.
    used: usize,
}

impl ColumnsBuilder {
    fn new(statement: &Statement<'_>, limits: &Limits) -> ColumnsBuilder {
        let names = statement.column_names();
        ColumnsBuilder {
            columns: names.map(ColumnBuilder::new).collect(),
            row_count: 0,
            budget: limits.budget.clone(),
            taken: 0,
            used: 0,
        }
    }

    fn begin_row(&self, rows_max: usize) -> Result<()> {
        match self.row_count == rows_max {
            true => Err(too_many_rows(rows_max)),
            false => Ok(()),
        }
    }

    fn push(&mut self, index: usize, value: ValueRef<'_>) -> Result<()> {
        // Before a long value is copied.
        self.reserve(size_of_value(value))?;
        let column = &mut self.columns[index];
        let before = column.size;
        column.push(value, self.row_count)?;
        self.used = self.used - before + column.size;
        self.reserve(0)
    }

    /// Makes sure that `more` bytes beside those in use are taken.
    fn reserve(&mut self, more: usize) -> Result<()> {
        let wanted = (self.used + more).saturating_sub(self.taken);
        if wanted == 0 {
            return Ok(());
        }
        let ahead = wanted.max(STEP_BYTES);
        let granted = match self.budget.take(ahead) {
            Ok(()) => ahead,
            Err(_) => self.budget.take(wanted).map(|()| wanted)?,
        };
        self.taken += granted;
        Ok(())
    }

    /// From here on the rows' owner has what they took of the budget: all but the
    /// bitmaps of NULLs, which count for nothing.
    fn finish(mut self) -> Counted {
        let row_count = self.row_count;
        let builders = std::mem::take(&mut self.columns);
        let columns = builders.into_iter().map(|builder| {
            let mut column = builder.column;
            column.finish(row_count);
            column
        });
        self.taken -= self.used;
        Counted {
            rows: Rows {
                row_count,
                columns: columns.collect(),
            },
            taken: self.used,
        }
    }
}

impl Drop for ColumnsBuilder {
    fn drop(&mut self) {
        self.budget.give_back(self.taken);
    }
}

fn size_of_value(value: ValueRef<'_>) -> usize {
    match value {
        ValueRef::Text(bytes) | ValueRef::Blob(bytes) => ColumnData::size_of_bytes(bytes.len()),
        ValueRef::Null | ValueRef::Integer(_) | ValueRef::Real(_) => size_of::<i64>(),
    }
}

struct ColumnBuilder {
    column: Column,
    /// Bytes of the column's data.
    size: usize,
    /// Some integer would lose digits as a double.
    inexact: bool,
    /// Of doubles, which rows were integers: a bitmap as the NULLs' one.
    integers: Vec<u8>,
}

impl ColumnBuilder {
    fn new(name: &str) -> ColumnBuilder {
        ColumnBuilder {
            column: Column {
                name: name.to_owned(),
                // SQLite tells of a table's name, not of its alias.
                table: Arc::default(),
                column_type: NULL,
                flags: 0,
                collation: 0,
                decimals: 0,
                length: 0,
                nulls: Vec::new(),
                data: ColumnData::Strings(Packed::default()),
            },
            size: 0,
            inexact: false,
            integers: Vec::new(),
        }
    }

    fn push(&mut self, value: ValueRef<'_>, row: usize) -> Result<()> {
        match value {
            ValueRef::Null => self.size += self.column.push_null(row),
            ValueRef::Integer(value) => self.push_integer(value, row),
            ValueRef::Real(value) => self.push_real(value, row),
            ValueRef::Text(bytes) => {
                if str::from_utf8(bytes).is_err() {
                    return Err(self.not_text(row));
                }
                if self.column.column_type != BLOB {
                    self.widen_to_strings();
                }
                self.push_bytes(bytes);
            }
            ValueRef::Blob(bytes) => {
                self.widen_to_blobs();
                self.push_bytes(bytes);
            }
        }
        Ok(())
    }

    fn push_integer(&mut self, value: i64, row: usize) {
        let exact = value.unsigned_abs() <= EXACT_AS_DOUBLE;
        if self.column.column_type == NULL {
            self.retype(LONGLONG, ColumnData::Int64s(vec![0; row]));
        }
        match &mut self.column.data {
            ColumnData::Int64s(values) => {
                values.push(value);
                self.inexact |= !exact;
                self.size += size_of::<i64>();
            }
            ColumnData::Doubles(values) if exact => {
                values.push(value as f64);
                mark(&mut self.integers, row);
                self.size += size_of::<f64>();
            }
            _ => {
                if self.column.column_type != BLOB {
                    self.widen_to_strings();
                }
                self.push_bytes(value.to_string().as_bytes());
            }
        }
    }

    fn push_real(&mut self, value: f64, row: usize) {
        match &self.column.data {
            _ if self.column.column_type == NULL => {
                self.retype(DOUBLE, ColumnData::Doubles(vec![0.0; row]));
            }
            ColumnData::Int64s(_) if self.inexact => self.widen_to_strings(),
            ColumnData::Int64s(values) => {
                let doubles = values.iter().map(|value| *value as f64).collect();
                (0..row).for_each(|row| mark(&mut self.integers, row));
                self.retype(DOUBLE, ColumnData::Doubles(doubles));
            }
            _ => {}
        }
        match &mut self.column.data {
            ColumnData::Doubles(values) => {
                values.push(value);
                self.size += size_of::<f64>();
            }
            _ => self.push_bytes(real_text(value).as_bytes()),
        }
    }

    /// To a column that was widened to hold it.
    fn push_bytes(&mut self, bytes: &[u8]) {
        if let ColumnData::Strings(values) | ColumnData::Blobs(values) = &mut self.column.data {
            values.push(bytes);
            self.size += ColumnData::size_of_bytes(bytes.len());
        }
    }

    fn widen_to_blobs(&mut self) {
        if self.column.column_type == BLOB {
            return;
        }
        self.widen_to_strings();
        if let ColumnData::Strings(values) = &mut self.column.data {
            let values = std::mem::take(values);
            self.retype(BLOB, ColumnData::Blobs(values));
        }
    }

    fn widen_to_strings(&mut self) {
        let column = &self.column;
        let text_of = |row: usize, text: &dyn Fn() -> String| match column.is_null(row) {
            true => String::new(),
            false => text(),
        };
        let texts: Packed = match &column.data {
            ColumnData::Int64s(values) => {
                let rows = values.iter().enumerate();
                rows.map(|(row, value)| text_of(row, &|| value.to_string()))
                    .collect()
            }
            ColumnData::Doubles(values) => {
                let text = |row, value: f64| match is_marked(&self.integers, row) {
                    true => (value as i64).to_string(),
                    false => real_text(value),
                };
                let rows = values.iter().enumerate();
                rows.map(|(row, value)| text_of(row, &|| text(row, *value)))
                    .collect()
            }
            ColumnData::Strings(_) | ColumnData::Blobs(_) => {
                self.column.column_type = VAR_STRING;
                return;
            }
        };
        self.integers = Vec::new();
        self.retype(VAR_STRING, ColumnData::Strings(texts));
    }

    fn retype(&mut self, column_type: u8, data: ColumnData) {
        self.column.column_type = column_type;
        self.size = match &data {
            ColumnData::Int64s(values) => size_of_val(values.as_slice()),
            ColumnData::Doubles(values) => size_of_val(values.as_slice()),
            ColumnData::Strings(values) | ColumnData::Blobs(values) => values
                .iter()
                .map(|item| ColumnData::size_of_bytes(item.len()))
                .sum(),
        };
        self.column.data = data;
    }

    fn not_text(&self, row: usize) -> Error {
        let name = &self.column.name;
        let message = format!(
            "column `{name}`, row {row}: the value is not UTF-8 text; \
             CAST it AS BLOB to read its bytes"
        );
        Error::new(ErrorKind::DataError, message).with_phase(Phase::Fetch)
    }
}

fn real_text(value: f64) -> String {
    format!("{value:?}")
}

fn mark(bitmap: &mut Vec<u8>, row: usize) {
    if bitmap.len() <= row / 8 {
        bitmap.resize(row / 8 + 1, 0);
    }
    bitmap[row / 8] |= 1 << (row % 8);
}

fn is_marked(bitmap: &[u8], row: usize) -> bool {
    bitmap.get(row / 8).copied().unwrap_or(0) & (1 << (row % 8)) != 0
}

#[cfg(test)]
mod tests;
