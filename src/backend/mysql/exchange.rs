//! One exchange with the server: begun within the deadline, stopped if its caller
//! is, and settled so that the connection's state is always true.

use mysql::Row;
use mysql::prelude::Queryable;

use super::connection::Connection;
use super::counts;
use super::errors::{self, Effect};
use super::kill::{self, Sent, Stopping};
use super::read::{Failure, Gathered, Reader, strayed};
use super::statement::{Keep, Manner};
use super::warnings;
use crate::backend::batch::give_back;
use crate::error::{Error, ErrorKind, Outcome, Result, Retry};
use crate::operation::{Answer, Limits};
use crate::sql::SqlMode;

/// Lends the connection to `work`, which can be cancelled meanwhile. An error
/// means that nothing was begun. The connection counts as unfinished until the
/// outcome is settled.
pub(super) fn run<T>(
    connection: &mut Connection,
    keep: &Keep,
    limits: &Limits,
    work: impl FnOnce(&mut mysql::Conn, &mut Reader) -> T,
) -> Result<T> {
    if let Some(cancelled) = limits.cancelled() {
        return Err(cancelled);
    }
    let watch = connection.start(limits.deadline)?;
    let mut reader = Reader::new(connection, watch, keep, limits);
    let done = {
        // Dropped before anything else can be begun on the connection.
        let _guard = limits
            .cancel
            .as_deref()
            .map(|cancel| cancel.on_cancel(watch.stop()));
        work(connection.session(), &mut reader)
    };
    connection.keep(reader.watch);
    if limits.is_cancelled() {
        connection.note_cut();
    }
    Ok(done)
}

/// What came of a statement, for its caller and for the connection.
pub(super) fn conclude(
    connection: &mut Connection,
    text: &str,
    manner: &Manner,
    limits: &Limits,
    result: Result<Gathered, Failure>,
) -> Result<Answer> {
    let concluded = match result {
        Ok(gathered) => {
            let mut answer = gathered.answer;
            answer.warning_count = connection.warning_count();
            counts::settle(&mut answer, gathered.counted, text, connection.counting());
            connection.finish(manner.touches_session);
            // Another statement would clear them.
            warnings::read(connection, &mut answer, limits);
            Ok(answer)
        }
        Err(failure) => Err(settle(connection, manner, limits, failure)),
    };
    if let Keep::Yes(_) = manner.keep
        && connection.modes_are_doubtful()
        // Were they not known, the next statement could not be written.
        && let Err(error) = look_at_modes(connection, limits)
    {
        if let Ok(answer) = &concluded {
            give_back(answer, limits);
        }
        return Err(undone(error, manner));
    }
    concluded
}

fn settle(
    connection: &mut Connection,
    manner: &Manner,
    limits: &Limits,
    failure: Failure,
) -> Error {
    let touched = manner.touches_session || manner.effect != Effect::None;
    match failure {
        Failure::Database(error) => {
            let touched = touched || errors::may_have_run(&error);
            refused(connection, limits, &error, manner.effect, touched)
        }
        Failure::Unsent(error) => refused(connection, limits, &error, Effect::None, false),
        Failure::NotBegun(error) => {
            connection.finish_quietly();
            error
        }
        Failure::GivenUp(error) => undone(error, manner),
        Failure::Drained {
            error,
            stopping,
            end,
        } => drained(connection, manner, limits, (error, stopping, end)),
    }
}

fn refused(
    connection: &mut Connection,
    limits: &Limits,
    error: &mysql::Error,
    effect: Effect,
    touched: bool,
) -> Error {
    let by_server = matches!(error, mysql::Error::MySqlError(_));
    if !by_server && let Some(cancelled) = limits.cancelled() {
        // It stays unfinished, and what the server still does for it is stopped.
        return cancelled.with_outcome(errors::unfinished(effect));
    }
    if !by_server && connection.was_late() {
        // As above.
        return errors::late(effect);
    }
    connection.finish_refused(error, touched);
    errors::from_mysql(error, effect)
}

/// The statement was begun and its connection is given up.
fn undone(error: Error, manner: &Manner) -> Error {
    match manner.effect {
        Effect::None => error,
        _ => error.with_outcome(Outcome::Unknown).with_retry(Retry::No),
    }
}

