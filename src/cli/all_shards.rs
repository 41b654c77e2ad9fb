//! `forebay query --all-shards`: one statement on every shard that the service
//! names, through its `multi`.

use super::Failure;
use super::args::Format;
use super::output::{self, Answer};
use super::shard_outcomes::{self, ShardError, ShardOutcome};
use crate::operation::{Operation, ParamStyle, Params, Statement};
use crate::rpc::generated::MultiOutcome;
use crate::rpc::{Client, ClientError, Executed, Policy};
use crate::value::Value;

/// Runs it on every shard and prints what each one brought: rows and counts on
/// stdout, errors on stderr too. Fails if any shard did, after printing the rest.
pub(super) fn run(
    client: &mut Client,
    sql: &str,
    values: Vec<Value>,
    format: Format,
) -> Result<(), Failure> {
    let (shards, items_max) = client.shards()?;
    if shards.is_empty() {
        return Err(Failure::refused("the service names no shard"));
    }
    let execute = Operation::Execute(Statement {
        sql: sql.to_owned(),
        params: Params::Positional(values),
        style: ParamStyle::Native,
    });
    let call = |shards: &[String]| multi(client, shards, &execute);
    let (outcomes, lost) = ask_all(&shards, items_max, call)?;
    let formatted = shard_outcomes::format(&outcomes, format);
    if let Ok(text) = &formatted {
        output::print(text)?;
    }
    let failed: Vec<String> = outcomes
        .iter()
        .filter_map(|outcome| outcome.error_line())
        .collect();
    for line in &failed {
        eprintln!("{line}");
    }
    if let Err(message) = formatted {
        return Err(Failure::refused(message));
    }
    let count = format!("{} of {} shards failed", failed.len(), outcomes.len());
    match (failed.len(), lost) {
        (0, _) => Ok(()),
        (_, Lost::No) => Err(Failure::refused(count)),
        (_, Lost::Yes) => Err(Failure::unavailable(count)),
    }
}

/// Whether the service was lost between two calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Lost {
    No,
    Yes,
}

/// Asks the shards, no more than `items_max` in one `call`. An error of a whole
/// call is each of its shards' own. If the service is lost before it has answered
/// at all, that is the error; later it is that of the shards without an answer,
/// so that what came before is told.
fn ask_all(
    shards: &[String],
    items_max: usize,
    mut call: impl FnMut(&[String]) -> Result<Vec<ShardOutcome>, ClientError>,
) -> Result<(Vec<ShardOutcome>, Lost), Failure> {
    let mut outcomes: Vec<ShardOutcome> = Vec::new();
    let mut calls = shards.chunks(items_max.max(1));
    while let Some(chunk) = calls.next() {
        match call(chunk) {
            Ok(answered) => outcomes.extend(answered),
            Err(error @ ClientError::Data(_)) => {
                let fail = |shard: &String| failed(shard, data_error(&error));
                outcomes.extend(chunk.iter().map(fail));
            }
            Err(ClientError::Transport(message)) if outcomes.is_empty() => {
                return Err(ClientError::Transport(message).into());
            }
            Err(ClientError::Transport(message)) => {
                let unknown = format!("{message} (it may have been applied)");
                let fail = |shard: &String| failed(shard, ShardError::without_answer(&unknown));
                outcomes.extend(chunk.iter().map(fail));
                let unasked = "was not asked: the service was lost before its turn";
                let fail = |shard: &String| failed(shard, ShardError::without_answer(unasked));
                outcomes.extend(calls.flatten().map(fail));
                return Ok((outcomes, Lost::Yes));
            }
        }
    }
    Ok((outcomes, Lost::No))
}

fn failed(shard: &str, error: ShardError) -> ShardOutcome {
    ShardOutcome {
        shard: shard.to_owned(),
        result: Err(error),
    }
}

/// One `multi` with the operation for each of the shards.
fn multi(
    client: &mut Client,
    shards: &[String],
    operation: &Operation,
) -> Result<Vec<ShardOutcome>, ClientError> {
    let items = shards
        .iter()
        .map(|shard| (shard.as_str(), operation.clone()));
    let outcomes = client.multi(items.collect(), Policy::TakeWhatCame)?;
    let mut outcomes = outcomes.into_iter();
    let outcome = |shard: &String| ShardOutcome {
        shard: shard.clone(),
        result: answer(outcomes.next().unwrap_or_default()),
    };
    Ok(shards.iter().map(outcome).collect())
}

fn answer(outcome: MultiOutcome) -> Result<Answer, ShardError> {
    if let Some(error) = outcome.error {
        return Err(data_error(&ClientError::Data(Box::new(error))));
    }
    let Some(execute) = outcome.execute else {
        let message = "the service's answer has nothing for it (it may have been applied)";
        return Err(ShardError::without_answer(message));
    };
    Ok(Answer::from(Executed::from(execute)))
}

