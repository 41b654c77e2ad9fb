//! The service, put together: sessions in front, queues and workers in the
//! middle, shards behind. [`Service::start`] is the one way in, for the program
//! and for tests.

use std::future::Future;
use std::io;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use tokio::runtime::{self, Runtime};
use tokio::time::MissedTickBehavior;

use crate::backend::Shards;
use crate::config::{Config, ListenAddress, ServerConfig};
use crate::dispatch::{Dispatcher, Job, LaneLimits, Refusal};
use crate::error::{Error, ErrorKind, Result};
use crate::frontend::{
    self, Fault, FaultKind, Frontend, Handle, Listener, Message, Reply, SessionLimits, Wire,
};
use crate::rpc::{self, Api, ApiLimits, Call, ExceptionKind, Protocol};

/// Requests to no shard are short: one at a time is enough. They have a worker
/// of their own, so that they are answered when all shards are busy.
const COMMON_LANE: usize = 0;
const COMMON_LANE_LIMITS: LaneLimits = LaneLimits {
    in_flight_max: 1,
    queue_max: 10_000,
};

/// Between two looks for requests that have expired in their queue.
const EXPIRY_PERIOD: Duration = Duration::from_millis(10);

/// Of a request's id and shard's name, in replies and in the log.
const REQUEST_ID_MAX_BYTES: usize = 128;
const SHARD_MAX_BYTES: usize = 64;

/// A reply buffer that has grown over this is not kept.
const KEPT_BUFFER_BYTES: usize = 1 << 20;

/// A running service.
pub struct Service {
    addresses: Vec<ListenAddress>,
    thread: JoinHandle<bool>,
}

impl Service {
    /// Serves `listeners` until `shutdown` comes, then drains. Connects to
    /// databases when they are first asked for.
    pub fn start(
        config: &Config,
        listeners: Vec<Listener>,
        shutdown: impl Future<Output = ()> + Send + 'static,
    ) -> io::Result<Service> {
        let runtime = runtime(config.server.io_threads)?;
        let addresses = listeners
            .iter()
            .map(|listener| listener.address().clone())
            .collect();
        let router = Arc::new(Router::new(config));
        let frontend = Frontend::new(router.clone(), session_limits(&config.server));
        let patience = config.server.drain_timeout;
        let expiring = router.clone();
        let thread = std::thread::Builder::new()
            .name("io".to_owned())
            .spawn(move || {
                let drained = runtime.block_on(async {
                    tokio::spawn(async move { expiring.answer_expired().await });
                    serve(frontend, listeners, shutdown, patience).await
                });
                router.stop();
                // Workers that hang on a database do not hold up the end.
                runtime.shutdown_background();
                drained
            })?;
        Ok(Service { addresses, thread })
    }

    /// Where it listens, in the order of the listeners.
    pub fn addresses(&self) -> &[ListenAddress] {
        &self.addresses
    }

    /// Waits for the end. True: all that was in flight has been answered.
    pub fn wait(self) -> bool {
        self.thread.join().unwrap_or(false)
    }
}

/// With one thread for all bytes, that is the one which waits for the end.
fn runtime(io_threads: usize) -> io::Result<Runtime> {
    let mut builder = match io_threads {
        1 => runtime::Builder::new_current_thread(),
        _ => runtime::Builder::new_multi_thread(),
    };
    if io_threads > 1 {
        builder.worker_threads(io_threads);
    }
    builder.thread_name("io").enable_all().build()
}

async fn serve(
    frontend: Arc<Frontend<Router>>,
    listeners: Vec<Listener>,
    shutdown: impl Future<Output = ()>,
    patience: Duration,
) -> bool {
    let accept = |listener: Listener| {
        let frontend = frontend.clone();
        tokio::spawn(async move {
            if let Err(error) = frontend.serve(listener).await {
                tracing::error!(%error, "cannot serve an address");
            }
        })
    };
    let accepting: Vec<_> = listeners.into_iter().map(accept).collect();
    shutdown.await;
    for task in accepting {
        task.abort();
        // Its listener is closed when this returns, not some time later.
        let _ = task.await;
    }
    let sessions = frontend.session_count();
    tracing::info!(sessions, "draining");
    let drained = frontend.drain(patience).await;
    if !drained {
        let sessions = frontend.session_count();
        tracing::warn!(
            sessions,
            "stopping with sessions unfinished: drain_timeout_ms passed"
        );
    }
    drained
}

