//! One call of the service as bytes: the request encoded once, with a place for
//! the id that differs, and what a right reply to it looks like. Framed binary.

use std::io::{self, Read, Write};
use std::net::TcpStream;

use crate::args::{Request, TargetArgs};

pub const FRAME_HEADER_BYTES: usize = 4;

/// The statement of `Request::Point`; its rows are all of one length.
pub const POINT_SQL: &str = "SELECT id, username FROM users WHERE id = ?";

/// The statement of `Request::Sleep`.
pub const SLEEP_SQL: &str = "SELECT SLEEP(1)";
pub const NAP_SQL: &str = "SELECT SLEEP(0.004)";

/// An id whose eight bytes stand in a reply once, so that they can be found.
const PROBE_ID: i64 = 77_777;

const CALL: [u8; 4] = [0x80, 0x01, 0x00, 0x01];
const REPLY: [u8; 4] = [0x80, 0x01, 0x00, 0x02];
const SEQUENCE_ID: [u8; 4] = [0; 4];

/// Type numbers of the binary protocol.
const I32: u8 = 8;
const I64: u8 = 10;
const STRING: u8 = 11;
const STRUCT: u8 = 12;
const LIST: u8 = 15;

pub struct Call {
    request: Vec<u8>,
    /// Where the id stands in it.
    id_at: Option<usize>,
    /// What a result begins with, a thrown error does not.
    reply_head: Vec<u8>,
    /// What a thrown error begins with, up to the number of its code.
    error_head: Vec<u8>,
    /// Of a right reply: its length, and where the row's id stands.
    row: Option<(usize, usize)>,
}

impl Call {
    /// Encodes the request, and learns from one answer what replies look like.
    pub fn prepare(target: &TargetArgs) -> io::Result<Call> {
        let mut call = Call::encoded(target, target.timeout_ms);
        if target.request == Request::Point {
            // Asked without hurry, of a service that may just be starting.
            let mut probe = Call::encoded(target, 0);
            probe.learn(target)?;
            call.row = probe.row;
        }
        Ok(call)
    }

    fn encoded(target: &TargetArgs, timeout_ms: i32) -> Call {
        match target.request {
            Request::Ping => Call::new("ping", |writer| {
                writer.end();
            }),
            Request::Point => Call::new("query", |writer| {
                writer.text_field(1, &target.shard);
                writer.field(STRUCT, 2).text_field(1, POINT_SQL);
                writer.field(LIST, 2).list_of_one(STRUCT);
                writer.id_field(3).end();
                writer.end();
                writer.options(timeout_ms).end();
            }),
            Request::Sleep | Request::Nap => Call::new("query", |writer| {
                let (sql, timeout_ms) = match target.request {
                    Request::Sleep => (SLEEP_SQL, target.sleep_timeout_ms),
                    _ => (NAP_SQL, timeout_ms),
                };
                writer.text_field(1, &target.shard);
                writer.field(STRUCT, 2).text_field(1, sql).end();
                writer.options(timeout_ms).end();
            }),
        }
    }

    fn new(function: &str, request: impl FnOnce(&mut Writer)) -> Call {
        let mut writer = Writer::default();
        writer.raw(&[0; FRAME_HEADER_BYTES]);
        writer.raw(&CALL).text(function).raw(&SEQUENCE_ID);
        writer.field(STRUCT, 1);
        request(&mut writer);
        writer.end();
        let length = (writer.bytes.len() - FRAME_HEADER_BYTES) as u32;
        writer.bytes[..FRAME_HEADER_BYTES].copy_from_slice(&length.to_be_bytes());

        let reply = |field| {
            let mut reply = Writer::default();
            reply.raw(&REPLY).text(function).raw(&SEQUENCE_ID);
            reply.field(STRUCT, field);
            reply
        };
        let mut error = reply(1);
        error.field(I32, 1);
        Call {
            request: writer.bytes,
            id_at: writer.id_at,
            reply_head: reply(0).bytes,
            error_head: error.bytes,
            row: None,
        }
    }

