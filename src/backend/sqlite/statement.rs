//! Statements on one connection: checked, prepared, bound, and their rows read.

use rusqlite::CachedStatement;
use rusqlite::types::{ToSql, ToSqlOutput, ValueRef};

use super::columns::{self, Counted};
use super::connection::{Connection, check_time};
use super::errors::{self, Failure};
use crate::error::{Error, ErrorKind, Outcome, Result, Retry};
use crate::operation::{Access, Answer, Insert, Limits, Params, Statement};
use crate::sql::{self, Dialect, Function, Setting, Template};
use crate::value::Value;

/// Checks and runs a statement of a caller.
pub(super) fn run(
    connection: &Connection,
    statement: &Statement,
    function: Function,
    limits: &Limits,
) -> Result<Answer> {
    let given = statement.params != Params::Absent;
    let template = analyze(statement, given, function, connection.setting())?;
    let (text, values) = sql::bind(&template, &statement.params)?;
    let manner = Manner {
        inserts: inserts(&template),
        rows: RowsWanted::Any,
    };
    run_bound(connection, &text, &values, manner, limits)
}

/// Runs a statement of a caller once for each of `rows`, all or none.
pub(super) fn run_many(
    connection: &Connection,
    statement: &Statement,
    rows: &[Params],
    limits: &Limits,
) -> Result<Answer> {
    let given = rows.iter().any(|row| *row != Params::Absent);
    // It runs within a unit of its own, whatever that is within.
    let template = analyze(statement, given, Function::Execute, Setting::Atomic)?;
    let manner = Manner {
        inserts: inserts(&template),
        rows: RowsWanted::None,
    };
    all_or_none(connection, limits, |total| {
        for (number, row) in rows.iter().enumerate() {
            let bound = sql::bind(&template, row);
            let (text, values) = bound.map_err(|error| in_row(&error, number))?;
            check_time(limits)?;
            total.add(run_bound(connection, &text, &values, manner, limits)?);
        }
        Ok(())
    })
}

/// Inserts rows, all or none.
pub(super) fn insert(connection: &Connection, insert: &Insert, limits: &Limits) -> Result<Answer> {
    let text = sql::insert::for_sqlite(insert)?;
    let manner = Manner {
        inserts: Inserts::Yes,
        rows: RowsWanted::None,
    };
    all_or_none(connection, limits, |total| {
        for row in &insert.rows {
            let values: Vec<&Value> = row.iter().collect();
            check_time(limits)?;
            total.add(run_bound(connection, &text, &values, manner, limits)?);
        }
        Ok(())
    })
}

fn analyze(
    statement: &Statement,
    params_given: bool,
    function: Function,
    setting: Setting,
) -> Result<Template<'_>> {
    let template = sql::analyze(
        &statement.sql,
        statement.style,
        params_given,
        Dialect::Sqlite,
    )?;
    sql::check(function, setting, &template)?;
    Ok(template)
}

/// As the text alone tells; a row's own id tells it of WITH … INSERT.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Inserts {
    Yes,
    Perhaps,
}

fn inserts(template: &Template<'_>) -> Inserts {
    let is = |verb: &str| verb.eq_ignore_ascii_case(template.keyword());
    match is("INSERT") || is("REPLACE") {
        true => Inserts::Yes,
        false => Inserts::Perhaps,
    }
}

/// Whether a statement may return rows.
#[derive(Clone, Copy, PartialEq, Eq)]
enum RowsWanted {
    Any,
    None,
}

#[derive(Clone, Copy)]
struct Manner {
    inserts: Inserts,
    rows: RowsWanted,
}

/// Does work, which counts into an answer, in a unit of its own.
fn all_or_none(
    connection: &Connection,
    limits: &Limits,
    work: impl FnOnce(&mut Answer) -> Result<()>,
) -> Result<Answer> {
    let mut total = Answer::default();
    connection.in_unit(limits, || work(&mut total))?;
    Ok(Answer {
        statements: 1,
        ..total
    })
}

fn in_row(error: &Error, number: usize) -> Error {
    let message = format!("rows: row {number}: {}", error.message());
    let ours = Error::new(error.kind(), message);
    match error.limit_met() {
        Some(met) => ours.with_limit(met.limit, met.seen),
        None => ours,
    }
}

