//! What `[shards.NAME]` and `[shard_defaults]` mean: names, what a shard takes
//! from the defaults, and which keys its kind of database has a use for.

use std::path::Path;

use super::document::Section;
use super::error::{Faults, Place};
use super::keys;
use super::mysql_settings::RawMySql;
use super::pool_settings::RawPool;
use super::secret::{self, Environment};
use super::server::WorkersMax;
use super::types::{Secret, ShardConfig, Target};

/// What reading a shard needs beside its own table.
pub(super) struct Surroundings<'s> {
    /// Relative paths are under it.
    pub base_dir: &'s Path,
    pub environment: Environment<'s>,
    pub workers_max: WorkersMax,
}

/// `[shard_defaults]`, or nothing.
#[derive(Default)]
pub(super) struct ShardDefaults {
    pool: RawPool,
    mysql: RawMySql,
}

impl ShardDefaults {
    pub fn read(section: Option<Section<'_>>, base_dir: &Path, faults: &mut Faults) -> Self {
        let Some(section) = section else {
            return ShardDefaults::default();
        };
        let known = [keys::POOL_KEYS, keys::MYSQL_KEYS].concat();
        section.check_keys(&known, faults);
        ShardDefaults {
            pool: RawPool::read(&section, faults),
            mysql: RawMySql::read(&section, base_dir, faults),
        }
    }
}

/// The `[shards.NAME]` tables of the top level, sorted by name.
pub(super) fn read_shards(
    root: &Section<'_>,
    defaults: &ShardDefaults,
    surroundings: &Surroundings<'_>,
    faults: &mut Faults,
) -> Vec<ShardConfig> {
    let section = root.section_under("shards", "shards.NAME", faults);
    let absent = root.place_under("shards").is_none();
    if absent || section.as_ref().is_some_and(Section::is_empty) {
        let place = root.place_under("shards");
        let place = place.unwrap_or_else(|| root.place_missing("shards"));
        let remedy = "add a table such as [shards.users] with a url in it";
        faults.add(&place, format!("no shard is configured; {remedy}"));
    }
    let Some(section) = section else {
        return Vec::new();
    };
    let sections = section.sections(faults);
    if sections.len() > keys::SHARDS_MAX {
        let (count, most) = (sections.len(), keys::SHARDS_MAX);
        let message = format!("{count} shards are configured; there must be at most {most}");
        faults.add(&section.place, message);
    }
    check_names(&sections, faults);
    let mut shards: Vec<_> = sections
        .into_iter()
        .filter_map(|(name, section)| read_shard(name, &section, defaults, surroundings, faults))
        .collect();
    shards.sort_by(|a, b| a.name.cmp(&b.name));
    shards
}

fn check_names(sections: &[(String, Section<'_>)], faults: &mut Faults) {
    let most = keys::SHARD_NAME_MAX_CHARS;
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"_.-".contains(&byte);
    let mut lowered: Vec<(String, &Place)> = Vec::new();
    for (name, section) in sections {
        if name.is_empty() || name.len() > most || !name.bytes().all(allowed) {
            faults.add(
                &section.place,
                format!(
                    "is not a shard's name; it must have from 1 to {most} of the characters \
                     A-Z a-z 0-9 _ . -"
                ),
            );
        }
        lowered.push((name.to_lowercase(), &section.place));
    }
    // By line within a name, so that the later one is the fault.
    lowered.sort_by(|a, b| a.0.cmp(&b.0).then(a.1.line.cmp(&b.1.line)));
    for pair in lowered.windows(2) {
        let [(earlier, first), (later, second)] = pair else {
            continue;
        };
        if earlier == later {
            let (key, line) = (&first.key, first.line.unwrap_or(0));
            faults.add(
                second,
                format!("differs only in case from {key} (line {line}); rename one of them"),
            );
        }
    }
}

fn read_shard(
    name: String,
    section: &Section<'_>,
    defaults: &ShardDefaults,
    surroundings: &Surroundings<'_>,
    faults: &mut Faults,
) -> Option<ShardConfig> {
    let known = [keys::SHARD_OWN_KEYS, keys::POOL_KEYS, keys::MYSQL_KEYS];
    section.check_keys(&known.concat(), faults);
    let pool = RawPool::read(section, faults).or(&defaults.pool);
    let settings = pool.resolve(surroundings.workers_max, faults);
    let target = match read_target(section, surroundings.base_dir, faults) {
        Some(Target::Sqlite(sqlite)) => {
            let only_mysql = keys::PASSWORD_KEYS.iter().chain(keys::MYSQL_KEYS);
            for place in only_mysql.filter_map(|key| section.place_under(key)) {
                faults.add(&place, "has no meaning for an SQLite shard; remove it");
            }
            Target::Sqlite(sqlite)
        }
        other => {
            // Read even if the URL is faulty, for the faults in them.
            let own_mysql = RawMySql::read(section, surroundings.base_dir, faults);
            let password = read_password(section, surroundings, faults);
            let Some(Target::MySql(mut mysql)) = other else {
                return None;
            };
            mysql.password = password;
            own_mysql.apply(&defaults.mysql, &mut mysql, faults);
            Target::MySql(mysql)
        }
    };
    Some(ShardConfig {
        name,
        target,
        pool: settings.pool,
        queue_max_requests: settings.queue_max_requests,
        transactions_max: settings.transactions_max,
        long_statement: settings.long_statement,
        long_statements_max: settings.long_statements_max,
    })
}

fn read_target(section: &Section<'_>, base_dir: &Path, faults: &mut Faults) -> Option<Target> {
    let must = "a URL such as mysql://user@host:3306/database, \
                mysql+unix://user@localhost/database?socket=/path or sqlite:path";
    let Some(place) = section.place_under("url") else {
        // A table in its stead is a shard with a dot in its name, and a fault already.
        if !section.has_tables() {
            let place = section.place_missing("url");
            faults.add(&place, format!("is missing; it must be {must}"));
        }
        return None;
    };
    let url = section.text("url", must, faults)?;
    match Target::from_url(&url.value, base_dir) {
        Ok(target) => Some(target),
        Err(invalid) => {
            faults.add(&place, invalid.to_string());
            None
        }
    }
}

fn read_password(
    section: &Section<'_>,
    surroundings: &Surroundings<'_>,
    faults: &mut Faults,
) -> Option<Secret> {
    let file = section.text("password_file", "the path of a file", faults);
    let variable = section.text("password_env", "the name of a variable", faults);
    if let (Some(_), Some(variable)) = (&file, &variable) {
        let message = "is given beside password_file; remove one of the two";
        faults.add(&variable.place, message);
    }
    let from_file = file.map(|file| {
        let path = surroundings.base_dir.join(&file.value);
        file.with(secret::from_file(&path))
    });
    let from_variable = variable.map(|variable| {
        let environment = surroundings.environment;
        variable.with(secret::from_environment(&variable.value, environment))
    });
    let mut password = None;
    for found in [from_file, from_variable].into_iter().flatten() {
        match found.value {
            Ok(secret) => password = Some(secret),
            Err(message) => faults.add(&found.place, message),
        }
    }
    password
}
