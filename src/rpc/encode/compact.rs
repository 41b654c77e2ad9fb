//! The compact protocol: numbers as varints, fields by their distance from the
//! one before.

use super::output::{Kind, MessageKind, Output, push_all};

const PROTOCOL: u8 = 0x82;
const VERSION: u8 = 1;

const STOP: u8 = 0;
const TRUE: u8 = 1;
const FALSE: u8 = 2;

/// Fields so far from the one before have the distance in their type's byte.
const DELTA_MAX: i16 = 15;

/// Lists of so many elements have their length in their type's byte.
const SHORT_LIST_MAX: usize = 14;
const LONG_LIST: u8 = 0xF0;

pub(super) struct Compact<'a> {
    out: &'a mut Vec<u8>,
    /// The last field's id, of the struct that is being written.
    last_id: i16,
}

impl<'a> Compact<'a> {
    pub(super) fn new(out: &'a mut Vec<u8>) -> Compact<'a> {
        Compact { out, last_id: 0 }
    }

    fn field_of_type(&mut self, id: i16, field_type: u8) {
        let delta = id - self.last_id;
        if (1..=DELTA_MAX).contains(&delta) {
            self.out.push((delta as u8) << 4 | field_type);
        } else {
            self.out.push(field_type);
            self.varint(zigzag(i64::from(id)));
        }
        self.last_id = id;
    }

    /// Seven bits in each byte, the lowest first; all but the last byte have the
    /// eighth bit set.
    fn varint(&mut self, mut value: u64) {
        while value >= 0x80 {
            self.out.push(value as u8 | 0x80);
            value >>= 7;
        }
        self.out.push(value as u8);
    }
}

/// Small for numbers near 0, whichever their sign.
fn zigzag(value: i64) -> u64 {
    (value.cast_unsigned() << 1) ^ (value >> 63).cast_unsigned()
}

/// The protocol's number of a type.
fn type_number(kind: Kind) -> u8 {
    match kind {
        Kind::I32 => 5,
        Kind::I64 => 6,
        Kind::Double => 7,
        Kind::Bytes => 8,
        Kind::List => 9,
        Kind::Struct => 12,
    }
}

impl Output for Compact<'_> {
    fn message(&mut self, kind: MessageKind, name: &str, sequence_id: i32) {
        let kind = match kind {
            MessageKind::Reply => 2,
            MessageKind::Exception => 3,
        };
        self.out.extend_from_slice(&[PROTOCOL, kind << 5 | VERSION]);
        self.varint(u64::from(sequence_id.cast_unsigned()));
        self.bytes(name.as_bytes());
    }

    fn structure(&mut self, fields: impl FnOnce(&mut Self)) {
        let outer_id = std::mem::take(&mut self.last_id);
        fields(self);
        self.out.push(STOP);
        self.last_id = outer_id;
    }

    fn field(&mut self, id: i16, kind: Kind) {
        self.field_of_type(id, type_number(kind));
    }

    fn bool_field(&mut self, id: i16, value: bool) {
        self.field_of_type(id, if value { TRUE } else { FALSE });
    }

    fn i32(&mut self, value: i32) {
        self.varint(zigzag(i64::from(value)));
    }

    fn i64(&mut self, value: i64) {
        self.varint(zigzag(value));
    }

    fn length(&mut self, length: usize) {
        self.varint(length as u64);
    }

    fn raw(&mut self) -> &mut Vec<u8> {
        self.out
    }

    fn list(&mut self, kind: Kind, length: usize) {
        let kind = type_number(kind);
        if length <= SHORT_LIST_MAX {
            self.out.push((length as u8) << 4 | kind);
        } else {
            self.out.push(LONG_LIST | kind);
            self.varint(length as u64);
        }
    }

    fn i64s(&mut self, values: &[i64]) {
        for value in values {
            self.i64(*value);
        }
    }

    fn doubles(&mut self, values: &[f64]) {
        push_all(self.out, values.iter().map(|value| value.to_le_bytes()));
    }
}
