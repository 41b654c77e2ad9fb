//! Replies, written straight from what was found: the generated structs would
//! want a copy of every value, and a name for every field.

mod binary;
mod compact;
mod error;
mod info;
mod output;
mod reply;
mod results;
mod size;
#[cfg(test)]
mod tests;

pub use info::{Info, ShardFacts, ShardKind};
pub use reply::{ItemReply, Reply, write_data_error, write_exception, write_reply};
