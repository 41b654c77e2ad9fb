//! From SQLite's rows, whose values each have their own type, to columns that
//! have one.

use rusqlite::Statement;
use rusqlite::types::ValueRef;

use super::errors::Failure;
use crate::backend::{too_many_bytes, too_many_rows};
use crate::error::{Error, ErrorKind, Phase};
use crate::operation::Limits;
use crate::value::{Column, ColumnData, Rows};

/// MySQL's numbers of the types that SQLite's values have.
const DOUBLE: u8 = 5;
const NULL: u8 = 6;
const LONGLONG: u8 = 8;
const BLOB: u8 = 252;
const VAR_STRING: u8 = 253;

/// Integers up to here are exact as doubles.
const EXACT_AS_DOUBLE: u64 = 1 << 53;

/// A value taken out of a row.
enum Cell {
    Null,
    Integer(i64),
    Real(f64),
    Text(String),
    Blob(Vec<u8>),
}

/// Steps a bound statement to its end.
pub(super) fn read(statement: &mut Statement<'_>, limits: &Limits) -> Result<Rows, Failure> {
    let names: Vec<String> = statement.column_names().map(str::to_owned).collect();
    let mut columns: Vec<Vec<Cell>> = names.iter().map(|_| Vec::new()).collect();
    let mut row_count = 0;
    let mut bytes = 0;
    let mut rows = statement.raw_query();
    while let Some(row) = rows.next()? {
        if row_count == limits.result_max_rows {
            return Err(too_many_rows(limits.result_max_rows).into());
        }
        for (index, cells) in columns.iter_mut().enumerate() {
            let cell = take(row.get_ref(index)?, &names[index], row_count)?;
            bytes += cell.size();
            cells.push(cell);
        }
        row_count += 1;
        if bytes > limits.result_max_bytes {
            return Err(too_many_bytes(limits.result_max_bytes, bytes).into());
        }
    }
    let columns = names
        .into_iter()
        .zip(columns)
        .map(|(name, cells)| to_column(name, cells))
        .collect();
    Ok(Rows { row_count, columns })
}

fn take(value: ValueRef<'_>, name: &str, row: usize) -> Result<Cell, Error> {
    Ok(match value {
        ValueRef::Null => Cell::Null,
        ValueRef::Integer(value) => Cell::Integer(value),
        ValueRef::Real(value) => Cell::Real(value),
        ValueRef::Text(bytes) => match String::from_utf8(bytes.to_vec()) {
            Ok(text) => Cell::Text(text),
            Err(_) => {
                let message = format!(
                    "column `{name}`, row {row}: the value is not UTF-8 text; \
                     CAST it AS BLOB to read its bytes"
                );
                return Err(Error::new(ErrorKind::DataError, message).with_phase(Phase::Fetch));
            }
        },
        ValueRef::Blob(bytes) => Cell::Blob(bytes.to_vec()),
    })
}

impl Cell {
    fn size(&self) -> usize {
        match self {
            Cell::Null | Cell::Integer(_) | Cell::Real(_) => size_of::<i64>(),
            Cell::Text(text) => ColumnData::size_of_bytes(text.len()),
            Cell::Blob(bytes) => ColumnData::size_of_bytes(bytes.len()),
        }
    }

    fn into_text(self) -> String {
        match self {
            Cell::Null => String::new(),
            Cell::Integer(value) => value.to_string(),
            Cell::Real(value) => format!("{value:?}"),
            Cell::Text(text) => text,
            Cell::Blob(bytes) => String::from_utf8_lossy(&bytes).into_owned(),
        }
    }

    fn into_bytes(self) -> Vec<u8> {
        match self {
            Cell::Blob(bytes) => bytes,
            other => other.into_text().into_bytes(),
        }
    }
}

/// The narrowest vector that holds every value without loss.
fn column_type(cells: &[Cell]) -> u8 {
    let has = |test: fn(&Cell) -> bool| cells.iter().any(test);
    let exact = |cell: &Cell| match cell {
        Cell::Integer(value) => value.unsigned_abs() <= EXACT_AS_DOUBLE,
        _ => true,
    };
    if has(|cell| matches!(cell, Cell::Blob(_))) {
        BLOB
    } else if has(|cell| matches!(cell, Cell::Text(_))) {
        VAR_STRING
    } else if has(|cell| matches!(cell, Cell::Real(_))) {
        if cells.iter().all(exact) {
            DOUBLE
        } else {
            VAR_STRING
        }
    } else if has(|cell| matches!(cell, Cell::Integer(_))) {
        LONGLONG
    } else {
        NULL
    }
}

fn to_column(name: String, cells: Vec<Cell>) -> Column {
    let row_count = cells.len();
    let column_type = column_type(&cells);
    let mut column = Column {
        name,
        column_type,
        flags: 0,
        collation: 0,
        decimals: 0,
        length: 0,
        nulls: Vec::new(),
        data: match column_type {
            LONGLONG => ColumnData::Int64s(Vec::with_capacity(row_count)),
            DOUBLE => ColumnData::Doubles(Vec::with_capacity(row_count)),
            BLOB => ColumnData::Blobs(Vec::with_capacity(row_count)),
            _ => ColumnData::Strings(Vec::with_capacity(row_count)),
        },
    };
    for (row, cell) in cells.into_iter().enumerate() {
        if matches!(cell, Cell::Null) {
            column.push_null(row);
            continue;
        }
        match (&mut column.data, cell) {
            (ColumnData::Int64s(values), Cell::Integer(value)) => values.push(value),
            (ColumnData::Doubles(values), Cell::Real(value)) => values.push(value),
            (ColumnData::Doubles(values), Cell::Integer(value)) => values.push(value as f64),
            (ColumnData::Blobs(values), cell) => values.push(cell.into_bytes()),
            (ColumnData::Strings(values), cell) => values.push(cell.into_text()),
            // `column_type` has seen every cell: no other pair comes up.
            (ColumnData::Int64s(_) | ColumnData::Doubles(_), _) => {}
        }
    }
    column.finish(row_count);
    column
}
