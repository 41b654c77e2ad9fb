//! What a request asks, once it has been read and checked for form.

use std::time::Duration;

use super::ExceptionKind;
use crate::error::Error;
use crate::operation::{Begin, Operation};

/// What a request asks.
#[derive(Clone, Debug)]
pub struct Asked {
    pub options: AskedOptions,
    pub ask: Ask,
}

/// What a caller may ask of any request. `Default` is a request without options.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AskedOptions {
    /// How long the caller waits, at least 1 ms and at most the server's
    /// `max_timeout`; None: the server's default.
    pub timeout: Option<Duration>,
    /// At least 1 and at most the server's `result_max_rows`; None: that.
    pub max_rows: Option<usize>,
    /// Warnings of each statement to give; 0: their count alone.
    pub warnings_max: usize,
    /// The token of the transaction that the request belongs to, as sent.
    pub transaction: Option<String>,
    /// It may be applied more than once. Never with a transaction.
    pub idempotent: bool,
    /// At most 128 bytes; empty if there was none.
    pub request_id: String,
    /// None: as the multi says that the request is an item of, or as lists.
    pub layout: Option<Layout>,
}

/// How the values of a result's columns are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Layout {
    /// Each by itself, in lists of the protocol's own.
    #[default]
    Lists,
    /// All of a column in one blob, or two, for readers that take them apart themselves.
    Packed,
}

/// The service's functions, and what they are asked to do.
#[derive(Clone, Debug)]
pub enum Ask {
    Info,
    /// Without a shard: the service only.
    Ping {
        shard: Option<String>,
    },
    Run {
        /// Within a transaction it may be unset.
        shard: Option<String>,
        form: Form,
        operation: Operation,
    },
    Multi {
        /// At least one, at most `multi_items_max`.
        items: Vec<Item>,
        policy: Policy,
    },
    Begin {
        shard: Option<String>,
        begin: Begin,
    },
    /// `options.transaction` is set.
    Commit,
    /// `options.transaction` is set.
    Rollback,
}

/// Which of the result structs answers a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    Query,
    Execute,
    Insert,
    Batch,
}

/// One item of a multi.
#[derive(Clone, Debug)]
pub struct Item {
    pub form: Form,
    pub shard: Option<String>,
    /// Never with a transaction.
    pub options: AskedOptions,
    /// An item that is wrong in itself fails alone.
    pub operation: Result<Operation, Error>,
}

/// What a multi does when an item fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Policy {
    /// Every item has its own outcome.
    TakeWhatCame,
    /// The others are stopped, and the first error is the answer.
    FailOnFirstError,
}

/// Why a message is no request that can be run.
#[derive(Clone, Debug)]
pub enum Unread {
    /// It can be read, and asks for what cannot be: for `write_data_error`.
    Data(Error),
    /// It does not follow the protocol or the IDL: for `write_exception`.
    Exception(ExceptionKind, String),
}
