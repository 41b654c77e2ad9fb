//! What is killed on the server may live on for a while: MariaDB answers before
//! the connection is gone, and a long rollback or a stalled disk keeps it.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use mysql::prelude::Queryable;

use crate::support::*;

const CONNECTIONS: u32 = 8;

/// Beside the pool's own there are those that kill: one for each thread that may
/// serve the shard.
const SIDES: usize = 4;

/// Several kills of connections that SLEEP, at the same time, take MariaDB seconds.
#[test]
fn connections_that_die_slowly_keep_their_places() {
    let mut shard = mysql_shard("main");
    shard.pool.max_connections = CONNECTIONS;
    shard.long_statement = None;
    let database = target(&mut shard).database.clone().unwrap();
    let service = Running::new(vec![shard]);
    let (over, most) = (AtomicBool::new(false), AtomicUsize::new(0));
    std::thread::scope(|scope| {
        for _ in 0..CONNECTIONS {
            scope.spawn(|| {
                while !over.load(Ordering::Relaxed) {
                    let mut client = service.client_within(Duration::from_millis(60));
                    let sql = "SELECT SLEEP(30)";
                    let native = forebay::operation::ParamStyle::Native;
                    assert!(client.execute("main", sql, vec![], native).is_err());
                }
            });
        }
        let mut direct = direct();
        let count = "SELECT COUNT(*) FROM information_schema.processlist WHERE db = ?";
        let ends = Instant::now() + Duration::from_secs(4);
        while Instant::now() < ends {
            let seen: usize = direct.exec_first(count, (&database,)).unwrap().unwrap();
            most.fetch_max(seen, Ordering::Relaxed);
            std::thread::sleep(Duration::from_millis(10));
        }
        over.store(true, Ordering::Relaxed);
    });
    let most = most.load(Ordering::Relaxed);
    println!("at most {most} connections, of {CONNECTIONS} that the pool may have");
    assert!(most <= CONNECTIONS as usize + SIDES, "{most} connections");
    wait_until("all is well again", || {
        let mut client = service.client();
        client.texts("main", "SELECT 'next'") == ["next"]
    });
}
