//! The strict binary protocol: everything of a fixed size, big end first.

use super::output::{Kind, MessageKind, Output, push_all};

/// The version of the strict form; a message's kind is added to it.
const VERSION: u32 = 0x8001_0000;

const STOP: u8 = 0;
const BOOL: u8 = 2;

pub(super) struct Binary<'a> {
    out: &'a mut Vec<u8>,
}

impl<'a> Binary<'a> {
    pub(super) fn new(out: &'a mut Vec<u8>) -> Binary<'a> {
        Binary { out }
    }

    fn field_of_type(&mut self, id: i16, field_type: u8) {
        self.out.push(field_type);
        self.out.extend_from_slice(&id.to_be_bytes());
    }
}

/// The protocol's number of a type.
fn type_number(kind: Kind) -> u8 {
    match kind {
        Kind::Double => 4,
        Kind::I32 => 8,
        Kind::I64 => 10,
        Kind::Bytes => 11,
        Kind::Struct => 12,
        Kind::List => 15,
    }
}

impl Output for Binary<'_> {
    fn message(&mut self, kind: MessageKind, name: &str, sequence_id: i32) {
        let kind = match kind {
            MessageKind::Reply => 2,
            MessageKind::Exception => 3,
        };
        self.out.extend_from_slice(&(VERSION | kind).to_be_bytes());
        self.bytes(name.as_bytes());
        self.i32(sequence_id);
    }

    fn structure(&mut self, fields: impl FnOnce(&mut Self)) {
        fields(self);
        self.out.push(STOP);
    }

    fn field(&mut self, id: i16, kind: Kind) {
        self.field_of_type(id, type_number(kind));
    }

    fn bool_field(&mut self, id: i16, value: bool) {
        self.field_of_type(id, BOOL);
        self.out.push(u8::from(value));
    }

    fn i32(&mut self, value: i32) {
        self.out.extend_from_slice(&value.to_be_bytes());
    }

    fn i64(&mut self, value: i64) {
        self.out.extend_from_slice(&value.to_be_bytes());
    }

    fn length(&mut self, length: usize) {
        self.out.extend_from_slice(&(length as u32).to_be_bytes());
    }

    fn raw(&mut self) -> &mut Vec<u8> {
        self.out
    }

    fn list(&mut self, kind: Kind, length: usize) {
        self.out.push(type_number(kind));
        self.length(length);
    }

    fn i64s(&mut self, values: &[i64]) {
        push_all(self.out, values.iter().map(|value| value.to_be_bytes()));
    }

    fn doubles(&mut self, values: &[f64]) {
        push_all(self.out, values.iter().map(|value| value.to_be_bytes()));
    }
}
