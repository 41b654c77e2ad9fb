//! The server, with a service behind it that takes its time.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Mutex, PoisonError};

use super::*;
use crate::digests::DigestRow;

/// A test fails by it, and never hangs.
const TIMEOUT: Duration = Duration::from_secs(10);

/// Whoever asks for the shards waits until the test ends.
struct Slow {
    asked: Mutex<Sender<()>>,
    until: Mutex<Receiver<()>>,
}

impl Source for Slow {
    fn snapshot(&self) -> Snapshot {
        Snapshot::default()
    }

    fn pulse_age(&self) -> Duration {
        Duration::ZERO
    }

    fn is_draining(&self) -> bool {
        false
    }

    fn has_shard(&self, _: &str) -> bool {
        false
    }

    fn shards(&self) -> Vec<ShardReadiness> {
        let _ = self.asked.lock().unwrap().send(());
        let until = self.until.lock().unwrap_or_else(PoisonError::into_inner);
        let _ = until.recv_timeout(TIMEOUT);
        Vec::new()
    }

    fn shard(&self, _: &str) -> Option<ShardReadiness> {
        None
    }

    fn digests(&self) -> Vec<DigestRow> {
        Vec::new()
    }
}

#[test]
fn it_tells_that_it_lives_while_others_wait_for_databases() {
    let (asked, asking) = channel();
    let (end, until) = channel();
    let source = Arc::new(Slow {
        asked: Mutex::new(asked),
        until: Mutex::new(until),
    });
    let anywhere = ListenAddress::Tcp("127.0.0.1:0".to_owned());
    let server = HttpServer::start(Listener::bind(&anywhere).unwrap(), source).unwrap();
    let ListenAddress::Tcp(address) = server.address() else {
        panic!("not over TCP");
    };
    let get = |path: &str| {
        let mut stream = TcpStream::connect(address).unwrap();
        stream.set_read_timeout(Some(TIMEOUT / 2)).unwrap();
        let request = format!("GET {path} HTTP/1.1\r\nHost: test\r\n\r\n");
        stream.write_all(request.as_bytes()).unwrap();
        stream
    };
    let _waiting: Vec<TcpStream> = (0..ANSWERS_MAX + 2).map(|_| get("/readyz")).collect();
    for _ in 0..ANSWERS_MAX {
        asking.recv_timeout(TIMEOUT).unwrap();
    }
    let mut told = String::new();
    get("/healthz").read_to_string(&mut told).unwrap();
    assert!(told.starts_with("HTTP/1.1 200"), "{told}");
    drop(end);
}
