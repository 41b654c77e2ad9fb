//! One open database: how it is shared, what it is within, and how what runs on
//! it is stopped.

use std::cell::Cell;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rusqlite::ffi;

use super::errors;
use super::statement;
use super::unit::Unit;
use crate::backend::batch::{self, Session};
use crate::backend::transaction::aborted;
use crate::cancel::Cancel;
use crate::error::{Error, ErrorKind, Outcome, Result, Retry};
use crate::operation::{Access, Answer, Limits, Operation, Params, Statement};
use crate::sql::{Function, Progress, Setting};

/// Instructions of SQLite's machine between two looks at the clock and at
/// whether it is cancelled.
const STOP_PERIOD_OPS: i32 = 1000;

/// Between two tries at a lock that another connection holds.
const LOCK_PERIOD: Duration = Duration::from_millis(1);

/// An open database.
pub(super) struct Connection {
    inner: rusqlite::Connection,
    state: Cell<State>,
    /// Of an atomic batch.
    units: Vec<Unit>,
    held: Option<Held>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Idle,
    /// An operation is under way, or has panicked.
    Running,
    /// Something could not be undone.
    Unusable,
}

/// A transaction that outlives an operation.
struct Held {
    access: Access,
    progress: Progress,
    /// Why SQLite has rolled it back; `None` while it is open.
    cause: Option<Error>,
}

impl Connection {
    pub(super) fn new(inner: rusqlite::Connection) -> Connection {
        Connection {
            inner,
            state: Cell::new(State::Idle),
            units: Vec::new(),
            held: None,
        }
    }

    pub(super) fn inner(&self) -> &rusqlite::Connection {
        &self.inner
    }

    /// Whether it must not be given to anybody else.
    pub(super) fn is_broken(&self) -> bool {
        self.state.get() != State::Idle || self.held.is_some() || !self.inner.is_autocommit()
    }

    /// From here on statements are stopped at the deadline, and when the
    /// operation is cancelled. An error means that nothing was begun.
    pub(super) fn start(&mut self, limits: &Limits) -> Result<()> {
        check_time(limits)?;
        self.state.set(State::Running);
        let stop = Stop::new(limits);
        let waiting = stop.clone();
        let wait_for_lock = move |_| {
            std::thread::sleep(LOCK_PERIOD);
            !waiting.is_due()
        };
        self.inner
            .busy_handler(Some(wait_for_lock))
            .and_then(|()| {
                let is_due = move || stop.is_due();
                self.inner.progress_handler(STOP_PERIOD_OPS, Some(is_due))
            })
            .map_err(|error| errors::from_sqlite(&error))
    }

    /// The operation is over, well or not.
    pub(super) fn finish(&mut self) {
        let no_progress = self.inner.progress_handler(0, None::<fn() -> bool>);
        let no_wait = self.inner.busy_handler(None::<fn(i32) -> bool>);
        if self.state.get() == State::Running {
            self.state.set(match no_progress.and(no_wait) {
                Ok(()) => State::Idle,
                Err(_) => State::Unusable,
            });
        }
    }

    /// Runs an operation between `start` and `finish`.
    pub(super) fn perform(&mut self, operation: &Operation, limits: &Limits) -> Result<Answer> {
        match operation {
            Operation::Ping => self.version().map(|_| Answer::default()),
            Operation::Query(statement) => self.guarded(limits, |connection| {
                statement::run(connection, statement, Function::Query, limits)
            }),
            Operation::Execute(statement) => self.execute(statement, limits),
            Operation::Insert(insert) => self.guarded(limits, |connection| {
                statement::insert(connection, insert, limits)
            }),
            Operation::Batch(batch) => batch::run(self, batch, limits),
        }
    }

    pub(super) fn version(&self) -> Result<String> {
        self.inner
            .query_row("SELECT sqlite_version()", [], |row| row.get(0))
            .map_err(|error| errors::from_sqlite(&error))
    }

    /// What a statement of a caller would run within.
    pub(super) fn setting(&self) -> Setting {
        match &self.held {
            _ if !self.units.is_empty() => Setting::Atomic,
            Some(held) => Setting::Transaction(held.progress),
            None => Setting::Shared,
        }
    }

    /// What a statement may do.
    pub(super) fn access(&self) -> Access {
        self.held
            .as_ref()
            .map_or(Access::ReadWrite, |held| held.access)
    }

    /// Does work within what is open, and finds out if SQLite has ended that.
    fn guarded<T>(
        &mut self,
        limits: &Limits,
        work: impl FnOnce(&Connection) -> Result<T>,
    ) -> Result<T> {
        self.check_open(limits)?;
        let result = work(self);
        if let Some(held) = &mut self.held {
            held.progress = Progress::Begun;
        }
        self.note_end(result.as_ref().err());
        result
    }

    /// Whether a statement may begin: after a transaction's end it would commit
    /// itself.
    fn check_open(&self, limits: &Limits) -> Result<()> {
        if let Some(cause) = self.cause() {
            return Err(aborted(cause));
        }
        if !self.units.is_empty() && self.inner.is_autocommit() {
            let message = "the batch's transaction has been rolled back by an earlier error";
            return Err(Error::new(ErrorKind::TransactionAborted, message));
        }
        check_time(limits)
    }

    fn note_end(&mut self, error: Option<&Error>) {
        let ended = self.inner.is_autocommit() || self.state.get() == State::Unusable;
        if let Some(held) = &mut self.held
            && held.cause.is_none()
            && ended
        {
            let unknown = || Error::new(ErrorKind::Internal, "a statement has ended it");
            held.cause = Some(error.cloned().unwrap_or_else(unknown));
        }
    }

