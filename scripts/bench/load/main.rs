//! The benchmark's load generator: one measurement for each run, its result one
//! JSON object on standard output. It costs little, so that it may share a core
//! with what it measures: one thread, epoll, requests encoded beforehand, and
//! replies checked by a few comparisons instead of being decoded.
//!
//! What is measured, beside what and how often, is decided by `scripts/bench/run`.

mod args;
mod call;
mod closed;
mod direct;
mod epoll;
mod hammer;
mod hold;
mod open;
mod overload;
mod process;
mod session;
mod tally;

use std::io;
use std::process::ExitCode;

use args::{Args, Measurement};
use clap::Parser;
use serde_json::Value;

fn main() -> ExitCode {
    match run(&Args::parse().measurement) {
        Ok(result) => {
            println!("{result}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("load: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(measurement: &Measurement) -> io::Result<Value> {
    match measurement {
        Measurement::Closed(options) => closed::measure(options),
        Measurement::Open(options) => open::measure(options),
        Measurement::Overload(options) => overload::measure(options),
        Measurement::Direct(options) => direct::measure(options),
        Measurement::Hold(options) => hold::run(options),
        Measurement::Hammer(options) => hammer::measure(options),
    }
}
