//! Finds the end of a Thrift message in bytes that may still be coming, checks
//! its form against limits, and notes on the way what routes a request: its
//! function, shard, timeout and request id. Nothing is decoded; whether the
//! fields are those of the contract is for the generated decoder.

mod binary;
mod compact;
mod encoding;
mod error;
mod head;
mod levels;
#[cfg(test)]
mod tests;

pub use error::{Part, ScanError, ScanErrorKind};
pub use head::Head;

use super::detect::Protocol;
use binary::Binary;
use compact::Compact;
use encoding::{Elements, Encoding, Extent, Kind, Reader, Stall};
use head::Role;
use levels::{Level, Levels};

/// Message types that ask for something; the others are answers.
const CALL: u8 = 1;
const ONEWAY: u8 = 4;

/// What a message may not exceed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ScanLimits {
    pub message_max_bytes: usize,
    /// Levels of structs and containers; the arguments are the first, and
    /// always allowed.
    pub depth_max: u8,
    /// Elements of all lists and sets together, and entries of all maps: each
    /// may take one byte here and many in memory, once it is decoded.
    pub elements_max: u32,
}

/// How far a message has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    /// Its end is not there yet.
    NeedMore {
        /// The message has at least so many bytes in all.
        at_least: usize,
    },
    /// It has so many bytes; what follows them is another message's.
    Complete(usize),
}

/// Scans one message, in as many steps as its bytes take to come; each message
/// has a scanner of its own. 256 bytes, no allocation below ten levels.
#[derive(Debug)]
pub struct Scanner {
    protocol: Protocol,
    limits: ScanLimits,
    stage: Stage,
    head: Head,
    /// Where the next part of the message begins; beyond the bytes that have
    /// come if they end within a part whose length is known.
    position: usize,
    /// Of the elements that the limit allows.
    elements_left: u32,
    innermost: Level,
    outer: Levels,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    Opening,
    Body,
    Complete,
}

impl Default for ScanLimits {
    /// Those of the contract.
    fn default() -> ScanLimits {
        ScanLimits {
            message_max_bytes: 16_000_000,
            depth_max: 60,
            elements_max: 1_500_000,
        }
    }
}

impl Scanner {
    pub fn new(protocol: Protocol, limits: ScanLimits) -> Scanner {
        Scanner {
            protocol,
            limits: ScanLimits {
                // No length in Thrift is larger, and no sum overflows.
                message_max_bytes: limits.message_max_bytes.min(i32::MAX as usize),
                ..limits
            },
            stage: Stage::Opening,
            head: Head::default(),
            position: 0,
            elements_left: limits.elements_max,
            innermost: Level::ARGUMENTS,
            outer: Levels::new(),
        }
    }

    /// Goes on with a message from where the last call stopped. `message` is
    /// all that has come of it, from its first byte on; bytes of the messages
    /// behind it do no harm. The cost is that of the bytes since the last call,
    /// of which the bodies of strings and elements of fixed size cost nothing.
    ///
    /// After an error nobody knows where the next message begins, unless frames
    /// tell.
    pub fn scan(&mut self, message: &[u8]) -> Result<Progress, ScanError> {
        let limit = self.limits.message_max_bytes;
        let message = message.get(..limit).unwrap_or(message);
        let outcome = match self.protocol {
            Protocol::Binary => self.advance::<Binary>(message),
            Protocol::Compact => self.advance::<Compact>(message),
        };
        match outcome {
            Ok(()) => Ok(Progress::Complete(self.position)),
            Err(Stall::NeedMore(at_least)) if at_least > limit => Err(ScanError {
                kind: too_large(Part::Message, 0, limit, at_least as u64),
                position: self.position,
            }),
            Err(Stall::NeedMore(at_least)) => Ok(Progress::NeedMore { at_least }),
            Err(Stall::Refused(error)) => Err(error),
        }
    }

