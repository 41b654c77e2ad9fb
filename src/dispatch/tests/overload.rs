//! What a lane gets done in time when more comes than it can do.

use std::time::Duration;

use super::jobs::{Came, Desk};
use super::simulation::{MEAN, Order, Random, Simulation};
use crate::dispatch::lane::Kind;

const LOADS: [f64; 6] = [0.9, 1.0, 2.0, 5.0, 10.0, 20.0];
const SECOND: Duration = Duration::from_secs(1);

type Takes = fn(&mut Random, Duration) -> Duration;

fn all_alike(_: &mut Random, _: Duration) -> Duration {
    MEAN
}

fn exponential(random: &mut Random, _: Duration) -> Duration {
    random.exponential(MEAN)
}

/// One in a hundred takes a third of all the time.
fn some_slow(random: &mut Random, _: Duration) -> Duration {
    match random.next() < 0.01 {
        true => MEAN.mul_f64(0.33 / 0.01),
        false => MEAN.mul_f64(0.67 / 0.99),
    }
}

fn simulation(takes: Takes, load: f64, timeout_ms: u64) -> Simulation {
    Simulation {
        order: Order::default(),
        load,
        timeout: Duration::from_millis(timeout_ms),
        takes,
        lasts: SECOND * 3 / 2,
    }
}

/// Goodput at each load, as a part of the most that there can be.
fn curve(order: Order, takes: Takes, timeout_ms: u64) -> [f64; LOADS.len()] {
    LOADS.map(|load| {
        let simulation = Simulation {
            order,
            ..simulation(takes, load, timeout_ms)
        };
        simulation.goodput(SECOND / 4, simulation.lasts)
    })
}

/// To see the table: cargo test --lib overload -- --nocapture
#[test]
fn goodput_stays_at_its_peak_and_first_in_first_out_is_no_worse_than_any_order() {
    let cases: [(&str, Takes, u64); 5] = [
        ("all alike, 100 ms", all_alike, 100),
        ("exponential, 100 ms", exponential, 100),
        ("some slow, 100 ms", some_slow, 100),
        ("all alike, 20 ms", all_alike, 20),
        ("exponential, 20 ms", exponential, 20),
    ];
    println!("goodput at {LOADS:?} times what the places can do");
    for (name, takes, timeout_ms) in cases {
        let curves = Order::ALL.map(|order| curve(order, takes, timeout_ms));
        for (order, curve) in Order::ALL.iter().zip(&curves) {
            println!("{name:20} {:18} {curve:.2?}", format!("{order:?}"));
        }
        let peaks = curves.map(|curve| curve.into_iter().fold(0.0, f64::max));
        let [first_in, ..] = curves;
        let overloaded = &first_in[2..];
        for goodput in overloaded {
            assert!(*goodput >= 0.9 * peaks[0], "{name}: {first_in:?}");
        }
        for (order, curve) in Order::ALL.iter().zip(&curves) {
            for (ours, theirs) in first_in.iter().zip(curve) {
                assert!(*ours >= 0.85 * theirs, "{name}, {order:?}: {curves:?}");
            }
        }
    }
}

/// A database that answers nothing from 1 s to 3 s.
fn stopped_for_two_seconds(random: &mut Random, now: Duration) -> Duration {
    match now >= SECOND && now < SECOND * 3 {
        true => SECOND * 3 - now + MEAN,
        false => exponential(random, now),
    }
}

/// One that is gone, and says so at once.
fn gone_for_two_seconds(random: &mut Random, now: Duration) -> Duration {
    match now >= SECOND && now < SECOND * 3 {
        true => Duration::from_micros(20),
        false => exponential(random, now),
    }
}

#[test]
fn goodput_is_back_soon_after_an_outage() {
    let outages: [Takes; 2] = [stopped_for_two_seconds, gone_for_two_seconds];
    for (takes, load) in outages.into_iter().flat_map(|t| [(t, 0.8), (t, 5.0)]) {
        for timeout_ms in [50, 500, 10_000] {
            let simulation = Simulation {
                lasts: SECOND * 5,
                ..simulation(takes, load, timeout_ms)
            };
            let after = simulation.goodput(SECOND * 7 / 2, SECOND * 9 / 2);
            assert!(after >= 0.75, "load {load}, {timeout_ms} ms: {after}");
        }
    }
}

/// Of a lane with many places, nobody is sent away who has more time than it
/// takes: all of them were held up once, by the same thing.
#[test]
fn an_outage_counts_once_however_many_it_has_held_up() {
    const MANY: u8 = 64;
    let mut desk = Desk::new(MANY.into(), MANY.into(), 1_000);
    desk.learn(2);
    for _ in 0..MANY {
        desk.short(1, "held up");
        desk.start();
    }
    for _ in 0..2 * MANY {
        desk.short(1, "waits");
    }
    let began = desk.now;
    desk.now += 2 * SECOND;
    for _ in 0..MANY {
        desk.lane.finish(Kind::Short, began, desk.now);
    }
    for _ in 0..MANY {
        assert_eq!(desk.start(), "waits");
    }
    let came = desk.within(1, "new", false, SECOND);
    assert!(matches!(came, Came::Taken), "{came:?}");
}

/// A statement that takes a minute, now and then, is not taken for the rule.
fn rarely_a_minute(_: &mut Random, now: Duration) -> Duration {
    match now.as_millis().is_multiple_of(500) {
        true => 60 * SECOND,
        false => MEAN,
    }
}

#[test]
fn one_slow_statement_does_not_close_the_lane() {
    let simulation = simulation(rarely_a_minute, 5.0, 100);
    let goodput = simulation.goodput(SECOND / 4, simulation.lasts);
    assert!(goodput >= 0.7, "{goodput}");
}

/// All callers give less time than a job has been taking, until it takes less.
fn quick_after_a_second(_: &mut Random, now: Duration) -> Duration {
    match now < SECOND {
        true => Duration::from_millis(200),
        false => MEAN,
    }
}

#[test]
fn a_lane_that_could_do_nothing_in_time_finds_out_that_it_can() {
    let simulation = Simulation {
        lasts: SECOND * 3,
        ..simulation(quick_after_a_second, 2.0, 50)
    };
    let before = simulation.goodput(SECOND / 2, SECOND);
    let after = simulation.goodput(SECOND * 3 / 2, simulation.lasts);
    assert!(before < 0.01, "{before}");
    assert!(after >= 0.9, "{after}");
}
