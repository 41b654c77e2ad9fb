//! Many shards on one server: looked at when the service starts, and given no
//! connection until somebody uses them.

use mysql::prelude::Queryable;

use forebay::config::ShardConfig;
use forebay::rpc::generated::{InfoRequest, TForebaySyncClient};

use crate::support::server::{Mariadb, USER};
use crate::support::*;

const SHARDS: usize = 200;

/// Fewer than shards: one connection kept for each would not do.
const CONNECTIONS: usize = 50;

/// A shard on a server of the test's own.
pub fn shard_at(name: String, port: u16) -> ShardConfig {
    let endpoint = forebay::config::Endpoint::Tcp {
        host: "127.0.0.1".to_owned(),
        port,
    };
    let mut target = forebay::config::MySqlTarget::new(endpoint, USER);
    target.database = Some("test".to_owned());
    ShardConfig::new(name, forebay::config::Target::MySql(target))
}

#[test]
fn many_shards_keep_no_connection_that_nobody_uses() {
    let database = Mariadb::new(&[&format!("--max-connections={CONNECTIONS}")]);
    let mut shards: Vec<ShardConfig> = (0..SHARDS)
        .map(|number| shard_at(format!("s{number:03}"), database.port))
        .collect();
    shards.push(shard_at("dead".to_owned(), 1));
    let service = Running::new(shards);
    let mut client = service.client();
    let mut status = || {
        let info = client.stubs().info(InfoRequest { options: None });
        info.unwrap().shards.unwrap()
    };
    // By then all before it have been looked at, or are about to be.
    wait_until("the dead one is known", || {
        let shards = status();
        shards.iter().any(|shard| shard.available == Some(false))
    });
    for shard in status() {
        let name = shard.name.as_deref();
        assert_eq!(shard.available, Some(name != Some("dead")), "{shard:?}");
    }
    wait_until("nothing is connected", || database.connections().is_empty());
    for number in 0..16 {
        let name = format!("s{number:03}");
        assert_eq!(client.texts(&name, "SELECT 1"), ["1"]);
    }
    // One that is slow to open may have been given up for another.
    assert!(database.connections().len() < 2 * 16);
    let most: Option<(String, usize)> = database
        .direct()
        .query_first("SHOW STATUS LIKE 'Max_used_connections'")
        .unwrap();
    let (_, most) = most.unwrap();
    assert!(most < CONNECTIONS, "{most} at once");
}
