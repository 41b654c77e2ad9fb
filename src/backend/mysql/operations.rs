//! A connection for one operation, or for all of a transaction: what runs on it,
//! where, and whether it still can.

use super::connection::{Connection, MySqlManager};
use super::errors::Effect;
use super::statement::{self, Keep, Manner};
use super::transaction::{self, Own};
use super::{MySqlBackend, check_in, insert};
use crate::backend::batch;
use crate::backend::pool::Checkout;
use crate::error::{Error, ErrorKind, Result};
use crate::operation::{
    Answer, Batch, BatchMode, Insert, Limits, Operation, Params, Statement, Step,
};
use crate::sql::{self, Dialect, Function, Progress, Setting, Template};

/// How statements are sent that only open or end something.
pub(super) const CONTROL: Manner = Manner {
    effect: Effect::None,
    touches_session: false,
    keep: Keep::No,
};

/// COMMIT: whether it was done is not known until it is answered.
pub(super) const COMMIT: Manner = Manner {
    effect: Effect::Atomic,
    touches_session: false,
    keep: Keep::No,
};

/// Whatever the server's `completion_type`: a chained transaction would swallow
/// what the connection's next user writes.
pub(super) const END_WELL: &str = "COMMIT AND NO CHAIN NO RELEASE";
pub(super) const UNDO: &str = "ROLLBACK AND NO CHAIN NO RELEASE";

/// A connection and what is open on it.
pub(super) struct Session<'b> {
    /// None: it was given up.
    pub(super) connection: Option<Checkout<MySqlManager>>,
    pub(super) ground: Ground<'b>,
    pub(super) unit: Unit,
    /// A statement has ended the transaction by its own doing, or is not known not to have.
    pub(super) may_have_committed: bool,
    /// Something was given to the database.
    pub(super) sent: bool,
    /// The database takes no writes, and the pool's connections are replaced.
    pub(super) replaced: bool,
}

/// Whose the connection is between two statements.
pub(super) enum Ground<'b> {
    /// Each statement is on its own, and could as well run on another connection.
    Shared(&'b MySqlBackend),
    /// A transaction of the caller's own is open on it.
    Own(Own),
}

/// Whether something is open that is undone as a whole.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Unit {
    Closed,
    Open,
}

