//! Many rows in as few statements as `max_allowed_packet` lets be, and in one
//! transaction if that is more than one.

use super::connection::Connection;
use super::errors::Effect;
use super::statement::{self, Manner};
use crate::error::{Error, ErrorKind, Outcome, Result};
use crate::operation::{Answer, Insert, Limits};
use crate::sql;

/// Statements are kept below this where the rows let them: the server parses and
/// logs each one whole.
const STATEMENT_USUAL_BYTES: usize = 1 << 20;

const ATOMIC: Manner = Manner {
    effect: Effect::Atomic,
    touches_session: false,
};

pub(super) fn run(connection: &mut Connection, insert: &Insert, limits: &Limits) -> Result<Answer> {
    let texts = texts(connection, insert)?;
    match texts.as_slice() {
        [single] => statement::send(connection, single, ATOMIC, limits),
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

fn run_in_transaction(
    connection: &mut Connection,
    texts: &[String],
    limits: &Limits,
) -> Result<Answer> {
    statement::send(connection, "START TRANSACTION", ATOMIC, limits)?;
    let mut total = Answer::default();
    for text in texts {
        match statement::send(connection, text, ATOMIC, limits) {
            Ok(answer) => total.add(answer),
            Err(error) => return Err(roll_back(connection, error, limits)),
        }
    }
    statement::send(connection, "COMMIT", ATOMIC, limits)?;
    Ok(total)
}

/// Leaves nothing behind. Where the connection is no longer usable the server
/// rolls back by itself, once it is gone.
fn roll_back(connection: &mut Connection, error: Error, limits: &Limits) -> Error {
    if connection.is_usable() {
        // If this fails the connection is dropped, which rolls back as well.
        let _ = statement::send(connection, "ROLLBACK", ATOMIC, limits);
    }
    error.with_outcome(Outcome::NotApplied)
}
