//! One connection: how it is opened, what is known of its server, and whether it
//! may be used again.

use std::io;
use std::time::{Duration, Instant};

use mysql::prelude::Queryable;
use mysql::{ClientIdentity, OptsBuilder, SslOpts};
use r2d2_mysql::MySqlConnectionManager;
use r2d2_mysql::r2d2::ManageConnection;

use super::columns;
use super::errors;
use super::wait::Watch;
use crate::backend::pool::Manager;
use crate::config::{Endpoint, MySqlTarget, PoolConfig, TlsConfig, TlsVerify};
use crate::error::{Error, ErrorKind, Result};
use crate::sql::SqlMode;

/// A connection that was not used for so long, or for half its idle timeout, is
/// pinged before it is.
const PING_AFTER_MAX: Duration = Duration::from_secs(30);

/// A connection that was not used for so long is looked at before it is.
const LOOK_AFTER: Duration = Duration::from_millis(1);

/// What a packet holds beside its statement.
const COMMAND_BYTES: usize = 1;

/// How long a connection waits to be cleaned before it is dropped instead.
const CLEAN_TIMEOUT: Duration = Duration::from_millis(500);

/// Opens connections and says whether they are still good.
pub struct MySqlManager {
    inner: MySqlConnectionManager,
    options: mysql::Opts,
    /// The statement that makes a fresh session the shard's own.
    session: String,
    ping_after: Duration,
    encrypted: bool,
}

/// What is known of the server, from when the connection was opened.
pub(super) struct Server {
    pub(super) version: String,
    pub(super) read_only: bool,
    pub(super) sql_mode: String,
    pub(super) max_allowed_packet: usize,
    /// What it says of text in the character set that the session was given.
    pub(super) text_collation: Option<u16>,
    /// Which server it is, where an address may lead to several.
    pub(super) identity: String,
}

/// A connection and its state.
pub struct Connection {
    inner: mysql::Conn,
    server: Server,
    mode: SqlMode,
    session: String,
    ping_after: Duration,
    encrypted: bool,
    last_used: Instant,
    watch: Watch,
    state: State,
    /// The session may not be as a fresh one is. Stays so until it is reset.
    suspect: bool,
}

/// What may be done with a connection.
#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    /// The next statement may be sent.
    Ready,
    /// Something is under way on it, or was when it failed: never use it again,
    /// and stop what the server still does for it.
    Unfinished,
    /// The server has closed it, or will: never use it again.
    Closed,
}

impl MySqlManager {
    pub(super) fn new(target: &MySqlTarget, pool: &PoolConfig) -> MySqlManager {
        let options = options(target, pool.connect_timeout);
        MySqlManager {
            inner: MySqlConnectionManager::new(OptsBuilder::from_opts(options.clone())),
            options,
            session: session_statement(target),
            ping_after: PING_AFTER_MAX.min(pool.idle_timeout / 2),
            encrypted: target.tls.is_some(),
        }
    }

    pub(super) fn options(&self) -> mysql::Opts {
        self.options.clone()
    }
}

impl Manager for MySqlManager {
    type Connection = Connection;

    fn connect(&self) -> Result<Connection, String> {
        let mut inner = self
            .inner
            .connect()
            .map_err(|error| errors::describe(&error))?;
        let server = set_up(&mut inner, &self.session, || Ok(()))
            .map_err(|error| errors::describe(&error))?;
        let watch = Watch::new(&inner);
        Ok(Connection {
            mode: SqlMode::parse(&server.sql_mode),
            inner,
            server,
            session: self.session.clone(),
            ping_after: self.ping_after,
            encrypted: self.encrypted,
            last_used: Instant::now(),
            watch,
            state: State::Ready,
            suspect: false,
        })
    }

    fn is_alive(&self, connection: &mut Connection) -> bool {
        let idle = connection.last_used.elapsed();
        idle < LOOK_AFTER || !connection.watch.has_hung_up(connection.encrypted)
    }

    fn is_broken(&self, connection: &Connection) -> bool {
        connection.state != State::Ready || connection.suspect
    }
}

impl Connection {
    pub(super) fn id(&self) -> u32 {
        self.inner.connection_id()
    }

    pub(super) fn server(&self) -> &Server {
        &self.server
    }

    /// The longest statement that the server takes; a longer one would cost the
    /// connection.
    pub(super) fn statement_max_bytes(&self) -> usize {
        self.server.max_allowed_packet - COMMAND_BYTES
    }

    /// The modes that the connection's session has now.
    pub(super) fn mode(&self) -> SqlMode {
        self.mode
    }

    /// Lends the connection for one exchange that must end by the deadline. It
    /// counts as unfinished until [`Connection::finish`]; an error means that
    /// nothing was begun.
    pub(super) fn start(&mut self, deadline: Instant) -> Result<(&mut mysql::Conn, Watch)> {
        self.watch.start(deadline)?;
        self.state = State::Unfinished;
        Ok((&mut self.inner, self.watch))
    }

    /// Takes back what `start` has lent: it knows what the socket was told.
    pub(super) fn keep(&mut self, watch: Watch) {
        self.watch = watch;
    }

    /// Whether it has been idle for so long that only a ping tells if the way to
    /// the server is still there.
    pub(super) fn is_doubtful(&self) -> bool {
        self.last_used.elapsed() >= self.ping_after
    }

    /// The exchange is over and its answer completely read.
    pub(super) fn finish(&mut self, touched: bool) {
        let strayed = self.inner.no_backslash_escape() != self.mode.no_backslash_escapes;
        let changed = self
            .inner
            .session_state_changes()
            .map_or(true, |changes| !changes.is_empty());
        self.suspect |= strayed || changed || touched;
        self.state = State::Ready;
        self.last_used = Instant::now();
    }

