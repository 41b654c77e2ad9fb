//! The layers' rules, as absences: which folder may know which package.

use std::fs;
use std::path::{Path, PathBuf};

use crate::support::root;

/// Each package and the one place that may name it.
const PLACES: &[(&str, &[&str])] = &[
    ("thrift", &["src/rpc"]),
    ("mysql", &["src/backend/mysql"]),
    ("r2d2_mysql", &["src/backend/mysql"]),
    ("r2d2", &["src/backend/pool.rs"]),
    ("rusqlite", &["src/backend/sqlite"]),
    ("clap", &["src/cli"]),
    ("clap_complete", &["src/cli"]),
    ("clap_mangen", &["src/cli"]),
    ("toml", &["src/config"]),
    ("hyper", &["src/http"]),
    ("hyper_util", &["src/http"]),
    ("http_body_util", &["src/http"]),
    ("prometheus_client", &["src/http"]),
    ("getrandom", &["src/service/transactions"]),
    (
        "tokio",
        &[
            "src/frontend",
            "src/http",
            "src/service",
            "src/cli/serve.rs",
        ],
    ),
];

/// Each layer and the modules of the crate that it must not know.
const ABSENCES: &[(&str, &[&str])] = &[
    (
        "src/frontend",
        &[
            "sql",
            "backend",
            "dispatch",
            "http",
            "rpc",
            "service",
            "cli",
            "operation",
        ],
    ),
    ("src/http", &["sql", "rpc", "service", "cli", "operation"]),
    (
        "src/dispatch",
        &[
            "sql",
            "backend",
            "rpc",
            "frontend",
            "http",
            "service",
            "cli",
            "operation",
        ],
    ),
    (
        "src/sql",
        &[
            "backend", "dispatch", "rpc", "frontend", "service", "cli", "config",
        ],
    ),
    (
        "src/backend",
        &["dispatch", "http", "rpc", "frontend", "service", "cli"],
    ),
    (
        "src/rpc",
        &[
            "backend", "frontend", "dispatch", "http", "service", "cli", "sql",
        ],
    ),
    (
        "src/config",
        &[
            "backend", "dispatch", "rpc", "frontend", "service", "cli", "sql",
        ],
    ),
    (
        "src/digests",
        &[
            "backend", "dispatch", "rpc", "frontend", "service", "cli", "config",
        ],
    ),
    (
        "src/operation.rs",
        &["backend", "rpc", "frontend", "config", "service"],
    ),
    (
        "src/budget.rs",
        &["backend", "rpc", "frontend", "config", "service"],
    ),
    (
        "src/cancel.rs",
        &["backend", "rpc", "frontend", "config", "service"],
    ),
    (
        "src/peer.rs",
        &["backend", "rpc", "frontend", "config", "service"],
    ),
    (
        "src/value.rs",
        &["backend", "rpc", "frontend", "config", "service"],
    ),
    (
        "src/error.rs",
        &["backend", "rpc", "frontend", "config", "service"],
    ),
    (
        "src/stats",
        &[
            "backend", "dispatch", "http", "rpc", "frontend", "config", "service",
        ],
    ),
];

fn sources(path: &Path) -> Vec<PathBuf> {
    if path.is_file() {
        return vec![path.to_owned()];
    }
    let entries = fs::read_dir(path).unwrap();
    entries
        .flat_map(|entry| sources(&entry.unwrap().path()))
        .collect()
}

/// Lines of code that name `module`, as `module::` not after a letter or a colon.
fn names(file: &Path, module: &str) -> Vec<String> {
    let text = fs::read_to_string(file).unwrap();
    let needle = format!("{module}::");
    let names_it = |line: &&str| {
        let code = line.split("//").next().unwrap_or_default();
        code.match_indices(&needle).any(|(at, _)| {
            let before = code[..at].chars().next_back();
            !before.is_some_and(|c| c.is_alphanumeric() || c == '_' || c == ':')
        })
    };
    text.lines().filter(names_it).map(str::to_owned).collect()
}

#[test]
fn each_package_is_known_in_one_place() {
    let all = sources(&root().join("src"));
    for (package, places) in PLACES {
        let mut seen = 0;
        for file in &all {
            let lines = names(file, package);
            let allowed = places
                .iter()
                .any(|place| file.starts_with(root().join(place)));
            assert!(
                allowed || lines.is_empty(),
                "{} knows `{package}`, which only {places:?} may: {lines:?}",
                file.display()
            );
            seen += lines.len();
        }
        assert!(
            seen > 0,
            "nobody knows `{package}` any more: take it off the list"
        );
    }
}

#[test]
fn no_layer_knows_what_is_above_it() {
    for (layer, absences) in ABSENCES {
        for file in sources(&root().join(layer)) {
            for module in *absences {
                let lines = names(&file, &format!("crate::{module}"));
                assert!(
                    lines.is_empty(),
                    "{} knows `{module}`: {lines:?}",
                    file.display()
                );
            }
        }
    }
}
