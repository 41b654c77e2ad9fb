//! A fresh session: how a connection is opened, the settings that the shard gives
//! it, and what there is to know of its server.

use std::io;
use std::time::Duration;

use mysql::consts::CapabilityFlags;
use mysql::prelude::Queryable;
use mysql::{ClientIdentity, OptsBuilder, SslOpts};

use super::columns;
use crate::config::{AffectedRows, Endpoint, MySqlTarget, StatementPath, TlsConfig, TlsVerify};

/// What is known of the server, from when the session was fresh.
pub(super) struct Server {
    pub(super) version: String,
    pub(super) read_only: bool,
    pub(super) sql_mode: String,
    pub(super) max_allowed_packet: usize,
    /// What it says of text in the character set that the session was given.
    pub(super) text_collation: Option<u16>,
    /// Which server it is, where an address may lead to several.
    pub(super) identity: String,
    /// In which it reads statements, by its own name for it.
    pub(super) charset: String,
}

impl Server {
    /// Whether a text bound to a `?` may be converted by other rules than a
    /// literal: so does MySQL, since it takes the type of a `?` from its place
    /// (MySQL Reference Manual, "PREPARE Statement").
    pub(super) fn converts_bound_text(&self) -> bool {
        const SINCE: [u32; 3] = [8, 0, 22];
        if self.version.contains("MariaDB") {
            return false;
        }
        let number = self
            .version
            .split(|c: char| !c.is_ascii_digit() && c != '.');
        let parts = number.take(1).flat_map(|text| text.split('.'));
        let parts: Vec<u32> = parts.map_while(|part| part.parse().ok()).collect();
        parts.as_slice() >= SINCE.as_slice()
    }
}

/// Gives a fresh session the shard's settings, and asks what it is like.
pub(super) fn set_up(
    connection: &mut mysql::Conn,
    session: &str,
    mut in_time: impl FnMut() -> io::Result<()>,
) -> mysql::Result<Server> {
    in_time()?;
    match connection.query_drop(format!("{session}, {TRACKING}")) {
        // Servers before MySQL 5.7 and MariaDB 10.2 have no session tracking; there
        // the kind of statement alone tells whether the session may have changed.
        Err(mysql::Error::MySqlError(error)) if error.code == UNKNOWN_VARIABLE => {
            in_time()?;
            connection.query_drop(session)?;
        }
        result => result?,
    }
    in_time()?;
    let row: Option<mysql::Row> = connection.query_first(look())?;
    let row = row.ok_or_else(mysql::Error::server_disconnected)?;
    let text_collation = columns::text_collation(row.columns_ref());
    let (sql_mode, max_allowed_packet, version, read_only, identity, charset, _): Looked =
        mysql::from_row_opt(row)?;
    Ok(Server {
        version,
        // A number, or a word in newer MariaDB, which has more than two of them.
        read_only: read_only != "0" && read_only != "OFF",
        sql_mode,
        max_allowed_packet,
        text_collation,
        identity,
        charset,
    })
}

/// What tells one server from another.
pub(super) const IDENTITY: &str = "CONCAT(@@hostname, ':', @@port, ':', @@server_id)";

/// The last column shows whether every text is said to be of the same collation.
fn look() -> String {
    format!(
        "SELECT @@sql_mode, @@max_allowed_packet, @@version, @@read_only, {IDENTITY}, \
         @@character_set_client, _latin1'' COLLATE latin1_bin"
    )
}

type Looked = (String, usize, String, String, String, String, String);

/// ER_UNKNOWN_SYSTEM_VARIABLE.
const UNKNOWN_VARIABLE: u16 = 1193;

/// A part of SET.
const TRACKING: &str = "session_track_schema = ON, \
     session_track_system_variables = 'autocommit,character_set_client,\
     character_set_connection,character_set_results,collation_connection,\
     sql_mode,time_zone'";

/// The values here come from a validated configuration and need no escaping.
pub(super) fn session_statement(target: &MySqlTarget) -> String {
    let mut statement = format!("SET NAMES {}", target.charset.name());
    if let Some(collation) = &target.collation {
        statement.push_str(" COLLATE ");
        statement.push_str(collation);
    }
    statement.push_str(", autocommit = 1");
    if let Some(mode) = &target.sql_mode {
        statement.push_str(&format!(", sql_mode = '{mode}'"));
    }
    if let Some(zone) = &target.time_zone {
        statement.push_str(&format!(", time_zone = '{zone}'"));
    }
    statement
}

pub(super) fn options(target: &MySqlTarget, connect_timeout: Duration) -> mysql::Opts {
    let mut builder = OptsBuilder::new()
        .user(Some(&target.user))
        .pass(target.password.as_ref().map(|secret| secret.expose()))
        .db_name(target.database.as_ref())
        .prefer_socket(false)
        .tcp_connect_timeout(Some(connect_timeout))
        .read_timeout(Some(connect_timeout))
        .write_timeout(Some(connect_timeout))
        .additional_capabilities(capabilities(target));
    if target.statements == StatementPath::Prepared {
        // Without a cache nobody would close a statement on the server.
        builder = builder.stmt_cache_size(target.prepared_statements_max.max(1) as usize);
    }
    builder = match &target.endpoint {
        Endpoint::Tcp { host, port } => builder.ip_or_hostname(Some(host.as_str())).tcp_port(*port),
        Endpoint::Unix(path) => builder.socket(path.to_str()),
    };
    builder
        .ssl_opts(target.tls.as_ref().map(tls_options))
        .into()
}

fn capabilities(target: &MySqlTarget) -> CapabilityFlags {
    let found_rows = match target.affected_rows {
        AffectedRows::Changed => CapabilityFlags::empty(),
        AffectedRows::Matched => CapabilityFlags::CLIENT_FOUND_ROWS,
    };
    CapabilityFlags::CLIENT_SESSION_TRACK | found_rows
}

fn tls_options(tls: &TlsConfig) -> SslOpts {
    let identity = tls
        .client_identity
        .as_ref()
        .map(|pair| ClientIdentity::new(pair.cert_file.clone(), pair.key_file.clone()));
    SslOpts::default()
        .with_root_cert_path(tls.ca_file.clone())
        .with_client_identity(identity)
        .with_danger_skip_domain_validation(tls.verify != TlsVerify::Identity)
        .with_danger_accept_invalid_certs(tls.verify == TlsVerify::Nothing)
}

#[cfg(test)]
mod tests {
    use super::Server;

    #[test]
    fn servers_that_convert_bound_text() {
        let cases = [
            ("8.0.22", true),
            ("8.4.0-commercial", true),
            ("9.1.0", true),
            ("8.0.21-log", false),
            ("5.7.44", false),
            ("8.0.11-TiDB-v7.5.0", false),
            ("10.11.14-MariaDB-0+deb12u2", false),
            ("5.5.5-10.6.1-MariaDB", false),
            ("", false),
        ];
        for (version, converts) in cases {
            let server = Server {
                version: version.to_owned(),
                read_only: false,
                sql_mode: String::new(),
                max_allowed_packet: 1,
                text_collation: None,
                identity: String::new(),
                charset: String::new(),
            };
            assert_eq!(server.converts_bound_text(), converts, "{version}");
        }
    }
}
