//! Thrift: a codec. [`read()`] makes of the bytes of one whole message what it
//! asks, with the generated stubs; [`write_reply`] and its like make the bytes of
//! one whole reply. Only this folder knows the `thrift` crate and the generated
//! structs. Nothing here runs anything, or knows sockets, databases or pools.

mod ask;
mod batch;
mod call;
mod client;
mod encode;
pub mod generated;
mod options;
mod read;
mod requests;
#[cfg(test)]
mod tests;
mod wire;

pub use ask::{Ask, Asked, AskedOptions, Form, Item, Layout, Policy, Unread};
pub use call::{ApiLimits, Call, Facts, function};
pub use client::{Client, ClientError, Executed, Stubs};
pub use encode::{
    Info, ItemReply, Reply, ShardFacts, ShardKind, write_data_error, write_exception, write_reply,
};
use generated::API_VERSION;
pub use read::read;

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
