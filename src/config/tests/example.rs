//! The example file is valid, complete and true to the defaults.

use super::super::{EXAMPLE, SqliteTarget, Target, keys};
use super::*;
use crate::config::{PoolConfig, ServerConfig, ShardConfig};

/// The example with every `# key = value` turned into `key = value`.
fn uncommented(text: &str) -> String {
    let lines = text.lines().map(|line| {
        let key = line.strip_prefix("# ").filter(|rest| {
            let word = rest.split_once(" = ").map_or("", |(word, _)| word);
            let is_key =
                !word.is_empty() && word.bytes().all(|b| b.is_ascii_lowercase() || b == b'_');
            is_key || rest.starts_with("[shards.")
        });
        key.unwrap_or(line)
    });
    lines.collect::<Vec<_>>().join("\n")
}

#[test]
fn it_is_valid() {
    let config = valid(EXAMPLE);
    assert_eq!(config.server, ServerConfig::default());
    let target = Target::Sqlite(SqliteTarget::Memory);
    assert_eq!(config.shards, [ShardConfig::new("example", target)]);
}

#[test]
fn it_shows_the_defaults() {
    let (common, _) = EXAMPLE.split_once("[shards.example]").expect("a shard");
    let text = format!(
        "{}\n[shards.example]\nurl = \"sqlite::memory:\"",
        uncommented(common)
    );
    let config = valid(&text);
    let server = ServerConfig {
        // This default is the only one that depends on the machine.
        io_threads: 1,
        // An example: there is no default.
        http_listen: "127.0.0.1:9091".parse().ok(),
        ..ServerConfig::default()
    };
    assert_eq!(config.server, server);
    assert_eq!(config.log, Config::default().log);
    assert_eq!(config.shards[0].pool, PoolConfig::default());
    let target = Target::Sqlite(SqliteTarget::Memory);
    let shard = ShardConfig::new("example", target);
    assert_eq!(config.shards[0], shard);
}

#[test]
fn it_shows_the_defaults_of_mysql() {
    let text = uncommented(EXAMPLE);
    let (_, shard) = text.split_once("\n[shards.users]\n").expect("a shard");
    // The others have no default, or name files.
    let with_default = ["charset", "tls", "statements", "affected_rows"];
    let lines = shard.lines().filter(|line| {
        let key = line.split_once(" = ").map_or("", |(key, _)| key);
        with_default.contains(&key)
    });
    let lines: Vec<_> = lines.collect();
    assert_eq!(lines.len(), with_default.len(), "{lines:?}");
    let url = "url = \"mysql://u@h\"";
    let config = valid(&format!("[shards.a]\n{url}\n{}", lines.join("\n")));
    assert_eq!(config, valid(&format!("[shards.a]\n{url}")));
    let most = &keys::PREPARED_STATEMENTS_MAX;
    let line = format!("\n{} = {}\n", most.name, most.default);
    assert!(shard.contains(&line), "no {line:?}");
}

#[test]
fn it_has_every_key() {
    let text = uncommented(EXAMPLE);
    let section = |from: &str, to: &str| {
        let (_, after) = text.split_once(from).expect(from);
        after
            .split_once(to)
            .map_or(after, |(inside, _)| inside)
            .to_owned()
    };
    let sections = [
        (section("\n[server]\n", "\n[log]\n"), keys::SERVER_KEYS),
        (section("\n[log]\n", "\n[shard_defaults]\n"), keys::LOG_KEYS),
        (
            section("\n[shard_defaults]\n", "\n[shards.example]\n"),
            keys::POOL_KEYS,
        ),
        (
            section("\n[shards.users]\n", "\n[nothing]\n"),
            keys::SHARD_OWN_KEYS,
        ),
        (
            section("\n[shards.users]\n", "\n[nothing]\n"),
            keys::MYSQL_KEYS,
        ),
    ];
    for (inside, keys) in sections {
        for key in keys {
            assert!(
                format!("\n{inside}").contains(&format!("\n{key} = ")),
                "{key} is not in the example"
            );
        }
    }
}

#[test]
fn it_shows_the_range_of_every_number() {
    let numbers = [
        keys::IO_THREADS,
        keys::WORKER_THREADS_MAX,
        keys::REQUEST_MAX_BYTES,
        keys::RESULT_MAX_BYTES,
        keys::RESULT_MAX_ROWS,
        keys::RESULT_MEMORY_MAX_BYTES,
        keys::MULTI_ITEMS_MAX,
        keys::MULTI_PARALLEL_MAX,
        keys::BATCH_STEPS_MAX,
        keys::DIGESTS_MAX,
        keys::DEFAULT_TIMEOUT_MS,
        keys::MAX_TIMEOUT_MS,
        keys::TRANSACTION_IDLE_TIMEOUT_MS,
        keys::TRANSACTION_TIMEOUT_MS,
        keys::SESSIONS_MAX,
        keys::SESSION_IDLE_TIMEOUT_MS,
        keys::MESSAGE_TIMEOUT_MS,
        keys::WRITE_TIMEOUT_MS,
        keys::DRAIN_TIMEOUT_MS,
        keys::POOL_MAX_CONNECTIONS,
        keys::QUEUE_MAX_REQUESTS,
        keys::TRANSACTIONS_MAX,
        keys::LONG_STATEMENT_MS,
        keys::LONG_STATEMENTS_MAX,
        keys::CONNECT_TIMEOUT_MS,
        keys::IDLE_TIMEOUT_MS,
        keys::MAX_LIFETIME_MS,
        keys::OUTAGE_PATIENCE_MS,
        keys::RETRY_BUDGET_PERCENT,
        keys::PREPARED_STATEMENTS_MAX,
    ];
    for keys::Number { name, min, max, .. } in numbers {
        let (above, _) = EXAMPLE.split_once(&format!("\n# {name} = ")).expect(name);
        let paragraph = above.rsplit("\n\n").next().unwrap_or("");
        let words = paragraph.replace("\n# ", " ").to_lowercase();
        let range = format!("from {min} to {max}");
        assert!(
            words.contains(&range),
            "{name} lacks {range:?} in:\n{words}"
        );
    }
}

#[test]
fn its_shard_of_mysql_has_no_unknown_or_mistyped_key() {
    let errors = parse_text(&uncommented(EXAMPLE)).expect_err("the files are not there");
    for fault in errors.faults() {
        let expected = [
            "cannot be read",
            "beside password_file",
            "is not set",
            "\"disabled\"",
            "while statements is \"escaped\"",
        ];
        assert!(
            expected.iter().any(|part| fault.message.contains(part)),
            "{fault:?}"
        );
    }
}
