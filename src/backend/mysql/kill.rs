//! Stops on the server what a connection may still be running, over connections
//! of its own.
//!
//! Of a connection that is given up, all of it is closed there, so that the kill
//! cannot hit a later statement. Of one that a transaction lives on, only the
//! statement is stopped; [`Stopping`] then tells when nothing more can be hit.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use mysql::prelude::Queryable;
use scheduled_thread_pool::ScheduledThreadPool;

use super::errors;
use super::session::IDENTITY;

/// A kill that waited longer for its turn is left out: others wait behind it, and
/// a server that was started anew meanwhile counts its connections anew.
const KILL_AGE_MAX: Duration = Duration::from_secs(5);

/// A statement whose result is over a limit has so long to end by itself, while
/// its rows are read and thrown away: most end in less than a connection takes.
const END_BY_ITSELF: Duration = Duration::from_millis(50);

/// A procedure may lose a kill that comes between two of its statements: if the
/// result goes on for so long after one, another is sent.
const RESEND: Duration = Duration::from_millis(200);

/// How often the same statement is told to stop.
const STOPS_MAX: u32 = 20;

/// Shared by the connections of a shard.
#[derive(Clone)]
pub(super) struct Killer(Arc<Means>);

struct Means {
    options: mysql::Opts,
    threads: Arc<ScheduledThreadPool>,
    /// When the last attempt to connect was given up.
    failed: Mutex<Option<Instant>>,
}

impl Means {
    /// A server that does not answer keeps a thread for a whole connect timeout:
    /// one kill finds that out for all that wait, since those of other shards wait
    /// behind them.
    fn has_failed_since(&self, asked: Instant) -> bool {
        self.failed().is_some_and(|failed| failed >= asked)
    }

    fn failed(&self) -> MutexGuard<'_, Option<Instant>> {
        self.failed.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What is stopped.
#[derive(Clone, Copy)]
enum Part {
    Connection,
    Statement,
}

impl Killer {
    pub(super) fn new(options: mysql::Opts, threads: Arc<ScheduledThreadPool>) -> Killer {
        Killer(Arc::new(Means {
            options,
            threads,
            failed: Mutex::new(None),
        }))
    }

    /// Returns at once; the kill goes over a connection of its own, and only to
    /// the server that has the connection: behind one address there may be
    /// several, and another's connection of that number is somebody else's.
    pub(super) fn kill(&self, connection_id: u32, server: &str) {
        let killer = self.clone();
        let server = server.to_owned();
        let asked = Instant::now();
        self.0.threads.execute(move || {
            if asked.elapsed() < KILL_AGE_MAX && !killer.0.has_failed_since(asked) {
                let killed = killer.tell_server(Part::Connection, connection_id, &server);
                log(connection_id, killed.1);
            }
        });
    }

    /// Returns at once; unless it ends by itself, the connection's statement is
    /// stopped soon. Its result is to be read to the end meanwhile.
    pub(super) fn stop_statement(&self, connection_id: u32, server: &str) -> Stopping {
        let progress = Arc::new(Progress::default());
        let stop = Stop {
            killer: self.clone(),
            progress: progress.clone(),
            connection_id,
            server: server.to_owned(),
            asked: Instant::now(),
        };
        stop.send_after(END_BY_ITSELF, STOPS_MAX);
        Stopping(progress)
    }

    /// Whether a kill has gone out, and how it went.
    fn tell_server(&self, part: Part, id: u32, server: &str) -> (Sent, mysql::Result<Told>) {
        let mut side = match self.connect(server) {
            Ok(Some(side)) => side,
            Ok(None) => return (Sent::Not, Ok(Told::OtherServer)),
            Err(error) => {
                // A refusal came at once.
                if !matches!(error, mysql::Error::MySqlError(_)) {
                    *self.0.failed() = Some(Instant::now());
                }
                return (Sent::Not, Err(error));
            }
        };
        let command = match part {
            Part::Connection => format!("KILL {id}"),
            Part::Statement => format!("KILL QUERY {id}"),
        };
        match side.query_drop(command) {
            Ok(()) => (Sent::Answered, Ok(Told::Killed)),
            Err(error @ mysql::Error::MySqlError(_)) => (Sent::Answered, Err(error)),
            Err(error) => (Sent::Unanswered, Err(error)),
        }
    }

