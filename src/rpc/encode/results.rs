//! The results of what was run. Lists and texts that are empty are written as
//! such, since a reader makes of a missing one what its language has for nothing.

use super::error::data_error;
use super::output::{Kind, Output};
use super::reply::ItemReply;
use crate::operation::{Answer, StepOutcome, Warning};
use crate::rpc::ask::{Form, Layout};
use crate::rpc::call::Told;
use crate::rpc::generated::StepStatus;
use crate::rpc::wire::{clamp_i32, clamp_i64};
use crate::value::{Column, ColumnData, Packed, Rows};

/// Field 1 of every result.
pub(super) fn header(output: &mut impl Output, told: &Told<'_>, attempts: u32) {
    output.struct_field(1, |output| {
        output.text_field(1, told.request_id);
        output.text_field(2, told.shard);
        output.i64_field(3, told.queue_us);
        output.i64_field(4, told.execute_us);
        output.i32_field(5, clamp_i32(attempts));
    });
}

/// The fields of the result struct of that form, after its header.
pub(super) fn done(
    output: &mut impl Output,
    form: Form,
    layout: Layout,
    told: &Told<'_>,
    answer: &Answer,
) {
    match form {
        Form::Query => query(output, layout, answer),
        Form::Execute => execute(output, layout, answer),
        Form::Insert => insert(output, answer),
        Form::Batch => batch(output, layout, told, answer),
    }
}

fn query(output: &mut impl Output, layout: Layout, answer: &Answer) {
    output.struct_field(2, |output| match &answer.rows {
        Some(rows) => result_set(output, layout, rows),
        None => result_set(output, layout, &Rows::default()),
    });
    output.i32_field(3, clamp_i32(answer.warning_count));
    output.structs_field(4, &answer.warnings, warning);
}

/// All but the header, which the result of a step does not have.
fn execute(output: &mut impl Output, layout: Layout, answer: &Answer) {
    output.i64_field(2, clamp_i64(answer.affected_rows));
    output.i64_field(3, answer.insert_id.cast_signed());
    output.i32_field(4, clamp_i32(answer.warning_count));
    if let Some(rows) = &answer.rows {
        output.struct_field(5, |output| result_set(output, layout, rows));
    }
    output.structs_field(6, &answer.warnings, warning);
    output.structs_field(7, &answer.more_rows, |output, rows| {
        result_set(output, layout, rows);
    });
    output.i64_field(8, clamp_i64(answer.matched_rows));
    output.i64_field(9, clamp_i64(answer.insert_count));
}

fn insert(output: &mut impl Output, answer: &Answer) {
    output.i64_field(2, clamp_i64(answer.affected_rows));
    output.i64_field(3, answer.insert_id.cast_signed());
    output.i32_field(4, clamp_i32(answer.statements));
    output.i32_field(5, clamp_i32(answer.warning_count));
    output.structs_field(6, &answer.warnings, warning);
    output.i64_field(7, clamp_i64(answer.insert_count));
}

fn batch(output: &mut impl Output, layout: Layout, told: &Told<'_>, answer: &Answer) {
    output.structs_field(2, &answer.steps, |output, outcome| match outcome {
        StepOutcome::Done(answer) => {
            output.i32_field(1, StepStatus::DONE.0);
            output.struct_field(2, |output| execute(output, layout, answer));
        }
        StepOutcome::Failed(error) => {
            output.i32_field(1, StepStatus::FAILED.0);
            let attempts = answer.sent;
            output.struct_field(3, |output| data_error(output, error, told, attempts));
        }
        StepOutcome::Skipped => output.i32_field(1, StepStatus::SKIPPED.0),
        StepOutcome::NotRun => output.i32_field(1, StepStatus::NOT_RUN.0),
    });
    output.i32_field(3, clamp_i32(answer.attempts));
}

/// Field 2 of a MultiResult.
pub(super) fn outcomes(output: &mut impl Output, items: &[ItemReply]) {
    output.structs_field(2, items, |output, item| {
        let told = item.facts.told();
        match &item.result {
            Err(error) => output.struct_field(1, |output| {
                data_error(output, error, &told, error.sent());
            }),
            Ok(answer) => {
                let id = match item.form {
                    Form::Query => 2,
                    Form::Execute => 3,
                    Form::Insert => 4,
                    Form::Batch => 5,
                };
                output.struct_field(id, |output| {
                    header(output, &told, answer.sent);
                    done(output, item.form, item.layout, &told, answer);
                });
            }
        }
    });
}

fn warning<O: Output>(output: &mut O, warning: &Warning) {
    output.text_field(1, &warning.level);
    output.i32_field(2, clamp_i32(warning.code));
    output.text_field(3, &warning.message);
}

fn result_set(output: &mut impl Output, layout: Layout, rows: &Rows) {
    output.i64_field(1, clamp_i64(rows.row_count));
    output.structs_field(2, &rows.columns, |output, column| {
        self::column(output, column);
        match layout {
            Layout::Lists => lists(output, &column.data),
            Layout::Packed => blobs(output, &column.data),
        }
        output.text_field(17, &column.table);
    });
}

/// The fields before the column's values.
fn column(output: &mut impl Output, column: &Column) {
    output.text_field(1, &column.name);
    output.i32_field(2, i32::from(column.column_type));
    output.i32_field(3, i32::from(column.flags));
    output.i32_field(4, i32::from(column.collation));
    output.i32_field(5, i32::from(column.decimals));
    output.i64_field(6, i64::from(column.length));
    output.bytes_field(7, &column.nulls);
}

fn lists(output: &mut impl Output, data: &ColumnData) {
    match data {
        ColumnData::Int64s(values) => {
            output.list_field(8, Kind::I64, values.len());
            output.i64s(values);
        }
        ColumnData::Doubles(values) => {
            output.list_field(9, Kind::Double, values.len());
            output.doubles(values);
        }
        ColumnData::Strings(values) => list(output, 10, values),
        ColumnData::Blobs(values) => list(output, 11, values),
    }
}

fn list(output: &mut impl Output, id: i16, values: &Packed) {
    output.list_field(id, Kind::Bytes, values.len());
    for value in values.iter() {
        output.bytes(value);
    }
}

/// The same bytes in both protocols.
fn blobs(output: &mut impl Output, data: &ColumnData) {
    match data {
        ColumnData::Int64s(values) => {
            output.packed_field(12, values.iter().map(|value| value.to_le_bytes()));
        }
        ColumnData::Doubles(values) => {
            output.packed_field(13, values.iter().map(|value| value.to_le_bytes()));
        }
        ColumnData::Strings(values) => blob(output, 14, values),
        ColumnData::Blobs(values) => blob(output, 15, values),
    }
}

fn blob(output: &mut impl Output, id: i16, values: &Packed) {
    output.bytes_field(id, values.bytes());
    output.packed_field(16, values.lengths().map(u32::to_le_bytes));
}