fn data_error(error: &ClientError) -> ShardError {
    ShardError {
        code: error.code(),
        message: error.message().to_owned(),
        line: error.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rpc::generated;

    fn names(names: &[&str]) -> Vec<String> {
        names.iter().map(|&name| name.to_owned()).collect()
    }

    fn refusal(code: generated::ErrorCode) -> generated::DataError {
        let outcome = generated::Outcome::UNKNOWN;
        let message = "no such table".to_owned();
        generated::DataError::new(
            code, outcome, None, message, 1146, None, None, None, None, None, None, None, None,
            None, None,
        )
    }

    fn answered(shards: &[String]) -> Vec<ShardOutcome> {
        let outcome = |shard: &String| ShardOutcome {
            shard: shard.clone(),
            result: Ok(Answer {
                rows: None,
                affected_rows: 1,
                insert_id: 0,
            }),
        };
        shards.iter().map(outcome).collect()
    }

    /// Each shard's name, and the line of its error.
    fn told(outcomes: &[ShardOutcome]) -> Vec<(&str, Option<String>)> {
        let tell = |outcome: &ShardOutcome| outcome.error_line();
        let tell = outcomes.iter().map(|o| (o.shard.as_str(), tell(o)));
        tell.collect()
    }

    #[test]
    fn no_call_has_more_shards_than_the_limit() {
        let shards = names(&["a", "b", "c", "d", "e"]);
        let mut calls = Vec::new();
        let asked = ask_all(&shards, 2, |chunk| {
            calls.push(chunk.to_vec());
            Ok(answered(chunk))
        });
        let (outcomes, lost) = asked.ok().expect("no failure");
        assert_eq!(
            calls,
            [names(&["a", "b"]), names(&["c", "d"]), names(&["e"])]
        );
        assert_eq!(lost, Lost::No);
        let all: Vec<_> = outcomes.iter().map(|o| o.shard.clone()).collect();
        assert_eq!(all, shards);
    }

    #[test]
    fn the_error_of_a_call_is_that_of_its_shards_alone() {
        let shards = names(&["a", "b", "c"]);
        let asked = ask_all(&shards, 2, |chunk| match chunk.len() {
            2 => Err(ClientError::Data(Box::new(refusal(
                generated::ErrorCode::DRAINING,
            )))),
            _ => Ok(answered(chunk)),
        });
        let (outcomes, lost) = asked.ok().expect("no failure");
        let line =
            |shard| format!("{shard}: DRAINING (1146): no such table (it may have been applied)");
        let expected = [("a", Some(line("a"))), ("b", Some(line("b"))), ("c", None)];
        assert_eq!(told(&outcomes), expected);
        assert_eq!(lost, Lost::No);
    }

    #[test]
    fn a_service_that_is_lost_later_keeps_what_came() {
        let shards = names(&["a", "b", "c"]);
        let mut calls = 0;
        let asked = ask_all(&shards, 1, |chunk| {
            calls += 1;
            match calls {
                1 => Ok(answered(chunk)),
                _ => Err(ClientError::Transport("no answer".to_owned())),
            }
        });
        let (outcomes, lost) = asked.ok().expect("no failure");
        assert_eq!(lost, Lost::Yes);
        let b = "b: no answer (it may have been applied)".to_owned();
        let c = "c: was not asked: the service was lost before its turn".to_owned();
        let expected = [("a", None), ("b", Some(b)), ("c", Some(c))];
        assert_eq!(told(&outcomes), expected);
        assert_eq!(calls, 2);
    }

    #[test]
    fn a_service_that_never_answers_is_unavailable() {
        let no_answer = |_: &[String]| Err(ClientError::Transport("no answer".to_owned()));
        let failure = ask_all(&names(&["a", "b"]), 1, no_answer).err();
        let failure = failure.expect("a failure");
        assert_eq!(
            (failure.message.as_str(), failure.code),
            ("no answer", super::super::EXIT_UNAVAILABLE)
        );
    }

    #[test]
    fn an_error_has_its_code_beside_its_message() {
        let refused = |code| data_error(&ClientError::Data(Box::new(refusal(code))));
        let error = refused(generated::ErrorCode::SQL_ERROR);
        assert_eq!(error.code.as_deref(), Some("SQL_ERROR"));
        assert_eq!(error.message, "no such table");
        let newer = refused(generated::ErrorCode(99));
        assert_eq!(newer.code.as_deref(), Some("error 99"));
    }

    #[test]
    fn an_outcome_with_nothing_in_it_is_an_error() {
        let error = answer(MultiOutcome::default()).expect_err("nothing in it");
        assert!(error.line.contains("may have been applied"));
    }
}
