//! Metrics and health over HTTP, for those who watch over the service. It has a
//! thread and a runtime of its own: it answers while the threads that move bytes,
//! or run statements, have no time, and to answer takes nothing from them.
//!
//! Only this folder knows `hyper` and `prometheus_client`. What it tells, it asks
//! of a [`Source`].

mod answer;
mod metrics;
mod snapshot;
mod source;
mod text;

use std::collections::VecDeque;
use std::convert::Infallible;
use std::io;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::oneshot;
use tokio::task::AbortHandle;
use tokio::time::{sleep, timeout};

pub use snapshot::{LaneSnapshot, ShardSnapshot, Snapshot};
pub use source::{ShardReadiness, Source, Unavailable};

use crate::config::ListenAddress;
use crate::frontend::{AsyncListener, Listener};

/// Connections at once; the oldest gives way to one more. A scrape takes some
/// milliseconds, so that whoever is that old mostly asks nothing.
const CONNECTIONS_MAX: usize = 64;

/// A request's line and headers must have come within so long, and be no larger,
/// nor more.
const HEAD_TIMEOUT: Duration = Duration::from_secs(5);
const HEAD_MAX_BYTES: usize = 8 << 10;
const HEADERS_MAX: usize = 64;

/// A connection, which serves one request, ends after so long, even if its client
/// has not read the answer.
const CONNECTION_TIMEOUT: Duration = Duration::from_secs(15);

/// Answers that are being made at once; others wait for their turn.
const ANSWERS_MAX: usize = 4;

/// After a failed accept, which mostly is for want of descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// A server that runs until it is stopped, or dropped.
pub struct HttpServer {
    address: ListenAddress,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl HttpServer {
    /// Serves `listener` on a thread of its own.
    pub fn start(listener: Listener, source: Arc<dyn Source>) -> io::Result<HttpServer> {
        let address = listener.address().clone();
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .max_blocking_threads(ANSWERS_MAX)
            .thread_name("http-answer")
            .build()?;
        let listener = {
            let _within = runtime.enter();
            listener.into_async()?
        };
        let (stop, stopped) = oneshot::channel();
        let thread = std::thread::Builder::new()
            .name("http".to_owned())
            .spawn(move || {
                runtime.block_on(async {
                    tokio::select! {
                        () = serve(&listener, &source) => {}
                        _ = stopped => {}
                    }
                });
                runtime.shutdown_background();
            })?;
        Ok(HttpServer {
            address,
            stop: Some(stop),
            thread: Some(thread),
        })
    }

    /// Where it listens.
    pub fn address(&self) -> &ListenAddress {
        &self.address
    }
}

impl Drop for HttpServer {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            // It has caught nothing that would matter now.
            let _ = thread.join();
        }
    }
}

async fn serve(listener: &AsyncListener, source: &Arc<dyn Source>) {
    let mut connections = VecDeque::new();
    loop {
        let accepted = match listener {
            AsyncListener::Tcp(listener) => {
                let accepted = listener.accept().await;
                accepted.map(|(stream, _)| spawn(stream, source))
            }
            AsyncListener::Unix { listener, .. } => {
                let accepted = listener.accept().await;
                accepted.map(|(stream, _)| spawn(stream, source))
            }
        };
        match accepted {
            Ok(connection) => admit(&mut connections, connection),
            Err(error) => {
                tracing::error!(%error, "cannot accept a connection of HTTP");
                sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

/// Makes room by closing the oldest.
fn admit(connections: &mut VecDeque<AbortHandle>, connection: AbortHandle) {
    connections.retain(|connection| !connection.is_finished());
    if connections.len() >= CONNECTIONS_MAX
        && let Some(oldest) = connections.pop_front()
    {
        oldest.abort();
    }
    connections.push_back(connection);
}

fn spawn<S>(stream: S, source: &Arc<dyn Source>) -> AbortHandle
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let source = source.clone();
    let service = service_fn(move |request| answer(request, source.clone()));
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIMEOUT)
        .max_buf_size(HEAD_MAX_BYTES)
        .max_header_size(HEAD_MAX_BYTES)
        .max_headers(HEADERS_MAX)
        // Whoever asks every few seconds can connect as often; nothing idles here.
        .keep_alive(false)
        .serve_connection(TokioIo::new(stream), service);
    let task = tokio::spawn(async move {
        match timeout(CONNECTION_TIMEOUT, connection).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::debug!(%error, "a connection of HTTP failed"),
            Err(_) => tracing::debug!("a connection of HTTP took too long"),
        }
    });
    task.abort_handle()
}

/// On a thread for what may take a moment: others go on being accepted. Whether the
/// process lives is told at once, whoever else waits for what.
async fn answer(
    request: Request<Incoming>,
    source: Arc<dyn Source>,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let (head, _) = request.into_parts();
    if head.uri.path() == answer::HEALTHZ {
        return Ok(answer::answer(&head, &*source));
    }
    let made = tokio::task::spawn_blocking(move || answer::answer(&head, &*source));
    // A panic has been logged where it was.
    Ok(made.await.unwrap_or_else(|_| answer::failed()))
}

#[cfg(test)]
mod tests;
