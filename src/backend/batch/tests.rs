//! Batches over a connection that does what a script says.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use super::*;
use crate::budget::Memory;
use crate::operation::ParamStyle;
use crate::value::Value;

/// What is asked of it, in order, and what it answers.
#[derive(Default)]
struct Script {
    log: Vec<String>,
    /// By the text of the statement; each one once. Else it affects one row.
    results: HashMap<&'static str, Vec<Result<Answer>>>,
    rollback_fails: bool,
    commits_by_itself: bool,
    over_after_failure: bool,
    failed: bool,
}

impl Script {
    fn then(mut self, sql: &'static str, result: Result<Answer>) -> Script {
        self.results.entry(sql).or_default().push(result);
        self
    }

    fn take(&mut self, sql: &str, shown: String) -> Result<Answer> {
        self.log.push(shown);
        let results = self.results.get_mut(sql);
        let result = match results.filter(|results| !results.is_empty()) {
            Some(results) => results.remove(0),
            None => Ok(affecting(1)),
        };
        self.failed |= result.is_err();
        result
    }
}

impl Session for Script {
    fn execute(&mut self, statement: &Statement, _: &Limits) -> Result<Answer> {
        let shown = match &statement.params {
            Params::Absent => statement.sql.clone(),
            params => format!("{} {params:?}", statement.sql),
        };
        self.take(&statement.sql, shown)
    }

    fn execute_many(
        &mut self,
        statement: &Statement,
        rows: &[Params],
        _: &Limits,
    ) -> Result<Answer> {
        self.take(&statement.sql, format!("{} {rows:?}", statement.sql))
    }

    fn begin_unit(&mut self, _: &Limits) -> Result<()> {
        self.take("begin", "begin".to_owned()).map(drop)
    }

    fn commit_unit(&mut self, _: &Limits) -> Result<()> {
        self.take("commit", "commit".to_owned()).map(drop)
    }

    fn rollback_unit(&mut self, _: &Limits) -> Result<()> {
        self.log.push("rollback".to_owned());
        match self.rollback_fails {
            true => Err(Error::new(ErrorKind::ConnectionLost, "gone")),
            false => Ok(()),
        }
    }

    fn may_have_committed(&self) -> bool {
        self.commits_by_itself
    }

    fn is_over(&self) -> bool {
        self.over_after_failure && self.failed
    }
}

fn affecting(rows: u64) -> Answer {
    Answer {
        affected_rows: rows,
        ..Answer::default()
    }
}

fn inserting(id: u64) -> Answer {
    Answer {
        insert_id: id,
        ..affecting(1)
    }
}

fn failing(kind: ErrorKind) -> Result<Answer> {
    Err(Error::new(kind, "it failed"))
}

fn step(sql: &str) -> Step {
    Step {
        statement: Statement {
            sql: sql.to_owned(),
            params: Params::Absent,
            style: ParamStyle::Native,
        },
        rows: None,
        condition: None,
    }
}

fn step_if(sql: &str, asked: usize, wanted: Wanted) -> Step {
    let condition = Some(Condition {
        step: asked,
        wanted,
    });
    Step {
        condition,
        ..step(sql)
    }
}

fn step_with(sql: &str, values: Vec<Value>) -> Step {
    let mut step = step(sql);
    step.statement.params = Params::Positional(values);
    step
}

fn limits_of(bytes: usize) -> Limits {
    Limits {
        deadline: Instant::now() + Duration::from_secs(10),
        result_max_rows: 100,
        warnings_max: 0,
        budget: Memory::new(1 << 20).budget(bytes),
        cancel: None,
        idempotent: false,
        meter: None,
    }
}

fn run_on(script: &mut Script, mode: BatchMode, steps: Vec<Step>) -> Result<Answer> {
    run(script, &Batch { mode, steps }, &limits_of(1 << 10))
}

/// One letter for each step.
fn shown(answer: &Answer) -> String {
    let letter = |outcome: &StepOutcome| match outcome {
        StepOutcome::Done(_) => 'D',
        StepOutcome::Failed(_) => 'F',
        StepOutcome::Skipped => 'S',
        StepOutcome::NotRun => 'N',
    };
    answer.steps.iter().map(letter).collect()
}

