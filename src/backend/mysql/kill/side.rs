//! A connection to tell a server over what it is to stop, and what is known of that
//! server: whether it still has what is to be stopped.

use std::time::{Duration, Instant};

use mysql::OptsBuilder;
use mysql::prelude::Queryable;

use super::Victim;
use crate::backend::mysql::errors;
use crate::backend::mysql::session::IDENTITY;
use crate::backend::mysql::wait::Watch;
use crate::backend::mysql::watchdog::{Attempt, Watchdog};

/// Both what a server says of its age and what it is counted from are whole seconds.
const UPTIME_SLACK: Duration = Duration::from_secs(1);

pub(super) struct Side {
    pub(super) connection: mysql::Conn,
    server: String,
    /// When the server was up for how long. None: it does not tell.
    up: Option<(Instant, Duration)>,
    attempt: Attempt,
}

/// Why there is none.
pub(super) struct NoSide {
    pub(super) error: mysql::Error,
    /// There was no answer in time.
    pub(super) late: bool,
}

impl Side {
    /// The server is to answer within `answers_in`; then all that is told it may
    /// take `patience`.
    pub(super) fn open(
        options: &mysql::Opts,
        watchdog: &Watchdog,
        answers_in: Duration,
        patience: Duration,
    ) -> Result<Side, NoSide> {
        let attempt = watchdog.attempt(answers_in);
        let within = attempt
            .options(options)
            .tcp_connect_timeout(Some(answers_in))
            .read_timeout(Some(answers_in))
            .write_timeout(Some(answers_in));
        match connect(within) {
            Ok((connection, server, up)) => {
                attempt.extend(patience);
                // If that fails the connection is lost, which is noticed soon.
                let _ = Watch::new(&connection).start(Instant::now() + patience);
                Ok(Side {
                    connection,
                    server,
                    up,
                    attempt,
                })
            }
            Err(error) => Err(NoSide {
                late: attempt.is_late() || errors::is_timeout(&error),
                error,
            }),
        }
    }

    /// Whether what is to be stopped is on this server. Not if the address leads to
    /// another one, or to that one started anew, which counts its connections from
    /// the beginning: what is stopped has an older number than whoever stops it,
    /// and is no older than the server.
    pub(super) fn reaches(&self, victim: &Victim) -> bool {
        let is_older = |(asked, uptime): (Instant, Duration)| {
            asked.saturating_duration_since(victim.opened) > uptime + UPTIME_SLACK
        };
        self.server == victim.server
            && victim.connection_id < self.connection.connection_id()
            && !self.up.is_some_and(is_older)
    }

    pub(super) fn is_late(&self) -> bool {
        self.attempt.is_late()
    }
}

type Connected = (mysql::Conn, String, Option<(Instant, Duration)>);

fn connect(options: OptsBuilder) -> mysql::Result<Connected> {
    let mut connection = mysql::Conn::new(options)?;
    let server: Option<String> = connection.query_first(format!("SELECT {IDENTITY}"))?;
    let asked = Instant::now();
    let status = connection.query_first("SHOW GLOBAL STATUS LIKE 'Uptime'");
    let uptime = match status {
        Ok(row) => row.and_then(|(_, seconds): (String, String)| seconds.parse().ok()),
        // Not every server has that.
        Err(mysql::Error::MySqlError(_)) => None,
        Err(error) => return Err(error),
    };
    let up = uptime.map(|seconds| (asked, Duration::from_secs(seconds)));
    Ok((connection, server.unwrap_or_default(), up))
}
