//! Why a call brought no result.

use std::fmt;

use crate::rpc::generated;

/// Why a call brought no result.
#[derive(Debug)]
pub enum ClientError {
    /// The service's own answer.
    Data(Box<generated::DataError>),
    /// There was no answer, or none that could be understood.
    Transport(String),
}

/// A DataError as its code's name, MySQL's number if there is one, its message,
/// and its outcome if that is not the usual one.
impl fmt::Display for ClientError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ClientError::Data(error) => {
                f.write_str(&code_name(error.code))?;
                match error.mysql_errno {
                    None | Some(0) => {}
                    Some(number) => write!(f, " ({number})")?,
                }
                write!(f, ": {}", error.message.as_deref().unwrap_or_default())?;
                match error.outcome {
                    Some(generated::Outcome::APPLIED) => f.write_str(" (it was applied)"),
                    Some(generated::Outcome::UNKNOWN) => f.write_str(" (it may have been applied)"),
                    _ => Ok(()),
                }
            }
            ClientError::Transport(message) => f.write_str(message),
        }
    }
}

impl std::error::Error for ClientError {}

impl ClientError {
    /// The code's name in the IDL; None if there was no answer.
    pub fn code(&self) -> Option<String> {
        match self {
            ClientError::Data(error) => Some(code_name(error.code)),
            ClientError::Transport(_) => None,
        }
    }

    /// The service's message, or why there was no answer.
    pub fn message(&self) -> &str {
        match self {
            ClientError::Data(error) => error.message.as_deref().unwrap_or_default(),
            ClientError::Transport(message) => message,
        }
    }
}

impl From<thrift::Error> for ClientError {
    fn from(error: thrift::Error) -> ClientError {
        match error {
            thrift::Error::User(error) => match error.downcast::<generated::DataError>() {
                Ok(error) => ClientError::Data(error),
                Err(error) => ClientError::Transport(error.to_string()),
            },
            thrift::Error::Application(error) => ClientError::Transport(error.message),
            thrift::Error::Protocol(error) => ClientError::Transport(error.message),
            thrift::Error::Transport(error) => ClientError::Transport(format!(
                "the server gave no answer ({:?}: {})",
                error.kind, error.message
            )),
        }
    }
}

/// Every code of the IDL; a test holds the two together.
const ERROR_NAMES: &[(generated::ErrorCode, &str)] = &[
    (generated::ErrorCode::INVALID_ARGUMENT, "INVALID_ARGUMENT"),
    (generated::ErrorCode::UNKNOWN_SHARD, "UNKNOWN_SHARD"),
    (generated::ErrorCode::UNAUTHENTICATED, "UNAUTHENTICATED"),
    (generated::ErrorCode::PERMISSION_DENIED, "PERMISSION_DENIED"),
    (
        generated::ErrorCode::STATEMENT_NOT_ALLOWED,
        "STATEMENT_NOT_ALLOWED",
    ),
    (generated::ErrorCode::SQL_ERROR, "SQL_ERROR"),
    (generated::ErrorCode::DUPLICATE_KEY, "DUPLICATE_KEY"),
    (generated::ErrorCode::CONSTRAINT, "CONSTRAINT"),
    (generated::ErrorCode::DATA_ERROR, "DATA_ERROR"),
    (generated::ErrorCode::DEADLOCK, "DEADLOCK"),
    (generated::ErrorCode::LOCK_TIMEOUT, "LOCK_TIMEOUT"),
    (generated::ErrorCode::QUEUE_FULL, "QUEUE_FULL"),
    (generated::ErrorCode::QUEUE_TIMEOUT, "QUEUE_TIMEOUT"),
    (generated::ErrorCode::DEADLINE_EXCEEDED, "DEADLINE_EXCEEDED"),
    (generated::ErrorCode::CANCELLED, "CANCELLED"),
    (generated::ErrorCode::REQUEST_TOO_LARGE, "REQUEST_TOO_LARGE"),
    (generated::ErrorCode::RESULT_TOO_LARGE, "RESULT_TOO_LARGE"),
    (generated::ErrorCode::SHARD_UNAVAILABLE, "SHARD_UNAVAILABLE"),
    (generated::ErrorCode::SHARD_READ_ONLY, "SHARD_READ_ONLY"),
    (generated::ErrorCode::CONNECTION_LOST, "CONNECTION_LOST"),
    (
        generated::ErrorCode::TRANSACTION_NOT_FOUND,
        "TRANSACTION_NOT_FOUND",
    ),
    (
        generated::ErrorCode::TRANSACTION_ABORTED,
        "TRANSACTION_ABORTED",
    ),
    (
        generated::ErrorCode::TRANSACTION_EXPIRED,
        "TRANSACTION_EXPIRED",
    ),
    (generated::ErrorCode::DRAINING, "DRAINING"),
    (generated::ErrorCode::INTERNAL, "INTERNAL"),
];

/// The code's name in the IDL.
fn code_name(code: Option<generated::ErrorCode>) -> String {
    let number = code.map_or(0, |code| code.0);
    ERROR_NAMES
        .iter()
        .find(|(known, _)| known.0 == number)
        .map_or_else(|| format!("error {number}"), |(_, name)| (*name).to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_has_its_name() {
        for code in generated::ErrorCode::ENUM_VALUES {
            assert!(!code_name(Some(*code)).starts_with("error "), "{code:?}");
        }
    }
}
