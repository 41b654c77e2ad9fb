//! Statements that no function runs: those that change the connection, which
//! the next caller would then get, those that tell what the caller before left
//! in it, and those that read or write files beside the database. Each with what
//! to do instead.

/// A statement that is refused, and why.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refused {
    /// The keywords, as a person would write them.
    pub what: &'static str,
    /// What to do instead.
    pub remedy: &'static str,
}

const fn refused(what: &'static str, remedy: &'static str) -> Refused {
    Refused { what, remedy }
}

pub(super) const TRANSACTION: &str =
    "each statement commits itself, and insert makes its rows one transaction";
const LOCK: &str = "a lock would stay with a connection that others use next";
const PREPARED: &str = "send the statement itself with its parameters";
const SETTING: &str = "connections are shared, and what a session sets would reach others; \
                       pass values as parameters, and set defaults in the server";
const CHARSET: &str = "the connection's character set is the shard's `charset` option, and text \
                       is sent and received as UTF-8";
const CLIENT: &str = "it is a command of a client program, not SQL; send one statement per call";
const FILES: &str = "this service opens the shard's own file only";

macro_rules! others {
    ($remedy:literal) => {
        concat!(
            "it tells of the last statement on a shared connection, which may be another \
             caller's; ",
            $remedy
        )
    };
}

const LAST_ID: &str = others!("the id is insert_id in the result of the statement itself");
const LAST_COUNT: &str =
    others!("the count is affected_rows in the result of the statement itself");
const LAST_WARNINGS: &str = others!(
    "the number of warnings is warning_count in the result of the statement itself, and an error \
     is its answer"
);

pub(super) const EXECUTABLE: Refused = refused(
    "a statement that begins in, or turns on, a comment /*! … */",
    "some servers run its content and some skip it; write it without the comment",
);
pub(super) const LOCK_FUNCTION: Refused = refused(
    "a function that takes or gives up a lock (GET_LOCK, RELEASE_LOCK …)",
    LOCK,
);
pub(super) const TEMPORARY: Refused = refused(
    "CREATE TEMPORARY",
    "it would stay with a connection that others use next; use a derived table or WITH",
);
pub(super) const PREPARE: Refused = refused("PREPARE, EXECUTE or DEALLOCATE PREPARE", PREPARED);
pub(super) const START_TRANSACTION: Refused = refused("START TRANSACTION", TRANSACTION);
pub(super) const FLUSH_LOCK: Refused = refused("FLUSH … WITH READ LOCK or FOR EXPORT", LOCK);
pub(super) const LOCAL_FILE: Refused = refused(
    "LOAD … LOCAL",
    "the file would be read where this service runs; use insert",
);
pub(super) const SET_CHARSET: Refused = refused("SET NAMES or SET CHARACTER SET", CHARSET);
pub(super) const SHOW_WARNINGS: Refused = refused("SHOW WARNINGS or SHOW ERRORS", LAST_WARNINGS);
pub(super) const VACUUM_INTO: Refused = refused("VACUUM INTO", FILES);

/// MySQL's and MariaDB's, by the first word.
const MYSQL: [(&str, Refused); 17] = [
    ("SET", refused("SET", SETTING)),
    (
        "USE",
        refused("USE", "name the shard, or write `database`.`table`"),
    ),
    ("BEGIN", refused("BEGIN", TRANSACTION)),
    ("COMMIT", refused("COMMIT", TRANSACTION)),
    ("ROLLBACK", refused("ROLLBACK", TRANSACTION)),
    ("SAVEPOINT", refused("SAVEPOINT", TRANSACTION)),
    ("RELEASE", refused("RELEASE SAVEPOINT", TRANSACTION)),
    ("XA", refused("XA", TRANSACTION)),
    ("LOCK", refused("LOCK", LOCK)),
    ("UNLOCK", refused("UNLOCK", LOCK)),
    ("BACKUP", refused("BACKUP", LOCK)),
    (
        "HANDLER",
        refused(
            "HANDLER",
            "it would stay open in a shared connection; use SELECT",
        ),
    ),
    ("PREPARE", PREPARE),
    ("EXECUTE", PREPARE),
    ("DEALLOCATE", PREPARE),
    ("DELIMITER", refused("DELIMITER", CLIENT)),
    ("GET", refused("GET DIAGNOSTICS", LAST_WARNINGS)),
];

const SQLITE: [(&str, Refused); 9] = [
    ("BEGIN", refused("BEGIN", TRANSACTION)),
    ("COMMIT", refused("COMMIT", TRANSACTION)),
    ("END", refused("END", TRANSACTION)),
    ("ROLLBACK", refused("ROLLBACK", TRANSACTION)),
    ("SAVEPOINT", refused("SAVEPOINT", TRANSACTION)),
    ("RELEASE", refused("RELEASE", TRANSACTION)),
    ("PRAGMA", refused("PRAGMA", SETTING)),
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

static SQLITE_FUNCTIONS: [(&str, Refused); 3] = [
    ("last_insert_rowid", refused("last_insert_rowid()", LAST_ID)),
    ("changes", refused("changes()", LAST_COUNT)),
    ("total_changes", refused("total_changes()", LAST_COUNT)),
];

pub(super) fn in_mysql(first_word: &str) -> Option<Refused> {
    find(&MYSQL, first_word).copied()
}

pub(super) fn in_sqlite(first_word: &str) -> Option<Refused> {
    find(&SQLITE, first_word).copied()
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

fn find<'t>(table: &'t [(&str, Refused)], word: &str) -> Option<&'t Refused> {
    table
        .iter()
        .find(|(known, _)| known.eq_ignore_ascii_case(word))
        .map(|(_, refused)| refused)
}
