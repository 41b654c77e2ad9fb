//! What a shard's connections to MySQL may set by themselves or take from the
//! defaults. Read first, then laid over the defaults, then checked against one
//! another.

use std::path::{Path, PathBuf};

use super::document::{Located, Section, shorten};
use super::error::Faults;
use super::keys;
use super::secret;
use super::types::{
    AffectedRows, Charset, ClientIdentity, Endpoint, MySqlTarget, StatementPath, TlsConfig,
    TlsVerify,
};

/// As written: what is missing, or faulty, is `None`.
#[derive(Default)]
pub(super) struct RawMySql {
    charset: Option<Located<Charset>>,
    collation: Option<Located<String>>,
    sql_mode: Option<Located<String>>,
    time_zone: Option<Located<String>>,
    /// Within, `None` is "disabled".
    tls: Option<Located<Option<TlsVerify>>>,
    tls_ca_file: Option<Located<PathBuf>>,
    tls_cert_file: Option<Located<PathBuf>>,
    tls_key_file: Option<Located<PathBuf>>,
    statements: Option<Located<StatementPath>>,
    prepared_statements_max: Option<Located<u64>>,
    affected_rows: Option<Located<AffectedRows>>,
}

impl RawMySql {
    pub fn read(section: &Section<'_>, base_dir: &Path, faults: &mut Faults) -> RawMySql {
        let modes = [
            ("disabled", None),
            ("required", Some(TlsVerify::Nothing)),
            ("verify_ca", Some(TlsVerify::Authority)),
            ("verify_identity", Some(TlsVerify::Identity)),
        ];
        let paths = [
            ("escaped", StatementPath::Escaped),
            ("prepared", StatementPath::Prepared),
        ];
        let counted = [
            ("changed", AffectedRows::Changed),
            ("matched", AffectedRows::Matched),
        ];
        let charset = read_charset(section, faults);
        let collation = read_collation(section, faults);
        // Beside a faulty character set it cannot be compared with anything.
        let comparable = charset.is_some() || section.place_under("charset").is_none();
        let statements = section.choice("statements", &paths, faults);
        let prepared_statements_max = section.number(&keys::PREPARED_STATEMENTS_MAX, faults);
        // Whether it has an effect cannot be told beside a faulty path.
        let known_path = statements.is_some() || section.place_under("statements").is_none();
        let raw = RawMySql {
            charset,
            collation: collation.filter(|_| comparable),
            sql_mode: read_sql_mode(section, faults),
            time_zone: read_time_zone(section, faults),
            tls: section.choice("tls", &modes, faults),
            tls_ca_file: read_path(section, "tls_ca_file", base_dir, faults),
            tls_cert_file: read_path(section, "tls_cert_file", base_dir, faults),
            tls_key_file: read_path(section, "tls_key_file", base_dir, faults),
            statements,
            prepared_statements_max: prepared_statements_max.filter(|_| known_path),
            affected_rows: section.choice("affected_rows", &counted, faults),
        };
        let pair = [
            ("tls_cert_file", "tls_key_file"),
            ("tls_key_file", "tls_cert_file"),
        ];
        for (one, other) in pair {
            let here = section.place_under(one);
            if let (Some(place), None) = (here, section.place_under(other)) {
                faults.add(
                    &place,
                    format!("is given without {other}; give both or none"),
                );
            }
        }
        raw
    }

    /// Gives `target` what is here, and what is not here from `defaults`.
    pub fn apply(self, defaults: &RawMySql, target: &mut MySqlTarget, faults: &mut Faults) {
        let charset = self.charset.as_ref().or(defaults.charset.as_ref());
        target.charset = charset.map_or(Charset::default(), |charset| charset.value);
        let collation = self.collation.as_ref().or(defaults.collation.as_ref());
        if let Some(collation) = collation {
            check_collation(collation, target.charset, charset, faults);
            target.collation = Some(collation.value.clone());
        }
        let value = |text: &Located<String>| text.value.clone();
        let sql_mode = self.sql_mode.as_ref().or(defaults.sql_mode.as_ref());
        target.sql_mode = sql_mode.map(value);
        let time_zone = self.time_zone.as_ref().or(defaults.time_zone.as_ref());
        target.time_zone = time_zone.map(value);
        target.tls = self.resolve_tls(defaults, &target.endpoint, faults);
        let affected_rows = self.affected_rows.as_ref();
        let affected_rows = affected_rows.or(defaults.affected_rows.as_ref());
        target.affected_rows = affected_rows.map_or(AffectedRows::default(), |rows| rows.value);
        self.apply_statements(defaults, target, faults);
    }

