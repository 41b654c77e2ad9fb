mod books;
mod fairness;
mod jobs;
mod overload;
mod simulation;
mod turned;

pub(super) use simulation::Order;

use std::sync::mpsc::{self, Receiver, Sender};
use std::time::{Duration, Instant};

use super::*;

impl<J: Job> Dispatcher<J> {
    fn load(&self, lane: usize) -> usize {
        let figures = self.figures(lane);
        figures.waiting + figures.running
    }
}

/// Reports its name when it starts, then waits to be let go.
struct Gate {
    name: &'static str,
    started: Sender<&'static str>,
    go: Receiver<()>,
    deadline: Instant,
}

impl Job for Gate {
    type Scratch = ();

    fn deadline(&self) -> Instant {
        self.deadline
    }

    fn peer(&self) -> Peer {
        Peer::Local
    }

    fn is_long(&self) -> bool {
        false
    }

    fn expire(self, _: &mut ()) {}

    fn run(self, _: &mut ()) {
        self.started.send(self.name).unwrap();
        self.go.recv().ok();
    }
}

struct Bench {
    dispatcher: Dispatcher<Gate>,
    started: (Sender<&'static str>, Receiver<&'static str>),
}

impl Bench {
    fn new(lanes: &[(usize, usize)], threads_max: usize) -> Bench {
        let lanes: Vec<LaneLimits> = lanes
            .iter()
            .map(|&(in_flight_max, queue_max)| LaneLimits {
                in_flight_max,
                long_max: in_flight_max,
                queue_max,
            })
            .collect();
        Bench {
            dispatcher: Dispatcher::new(&lanes, threads_max),
            started: mpsc::channel(),
        }
    }

    /// Submits; the sender lets the job end.
    fn submit(&self, lane: usize, name: &'static str) -> Result<Sender<()>, &'static str> {
        self.submit_within(lane, name, Duration::from_secs(60))
    }

    fn submit_within(
        &self,
        lane: usize,
        name: &'static str,
        timeout: Duration,
    ) -> Result<Sender<()>, &'static str> {
        let (go, gate) = mpsc::channel();
        let job = Gate {
            name,
            started: self.started.0.clone(),
            go: gate,
            deadline: Instant::now() + timeout,
        };
        match self.dispatcher.submit(lane, job) {
            Ok(_) => Ok(go),
            Err(Refusal::Full { .. }) => Err("full"),
            Err(Refusal::TooLate { .. }) => Err("too late"),
            Err(Refusal::Stopped(_)) => Err("stopped"),
        }
    }

    fn next(&self) -> &'static str {
        self.started
            .1
            .recv_timeout(Duration::from_secs(10))
            .unwrap()
    }

    fn nothing_starts(&self) -> bool {
        let pause = Duration::from_millis(50);
        self.started.1.recv_timeout(pause).is_err()
    }
}

#[test]
fn a_lane_runs_at_most_its_limit_and_in_order() {
    let bench = Bench::new(&[(2, 10)], 8);
    let a = bench.submit(0, "a").unwrap();
    let _b = bench.submit(0, "b").unwrap();
    let _c = bench.submit(0, "c").unwrap();
    let _d = bench.submit(0, "d").unwrap();
    let mut first = [bench.next(), bench.next()];
    first.sort();
    assert_eq!(first, ["a", "b"]);
    assert!(bench.nothing_starts());
    a.send(()).unwrap();
    assert_eq!(bench.next(), "c");
    assert!(bench.nothing_starts());
}

#[test]
fn a_held_place_is_no_place_in_the_queue() {
    let bench = Bench::new(&[(2, 1)], 8);
    bench.dispatcher.hold(0);
    bench.dispatcher.hold(0);
    let _waits = bench.submit(0, "waits").unwrap();
    assert!(bench.submit(0, "one more").is_err());
}

#[test]
fn what_holds_a_place_keeps_a_job_from_running() {
    let bench = Bench::new(&[(2, 10)], 8);
    bench.dispatcher.hold(0);
    let a = bench.submit(0, "a").unwrap();
    let _b = bench.submit(0, "b").unwrap();
    assert_eq!(bench.next(), "a");
    assert!(bench.nothing_starts());
    a.send(()).unwrap();
    assert_eq!(bench.next(), "b");
    let _c = bench.submit(0, "c").unwrap();
    assert!(bench.nothing_starts());
    bench.dispatcher.release(0);
    assert_eq!(bench.next(), "c");
}

