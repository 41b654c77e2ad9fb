//! A host name that moves to another address.

use std::fs;
use std::io::Write;
use std::time::Duration;

use forebay::rpc::generated::Outcome;

use super::trial::{PATIENT, Trial, config_at};
use crate::support::load::{Plan, failures, summary};
use crate::support::process::Process;
use crate::support::proven::{assert_outcomes_are_true, make_tables};
use crate::support::server::{Mariadb, may_mount};
use crate::support::*;

/// What `unshare` gives the service: a table of hosts that nobody else has.
const WITH_HOSTS: &str = "mount --bind \"$0\" /etc/hosts && exec \"$@\"";

const OLD: &str = "127.0.0.1 db.test\n";

/// As long as the other, so that it can take its place and the table is never
/// seen empty.
const NEW: &str = "127.0.0.2 db.test\n";

/// A service on the database `db.test`, and the one that is to be that.
struct Moving {
    trial: Trial,
    new: Mariadb,
    folder: tempfile::TempDir,
}

impl Moving {
    /// None where it cannot be made.
    fn new() -> Option<Moving> {
        if !may_mount() {
            println!("skipped: this user may not mount a table of hosts of the test's own");
            return None;
        }
        let old = Mariadb::new(&[]);
        let new = Mariadb::at("127.0.0.2", Some(old.port), &[]);
        make_tables(&new);
        let folder = folder();
        let hosts = folder.path().join("hosts");
        fs::write(&hosts, OLD).unwrap();
        let hosts = hosts.to_str().unwrap();
        let wrapper = ["unshare", "-rm", "sh", "-c", WITH_HOSTS, hosts];
        let config = config_at(&format!("db.test:{}", old.port), "");
        let service = Process::within(&wrapper, &config);
        Some(Moving {
            trial: Trial::of(old, service),
            new,
            folder,
        })
    }
}

fn move_name(folder: &tempfile::TempDir) {
    let hosts = folder.path().join("hosts");
    let mut file = fs::OpenOptions::new().write(true).open(hosts).unwrap();
    file.write_all(NEW.as_bytes()).unwrap();
}

/// The old server dies after its name has moved.
#[test]
fn a_host_name_that_moves_is_followed() {
    let Some(moving) = Moving::new() else { return };
    let Moving {
        mut trial,
        mut new,
        folder,
    } = moving;
    let calls = trial.under_load("moved", Plan::new(16, 0, PATIENT), |trial| {
        move_name(&folder);
        std::thread::sleep(Duration::from_millis(200));
        std::mem::swap(&mut trial.database, &mut new);
        new.kill();
    });
    assert_eq!(failures(&calls).count(), 0, "{}", summary(&calls));
    assert!(!trial.database.connections().is_empty());
}

/// The old server lives on and takes no writes, as after a planned failover.
#[test]
fn a_failover_is_followed_while_the_old_server_lives() {
    let Some(moving) = Moving::new() else { return };
    let Moving {
        mut trial,
        mut new,
        folder,
    } = moving;
    let calls = trial.under_load("failed over", Plan::new(12, 4, PATIENT), |trial| {
        trial.database.run("SET GLOBAL read_only = ON");
        move_name(&folder);
        std::mem::swap(&mut trial.database, &mut new);
        let old = &new;
        wait_until("all have left it", || old.connections().is_empty());
    });
    let old = new;
    for call in calls.iter().filter(|call| call.failure.is_some()) {
        let failure = call.failure.as_ref().unwrap();
        assert!(call.writes.is_some(), "a read: {failure}");
        let code = failure.code.as_deref();
        assert_eq!(code, Some("SHARD_READ_ONLY"), "{failure}");
        assert_eq!(failure.outcome, Some(Outcome::NOT_APPLIED), "{failure}");
    }
    assert_outcomes_are_true(&calls, &[&old, &trial.database]);
    let mut client = trial.service.client();
    client.run("main", "INSERT INTO written VALUES (0)", &[]);
    let zero = "SELECT COUNT(*) FROM written WHERE id = 0";
    assert_eq!(client.texts("main", zero), ["1"]);
    assert!(old.connections().is_empty());
}
