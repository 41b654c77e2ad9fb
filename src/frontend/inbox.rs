//! A session's bytes on their way to messages: detection, framing and the
//! scanner, without any I/O. It holds no memory while no message is begun.

use std::sync::Arc;

use super::detect::{self, Detection, Intruder, Protocol, Transport, Wire};
use super::memory::{FREE_BYTES, OverMemory, RequestMemory, Share};
use super::scan::{Head, Progress, ScanError, ScanLimits, Scanner};

/// Bytes of a frame's length.
pub const FRAME_HEADER_BYTES: usize = 4;

/// A message too large is answered by its name, which stands within so many
/// bytes of its beginning.
const HEAD_MAX_BYTES: usize = 300;

/// Bytes come in, messages come out.
pub struct Inbox {
    bytes: Vec<u8>,
    /// Where in them the next message begins.
    start: usize,
    wire: Option<Wire>,
    /// Of a message that has come in part; a frame's is made when it is whole.
    scanner: Option<Box<Scanner>>,
    limits: ScanLimits,
    /// What `bytes` takes.
    share: Share,
    /// Set while `bytes` takes more than it may.
    over_memory: Option<OverMemory>,
}

/// One whole message.
#[derive(Debug)]
pub struct Message {
    pub wire: Wire,
    buffer: Vec<u8>,
    start: usize,
    pub head: Head,
    /// What it takes in memory, until it is dropped.
    _share: Option<Share>,
}

/// What has come of the bytes so far.
pub enum Next {
    NeedMore,
    /// Its name may come yet, which the answer to it should have.
    NeedHead(Fault),
    Message(Message),
    Fault(Fault),
    /// Somebody who does not speak Thrift; nothing that follows is of use.
    Intruder(Intruder),
}

/// A message that cannot be taken.
#[derive(Debug)]
pub struct Fault {
    pub wire: Wire,
    /// Empty if it is not known.
    pub name: String,
    pub sequence_id: i32,
    pub kind: FaultKind,
    /// Where the next message begins is not known, or not near.
    pub fatal: bool,
}

/// Why a message cannot be taken.
#[derive(Debug)]
pub enum FaultKind {
    /// The first bytes are of no transport and protocol that is served.
    NotThrift,
    Malformed(ScanError),
    TooLarge {
        limit: usize,
        seen: u64,
    },
    /// With it the requests of all sessions would take `seen` bytes of memory.
    OverMemory {
        limit: usize,
        seen: usize,
    },
}

impl Message {
    /// The message itself, without a frame's length.
    pub fn bytes(&self) -> &[u8] {
        &self.buffer[self.start..]
    }
}

impl Inbox {
    pub fn new(limits: ScanLimits, memory: &Arc<RequestMemory>) -> Inbox {
        Inbox {
            bytes: Vec::new(),
            start: 0,
            wire: None,
            scanner: None,
            limits,
            share: memory.share(),
            over_memory: None,
        }
    }

    /// Takes bytes that came. Grows by what comes, never by what is announced.
    pub fn push(&mut self, bytes: &[u8]) {
        self.bytes.drain(..self.start);
        self.start = 0;
        self.bytes.extend_from_slice(bytes);
        self.over_memory = self.share.resize(self.bytes.capacity()).err();
    }

    /// How much to read at once: little when there is no memory for more, since what
    /// has been read is there, and small messages are taken out of it all the same.
    pub fn read_max_bytes(&self, usual: usize) -> usize {
        match self.share.may_grow(usual) {
            true => usual,
            false => FREE_BYTES.min(usual),
        }
    }

    /// Gives up what has come.
    pub fn clear(&mut self) {
        self.bytes = Vec::new();
        self.start = 0;
        self.scanner = None;
        self.over_memory = self.share.resize(0).err();
    }

    /// The sequence id of a message that has come in part, once that part of it is
    /// there. Costs a look at its first bytes.
    pub fn begun_sequence_id(&self) -> Option<i32> {
        let wire = self.wire?;
        let message = match wire.transport {
            Transport::Framed => self.pending().get(FRAME_HEADER_BYTES..)?,
            Transport::Unframed => self.pending(),
        };
        let first = &message[..message.len().min(HEAD_MAX_BYTES)];
        let (head, _) = self.head_of(wire, first);
        head.is_known().then_some(head.sequence_id)
    }

    /// Whether no message is begun.
    pub fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// The next message, if it is whole.
    pub fn next(&mut self) -> Next {
        if self.bytes.is_empty() {
            return Next::NeedMore;
        }
        let wire = match self.wire {
            Some(wire) => wire,
            None => match detect::detect(self.pending()) {
                Detection::Detected(wire) => *self.wire.insert(wire),
                Detection::NeedMore => return Next::NeedMore,
                Detection::Unknown(Intruder::Other) => return Next::Fault(Fault::not_thrift()),
                Detection::Unknown(intruder) => return Next::Intruder(intruder),
            },
        };
        match wire.transport {
            Transport::Framed => self.next_framed(wire),
            Transport::Unframed => self.next_unframed(wire),
        }
    }

