//! Clients that go away in the middle of a request: what it runs is stopped on the
//! database, what waits is never run, and what was open is undone.

use std::io::Write;
use std::time::{Duration, Instant};

use forebay::config::{ListenAddress, ServerConfig};
use forebay::operation::{Access, Begin, Operation, ParamStyle};
use forebay::rpc::{Client, ClientError, Policy};

use super::prompt_end;
use crate::sessions::call;
use crate::support::link::{End, Link};
use crate::support::shard::statement;
use crate::support::*;

const ENDS: [End; 3] = [End::Close, End::Reset, End::SendingSide];

/// A service, and a way to it on which clients can vanish.
fn with_link(server: ServerConfig, connections: u32) -> (Running, Link) {
    let mut shard = mysql_shard("main");
    shard.pool.max_connections = connections;
    let service = Running::with(server, vec![shard]);
    let link = Link::to(service.port());
    (service, link)
}

fn through(link: &Link) -> Client {
    let address = ListenAddress::Tcp(format!("127.0.0.1:{}", link.port));
    Client::connect(&address, TIMEOUT).unwrap()
}

/// Asks in a thread of its own, and gives what came of it.
fn asks<'s, T: Send + 's>(
    scope: &'s std::thread::Scope<'s, '_>,
    client: Client,
    ask: impl FnOnce(Client) -> Result<T, ClientError> + Send + 's,
) -> std::thread::ScopedJoinHandle<'s, Result<T, ClientError>> {
    scope.spawn(move || ask(client))
}

fn sleep_as(mark: &str) -> String {
    format!("SELECT SLEEP(20) AS {mark}")
}

#[test]
fn what_runs_for_a_client_that_is_gone_is_stopped() {
    for end in ENDS {
        let (service, link) = with_link(ServerConfig::default(), 2);
        let mark = format!("gone_by_{end:?}");
        let sql = sleep_as(&mark);
        std::thread::scope(|scope| {
            let asked = asks(scope, through(&link), |mut client| {
                client.execute("main", &sql, vec![], ParamStyle::Native)
            });
            wait_until("it runs", || running_like(&mark) == 1);
            link.end(end);
            prompt_end(&format!("client gone ({end:?})"), &mark, Instant::now());
            let told = asked.join().unwrap().unwrap_err().to_string();
            // Who only ended their sending side may still read why.
            if end == End::SendingSide {
                assert!(
                    told.starts_with("CANCELLED: the client has closed"),
                    "{told}"
                );
            }
        });
        assert_eq!(service.client().texts("main", "SELECT 'next'"), ["next"]);
    }
}

#[test]
fn what_waits_for_a_client_that_is_gone_is_never_run() {
    let (service, link) = with_link(ServerConfig::default(), 1);
    let mut client = service.client();
    client.run("main", "CREATE TABLE t (n INT)", &[]);
    std::thread::scope(|scope| {
        let holder = service.client();
        let holder = asks(scope, holder, |mut client| {
            let sql = "SELECT SLEEP(0.7) AS holds_the_only";
            client.execute("main", sql, vec![], ParamStyle::Native)
        });
        wait_until("it runs", || running_like("holds_the_only") == 1);
        let asked = asks(scope, through(&link), |mut client| {
            client.execute(
                "main",
                "INSERT INTO t VALUES (1)",
                vec![],
                ParamStyle::Native,
            )
        });
        std::thread::sleep(Duration::from_millis(100));
        link.end(End::SendingSide);
        let told = asked.join().unwrap().unwrap_err().to_string();
        assert!(
            told.starts_with("CANCELLED: the client has closed"),
            "{told}"
        );
        // It was told so at once, and not when its turn came.
        assert_eq!(running_like("holds_the_only"), 1);
        holder.join().unwrap().unwrap();
    });
    assert_eq!(client.texts("main", "SELECT COUNT(*) FROM t"), ["0"]);
}

