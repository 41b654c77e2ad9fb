//! A database that goes away, and is back a second later.

use std::time::Duration;

use forebay::operation::{Access, Begin, ParamStyle};
use forebay::rpc::Client;
use forebay::value::Value;

use super::trial::{PATIENT, POOL, Trial, assert_only_lost};
use crate::support::Calls;
use crate::support::load::Plan;
use crate::support::proven::assert_outcomes_are_true;
use crate::support::server::Mariadb;

const AWAY: Duration = Duration::from_secs(1);

/// Open at once on the shard, which are as many as may be.
const TRANSACTIONS: usize = POOL / 2;

const BEGIN: Begin = Begin {
    isolation: None,
    access: Access::ReadWrite,
};

/// A read is asked again by the service, and a write only where it was not sent.
#[test]
fn a_killed_database_costs_patient_callers_time_only() {
    let mut trial = Trial::new(&[]);
    let plan = Plan {
        pace: Duration::ZERO,
        ..Plan::new(32, 4, PATIENT)
    };
    let calls = trial.under_load("killed", plan, |trial| {
        trial.database.kill();
        std::thread::sleep(AWAY);
        trial.database.start();
    });
    assert_only_lost(&calls);
    assert_outcomes_are_true(&calls, &[&trial.database]);
}

/// It ends what runs, and says so, before it ends itself. What was prepared on a
/// connection is gone with it.
#[test]
fn a_restarted_database_costs_patient_callers_time_only() {
    let settings = "statements = \"prepared\"";
    let mut trial = Trial::on(Mariadb::new(&[]), settings);
    let calls = trial.under_load("restarted", Plan::new(12, 4, PATIENT), |trial| {
        trial.database.shut_down();
        std::thread::sleep(AWAY);
        trial.database.start();
    });
    assert_only_lost(&calls);
    assert_outcomes_are_true(&calls, &[&trial.database]);
}

/// Each had a connection and one of the shard's places; their sessions are told,
/// and may begin others at once.
#[test]
fn transactions_that_were_open_are_lost_and_leave_their_places() {
    let mut trial = Trial::new(&[]);
    let mut clients: Vec<Client> = (0..TRANSACTIONS).map(|_| trial.service.client()).collect();
    let begin = |client: &mut Client, id: usize| {
        let token = client.begin("main", BEGIN).unwrap();
        let insert = "INSERT INTO written VALUES (?)";
        let id = Value::Int(id as i64);
        client
            .execute_in(&token, insert, vec![id], ParamStyle::Native)
            .unwrap();
        token
    };
    for round in 0..2 {
        let first = round * TRANSACTIONS;
        let open: Vec<String> = clients
            .iter_mut()
            .enumerate()
            .map(|(number, client)| begin(client, first + number))
            .collect();
        trial.database.kill();
        trial.database.start();
        for (client, token) in clients.iter_mut().zip(&open) {
            let error = client.commit(token).unwrap_err();
            let told = ["CONNECTION_LOST", "TRANSACTION_ABORTED"];
            assert!(told.contains(&error.code().unwrap().as_str()), "{error}");
        }
    }
    let count = "SELECT COUNT(*) FROM written";
    assert_eq!(clients[0].texts("main", count), ["0"]);
    let open: Vec<String> = clients
        .iter_mut()
        .enumerate()
        .map(|(number, client)| begin(client, number))
        .collect();
    for (client, token) in clients.iter_mut().zip(&open) {
        client.commit(token).unwrap();
    }
    assert_eq!(clients[0].texts("main", count), [TRANSACTIONS.to_string()]);
}
