//! From each generated request to what it asks. Every message names the field
//! and the remedy; items and steps are counted from 0.

use super::ask::{Ask, Asked, AskedOptions, Form, Item, Policy};
use super::call::ApiLimits;
use super::generated as wire;
use super::options::{Transaction, options, shortened_request_id};
use super::wire::InsertIds;
use super::{batch as batches, wire as values};
use crate::error::Error;
use crate::operation::{Access, Begin, Isolation, Operation};

pub(super) fn info(request: wire::InfoRequest, limits: &ApiLimits) -> Result<Asked, Error> {
    let refused = Transaction::Refused("`info` asks no shard; unset it");
    let options = options(request.options, refused, limits)?;
    let ask = Ask::Info;
    Ok(Asked { options, ask })
}

pub(super) fn ping(request: wire::PingRequest, limits: &ApiLimits) -> Result<Asked, Error> {
    let options = options(request.options, Transaction::Possible, limits)?;
    let shard = request.shard;
    let ask = Ask::Ping { shard };
    Ok(Asked { options, ask })
}

pub(super) fn query(request: wire::QueryRequest, limits: &ApiLimits) -> Result<Asked, Error> {
    Parts::of_query(request).run(limits)
}

pub(super) fn execute(request: wire::ExecuteRequest, limits: &ApiLimits) -> Result<Asked, Error> {
    Parts::of_execute(request).run(limits)
}

pub(super) fn insert(request: wire::InsertRequest, limits: &ApiLimits) -> Result<Asked, Error> {
    Parts::of_insert(request).run(limits)
}

pub(super) fn batch(request: wire::BatchRequest, limits: &ApiLimits) -> Result<Asked, Error> {
    Parts::of_batch(request, limits).run(limits)
}

/// A request that runs something, alone or as an item of a multi.
struct Parts {
    form: Form,
    shard: Option<String>,
    options: Option<wire::Options>,
    operation: Result<Operation, Error>,
}

impl Parts {
    fn of_query(request: wire::QueryRequest) -> Parts {
        let statement = values::statement(request.statement, InsertIds::Refused);
        Parts {
            form: Form::Query,
            shard: request.shard,
            options: request.options,
            operation: statement.map(Operation::Query),
        }
    }

    fn of_execute(request: wire::ExecuteRequest) -> Parts {
        let statement = values::statement(request.statement, InsertIds::Refused);
        Parts {
            form: Form::Execute,
            shard: request.shard,
            options: request.options,
            operation: statement.map(Operation::Execute),
        }
    }

    fn of_insert(mut request: wire::InsertRequest) -> Parts {
        Parts {
            form: Form::Insert,
            shard: request.shard.take(),
            options: request.options.take(),
            operation: values::insert(request).map(Operation::Insert),
        }
    }

    fn of_batch(mut request: wire::BatchRequest, limits: &ApiLimits) -> Parts {
        Parts {
            form: Form::Batch,
            shard: request.shard.take(),
            options: request.options.take(),
            operation: batches::batch(request, limits.batch_steps_max).map(Operation::Batch),
        }
    }

    fn of_item(given: wire::MultiItem, limits: &ApiLimits) -> Parts {
        let query = given.query.map(Parts::of_query);
        let execute = given.execute.map(Parts::of_execute);
        let insert = given.insert.map(Parts::of_insert);
        let batch = given.batch.map(|request| Parts::of_batch(request, limits));
        let mut set = [query, execute, insert, batch].into_iter().flatten();
        match (set.next(), set.count()) {
            (Some(parts), 0) => parts,
            (first, further) => {
                let count = usize::from(first.is_some()) + further;
                let message = format!(
                    "the item has {count} requests; set exactly one of `query`, `execute`, \
                     `insert` and `batch`"
                );
                Parts {
                    form: first.map_or(Form::Query, |parts| parts.form),
                    shard: None,
                    options: None,
                    operation: Err(Error::invalid(message)),
                }
            }
        }
    }

    fn run(self, limits: &ApiLimits) -> Result<Asked, Error> {
        let options = options(self.options, Transaction::Possible, limits)?;
        let ask = Ask::Run {
            shard: self.shard,
            form: self.form,
            operation: self.operation?,
        };
        Ok(Asked { options, ask })
    }

