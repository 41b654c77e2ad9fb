//! The scanner against messages that are well-formed, whole and in pieces. The
//! modules hold those that are refused, and random ones.

mod random;
mod refusals;
mod samples;

use super::*;
use samples::{Sample, Sample::*, call, everything, query, text};

const PROTOCOLS: [Protocol; 2] = [Protocol::Binary, Protocol::Compact];

fn scanner(protocol: Protocol) -> Scanner {
    Scanner::new(protocol, ScanLimits::default())
}

/// A message in which field 1 of the arguments is a request of these fields.
fn request(protocol: Protocol, fields: Vec<(i16, Sample)>) -> Vec<u8> {
    call(protocol, "query", &Struct(vec![(1, Struct(fields))]))
}

/// Scans a growing message and checks what is promised of every step.
fn scan_growing(
    scanner: &mut Scanner,
    message: &[u8],
    step_bytes: usize,
) -> Result<Progress, ScanError> {
    let mut end = 0;
    loop {
        match scanner.scan(&message[..end])? {
            Progress::NeedMore { at_least } => assert!(at_least > end, "{at_least} at {end}"),
            complete => return Ok(complete),
        }
        if end == message.len() {
            return scanner.scan(message);
        }
        end = message.len().min(end + step_bytes);
    }
}

/// However a message comes, the answer is the same.
fn check_growing(protocol: Protocol, limits: ScanLimits, message: &[u8]) {
    let mut whole = Scanner::new(protocol, limits);
    let expected = whole.scan(message);
    assert_eq!(whole.scan(message), expected);
    for step_bytes in [1, 2, 7] {
        let mut growing = Scanner::new(protocol, limits);
        let got = scan_growing(&mut growing, message, step_bytes);
        assert_eq!(got, expected, "{step_bytes} bytes at a time");
        assert_eq!(growing.head(), whole.head());
    }
}

fn check_complete(protocol: Protocol, message: &[u8]) {
    let length = message.len();
    let complete = Ok(Progress::Complete(length));
    assert_eq!(scanner(protocol).scan(message), complete);
    // Every cut of it needs more, and no more than there is.
    for end in 0..length {
        match scanner(protocol).scan(&message[..end]) {
            Ok(Progress::NeedMore { at_least }) => assert!((end + 1..=length).contains(&at_least)),
            other => panic!("{other:?} after {end} of {length} bytes"),
        }
    }
}

#[test]
fn the_head_of_a_query() {
    for protocol in PROTOCOLS {
        let message = call(protocol, "Forebay:query", &query());
        let mut scanner = scanner(protocol);
        assert!(!scanner.head().is_known());
        let expected = Progress::Complete(message.len());
        assert_eq!(scanner.scan(&message), Ok(expected));
        let head = scanner.head();
        assert!(head.is_known());
        assert_eq!((head.message_type, head.sequence_id), (1, 7));
        assert_eq!(head.name_in(&message), Some("Forebay:query"));
        assert_eq!(head.shard_in(&message), Some("main"));
        assert_eq!(head.timeout_ms, Some(500));
        assert_eq!(head.request_id_in(&message), Some("req-1"));
        assert_eq!(head.transaction_in(&message), Some("token"));
        let sql: &[u8] = b"SELECT name FROM t WHERE id = ?";
        assert_eq!(head.text_in(&message), Some(sql));
    }
}

