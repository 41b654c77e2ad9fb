//! The open loop: requests become due at a fixed rate, whatever the service does,
//! and their latency counts from then. A request waits while no session is free.

use std::collections::VecDeque;
use std::io;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::args::OpenArgs;
use crate::call::Call;
use crate::closed::{Clients, Ids};
use crate::epoll::Ticker;
use crate::tally::{Tally, Usage, Window};

pub fn measure(options: &OpenArgs) -> io::Result<Value> {
    let call = Call::prepare(&options.target)?;
    let clients = Clients::connect(&options.target, options.sessions)?;
    let period = Duration::from_secs(1) / options.rate.max(1);
    let ticker = Ticker::new(period)?;
    clients.epoll().add(&ticker, options.sessions)?;
    let mut arrivals = Arrivals {
        call,
        ids: Ids::new(options.target.rows),
        free: (0..options.sessions).collect(),
        waiting: VecDeque::new(),
        ticker,
        next_due: Instant::now() + period,
        period,
        clients,
    };
    let mut tally = Tally::new()?;
    let mut usage = Usage::new(&options.window.watch, Window::from_now(&options.window));
    let mut ended = false;
    let mut ready = Vec::new();
    while !ended || arrivals.are_under_way() {
        arrivals.clients.wait(&mut ready)?;
        for &token in &ready {
            if token == options.sessions {
                let now = Instant::now();
                ended = usage.has_ended(now)?;
                arrivals.arrive(usage.window().end)?;
                continue;
            }
            if let Some((latency, due, right)) = arrivals.answered(token)?
                && usage.window().holds(due)
            {
                tally.count(latency, right);
            }
        }
    }
    Ok(usage.result(&tally))
}

/// Requests due, waiting and under way.
struct Arrivals {
    clients: Clients,
    call: Call,
    ids: Ids,
    /// Sessions without a request.
    free: Vec<usize>,
    /// When the requests were due for which no session was free.
    waiting: VecDeque<Instant>,
    ticker: Ticker,
    next_due: Instant,
    period: Duration,
}

impl Arrivals {
    fn are_under_way(&self) -> bool {
        self.free.len() < self.clients.sessions.len() || !self.waiting.is_empty()
    }

    /// Sends what has become due before `end`.
    fn arrive(&mut self, end: Instant) -> io::Result<()> {
        for _ in 0..self.ticker.ticks()? {
            let due = self.next_due;
            self.next_due += self.period;
            if due >= end {
                continue;
            }
            match self.free.pop() {
                Some(index) => self.send(index, due)?,
                None => self.waiting.push_back(due),
            }
        }
        Ok(())
    }

    fn send(&mut self, index: usize, due: Instant) -> io::Result<()> {
        self.clients.sessions[index].send(&mut self.call, self.ids.next(), due)
    }

    /// Takes a session's reply, if it is whole: its latency, when it was due, and
    /// whether it is right. The session goes on with what waits.
    fn answered(&mut self, index: usize) -> io::Result<Option<(Duration, Instant, bool)>> {
        let clients = &mut self.clients;
        let Some(answered) = clients.sessions[index].receive(&self.call, &mut clients.buffer)?
        else {
            return Ok(None);
        };
        match self.waiting.pop_front() {
            Some(due) => self.send(index, due)?,
            None => self.free.push(index),
        }
        Ok(Some((answered.due.elapsed(), answered.due, answered.right)))
    }
}
