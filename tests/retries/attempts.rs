//! How often a request is given to the database, and when twice.

use forebay::config::ShardConfig;
use forebay::operation::{
    Access, BatchMode, Begin, Limits, Operation, ParamStyle, Params, Statement,
};
use forebay::rpc::generated::{
    ExecuteRequest, InfoRequest, MultiItem, MultiRequest, Options, PingRequest, QueryRequest,
    Statement as WireStatement, TForebaySyncClient,
};
use forebay::rpc::{Client, ClientError};
use mysql::prelude::Queryable;

use crate::support::shard::*;
use crate::support::*;
use forebay::error::{ErrorKind, Outcome, Retry};
use forebay::rpc::generated::ErrorCode;

fn idempotent() -> Limits {
    Limits {
        idempotent: true,
        ..limits()
    }
}

fn execute(sql: &str) -> Operation {
    Operation::Execute(statement(sql, &[]))
}

fn query(sql: &str) -> Operation {
    Operation::Query(Statement {
        sql: sql.to_owned(),
        params: Params::Absent,
        style: ParamStyle::Native,
    })
}

/// A shard with a table, and as many of its connections killed as run `mark`.
struct Killed(Lone);

impl Killed {
    fn new() -> Killed {
        let lone = Lone::with_table(2);
        (&lone).sql("INSERT INTO t (n) VALUES (1), (2)", &[]);
        Killed(lone)
    }

    /// Runs it, and kills its connection once it runs.
    fn run(
        &self,
        operation: &Operation,
        limits: &Limits,
        mark: &str,
    ) -> forebay::error::Result<forebay::operation::Answer> {
        std::thread::scope(|scope| {
            let run = scope.spawn(|| self.0.shard().run(operation, limits));
            kill_running(mark);
            run.join().unwrap()
        })
    }
}

/// Sleeps, unless the lock of that name is held.
fn slow(set: &str, mark: &str) -> String {
    format!("UPDATE t SET b = {set} WHERE n = 1 AND IF(IS_FREE_LOCK('{mark}'), SLEEP(20), 0) = 0")
}

/// Once a statement of that name sleeps, ends its connection, and lets it through
/// when it comes again, for as long as the value lives.
fn kill_once(mark: &str) -> mysql::Conn {
    wait_until("it runs", || running_like(mark) == 1);
    let mut holder = direct();
    let had: Option<u32> = holder.exec_first("SELECT GET_LOCK(?, 5)", (mark,)).unwrap();
    assert_eq!(had, Some(1));
    kill_running(mark);
    holder
}

#[test]
fn a_read_whose_connection_is_killed_is_sent_again() {
    let killed = Killed::new();
    let sql = "SELECT COUNT(*), IF(IS_FREE_LOCK('killed_read'), SLEEP(20), 0) FROM t";
    std::thread::scope(|scope| {
        let run = scope.spawn(|| killed.0.shard().run(&query(sql), &limits()));
        let _through = kill_once("killed_read");
        let answer = run.join().unwrap().unwrap();
        assert_eq!(first_value(&answer), "2");
        assert_eq!(answer.sent, 2);
    });
    let stats = killed.0.shard().stats();
    assert_eq!((stats.retries.retries, stats.retries.refused), (1, 0));
}

#[test]
fn a_write_is_sent_again_only_if_twice_is_well() {
    let killed = Killed::new();
    let sql = slow("'once'", "killed_write");
    let error = killed
        .run(&execute(&sql), &limits(), "killed_write")
        .unwrap_err();
    assert_kind(&error, ErrorKind::ConnectionLost, "");
    assert_eq!((error.outcome(), error.sent()), (Outcome::Unknown, 1));
    assert_eq!(error.retry(), Retry::No);
    let sql = slow("'twice'", "killed_idempotent");
    std::thread::scope(|scope| {
        let run = scope.spawn(|| killed.0.shard().run(&execute(&sql), &idempotent()));
        let _through = kill_once("killed_idempotent");
        let answer = run.join().unwrap().unwrap();
        assert_eq!((answer.matched_rows, answer.sent), (1, 2));
    });
    assert_eq!((&killed.0).value("SELECT b FROM t WHERE n = 1"), "twice");
}

