//! Every reply, with all and with the least that can be in it.

use super::*;
use crate::config::AffectedRows;
use crate::rpc::ExceptionKind;

#[test]
fn info_tells_limits_and_shards() {
    let call = call("info");
    let shards = vec![
        ShardFacts {
            name: "a".to_owned(),
            kind: ShardKind::MySql,
            unavailable: None,
            pool_max_connections: 8,
            queue_max_requests: 9,
            transactions_max: 4,
            affected_rows: AffectedRows::Changed,
        },
        ShardFacts {
            name: "b".to_owned(),
            kind: ShardKind::Sqlite,
            unavailable: Some("it is gone".to_owned()),
            pool_max_connections: u32::MAX,
            queue_max_requests: usize::MAX,
            transactions_max: 0,
            affected_rows: AffectedRows::Matched,
        },
    ];
    let none = Info::default();
    let two = Info { shards };
    for protocol in PROTOCOLS {
        let result: wire::InfoResult = returned(protocol, &call, &Reply::Info(&none));
        assert_eq!(result.shards, Some(Vec::new()));
        let result: wire::InfoResult = returned(protocol, &call, &Reply::Info(&two));
        assert_eq!(result.header, header_of(&call, result.header.as_ref(), 0));
        assert_eq!(result.api_version.as_deref(), Some("1.3"));
        assert_eq!(
            result.server_version.as_deref(),
            Some(env!("CARGO_PKG_VERSION"))
        );
        assert!(result.capabilities.unwrap().contains(&"multi".to_owned()));
        let expected = wire::Limits::new(1, 20_000_000, 3, 4, 5, 6, 7, 8, 9, 10, 11);
        assert_eq!(result.limits, Some(expected));
        let a = ("a".to_owned(), wire::ShardKind::MYSQL, String::new());
        let b = (
            "b".to_owned(),
            wire::ShardKind::SQLITE,
            "it is gone".to_owned(),
        );
        let changed = wire::AffectedRows::CHANGED;
        let matched = wire::AffectedRows::MATCHED;
        let expected = vec![
            wire::ShardInfo::new(a.0, a.1, true, a.2, 8, 9, 4, changed),
            wire::ShardInfo::new(b.0, b.1, false, b.2, i32::MAX, i32::MAX, 0, matched),
        ];
        assert_eq!(result.shards, Some(expected));
    }
}

#[test]
fn some_replies_are_little_more_than_their_header() {
    for protocol in PROTOCOLS {
        let call = call("Forebay:ping");
        let result: wire::PingResult = returned(protocol, &call, &Reply::Ping { attempts: 6 });
        assert_eq!(result.header, header_of(&call, result.header.as_ref(), 6));
        let result: wire::CommitResult = returned(protocol, &call, &Reply::Committed);
        assert_eq!(result.header, header_of(&call, result.header.as_ref(), 1));
        let result: wire::RollbackResult = returned(protocol, &call, &Reply::RolledBack);
        assert_eq!(result.header, header_of(&call, result.header.as_ref(), 1));
        let reply = Reply::Begun {
            transaction: "é-1",
            attempts: 2,
        };
        let result: wire::BeginResult = returned(protocol, &call, &reply);
        let header = header_of(&call, result.header.as_ref(), 2);
        assert_eq!(
            result,
            wire::BeginResult::new(header, "é-1".to_owned(), 9, 10)
        );
    }
}

#[test]
fn what_was_run_comes_back_whole() {
    let answers = [answer(), Answer::default()];
    let forms = forms_of_reply().flat_map(|form| answers.iter().map(move |answer| (form, answer)));
    for ((protocol, layout), answer) in forms {
        let call = call("any");
        let query: wire::QueryResult =
            returned(protocol, &call, &Reply::Done(Form::Query, layout, answer));
        let header = header_of(&call, query.header.as_ref(), answer.sent as i32);
        assert_eq!(query, expected::query(header, layout, answer));
        let execute: wire::ExecuteResult =
            returned(protocol, &call, &Reply::Done(Form::Execute, layout, answer));
        let header = header_of(&call, execute.header.as_ref(), answer.sent as i32);
        assert_eq!(execute, expected::execute(header, layout, answer));
        let insert: wire::InsertResult =
            returned(protocol, &call, &Reply::Done(Form::Insert, layout, answer));
        let header = header_of(&call, insert.header.as_ref(), answer.sent as i32);
        assert_eq!(insert, expected::insert(header, answer));
    }
}

