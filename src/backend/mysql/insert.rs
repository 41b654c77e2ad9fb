//! Many rows in a few statements, each within `max_allowed_packet`, and in one
//! transaction if they are more than one.

use super::connection::Connection;
use super::errors::Effect;
use super::statement::{self, Manner};
use crate::error::{Error, ErrorKind, Outcome, Result, Retry};
use crate::operation::{Answer, Insert, Limits};
use crate::sql;

/// Statements are kept below this where the rows let them: the server parses and
/// logs each one whole.
const STATEMENT_USUAL_BYTES: usize = 1 << 20;

const ALONE: Manner = Manner {
    effect: Effect::Atomic,
    touches_session: false,
};

const WITHIN: Manner = Manner {
    effect: Effect::Atomic,
    touches_session: true,
};

pub(super) fn run(connection: &mut Connection, insert: &Insert, limits: &Limits) -> Result<Answer> {
    let texts = texts(connection, insert)?;
    match texts.as_slice() {
        [single] => statement::send(connection, single, ALONE, limits),
        several => run_in_transaction(connection, several, limits),
    }
}

/// Short statements if every row fits one, else as long as the server takes.
fn texts(connection: &Connection, insert: &Insert) -> Result<Vec<String>> {
    let mode = connection.mode();
    let longest = connection.statement_max_bytes();
    let usual = longest.min(STATEMENT_USUAL_BYTES);
    match sql::insert::for_mysql(insert, mode, usual) {
        Err(error) if error.kind() == ErrorKind::RequestTooLarge && usual < longest => {
            sql::insert::for_mysql(insert, mode, longest)
        }
        result => result,
    }
}

/// Leaves nothing behind if it fails: the session is reset after it in any case,
/// and a reset, or a lost connection, rolls back what is not committed.
fn run_in_transaction(
    connection: &mut Connection,
    texts: &[String],
    limits: &Limits,
) -> Result<Answer> {
    let not_applied = |error: Error| {
        let error = error.with_outcome(Outcome::NotApplied);
        match error.kind() {
            ErrorKind::ConnectionLost => error.with_retry(Retry::AfterPause),
            _ => error,
        }
    };
    statement::send(connection, "START TRANSACTION", WITHIN, limits).map_err(not_applied)?;
    let mut total = Answer::default();
    for text in texts {
        let answer = statement::send(connection, text, WITHIN, limits).map_err(not_applied)?;
        total.add(answer);
    }
    statement::send(connection, "COMMIT", ALONE, limits)?;
    Ok(total)
}
