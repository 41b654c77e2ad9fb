//! The service, put together: sessions in front, queues and workers in the
//! middle, shards behind. [`Service::start`] is the one way in, for the program
//! and for tests.

mod core;
mod lanes;
mod life;
mod looks;
mod multi;
mod notices;
mod observe;
mod refusals;
mod request;
mod router;
mod transactions;
mod work;

use std::future::Future;
use std::io;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use tokio::runtime::{self, Runtime};

use crate::config::{Config, ListenAddress, ServerConfig};
use crate::digests::Digests;
use crate::frontend::{Frontend, Listener, SessionCounts, SessionLimits};
use crate::http::HttpServer;
use observe::Observer;
use router::Router;

/// A running service.
pub struct Service {
    addresses: Vec<ListenAddress>,
    http_address: Option<ListenAddress>,
    frontend: Arc<Frontend<Router>>,
    thread: JoinHandle<bool>,
    digests: Arc<Digests>,
}

/// Where the service is to be had; made of those for sessions alone by `into`.
pub struct Listeners {
    /// For sessions.
    pub sessions: Vec<Listener>,
    /// For metrics and health.
    pub http: Option<Listener>,
}

impl From<Vec<Listener>> for Listeners {
    fn from(sessions: Vec<Listener>) -> Listeners {
        let http = None;
        Listeners { sessions, http }
    }
}

impl Service {
    /// Serves `listeners` until `shutdown` comes, then drains. A database that
    /// cannot be reached does not stop it.
    pub fn start(
        config: &Config,
        listeners: impl Into<Listeners>,
        shutdown: impl Future<Output = ()> + Send + 'static,
    ) -> io::Result<Service> {
        let Listeners { sessions, http } = listeners.into();
        let runtime = runtime(config.server.io_threads)?;
        let addresses = sessions
            .iter()
            .map(|listener| listener.address().clone())
            .collect();
        let router = Arc::new(Router::new(config));
        let digests = router.digests();
        let frontend = Frontend::new(router.clone(), session_limits(&config.server));
        let patience = config.server.drain_timeout;
        let observer = || Arc::new(Observer::new(router.core(), &frontend));
        let http = http.map(|listener| HttpServer::start(listener, observer()));
        let http = http.transpose()?;
        let http_address = http.as_ref().map(|http| http.address().clone());
        let expiring = router.clone();
        let counted = frontend.clone();
        let thread = std::thread::Builder::new()
            .name("io".to_owned())
            .spawn(move || {
                let drained = runtime.block_on(async {
                    tokio::spawn(async move { expiring.expire().await });
                    let shutdown = async {
                        shutdown.await;
                        router.core().life.drain();
                    };
                    serve(frontend, sessions, shutdown, patience).await
                });
                router.stop();
                // Until here it tells how the end is coming.
                drop(http);
                // Workers that hang on a database do not hold up the end.
                runtime.shutdown_background();
                drained
            })?;
        Ok(Service {
            addresses,
            http_address,
            frontend: counted,
            thread,
            digests,
        })
    }

    /// Where it listens, in the order of the listeners.
    pub fn addresses(&self) -> &[ListenAddress] {
        &self.addresses
    }

    /// Where metrics and health are told, if anywhere.
    pub fn http_address(&self) -> Option<&ListenAddress> {
        self.http_address.as_ref()
    }

    /// What has been counted of sessions until now.
    pub fn sessions(&self) -> SessionCounts {
        self.frontend.counts()
    }

    /// What statements have cost.
    pub fn digests(&self) -> &Arc<Digests> {
        &self.digests
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
        sessions_per_peer_max: server.sessions_per_peer_max,
        request_memory_max_bytes: server.request_memory_max_bytes,
        reply_grace: server.reply_grace,
        message_max_bytes: server.request_max_bytes,
        idle_timeout: server.session_idle_timeout,
        message_timeout: server.message_timeout,
        write_timeout: server.write_timeout,
    }
}
