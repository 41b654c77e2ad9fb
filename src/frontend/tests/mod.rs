//! Sessions from the outside, with the messages' handler in the test's hands: it
//! answers when it likes.

mod limits;
mod stale;

use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use socket2::{Domain, SockAddr, Socket, Type};
use tokio::runtime::Runtime;

use super::*;
use crate::config::ListenAddress;

/// A test fails by it, and never hangs.
const TIMEOUT: Duration = Duration::from_secs(10);

/// Gives every message to the test.
struct Hands(Mutex<Sender<(Message, Reply)>>);

impl Handle for Hands {
    fn message(&self, message: Message, reply: Reply) {
        let _ = self.0.lock().unwrap().send((message, reply));
    }

    fn late_message(&self, message: Message, reply: Reply) {
        self.message(message, reply);
    }

    fn has_unfinished(&self, _: u64) -> bool {
        false
    }

    fn fault(&self, fault: &Fault, out: &mut Vec<u8>) {
        out.extend_from_slice(format!("{}: {:?}", fault.name, fault.kind).as_bytes());
    }

    fn cancelled(&self) {}

    fn session_ended(&self, _: u64) {}
}

struct Front {
    frontend: Arc<Frontend<Hands>>,
    taken: Mutex<Receiver<(Message, Reply)>>,
    address: std::net::SocketAddr,
    runtime: Runtime,
}

fn limits() -> SessionLimits {
    SessionLimits {
        sessions_max: 100,
        sessions_per_peer_max: 100,
        message_max_bytes: 1_000_000,
        request_memory_max_bytes: 2_000_000,
        idle_timeout: TIMEOUT,
        message_timeout: TIMEOUT,
        write_timeout: TIMEOUT,
        reply_grace: TIMEOUT,
    }
}

impl Front {
    fn new(limits: SessionLimits) -> Front {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .unwrap();
        let (sender, taken) = channel();
        let frontend = Frontend::new(Arc::new(Hands(Mutex::new(sender))), limits);
        let anywhere = ListenAddress::Tcp("127.0.0.1:0".to_owned());
        let listener = Listener::bind(&anywhere).unwrap();
        let ListenAddress::Tcp(address) = listener.address().clone() else {
            panic!("not over TCP");
        };
        let serving = frontend.clone();
        runtime.spawn(async move { serving.serve(listener).await });
        Front {
            frontend,
            taken: Mutex::new(taken),
            address: address.parse().unwrap(),
            runtime,
        }
    }

    fn client(&self) -> Client {
        self.client_from([127, 0, 0, 1])
    }

    fn client_from(&self, address: [u8; 4]) -> Client {
        let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
        let own = std::net::SocketAddr::from((address, 0));
        socket.bind(&SockAddr::from(own)).unwrap();
        socket.connect(&SockAddr::from(self.address)).unwrap();
        let stream = TcpStream::from(socket);
        stream.set_read_timeout(Some(TIMEOUT)).unwrap();
        stream.set_nodelay(true).unwrap();
        Client(stream)
    }

    fn take(&self) -> (Message, Reply) {
        self.taken
            .lock()
            .unwrap()
            .recv_timeout(TIMEOUT)
            .expect("a message")
    }

    fn has_none(&self) -> bool {
        self.taken
            .lock()
            .unwrap()
            .recv_timeout(Duration::from_millis(50))
            .is_err()
    }

    /// Nothing is read until what this gives is dropped.
    fn keep_reader_busy(&self) -> Sender<()> {
        let (sender, until) = channel::<()>();
        let (begun, is_busy) = channel();
        self.runtime.spawn(async move {
            let _ = begun.send(());
            let _ = until.recv_timeout(TIMEOUT);
        });
        is_busy.recv_timeout(TIMEOUT).unwrap();
        sender
    }

    /// Waits until the counts are so.
    fn wait_for(&self, what: &str, is_so: impl Fn(&SessionCounts) -> bool) {
        let deadline = Instant::now() + TIMEOUT;
        loop {
            let counts = self.frontend.counts();
            if is_so(&counts) {
                return;
            }
            assert!(Instant::now() < deadline, "never so: {what}: {counts:?}");
            std::thread::sleep(Duration::from_millis(2));
        }
    }
}

fn answer(reply: Reply, text: &str) {
    answer_with(reply, text, ());
}

fn answer_with(reply: Reply, text: &str, kept: impl Send + 'static) {
    let mut buffer = Vec::new();
    reply.begin(&mut buffer);
    buffer.extend_from_slice(text.as_bytes());
    reply.send(&mut buffer, kept);
}

struct Client(TcpStream);

impl Client {
    fn send(&mut self, bytes: &[u8]) {
        self.0.write_all(bytes).unwrap();
    }

    /// What comes next, of that length.
    fn receive(&mut self, length: usize) -> String {
        let mut bytes = vec![0; length];
        self.0.read_exact(&mut bytes).unwrap();
        String::from_utf8(bytes).unwrap()
    }

    /// What comes until the session is closed, which must be soon.
    fn rest(&mut self) -> String {
        let mut bytes = Vec::new();
        match self.0.read_to_end(&mut bytes) {
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::ConnectionReset => {}
            Err(error) => panic!("not closed: {error}, after {bytes:?}"),
        }
        String::from_utf8_lossy(&bytes).into_owned()
    }
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Form {
    Binary,
    Compact,
}

const CALL: u8 = 1;
const ONEWAY: u8 = 4;

/// An unframed message of the function `f`, with one text as its only argument.
fn message(form: Form, kind: u8, sequence_id: u8, text_bytes: usize) -> Vec<u8> {
    let text = "x".repeat(text_bytes);
    let mut bytes = Vec::new();
    match form {
        Form::Binary => {
            bytes.extend([0x80, 1, 0, kind, 0, 0, 0, 1, b'f', 0, 0, 0, sequence_id]);
            bytes.extend([11, 0, 7]);
            bytes.extend((text_bytes as u32).to_be_bytes());
        }
        Form::Compact => {
            bytes.extend([0x82, kind << 5 | 1, sequence_id, 1, b'f', 0x78]);
            let mut left = text_bytes;
            while left > 0x7f {
                bytes.push(left as u8 & 0x7f | 0x80);
                left >>= 7;
            }
            bytes.push(left as u8);
        }
    }
    bytes.extend(text.bytes());
    bytes.push(0);
    bytes
}

fn framed(message: &[u8]) -> Vec<u8> {
    let length = message.len() as u32;
    [&length.to_be_bytes()[..], message].concat()
}

/// A call on the wire, whichever of the four that is.
fn call(wire: (Form, bool), sequence_id: u8, text_bytes: usize) -> Vec<u8> {
    let message = message(wire.0, CALL, sequence_id, text_bytes);
    match wire.1 {
        true => framed(&message),
        false => message,
    }
}

const WIRES: [(Form, bool); 4] = [
    (Form::Binary, true),
    (Form::Binary, false),
    (Form::Compact, true),
    (Form::Compact, false),
];

/// A frame's length and that text.
fn frame_of(text: &str) -> String {
    String::from_utf8(framed(text.as_bytes())).unwrap()
}
