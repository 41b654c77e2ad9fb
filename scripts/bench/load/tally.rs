//! What is counted while a measurement's window is open, and the JSON made of it.

use std::io;
use std::time::{Duration, Instant};

use hdrhistogram::Histogram;
use serde_json::{Map, Value, json};

use crate::args::{Watched, WindowArgs};
use crate::process;

/// Latencies are kept to three digits, up to a minute.
const DIGITS: u8 = 3;
const LATENCY_MAX_NS: u64 = 60_000_000_000;

/// Requests answered, rightly or not, and how long that took.
pub struct Tally {
    latencies_ns: Histogram<u64>,
    errors: u64,
}

impl Tally {
    pub fn new() -> io::Result<Tally> {
        let latencies_ns =
            Histogram::new_with_max(LATENCY_MAX_NS, DIGITS).map_err(io::Error::other)?;
        Ok(Tally {
            latencies_ns,
            errors: 0,
        })
    }

    pub fn count(&mut self, latency: Duration, right: bool) {
        self.latencies_ns
            .saturating_record(latency.as_nanos() as u64);
        self.errors += u64::from(!right);
    }

    pub fn add(&mut self, other: &Tally) -> io::Result<()> {
        self.errors += other.errors;
        self.latencies_ns
            .add(&other.latencies_ns)
            .map_err(io::Error::other)
    }

    fn microseconds(&self, quantile: f64) -> f64 {
        self.latencies_ns.value_at_quantile(quantile) as f64 / 1e3
    }
}

/// The time that counts: it begins when the load has run for a while.
pub struct Window {
    pub begin: Instant,
    pub end: Instant,
}

impl Window {
    pub fn from_now(args: &WindowArgs) -> Window {
        let begin = Instant::now() + args.warm_up_seconds;
        Window {
            begin,
            end: begin + args.seconds,
        }
    }

    pub fn holds(&self, time: Instant) -> bool {
        self.begin <= time && time < self.end
    }
}

/// CPU time of ourselves and of the processes watched, over a window.
pub struct Usage<'a> {
    watched: &'a [Watched],
    window: Window,
    at_begin: Option<Vec<Duration>>,
    at_end: Option<Vec<Duration>>,
}

impl<'a> Usage<'a> {
    pub fn new(watched: &'a [Watched], window: Window) -> Usage<'a> {
        Usage {
            watched,
            window,
            at_begin: None,
            at_end: None,
        }
    }

    pub fn window(&self) -> &Window {
        &self.window
    }

    /// To be called again and again: reads the clocks when the window opens and
    /// when it closes. True: it has closed.
    pub fn has_ended(&mut self, now: Instant) -> io::Result<bool> {
        if self.at_begin.is_none() && now >= self.window.begin {
            self.at_begin = Some(self.read()?);
        }
        if self.at_end.is_none() && now >= self.window.end {
            self.at_end = Some(self.read()?);
        }
        Ok(self.at_end.is_some())
    }

    fn read(&self) -> io::Result<Vec<Duration>> {
        let ours = process::cpu_time(std::process::id());
        let others = self
            .watched
            .iter()
            .map(|watched| process::cpu_time(watched.pid));
        std::iter::once(ours).chain(others).collect()
    }

    /// The whole result of a measurement.
    pub fn result(&self, tally: &Tally) -> Value {
        let requests = tally.latencies_ns.len();
        let seconds = (self.window.end - self.window.begin).as_secs_f64();
        let names =
            std::iter::once("load").chain(self.watched.iter().map(|watched| watched.name.as_str()));
        let begin = self.at_begin.iter().flatten();
        let used = self
            .at_end
            .iter()
            .flatten()
            .zip(begin)
            .map(|(end, begin)| end.saturating_sub(*begin));
        let cpu_us: Map<String, Value> = names
            .zip(used)
            .map(|(name, used)| {
                (
                    name.to_owned(),
                    json!(used.as_secs_f64() * 1e6 / requests.max(1) as f64),
                )
            })
            .collect();
        json!({
            "requests": requests,
            "errors": tally.errors,
            "throughput": requests as f64 / seconds,
            "p50_us": tally.microseconds(0.5),
            "p99_us": tally.microseconds(0.99),
            "max_us": tally.latencies_ns.max() as f64 / 1e3,
            "cpu_us": cpu_us,
        })
    }
}
