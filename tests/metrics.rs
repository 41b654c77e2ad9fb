//! Metrics and health, asked for over HTTP as Prometheus and others do.

mod counted;
mod health;
mod program;
mod relay;
mod server;

use std::io::Write;
use std::time::Duration;

use forebay::config::{ServerConfig, ShardConfig};

use crate::support::*;

fn watched(shards: Vec<ShardConfig>) -> Running {
    Running::watched(ServerConfig::default(), shards)
}

/// A shard at a port where nobody is.
fn dead_shard(name: &str) -> ShardConfig {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    drop(listener);
    let mut shard = mysql_shard_at(name, "127.0.0.1", port);
    shard.pool.outage_patience = Duration::ZERO;
    shard
}

/// Sends a framed, binary call of a function with a request that has a shard and
/// nothing else, and waits for an answer of any sort.
fn call_raw(service: &Running, function: &str, shard: &str) {
    use std::io::Read;
    let text = |text: &str| [&(text.len() as u32).to_be_bytes()[..], text.as_bytes()].concat();
    // Field 1, a struct, whose field 1 is a text.
    let request = [b"\x0c\x00\x01\x0b\x00\x01", &text(shard)[..], b"\x00\x00"].concat();
    let message = [
        b"\x80\x01\x00\x01",
        &text(function)[..],
        b"\x00\x00\x00\x07",
        &request,
    ]
    .concat();
    let mut socket = service.socket();
    let length = (message.len() as u32).to_be_bytes();
    socket.write_all(&[&length[..], &message].concat()).unwrap();
    let mut reply = [0; 4];
    socket.read_exact(&mut reply).unwrap();
}
