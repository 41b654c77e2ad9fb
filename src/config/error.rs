//! What is wrong with a configuration: every fault, each with its place and its
//! remedy. Nothing here finds faults.

use std::fmt;

/// One thing that is wrong, and how to put it right.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// Counted from 1; `None` for something that is missing from the whole file.
    pub line: Option<usize>,
    /// The key path, such as `shards.users.url`; empty for the file as a whole.
    pub key: String,
    /// What is wrong and the remedy, in one line, never with a password.
    pub message: String,
}

/// Where something stands in the file.
#[derive(Clone, Debug)]
pub(super) struct Place {
    pub key: String,
    pub line: Option<usize>,
}

/// Faults as they are found.
#[derive(Debug, Default)]
pub(super) struct Faults(Vec<Fault>);

impl Faults {
    pub fn add(&mut self, place: &Place, message: impl Into<String>) {
        self.0.push(Fault {
            line: place.line,
            key: place.key.clone(),
            message: message.into(),
        });
    }

    /// `Err` if there are any. Those of a default that many shards take over are
    /// found once for each, and told once.
    pub fn into_result(self, file: &str) -> Result<(), ConfigErrors> {
        let mut faults = self.0;
        faults.sort_by(|a, b| {
            let order = |fault: &Fault| fault.line.unwrap_or(usize::MAX);
            order(a)
                .cmp(&order(b))
                .then_with(|| a.key.cmp(&b.key))
                .then_with(|| a.message.cmp(&b.message))
        });
        faults.dedup();
        match faults.is_empty() {
            true => Ok(()),
            false => Err(ConfigErrors {
                file: file.to_owned(),
                faults,
            }),
        }
    }
}

/// All the faults of a configuration; at least one. Displays one per line, as
/// `forebay.toml:12: shards.users.url: is missing; …`, and their count at the end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigErrors {
    file: String,
    faults: Vec<Fault>,
}

impl ConfigErrors {
    /// In the order of the file's lines; those without a line come last.
    pub fn faults(&self) -> &[Fault] {
        &self.faults
    }
}

impl fmt::Display for ConfigErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for fault in &self.faults {
            f.write_str(&self.file)?;
            if let Some(line) = fault.line {
                write!(f, ":{line}")?;
            }
            if !fault.key.is_empty() {
                write!(f, ": {}", fault.key)?;
            }
            writeln!(f, ": {}", fault.message)?;
        }
        match self.faults.len() {
            1 => write!(f, "1 fault in {}", self.file),
            count => write!(f, "{count} faults in {}", self.file),
        }
    }
}

impl std::error::Error for ConfigErrors {}

/// A text that is not what it should be: a listen address or a shard's URL.
/// Displays what is wrong and the remedy, in one line, never with a password.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Invalid(pub(super) String);

impl fmt::Display for Invalid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Invalid {}
