//! Stops on the server what a connection may still be running, over connections
//! of its own.
//!
//! Of a connection that is given up, all of it is closed there, so that the kill
//! cannot hit a later statement. Of one that a transaction lives on, only the
//! statement is stopped; [`Stopping`] then tells when nothing more can be hit.

mod side;
mod stopping;
mod told;

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use mysql::prelude::Queryable;

use super::errors;
use super::watchdog::Watchdog;
use crate::backend::shards::{KillStats, KillThreads};
use side::{NoSide, Side};
use stopping::Progress;
pub(super) use stopping::{Sent, Stopping};
pub(super) use told::was_stopped;
use told::{Counts, Told};

/// A kill that waited longer, for its turn or for a server that takes no more
/// connections or is silent, is left out: others wait behind it.
const KILL_AGE_MAX: Duration = Duration::from_secs(30);

/// A server that has not answered within all the time that it may take is told
/// again so much later.
const SLOW_PERIOD: Duration = Duration::from_millis(200);

/// A server that takes no more connections, which what is to be stopped may be the
/// cause of, is asked again so much later.
const CROWDED_PERIOD: Duration = Duration::from_millis(100);

/// Kills of one shard that wait for their turn; one more is left out. A server
/// that takes connections so much faster than kills is not there to be told.
const KILLS_WAITING_MAX: usize = 1_000;

/// A statement whose result is over a limit has so long to end by itself, while
/// its rows are read and thrown away: most end in less than a connection takes.
const END_BY_ITSELF: Duration = Duration::from_millis(50);

/// A procedure may lose a kill that comes between two of its statements: if the
/// result goes on for so long after one, another is sent.
const RESEND: Duration = Duration::from_millis(200);

/// How often the same statement is told to stop.
const STOPS_MAX: u32 = 20;

/// A connection that was killed may live on for a while: it is told again, first
/// after so long, then at twice that and so on, until it is gone.
const LOOK_AFTER: Duration = Duration::from_millis(5);
const LOOK_PERIOD_MAX: Duration = Duration::from_millis(100);

/// A server that does not answer within so long has its kills sent by other
/// threads, until it does: those of others do not wait behind them.
const ANSWERS_IN: Duration = Duration::from_millis(100);

/// A shard's kills hold a thread for so long before those of others have a turn.
const TURN: Duration = Duration::from_millis(200);

/// Shared by the connections of a shard. Its kills go out one by one, and those
/// that come together over one connection. Beside being cheap that is quick: two
/// at the same time, of connections that SLEEP, get in each other's way for seconds
/// in MariaDB 10.11.
#[derive(Clone)]
pub(super) struct Killer(Arc<Means>);

struct Means {
    shard: String,
    options: mysql::Opts,
    /// For all of a kill, from connecting to its answer.
    patience: Duration,
    watchdog: Watchdog,
    threads: KillThreads,
    /// The server did not answer at once when it was told something last.
    slow: AtomicBool,
    queue: Mutex<Queue>,
    counts: Counts,
    /// When the last attempt to connect was given up.
    failed: Mutex<Option<Instant>>,
}

#[derive(Default)]
struct Queue {
    waiting: VecDeque<Kill>,
    /// A thread sends what waits, or will.
    served: bool,
}

/// Something to be stopped on the server.
struct Kill {
    target: Target,
    victim: Victim,
    asked: Instant,
}

/// What is kept until a connection is gone from the server: its place in the pool,
/// or there would be more of them than the pool may have.
struct Held {
    kept: Option<Box<dyn Send>>,
    /// The server has been told, and is asked again so much later whether the
    /// connection is gone. None: it has not been told.
    look_after: Option<Duration>,
}

/// Which connection it is, of which server.
#[derive(Clone)]
pub(super) struct Victim {
    pub(super) connection_id: u32,
    pub(super) server: String,
    pub(super) opened: Instant,
}

enum Target {
    Connection(Held),
    /// So many times at the most, until the result has ended.
    Statement(Arc<Progress>, u32),
}

/// What is not sent yet, and for how long.
struct Left {
    kill: Kill,
    pause: Duration,
}

