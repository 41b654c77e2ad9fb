//! What is written, against what README.md says of it.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use super::*;
use crate::backend::{KillStats, PoolStats, RetryStats, ShardStats, Unavailable};
use crate::dispatch::LaneFigures;
use crate::error::ErrorKind;
use crate::http::snapshot::{LaneSnapshot, ShardSnapshot};
use crate::stats::{Answered, Code, Function, Process, Stats, Traffic};

/// A metric: its type, its labels, and its help.
type Row = (String, BTreeSet<String>, String);

/// Everything that there is to tell, and none of it zero.
fn full() -> Snapshot {
    let stats = Stats::new(1);
    for function in [Function::Query, Function::QueryItem] {
        let answered = Answered {
            function,
            code: Code::Failed(ErrorKind::Deadlock),
            arrived: Instant::now(),
            started: Some(Instant::now()),
        };
        stats.answered(Some(0), &answered);
    }
    let figures = LaneFigures {
        waiting: 1,
        expired: 2,
        ..LaneFigures::default()
    };
    Snapshot {
        shards: vec![shard("a", stats.shard(0)), shard("b", None)],
        lanes: vec![LaneSnapshot {
            shard: Some(0),
            lane: "shard",
            figures,
        }],
        traffic: stats.common(),
        process: Process {
            started: Duration::from_millis(1_500),
            cpu: Some(Duration::from_millis(20)),
            resident_bytes: Some(1),
            threads: Some(1),
            descriptors: Some(1),
        },
        ..Snapshot::default()
    }
}

fn shard(name: &str, traffic: Option<Traffic>) -> ShardSnapshot {
    let unavailable = Unavailable {
        reason: "no \"reason\"".to_owned(),
        since: Instant::now(),
    };
    ShardSnapshot {
        name: name.to_owned(),
        stats: ShardStats {
            pool: PoolStats {
                connections: 0,
                idle: 0,
                waiting: 0,
                connects: 1,
                connect_failures: 2,
                generation: 3,
                unavailable: traffic.is_none().then_some(unavailable),
            },
            retries: RetryStats {
                requests: 4,
                retries: 5,
                refused: 6,
            },
            kills: KillStats {
                sent: 7,
                failed: 0,
                skipped: 8,
            },
        },
        pool_max: 8,
        transactions_open: 1,
        traffic,
    }
}

/// The metrics of a text.
fn written(text: &str) -> BTreeMap<String, Row> {
    let mut rows: BTreeMap<String, Row> = BTreeMap::new();
    let word = |line: &str, prefix: &str| {
        let rest = line.strip_prefix(prefix)?;
        let (name, rest) = rest.split_once(' ')?;
        Some((name.to_owned(), rest.to_owned()))
    };
    let mut name = String::new();
    for line in text.lines() {
        if let Some((new, help)) = word(line, "# HELP ") {
            let row = (String::new(), BTreeSet::new(), help);
            assert!(rows.insert(new.clone(), row).is_none(), "{new} twice");
            name = new;
        } else if let Some((of, kind)) = word(line, "# TYPE ") {
            assert_eq!(of, name);
            rows.get_mut(&name).unwrap().0 = kind;
        } else {
            assert!(line.starts_with(&name), "{line} among {name}");
            let labels = line.split_once('{').map_or("", |(_, labels)| labels);
            let labels = labels.split("=\"").filter_map(|part| {
                let name = part.rsplit(['{', ',']).next()?;
                (!name.contains('"')).then(|| name.to_owned())
            });
            let known = &mut rows.get_mut(&name).unwrap().1;
            known.extend(labels.filter(|label| !label.is_empty() && label != "le"));
        }
    }
    rows
}

/// The rows `| name | type | labels | meaning |` of the table in README.md.
fn in_readme() -> BTreeMap<String, Row> {
    let readme = include_str!("../../../README.md");
    let rows = readme.lines().filter_map(|line| {
        let cells: Vec<&str> = line
            .strip_prefix('|')?
            .strip_suffix('|')?
            .split('|')
            .collect();
        let [name, kind, labels, meaning] = cells.as_slice() else {
            return None;
        };
        let name = name.trim().strip_prefix('`')?.strip_suffix('`')?;
        let is_metric = name.starts_with("forebay_") || name.starts_with("process_");
        let labels = labels.trim().split(", ").filter(|label| !label.is_empty());
        let labels = labels.map(str::to_owned).collect();
        let row = (kind.trim().to_owned(), labels, meaning.trim().to_owned());
        is_metric.then(|| (name.to_owned(), row))
    });
    rows.collect()
}

#[test]
fn the_readme_has_every_metric_and_no_other() {
    let written = written(&render(full(), Form::Plain).unwrap());
    let table: String = written
        .iter()
        .map(|(name, (kind, labels, help))| {
            let labels: Vec<&str> = labels.iter().map(String::as_str).collect();
            format!("| `{name}` | {kind} | {} | {help} |\n", labels.join(", "))
        })
        .collect();
    assert_eq!(in_readme(), written, "the table should be:\n{table}");
}

#[test]
fn a_histogram_adds_up() {
    let text = render(full(), Form::Plain).unwrap();
    let series = |rest: &str| {
        let name = format!("forebay_request_seconds_{rest} ");
        let line = text.lines().find_map(|line| line.strip_prefix(&name));
        line.unwrap_or_else(|| panic!("no {name} in {text}"))
            .to_owned()
    };
    assert_eq!(series(r#"bucket{le="60.0",shard="a"}"#), "2");
    assert_eq!(series(r#"bucket{le="+Inf",shard="a"}"#), "2");
    assert_eq!(series(r#"count{shard="a"}"#), "2");
    let sum: f64 = series(r#"sum{shard="a"}"#).parse().unwrap();
    assert!(sum > 0.0 && sum < 60.0, "{sum}");
}

#[test]
fn the_newer_form_is_given_to_those_who_ask() {
    let accepted = |header: &'static str| Form::accepted([header].into_iter());
    assert_eq!(accepted("*/*"), Form::Plain);
    assert_eq!(accepted("text/plain;version=0.0.4"), Form::Plain);
    let newer = "application/openmetrics-text;version=1.0.0;q=0.8,text/plain;q=0.5";
    assert_eq!(accepted(newer), Form::OpenMetrics);
}

#[test]
fn what_no_shard_has_counted_is_left_out() {
    let text = render(full(), Form::Plain).unwrap();
    assert!(text.contains("forebay_kills_total{shard=\"a\",result=\"sent\"} 7\n"));
    assert!(!text.contains("forebay_kills_total{shard=\"a\",result=\"failed\"}"));
    assert!(text.contains("forebay_shard_up{shard=\"b\"} 0\n"));
    assert!(!text.contains("forebay_pool_connections_max{shard=\"b\"}"));
}
