//! One statement on one connection: written under the connection's own modes,
//! sent as text or prepared, and its answer read to the end.

use mysql::prelude::Queryable;

use super::connection::Connection;
use super::errors::Effect;
use super::kill::Killer;
use super::read::Failure;
use super::{exchange, prepared};
use crate::error::Result;
use crate::operation::{Answer, Limits, Params, Statement};
use crate::sql::{self, Dialect, Function, Setting, StatementKind, Template};

/// Checks, writes and runs a statement of a caller.
pub(super) fn run(
    connection: &mut Connection,
    statement: &Statement,
    function: Function,
    setting: Setting,
    limits: &Limits,
) -> Result<Answer> {
    let mut template = analyze(connection, statement, function, setting)?;
    if setting == Setting::Shared && template.may_touch_session() {
        // It may read what a trigger of an earlier caller has left. The fresh
        // session may have other modes: literals end elsewhere in them.
        connection.renew(limits.deadline)?;
        template = analyze(connection, statement, function, setting)?;
    }
    let manner = Manner {
        effect: effect(function, &template),
        touches_session: template.may_touch_session() || template.changes_modes(),
        keep: match setting {
            Setting::Shared => Keep::No,
            Setting::Atomic | Setting::Transaction(_) | Setting::Nested => {
                Keep::Yes(connection.killer())
            }
        },
    };
    let refused = match send_prepared(connection, &template, statement, &manner, limits)? {
        Sent::Answered(answer) => return Ok(answer),
        Sent::Refused(text) => Some(text),
        Sent::Not => None,
    };
    let text = sql::render_escaped(
        &template,
        &statement.params,
        connection.statement_max_bytes(),
    )?;
    let answer = send(connection, &text, manner, limits)?;
    if let (Some(refused), Some(known)) = (refused, connection.unpreparable()) {
        known.remember(&refused);
    }
    Ok(answer)
}

fn analyze<'s>(
    connection: &Connection,
    statement: &'s Statement,
    function: Function,
    setting: Setting,
) -> Result<Template<'s>> {
    let params_given = statement.params != Params::Absent;
    let dialect = Dialect::MySql(connection.mode());
    let template = sql::analyze(&statement.sql, statement.style, params_given, dialect)?;
    sql::check(function, setting, &template)?;
    Ok(template)
}

/// What is known of a statement before it is sent.
#[derive(Clone)]
pub(super) struct Manner {
    pub(super) effect: Effect,
    pub(super) touches_session: bool,
    pub(super) keep: Keep,
}

/// What becomes of the connection when a limit ends a result early.
#[derive(Clone)]
pub(super) enum Keep {
    /// It is given up, and the server's side of it is killed.
    No,
    /// A transaction lives on it: the server stops the statement alone. The
    /// session's modes are looked at when they may have changed.
    Yes(Killer),
}

fn effect(function: Function, template: &Template<'_>) -> Effect {
    match (function, template.kind()) {
        // A stored function may write, whoever calls it.
        (_, StatementKind::Read | StatementKind::Write) if template.may_touch_session() => {
            Effect::Atomic
        }
        (Function::Query, _) | (_, StatementKind::Read) => Effect::None,
        (_, StatementKind::Write) => Effect::Atomic,
        (_, StatementKind::Routine) => Effect::Hidden,
        // DROP TABLE a, b drops what is there.
        _ => Effect::Several,
    }
}

/// What came of the prepared way.
enum Sent {
    Answered(Answer),
    /// The server does not prepare this text, or not now.
    Refused(String),
    /// It was not tried.
    Not,
}

fn send_prepared(
    connection: &mut Connection,
    template: &Template<'_>,
    statement: &Statement,
    manner: &Manner,
    limits: &Limits,
) -> Result<Sent> {
    // The reset that follows what touches the session would close it at once.
    if connection.unpreparable().is_none() || manner.touches_session {
        return Ok(Sent::Not);
    }
    let bytes_max = connection.statement_max_bytes();
    let prepared = match sql::prepare(template, &statement.params, bytes_max)? {
        Some(prepared) if prepared::may_be_sent(connection, &prepared) => prepared,
        _ => return Ok(Sent::Not),
    };
    let answer = prepared::send(connection, &prepared, manner, limits)?;
    Ok(answer.map_or(Sent::Refused(prepared.text), Sent::Answered))
}

/// Sends a finished text and reads its whole answer. The connection's state is
/// settled in any case.
pub(super) fn send(
    connection: &mut Connection,
    text: &str,
    manner: Manner,
    limits: &Limits,
) -> Result<Answer> {
    let sent = exchange::run(connection, &manner.keep, limits, |session, reader| {
        let result = session.query_iter(text).map_err(Failure::Database)?;
        reader.read(result)
    })?;
    exchange::conclude(connection, text, &manner, limits, sent)
}
