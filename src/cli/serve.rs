//! `forebay serve`: the service on the shards of a configuration file.

use std::io;

use tokio::signal::unix::{Signal, SignalKind, signal};

use super::args::ServeArgs;
use super::{Failure, log};
use crate::config::{Config, ListenAddress, ShardConfig};
use crate::frontend::Listener;
use crate::service::{Listeners, Service};

/// After a second signal; 128 and the number of SIGINT, as shells have it.
const EXIT_AT_ONCE: i32 = 130;

/// Beside sessions and connections: listeners, logs, databases in files.
const OTHER_DESCRIPTORS: usize = 256;

pub(super) fn run(args: &ServeArgs) -> Result<(), Failure> {
    let config = Config::load(&args.config).map_err(Failure::usage)?;
    log::start(config.log, &args.log);
    let addresses = match args.listen.as_slice() {
        [] => &config.server.listen,
        typed => typed,
    };
    let http = args.http_listen.as_ref();
    let http = http.or(config.server.http_listen.as_ref());
    let service = start(&config, addresses, http)?;
    if let Some(address) = service.http_address() {
        tracing::info!(%address, "metrics and health over HTTP");
    }
    for address in service.addresses() {
        let shards = config.shards.len();
        tracing::info!(%address, shards, version = env!("CARGO_PKG_VERSION"), "listening");
    }
    let all_answered = service.wait();
    tracing::info!(all_answered, "stopped");
    Ok(())
}

/// Binds and serves until Ctrl-C or SIGTERM.
pub(super) fn start(
    config: &Config,
    addresses: &[ListenAddress],
    http: Option<&ListenAddress>,
) -> Result<Service, Failure> {
    let config = allow_descriptors(config);
    let bind = |address: &ListenAddress, flag: &str| {
        Listener::bind(address).map_err(|error| {
            Failure::unavailable(format!(
                "cannot listen on {address}: {error}; choose another with {flag}"
            ))
        })
    };
    let sessions = addresses.iter().map(|address| bind(address, "--listen"));
    let listeners = Listeners {
        sessions: sessions.collect::<Result<_, _>>()?,
        http: http
            .map(|address| bind(address, "--http-listen"))
            .transpose()?,
    };
    Service::start(&config, listeners, stop_signal())
        .map_err(|error| Failure::unavailable(format!("cannot start: {error}")))
}

/// Every session and every connection is a descriptor, and the usual limit for a
/// process is far below what the system lets it have. What it does not let it
/// have is taken from the sessions, so that they cannot starve the pools.
fn allow_descriptors(config: &Config) -> Config {
    let mut config = config.clone();
    let sessions = config.server.sessions_max;
    let connections = |shard: &ShardConfig| shard.pool.max_connections as usize;
    let connections: usize = config.shards.iter().map(connections).sum();
    let others = connections + OTHER_DESCRIPTORS;
    let allowed = rlimit::increase_nofile_limit((sessions + others) as u64).unwrap_or(0);
    let allowed = usize::try_from(allowed).unwrap_or(usize::MAX);
    if allowed < sessions + others {
        config.server.sessions_max = allowed.saturating_sub(others).max(1);
        tracing::warn!(
            configured = sessions,
            effective = config.server.sessions_max,
            "sessions_max is lowered: the process may not open more files; raise `ulimit -Hn`"
        );
    }
    config
}

/// Comes with the first signal; the second ends the process.
async fn stop_signal() {
    let mut signals = match Signals::new() {
        Ok(signals) => signals,
        Err(error) => {
            tracing::error!(%error, "signals cannot be received; stop it with SIGKILL");
            std::future::pending().await
        }
    };
    let signal = signals.next().await;
    tracing::info!(signal, "stopping; a second signal stops at once");
    tokio::spawn(async move {
        signals.next().await;
        std::process::exit(EXIT_AT_ONCE);
    });
}

/// Listened to from the start to the end, so that none is missed in between.
struct Signals {
    interrupt: Signal,
    terminate: Signal,
}

impl Signals {
    fn new() -> io::Result<Signals> {
        Ok(Signals {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
        })
    }

    async fn next(&mut self) -> &'static str {
        tokio::select! {
            _ = self.interrupt.recv() => "SIGINT",
            _ = self.terminate.recv() => "SIGTERM",
        }
    }
}
