//! The code that the Thrift compiler makes of `idl/forebay.thrift`, as it is.

#[allow(warnings, clippy::all)]
#[rustfmt::skip]
#[path = "../../gen/rs/forebay.rs"]
mod forebay;

pub use self::forebay::*;