    /// The exchange failed. The connection is well if the server has refused the
    /// statement, unless the error says that it is closed; but a refusal does not
    /// tell what a trigger had changed by then.
    pub(super) fn finish_refused(&mut self, error: &mysql::Error, touched: bool) {
        self.suspect |= touched;
        self.state = match error {
            mysql::Error::MySqlError(error)
                // Where it takes no writes, its successor may be elsewhere.
                if errors::closes_connection(error.code) || errors::is_read_only(error) =>
            {
                State::Closed
            }
            mysql::Error::MySqlError(_) => State::Ready,
            error if errors::is_timeout(error) => State::Unfinished,
            error if errors::io_error(error).is_some() => State::Closed,
            _ => State::Unfinished,
        };
        self.last_used = Instant::now();
    }

    /// Warnings of the last statement.
    pub(super) fn warning_count(&self) -> u32 {
        u32::from(self.inner.warnings())
    }

    pub(super) fn is_unfinished(&self) -> bool {
        self.state == State::Unfinished
    }

    pub(super) fn ping(&mut self, deadline: Instant) -> Result<()> {
        match self.start(deadline)?.0.ping() {
            Ok(()) => {
                self.finish(false);
                Ok(())
            }
            Err(error) => {
                self.finish_refused(&error, false);
                Err(errors::from_mysql(&error, errors::Effect::None))
            }
        }
    }

    /// Makes the session again what it was when fresh, if it may be anything
    /// else: no variable, lock, temporary table or transaction outlives a
    /// caller. Its modes may have changed. After an error the connection is of
    /// no more use, and nothing was begun.
    pub(super) fn clean(&mut self, deadline: Instant) -> Result<()> {
        if !self.suspect || self.state != State::Ready {
            return Ok(());
        }
        self.state = State::Closed;
        self.watch
            .start(deadline.min(Instant::now() + CLEAN_TIMEOUT))?;
        let cleaned = self.inner.reset().and_then(|()| {
            let watch = &mut self.watch;
            let in_time = || watch.check().map_err(|_| io::ErrorKind::TimedOut.into());
            set_up(&mut self.inner, &self.session, in_time)
        });
        let server = cleaned.map_err(|error| {
            let reason = errors::describe(&error);
            let message = format!("a connection was dropped, for it could not be reset: {reason}");
            Error::new(ErrorKind::ConnectionLost, message)
        })?;
        self.mode = SqlMode::parse(&server.sql_mode);
        self.server = server;
        self.suspect = false;
        self.state = State::Ready;
        Ok(())
    }

    /// A fresh session, whatever this one is.
    pub(super) fn renew(&mut self, deadline: Instant) -> Result<()> {
        self.suspect = true;
        self.clean(deadline)
    }
}

/// Gives a fresh session the shard's settings, and asks what it is like.
fn set_up(
    connection: &mut mysql::Conn,
    session: &str,
    mut in_time: impl FnMut() -> io::Result<()>,
) -> mysql::Result<Server> {
    in_time()?;
    connection.query_drop(session)?;
    // Servers before MySQL 5.7 and MariaDB 10.2 have no session tracking; there
    // the kind of statement alone tells whether the session may have changed.
    in_time()?;
    let _ = connection.query_drop(TRACK_SESSION);
    in_time()?;
    let row: Option<mysql::Row> = connection.query_first(look())?;
    let row = row.ok_or_else(mysql::Error::server_disconnected)?;
    let text_collation = columns::text_collation(row.columns_ref());
    let (sql_mode, max_allowed_packet, version, read_only, identity, _): Looked =
        mysql::from_row_opt(row)?;
    Ok(Server {
        version,
        // A number, or a word in newer MariaDB, which has more than two of them.
        read_only: read_only != "0" && read_only != "OFF",
        sql_mode,
        max_allowed_packet,
        text_collation,
        identity,
    })
}

/// What tells one server from another.
pub(super) const IDENTITY: &str = "CONCAT(@@hostname, ':', @@port, ':', @@server_id)";

/// The last column shows whether every text is said to be of the same collation.
fn look() -> String {
    format!(
        "SELECT @@sql_mode, @@max_allowed_packet, @@version, @@read_only, {IDENTITY}, \
         _latin1'' COLLATE latin1_bin"
    )
}

type Looked = (String, usize, String, String, String, String);

const TRACK_SESSION: &str = "SET SESSION session_track_schema = ON, \
     session_track_system_variables = 'autocommit,character_set_client,\
     character_set_connection,character_set_results,collation_connection,\
     sql_mode,time_zone'";

/// The values here come from a validated configuration and need no escaping.
fn session_statement(target: &MySqlTarget) -> String {
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

fn options(target: &MySqlTarget, connect_timeout: Duration) -> mysql::Opts {
    let mut builder = OptsBuilder::new()
        .user(Some(&target.user))
        .pass(target.password.as_ref().map(|secret| secret.expose()))
        .db_name(target.database.as_ref())
        .prefer_socket(false)
        .tcp_connect_timeout(Some(connect_timeout))
        .read_timeout(Some(connect_timeout))
        .write_timeout(Some(connect_timeout))
        .additional_capabilities(mysql::consts::CapabilityFlags::CLIENT_SESSION_TRACK);
    builder = match &target.endpoint {
        Endpoint::Tcp { host, port } => builder.ip_or_hostname(Some(host.as_str())).tcp_port(*port),
        Endpoint::Unix(path) => builder.socket(path.to_str()),
    };
    builder
        .ssl_opts(target.tls.as_ref().map(tls_options))
        .into()
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
