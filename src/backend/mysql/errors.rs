//! From the `mysql` crate's errors, and MySQL's numbers, to the service's own.
//! Numbers as in the MySQL Server Error Reference and MariaDB's Error Codes.

use std::error::Error as _;
use std::io;

use crate::backend::pool::{ConnectFailure, ConnectFailureKind};
use crate::error::{Error, ErrorKind, Outcome, Retry};

/// The server's number for a statement that a KILL QUERY has stopped.
pub(super) const INTERRUPTED: u16 = 1317;

/// ER_PARSE_ERROR.
const SYNTAX_ERROR: u16 = 1064;

/// What a statement that failed on the way may have done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Effect {
    /// It reads, or was not sent.
    None,
    /// All or nothing, and by an error from the server nothing.
    Atomic,
    /// Several steps, each with its own effect, such as DROP TABLE of many.
    Several,
    /// Runs what its text does not show, as CALL does.
    Hidden,
}

pub(super) fn from_mysql(error: &mysql::Error, effect: Effect) -> Error {
    match error {
        mysql::Error::MySqlError(error) => from_server(error, effect),
        error if is_timeout(error) => late(effect),
        error if error.is_connectivity_error() => {
            let message = format!(
                "the connection to the database was lost: {}",
                describe(error)
            );
            let retry = match effect {
                Effect::None => Retry::AfterPause,
                Effect::Atomic | Effect::Several | Effect::Hidden => Retry::No,
            };
            Error::new(ErrorKind::ConnectionLost, message)
                .with_outcome(unfinished(effect))
                .with_retry(retry)
        }
        error => Error::new(ErrorKind::Internal, describe(error)).with_outcome(unfinished(effect)),
    }
}

/// The deadline passed before the statement's answer was there.
pub(super) fn late(effect: Effect) -> Error {
    let message = "the deadline passed while the statement ran; it is being stopped";
    Error::new(ErrorKind::DeadlineExceeded, message).with_outcome(unfinished(effect))
}

fn from_server(error: &mysql::MySqlError, effect: Effect) -> Error {
    let kind = kind_of(error);
    let outcome = match (kind, effect) {
        (ErrorKind::ConnectionLost | ErrorKind::DeadlineExceeded, effect) => unfinished(effect),
        // The server could not read it.
        (_, Effect::Several) if error.code == SYNTAX_ERROR => Outcome::NotApplied,
        (_, Effect::Several | Effect::Hidden) => Outcome::Unknown,
        _ => Outcome::NotApplied,
    };
    let mut ours = Error::new(kind, error.message.clone())
        .with_database(i32::from(error.code), error.state.clone())
        .with_outcome(outcome);
    if outcome == Outcome::Unknown {
        ours = ours.with_retry(Retry::No);
    }
    ours
}

/// The outcome where the server's answer was not heard.
pub(super) fn unfinished(effect: Effect) -> Outcome {
    match effect {
        Effect::None => Outcome::NotApplied,
        Effect::Atomic | Effect::Several | Effect::Hidden => Outcome::Unknown,
    }
}

pub(super) fn kind_of(error: &mysql::MySqlError) -> ErrorKind {
    match error.code {
        1062 | 1169 | 1586 | 1859 => ErrorKind::DuplicateKey,
        1048 | 1216 | 1217 | 1364 | 1451 | 1452 | 1557 | 1761 | 1762 | 3819 | 4025 => {
            ErrorKind::Constraint
        }
        1213 => ErrorKind::Deadlock,
        1205 | 3572 => ErrorKind::LockTimeout,
        _ if is_read_only(error) => ErrorKind::ShardReadOnly,
        1044 | 1045 | 1142 | 1143 | 1227 | 1370 | 1698 => ErrorKind::PermissionDenied,
        1969 | 3024 => ErrorKind::DeadlineExceeded,
        1053 | 1077 | 1079 | 1927 | 3169 | 4031 => ErrorKind::ConnectionLost,
        1153 => ErrorKind::RequestTooLarge,
        _ if error.state.starts_with("22") => ErrorKind::DataError,
        1264 | 1265 | 1292 | 1366 | 1367 | 1406 | 1411 | 1416 | 1525 | 1690 => ErrorKind::DataError,
        _ => ErrorKind::SqlError,
    }
}

/// The server takes no writes.
pub(super) fn is_read_only(error: &mysql::MySqlError) -> bool {
    match error.code {
        // ER_OPTION_PREVENTS_STATEMENT is raised for other options as well.
        1290 => error.message.contains("read-only") || error.message.contains("read_only"),
        code => matches!(code, 1836 | 3100),
    }
}

/// The server has refused the statement, perhaps when it ran already: a function
/// that a view calls may have changed the session by then, which a refusal does
/// not tell. False for what is found before: a syntax error, a name that is not
/// there, a right that is missing.
pub(super) fn may_have_run(error: &mysql::Error) -> bool {
    const FOUND_BEFORE: [u16; 6] = [1049, 1054, 1064, 1142, 1143, 1146];
    match error {
        mysql::Error::MySqlError(error) => !FOUND_BEFORE.contains(&error.code),
        _ => false,
    }
}