/// A result over a limit was read to its end; now nothing may be left that would
/// stop the next statement.
fn drained(
    connection: &mut Connection,
    manner: &Manner,
    limits: &Limits,
    (error, stopping, end): (Error, Stopping, mysql::Result<()>),
) -> Error {
    let touched = manner.touches_session || manner.effect != Effect::None;
    let outcome = match (&end, manner.effect) {
        (_, Effect::None) => Outcome::NotApplied,
        (Ok(()), _) => Outcome::Applied,
        (Err(_), Effect::Atomic) => Outcome::NotApplied,
        (Err(_), Effect::Several | Effect::Hidden) => Outcome::Unknown,
    };
    match &end {
        Ok(()) => connection.finish(touched),
        Err(error) => {
            let touched = touched || errors::may_have_run(error);
            connection.finish_refused(error, touched);
        }
    }
    match stopping.settle(limits.deadline) {
        Sent::Not => {}
        Sent::Answered => absorb_late_kill(connection, limits),
        Sent::Unanswered => connection.hang_up(),
    }
    match end {
        // It failed by itself, by a deadlock perhaps, and whoever has a transaction
        // open must know what has become of that.
        Err(end) if !kill::was_stopped(&end) => errors::from_mysql(&end, manner.effect),
        _ => error.with_outcome(outcome),
    }
}

/// The statement may have ended before the kill came, which then hits this one.
fn absorb_late_kill(connection: &mut Connection, limits: &Limits) {
    if !connection.is_ready() {
        return;
    }
    match ask(connection, "DO 0", limits) {
        Ok(_) => {}
        Err(Failure::Database(error)) if kill::was_stopped(&error) => {}
        Err(_) => connection.hang_up(),
    }
}

/// Sends a statement of ours and gives its rows. The connection is settled; after
/// [`Failure::GivenUp`] it is unfinished.
pub(super) fn ask(
    connection: &mut Connection,
    text: &str,
    limits: &Limits,
) -> Result<Vec<Row>, Failure> {
    let asked = run(connection, &Keep::No, limits, |session, reader| {
        let mut rows = Vec::new();
        for row in session.query_iter(text)? {
            rows.push(row?);
            reader.check_time()?;
        }
        Ok(rows)
    });
    let result = asked.map_err(Failure::NotBegun)?;
    match &result {
        Err(Failure::Database(error))
            if connection.was_late() && !matches!(error, mysql::Error::MySqlError(_)) =>
        {
            return Err(Failure::GivenUp(errors::late(Effect::None)));
        }
        Ok(_) => connection.finish_quietly(),
        Err(Failure::Database(error)) => connection.finish_refused(error, false),
        Err(_) => {}
    }
    result
}

/// Ends a SELECT of ours in a caller's session, where `sql_select_limit` may keep
/// its row back: a LIMIT of its own goes before that.
pub(super) const ALL_ROWS: &str = "LIMIT 18446744073709551615";

/// After a statement that may have changed them, while its session goes on.
fn look_at_modes(connection: &mut Connection, limits: &Limits) -> Result<()> {
    let look = format!("SELECT @@sql_mode, @@character_set_client {ALL_ROWS}");
    let looked = ask(connection, &look, limits)
        .map_err(told)
        .and_then(|rows| {
            let row = rows.into_iter().next().map(mysql::from_row_opt);
            match row {
                Some(Ok::<(String, String), _>(modes)) => Ok(modes),
                _ => Err(untold()),
            }
        })
        .and_then(
            |(sql_mode, charset)| match charset == connection.server().charset {
                true => Ok(SqlMode::parse(&sql_mode)),
                false => Err(strayed()),
            },
        );
    match looked {
        Ok(mode) => {
            connection.set_mode(mode);
            Ok(())
        }
        Err(error) => {
            connection.hang_up();
            Err(error)
        }
    }
}

/// Why a question of ours was not answered.
pub(super) fn told(failure: Failure) -> Error {
    match failure {
        Failure::Database(error) | Failure::Unsent(error) => {
            errors::from_mysql(&error, Effect::None)
        }
        Failure::NotBegun(error) | Failure::GivenUp(error) | Failure::Drained { error, .. } => {
            error
        }
    }
}

fn untold() -> Error {
    let message = "the database did not tell the connection's sql_mode, which a statement may \
                   have changed; the connection is closed";
    Error::new(ErrorKind::ConnectionLost, message)
}
