//! Random messages: valid ones, damaged ones, and noise.

use proptest::collection::vec;
use proptest::prelude::*;

use super::*;

/// So small that every limit is met often.
const LIMITS: ScanLimits = ScanLimits {
    message_max_bytes: 200,
    depth_max: 6,
    elements_max: 12,
};

fn protocol() -> impl Strategy<Value = Protocol> {
    prop_oneof![Just(Protocol::Binary), Just(Protocol::Compact)]
}

fn sample() -> impl Strategy<Value = Sample> {
    let leaf = prop_oneof![
        any::<bool>().prop_map(Bool),
        any::<i8>().prop_map(I8),
        any::<i16>().prop_map(I16),
        any::<i32>().prop_map(I32),
        any::<i64>().prop_map(I64),
        any::<f64>().prop_map(Double),
        any::<[u8; 16]>().prop_map(Uuid),
        vec(any::<u8>(), 0..200).prop_map(Text),
    ];
    leaf.prop_recursive(5, 60, 20, |inner| {
        prop_oneof![
            fields(inner.clone()).prop_map(Struct),
            vec(inner.clone(), 0..20).prop_map(|values| List(of_one_kind(values, |value| value))),
            vec(inner.clone(), 0..20).prop_map(|values| Set(of_one_kind(values, |value| value))),
            vec((inner.clone(), inner), 0..20).prop_map(|entries| {
                let entries = of_one_kind(entries, |(key, _)| key);
                Map(of_one_kind(entries, |(_, value)| value))
            }),
        ]
    })
}

/// Ids around those that route, and any others.
fn fields(value: impl Strategy<Value = Sample>) -> impl Strategy<Value = Vec<(i16, Sample)>> {
    vec((prop_oneof![0..20_i16, any::<i16>()], value), 0..8)
}

/// Keeps what is of the first one's kind: containers hold nothing else.
fn of_one_kind<T>(mut values: Vec<T>, part: impl Fn(&T) -> &Sample) -> Vec<T> {
    if let Some(kind) = values
        .first()
        .map(|first| std::mem::discriminant(part(first)))
    {
        values.retain(|value| std::mem::discriminant(part(value)) == kind);
    }
    values
}

fn message() -> impl Strategy<Value = (Protocol, Vec<u8>)> {
    let arguments = fields(sample()).prop_map(Struct);
    (protocol(), arguments).prop_map(|(protocol, arguments)| {
        let message = call(protocol, "query", &arguments);
        (protocol, message)
    })
}

proptest! {
    #[test]
    fn valid_messages_are_complete((protocol, message) in message(), cut in any::<prop::sample::Index>()) {
        prop_assert_eq!(scanner(protocol).scan_frame(&message), Ok(()));
        check_growing(protocol, ScanLimits::default(), &message);
        check_growing(protocol, LIMITS, &message);

        let end = cut.index(message.len());
        match scanner(protocol).scan(&message[..end]) {
            Ok(Progress::NeedMore { at_least }) => {
                prop_assert!((end + 1..=message.len()).contains(&at_least));
            }
            other => prop_assert!(false, "{:?} after {} bytes", other, end),
        }
    }

    #[test]
    fn damaged_messages_get_one_answer(
        (protocol, mut message) in message(),
        damage in vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
    ) {
        for (place, byte) in damage {
            let place = place.index(message.len());
            message[place] = byte;
        }
        check_growing(protocol, ScanLimits::default(), &message);
        check_growing(protocol, LIMITS, &message);
    }

    #[test]
    fn noise_gets_one_answer(protocol in protocol(), noise in vec(any::<u8>(), 0..300)) {
        check_growing(protocol, LIMITS, &noise);
        let mut message = call(protocol, "q", &Struct(vec![]));
        message.pop();
        message.extend(noise);
        check_growing(protocol, LIMITS, &message);
        check_growing(protocol, ScanLimits::default(), &message);
    }
}
