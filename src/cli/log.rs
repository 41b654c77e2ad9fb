//! The log: structured events on stderr, and a word on every panic. Neither ever
//! holds a parameter's value or a password, since nobody passes one.

use std::io;
use std::panic;

use tracing::level_filters::LevelFilter;

use super::args::LogArgs;
use crate::config::{LogConfig, LogFormat, LogLevel};

/// Starts the log; what was typed goes before what is configured.
pub(super) fn start(configured: LogConfig, args: &LogArgs) {
    let level = args.log_level.map_or(configured.level, LogLevel::from);
    let format = args.log_format.map_or(configured.format, LogFormat::from);
    let level = match level {
        LogLevel::Error => LevelFilter::ERROR,
        LogLevel::Warn => LevelFilter::WARN,
        LogLevel::Info => LevelFilter::INFO,
        LogLevel::Debug => LevelFilter::DEBUG,
        LogLevel::Trace => LevelFilter::TRACE,
    };
    let builder = tracing_subscriber::fmt()
        .with_writer(io::stderr)
        .with_max_level(level)
        .with_target(false);
    match format {
        LogFormat::Human => {
            let colour = io::IsTerminal::is_terminal(&io::stderr());
            builder.with_ansi(colour).init();
        }
        LogFormat::Json => builder.json().flatten_event(true).init(),
    }
    panic::set_hook(Box::new(|info| {
        // The place only: a panic's message may quote what a caller sent.
        let place = info.location().map(ToString::to_string).unwrap_or_default();
        tracing::error!(place, "a fault of this server's own was contained");
    }));
}
