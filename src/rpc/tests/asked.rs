//! What right requests ask.

use std::collections::BTreeMap;

use proptest::collection::{btree_map, vec};
use proptest::prelude::*;

use super::*;

/// Values of every kind; in a batch also insert ids of the steps before.
fn any_value(steps_before: usize) -> impl Strategy<Value = Value> {
    let plain = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::Bool),
        any::<i64>().prop_map(Value::Int),
        any::<u64>().prop_map(Value::UInt),
        any::<f64>().prop_map(Value::Double),
        ".{0,8}".prop_map(Value::Decimal),
        ".{0,8}".prop_map(Value::Text),
        vec(any::<u8>(), 0..8).prop_map(Value::Bytes),
        ".{0,8}".prop_map(Value::Temporal),
        (0..steps_before.max(1)).prop_map(move |step| match steps_before {
            0 => Value::Null,
            _ => Value::InsertIdOf(step),
        }),
    ];
    plain.prop_recursive(3, 12, 4, |inner| vec(inner, 0..4).prop_map(Value::List))
}

fn any_row(steps_before: usize) -> impl Strategy<Value = Params> {
    prop_oneof![
        vec(any_value(steps_before), 0..4).prop_map(Params::Positional),
        btree_map(".{0,4}", any_value(steps_before), 0..4).prop_map(Params::Named),
    ]
}

fn any_statement(steps_before: usize) -> impl Strategy<Value = Statement> {
    let params = prop_oneof![Just(Params::Absent), any_row(steps_before)];
    let style = prop::sample::select(vec![ParamStyle::Native, ParamStyle::Pyformat]);
    (".{0,12}", params, style).prop_map(|(sql, params, style)| Statement { sql, params, style })
}

fn any_insert() -> impl Strategy<Value = Insert> {
    let modes = vec![InsertMode::Insert, InsertMode::Ignore, InsertMode::Replace];
    let names = (prop::option::of(".{0,4}"), ".{0,4}", vec(".{0,4}", 0..3));
    let rows = vec(vec(any_value(0), 0..3), 0..3);
    (names, rows, prop::sample::select(modes)).prop_map(|(names, rows, mode)| Insert {
        database: names.0,
        table: names.1,
        columns: names.2,
        rows,
        mode,
    })
}

fn any_step(number: usize) -> impl Strategy<Value = Step> {
    let positional = vec(any_value(number), 0..3).prop_map(Params::Positional);
    let named = btree_map(".{0,4}", any_value(number), 0..3).prop_map(Params::Named);
    let rows = prop_oneof![
        Just(None),
        vec(positional, 1..4).prop_map(Some),
        vec(named, 1..4).prop_map(Some),
    ];
    let wanted = prop::sample::select(vec![Wanted::Rows, Wanted::NoRows]);
    let condition =
        (0..number.max(1), wanted).prop_map(|(step, wanted)| Condition { step, wanted });
    let condition = prop::option::of(condition);
    (any_statement(number), rows, condition).prop_map(move |(mut statement, rows, condition)| {
        if rows.is_some() {
            statement.params = Params::Absent;
        }
        Step {
            statement,
            rows,
            condition: condition.filter(|_| number > 0),
        }
    })
}

fn any_batch() -> impl Strategy<Value = Batch> {
    let modes = vec![BatchMode::Each, BatchMode::StopOnError, BatchMode::Atomic];
    let steps = (1_usize..=4).prop_flat_map(|count| (0..count).map(any_step).collect::<Vec<_>>());
    (prop::sample::select(modes), steps).prop_map(|(mode, steps)| Batch { mode, steps })
}

fn any_operation() -> impl Strategy<Value = Operation> {
    prop_oneof![
        any_statement(0).prop_map(Operation::Query),
        any_statement(0).prop_map(Operation::Execute),
        any_insert().prop_map(Operation::Insert),
        any_batch().prop_map(Operation::Batch),
    ]
}

fn form_of(operation: &Operation) -> Form {
    match operation {
        Operation::Ping | Operation::Query(_) => Form::Query,
        Operation::Execute(_) => Form::Execute,
        Operation::Insert(_) => Form::Insert,
        Operation::Batch(_) => Form::Batch,
    }
}

