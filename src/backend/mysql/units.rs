//! What is undone as a whole on one connection: outside of a caller's own
//! transaction a unit is a transaction, within one it is a savepoint.

use super::errors::{self, Effect};
use super::operations::{COMMIT, CONTROL, END_WELL, Ground, Session, UNDO, Unit};
use super::statement::{self, Manner};
use super::{many, transaction};
use crate::backend::batch;
use crate::error::{Error, ErrorKind, Outcome, Phase, Result, Retry};
use crate::operation::{Answer, Limits, Params, Statement};
use crate::sql::{Function, SqlMode};

// A savepoint takes the place of an older one of its name: these are names that no
// caller gives by accident.
const OPEN_UNIT: &str = "SAVEPOINT `forebay's unit`";
const RELEASE_UNIT: &str = "RELEASE SAVEPOINT `forebay's unit`";
const UNDO_UNIT: &str = "ROLLBACK TO SAVEPOINT `forebay's unit`";
const GUARD: &str = "SAVEPOINT `forebay's guard`";
const RELEASE_GUARD: &str = "RELEASE SAVEPOINT `forebay's guard`";

/// Whether a statement that runs alone must be undone if it returns rows.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Alone {
    Commits,
    InUnit,
}

/// Finished statements that belong together.
pub(super) struct Texts<'t> {
    /// The modes that their literals are written for.
    pub(super) mode: SqlMode,
    /// How many there are.
    pub(super) count: usize,
    /// One after the other, so that no more than one need be in memory.
    pub(super) texts: Box<dyn Iterator<Item = Result<String>> + 't>,
    pub(super) touches_session: bool,
    pub(super) may_end_transaction: bool,
    pub(super) alone: Alone,
}

impl<'b> Session<'b> {
    /// Sends finished statements, all or none. STATEMENT_NOT_ALLOWED, and none,
    /// if one returns rows.
    pub(super) fn send_all(&mut self, texts: Texts<'_>, limits: &Limits) -> Result<Answer> {
        self.mark_begun();
        let is_alone = texts.count == 1 && texts.alone == Alone::Commits;
        if is_alone || self.unit == Unit::Open {
            return self.send_each(texts, limits);
        }
        batch::Session::begin_unit(self, limits)?;
        let sent = self.send_each(texts, limits);
        let failed = match sent {
            Ok(total) => match batch::Session::commit_unit(self, limits) {
                Ok(()) => return Ok(total),
                Err(error) => {
                    batch::give_back(&total, limits);
                    error
                }
            },
            Err(error) => batch::undone(error, self.may_have_committed),
        };
        // If this fails the connection is closed, which undoes it too.
        let _ = batch::Session::rollback_unit(self, limits);
        Err(failed)
    }

    fn send_each(&mut self, texts: Texts<'_>, limits: &Limits) -> Result<Answer> {
        if texts.may_end_transaction {
            return self.guarded(limits, |session| session.send_plain(texts, limits));
        }
        self.send_plain(texts, limits)
    }

    fn send_plain(&mut self, texts: Texts<'_>, limits: &Limits) -> Result<Answer> {
        let mut total = Answer::default();
        let sent = self.send_into(&mut total, texts, limits);
        if sent.is_err() {
            batch::give_back(&total, limits);
        }
        sent.map(|()| total)
    }

    fn send_into(&mut self, total: &mut Answer, texts: Texts<'_>, limits: &Limits) -> Result<()> {
        for text in texts.texts {
            let text = text?;
            let manner = Manner {
                effect: Effect::Atomic,
                touches_session: texts.touches_session,
                keep: self.keep(),
            };
            let answer = self.exchange(limits, |connection| {
                // The text before may have changed them.
                if connection.mode() != texts.mode {
                    return Err(changes_modes());
                }
                statement::send(connection, &text, manner, limits)
            })?;
            if answer.rows.is_some() {
                batch::give_back(&answer, limits);
                return Err(many::returns_rows());
            }
            total.add(answer);
        }
        Ok(())
    }

