//! From a generated batch to ours: what its steps may say of one another.

use super::generated as wire;
use super::requests::within;
use super::wire::{InsertIds, named, positional, statement};
use crate::error::Error;
use crate::operation::{Batch, BatchMode, Condition, Params, Step, Wanted};

/// The steps of a batch and its mode; `shard` and `options` are the caller's.
pub(super) fn batch(request: wire::BatchRequest, steps_max: usize) -> Result<Batch, Error> {
    let mode = match request.mode {
        None | Some(wire::BatchMode::ATOMIC) => BatchMode::Atomic,
        Some(wire::BatchMode::EACH) => BatchMode::Each,
        Some(wire::BatchMode::STOP_ON_ERROR) => BatchMode::StopOnError,
        Some(wire::BatchMode(number)) => {
            let message = format!("mode {number} is unknown; EACH is 1, STOP_ON_ERROR 2, ATOMIC 3");
            return Err(Error::invalid(message));
        }
    };
    let given = request.steps.unwrap_or_default();
    if given.is_empty() {
        return Err(Error::invalid(
            "the batch has no steps; set its field `steps`, with at least one in it",
        ));
    }
    let seen = given.len();
    if seen > steps_max {
        let message = format!(
            "`steps` has {seen} steps, over the server's batch_steps_max of {steps_max}; use \
             `param_rows` for a statement that repeats, or send several batches"
        );
        return Err(Error::invalid(message).with_limit(steps_max as u64, seen as u64));
    }
    let steps = given.into_iter().enumerate();
    let steps = steps.map(|(number, given)| {
        step(given, number).map_err(|error| within("steps", number, error).with_item(number))
    });
    let steps = steps.collect::<Result<_, Error>>()?;
    Ok(Batch { mode, steps })
}

fn step(given: wire::BatchStep, number: usize) -> Result<Step, Error> {
    let ids = InsertIds::OfStepsBefore(number);
    let missing = "the step has no statement; set its field `statement`, with `sql` in it";
    if given.statement.is_none() {
        return Err(Error::invalid(missing));
    }
    let statement = statement(given.statement, ids)?;
    let rows = rows(given.param_rows, given.named_param_rows, ids)?;
    if rows.is_some() && statement.params != Params::Absent {
        return Err(Error::invalid(
            "the step has rows of parameters, and its statement parameters of its own; unset the \
             statement's `params` and `named_params`",
        ));
    }
    Ok(Step {
        statement,
        rows,
        condition: condition(given.condition, given.condition_step, number)?,
    })
}

fn rows<N: IntoIterator<Item = (String, wire::Value)>>(
    param_rows: Option<Vec<Vec<wire::Value>>>,
    named_param_rows: Option<Vec<N>>,
    ids: InsertIds,
) -> Result<Option<Vec<Params>>, Error> {
    let (field, rows) = match (param_rows, named_param_rows) {
        (None, None) => return Ok(None),
        (Some(_), Some(_)) => {
            let message =
                "a step takes either `param_rows` or `named_param_rows`; unset one of them";
            return Err(Error::invalid(message));
        }
        (Some(rows), None) => {
            let rows = rows.into_iter().map(|row| positional(row, ids));
            ("param_rows", rows.collect::<Result<Vec<_>, Error>>()?)
        }
        (None, Some(rows)) => {
            let rows = rows.into_iter().map(|row| named(row, ids));
            ("named_param_rows", rows.collect::<Result<Vec<_>, Error>>()?)
        }
    };
    if rows.is_empty() {
        return Err(Error::invalid(format!(
            "`{field}` is empty; put at least one row in it, or unset it to run the statement once"
        )));
    }
    Ok(Some(rows))
}

fn condition(
    condition: Option<wire::StepCondition>,
    step: Option<i32>,
    number: usize,
) -> Result<Option<Condition>, Error> {
    let wanted = match (condition, step) {
        (None, None) => return Ok(None),
        (None, Some(_)) => {
            let message = "`condition_step` is set, but `condition` is not; set both, or unset it";
            return Err(Error::invalid(message));
        }
        (Some(wire::StepCondition::HAD_ROWS), _) => Wanted::Rows,
        (Some(wire::StepCondition::HAD_NO_ROWS), _) => Wanted::NoRows,
        (Some(wire::StepCondition(unknown)), _) => {
            let message = format!("condition {unknown} is unknown; HAD_ROWS is 1, HAD_NO_ROWS 2");
            return Err(Error::invalid(message));
        }
    };
    let Some(before) = number.checked_sub(1) else {
        let message = "`condition` asks about an earlier step, and there is none before step 0; \
                       unset it";
        return Err(Error::invalid(message));
    };
    let step = match step {
        None => before,
        Some(given) => {
            let earlier = usize::try_from(given).ok().filter(|&step| step <= before);
            earlier.ok_or_else(|| {
                Error::invalid(format!(
                    "condition_step is {given}; it must be the number of an earlier step, from 0 \
                     to {before}"
                ))
            })?
        }
    };
    Ok(Some(Condition { step, wanted }))
}