impl<'b> Session<'b> {
    pub(super) fn new(connection: Checkout<MySqlManager>, ground: Ground<'b>) -> Session<'b> {
        Session {
            connection: Some(connection),
            ground,
            unit: Unit::Closed,
            may_have_committed: false,
            sent: false,
            replaced: false,
        }
    }

    pub(super) fn run(&mut self, operation: &Operation, limits: &Limits) -> Result<Answer> {
        match operation {
            Operation::Ping => self.exchange(limits, |connection| {
                connection.ping(limits.deadline).map(|()| Answer::default())
            }),
            Operation::Query(statement) => self.statement(statement, Function::Query, limits),
            Operation::Execute(statement) => self.statement(statement, Function::Execute, limits),
            Operation::Insert(rows) => self.insert(rows, limits),
            Operation::Batch(steps) => self.batch(steps, limits),
        }
    }

    /// Whether there is a connection on which the next statement can be sent.
    pub(super) fn is_ready(&self) -> bool {
        self.connection
            .as_ref()
            .is_some_and(|connection| connection.is_ready())
    }

    /// Gives the connection back clean, or drops it.
    pub(super) fn check_in(&mut self, limits: &Limits) {
        if let Some(connection) = self.connection.take() {
            check_in(self.killer(), connection, limits.deadline);
        }
    }

    /// Where a statement runs now.
    pub(super) fn setting(&self) -> Setting {
        match (&self.ground, self.unit) {
            (Ground::Own(_), Unit::Open) => Setting::Nested,
            (Ground::Own(own), Unit::Closed) => Setting::Transaction(own.progress),
            (Ground::Shared(_), Unit::Open) => Setting::Atomic,
            (Ground::Shared(_), Unit::Closed) => Setting::Shared,
        }
    }

    /// One exchange with the server, or several. An error that ends a caller's
    /// own transaction is kept as its cause.
    pub(super) fn exchange<T>(
        &mut self,
        limits: &Limits,
        work: impl FnOnce(&mut Connection) -> Result<T>,
    ) -> Result<T> {
        let connection = self.ready(limits)?;
        let before = connection.exchanges();
        let done = work(connection);
        self.sent |= connection.exchanges() != before;
        match done {
            Ok(value) => {
                transaction::note_loss(self, limits);
                Ok(value)
            }
            Err(error) => {
                if error.kind() == ErrorKind::ShardReadOnly {
                    self.replace_connections();
                }
                Err(transaction::note(self, error, limits))
            }
        }
    }

    /// Where the database takes no writes, its successor may be behind the same
    /// name already: the pool's connections are to find it.
    fn replace_connections(&mut self) {
        if let Some(connection) = &self.connection {
            self.replaced |= connection.retire_generation();
        }
    }

    /// The connection, to send the next statement on. An error means that there
    /// is none any more.
    fn ready(&mut self, limits: &Limits) -> Result<&mut Connection> {
        match &self.ground {
            Ground::Own(own) => own.check_alive()?,
            Ground::Shared(backend) if self.unit == Unit::Closed => {
                let fit = |connection: &mut Checkout<MySqlManager>| {
                    connection.is_ready() && connection.clean(limits.deadline).is_ok()
                };
                // Each step of a batch is on its own: one that cost the connection,
                // or left something on it, does not harm the next.
                if !self.connection.as_mut().is_some_and(fit) {
                    let backend = *backend;
                    self.check_in(limits);
                    self.connection = Some(backend.checkout(limits)?);
                }
            }
            Ground::Shared(_) => {}
        }
        match &mut self.connection {
            Some(connection) if connection.is_ready() => Ok(connection),
            _ => {
                let message = "the connection to the database was lost before";
                Err(Error::new(ErrorKind::ConnectionLost, message))
            }
        }
    }

    /// Lends the connection for `work`, whose errors end nothing.
    pub(super) fn with_connection<T>(
        &mut self,
        limits: &Limits,
        work: impl FnOnce(&mut Connection) -> Result<T>,
    ) -> Result<T> {
        work(self.ready(limits)?)
    }

    /// Sends what only opens or ends something.
    pub(super) fn control(&mut self, text: &str, manner: Manner, limits: &Limits) -> Result<()> {
        self.exchange(limits, |connection| {
            statement::send(connection, text, manner, limits).map(drop)
        })
    }

    pub(super) fn statement(
        &mut self,
        statement: &Statement,
        function: Function,
        limits: &Limits,
    ) -> Result<Answer> {
        let setting = self.setting();
        let run = |connection: &mut Connection| {
            statement::run(connection, statement, function, setting, limits)
        };
        // What only reads cannot end a transaction: no stored function may.
        if setting == Setting::Shared || function == Function::Query {
            self.mark_begun();
            return self.exchange(limits, run);
        }
        let mode = self.ready(limits)?.mode();
        let template = analyze(statement, Dialect::MySql(mode))?;
        sql::check(function, setting, &template)?;
        match template.keyword().to_ascii_uppercase().as_str() {
            "LOCK" => transaction::prepare_for_locks(self, limits)?,
            "USE" => self.ready(limits)?.move_away(),
            _ => {}
        }
        self.mark_begun();
        match template.may_end_transaction() {
            true => self.guarded(limits, |session| session.exchange(limits, run)),
            false => self.exchange(limits, run),
        }
    }

    fn insert(&mut self, rows: &Insert, limits: &Limits) -> Result<Answer> {
        let texts = insert::texts(self.ready(limits)?, rows)?;
        self.send_all(texts, limits)
    }

    fn batch(&mut self, batch: &Batch, limits: &Limits) -> Result<Answer> {
        if batch.mode == BatchMode::Atomic && self.setting() == Setting::Shared {
            // As for a statement of its own, but once and before the transaction.
            let connection = self.ready(limits)?;
            let dialect = Dialect::MySql(connection.mode());
            let touches = |step: &Step| {
                let template = analyze(&step.statement, dialect);
                template.is_ok_and(|template| template.may_touch_session())
            };
            if batch.steps.iter().any(touches) {
                connection.renew(limits.deadline)?;
            }
        }
        batch::run(self, batch, limits)
    }

    pub(super) fn mark_begun(&mut self) {
        if let Ground::Own(own) = &mut self.ground {
            own.progress = Progress::Begun;
        }
    }

    /// What becomes of the connection when a result is over a limit.
    pub(super) fn keep(&self) -> Keep {
        match self.setting() {
            Setting::Shared => Keep::No,
            Setting::Atomic | Setting::Transaction(_) | Setting::Nested => {
                Keep::Yes(self.killer().clone())
            }
        }
    }

    pub(super) fn killer(&self) -> &super::Killer {
        match &self.ground {
            Ground::Own(own) => &own.killer,
            Ground::Shared(backend) => &backend.killer,
        }
    }
}

/// Reads a statement as [`statement::run`] does.
fn analyze(statement: &Statement, dialect: Dialect) -> Result<Template<'_>> {
    let params_given = statement.params != Params::Absent;
    sql::analyze(&statement.sql, statement.style, params_given, dialect)
}
