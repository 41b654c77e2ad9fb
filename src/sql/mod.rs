//! Statements as text: where their placeholders are, what kind they are, and
//! how values are written into them. No I/O of any kind.
//!
//! The way of a statement: [`analyze`] reads it once and gives a [`Template`];
//! [`check`] decides whether a function of the service may run it;
//! [`render_escaped`] (MySQL) or [`bind`] (SQLite) put the parameters in.
//! Bulk inserts have no text of the caller's and are made by [`insert`].
//! Whoever runs the result must use a connection whose character set is
//! utf8mb4 and whose `sql_mode` is the one that the analysis was given.

pub mod insert;
mod kind;
mod leftover;
mod lex;
mod literal;
mod mode;
mod refused;
mod render;
mod template;
mod temporal;
mod words;

mod watch;

pub use kind::{Function, StatementKind, check};
pub use mode::{Dialect, SqlMode};
pub use refused::Refused;
pub use render::{bind, render_escaped};
pub use template::{Template, analyze};

/// Parameters of a statement, and items of a list.
pub const PARAMS_MAX: usize = 65_535;

/// Parameters that SQLite takes in one statement (`SQLITE_MAX_VARIABLE_NUMBER`).
pub const SQLITE_PARAMS_MAX: usize = 32_766;

#[cfg(test)]
mod tests;
