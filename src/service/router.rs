//! Takes messages to the queue of their shard, and answers those that cannot be
//! taken there.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::time::MissedTickBehavior;

use super::request::{Request, draining, expired, protocol, refused};
use crate::backend::Shards;
use crate::config::Config;
use crate::dispatch::{Dispatcher, LaneLimits};
use crate::error::{Error, ErrorKind, Result};
use crate::frontend::{Fault, FaultKind, Handle, Message, Reply};
use crate::rpc::{self, Api, ApiLimits, Call, ExceptionKind};

/// Requests to no shard are short: one at a time is enough. They have a worker
/// of their own, so that they are answered when all shards are busy.
const COMMON_LANE: usize = 0;
const COMMON_LANE_LIMITS: LaneLimits = LaneLimits {
    in_flight_max: 1,
    queue_max: 10_000,
};

/// Between two looks for requests that have expired in their queue.
const EXPIRY_PERIOD: Duration = Duration::from_millis(10);

/// Where messages go.
pub(super) struct Router {
    api: Arc<Api>,
    shards: Arc<Shards>,
    /// A lane for each shard, by its index.
    by_shard: Dispatcher<Request>,
    /// One lane, for what goes to no shard.
    common: Dispatcher<Request>,
    default_timeout: Duration,
    max_timeout: Duration,
}

impl Router {
    pub(super) fn new(config: &Config) -> Router {
        let server = &config.server;
        let shards = Arc::new(Shards::new(&config.shards));
        let limits = ApiLimits {
            request_max_bytes: server.request_max_bytes,
            result_max_bytes: server.result_max_bytes,
            result_max_rows: server.result_max_rows,
            default_timeout: server.default_timeout,
            max_timeout: server.max_timeout,
        };
        let shard_lanes = config.shards.iter().map(|shard| LaneLimits {
            in_flight_max: shard.pool.max_connections as usize,
            queue_max: shard.queue_max_requests,
        });
        let shard_lanes: Vec<LaneLimits> = shard_lanes.collect();
        Router {
            api: Arc::new(Api::new(shards.clone(), limits)),
            by_shard: Dispatcher::new(&shard_lanes, server.worker_threads_max),
            common: Dispatcher::new(&[COMMON_LANE_LIMITS], COMMON_LANE_LIMITS.in_flight_max),
            shards,
            default_timeout: server.default_timeout,
            max_timeout: server.max_timeout,
        }
    }

    /// The request, and its shard's index if it names a shard.
    fn request(&self, message: Message, reply: Reply) -> (Request, Option<Result<usize>>) {
        let arrived = Instant::now();
        let timeout = match message.head.timeout_ms {
            // Less than 1 ms is refused once the request is decoded.
            Some(timeout @ 1..) => Duration::from_millis(timeout.unsigned_abs().into()),
            _ => self.default_timeout,
        };
        let name = message.head.shard_in(message.bytes());
        let shard = name.map(|name| self.shards.find(name));
        let request = Request {
            shard_index: shard
                .as_ref()
                .and_then(|found| found.as_ref().ok().copied()),
            api: self.api.clone(),
            arrived,
            deadline: arrived + timeout.min(self.max_timeout),
            message,
            reply,
        };
        (request, shard)
    }

    /// Answers requests that have expired in their queue, for ever.
    pub(super) async fn answer_expired(&self) {
        let mut ticks = tokio::time::interval(EXPIRY_PERIOD);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            for dispatcher in [&self.by_shard, &self.common] {
                for request in dispatcher.take_expired() {
                    request.refuse(&expired());
                }
            }
        }
    }

    /// Runs nothing more; what waits loses its session.
    pub(super) fn stop(&self) {
        for dispatcher in [&self.by_shard, &self.common] {
            dispatcher.stop();
        }
    }
}

impl Handle for Router {
    fn message(&self, message: Message, reply: Reply) {
        let (request, shard) = self.request(message, reply);
        let submitted = match shard {
            Some(Ok(index)) => self.by_shard.submit(index, request),
            Some(Err(error)) => return request.refuse(&error),
            None => self.common.submit(COMMON_LANE, request),
        };
        if let Err(refusal) = submitted {
            let (request, error) = refused(refusal);
            request.refuse(&error);
        }
    }

    fn late_message(&self, message: Message, reply: Reply) {
        self.request(message, reply).0.refuse(&draining());
    }

    fn fault(&self, fault: &Fault, out: &mut Vec<u8>) {
        let protocol = protocol(fault.wire);
        let too_large = match &fault.kind {
            FaultKind::TooLarge { limit, seen } => Some((*limit as u64, *seen)),
            FaultKind::Malformed(error) => error.size_limit(),
            FaultKind::NotThrift => None,
        };
        let now = Instant::now();
        let call = Call {
            name: &fault.name,
            sequence_id: fault.sequence_id,
            request_id: "",
            shard: "",
            shard_index: None,
            arrived: now,
            started: now,
            deadline: now,
        };
        match (&fault.kind, too_large) {
            (_, Some((limit, seen))) if !fault.name.is_empty() => {
                let message = format!(
                    "the request is over the server's request_max_bytes of {limit}; send it in parts"
                );
                let error = Error::new(ErrorKind::RequestTooLarge, message).with_limit(limit, seen);
                rpc::write_data_error(protocol, &call, &error, out);
            }
            (kind, _) => {
                let text = match kind {
                    FaultKind::Malformed(error) => format!("the message cannot be read: {error}"),
                    FaultKind::TooLarge { limit, seen } => {
                        format!("a frame of {seen} bytes is over request_max_bytes of {limit}")
                    }
                    FaultKind::NotThrift => "this port speaks Thrift, framed or not, in strict \
                                             binary or compact form"
                        .to_owned(),
                };
                let exception = ExceptionKind::Protocol;
                rpc::write_exception(
                    protocol,
                    call.function(),
                    call.sequence_id,
                    exception,
                    &text,
                    out,
                );
            }
        }
    }
}
