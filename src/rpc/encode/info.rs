//! What the server tells of itself.

use super::output::{Kind, Output};
use crate::config::AffectedRows;
use crate::rpc::API_VERSION;
use crate::rpc::call::ApiLimits;
use crate::rpc::generated as wire;
use crate::rpc::wire::clamp_i32;

/// What `info` tells beside the limits.
#[derive(Clone, Debug, Default)]
pub struct Info {
    /// By name.
    pub shards: Vec<ShardFacts>,
}

/// What `info` tells of a shard.
#[derive(Clone, Debug)]
pub struct ShardFacts {
    pub name: String,
    pub kind: ShardKind,
    /// Why its database cannot be reached; None while it can, as far as is known.
    pub unavailable: Option<String>,
    pub pool_max_connections: u32,
    pub queue_max_requests: usize,
    pub transactions_max: usize,
    pub affected_rows: AffectedRows,
}

/// The database behind a shard.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ShardKind {
    MySql,
    Sqlite,
}

/// Functions and options that API 1.0 did not have.
const CAPABILITIES: &[&str] = &[
    "batch",
    "begin_transaction",
    "commit_transaction",
    "idempotent",
    "multi",
    "result_layout",
    "rollback_transaction",
    "transaction",
    "warnings_max",
];

/// The fields of an InfoResult after its header.
pub(super) fn info(output: &mut impl Output, info: &Info, limits: &ApiLimits) {
    output.text_field(2, API_VERSION);
    output.text_field(3, env!("CARGO_PKG_VERSION"));
    output.list_field(4, Kind::Bytes, CAPABILITIES.len());
    for capability in CAPABILITIES {
        output.bytes(capability.as_bytes());
    }
    output.struct_field(5, |output| self::limits(output, limits));
    output.structs_field(6, &info.shards, shard);
}

fn limits(output: &mut impl Output, limits: &ApiLimits) {
    output.i32_field(1, clamp_i32(limits.request_max_bytes));
    output.i32_field(2, clamp_i32(limits.result_max_bytes));
    output.i32_field(3, clamp_i32(limits.result_max_rows));
    output.i32_field(4, clamp_i32(limits.default_timeout.as_millis()));
    output.i32_field(5, clamp_i32(limits.max_timeout.as_millis()));
    output.i32_field(6, clamp_i32(limits.multi_items_max));
    output.i32_field(7, clamp_i32(limits.multi_parallel_max));
    output.i32_field(8, clamp_i32(limits.batch_steps_max));
    output.i32_field(9, clamp_i32(limits.transaction_idle_timeout.as_millis()));
    output.i32_field(10, clamp_i32(limits.transaction_timeout.as_millis()));
    output.i32_field(11, clamp_i32(limits.reply_grace.as_millis()));
}

fn shard<O: Output>(output: &mut O, shard: &ShardFacts) {
    let kind = match shard.kind {
        ShardKind::MySql => wire::ShardKind::MYSQL,
        ShardKind::Sqlite => wire::ShardKind::SQLITE,
    };
    let affected_rows = match shard.affected_rows {
        AffectedRows::Changed => wire::AffectedRows::CHANGED,
        AffectedRows::Matched => wire::AffectedRows::MATCHED,
    };
    output.text_field(1, &shard.name);
    output.i32_field(2, kind.0);
    output.bool_field(3, shard.unavailable.is_none());
    output.text_field(4, shard.unavailable.as_deref().unwrap_or_default());
    output.i32_field(5, clamp_i32(shard.pool_max_connections));
    output.i32_field(6, clamp_i32(shard.queue_max_requests));
    output.i32_field(7, clamp_i32(shard.transactions_max));
    output.i32_field(8, affected_rows.0);
}
