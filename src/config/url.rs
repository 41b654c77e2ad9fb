//! A shard's URL: which database it means. Written by hand rather than with a
//! general URL parser, which would repair and normalise what is better refused.
//! Nothing here looks at files or connects, and no message repeats the URL: it
//! may hold a password.

use std::net::Ipv6Addr;
use std::path::{Path, PathBuf};

use super::address::{SOCKET_PATH_MAX_BYTES, is_host_name};
use super::document::shorten;
use super::error::Invalid;
use super::types::{Endpoint, MySqlTarget, SqliteTarget, Target};

const TCP_FORM: &str = "mysql://user@host:port/database";
const UNIX_FORM: &str = "mysql+unix://user@localhost/database?socket=/path/to/mysqld.sock";
const SQLITE_FORM: &str = "sqlite:path or sqlite::memory:";

const DEFAULT_PORT: u16 = 3306;
/// MySQL's own limits, in characters.
const DATABASE_MAX_CHARS: usize = 64;
const USER_MAX_CHARS: usize = 128;

impl Target {
    /// The database that `url` names, with the defaults of [`MySqlTarget::new`].
    /// An SQLite path that is not absolute is under `base_dir`.
    pub fn from_url(url: &str, base_dir: &Path) -> Result<Target, Invalid> {
        if let Some(path) = url.strip_prefix("sqlite:") {
            return parse_sqlite(path, base_dir).map(Target::Sqlite);
        }
        let unfit = |c: char| c.is_whitespace() || c.is_control();
        if url.contains(unfit) {
            return fault("has a space or a control character in it; percent-encode it (%20)");
        }
        let parsed = if let Some(rest) = url.strip_prefix("mysql://") {
            parse_tcp(rest)
        } else if let Some(rest) = url.strip_prefix("mysql+unix://") {
            parse_unix(rest)
        } else {
            let scheme = url.split_once("://").map_or("", |(scheme, _)| scheme);
            let known = scheme.bytes().all(|byte| byte.is_ascii_alphanumeric());
            let problem = match scheme {
                "" => "does not begin with a known scheme".to_owned(),
                scheme if known => format!("has an unknown scheme ({})", shorten(scheme)),
                _ => "has an unknown scheme".to_owned(),
            };
            return fault(format!(
                "{problem}; write {TCP_FORM}, {UNIX_FORM}, {SQLITE_FORM}"
            ));
        };
        parsed.map(Target::MySql)
    }
}

fn fault<T>(message: impl Into<String>) -> Result<T, Invalid> {
    Err(Invalid(message.into()))
}

fn parse_tcp(rest: &str) -> Result<MySqlTarget, Invalid> {
    let parts = Parts::split(rest, TCP_FORM)?;
    if parts.query.is_some() {
        return fault(
            "has parameters after a ?; give them as keys of the shard: charset, collation, \
             sql_mode, time_zone, tls, connect_timeout_ms (a ? in a name is written %3F)",
        );
    }
    let endpoint = parse_endpoint(parts.host_port)?;
    let mut target = MySqlTarget::new(endpoint, parts.user);
    target.database = parse_database(parts.path)?;
    Ok(target)
}

fn parse_unix(rest: &str) -> Result<MySqlTarget, Invalid> {
    let parts = Parts::split(rest, UNIX_FORM)?;
    if parts.host_port != "localhost" {
        return fault(format!(
            "must have the host localhost, where a Unix socket always is; write {UNIX_FORM}"
        ));
    }
    let query = parts.query.unwrap_or("");
    let Some(socket) = query.strip_prefix("socket=").filter(|s| !s.contains('&')) else {
        return fault(format!(
            "must have the socket's path as its only parameter; write {UNIX_FORM}"
        ));
    };
    let socket = decode(socket, "the socket's path")?;
    if !socket.starts_with('/') {
        return fault(format!(
            "has a socket whose path is not absolute; write {UNIX_FORM}"
        ));
    }
    if socket.len() > SOCKET_PATH_MAX_BYTES {
        return fault(format!(
            "has a socket whose path is longer than {SOCKET_PATH_MAX_BYTES} bytes; no program \
             can connect to it"
        ));
    }
    let mut target = MySqlTarget::new(Endpoint::Unix(PathBuf::from(socket)), parts.user);
    target.database = parse_database(parts.path)?;
    Ok(target)
}

/// What both forms of a MySQL URL have: `user@host_port/path?query`.
struct Parts<'u> {
    user: String,
    host_port: &'u str,
    path: &'u str,
    query: Option<&'u str>,
}

