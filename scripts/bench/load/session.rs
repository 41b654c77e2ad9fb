//! One session of the service, with at most one request under way.

use std::io::{self, Read, Write};
use std::mem;
use std::net::{SocketAddr, TcpStream};
use std::os::fd::{AsRawFd, RawFd};
use std::time::Instant;

use socket2::{Domain, Socket, Type};

use crate::args::TargetArgs;
use crate::call::{Call, FRAME_HEADER_BYTES, Fate};

/// Bytes that are read at once.
const READ_BYTES: usize = 16 * 1024;

pub struct Session {
    stream: TcpStream,
    /// A reply that has come in part.
    received: Vec<u8>,
    id: i64,
    /// When the request under way was due; latency counts from here.
    due: Instant,
    /// What can be read of the first reply that was no right answer.
    first_wrong: Option<String>,
}

/// What a reply was.
pub struct Answered {
    pub due: Instant,
    pub right: bool,
    pub fate: Fate,
}

impl Session {
    pub fn connect(target: &TargetArgs) -> io::Result<Session> {
        let stream = connect(target)?;
        stream.set_nodelay(true)?;
        stream.set_nonblocking(true)?;
        Ok(Session {
            stream,
            received: Vec::new(),
            id: 0,
            due: Instant::now(),
            first_wrong: None,
        })
    }

    /// A request is far smaller than a socket's buffer and never waits.
    pub fn send(&mut self, call: &mut Call, id: i64, due: Instant) -> io::Result<()> {
        self.id = id;
        self.due = due;
        self.stream.write_all(call.request(id))
    }

    /// Takes what has come: the reply, if it is whole.
    pub fn receive(&mut self, call: &Call, buffer: &mut Buffer) -> io::Result<Option<Answered>> {
        let length = match self.stream.read(&mut buffer.0) {
            Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
            Ok(length) => length,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(None),
            Err(error) => return Err(error),
        };
        let came = &buffer.0[..length];
        if self.received.is_empty() && is_whole(came) {
            return Ok(Some(self.answered(call, came)));
        }
        self.received.extend_from_slice(came);
        if !is_whole(&self.received) {
            return Ok(None);
        }
        let message = mem::take(&mut self.received);
        Ok(Some(self.answered(call, &message)))
    }

    pub fn first_wrong(&self) -> Option<&str> {
        self.first_wrong.as_deref()
    }

    fn answered(&mut self, call: &Call, message: &[u8]) -> Answered {
        let fate = call.fate(&message[FRAME_HEADER_BYTES..], self.id);
        if fate != Fate::Right && self.first_wrong.is_none() {
            let mut text = String::from_utf8_lossy(message).into_owned();
            text.retain(|one| one == ' ' || one.is_ascii_graphic());
            self.first_wrong = Some(text);
        }
        Answered {
            due: self.due,
            right: fate == Fate::Right,
            fate,
        }
    }
}

fn connect(target: &TargetArgs) -> io::Result<TcpStream> {
    let Some(from) = target.from else {
        return TcpStream::connect(target.to);
    };
    let socket = Socket::new(Domain::for_address(target.to), Type::STREAM, None)?;
    socket.bind(&SocketAddr::new(from, 0).into())?;
    socket.connect(&target.to.into())?;
    Ok(socket.into())
}

impl AsRawFd for Session {
    fn as_raw_fd(&self) -> RawFd {
        self.stream.as_raw_fd()
    }
}

/// What all sessions read into.
pub struct Buffer(Box<[u8]>);

impl Buffer {
    pub fn new() -> Buffer {
        Buffer(vec![0; READ_BYTES].into())
    }
}

/// Since there is one request under way, there is never more than its reply.
fn is_whole(message: &[u8]) -> bool {
    message
        .split_first_chunk::<FRAME_HEADER_BYTES>()
        .is_some_and(|(header, reply)| reply.len() >= u32::from_be_bytes(*header) as usize)
}
