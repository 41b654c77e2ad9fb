//! The strict binary protocol: big-endian numbers of fixed size.

use super::encoding::{Elements, Encoding, Extent, Field, Kind, Opening, Reader};
use super::error::{Part, ScanErrorKind};

const KINDS: [Option<Kind>; 17] = [
    None,
    None,
    Some(Kind::Bool),
    Some(Kind::I8),
    Some(Kind::Double),
    None,
    Some(Kind::I16),
    None,
    Some(Kind::I32),
    None,
    Some(Kind::I64),
    Some(Kind::String),
    Some(Kind::Struct),
    Some(Kind::Map),
    Some(Kind::Set),
    Some(Kind::List),
    Some(Kind::Uuid),
];

pub(super) struct Binary;

impl Encoding for Binary {
    #[inline(always)]
    fn opening(reader: &mut Reader) -> Option<Opening> {
        for version_byte in [0x80, 0x01] {
            let at = reader.at;
            let seen = reader.byte()?;
            if seen != version_byte {
                return reader.refuse(ScanErrorKind::BadVersion { seen }, at);
            }
        }
        // The first byte means nothing; every implementation ignores it.
        let [_, message_type] = reader.array()?;
        let name = reader.name::<Binary>()?;
        let sequence_id = Binary::i32(reader)?;
        Some(Opening {
            message_type,
            name,
            sequence_id,
        })
    }

    #[inline(always)]
    fn field(reader: &mut Reader, _last_id: i16) -> Option<Field> {
        let at = reader.at;
        let code = reader.byte()?;
        if code == 0 {
            return Some(Field { id: 0, kind: None });
        }
        let kind = kind(reader, code, at)?;
        let id = i16::from_be_bytes(reader.array()?);
        Some(Field {
            id,
            kind: Some(kind),
        })
    }

    #[inline(always)]
    fn size(reader: &mut Reader, part: Part, position: usize) -> Option<u32> {
        let size = Binary::i32(reader)?;
        reader.checked_size(size, part, position)
    }

    #[inline(always)]
    fn elements(reader: &mut Reader, part: Part) -> Option<Elements> {
        let at = reader.at;
        let even = reader.byte()?;
        let odd = match part {
            Part::Map => reader.byte()?,
            _ => even,
        };
        let odd_at = reader.at - 1;
        let count = Binary::size(reader, part, at)?;
        if count == 0 {
            return Some(Elements::EMPTY);
        }
        Some(Elements {
            count,
            even: kind(reader, even, at)?,
            odd: kind(reader, odd, odd_at)?,
        })
    }

    #[inline(always)]
    fn i32(reader: &mut Reader) -> Option<i32> {
        Some(i32::from_be_bytes(reader.array()?))
    }

    #[inline(always)]
    fn extent(kind: Kind) -> Extent {
        match kind {
            Kind::Flag => Extent::Fixed(0),
            Kind::Bool | Kind::I8 => Extent::Fixed(1),
            Kind::I16 => Extent::Fixed(2),
            Kind::I32 => Extent::Fixed(4),
            Kind::I64 | Kind::Double => Extent::Fixed(8),
            Kind::Uuid => Extent::Fixed(16),
            Kind::String | Kind::Struct | Kind::List | Kind::Set | Kind::Map => Extent::Told,
        }
    }

    #[inline(always)]
    fn element_min_bytes(kind: Kind) -> u8 {
        match kind {
            // A struct is its end at least.
            Kind::Flag | Kind::Bool | Kind::I8 | Kind::Struct => 1,
            Kind::I16 => 2,
            Kind::I32 | Kind::String => 4,
            Kind::List | Kind::Set => 5,
            Kind::Map => 6,
            Kind::I64 | Kind::Double => 8,
            Kind::Uuid => 16,
        }
    }
}

#[inline(always)]
fn kind(reader: &mut Reader, code: u8, at: usize) -> Option<Kind> {
    match KINDS.get(usize::from(code)) {
        Some(Some(kind)) => Some(*kind),
        _ => reader.refuse(ScanErrorKind::BadType { seen: code }, at),
    }
}
