//! Transactions of callers, whichever database is behind them.

use super::mysql::MySqlTransaction;
use super::sqlite::SqliteTransaction;
use crate::digests::Meter;
use crate::error::{Error, ErrorKind, Outcome, Result};
use crate::operation::{Answer, Limits, Operation};

/// An open transaction and the connection that it holds. Dropped unfinished, it
/// is rolled back.
pub struct Transaction {
    inner: Inner,
    begun: u32,
}

pub(super) enum Inner {
    MySql(Box<MySqlTransaction>),
    Sqlite(Box<SqliteTransaction>),
}

impl Transaction {
    /// `begun`: how often the database was asked to begin it.
    pub(super) fn new(inner: Inner, begun: u32) -> Transaction {
        Transaction { inner, begun }
    }

    /// How often the database was asked to begin it.
    pub fn begun(&self) -> u32 {
        self.begun
    }

    /// Runs one operation in it, blocking until it is done or its deadline passes.
    /// TRANSACTION_ABORTED, with the first cause, once it is dead.
    pub fn run(&mut self, operation: &Operation, limits: &Limits) -> Result<Answer> {
        let inner = &mut self.inner;
        Meter::run(limits.meter.as_ref(), operation, || match inner {
            Inner::MySql(transaction) => transaction.run(operation, limits),
            Inner::Sqlite(transaction) => transaction.run(operation, limits),
        })
    }

    /// Whether nothing can be run in it any more. Then it holds no connection.
    pub fn is_dead(&self) -> bool {
        match &self.inner {
            Inner::MySql(transaction) => transaction.is_dead(),
            Inner::Sqlite(transaction) => transaction.is_dead(),
        }
    }

    /// TRANSACTION_ABORTED if it is dead; UNKNOWN if the commit was begun and not
    /// answered. After any other error it is rolled back. Nothing is to be run in
    /// it after this.
    pub fn commit(&mut self, limits: &Limits) -> Result<()> {
        match &mut self.inner {
            Inner::MySql(transaction) => transaction.commit(limits),
            Inner::Sqlite(transaction) => transaction.commit(limits),
        }
    }

    /// Well too if it is dead.
    pub fn rollback(self, limits: &Limits) -> Result<()> {
        match self.inner {
            Inner::MySql(transaction) => transaction.rollback(limits),
            Inner::Sqlite(transaction) => transaction.rollback(limits),
        }
    }
}

/// What a dead transaction answers: TRANSACTION_ABORTED with the first cause.
/// Its outcome is that of the transaction: unknown if the cause's was.
pub(super) fn aborted(cause: &Error) -> Error {
    let code = code(cause.kind());
    let message = match cause.database() {
        Some(database) => format!(
            "the transaction has ended before: roll it back to be rid of it, and begin anew; the \
             cause was {code} (database error {}): {}",
            database.errno,
            cause.message()
        ),
        None => format!(
            "the transaction has ended before: roll it back to be rid of it, and begin anew; the \
             cause was {code}: {}",
            cause.message()
        ),
    };
    let error = Error::new(ErrorKind::TransactionAborted, message);
    let error = match cause.database() {
        Some(database) => error.with_database(database.errno, database.sqlstate.clone()),
        None => error,
    };
    match cause.outcome() {
        Outcome::Unknown | Outcome::Applied => error.with_outcome(Outcome::Unknown),
        Outcome::NotApplied => error,
    }
}

/// A kind as the IDL writes it.
fn code(kind: ErrorKind) -> String {
    let mut code = String::new();
    for letter in format!("{kind:?}").chars() {
        if letter.is_ascii_uppercase() && !code.is_empty() {
            code.push('_');
        }
        code.push(letter.to_ascii_uppercase());
    }
    code
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_cause_is_told() {
        let cause = Error::new(ErrorKind::LockTimeout, "waited too long")
            .with_database(1205, "HY000")
            .with_outcome(Outcome::NotApplied);
        let error = aborted(&cause);
        assert_eq!(error.kind(), ErrorKind::TransactionAborted);
        assert_eq!(error.outcome(), Outcome::NotApplied);
        assert!(
            error
                .message()
                .contains("LOCK_TIMEOUT (database error 1205): waited too long")
        );
        assert_eq!(error.database(), cause.database());
        let unknown = cause.with_outcome(Outcome::Unknown);
        assert_eq!(aborted(&unknown).outcome(), Outcome::Unknown);
    }
}
