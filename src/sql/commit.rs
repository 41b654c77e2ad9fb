//! Statements that are refused where nothing may commit: in an atomic batch, and
//! in a transaction of the caller's own (MySQL Reference Manual, "Statements
//! That Cause an Implicit Commit"; MariaDB, "SQL Statements That Cause an
//! Implicit Commit"), and those that only the calls for it may end.

use super::refused::{Refused, refused};

pub(super) static COMMITS_BATCH: Refused = refused(
    "a statement that commits (CREATE, ALTER, DROP, GRANT, ANALYZE TABLE, FLUSH …)",
    "an atomic batch must not be committed halfway; run it in a call of its own",
);
pub(super) static MAY_COMMIT_BATCH: Refused = refused(
    "a statement of a kind that may commit",
    "an atomic batch must not be committed halfway; run it in a call of its own",
);
pub(super) static COMMITS: Refused = refused(
    "a statement that commits (CREATE, ALTER, DROP, GRANT, ANALYZE TABLE, FLUSH …)",
    "it would end the transaction; run it outside, in a call of its own",
);
pub(super) static BEGIN: Refused = refused(
    "BEGIN or START TRANSACTION",
    "the transaction has begun already; use SAVEPOINT for one within it",
);
pub(super) static COMMIT: Refused = refused("COMMIT", "commit_transaction ends the transaction");
pub(super) static ROLLBACK: Refused = refused(
    "ROLLBACK",
    "rollback_transaction ends the transaction; ROLLBACK TO SAVEPOINT is allowed",
);
pub(super) static SAVEPOINT: Refused = refused(
    "SAVEPOINT, ROLLBACK TO or RELEASE in an atomic batch",
    "the batch is a savepoint of its own; run it in a call of its own",
);
pub(super) static XA: Refused = refused("XA", "the transaction has begun already");
pub(super) static UNLOCK: Refused = refused(
    "UNLOCK TABLES",
    "it would commit; the locks end with the transaction",
);
pub(super) static LOCK_LATE: Refused = refused(
    "LOCK TABLES after another statement",
    "it would commit what came before; make it the transaction's first statement",
);

/// First words of what commits, or stops the server, beside definitions.
pub(super) const COMMITTING: [&str; 13] = [
    "FLUSH",
    "RESET",
    "CACHE",
    "INSTALL",
    "UNINSTALL",
    "CHANGE",
    "START",
    "STOP",
    "SHUTDOWN",
    "RESTART",
    "CLONE",
    "IMPORT",
    "PURGE",
];

/// What SET may not set within a transaction.
pub(super) static SET_CHARSET: Refused = refused(
    "SET of a character set or collation",
    "the connection's character set is the shard's `charset` option, and text is sent and \
     received as UTF-8",
);
pub(super) static SET_GLOBAL: Refused = refused(
    "SET GLOBAL or SET PERSIST",
    "it would reach every user of the database; set it there",
);
pub(super) static SET_ACCOUNT: Refused = refused(
    "SET PASSWORD, SET ROLE or SET RESOURCE GROUP",
    "what the service's user may do is not a transaction's to change",
);
pub(super) static SET_ENDS: Refused = refused(
    "SET autocommit or SET completion_type",
    "commit_transaction and rollback_transaction end the transaction",
);
pub(super) static SET_NEEDED: Refused = refused(
    "SET of what the service itself or the server's log relies on (session_track_…, pseudo_…, \
     sql_log_bin …)",
    "leave it as it is",
);
pub(super) static SET_STATEMENT: Refused = refused(
    "SET STATEMENT … FOR",
    "set the variable in a statement of its own, which is allowed within a transaction",
);
pub(super) static SET_ODD: Refused = refused(
    "SET of a name with letters beyond ASCII",
    "no variable of the server has such a name",
);
