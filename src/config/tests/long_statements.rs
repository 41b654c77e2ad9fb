//! Which statements are long, and how much of a pool they may hold.

use std::time::Duration;

use super::*;

#[test]
fn what_is_long_comes_from_the_shard_or_the_defaults() {
    let config = valid(
        r#"
[server]
digests_max = 0

[shard_defaults]
long_statement_ms = 250

[shards.a]
url = "mysql://u@h"

[shards.b]
url = "sqlite::memory:"
long_statement_ms = 0
"#,
    );
    assert_eq!(config.server.digests_max, 0);
    let found = config.shards.iter().map(|shard| shard.long_statement);
    let expected = [Some(Duration::from_millis(250)), None];
    assert_eq!(found.collect::<Vec<_>>(), expected);
}

#[test]
fn long_statements_leave_connections_to_short_ones() {
    let long_statements_max = |keys: &str| {
        let text = format!("[shards.a]\nurl = \"sqlite::memory:\"\n{keys}");
        valid(&text).shards[0].long_statements_max
    };
    for (pool, expected) in [(1, 1), (2, 1), (3, 2), (4, 3), (16, 12), (512, 384)] {
        let keys = format!("pool_max_connections = {pool}");
        assert_eq!(long_statements_max(&keys), expected, "a pool of {pool}");
    }
    assert_eq!(long_statements_max(""), 6);
    // What is written is taken, up to all connections.
    assert_eq!(long_statements_max("long_statements_max = 8"), 8);
    let defaults = "long_statements_max = 2\n[shard_defaults]\nlong_statements_max = 5";
    assert_eq!(long_statements_max(defaults), 2);
    assert_eq!(
        long_statements_max("[shard_defaults]\nlong_statements_max = 5"),
        5
    );
}
