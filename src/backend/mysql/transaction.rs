//! A transaction of a caller's own: how it begins and ends, and what ends it
//! before its time.

use super::MySqlBackend;
use super::connection::Connection;
use super::errors::{self, Effect};
use super::exchange::ALL_ROWS;
use super::kill::Killer;
use super::operations::{COMMIT, CONTROL, END_WELL, Ground, Session, UNDO};
use super::statement::{self, Keep, Manner};
use crate::backend::batch::undone;
use crate::backend::retry::{Safety, Try};
use crate::backend::transaction::aborted;
use crate::error::{Error, ErrorKind, Outcome, Phase, Result, Retry};
use crate::operation::{Access, Answer, Begin, Isolation, Limits, Operation};
use crate::sql::Progress;
use crate::value::ColumnData;

/// For what is gone with the next reset.
const SETTING: Manner = Manner {
    effect: Effect::None,
    touches_session: true,
    keep: Keep::No,
};

/// An open transaction and the connection that it holds. Dropped unfinished, it
/// is rolled back by its connection being closed.
pub struct MySqlTransaction(Session<'static>);

/// What a session knows of the transaction that it is in.
pub(super) struct Own {
    pub(super) killer: Killer,
    pub(super) progress: Progress,
    begin: Begin,
    /// Why nothing more can be run: the first cause.
    ended: Option<Error>,
    /// Whether a lock timeout ends it; None: nobody has asked yet.
    ends_on_timeout: Option<bool>,
}

impl MySqlTransaction {
    /// Takes a connection and opens a transaction on it; also tells how often the
    /// database was asked to.
    pub fn begin(
        backend: &MySqlBackend,
        begin: &Begin,
        limits: &Limits,
    ) -> Result<(MySqlTransaction, u32)> {
        // Nothing of the caller's is sent yet, so that twice is as well as once.
        let (begun, sent) = backend.retries.run(
            Safety::Repeatable,
            limits,
            |result| result.as_ref().err(),
            |_| {},
            || begin_once(backend, begin, limits),
        );
        match begun {
            Ok(transaction) => Ok((transaction, sent)),
            Err(error) => Err(error.with_sent(sent)),
        }
    }

    /// TRANSACTION_ABORTED, with the first cause, once it is dead.
    pub fn run(&mut self, operation: &Operation, limits: &Limits) -> Result<Answer> {
        let session = &mut self.0;
        session.sent = false;
        let result = session.run(operation, limits);
        let sent = u32::from(session.sent);
        match result {
            Ok(mut answer) => {
                answer.sent = sent;
                Ok(answer)
            }
            Err(error) => Err(error.with_sent(sent)),
        }
    }

    /// Whether nothing can be run in it any more; its connection is given up.
    pub fn is_dead(&self) -> bool {
        !self.0.is_ready()
    }

    /// TRANSACTION_ABORTED if it is dead. UNKNOWN if COMMIT was sent and not
    /// answered; after any other error it is rolled back.
    pub fn commit(&mut self, limits: &Limits) -> Result<()> {
        self.finish(END_WELL, COMMIT, limits)
    }

    /// Never fails: what cannot be told to roll back is closed, and thereby
    /// rolled back.
    pub fn rollback(mut self, limits: &Limits) -> Result<()> {
        if !self.is_dead()
            && let Err(error) = self.finish(UNDO, CONTROL, limits)
        {
            let reason = error.message();
            tracing::debug!(
                reason,
                "a transaction is rolled back by closing its connection"
            );
        }
        Ok(())
    }

    fn finish(&mut self, text: &str, manner: Manner, limits: &Limits) -> Result<()> {
        let session = &mut self.0;
        if let Ground::Own(own) = &session.ground {
            own.check_alive()?;
        }
        // Not through `exchange`: an error here is no cause to keep.
        let mut sent = false;
        let ended = session.with_connection(limits, |connection| {
            let before = connection.exchanges();
            let ended = statement::send(connection, text, manner, limits);
            sent = connection.exchanges() != before;
            ended?;
            connection.end_transaction();
            Ok(())
        });
        session.check_in(limits);
        // There is no transaction any more to which a second try could belong.
        ended.map_err(|error| error.with_retry(Retry::No).with_sent(sent.into()))
    }
}

fn begin_once(backend: &MySqlBackend, begin: &Begin, limits: &Limits) -> Try<MySqlTransaction> {
    let own = Own {
        killer: backend.killer.clone(),
        progress: Progress::First,
        begin: *begin,
        ended: None,
        ends_on_timeout: None,
    };
    let mut connection = match backend.checkout(limits) {
        Ok(connection) => connection,
        Err(error) => return Try::unsent(error),
    };
    let before = connection.exchanges();
    let opened = open(&mut connection, begin, limits);
    let sent = connection.exchanges() != before;
    let mut session = Session::new(connection, Ground::Own(own));
    let result = match opened {
        Ok(()) => Ok(MySqlTransaction(session)),
        Err(error) => {
            session.check_in(limits);
            Err(error.with_outcome(Outcome::NotApplied))
        }
    };
    Try {
        result,
        sent,
        replaced: false,
    }
}

/// Within the transaction a caller may read its session: there must be nothing
/// of another caller's in it.
fn open(connection: &mut Connection, begin: &Begin, limits: &Limits) -> Result<()> {
    connection.refresh(limits.deadline)?;
    connection.begin_transaction();
    if let Some(isolation) = begin.isolation {
        // Of the next transaction only.
        let text = format!("SET TRANSACTION ISOLATION LEVEL {}", level(isolation));
        statement::send(connection, &text, CONTROL, limits)?;
    }
    let text = match begin.access {
        // With READ WRITE, a server that takes no writes would refuse to begin.
        Access::ReadWrite => "START TRANSACTION",
        Access::ReadOnly => "START TRANSACTION READ ONLY",
    };
    statement::send(connection, text, CONTROL, limits).map(drop)
}

fn level(isolation: Isolation) -> &'static str {
    match isolation {
        Isolation::ReadUncommitted => "READ UNCOMMITTED",
        Isolation::ReadCommitted => "READ COMMITTED",
        Isolation::RepeatableRead => "REPEATABLE READ",
        Isolation::Serializable => "SERIALIZABLE",
    }
}