    fn learn(&mut self, target: &TargetArgs) -> io::Result<()> {
        let mut stream = TcpStream::connect(target.to)?;
        stream.write_all(self.request(PROBE_ID.min(target.rows)))?;
        let mut header = [0; FRAME_HEADER_BYTES];
        stream.read_exact(&mut header)?;
        let mut reply = vec![0; u32::from_be_bytes(header) as usize];
        stream.read_exact(&mut reply)?;
        let wanted = PROBE_ID.min(target.rows).to_be_bytes();
        let mut places = (0..reply.len()).filter(|&at| reply[at..].starts_with(&wanted));
        match (places.next(), places.next()) {
            (Some(at), None) if reply.starts_with(&self.reply_head) => {
                self.row = Some((reply.len(), at));
                Ok(())
            }
            _ => Err(io::Error::other(format!(
                "not the reply that was expected: {}",
                String::from_utf8_lossy(&reply)
            ))),
        }
    }

    /// The whole message for one id.
    pub fn request(&mut self, id: i64) -> &[u8] {
        if let Some(at) = self.id_at {
            self.request[at..at + size_of::<i64>()].copy_from_slice(&id.to_be_bytes());
        }
        &self.request
    }

    /// What a reply, without its frame's length, says of the request for the id.
    pub fn fate(&self, reply: &[u8], id: i64) -> Fate {
        if self.is_answered_by(reply, id) {
            return Fate::Right;
        }
        let code = reply.strip_prefix(self.error_head.as_slice());
        let code = code.and_then(|rest| rest.first_chunk());
        match code.map(|code| i32::from_be_bytes(*code)) {
            Some(QUEUE_FULL | QUEUE_TIMEOUT) => Fate::Refused,
            Some(DEADLINE_EXCEEDED) => Fate::Stopped,
            _ => Fate::Wrong,
        }
    }

    /// Whether a reply, without its frame's length, is the right one for the id.
    pub fn is_answered_by(&self, reply: &[u8], id: i64) -> bool {
        let right_row = |(length, at): (usize, usize)| {
            reply.len() == length && reply[at..].starts_with(&id.to_be_bytes())
        };
        reply.starts_with(&self.reply_head) && self.row.is_none_or(right_row)
    }
}

/// Error codes of the service that a refusal has, and a statement that was stopped.
const QUEUE_FULL: i32 = 12;
const QUEUE_TIMEOUT: i32 = 13;
const DEADLINE_EXCEEDED: i32 = 14;

/// What became of a request, as far as its reply tells.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    Right,
    /// Not begun.
    Refused,
    /// Begun, and stopped at its deadline.
    Stopped,
    Wrong,
}

/// As much of the binary protocol as is needed here.
#[derive(Default)]
struct Writer {
    bytes: Vec<u8>,
    id_at: Option<usize>,
}

impl Writer {
    fn raw(&mut self, bytes: &[u8]) -> &mut Writer {
        self.bytes.extend_from_slice(bytes);
        self
    }

    fn text(&mut self, text: &str) -> &mut Writer {
        let length = text.len() as u32;
        self.raw(&length.to_be_bytes()).raw(text.as_bytes())
    }

    fn field(&mut self, kind: u8, id: i16) -> &mut Writer {
        self.raw(&[kind]).raw(&id.to_be_bytes())
    }

    fn text_field(&mut self, id: i16, text: &str) -> &mut Writer {
        self.field(STRING, id).text(text)
    }

    fn id_field(&mut self, id: i16) -> &mut Writer {
        self.field(I64, id);
        self.id_at = Some(self.bytes.len());
        self.raw(&[0; size_of::<i64>()])
    }

    fn list_of_one(&mut self, kind: u8) -> &mut Writer {
        self.raw(&[kind]).raw(&1u32.to_be_bytes())
    }

    /// The request's options, if there is one to give.
    fn options(&mut self, timeout_ms: i32) -> &mut Writer {
        if timeout_ms == 0 {
            return self;
        }
        self.field(STRUCT, 15).field(I32, 1);
        self.raw(&timeout_ms.to_be_bytes()).end()
    }

    /// Ends a struct.
    fn end(&mut self) -> &mut Writer {
        self.raw(&[0])
    }
}
