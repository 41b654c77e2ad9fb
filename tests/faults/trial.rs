//! One fault, between a time of which all is compared to and one in which all
//! becomes well again.

use std::time::{Duration, Instant};

use crate::support::load::{Call, Load, Plan, summary};
use crate::support::process::Process;
use crate::support::proven::make_tables;
use crate::support::server::Mariadb;
use crate::support::wait_until;

/// Connections of the shard.
pub const POOL: usize = 6;

/// Callers have so long where a fault is to cost them time only, and the service
/// as much patience: on a busy machine a database takes its time to start.
pub const PATIENT: Duration = Duration::from_secs(12);

/// Callers have so long where a fault is to end their time.
pub const HURRIED: Duration = Duration::from_millis(300);

/// Callers have so long where a fault is to be told to them.
pub const CURIOUS: Duration = Duration::from_secs(1);

const SLACK: Duration = Duration::from_millis(900);

/// Within this, all is well again after a fault. What is promised is a second, by
/// a machine that has nothing else to do; the tests print what it was.
const BACK_WITHIN: Duration = Duration::from_secs(4);

const BEFORE: Duration = Duration::from_millis(1_000);

/// A database, and a service on it in a process of its own.
pub struct Trial {
    pub database: Mariadb,
    pub service: Process,
    /// When nobody had asked for anything yet.
    threads: usize,
    files: usize,
}

/// Beside a worker for each connection: two for what goes to no shard, two that
/// decode what goes to several, and one that is about to end.
const OTHER_THREADS: usize = 5;

impl Trial {
    pub fn new(options: &[&str]) -> Trial {
        Trial::on(Mariadb::new(options), "")
    }

    /// `settings` are further ones of the shard.
    pub fn on(database: Mariadb, settings: &str) -> Trial {
        let service = Process::new(&config(&database, settings));
        Trial::of(database, service)
    }

    pub fn of(database: Mariadb, service: Process) -> Trial {
        make_tables(&database);
        Trial {
            threads: service.threads(),
            files: service.files(),
            database,
            service,
        }
    }

    /// Does `fault` while the load goes on; returns when the goodput is full
    /// again, with every call that was made.
    pub fn under_load(
        &mut self,
        name: &str,
        plan: Plan,
        fault: impl FnOnce(&mut Trial),
    ) -> Vec<Call> {
        let load = Load::start(&self.service, plan);
        // The first calls open connections and start threads.
        std::thread::sleep(Duration::from_millis(300));
        let start = Instant::now();
        std::thread::sleep(BEFORE);
        let before = load.goodput(start, Instant::now());
        assert!(before > 0.0, "nothing works before the fault");
        let began = Instant::now();
        fault(self);
        let end = Instant::now();
        let back = load.wait_until_full(before, end);
        let during = load.goodput(began, end);
        let calls = load.end();
        println!(
            "{name}: {before:.0}/s before, {during:.0}/s for {} ms, full again after {} ms; {}",
            (end - began).as_millis(),
            back.as_millis(),
            summary(&calls)
        );
        assert!(back < BACK_WITHIN, "{name}: full again after {back:?}");
        self.assert_nothing_leaked();
        calls
    }

    /// For each connection there may be a file and a thread, and that is all.
    fn assert_nothing_leaked(&self) {
        wait_until("connections are no more than the pool's", || {
            self.database.connections().len() <= POOL
        });
        wait_until("files are no more than connections", || {
            self.service.files() <= self.files + POOL
        });
        let (before, now) = (self.threads, self.service.threads());
        let most = before + POOL + OTHER_THREADS;
        assert!(now <= most, "{before} threads at first, {now} now");
    }
}

pub fn config(database: &Mariadb, settings: &str) -> String {
    let Mariadb { host, port, .. } = database;
    config_at(&format!("{host}:{port}"), settings)
}

pub fn config_at(address: &str, settings: &str) -> String {
    format!(
        "[shards.main]\n\
         url = \"mysql://app@{address}/test\"\n\
         pool_max_connections = {POOL}\n\
         outage_patience_ms = {}\n\
         {settings}\n",
        PATIENT.as_millis()
    )
}

/// Answers come by the deadline, or so long after it as a busy machine takes.
#[track_caller]
pub fn assert_ended_in_time(calls: &[Call], timeout: Duration) {
    for call in calls {
        let took = call.ended - call.began;
        assert!(took < timeout + SLACK, "{took:?}: {call:?}");
    }
}

/// No write failed but those that were under way on a connection that was lost.
#[track_caller]
pub fn assert_only_lost(calls: &[Call]) {
    for call in calls {
        let Some(failure) = &call.failure else {
            continue;
        };
        assert!(call.writes.is_some(), "a read: {failure}");
        assert_eq!(
            failure.code.as_deref(),
            Some("CONNECTION_LOST"),
            "{failure}"
        );
    }
}
