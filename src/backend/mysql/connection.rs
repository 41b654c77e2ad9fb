//! One connection: what is known of its session, and whether it may be used again.

mod manager;

use std::io;
use std::time::{Duration, Instant};

use mysql::consts::SessionStateType;

use super::errors;
use super::kill::{Killer, Victim};
use super::prepared::Unpreparable;
use super::session::{self, Server};
use super::wait::Watch;
use super::watchdog::{Leash, Ran};
use crate::config::AffectedRows;
use crate::error::{Error, ErrorKind, Result};
use crate::sql::SqlMode;
pub use manager::MySqlManager;

/// Statements that are made for many rows are kept below this where the rows let
/// them: the server parses and logs each one whole.
pub(super) const STATEMENT_USUAL_BYTES: usize = 1 << 20;

/// What a packet holds beside its statement.
const COMMAND_BYTES: usize = 1;

/// How long a connection waits to be cleaned before it is dropped instead.
const CLEAN_TIMEOUT: Duration = Duration::from_millis(500);

/// A connection and its state.
pub struct Connection {
    /// Before what it watches, since fields are dropped in their order.
    leash: Leash,
    inner: mysql::Conn,
    server: Server,
    mode: SqlMode,
    session: String,
    ping_after: Duration,
    encrypted: bool,
    opened: Instant,
    last_used: Instant,
    watch: Watch,
    state: State,
    /// Another thread may have shut the socket.
    cut: bool,
    /// The last exchange lasted past its deadline, and was ended.
    late: bool,
    /// Why an exchange whose answer is good has cost the connection all the same.
    loss: Option<Error>,
    /// The session may not be as a fresh one is. Stays so until it is reset.
    suspect: bool,
    /// Something was sent since it was fresh.
    used: bool,
    exchanges: u64,
    /// A transaction may be open on it.
    in_transaction: bool,
    /// Its database may be another than at first, to which no reset goes back.
    moved: bool,
    /// Its modes may not be those in `mode`. Stays so until they are looked at.
    modes_doubtful: bool,
    killer: Killer,
    counting: AffectedRows,
    /// None: the shard's statements are not prepared.
    unpreparable: Option<Unpreparable>,
}

/// What may be done with a connection.
#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    /// The next statement may be sent.
    Ready,
    /// Something is under way on it, or was when it failed: never use it again,
    /// and stop what the server still does for it.
    Unfinished,
    /// The server has closed it, or will: never use it again.
    Closed,
}

impl Connection {
    /// What is to be stopped if it runs something.
    pub(super) fn victim(&self) -> Victim {
        Victim {
            connection_id: self.inner.connection_id(),
            server: self.server.identity.clone(),
            opened: self.opened,
        }
    }

    pub(super) fn server(&self) -> &Server {
        &self.server
    }

    /// The longest statement that the server takes; a longer one would cost the
    /// connection.
    pub(super) fn statement_max_bytes(&self) -> usize {
        self.server.max_allowed_packet - COMMAND_BYTES
    }

    /// The modes that the connection's session has now.
    pub(super) fn mode(&self) -> SqlMode {
        self.mode
    }

    /// The modes may have changed since they were looked at.
    pub(super) fn modes_are_doubtful(&self) -> bool {
        self.modes_doubtful && self.is_ready()
    }

    /// The session was asked for its modes.
    pub(super) fn set_mode(&mut self, mode: SqlMode) {
        self.mode = mode;
        self.modes_doubtful = false;
    }

    /// Stops what runs on the connection.
    pub(super) fn killer(&self) -> Killer {
        self.killer.clone()
    }

    /// What the server counts as affected.
    pub(super) fn counting(&self) -> AffectedRows {
        self.counting
    }

    /// What is known not to be prepared; None where nothing is.
    pub(super) fn unpreparable(&mut self) -> Option<&mut Unpreparable> {
        self.unpreparable.as_mut()
    }

    /// Ends the connection: what runs on it is stopped when it is checked in.
    pub(super) fn hang_up(&mut self) {
        self.watch.hang_up();
        self.state = State::Unfinished;
    }

    /// What befell the connection behind a good answer, which does not tell it.
    pub(super) fn loss(&mut self) -> &mut Option<Error> {
        &mut self.loss
    }

    /// Its socket may have been shut, however its exchange ended.
    pub(super) fn note_cut(&mut self) {
        self.cut = true;
    }

    /// Nothing is under way, and the session is as it was.
    pub(super) fn finish_quietly(&mut self) {
        self.state = State::Ready;
        self.last_used = Instant::now();
    }

    pub(super) fn is_ready(&self) -> bool {
        self.state == State::Ready && !self.cut
    }

    /// Begins an exchange over [`Connection::session`] that must end by the
    /// deadline. It counts as unfinished until it is finished in one way or
    /// another; an error means that nothing was begun.
    pub(super) fn start(&mut self, deadline: Instant) -> Result<Watch> {
        self.watch.start(deadline)?;
        self.leash.begin(deadline);
        self.state = State::Unfinished;
        self.used = true;
        self.exchanges += 1;
        Ok(self.watch)
    }

    /// How many exchanges were begun on it.
    pub(super) fn exchanges(&self) -> u64 {
        self.exchanges
    }

    /// What an exchange goes over.
    pub(super) fn session(&mut self) -> &mut mysql::Conn {
        &mut self.inner
    }

    /// Takes back what `start` has lent: it knows what the socket was told. The
    /// exchange is over.
    pub(super) fn keep(&mut self, watch: Watch) {
        self.watch = watch;
        self.unleash();
    }

