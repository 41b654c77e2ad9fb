//! `forebay check`: is the configuration right, and are its databases there?

use std::thread;
use std::time::{Duration, Instant};

use comfy_table::{Table, presets};

use super::args::CheckArgs;
use super::{Failure, output};
use crate::backend::{Found, Shard, Shards};
use crate::config::{Config, SqliteTarget, Target};

/// Shards that are asked at the same time.
const AT_ONCE: usize = 16;

/// A shard is given its connect timeout, and this much more.
const GRACE: Duration = Duration::from_secs(2);

pub(super) fn run(args: &CheckArgs) -> Result<(), Failure> {
    let config = Config::load(&args.config).map_err(Failure::usage)?;
    let shards = Shards::new(&config.shards);
    let shards: Vec<&Shard> = shards.iter().collect();
    let found: Vec<Result<Found, String>> = shards.chunks(AT_ONCE).flat_map(inspect).collect();
    let mut table = Table::new();
    table.load_preset(presets::ASCII_MARKDOWN);
    table.set_header([
        "shard",
        "database",
        "version",
        "latency",
        "read only",
        "sql_mode",
    ]);
    for (shard, found) in shards.iter().zip(&found) {
        table.add_row(row(shard, found));
    }
    output::print(format!("{table}\n").as_bytes())?;
    let missing: Vec<String> = shards
        .iter()
        .zip(&found)
        .filter_map(|(_, found)| found.as_ref().err().cloned())
        .collect();
    match missing.as_slice() {
        [] => Ok(()),
        reasons => {
            let count = format!(
                "{} of {} shards cannot be reached",
                reasons.len(),
                shards.len()
            );
            Err(Failure::unavailable(format!(
                "{count}\n  {}",
                reasons.join("\n  ")
            )))
        }
    }
}

fn inspect(shards: &[&Shard]) -> Vec<Result<Found, String>> {
    let ask = |shard: &Shard| {
        let patience = shard.config().pool.connect_timeout + GRACE;
        shard
            .inspect(Instant::now() + patience)
            .map_err(|error| error.message().to_owned())
    };
    thread::scope(|scope| {
        let asked: Vec<_> = shards
            .iter()
            .map(|shard| scope.spawn(move || ask(shard)))
            .collect();
        let lost = |_| Err("a fault of this program's own".to_owned());
        asked
            .into_iter()
            .map(|thread| thread.join().unwrap_or_else(lost))
            .collect()
    })
}

fn row(shard: &Shard, found: &Result<Found, String>) -> Vec<String> {
    let database = match &shard.config().target {
        Target::MySql(target) => {
            let name = target.database.as_deref().unwrap_or_default();
            format!("{}/{name}", target.endpoint)
        }
        Target::Sqlite(SqliteTarget::Path(path)) => path.display().to_string(),
        Target::Sqlite(SqliteTarget::Memory) => "in memory".to_owned(),
    };
    let rest = match found {
        Ok(found) => {
            let latency = format!("{:.2} ms", found.latency.as_secs_f64() * 1e3);
            let read_only = if found.read_only { "yes" } else { "no" };
            // One mode a line: together they are wider than a screen.
            let sql_mode = found.sql_mode.replace(',', "\n");
            [
                found.version.clone(),
                latency,
                read_only.to_owned(),
                sql_mode,
            ]
        }
        Err(_) => ["cannot be reached", "-", "-", "-"].map(str::to_owned),
    };
    [shard.name().to_owned(), database]
        .into_iter()
        .chain(rest)
        .collect()
}
