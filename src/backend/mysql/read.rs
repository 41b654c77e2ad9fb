//! Reads the whole answer to one statement, in either protocol, within the
//! request's limits: all of its result sets, to the end of the last.

use mysql::prelude::Protocol;
use mysql::{QueryResult, ResultSet};

use super::columns::{self, Account, ColumnsBuilder};
use super::connection::Connection;
use super::counts::Counted;
use super::kill::{Killer, Stopping, Victim};
use super::statement::Keep;
use super::wait::Watch;
use crate::error::{Error, ErrorKind, Result};
use crate::operation::{Answer, Limits};
use crate::value::Rows;

/// Result sets of one statement.
const SETS_MAX: usize = 1_000;

/// Why an answer was not read, and what that means for the connection.
pub(super) enum Failure {
    /// The database, or the way to it.
    Database(mysql::Error),
    /// The same, before the statement was sent.
    Unsent(mysql::Error),
    /// The statement was not sent, and nothing is under way.
    NotBegun(Error),
    /// A limit of ours; the rest of the result was not read.
    GivenUp(Error),
    /// A limit of ours; the server was told to stop, and the result was read to
    /// its end, which may be an error.
    Drained {
        error: Error,
        stopping: Stopping,
        end: mysql::Result<()>,
    },
}

impl From<mysql::Error> for Failure {
    fn from(error: mysql::Error) -> Failure {
        Failure::Database(error)
    }
}

/// An answer, and what its counts are made of.
pub(super) struct Gathered {
    pub(super) answer: Answer,
    pub(super) counted: Counted,
}

/// Reads one answer.
pub(super) struct Reader {
    pub(super) watch: Watch,
    collation: Option<u16>,
    account: Account,
    /// Whom to tell if a limit is met, and what the server knows the connection by.
    killer: Option<(Killer, Victim)>,
    /// Set once a limit was met: from then on rows are thrown away.
    stopping: Option<(Stopping, Error)>,
    sets: Vec<Rows>,
    set_count: usize,
}

impl Reader {
    pub(super) fn new(
        connection: &Connection,
        watch: Watch,
        keep: &Keep,
        limits: &Limits,
    ) -> Reader {
        let killer = match keep {
            Keep::No => None,
            Keep::Yes(killer) => Some((killer.clone(), connection.victim())),
        };
        Reader {
            watch,
            collation: connection.server().text_collation,
            account: Account::new(limits),
            killer,
            stopping: None,
            sets: Vec::new(),
            set_count: 0,
        }
    }

    pub(super) fn read<P: Protocol>(
        &mut self,
        result: QueryResult<'_, '_, '_, P>,
    ) -> Result<Gathered, Failure> {
        let mut gathered = Gathered {
            answer: Answer {
                statements: 1,
                ..Answer::default()
            },
            counted: Counted::default(),
        };
        let end = self.read_sets(result, &mut gathered);
        let failure = match (self.stopping.take(), end) {
            (None, Ok(())) => {
                let mut sets = std::mem::take(&mut self.sets).into_iter();
                gathered.answer.rows = sets.next();
                gathered.answer.more_rows = sets.collect();
                gathered.answer.taken = self.account.taken();
                return Ok(gathered);
            }
            (None, Err(failure)) => failure,
            (Some((stopping, error)), Ok(())) => Failure::Drained {
                error,
                stopping,
                end: Ok(()),
            },
            (
                Some((stopping, error)),
                Err(Failure::Database(end @ mysql::Error::MySqlError(_))),
            ) => Failure::Drained {
                error,
                stopping,
                end: Err(end),
            },
            // The limit came first.
            (Some((_, error)), Err(_)) => {
                self.watch.hang_up();
                Failure::GivenUp(error)
            }
        };
        self.sets.clear();
        self.account.give_up();
        Err(failure)
    }

    fn read_sets<P: Protocol>(
        &mut self,
        mut result: QueryResult<'_, '_, '_, P>,
        gathered: &mut Gathered,
    ) -> Result<(), Failure> {
        while let Some(mut set) = result.iter() {
            gathered.answer.affected_rows = set.affected_rows();
            gathered.answer.insert_id = set.last_insert_id().unwrap_or(0);
            gathered.counted = Counted::of(set.info_ref());
            let has_columns = !set.columns().as_ref().is_empty();
            // An answer that is already there, such as COMMIT's, is never too late.
            if has_columns || self.set_count > 0 {
                self.check_time()?;
            }
            if has_columns {
                self.set_count += 1;
                self.read_set(&mut set)?;
            } else {
                set.by_ref().try_for_each(|row| row.map(drop))?;
            }
        }
        Ok(())
    }

    fn read_set<P: Protocol>(
        &mut self,
        set: &mut ResultSet<'_, '_, '_, '_, P>,
    ) -> Result<(), Failure> {
        if columns::strays_from(set.columns().as_ref(), self.collation) {
            return Err(self.give_up(strayed()));
        }
        let mut rows = match self.begin_set(set.columns().as_ref()) {
            Ok(rows) => rows,
            Err(error) => {
                self.over_limit(error)?;
                None
            }
        };
        for row in set.by_ref() {
            let row = row?;
            if let Some(kept) = &mut rows
                && let Err(error) = kept.push(row.unwrap(), &mut self.account)
            {
                rows = None;
                self.over_limit(error)?;
            }
            self.check_time()?;
        }
        self.sets.extend(rows.map(ColumnsBuilder::finish));
        Ok(())
    }

    /// None: a limit was met before, and its rows are not kept.
    fn begin_set(&mut self, columns: &[mysql::Column]) -> Result<Option<ColumnsBuilder>> {
        if self.stopping.is_some() {
            return Ok(None);
        }
        if self.set_count > SETS_MAX {
            return Err(too_many_sets());
        }
        ColumnsBuilder::new(columns, &mut self.account).map(Some)
    }

    /// A limit is met. If the connection is to be kept, what follows is read and
    /// thrown away; an error means that it is not.
    fn over_limit(&mut self, error: Error) -> Result<(), Failure> {
        let Some((killer, victim)) = &self.killer else {
            return Err(self.give_up(error));
        };
        let stopping = killer.stop_statement(victim);
        self.stopping = Some((stopping, error));
        self.sets.clear();
        self.account.give_up();
        Ok(())
    }

    /// To be called between reads, each of which may wait.
    pub(super) fn check_time(&mut self) -> Result<(), Failure> {
        self.watch.check().map_err(|error| self.give_up(error))
    }

    /// Dropping a result would read it to its end, were the connection still there.
    fn give_up(&self, error: Error) -> Failure {
        self.watch.hang_up();
        Failure::GivenUp(error)
    }
}

/// A routine that a view or a trigger called has changed how this session sends
/// text. The server is of the shard's character set again on a new connection.
pub(super) fn strayed() -> Error {
    let message = "a stored routine had changed the connection's character set; it is closed";
    Error::new(ErrorKind::ConnectionLost, message)
}

fn too_many_sets() -> Error {
    let message = format!(
        "the statement returned more than {SETS_MAX} result sets; have it gather its rows in fewer"
    );
    Error::new(ErrorKind::ResultTooLarge, message).with_limit(SETS_MAX as u64, SETS_MAX as u64 + 1)
}
