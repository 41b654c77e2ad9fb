//! A caller's transaction: it keeps its connection from request to request, and
//! gives it back with nothing of itself on it.

use super::connection::Connection;
use super::{SqliteBackend, SqliteManager, sent_once};
use crate::backend::pool::Checkout;
use crate::backend::transaction::aborted;
use crate::error::{Error, ErrorKind, Result, Retry};
use crate::operation::{Answer, Begin, Isolation, Limits, Operation};

/// An open transaction. Dropped, it is rolled back.
pub struct SqliteTransaction {
    /// `None` once it is over or dead, and while an operation runs, so that one
    /// that panics takes the connection with it.
    checkout: Option<Checkout<SqliteManager>>,
    /// Why SQLite has rolled it back.
    cause: Option<Error>,
}

impl SqliteTransaction {
    /// Begins one: to write, with the lock that one writer at a time has, for
    /// which it waits. In a file others read meanwhile; in memory they wait for a
    /// writer's end, and it waits with its commit for theirs. INVALID_ARGUMENT for
    /// an isolation that SQLite has not.
    pub fn begin(
        backend: &SqliteBackend,
        begin: &Begin,
        limits: &Limits,
    ) -> Result<SqliteTransaction> {
        check_isolation(begin.isolation)?;
        let mut checkout = backend
            .pool
            .checkout(limits.deadline, limits.cancel.as_deref())?;
        checkout.start(limits)?;
        let held = checkout.hold(begin.access, limits);
        checkout.finish();
        held?;
        Ok(SqliteTransaction {
            checkout: Some(checkout),
            cause: None,
        })
    }

    /// Runs an operation within it. TRANSACTION_ABORTED once it is dead.
    pub fn run(&mut self, operation: &Operation, limits: &Limits) -> Result<Answer> {
        let mut checkout = self.take()?;
        let result = match checkout.start(limits) {
            Ok(()) => checkout.perform(operation, limits),
            Err(error) => Err(error),
        };
        checkout.finish();
        self.cause = checkout.cause().cloned();
        match &self.cause {
            // Others may have the connection: nothing is open on it.
            Some(_) => checkout.let_go(),
            None => self.checkout = Some(checkout),
        }
        sent_once(result)
    }

    /// Whether SQLite has rolled it back.
    pub fn is_dead(&self) -> bool {
        self.checkout.is_none()
    }

    /// Makes its changes last. After an error it is over as well: rolled back,
    /// unless the error's outcome is unknown.
    pub fn commit(&mut self, limits: &Limits) -> Result<()> {
        let mut checkout = self.take()?;
        let result = match checkout.start(limits) {
            Ok(()) => checkout.commit_held(limits),
            Err(error) => Err(error),
        };
        end(&mut checkout);
        // There is no transaction any more to which a second try could belong.
        result.map_err(|error| error.with_retry(Retry::No))
    }

    /// Undoes its changes, whatever the limits; that it is dead is no error.
    pub fn rollback(mut self, _: &Limits) -> Result<()> {
        if let Some(checkout) = &mut self.checkout {
            end(checkout);
        }
        Ok(())
    }

    fn take(&mut self) -> Result<Checkout<SqliteManager>> {
        self.checkout.take().ok_or_else(|| match &self.cause {
            Some(cause) => aborted(cause),
            None => aborted(&Error::new(ErrorKind::Internal, "a fault of this server")),
        })
    }
}

impl Drop for SqliteTransaction {
    fn drop(&mut self) {
        if let Some(checkout) = &mut self.checkout {
            end(checkout);
        }
    }
}

/// Leaves nothing open; what cannot be undone is closed when it is checked in.
fn end(connection: &mut Connection) {
    connection.finish();
    connection.let_go();
}

fn check_isolation(isolation: Option<Isolation>) -> Result<()> {
    let name = match isolation {
        None | Some(Isolation::Serializable) => return Ok(()),
        Some(Isolation::ReadUncommitted) => "READ_UNCOMMITTED",
        Some(Isolation::ReadCommitted) => "READ_COMMITTED",
        Some(Isolation::RepeatableRead) => "REPEATABLE_READ",
    };
    Err(Error::invalid(format!(
        "isolation: {name} is not to be had of SQLite, whose transactions are all SERIALIZABLE: \
         ask for that, or for none"
    )))
}
