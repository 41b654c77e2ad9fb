//! One statement on one connection: rendered under the connection's own modes,
//! sent, and its result read to the end.

use mysql::prelude::Queryable;
use mysql::{QueryResult, Text};

use super::columns::{self, ColumnsBuilder};
use super::connection::Connection;
use super::errors::{self, Effect};
use super::wait::Watch;
use crate::error::{Error, ErrorKind, Outcome, Phase, Result, Retry};
use crate::operation::{Answer, Limits, Params, Statement};
use crate::sql::{self, Dialect, Function, StatementKind, Template};

/// Checks, renders and runs a statement of a caller.
pub(super) fn run(
    connection: &mut Connection,
    statement: &Statement,
    function: Function,
    limits: &Limits,
) -> Result<Answer> {
    let mut template = analyze(connection, statement, function)?;
    if template.may_touch_session() {
        // It may read what a trigger of an earlier caller has left. The fresh
        // session may have other modes: literals end elsewhere in them.
        connection.renew(limits.deadline)?;
        template = analyze(connection, statement, function)?;
    }
    let text = sql::render_escaped(
        &template,
        &statement.params,
        connection.statement_max_bytes(),
    )?;
    let manner = Manner {
        effect: effect(function, &template),
        touches_session: template.may_touch_session(),
    };
    let mut answer = send(connection, &text, manner, limits)?;
    if template.kind() == StatementKind::Write && answer.affected_rows == 0 {
        // INSERT … RETURNING gives rows where others give a count.
        answer.affected_rows = answer.rows.as_ref().map_or(0, |rows| rows.row_count as u64);
    }
    Ok(answer)
}

fn analyze<'s>(
    connection: &Connection,
    statement: &'s Statement,
    function: Function,
) -> Result<Template<'s>> {
    let params_given = statement.params != Params::Absent;
    let dialect = Dialect::MySql(connection.mode());
    let template = sql::analyze(&statement.sql, statement.style, params_given, dialect)?;
    sql::check(function, &template)?;
    Ok(template)
}

/// What is known of a statement's effects before it is sent.
#[derive(Clone, Copy)]
pub(super) struct Manner {
    pub(super) effect: Effect,
    pub(super) touches_session: bool,
}

fn effect(function: Function, template: &Template<'_>) -> Effect {
    match (function, template.kind()) {
        // A stored function may write, whoever calls it.
        (_, StatementKind::Read | StatementKind::Write) if template.may_touch_session() => {
            Effect::Atomic
        }
        (Function::Query, _) | (_, StatementKind::Read) => Effect::None,
        (_, StatementKind::Write) => Effect::Atomic,
        // DROP TABLE a, b drops what is there; a procedure has steps.
        _ => Effect::Several,
    }
}

/// Sends a finished text and reads its whole answer.
pub(super) fn send(
    connection: &mut Connection,
    text: &str,
    manner: Manner,
    limits: &Limits,
) -> Result<Answer> {
    let collation = connection.server().text_collation;
    let (session, mut watch) = connection.start(limits.deadline)?;
    let result = match session.query_iter(text) {
        Ok(result) => read(result, &mut watch, collation, limits),
        Err(error) => Err(Failure::Database(error)),
    };
    connection.keep(watch);
    match result {
        Ok(mut answer) => {
            answer.warning_count = connection.warning_count();
            connection.finish(manner.touches_session);
            Ok(answer)
        }
        Err(Failure::Database(error)) => {
            let touched = manner.touches_session || manner.effect != Effect::None;
            connection.finish_refused(&error, touched);
            Err(errors::from_mysql(&error, manner.effect))
        }
        Err(Failure::Drained(error)) => {
            connection.finish(true);
            Err(error)
        }
        Err(Failure::GivenUp(error)) => Err(match manner.effect {
            Effect::None => error,
            _ => error.with_outcome(Outcome::Unknown).with_retry(Retry::No),
        }),
    }
}

/// Why a result was not read, and what that means for the connection.
enum Failure {
    /// The database, or the way to it.
    Database(mysql::Error),
    /// A limit of ours; the result was read to its end all the same.
    Drained(Error),
    /// A limit of ours; the rest of the result was not read.
    GivenUp(Error),
}

impl From<mysql::Error> for Failure {
    fn from(error: mysql::Error) -> Failure {
        Failure::Database(error)
    }
}

/// A routine that a view or a trigger called has changed how this session sends
/// text. The server is of the shard's character set again on a new connection.
fn strayed() -> Error {
    let message = "a stored routine had changed the connection's character set; it is closed";
    Error::new(ErrorKind::ConnectionLost, message)
}

fn read(
    mut result: QueryResult<'_, '_, '_, Text>,
    watch: &mut Watch,
    collation: Option<u16>,
    limits: &Limits,
) -> Result<Answer, Failure> {
    let mut answer = Answer {
        statements: 1,
        ..Answer::default()
    };
    let mut sets = 0;
    while let Some(mut set) = result.iter() {
        answer.affected_rows = set.affected_rows();
        answer.insert_id = set.last_insert_id().unwrap_or(0);
        let mut rows = ColumnsBuilder::new(set.columns().as_ref(), limits);
        let has_columns = !set.columns().as_ref().is_empty();
        // An answer that is already there, such as COMMIT's, is never too late.
        if (has_columns || sets > 0)
            && let Err(error) = watch.check()
        {
            watch.hang_up();
            return Err(Failure::GivenUp(error));
        }
        if columns::strays_from(set.columns().as_ref(), collation) {
            watch.hang_up();
            return Err(Failure::GivenUp(strayed()));
        }
        for row in set.by_ref() {
            // A second set is read only to be rid of it.
            let kept = match sets {
                0 => rows.push(row?.unwrap()),
                _ => row.map(drop).map(Ok)?,
            };
            if let Err(error) = kept.and_then(|()| watch.check()) {
                watch.hang_up();
                return Err(Failure::GivenUp(error));
            }
        }
        if has_columns && sets == 0 {
            answer.rows = Some(rows.finish());
        }
        sets += usize::from(has_columns);
    }
    if sets > 1 {
        let message = format!("the statement returned {sets} result sets; only one can be given");
        let error = Error::new(ErrorKind::StatementNotAllowed, message)
            .with_outcome(Outcome::Applied)
            .with_phase(Phase::Fetch);
        return Err(Failure::Drained(error));
    }
    Ok(answer)
}