    /// Scans a message which has come whole, in a frame that holds nothing else.
    pub fn scan_frame(&mut self, frame: &[u8]) -> Result<(), ScanError> {
        let (kind, position) = match self.scan(frame)? {
            Progress::Complete(length) if length == frame.len() => return Ok(()),
            Progress::Complete(length) => {
                let count = frame.len() - length;
                (ScanErrorKind::TrailingBytes { count }, length)
            }
            Progress::NeedMore { at_least } => (ScanErrorKind::Truncated { at_least }, frame.len()),
        };
        Err(ScanError { kind, position })
    }

    /// What is known of the message: all when it is complete, and what came
    /// before the fault after an error.
    pub fn head(&self) -> &Head {
        &self.head
    }

    /// Passes part after part. All of it is inlined, so that the place and the
    /// innermost level stay in registers. After a stall both are those before
    /// the part that did not come whole, and that part is read again.
    #[inline(always)]
    fn advance<E: Encoding>(&mut self, message: &[u8]) -> Result<(), Stall> {
        let mut reader = Reader::new(message, self.position);
        if self.stage == Stage::Opening {
            if self.open::<E>(&mut reader).is_none() {
                return Err(reader.stall);
            }
            self.position = reader.at;
            self.stage = Stage::Body;
        }
        let mut level = self.innermost;
        let mut done = self.stage == Stage::Complete;
        while !done {
            let outcome = match level.role {
                Role::Container | Role::Steps => self.pass_values::<E>(&mut reader, &mut level),
                _ => self.pass_fields::<E>(&mut reader, &mut level),
            };
            match outcome {
                Some(ended) => done = ended,
                None => {
                    self.innermost = level;
                    return Err(reader.stall);
                }
            }
        }
        self.position = reader.at;
        self.stage = Stage::Complete;
        Ok(())
    }

    #[inline(always)]
    fn open<E: Encoding>(&mut self, reader: &mut Reader) -> Option<()> {
        let opening = E::opening(reader)?;
        if !matches!(opening.message_type, CALL | ONEWAY) {
            let seen = opening.message_type;
            return reader.refuse(ScanErrorKind::BadMessageType { seen }, 0);
        }
        self.head.message_type = opening.message_type;
        self.head.name = opening.name;
        self.head.sequence_id = opening.sequence_id;
        Some(())
    }

    /// Passes fields up to one that opens a level, or to their struct's end.
    /// True: that was the message's end.
    #[inline(always)]
    fn pass_fields<E: Encoding>(&mut self, reader: &mut Reader, level: &mut Level) -> Option<bool> {
        loop {
            self.position = reader.at;
            let field = E::field(reader, level.last_id)?;
            let Some(kind) = field.kind else {
                return Some(!self.outer.pop(level));
            };
            let role = match level.role {
                Role::Plain => Role::Plain,
                role => self.head.note::<E>(reader, role, field.id, kind)?,
            };
            let rest = Level {
                last_id: field.id,
                ..*level
            };
            if self.pass::<E>(reader, kind, role, rest, level)? {
                return Some(false);
            }
        }
    }

    /// The same for the values of a container.
    #[inline(always)]
    fn pass_values<E: Encoding>(&mut self, reader: &mut Reader, level: &mut Level) -> Option<bool> {
        while level.left > 0 {
            self.position = reader.at;
            let kind = match level.left & 1 {
                0 => level.even,
                _ => level.odd,
            };
            let rest = Level {
                left: level.left - 1,
                ..*level
            };
            let role = match level.role {
                Role::Steps => Role::Step,
                _ => Role::Plain,
            };
            if self.pass::<E>(reader, kind, role, rest, level)? {
                return Some(false);
            }
        }
        Some(!self.outer.pop(level))
    }

