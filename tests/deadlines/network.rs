//! Networks that lose packets, between the service and a database and between a
//! client and the service; and databases that take connections and say nothing.

use std::io::Write;
use std::net::{TcpListener, TcpStream};
use std::time::{Duration, Instant};

use forebay::config::{ListenAddress, ServerConfig, ShardConfig};
use forebay::operation::ParamStyle;
use forebay::rpc::generated::{ErrorCode, Outcome};
use forebay::value::ColumnData;

use crate::sessions::call;
use crate::support::link::Link;
use crate::support::network::Network;
use crate::support::*;

/// What a late end is given on a busy machine.
const GRACE: Duration = Duration::from_secs(1);
const LIMIT: Duration = Duration::from_millis(600);

/// A shard whose database is at the far end.
fn far_shard(network: &Network) -> ShardConfig {
    let link = Link::of(network.listener(), mysql_port());
    let mut shard = mysql_shard_at("far", &network.there(), link.port);
    shard.pool.connect_timeout = Duration::from_secs(1);
    shard
}

#[track_caller]
fn assert_ended(what: &str, began: Instant, limit: Duration) {
    let took = began.elapsed();
    assert!(took >= limit && took < limit + GRACE, "{what}: {took:?}");
    println!("{what}: ended {:?} after its time", took - limit);
}

/// Asks a healthy shard for as long as `work` takes, and gives the slowest answer.
fn beside_healthy(service: &Running, work: impl FnOnce()) -> Duration {
    let over = std::sync::atomic::AtomicBool::new(false);
    std::thread::scope(|scope| {
        let asking = scope.spawn(|| {
            let mut client = service.client();
            let mut slowest = Duration::ZERO;
            while !over.load(std::sync::atomic::Ordering::SeqCst) {
                let began = Instant::now();
                assert_eq!(client.texts("healthy", "SELECT 'well'"), ["well"]);
                slowest = slowest.max(began.elapsed());
            }
            slowest
        });
        // Where it fails, the asking ends as well, rather than go on for ever.
        let worked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(work));
        over.store(true, std::sync::atomic::Ordering::SeqCst);
        let slowest = asking.join().unwrap();
        worked.unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        slowest
    })
}

#[test]
fn a_network_that_swallows_everything() {
    let Some(network) = Network::new() else {
        return;
    };
    let service = Running::new(vec![far_shard(&network), mysql_shard("healthy")]);
    let mut client = service.client();
    client.run("far", "CREATE TABLE t (n INT)", &[]);
    let mut hurried = service.client_within(LIMIT);
    let slowest = beside_healthy(&service, || {
        std::thread::scope(|scope| {
            let began = Instant::now();
            let late = scope.spawn(|| {
                let sql = "INSERT INTO t SELECT SLEEP(0.3) AS into_the_hole";
                hurried.fails("far", sql, &[])
            });
            wait_until("it runs", || running_like("into_the_hole") == 1);
            network.lose(1.0);
            let error = late.join().unwrap();
            assert_ended("a write into a black hole", began, LIMIT);
            assert_error(&error, ErrorCode::DEADLINE_EXCEEDED, "");
            assert_eq!(error.outcome, Some(Outcome::UNKNOWN));
        });
        // From here on a connection must be opened first.
        for _ in 0..3 {
            let began = Instant::now();
            let error = service.client_within(LIMIT).fails("far", "SELECT 1", &[]);
            assert!(began.elapsed() < LIMIT + GRACE, "{:?}", began.elapsed());
            assert_eq!(error.outcome, Some(Outcome::NOT_APPLIED));
            let code = error.code.unwrap();
            let codes = [ErrorCode::SHARD_UNAVAILABLE, ErrorCode::DEADLINE_EXCEEDED];
            assert!(codes.contains(&code), "{error:?}");
        }
    });
    println!("the slowest answer of the healthy shard meanwhile: {slowest:?}");
    assert!(slowest < GRACE, "{slowest:?}");
    network.heal();
    let healed = Instant::now();
    wait_until("it serves again", || {
        let asked = client.execute("far", "SELECT 1", vec![], ParamStyle::Native);
        asked.is_ok()
    });
    println!(
        "it serves again {:?} after the network does",
        healed.elapsed()
    );
}

