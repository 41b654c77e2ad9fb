//! Messages for tests: a value as a tree, and what each protocol makes of it.
//! Written from the protocols' descriptions, and knows nothing of the scanner.

use Sample::*;

use crate::frontend::detect::Protocol;

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Sample {
    Bool(bool),
    I8(i8),
    I16(i16),
    I32(i32),
    I64(i64),
    Double(f64),
    Uuid([u8; 16]),
    Text(Vec<u8>),
    Struct(Vec<(i16, Sample)>),
    /// Elements are of one kind, as are a map's keys and values.
    List(Vec<Sample>),
    Set(Vec<Sample>),
    Map(Vec<(Sample, Sample)>),
}

pub(super) fn text(text: &str) -> Sample {
    Text(text.as_bytes().to_vec())
}

/// A query with all that routes it.
pub(super) fn query() -> Sample {
    let value = Struct(vec![(3, I64(123_456))]);
    let statement = vec![
        (1, text("SELECT name FROM t WHERE id = ?")),
        (2, List(vec![value])),
    ];
    let options = vec![(1, I32(500)), (2, text("req-1")), (3, text("token"))];
    let request = vec![
        (1, text("main")),
        (2, Struct(statement)),
        (15, Struct(options)),
    ];
    Struct(vec![(1, Struct(request))])
}

/// Every kind, in fields and in containers, and every form of a size.
pub(super) fn everything() -> Sample {
    let scalars = [
        Bool(true),
        Bool(false),
        I8(-1),
        I16(-300),
        I32(i32::MIN),
        I64(i64::MIN),
        Double(0.5),
        Uuid([0xff; 16]),
        text(""),
        Text(vec![0xff; 300]),
        Struct(vec![]),
        List(vec![]),
        Set(vec![]),
        Map(vec![]),
    ];
    let mut fields = Vec::new();
    let mut id = -40;
    for sample in scalars {
        let many = |count| vec![sample.clone(); count];
        let entry = |key: &Sample| (key.clone(), sample.clone());
        for value in [
            sample.clone(),
            List(many(1)),
            List(many(14)),
            Set(many(15)),
            List(many(200)),
            Map(vec![entry(&text("key")); 3]),
            Map(vec![entry(&I8(1)); 130]),
            List(vec![List(many(3)), List(vec![]), List(many(20))]),
        ] {
            fields.push((id, value));
            id += 7;
        }
    }
    fields.push((i16::MAX, Bool(true)));
    fields.push((i16::MIN, Bool(true)));
    Struct(fields)
}

/// A call of `function` with the sequence id 7.
pub(super) fn call(protocol: Protocol, function: &str, arguments: &Sample) -> Vec<u8> {
    let mut bytes = match protocol {
        Protocol::Binary => vec![0x80, 0x01, 0x00, 0x01],
        Protocol::Compact => vec![0x82, 0x21, 7],
    };
    let mut writer = Writer {
        protocol,
        bytes: &mut bytes,
    };
    writer.size_and_bytes(function.as_bytes());
    if protocol == Protocol::Binary {
        writer.bytes.extend(7_i32.to_be_bytes());
    }
    writer.value(arguments);
    bytes
}

struct Writer<'a> {
    protocol: Protocol,
    bytes: &'a mut Vec<u8>,
}

