//! What requests are told apart by: numbers for counting, names for telling. There
//! are as many as stand here, whatever callers send.

use crate::error::ErrorKind;

/// What was asked, as far as this service has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Function {
    Info,
    Ping,
    Query,
    Execute,
    Insert,
    Batch,
    Multi,
    Begin,
    Commit,
    Rollback,
    /// A name that the service does not have, or none.
    Unknown,
    /// Items of a multi, from here on.
    QueryItem,
    ExecuteItem,
    InsertItem,
    BatchItem,
}

use Function::*;

const FUNCTIONS: [Function; Function::COUNT] = [
    Info,
    Ping,
    Query,
    Execute,
    Insert,
    Batch,
    Multi,
    Begin,
    Commit,
    Rollback,
    Unknown,
    QueryItem,
    ExecuteItem,
    InsertItem,
    BatchItem,
];

impl Function {
    pub(super) const COUNT: usize = 15;

    /// The function that a message names, without the service's name.
    pub fn of(name: &str) -> Function {
        match name {
            "info" => Info,
            "ping" => Ping,
            "query" => Query,
            "execute" => Execute,
            "insert" => Insert,
            "batch" => Batch,
            "multi" => Multi,
            "begin_transaction" => Begin,
            "commit_transaction" => Commit,
            "rollback_transaction" => Rollback,
            _ => Unknown,
        }
    }

    /// As the IDL has it; an item's is that of a request like it.
    pub fn name(self) -> &'static str {
        match self {
            Info => "info",
            Ping => "ping",
            Query | QueryItem => "query",
            Execute | ExecuteItem => "execute",
            Insert | InsertItem => "insert",
            Batch | BatchItem => "batch",
            Multi => "multi",
            Begin => "begin_transaction",
            Commit => "commit_transaction",
            Rollback => "rollback_transaction",
            Unknown => "unknown",
        }
    }

    pub fn is_item(self) -> bool {
        matches!(self, QueryItem | ExecuteItem | InsertItem | BatchItem)
    }

    pub(super) fn all() -> impl Iterator<Item = Function> {
        FUNCTIONS.into_iter()
    }

    pub(super) fn number(self) -> usize {
        self as usize
    }
}

/// What came of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Code {
    Ok,
    Failed(ErrorKind),
    /// Answered with Thrift's own exception: there is no such function, or its
    /// arguments cannot be read.
    Exception,
}

const KINDS: [ErrorKind; Code::COUNT - 2] = [
    ErrorKind::InvalidArgument,
    ErrorKind::UnknownShard,
    ErrorKind::StatementNotAllowed,
    ErrorKind::SqlError,
    ErrorKind::DuplicateKey,
    ErrorKind::Constraint,
    ErrorKind::DataError,
    ErrorKind::Deadlock,
    ErrorKind::LockTimeout,
    ErrorKind::QueueFull,
    ErrorKind::QueueTimeout,
    ErrorKind::DeadlineExceeded,
    ErrorKind::Cancelled,
    ErrorKind::RequestTooLarge,
    ErrorKind::ResultTooLarge,
    ErrorKind::ShardUnavailable,
    ErrorKind::ShardReadOnly,
    ErrorKind::PermissionDenied,
    ErrorKind::ConnectionLost,
    ErrorKind::TransactionNotFound,
    ErrorKind::TransactionAborted,
    ErrorKind::TransactionExpired,
    ErrorKind::Draining,
    ErrorKind::Internal,
];

impl Code {
    pub(super) const COUNT: usize = 26;

    /// `OK`, `EXCEPTION`, or the error's code as the IDL has it.
    pub fn name(self) -> &'static str {
        match self {
            Code::Ok => "OK",
            Code::Exception => "EXCEPTION",
            Code::Failed(kind) => kind_name(kind),
        }
    }

    pub(super) fn all() -> impl Iterator<Item = Code> {
        let failed = KINDS.into_iter().map(Code::Failed);
        [Code::Ok, Code::Exception].into_iter().chain(failed)
    }

    pub(super) fn number(self) -> usize {
        match self {
            Code::Ok => 0,
            Code::Exception => 1,
            Code::Failed(kind) => 2 + kind as usize,
        }
    }
}

fn kind_name(kind: ErrorKind) -> &'static str {
    match kind {
        ErrorKind::InvalidArgument => "INVALID_ARGUMENT",
        ErrorKind::UnknownShard => "UNKNOWN_SHARD",
        ErrorKind::StatementNotAllowed => "STATEMENT_NOT_ALLOWED",
        ErrorKind::SqlError => "SQL_ERROR",
        ErrorKind::DuplicateKey => "DUPLICATE_KEY",
        ErrorKind::Constraint => "CONSTRAINT",
        ErrorKind::DataError => "DATA_ERROR",
        ErrorKind::Deadlock => "DEADLOCK",
        ErrorKind::LockTimeout => "LOCK_TIMEOUT",
        ErrorKind::QueueFull => "QUEUE_FULL",
        ErrorKind::QueueTimeout => "QUEUE_TIMEOUT",
        ErrorKind::DeadlineExceeded => "DEADLINE_EXCEEDED",
        ErrorKind::Cancelled => "CANCELLED",
        ErrorKind::RequestTooLarge => "REQUEST_TOO_LARGE",
        ErrorKind::ResultTooLarge => "RESULT_TOO_LARGE",
        ErrorKind::ShardUnavailable => "SHARD_UNAVAILABLE",
        ErrorKind::ShardReadOnly => "SHARD_READ_ONLY",
        ErrorKind::PermissionDenied => "PERMISSION_DENIED",
        ErrorKind::ConnectionLost => "CONNECTION_LOST",
        ErrorKind::TransactionNotFound => "TRANSACTION_NOT_FOUND",
        ErrorKind::TransactionAborted => "TRANSACTION_ABORTED",
        ErrorKind::TransactionExpired => "TRANSACTION_EXPIRED",
        ErrorKind::Draining => "DRAINING",
        ErrorKind::Internal => "INTERNAL",
    }
}
