//! The logic of a batch, over any connection: which steps run, in what order,
//! and what becomes of the others when one fails. No I/O of its own.

mod references;
#[cfg(test)]
mod tests;

use std::borrow::Cow;
use std::time::{Duration, Instant};

use super::retry::jittered;
use crate::digests::Meter;
use crate::error::{Error, ErrorKind, Outcome, Result, Retry};
use crate::operation::{
    Answer, Batch, BatchMode, Condition, Limits, Params, Statement, Step, StepOutcome, Wanted,
};

/// How often an atomic batch is run that meets deadlocks.
const ATTEMPTS_MAX: u32 = 5;

/// Before the second attempt, on average; before each further one twice as long.
const PAUSE: Duration = Duration::from_millis(2);

/// One connection, as a batch needs it.
pub(super) trait Session {
    fn execute(&mut self, statement: &Statement, limits: &Limits) -> Result<Answer>;

    /// Once for each row, all or none: in a unit of its own if it takes more than
    /// one statement and none is open.
    fn execute_many(
        &mut self,
        statement: &Statement,
        rows: &[Params],
        limits: &Limits,
    ) -> Result<Answer>;

    /// Opens what can be undone as a whole: a transaction, or within one a savepoint.
    fn begin_unit(&mut self, limits: &Limits) -> Result<()>;

    fn commit_unit(&mut self, limits: &Limits) -> Result<()>;

    /// Undoes it; an error means that the connection is of no more use (and is
    /// rolled back by being closed).
    fn rollback_unit(&mut self, limits: &Limits) -> Result<()>;

    /// Whether a statement of the unit may have committed it by its own doing, so
    /// that undoing the unit did not undo all of it.
    fn may_have_committed(&self) -> bool {
        false
    }

    /// Whether no further statement can be run.
    fn is_over(&self) -> bool {
        false
    }
}

