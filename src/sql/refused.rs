//! Statements that are refused on a connection that others use next: those that
//! change it, those that tell what the caller before left in it, and those that
//! read or write files beside the database. Each with what to do instead. What
//! is refused because it would commit is in `commit`.

/// A statement that is refused, and why.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Refused {
    /// The keywords, as a person would write them.
    pub what: &'static str,
    /// What to do instead.
    pub remedy: &'static str,
}

pub(super) const fn refused(what: &'static str, remedy: &'static str) -> Refused {
    Refused { what, remedy }
}

/// A remedy that ends in the place where the same is allowed.
macro_rules! or_in_transaction {
    ($remedy:literal) => {
        concat!(
            $remedy,
            "; within begin_transaction it is allowed and ends with it"
        )
    };
}

/// For what tells of the statement before.
macro_rules! others {
    ($remedy:literal) => {
        concat!(
            "it tells of the last statement on a shared connection, which may be another \
             caller's; ",
            $remedy
        )
    };
}

pub(super) const TRANSACTION: &str = "each statement commits itself; use begin_transaction, or \
                                      a batch of mode ATOMIC for statements known beforehand";
const ACCESS: &str = "use begin_transaction, whose request has `isolation` and `read_only`";
const END: &str = "each statement commits itself; a transaction of begin_transaction ends with \
                   commit_transaction or rollback_transaction";
const SAVEPOINT: &str = or_in_transaction!("each statement commits itself");
const LOCK: &str = "a lock would stay with a connection that others use next";
const TABLE_LOCK: &str =
    or_in_transaction!("a lock would stay with a connection that others use next");
const PREPARED: &str = "send the statement itself with its parameters";
const SETTING: &str = or_in_transaction!(
    "connections are shared, and what a session sets would reach others; pass values as \
     parameters, and set defaults in the server"
);
const CHARSET: &str = "the connection's character set is the shard's `charset` option, and text \
                       is sent and received as UTF-8";
const CLIENT: &str = "it is a command of a client program, not SQL; send one statement per call";
const FILES: &str = "this service opens the shard's own file only";

const LAST_ID: &str = others!(
    "the id is insert_id in the result of the statement itself, and insert_id_of_step in a batch"
);
const LAST_COUNT: &str =
    others!("the count is affected_rows in the result of the statement itself");
const LAST_WARNINGS: &str = others!(
    "options.warnings_max gives the warnings with the result of the statement itself, and an \
     error is its answer"
);

pub(super) const EXECUTABLE: Refused = refused(
    "a statement that begins in, or turns on, a comment /*! … */",
    "some servers run its content and some skip it; write it without the comment",
);
pub(super) const LOCK_FUNCTION: Refused = refused(
    "a function that takes or gives up a lock (GET_LOCK, RELEASE_LOCK …)",
    TABLE_LOCK,
);
pub(super) const TEMPORARY: Refused = refused(
    "CREATE TEMPORARY",
    or_in_transaction!(
        "it would stay with a connection that others use next; use a derived table or WITH"
    ),
);
/// SQLite's stay with the connection whatever ends.
pub(super) const TEMPORARY_IN_SQLITE: Refused = refused(
    "CREATE TEMPORARY",
    "it would stay with a connection that others use next; use a derived table or WITH",
);
pub(super) const PREPARE: Refused = refused("PREPARE, EXECUTE or DEALLOCATE PREPARE", PREPARED);
pub(super) const DELIMITER: Refused = refused("DELIMITER", CLIENT);
pub(super) const BACKUP: Refused = refused("BACKUP", LOCK);
pub(super) const LOCK_INSTANCE: Refused = refused("LOCK", LOCK);
pub(super) const START_TRANSACTION: Refused = refused("START TRANSACTION", TRANSACTION);
pub(super) const START_READ_ONLY: Refused = refused("START TRANSACTION READ ONLY", ACCESS);
pub(super) const FLUSH_LOCK: Refused = refused("FLUSH … WITH READ LOCK or FOR EXPORT", LOCK);
pub(super) const LOCAL_FILE: Refused = refused(
    "LOAD … LOCAL",
    "the file would be read where this service runs; read it and insert its rows",
);
pub(super) const SHOW_WARNINGS: Refused = refused("SHOW WARNINGS or SHOW ERRORS", LAST_WARNINGS);
pub(super) const ROLLBACK_TO: Refused = refused("ROLLBACK TO SAVEPOINT", SAVEPOINT);
pub(super) const VACUUM_INTO: Refused = refused("VACUUM INTO", FILES);

pub(super) const SET: Refused = refused("SET", SETTING);
pub(super) const SET_CHARSET: Refused = refused("SET NAMES or SET CHARACTER SET", CHARSET);
pub(super) const SET_TRANSACTION: Refused = refused("SET TRANSACTION", ACCESS);
const SET_TIMEOUT: Refused = refused(
    "SET of the time that a statement may take",
    "use options.timeout_ms",
);
const SET_MODE: Refused = refused(
    "SET sql_mode",
    or_in_transaction!("it is the shard's `sql_mode` option"),
);
const SET_ZONE: Refused = refused(
    "SET time_zone",
    or_in_transaction!("it is the shard's `time_zone` option"),
);

/// Settings that have a place of their own.
static SETTINGS: [(&str, Refused); 14] = [
    ("names", SET_CHARSET),
    ("character", SET_CHARSET),
    ("charset", SET_CHARSET),
    ("char", SET_CHARSET),
    ("transaction", SET_TRANSACTION),
    ("transaction_isolation", SET_TRANSACTION),
    ("transaction_read_only", SET_TRANSACTION),
    ("tx_isolation", SET_TRANSACTION),
    ("tx_read_only", SET_TRANSACTION),
    ("max_statement_time", SET_TIMEOUT),
    ("max_execution_time", SET_TIMEOUT),
    ("sql_mode", SET_MODE),
    ("time_zone", SET_ZONE),
    (
        "autocommit",
        refused(
            "SET autocommit",
            "use begin_transaction, or a batch of mode ATOMIC",
        ),
    ),
];

