//! A statement that is run once for each of many rows of parameters
//! (executemany), all or none.

use super::connection::{Connection, STATEMENT_USUAL_BYTES};
use super::operations::Session;
use super::units::{Alone, Texts};
use crate::error::{Error, ErrorKind, Phase, Result};
use crate::operation::{Limits, Params, Statement};
use crate::sql::{self, Dialect, Function, Setting, StatementKind, Template};

/// The statements that do it, rendered under the connection's own modes.
pub(super) fn texts<'t>(
    session: &mut Session<'_>,
    statement: &'t Statement,
    rows: &'t [Params],
    limits: &Limits,
) -> Result<Texts<'t>> {
    let setting = session.setting();
    session.with_connection(limits, |connection| {
        let mut template = analyze(connection, statement, rows, setting)?;
        if setting == Setting::Shared && template.may_touch_session() {
            // As for a statement of its own.
            connection.renew(limits.deadline)?;
            template = analyze(connection, statement, rows, setting)?;
        }
        let longest = connection.statement_max_bytes();
        let usual = longest.min(STATEMENT_USUAL_BYTES);
        let alone = alone(statement, &template);
        let touches_session = template.may_touch_session();
        let may_end_transaction = template.may_end_transaction();
        let within_unit = sql::check(Function::Execute, Setting::Atomic, &template);
        let texts = sql::many_for_mysql(template, rows, usual, longest)?;
        if setting == Setting::Shared && (texts.statements() > 1 || alone == Alone::InUnit) {
            within_unit?;
        }
        Ok(Texts {
            mode: connection.mode(),
            count: texts.statements(),
            texts: Box::new(texts),
            touches_session,
            may_end_transaction,
            alone,
        })
    })
}

fn analyze<'s>(
    connection: &Connection,
    statement: &'s Statement,
    rows: &[Params],
    setting: Setting,
) -> Result<Template<'s>> {
    let params_given = rows.iter().any(|row| *row != Params::Absent);
    let dialect = Dialect::MySql(connection.mode());
    let template = sql::analyze(&statement.sql, statement.style, params_given, dialect)?;
    let setting = match setting {
        // It runs within a unit of its own.
        Setting::Transaction(_) => Setting::Nested,
        other => other,
    };
    sql::check(Function::Execute, setting, &template)?;
    match template.kind() {
        StatementKind::Read => Err(returns_rows().with_phase(Phase::Request)),
        _ => Ok(template),
    }
}

/// What may return rows must be undone if it does: with RETURNING, or MariaDB's
/// ANALYZE before it.
fn alone(statement: &Statement, template: &Template<'_>) -> Alone {
    let returning = "RETURNING".as_bytes();
    let mut places = statement.sql.as_bytes().windows(returning.len());
    let may_return = places.any(|place| place.eq_ignore_ascii_case(returning));
    let analyzes = template.keyword().eq_ignore_ascii_case("ANALYZE");
    match template.kind() {
        StatementKind::Write if !may_return && !analyzes => Alone::Commits,
        _ => Alone::InUnit,
    }
}

/// Rows of many runs have no place in an answer.
pub(super) fn returns_rows() -> Error {
    let message = "a statement that returns rows cannot be run for many rows of parameters: make \
                   each run a step of its own";
    Error::new(ErrorKind::StatementNotAllowed, message).with_phase(Phase::Execute)
}
