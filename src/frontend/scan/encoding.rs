//! What the two protocols have in common: the kinds of values, how their bytes
//! are read, and what a protocol must tell the scanner.

use std::ops::Range;

use super::error::{Part, ScanError, ScanErrorKind};

/// The longest function name, with the service's name before it if multiplexed.
pub(super) const NAME_MAX_BYTES: usize = 256;

/// The kind of a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// A compact field's bool, whose value is in the field's type.
    Flag,
    Bool,
    I8,
    I16,
    I32,
    I64,
    Double,
    Uuid,
    String,
    Struct,
    List,
    Set,
    Map,
}

/// How far the bytes of a value reach.
pub(super) enum Extent {
    /// So many bytes, whatever they are.
    Fixed(u8),
    /// Up to the first byte below 0x80, at most so many.
    Varint(u8),
    /// As its own parts tell: strings, structs, containers.
    Told,
}

/// What introduces a message.
pub(super) struct Opening {
    pub(super) message_type: u8,
    pub(super) name: Range<usize>,
    pub(super) sequence_id: i32,
}

/// What introduces a field of a struct.
pub(super) struct Field {
    pub(super) id: i16,
    /// None: it is no field, but the struct's end.
    pub(super) kind: Option<Kind>,
}

/// What introduces a container. Its values are numbered downwards to 1: in a
/// map the keys are even, the values odd.
pub(super) struct Elements {
    /// Elements of a list or set, entries of a map.
    pub(super) count: u32,
    pub(super) even: Kind,
    pub(super) odd: Kind,
}

/// Why a part of a message could not be read.
pub(super) enum Stall {
    /// The message has at least so many bytes; they have not come yet.
    NeedMore(usize),
    Refused(ScanError),
}

/// A protocol, as far as the ends of things go. Each function moves the reader
/// behind what it reads, and gives None if it stalls.
pub(super) trait Encoding {
    fn opening(reader: &mut Reader) -> Option<Opening>;

    fn field(reader: &mut Reader, last_id: i16) -> Option<Field>;

    /// The size of a part that begins at `position`, at most `i32::MAX`.
    fn size(reader: &mut Reader, part: Part, position: usize) -> Option<u32>;

    /// What introduces a list, set or map; the count is at most `i32::MAX`.
    fn elements(reader: &mut Reader, part: Part) -> Option<Elements>;

    fn i32(reader: &mut Reader) -> Option<i32>;

    fn extent(kind: Kind) -> Extent;

    /// The fewest bytes that a value has in a container; never 0, so that the
    /// work on a container is bounded by its bytes.
    fn element_min_bytes(kind: Kind) -> u8;
}

/// A place in the bytes of a message. Its functions give None if they stall;
/// the reason is kept aside, so that results stay in registers.
pub(super) struct Reader<'a> {
    bytes: &'a [u8],
    pub(super) at: usize,
    pub(super) stall: Stall,
}

impl Elements {
    /// What types it names does not matter.
    pub(super) const EMPTY: Elements = Elements {
        count: 0,
        even: Kind::Bool,
        odd: Kind::Bool,
    };
}

impl<'a> Reader<'a> {
    pub(super) fn new(bytes: &'a [u8], at: usize) -> Reader<'a> {
        Reader {
            bytes,
            at,
            stall: Stall::NeedMore(0),
        }
    }

    #[inline(always)]
    pub(super) fn byte(&mut self) -> Option<u8> {
        let Some(&byte) = self.bytes.get(self.at) else {
            return self.need(self.at + 1);
        };
        self.at += 1;
        Some(byte)
    }

    #[inline(always)]
    pub(super) fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        let rest = self.bytes.get(self.at..).unwrap_or_default();
        let Some(&array) = rest.first_chunk() else {
            return self.need(self.at + N);
        };
        self.at += N;
        Some(array)
    }

    /// Passes a varint, of which nothing but its end matters.
    #[inline(always)]
    pub(super) fn skip_varint(&mut self, max_bytes: u8) -> Option<()> {
        let start = self.at;
        for _ in 0..max_bytes {
            if self.byte()? < 0x80 {
                return Some(());
            }
        }
        let limit = max_bytes.into();
        self.refuse(ScanErrorKind::BadVarint { limit }, start)
    }

    /// A size as the wire has it, a signed number.
    #[inline(always)]
    pub(super) fn checked_size(&mut self, size: i32, part: Part, position: usize) -> Option<u32> {
        match u32::try_from(size) {
            Ok(size) => Some(size),
            Err(_) => self.refuse(ScanErrorKind::NegativeSize { part, size }, position),
        }
    }

    /// The place of a message's name, all of whose bytes have come.
    #[inline(always)]
    pub(super) fn name<E: Encoding>(&mut self) -> Option<Range<usize>> {
        let start = self.at;
        let seen = E::size(self, Part::Name, start)? as usize;
        if seen > NAME_MAX_BYTES {
            let limit = NAME_MAX_BYTES;
            return self.refuse(ScanErrorKind::NameTooLong { limit, seen }, start);
        }
        let name = self.at..self.at + seen;
        if name.end > self.bytes.len() {
            return self.need(name.end);
        }
        self.at = name.end;
        Some(name)
    }

    #[inline(always)]
    fn need<T>(&mut self, at_least: usize) -> Option<T> {
        self.stall = Stall::NeedMore(at_least);
        None
    }

    #[inline(always)]
    pub(super) fn refuse<T>(&mut self, kind: ScanErrorKind, position: usize) -> Option<T> {
        self.stall = Stall::Refused(ScanError { kind, position });
        None
    }
}
