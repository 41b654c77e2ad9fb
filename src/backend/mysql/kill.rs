//! Stops on the server what a connection that is given up may still be running.
//! It closes the whole connection there, so the kill cannot hit a later
//! statement.

use std::sync::Arc;

use mysql::prelude::Queryable;
use scheduled_thread_pool::ScheduledThreadPool;

pub(super) struct Killer {
    options: mysql::Opts,
    threads: Arc<ScheduledThreadPool>,
}

impl Killer {
    pub(super) fn new(options: mysql::Opts, threads: Arc<ScheduledThreadPool>) -> Killer {
        Killer { options, threads }
    }

    /// Returns at once; the kill goes over a connection of its own.
    pub(super) fn kill(&self, connection_id: u32) {
        let options = self.options.clone();
        self.threads.execute(move || {
            let killed = mysql::Conn::new(options)
                .and_then(|mut side| side.query_drop(format!("KILL {connection_id}")));
            match killed {
                Ok(()) => tracing::debug!(connection_id, "killed a connection that was given up"),
                // 1094: there is no such connection, so nothing runs.
                Err(mysql::Error::MySqlError(error)) if error.code == 1094 => {}
                Err(error) => {
                    tracing::warn!(connection_id, %error, "cannot kill a connection that was given up");
                }
            }
        });
    }
}
