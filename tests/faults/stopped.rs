//! A database that does not answer for a while, and keeps all its connections.

use std::time::Duration;

use forebay::rpc::generated::ErrorCode;

use super::trial::{HURRIED, PATIENT, Trial, assert_ended_in_time};
use crate::support::load::{Plan, failures, summary};
use crate::support::proven::assert_outcomes_are_true;
use crate::support::server::Mariadb;
use crate::support::*;

fn stop_for_a_second(trial: &mut Trial) {
    trial.database.stop();
    std::thread::sleep(Duration::from_secs(1));
    trial.database.go_on();
}

/// What had been asked when it stopped is not done later behind the caller's
/// back and called NOT_APPLIED.
#[test]
fn a_stopped_database_is_waited_for_until_the_deadline() {
    let mut trial = Trial::new(&[]);
    let plan = Plan::new(12, 4, HURRIED);
    let calls = trial.under_load("stopped", plan, stop_for_a_second);
    assert!(failures(&calls).count() > 0, "it was not noticed");
    for failure in failures(&calls) {
        let code = failure.code.as_deref().unwrap_or_default();
        let timed_out = ["DEADLINE_EXCEEDED", "QUEUE_TIMEOUT", "SHARD_UNAVAILABLE"];
        assert!(timed_out.contains(&code), "{failure}");
    }
    assert_ended_in_time(&calls, HURRIED);
    assert_outcomes_are_true(&calls, &[&trial.database]);
}

#[test]
fn a_stopped_database_costs_patient_callers_time_only() {
    let mut trial = Trial::new(&[]);
    let plan = Plan::new(12, 4, PATIENT);
    let calls = trial.under_load("stopped, patient", plan, stop_for_a_second);
    assert_eq!(failures(&calls).count(), 0, "{}", summary(&calls));
    assert_outcomes_are_true(&calls, &[&trial.database]);
}

/// Longer than a connection may take: whoever tells it to stop something is not heard
/// meanwhile either.
#[test]
fn what_was_late_while_a_database_was_stopped_is_stopped_when_it_goes_on() {
    use mysql::prelude::Queryable;
    let database = Mariadb::new(&[]);
    let trial = Trial::on(database, "connect_timeout_ms = 300");
    let mut client = trial.service.client_within(5 * HURRIED);
    // As long as it works, MariaDB does not notice that nobody waits for it.
    let works = "SELECT BENCHMARK(1000000000000, SHA2('x', 512)) AS stopped_late";
    let runs = || {
        let find = "SELECT COUNT(*) FROM information_schema.processlist \
                    WHERE info LIKE '%AS stopped_late' AND user = 'app'";
        let count: Option<u32> = trial.database.direct().query_first(find).unwrap();
        count != Some(0)
    };
    client.run("main", "DO 1", &[]);
    std::thread::scope(|scope| {
        let asked = scope.spawn(move || client.fails("main", works, &[]));
        wait_until("it runs", runs);
        trial.database.stop();
        let error = asked.join().unwrap();
        assert_error(&error, ErrorCode::DEADLINE_EXCEEDED, "");
    });
    std::thread::sleep(Duration::from_secs(1));
    trial.database.go_on();
    wait_until("it is stopped", || !runs());
}

/// All tables locked by another, as a backup does it: who waits for the lock is
/// stopped at the deadline, and gives back the connection to those who read.
#[test]
fn writes_wait_for_a_global_lock_until_the_deadline() {
    use mysql::prelude::Queryable;
    let mut trial = Trial::new(&[]);
    let plan = Plan::new(6, 4, HURRIED);
    let calls = trial.under_load("locked", plan, |trial| {
        let mut other = trial.database.direct();
        other.query_drop("FLUSH TABLES WITH READ LOCK").unwrap();
        std::thread::sleep(Duration::from_secs(1));
        other.query_drop("UNLOCK TABLES").unwrap();
    });
    assert!(failures(&calls).count() > 0, "it was not noticed");
    for call in calls.iter().filter(|call| call.failure.is_some()) {
        let failure = call.failure.as_ref().unwrap();
        assert!(call.writes.is_some(), "a read: {failure}");
        let code = failure.code.as_deref();
        assert_eq!(code, Some("DEADLINE_EXCEEDED"), "{failure}");
    }
    assert_ended_in_time(&calls, HURRIED);
    assert_outcomes_are_true(&calls, &[&trial.database]);
}
