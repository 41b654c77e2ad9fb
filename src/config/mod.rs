//! The configuration file: TOML in, a valid [`Config`] out, or every fault in it
//! at once. Only this folder knows TOML. It reads files (the configuration itself
//! and those that it names) and the environment, and connects to nothing.
//!
//! The steps: `document` parses (`syntax` tells its faults), `server` and `shard`
//! read each key and check it (`pool_settings`, `mysql_settings`, `url`, `address`
//! and `secret` know the forms of values, `keys` the names and ranges), and `types`
//! is what comes out.

mod address;
mod document;
mod error;
mod keys;
mod mysql_settings;
mod pool_settings;
mod secret;
mod server;
mod shard;
mod syntax;
mod types;
mod url;

#[cfg(test)]
mod tests;

use std::fs::File;
use std::io::Read;
use std::path::Path;

use document::Document;
use error::{Faults, Place};
use secret::Environment;
use shard::{ShardDefaults, Surroundings};

pub use address::ListenAddress;
pub use error::{ConfigErrors, Fault, Invalid};
pub use types::{
    AffectedRows, Charset, ClientIdentity, Config, Endpoint, LogConfig, LogFormat, LogLevel,
    MySqlTarget, PoolConfig, Secret, ServerConfig, ShardConfig, SqliteTarget, StatementPath,
    Target, TlsConfig, TlsVerify,
};

/// A configuration with every key and what it means; valid, and needing nothing
/// to be installed.
pub const EXAMPLE: &str = include_str!("example.toml");

/// A path to something else is not read to its end.
const FILE_MAX_BYTES: u64 = 4 * 1024 * 1024;

impl Config {
    /// Reads and validates the file at `path`. Relative paths in it are under its
    /// folder.
    pub fn load(path: &Path) -> Result<Config, ConfigErrors> {
        let file = path.display().to_string();
        let mut faults = Faults::default();
        let text = read_text(path, &mut faults);
        faults.into_result(&file)?;
        let base_dir = path.parent().unwrap_or(Path::new(""));
        parse(&text, &file, base_dir, &|name| std::env::var_os(name))
    }

    /// Validates the text of a configuration whose relative paths are under
    /// `base_dir`.
    pub fn parse(text: &str, base_dir: &Path) -> Result<Config, ConfigErrors> {
        parse(text, "configuration", base_dir, &|name| {
            std::env::var_os(name)
        })
    }
}

/// `file` is how the faults call the configuration.
fn parse(
    text: &str,
    file: &str,
    base_dir: &Path,
    environment: Environment<'_>,
) -> Result<Config, ConfigErrors> {
    let mut faults = Faults::default();
    let document = Document::parse(text, &mut faults);
    let config = document.map(|document| read(&document, base_dir, environment, &mut faults));
    faults.into_result(file)?;
    // Without a document there was a fault.
    Ok(config.unwrap_or_default())
}

fn read(
    document: &Document<'_>,
    base_dir: &Path,
    environment: Environment<'_>,
    faults: &mut Faults,
) -> Config {
    let root = document.root();
    root.check_keys(keys::ROOT_KEYS, faults);
    let server = root.section("server", faults);
    let (server, workers_max) = server::read_server(server, base_dir, faults);
    let log = server::read_log(root.section("log", faults), faults);
    let defaults = root.section("shard_defaults", faults);
    let defaults = ShardDefaults::read(defaults, base_dir, faults);
    let surroundings = Surroundings {
        base_dir,
        environment,
        workers_max,
    };
    let shards = shard::read_shards(&root, &defaults, &surroundings, faults);
    Config {
        server,
        log,
        shards,
    }
}

/// The text of the file, or an empty one and a fault.
fn read_text(path: &Path, faults: &mut Faults) -> String {
    let mut place = Place {
        key: String::new(),
        line: None,
    };
    let mut bytes = Vec::new();
    let read =
        File::open(path).and_then(|file| file.take(FILE_MAX_BYTES + 1).read_to_end(&mut bytes));
    if let Err(error) = read {
        let remedy = "give the path of a configuration file that the service may read";
        faults.add(&place, format!("cannot be read ({error}); {remedy}"));
        return String::new();
    }
    if bytes.len() as u64 > FILE_MAX_BYTES {
        let remedy = "give the path of a configuration file";
        faults.add(
            &place,
            format!("has more than {FILE_MAX_BYTES} bytes; {remedy}"),
        );
        return String::new();
    }
    String::from_utf8(bytes).unwrap_or_else(|error| {
        let valid = error.utf8_error().valid_up_to();
        let newlines = error.as_bytes()[..valid].iter();
        place.line = Some(1 + newlines.filter(|byte| **byte == b'\n').count());
        faults.add(&place, "is not UTF-8 text; save the file as UTF-8");
        String::new()
    })
}