    /// Passes a value or opens it, which it tells. `level` becomes the innermost
    /// one then: `rest`, which is what remains of it now, or the one opened. The
    /// level is changed in place: returned in an `Option` it goes through
    /// memory, which makes a scan a third longer.
    #[inline(always)]
    fn pass<E: Encoding>(
        &mut self,
        reader: &mut Reader,
        kind: Kind,
        role: Role,
        rest: Level,
        level: &mut Level,
    ) -> Option<bool> {
        match (E::extent(kind), kind) {
            (Extent::Fixed(size), _) => reader.at += usize::from(size),
            (Extent::Varint(max_bytes), _) => reader.skip_varint(max_bytes)?,
            (Extent::Told, Kind::String) => self.pass_string::<E>(reader)?,
            (Extent::Told, Kind::Struct) => {
                self.check_depth(reader)?;
                self.outer.push(rest);
                *level = Level::structure(role);
                return Some(true);
            }
            (Extent::Told, _) => {
                self.pass_container::<E>(reader, kind, role, rest, level)?;
                return Some(true);
            }
        }
        *level = rest;
        Some(false)
    }

    #[inline(always)]
    fn pass_string<E: Encoding>(&self, reader: &mut Reader) -> Option<()> {
        let start = reader.at;
        let length = E::size(reader, Part::String, start)?;
        let limit = self.limits.message_max_bytes;
        let end = reader.at as u64 + u64::from(length);
        if end > limit as u64 {
            return reader.refuse(too_large(Part::String, length, limit, end), start);
        }
        reader.at = end as usize;
        Some(())
    }

    /// The values of fixed size are passed at once; others make a level.
    #[inline(always)]
    fn pass_container<E: Encoding>(
        &mut self,
        reader: &mut Reader,
        kind: Kind,
        role: Role,
        rest: Level,
        level: &mut Level,
    ) -> Option<()> {
        let start = reader.at;
        self.check_depth(reader)?;
        let part = match kind {
            Kind::Map => Part::Map,
            Kind::Set => Part::Set,
            _ => Part::List,
        };
        let Elements { count, even, odd } = E::elements(reader, part)?;
        let even_bytes = u64::from(E::element_min_bytes(even));
        let (left, min_bytes) = match part {
            Part::Map => (count * 2, even_bytes + u64::from(E::element_min_bytes(odd))),
            _ => (count, even_bytes),
        };
        let limit = self.limits.message_max_bytes;
        let end = reader.at as u64 + u64::from(count) * min_bytes;
        if end > limit as u64 {
            return reader.refuse(too_large(part, count, limit, end), start);
        }
        // Nothing stalls from here on: no container is counted twice.
        if count > self.elements_left {
            return self.refuse_elements(reader, part, count, start);
        }
        self.elements_left -= count;
        if let (Extent::Fixed(_), Extent::Fixed(_)) = (E::extent(even), E::extent(odd)) {
            reader.at = end as usize;
            *level = rest;
            return Some(());
        }
        self.outer.push(rest);
        *level = Level {
            role: match role {
                Role::Steps => Role::Steps,
                _ => Role::Container,
            },
            last_id: 0,
            left,
            even,
            odd,
        };
        Some(())
    }

    #[cold]
    #[inline(never)]
    fn refuse_elements(
        &self,
        reader: &mut Reader,
        part: Part,
        count: u32,
        position: usize,
    ) -> Option<()> {
        let limit = self.limits.elements_max;
        let before = limit - self.elements_left;
        let seen = u64::from(before) + u64::from(count);
        let kind = ScanErrorKind::TooManyElements { part, limit, seen };
        reader.refuse(kind, position)
    }

    #[inline(always)]
    fn check_depth(&self, reader: &mut Reader) -> Option<()> {
        let limit = self.limits.depth_max;
        if u16::from(self.outer.count()) + 2 > u16::from(limit) {
            return reader.refuse(ScanErrorKind::TooDeep { limit }, reader.at);
        }
        Some(())
    }
}

fn too_large(part: Part, count: u32, limit: usize, seen: u64) -> ScanErrorKind {
    ScanErrorKind::TooLarge {
        part,
        count,
        limit: limit as u64,
        seen,
    }
}
