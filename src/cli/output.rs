//! Rows on stdout, in the format that was asked for.

use std::fmt::Write as _;
use std::io::{self, Write};

use comfy_table::{Cell, CellAlignment, Table, presets};

use super::Failure;
use super::args::Format;
use crate::value::{Column, ColumnData, Rows};

/// Writes to stdout; a reader that has gone is no fault.
pub(super) fn print(bytes: &[u8]) -> Result<(), Failure> {
    let mut stdout = io::stdout().lock();
    match stdout.write_all(bytes).and_then(|()| stdout.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(Failure::unavailable(
            format!("cannot write to stdout: {error}"),
        )),
        _ => Ok(()),
    }
}

/// The rows in the format asked for, with a newline at their end.
pub(super) fn format_rows(rows: &Rows, format: Format) -> Vec<u8> {
    match format {
        Format::Table => format_table(rows).into_bytes(),
        Format::Json => format_json(rows),
        Format::Csv => format_csv(rows),
    }
}

fn format_table(rows: &Rows) -> String {
    let mut table = Table::new();
    table.load_preset(presets::ASCII_MARKDOWN);
    table.set_header(rows.columns.iter().map(|column| &column.name));
    for row in 0..rows.row_count {
        table.add_row(rows.columns.iter().map(|column| {
            let text = text(column, row).unwrap_or_else(|| "NULL".to_owned());
            Cell::new(text).set_alignment(alignment(column))
        }));
    }
    let plural = if rows.row_count == 1 { "" } else { "s" };
    format!("{table}\n{} row{plural}\n", rows.row_count)
}

fn alignment(column: &Column) -> CellAlignment {
    match column.data {
        ColumnData::Int64s(_) | ColumnData::Doubles(_) => CellAlignment::Right,
        ColumnData::Strings(_) | ColumnData::Blobs(_) => CellAlignment::Left,
    }
}

/// Columns of the same name would hide one another in an object: the later ones
/// get their number.
fn format_json(rows: &Rows) -> Vec<u8> {
    let names = distinct_names(rows);
    let object = |row: usize| {
        let fields = names.iter().zip(&rows.columns);
        let fields = fields.map(|(name, column)| (name.clone(), json(column, row)));
        serde_json::Value::Object(fields.collect())
    };
    let array = serde_json::Value::Array((0..rows.row_count).map(object).collect());
    let mut text = format!("{array:#}").into_bytes();
    text.push(b'\n');
    text
}

fn distinct_names(rows: &Rows) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for (number, column) in rows.columns.iter().enumerate() {
        let taken = names.contains(&column.name);
        names.push(match taken {
            true => format!("{}#{}", column.name, number + 1),
            false => column.name.clone(),
        });
    }
    names
}

fn json(column: &Column, row: usize) -> serde_json::Value {
    if column.is_null(row) {
        return serde_json::Value::Null;
    }
    match &column.data {
        ColumnData::Int64s(values) => values.get(row).copied().into(),
        ColumnData::Doubles(values) => values.get(row).copied().into(),
        _ => text(column, row).into(),
    }
}

fn format_csv(rows: &Rows) -> Vec<u8> {
    let mut writer = csv::WriterBuilder::new()
        .terminator(csv::Terminator::CRLF)
        .from_writer(Vec::new());
    // Writing to memory does not fail.
    let _ = writer.write_record(rows.columns.iter().map(|column| &column.name));
    for row in 0..rows.row_count {
        let fields = rows.columns.iter();
        let fields = fields.map(|column| text(column, row).unwrap_or_default());
        let _ = writer.write_record(fields);
    }
    writer.into_inner().unwrap_or_default()
}

/// None is NULL; bytes are shown in hexadecimal.
fn text(column: &Column, row: usize) -> Option<String> {
    if column.is_null(row) {
        return None;
    }
    match &column.data {
        ColumnData::Int64s(values) => values.get(row).map(ToString::to_string),
        ColumnData::Doubles(values) => values.get(row).map(ToString::to_string),
        ColumnData::Strings(values) => values.get(row).cloned(),
        ColumnData::Blobs(values) => values.get(row).map(|bytes| hex(bytes)),
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold("0x".to_owned(), |mut text, byte| {
        // Writing to a string does not fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}