    /// Opens a transaction that outlives the operation.
    pub(super) fn hold(&mut self, access: Access, limits: &Limits) -> Result<()> {
        let begin = match access {
            Access::ReadWrite => "BEGIN IMMEDIATE",
            Access::ReadOnly => "BEGIN",
        };
        self.inner
            .execute_batch(begin)
            .map_err(|error| errors::from_operation(&error, limits))?;
        // It may ask for the last one; an earlier caller's is none of its business.
        self.set_last_insert_rowid(0);
        self.held = Some(Held {
            access,
            progress: Progress::First,
            cause: None,
        });
        Ok(())
    }

    /// Why SQLite has rolled the held transaction back, if it has.
    pub(super) fn cause(&self) -> Option<&Error> {
        self.held.as_ref().and_then(|held| held.cause.as_ref())
    }

    /// Makes the held transaction's changes last. After an error they are undone,
    /// unless its outcome says that this is not known.
    pub(super) fn commit_held(&mut self, limits: &Limits) -> Result<()> {
        let result = self.commit(&Unit::Transaction, limits);
        self.held = None;
        result
    }

    /// Undoes all that is open.
    pub(super) fn let_go(&mut self) {
        self.held = None;
        self.units.clear();
        self.undo(&Unit::Transaction);
    }

    /// Does work in a unit of its own: after an error nothing of it stays.
    pub(super) fn in_unit<T>(
        &self,
        limits: &Limits,
        work: impl FnOnce() -> Result<T>,
    ) -> Result<T> {
        let unit = Unit::open(&self.inner);
        let unit = unit.map_err(|error| errors::from_operation(&error, limits))?;
        match work() {
            Ok(value) => self.commit(&unit, limits).map(|()| value),
            Err(error) => {
                self.undo(&unit);
                Err(error.with_outcome(Outcome::NotApplied))
            }
        }
    }

    fn commit(&self, unit: &Unit, limits: &Limits) -> Result<()> {
        let Err(error) = unit.commit(&self.inner) else {
            return Ok(());
        };
        self.undo(unit);
        let ours = errors::from_operation(&error, limits);
        Err(match errors::is_of_disk(&error) {
            true => ours.with_outcome(Outcome::Unknown).with_retry(Retry::No),
            false => ours,
        })
    }

    /// If that cannot be done, the connection is closed, which does it.
    fn undo(&self, unit: &Unit) {
        if unit.roll_back(&self.inner).is_err() {
            self.state.set(State::Unusable);
        }
    }

    pub(super) fn set_last_insert_rowid(&self, rowid: i64) {
        // SAFETY: the handle is this connection's, which is open and in use by
        // nobody else; the call sets a number in it.
        unsafe { ffi::sqlite3_set_last_insert_rowid(self.inner.handle(), rowid) }
    }
}

impl Session for Connection {
    fn execute(&mut self, statement: &Statement, limits: &Limits) -> Result<Answer> {
        self.guarded(limits, |connection| {
            statement::run(connection, statement, Function::Execute, limits)
        })
    }

    fn execute_many(
        &mut self,
        statement: &Statement,
        rows: &[Params],
        limits: &Limits,
    ) -> Result<Answer> {
        self.guarded(limits, |connection| {
            statement::run_many(connection, statement, rows, limits)
        })
    }

    fn begin_unit(&mut self, limits: &Limits) -> Result<()> {
        self.check_open(limits)?;
        let unit = Unit::open(&self.inner);
        self.units
            .push(unit.map_err(|error| errors::from_operation(&error, limits))?);
        Ok(())
    }

    /// After an error it is undone.
    fn commit_unit(&mut self, limits: &Limits) -> Result<()> {
        let Some(unit) = self.units.pop() else {
            return Err(Error::new(ErrorKind::Internal, "no unit is open"));
        };
        let result = self.commit(&unit, limits);
        self.note_end(result.as_ref().err());
        result
    }

    /// Also after a commit that failed, which has done it.
    fn rollback_unit(&mut self, _: &Limits) -> Result<()> {
        if let Some(unit) = self.units.pop() {
            self.undo(&unit);
        }
        if self.state.get() != State::Unusable {
            return Ok(());
        }
        let message = "a transaction could not be rolled back; its connection is closed";
        let error = Error::new(ErrorKind::ConnectionLost, message);
        self.note_end(Some(&error));
        Err(error)
    }

    fn is_over(&self) -> bool {
        self.cause().is_some() || self.state.get() == State::Unusable
    }
}

/// An error once the operation must end: what is too short for SQLite to look
/// asks here before it begins.
pub(super) fn check_time(limits: &Limits) -> Result<()> {
    if let Some(cancelled) = limits.cancelled() {
        return Err(cancelled);
    }
    if Instant::now() >= limits.deadline {
        let message = "the deadline passed before the statement was begun; raise timeout_ms";
        return Err(Error::new(ErrorKind::DeadlineExceeded, message));
    }
    Ok(())
}

/// When an operation must end.
#[derive(Clone)]
struct Stop {
    deadline: Instant,
    cancel: Option<Arc<Cancel>>,
}

impl Stop {
    fn new(limits: &Limits) -> Stop {
        Stop {
            deadline: limits.deadline,
            cancel: limits.cancel.clone(),
        }
    }

    fn is_due(&self) -> bool {
        let cancelled = || {
            self.cancel
                .as_ref()
                .is_some_and(|cancel| cancel.is_cancelled())
        };
        Instant::now() >= self.deadline || cancelled()
    }
}