#[test]
fn a_failure_stops_what_its_mode_says() {
    let cases = [
        (BatchMode::Each, ErrorKind::DuplicateKey, "DFD"),
        (BatchMode::Each, ErrorKind::ResultTooLarge, "DFD"),
        (BatchMode::Each, ErrorKind::Deadlock, "DFD"),
        (BatchMode::Each, ErrorKind::ConnectionLost, "DFN"),
        (BatchMode::Each, ErrorKind::DeadlineExceeded, "DFN"),
        (BatchMode::Each, ErrorKind::Cancelled, "DFN"),
        (BatchMode::StopOnError, ErrorKind::DuplicateKey, "DFN"),
    ];
    for (mode, kind, expected) in cases {
        let mut script = Script::default().then("b", failing(kind));
        let steps = vec![step("a"), step("b"), step("c")];
        let answer = run_on(&mut script, mode, steps).unwrap();
        assert_eq!(shown(&answer), expected, "{mode:?} {kind:?}");
        assert_eq!(answer.attempts, 1);
        assert_eq!(script.log.len(), 3 - usize::from(expected == "DFN"));
    }
}

#[test]
fn a_time_limit_of_the_statement_itself_stops_no_other() {
    let error = Error::new(ErrorKind::DeadlineExceeded, "max_statement_time");
    let error = error.with_database(1969, "70100");
    let mut script = Script::default().then("a", Err(error));
    let answer = run_on(&mut script, BatchMode::Each, vec![step("a"), step("b")]).unwrap();
    assert_eq!(shown(&answer), "FD");
}

#[test]
fn nothing_runs_once_the_session_is_over() {
    let mut script = Script {
        over_after_failure: true,
        ..Script::default().then("a", failing(ErrorKind::Deadlock))
    };
    let answer = run_on(&mut script, BatchMode::Each, vec![step("a"), step("b")]).unwrap();
    assert_eq!(shown(&answer), "FN");
}

#[test]
fn conditions_ask_what_a_step_came_to() {
    let mut script = Script::default()
        .then("none", Ok(affecting(0)))
        .then("bad", failing(ErrorKind::SqlError));
    let steps = vec![
        step("none"),
        step_if("1", 0, Wanted::Rows),
        step_if("2", 0, Wanted::NoRows),
        step_if("3", 2, Wanted::Rows),
        step_if("4", 2, Wanted::NoRows),
        // Neither one that was skipped nor one that failed has an answer.
        step_if("5", 1, Wanted::NoRows),
        step("bad"),
        step_if("7", 6, Wanted::NoRows),
        step_if("8", 6, Wanted::Rows),
    ];
    let answer = run_on(&mut script, BatchMode::Each, steps).unwrap();
    assert_eq!(shown(&answer), "DSDDSSFSS");
}

#[test]
fn ids_replace_what_asks_for_them() {
    let mut script = Script::default()
        .then("small", Ok(inserting(7)))
        .then("large", Ok(inserting(u64::MAX)));
    let mut many = step("many");
    many.rows = Some(vec![
        Params::Positional(vec![Value::InsertIdOf(0)]),
        Params::Named([("id".to_owned(), Value::InsertIdOf(1))].into()),
    ]);
    let list = Value::List(vec![Value::Null, Value::InsertIdOf(0)]);
    let steps = vec![
        step("small"),
        step("large"),
        step_with("one", vec![Value::InsertIdOf(1), list]),
        many,
    ];
    let answer = run_on(&mut script, BatchMode::Each, steps).unwrap();
    assert_eq!(shown(&answer), "DDDD");
    let one = Params::Positional(vec![
        Value::UInt(u64::MAX),
        Value::List(vec![Value::Null, Value::Int(7)]),
    ]);
    assert_eq!(script.log[2], format!("one {one:?}"));
    let rows = [
        Params::Positional(vec![Value::Int(7)]),
        Params::Named([("id".to_owned(), Value::UInt(u64::MAX))].into()),
    ];
    assert_eq!(script.log[3], format!("many {rows:?}"));
}

#[test]
fn an_id_that_is_not_there_is_named() {
    let cases: [(Vec<Step>, &str); 4] = [
        (vec![step("none")], "has made none"),
        (vec![step("bad")], "failed"),
        (
            vec![step("none"), step_if("x", 0, Wanted::NoRows)],
            "was skipped",
        ),
        (vec![step("a")], "is not an earlier step"),
    ];
    for (mut steps, why) in cases {
        let mut script = Script::default().then("bad", failing(ErrorKind::SqlError));
        let number = steps.len();
        let asked = match why {
            "is not an earlier step" => number,
            _ => number - 1,
        };
        steps.push(step_with("asks", vec![Value::InsertIdOf(asked)]));
        let answer = run_on(&mut script, BatchMode::Each, steps).unwrap();
        let Some(StepOutcome::Failed(error)) = answer.steps.last() else {
            panic!("{why}: {:?}", answer.steps);
        };
        assert_eq!(error.kind(), ErrorKind::InvalidArgument);
        let says = format!("step {number} asks for the insert id of step {asked}, which {why}");
        assert_eq!(error.message(), says);
        assert!(!script.log.iter().any(|line| line.starts_with("asks")));
    }
}

