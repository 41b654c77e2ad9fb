//! Databases, and ways to them, from which a byte comes now and then: no read ever
//! waits for long, and what was asked would take for ever.

use std::time::{Duration, Instant};

use forebay::config::ShardConfig;
use forebay::operation::ParamStyle;
use forebay::rpc::Client;
use forebay::rpc::generated::{ErrorCode, InfoRequest, Outcome, TForebaySyncClient};

use super::{SHORT, prompt_end};
use crate::support::link::{Link, Manner};
use crate::support::*;

/// A shard, and the way to it.
fn shard_behind_link(name: &str) -> (ShardConfig, Link) {
    let link = Link::to(mysql_port());
    let shard = mysql_shard_at(name, "127.0.0.1", link.port);
    (shard, link)
}

/// What a late end is given on a busy machine.
const GRACE: Duration = Duration::from_secs(1);

#[track_caller]
fn assert_in_time(what: &str, began: Instant, limit: Duration) {
    let took = began.elapsed();
    assert!(took >= limit && took < limit + GRACE, "{what}: {took:?}");
    println!("{what}: ended {:?} after its time", took - limit);
}

#[test]
fn a_packet_whose_bytes_trickle_ends_at_the_deadline() {
    let (shard, link) = shard_behind_link("main");
    let service = Running::new(vec![shard]);
    let mut client = service.client();
    client.run("main", "CREATE TABLE t (n INT)", &[]);
    let mut hurried = service.client_within(SHORT);
    let large = "REPEAT('x', 100000) AS by_bytes";
    for (sql, outcome) in [
        (format!("SELECT {large}"), Outcome::NOT_APPLIED),
        (
            format!("INSERT INTO t VALUES (1) RETURNING {large}"),
            Outcome::UNKNOWN,
        ),
    ] {
        link.set(Manner::Trickles);
        let began = Instant::now();
        let error = hurried.fails("main", &sql, &[]);
        assert_in_time("a trickle within a packet", began, SHORT);
        assert_error(&error, ErrorCode::DEADLINE_EXCEEDED, "is being stopped");
        assert_eq!(error.outcome, Some(outcome));
        link.set(Manner::Carries);
        assert_eq!(client.texts("main", "SELECT 'next'"), ["next"]);
    }
}

/// Why a shard cannot be reached, as `info` tells it.
fn unavailable(client: &mut Client, name: &str) -> Option<String> {
    let info = client.stubs().info(InfoRequest { options: None }).unwrap();
    let mut shards = info.shards.unwrap().into_iter();
    let shard = shards.find(|shard| shard.name.as_deref() == Some(name));
    let shard = shard.unwrap();
    shard.reason.filter(|_| shard.available == Some(false))
}

#[test]
fn a_login_that_trickles_ends_at_the_connect_timeout() {
    const LIMIT: Duration = Duration::from_millis(400);
    let (mut shard, link) = shard_behind_link("slow");
    shard.pool.connect_timeout = LIMIT;
    link.set(Manner::Trickles);
    let service = Running::new(vec![shard, mysql_shard("healthy")]);
    let mut client = service.client();
    let began = Instant::now();
    wait_until("it is given up", || {
        // Others are not held up meanwhile.
        assert_eq!(service.client().texts("healthy", "SELECT 1"), ["1"]);
        unavailable(&mut client, "slow").is_some()
    });
    let took = began.elapsed();
    assert!(took < LIMIT + 2 * GRACE, "{took:?}");
    let reason = unavailable(&mut client, "slow").unwrap();
    assert!(
        reason.contains("did not answer within connect_timeout_ms"),
        "{reason}"
    );
    link.set(Manner::Carries);
    wait_until("it is back", || {
        client
            .execute("slow", "SELECT 1", vec![], ParamStyle::Native)
            .is_ok()
    });
}

/// The kill of what is late goes over the same way, and must not be waited for by
/// those of others.
#[test]
fn kills_that_trickle_hold_up_no_others() {
    let (mut shard, link) = shard_behind_link("slow");
    shard.pool.connect_timeout = Duration::from_millis(500);
    let service = Running::new(vec![shard, mysql_shard("healthy")]);
    service.client().run("slow", "SELECT 1", &[]);
    std::thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                let mut client = service.client_within(Duration::from_millis(600));
                let sql = "SELECT SLEEP(20) AS of_slow";
                client.fails("slow", sql, &[])
            });
        }
        wait_until("they run", || running_like("of_slow") == 3);
        link.set(Manner::Trickles);
    });
    let mut client = service.client_within(SHORT);
    let error = client.fails("healthy", "SELECT SLEEP(20) AS of_healthy", &[]);
    assert_error(&error, ErrorCode::DEADLINE_EXCEEDED, "is being stopped");
    prompt_end(
        "a kill behind kills that trickle",
        "of_healthy",
        Instant::now(),
    );
    link.set(Manner::Carries);
}