    fn next_framed(&mut self, wire: Wire) -> Next {
        let Some((header, frame)) = self.pending().split_first_chunk::<FRAME_HEADER_BYTES>() else {
            return Next::NeedMore;
        };
        // A negative length is a large one here.
        let length = u32::from_be_bytes(*header);
        let limit = self.limits.message_max_bytes;
        if length as usize > limit {
            return self.oversized_frame(wire, length);
        }
        let length = length as usize;
        if let Some(over) = self.over_memory_of(length) {
            return self.over_memory_frame(wire, length, over);
        }
        if frame.len() < length {
            return Next::NeedMore;
        }
        let mut scanner = Scanner::new(wire.protocol, self.limits);
        let scanned = scanner.scan_frame(&frame[..length]);
        let head = scanner.head().clone();
        let (buffer, share) = self.take(FRAME_HEADER_BYTES + length);
        match scanned {
            Ok(()) => Next::Message(Message {
                wire,
                buffer,
                start: FRAME_HEADER_BYTES,
                head,
                _share: share,
            }),
            Err(error) => Next::Fault(Fault::new(
                wire,
                &head,
                &buffer[FRAME_HEADER_BYTES..],
                FaultKind::Malformed(error),
            )),
        }
    }

    /// One that there is no memory for. What follows is of use only if it has come
    /// whole.
    fn over_memory_frame(&mut self, wire: Wire, length: usize, over: OverMemory) -> Next {
        let frame = &self.pending()[FRAME_HEADER_BYTES..];
        let first = &frame[..frame.len().min(HEAD_MAX_BYTES)];
        let (head, _) = self.head_of(wire, first);
        let mut fault = Fault::new(wire, &head, first, over.into());
        fault.fatal = frame.len() < length;
        if !fault.fatal {
            drop(self.take(FRAME_HEADER_BYTES + length));
        }
        Next::Fault(fault)
    }

    /// What the beginning of a message tells, and whether it is none.
    fn head_of(&self, wire: Wire, first: &[u8]) -> (Head, bool) {
        let mut scanner = Scanner::new(wire.protocol, self.limits);
        let faulty = scanner.scan(first).is_err();
        (scanner.head().clone(), faulty)
    }

    /// Its beginning is awaited, so that it can be answered by name.
    fn oversized_frame(&mut self, wire: Wire, length: u32) -> Next {
        let frame = &self.pending()[FRAME_HEADER_BYTES..];
        let (head, faulty) = self.head_of(wire, frame);
        let kind = FaultKind::TooLarge {
            limit: self.limits.message_max_bytes,
            seen: u64::from(length),
        };
        let mut fault = Fault::new(wire, &head, frame, kind);
        fault.fatal = true;
        if !head.is_known() && !faulty && frame.len() < HEAD_MAX_BYTES {
            return Next::NeedHead(fault);
        }
        Next::Fault(fault)
    }

    fn next_unframed(&mut self, wire: Wire) -> Next {
        let limits = self.limits;
        let mut scanner = self
            .scanner
            .take()
            .unwrap_or_else(|| Box::new(Scanner::new(wire.protocol, limits)));
        match scanner.scan(self.pending()) {
            Ok(Progress::NeedMore { .. }) => {
                if let Some(over) = self.over_memory_of(self.pending().len()) {
                    let mut fault = Fault::new(wire, scanner.head(), self.pending(), over.into());
                    fault.fatal = true;
                    return Next::Fault(fault);
                }
                self.scanner = Some(scanner);
                Next::NeedMore
            }
            Ok(Progress::Complete(length)) => {
                let head = scanner.head().clone();
                let over = self.over_memory_of(length);
                let (buffer, share) = self.take(length);
                if let Some(over) = over {
                    return Next::Fault(Fault::new(wire, &head, &buffer, over.into()));
                }
                Next::Message(Message {
                    wire,
                    head,
                    buffer,
                    start: 0,
                    _share: share,
                })
            }
            Err(error) => {
                let kind = FaultKind::Malformed(error);
                let mut fault = Fault::new(wire, scanner.head(), self.pending(), kind);
                fault.fatal = true;
                Next::Fault(fault)
            }
        }
    }

    /// Whether there is no memory for a message of this size. Small ones are taken
    /// in any case, whatever came together with them.
    fn over_memory_of(&self, length: usize) -> Option<OverMemory> {
        self.over_memory.filter(|_| length > FREE_BYTES)
    }

    fn pending(&self) -> &[u8] {
        &self.bytes[self.start..]
    }

    /// Takes the next `length` bytes, which usually are all there are and then
    /// are not copied.
    fn take(&mut self, length: usize) -> (Vec<u8>, Option<Share>) {
        let end = self.start + length;
        if self.start == 0 && end == self.bytes.len() {
            return (std::mem::take(&mut self.bytes), self.share.split());
        }
        let taken = self.bytes[self.start..end].to_vec();
        let share = self.share.for_copy(taken.len());
        self.start = end;
        if end == self.bytes.len() {
            self.clear();
        }
        (taken, share)
    }
}

impl Fault {
    /// Answered in the form that most clients understand.
    fn not_thrift() -> Fault {
        Fault {
            wire: Wire {
                transport: Transport::Framed,
                protocol: Protocol::Binary,
            },
            name: String::new(),
            sequence_id: 0,
            kind: FaultKind::NotThrift,
            fatal: true,
        }
    }

    fn new(wire: Wire, head: &Head, message: &[u8], kind: FaultKind) -> Fault {
        Fault {
            wire,
            name: head.name_in(message).unwrap_or_default().to_owned(),
            sequence_id: head.sequence_id,
            kind,
            fatal: false,
        }
    }

    /// None: what came does not tell.
    pub(super) fn known_sequence_id(&self) -> Option<i32> {
        (!self.name.is_empty()).then_some(self.sequence_id)
    }
}

impl From<OverMemory> for FaultKind {
    fn from(over: OverMemory) -> FaultKind {
        let OverMemory { limit, seen } = over;
        FaultKind::OverMemory { limit, seen }
    }
}
