//! The open loop of callers that do not wait for ever: requests become due at a
//! fixed rate, and an answer is of use until its deadline only. Who finds no free
//! session goes away.

use std::io;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::args::OverloadArgs;
use crate::call::{Call, Fate};
use crate::closed::{Clients, Ids};
use crate::epoll::Ticker;
use crate::tally::{Tally, Usage, Window};

/// Ticks are no closer together than this; more than one request is due at each.
const TICK_MIN: Duration = Duration::from_micros(200);

pub fn measure(options: &OverloadArgs) -> io::Result<Value> {
    let timeout = Duration::from_millis(options.target.timeout_ms.unsigned_abs().into());
    if timeout.is_zero() {
        return Err(io::Error::other("overload needs --timeout-ms"));
    }
    let period = Duration::from_secs(1) / options.rate.max(1);
    let clients = Clients::connect(&options.target, options.sessions)?;
    let ticker = Ticker::new(period.max(TICK_MIN))?;
    clients.epoll().add(&ticker, options.sessions)?;
    let mut usage = Usage::new(&options.window.watch, Window::from_now(&options.window));
    let mut arrivals = Arrivals {
        call: Call::prepare(&options.target)?,
        ids: Ids::new(options.target.rows),
        free: (0..options.sessions).collect(),
        clients,
        ticker,
        next_due: Instant::now() + period,
        period,
        timeout,
        fates: Fates::new()?,
    };
    let mut ended = false;
    let mut ready = Vec::new();
    while !ended || arrivals.free.len() < options.sessions {
        arrivals.clients.wait(&mut ready)?;
        for &token in &ready {
            if token == options.sessions {
                ended = usage.has_ended(Instant::now())?;
                arrivals.arrive(usage.window())?;
            } else {
                arrivals.answered(token, usage.window())?;
            }
        }
    }
    Ok(arrivals.fates.result(&usage))
}

/// What became of the requests that were due in the window.
struct Fates {
    /// Answered in time; the only ones that are of use.
    good: Tally,
    refused: Tally,
    late: u64,
    stopped: u64,
    wrong: u64,
    dropped: u64,
}

impl Fates {
    fn new() -> io::Result<Fates> {
        Ok(Fates {
            good: Tally::new()?,
            refused: Tally::new()?,
            late: 0,
            stopped: 0,
            wrong: 0,
            dropped: 0,
        })
    }

    fn result(&self, usage: &Usage<'_>) -> Value {
        let refused = usage.result(&self.refused);
        let good = usage.result(&self.good);
        let late = self.late + self.stopped;
        let answered = self.good.len() + self.refused.len() + late + self.wrong;
        json!({
            "goodput": good["throughput"],
            "good_p50_us": good["p50_us"],
            "good_p99_us": good["p99_us"],
            "good": good["requests"],
            "refused": refused["requests"],
            "refused_p99_us": refused["p99_us"],
            "late": self.late,
            "stopped": self.stopped,
            "dropped": self.dropped,
            "due": answered + self.dropped,
            "due_per_s": (answered + self.dropped) as f64 / usage.window().seconds(),
            "errors": self.wrong,
            "cpu_us": usage.cpu_us(answered),
        })
    }
}

struct Arrivals {
    clients: Clients,
    call: Call,
    ids: Ids,
    /// Sessions without a request.
    free: Vec<usize>,
    ticker: Ticker,
    next_due: Instant,
    period: Duration,
    timeout: Duration,
    fates: Fates,
}

impl Arrivals {
    /// Sends what has become due before the window's end.
    fn arrive(&mut self, window: &Window) -> io::Result<()> {
        self.ticker.ticks()?;
        let now = Instant::now();
        while self.next_due <= now {
            let due = self.next_due;
            self.next_due += self.period;
            if due >= window.end {
                continue;
            }
            match self.free.pop() {
                Some(index) => {
                    let id = self.ids.next();
                    self.clients.sessions[index].send(&mut self.call, id, due)?;
                }
                None if window.holds(due) => self.fates.dropped += 1,
                None => {}
            }
        }
        Ok(())
    }

    fn answered(&mut self, index: usize, window: &Window) -> io::Result<()> {
        let clients = &mut self.clients;
        let Some(answered) = clients.sessions[index].receive(&self.call, &mut clients.buffer)?
        else {
            return Ok(());
        };
        self.free.push(index);
        if !window.holds(answered.due) {
            return Ok(());
        }
        let latency = answered.due.elapsed();
        let fates = &mut self.fates;
        match answered.fate {
            Fate::Right if latency <= self.timeout => fates.good.count(latency, true),
            Fate::Right => fates.late += 1,
            Fate::Refused => fates.refused.count(latency, true),
            Fate::Stopped => fates.stopped += 1,
            Fate::Wrong => fates.wrong += 1,
        }
        Ok(())
    }
}