    fn unleash(&mut self) {
        self.late = self.leash.end() == Ran::Late;
        self.cut |= self.late;
    }

    /// The last exchange was ended because it lasted past its deadline.
    pub(super) fn was_late(&self) -> bool {
        self.late
    }

    /// Whether it has been idle for so long that only a ping tells if the way to
    /// the server is still there.
    pub(super) fn is_doubtful(&self) -> bool {
        self.last_used.elapsed() >= self.ping_after
    }

    /// The exchange is over and its answer completely read.
    pub(super) fn finish(&mut self, touched: bool) {
        let strayed = self.inner.no_backslash_escape() != self.mode.no_backslash_escapes;
        let (changed, moved) = match self.inner.session_state_changes() {
            Ok(changes) => {
                let mut kinds = changes.iter().map(|change| change.data_type());
                let moved = kinds.any(|kind| kind == SessionStateType::SESSION_TRACK_SCHEMA);
                (!changes.is_empty(), moved)
            }
            Err(_) => (true, false),
        };
        self.moved |= moved;
        self.suspect |= strayed || changed || touched;
        self.modes_doubtful |= strayed || changed || touched;
        self.state = State::Ready;
        self.last_used = Instant::now();
    }

    /// The exchange failed. The connection is well if the server has refused the
    /// statement, unless the error says that it is closed; but a refusal does not
    /// tell what a trigger had changed by then.
    pub(super) fn finish_refused(&mut self, error: &mysql::Error, touched: bool) {
        self.suspect |= touched;
        self.modes_doubtful |= touched;
        self.state = match error {
            mysql::Error::MySqlError(error)
                // A transaction that cannot write is to be begun anew, perhaps elsewhere.
                if errors::closes_connection(error.code)
                    || (self.in_transaction && errors::is_read_only(error)) =>
            {
                State::Closed
            }
            mysql::Error::MySqlError(_) => State::Ready,
            error if errors::is_timeout(error) => State::Unfinished,
            error if errors::io_error(error).is_some() => State::Closed,
            _ => State::Unfinished,
        };
        self.last_used = Instant::now();
    }

    /// Warnings of the last statement.
    pub(super) fn warning_count(&self) -> u32 {
        u32::from(self.inner.warnings())
    }

    pub(super) fn is_unfinished(&self) -> bool {
        self.state == State::Unfinished
    }

    /// From here on, until [`Connection::end_transaction`], only a reset makes it
    /// fit for others: it rolls back what is open.
    pub(super) fn begin_transaction(&mut self) {
        self.in_transaction = true;
    }

    /// COMMIT or ROLLBACK was answered well: nothing is open any more.
    pub(super) fn end_transaction(&mut self) {
        self.in_transaction = false;
    }

    /// It is about to change its database, and is of no use to others after that.
    pub(super) fn move_away(&mut self) {
        self.moved = true;
    }

    fn needs_reset(&self) -> bool {
        self.suspect || self.in_transaction || self.moved
    }

    pub(super) fn ping(&mut self, deadline: Instant) -> Result<()> {
        self.start(deadline)?;
        let answer = self.inner.ping();
        self.unleash();
        match answer {
            Ok(()) => {
                self.finish(false);
                Ok(())
            }
            Err(_) if self.late => Err(errors::late(errors::Effect::None)),
            Err(error) => {
                self.finish_refused(&error, false);
                Err(errors::from_mysql(&error, errors::Effect::None))
            }
        }
    }

    /// Makes the session again what it was when fresh, if it may be anything
    /// else: no variable, lock, temporary table or transaction outlives a
    /// caller. Its modes may have changed. After an error the connection is of
    /// no more use, and nothing was begun.
    pub(super) fn clean(&mut self, deadline: Instant) -> Result<()> {
        if !self.needs_reset() || !self.is_ready() {
            return Ok(());
        }
        self.state = State::Closed;
        if self.moved {
            let message = "a connection was dropped, for its database had been changed";
            return Err(Error::new(ErrorKind::ConnectionLost, message));
        }
        let deadline = deadline.min(Instant::now() + CLEAN_TIMEOUT);
        self.watch.start(deadline)?;
        self.leash.begin(deadline);
        let cleaned = self.inner.reset().and_then(|()| {
            let watch = &mut self.watch;
            let in_time = || watch.check().map_err(|_| io::ErrorKind::TimedOut.into());
            session::set_up(&mut self.inner, &self.session, in_time)
        });
        self.unleash();
        let server = cleaned.map_err(|error| {
            let reason = errors::describe(&error);
            let message = format!("a connection was dropped, for it could not be reset: {reason}");
            Error::new(ErrorKind::ConnectionLost, message)
        })?;
        self.set_mode(SqlMode::parse(&server.sql_mode));
        self.server = server;
        self.suspect = false;
        self.used = false;
        self.in_transaction = false;
        self.state = State::Ready;
        Ok(())
    }

    /// A session in which nothing is left of earlier callers: not their last
    /// insert id, nor a variable that a trigger of theirs has set.
    pub(super) fn refresh(&mut self, deadline: Instant) -> Result<()> {
        match self.used {
            true => self.renew(deadline),
            false => Ok(()),
        }
    }

    /// A fresh session, whatever this one is.
    pub(super) fn renew(&mut self, deadline: Instant) -> Result<()> {
        self.suspect = true;
        self.clean(deadline)
    }
}
