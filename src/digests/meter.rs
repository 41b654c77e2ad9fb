//! Takes the time of what runs on a connection, and notes it with its digest.

use std::fmt;
use std::sync::Arc;
use std::time::Instant;

use super::entry::{Ended, Known};
use super::{Digests, Source};
use crate::error::{Error, Phase, Result};
use crate::operation::{Answer, Operation, Statement};

/// What takes the time of one request's statements.
#[derive(Clone)]
pub struct Meter {
    digests: Arc<Digests>,
    shard: usize,
    /// By what the request waited for its turn as long or not, if it was looked up.
    whole: Option<Known>,
}

impl Meter {
    /// `whole` is what [`Digests::find`] gave for the request's [`Source::of`], if
    /// it was asked: it is not asked again then.
    pub fn new(digests: &Arc<Digests>, shard: usize, whole: Option<Known>) -> Meter {
        Meter {
            digests: digests.clone(),
            shard,
            whole,
        }
    }

    /// Runs an operation, from having a connection to its whole answer.
    pub fn run(
        meter: Option<&Meter>,
        operation: &Operation,
        work: impl FnOnce() -> Result<Answer>,
    ) -> Result<Answer> {
        let Some(meter) = meter else {
            return work();
        };
        let started = Instant::now();
        let result = work();
        if let Some(ended) = ended(&result) {
            meter.note(operation, started, ended);
        }
        result
    }

    /// Runs a step of a batch.
    pub fn run_step(
        meter: Option<&Meter>,
        statement: &Statement,
        work: impl FnOnce() -> Result<Answer>,
    ) -> Result<Answer> {
        let Some(meter) = meter else {
            return work();
        };
        let started = Instant::now();
        let result = work();
        if let Some(ended) = ended(&result) {
            let source = Source::Statement(statement.sql.as_bytes());
            meter.note_source(source, started, ended);
        }
        result
    }

    fn note(&self, operation: &Operation, started: Instant, ended: Ended) {
        // Of the steps of a batch each notes itself.
        if let Operation::Insert(insert) = operation {
            self.note_source(Source::Insert(insert), started, ended);
        }
        if let Some(known) = &self.whole {
            record(known, started, ended);
        } else if let Some(source) = Source::of(operation) {
            self.note_source(source, started, ended);
        }
    }

    fn note_source(&self, source: Source<'_>, started: Instant, ended: Ended) {
        if let Some(known) = self.digests.find(self.shard, source) {
            record(&known, started, ended);
        }
    }
}

fn record(known: &Known, started: Instant, ended: Ended) {
    let now = Instant::now();
    known.record(now.duration_since(started), ended, now);
}

/// None: it was refused before it was sent, which tells nothing of the statement.
fn ended(result: &Result<Answer>) -> Option<Ended> {
    match result {
        Ok(answer) => {
            let sets = answer.rows.iter().chain(&answer.more_rows);
            let returned: usize = sets.map(|rows| rows.row_count).sum();
            Some(Ended::Well {
                rows: answer.affected_rows + returned as u64,
            })
        }
        Err(error) if was_sent(error) => Some(Ended::Failed),
        Err(_) => None,
    }
}

fn was_sent(error: &Error) -> bool {
    match error.phase() {
        Phase::Execute | Phase::Fetch | Phase::Encode => true,
        Phase::Request | Phase::Queue | Phase::Connect => false,
    }
}

impl fmt::Debug for Meter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Meter")
            .field("shard", &self.shard)
            .finish_non_exhaustive()
    }
}
