//! Peers and kinds of jobs side by side on one lane.

use std::time::Duration;

use super::jobs::{Came, Desk};
use crate::dispatch::lane::{Kind, Next};

const MINUTE: Duration = Duration::from_secs(60);

#[test]
fn peers_are_served_in_turn_and_each_in_order() {
    let mut desk = Desk::new(1, 1, 100);
    for name in ["a1", "a2", "a3", "a4"] {
        assert_eq!(desk.short(1, name), Came::Taken);
    }
    assert_eq!(desk.start(), "a1");
    desk.short(2, "b1");
    desk.short(2, "b2");
    desk.short(3, "c1");
    let order: Vec<_> = (0..6).map(|_| desk.end(Kind::Short, 1)).collect();
    assert_eq!(order, ["a2", "b1", "c1", "a3", "b2", "a4"]);
    assert_eq!(desk.end(Kind::Short, 1), "");
}

#[test]
fn in_a_full_queue_the_newest_of_the_fullest_gives_way_to_others() {
    let mut desk = Desk::new(1, 1, 4);
    desk.short(1, "runs");
    assert_eq!(desk.start(), "runs");
    for name in ["a1", "a2", "a3", "a4"] {
        assert_eq!(desk.short(1, name), Came::Taken);
    }
    assert_eq!(desk.short(1, "a5"), Came::Full);
    assert_eq!(desk.short(2, "b1"), Came::InsteadOf("a4"));
    assert_eq!(desk.short(2, "b2"), Came::InsteadOf("a3"));
    // Now they have the same.
    assert_eq!(desk.short(2, "b3"), Came::Full);
    assert_eq!(desk.short(1, "a6"), Came::Full);
    assert_eq!(desk.short(3, "c1"), Came::InsteadOf("a2"));
    assert_eq!(desk.short(4, "d1"), Came::InsteadOf("b2"));
    assert_eq!(desk.short(5, "e1"), Came::Full);
    let order: Vec<_> = (0..4).map(|_| desk.end(Kind::Short, 1)).collect();
    assert_eq!(order, ["a1", "b1", "c1", "d1"]);
    let figures = desk.lane.figures();
    assert_eq!((figures.refused_full, figures.displaced), (4, 4));
    assert_eq!((figures.waiting, figures.running), (0, 1));
}

/// Whoever has nothing waiting waits for one job of each other peer only, and is
/// expected to.
#[test]
fn a_quiet_peer_is_not_refused_for_what_a_noisy_one_has_waiting() {
    let mut desk = Desk::new(1, 1, 1_000);
    desk.learn(100);
    for _ in 0..100 {
        desk.short(1, "noise");
    }
    assert_eq!(desk.start(), "noise");
    let second = Duration::from_secs(1);
    let Came::TooLate(wait) = desk.within(1, "more", false, second) else {
        panic!("taken, or full");
    };
    assert!(wait > second * 9 && wait <= second * 10, "{wait:?}");
    assert_eq!(desk.within(2, "quiet", false, second), Came::Taken);
    assert_eq!(desk.end(Kind::Short, 100), "noise");
    assert_eq!(desk.end(Kind::Short, 100), "quiet");
    assert_eq!(desk.lane.figures().refused_too_late, 1);
}

#[test]
fn long_jobs_leave_places_to_short_ones() {
    let mut desk = Desk::new(4, 2, 100);
    for name in ["l1", "l2", "l3", "l4"] {
        assert_eq!(desk.long(1, name), Came::Taken);
    }
    assert_eq!([desk.start(), desk.start(), desk.start()], ["l1", "l2", ""]);
    desk.short(1, "s1");
    desk.short(1, "s2");
    desk.short(1, "s3");
    assert_eq!([desk.start(), desk.start(), desk.start()], ["s1", "s2", ""]);
    assert_eq!(desk.lane.figures().running_long, 2);
    assert_eq!(desk.end(Kind::Short, 1), "s3");
    assert_eq!(desk.end(Kind::Long, 1), "l3");
    assert_eq!(desk.end(Kind::Long, 1), "l4");
}

#[test]
fn jobs_that_may_be_long_leave_places_to_short_ones_too() {
    let mut desk = Desk::new(4, 2, 100);
    for name in ["u1", "u2", "u3"] {
        assert_eq!(desk.unknown(1, name), Came::Taken);
    }
    desk.long(1, "l1");
    assert_eq!([desk.start(), desk.start(), desk.start()], ["u1", "l1", ""]);
    desk.short(1, "s1");
    desk.short(1, "s2");
    assert_eq!([desk.start(), desk.start(), desk.start()], ["s1", "s2", ""]);
    assert_eq!(desk.end(Kind::Long, 1), "u2");
    assert_eq!(desk.end(Kind::Unknown, 1), "u3");
}

/// However many long ones there are: else it would never be known to be short.
#[test]
fn what_may_be_long_does_not_wait_for_long_ones() {
    let mut desk = Desk::new(8, 4, 100);
    for name in ["l1", "l2", "l3", "l4", "l5"] {
        desk.long(1, name);
    }
    let started: Vec<_> = (0..5).map(|_| desk.start()).collect();
    assert_eq!(started, ["l1", "l2", "l3", "l4", ""]);
    for name in ["u1", "u2", "u3"] {
        desk.unknown(1, name);
    }
    assert_eq!([desk.start(), desk.start(), desk.start()], ["u1", "u2", ""]);
    // Not all places of the short ones.
    desk.short(1, "s1");
    desk.short(1, "s2");
    desk.short(1, "s3");
    assert_eq!([desk.start(), desk.start(), desk.start()], ["s1", "s2", ""]);
}