impl Writer<'_> {
    fn value(&mut self, sample: &Sample) {
        match sample {
            Bool(value) => self.bytes.push(match self.protocol {
                Protocol::Binary => u8::from(*value),
                Protocol::Compact => compact_bool(*value),
            }),
            I8(value) => self.bytes.extend(value.to_be_bytes()),
            I16(value) => self.integer((*value).into(), &value.to_be_bytes()),
            I32(value) => self.integer((*value).into(), &value.to_be_bytes()),
            I64(value) => self.integer(*value, &value.to_be_bytes()),
            Double(value) => self.bytes.extend(match self.protocol {
                Protocol::Binary => value.to_be_bytes(),
                Protocol::Compact => value.to_le_bytes(),
            }),
            Uuid(value) => self.bytes.extend(value),
            Text(value) => self.size_and_bytes(value),
            Struct(fields) => self.fields(fields),
            List(elements) | Set(elements) => self.list(elements),
            Map(entries) => self.map(entries),
        }
    }

    fn integer(&mut self, value: i64, big_endian: &[u8]) {
        match self.protocol {
            Protocol::Binary => self.bytes.extend(big_endian),
            Protocol::Compact => self.varint(((value << 1) ^ (value >> 63)) as u64),
        }
    }

    fn size_and_bytes(&mut self, bytes: &[u8]) {
        self.size(bytes.len());
        self.bytes.extend(bytes);
    }

    fn size(&mut self, size: usize) {
        match self.protocol {
            Protocol::Binary => self.bytes.extend((size as u32).to_be_bytes()),
            Protocol::Compact => self.varint(size as u64),
        }
    }

    fn varint(&mut self, mut value: u64) {
        while value >= 0x80 {
            self.bytes.push(value as u8 | 0x80);
            value >>= 7;
        }
        self.bytes.push(value as u8);
    }

    fn fields(&mut self, fields: &[(i16, Sample)]) {
        let mut last_id = 0;
        for (id, value) in fields {
            let mut code = self.code(value);
            if self.protocol == Protocol::Binary {
                self.bytes.push(code);
                self.bytes.extend(id.to_be_bytes());
                self.value(value);
                continue;
            }
            if let Bool(value) = value {
                code = compact_bool(*value);
            }
            match i32::from(*id) - last_id {
                step @ 1..=15 => self.bytes.push((step as u8) << 4 | code),
                _ => {
                    self.bytes.push(code);
                    self.value(&I16(*id));
                }
            }
            last_id = (*id).into();
            if !matches!(value, Bool(_)) {
                self.value(value);
            }
        }
        self.bytes.push(0);
    }

    fn list(&mut self, elements: &[Sample]) {
        let code = elements.first().map_or(0, |first| self.code(first));
        match (self.protocol, elements.len()) {
            (Protocol::Binary, size) => {
                self.bytes.push(code);
                self.size(size);
            }
            (Protocol::Compact, size @ ..15) => self.bytes.push((size as u8) << 4 | code),
            (Protocol::Compact, size) => {
                self.bytes.push(0xf0 | code);
                self.size(size);
            }
        }
        for element in elements {
            self.value(element);
        }
    }

    fn map(&mut self, entries: &[(Sample, Sample)]) {
        let codes = entries
            .first()
            .map_or((0, 0), |(key, value)| (self.code(key), self.code(value)));
        match self.protocol {
            Protocol::Binary => {
                self.bytes.extend([codes.0, codes.1]);
                self.size(entries.len());
            }
            Protocol::Compact => {
                self.size(entries.len());
                if !entries.is_empty() {
                    self.bytes.push(codes.0 << 4 | codes.1);
                }
            }
        }
        for (key, value) in entries {
            self.value(key);
            self.value(value);
        }
    }

    fn code(&self, sample: &Sample) -> u8 {
        let (binary, compact) = match sample {
            Bool(_) => (2, 1),
            I8(_) => (3, 3),
            I16(_) => (6, 4),
            I32(_) => (8, 5),
            I64(_) => (10, 6),
            Double(_) => (4, 7),
            Uuid(_) => (16, 13),
            Text(_) => (11, 8),
            Struct(_) => (12, 12),
            List(_) => (15, 9),
            Set(_) => (14, 10),
            Map(_) => (13, 11),
        };
        match self.protocol {
            Protocol::Binary => binary,
            Protocol::Compact => compact,
        }
    }
}

fn compact_bool(value: bool) -> u8 {
    if value { 1 } else { 2 }
}
