//! What may be typed.

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use clap::{Args as ClapArgs, Parser, Subcommand, ValueEnum};

/// Puts load on a running service, or on its database directly
#[derive(Parser)]
#[command(name = "load")]
pub struct Args {
    #[command(subcommand)]
    pub measurement: Measurement,
    /// Given by `cargo bench`, and without meaning here
    #[arg(long, global = true, hide = true)]
    bench: bool,
}

#[derive(Subcommand)]
pub enum Measurement {
    /// Sessions that each send the next request when the last one is answered
    Closed(ClosedArgs),
    /// Requests at a fixed rate, whether or not the last ones are answered;
    /// latency counts from when a request was due
    Open(OpenArgs),
    /// Requests at a fixed rate, each of use until its deadline only: what is
    /// answered in time, what is refused, what is late
    Overload(OverloadArgs),
    /// The `mysql` crate on connections of its own, each on a thread
    Direct(DirectArgs),
    /// Sessions that ask once and then are silent; says so in one line, and ends
    /// when standard input is closed
    Hold(HoldArgs),
    /// Sessions that ask again and again, whatever the answer; ends when standard
    /// input is closed, without waiting for the last answers
    Hammer(HammerArgs),
}

#[derive(ClapArgs)]
pub struct ClosedArgs {
    #[command(flatten)]
    pub target: TargetArgs,
    #[command(flatten)]
    pub window: WindowArgs,
    #[arg(long)]
    pub sessions: usize,
}

#[derive(ClapArgs)]
pub struct OpenArgs {
    #[command(flatten)]
    pub target: TargetArgs,
    #[command(flatten)]
    pub window: WindowArgs,
    /// Sessions that share the requests; a request waits while none is free
    #[arg(long)]
    pub sessions: usize,
    /// Requests per second
    #[arg(long)]
    pub rate: u32,
}

#[derive(ClapArgs)]
pub struct OverloadArgs {
    #[command(flatten)]
    pub target: TargetArgs,
    #[command(flatten)]
    pub window: WindowArgs,
    /// Sessions that share the requests; a request is dropped while none is free
    #[arg(long)]
    pub sessions: usize,
    /// Requests per second
    #[arg(long)]
    pub rate: u32,
}

#[derive(ClapArgs)]
pub struct DirectArgs {
    #[command(flatten)]
    pub window: WindowArgs,
    #[arg(long, default_value_t = 8)]
    pub connections: usize,
    #[arg(long, value_enum, default_value = "point")]
    pub request: Request,
    /// The port on 127.0.0.1 of the database, or of a proxy before it
    #[arg(long)]
    pub port: u16,
    /// Its Unix socket, to be used instead
    #[arg(long)]
    pub socket: Option<PathBuf>,
    #[arg(long, default_value = "root")]
    pub user: String,
    #[arg(long, default_value = "")]
    pub password: String,
    /// Ids go from 1 to this
    #[arg(long)]
    pub rows: i64,
}

#[derive(ClapArgs)]
pub struct HoldArgs {
    #[command(flatten)]
    pub target: TargetArgs,
    #[arg(long)]
    pub sessions: usize,
}

#[derive(ClapArgs)]
pub struct HammerArgs {
    #[command(flatten)]
    pub target: TargetArgs,
    #[arg(long)]
    pub sessions: usize,
    /// How long a session waits before it asks again when it was refused
    #[arg(long, value_parser = seconds, default_value = "0")]
    pub pause_seconds: Duration,
}

#[derive(ClapArgs)]
pub struct TargetArgs {
    /// Where the service listens
    #[arg(long)]
    pub to: SocketAddr,
    /// An address of this machine to come from, instead of what the system picks
    #[arg(long)]
    pub from: Option<IpAddr>,
    #[arg(long, value_enum, default_value = "point")]
    pub request: Request,
    #[arg(long, default_value = "bench")]
    pub shard: String,
    /// Ids go from 1 to this
    #[arg(long, default_value_t = 1)]
    pub rows: i64,
    /// The deadline that a point read or a nap asks for; 0: the service's own
    #[arg(long, default_value_t = 0)]
    pub timeout_ms: i32,
    /// The time that a sleep has, its wait included
    #[arg(long, default_value_t = 60_000)]
    pub sleep_timeout_ms: i32,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Request {
    /// `ping` without a shard: no database takes part
    Ping,
    /// SELECT of one row by its primary key
    Point,
    /// SELECT SLEEP(1)
    Sleep,
    /// SELECT SLEEP(0.004): it takes a connection's time, and hardly any CPU
    Nap,
}

#[derive(ClapArgs)]
pub struct WindowArgs {
    /// How long to measure
    #[arg(long, value_parser = seconds)]
    pub seconds: Duration,
    /// How long the load runs before that
    #[arg(long, value_parser = seconds, default_value = "0.3")]
    pub warm_up_seconds: Duration,
    /// A process whose CPU time is told for each request, as NAME=PID
    #[arg(long)]
    pub watch: Vec<Watched>,
}

#[derive(Clone, Debug)]
pub struct Watched {
    pub name: String,
    pub pid: u32,
}

impl FromStr for Watched {
    type Err = String;

    fn from_str(text: &str) -> Result<Watched, String> {
        let (name, pid) = text.split_once('=').ok_or("not of the form NAME=PID")?;
        Ok(Watched {
            name: name.to_owned(),
            pid: pid.parse().map_err(|error| format!("{pid}: {error}"))?,
        })
    }
}

fn seconds(text: &str) -> Result<Duration, String> {
    let seconds = text.parse().map_err(|error| format!("{error}"))?;
    Duration::try_from_secs_f64(seconds).map_err(|error| format!("{error}"))
}
