//! From SQLite's result codes to the service's own errors. Codes as in "Result
//! and Error Codes" of SQLite's documentation; callers see the extended code,
//! negated, where MySQL has its number.

use rusqlite::ErrorCode;
use rusqlite::ffi;

use crate::error::{Error, ErrorKind, Retry};

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
    pub(super) fn into_error(self) -> Error {
        match self {
            Failure::Sqlite(error) => from_sqlite(&error),
            Failure::Ours(error) => error,
        }
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
            "the deadline passed while the statement ran; it has been stopped".to_owned()
        }
        (_, Some(message)) => message,
        (_, None) => ffi::code_to_str(code.extended_code).to_owned(),
    };
    let sqlstate = match kind {
        ErrorKind::DuplicateKey | ErrorKind::Constraint => "23000",
        _ => "HY000",
    };
    let ours = Error::new(kind, message).with_database(-code.extended_code, sqlstate);
    match kind {
        ErrorKind::LockTimeout => ours.with_retry(Retry::AfterPause),
        _ => ours,
    }
}

fn kind_of(code: &ffi::Error) -> ErrorKind {
    match (code.code, code.extended_code) {
        (_, ffi::SQLITE_CONSTRAINT_UNIQUE | ffi::SQLITE_CONSTRAINT_PRIMARYKEY) => {
            ErrorKind::DuplicateKey
        }
        (ErrorCode::ConstraintViolation, _) => ErrorKind::Constraint,
        (ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked, _) => ErrorKind::LockTimeout,
        (ErrorCode::OperationInterrupted, _) => ErrorKind::DeadlineExceeded,
        (ErrorCode::ReadOnly, _) => ErrorKind::ShardReadOnly,
        (ErrorCode::TooBig | ErrorCode::TypeMismatch, _) => ErrorKind::DataError,
        (ErrorCode::CannotOpen | ErrorCode::NotADatabase, _) => ErrorKind::ShardUnavailable,
        _ => ErrorKind::SqlError,
    }
}