fn session_limits(server: &ServerConfig) -> SessionLimits {
    SessionLimits {
        sessions_max: server.sessions_max,
        message_max_bytes: server.request_max_bytes,
        idle_timeout: server.session_idle_timeout,
        message_timeout: server.message_timeout,
        write_timeout: server.write_timeout,
    }
}

/// Takes messages to the queue of their shard.
struct Router {
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
    fn new(config: &Config) -> Router {
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
    async fn answer_expired(&self) {
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
    fn stop(&self) {
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

/// A message on its way to a worker.
struct Request {
    api: Arc<Api>,
    message: Message,
    reply: Reply,
    shard_index: Option<usize>,
    arrived: Instant,
    deadline: Instant,
}

impl Request {
    fn call(&self, started: Instant) -> Call<'_> {
        let bytes = self.message.bytes();
        let head = &self.message.head;
        Call {
            name: head.name_in(bytes).unwrap_or_default(),
            sequence_id: head.sequence_id,
            request_id: shortened(head.request_id_in(bytes), REQUEST_ID_MAX_BYTES),
            shard: shortened(head.shard_in(bytes), SHARD_MAX_BYTES),
            shard_index: self.shard_index,
            arrived: self.arrived,
            started,
            deadline: self.deadline,
        }
    }

    /// Answers without having been read.
    fn refuse(self, error: &Error) {
        let mut buffer = Vec::new();
        self.reply.begin(&mut buffer);
        let call = self.call(Instant::now());
        rpc::write_data_error(protocol(self.message.wire), &call, error, &mut buffer);
        self.reply.send(&mut buffer);
    }
}

impl Job for Request {
    type Scratch = Vec<u8>;

    fn deadline(&self) -> Instant {
        self.deadline
    }

    fn run(self, buffer: &mut Vec<u8>) {
        let started = Instant::now();
        self.reply.begin(buffer);
        let call = self.call(started);
        let protocol = protocol(self.message.wire);
        if started >= self.deadline {
            rpc::write_data_error(protocol, &call, &expired(), buffer);
        } else {
            self.api
                .answer(protocol, self.message.bytes(), &call, buffer);
        }
        self.reply.send(buffer);
        if buffer.capacity() > KEPT_BUFFER_BYTES {
            *buffer = Vec::new();
        }
    }
}

/// The front and the stubs do not know each other.
fn protocol(wire: Wire) -> Protocol {
    match wire.protocol {
        frontend::Protocol::Binary => Protocol::Binary,
        frontend::Protocol::Compact => Protocol::Compact,
    }
}

/// The beginning of a text that a caller chose the length of.
fn shortened(text: Option<&str>, max_bytes: usize) -> &str {
    let text = text.unwrap_or_default();
    &text[..text.floor_char_boundary(max_bytes)]
}

fn refused(refusal: Refusal<Request>) -> (Request, Error) {
    match refusal {
        Refusal::Full { job, limit } => {
            let message = format!(
                "{limit} requests wait on the shard already (queue_max_requests); try again later"
            );
            let error = Error::new(ErrorKind::QueueFull, message)
                .with_limit(limit as u64, limit as u64 + 1);
            (job, error)
        }
        Refusal::TooLate { job, wait } => {
            let message = format!(
                "the shard is busy: the request would wait about {} ms, past its deadline",
                wait.as_millis()
            );
            (job, Error::new(ErrorKind::QueueTimeout, message))
        }
        Refusal::Stopped(job) => (job, draining()),
    }
}

fn draining() -> Error {
    let message = "this server is stopping and takes nothing new; another one takes the request";
    Error::new(ErrorKind::Draining, message)
}

fn expired() -> Error {
    let message = "the deadline passed while the request waited for its turn on the shard; \
                   try again later, or raise timeout_ms";
    Error::new(ErrorKind::QueueTimeout, message)
}
