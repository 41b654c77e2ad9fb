//! From our operations to the generated requests.

use crate::operation::{
    Access, Batch, BatchMode, Begin, Insert, InsertMode, Isolation, Operation, ParamStyle, Params,
    Statement, Step, Wanted,
};
use crate::rpc::ask::Policy;
use crate::rpc::generated::{self, Options};
use crate::rpc::wire::{clamp_i32, to_wire};
use crate::value::Value;

pub(in crate::rpc) fn query(
    shard: Option<String>,
    statement: Statement,
    options: impl Into<Option<Options>>,
) -> generated::QueryRequest {
    generated::QueryRequest {
        shard,
        statement: Some(self::statement(statement)),
        options: options.into(),
    }
}

pub(in crate::rpc) fn execute(
    shard: Option<String>,
    statement: Statement,
    options: impl Into<Option<Options>>,
) -> generated::ExecuteRequest {
    generated::ExecuteRequest {
        shard,
        statement: Some(self::statement(statement)),
        options: options.into(),
    }
}

pub(in crate::rpc) fn insert(
    shard: Option<String>,
    insert: Insert,
    options: impl Into<Option<Options>>,
) -> generated::InsertRequest {
    generated::InsertRequest {
        shard,
        table: Some(insert.table),
        columns: Some(insert.columns),
        rows: Some(insert.rows.into_iter().map(values).collect()),
        mode: Some(match insert.mode {
            InsertMode::Insert => generated::InsertMode::INSERT,
            InsertMode::Ignore => generated::InsertMode::IGNORE,
            InsertMode::Replace => generated::InsertMode::REPLACE,
        }),
        database: insert.database,
        options: options.into(),
    }
}

pub(in crate::rpc) fn batch(
    shard: Option<String>,
    batch: Batch,
    options: impl Into<Option<Options>>,
) -> generated::BatchRequest {
    generated::BatchRequest {
        shard,
        steps: Some(batch.steps.into_iter().map(step).collect()),
        mode: Some(match batch.mode {
            BatchMode::Each => generated::BatchMode::EACH,
            BatchMode::StopOnError => generated::BatchMode::STOP_ON_ERROR,
            BatchMode::Atomic => generated::BatchMode::ATOMIC,
        }),
        options: options.into(),
    }
}

pub(in crate::rpc) fn multi(
    items: Vec<(&str, Operation)>,
    policy: Policy,
    options: impl Into<Option<Options>>,
) -> generated::MultiRequest {
    let items = items.into_iter();
    generated::MultiRequest {
        items: Some(
            items
                .map(|(shard, operation)| item(shard, operation))
                .collect(),
        ),
        policy: Some(match policy {
            Policy::TakeWhatCame => generated::MultiPolicy::TAKE_WHAT_CAME,
            Policy::FailOnFirstError => generated::MultiPolicy::FAIL_ON_FIRST_ERROR,
        }),
        options: options.into(),
    }
}

pub(in crate::rpc) fn begin(
    shard: Option<String>,
    begin: Begin,
    options: impl Into<Option<Options>>,
) -> generated::BeginRequest {
    generated::BeginRequest {
        shard,
        isolation: begin.isolation.map(|isolation| match isolation {
            Isolation::ReadUncommitted => generated::Isolation::READ_UNCOMMITTED,
            Isolation::ReadCommitted => generated::Isolation::READ_COMMITTED,
            Isolation::RepeatableRead => generated::Isolation::REPEATABLE_READ,
            Isolation::Serializable => generated::Isolation::SERIALIZABLE,
        }),
        read_only: Some(begin.access == Access::ReadOnly),
        options: options.into(),
    }
}

fn item(shard: &str, operation: Operation) -> generated::MultiItem {
    let shard = Some(shard.to_owned());
    let mut item = generated::MultiItem::default();
    match operation {
        Operation::Ping => {}
        Operation::Query(statement) => item.query = Some(query(shard, statement, None)),
        Operation::Execute(statement) => item.execute = Some(execute(shard, statement, None)),
        Operation::Insert(rows) => item.insert = Some(insert(shard, rows, None)),
        Operation::Batch(steps) => item.batch = Some(batch(shard, steps, None)),
    }
    item
}

fn statement(statement: Statement) -> generated::Statement {
    let (params, named_params) = match statement.params {
        Params::Absent => (None, None),
        Params::Positional(params) => (Some(values(params)), None),
        Params::Named(params) => {
            let params = params.into_iter();
            let params = params.map(|(name, value)| (name, to_wire(value)));
            (None, Some(params.collect()))
        }
    };
    generated::Statement {
        sql: Some(statement.sql),
        params,
        named_params,
        param_style: Some(match statement.style {
            ParamStyle::Native => generated::ParamStyle::NATIVE,
            ParamStyle::Pyformat => generated::ParamStyle::PYFORMAT,
        }),
    }
}

/// Rows of both kinds, and no rows, go as they are, for the server to refuse.
fn step(step: Step) -> generated::BatchStep {
    let none = step.rows.as_ref().is_some_and(Vec::is_empty);
    let mut param_rows = none.then(Vec::new);
    let mut named_param_rows: Option<Vec<_>> = None;
    for row in step.rows.into_iter().flatten() {
        match row {
            Params::Absent => {}
            Params::Positional(row) => param_rows.get_or_insert_default().push(values(row)),
            Params::Named(row) => {
                let row = row.into_iter().map(|(name, value)| (name, to_wire(value)));
                named_param_rows.get_or_insert_default().push(row.collect());
            }
        }
    }
    generated::BatchStep {
        statement: Some(statement(step.statement)),
        param_rows,
        named_param_rows,
        condition: step.condition.map(|condition| match condition.wanted {
            Wanted::Rows => generated::StepCondition::HAD_ROWS,
            Wanted::NoRows => generated::StepCondition::HAD_NO_ROWS,
        }),
        condition_step: step.condition.map(|condition| clamp_i32(condition.step)),
    }
}

fn values(values: Vec<Value>) -> Vec<generated::Value> {
    values.into_iter().map(to_wire).collect()
}