    fn apply_statements(&self, defaults: &RawMySql, target: &mut MySqlTarget, faults: &mut Faults) {
        let statements = self.statements.as_ref().or(defaults.statements.as_ref());
        target.statements = statements.map_or(StatementPath::default(), |path| path.value);
        let own = self.prepared_statements_max.as_ref();
        if let (StatementPath::Escaped, Some(number)) = (target.statements, own) {
            let message = "has no effect while statements is \"escaped\"; set statements = \
                           \"prepared\", or remove it";
            faults.add(&number.place, message);
        }
        let number = own.or(defaults.prepared_statements_max.as_ref());
        if let Some(number) = number {
            target.prepared_statements_max = number.value as u32;
        }
    }

    /// What the shard sets itself must make sense for it; what the defaults set
    /// is for the shards that have a use for it.
    fn resolve_tls(
        &self,
        defaults: &RawMySql,
        endpoint: &Endpoint,
        faults: &mut Faults,
    ) -> Option<TlsConfig> {
        let mode = self.tls.as_ref().or(defaults.tls.as_ref());
        let files = [&self.tls_ca_file, &self.tls_cert_file, &self.tls_key_file];
        let mut refuse = |file: Option<&Located<PathBuf>>, message: &str| {
            if let Some(file) = file {
                faults.add(&file.place, message);
            }
        };
        if let Endpoint::Unix(_) = endpoint {
            let message = "has no meaning on a Unix socket, where nothing is encrypted; remove it";
            for file in files {
                refuse(file.as_ref(), message);
            }
            if let Some(tls) = self.tls.as_ref().filter(|tls| tls.value.is_some()) {
                faults.add(&tls.place, message);
            }
            return None;
        }
        let Some(verify) = mode.and_then(|mode| mode.value) else {
            let message = "has no effect while tls is \"disabled\"; set tls = \"verify_identity\", \
                           or remove it";
            for file in files {
                refuse(file.as_ref(), message);
            }
            return None;
        };
        let own_ca = self.tls_ca_file.as_ref();
        let ca_file = match verify {
            TlsVerify::Nothing => {
                let message = "has no effect with tls = \"required\", which checks no certificate; \
                               set tls = \"verify_ca\" or \"verify_identity\", or remove it";
                refuse(own_ca, message);
                None
            }
            TlsVerify::Authority | TlsVerify::Identity => own_ca.or(defaults.tls_ca_file.as_ref()),
        };
        let own_identity = self.tls_cert_file.is_some() || self.tls_key_file.is_some();
        let identity = if own_identity { self } else { defaults };
        let pair = identity.tls_cert_file.as_ref();
        let pair = pair.zip(identity.tls_key_file.as_ref());
        Some(TlsConfig {
            verify,
            ca_file: ca_file.map(|file| file.value.clone()),
            client_identity: pair.map(|(cert, key)| ClientIdentity {
                cert_file: cert.value.clone(),
                key_file: key.value.clone(),
            }),
        })
    }
}

fn read_charset(section: &Section<'_>, faults: &mut Faults) -> Option<Located<Charset>> {
    let text = section.text("charset", "\"utf8mb4\" or \"utf8mb3\"", faults)?;
    match text.value.as_str() {
        "utf8mb4" => Some(text.with(Charset::Utf8mb4)),
        "utf8mb3" | "utf8" => Some(text.with(Charset::Utf8mb3)),
        other => {
            let shown = shorten(other);
            faults.add(
                &text.place,
                format!(
                    "{shown:?} is refused: statements and results are UTF-8, and escaping is \
                     not safe in some other character sets; it must be \"utf8mb4\" or \"utf8mb3\""
                ),
            );
            None
        }
    }
}