/// Before LOCK TABLES, which commits what START TRANSACTION has opened: without
/// autocommit what follows is one transaction again (MySQL Reference Manual,
/// "LOCK TABLES and UNLOCK TABLES Statements"), of the same characteristics.
pub(super) fn prepare_for_locks(session: &mut Session<'_>, limits: &Limits) -> Result<()> {
    let Ground::Own(own) = &session.ground else {
        return Ok(());
    };
    let begin = own.begin;
    if let Some(isolation) = begin.isolation {
        let level = level(isolation);
        let text = format!("SET SESSION TRANSACTION ISOLATION LEVEL {level}");
        session.control(&text, SETTING, limits)?;
    }
    if begin.access == Access::ReadOnly {
        session.control("SET SESSION TRANSACTION READ ONLY", SETTING, limits)?;
    }
    session.control("SET autocommit = 0", SETTING, limits)
}

impl Own {
    /// TRANSACTION_ABORTED once it is dead.
    pub(super) fn check_alive(&self) -> Result<()> {
        match &self.ended {
            Some(cause) => Err(aborted(cause)),
            None => Ok(()),
        }
    }
}

/// An error of an exchange: keeps it as the cause if it has ended a caller's own
/// transaction, and says what it means for that.
pub(super) fn note(session: &mut Session<'_>, error: Error, limits: &Limits) -> Error {
    if !ends_transaction(session, &error, limits) {
        return error;
    }
    let error = undone(error, session.may_have_committed);
    end(session, error.clone(), limits);
    error
}

/// After an exchange that went well: what was asked behind its answer may have
/// cost the connection, and with it a caller's own transaction.
pub(super) fn note_loss(session: &mut Session<'_>, limits: &Limits) {
    let (Ground::Own(_), Some(connection)) = (&session.ground, &mut session.connection) else {
        return;
    };
    if connection.is_ready() {
        return;
    }
    let cause = connection.loss().take().unwrap_or_else(|| {
        let message = "the connection to the database was lost behind the answer to a statement";
        Error::new(ErrorKind::ConnectionLost, message)
    });
    let cause = undone(cause, session.may_have_committed);
    end(session, cause, limits);
}

/// Whether the server has rolled back the whole transaction, or will.
fn ends_transaction(session: &mut Session<'_>, error: &Error, limits: &Limits) -> bool {
    let (Ground::Own(own), Some(connection)) = (&mut session.ground, &mut session.connection)
    else {
        return false;
    };
    if errors::is_lock_timeout(error) && connection.is_ready() {
        let ends = own
            .ends_on_timeout
            .get_or_insert_with(|| asks_ends_on_timeout(connection, limits));
        return *ends || !connection.is_ready();
    }
    errors::rolls_back_transaction(error) || !connection.is_ready()
}

/// Asks InnoDB whether a lock timeout rolls back more than its statement. A
/// server that does not know the variable has no such option. Where no answer is
/// to be had, as after the deadline, it may: going on would commit by itself what
/// follows.
fn asks_ends_on_timeout(connection: &mut Connection, limits: &Limits) -> bool {
    let text = format!("SELECT @@innodb_rollback_on_timeout {ALL_ROWS}");
    let answer = match statement::send(connection, &text, CONTROL, limits) {
        Ok(answer) => answer,
        Err(error) => return !errors::is_unknown_variable(&error),
    };
    let column = answer.rows.as_ref().and_then(|rows| rows.columns.first());
    match column.map(|column| &column.data) {
        Some(ColumnData::Int64s(values)) => values.first() != Some(&0),
        _ => true,
    }
}

/// A caller's own transaction is over; its connection goes to others at once.
pub(super) fn end(session: &mut Session<'_>, cause: Error, limits: &Limits) {
    if let Ground::Own(own) = &mut session.ground {
        own.ended.get_or_insert(cause);
        session.check_in(limits);
    }
}

/// What to say, and keep, when a statement ended its transaction by its own
/// doing, whether it went well or not.
pub(super) fn ended_by_itself(
    session: &mut Session<'_>,
    failed: Option<Error>,
    limits: &Limits,
) -> Error {
    session.may_have_committed = true;
    let error = match failed {
        // Rolled back or, by a procedure that commits, partly committed before.
        Some(error) if errors::rolls_back_transaction(&error) => undone(error, true),
        failed => {
            let mut message = "the statement has ended its transaction by itself, as a procedure \
                               that runs COMMIT, ROLLBACK or CREATE TABLE does: what came before \
                               may have been committed"
                .to_owned();
            if let Some(error) = failed {
                message.push_str("; and it failed: ");
                message.push_str(error.message());
            }
            Error::new(ErrorKind::TransactionAborted, message)
                .with_outcome(Outcome::Unknown)
                .with_phase(Phase::Execute)
        }
    };
    end(session, error.clone(), limits);
    error
}