fn run_bound(
    connection: &Connection,
    text: &str,
    values: &[&Value],
    manner: Manner,
    limits: &Limits,
) -> Result<Answer> {
    let failed = |error: rusqlite::Error| errors::from_operation(&error, limits);
    let mut prepared = connection.inner().prepare_cached(text).map_err(failed)?;
    let has_rows = prepared.column_count() > 0;
    let writes = !prepared.readonly() && prepared.is_explain() == 0;
    if writes && connection.access() == Access::ReadOnly {
        let message = "the transaction was begun read only, and this statement writes: begin it \
                       without read_only";
        return Err(Error::new(ErrorKind::SqlError, message));
    }
    if has_rows && manner.rows == RowsWanted::None {
        let message = "a statement that returns rows is not run for many rows of parameters: send \
                       it in steps of its own, or leave RETURNING out";
        return Err(Error::new(ErrorKind::StatementNotAllowed, message));
    }
    for (index, value) in values.iter().enumerate() {
        let bound = prepared.raw_bind_parameter(index + 1, Bound(value));
        bound.map_err(failed)?;
    }
    let counters = Counters::begin(connection, writes);
    let rows = match has_rows && writes {
        true => read_written(connection, &mut prepared, limits),
        false => columns::read(&mut prepared, limits).map_err(|failure| {
            let may_stay = counters.may_stay(connection, &failure);
            let error = failure.into_error(limits);
            match may_stay {
                true => error.with_outcome(Outcome::Unknown).with_retry(Retry::No),
                false => error,
            }
        }),
    };
    let counted = counters.finish(connection, manner.inserts);
    let read = rows?;
    Ok(Answer {
        statements: 1,
        taken: read.taken,
        rows: Some(read.rows).filter(|_| has_rows),
        ..counted
    })
}

/// What returns rows of a write has written them all before the first: when they
/// are too many for the reply, that must be undone.
fn read_written(
    connection: &Connection,
    prepared: &mut CachedStatement<'_>,
    limits: &Limits,
) -> Result<Counted> {
    let mut counted = Counted::default();
    let done = connection.in_unit(limits, || {
        let read = columns::read(prepared, limits);
        counted = read.map_err(|failure| failure.into_error(limits))?;
        Ok(())
    });
    if done.is_err() {
        limits.budget.give_back(counted.taken);
    }
    done.map(|()| counted)
}

/// What SQLite counts for a connection over all its statements, before one.
struct Counters {
    total_changes: u64,
    last_insert_rowid: i64,
    writes: bool,
    commits_itself: bool,
}

impl Counters {
    fn begin(connection: &Connection, writes: bool) -> Counters {
        let inner = connection.inner();
        let before = Counters {
            total_changes: inner.total_changes(),
            last_insert_rowid: inner.last_insert_rowid(),
            writes,
            commits_itself: inner.is_autocommit(),
        };
        if writes {
            // So that an id which the statement makes is told from an older one.
            connection.set_last_insert_rowid(0);
        }
        before
    }

    /// Whether the failed statement may have left something: INSERT OR FAIL keeps
    /// the rows before the one that failed, and a disk perhaps the commit.
    fn may_stay(&self, connection: &Connection, failure: &Failure) -> bool {
        let kept = connection.inner().total_changes() > self.total_changes;
        self.writes && (kept || self.commits_itself && failure.is_of_disk())
    }

    /// What the statement has done.
    fn finish(self, connection: &Connection, inserts: Inserts) -> Answer {
        let inner = connection.inner();
        let made = match self.writes {
            true => inner.last_insert_rowid(),
            false => 0,
        };
        if self.writes && made == 0 {
            connection.set_last_insert_rowid(self.last_insert_rowid);
        }
        // SQLite keeps the number from earlier statements.
        let affected_rows = match inner.total_changes() > self.total_changes {
            true => inner.changes(),
            false => 0,
        };
        let has_inserted = inserts == Inserts::Yes || made != 0;
        Answer {
            affected_rows,
            matched_rows: affected_rows,
            insert_id: made.cast_unsigned(),
            insert_count: if has_inserted { affected_rows } else { 0 },
            ..Answer::default()
        }
    }
}

/// A parameter as SQLite binds it: what has no type of its own there is text.
struct Bound<'v>(&'v Value);

impl ToSql for Bound<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        let value = match self.0 {
            Value::Null => ValueRef::Null,
            Value::Bool(value) => ValueRef::Integer(i64::from(*value)),
            Value::Int(value) => ValueRef::Integer(*value),
            Value::UInt(value) => match i64::try_from(*value) {
                Ok(value) => ValueRef::Integer(value),
                Err(_) => return Ok(ToSqlOutput::from(value.to_string())),
            },
            Value::Double(value) => ValueRef::Real(*value),
            Value::Decimal(text) | Value::Text(text) | Value::Temporal(text) => {
                ValueRef::Text(text.as_bytes())
            }
            Value::Bytes(bytes) => ValueRef::Blob(bytes),
            Value::List(_) | Value::InsertIdOf(_) => {
                return Err(rusqlite::Error::InvalidParameterName("a list".to_owned()));
            }
        };
        Ok(ToSqlOutput::Borrowed(value))
    }
}