#[test]
fn what_tells_the_cost_beforehand() {
    let statement = |sql| Struct(vec![(4, I32(1)), (1, text(sql))]);
    let step = |sql| Struct(vec![(4, I32(1)), (1, statement(sql))]);
    let cases = [
        // A statement, and the last of a repeated one.
        (vec![(2, statement("a"))], Some("a")),
        (vec![(2, statement("a")), (2, statement("b"))], Some("b")),
        (vec![(2, statement("a")), (2, Struct(vec![]))], None),
        // An insert: its table, whatever its columns.
        (
            vec![(2, text("users")), (3, List(vec![text("id")]))],
            Some("users"),
        ),
        // A batch: its first step that has a statement.
        (
            vec![(2, List(vec![step("a"), step("b")])), (3, I32(1))],
            Some("a"),
        ),
        (
            vec![(2, List(vec![Struct(vec![]), step("b"), step("c")]))],
            Some("b"),
        ),
        (vec![(2, List(vec![])), (15, Struct(vec![]))], None),
        // Others of these types, and elsewhere.
        (vec![(2, List(vec![text("a")]))], None),
        (vec![(2, Set(vec![step("a")]))], None),
        (vec![(2, List(vec![List(vec![step("a")])]))], None),
        (vec![(2, Struct(vec![(1, I32(1))]))], None),
        (vec![(3, statement("a"))], None),
    ];
    for protocol in PROTOCOLS {
        for (fields, expected) in cases.clone() {
            let message = request(protocol, fields);
            let mut scanner = scanner(protocol);
            assert_eq!(scanner.scan_frame(&message), Ok(()));
            let expected = expected.map(str::as_bytes);
            assert_eq!(scanner.head().text_in(&message), expected);
            check_growing(protocol, ScanLimits::default(), &message);
        }
    }
}

#[test]
fn every_type_and_form() {
    for protocol in PROTOCOLS {
        check_complete(protocol, &call(protocol, "query", &query()));
        check_complete(protocol, &call(protocol, "", &Struct(vec![])));
        let message = call(protocol, "f", &everything());
        let expected = Progress::Complete(message.len());
        assert_eq!(scanner(protocol).scan(&message), Ok(expected));
        check_growing(protocol, ScanLimits::default(), &message);
    }
}

#[test]
fn every_cut_needs_more() {
    for protocol in PROTOCOLS {
        let Struct(fields) = everything() else {
            unreachable!()
        };
        for field in fields {
            check_complete(protocol, &call(protocol, "f", &Struct(vec![field])));
        }
    }
}

#[test]
fn oneway_and_negative_sequence_id() {
    for protocol in PROTOCOLS {
        let mut message = call(protocol, "", &Struct(vec![]));
        match protocol {
            Protocol::Binary => {
                message[3] = 4;
                message[8..12].fill(0xff);
            }
            Protocol::Compact => {
                message[1] = 4 << 5 | 1;
                message.splice(2..3, [0xff, 0xff, 0xff, 0xff, 0x0f]);
            }
        }
        let mut scanner = scanner(protocol);
        assert_eq!(scanner.scan_frame(&message), Ok(()));
        assert_eq!(scanner.head().message_type, 4);
        assert_eq!(scanner.head().sequence_id, -1);
    }
}

#[test]
fn the_next_message_begins_where_one_ends() {
    for protocol in PROTOCOLS {
        let first = call(protocol, "query", &query());
        let second = call(protocol, "info", &Struct(vec![]));
        let both = [&first[..], &second[..]].concat();
        let end = Progress::Complete(first.len());
        assert_eq!(scanner(protocol).scan(&both), Ok(end));
        check_growing(protocol, ScanLimits::default(), &both);
    }
}

#[test]
fn fields_of_other_types_route_nothing() {
    let fields = [
        vec![(1, I32(4)), (15, text("options"))],
        vec![(1, List(vec![])), (15, List(vec![Struct(vec![])]))],
        vec![(15, Struct(vec![(1, I64(9)), (2, I32(9))]))],
        vec![(15, Struct(vec![(1, Bool(true)), (2, Struct(vec![]))]))],
        vec![(2, text("main")), (16, Struct(vec![(1, I32(5))]))],
        vec![(3, Struct(vec![(1, text("main")), (15, Struct(vec![]))]))],
    ];
    for protocol in PROTOCOLS {
        for fields in fields.clone() {
            let message = request(protocol, fields);
            let mut scanner = scanner(protocol);
            assert_eq!(scanner.scan_frame(&message), Ok(()));
            let head = scanner.head();
            assert_eq!((&head.shard, head.timeout_ms), (&None, None));
            assert_eq!((&head.request_id, &head.transaction), (&None, &None));
        }
    }
}

