//! The service's functions: from generated requests to operations on shards, and
//! from their answers to generated results.

use std::cell::Cell;

use super::api::{ApiLimits, Call};
use super::generated::*;
use super::wire;
use crate::backend::{Shard, Shards};
use crate::config::Target;
use crate::error::{Error, ErrorKind};
use crate::operation::{Answer, Limits as OperationLimits, Operation};

/// The longest `request_id`, in bytes.
const REQUEST_ID_MAX_BYTES: usize = 128;

/// Answers one call.
pub(super) struct Handler<'a> {
    shards: &'a Shards,
    limits: &'a ApiLimits,
    call: &'a Call<'a>,
    /// Set as soon as the arguments have been read.
    entered: &'a Cell<bool>,
}

impl<'a> Handler<'a> {
    pub(super) fn new(
        shards: &'a Shards,
        limits: &'a ApiLimits,
        call: &'a Call<'a>,
        entered: &'a Cell<bool>,
    ) -> Handler<'a> {
        Handler {
            shards,
            limits,
            call,
            entered,
        }
    }

    /// Runs one call: `work` makes the result, and any error of it is thrown.
    fn answer<T>(
        &self,
        options: Option<Options>,
        work: impl FnOnce(OperationLimits) -> Result<T, Error>,
    ) -> thrift::Result<T> {
        self.entered.set(true);
        self.operation_limits(options)
            .and_then(work)
            .map_err(|error| {
                log_error(self.call, &error);
                thrift::Error::User(Box::new(wire::data_error(&error, self.call)))
            })
    }

    fn operation_limits(&self, options: Option<Options>) -> Result<OperationLimits, Error> {
        let mut limits = OperationLimits {
            deadline: self.call.deadline,
            result_max_rows: self.limits.result_max_rows,
            result_max_bytes: self.limits.result_max_bytes,
        };
        let Some(options) = options else {
            return Ok(limits);
        };
        if let Some(timeout) = options.timeout_ms.filter(|&timeout| timeout < 1) {
            let text = format!("options.timeout_ms is {timeout}; it must be at least 1, or unset");
            return Err(Error::invalid(text));
        }
        if let Some(rows) = options.max_rows {
            let rows = usize::try_from(rows).ok().filter(|&rows| rows > 0);
            let rows = rows.ok_or_else(|| {
                Error::invalid("options.max_rows must be at least 1, or unset for the server's")
            })?;
            limits.result_max_rows = limits.result_max_rows.min(rows);
        }
        let id_bytes = options.request_id.map_or(0, |id| id.len());
        if id_bytes > REQUEST_ID_MAX_BYTES {
            let text = format!(
                "options.request_id is {id_bytes} bytes; at most {REQUEST_ID_MAX_BYTES} are taken"
            );
            return Err(Error::invalid(text));
        }
        Ok(limits)
    }

    /// The shard of a request, which must be the one that it queued for.
    fn shard(&self, name: Option<String>) -> Result<&'a Shard, Error> {
        let index = self.shards.find(&name.unwrap_or_default())?;
        if self.call.shard_index != Some(index) {
            return Err(Error::invalid("the request names its shard more than once"));
        }
        Ok(self.shards.get(index))
    }

    fn run(
        &self,
        shard: Option<String>,
        operation: Operation,
        limits: &OperationLimits,
    ) -> Result<Answer, Error> {
        self.shard(shard)?.run(&operation, limits)
    }

    fn header(&self) -> ReplyHeader {
        wire::header(self.call)
    }
}

