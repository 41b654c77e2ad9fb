//! Databases that answer nothing any more, beside one that is well: what is late
//! there is stopped as promptly as ever.

use std::time::{Duration, Instant};

use super::{SHORT, prompt_end};
use crate::shards::{Bridge, SILENT};
use crate::support::*;

/// More than there are threads that stop statements.
const FROZEN: usize = 8;

/// A late statement of each frozen shard is to be stopped too, which takes its
/// whole connect_timeout_ms to fail.
#[test]
fn what_is_late_is_stopped_beside_databases_that_are_silent() {
    let bridges: Vec<Bridge> = (0..FROZEN).map(|_| Bridge::new()).collect();
    let frozen = bridges.iter().enumerate().map(|(number, bridge)| {
        let mut shard = mysql_shard_at(&format!("frozen{number}"), "127.0.0.1", bridge.port);
        shard.pool.connect_timeout = Duration::from_secs(4);
        shard
    });
    let mut shards = vec![mysql_shard("main")];
    shards.extend(frozen);
    let service = Running::new(shards);
    let mut client = service.client();
    for number in 0..FROZEN {
        let shard = format!("frozen{number}");
        assert_eq!(client.texts(&shard, "SELECT 'opened'"), ["opened"]);
    }
    assert_eq!(client.texts("main", "SELECT 'opened'"), ["opened"]);
    bridges.iter().for_each(|bridge| bridge.set(SILENT));
    std::thread::scope(|scope| {
        for number in 0..FROZEN {
            let mut client = service.client_within(SHORT);
            scope.spawn(move || client.fails(&format!("frozen{number}"), "SELECT 1", &[]));
        }
    });
    let mut client = service.client_within(SHORT);
    client.fails("main", "SELECT SLEEP(60) AS beside_frozen", &[]);
    prompt_end("beside frozen ones", "AS beside_frozen", Instant::now());
}
