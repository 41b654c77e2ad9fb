//! Forebay: a data layer for sharded MySQL.
//!
//! Callers speak Apache Thrift; the service runs their parameterised SQL on a
//! few pooled connections for each named shard. The way of a request is the
//! order of the modules: bytes become a message (`frontend`), the message an
//! operation (`rpc`) that waits its turn (`dispatch`) and runs on a shard
//! (`backend`, with `sql` for its text). `service` puts them together.

#![cfg_attr(not(test), warn(clippy::unwrap_used))]

pub mod cli;
pub mod config;
pub mod service;

pub mod frontend;
pub mod http;
pub mod rpc;

pub mod dispatch;

pub mod backend;
pub mod sql;

pub mod budget;
pub mod cancel;
pub mod digests;
pub mod error;
pub mod operation;
pub mod peer;
pub mod stats;
pub mod value;