    /// Runs what may end the transaction without its text showing it, and finds
    /// out whether it did: a savepoint does not survive that.
    pub(super) fn guarded(
        &mut self,
        limits: &Limits,
        run: impl FnOnce(&mut Session<'b>) -> Result<Answer>,
    ) -> Result<Answer> {
        self.control(GUARD, CONTROL, limits)?;
        self.may_have_committed = true;
        let result = run(self);
        if batch::Session::is_over(self) {
            return result;
        }
        let released = self.control(RELEASE_GUARD, CONTROL, limits);
        if let (Err(_), Ok(answer)) = (&released, &result) {
            batch::give_back(answer, limits);
        }
        match (released, result) {
            (Ok(()), result) => {
                self.may_have_committed = false;
                result
            }
            (Err(released), result) if errors::is_no_savepoint(&released) => {
                Err(transaction::ended_by_itself(self, result.err(), limits))
            }
            (Err(released), _) => {
                // It is not known whether there still is a transaction.
                let error = released
                    .with_outcome(Outcome::Unknown)
                    .with_retry(Retry::No);
                transaction::end(self, error.clone(), limits);
                Err(error)
            }
        }
    }
}

fn changes_modes() -> Error {
    let message = "a statement that changes sql_mode cannot be run for many rows of parameters: \
                   make each run a step of its own";
    Error::new(ErrorKind::StatementNotAllowed, message).with_phase(Phase::Execute)
}

impl batch::Session for Session<'_> {
    fn execute(&mut self, statement: &Statement, limits: &Limits) -> Result<Answer> {
        self.statement(statement, Function::Execute, limits)
    }

    fn execute_many(
        &mut self,
        statement: &Statement,
        rows: &[Params],
        limits: &Limits,
    ) -> Result<Answer> {
        let texts = many::texts(self, statement, rows, limits)?;
        self.send_all(texts, limits)
    }

    fn begin_unit(&mut self, limits: &Limits) -> Result<()> {
        match &self.ground {
            Ground::Own(_) => {
                self.mark_begun();
                self.control(OPEN_UNIT, CONTROL, limits)?;
            }
            Ground::Shared(_) => {
                self.may_have_committed = false;
                self.exchange(limits, |connection| {
                    connection.begin_transaction();
                    statement::send(connection, "START TRANSACTION", CONTROL, limits)
                })?;
            }
        }
        self.unit = Unit::Open;
        Ok(())
    }

    fn commit_unit(&mut self, limits: &Limits) -> Result<()> {
        match &self.ground {
            Ground::Own(_) => {
                let released = self.control(RELEASE_UNIT, CONTROL, limits);
                released.map_err(|error| match errors::is_no_savepoint(&error) {
                    true => transaction::ended_by_itself(self, None, limits),
                    false => error,
                })?;
            }
            Ground::Shared(_) => self.exchange(limits, |connection| {
                statement::send(connection, END_WELL, COMMIT, limits)?;
                connection.end_transaction();
                Ok(())
            })?,
        }
        self.unit = Unit::Closed;
        Ok(())
    }

    fn rollback_unit(&mut self, limits: &Limits) -> Result<()> {
        if self.unit == Unit::Closed {
            return Ok(());
        }
        let undone = match &self.ground {
            Ground::Own(_) => {
                let undone = self.control(UNDO_UNIT, CONTROL, limits);
                // What could not be undone must not be committed later.
                undone.inspect_err(|error| transaction::end(self, error.clone(), limits))
            }
            Ground::Shared(_) => self.exchange(limits, |connection| {
                statement::send(connection, UNDO, CONTROL, limits)?;
                connection.end_transaction();
                Ok(())
            }),
        };
        self.unit = Unit::Closed;
        undone
    }

    fn may_have_committed(&self) -> bool {
        self.may_have_committed
    }

    fn is_over(&self) -> bool {
        match &self.ground {
            Ground::Own(_) => !self.is_ready(),
            Ground::Shared(_) => self.unit == Unit::Open && !self.is_ready(),
        }
    }
}
