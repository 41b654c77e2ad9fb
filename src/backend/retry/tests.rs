//! What is sent again, and what is not.

use std::cell::Cell;

use super::*;
use crate::budget::Memory;

fn limits() -> Limits {
    Limits {
        deadline: Instant::now() + Duration::from_secs(20),
        result_max_rows: 1,
        warnings_max: 0,
        budget: Memory::new(1).budget(1),
        cancel: None,
        idempotent: false,
        meter: None,
    }
}

fn retries(percent: u32) -> Retries {
    Retries::new(&PoolConfig {
        max_connections: 8,
        retry_budget_percent: percent,
        ..PoolConfig::default()
    })
}

fn lost(outcome: Outcome) -> Error {
    Error::new(ErrorKind::ConnectionLost, "lost").with_outcome(outcome)
}

fn sent(error: Error) -> Try<u32> {
    Try {
        result: Err(error),
        sent: true,
        replaced: false,
    }
}

fn done() -> Try<u32> {
    Try {
        result: Ok(7),
        sent: true,
        replaced: false,
    }
}

/// Runs what fails so often before it is done: the result, and how often it was
/// sent and tried.
fn run(
    retries: &Retries,
    safety: Safety,
    failures: u32,
    failure: impl Fn() -> Try<u32>,
) -> (Result<u32>, u32, u32) {
    let tries = Cell::new(0);
    let (result, times) = retries.run(
        safety,
        &limits(),
        |result| result.as_ref().err(),
        |_| {},
        || {
            tries.set(tries.get() + 1);
            match tries.get() <= failures {
                true => failure(),
                false => done(),
            }
        },
    );
    (result, times, tries.get())
}

#[test]
fn what_may_be_sent_again_is() {
    let unsent = || Try::unsent(lost(Outcome::NotApplied));
    let read = || sent(lost(Outcome::NotApplied));
    let written = || sent(lost(Outcome::Unknown));
    let deadlock = || sent(Error::new(ErrorKind::Deadlock, "deadlock"));
    let read_only = |replaced| Try {
        replaced,
        ..sent(Error::new(ErrorKind::ShardReadOnly, "read-only"))
    };
    use Safety::{Once, Repeatable, RepeatableUnit};
    type Case<'c> = (&'c str, Safety, &'c dyn Fn() -> Try<u32>, Option<u32>);
    let cases: [Case<'_>; 12] = [
        ("nothing was sent", Once, &unsent, Some(1)),
        ("a read", Repeatable, &read, Some(2)),
        ("an idempotent write", Repeatable, &written, Some(2)),
        ("an idempotent batch", RepeatableUnit, &written, Some(2)),
        ("a write", Once, &written, None),
        ("a write that is known to be undone", Once, &read, None),
        ("a deadlock", Repeatable, &deadlock, Some(2)),
        ("a deadlock of a write", Once, &deadlock, None),
        ("a deadlock of a batch", RepeatableUnit, &deadlock, None),
        ("a failover", Repeatable, &|| read_only(true), Some(2)),
        ("a failover and a write", Once, &|| read_only(true), None),
        ("no failover", Repeatable, &|| read_only(false), None),
    ];
    for (name, safety, failure, expected) in cases {
        let (result, times, _) = run(&retries(20), safety, 1, failure);
        assert_eq!(result.is_ok(), expected.is_some(), "{name}");
        assert_eq!(times, expected.unwrap_or(1), "{name}");
    }
    let gone = || Try::unsent(Error::new(ErrorKind::ShardUnavailable, "gone"));
    let (result, times, tries) = run(&retries(20), Repeatable, 1, gone);
    assert_eq!((result.is_ok(), times, tries), (false, 0, 1));
}

#[test]
fn the_outcome_is_that_of_all_tries() {
    let first = Cell::new(true);
    let (result, times, _) = run(&retries(20), Safety::Repeatable, 2, || {
        match first.replace(false) {
            true => sent(lost(Outcome::Unknown)),
            false => sent(Error::new(ErrorKind::DuplicateKey, "is there already")),
        }
    });
    let error = result.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::DuplicateKey);
    assert_eq!((error.outcome(), times), (Outcome::Unknown, 2));
}

/// As a batch whose steps are each on their own: what the last try says of its
/// steps, that none was run, is not true of the first.
#[test]
fn a_partial_answer_is_none_once_an_earlier_try_may_have_been_applied() {
    type Steps = Vec<Error>;
    let attempts = Cell::new(0);
    let given_back = Cell::new(0);
    let (result, times) = retries(20).run(
        Safety::RepeatableUnit,
        &limits(),
        |result: &Result<Steps>| result.as_ref().map_or_else(Some, |steps| steps.first()),
        |_| given_back.set(given_back.get() + 1),
        || {
            attempts.set(attempts.get() + 1);
            Try {
                result: Ok(vec![lost(Outcome::NotApplied)]),
                sent: true,
                replaced: false,
            }
        },
    );
    let error = result.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ConnectionLost);
    assert_eq!((error.outcome(), times), (Outcome::Unknown, TRIES_MAX));
    assert_eq!(given_back.get(), attempts.get());
}

#[test]
fn no_request_is_tried_for_ever() {
    let failure = || sent(lost(Outcome::NotApplied));
    let (result, times, tries) = run(&retries(100), Safety::Repeatable, 100, failure);
    assert_eq!(result.unwrap_err().retry(), Retry::AfterPause);
    assert_eq!((times, tries), (TRIES_MAX, TRIES_MAX));
}

#[test]
fn nothing_is_tried_again_past_the_deadline() {
    let retries = retries(20);
    let limits = Limits {
        deadline: Instant::now(),
        ..limits()
    };
    let (_, times) = retries.run(
        Safety::Repeatable,
        &limits,
        |result| result.as_ref().err(),
        |_: &u32| {},
        || sent(lost(Outcome::NotApplied)),
    );
    assert_eq!(times, 1);
    assert_eq!(retries.stats().refused, 0);
}

/// The losses of one server that was killed are all mended; those of one that
/// kills every connection are not.
#[test]
fn the_budget_keeps_an_outage_as_small_as_it_is() {
    let retries = retries(20);
    let failure = || sent(lost(Outcome::NotApplied));
    let started = Instant::now();
    for _ in 0..10 {
        assert!(run(&retries, Safety::Repeatable, 1, failure).0.is_ok());
    }
    let requests = 200;
    let well = (0..requests).filter(|_| run(&retries, Safety::Repeatable, 1, failure).0.is_ok());
    let well = well.count() as u64;
    // A fifth of the requests, and one for each second.
    let most = requests / 5 + started.elapsed().as_secs() + 10 / 5 + 1;
    assert!(
        (requests / 5 - 2..=most).contains(&well),
        "{well} of {most}"
    );
    let stats = retries.stats();
    assert_eq!(stats.requests, 210);
    assert_eq!(stats.retries, 10 + well);
    assert_eq!(stats.refused, requests - well);
}

#[test]
fn no_budget_is_for_what_was_not_sent() {
    let retries = retries(0);
    let failure = || sent(lost(Outcome::NotApplied));
    assert!(run(&retries, Safety::Repeatable, 1, failure).0.is_err());
    let unsent = || Try::unsent(lost(Outcome::NotApplied));
    for _ in 0..40 {
        assert!(run(&retries, Safety::Once, 1, unsent).0.is_ok());
    }
    assert_eq!(retries.stats().refused, 1);
}