#[test]
fn a_batch_tells_of_every_step() {
    let call = call("batch");
    for (protocol, layout) in forms_of_reply() {
        let answer = batch_answer();
        let batch: wire::BatchResult =
            returned(protocol, &call, &Reply::Done(Form::Batch, layout, &answer));
        let header = header_of(&call, batch.header.as_ref(), 4);
        // Its errors tell the batch's own facts, at the time of writing.
        let mut facts = call.facts();
        facts.execute_us = header
            .as_ref()
            .and_then(|header| header.execute_us)
            .unwrap();
        let late = batch
            .steps
            .as_ref()
            .and_then(|steps| steps[5].error.as_ref());
        facts.time_met.seen = late.and_then(|error| error.seen).unwrap() as u64;
        assert_eq!(facts.time_met.limit, 500);
        assert!(facts.time_met.seen >= 900);
        assert_eq!(batch, expected::batch(header, layout, &facts, &answer));
    }
}

#[test]
fn a_multi_tells_of_every_item() {
    let item = |form, shard, result| ItemReply {
        form,
        layout: Layout::default(),
        facts: facts(shard),
        result,
    };
    let packed = |item| ItemReply {
        layout: Layout::Packed,
        ..item
    };
    let items = [
        item(Form::Query, "a", Ok(answer())),
        item(Form::Execute, "b", Ok(answer())),
        item(Form::Insert, "c", Ok(answer())),
        item(Form::Batch, "d", Ok(batch_answer())),
        item(Form::Insert, "e", Err(error())),
        item(
            Form::Query,
            "",
            Err(Error::new(ErrorKind::DeadlineExceeded, "late")),
        ),
        item(Form::Query, "f", Ok(Answer::default())),
        // Each has its own layout.
        packed(item(Form::Query, "g", Ok(answer()))),
        packed(item(Form::Batch, "h", Ok(batch_answer()))),
        item(Form::Execute, "i", Ok(answer())),
    ];
    let call = call("multi");
    for protocol in PROTOCOLS {
        for items in [&items[..], &[]] {
            let multi: wire::MultiResult = returned(protocol, &call, &Reply::Multi(items));
            assert_eq!(multi.header, header_of(&call, multi.header.as_ref(), 0));
            let expected = items.iter().map(expected::outcome).collect();
            assert_eq!(multi.outcomes, Some(expected));
        }
    }
}

#[test]
fn lists_are_long_and_short() {
    let call = call("query");
    for (protocol, layout) in forms_of_reply() {
        for count in [0, 1, 14, 15, 16, 127, 128, 20_000] {
            let numbers = (0..count).map(|n| n as i64).collect();
            let texts = (0..count).map(|n| "x".repeat(n % 300)).collect();
            let answer = Answer {
                rows: Some(Rows {
                    row_count: count,
                    columns: vec![
                        column("n", ColumnData::Int64s(numbers)),
                        column("t", ColumnData::Strings(texts)),
                    ],
                }),
                ..Answer::default()
            };
            let query: wire::QueryResult =
                returned(protocol, &call, &Reply::Done(Form::Query, layout, &answer));
            assert_eq!(query.rows, expected::query(None, layout, &answer).rows);
        }
    }
}

/// Every kind of error has the number of the code of its name.
#[test]
fn errors_keep_all_they_know() {
    use ErrorKind::*;
    let kinds = [
        InvalidArgument,
        UnknownShard,
        StatementNotAllowed,
        SqlError,
        DuplicateKey,
        Constraint,
        DataError,
        Deadlock,
        LockTimeout,
        QueueFull,
        QueueTimeout,
        DeadlineExceeded,
        Cancelled,
        RequestTooLarge,
        ResultTooLarge,
        ShardUnavailable,
        ShardReadOnly,
        PermissionDenied,
        ConnectionLost,
        TransactionNotFound,
        TransactionAborted,
        TransactionExpired,
        Draining,
        Internal,
    ];
    let plain = kinds.map(|kind| Error::new(kind, "what to do"));
    for protocol in PROTOCOLS {
        for error in plain.iter().chain([&error()]) {
            let call = call("execute");
            let mut bytes = Vec::new();
            write_data_error(protocol, &call, error, &mut bytes);
            let thrown = thrown(protocol, &call, &bytes);
            let mut facts = call.facts();
            facts.execute_us = thrown.execute_us.unwrap();
            facts.time_met.seen = thrown.seen.unwrap_or(0) as u64;
            if error.limit_met().is_some() {
                assert_eq!(thrown.seen, Some(i64::MAX));
            }
            assert_eq!(thrown, expected::data_error(error, &facts, error.sent()));
        }
    }
}