/// It is to be tried again.
struct Later {
    /// After so long, maybe by other threads.
    pause: Duration,
    /// The server is there, and has no room.
    is_crowded: bool,
}

impl Killer {
    pub(super) fn new(
        shard: &str,
        options: mysql::Opts,
        patience: Duration,
        threads: KillThreads,
        watchdog: Watchdog,
    ) -> Killer {
        Killer(Arc::new(Means {
            shard: shard.to_owned(),
            options,
            patience,
            watchdog,
            threads,
            slow: AtomicBool::new(false),
            queue: Mutex::default(),
            counts: Counts::default(),
            failed: Mutex::new(None),
        }))
    }

    /// Returns at once; the kill goes over a connection of its own, and only to
    /// the server that has the connection: behind one address there may be
    /// several, and another's connection of that number is somebody else's. `kept`
    /// is dropped when the server has done it, or does not answer.
    pub(super) fn kill(&self, victim: Victim, kept: impl Send + 'static) {
        let held = Held {
            kept: Some(Box::new(kept)),
            look_after: None,
        };
        Means::add(
            &self.0,
            Kill {
                target: Target::Connection(held),
                victim,
                asked: Instant::now(),
            },
        );
    }

    pub(super) fn stats(&self) -> KillStats {
        self.0.counts.stats()
    }

    /// Returns at once; unless it ends by itself, the connection's statement is
    /// stopped soon. Its result is to be read to the end meanwhile.
    pub(super) fn stop_statement(&self, victim: &Victim) -> Stopping {
        let progress = Arc::new(Progress::default());
        let stop = Kill {
            target: Target::Statement(progress.clone(), STOPS_MAX),
            victim: victim.clone(),
            asked: Instant::now(),
        };
        Means::add_after(&self.0, END_BY_ITSELF, stop);
        Stopping(progress)
    }
}

impl Means {
    fn add(means: &Arc<Means>, kill: Kill) {
        let mut queue = lock(&means.queue);
        if queue.waiting.len() >= KILLS_WAITING_MAX {
            means.counts.skip();
            return;
        }
        queue.waiting.push_back(kill);
        if !std::mem::replace(&mut queue.served, true) {
            Means::serve_soon(means);
        }
    }

    fn add_after(means: &Arc<Means>, delay: Duration, kill: Kill) {
        let later = means.clone();
        means
            .threads
            .prompt
            .execute_after(delay, move || Means::add(&later, kill));
    }

    fn serve_soon(means: &Arc<Means>) {
        Means::serve_after(means, Duration::ZERO);
    }

    fn serve_after(means: &Arc<Means>, pause: Duration) {
        let serving = means.clone();
        let threads = match means.slow.load(Ordering::Acquire) {
            true => &means.threads.slow,
            false => &means.threads.prompt,
        };
        threads.execute_after(pause, move || Means::serve(&serving));
    }

    /// Sends what waits, until nothing does or others are to have a turn.
    fn serve(means: &Arc<Means>) {
        let began = Instant::now();
        let mut side = None;
        loop {
            let mut queue = lock(&means.queue);
            let Some(kill) = queue.waiting.pop_front() else {
                queue.served = false;
                return;
            };
            drop(queue);
            // A panic would leave the shard without kills.
            let sent = catch_unwind(AssertUnwindSafe(|| Means::send(means, &mut side, kill)));
            let left = sent.unwrap_or_else(|_| {
                side = None;
                None
            });
            if let Some(Left { kill, pause }) = left {
                lock(&means.queue).waiting.push_front(kill);
                return Means::serve_after(means, pause);
            }
            if began.elapsed() >= TURN {
                return Means::serve_soon(means);
            }
        }
    }