/// Runs a batch. The answer has an outcome for each step; of an atomic batch the
/// error of a step is thrown, with its number, after everything was undone.
pub(super) fn run(session: &mut impl Session, batch: &Batch, limits: &Limits) -> Result<Answer> {
    match batch.mode {
        BatchMode::Each => Ok(run_singly(
            session,
            &batch.steps,
            AfterFailure::GoOn,
            limits,
        )),
        BatchMode::StopOnError => Ok(run_singly(
            session,
            &batch.steps,
            AfterFailure::Stop,
            limits,
        )),
        BatchMode::Atomic => run_atomic(session, &batch.steps, limits),
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum AfterFailure {
    GoOn,
    Stop,
}

fn answer(steps: Vec<StepOutcome>, attempts: u32) -> Answer {
    Answer {
        steps,
        attempts,
        ..Answer::default()
    }
}

fn run_singly(
    session: &mut impl Session,
    steps: &[Step],
    after_failure: AfterFailure,
    limits: &Limits,
) -> Answer {
    let mut outcomes = Vec::with_capacity(steps.len());
    let mut stopped = false;
    for (number, step) in steps.iter().enumerate() {
        let outcome = match stopped {
            true => StepOutcome::NotRun,
            false => run_step(session, number, step, &outcomes, limits),
        };
        if let StepOutcome::Failed(error) = &outcome {
            stopped = after_failure == AfterFailure::Stop
                || ends_all(error, limits.deadline)
                || session.is_over();
        }
        outcomes.push(outcome);
    }
    answer(outcomes, 1)
}

/// Whether there is no connection, or no time, for the steps that follow.
fn ends_all(error: &Error, deadline: Instant) -> bool {
    match error.kind() {
        _ if Instant::now() >= deadline => true,
        ErrorKind::ConnectionLost | ErrorKind::Cancelled => true,
        // One that the database set the statement itself ends no more than that.
        ErrorKind::DeadlineExceeded => error.database().is_none(),
        _ => false,
    }
}

fn run_step(
    session: &mut impl Session,
    number: usize,
    step: &Step,
    before: &[StepOutcome],
    limits: &Limits,
) -> StepOutcome {
    if !is_met(step.condition, before) {
        return StepOutcome::Skipped;
    }
    let ran = Meter::run_step(limits.meter.as_ref(), &step.statement, || {
        try_step(session, number, step, before, limits)
    });
    match ran {
        Ok(answer) => StepOutcome::Done(answer),
        Err(error) => StepOutcome::Failed(error),
    }
}

fn is_met(condition: Option<Condition>, before: &[StepOutcome]) -> bool {
    let Some(condition) = condition else {
        return true;
    };
    match before.get(condition.step) {
        Some(StepOutcome::Done(answer)) => match condition.wanted {
            Wanted::Rows => answer.had_rows(),
            Wanted::NoRows => !answer.had_rows(),
        },
        _ => false,
    }
}

fn try_step(
    session: &mut impl Session,
    number: usize,
    step: &Step,
    before: &[StepOutcome],
    limits: &Limits,
) -> Result<Answer> {
    match &step.rows {
        None => {
            let statement = references::resolve_statement(&step.statement, number, before)?;
            session.execute(&statement, limits)
        }
        Some(rows) => {
            let rows: Cow<'_, [Params]> = references::resolve_rows(rows, number, before)?;
            session.execute_many(&step.statement, &rows, limits)
        }
    }
}

/// An attempt that failed: why, and where.
struct Failure {
    error: Error,
    /// None: not in a step, but where the unit was opened or committed.
    step: Option<usize>,
}

fn run_atomic(session: &mut impl Session, steps: &[Step], limits: &Limits) -> Result<Answer> {
    let mut attempts = 0;
    loop {
        attempts += 1;
        let failure = match attempt(session, steps, limits) {
            Ok(outcomes) => return Ok(answer(outcomes, attempts)),
            Err(failure) => failure,
        };
        let undone = session.rollback_unit(limits).is_ok();
        let is_deadlock = failure.error.kind() == ErrorKind::Deadlock;
        let may_try_again =
            is_deadlock && undone && !session.may_have_committed() && attempts < ATTEMPTS_MAX;
        if !(may_try_again && pause(attempts, limits.deadline)) {
            return Err(of_all(failure, session.may_have_committed()));
        }
    }
}

fn attempt(
    session: &mut impl Session,
    steps: &[Step],
    limits: &Limits,
) -> Result<Vec<StepOutcome>, Failure> {
    let unplaced = |error| Failure { error, step: None };
    session.begin_unit(limits).map_err(unplaced)?;
    let mut outcomes = Vec::with_capacity(steps.len());
    for (number, step) in steps.iter().enumerate() {
        match run_step(session, number, step, &outcomes, limits) {
            StepOutcome::Failed(error) => {
                give_back_all(&outcomes, limits);
                let step = Some(number);
                return Err(Failure { error, step });
            }
            outcome => outcomes.push(outcome),
        }
    }
    match session.commit_unit(limits) {
        Ok(()) => Ok(outcomes),
        Err(error) => {
            give_back_all(&outcomes, limits);
            Err(unplaced(error))
        }
    }
}

/// The error of a step as that of the whole batch.
fn of_all(failure: Failure, may_have_committed: bool) -> Error {
    match failure.step {
        None => failure.error,
        Some(step) => undone(failure.error, may_have_committed).with_item(step),
    }
}

/// The error of a statement whose unit is not committed: it is not applied,
/// whether it was undone or its connection is closed.
pub(super) fn undone(error: Error, may_have_committed: bool) -> Error {
    if may_have_committed {
        return error.with_outcome(Outcome::Unknown).with_retry(Retry::No);
    }
    let error = error.with_outcome(Outcome::NotApplied);
    match error.kind() {
        ErrorKind::ConnectionLost => error.with_retry(Retry::AfterPause),
        _ => error,
    }
}

pub(super) fn give_back_all(outcomes: &[StepOutcome], limits: &Limits) {
    for outcome in outcomes {
        if let StepOutcome::Done(answer) = outcome {
            give_back(answer, limits);
        }
    }
}

/// Gives back to the budget what an answer that is not kept has taken.
pub(super) fn give_back(answer: &Answer, limits: &Limits) {
    limits.budget.give_back(answer.taken);
}

/// Lets the other transaction get on; batches that met once shall not meet
/// again. False: there is no time for it.
fn pause(attempts: u32, deadline: Instant) -> bool {
    let usual = PAUSE * 2_u32.pow(attempts - 1);
    let length = jittered(usual);
    if Instant::now() + length >= deadline {
        return false;
    }
    std::thread::sleep(length);
    true
}
