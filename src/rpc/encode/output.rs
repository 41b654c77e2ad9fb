//! What writing a reply needs of a protocol. There are no names of structs or
//! fields in either one, and nothing is allocated but the reply itself.

/// The kind of a field, or of a list's elements. A bool is no kind: in a field
/// it is written at one go, and no list has any.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    I32,
    I64,
    Double,
    /// Text as well.
    Bytes,
    Struct,
    List,
}

/// What a message is to its receiver.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum MessageKind {
    Reply,
    Exception,
}

/// A protocol, appending to a buffer. A reply is bounded far below 2 GiB before
/// it is written, so that every length fits.
pub(super) trait Output: Sized {
    /// What introduces a message; its one struct follows.
    fn message(&mut self, kind: MessageKind, name: &str, sequence_id: i32);

    /// Writes a struct: the fields, which `fields` writes with ascending ids, and
    /// its end.
    fn structure(&mut self, fields: impl FnOnce(&mut Self));

    /// What introduces a field; its value follows.
    fn field(&mut self, id: i16, kind: Kind);

    fn bool_field(&mut self, id: i16, value: bool);

    fn i32(&mut self, value: i32);

    fn i64(&mut self, value: i64);

    fn bytes(&mut self, bytes: &[u8]) {
        self.length(bytes.len());
        self.raw().extend_from_slice(bytes);
    }

    /// What introduces bytes; so many follow.
    fn length(&mut self, length: usize);

    /// Where bytes go that have been introduced.
    fn raw(&mut self) -> &mut Vec<u8>;

    /// What introduces a list; so many elements follow.
    fn list(&mut self, kind: Kind, length: usize);

    /// The elements of a list.
    fn i64s(&mut self, values: &[i64]);

    /// The elements of a list.
    fn doubles(&mut self, values: &[f64]);

    fn i32_field(&mut self, id: i16, value: i32) {
        self.field(id, Kind::I32);
        self.i32(value);
    }

    fn i64_field(&mut self, id: i16, value: i64) {
        self.field(id, Kind::I64);
        self.i64(value);
    }

    fn bytes_field(&mut self, id: i16, bytes: &[u8]) {
        self.field(id, Kind::Bytes);
        self.bytes(bytes);
    }

    fn text_field(&mut self, id: i16, text: &str) {
        self.bytes_field(id, text.as_bytes());
    }

    /// Bytes that are `N` of each value, without a list's introduction.
    fn packed_field<const N: usize>(
        &mut self,
        id: i16,
        values: impl ExactSizeIterator<Item = [u8; N]>,
    ) {
        self.field(id, Kind::Bytes);
        self.length(N * values.len());
        push_all(self.raw(), values);
    }

    fn struct_field(&mut self, id: i16, fields: impl FnOnce(&mut Self)) {
        self.field(id, Kind::Struct);
        self.structure(fields);
    }

    /// A list of structs, the fields of each of which `fields` writes.
    fn structs_field<T>(&mut self, id: i16, items: &[T], fields: impl Fn(&mut Self, &T)) {
        self.list_field(id, Kind::Struct, items.len());
        for item in items {
            self.structure(|output| fields(output, item));
        }
    }

    /// What introduces a field that is a list; so many elements follow.
    fn list_field(&mut self, id: i16, kind: Kind, length: usize) {
        self.field(id, Kind::List);
        self.list(kind, length);
    }
}

/// Appends the bytes of all values at one go.
pub(super) fn push_all<const N: usize>(
    out: &mut Vec<u8>,
    values: impl ExactSizeIterator<Item = [u8; N]>,
) {
    let start = out.len();
    out.resize(start + N * values.len(), 0);
    let (places, _) = out[start..].as_chunks_mut();
    for (place, value) in places.iter_mut().zip(values) {
        *place = value;
    }
}