/// Whatever its mode, all of it; and its first steps are there twice.
#[test]
fn an_idempotent_batch_is_sent_again_as_a_whole() {
    for (number, mode) in [BatchMode::Each, BatchMode::StopOnError, BatchMode::Atomic]
        .into_iter()
        .enumerate()
    {
        let killed = Killed::new();
        killed.0.make("TABLE log (n INT)");
        let mark = format!("killed_batch_{number}");
        let steps = vec![
            step("INSERT INTO log VALUES (1)", &[]),
            step(&slow("'done'", &mark), &[]),
            step("INSERT INTO log VALUES (2)", &[]),
        ];
        let batch = Operation::Batch(forebay::operation::Batch { mode, steps });
        let answer = std::thread::scope(|scope| {
            let run = scope.spawn(|| killed.0.shard().run(&batch, &idempotent()));
            let _through = kill_once(&mark);
            run.join().unwrap().unwrap()
        });
        assert_eq!(letters(&answer), "DDD", "{mode:?}");
        assert_eq!((answer.sent, answer.attempts), (2, 1), "{mode:?}");
        let firsts = match mode {
            BatchMode::Atomic => "1",
            BatchMode::Each | BatchMode::StopOnError => "2",
        };
        let count = "SELECT COUNT(*) FROM log WHERE n = 1";
        assert_eq!((&killed.0).value(count), firsts, "{mode:?}");
    }
}

/// The other transaction has changed more rows, so that the statement is the
/// victim.
#[test]
fn a_single_idempotent_statement_begins_anew_after_a_deadlock() {
    for is_idempotent in [true, false] {
        let lone = Lone::with_table(1);
        for number in 1..=100 {
            (&lone).sql(&format!("INSERT INTO t (n) VALUES ({number})"), &[]);
        }
        let mut other = lone.direct();
        other.query_drop("START TRANSACTION").unwrap();
        other
            .query_drop("UPDATE t SET b = 'other' WHERE id > 1")
            .unwrap();
        let mark = format!("deadlocks_{is_idempotent}");
        let sql = format!("UPDATE t SET b = 'mine' WHERE id <= 2 AND '{mark}' <> ''");
        let limits = Limits {
            idempotent: is_idempotent,
            ..limits()
        };
        let result = std::thread::scope(|scope| {
            let run = scope.spawn(|| lone.shard().run(&execute(&sql), &limits));
            wait_until("it waits", || running_like(&mark) == 1);
            other
                .query_drop("UPDATE t SET b = 'both' WHERE id = 1")
                .unwrap();
            other.query_drop("COMMIT").unwrap();
            run.join().unwrap()
        });
        match result {
            Ok(answer) => assert_eq!((answer.sent, is_idempotent), (2, true)),
            Err(error) => {
                assert_kind(&error, ErrorKind::Deadlock, "");
                assert_eq!((error.sent(), is_idempotent), (1, false));
            }
        }
    }
}

fn wire_statement(sql: &str) -> WireStatement {
    WireStatement::new(sql.to_owned(), None, None, None)
}

fn options(idempotent: bool, transaction: Option<String>) -> Options {
    Options {
        timeout_ms: Some(10_000),
        request_id: None,
        transaction,
        max_rows: None,
        warnings_max: None,
        idempotent: Some(idempotent),
        result_layout: None,
    }
}

fn thrown(result: thrift::Result<impl std::fmt::Debug>) -> forebay::rpc::generated::DataError {
    match ClientError::from(result.expect_err("an error")) {
        ClientError::Data(error) => *error,
        other => panic!("{other:?}"),
    }
}

/// Over the wire, by both databases.
#[test]
fn every_reply_tells_how_often_it_was_sent() {
    let service = Running::new(vec![mysql_shard("main"), sqlite_shard("embedded")]);
    let mut client = service.client();
    let stubs = client.stubs();
    let info = stubs.info(InfoRequest { options: None }).unwrap();
    assert_eq!(info.header.unwrap().attempts, Some(0));
    assert!(
        info.capabilities
            .unwrap()
            .contains(&"idempotent".to_owned())
    );
    let ping = stubs.ping(PingRequest::new(None, None)).unwrap();
    assert_eq!(ping.header.unwrap().attempts, Some(0));
    for shard in ["main", "embedded"] {
        let ping = PingRequest::new(shard.to_owned(), None);
        assert_eq!(stubs.ping(ping).unwrap().header.unwrap().attempts, Some(1));
        let query = |sql| QueryRequest::new(shard.to_owned(), wire_statement(sql), None);
        let rows = stubs.query(query("SELECT 1")).unwrap();
        assert_eq!(rows.header.unwrap().attempts, Some(1), "{shard}");
        let cases = [
            ("SELECT 1; SELECT 2", Some(0)),
            ("SELECT nothing FROM nowhere", Some(1)),
        ];
        for (sql, attempts) in cases {
            let error = thrown(stubs.query(query(sql)));
            assert_eq!(error.attempts, attempts, "{shard}: {sql}: {error:?}");
        }
        let items = vec![MultiItem {
            query: Some(query("SELECT 1")),
            execute: None,
            insert: None,
            batch: None,
        }];
        let multi = stubs.multi(MultiRequest::new(items, None, None)).unwrap();
        assert_eq!(multi.header.unwrap().attempts, Some(0));
        let item = multi.outcomes.unwrap().remove(0).query.unwrap();
        assert_eq!(item.header.unwrap().attempts, Some(1), "{shard}");
    }
}

