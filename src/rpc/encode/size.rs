//! How large a reply will be, so that its buffer is made once: one that grows is
//! copied, and for a moment held twice.

use super::reply::Reply;
use crate::error::Error;
use crate::operation::{Answer, StepOutcome};
use crate::rpc::{Layout, Protocol};
use crate::value::{ColumnData, Rows};

/// Of fixed parts, each more than it can take beside the texts in it: the whole
/// of a reply with its header and limits, a column, a warning, a result without
/// its rows, an error (with the names of request and shard), a shard.
const REPLY_BYTES: usize = 1_024;
const COLUMN_BYTES: usize = 80;
const WARNING_BYTES: usize = 32;
const RESULT_BYTES: usize = 128;
const ERROR_BYTES: usize = 384;
const SHARD_BYTES: usize = 64;

/// A large number takes two bytes more in the compact protocol's lists than in memory.
const COMPACT_I64_MORE_BYTES: usize = 2;

/// A number of bytes that the reply does not exceed, nor fall far below if it
/// has many rows.
pub(super) fn reply_bytes_max(protocol: Protocol, reply: &Reply<'_>) -> usize {
    let parts = match reply {
        Reply::Info(info) => {
            let shards = info.shards.iter();
            let shards = shards.map(|shard| {
                let reason = shard.unavailable.as_ref().map_or(0, String::len);
                SHARD_BYTES + shard.name.len() + reason
            });
            shards.sum()
        }
        Reply::Done(_, layout, answer) => answer_bytes(i64_more_bytes(protocol, *layout), answer),
        Reply::Multi(items) => {
            let items = items.iter().map(|item| {
                let names = item.facts.request_id.len() + item.facts.shard.len();
                let result = match &item.result {
                    Ok(answer) => answer_bytes(i64_more_bytes(protocol, item.layout), answer),
                    Err(error) => error_bytes(error),
                };
                RESULT_BYTES + names + result
            });
            items.sum()
        }
        Reply::Ping { .. } | Reply::Begun { .. } | Reply::Committed | Reply::RolledBack => 0,
    };
    REPLY_BYTES + parts
}

/// What each integer of a column may take beside its size in memory.
fn i64_more_bytes(protocol: Protocol, layout: Layout) -> usize {
    match (protocol, layout) {
        (Protocol::Compact, Layout::Lists) => COMPACT_I64_MORE_BYTES,
        (Protocol::Binary, _) | (_, Layout::Packed) => 0,
    }
}

fn answer_bytes(i64_more: usize, answer: &Answer) -> usize {
    let sets = answer.rows.iter().chain(&answer.more_rows);
    let sets: usize = sets.map(|rows| rows_bytes(i64_more, rows)).sum();
    let warnings = answer.warnings.iter();
    let warnings: usize = warnings
        .map(|warning| WARNING_BYTES + warning.level.len() + warning.message.len())
        .sum();
    let steps = answer.steps.iter().map(|step| match step {
        StepOutcome::Done(answer) => answer_bytes(i64_more, answer),
        StepOutcome::Failed(error) => error_bytes(error),
        StepOutcome::Skipped | StepOutcome::NotRun => 0,
    });
    let steps: usize = steps.map(|step| RESULT_BYTES + step).sum();
    RESULT_BYTES + sets + warnings + steps
}

fn error_bytes(error: &Error) -> usize {
    ERROR_BYTES + error.message().len()
}

fn rows_bytes(i64_more: usize, rows: &Rows) -> usize {
    let columns = rows.columns.iter().map(|column| {
        let more = match &column.data {
            ColumnData::Int64s(values) => i64_more * values.len(),
            ColumnData::Doubles(_) | ColumnData::Strings(_) | ColumnData::Blobs(_) => 0,
        };
        COLUMN_BYTES + column.name.len() + column.table.len() + more
    });
    RESULT_BYTES + columns.sum::<usize>() + rows.size_bytes()
}
