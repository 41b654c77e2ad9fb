//! What may be typed, and the help that explains it.

use std::path::PathBuf;

use clap::builder::styling::{AnsiColor, Styles};
use clap::{Args as ClapArgs, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;

use crate::config::{ListenAddress, LogFormat, LogLevel};

const STYLES: Styles = Styles::styled()
    .header(AnsiColor::Green.on_default().bold())
    .usage(AnsiColor::Green.on_default().bold())
    .literal(AnsiColor::Cyan.on_default().bold());

/// A data layer for sharded MySQL: clients call it over Apache Thrift, and it
/// runs their parameterised SQL on a few pooled connections for each named shard.
#[derive(Parser)]
#[command(name = "forebay", version, styles = STYLES, after_help = AFTER_HELP)]
pub(super) struct Args {
    #[command(subcommand)]
    pub command: Command,
}

const AFTER_HELP: &str = "\
Start here:
  forebay demo                          two built-in shards, and how to call them
  forebay config > forebay.toml         a configuration, every key explained
  forebay check --config forebay.toml   is it right, are its databases there?
  forebay serve --config forebay.toml   serve it
  forebay query --shard users 'SELECT * FROM users WHERE id=?' 7
  forebay query --all-shards 'SELECT COUNT(*) FROM users'

Exit codes: 0 well; 1 the service refused the statement, if only on one of
several shards; 64 wrong command line or configuration; 69 an address, the
service, or for check a database cannot be had; 130 stopped by a second signal.";

#[derive(Subcommand)]
pub(super) enum Command {
    /// Serve the shards of a configuration file until Ctrl-C or SIGTERM
    #[command(after_help = "\
On Ctrl-C or SIGTERM it takes nothing new, finishes what is in flight within
drain_timeout_ms, and exits 0. A second signal exits at once.")]
    Serve(ServeArgs),
    /// Serve two built-in shards, run three examples against them, and go on serving
    Demo(DemoArgs),
    /// Validate a configuration file, connect to every shard, and print what was found;
    /// an SQLite file that is not there yet is made
    Check(CheckArgs),
    /// Run one SQL statement through a running service and print what it brings
    #[command(after_help = QUERY_HELP)]
    Query(QueryArgs),
    /// Print a configuration file with every key, its unit, default and range
    Config,
    /// Print a completion script for a shell
    Completions {
        /// The shell to complete in
        shell: Shell,
    },
    /// Print this program's man page
    Man,
}

const QUERY_HELP: &str = "\
Parameters take the places of the ? in the statement, in order; they are values,
never SQL. One that is written like an integer is an integer, any other is text.
A prefix says otherwise:
  int:7  uint:7  double:0.5  decimal:12.30  text:7  hex:ff00  time:2024-02-29  bool:true  null:

Examples:
  forebay query --shard users 'SELECT id, username FROM users WHERE username=?' ada
  forebay query --shard users --format csv 'SELECT * FROM users WHERE id BETWEEN ? AND ?' 10 20
  forebay query --shard users 'INSERT INTO users (username, password) VALUES (?, ?)' ada text:1815
  forebay query --all-shards --format json 'SELECT COUNT(*) AS users FROM users'

An error goes to stderr as its code and message, and the exit code is 1. With
--all-shards the statement runs on each shard by itself: where one fails, the
others are done and printed all the same, and its error goes to stderr after its
name. In JSON it stands in its place, as {\"error\": {\"code\", \"message\"}}.";

/// Not a doc comment, in which `[ipv6]` would be a link.
const LISTEN_HELP: &str = "Listen here instead of where the file says: host:port, [ipv6]:port, \
     :port for every interface, or unix:/path; may be given several times";

const HTTP_LISTEN_HELP: &str = "Tell metrics and health over HTTP here, whatever the file says: \
     host:port, [ipv6]:port, :port, or unix:/path";

#[derive(ClapArgs)]
pub(super) struct ServeArgs {
    /// The configuration file; `forebay config` prints one
    #[arg(long, value_name = "FILE")]
    pub config: PathBuf,
    #[arg(long, value_name = "ADDR", help = LISTEN_HELP)]
    pub listen: Vec<ListenAddress>,
    #[arg(long, value_name = "ADDR", help = HTTP_LISTEN_HELP)]
    pub http_listen: Option<ListenAddress>,
    #[command(flatten)]
    pub log: LogArgs,
}

#[derive(ClapArgs)]
pub(super) struct DemoArgs {
    /// Where to listen
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:9090")]
    pub listen: ListenAddress,
    #[command(flatten)]
    pub log: LogArgs,
}

#[derive(ClapArgs)]
pub(super) struct CheckArgs {
    /// The configuration file
    #[arg(long, value_name = "FILE")]
    pub config: PathBuf,
}

#[derive(ClapArgs)]
pub(super) struct QueryArgs {
    /// Where the service listens: host:port or unix:/path
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:9090")]
    pub to: ListenAddress,
    #[command(flatten)]
    pub which: WhichShards,
    /// How to print rows
    #[arg(long, value_enum, default_value_t = Format::Table)]
    pub format: Format,
    /// How long to wait for the answer, in milliseconds; at most the server's
    /// max_timeout_ms counts
    #[arg(long, value_name = "MS", default_value_t = 10_000,
          value_parser = clap::value_parser!(u32).range(1..=86_400_000))]
    pub timeout_ms: u32,
    /// The statement, with ? for each parameter
    #[arg(value_name = "SQL")]
    pub sql: String,
    /// A value for each ?
    #[arg(
        value_name = "PARAM",
        allow_hyphen_values = true,
        trailing_var_arg = true
    )]
    pub params: Vec<String>,
}

/// One of the two.
#[derive(ClapArgs)]
#[group(required = true, multiple = false)]
pub(super) struct WhichShards {
    /// The shard to run it on
    #[arg(long, value_name = "NAME")]
    pub shard: Option<String>,
    /// Run it on every shard that the service has, in parallel, and print what each
    /// one brings
    #[arg(long)]
    pub all_shards: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Format {
    /// For people; of all shards, each under its name
    Table,
    /// One array of objects; of all shards, one object of arrays by shard
    Json,
    /// RFC 4180, with a line of names; of all shards, the first column is the shard
    Csv,
}

#[derive(ClapArgs)]
pub(super) struct LogArgs {
    /// How log lines are written to stderr, whatever a configuration says
    #[arg(long, value_enum, value_name = "FORMAT")]
    pub log_format: Option<LogFormatArg>,
    /// The least severe events that are logged, whatever a configuration says
    #[arg(long, value_enum, value_name = "LEVEL")]
    pub log_level: Option<LogLevelArg>,
}

#[derive(Clone, Copy, ValueEnum)]
pub(super) enum LogFormatArg {
    Human,
    Json,
}

#[derive(Clone, Copy, ValueEnum)]
pub(super) enum LogLevelArg {
    Error,
    Warn,
    Info,
    Debug,
    Trace,
}

impl From<LogFormatArg> for LogFormat {
    fn from(format: LogFormatArg) -> LogFormat {
        match format {
            LogFormatArg::Human => LogFormat::Human,
            LogFormatArg::Json => LogFormat::Json,
        }
    }
}

impl From<LogLevelArg> for LogLevel {
    fn from(level: LogLevelArg) -> LogLevel {
        match level {
            LogLevelArg::Error => LogLevel::Error,
            LogLevelArg::Warn => LogLevel::Warn,
            LogLevelArg::Info => LogLevel::Info,
            LogLevelArg::Debug => LogLevel::Debug,
            LogLevelArg::Trace => LogLevel::Trace,
        }
    }
}
