//! A way to a server that can fall silent, in both directions, and be heard again.

use std::io::{ErrorKind, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

const PERIOD: Duration = Duration::from_millis(10);

pub struct Relay {
    pub port: u16,
    state: Arc<State>,
}

#[derive(Default)]
struct State {
    hushed: AtomicBool,
    over: AtomicBool,
}

impl Relay {
    pub fn to(port: u16) -> Relay {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let own_port = listener.local_addr().unwrap().port();
        let state = Arc::new(State::default());
        let shared = state.clone();
        std::thread::spawn(move || {
            for near in listener.incoming() {
                if shared.is_over() {
                    return;
                }
                let near = near.unwrap();
                let far = TcpStream::connect(("127.0.0.1", port)).unwrap();
                for (from, to) in [(&near, &far), (&far, &near)] {
                    let (from, to) = (from.try_clone().unwrap(), to.try_clone().unwrap());
                    let shared = shared.clone();
                    std::thread::spawn(move || shared.copy(from, to));
                }
            }
        });
        Relay {
            port: own_port,
            state,
        }
    }

    pub fn hush(&self, hushed: bool) {
        self.state.hushed.store(hushed, Ordering::SeqCst);
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        self.state.over.store(true, Ordering::SeqCst);
        // So that it looks.
        TcpStream::connect(("127.0.0.1", self.port)).ok();
    }
}

impl State {
    fn is_over(&self) -> bool {
        self.over.load(Ordering::SeqCst)
    }

    fn copy(&self, mut from: TcpStream, mut to: TcpStream) {
        from.set_read_timeout(Some(PERIOD)).unwrap();
        let mut buffer = [0; 4096];
        while !self.is_over() {
            let count = match from.read(&mut buffer) {
                Ok(0) => break,
                Ok(count) => count,
                Err(error) if error.kind() == ErrorKind::WouldBlock => continue,
                Err(_) => break,
            };
            while self.hushed.load(Ordering::SeqCst) && !self.is_over() {
                std::thread::sleep(PERIOD);
            }
            if to.write_all(&buffer[..count]).is_err() {
                break;
            }
        }
        to.shutdown(std::net::Shutdown::Both).ok();
    }
}
