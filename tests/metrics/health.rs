//! Whether the service lives, and whether it is ready.

use std::time::Duration;

use serde_json::json;

use super::relay::Relay;
use super::{dead_shard, watched};
use crate::support::shard::OwnServer;
use crate::support::*;

#[test]
fn it_is_healthy_and_ready() {
    let service = watched(vec![mysql_shard("a"), sqlite_shard("b")]);
    let http = service.http();
    let health = http.get("/healthz");
    assert_eq!((health.status, health.body.as_str()), (200, "ok\n"));
    let (status, told) = http.json("/readyz");
    assert_eq!(status, 200);
    let expected = json!({
        "ready": true,
        "draining": false,
        "shards": { "a": { "ready": true }, "b": { "ready": true } },
    });
    assert_eq!(told, expected);
}

#[test]
fn a_dead_shard_is_told_and_does_not_count() {
    let service = watched(vec![sqlite_shard("alive"), dead_shard("dead")]);
    let http = service.http();
    wait_until("it is known", || http.json("/readyz/dead").0 == 503);
    let (status, told) = http.json("/readyz");
    assert_eq!(status, 200, "{told}");
    let dead = &told["shards"]["dead"];
    assert_eq!(dead["ready"], false);
    assert!(
        dead["reason"].as_str().unwrap().contains("refused"),
        "{dead}"
    );
    assert!(dead["since_ms"].as_u64().is_some());
    let (status, told) = http.json("/readyz/alive");
    assert_eq!(status, 200);
    assert_eq!(told, json!({ "ready": true, "draining": false }));
    let unknown = http.get("/readyz/deed");
    assert_eq!(unknown.status, 404);
    assert!(unknown.body.contains("/readyz lists them"));
}

#[test]
fn with_no_shard_left_it_is_not_ready() {
    let service = watched(vec![dead_shard("dead")]);
    let http = service.http();
    wait_until("it is known", || http.json("/readyz").0 == 503);
    assert_eq!(http.json("/readyz").1["ready"], false);
    assert_eq!(http.get("/healthz").status, 200);
}

/// No request finds out that the database has gone, and none that it is back.
#[test]
fn a_database_that_goes_while_nobody_asks_is_missed() {
    let server = OwnServer::new("");
    let mut shard = mysql_shard_at("own", "127.0.0.1", server.port);
    // The other server has it.
    target(&mut shard).database = None;
    let service = watched(vec![shard]);
    let http = service.http();
    service.client().run("own", "SELECT 1", &[]);
    assert_eq!(http.json("/readyz").0, 200);
    drop(server);
    wait_until("it is missed", || http.json("/readyz/own").0 == 503);
    assert_eq!(http.json("/readyz").0, 503);
}

/// It takes connections, or has them, and says nothing.
#[test]
fn a_database_that_falls_silent_is_missed() {
    let relay = Relay::to(mysql_port());
    let service = watched(vec![mysql_shard_at("own", "127.0.0.1", relay.port)]);
    let http = service.http();
    service.client().run("own", "SELECT 1", &[]);
    assert_eq!(http.json("/readyz/own").0, 200);
    relay.hush(true);
    wait_until("it is missed", || http.json("/readyz/own").0 == 503);
    relay.hush(false);
    wait_until("it is back", || http.json("/readyz/own").0 == 200);
    service.client().run("own", "SELECT 1", &[]);
}

#[test]
fn looks_keep_no_connections() {
    let shards = ["a", "b", "c"].map(mysql_shard).to_vec();
    let service = watched(shards);
    let http = service.http();
    for _ in 0..5 {
        assert_eq!(http.json("/readyz").0, 200);
        std::thread::sleep(Duration::from_millis(300));
    }
    let samples = http.scrape();
    for shard in ["a", "b", "c"] {
        for state in ["in_use", "idle"] {
            let labels = format!("{{shard=\"{shard}\",state=\"{state}\"}}");
            assert_eq!(
                samples.get(&format!("forebay_pool_connections{labels}")),
                0.0
            );
        }
        // Nobody uses them: they are not asked each time.
        let connects = format!("forebay_connects_total{{shard=\"{shard}\",result=\"ok\"}}");
        assert!(samples.get(&connects) <= 2.0, "{connects}");
    }
}

#[test]
fn while_it_drains_it_says_so() {
    let mut service = watched(vec![mysql_shard("main")]);
    let http = service.http();
    let mut client = service.client();
    std::thread::scope(|scope| {
        let last = scope.spawn(move || client.texts("main", "SELECT SLEEP(1.5) AS at_last"));
        wait_until("it runs", || running_like("AS at_last") == 1);
        service.stop();
        wait_until("it is told", || http.json("/readyz").0 == 503);
        let (_, told) = http.json("/readyz");
        assert_eq!(
            (&told["ready"], &told["draining"]),
            (&json!(false), &json!(true))
        );
        assert_eq!(http.json("/readyz/main").0, 503);
        assert_eq!(http.get("/healthz").status, 200);
        assert_eq!(http.scrape().get("forebay_draining"), 1.0);
        assert_eq!(last.join().unwrap(), ["0"]);
    });
    assert!(service.wait());
    // It has ended with the service.
    assert!(std::panic::catch_unwind(|| http.connect()).is_err());
}