#[test]
fn neither_kind_starves_the_other() {
    let mut desk = Desk::new(1, 1, 100);
    for _ in 0..3 {
        desk.short(1, "short");
        desk.long(1, "long");
    }
    let mut order = vec![desk.start()];
    for _ in 0..5 {
        let kind = match *order.last().unwrap() {
            "short" => Kind::Short,
            _ => Kind::Long,
        };
        order.push(desk.end(kind, 1));
    }
    assert_eq!(order, ["short", "long", "short", "long", "short", "long"]);
}

/// Open transactions hold their places for long; but long jobs go on, if only one
/// at a time.
#[test]
fn what_is_held_counts_among_the_long_ones() {
    let mut desk = Desk::new(8, 4, 100);
    for _ in 0..3 {
        desk.lane.hold();
    }
    desk.long(1, "l1");
    desk.long(1, "l2");
    assert_eq!([desk.start(), desk.start()], ["l1", ""]);
    desk.lane.hold();
    desk.lane.hold();
    assert_eq!(desk.end(Kind::Long, 1), "l2");
    desk.long(1, "l3");
    desk.lane.release();
    desk.lane.release();
    assert_eq!(desk.start(), "");
    desk.lane.release();
    assert_eq!(desk.start(), "l3");
}

#[test]
fn each_kind_is_expected_to_take_what_its_own_took() {
    let mut desk = Desk::new(2, 1, 100);
    desk.learn(1);
    for _ in 0..100 {
        desk.long(1, "long");
        desk.start();
        desk.now += Duration::from_secs(10);
        desk.end(Kind::Long, 10_000);
    }
    for name in ["l1", "l2"] {
        desk.long(1, name);
        desk.start();
    }
    desk.short(1, "s1");
    assert_eq!(desk.start(), "s1");
    let second = Duration::from_secs(1);
    assert_eq!(desk.within(1, "s2", false, second), Came::Taken);
    let Came::TooLate(wait) = desk.within(1, "l3", true, second) else {
        panic!("taken, or full");
    };
    assert!(wait > Duration::from_secs(15), "{wait:?}");
    assert_eq!(desk.within(1, "l3", true, MINUTE), Came::Taken);
}

#[test]
fn a_lane_with_a_place_takes_a_job_whatever_it_expects() {
    let mut desk = Desk::new(1, 1, 100);
    desk.learn(10_000);
    let hurry = Duration::from_millis(50);
    assert_eq!(desk.within(1, "probe", false, hurry), Came::Taken);
    assert_eq!(desk.start(), "probe");
    assert!(matches!(
        desk.within(1, "behind", false, hurry),
        Came::TooLate(_)
    ));
}

#[test]
fn what_has_too_little_time_left_is_given_up_unless_nobody_else_waits() {
    let mut desk = Desk::new(1, 1, 100);
    desk.learn(30);
    desk.short(1, "runs");
    desk.start();
    let patience = Duration::from_millis(100);
    assert_eq!(desk.within(1, "hurried", false, patience), Came::Taken);
    assert_eq!(desk.within(1, "other", false, MINUTE), Came::Taken);
    desk.now += Duration::from_millis(75);
    desk.finish(Kind::Short, 30);
    let next = desk.lane.start(desk.now);
    assert!(matches!(next, Some(Next::GiveUp(job, _)) if job.name == "hurried"));
    // No further worker is brought in while it is answered.
    assert!(desk.lane.start(desk.now).is_none());
    desk.lane.given_up(Kind::Short);
    assert_eq!(desk.start(), "other");
    assert_eq!(desk.lane.figures().expired, 1);
    assert_eq!(desk.within(1, "hurried", false, patience), Came::Taken);
    desk.now += Duration::from_millis(75);
    assert_eq!(desk.end(Kind::Short, 30), "hurried");
}

#[test]
fn what_expires_leaves_the_others_in_their_order() {
    let mut desk = Desk::new(1, 1, 100);
    desk.short(1, "runs");
    desk.start();
    let short = Duration::from_millis(5);
    for (number, name, timeout) in [
        (1, "a1", MINUTE),
        (1, "a2", short),
        (2, "b1", short),
        (1, "a3", MINUTE),
        (3, "c1", MINUTE),
        (2, "b2", MINUTE),
    ] {
        assert_eq!(desk.within(number, name, false, timeout), Came::Taken);
    }
    let mut expired = Vec::new();
    desk.lane.take_expired(desk.now, &mut expired);
    assert!(expired.is_empty());
    desk.now += short;
    desk.lane.take_expired(desk.now, &mut expired);
    let names: Vec<_> = expired.iter().map(|job| job.name).collect();
    assert_eq!(names, ["a2", "b1"]);
    assert_eq!(desk.lane.figures().expired, 2);
    let order: Vec<_> = (0..4).map(|_| desk.end(Kind::Short, 1)).collect();
    assert_eq!(order, ["a1", "b2", "c1", "a3"]);
    // Nobody is left behind in the books.
    assert_eq!(desk.lane.figures().waiting, 0);
    assert_eq!(desk.short(4, "d1"), Came::Taken);
    assert_eq!(desk.end(Kind::Short, 1), "d1");
}
