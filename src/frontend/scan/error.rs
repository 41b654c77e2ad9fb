//! Why a message is refused: a closed kind to branch on, the place, and a text
//! for the caller.

use std::fmt;

/// A message that is malformed or over a limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ScanError {
    pub kind: ScanErrorKind,
    /// The byte of the message where the offending part begins, from 0.
    pub position: usize,
}

/// What is wrong with a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ScanErrorKind {
    /// The message does not begin as this protocol's messages do.
    BadVersion {
        seen: u8,
    },
    /// Neither a call nor a oneway call.
    BadMessageType {
        seen: u8,
    },
    /// No Thrift type has this code in this place.
    BadType {
        seen: u8,
    },
    /// A field id outside of 16 bits.
    BadFieldId {
        seen: i32,
    },
    /// An integer of more bytes than its type can have.
    BadVarint {
        limit: usize,
    },
    NegativeSize {
        part: Part,
        size: i32,
    },
    /// A part of `count` bytes, elements or entries, with which the message has
    /// at least `seen` bytes; 0 if the part is the message itself.
    TooLarge {
        part: Part,
        count: u32,
        limit: u64,
        seen: u64,
    },
    /// A part with which the message has `seen` elements, in all of its lists,
    /// sets and maps together.
    TooManyElements {
        part: Part,
        limit: u32,
        seen: u64,
    },
    NameTooLong {
        limit: usize,
        seen: usize,
    },
    TooDeep {
        limit: u8,
    },
    /// The frame ends before its message, which has at least `at_least` bytes.
    Truncated {
        at_least: usize,
    },
    /// The frame goes on after its message.
    TrailingBytes {
        count: usize,
    },
}

/// A part of a message that has a size.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    Message,
    Name,
    String,
    List,
    Set,
    Map,
}

impl ScanError {
    /// The limit that the message is over, in bytes or in elements as the text
    /// says, and how many it has at least; None if it is malformed, whatever
    /// its size.
    pub fn size_limit(&self) -> Option<(u64, u64)> {
        match self.kind {
            ScanErrorKind::TooLarge { limit, seen, .. } => Some((limit, seen)),
            ScanErrorKind::TooManyElements { limit, seen, .. } => Some((limit.into(), seen)),
            _ => None,
        }
    }
}

impl fmt::Display for ScanError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        use ScanErrorKind::*;
        let at = self.position;
        match self.kind {
            BadVersion { seen } => write!(
                f,
                "0x{seen:02x} at byte {at} does not begin a message of this session's protocol"
            ),
            BadMessageType { seen } => {
                write!(f, "a message of type {seen} is neither a call nor oneway")
            }
            BadType { seen } => write!(f, "{seen} at byte {at} is not a type of Thrift"),
            BadFieldId { seen } => write!(f, "{seen} at byte {at} is not a field id"),
            BadVarint { limit } => {
                write!(f, "the integer at byte {at} goes on after {limit} bytes")
            }
            NegativeSize { part, size } => {
                write!(f, "{part} at byte {at} has the negative size {size}")
            }
            TooLarge {
                part: Part::Message,
                limit,
                ..
            } => write!(f, "the message is over its limit of {limit} bytes"),
            TooLarge {
                part, count, limit, ..
            } => write!(
                f,
                "{part} of {count} {} at byte {at} goes over the message limit of {limit} bytes",
                part.unit()
            ),
            TooManyElements { part, limit, seen } => write!(
                f,
                "{part} at byte {at} makes it {seen} elements in the message's lists, sets and \
                 maps together, over their limit of {limit}: send it in parts"
            ),
            NameTooLong { limit, seen } => write!(
                f,
                "a function name of {seen} bytes at byte {at} is over the limit of {limit} bytes"
            ),
            TooDeep { limit } => write!(
                f,
                "byte {at} opens a level of nesting over the limit of {limit}"
            ),
            Truncated { at_least } => write!(
                f,
                "the frame of {at} bytes ends before its message, which has at least {at_least}"
            ),
            TrailingBytes { count } => write!(
                f,
                "the message ends at byte {at} and its frame {count} bytes later"
            ),
        }
    }
}

impl std::error::Error for ScanError {}

impl Part {
    fn unit(self) -> &'static str {
        match self {
            Part::Message | Part::Name | Part::String => "bytes",
            Part::List | Part::Set => "elements",
            Part::Map => "entries",
        }
    }
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Part::Message => "the message",
            Part::Name => "a function name",
            Part::String => "a string",
            Part::List => "a list",
            Part::Set => "a set",
            Part::Map => "a map",
        })
    }
}
