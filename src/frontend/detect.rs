//! Tells from a session's first bytes which transport and protocol it speaks,
//! so that one port serves them all. It keeps nothing and reads no further than
//! six bytes; limits and answers to intruders are the session's.

/// How a message is encoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocol {
    /// Strict binary: every message begins with its version.
    Binary,
    Compact,
}

/// How messages are told apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transport {
    /// Each message follows its length.
    Framed,
    /// A message ends where its encoding says so.
    Unframed,
}

/// What a session speaks, from its first byte to its last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wire {
    pub transport: Transport,
    pub protocol: Protocol,
}

/// What the first bytes tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Detection {
    Detected(Wire),
    /// These bytes may still become anything.
    NeedMore,
    /// No Thrift session begins like this.
    Unknown(Intruder),
}

/// Who calls at this port without speaking Thrift.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Intruder {
    Http,
    Tls,
    /// Anything else; also the old binary protocol, whose messages have no version.
    Other,
}

/// The shortest message is compact: protocol id, version, sequence id, an empty
/// name and the end of no arguments.
const MESSAGE_MIN_BYTES: u32 = 5;

/// The beginnings of the HTTP methods. As the length of a frame the smallest of
/// them would be over a gigabyte, so that no frame is mistaken for a method.
const HTTP_METHODS: [[u8; 4]; 10] = [
    *b"GET ", *b"POST", *b"PUT ", *b"HEAD", *b"OPTI", *b"PRI ", *b"DELE", *b"PATC", *b"CONN",
    *b"TRAC",
];

/// Judges the first bytes of a session: all that have come, at most six count.
pub fn detect(first_bytes: &[u8]) -> Detection {
    match first_bytes {
        [] => Detection::NeedMore,
        [0x80 | 0x82, ..] => detect_message(first_bytes, Transport::Unframed),
        // A frame's length is never negative.
        [0x81..=0xff, ..] => Detection::Unknown(Intruder::Other),
        // As a length: 369,000,000 bytes, beyond any limit in use.
        [0x16, 0x03, ..] => Detection::Unknown(Intruder::Tls),
        [a, b, c, d, message @ ..] => detect_framed([*a, *b, *c, *d], message),
        _ => Detection::NeedMore,
    }
}

fn detect_framed(length: [u8; 4], message: &[u8]) -> Detection {
    if HTTP_METHODS.contains(&length) {
        return Detection::Unknown(Intruder::Http);
    }
    if u32::from_be_bytes(length) < MESSAGE_MIN_BYTES {
        return Detection::Unknown(Intruder::Other);
    }
    detect_message(message, Transport::Framed)
}

fn detect_message(message: &[u8], transport: Transport) -> Detection {
    let protocol = match message {
        [] | [0x80 | 0x82] => return Detection::NeedMore,
        [0x80, 0x01, ..] => Protocol::Binary,
        // The version shares its byte with the message's type.
        [0x82, version, ..] if version & 0x1f == 1 => Protocol::Compact,
        _ => return Detection::Unknown(Intruder::Other),
    };
    Detection::Detected(Wire {
        transport,
        protocol,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn detected(transport: Transport, protocol: Protocol) -> Detection {
        Detection::Detected(Wire {
            transport,
            protocol,
        })
    }

    /// Every shorter beginning must ask for more, so that each case also pins
    /// how early its verdict falls.
    fn check(first_bytes: &[u8], expected: Detection) {
        let (_, shorter) = first_bytes.split_last().unwrap();
        for end in 0..=shorter.len() {
            let got = detect(&shorter[..end]);
            assert_eq!(got, Detection::NeedMore, "{:x?}", &shorter[..end]);
        }
        assert_eq!(detect(first_bytes), expected, "{first_bytes:x?}");
        let longer = [first_bytes, &[0xff; 9]].concat();
        assert_eq!(detect(&longer), expected, "{longer:x?}");
    }

    #[test]
    fn thrift_sessions() {
        use Protocol::*;
        use Transport::*;
        check(&[0x80, 0x01], detected(Unframed, Binary));
        check(&[0x82, 0x21], detected(Unframed, Compact));
        check(&[0x82, 0x81], detected(Unframed, Compact));
        check(&[0, 0, 0, 40, 0x80, 0x01], detected(Framed, Binary));
        check(&[0, 0, 0, 5, 0x82, 0x21], detected(Framed, Compact));
        check(&[0, 0xf4, 0x24, 0, 0x82, 0x81], detected(Framed, Compact));
        check(&[0x7f, 0xff, 0, 0, 0x80, 0x01], detected(Framed, Binary));
    }

    #[test]
    fn http() {
        let methods = [
            "GET ", "POST", "PUT ", "HEAD", "OPTI", "PRI ", "DELE", "PATC", "CONN", "TRAC",
        ];
        for method in methods {
            check(method.as_bytes(), Detection::Unknown(Intruder::Http));
        }
    }

    #[test]
    fn tls() {
        check(&[0x16, 0x03], Detection::Unknown(Intruder::Tls));
    }

    #[test]
    fn anything_else() {
        let other = Detection::Unknown(Intruder::Other);
        check(&[0x80, 0x00], other);
        check(&[0x80, 0x02], other);
        check(&[0x82, 0x22], other);
        check(&[0x81], other);
        check(&[0xff], other);
        check(b"SSH-2", other);
        check(b"get /", other);
        check(&[0, 0, 0, 40, 0x81], other);
        check(&[0, 0, 0, 40, 0x80, 0x00], other);
        check(&[0, 0, 0, 40, 0x82, 0x22], other);
    }

    #[test]
    fn frames_too_short_for_a_message() {
        check(&[0, 0, 0, 0], Detection::Unknown(Intruder::Other));
        check(&[0, 0, 0, 4], Detection::Unknown(Intruder::Other));
    }

    #[test]
    fn binary_without_a_version_is_unknown() {
        // Its message begins with the name's length: framed, then unframed.
        check(&[0, 0, 0, 20, 0], Detection::Unknown(Intruder::Other));
        check(&[0, 0, 0, 5, b'q'], Detection::Unknown(Intruder::Other));
    }
}
