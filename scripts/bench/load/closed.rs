//! The closed loop: every session sends its next request when the last one has
//! been answered, so that the service decides the pace.

use std::io;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::args::{ClosedArgs, TargetArgs};
use crate::call::Call;
use crate::epoll::Epoll;
use crate::process;
use crate::session::{Buffer, Session};
use crate::tally::{Tally, Usage, Window};

/// Open files beside the sessions.
const OTHER_FILES: u64 = 64;

/// A service that says nothing for so long is taken for hung.
const SILENCE_MAX: Duration = Duration::from_secs(15);

pub fn measure(options: &ClosedArgs) -> io::Result<Value> {
    let mut call = Call::prepare(&options.target)?;
    let mut ids = Ids::new(options.target.rows);
    let mut clients = Clients::connect(&options.target, options.sessions)?;
    let mut tally = Tally::new()?;
    let mut usage = Usage::new(&options.window.watch, Window::from_now(&options.window));
    for index in 0..options.sessions {
        clients.sessions[index].send(&mut call, ids.next(), Instant::now())?;
    }
    let mut under_way = options.sessions;
    let mut ended = false;
    let mut ready = Vec::new();
    while under_way > 0 {
        clients.wait(&mut ready)?;
        for &index in &ready {
            let Some(answered) = clients.sessions[index].receive(&call, &mut clients.buffer)?
            else {
                continue;
            };
            let now = Instant::now();
            if usage.window().holds(now) {
                tally.count(now - answered.due, answered.right);
            }
            if !ended {
                ended = usage.has_ended(now)?;
            }
            if ended {
                under_way -= 1;
            } else {
                clients.sessions[index].send(&mut call, ids.next(), now)?;
            }
        }
    }
    if let Some(reply) = clients.sessions.iter().find_map(Session::first_wrong) {
        eprintln!("load: of the replies that are no right answers, one: {reply}");
    }
    Ok(usage.result(&tally))
}

/// All sessions of a measurement, and what they share.
pub struct Clients {
    epoll: Epoll,
    pub sessions: Vec<Session>,
    pub buffer: Buffer,
}

impl Clients {
    pub fn connect(target: &TargetArgs, count: usize) -> io::Result<Clients> {
        process::allow_open_files(count as u64 + OTHER_FILES)?;
        let epoll = Epoll::new()?;
        let mut sessions = Vec::with_capacity(count);
        for index in 0..count {
            let session = Session::connect(target)?;
            epoll.add(&session, index)?;
            sessions.push(session);
        }
        Ok(Clients {
            epoll,
            sessions,
            buffer: Buffer::new(),
        })
    }

    pub fn epoll(&self) -> &Epoll {
        &self.epoll
    }

    /// Puts a new session into the place of one that has ended.
    pub fn reconnect(&mut self, target: &TargetArgs, index: usize) -> io::Result<()> {
        self.sessions[index] = Session::connect(target)?;
        self.epoll.add(&self.sessions[index], index)
    }

    /// Waits for replies, and gives the indexes of the sessions that have one.
    pub fn wait(&mut self, ready: &mut Vec<usize>) -> io::Result<()> {
        self.wait_until(Instant::now() + SILENCE_MAX, ready)?;
        if ready.is_empty() {
            let text = format!("no reply for {SILENCE_MAX:?}");
            return Err(io::Error::new(io::ErrorKind::TimedOut, text));
        }
        Ok(())
    }

    /// The same, and none of them if the time comes first.
    pub fn wait_until(&mut self, time: Instant, ready: &mut Vec<usize>) -> io::Result<()> {
        ready.clear();
        let timeout = time.saturating_duration_since(Instant::now());
        ready.extend(self.epoll.wait(timeout)?);
        Ok(())
    }
}

/// Ids in an order that looks random, and is the same in every run (xorshift64).
pub struct Ids {
    state: u64,
    rows: u64,
}

impl Ids {
    pub fn new(rows: i64) -> Ids {
        Ids::seeded(rows, 1)
    }

    pub fn seeded(rows: i64, seed: u64) -> Ids {
        Ids {
            state: 0x9E37_79B9_7F4A_7C15_u64.wrapping_mul(2 * seed + 1),
            rows: rows.max(1).unsigned_abs(),
        }
    }

    pub fn next(&mut self) -> i64 {
        self.state ^= self.state << 13;
        self.state ^= self.state >> 7;
        self.state ^= self.state << 17;
        (self.state % self.rows) as i64 + 1
    }
}
