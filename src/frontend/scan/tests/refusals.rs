//! Messages that are refused, and the texts that say why.

use super::*;

/// A message of the function `q` with these bytes as its arguments. They begin
/// at byte 13 in binary and 5 in compact.
fn raw(protocol: Protocol, arguments: &[u8]) -> Vec<u8> {
    let mut message = call(protocol, "q", &Struct(vec![]));
    message.pop();
    message.extend(arguments);
    message
}

fn check(protocol: Protocol, message: &[u8], expected: &str) {
    let error = scanner(protocol).scan(message).unwrap_err();
    assert_eq!(error.to_string(), expected, "{protocol:?} {message:x?}");
    check_growing(protocol, ScanLimits::default(), message);
}

fn check_arguments(protocol: Protocol, arguments: &[u8], expected: &str) {
    check(protocol, &raw(protocol, arguments), expected);
}

#[test]
fn types_that_do_not_exist() {
    let check = |arguments: &[u8], expected| check_arguments(Protocol::Binary, arguments, expected);
    check(&[1, 0, 1], "1 at byte 13 is not a type of Thrift");
    check(&[17, 0, 1], "17 at byte 13 is not a type of Thrift");
    check(&[255], "255 at byte 13 is not a type of Thrift");
    let void_list = [15, 0, 1, 1, 0, 0, 0, 1];
    check(&void_list, "1 at byte 16 is not a type of Thrift");
    let stop_values = [13, 0, 1, 11, 0, 0, 0, 0, 1];
    check(&stop_values, "0 at byte 17 is not a type of Thrift");

    let check =
        |arguments: &[u8], expected| check_arguments(Protocol::Compact, arguments, expected);
    check(&[0x1e], "14 at byte 5 is not a type of Thrift");
    check(&[0x1f], "15 at byte 5 is not a type of Thrift");
    check(&[0x19, 0x10], "0 at byte 6 is not a type of Thrift");
    check(&[0x1a, 0xfe, 1], "14 at byte 6 is not a type of Thrift");
    check(&[0x1b, 1, 0xe8], "14 at byte 7 is not a type of Thrift");
    check(&[0x1b, 1, 0x80], "0 at byte 7 is not a type of Thrift");
}

#[test]
fn empty_containers_may_name_any_type() {
    for arguments in [[15, 0, 1, 1, 0, 0, 0, 0, 0], [14, 0, 1, 99, 0, 0, 0, 0, 0]] {
        check_complete(Protocol::Binary, &raw(Protocol::Binary, &arguments));
    }
    let map = raw(Protocol::Binary, &[13, 0, 1, 0, 1, 0, 0, 0, 0, 0]);
    check_complete(Protocol::Binary, &map);
    for arguments in [&[0x19, 0x0e, 0][..], &[0x1a, 0xf0, 0, 0], &[0x1b, 0, 0]] {
        check_complete(Protocol::Compact, &raw(Protocol::Compact, arguments));
    }
}

#[test]
fn sizes_beyond_the_limit() {
    let check = |arguments: &[u8], expected| check_arguments(Protocol::Binary, arguments, expected);
    check(
        &[11, 0, 1, 0x7f, 0xff, 0xff, 0xff],
        "a string of 2147483647 bytes at byte 16 goes over the message limit of 16000000 bytes",
    );
    check(
        &[15, 0, 1, 8, 0x05, 0xf5, 0xe1, 0x00],
        "a list of 100000000 elements at byte 16 goes over the message limit of 16000000 bytes",
    );
    // 16 bytes each.
    check(
        &[14, 0, 1, 16, 0x00, 0x0f, 0x42, 0x40],
        "a set of 1000000 elements at byte 16 goes over the message limit of 16000000 bytes",
    );
    // 4 and 5 bytes at least for each entry.
    check(
        &[13, 0, 1, 11, 15, 0x00, 0x1e, 0x84, 0x80],
        "a map of 2000000 entries at byte 16 goes over the message limit of 16000000 bytes",
    );

    let check =
        |arguments: &[u8], expected| check_arguments(Protocol::Compact, arguments, expected);
    check(
        &[0x18, 0xff, 0xff, 0xff, 0xff, 0x07],
        "a string of 2147483647 bytes at byte 6 goes over the message limit of 16000000 bytes",
    );
    check(
        &[0x19, 0xfc, 0x80, 0xc2, 0xd7, 0x2f],
        "a list of 100000000 elements at byte 6 goes over the message limit of 16000000 bytes",
    );
    check(
        &[0x1b, 0x80, 0xc2, 0xd7, 0x2f, 0x11],
        "a map of 100000000 entries at byte 6 goes over the message limit of 16000000 bytes",
    );
}

