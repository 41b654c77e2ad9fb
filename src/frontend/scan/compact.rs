//! The compact protocol: integers as zigzag varints, field ids as steps from
//! the one before, and small sizes and bools in the byte of the type.

use super::encoding::{Elements, Encoding, Extent, Field, Kind, Opening, Reader};
use super::error::{Part, ScanErrorKind};

/// Bytes of a 32-bit varint. Those of 16 bits may be as long: the generated
/// decoders read both alike.
const VARINT32_MAX_BYTES: u8 = 5;
const VARINT64_MAX_BYTES: u8 = 10;

/// In a list's first byte: its size is too large to be there, and follows.
const LONG_SIZE: u8 = 15;

const KINDS: [Option<Kind>; 14] = [
    None,
    Some(Kind::Bool),
    Some(Kind::Bool),
    Some(Kind::I8),
    Some(Kind::I16),
    Some(Kind::I32),
    Some(Kind::I64),
    Some(Kind::Double),
    Some(Kind::String),
    Some(Kind::List),
    Some(Kind::Set),
    Some(Kind::Map),
    Some(Kind::Struct),
    Some(Kind::Uuid),
];

pub(super) struct Compact;

impl Encoding for Compact {
    #[inline(always)]
    fn opening(reader: &mut Reader) -> Option<Opening> {
        let at = reader.at;
        let seen = reader.byte()?;
        if seen != 0x82 {
            return reader.refuse(ScanErrorKind::BadVersion { seen }, at);
        }
        let seen = reader.byte()?;
        if seen & 0x1f != 1 {
            return reader.refuse(ScanErrorKind::BadVersion { seen }, at + 1);
        }
        // The one signed number that is not zigzagged.
        let sequence_id = varint32(reader)? as i32;
        let name = reader.name::<Compact>()?;
        Some(Opening {
            message_type: seen >> 5,
            name,
            sequence_id,
        })
    }

    #[inline(always)]
    fn field(reader: &mut Reader, last_id: i16) -> Option<Field> {
        let at = reader.at;
        let step_and_code = reader.byte()?;
        let (step, code) = (step_and_code >> 4, step_and_code & 0x0f);
        // Whatever the step: no decoder looks at it here.
        if code == 0 {
            return Some(Field { id: 0, kind: None });
        }
        let kind = match kind(reader, code, at)? {
            Kind::Bool => Kind::Flag,
            kind => kind,
        };
        let id = match step {
            0 => Compact::i32(reader)?,
            step => i32::from(last_id) + i32::from(step),
        };
        let Ok(id) = i16::try_from(id) else {
            return reader.refuse(ScanErrorKind::BadFieldId { seen: id }, at);
        };
        Some(Field {
            id,
            kind: Some(kind),
        })
    }

    #[inline(always)]
    fn size(reader: &mut Reader, part: Part, position: usize) -> Option<u32> {
        let size = varint32(reader)? as i32;
        reader.checked_size(size, part, position)
    }

    #[inline(always)]
    fn elements(reader: &mut Reader, part: Part) -> Option<Elements> {
        match part {
            Part::Map => map(reader),
            _ => list(reader, part),
        }
    }

    #[inline(always)]
    fn i32(reader: &mut Reader) -> Option<i32> {
        let zigzag = varint32(reader)?;
        Some((zigzag >> 1) as i32 ^ -((zigzag & 1) as i32))
    }

    #[inline(always)]
    fn extent(kind: Kind) -> Extent {
        match kind {
            Kind::Flag => Extent::Fixed(0),
            Kind::Bool | Kind::I8 => Extent::Fixed(1),
            Kind::I16 | Kind::I32 => Extent::Varint(VARINT32_MAX_BYTES),
            Kind::I64 => Extent::Varint(VARINT64_MAX_BYTES),
            Kind::Double => Extent::Fixed(8),
            Kind::Uuid => Extent::Fixed(16),
            Kind::String | Kind::Struct | Kind::List | Kind::Set | Kind::Map => Extent::Told,
        }
    }

    #[inline(always)]
    fn element_min_bytes(kind: Kind) -> u8 {
        match kind {
            Kind::Double => 8,
            Kind::Uuid => 16,
            _ => 1,
        }
    }
}

#[inline(always)]
fn list(reader: &mut Reader, part: Part) -> Option<Elements> {
    let at = reader.at;
    let size_and_code = reader.byte()?;
    let count = match size_and_code >> 4 {
        LONG_SIZE => Compact::size(reader, part, at)?,
        size => size.into(),
    };
    if count == 0 {
        return Some(Elements::EMPTY);
    }
    let kind = kind(reader, size_and_code & 0x0f, at)?;
    Some(Elements {
        count,
        even: kind,
        odd: kind,
    })
}

#[inline(always)]
fn map(reader: &mut Reader) -> Option<Elements> {
    let at = reader.at;
    let count = Compact::size(reader, Part::Map, at)?;
    if count == 0 {
        // Then there are no types either.
        return Some(Elements::EMPTY);
    }
    let codes_at = reader.at;
    let codes = reader.byte()?;
    Some(Elements {
        count,
        even: kind(reader, codes >> 4, codes_at)?,
        odd: kind(reader, codes & 0x0f, codes_at)?,
    })
}

/// The kind of a value in a container, where a bool has either code and a byte
/// of its own; also of a field that is no bool.
#[inline(always)]
fn kind(reader: &mut Reader, code: u8, at: usize) -> Option<Kind> {
    match KINDS.get(usize::from(code)) {
        Some(Some(kind)) => Some(*kind),
        _ => reader.refuse(ScanErrorKind::BadType { seen: code }, at),
    }
}

/// Bits beyond the 32nd are dropped, as the generated decoders drop them: the
/// two must agree about where a message ends.
#[inline(always)]
fn varint32(reader: &mut Reader) -> Option<u32> {
    let start = reader.at;
    let mut number = 0;
    for index in 0..VARINT32_MAX_BYTES {
        let byte = reader.byte()?;
        number |= u32::from(byte & 0x7f) << (7 * index);
        if byte < 0x80 {
            return Some(number);
        }
    }
    let limit = VARINT32_MAX_BYTES.into();
    reader.refuse(ScanErrorKind::BadVarint { limit }, start)
}