/// MySQL's and MariaDB's, by the first word.
static MYSQL: [(&str, Refused); 16] = [
    (
        "USE",
        refused(
            "USE",
            or_in_transaction!(
                "name the shard, write `database`.`table`, or use multi for several shards"
            ),
        ),
    ),
    ("BEGIN", refused("BEGIN", TRANSACTION)),
    ("COMMIT", refused("COMMIT", END)),
    ("ROLLBACK", refused("ROLLBACK", END)),
    ("SAVEPOINT", refused("SAVEPOINT", SAVEPOINT)),
    ("RELEASE", refused("RELEASE SAVEPOINT", SAVEPOINT)),
    (
        "XA",
        refused(
            "XA",
            "a transaction lives on one shard; use begin_transaction, or a batch of mode ATOMIC",
        ),
    ),
    ("LOCK", refused("LOCK TABLES", TABLE_LOCK)),
    ("UNLOCK", refused("UNLOCK TABLES", LOCK)),
    ("BACKUP", BACKUP),
    (
        "HANDLER",
        refused(
            "HANDLER",
            or_in_transaction!("it would stay open in a shared connection; use SELECT"),
        ),
    ),
    ("PREPARE", PREPARE),
    ("EXECUTE", PREPARE),
    ("DEALLOCATE", PREPARE),
    ("DELIMITER", DELIMITER),
    ("GET", refused("GET DIAGNOSTICS", LAST_WARNINGS)),
];

static SQLITE: [(&str, Refused); 9] = [
    ("BEGIN", refused("BEGIN", TRANSACTION)),
    ("COMMIT", refused("COMMIT", END)),
    ("END", refused("END", END)),
    ("ROLLBACK", refused("ROLLBACK", END)),
    ("SAVEPOINT", refused("SAVEPOINT", SAVEPOINT)),
    ("RELEASE", refused("RELEASE", SAVEPOINT)),
    (
        "PRAGMA",
        refused(
            "PRAGMA",
            "connections are shared, and what a session sets would reach others",
        ),
    ),
    ("ATTACH", refused("ATTACH", FILES)),
    ("DETACH", refused("DETACH", FILES)),
];

/// Functions that tell what the last statement left, if they have no argument.
static MYSQL_FUNCTIONS: [(&str, Refused); 3] = [
    (
        "LAST_INSERT_ID",
        refused("LAST_INSERT_ID() without an argument", LAST_ID),
    ),
    ("ROW_COUNT", refused("ROW_COUNT()", LAST_COUNT)),
    (
        "FOUND_ROWS",
        refused(
            "FOUND_ROWS()",
            others!("run SELECT COUNT(*) as a statement of its own"),
        ),
    ),
];

/// System variables that tell the same.
static MYSQL_VARIABLES: [(&str, Refused); 4] = [
    ("last_insert_id", LAST_ID_VARIABLE),
    ("identity", LAST_ID_VARIABLE),
    ("warning_count", WARNINGS_VARIABLE),
    ("error_count", WARNINGS_VARIABLE),
];
const LAST_ID_VARIABLE: Refused = refused("@@last_insert_id or @@identity", LAST_ID);
const WARNINGS_VARIABLE: Refused = refused("@@warning_count or @@error_count", LAST_WARNINGS);

/// MariaDB's; LASTVAL(), which tells the same, counts as a function of somebody's own.
pub(super) static PREVIOUS_VALUE: Refused = refused(
    "PREVIOUS VALUE FOR",
    others!("NEXT VALUE FOR gives the value to the statement that takes it"),
);

/// Begins anew with a transaction, while SQLite's counts go on.
const LAST_ROWID: Refused = refused("last_insert_rowid()", LAST_ID);

static SQLITE_FUNCTIONS: [(&str, Refused); 3] = [
    ("last_insert_rowid", LAST_ROWID),
    ("changes", refused("changes()", LAST_COUNT)),
    ("total_changes", refused("total_changes()", LAST_COUNT)),
];

pub(super) fn in_mysql(first_word: &str) -> Option<&'static Refused> {
    find(&MYSQL, first_word)
}

pub(super) fn in_sqlite(first_word: &str) -> Option<&'static Refused> {
    find(&SQLITE, first_word)
}

/// For what a SET sets that has a place of its own.
pub(super) fn setting(name: &str) -> Option<&'static Refused> {
    find(&SETTINGS, name)
}

pub(super) fn function_in_mysql(name: &str) -> Option<&'static Refused> {
    find(&MYSQL_FUNCTIONS, name)
}

pub(super) fn variable_in_mysql(name: &str) -> Option<&'static Refused> {
    find(&MYSQL_VARIABLES, name)
}

pub(super) fn function_in_sqlite(name: &str) -> Option<&'static Refused> {
    find(&SQLITE_FUNCTIONS, name)
}

/// Whether it may tell of an earlier caller also where a transaction of the
/// caller's own begins. In MySQL nothing does: its session is fresh there.
pub(super) fn stays_for_transactions(refused: &Refused) -> bool {
    let in_sqlite = SQLITE_FUNCTIONS.iter().any(|(_, known)| known == refused);
    in_sqlite && *refused != LAST_ROWID
}

fn find(table: &'static [(&str, Refused)], word: &str) -> Option<&'static Refused> {
    table
        .iter()
        .find(|(known, _)| known.eq_ignore_ascii_case(word))
        .map(|(_, refused)| refused)
}