#[test]
fn negative_sizes() {
    let check = |arguments: &[u8], expected| check_arguments(Protocol::Binary, arguments, expected);
    let minus_1 = [0xff; 4];
    let string = [&[11, 0, 1][..], &minus_1].concat();
    check(&string, "a string at byte 16 has the negative size -1");
    let list = [&[15, 0, 1, 8][..], &minus_1].concat();
    check(&list, "a list at byte 16 has the negative size -1");
    let map = [13, 0, 1, 8, 8, 0x80, 0, 0, 0];
    check(&map, "a map at byte 16 has the negative size -2147483648");

    let check =
        |arguments: &[u8], expected| check_arguments(Protocol::Compact, arguments, expected);
    let minus_1 = [0xff, 0xff, 0xff, 0xff, 0x0f];
    let string = [&[0x18][..], &minus_1].concat();
    check(&string, "a string at byte 6 has the negative size -1");
    let set = [&[0x1a, 0xf5][..], &minus_1].concat();
    check(&set, "a set at byte 6 has the negative size -1");
    let map = [&[0x1b][..], &minus_1].concat();
    check(&map, "a map at byte 6 has the negative size -1");
}

#[test]
fn varints_that_do_not_end() {
    for (field, limit) in [(0x14, 5), (0x15, 5), (0x16, 10), (0x18, 5), (0x05, 5)] {
        let arguments = [&[field][..], &[0x80; 10]].concat();
        let expected = format!("the integer at byte 6 goes on after {limit} bytes");
        check_arguments(Protocol::Compact, &arguments, &expected);
    }
    let longest = [0x16, 255, 255, 255, 255, 255, 255, 255, 255, 255, 0x01, 0];
    check_complete(Protocol::Compact, &raw(Protocol::Compact, &longest));
}

#[test]
fn field_ids_beyond_16_bits() {
    let check =
        |arguments: &[u8], expected| check_arguments(Protocol::Compact, arguments, expected);
    let long_form = [0x03, 0x80, 0x80, 0x04];
    check(&long_form, "32768 at byte 5 is not a field id");
    // A step from the last id that there is.
    let step = [0x03, 0xfe, 0xff, 0x03, 0, 0x13];
    check(&step, "32768 at byte 10 is not a field id");
}

#[test]
fn beginnings_of_other_messages() {
    let of_protocol = "does not begin a message of this session's protocol";
    for (protocol, bytes, seen, position) in [
        (Protocol::Binary, &[0x82][..], "82", 0),
        (Protocol::Binary, &[0x00], "00", 0),
        (Protocol::Binary, &[0x80, 0x02], "02", 1),
        (Protocol::Compact, &[0x80], "80", 0),
        (Protocol::Compact, &[0x82, 0x22], "22", 1),
    ] {
        let expected = format!("0x{seen} at byte {position} {of_protocol}");
        check(protocol, bytes, &expected);
    }
}

#[test]
fn messages_that_ask_nothing() {
    for message_type in [0, 2, 3, 5] {
        let expected = format!("a message of type {message_type} is neither a call nor oneway");
        for (protocol, at, byte) in [
            (Protocol::Binary, 3, message_type),
            (Protocol::Compact, 1, message_type << 5 | 1),
        ] {
            let mut message = call(protocol, "q", &query());
            message[at] = byte;
            check(protocol, &message, &expected);
        }
    }
}

#[test]
fn names() {
    let longest = "n".repeat(256);
    let too_long = "n".repeat(257);
    for (protocol, at) in [(Protocol::Binary, 4), (Protocol::Compact, 3)] {
        check_complete(protocol, &call(protocol, &longest, &query()));
        let expected =
            format!("a function name of 257 bytes at byte {at} is over the limit of 256 bytes");
        check(protocol, &call(protocol, &too_long, &query()), &expected);
    }
    check(
        Protocol::Binary,
        &[0x80, 0x01, 0, 1, 0xff, 0xff, 0xff, 0xfe],
        "a function name at byte 4 has the negative size -2",
    );
}

#[test]
fn depth() {
    type Wrap = fn(Sample) -> Sample;
    let wraps: [Wrap; 4] = [
        |inner| Struct(vec![(1, inner)]),
        |inner| List(vec![inner]),
        |inner| Set(vec![inner]),
        |inner| Map(vec![(I8(1), inner)]),
    ];
    let innermost = [Struct(vec![]), List(vec![]), Set(vec![I8(1)]), Map(vec![])];
    for (limit, protocol) in [2, 8, 9, 10, 60, 255]
        .into_iter()
        .flat_map(|limit| PROTOCOLS.map(|protocol| (limit, protocol)))
    {
        for (wrap, innermost) in wraps.iter().zip(&innermost) {
            let limits = ScanLimits {
                depth_max: limit,
                ..ScanLimits::default()
            };
            // The arguments and the innermost one count as well.
            let deepest = (2..limit).fold(innermost.clone(), |inner, _| wrap(inner));
            let message = call(protocol, "q", &Struct(vec![(1, deepest.clone())]));
            assert_eq!(Scanner::new(protocol, limits).scan_frame(&message), Ok(()));
            check_growing(protocol, limits, &message);

            let message = call(protocol, "q", &Struct(vec![(1, wrap(deepest))]));
            let error = Scanner::new(protocol, limits).scan(&message).unwrap_err();
            assert_eq!(error.kind, ScanErrorKind::TooDeep { limit });
            check_growing(protocol, limits, &message);
        }
    }
    let limits = ScanLimits {
        depth_max: 1,
        ..ScanLimits::default()
    };
    let message = call(Protocol::Binary, "q", &query());
    let error = Scanner::new(Protocol::Binary, limits).scan(&message);
    let text = "byte 16 opens a level of nesting over the limit of 1";
    assert_eq!(error.unwrap_err().to_string(), text);
}