    fn item(self, number: usize, limits: &ApiLimits) -> Item {
        let refused = Transaction::Refused("an item of a `multi` is part of none; unset it");
        let request_id = shortened_request_id(self.options.as_ref());
        let (options, operation) = match options(self.options, refused, limits) {
            Ok(options) => (options, self.operation),
            Err(error) => {
                let options = AskedOptions {
                    request_id,
                    ..AskedOptions::default()
                };
                (options, Err(error))
            }
        };
        Item {
            form: self.form,
            shard: self.shard,
            options,
            operation: operation.map_err(|error| within("items", number, error)),
        }
    }
}

pub(super) fn multi(request: wire::MultiRequest, limits: &ApiLimits) -> Result<Asked, Error> {
    let refused = Transaction::Refused(
        "the items of a `multi` run side by side, on connections of their own; unset it, or send \
         a `batch`",
    );
    let options = options(request.options, refused, limits)?;
    let policy = match request.policy {
        None | Some(wire::MultiPolicy::TAKE_WHAT_CAME) => Policy::TakeWhatCame,
        Some(wire::MultiPolicy::FAIL_ON_FIRST_ERROR) => Policy::FailOnFirstError,
        Some(wire::MultiPolicy(number)) => {
            let message =
                format!("policy {number} is unknown; TAKE_WHAT_CAME is 1, FAIL_ON_FIRST_ERROR 2");
            return Err(Error::invalid(message));
        }
    };
    let given = request.items.unwrap_or_default();
    if given.is_empty() {
        return Err(Error::invalid(
            "the multi has no items; set its field `items`, with at least one in it",
        ));
    }
    let (limit, seen) = (limits.multi_items_max, given.len());
    if seen > limit {
        let message = format!(
            "`items` has {seen} items, over the server's multi_items_max of {limit}; send them as \
             several multis"
        );
        return Err(Error::invalid(message).with_limit(limit as u64, seen as u64));
    }
    let items = given.into_iter().enumerate();
    let items = items.map(|(number, given)| Parts::of_item(given, limits).item(number, limits));
    let items = items.collect();
    let ask = Ask::Multi { items, policy };
    Ok(Asked { options, ask })
}

/// The error with the place in front of its message; its `item` stays, which in
/// an item of a multi is the step of its batch.
pub(super) fn within(list: &str, number: usize, error: Error) -> Error {
    let placed = Error::invalid(format!("{list}[{number}]: {}", error.message()));
    let placed = match error.limit_met() {
        Some(met) => placed.with_limit(met.limit, met.seen),
        None => placed,
    };
    match error.item() {
        Some(item) => placed.with_item(item),
        None => placed,
    }
}

pub(super) fn begin(request: wire::BeginRequest, limits: &ApiLimits) -> Result<Asked, Error> {
    let refused = Transaction::Refused(
        "`begin_transaction` opens another one; unset it, or use an atomic `batch`, which is a \
         savepoint within a transaction",
    );
    let options = options(request.options, refused, limits)?;
    let isolation = match request.isolation {
        None => None,
        Some(wire::Isolation::READ_UNCOMMITTED) => Some(Isolation::ReadUncommitted),
        Some(wire::Isolation::READ_COMMITTED) => Some(Isolation::ReadCommitted),
        Some(wire::Isolation::REPEATABLE_READ) => Some(Isolation::RepeatableRead),
        Some(wire::Isolation::SERIALIZABLE) => Some(Isolation::Serializable),
        Some(wire::Isolation(number)) => {
            let message = format!(
                "isolation {number} is unknown; READ_UNCOMMITTED is 1, READ_COMMITTED 2, \
                 REPEATABLE_READ 3, SERIALIZABLE 4"
            );
            return Err(Error::invalid(message));
        }
    };
    let access = match request.read_only {
        Some(true) => Access::ReadOnly,
        None | Some(false) => Access::ReadWrite,
    };
    let ask = Ask::Begin {
        shard: request.shard,
        begin: Begin { isolation, access },
    };
    Ok(Asked { options, ask })
}

pub(super) fn commit(request: wire::CommitRequest, limits: &ApiLimits) -> Result<Asked, Error> {
    let options = options(request.options, Transaction::Needed, limits)?;
    let ask = Ask::Commit;
    Ok(Asked { options, ask })
}

pub(super) fn rollback(request: wire::RollbackRequest, limits: &ApiLimits) -> Result<Asked, Error> {
    let options = options(request.options, Transaction::Needed, limits)?;
    let ask = Ask::Rollback;
    Ok(Asked { options, ask })
}