#[test]
fn a_full_lane_refuses_at_once_and_others_go_on() {
    let bench = Bench::new(&[(1, 1), (1, 1)], 8);
    let _running = bench.submit(0, "running").unwrap();
    assert_eq!(bench.next(), "running");
    let _waiting = bench.submit(0, "waiting").unwrap();
    assert_eq!(bench.submit(0, "one more").err(), Some("full"));
    let _other = bench.submit(1, "other").unwrap();
    assert_eq!(bench.next(), "other");
}

#[test]
fn a_job_that_would_wait_past_its_deadline_is_refused() {
    let bench = Bench::new(&[(1, 10)], 1);
    for _ in 0..3 {
        let slow = bench.submit(0, "slow").unwrap();
        bench.next();
        std::thread::sleep(Duration::from_millis(80));
        slow.send(()).unwrap();
        while bench.dispatcher.load(0) > 0 {
            std::thread::yield_now();
        }
    }
    let _running = bench.submit(0, "running").unwrap();
    let _waiting = bench.submit(0, "waiting").unwrap();
    let hurried = bench.submit_within(0, "hurried", Duration::from_millis(1));
    assert_eq!(hurried.err(), Some("too late"));
    assert!(bench.submit(0, "patient").is_ok());
}

#[test]
fn lanes_with_work_take_turns() {
    let bench = Bench::new(&[(1, 10), (1, 10)], 1);
    let first = bench.submit(0, "a1").unwrap();
    assert_eq!(bench.next(), "a1");
    let gates: Vec<_> = [(0, "a2"), (0, "a3"), (1, "b1"), (1, "b2")]
        .map(|(lane, name)| bench.submit(lane, name).unwrap())
        .into();
    drop(first);
    drop(gates);
    let order = [bench.next(), bench.next(), bench.next(), bench.next()];
    assert_eq!(order, ["b1", "a2", "b2", "a3"]);
}

#[test]
fn a_stopped_dispatcher_gives_back_what_waits() {
    let bench = Bench::new(&[(1, 10)], 1);
    let _running = bench.submit(0, "running").unwrap();
    assert_eq!(bench.next(), "running");
    let _waiting = bench.submit(0, "waiting").unwrap();
    let returned = bench.dispatcher.stop();
    assert_eq!(returned.len(), 1);
    assert_eq!(bench.submit(0, "late").err(), Some("stopped"));
}

#[test]
fn what_expires_while_it_waits_is_given_back() {
    let bench = Bench::new(&[(1, 10), (1, 10)], 2);
    let running = bench.submit(0, "running").unwrap();
    assert_eq!(bench.next(), "running");
    let _hurried = bench.submit_within(0, "hurried", Duration::from_millis(5));
    let _patient = bench.submit(0, "patient").unwrap();
    assert!(bench.dispatcher.take_expired().len() <= 1);
    std::thread::sleep(Duration::from_millis(10));
    bench.dispatcher.take_expired();
    assert_eq!(bench.dispatcher.load(0), 2);
    drop(running);
    assert_eq!(bench.next(), "patient");
}

/// With a thousand shards, what looks for the expired sees only those in use.
#[test]
fn lanes_where_nothing_waits_are_not_looked_at() {
    let bench = Bench::new(&[(1, 10); 1_000], 2);
    let running = bench.submit(7, "running").unwrap();
    assert_eq!(bench.next(), "running");
    let waiting = bench.submit(7, "waiting").unwrap();
    let watched = || bench.dispatcher.shared.lock().watched.clone();
    bench.dispatcher.take_expired();
    assert_eq!(watched(), [7]);
    drop(running);
    assert_eq!(bench.next(), "waiting");
    bench.dispatcher.take_expired();
    assert!(watched().is_empty());
    drop(waiting);
}

/// Panics when it runs.
struct Bomb;

impl Job for Bomb {
    type Scratch = ();

    fn deadline(&self) -> Instant {
        Instant::now() + Duration::from_secs(60)
    }

    fn peer(&self) -> Peer {
        Peer::Local
    }

    fn is_long(&self) -> bool {
        false
    }

    fn expire(self, _: &mut ()) {}

    fn run(self, _: &mut ()) {
        panic!("as it should");
    }
}

#[test]
fn a_job_that_panics_gives_its_place_back() {
    let limits = LaneLimits {
        in_flight_max: 1,
        long_max: 1,
        queue_max: 10,
    };
    let dispatcher = Dispatcher::new(&[limits], 1);
    for _ in 0..3 {
        assert!(dispatcher.submit(0, Bomb).is_ok());
    }
    while dispatcher.load(0) > 0 {
        std::thread::yield_now();
    }
}