#[test]
fn the_limit_of_the_message() {
    for protocol in PROTOCOLS {
        let message = call(protocol, "query", &query());
        let length = message.len();
        for message_max_bytes in 0..length + 2 {
            let limits = ScanLimits {
                message_max_bytes,
                ..ScanLimits::default()
            };
            let result = Scanner::new(protocol, limits).scan(&message);
            if message_max_bytes >= length {
                assert_eq!(result, Ok(Progress::Complete(length)));
            } else {
                let (limit, seen) = result.unwrap_err().size_limit().unwrap();
                assert_eq!(limit, message_max_bytes as u64);
                assert!((limit + 1..=length as u64).contains(&seen));
            }
            check_growing(protocol, limits, &message);
        }
    }
    let limits = ScanLimits {
        message_max_bytes: 20,
        ..ScanLimits::default()
    };
    let message = call(Protocol::Binary, "query", &query());
    let error = Scanner::new(Protocol::Binary, limits).scan(&message);
    let text = "the message is over its limit of 20 bytes";
    assert_eq!(error.unwrap_err().to_string(), text);
}

#[test]
fn the_limit_of_elements() {
    let containers = vec![
        (1, List(vec![Bool(true); 3])),
        (2, Set(vec![text("a"); 2])),
        (3, Map(vec![(text("key"), I32(1)); 2])),
        (4, List(vec![List(vec![]), List(vec![Struct(vec![])])])),
    ];
    for protocol in PROTOCOLS {
        let message = call(protocol, "q", &Struct(containers.clone()));
        for elements_max in 0..12 {
            let limits = ScanLimits {
                elements_max,
                ..ScanLimits::default()
            };
            let result = Scanner::new(protocol, limits).scan(&message);
            if elements_max >= 10 {
                assert_eq!(result, Ok(Progress::Complete(message.len())));
            } else {
                let (limit, seen) = result.unwrap_err().size_limit().unwrap();
                assert_eq!(limit, u64::from(elements_max));
                assert!((limit + 1..=10).contains(&seen));
            }
            check_growing(protocol, limits, &message);
        }
    }
}

/// Of one byte each; the generated decoder would make 400 MB of 16 million.
#[test]
fn millions_of_empty_lists() {
    let empty_lists = |count| Struct(vec![(1, List(vec![List(vec![]); count]))]);
    for protocol in PROTOCOLS {
        let message = call(protocol, "q", &empty_lists(1_499_999));
        assert_eq!(scanner(protocol).scan_frame(&message), Ok(()));
    }
    let message = call(Protocol::Compact, "q", &empty_lists(1_500_001));
    check(
        Protocol::Compact,
        &message[..30],
        "a list at byte 6 makes it 1500001 elements in the message's lists, sets and maps \
         together, over their limit of 1500000: send it in parts",
    );
    let mut small = raw(Protocol::Binary, &[15, 0, 1, 8, 0, 0, 0, 1, 0, 0, 0, 0]);
    small.extend([13, 0, 2, 2, 2, 0x00, 0x16, 0xe3, 0x60]);
    check(
        Protocol::Binary,
        &small,
        "a map at byte 28 makes it 1500001 elements in the message's lists, sets and maps \
         together, over their limit of 1500000: send it in parts",
    );
}

#[test]
fn frames_that_hold_less_or_more_than_a_message() {
    let message = raw(Protocol::Compact, &[0x18, 20, b'a', b'b']);
    let error = scanner(Protocol::Compact).scan_frame(&message);
    let text = "the frame of 9 bytes ends before its message, which has at least 28";
    assert_eq!(error.unwrap_err().to_string(), text);

    let message = raw(Protocol::Compact, &[0, 1, 2, 3]);
    let error = scanner(Protocol::Compact).scan_frame(&message);
    let text = "the message ends at byte 6 and its frame 3 bytes later";
    assert_eq!(error.unwrap_err().to_string(), text);
}

#[test]
fn what_is_known_survives_an_error() {
    for (protocol, code) in [(Protocol::Binary, 0x7f), (Protocol::Compact, 0x1f)] {
        let mut message = request(protocol, vec![(1, text("main"))]);
        message.truncate(message.len() - 2);
        message.push(code);
        let mut scanner = scanner(protocol);
        let position = message.len() - 1;
        assert_eq!(scanner.scan(&message).unwrap_err().position, position);
        assert_eq!(scanner.head().name_in(&message), Some("query"));
        assert_eq!(scanner.head().sequence_id, 7);
        assert_eq!(scanner.head().shard_in(&message), Some("main"));
    }
}
