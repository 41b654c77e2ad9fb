//! The one error of the service: a closed kind to branch on, a message made for
//! the caller, and what a caller needs to decide whether to try again.

use std::fmt;

/// What went wrong. The wire names are those of `ErrorCode` in the IDL.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErrorKind {
    InvalidArgument,
    UnknownShard,
    StatementNotAllowed,
    SqlError,
    DuplicateKey,
    Constraint,
    DataError,
    Deadlock,
    LockTimeout,
    QueueFull,
    QueueTimeout,
    DeadlineExceeded,
    Cancelled,
    RequestTooLarge,
    ResultTooLarge,
    ShardUnavailable,
    ShardReadOnly,
    PermissionDenied,
    ConnectionLost,
    TransactionNotFound,
    TransactionAborted,
    TransactionExpired,
    Draining,
    Internal,
}

/// Whether the statement took effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    NotApplied,
    Applied,
    Unknown,
}

impl Outcome {
    /// Of several together: sent again, one that was applied would be so twice.
    pub fn of_all(outcomes: impl Iterator<Item = Outcome>) -> Outcome {
        outcomes.fold(Outcome::NotApplied, |all, one| match (all, one) {
            (Outcome::Unknown, _) | (_, Outcome::Unknown) => Outcome::Unknown,
            (Outcome::Applied, _) | (_, Outcome::Applied) => Outcome::Applied,
            (Outcome::NotApplied, Outcome::NotApplied) => Outcome::NotApplied,
        })
    }
}

/// Whether to send the same request again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Retry {
    No,
    AtOnce,
    AfterPause,
}

/// Where the request was when it failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    Request,
    Queue,
    Connect,
    Execute,
    Fetch,
    Encode,
}

/// What the database itself said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DatabaseError {
    /// MySQL's error number, or SQLite's extended result code negated.
    pub errno: i32,
    /// Five characters.
    pub sqlstate: String,
}

/// A limit that was met, and what was seen, in the unit that the message names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LimitMet {
    pub limit: u64,
    pub seen: u64,
}

/// A failed request. One pointer wide, so that results stay small.
#[derive(Clone, Debug)]
pub struct Error(Box<Fields>);

#[derive(Clone, Debug)]
struct Fields {
    kind: ErrorKind,
    outcome: Outcome,
    retry: Retry,
    phase: Phase,
    message: String,
    database: Option<DatabaseError>,
    limit_met: Option<LimitMet>,
    item: Option<usize>,
    sent: u32,
}

pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    /// An error found before anything was begun: `NotApplied`, in the phase and
    /// with the advice that belong to its kind. `message` is for the caller.
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Error {
        use ErrorKind::*;
        let (phase, retry) = match kind {
            QueueFull | QueueTimeout => (Phase::Queue, Retry::AfterPause),
            Draining => (Phase::Queue, Retry::AtOnce),
            ShardUnavailable => (Phase::Connect, Retry::AfterPause),
            SqlError | DuplicateKey | Constraint | DataError | PermissionDenied => {
                (Phase::Execute, Retry::No)
            }
            Deadlock => (Phase::Execute, Retry::AtOnce),
            LockTimeout | ShardReadOnly | ConnectionLost => (Phase::Execute, Retry::AfterPause),
            DeadlineExceeded | Cancelled => (Phase::Execute, Retry::No),
            ResultTooLarge => (Phase::Fetch, Retry::No),
            InvalidArgument | UnknownShard | StatementNotAllowed | RequestTooLarge
            | TransactionNotFound | TransactionAborted | TransactionExpired | Internal => {
                (Phase::Request, Retry::No)
            }
        };
        Error(Box::new(Fields {
            kind,
            outcome: Outcome::NotApplied,
            retry,
            phase,
            message: message.into(),
            database: None,
            limit_met: None,
            item: None,
            sent: 0,
        }))
    }

    /// Shorthand for the commonest kind.
    pub fn invalid(message: impl Into<String>) -> Error {
        Error::new(ErrorKind::InvalidArgument, message)
    }

    pub fn with_outcome(mut self, outcome: Outcome) -> Error {
        self.0.outcome = outcome;
        self
    }

    pub fn with_retry(mut self, retry: Retry) -> Error {
        self.0.retry = retry;
        self
    }

    /// Adds to what the caller is told.
    pub fn noting(mut self, further: &str) -> Error {
        self.0.message.push_str("; ");
        self.0.message.push_str(further);
        self
    }

    pub fn with_phase(mut self, phase: Phase) -> Error {
        self.0.phase = phase;
        self
    }

    pub fn with_limit(mut self, limit: u64, seen: u64) -> Error {
        self.0.limit_met = Some(LimitMet { limit, seen });
        self
    }

    pub fn with_database(mut self, errno: i32, sqlstate: impl Into<String>) -> Error {
        self.0.database = Some(DatabaseError {
            errno,
            sqlstate: sqlstate.into(),
        });
        self
    }

    /// Names the step of a batch, or the item of a multi, that failed.
    pub fn with_item(mut self, item: usize) -> Error {
        self.0.item = Some(item);
        self
    }

    /// How often the request was given to the database before it failed.
    pub fn with_sent(mut self, sent: u32) -> Error {
        self.0.sent = sent;
        self
    }

    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    pub fn outcome(&self) -> Outcome {
        self.0.outcome
    }

    pub fn retry(&self) -> Retry {
        self.0.retry
    }

    pub fn phase(&self) -> Phase {
        self.0.phase
    }

    pub fn message(&self) -> &str {
        &self.0.message
    }

    pub fn database(&self) -> Option<&DatabaseError> {
        self.0.database.as_ref()
    }

    pub fn limit_met(&self) -> Option<LimitMet> {
        self.0.limit_met
    }

    pub fn item(&self) -> Option<usize> {
        self.0.item
    }

    /// How often the request was given to the database.
    pub fn sent(&self) -> u32 {
        self.0.sent
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.message)
    }
}

impl std::error::Error for Error {}