/// The operation as a request by itself.
fn asked_alone(operation: Operation) -> Asked {
    let shard = Some("users".to_owned());
    match operation {
        Operation::Ping => unreachable!("no operation here is a ping"),
        Operation::Query(given) => asked("query", &requests::query(shard, given, None)),
        Operation::Execute(given) => asked("execute", &requests::execute(shard, given, None)),
        Operation::Insert(given) => asked("insert", &requests::insert(shard, given, None)),
        Operation::Batch(given) => asked("batch", &requests::batch(shard, given, None)),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn what_is_sent_is_what_is_asked(operations in vec(any_operation(), 1..=3)) {
        for operation in &operations {
            let asked = asked_alone(operation.clone());
            prop_assert_eq!(asked.options, AskedOptions::default());
            let Ask::Run { shard, form, operation: found } = asked.ask else {
                panic!("{:?}", asked.ask);
            };
            prop_assert_eq!(shard.as_deref(), Some("users"));
            prop_assert_eq!(form, form_of(operation));
            prop_assert_eq!(&found, operation);
        }
        let items = operations.iter().map(|operation| ("s", operation.clone())).collect();
        let request = requests::multi(items, Policy::FailOnFirstError, None);
        let Ask::Multi { items, policy } = asked("multi", &request).ask else {
            panic!("no multi");
        };
        prop_assert_eq!(policy, Policy::FailOnFirstError);
        prop_assert_eq!(items.len(), operations.len());
        for (item, operation) in items.into_iter().zip(operations) {
            prop_assert_eq!(item.form, form_of(&operation));
            prop_assert_eq!(item.shard.as_deref(), Some("s"));
            prop_assert_eq!(item.options, AskedOptions::default());
            prop_assert_eq!(item.operation.unwrap(), operation);
        }
    }
}

#[test]
fn requests_without_anything_have_their_defaults() {
    let ask = |name: &str, request: wire::PingRequest| asked(name, &request);
    let empty = || wire::PingRequest::new(None, None);
    assert!(matches!(ask("info", empty()).ask, Ask::Info));
    assert!(matches!(
        ask("ping", empty()).ask,
        Ask::Ping { shard: None }
    ));
    let ping = wire::PingRequest::new("users".to_owned(), no_options());
    let Ask::Ping { shard } = ask("ping", ping).ask else {
        panic!("no ping");
    };
    assert_eq!(shard.as_deref(), Some("users"));
    let Ask::Begin { shard, begin } = ask("begin_transaction", empty()).ask else {
        panic!("no begin");
    };
    let default = Begin {
        isolation: None,
        access: Access::ReadWrite,
    };
    assert_eq!((shard, begin), (None, default));

    let steps = vec![
        step("a"),
        wire::BatchStep {
            condition: Some(wire::StepCondition::HAD_ROWS),
            ..step("b")
        },
    ];
    let request = wire::BatchRequest::new(None, steps, None, None);
    let Ask::Run {
        shard: None,
        form: Form::Batch,
        operation: Operation::Batch(batch),
    } = asked("batch", &request).ask
    else {
        panic!("no batch");
    };
    assert_eq!(batch.mode, BatchMode::Atomic);
    assert_eq!(
        (&batch.steps[0].condition, &batch.steps[0].rows),
        (&None, &None)
    );
    let before = Condition {
        step: 0,
        wanted: Wanted::Rows,
    };
    assert_eq!(batch.steps[1].condition, Some(before));

    let item = wire::MultiItem {
        query: Some(query_of("a")),
        ..no_item()
    };
    let Ask::Multi { policy, .. } = asked("multi", &multi_of(vec![item])).ask else {
        panic!("no multi");
    };
    assert_eq!(policy, Policy::TakeWhatCame);
}

#[test]
fn transactions_begin_as_they_are_asked_to() {
    for isolation in [
        Isolation::ReadUncommitted,
        Isolation::ReadCommitted,
        Isolation::RepeatableRead,
        Isolation::Serializable,
    ] {
        for access in [Access::ReadOnly, Access::ReadWrite] {
            let given = Begin {
                isolation: Some(isolation),
                access,
            };
            let request = requests::begin(Some("users".to_owned()), given, None);
            let Ask::Begin { shard, begin } = asked("begin_transaction", &request).ask else {
                panic!("no begin");
            };
            assert_eq!((shard.as_deref(), begin), (Some("users"), given));
        }
    }
}

#[test]
fn options_are_taken_up_to_the_servers() {
    let options = wire::Options {
        timeout_ms: Some(70_000),
        request_id: Some("é-1".to_owned()),
        transaction: Some("token".to_owned()),
        max_rows: Some(1_000),
        warnings_max: Some(1_000),
        result_layout: Some(wire::ResultLayout::PACKED),
        ..no_options()
    };
    let commit = asked(
        "commit_transaction",
        &wire::CommitRequest::new(options.clone()),
    );
    assert!(matches!(commit.ask, Ask::Commit));
    let expected = AskedOptions {
        timeout: Some(Duration::from_secs(60)),
        max_rows: Some(500),
        warnings_max: 1_000,
        transaction: Some("token".to_owned()),
        idempotent: false,
        request_id: "é-1".to_owned(),
        layout: Some(Layout::Packed),
    };
    assert_eq!(commit.options, expected);
    let rollback = asked(
        "rollback_transaction",
        &wire::RollbackRequest::new(options.clone()),
    );
    assert!(matches!(rollback.ask, Ask::Rollback));
    assert_eq!(rollback.options, expected);
    for name in ["ping", "query", "execute", "insert", "batch"] {
        let mut given = options.clone();
        (given.timeout_ms, given.max_rows, given.warnings_max) = (Some(1), Some(1), Some(0));
        let request = wire::BatchRequest::new(None, None, None, given.clone());
        let found = match name {
            "ping" => asked(name, &wire::PingRequest::new(None, given)),
            "insert" => asked(
                name,
                &wire::InsertRequest::new(None, None, None, None, None, None, given),
            ),
            "batch" => asked(
                name,
                &wire::BatchRequest {
                    steps: Some(vec![step("a")]),
                    ..request
                },
            ),
            _ => asked(name, &wire::QueryRequest::new(None, statement("a"), given)),
        };
        assert_eq!(
            found.options.timeout,
            Some(Duration::from_millis(1)),
            "{name}"
        );
        assert_eq!(found.options.max_rows, Some(1), "{name}");
        assert_eq!(found.options.warnings_max, 0, "{name}");
        assert_eq!(found.options.layout, Some(Layout::Packed), "{name}");
        assert_eq!(
            found.options.transaction.as_deref(),
            Some("token"),
            "{name}"
        );
    }
}

#[test]
fn an_item_has_options_of_its_own() {
    let options = wire::Options::new(
        9,
        "item".to_owned(),
        None,
        8,
        7,
        true,
        wire::ResultLayout::LISTS,
    );
    let item = wire::MultiItem {
        insert: Some(wire::InsertRequest::new(
            "users".to_owned(),
            None,
            None,
            None,
            None,
            None,
            options,
        )),
        ..no_item()
    };
    let Ask::Multi { items, .. } = asked("multi", &multi_of(vec![item])).ask else {
        panic!("no multi");
    };
    let expected = AskedOptions {
        timeout: Some(Duration::from_millis(9)),
        max_rows: Some(8),
        warnings_max: 7,
        transaction: None,
        idempotent: true,
        request_id: "item".to_owned(),
        layout: Some(Layout::Lists),
    };
    assert_eq!(items[0].options, expected);
}

/// A map is the same in whichever order it was sent.
#[test]
fn named_parameters_keep_their_names() {
    let params = BTreeMap::from([("b", 1), ("a", 2)]);
    let params = params
        .iter()
        .map(|(name, number)| ((*name).to_owned(), wire::Value::Int64(*number)));
    let given = wire::Statement::new(
        "x".to_owned(),
        None,
        params.collect::<BTreeMap<_, _>>(),
        None,
    );
    let request = wire::QueryRequest::new(None, given, None);
    let Ask::Run {
        operation: Operation::Query(found),
        ..
    } = asked("query", &request).ask
    else {
        panic!("no query");
    };
    let expected = [
        ("a".to_owned(), Value::Int(2)),
        ("b".to_owned(), Value::Int(1)),
    ];
    assert_eq!(found.params, Params::Named(BTreeMap::from(expected)));
}
