//! What is wrong with a request is said before anything is begun: which field,
//! and what to do.

use std::collections::BTreeMap;

use super::*;

fn with(options: wire::Options) -> wire::QueryRequest {
    wire::QueryRequest {
        options: Some(options),
        ..query_of("a")
    }
}

#[test]
fn options_out_of_range() {
    let none = no_options();
    let cases = [
        (
            wire::Options {
                timeout_ms: Some(0),
                ..none.clone()
            },
            "options.timeout_ms is 0; it must be at least 1",
        ),
        (
            wire::Options {
                timeout_ms: Some(i32::MIN),
                ..none.clone()
            },
            "options.timeout_ms is -2147483648",
        ),
        (
            wire::Options {
                max_rows: Some(0),
                ..none.clone()
            },
            "options.max_rows must be at least 1",
        ),
        (
            wire::Options {
                max_rows: Some(-1),
                ..none.clone()
            },
            "options.max_rows must be at least 1",
        ),
        (
            wire::Options {
                warnings_max: Some(-1),
                ..none.clone()
            },
            "options.warnings_max is -1; it must be from 0",
        ),
        (
            wire::Options {
                warnings_max: Some(1_001),
                ..none.clone()
            },
            "to 1000",
        ),
        (
            wire::Options {
                result_layout: Some(wire::ResultLayout(3)),
                ..none.clone()
            },
            "options.result_layout 3 is unknown; LISTS is 1, PACKED 2",
        ),
        (
            wire::Options {
                request_id: Some("x".repeat(129)),
                ..none.clone()
            },
            "options.request_id is 129 bytes; at most 128",
        ),
    ];
    for (options, says) in cases {
        assert_refused(&refused("query", &with(options)), None, says);
    }
    let longest = wire::Options {
        request_id: Some("x".repeat(128)),
        ..none
    };
    assert_eq!(asked("query", &with(longest)).options.request_id.len(), 128);
}

#[test]
fn nothing_is_sent_twice_within_a_transaction() {
    for name in ["query", "execute"] {
        let given = |idempotent| wire::Options {
            transaction: Some("token".to_owned()),
            idempotent: Some(idempotent),
            ..no_options()
        };
        let error = refused(name, &with(given(true)));
        assert_refused(&error, None, "options.idempotent is set, but within");
        assert!(!asked(name, &with(given(false))).options.idempotent);
    }
    let alone = wire::Options {
        idempotent: Some(true),
        ..no_options()
    };
    assert!(asked("execute", &with(alone)).options.idempotent);
}

#[test]
fn a_transaction_where_it_is_of_no_use_and_none_where_it_is_needed() {
    for token in ["token", ""] {
        let options = wire::Options {
            transaction: Some(token.to_owned()),
            ..no_options()
        };
        let error = refused("info", &wire::InfoRequest::new(options.clone()));
        assert_refused(&error, None, "options.transaction is set, but `info`");
        let request = wire::BeginRequest::new(None, None, None, options.clone());
        let error = refused("begin_transaction", &request);
        assert_refused(
            &error,
            None,
            "options.transaction is set, but `begin_transaction`",
        );
        let item = wire::MultiItem {
            query: Some(query_of("a")),
            ..no_item()
        };
        let request = wire::MultiRequest::new(vec![item], None, options);
        assert_refused(
            &refused("multi", &request),
            None,
            "unset it, or send a `batch`",
        );
    }
    for name in ["commit_transaction", "rollback_transaction"] {
        for options in [None, Some(no_options())] {
            let error = refused(name, &wire::CommitRequest::new(options));
            assert_refused(
                &error,
                None,
                "options.transaction is not set; set it to the token",
            );
        }
    }
}

