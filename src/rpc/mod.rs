//! Thrift: the generated stubs, and what stands between them and the rest. Only
//! this folder knows the `thrift` crate and the generated structs. Bytes of one
//! whole message come in, bytes of one whole reply go out; nothing here knows
//! sockets or pools.

mod api;
mod client;
pub mod generated;
mod handler;
mod reply;
mod wire;

pub use api::{Api, ApiLimits, Call};
pub use client::{Client, ClientError, Executed, Stubs};
use generated::API_VERSION;
pub use reply::{write_data_error, write_exception};

/// The protocols that a message may be written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocol {
    Binary,
    Compact,
}

/// Why a message has no answer of its own function.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExceptionKind {
    UnknownFunction,
    /// The message does not follow the protocol or the IDL.
    Protocol,
}