#[test]
fn an_atomic_batch_is_undone_and_names_the_step() {
    let unknown = Error::new(ErrorKind::ConnectionLost, "lost").with_outcome(Outcome::Unknown);
    for rollback_fails in [false, true] {
        let mut script = Script {
            rollback_fails,
            ..Script::default().then("b", Err(unknown.clone()))
        };
        let steps = vec![step("a"), step("b"), step("c")];
        let error = run_on(&mut script, BatchMode::Atomic, steps).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::ConnectionLost);
        assert_eq!(error.item(), Some(1));
        // Nobody has sent COMMIT.
        assert_eq!(error.outcome(), Outcome::NotApplied);
        assert_eq!(error.retry(), Retry::AfterPause);
        assert_eq!(script.log, ["begin", "a", "b", "rollback"]);
    }
}

#[test]
fn what_committed_by_itself_is_not_said_to_be_undone() {
    let mut script = Script {
        commits_by_itself: true,
        ..Script::default().then("a", failing(ErrorKind::Deadlock))
    };
    let error = run_on(&mut script, BatchMode::Atomic, vec![step("a")]).unwrap_err();
    assert_eq!(error.outcome(), Outcome::Unknown);
    assert_eq!(error.retry(), Retry::No);
    assert_eq!(script.log, ["begin", "a", "rollback"]);
}

#[test]
fn a_commit_that_was_not_answered_is_unknown() {
    let lost = Error::new(ErrorKind::ConnectionLost, "lost").with_outcome(Outcome::Unknown);
    let mut script = Script::default().then("commit", Err(lost));
    let error = run_on(&mut script, BatchMode::Atomic, vec![step("a")]).unwrap_err();
    assert_eq!(error.outcome(), Outcome::Unknown);
    assert_eq!(error.item(), None);
}

#[test]
fn deadlocks_are_run_again() {
    let mut script = Script::default()
        .then("b", failing(ErrorKind::Deadlock))
        .then("b", failing(ErrorKind::Deadlock));
    let steps = vec![step("a"), step("b")];
    let answer = run_on(&mut script, BatchMode::Atomic, steps).unwrap();
    assert_eq!(answer.attempts, 3);
    assert_eq!(shown(&answer), "DD");
    let attempt = ["begin", "a", "b", "rollback"];
    let last = ["begin", "a", "b", "commit"];
    assert_eq!(script.log, [attempt, attempt, last].concat());
}

#[test]
fn deadlocks_are_not_run_again_for_ever() {
    let mut script = Script::default();
    for _ in 0..10 {
        script = script.then("a", failing(ErrorKind::Deadlock));
    }
    let error = run_on(&mut script, BatchMode::Atomic, vec![step("a")]).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Deadlock);
    assert_eq!(error.item(), Some(0));
    let begun = script.log.iter().filter(|line| *line == "begin").count();
    assert_eq!(begun, ATTEMPTS_MAX as usize);
}

/// The whole transaction around it is gone.
#[test]
fn a_deadlock_that_cannot_be_undone_is_not_run_again() {
    let mut script = Script {
        rollback_fails: true,
        ..Script::default().then("a", failing(ErrorKind::Deadlock))
    };
    let error = run_on(&mut script, BatchMode::Atomic, vec![step("a")]).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Deadlock);
    assert_eq!(script.log, ["begin", "a", "rollback"]);
}

#[test]
fn deadlocks_are_not_run_again_past_the_deadline() {
    let mut script = Script::default().then("a", failing(ErrorKind::Deadlock));
    let (mode, steps) = (BatchMode::Atomic, vec![step("a")]);
    let mut limits = limits_of(100);
    limits.deadline = Instant::now();
    run(&mut script, &Batch { mode, steps }, &limits).unwrap_err();
    assert_eq!(script.log, ["begin", "a", "rollback"]);
}

#[test]
fn a_failed_attempt_gives_back_what_it_took() {
    let limits = limits_of(16);
    let taking = Answer {
        taken: 16,
        ..Answer::default()
    };
    limits.budget.take(16).unwrap();
    let mut script = Script::default()
        .then("a", Ok(taking))
        .then("b", failing(ErrorKind::Deadlock));
    let (mode, steps) = (BatchMode::Atomic, vec![step("a"), step("b")]);
    run(&mut script, &Batch { mode, steps }, &limits).unwrap();
    assert!(limits.budget.take(16).is_ok() && limits.budget.take(1).is_err());
}
