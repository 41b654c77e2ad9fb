//! What has come of kills: counted, and told to the log.

use std::sync::atomic::{AtomicU64, Ordering};

use super::super::errors;
use super::Sent;
use crate::backend::shards::KillStats;

/// The server has stopped the statement.
pub(in crate::backend::mysql) fn was_stopped(error: &mysql::Error) -> bool {
    matches!(error, mysql::Error::MySqlError(error) if error.code == errors::INTERRUPTED)
}

pub(super) enum Told {
    Killed,
    OtherServer,
}

/// Kills of connections since the start.
#[derive(Default)]
pub(super) struct Counts {
    sent: AtomicU64,
    failed: AtomicU64,
    skipped: AtomicU64,
}

impl Counts {
    pub(super) fn note(&self, sent: Sent, told: &mysql::Result<Told>) {
        let count = match (sent, told) {
            (_, Ok(Told::OtherServer)) => &self.skipped,
            (Sent::Answered, _) => &self.sent,
            (Sent::Not | Sent::Unanswered, _) => &self.failed,
        };
        count.fetch_add(1, Ordering::Relaxed);
    }

    /// One was left out.
    pub(super) fn skip(&self) {
        self.skipped.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn stats(&self) -> KillStats {
        KillStats {
            sent: self.sent.load(Ordering::Relaxed),
            failed: self.failed.load(Ordering::Relaxed),
            skipped: self.skipped.load(Ordering::Relaxed),
        }
    }
}

pub(super) fn log(shard: &str, connection_id: u32, killed: mysql::Result<Told>) {
    match killed {
        Ok(Told::Killed) => {
            tracing::debug!(shard, connection_id, "stopped what a connection ran")
        }
        Ok(Told::OtherServer) => tracing::warn!(
            shard,
            connection_id,
            "what a connection runs is not stopped: the address leads to another server"
        ),
        // 1094: there is no such connection, so nothing runs.
        Err(mysql::Error::MySqlError(error)) if error.code == 1094 => {}
        Err(error) => {
            let reason = errors::describe(&error);
            tracing::warn!(
                shard,
                connection_id,
                reason,
                "cannot stop what a connection runs"
            );
        }
    }
}