    /// Gives it back if it is to be sent later.
    fn send(means: &Arc<Means>, side: &mut Option<Side>, mut kill: Kill) -> Option<Left> {
        let id = kill.victim.connection_id;
        let is_vain = means.has_failed_since(kill.asked);
        match &mut kill.target {
            Target::Connection(held) if is_vain || kill.asked.elapsed() >= KILL_AGE_MAX => {
                if held.look_after.is_none() {
                    means.counts.skip();
                }
            }
            Target::Connection(held) => {
                let (sent, told) = match means.tell_server(side, &kill.victim, "KILL") {
                    Ok(told) => told,
                    Err(Later { pause, is_crowded }) => {
                        if !is_crowded {
                            held.kept = None;
                        }
                        return Some(Left { kill, pause });
                    }
                };
                let still_there = matches!(told, Ok(Told::Killed)) && held.kept.is_some();
                let pause = match held.look_after {
                    Some(last) => LOOK_PERIOD_MAX.min(2 * last),
                    None => {
                        means.counts.note(sent, &told);
                        told::log(&means.shard, id, told);
                        LOOK_AFTER
                    }
                };
                if still_there {
                    held.look_after = Some(pause);
                    Means::add_after(means, pause, kill);
                }
            }
            Target::Statement(..) if is_vain => {}
            Target::Statement(progress, times) => {
                if !progress.begin() {
                    return None;
                }
                let (sent, told) = match means.tell_server(side, &kill.victim, "KILL QUERY") {
                    Ok(told) => told,
                    Err(Later { pause, .. }) => {
                        progress.end(Sent::Not);
                        return Some(Left { kill, pause });
                    }
                };
                told::log(&means.shard, id, told);
                progress.end(sent);
                if *times > 1 {
                    let again = Kill {
                        target: Target::Statement(progress.clone(), *times - 1),
                        ..kill
                    };
                    Means::add_after(means, RESEND, again);
                }
            }
        }
        None
    }

    /// Whether a kill has gone out, and how it went.
    fn tell_server(
        &self,
        side: &mut Option<Side>,
        victim: &Victim,
        command: &str,
    ) -> Result<(Sent, mysql::Result<Told>), Later> {
        let was_slow = self.slow.load(Ordering::Acquire);
        let way = match self.side(side, victim) {
            Ok(Some(way)) => way,
            Ok(None) => return Ok((Sent::Not, Ok(Told::OtherServer))),
            // What it runs goes on when it does.
            Err(NoSide { late: true, .. }) => {
                self.slow.store(true, Ordering::Release);
                return Err(Later {
                    pause: match was_slow {
                        true => SLOW_PERIOD,
                        false => Duration::ZERO,
                    },
                    is_crowded: false,
                });
            }
            Err(NoSide { error, .. }) if errors::is_crowded(&error) => {
                return Err(Later {
                    pause: CROWDED_PERIOD,
                    is_crowded: true,
                });
            }
            Err(NoSide { error, .. }) => {
                // A refusal came at once.
                if !matches!(error, mysql::Error::MySqlError(_)) {
                    *lock(&self.failed) = Some(Instant::now());
                }
                return Ok((Sent::Not, Err(error)));
            }
        };
        let told = way
            .connection
            .query_drop(format!("{command} {}", victim.connection_id));
        Ok(match told {
            Ok(()) => (Sent::Answered, Ok(Told::Killed)),
            Err(error @ mysql::Error::MySqlError(_)) => (Sent::Answered, Err(error)),
            Err(error) => {
                *side = None;
                (Sent::Unanswered, Err(error))
            }
        })
    }

    /// A connection to that server: the one there is, or a new one. None: the
    /// address leads to another server, or to that one started anew.
    fn side<'s>(
        &self,
        side: &'s mut Option<Side>,
        victim: &Victim,
    ) -> Result<Option<&'s mut Side>, NoSide> {
        let is_fit = |side: &Side| side.reaches(victim) && !side.is_late();
        if !side.as_ref().is_some_and(is_fit) {
            *side = None;
            let answers_in = match self.slow.load(Ordering::Acquire) {
                true => self.patience,
                false => ANSWERS_IN.min(self.patience),
            };
            let opened = Side::open(&self.options, &self.watchdog, answers_in, self.patience)?;
            self.slow.store(false, Ordering::Release);
            *side = Some(opened);
        }
        Ok(side.as_mut().filter(|side| side.reaches(victim)))
    }

    /// Whether the server was found not to be there since: what it ran is gone with
    /// it, and one kill finds that out for all that wait.
    fn has_failed_since(&self, asked: Instant) -> bool {
        lock(&self.failed).is_some_and(|failed| failed >= asked)
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