impl<'u> Parts<'u> {
    fn split(rest: &'u str, form: &str) -> Result<Parts<'u>, Invalid> {
        // First of all: whatever stands in a password must not be taken for another
        // part of the URL.
        let before_at = rest.split_once('@').map_or("", |(before, _)| before);
        if before_at.contains(':') {
            return fault(
                "has a password in it; remove it, and keep it in a file named by password_file, \
                 or in an environment variable named by password_env",
            );
        }
        if rest.contains('#') {
            return fault("has a #; write %23 where one is part of a name");
        }
        let (rest, query) = match rest.split_once('?') {
            Some((rest, query)) => (rest, Some(query)),
            None => (rest, None),
        };
        let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
        let Some((user, host_port)) = authority.rsplit_once('@') else {
            return fault(format!(
                "has no user; write {form}, and any of : / ? # @ % in the user's name \
                 percent-encoded (%3A %2F %3F %23 %40 %25)"
            ));
        };
        if user.contains('@') {
            return fault("has a second @; write %40 where one is part of the user's name");
        }
        let user = decode(user, "the user's name")?;
        if user.is_empty() || user.chars().count() > USER_MAX_CHARS {
            return fault(format!(
                "must have a user's name of 1 to {USER_MAX_CHARS} characters; write {form}"
            ));
        }
        Ok(Parts {
            user,
            host_port,
            path,
            query,
        })
    }
}

fn parse_database(path: &str) -> Result<Option<String>, Invalid> {
    if path.contains('/') {
        return fault("has more than a database after the host; write %2F for a / in its name");
    }
    let database = decode(path, "the database's name")?;
    if database.chars().count() > DATABASE_MAX_CHARS {
        return fault(format!(
            "has a database's name of more than {DATABASE_MAX_CHARS} characters; MySQL has \
             no such database"
        ));
    }
    Ok(Some(database).filter(|database| !database.is_empty()))
}

/// `host`, `host:port`, `[ipv6]` or `[ipv6]:port`.
fn parse_endpoint(host_port: &str) -> Result<Endpoint, Invalid> {
    let (host, port) = if let Some(rest) = host_port.strip_prefix('[') {
        let Some((host, after)) = rest.split_once(']') else {
            return fault("has a [ without its ]; write an IPv6 address as [::1]");
        };
        if host.parse::<Ipv6Addr>().is_err() {
            return fault("has no IPv6 address between its brackets; write it as [::1]");
        }
        (host, after)
    } else {
        let colon = host_port.find(':').unwrap_or(host_port.len());
        let (host, after) = host_port.split_at(colon);
        if after.matches(':').count() > 1 {
            return fault("has a bare IPv6 address or a second port; write IPv6 as [::1]:3306");
        }
        if !is_host_name(host) {
            return fault(format!(
                "has no valid host: a name of letters, digits, - and dots, or an address; \
                 write {TCP_FORM}"
            ));
        }
        (host, after)
    };
    let host = host.to_owned();
    if port.is_empty() {
        let port = DEFAULT_PORT;
        return Ok(Endpoint::Tcp { host, port });
    }
    let digits = port.strip_prefix(':').unwrap_or("");
    let plain = digits.bytes().all(|byte| byte.is_ascii_digit());
    match digits.parse::<u16>() {
        Ok(port) if plain && port > 0 => Ok(Endpoint::Tcp { host, port }),
        _ => fault(format!(
            "has no valid port; it must be from 1 to 65535, or left out for {DEFAULT_PORT}"
        )),
    }
}

fn parse_sqlite(path: &str, base_dir: &Path) -> Result<SqliteTarget, Invalid> {
    if path == ":memory:" {
        return Ok(SqliteTarget::Memory);
    }
    if path.is_empty() {
        return fault(format!("has no path; write {SQLITE_FORM}"));
    }
    // What other programs write for paths, and what SQLite itself would not take
    // as one.
    if path.starts_with("//") || path.starts_with("file:") || path.starts_with(':') {
        return fault(
            "has no plain path; write sqlite:/absolute/path, sqlite:relative/path or \
             sqlite::memory:",
        );
    }
    if path.contains(|c: char| c == '?' || c == '#' || c.is_control()) {
        return fault(
            "has a ?, a # or a control character in its path; an SQLite URL takes no \
             parameters: write sqlite:path alone",
        );
    }
    Ok(SqliteTarget::Path(base_dir.join(path)))
}

/// Undoes percent-encoding. `what` is the part, for the message.
fn decode(text: &str, what: &str) -> Result<String, Invalid> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte != b'%' {
            bytes.push(byte);
            continue;
        }
        let mut digit = || rest.next().and_then(|c| char::from(c).to_digit(16));
        let (Some(high), Some(low)) = (digit(), digit()) else {
            return fault(format!(
                "has a % in {what} without two hexadecimal digits after it; write %25 for a plain %"
            ));
        };
        bytes.push((high * 16 + low) as u8);
    }
    match String::from_utf8(bytes) {
        Ok(text) if !text.contains(char::is_control) => Ok(text),
        _ => fault(format!(
            "has bytes in {what} that are not printable UTF-8 text; percent-encode UTF-8"
        )),
    }
}
