//! Sessions that ask again and again, whatever the answer is, beside others that are
//! measured: callers of a database that is slow or gone. Meant for `sleep`, whose
//! answer is looked at no further than whether it is a result.

use std::collections::VecDeque;
use std::io;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::args::HammerArgs;
use crate::call::Call;
use crate::closed::Clients;

/// A look around when nothing has happened for so long.
const REST_MAX: Duration = Duration::from_secs(60);

pub fn measure(options: &HammerArgs) -> io::Result<Value> {
    let clients = Clients::connect(&options.target, options.sessions)?;
    clients.epoll().add(&io::stdin(), options.sessions)?;
    let mut hammer = Hammer {
        options,
        call: Call::prepare(&options.target)?,
        clients,
        pausing: VecDeque::new(),
        answered: 0,
        refused: 0,
        closed: 0,
    };
    let began = Instant::now();
    hammer.run()?;
    let seconds = began.elapsed().as_secs_f64();
    Ok(json!({
        "seconds": seconds,
        "answers_per_s": hammer.answered as f64 / seconds,
        "refusals_per_s": hammer.refused as f64 / seconds,
        "closed": hammer.closed,
    }))
}

struct Hammer<'a> {
    options: &'a HammerArgs,
    call: Call,
    clients: Clients,
    /// Sessions that were refused, and when they ask again; the earliest first.
    pausing: VecDeque<(Instant, usize)>,
    answered: u64,
    refused: u64,
    /// Sessions that the service has closed; others took their place.
    closed: u64,
}

impl Hammer<'_> {
    fn run(&mut self) -> io::Result<()> {
        for index in 0..self.options.sessions {
            self.ask(index)?;
        }
        let mut ready = Vec::new();
        loop {
            let rested = Instant::now() + REST_MAX;
            let until = self.pausing.front().map_or(rested, |&(until, _)| until);
            self.clients.wait_until(until, &mut ready)?;
            for &token in &ready {
                if token == self.options.sessions {
                    return Ok(());
                }
                self.take(token)?;
            }
            let now = Instant::now();
            while let Some(&(until, index)) = self.pausing.front()
                && until <= now
            {
                self.pausing.pop_front();
                self.ask(index)?;
            }
        }
    }

    fn ask(&mut self, index: usize) -> io::Result<()> {
        match self.clients.sessions[index].send(&mut self.call, 1, Instant::now()) {
            Ok(()) => Ok(()),
            Err(_) => self.replace(index),
        }
    }

    fn take(&mut self, index: usize) -> io::Result<()> {
        let session = &mut self.clients.sessions[index];
        match session.receive(&self.call, &mut self.clients.buffer) {
            Ok(None) => Ok(()),
            Ok(Some(answered)) if answered.right => {
                self.answered += 1;
                self.ask(index)
            }
            Ok(Some(_)) => {
                self.refused += 1;
                self.pause(index);
                Ok(())
            }
            Err(_) => self.replace(index),
        }
    }

    /// The service has closed the session, perhaps while it paused.
    fn replace(&mut self, index: usize) -> io::Result<()> {
        self.closed += 1;
        self.clients.reconnect(&self.options.target, index)?;
        self.pausing.retain(|&(_, one)| one != index);
        self.pause(index);
        Ok(())
    }

    fn pause(&mut self, index: usize) {
        let until = Instant::now() + self.options.pause_seconds;
        self.pausing.push_back((until, index));
    }
}