impl ForebaySyncHandler for Handler<'_> {
    fn handle_info(&self, request: InfoRequest) -> thrift::Result<InfoResult> {
        self.answer(request.options, |_| {
            let mut shards: Vec<ShardInfo> = self.shards.iter().map(shard_info).collect();
            shards.sort_by(|a, b| a.name.cmp(&b.name));
            Ok(InfoResult {
                header: Some(self.header()),
                api_version: Some(API_VERSION.to_owned()),
                server_version: Some(env!("CARGO_PKG_VERSION").to_owned()),
                capabilities: Some(Vec::new()),
                limits: Some(limits(self.limits)),
                shards: Some(shards),
            })
        })
    }

    fn handle_ping(&self, request: PingRequest) -> thrift::Result<PingResult> {
        self.answer(request.options, |limits| {
            if request.shard.is_some() {
                self.run(request.shard, Operation::Ping, &limits)?;
            }
            Ok(PingResult {
                header: Some(self.header()),
            })
        })
    }

    fn handle_query(&self, request: QueryRequest) -> thrift::Result<QueryResult> {
        self.answer(request.options, |limits| {
            let operation = Operation::Query(wire::statement(request.statement)?);
            let answer = self.run(request.shard, operation, &limits)?;
            let rows = wire::result_set(answer.rows.unwrap_or_default());
            Ok(QueryResult {
                header: Some(self.header()),
                rows: Some(rows),
                warning_count: Some(wire::clamp_i32(answer.warning_count)),
            })
        })
    }

    fn handle_execute(&self, request: ExecuteRequest) -> thrift::Result<ExecuteResult> {
        self.answer(request.options, |limits| {
            let operation = Operation::Execute(wire::statement(request.statement)?);
            let answer = self.run(request.shard, operation, &limits)?;
            Ok(ExecuteResult {
                header: Some(self.header()),
                affected_rows: Some(wire::clamp_i64(answer.affected_rows)),
                insert_id: Some(wire::same_bits(answer.insert_id)),
                warning_count: Some(wire::clamp_i32(answer.warning_count)),
                rows: answer.rows.map(wire::result_set),
            })
        })
    }

    fn handle_insert(&self, request: InsertRequest) -> thrift::Result<InsertResult> {
        self.answer(request.options.clone(), |limits| {
            let shard = request.shard.clone();
            let operation = Operation::Insert(wire::insert(request)?);
            let answer = self.run(shard, operation, &limits)?;
            Ok(InsertResult {
                header: Some(self.header()),
                affected_rows: Some(wire::clamp_i64(answer.affected_rows)),
                first_insert_id: Some(wire::same_bits(answer.insert_id)),
                statements: Some(wire::clamp_i32(answer.statements)),
                warning_count: Some(wire::clamp_i32(answer.warning_count)),
            })
        })
    }
}

fn shard_info(shard: &Shard) -> ShardInfo {
    let status = shard.status();
    let kind = match status.config.target {
        Target::MySql(_) => ShardKind::MYSQL,
        Target::Sqlite(_) => ShardKind::SQLITE,
    };
    ShardInfo {
        name: Some(status.config.name.clone()),
        kind: Some(kind),
        available: Some(status.unavailable.is_none()),
        reason: Some(status.unavailable.unwrap_or_default()),
        pool_max_connections: Some(wire::clamp_i32(status.config.pool.max_connections)),
        queue_max_requests: Some(wire::clamp_i32(status.config.queue_max_requests)),
    }
}

fn limits(limits: &ApiLimits) -> Limits {
    Limits {
        request_max_bytes: Some(wire::clamp_i32(limits.request_max_bytes)),
        result_max_bytes: Some(wire::clamp_i32(limits.result_max_bytes)),
        result_max_rows: Some(wire::clamp_i32(limits.result_max_rows)),
        default_timeout_ms: Some(wire::clamp_i32(limits.default_timeout.as_millis())),
        max_timeout_ms: Some(wire::clamp_i32(limits.max_timeout.as_millis())),
    }
}

/// What went wrong, without the message: the database's own may quote values.
fn log_error(call: &Call<'_>, error: &Error) {
    let errno = error.database().map_or(0, |database| database.errno);
    let function = call.function();
    let (shard, request_id, kind) = (call.shard, call.request_id, error.kind());
    match kind {
        ErrorKind::Internal | ErrorKind::ConnectionLost => {
            tracing::warn!(function, shard, request_id, ?kind, errno, "request failed");
        }
        _ => tracing::debug!(function, shard, request_id, ?kind, errno, "request failed"),
    }
}