#[test]
fn all_items_of_a_client_that_is_gone_are_stopped() {
    let server = ServerConfig {
        multi_parallel_max: 2,
        ..ServerConfig::default()
    };
    let (service, link) = with_link(server, 4);
    service.client().run("main", "CREATE TABLE t (n INT)", &[]);
    std::thread::scope(|scope| {
        let asked = asks(scope, through(&link), |mut client| {
            let item = |sql: &str| ("main", Operation::Execute(statement(sql, &[])));
            let sleeps = item("SELECT SLEEP(20) AS item_of_gone");
            let items = vec![sleeps.clone(), sleeps, item("INSERT INTO t VALUES (1)")];
            client.multi(items, Policy::TakeWhatCame)
        });
        wait_until("two run", || running_like("item_of_gone") == 2);
        link.end(End::Close);
        prompt_end("client of a multi gone", "item_of_gone", Instant::now());
        asked.join().unwrap().unwrap_err();
    });
    // The one that waited for them has not been run.
    let count = service.client().texts("main", "SELECT COUNT(*) FROM t");
    assert_eq!(count, ["0"]);
}

#[test]
fn a_transaction_of_a_client_that_is_gone_is_rolled_back_in_the_middle_of_a_statement() {
    let (service, link) = with_link(ServerConfig::default(), 2);
    let mut other = service.client();
    other.run("main", "CREATE TABLE t (n INT PRIMARY KEY)", &[]);
    let mut client = through(&link);
    let begin = Begin {
        isolation: None,
        access: Access::ReadWrite,
    };
    let token = client.begin("main", begin).unwrap();
    let insert = "INSERT INTO t VALUES (1)";
    client
        .execute_in(&token, insert, vec![], ParamStyle::Native)
        .unwrap();
    std::thread::scope(|scope| {
        let asked = asks(scope, client, |mut client| {
            let sql = sleep_as("in_a_transaction_of_gone");
            client.execute_in(&token, &sql, vec![], ParamStyle::Native)
        });
        wait_until("it runs", || running_like("in_a_transaction_of_gone") == 1);
        link.end(End::Close);
        prompt_end(
            "client of a transaction gone",
            "in_a_transaction_of_gone",
            Instant::now(),
        );
        asked.join().unwrap().unwrap_err();
    });
    // Its row is locked no more, nor there.
    other.run("main", "INSERT INTO t VALUES (1)", &[]);
}

/// While one request runs and the next is there already, nothing is read.
#[test]
fn a_client_that_had_sent_its_next_request_already_is_missed_too() {
    let (service, link) = with_link(ServerConfig::default(), 2);
    let mut client = service.client();
    client.run("main", "CREATE TABLE t (n INT)", &[]);
    let mut stream = std::net::TcpStream::connect(("127.0.0.1", link.port)).unwrap();
    let first = numbered(1, call("main", &sleep_as("first_of_two")));
    let second = numbered(2, call("main", "INSERT INTO t VALUES (1)"));
    stream.write_all(&[first, second].concat()).unwrap();
    wait_until("it runs", || running_like("first_of_two") == 1);
    link.end(End::Reset);
    prompt_end(
        "client of two requests gone",
        "first_of_two",
        Instant::now(),
    );
    assert_eq!(client.texts("main", "SELECT COUNT(*) FROM t"), ["0"]);
}

/// Gives a message another sequence id.
fn numbered(sequence_id: u32, mut message: Vec<u8>) -> Vec<u8> {
    // After the frame's length, the version, and the function's name.
    let place = 4 + 4 + 4 + "execute".len();
    message[place..place + 4].copy_from_slice(&sequence_id.to_be_bytes());
    message
}

#[test]
fn clients_that_come_and_go_leave_nothing_behind() {
    let (service, link) = with_link(ServerConfig::default(), 4);
    let mut client = service.client();
    for _ in 0..10 {
        std::thread::scope(|scope| {
            for _ in 0..6 {
                asks(scope, through(&link), |mut client| {
                    client.execute("main", &sleep_as("come_and_go"), vec![], ParamStyle::Native)
                });
            }
            wait_until("some run", || running_like("come_and_go") > 0);
            link.end(End::Close);
        });
        // Those that waited must not take the places of those that were stopped.
        assert_eq!(client.texts("main", "SELECT 'served'"), ["served"]);
    }
    wait_until("nothing runs", || running_like("come_and_go") == 0);
    let count = "SELECT COUNT(*) FROM information_schema.processlist WHERE db = DATABASE()";
    wait_until("no connection is left over", || {
        client.texts("main", count)[0].parse::<u32>().unwrap() <= 4
    });
}