#[test]
fn the_last_of_a_repeated_field_counts() {
    let options = |timeout| (15, Struct(vec![(1, I32(timeout))]));
    let full = Struct(vec![(1, text("a")), options(1)]);
    let cases = [
        (vec![(1, text("a")), (1, text("b"))], Some("b"), None),
        (vec![(1, text("a")), (1, I32(1))], None, None),
        (vec![options(1), options(2)], None, Some(2)),
        (vec![options(1), (15, Struct(vec![]))], None, None),
        (vec![options(1), (15, text("none"))], None, None),
    ];
    for protocol in PROTOCOLS {
        for (fields, shard, timeout_ms) in cases.clone() {
            // A first request, which the second one replaces.
            let requests = Struct(vec![(1, full.clone()), (1, Struct(fields))]);
            let message = call(protocol, "query", &requests);
            let mut scanner = scanner(protocol);
            assert_eq!(scanner.scan_frame(&message), Ok(()));
            assert_eq!(scanner.head().shard_in(&message), shard);
            assert_eq!(scanner.head().timeout_ms, timeout_ms);
        }
    }
}

#[test]
fn text_that_is_not_utf8_is_none() {
    for protocol in PROTOCOLS {
        let message = request(protocol, vec![(1, Text(vec![0xff; 40]))]);
        let mut scanner = scanner(protocol);
        assert_eq!(scanner.scan_frame(&message), Ok(()));
        assert!(scanner.head().shard.is_some());
        assert_eq!(scanner.head().shard_in(&message), None);
    }
}

#[test]
fn a_place_may_be_known_before_its_bytes() {
    for protocol in PROTOCOLS {
        let message = request(protocol, vec![(1, text(&"s".repeat(40)))]);
        let mut scanner = scanner(protocol);
        assert!(scanner.scan(&message[..message.len() - 10]).is_ok());
        assert!(scanner.head().shard.is_some());
        assert_eq!(scanner.head().shard_in(&message[..40]), None);
    }
}

#[test]
fn the_bodies_of_strings_and_fixed_elements_are_not_waited_for() {
    let argument = |value| Struct(vec![(1, value)]);
    for (value, binary_bytes, compact_bytes) in [
        (Text(vec![b'x'; 1_000_000]), 8, 5),
        (List(vec![Double(0.5); 100_000]), 9, 6),
        (List(vec![Bool(true); 100_000]), 9, 6),
        (Map(vec![(I8(1), Uuid([1; 16])); 50_000]), 10, 6),
    ] {
        for (protocol, prefix_bytes) in [
            (Protocol::Binary, 13 + binary_bytes),
            (Protocol::Compact, 5 + compact_bytes),
        ] {
            let message = call(protocol, "q", &argument(value.clone()));
            let mut scanner = scanner(protocol);
            let at_least = message.len();
            let expected = Ok(Progress::NeedMore { at_least });
            // All but the end of the arguments is known from the prefix.
            assert_eq!(scanner.scan(&message[..prefix_bytes]), expected);
            assert_eq!(scanner.scan(&message[..at_least - 1]), expected);
            assert_eq!(scanner.scan_frame(&message), Ok(()));
        }
    }
}

/// Were it begun again at every byte, this would take hours.
#[test]
fn the_cost_is_linear_in_the_bytes() {
    for protocol in PROTOCOLS {
        let values = List(vec![text("ab"); 50_000]);
        let message = call(protocol, "q", &Struct(vec![(1, values)]));
        let complete = Ok(Progress::Complete(message.len()));
        assert_eq!(scan_growing(&mut scanner(protocol), &message, 1), complete);
    }
}
