//! What is wrong with a batch is said with the number of the step.

use std::collections::BTreeMap;

use super::*;

#[test]
fn batches_without_steps_or_with_too_many() {
    for steps in [None, Some(Vec::new())] {
        let request = wire::BatchRequest::new(None, steps, None, None);
        assert_refused(
            &refused("batch", &request),
            None,
            "the batch has no steps; set",
        );
    }
    let error = refused("batch", &batch_of(vec![step("a"); 5]));
    assert_refused(
        &error,
        None,
        "`steps` has 5 steps, over the server's batch_steps_max of 4",
    );
    assert_eq!(
        error.limit_met().map(|met| (met.limit, met.seen)),
        Some((4, 5))
    );
    asked("batch", &batch_of(vec![step("a"); 4]));
    let request = wire::BatchRequest {
        mode: Some(wire::BatchMode(0)),
        ..batch_of(vec![step("a")])
    };
    assert_refused(
        &refused("batch", &request),
        None,
        "mode 0 is unknown; EACH is 1",
    );
}

#[test]
fn a_first_step_that_asks_about_an_earlier_one() {
    let conditional = wire::BatchStep {
        condition: Some(wire::StepCondition::HAD_NO_ROWS),
        ..step("a")
    };
    let error = refused("batch", &batch_of(vec![conditional]));
    assert_refused(
        &error,
        Some(0),
        "steps[0]: `condition` asks about an earlier step, and there is none",
    );
    let params = Some(vec![wire::Value::InsertIdOfStep(0)]);
    let asks = wire::Statement {
        params,
        ..statement("a")
    };
    let error = refused(
        "batch",
        &batch_of(vec![wire::BatchStep::new(asks, None, None, None, None)]),
    );
    assert_refused(&error, Some(0), "there is none before step 0");
}

/// Asserts on what is said of a step that is the third of four, in a batch by
/// itself and in one that is an item of a multi.
fn assert_step_refused(wrong: wire::BatchStep, says: &str) {
    let steps = vec![step("a"), step("b"), wrong, step("c")];
    let error = refused("batch", &batch_of(steps.clone()));
    assert_refused(&error, Some(2), says);
    assert_refused(&error, Some(2), "steps[2]: ");
    let item = wire::MultiItem {
        batch: Some(batch_of(steps)),
        ..no_item()
    };
    let error = wrong_item(item);
    assert_refused(&error, Some(2), says);
    assert_refused(&error, Some(2), "items[1]: steps[2]: ");
}

#[test]
fn rows_of_parameters_that_contradict_something() {
    let row = || vec![wire::Value::Int64(1)];
    let none = wire::BatchStep::new(None, None, None, None, None);
    assert_step_refused(none, "the step has no statement; set its field `statement`");
    let cases = [
        (
            Some(vec![row()]),
            Some(Vec::new()),
            "either `param_rows` or `named_param_rows`; unset one",
        ),
        (Some(Vec::new()), None, "`param_rows` is empty; put"),
        (None, Some(Vec::new()), "`named_param_rows` is empty; put"),
    ];
    for (rows, named_rows, says) in cases {
        let wrong = wire::BatchStep::new(statement("a"), rows, named_rows, None, None);
        assert_step_refused(wrong, says);
    }
    let cases = [
        (Some(row()), None),
        (Some(Vec::new()), None),
        (None, Some(BTreeMap::new())),
    ];
    for (params, named) in cases {
        let statement = wire::Statement::new("a".to_owned(), params, named, None);
        let wrong = wire::BatchStep::new(statement, vec![row()], None, None, None);
        assert_step_refused(wrong, "unset the statement's `params` and `named_params`");
    }
}

#[test]
fn conditions_that_ask_about_no_earlier_step() {
    let had_rows = Some(wire::StepCondition::HAD_ROWS);
    let earlier = "it must be the number of an earlier step, from 0 to 1";
    let cases = [
        (
            Some(wire::StepCondition(3)),
            None,
            "condition 3 is unknown; HAD_ROWS is 1",
        ),
        (
            None,
            Some(0),
            "`condition_step` is set, but `condition` is not",
        ),
        (
            had_rows,
            Some(2),
            &format!("condition_step is 2; {earlier}"),
        ),
        (
            had_rows,
            Some(-1),
            &format!("condition_step is -1; {earlier}"),
        ),
    ];
    for (condition, number, says) in cases {
        let wrong = wire::BatchStep::new(statement("a"), None, None, condition, number);
        assert_step_refused(wrong, says);
    }
}

#[test]
fn insert_ids_of_no_earlier_step() {
    let id = wire::Value::InsertIdOfStep;
    let in_list = |number| {
        let items = vec![Box::new(wire::Value::Int64(1)), Box::new(id(number))];
        BTreeMap::from([("n".to_owned(), wire::Value::Items(items))])
    };
    for number in [2, 3, -1] {
        let earlier = "it must be the number of an earlier step, from 0 to 1";
        let says = format!("insert_id_of_step is {number}; {earlier}");
        let params = wire::Statement::new("a".to_owned(), vec![id(number)], None, None);
        let rows = vec![vec![id(1)], vec![id(number)]];
        let named_rows = vec![in_list(1), in_list(number)];
        for wrong in [
            wire::BatchStep::new(params, None, None, None, None),
            wire::BatchStep::new(statement("a"), rows, None, None, None),
            wire::BatchStep::new(statement("a"), None, named_rows, None, None),
        ] {
            assert_step_refused(wrong, &says);
        }
    }
}
