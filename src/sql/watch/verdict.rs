//! What follows from the tokens that were seen: the statement's kind, and where
//! it is refused.

use super::{Seen, Watch, is_one_of};
use crate::sql::commit;
use crate::sql::kind::{Refusals, StatementKind};
use crate::sql::mode::Dialect;
use crate::sql::refused::{self, Refused};
use crate::sql::words::{DEFINES, DIAGNOSTICS, READS, SESSION, WRITES};

type Refusal = Option<&'static Refused>;

impl<'a> Watch<'a> {
    pub(in crate::sql) fn finish(self) -> Seen<'a> {
        let keyword = self.keyword();
        let first = keyword.to_ascii_uppercase();
        let kind = self.kind(&first);
        let runs_unseen = matches!(kind, StatementKind::Routine | StatementKind::Other);
        let sets_system = match &self.assignments {
            Some(assignments) => assignments.sets_system(),
            None => false,
        };
        let mysql = matches!(self.dialect, Dialect::MySql(_));
        Seen {
            kind,
            keyword,
            stores_result: self.has_into && is_one_of(keyword, &READS),
            may_touch_session: self.has_variable
                || self.calls_unknown
                || runs_unseen
                || self.stays_in_session(&first),
            changes_modes: sets_system || self.calls_unknown || runs_unseen,
            may_end_transaction: mysql && runs_unseen,
            reads_leftovers: self.tells_leftovers(&first),
            refusals: match mysql {
                true => self.refusals_in_mysql(&first, kind),
                false => self.refusals_in_sqlite(&first),
            },
        }
    }

    fn head(&self) -> &[&'a str] {
        &self.head[..self.head_length]
    }

    fn second(&self) -> &'a str {
        self.head().get(1).copied().unwrap_or_default()
    }

    fn head_is(&self, index: usize, word: &str) -> bool {
        self.head()
            .get(index)
            .is_some_and(|seen| seen.eq_ignore_ascii_case(word))
    }

    /// What it changes is there after it, and a savepoint is not: that goes with
    /// its transaction.
    fn stays_in_session(&self, first: &str) -> bool {
        matches!(first, "SET" | "USE" | "LOCK" | "HANDLER" | "GET")
            || first == "CREATE" && self.creates_temporary()
            || self.calls_lock_function
    }

    /// Whether it asks what an earlier statement has left. What is defined runs
    /// later, after statements of its own.
    fn tells_leftovers(&self, first: &str) -> bool {
        let defines = matches!(first, "CREATE" | "ALTER");
        let asks = self.leftovers.asked().is_some() && !defines;
        asks || first == "GET" || self.shows_diagnostics(first)
    }

    fn shows_diagnostics(&self, first: &str) -> bool {
        first == "SHOW" && (is_one_of(self.second(), &DIAGNOSTICS) || self.diagnoses_executable)
    }

    fn refusals_in_mysql(&self, first: &str, kind: StatementKind) -> Refusals {
        if self.begins_executable || self.turns_executable {
            return everywhere(&refused::EXECUTABLE);
        }
        let shared = match self.calls_lock_function {
            true => Some(&refused::LOCK_FUNCTION as &'static Refused),
            false => self.shared_in_mysql(first),
        };
        let leftover = self
            .leftovers
            .asked()
            .filter(|_| self.tells_leftovers(first));
        let locks_tables = first == "LOCK" && is_one_of(self.second(), &["TABLE", "TABLES"]);
        Refusals {
            shared: shared.or(leftover),
            atomic: match (self.commits(first, kind), kind) {
                (Some(_), _) => Some(&commit::COMMITS_BATCH),
                (None, StatementKind::Other) => Some(&commit::MAY_COMMIT_BATCH),
                (None, _) => None,
            },
            transaction: self.in_transaction(first).or(self.commits(first, kind)),
            begun: locks_tables.then_some(&commit::LOCK_LATE),
            nested: self.is_of_savepoints(first).then_some(&commit::SAVEPOINT),
        }
    }

    fn shared_in_mysql(&self, first: &str) -> Refusal {
        match first {
            "SET" => self.assignments.as_ref().map(|seen| seen.shared()),
            "START" if is_one_of(self.second(), &["TRANSACTION"]) => {
                match self.head().iter().any(|word| is_one_of(word, &["ONLY"])) {
                    true => Some(&refused::START_READ_ONLY),
                    false => Some(&refused::START_TRANSACTION),
                }
            }
            "ROLLBACK" if self.rolls_back_to() => Some(&refused::ROLLBACK_TO),
            "CREATE" if self.creates_temporary() => Some(&refused::TEMPORARY),
            "SHOW" if self.shows_diagnostics(first) => Some(&refused::SHOW_WARNINGS),
            "FLUSH" if self.has_lock => Some(&refused::FLUSH_LOCK),
            "LOCK" if !is_one_of(self.second(), &["TABLE", "TABLES"]) => {
                Some(&refused::LOCK_INSTANCE)
            }
            first => self.always_in_mysql(first).or(refused::in_mysql(first)),
        }
    }

    /// What no connection is for.
    fn always_in_mysql(&self, first: &str) -> Refusal {
        match first {
            "PREPARE" | "EXECUTE" | "DEALLOCATE" => Some(&refused::PREPARE),
            "DROP" if is_one_of(self.second(), &["PREPARE"]) => Some(&refused::PREPARE),
            "DELIMITER" => Some(&refused::DELIMITER),
            "BACKUP" => Some(&refused::BACKUP),
            "LOAD" if self.loads_local() => Some(&refused::LOCAL_FILE),
            _ => None,
        }
    }

    /// What would end a transaction, or reach beyond it.
    fn in_transaction(&self, first: &str) -> Refusal {
        match first {
            // What the comment adds, some servers set.
            "SET" if self.has_executable => Some(&refused::EXECUTABLE),
            "SET" => self
                .assignments
                .as_ref()
                .and_then(|seen| seen.transaction()),
            "BEGIN" => Some(&commit::BEGIN),
            "START" if is_one_of(self.second(), &["TRANSACTION"]) => Some(&commit::BEGIN),
            "COMMIT" => Some(&commit::COMMIT),
            "ROLLBACK" if !self.rolls_back_to() => Some(&commit::ROLLBACK),
            "XA" => Some(&commit::XA),
            "UNLOCK" => Some(&commit::UNLOCK),
            "LOCK" if !is_one_of(self.second(), &["TABLE", "TABLES"]) => {
                Some(&refused::LOCK_INSTANCE)
            }
            first => self.always_in_mysql(first),
        }
    }

    /// Whether the server commits before it runs this.
    fn commits(&self, first: &str, kind: StatementKind) -> Refusal {
        let commits = match first {
            "CREATE" | "DROP" if self.is_of_temporary_tables() => false,
            // LOAD INDEX INTO CACHE.
            "LOAD" => !is_one_of(self.second(), &["DATA", "XML"]),
            // It depends on the server whether this is ANALYZE TABLE.
            "ANALYZE" => kind == StatementKind::Definition || self.has_executable,
            first => kind == StatementKind::Definition || is_one_of(first, &commit::COMMITTING),
        };
        commits.then_some(&commit::COMMITS)
    }

    /// `CREATE [OR REPLACE] TEMPORARY TABLE`, `DROP TEMPORARY TABLE`.
    fn is_of_temporary_tables(&self) -> bool {
        let mut words = self.head().iter().skip(1);
        let next = words.find(|word| !is_one_of(word, &["OR", "REPLACE"]));
        let temporary = next.is_some_and(|word| is_one_of(word, &["TEMPORARY"]));
        let kind = words.next();
        temporary && kind.is_some_and(|word| is_one_of(word, &["TABLE", "TABLES"]))
    }

    /// `ROLLBACK [WORK] TO`, in SQLite `ROLLBACK [TRANSACTION] TO`.
    fn rolls_back_to(&self) -> bool {
        let after = match is_one_of(self.second(), &["WORK", "TRANSACTION"]) {
            true => 2,
            false => 1,
        };
        self.head_is(after, "TO")
    }

    fn refusals_in_sqlite(&self, first: &str) -> Refusals {
        if self.begins_executable || self.turns_executable {
            return everywhere(&refused::EXECUTABLE);
        }
        let refused = self.refused_in_sqlite();
        let of_savepoints = self.is_of_savepoints(first);
        let leftover = self
            .leftovers
            .asked()
            .filter(|_| self.tells_leftovers(first));
        Refusals {
            shared: refused.or(leftover),
            transaction: refused
                .filter(|_| !of_savepoints)
                .or(leftover.and(self.leftovers.asked_in_transaction())),
            nested: of_savepoints.then_some(&commit::SAVEPOINT),
            ..Refusals::default()
        }
    }

    fn is_of_savepoints(&self, first: &str) -> bool {
        matches!(first, "SAVEPOINT" | "RELEASE") || first == "ROLLBACK" && self.rolls_back_to()
    }

    fn refused_in_sqlite(&self) -> Refusal {
        // EXPLAIN runs a PRAGMA in part (SQLite, "EXPLAIN QUERY PLAN").
        let after_explain = match (self.head_is(0, "EXPLAIN"), self.head_is(1, "QUERY")) {
            (true, true) => 3,
            (true, false) => 1,
            _ => 0,
        };
        let first = self.head().get(after_explain).copied().unwrap_or_default();
        if is_one_of(first, &["CREATE"]) && (self.creates_temporary() || self.names_temp_schema) {
            return Some(&refused::TEMPORARY_IN_SQLITE);
        }
        if is_one_of(first, &["VACUUM"]) && self.has_into {
            return Some(&refused::VACUUM_INTO);
        }
        if is_one_of(first, &["ROLLBACK"]) && self.rolls_back_to() {
            return Some(&refused::ROLLBACK_TO);
        }
        refused::in_sqlite(first)
    }

    fn creates_temporary(&self) -> bool {
        self.head()
            .iter()
            .skip(1)
            .take_while(|word| is_one_of(word, &["CREATE", "OR", "REPLACE", "TEMPORARY", "TEMP"]))
            .any(|word| is_one_of(word, &["TEMPORARY", "TEMP"]))
    }

    fn loads_local(&self) -> bool {
        self.head()
            .iter()
            .take_while(|word| !is_one_of(word, &["INFILE"]))
            .any(|word| is_one_of(word, &["LOCAL"]))
    }

    fn kind(&self, first: &str) -> StatementKind {
        use StatementKind::*;
        let read = if self.has_into { Write } else { Read };
        match first {
            _ if self.begins_oddly => Other,
            "SELECT" | "VALUES" | "TABLE" => read,
            "WITH" => self.main_kind(),
            "SHOW" | "CHECKSUM" | "HELP" => Read,
            "EXPLAIN" | "DESCRIBE" | "DESC" if !self.analyzes() => Read,
            "EXPLAIN" | "DESCRIBE" | "DESC" => self.main_kind(),
            "ANALYZE" if !self.analyzes_tables() => self.main_kind(),
            "LOAD" | "IMPORT" => Write,
            "CALL" | "DO" => Routine,
            first if is_one_of(first, &SESSION) => Session,
            first if is_one_of(first, &WRITES) => Write,
            first if is_one_of(first, &DEFINES) => Definition,
            _ => Other,
        }
    }

    /// The kind of the statement after WITH … or ANALYZE; where it is in
    /// parentheses it can only be a query.
    fn main_kind(&self) -> StatementKind {
        match self.main_verb {
            // The comment may hide the verb, or parentheses, from some servers.
            _ if self.has_executable || self.has_into => StatementKind::Write,
            Some(verb) if !is_one_of(verb, &READS) => StatementKind::Write,
            _ => StatementKind::Read,
        }
    }

    fn analyzes(&self) -> bool {
        self.head().iter().any(|word| is_one_of(word, &["ANALYZE"]))
    }

    /// ANALYZE TABLE, in SQLite ANALYZE; MariaDB's ANALYZE also runs a statement.
    fn analyzes_tables(&self) -> bool {
        const TABLES: [&str; 4] = ["TABLE", "TABLES", "LOCAL", "NO_WRITE_TO_BINLOG"];
        self.dialect == Dialect::Sqlite || is_one_of(self.second(), &TABLES)
    }
}

fn everywhere(refused: &'static Refused) -> Refusals {
    Refusals {
        shared: Some(refused),
        transaction: Some(refused),
        ..Refusals::default()
    }
}
