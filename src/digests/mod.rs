//! What statements cost: a bounded table of their digests over all shards, and
//! from it which statements are long, before they run again. Part of the shared
//! vocabulary: nothing here knows Thrift, HTTP, pools or databases.
//!
//! A text that comes again byte for byte is found by its hash; others are
//! digested first, which is bounded too. Both are cheap enough for the threads
//! that move bytes.

mod entry;
mod hash;
mod meter;
mod table;
#[cfg(test)]
mod tests;
mod texts;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use serde_json::{Value, json};

use crate::operation::{Insert, InsertMode, Operation};
use crate::sql::{self, Dialect};
use entry::Kindred;
pub use entry::Known;
pub use meter::Meter;
use table::{Key, Kind, Table};
use texts::Texts;

/// What the table must know of a shard.
#[derive(Clone, Debug)]
pub struct ShardFacts {
    pub name: String,
    pub dialect: Dialect,
    /// A statement that takes longer than this on average is long; None: none is.
    pub long_after: Option<Duration>,
}

/// What there is a digest of.
#[derive(Clone, Copy, Debug)]
pub enum Source<'a> {
    /// One statement, as sent.
    Statement(&'a [u8]),
    /// Rows of a table, as the function `insert` writes them.
    Insert(&'a Insert),
    /// All inserts into that table. Not shown.
    Table(&'a [u8]),
    /// All batches whose first statement this is. Not shown.
    Batch(&'a [u8]),
}

/// A digest and what its statements have cost.
#[derive(Clone, Debug)]
pub struct DigestRow {
    pub shard: String,
    pub digest: String,
    /// How often it was run; what was refused before it was sent does not count.
    pub count: u64,
    /// How often it failed, of these.
    pub errors: u64,
    /// Of its execution, without queue and connecting.
    pub total: Duration,
    pub max: Duration,
    /// A moving average, by which it is long or not.
    pub recent: Duration,
    pub is_long: bool,
    /// Returned and affected.
    pub rows: u64,
    pub first_seen: SystemTime,
    pub last_seen: SystemTime,
}

/// The digests of all shards. At most `digests_max` of them, each of at most
/// [`sql::DIGEST_MAX_BYTES`] and 2 KiB beside; of a full table the one that was
/// not used for longest, roughly, gives way: a new one must find a place, or it
/// would never be known to be long.
pub struct Digests {
    shards: Vec<(ShardFacts, Arc<Kindred>)>,
    /// None: there is no table.
    texts: Option<Texts>,
    table: Mutex<Table>,
}

impl Digests {
    /// `shards` in the order of their indexes; 0 digests: nothing is noted, and
    /// no statement known to be long.
    pub fn new(digests_max: usize, shards: Vec<ShardFacts>) -> Digests {
        let with_kindred = |shard: ShardFacts| {
            let kindred = Kindred::new(shard.long_after);
            (shard, kindred)
        };
        Digests {
            shards: shards.into_iter().map(with_kindred).collect(),
            texts: (digests_max > 0).then(|| Texts::new(digests_max)),
            table: Mutex::new(Table::new(digests_max)),
        }
    }

    /// What is known of a statement on a shard; it is entered if it is new.
    ///
    /// A text that was seen lately costs a hash of its bytes and a short lock of
    /// one in sixteen; any other a digest and the table's lock. None: there is
    /// no table, or the text is not UTF-8.
    pub fn find(&self, shard: usize, source: Source<'_>) -> Option<Known> {
        let texts = self.texts.as_ref()?;
        let (facts, kindred) = self.shards.get(shard)?;
        let hash = texts.hash(shard, source);
        if let Some(known) = texts.find(hash) {
            return Some(known);
        }
        let key = Key {
            shard,
            kind: source.kind(),
            digest: source.digest(facts.dialect)?.into(),
        };
        let known = self.table().enter(key, kindred);
        texts.remember(hash, &known);
        Some(known)
    }

    /// All that were run, the most time in all first.
    pub fn snapshot(&self) -> Vec<DigestRow> {
        let entries = self.table().entries();
        let mut rows: Vec<DigestRow> = entries
            .into_iter()
            .filter(|(key, _)| key.kind == Kind::Statement)
            .filter_map(|(key, known)| {
                let shard = self.shards.get(key.shard)?.0.name.clone();
                known.row(shard, key.digest.to_string())
            })
            .collect();
        rows.sort_by(|a, b| b.total.cmp(&a.total).then_with(|| a.digest.cmp(&b.digest)));
        rows
    }

    fn table(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl DigestRow {
    /// Times in microseconds, places in time in seconds since 1970.
    pub fn to_json(&self) -> Value {
        let micros = |time: Duration| u64::try_from(time.as_micros()).unwrap_or(u64::MAX);
        let seconds = |at: SystemTime| {
            let since = at.duration_since(SystemTime::UNIX_EPOCH);
            since.map_or(0.0, |since| (since.as_secs_f64() * 1e3).round() / 1e3)
        };
        let total = micros(self.total);
        json!({
            "shard": self.shard,
            "digest": self.digest,
            "count": self.count,
            "errors": self.errors,
            "rows": self.rows,
            "time_us": {
                "total": total,
                "mean": total / self.count.max(1),
                "max": micros(self.max),
                "recent": micros(self.recent),
            },
            "long": self.is_long,
            "first_seen": seconds(self.first_seen),
            "last_seen": seconds(self.last_seen),
        })
    }
}

impl<'a> Source<'a> {
    /// What tells beforehand how long an operation takes.
    pub fn of(operation: &'a Operation) -> Option<Source<'a>> {
        match operation {
            Operation::Ping => None,
            Operation::Query(statement) | Operation::Execute(statement) => {
                Some(Source::Statement(statement.sql.as_bytes()))
            }
            Operation::Insert(insert) => Some(Source::Table(insert.table.as_bytes())),
            Operation::Batch(batch) => {
                let first = batch.steps.first()?;
                Some(Source::Batch(first.statement.sql.as_bytes()))
            }
        }
    }

    fn kind(self) -> Kind {
        match self {
            Source::Statement(_) | Source::Insert(_) => Kind::Statement,
            Source::Table(_) => Kind::Table,
            Source::Batch(_) => Kind::Batch,
        }
    }

    fn digest(self, dialect: Dialect) -> Option<String> {
        match self {
            Source::Statement(text) | Source::Batch(text) => {
                let text = str::from_utf8(text).ok()?;
                Some(sql::digest(text, dialect))
            }
            Source::Table(name) => {
                let name = str::from_utf8(name).ok()?;
                let end = name.floor_char_boundary(sql::DIGEST_MAX_BYTES);
                Some(name[..end].to_owned())
            }
            Source::Insert(insert) => Some(sql::digest(&statement_of(insert), dialect)),
        }
    }
}

/// As somebody would write it who has one value for each column.
fn statement_of(insert: &Insert) -> String {
    let mut text = String::from(match insert.mode {
        InsertMode::Insert => "INSERT INTO ",
        InsertMode::Ignore => "INSERT IGNORE INTO ",
        InsertMode::Replace => "REPLACE INTO ",
    });
    let quoted = |name: &str| format!("`{}`", name.replace('`', "``"));
    if let Some(database) = &insert.database {
        text.push_str(&quoted(database));
        text.push('.');
    }
    text.push_str(&quoted(&insert.table));
    for (index, column) in insert.columns.iter().enumerate() {
        text.push_str(if index == 0 { " (" } else { ", " });
        text.push_str(&quoted(column));
        if text.len() > sql::DIGESTED_MAX_BYTES {
            return text;
        }
    }
    text.push_str(") VALUES (?)");
    text
}