#[test]
fn idempotent_is_refused_within_a_transaction() {
    let service = Running::new(vec![mysql_shard("main")]);
    let mut client = service.client();
    let begin = Begin {
        isolation: None,
        access: Access::ReadWrite,
    };
    let token = client.begin("main", begin).unwrap();
    let execute = |idempotent| {
        let options = options(idempotent, Some(token.clone()));
        ExecuteRequest::new(None, wire_statement("SELECT 1"), options)
    };
    let error = thrown(client.stubs().execute(execute(true)));
    assert_error(&error, ErrorCode::INVALID_ARGUMENT, "options.idempotent");
    // The transaction is none the worse for it.
    let done = client.stubs().execute(execute(false)).unwrap();
    assert_eq!(done.header.unwrap().attempts, Some(1));
    client.commit(&token).unwrap();
}

/// Of a multi it holds for the items.
#[test]
fn the_items_of_a_multi_are_sent_again_alike() {
    let mut shard: ShardConfig = mysql_shard("main");
    shard.pool.max_connections = 2;
    let service = Running::new(vec![shard]);
    let mut client: Client = service.client();
    client.run("main", "CREATE TABLE t (n INT, b TEXT)", &[]);
    client.run("main", "INSERT INTO t VALUES (1, '')", &[]);
    let item = MultiItem {
        query: None,
        execute: Some(ExecuteRequest::new(
            "main".to_owned(),
            wire_statement(&slow("'item'", "killed_item")),
            None,
        )),
        insert: None,
        batch: None,
    };
    let request = MultiRequest::new(vec![item], None, options(true, None));
    let outcome = std::thread::scope(|scope| {
        let multi = scope.spawn(|| client.stubs().multi(request).unwrap());
        let _through = kill_once("killed_item");
        multi.join().unwrap().outcomes.unwrap().remove(0)
    });
    let done = outcome.execute.expect("it was done");
    assert_eq!(done.header.unwrap().attempts, Some(2));
}

/// The first try has done a step that the last one did not come to.
#[test]
fn a_batch_that_is_lost_for_good_does_not_say_what_was_not_run() {
    let killed = Killed::new();
    killed.0.make("TABLE log (n INT)");
    let sleeps =
        "INSERT INTO log SELECT 1 FROM (SELECT SLEEP(IF(IS_FREE_LOCK('lost_first'), 0, 20))) s";
    let steps = vec![
        step(sleeps, &[]),
        step("INSERT INTO log VALUES (2)", &[]),
        step("INSERT INTO log SELECT SLEEP(20) AS lost_last", &[]),
    ];
    let mode = BatchMode::Each;
    let batch = Operation::Batch(forebay::operation::Batch { mode, steps });
    let error = std::thread::scope(|scope| {
        let run = scope.spawn(|| killed.0.shard().run(&batch, &idempotent()));
        wait_until("the last step runs", || running_like("AS lost_last") == 1);
        let mut holder = direct();
        let had: Option<u32> = holder
            .query_first("SELECT GET_LOCK('lost_first', 5)")
            .unwrap();
        assert_eq!(had, Some(1));
        kill_running("AS lost_last");
        let find = "SELECT id FROM information_schema.processlist \
                    WHERE info LIKE '%lost_first\\'), 0, 20%' AND id <> CONNECTION_ID()";
        while !run.is_finished() {
            for id in holder.query::<u64, _>(find).unwrap() {
                // It may have gone meanwhile.
                let _ = holder.query_drop(format!("KILL {id}"));
            }
            std::thread::sleep(std::time::Duration::from_millis(5));
        }
        run.join().unwrap().unwrap_err()
    });
    assert_kind(&error, ErrorKind::ConnectionLost, "");
    assert_eq!((error.outcome(), error.sent()), (Outcome::Unknown, 5));
    assert_eq!(
        (&killed.0).value("SELECT COUNT(*) FROM log WHERE n = 2"),
        "1"
    );
}