#[test]
fn statements_that_contradict_themselves() {
    let params = Some(vec![wire::Value::Int64(1)]);
    let both = wire::Statement {
        params,
        named_params: Some(BTreeMap::new()),
        ..statement("a")
    };
    let unknown = wire::Statement {
        param_style: Some(wire::ParamStyle(9)),
        ..statement("a")
    };
    let id = wire::Value::Items(vec![Box::new(wire::Value::InsertIdOfStep(0))]);
    let id = wire::Statement {
        params: Some(vec![id]),
        ..statement("a")
    };
    let cases = [
        (None, "set its field `statement`"),
        (Some(both), "unset one of them"),
        (Some(unknown), "param_style 9 is unknown; NATIVE is 1"),
        (
            Some(id),
            "insert_id_of_step is of use in a batch only; send",
        ),
    ];
    for (statement, says) in cases {
        for name in ["query", "execute"] {
            let request = wire::QueryRequest::new(None, statement.clone(), None);
            assert_refused(&refused(name, &request), None, says);
        }
    }
    let rows = vec![vec![wire::Value::InsertIdOfStep(0)]];
    let insert = wire::InsertRequest::new(None, None, None, rows, None, None, None);
    assert_refused(
        &refused("insert", &insert),
        None,
        "insert_id_of_step is of use in a batch only",
    );
    let insert = wire::InsertRequest::new(None, None, None, None, wire::InsertMode(7), None, None);
    assert_refused(
        &refused("insert", &insert),
        None,
        "mode 7 is unknown; INSERT is 1",
    );
}

#[test]
fn multis_without_items_or_with_too_many() {
    let item = || wire::MultiItem {
        query: Some(query_of("a")),
        ..no_item()
    };
    for items in [None, Some(Vec::new())] {
        let request = wire::MultiRequest::new(items, None, None);
        assert_refused(
            &refused("multi", &request),
            None,
            "the multi has no items; set",
        );
    }
    let error = refused("multi", &multi_of(vec![item(); 4]));
    assert_refused(
        &error,
        None,
        "`items` has 4 items, over the server's multi_items_max of 3",
    );
    assert_eq!(
        error.limit_met().map(|met| (met.limit, met.seen)),
        Some((3, 4))
    );
    asked("multi", &multi_of(vec![item(); 3]));
    let request = wire::MultiRequest {
        policy: Some(wire::MultiPolicy(3)),
        ..multi_of(vec![item()])
    };
    assert_refused(
        &refused("multi", &request),
        None,
        "policy 3 is unknown; TAKE_WHAT_CAME is 1",
    );
}

#[test]
fn an_item_that_is_wrong_fails_alone() {
    let with_options = |options| wire::MultiItem {
        query: Some(with(options)),
        ..no_item()
    };
    let two = wire::MultiItem {
        query: Some(query_of("a")),
        batch: Some(batch_of(vec![step("a")])),
        ..no_item()
    };
    let in_transaction = wire::Options {
        transaction: Some(String::new()),
        ..no_options()
    };
    let never = wire::Options {
        timeout_ms: Some(0),
        ..no_options()
    };
    let no_statement = wire::QueryRequest::new(None, None, None);
    let cases = [
        (
            no_item(),
            "items[1]: the item has 0 requests; set exactly one of `query`",
        ),
        (two, "items[1]: the item has 2 requests"),
        (
            with_options(in_transaction),
            "items[1]: options.transaction is set, but an item",
        ),
        (with_options(never), "items[1]: options.timeout_ms is 0"),
        (
            wire::MultiItem {
                query: Some(no_statement),
                ..no_item()
            },
            "items[1]: the request has no statement",
        ),
    ];
    for (wrong, says) in cases {
        assert_refused(&wrong_item(wrong), None, says);
    }
}

#[test]
fn an_item_whose_options_are_refused_keeps_its_name() {
    let id = "é".repeat(100);
    let options = wire::Options {
        request_id: Some(id.clone()),
        ..no_options()
    };
    let item = wire::MultiItem {
        query: Some(with(options)),
        ..no_item()
    };
    let Ask::Multi { items, .. } = asked("multi", &multi_of(vec![item])).ask else {
        panic!("no multi");
    };
    assert!(items[0].operation.is_err());
    assert_eq!(items[0].options.request_id, id[..128]);
}

#[test]
fn an_isolation_level_that_is_unknown() {
    let request = wire::BeginRequest::new(None, wire::Isolation(5), None, None);
    assert_refused(
        &refused("begin_transaction", &request),
        None,
        "isolation 5 is unknown; READ_UNCOMMITTED is 1",
    );
}
