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

/// Requests answered, and how long that took; and those answered wrongly or refused.
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
        if right {
            self.latencies_ns
                .saturating_record(latency.as_nanos() as u64);
        } else {
            self.errors += 1;
        }
    }

    /// Right answers.
    pub fn len(&self) -> u64 {
        self.latencies_ns.len()
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
#[derive(Clone, Copy)]
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

    pub fn seconds(&self) -> f64 {
        (self.end - self.begin).as_secs_f64()
    }

    pub fn holds(&self, time: Instant) -> bool {
        self.begin <= time && time < self.end
    }
}

/// CPU time of ourselves and of the processes watched, over a window; and how large
/// these are at its end.
pub struct Usage<'a> {
    watched: &'a [Watched],
    window: Window,
    at_begin: Option<Vec<Duration>>,
    at_end: Option<Vec<Duration>>,
    sizes: Sizes,
}

/// Of each process watched, by its name.
#[derive(Default)]
struct Sizes {
    rss_kb: Map<String, Value>,
    threads: Map<String, Value>,
}

impl Sizes {
    fn of(watched: &[Watched]) -> io::Result<Sizes> {
        let mut sizes = Sizes::default();
        for Watched { name, pid } in watched {
            let rss_kb = process::status(*pid, "VmRSS")?;
            let threads = process::status(*pid, "Threads")?;
            sizes.rss_kb.insert(name.clone(), json!(rss_kb));
            sizes.threads.insert(name.clone(), json!(threads));
        }
        Ok(sizes)
    }
}

impl<'a> Usage<'a> {
    pub fn new(watched: &'a [Watched], window: Window) -> Usage<'a> {
        Usage {
            watched,
            window,
            at_begin: None,
            at_end: None,
            sizes: Sizes::default(),
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
            self.sizes = Sizes::of(self.watched)?;
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
        let requests = tally.len() + tally.errors;
        json!({
            "requests": requests,
            "errors": tally.errors,
            "throughput": tally.len() as f64 / self.window.seconds(),
            "p50_us": tally.microseconds(0.5),
            "p99_us": tally.microseconds(0.99),
            "max_us": tally.latencies_ns.max() as f64 / 1e3,
            "cpu_us": self.cpu_us(requests),
            "rss_kb": self.sizes.rss_kb,
            "threads": self.sizes.threads,
        })
    }

    /// What each process has used for one of so many requests.
    pub fn cpu_us(&self, requests: u64) -> Map<String, Value> {
        let names =
            std::iter::once("load").chain(self.watched.iter().map(|watched| watched.name.as_str()));
        let begin = self.at_begin.iter().flatten();
        let used = self
            .at_end
            .iter()
            .flatten()
            .zip(begin)
            .map(|(end, begin)| end.saturating_sub(*begin));
        names
            .zip(used)
            .map(|(name, used)| {
                (
                    name.to_owned(),
                    json!(used.as_secs_f64() * 1e6 / requests.max(1) as f64),
                )
            })
            .collect()
    }
}