#[test]
fn a_reply_over_the_limit_is_an_error_instead() {
    let failed = |outcome| StepOutcome::Failed(error().with_outcome(outcome));
    let batch = |steps| Answer {
        steps,
        ..Answer::default()
    };
    let item = |form, result| ItemReply {
        form,
        layout: Layout::Packed,
        facts: facts("users"),
        result,
    };
    let answer = answer();
    let none = batch(vec![failed(Outcome::NotApplied), StepOutcome::NotRun]);
    let some = batch(vec![
        StepOutcome::Done(Answer::default()),
        failed(Outcome::NotApplied),
    ]);
    let perhaps = batch(vec![
        StepOutcome::Done(Answer::default()),
        failed(Outcome::Unknown),
    ]);
    let reads = [item(Form::Query, Ok(Answer::default()))];
    let writes = [
        item(Form::Query, Err(Error::invalid(""))),
        item(Form::Insert, Ok(Answer::default())),
    ];
    let (not_applied, applied) = (wire::Outcome::NOT_APPLIED, wire::Outcome::APPLIED);
    let (lists, packed) = (Layout::Lists, Layout::Packed);
    let cases = [
        (Reply::Ping { attempts: 0 }, not_applied),
        (Reply::Done(Form::Query, lists, &answer), not_applied),
        (Reply::Done(Form::Query, packed, &answer), not_applied),
        (Reply::Done(Form::Execute, packed, &answer), applied),
        (Reply::Done(Form::Insert, lists, &answer), applied),
        (Reply::Done(Form::Batch, packed, &none), not_applied),
        (Reply::Done(Form::Batch, packed, &some), applied),
        (
            Reply::Done(Form::Batch, packed, &perhaps),
            wire::Outcome::UNKNOWN,
        ),
        (Reply::Multi(&reads), not_applied),
        (Reply::Multi(&writes), applied),
        (Reply::Committed, applied),
    ];
    let call = call("any");
    for protocol in PROTOCOLS {
        for (reply, outcome) in &cases {
            let size = reply_bytes(protocol, &call, reply).len();
            let limits = ApiLimits {
                result_max_bytes: 40,
                ..limits()
            };
            let mut bytes = b"kept".to_vec();
            write_reply(protocol, &call, &limits, reply, &mut bytes);
            assert!(bytes.starts_with(b"kept"));
            let error = thrown(protocol, &call, &bytes[4..]);
            assert_eq!(error.code, Some(wire::ErrorCode::RESULT_TOO_LARGE));
            assert_eq!(error.outcome, Some(*outcome), "{reply:?}");
            assert_eq!(error.limit, Some(40));
            // The times in it may have grown by a byte or two.
            assert!(error.seen.unwrap().abs_diff(size as i64) <= 8);
        }
    }
}

#[test]
fn an_exception_is_thrifts_own() {
    for protocol in PROTOCOLS {
        for (kind, number) in [
            (
                ExceptionKind::UnknownFunction,
                thrift::ApplicationErrorKind::UnknownMethod,
            ),
            (
                ExceptionKind::Protocol,
                thrift::ApplicationErrorKind::ProtocolError,
            ),
        ] {
            let mut bytes = Vec::new();
            write_exception(protocol, "né", i32::MIN, kind, "what to do", &mut bytes);
            let mut rest = bytes.as_slice();
            let error = {
                let mut input: Box<dyn TInputProtocol> = match protocol {
                    Protocol::Binary => Box::new(TBinaryInputProtocol::new(&mut rest, true)),
                    Protocol::Compact => Box::new(TCompactInputProtocol::new(&mut rest)),
                };
                let expected = TMessageIdentifier::new("né", TMessageType::Exception, i32::MIN);
                assert_eq!(input.read_message_begin().unwrap(), expected);
                thrift::Error::read_application_error_from_in_protocol(&mut *input).unwrap()
            };
            assert!(rest.is_empty());
            assert_eq!(error.kind, number);
            assert_eq!(error.message, "what to do");
        }
    }
}