fn read_collation(section: &Section<'_>, faults: &mut Faults) -> Option<Located<String>> {
    const MAX_CHARS: usize = 64;
    let collation = section.text("collation", "a name such as \"utf8mb4_bin\"", faults)?;
    let text = &collation.value;
    let allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
    if text.len() > MAX_CHARS || !text.bytes().all(allowed) {
        let shown = shorten(text);
        let message = format!(
            "{shown:?} is not a collation; it must be from 1 to {MAX_CHARS} of the characters \
             a-z 0-9 _, such as \"utf8mb4_bin\""
        );
        faults.add(&collation.place, message);
        return None;
    }
    Some(collation)
}

/// `charset` is where the character set was written, if it was.
fn check_collation(
    collation: &Located<String>,
    charset_name: Charset,
    charset: Option<&Located<Charset>>,
    faults: &mut Faults,
) {
    let prefixes: &[&str] = match charset_name {
        Charset::Utf8mb4 => &["utf8mb4_"],
        // Before MySQL 8.0.30 and MariaDB 10.6 its collations had the old name.
        Charset::Utf8mb3 => &["utf8mb3_", "utf8_"],
    };
    let text = &collation.value;
    if prefixes.iter().any(|prefix| text.starts_with(prefix)) {
        return;
    }
    let whose = charset.map_or("the default".to_owned(), |charset| {
        format!("of {}", charset.place.key)
    });
    let name = charset_name.name();
    let message = format!(
        "{text:?} is not a collation of the character set {name} ({whose}); it must begin with \
         {name}_"
    );
    faults.add(&collation.place, message);
}

fn read_sql_mode(section: &Section<'_>, faults: &mut Faults) -> Option<Located<String>> {
    let must = "a list of modes, such as [\"STRICT_TRANS_TABLES\"], or a string of them with \
                commas between";
    let texts = section.texts("sql_mode", must, faults)?;
    let mut modes = Vec::new();
    let mut valid = true;
    for text in &texts.value {
        let words = text.value.split(',').map(str::trim);
        // An empty string sets no mode, which is not the server's own choice.
        for word in words.filter(|_| !text.value.trim().is_empty()) {
            let allowed = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
            if word.is_empty() || word.len() > 64 || !word.bytes().all(allowed) {
                let shown = shorten(word);
                let message = format!("{shown:?} is not a mode; it must be {must}");
                faults.add(&text.place, message);
                valid = false;
            }
            modes.push(word.to_ascii_uppercase());
        }
    }
    valid.then(|| texts.with(modes.join(",")))
}

fn read_time_zone(section: &Section<'_>, faults: &mut Faults) -> Option<Located<String>> {
    let must = "\"SYSTEM\", an offset from \"-13:59\" to \"+14:00\", or a name that the server \
                knows, such as \"Europe/Rome\"";
    let time_zone = section.text("time_zone", must, faults)?;
    let text = &time_zone.value;
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"_/+:-".contains(&byte);
    let valid = match text.as_bytes()[0] {
        b'+' | b'-' => is_offset(text),
        _ => text.len() <= 64 && text.bytes().all(allowed),
    };
    if !valid {
        let shown = shorten(text);
        let message = format!("{shown:?} is not a time zone; it must be {must}");
        faults.add(&time_zone.place, message);
        return None;
    }
    Some(time_zone)
}

/// Whether `text` is `+HH:MM` or `-HH:MM` in the range of MySQL.
fn is_offset(text: &str) -> bool {
    let [sign, h1, h2, b':', m1, m2] = text.as_bytes() else {
        return false;
    };
    let digits = [h1, h2, m1, m2];
    if !digits.iter().all(|digit| digit.is_ascii_digit()) {
        return false;
    }
    let [h1, h2, m1, m2] = digits.map(|digit| u32::from(digit - b'0'));
    let (hours, minutes) = (h1 * 10 + h2, m1 * 10 + m2);
    let most = if *sign == b'+' { 14 * 60 } else { 13 * 60 + 59 };
    minutes < 60 && hours * 60 + minutes <= most
}

fn read_path(
    section: &Section<'_>,
    key: &str,
    base_dir: &Path,
    faults: &mut Faults,
) -> Option<Located<PathBuf>> {
    let text = section.text(key, "the path of a PEM file", faults)?;
    let path = base_dir.join(&text.value);
    if let Err(error) = secret::check_readable(&path) {
        let shown = path.display();
        let message =
            format!("{shown} cannot be read ({error}); name a PEM file that the service may read");
        faults.add(&text.place, message);
    }
    Some(text.with(path))
}