/// There is no savepoint of that name (any more).
pub(super) fn is_no_savepoint(error: &Error) -> bool {
    errno(error) == Some(1305)
}

/// A lock was not had in time. Whether that ends the transaction is an option of
/// the server's.
pub(super) fn is_lock_timeout(error: &Error) -> bool {
    errno(error) == Some(1205)
}

/// The server has no such system variable.
pub(super) fn is_unknown_variable(error: &Error) -> bool {
    errno(error) == Some(1193)
}

/// Errors by which the server has rolled back the whole transaction: a deadlock,
/// a full lock table (1206), a row that changed since the snapshot was taken
/// (MariaDB's 1020), and all of SQLSTATE's class 40.
pub(super) fn rolls_back_transaction(error: &Error) -> bool {
    let by_state = |state: &str| state.starts_with("40");
    let is_listed = matches!(errno(error), Some(1020 | 1206 | 1213));
    is_listed
        || error
            .database()
            .is_some_and(|database| by_state(&database.sqlstate))
}

fn errno(error: &Error) -> Option<i32> {
    error.database().map(|database| database.errno)
}

/// Why a connection could not be opened.
pub(super) fn connect_failure(error: &mysql::Error) -> ConnectFailure {
    let mysql::Error::MySqlError(server) = error else {
        let kind = match error {
            mysql::Error::TlsError(_) => ConnectFailureKind::Refused,
            error if is_unresolved(error) => ConnectFailureKind::Unresolved,
            _ => ConnectFailureKind::Unreachable,
        };
        return ConnectFailure::new(kind, describe(error));
    };
    let kind = match server.code {
        // Too many connections: of all, of the user, or of the user in an hour.
        1040 | 1203 | 1226 => ConnectFailureKind::Crowded,
        // The user, the password, the database, the host, the way to log in.
        1044 | 1045 | 1049 | 1129 | 1130 | 1251 | 1524 | 1698 | 1862 | 3118 | 4151 => {
            ConnectFailureKind::Refused
        }
        _ => ConnectFailureKind::Unreachable,
    };
    ConnectFailure {
        database: Some((i32::from(server.code), server.state.clone())),
        ..ConnectFailure::new(kind, describe(error))
    }
}

/// The host's name could not be resolved, which says nothing of the database. The
/// error has no kind of its own.
pub(super) fn is_unresolved(error: &mysql::Error) -> bool {
    const BY_STD: &str = "failed to lookup address information";
    match error {
        mysql::Error::DriverError(mysql::DriverError::CouldNotConnect(Some((_, why, _)))) => {
            why.contains(BY_STD)
        }
        _ => false,
    }
}

/// The server takes no more connections now.
pub(super) fn is_crowded(error: &mysql::Error) -> bool {
    connect_failure(error).kind == ConnectFailureKind::Crowded
}

/// Errors after which the server has closed the connection, or is about to.
pub(super) fn closes_connection(errno: u16) -> bool {
    matches!(errno, 1053 | 1077 | 1079 | 1153 | 1927 | 3169 | 4031)
}

/// A read or write waited longer than its limit: the server is still at work.
pub(super) fn is_timeout(error: &mysql::Error) -> bool {
    io_error(error).is_some_and(|error| {
        matches!(
            error.kind(),
            io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut
        )
    })
}

/// The socket's own error, if it is one.
pub(super) fn io_error(error: &mysql::Error) -> Option<&io::Error> {
    match error {
        mysql::Error::IoError(error) => Some(error),
        mysql::Error::CodecError(error) => error.source()?.downcast_ref(),
        _ => None,
    }
}

/// What is told of a server that takes too long when a connection is opened.
pub(super) const NO_ANSWER: &str = "it did not answer within connect_timeout_ms";

/// A text for callers and the log; never holds a password.
pub(super) fn describe(error: &mysql::Error) -> String {
    if is_timeout(error) {
        return NO_ANSWER.to_owned();
    }
    if let Some(error) = io_error(error) {
        return error.to_string();
    }
    match error {
        mysql::Error::MySqlError(error) => {
            format!("{} (MySQL error {})", error.message, error.code)
        }
        mysql::Error::IoError(error) => error.to_string(),
        mysql::Error::DriverError(error) => error.to_string(),
        mysql::Error::TlsError(error) => format!("TLS: {error}"),
        mysql::Error::CodecError(error) => error.to_string(),
        mysql::Error::UrlError(error) => error.to_string(),
        // These two would print values.
        mysql::Error::FromValueError(_) | mysql::Error::FromRowError(_) => {
            "the server's answer is not of the expected type".to_owned()
        }
    }
}
