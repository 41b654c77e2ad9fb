//! Stops on the server what a connection that is given up may still be running.
//! It closes the whole connection there, so the kill cannot hit a later
//! statement.

use std::sync::Arc;
use std::time::{Duration, Instant};

use mysql::prelude::Queryable;
use scheduled_thread_pool::ScheduledThreadPool;

use super::connection::IDENTITY;
use super::errors;

/// A kill that waited longer for its turn is left out: others wait behind it, and
/// a server that was started anew meanwhile counts its connections anew.
const KILL_AGE_MAX: Duration = Duration::from_secs(5);

pub(super) struct Killer {
    options: mysql::Opts,
    threads: Arc<ScheduledThreadPool>,
}

impl Killer {
    pub(super) fn new(options: mysql::Opts, threads: Arc<ScheduledThreadPool>) -> Killer {
        Killer { options, threads }
    }

    /// Returns at once; the kill goes over a connection of its own, and only to
    /// the server that has the connection: behind one address there may be
    /// several, and another's connection of that number is somebody else's.
    pub(super) fn kill(&self, connection_id: u32, server: &str) {
        let options = self.options.clone();
        let server = server.to_owned();
        let asked = Instant::now();
        self.threads.execute(move || {
            if asked.elapsed() < KILL_AGE_MAX {
                tell(connection_id, kill(options, connection_id, &server));
            }
        });
    }
}

fn tell(connection_id: u32, killed: mysql::Result<bool>) {
    match killed {
        Ok(true) => tracing::debug!(connection_id, "killed a connection that was given up"),
        Ok(false) => tracing::warn!(
            connection_id,
            "a connection that was given up is not killed: the address leads to another server"
        ),
        // 1094: there is no such connection, so nothing runs.
        Err(mysql::Error::MySqlError(error)) if error.code == 1094 => {}
        Err(error) => {
            let reason = errors::describe(&error);
            tracing::warn!(
                connection_id,
                reason,
                "cannot kill a connection that was given up"
            );
        }
    }
}

/// False: it is another server.
fn kill(options: mysql::Opts, connection_id: u32, server: &str) -> mysql::Result<bool> {
    let mut side = mysql::Conn::new(options)?;
    let reached: Option<String> = side.query_first(format!("SELECT {IDENTITY}"))?;
    if reached.as_deref() != Some(server) {
        return Ok(false);
    }
    side.query_drop(format!("KILL {connection_id}"))?;
    Ok(true)
}
