//! A steady load on one shard, and what came of each call: what a fault did to
//! its callers, and how soon all was well again.
//!
//! Each session calls at a pace of its own, far below what the machine can do, so
//! that it is the service that is measured and not who else is busy.

use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use forebay::rpc::generated::Outcome;
use forebay::rpc::{Client, ClientError};

use super::process::Process;
use super::proven::{read, write};

/// Goodput is counted over windows of this length.
const WINDOW: Duration = Duration::from_millis(300);

/// That much of the goodput before is full goodput.
const FULL: f64 = 0.8;

/// Full goodput is looked for so long.
const PATIENCE: Duration = Duration::from_secs(20);

#[derive(Clone, Copy)]
pub struct Plan {
    /// Sessions that read rows by their keys, and see whether they are those.
    pub readers: usize,
    /// Sessions that insert rows of their own.
    pub writers: usize,
    /// From one call of a session to its next.
    pub pace: Duration,
    pub timeout: Duration,
}

impl Plan {
    pub fn new(readers: usize, writers: usize, timeout: Duration) -> Plan {
        Plan {
            readers,
            writers,
            pace: Duration::from_millis(20),
            timeout,
        }
    }
}

#[derive(Clone, Debug)]
pub struct Call {
    pub began: Instant,
    pub ended: Instant,
    /// Which rows were to be written; None: it read.
    pub writes: Option<i64>,
    pub failure: Option<Failure>,
}

/// A call's error.
#[derive(Clone, Debug)]
pub struct Failure {
    /// The code's name; None: the service did not answer.
    pub code: Option<String>,
    pub outcome: Option<Outcome>,
    pub message: String,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let code = self.code.as_deref().unwrap_or("no answer");
        let outcome = match self.outcome {
            Some(Outcome::NOT_APPLIED) => "not applied",
            Some(Outcome::APPLIED) => "applied",
            Some(Outcome::UNKNOWN) => "perhaps applied",
            _ => "no outcome",
        };
        write!(f, "{code} ({outcome}): {}", self.message)
    }
}

impl From<ClientError> for Failure {
    fn from(error: ClientError) -> Failure {
        let outcome = match &error {
            ClientError::Data(error) => error.outcome,
            ClientError::Transport(_) => None,
        };
        Failure {
            code: error.code(),
            message: error.message().to_owned(),
            outcome,
        }
    }
}

/// Sessions at work until [`Load::end`].
pub struct Load {
    shared: Arc<Shared>,
    sessions: Vec<JoinHandle<()>>,
}

struct Shared {
    calls: Mutex<Vec<Call>>,
    over: AtomicBool,
    next_id: AtomicI64,
}

impl Load {
    /// On the shard `main`, whose database has the tables of `proven::make_tables`.
    pub fn start(service: &Process, plan: Plan) -> Load {
        let shared = Arc::new(Shared {
            calls: Mutex::default(),
            over: AtomicBool::new(false),
            next_id: AtomicI64::new(1),
        });
        let sessions = (0..plan.readers + plan.writers)
            .map(|number| {
                let client = service.client_within(plan.timeout);
                let shared = shared.clone();
                let writes = number >= plan.readers;
                // Not all at the same moment.
                let first = Instant::now() + plan.pace * (number as u32 % 8) / 8;
                std::thread::spawn(move || shared.call(client, writes, plan.pace, first))
            })
            .collect();
        Load { shared, sessions }
    }

    fn calls(&self) -> MutexGuard<'_, Vec<Call>> {
        self.shared.calls.lock().unwrap()
    }

    /// Good answers per second that ended in that time.
    pub fn goodput(&self, from: Instant, to: Instant) -> f64 {
        let calls = self.calls();
        let good = calls
            .iter()
            .filter(|call| call.failure.is_none() && (from..to).contains(&call.ended));
        good.count() as f64 / (to - from).as_secs_f64()
    }

    /// Waits until the goodput is full again for a whole window; from `end` to
    /// the beginning of that.
    pub fn wait_until_full(&self, before: f64, end: Instant) -> Duration {
        let step = WINDOW / 6;
        let mut from = end;
        loop {
            let to = from + WINDOW;
            // What ends in the window is noted soon after it.
            let noted = to + step;
            std::thread::sleep(noted.saturating_duration_since(Instant::now()));
            let now = self.goodput(from, to);
            if now >= FULL * before {
                return from - end;
            }
            assert!(
                from < end + PATIENCE,
                "{before:.0}/s before the fault, and {now:.0}/s long after it: {}",
                self.summary()
            );
            from += step;
        }
    }

    /// How often each error came.
    fn summary(&self) -> String {
        summary(&self.calls())
    }

    /// Ends all sessions when what they have asked is answered.
    pub fn end(self) -> Vec<Call> {
        self.shared.over.store(true, Ordering::SeqCst);
        for session in self.sessions {
            session.join().expect("a session saw only its own rows");
        }
        std::mem::take(&mut self.shared.calls.lock().unwrap())
    }
}

impl Shared {
    fn call(&self, mut client: Client, writes: bool, pace: Duration, first: Instant) {
        let mut due = first;
        while !self.over.load(Ordering::SeqCst) {
            std::thread::sleep(due.saturating_duration_since(Instant::now()));
            let began = Instant::now();
            let id = self.next_id.fetch_add(1, Ordering::SeqCst);
            let result = match writes {
                true => write(&mut client, id),
                false => read(&mut client, id),
            };
            let call = Call {
                began,
                ended: Instant::now(),
                writes: writes.then_some(id),
                failure: result.err().map(Failure::from),
            };
            let unanswered = matches!(&call.failure, Some(Failure { code: None, .. }));
            self.calls.lock().unwrap().push(call);
            if unanswered {
                // Its session is of no more use, and no test expects that.
                return;
            }
            due = (due + pace).max(Instant::now());
        }
    }
}

/// How often each error came, and what all were.
pub fn summary(calls: &[Call]) -> String {
    let mut texts: Vec<String> = failures(calls).map(ToString::to_string).collect();
    texts.sort();
    let groups = texts.chunk_by(|one, next| one == next);
    let told: Vec<String> = groups
        .map(|group| format!("{} of {}", group.len(), group[0]))
        .collect();
    format!("{} calls; {}", calls.len(), told.join("; "))
}

pub fn failures(calls: &[Call]) -> impl Iterator<Item = &Failure> {
    calls.iter().filter_map(|call| call.failure.as_ref())
}
