//! The service, put together: sessions in front, queues and workers in the
//! middle, shards behind. [`Service::start`] is the one way in, for the program
//! and for tests.

use std::future::Future;
use std::io;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crate::backend::Shards;
use crate::config::{Config, ListenAddress, ServerConfig};
use crate::dispatch::{Dispatcher, Job, LaneLimits, Refusal};
use crate::error::{Error, ErrorKind};
use crate::frontend::{
    Fault, FaultKind, Frontend, Handle, Listener, Message, Reply, ScanErrorKind, SessionLimits,
};
use crate::rpc::{self, Api, ApiLimits, Call, ExceptionKind};

/// The lane of requests that go to no shard; those of shard n go to lane n + 1.
const COMMON_LANE: usize = 0;

/// Requests to no shard are short: one at a time is enough, and they can wait.
const COMMON_LANE_LIMITS: LaneLimits = LaneLimits {
    in_flight_max: 1,
    queue_max: 10_000,
};

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
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(config.server.io_threads)
            .thread_name("io")
            .enable_all()
            .build()?;
        let addresses = listeners
            .iter()
            .map(|listener| listener.address().clone())
            .collect();
        let router = Arc::new(Router::new(config));
        let frontend = Frontend::new(router.clone(), session_limits(&config.server));
        let patience = config.server.drain_timeout;
        let thread = std::thread::Builder::new()
            .name("service".to_owned())
            .spawn(move || {
                let drained = runtime.block_on(serve(frontend, listeners, shutdown, patience));
                router.dispatcher.stop();
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

async fn serve(
    frontend: Arc<Frontend<Router>>,
    listeners: Vec<Listener>,
    shutdown: impl Future<Output = ()>,
    patience: Duration,
) -> bool {
    let accepting: Vec<_> = listeners
        .into_iter()
        .map(|listener| tokio::spawn(frontend.clone().serve(listener)))
        .collect();
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
    dispatcher: Dispatcher<Request>,
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
        let lanes: Vec<LaneLimits> = std::iter::once(COMMON_LANE_LIMITS)
            .chain(shard_lanes)
            .collect();
        Router {
            api: Arc::new(Api::new(shards.clone(), limits)),
            dispatcher: Dispatcher::new(&lanes, server.worker_threads_max),
            shards,
            default_timeout: server.default_timeout,
            max_timeout: server.max_timeout,
        }
    }

    fn request(&self, message: Message, reply: Reply) -> Request {
        let arrived = Instant::now();
        let timeout = match message.head.timeout_ms {
            // Less than 1 ms is refused once the request is decoded.
            Some(timeout @ 1..) => Duration::from_millis(timeout.unsigned_abs().into()),
            _ => self.default_timeout,
        };
        let shard = message.head.shard_in(message.bytes());
        Request {
            shard_index: shard.and_then(|name| self.shards.find(name).ok()),
            api: self.api.clone(),
            arrived,
            deadline: arrived + timeout.min(self.max_timeout),
            message,
            reply,
        }
    }
}

impl Handle for Router {
    fn message(&self, message: Message, reply: Reply) {
        let request = self.request(message, reply);
        let lane = request.shard_index.map_or(COMMON_LANE, |index| index + 1);
        if let Err(refusal) = self.dispatcher.submit(lane, request) {
            let (request, error) = refused(refusal);
            request.refuse(&error);
        }
    }

    fn late_message(&self, message: Message, reply: Reply) {
        self.request(message, reply).refuse(&draining());
    }

    fn fault(&self, fault: &Fault, out: &mut Vec<u8>) {
        let protocol = fault.wire.protocol;
        let too_large = match &fault.kind {
            FaultKind::TooLarge { limit, seen } => Some((*limit as u64, *seen)),
            FaultKind::Malformed(error) => match error.kind {
                ScanErrorKind::TooLarge { limit, seen, .. } => Some((limit, seen)),
                _ => None,
            },
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
            request_id: head.request_id_in(bytes).unwrap_or_default(),
            shard: head.shard_in(bytes).unwrap_or_default(),
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
        rpc::write_data_error(self.message.wire.protocol, &call, error, &mut buffer);
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
        let protocol = self.message.wire.protocol;
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
