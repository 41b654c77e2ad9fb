//! Which SQL is spoken: the parts of MySQL's `sql_mode` that change where a
//! literal ends, and the two dialects. Asking a connection for its mode is the
//! backend's work.

/// The flags of `@@sql_mode` that change how text is cut into tokens
/// (MySQL Reference Manual, "Server SQL Modes").
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SqlMode {
    /// `"` quotes an identifier, not a string.
    pub ansi_quotes: bool,
    /// A backslash in a string is only a backslash.
    pub no_backslash_escapes: bool,
}

/// What the statement's database speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dialect {
    /// MySQL, MariaDB, and what speaks like them.
    MySql(SqlMode),
    Sqlite,
}

/// Modes that stand for several others, ANSI_QUOTES among them. A server
/// expands them by itself; a proxy in front of it may not.
const WITH_ANSI_QUOTES: [&str; 7] = [
    "ANSI_QUOTES",
    "ANSI",
    "DB2",
    "MAXDB",
    "MSSQL",
    "ORACLE",
    "POSTGRESQL",
];

impl SqlMode {
    /// Reads the text of `@@sql_mode`; names that do not matter here are passed over.
    pub fn parse(sql_mode: &str) -> SqlMode {
        let mut mode = SqlMode::default();
        for name in sql_mode.split(',').map(str::trim) {
            if WITH_ANSI_QUOTES
                .iter()
                .any(|known| known.eq_ignore_ascii_case(name))
            {
                mode.ansi_quotes = true;
            } else if name.eq_ignore_ascii_case("NO_BACKSLASH_ESCAPES") {
                mode.no_backslash_escapes = true;
            }
        }
        mode
    }
}
