//! Rows on stdout, in the format that was asked for.

use std::fmt::Write as _;
use std::io::{self, Write};

use comfy_table::{Cell, CellAlignment, Table, presets};

use super::Failure;
use super::args::Format;
use crate::rpc::Executed;
use crate::value::{Column, ColumnData, Rows};

/// What a statement brought on one shard, as far as it is printed.
#[derive(Debug)]
pub(super) struct Answer {
    /// None: the statement has no result set.
    pub rows: Option<Rows>,
    pub affected_rows: i64,
    /// 0: there is none.
    pub insert_id: u64,
}

impl From<Executed> for Answer {
    fn from(executed: Executed) -> Answer {
        Answer {
            rows: executed.rows,
            affected_rows: executed.affected_rows,
            insert_id: executed.insert_id,
        }
    }
}

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

/// The rows, or the counts where there are none, in the format asked for, with a
/// newline at their end.
pub(super) fn format_answer(answer: &Answer, format: Format) -> Vec<u8> {
    let text = match format {
        Format::Table => match (&answer.rows, answer.insert_id) {
            (Some(rows), _) => format_table(rows),
            (None, 0) => format!("affected rows: {}\n", answer.affected_rows),
            (None, id) => format!("affected rows: {}, insert id: {id}\n", answer.affected_rows),
        },
        // Counts are one line: they have two numbers.
        Format::Json if answer.rows.is_none() => format!("{}\n", json(answer)),
        Format::Json => format!("{:#}\n", json(answer)),
        Format::Csv => {
            let names = csv_names(answer).into_iter().map(str::to_owned).collect();
            return write_csv(std::iter::once(names).chain(csv_records(answer)));
        }
    };
    text.into_bytes()
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

/// An array of rows, or an object of counts.
pub(super) fn json(answer: &Answer) -> serde_json::Value {
    match &answer.rows {
        Some(rows) => json_rows(rows),
        None => serde_json::json!({
            "affected_rows": answer.affected_rows,
            "insert_id": answer.insert_id,
        }),
    }
}

/// Columns of the same name would hide one another in an object: the later ones
/// get their number.
fn json_rows(rows: &Rows) -> serde_json::Value {
    let names = distinct_names(rows);
    let object = |row: usize| {
        let fields = names.iter().zip(&rows.columns);
        let fields = fields.map(|(name, column)| (name.clone(), json_value(column, row)));
        serde_json::Value::Object(fields.collect())
    };
    serde_json::Value::Array((0..rows.row_count).map(object).collect())
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

fn json_value(column: &Column, row: usize) -> serde_json::Value {
    if column.is_null(row) {
        return serde_json::Value::Null;
    }
    match &column.data {
        ColumnData::Int64s(values) => values.get(row).copied().into(),
        ColumnData::Doubles(values) => values.get(row).copied().into(),
        _ => text(column, row).into(),
    }
}

/// The names of an answer's columns in CSV.
pub(super) fn csv_names(answer: &Answer) -> Vec<&str> {
    match &answer.rows {
        Some(rows) => rows.columns.iter().map(|c| c.name.as_str()).collect(),
        None => vec!["affected_rows", "insert_id"],
    }
}

/// The lines of an answer in CSV, without that of the names.
pub(super) fn csv_records(answer: &Answer) -> impl Iterator<Item = Vec<String>> {
    let count = answer.rows.as_ref().map_or(1, |rows| rows.row_count);
    (0..count).map(|row| match &answer.rows {
        Some(rows) => {
            let fields = rows.columns.iter();
            let fields = fields.map(|column| text(column, row).unwrap_or_default());
            fields.collect()
        }
        None => vec![
            answer.affected_rows.to_string(),
            answer.insert_id.to_string(),
        ],
    })
}

/// RFC 4180.
pub(super) fn write_csv(lines: impl Iterator<Item = Vec<String>>) -> Vec<u8> {
    let mut writer = csv::WriterBuilder::new()
        .terminator(csv::Terminator::CRLF)
        .from_writer(Vec::new());
    for line in lines {
        // Writing to memory does not fail.
        let _ = writer.write_record(line);
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
        ColumnData::Strings(values) => values.get_str(row).map(str::to_owned),
        ColumnData::Blobs(values) => values.get(row).map(hex),
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold("0x".to_owned(), |mut text, byte| {
        // Writing to a string does not fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}
