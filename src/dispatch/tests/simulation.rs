//! A shard in virtual time: arrivals that do not care what became of those before
//! them, a lane, and places in which jobs take as long as they like.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};
use std::time::{Duration, Instant};

use super::jobs::{Paper, peer};
use crate::dispatch::lane::{Kind, Lane, Next};
use crate::dispatch::{Job, LaneLimits};

/// In what order the jobs of one peer are served. Only the first is in use; the
/// others are here to be compared with it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Order {
    #[default]
    FirstIn,
    LastIn,
    EarliestDeadline,
    /// Last in, first out while more wait than twice the places.
    Adaptive,
}

impl Order {
    pub const ALL: [Order; 4] = [
        Order::FirstIn,
        Order::LastIn,
        Order::EarliestDeadline,
        Order::Adaptive,
    ];

    /// Brings the next job to the front.
    pub fn arrange<W>(self, jobs: &mut VecDeque<W>, deadline: impl Fn(&W) -> Instant) {
        let last = jobs.len().saturating_sub(1);
        let next = match self {
            Order::FirstIn => 0,
            Order::LastIn => last,
            Order::EarliestDeadline => {
                let earliest = (0..jobs.len()).min_by_key(|&at| deadline(&jobs[at]));
                earliest.unwrap_or(0)
            }
            Order::Adaptive if jobs.len() > 2 * PLACES => last,
            Order::Adaptive => 0,
        };
        if let Some(job) = jobs.remove(next) {
            jobs.push_front(job);
        }
    }
}

pub const PLACES: usize = 8;
/// What a job takes on average, so that a load of 1 is all that the places can do.
pub const MEAN: Duration = Duration::from_millis(4);

/// To stop a job at its deadline takes this.
const STOPPING: Duration = Duration::from_millis(2);
const SWEEP_PERIOD: Duration = Duration::from_millis(10);

pub struct Simulation {
    pub order: Order,
    /// Of what the places can do.
    pub load: f64,
    pub timeout: Duration,
    /// What a job takes that begins at a time.
    pub takes: fn(&mut Random, Duration) -> Duration,
    pub lasts: Duration,
}

/// Something that happens, by when and which.
type Event = Reverse<(Duration, u64)>;

struct World<'s> {
    simulation: &'s Simulation,
    begin: Instant,
    now: Duration,
    random: Random,
    lane: Lane<Paper>,
    ends: BinaryHeap<Event>,
    /// Of each job that runs: when it began, and whether it ends in time.
    running: Vec<(Instant, bool)>,
    good: Vec<Duration>,
}

impl Simulation {
    /// When jobs were done in time.
    pub fn run(&self) -> Vec<Duration> {
        let limits = LaneLimits {
            in_flight_max: PLACES,
            long_max: PLACES,
            queue_max: 1_000,
        };
        let mut lane = Lane::new(&limits);
        lane.set_order(self.order);
        World {
            simulation: self,
            begin: Instant::now(),
            now: Duration::ZERO,
            random: Random(0x9E37_79B9_7F4A_7C15),
            lane,
            ends: BinaryHeap::new(),
            running: Vec::new(),
            good: Vec::new(),
        }
        .run()
    }

    /// Of what the places can do in this time, how much was done in time.
    pub fn goodput(&self, from: Duration, to: Duration) -> f64 {
        let good = self.run();
        let good = good.iter().filter(|&&at| from <= at && at < to).count();
        good as f64 * MEAN.as_secs_f64() / (to - from).as_secs_f64() / PLACES as f64
    }
}

impl World<'_> {
    fn run(mut self) -> Vec<Duration> {
        let apart = MEAN.div_f64(self.simulation.load * PLACES as f64);
        let mut arrival = Duration::ZERO;
        let mut sweep = SWEEP_PERIOD;
        while self.now < self.simulation.lasts {
            let end = self.ends.peek().map_or(Duration::MAX, |end| end.0.0);
            self.now = end.min(arrival).min(sweep);
            if self.now == arrival {
                self.arrive();
                arrival += self.random.exponential(apart);
            } else if self.now == sweep {
                let now = self.instant();
                self.lane.take_expired(now, &mut Vec::new());
                sweep += SWEEP_PERIOD;
            } else {
                self.end();
            }
            self.start();
        }
        self.good
    }

    fn instant(&self) -> Instant {
        self.begin + self.now
    }

    fn arrive(&mut self) {
        let now = self.instant();
        let job = Paper {
            peer: peer(1),
            is_long: false,
            may_be_long: false,
            deadline: now + self.simulation.timeout,
            name: "",
        };
        let _ = self.lane.admit(job, now);
    }

    fn start(&mut self) {
        while let Some(next) = self.lane.start(self.instant()) {
            let job = match next {
                Next::Run(job, _) => job,
                Next::GiveUp(_, kind) => {
                    self.lane.given_up(kind);
                    continue;
                }
            };
            let left = job.deadline() - self.instant();
            let takes = (self.simulation.takes)(&mut self.random, self.now);
            let in_time = takes <= left;
            let took = if in_time { takes } else { left + STOPPING };
            let index = self.running.len();
            self.running.push((self.instant(), in_time));
            self.ends.push(Reverse((self.now + took, index as u64)));
        }
    }

    fn end(&mut self) {
        let Some(Reverse((_, index))) = self.ends.pop() else {
            return;
        };
        let (began, in_time) = self.running[index as usize];
        let now = self.instant();
        self.lane.finish(Kind::Short, began, now);
        if in_time {
            self.good.push(self.now);
        }
    }
}

/// Numbers that look random, and are the same in every run (xorshift64).
pub struct Random(u64);

impl Random {
    /// From 0 to 1, and neither.
    pub fn next(&mut self) -> f64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        ((self.0 >> 11) as f64 + 0.5) / (1u64 << 53) as f64
    }

    pub fn exponential(&mut self, mean: Duration) -> Duration {
        mean.mul_f64(-self.next().ln())
    }
}
