//! Messages that do not follow the IDL, and names that it does not have.

use super::*;

fn exception(protocol: Protocol, name: &str, message: &[u8]) -> (ExceptionKind, String) {
    match read(protocol, message, &call(name), &limits()) {
        Err(Unread::Exception(kind, text)) => (kind, text),
        other => panic!("{name}: {other:?}"),
    }
}

#[test]
fn every_function_of_the_idl_is_read() {
    let idl = include_str!("../../../idl/forebay.thrift");
    let named = idl
        .lines()
        .filter(|line| line.contains("throws (1: DataError error)"));
    let named = named.filter_map(|line| line.trim().split(['(', ' ']).nth(1));
    let named: Vec<&str> = named.collect();
    assert_eq!(named, read::FUNCTIONS);
    for name in named {
        for protocol in PROTOCOLS {
            let message = message(protocol, name, &wire::InfoRequest::new(None));
            let read = read(protocol, &message, &call(name), &limits());
            assert!(
                !matches!(read, Err(Unread::Exception(..))),
                "{name}: {read:?}"
            );
        }
    }
}

#[test]
fn names_that_are_not_there() {
    for protocol in PROTOCOLS {
        for (name, says) in [
            (
                "begin",
                "there is no function `begin`; there are info, ping, query",
            ),
            ("", "there is no function ``"),
            ("Forebay:Query", "there is no function `Query`"),
            (
                "Other:query",
                "there is no service of that name here; this one is `Forebay`",
            ),
        ] {
            let message = message(protocol, name, &query_of("a"));
            let (kind, text) = exception(protocol, name, &message);
            assert_eq!(kind, ExceptionKind::UnknownFunction);
            assert!(text.starts_with(says), "{text}");
        }
    }
}

#[test]
fn the_services_name_may_stand_before_the_functions() {
    for protocol in PROTOCOLS {
        let message = message(protocol, "Forebay:query", &query_of("a"));
        let asked = read(protocol, &message, &call("Forebay:query"), &limits()).unwrap();
        assert!(matches!(
            asked.ask,
            Ask::Run {
                form: Form::Query,
                ..
            }
        ));
    }
}

/// A statement whose one parameter is a union that `write` writes.
fn query_with_value(
    protocol: Protocol,
    write: impl FnOnce(&mut dyn TOutputProtocol) -> thrift::Result<()>,
) -> Vec<u8> {
    message_with(protocol, "query", |output| {
        let nothing = TStructIdentifier::new("");
        output.write_struct_begin(&nothing)?;
        output.write_field_begin(&TFieldIdentifier::new("", TType::Struct, 2))?;
        output.write_struct_begin(&nothing)?;
        output.write_field_begin(&TFieldIdentifier::new("", TType::List, 2))?;
        let one = thrift::protocol::TListIdentifier::new(TType::Struct, 1);
        output.write_list_begin(&one)?;
        output.write_struct_begin(&nothing)?;
        write(output)?;
        for _ in 0..3 {
            output.write_field_stop()?;
            output.write_struct_end()?;
        }
        Ok(())
    })
}

#[test]
fn unions_without_a_member_that_is_known() {
    for protocol in PROTOCOLS {
        let member = |output: &mut dyn TOutputProtocol, id: i16| {
            output.write_field_begin(&TFieldIdentifier::new("", TType::I64, id))?;
            output.write_i64(1)?;
            output.write_field_end()
        };
        let known = query_with_value(protocol, |output| member(output, 3));
        assert!(read(protocol, &known, &call("query"), &limits()).is_ok());
        let unknown = query_with_value(protocol, |output| member(output, 99));
        let (kind, text) = exception(protocol, "query", &unknown);
        assert_eq!(kind, ExceptionKind::Protocol);
        assert!(
            text.contains("a union with a member that this server does not know"),
            "{text}"
        );
        let two = query_with_value(protocol, |output| {
            member(output, 3)?;
            member(output, 4)
        });
        let none = query_with_value(protocol, |_| Ok(()));
        for message in [two, none] {
            let (kind, text) = exception(protocol, "query", &message);
            assert_eq!(kind, ExceptionKind::Protocol);
            assert!(
                text.contains("a union does not have exactly one member"),
                "{text}"
            );
        }
    }
}

#[test]
fn a_message_that_ends_too_early_is_not_read() {
    let request = batch_of(vec![step("a"), step("b")]);
    for protocol in PROTOCOLS {
        let message = message(protocol, "batch", &request);
        for end in 0..message.len() {
            let (kind, _) = exception(protocol, "batch", &message[..end]);
            assert_eq!(kind, ExceptionKind::Protocol);
        }
    }
}
