//! Jobs that need no thread, and lanes in which they wait.

use std::net::Ipv4Addr;
use std::time::{Duration, Instant};

use crate::dispatch::lane::{Kind, Lane, Next};
use crate::dispatch::{Job, LaneLimits, Refusal};
use crate::peer::Peer;

pub fn peer(number: u8) -> Peer {
    Peer::at(Ipv4Addr::new(10, 0, 0, number).into())
}

/// A job on paper: it is never run.
#[derive(Clone)]
pub struct Paper {
    pub name: &'static str,
    pub peer: Peer,
    pub is_long: bool,
    pub may_be_long: bool,
    pub deadline: Instant,
}

impl Job for Paper {
    type Scratch = ();

    fn deadline(&self) -> Instant {
        self.deadline
    }

    fn peer(&self) -> Peer {
        self.peer
    }

    fn is_long(&self) -> bool {
        self.is_long
    }

    fn may_be_long(&self) -> bool {
        self.may_be_long
    }

    fn run(self, _: &mut ()) {}

    fn expire(self, _: &mut ()) {}
}

/// A lane, and a clock that stands.
pub struct Desk {
    pub lane: Lane<Paper>,
    pub now: Instant,
}

/// What came of a job that was submitted.
#[derive(Debug, PartialEq, Eq)]
pub enum Came {
    Taken,
    InsteadOf(&'static str),
    Full,
    TooLate(Duration),
}

impl Desk {
    pub fn new(in_flight_max: usize, long_max: usize, queue_max: usize) -> Desk {
        let limits = LaneLimits {
            in_flight_max,
            long_max,
            queue_max,
        };
        Desk {
            lane: Lane::new(&limits),
            now: Instant::now(),
        }
    }

    pub fn short(&mut self, number: u8, name: &'static str) -> Came {
        self.within(number, name, false, Duration::from_secs(3600))
    }

    pub fn long(&mut self, number: u8, name: &'static str) -> Came {
        self.within(number, name, true, Duration::from_secs(3600))
    }

    /// One that never ran, while what never ran is mostly long.
    pub fn unknown(&mut self, number: u8, name: &'static str) -> Came {
        self.submit(Paper {
            name,
            peer: peer(number),
            is_long: false,
            may_be_long: true,
            deadline: self.now + Duration::from_secs(3600),
        })
    }

    pub fn within(
        &mut self,
        number: u8,
        name: &'static str,
        is_long: bool,
        timeout: Duration,
    ) -> Came {
        self.submit(Paper {
            name,
            peer: peer(number),
            is_long,
            may_be_long: false,
            deadline: self.now + timeout,
        })
    }

    fn submit(&mut self, job: Paper) -> Came {
        match self.lane.admit(job, self.now) {
            Ok(None) => Came::Taken,
            Ok(Some(displaced)) => Came::InsteadOf(displaced.name),
            Err(Refusal::Full { .. }) => Came::Full,
            Err(Refusal::TooLate { wait, .. }) => Came::TooLate(wait),
            Err(Refusal::Stopped(_)) => panic!("stopped"),
        }
    }

    /// Short jobs have taken so long, for long enough.
    pub fn learn(&mut self, took_ms: u64) {
        for _ in 0..100 {
            self.short(1, "learn");
            assert_eq!(self.start(), "learn");
            // One after the other.
            self.now += Duration::from_millis(took_ms);
            self.finish(Kind::Short, took_ms);
        }
    }

    /// The next job that runs; "" if none may.
    pub fn start(&mut self) -> &'static str {
        match self.lane.start(self.now) {
            Some(Next::Run(job, _)) => job.name,
            Some(Next::GiveUp(job, _)) => panic!("{} is given up", job.name),
            None => "",
        }
    }

    /// Ends one, and gives what runs next.
    pub fn end(&mut self, kind: Kind, took_ms: u64) -> &'static str {
        self.finish(kind, took_ms);
        self.start()
    }

    pub fn finish(&mut self, kind: Kind, took_ms: u64) {
        let began = self.now - Duration::from_millis(took_ms);
        self.lane.finish(kind, began, self.now);
    }
}
