//! From SQLite's result codes to the service's own errors. Codes as in "Result
//! and Error Codes" of SQLite's documentation; callers see the extended code,
//! negated, where MySQL has its number.

use rusqlite::ErrorCode;
use rusqlite::ffi;

use crate::error::{Error, ErrorKind};
use crate::operation::Limits;

/// Why a statement failed.
pub(super) enum Failure {
    Sqlite(rusqlite::Error),
    /// A limit of ours.
    Ours(Error),
}

impl From<rusqlite::Error> for Failure {
    fn from(error: rusqlite::Error) -> Failure {
        Failure::Sqlite(error)
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Failure {
        Failure::Ours(error)
    }
}

impl Failure {
    pub(super) fn into_error(self, limits: &Limits) -> Error {
        match self {
            Failure::Sqlite(error) => from_operation(&error, limits),
            Failure::Ours(error) => error,
        }
    }

    /// A failure of the disk leaves open what of a commit has reached it.
    pub(super) fn is_of_disk(&self) -> bool {
        matches!(self, Failure::Sqlite(error) if is_of_disk(error))
    }
}

/// A failure of the disk leaves open what of a commit has reached it.
pub(super) fn is_of_disk(error: &rusqlite::Error) -> bool {
    error.sqlite_error_code() == Some(ErrorCode::SystemIoFailure)
}

/// What SQLite says of an operation with these limits: a statement, or a wait for
/// a lock, that was given up may have been cancelled.
pub(super) fn from_operation(error: &rusqlite::Error, limits: &Limits) -> Error {
    let ours = from_sqlite(error);
    let given_up = matches!(
        ours.kind(),
        ErrorKind::DeadlineExceeded | ErrorKind::LockTimeout
    );
    match limits.cancelled() {
        Some(cancelled) if given_up => cancelled,
        _ => ours,
    }
}

pub(super) fn from_sqlite(error: &rusqlite::Error) -> Error {
    let (code, message) = match error {
        rusqlite::Error::SqliteFailure(code, message) => (code, message.clone()),
        rusqlite::Error::SqlInputError { error, msg, .. } => (error, Some(msg.clone())),
        other => return Error::new(ErrorKind::Internal, other.to_string()),
    };
    let kind = kind_of(code);
    let message = match (kind, message) {
        (ErrorKind::DeadlineExceeded, _) => {
            "the deadline passed while the statement ran; it is being stopped".to_owned()
        }
        (_, Some(message)) => message,
        (_, None) => ffi::code_to_str(code.extended_code).to_owned(),
    };
    if kind == ErrorKind::DeadlineExceeded {
        // The limit was not the database's.
        return Error::new(kind, message);
    }
    let sqlstate = match kind {
        ErrorKind::DuplicateKey | ErrorKind::Constraint => "23000",
        ErrorKind::Deadlock => "40001",
        _ => "HY000",
    };
    Error::new(kind, message).with_database(-code.extended_code, sqlstate)
}

fn kind_of(code: &ffi::Error) -> ErrorKind {
    match (code.code, code.extended_code) {
        (_, ffi::SQLITE_CONSTRAINT_UNIQUE | ffi::SQLITE_CONSTRAINT_PRIMARYKEY) => {
            ErrorKind::DuplicateKey
        }
        (ErrorCode::ConstraintViolation, _) => ErrorKind::Constraint,
        // What was read is no longer so: no waiting helps, beginning again does.
        (_, ffi::SQLITE_BUSY_SNAPSHOT) => ErrorKind::Deadlock,
        (ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked, _) => ErrorKind::LockTimeout,
        (ErrorCode::OperationInterrupted, _) => ErrorKind::DeadlineExceeded,
        (ErrorCode::ReadOnly, _) => ErrorKind::ShardReadOnly,
        (ErrorCode::TooBig | ErrorCode::TypeMismatch, _) => ErrorKind::DataError,
        (ErrorCode::CannotOpen | ErrorCode::NotADatabase, _) => ErrorKind::ShardUnavailable,
        _ => ErrorKind::SqlError,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_waiting_cannot_help_is_a_deadlock() {
        for (code, expected) in [
            (ffi::SQLITE_BUSY, ErrorKind::LockTimeout),
            (ffi::SQLITE_BUSY_SNAPSHOT, ErrorKind::Deadlock),
            (ffi::SQLITE_LOCKED, ErrorKind::LockTimeout),
        ] {
            let error = rusqlite::Error::SqliteFailure(ffi::Error::new(code), None);
            let ours = from_sqlite(&error);
            assert_eq!(ours.kind(), expected);
            assert_eq!(ours.database().unwrap().errno, -code);
        }
    }
}
