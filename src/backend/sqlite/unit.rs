//! What can be undone as a whole: a transaction, or within one a savepoint.

use rusqlite::Connection;

/// Beside a caller's savepoint of the same name, the inner one is meant: and no
/// caller's statement that could reach it runs within a unit.
const OPEN_SAVEPOINT: &str = "SAVEPOINT forebay_unit";
const RELEASE_SAVEPOINT: &str = "RELEASE forebay_unit";
const UNDO_SAVEPOINT: &str = "ROLLBACK TO forebay_unit; RELEASE forebay_unit";

/// Open until it is committed or rolled back; a connection on which one is
/// dropped must be closed.
pub(super) enum Unit {
    Transaction,
    Savepoint,
}

impl Unit {
    /// A transaction has the lock for writing from its begin, for which it can
    /// wait: one that has read already would be refused it at once.
    pub(super) fn open(connection: &Connection) -> rusqlite::Result<Unit> {
        match connection.is_autocommit() {
            true => {
                connection.execute_batch("BEGIN IMMEDIATE")?;
                Ok(Unit::Transaction)
            }
            false => {
                connection.execute_batch(OPEN_SAVEPOINT)?;
                Ok(Unit::Savepoint)
            }
        }
    }

    /// After an error it must be rolled back.
    pub(super) fn commit(&self, connection: &Connection) -> rusqlite::Result<()> {
        connection.execute_batch(match self {
            Unit::Transaction => "COMMIT",
            Unit::Savepoint => RELEASE_SAVEPOINT,
        })
    }

    /// After an error the connection must be closed.
    pub(super) fn roll_back(&self, connection: &Connection) -> rusqlite::Result<()> {
        // After some errors SQLite has done it, whatever was open.
        if connection.is_autocommit() {
            return Ok(());
        }
        connection.execute_batch(match self {
            Unit::Transaction => "ROLLBACK",
            Unit::Savepoint => UNDO_SAVEPOINT,
        })
    }
}