#[test]
fn a_network_that_loses_some() {
    let Some(network) = Network::new() else {
        return;
    };
    let service = Running::new(vec![far_shard(&network)]);
    service.client().run("far", "SELECT 1", &[]);
    network.lose(0.05);
    std::thread::scope(|scope| {
        for thread in 0..4 {
            let service = &service;
            scope.spawn(move || {
                let mut client = service.client();
                for number in thread * 1000..thread * 1000 + 40 {
                    let long = format!("{number}-{}", "x".repeat(5000));
                    let rows = client.run("far", "SELECT ? AS back", &[text(&long)]).rows;
                    let back = ColumnData::Strings([long].into_iter().collect());
                    assert_eq!(rows.unwrap().columns[0].data, back);
                }
            });
        }
    });
}

#[test]
fn a_network_that_is_slow() {
    let Some(network) = Network::new() else {
        return;
    };
    let service = Running::new(vec![far_shard(&network)]);
    let mut client = service.client();
    client.run("far", "SELECT 1", &[]);
    network.slow_down("2mbit");
    let mut hurried = service.client_within(LIMIT);
    for sql in [
        "SELECT REPEAT('x', 4000000) AS one_row",
        "SELECT REPEAT('x', 4000) AS many_rows FROM seq_1_to_1000",
    ] {
        let began = Instant::now();
        let error = hurried.fails("far", sql, &[]);
        assert_ended("a large result over a slow network", began, LIMIT);
        assert_error(&error, ErrorCode::DEADLINE_EXCEEDED, "");
        assert_eq!(error.outcome, Some(Outcome::NOT_APPLIED));
        assert_eq!(client.texts("far", "SELECT 'next'"), ["next"]);
    }
}

/// What is not taken is given up after `write_timeout_ms`, and its memory is free.
#[test]
fn a_client_that_the_network_has_lost() {
    let Some(network) = Network::new() else {
        return;
    };
    let server = ServerConfig {
        write_timeout: Duration::from_secs(2),
        // Enough for one such reply, and not for two.
        result_memory_max_bytes: 30_000_000,
        ..ServerConfig::default()
    };
    let here = ListenAddress::Tcp(format!("{}:0", network.here()));
    let service = Running::at(&here, server, vec![sqlite_shard("embedded")]);
    let large = "SELECT replace(hex(zeroblob(6000000)), '0', 'x') AS large";
    let address = (network.here(), service.port());
    let mut lost: TcpStream =
        network.at_far_end(|| TcpStream::connect((address.0.as_str(), address.1)).unwrap());
    lost.write_all(&call("embedded", large)).unwrap();
    // It has begun to come.
    assert_eq!(lost.peek(&mut [0]).unwrap(), 1);
    network.lose(1.0);
    let mut client = service.client();
    let began = Instant::now();
    let mut refusals = 0;
    wait_until("its memory is free", || {
        let asked = client.execute("embedded", large, vec![], ParamStyle::Native);
        if asked.is_err() {
            refusals += 1;
        }
        asked.is_ok()
    });
    assert!(refusals > 0, "its memory was free at once");
    println!(
        "the memory of a lost client's reply is free {:?} later",
        began.elapsed()
    );
}

/// Accepts, says `first`, and nothing after it.
fn half_said(first: &'static [u8]) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        let mut kept = Vec::new();
        for mut stream in listener.incoming().flatten() {
            stream.write_all(first).ok();
            kept.push(stream);
        }
    });
    port
}

#[test]
fn databases_that_never_answer_are_not_in_the_way_of_others() {
    // Half of the packet in which a server introduces itself.
    let half = half_said(b"\x4a\x00\x00\x00\x0a5.5.5-10.11");
    let silent = |name: &str, port| {
        let mut shard = mysql_shard_at(name, "127.0.0.1", port);
        shard.pool.connect_timeout = Duration::from_millis(300);
        shard
    };
    let service = Running::new(vec![
        silent("mute", half_said(b"")),
        silent("half", half),
        mysql_shard("healthy"),
    ]);
    let slowest = beside_healthy(&service, || {
        std::thread::scope(|scope| {
            for number in 0..16 {
                let mut client = service.client_within(LIMIT);
                let shard = ["mute", "half"][number % 2];
                scope.spawn(move || {
                    for _ in 0..3 {
                        let began = Instant::now();
                        let error = client.fails(shard, "SELECT 1", &[]);
                        assert!(began.elapsed() < LIMIT + GRACE, "{:?}", began.elapsed());
                        assert_eq!(error.outcome, Some(Outcome::NOT_APPLIED));
                        assert_error(&error, ErrorCode::SHARD_UNAVAILABLE, "did not answer");
                    }
                });
            }
        });
    });
    println!("the slowest answer of the healthy shard meanwhile: {slowest:?}");
    assert!(slowest < GRACE, "{slowest:?}");
}
