//! The program: what it is told to do, done; see `forebay::cli`.

use std::process::ExitCode;

fn main() -> ExitCode {
    forebay::cli::run()
}
