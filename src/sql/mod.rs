//! Statements as text: where their placeholders are, what kind they are, and
//! how values are written into them. No I/O of any kind.
//!
//! The way of a statement: [`analyze`] reads it once and gives a [`Template`];
//! [`check`] decides whether a function of the service may run it there;
//! [`render_escaped`] or [`prepare`] (MySQL) or [`bind`] (SQLite) put the
//! parameters in, [`many_for_mysql`] those of many rows at once.
//! Bulk inserts have no text of the caller's and are made by [`insert`].
//! Whoever runs the result must use a connection whose character set is
//! utf8mb4 and whose `sql_mode` is the one that the analysis was given.

mod assign;
mod commit;
mod digest;
pub mod insert;
mod kind;
mod leftover;
mod lex;
mod literal;
mod many;
mod mode;
mod places;
mod prepared;
mod refused;
mod render;
mod template;
mod temporal;
mod words;

mod watch;

pub use digest::{DIGEST_MAX_BYTES, DIGESTED_MAX_BYTES, digest};
pub use kind::{Function, Progress, Setting, StatementKind, check};
pub use many::{Many, many_for_mysql};
pub use mode::{Dialect, SqlMode};
pub use prepared::{Prepared, prepare};
pub use render::{bind, render_escaped};
pub use template::{Template, analyze};

/// Parameters of a statement, and items of a list.
pub const PARAMS_MAX: usize = 65_535;

/// Parameters that SQLite takes in one statement (`SQLITE_MAX_VARIABLE_NUMBER`).
pub const SQLITE_PARAMS_MAX: usize = 32_766;

#[cfg(test)]
mod tests;
