//! Whether databases can be reached, found out when somebody asks. Pools know of a
//! database that is gone once a request has met it; while there are no requests,
//! somebody has to look.
//!
//! A look asks an idle connection for an answer, or opens one where a shard has
//! none, and keeps no connection for that. Looks are bounded: of one shard there is
//! one at a time, and none soon after another; they have threads of their own; and
//! whoever asks waits for them for a moment only.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use scheduled_thread_pool::ScheduledThreadPool;

use super::core::Core;
use crate::backend::Shard;
use crate::error::{ErrorKind, Phase};
use crate::http::{ShardReadiness, Unavailable};

const THREADS: usize = 4;

/// How long what was found counts. To look at a shard that nobody uses costs its
/// database a new connection.
const FRESH: Duration = Duration::from_secs(1);
const FRESH_UNUSED: Duration = Duration::from_secs(10);

/// Shards that are looked at for one question, those first that were not looked at
/// for longest; of the others, what is known is told.
const LOOKS_MAX: usize = 64;

/// How long a question waits for all its looks. What they find later is told to the
/// next one.
const PATIENCE: Duration = Duration::from_millis(600);

/// An idle connection answers within so long, or is no sign of life.
const ANSWER_TIMEOUT: Duration = Duration::from_millis(400);

pub(super) struct Looks {
    shared: Arc<Shared>,
    threads: ScheduledThreadPool,
}

struct Shared {
    core: Arc<Core>,
    found: Mutex<Vec<Found>>,
    ended: Condvar,
}

/// What is known of one shard.
#[derive(Clone, Default)]
struct Found {
    /// When it was last looked at.
    looked: Option<Instant>,
    under_way: bool,
    /// An idle connection gave no answer, since then.
    silent: Option<(String, Instant)>,
}

impl Looks {
    pub(super) fn new(core: &Arc<Core>) -> Looks {
        let shared = Shared {
            core: core.clone(),
            found: Mutex::new(vec![Found::default(); core.shards.iter().count()]),
            ended: Condvar::new(),
        };
        let threads = ScheduledThreadPool::builder()
            .num_threads(THREADS)
            .thread_name_pattern("look-{}")
            .build();
        Looks {
            shared: Arc::new(shared),
            threads,
        }
    }

    /// Of every shard, in order of their indexes.
    pub(super) fn all(&self) -> Vec<ShardReadiness> {
        let indexes = 0..self.shared.core.shards.iter().count();
        self.look(indexes.clone().collect());
        indexes.map(|index| self.shared.readiness(index)).collect()
    }

    pub(super) fn one(&self, index: usize) -> ShardReadiness {
        self.look(vec![index]);
        self.shared.readiness(index)
    }

    /// Looks at those of which nothing is known that is fresh.
    fn look(&self, mut indexes: Vec<usize>) {
        let now = Instant::now();
        let mut found = self.shared.found();
        indexes.retain(|&index| self.shared.is_due(index, &found[index], now));
        indexes.sort_by_key(|&index| found[index].looked);
        indexes.truncate(LOOKS_MAX);
        for &index in &indexes {
            // One that is under way is waited for as well.
            if !std::mem::replace(&mut found[index].under_way, true) {
                let shared = self.shared.clone();
                self.threads.execute(move || shared.look(index));
            }
        }
        let looking = |found: &mut Vec<Found>| indexes.iter().any(|&index| found[index].under_way);
        let ended = &self.shared.ended;
        drop(ended.wait_timeout_while(found, PATIENCE, looking));
    }
}

impl Shared {
    fn is_due(&self, index: usize, found: &Found, now: Instant) -> bool {
        let pool = self.core.shards.get(index).stats().pool;
        let is_unused = pool.connections == 0 && pool.unavailable.is_none();
        let fresh = match is_unused {
            true => FRESH_UNUSED,
            false => FRESH,
        };
        let is_fresh = |looked: Instant| now.saturating_duration_since(looked) < fresh;
        !found.looked.is_some_and(is_fresh)
    }

    /// Looks at one shard, on a thread for that.
    fn look(&self, index: usize) {
        // Its place is given back even if the look panics.
        let _ended = Ended {
            shared: self,
            index,
        };
        let shard = self.core.shards.get(index);
        match ask(shard) {
            Sign::Answer => self.found()[index].silent = None,
            Sign::Unknown => {}
            Sign::Silence(reason) => {
                let silent = &mut self.found()[index].silent;
                let since = silent.take().map_or_else(Instant::now, |(_, since)| since);
                *silent = Some((reason, since));
            }
        }
    }

    fn readiness(&self, index: usize) -> ShardReadiness {
        let shard = self.core.shards.get(index);
        let known = shard.unavailable().map(|gone| (gone.reason, gone.since));
        let known = known.or_else(|| self.found()[index].silent.clone());
        ShardReadiness {
            name: shard.name().to_owned(),
            unavailable: known.map(|(reason, since)| Unavailable {
                reason,
                since: since.elapsed(),
            }),
        }
    }

    fn found(&self) -> MutexGuard<'_, Vec<Found>> {
        self.found.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What a look has found.
enum Sign {
    Answer,
    /// The pool knows, or will.
    Unknown,
    Silence(String),
}

fn ask(shard: &Shard) -> Sign {
    let pool = shard.stats().pool;
    if pool.connections == 0 || pool.unavailable.is_some() {
        (shard.probe())();
        return match shard.unavailable() {
            None => Sign::Answer,
            Some(_) => Sign::Unknown,
        };
    }
    if pool.idle == 0 {
        // They are in use: those who use them find out.
        return Sign::Unknown;
    }
    match shard.inspect(Instant::now() + ANSWER_TIMEOUT) {
        Ok(_) => Sign::Answer,
        // None was to be had in time: others were quicker.
        Err(error) if error.phase() == Phase::Connect => Sign::Unknown,
        Err(error) => {
            let reason = match error.kind() {
                ErrorKind::DeadlineExceeded => {
                    let timeout = ANSWER_TIMEOUT.as_millis();
                    format!("its database gave no answer within {timeout} ms")
                }
                _ => error.message().to_owned(),
            };
            Sign::Silence(reason)
        }
    }
}

/// Notes that a look has ended, when dropped.
struct Ended<'s> {
    shared: &'s Shared,
    index: usize,
}

impl Drop for Ended<'_> {
    fn drop(&mut self) {
        let mut found = self.shared.found();
        found[self.index].under_way = false;
        found[self.index].looked = Some(Instant::now());
        drop(found);
        self.shared.ended.notify_all();
    }
}
