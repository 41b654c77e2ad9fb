//! Opens connections, and says whether those of the pool are still good.

use std::io;
use std::time::{Duration, Instant};

use r2d2_mysql::MySqlConnectionManager;
use r2d2_mysql::r2d2::ManageConnection;

use super::{Connection, State};
use crate::backend::mysql::errors;
use crate::backend::mysql::kill::Killer;
use crate::backend::mysql::prepared::Unpreparable;
use crate::backend::mysql::session;
use crate::backend::mysql::wait::Watch;
use crate::backend::mysql::watchdog::Watchdog;
use crate::backend::pool::{ConnectFailure, Manager};
use crate::backend::shards::KillThreads;
use crate::config::{AffectedRows, MySqlTarget, PoolConfig, StatementPath};
use crate::sql::SqlMode;

/// A connection that was not used for so long, or for half its idle timeout, is
/// pinged before it is.
const PING_AFTER_MAX: Duration = Duration::from_secs(30);

/// A connection that was not used for so long is looked at before it is.
const LOOK_AFTER: Duration = Duration::from_millis(1);

/// Opens connections and says whether they are still good.
pub struct MySqlManager {
    options: mysql::Opts,
    connect_timeout: Duration,
    watchdog: Watchdog,
    killer: Killer,
    statements: StatementPath,
    counting: AffectedRows,
    /// The statement that makes a fresh session the shard's own.
    session: String,
    ping_after: Duration,
    encrypted: bool,
}

impl MySqlManager {
    pub(in crate::backend::mysql) fn new(
        shard: &str,
        target: &MySqlTarget,
        pool: &PoolConfig,
        kill_threads: KillThreads,
        watchdog: &Watchdog,
    ) -> MySqlManager {
        let options = session::options(target, pool.connect_timeout);
        MySqlManager {
            killer: Killer::new(
                shard,
                options.clone(),
                pool.connect_timeout,
                kill_threads,
                watchdog.clone(),
            ),
            options,
            connect_timeout: pool.connect_timeout,
            watchdog: watchdog.clone(),
            statements: target.statements,
            counting: target.affected_rows,
            session: session::session_statement(target),
            ping_after: PING_AFTER_MAX.min(pool.idle_timeout / 2),
            encrypted: target.tls.is_some(),
        }
    }

    /// Of all connections that this manager opens.
    pub(in crate::backend::mysql) fn killer(&self) -> Killer {
        self.killer.clone()
    }
}

impl Manager for MySqlManager {
    type Connection = Connection;

    fn connect(&self) -> Result<Connection, ConnectFailure> {
        let attempt = self.watchdog.attempt(self.connect_timeout);
        let failed = |error| match error {
            // An answer, even if it came late.
            mysql::Error::MySqlError(_) => errors::connect_failure(&error),
            // Resolvers wait longer than that.
            _ if errors::is_unresolved(&error) => errors::connect_failure(&error),
            _ if attempt.is_late() => {
                errors::connect_failure(&io::Error::from(io::ErrorKind::TimedOut).into())
            }
            error => errors::connect_failure(&error),
        };
        let opener = MySqlConnectionManager::new(attempt.options(&self.options));
        let mut inner = opener.connect().map_err(failed)?;
        let server = session::set_up(&mut inner, &self.session, || Ok(())).map_err(failed)?;
        attempt.done(&inner);
        let watch = Watch::new(&inner);
        Ok(Connection {
            leash: self.watchdog.lead(&inner),
            mode: SqlMode::parse(&server.sql_mode),
            inner,
            server,
            session: self.session.clone(),
            ping_after: self.ping_after,
            encrypted: self.encrypted,
            opened: Instant::now(),
            last_used: Instant::now(),
            watch,
            state: State::Ready,
            cut: false,
            late: false,
            loss: None,
            suspect: false,
            used: false,
            exchanges: 0,
            in_transaction: false,
            moved: false,
            modes_doubtful: false,
            killer: self.killer.clone(),
            counting: self.counting,
            unpreparable: match self.statements {
                StatementPath::Escaped => None,
                StatementPath::Prepared => Some(Unpreparable::default()),
            },
        })
    }

    fn is_alive(&self, connection: &mut Connection) -> bool {
        let idle = connection.last_used.elapsed();
        idle < LOOK_AFTER || !connection.watch.has_hung_up(connection.encrypted)
    }

    fn is_broken(&self, connection: &Connection) -> bool {
        !connection.is_ready() || connection.needs_reset()
    }
}