    /// None: the address leads to another server.
    fn connect(&self, server: &str) -> mysql::Result<Option<mysql::Conn>> {
        let mut side = mysql::Conn::new(self.0.options.clone())?;
        let reached: Option<String> = side.query_first(format!("SELECT {IDENTITY}"))?;
        Ok((reached.as_deref() == Some(server)).then_some(side))
    }
}

/// A statement to be stopped.
struct Stop {
    killer: Killer,
    progress: Arc<Progress>,
    connection_id: u32,
    server: String,
    asked: Instant,
}

impl Stop {
    /// Tells the server up to `times` times, until the result has ended.
    fn send_after(self, delay: Duration, times: u32) {
        let threads = self.killer.0.threads.clone();
        threads.execute_after(delay, move || {
            if self.killer.0.has_failed_since(self.asked) || !self.progress.begin() {
                return;
            }
            let id = self.connection_id;
            let (sent, killed) = self.killer.tell_server(Part::Statement, id, &self.server);
            log(id, killed);
            self.progress.end(sent);
            if times > 1 {
                self.send_after(RESEND, times - 1);
            }
        });
    }
}

enum Told {
    Killed,
    OtherServer,
}

/// Whether a kill may still hit what runs next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sent {
    /// None was sent, and none will be.
    Not,
    /// Its answer is there: if it hits the next statement, it does so at once.
    Answered,
    /// It may hit anything, at any time.
    Unanswered,
}

#[derive(Default)]
struct Progress {
    state: Mutex<State>,
    ended: Condvar,
}

#[derive(Default)]
struct State {
    stage: Stage,
    /// The result has ended, or is given up: nothing is sent any more.
    over: bool,
}

#[derive(Clone, Copy, Default)]
enum Stage {
    #[default]
    Waiting,
    UnderWay,
    Ended(Sent),
}

impl Progress {
    /// False: it has been called off, or the last one may still hit something.
    fn begin(&self) -> bool {
        let mut state = self.lock();
        let last = matches!(state.stage, Stage::Ended(Sent::Unanswered));
        if state.over || last {
            return false;
        }
        state.stage = Stage::UnderWay;
        true
    }

    fn end(&self, sent: Sent) {
        self.lock().stage = Stage::Ended(sent);
        self.ended.notify_all();
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A statement that is about to be stopped. Called off if dropped before it is.
pub(super) struct Stopping(Arc<Progress>);

impl Stopping {
    /// The statement's result has been read to its end, and nothing was sent
    /// since: waits until nothing can be stopped any more, at most until the
    /// deadline.
    pub(super) fn settle(self, deadline: Instant) -> Sent {
        let mut state = self.0.lock();
        state.over = true;
        loop {
            match state.stage {
                Stage::Waiting => return Sent::Not,
                Stage::Ended(sent) => return sent,
                Stage::UnderWay => {}
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Sent::Unanswered;
            }
            let waited = self.0.ended.wait_timeout(state, left);
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}

impl Drop for Stopping {
    fn drop(&mut self) {
        self.0.lock().over = true;
    }
}

/// The server has stopped the statement.
pub(super) fn was_stopped(error: &mysql::Error) -> bool {
    matches!(error, mysql::Error::MySqlError(error) if error.code == errors::INTERRUPTED)
}

fn log(connection_id: u32, killed: mysql::Result<Told>) {
    match killed {
        Ok(Told::Killed) => tracing::debug!(connection_id, "stopped what a connection ran"),
        Ok(Told::OtherServer) => tracing::warn!(
            connection_id,
            "what a connection runs is not stopped: the address leads to another server"
        ),
        // 1094: there is no such connection, so nothing runs.
        Err(mysql::Error::MySqlError(error)) if error.code == 1094 => {}
        Err(error) => {
            let reason = errors::describe(&error);
            tracing::warn!(connection_id, reason, "cannot stop what a connection runs");
        }
    }
}
