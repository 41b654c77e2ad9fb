//! Replaces `Value::InsertIdOf` by the ids that earlier steps have made.
//! Statements without one are passed on as they are.

use std::borrow::Cow;

use crate::error::{Error, Result};
use crate::operation::{Params, Statement, StepOutcome};
use crate::value::Value;

/// The statement of step `number` with ids in the places of references.
/// INVALID_ARGUMENT if a step that it asks has made none.
pub(super) fn resolve_statement<'s>(
    statement: &'s Statement,
    number: usize,
    before: &[StepOutcome],
) -> Result<Cow<'s, Statement>> {
    if !has_reference(&statement.params) {
        return Ok(Cow::Borrowed(statement));
    }
    let mut statement = statement.clone();
    resolve(&mut statement.params, number, before)?;
    Ok(Cow::Owned(statement))
}

/// The same of the rows that a statement is run for.
pub(super) fn resolve_rows<'r>(
    rows: &'r [Params],
    number: usize,
    before: &[StepOutcome],
) -> Result<Cow<'r, [Params]>> {
    if !rows.iter().any(has_reference) {
        return Ok(Cow::Borrowed(rows));
    }
    let mut rows = rows.to_vec();
    for row in &mut rows {
        resolve(row, number, before)?;
    }
    Ok(Cow::Owned(rows))
}

fn has_reference(params: &Params) -> bool {
    match params {
        Params::Absent => false,
        Params::Positional(values) => values.iter().any(is_reference),
        Params::Named(values) => values.values().any(is_reference),
    }
}

fn is_reference(value: &Value) -> bool {
    match value {
        Value::InsertIdOf(_) => true,
        Value::List(items) => items.iter().any(is_reference),
        _ => false,
    }
}

fn resolve(params: &mut Params, number: usize, before: &[StepOutcome]) -> Result<()> {
    match params {
        Params::Absent => Ok(()),
        Params::Positional(values) => values
            .iter_mut()
            .try_for_each(|value| resolve_value(value, number, before)),
        Params::Named(values) => values
            .values_mut()
            .try_for_each(|value| resolve_value(value, number, before)),
    }
}

fn resolve_value(value: &mut Value, number: usize, before: &[StepOutcome]) -> Result<()> {
    match value {
        Value::InsertIdOf(asked) => {
            let id = id_of(*asked, before).map_err(|why| {
                Error::invalid(format!(
                    "step {number} asks for the insert id of step {asked}, which {why}"
                ))
            })?;
            *value = i64::try_from(id).map_or(Value::UInt(id), Value::Int);
            Ok(())
        }
        Value::List(items) => items
            .iter_mut()
            .try_for_each(|item| resolve_value(item, number, before)),
        _ => Ok(()),
    }
}

fn id_of(asked: usize, before: &[StepOutcome]) -> Result<u64, &'static str> {
    match before.get(asked) {
        Some(StepOutcome::Done(answer)) if answer.insert_id != 0 => Ok(answer.insert_id),
        Some(StepOutcome::Done(_)) => Err("has made none"),
        Some(StepOutcome::Failed(_)) => Err("failed"),
        Some(StepOutcome::Skipped) => Err("was skipped"),
        Some(StepOutcome::NotRun) => Err("was not run"),
        None => Err("is not an earlier step"),
    }
}
