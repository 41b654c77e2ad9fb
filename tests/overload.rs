//! More than a shard can do: what is answered is answered in time, the rest is
//! refused at once, and no caller pushes the others out.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::{Duration, Instant};

use forebay::config::{ServerConfig, ShardConfig};
use forebay::operation::{Operation, ParamStyle};
use forebay::rpc::generated::ErrorCode;
use forebay::rpc::{Client, ClientError, Policy};
use socket2::{Domain, Socket, Type};

use crate::support::process::Process;
use crate::support::shard::statement;
use crate::support::*;

const PLACES: u32 = 4;
/// So that the places do 80 a second, whatever else this machine has to do.
const NAP: &str = "SELECT SLEEP(0.05)";
const DEADLINE: Duration = Duration::from_millis(500);

fn shard(connections: u32) -> ShardConfig {
    let mut shard = mysql_shard("main");
    shard.pool.max_connections = connections;
    shard
}

/// What became of requests, and those that were answered neither rightly nor by a
/// refusal.
#[derive(Default)]
struct Fates {
    answered: AtomicU32,
    late: AtomicU32,
    refused: AtomicU32,
    stopped: AtomicU32,
}

impl Fates {
    fn ask(&self, client: &mut Client) {
        let asked = Instant::now();
        let count = match client.execute("main", NAP, vec![], ParamStyle::Native) {
            Ok(_) if asked.elapsed() <= DEADLINE => &self.answered,
            Ok(_) => &self.late,
            Err(ClientError::Data(error)) => match error.code {
                Some(ErrorCode::QUEUE_FULL | ErrorCode::QUEUE_TIMEOUT) => &self.refused,
                Some(ErrorCode::DEADLINE_EXCEEDED) => &self.stopped,
                _ => panic!("{error:?}"),
            },
            // Among them: no answer a second after the deadline.
            Err(error) => panic!("{error}"),
        };
        count.fetch_add(1, Ordering::Relaxed);
    }

    fn of(count: &AtomicU32) -> u32 {
        count.load(Ordering::Relaxed)
    }
}

/// So many callers, each of whom asks at every beat; who is still waiting then, is
/// left out.
fn callers(service: &Running, count: u32, beat: Duration, beats: u32) -> Fates {
    let fates = Fates::default();
    std::thread::scope(|scope| {
        for number in 0..count {
            let mut client = service.client_within(DEADLINE);
            let (fates, begin) = (&fates, Instant::now() + beat * number / count);
            scope.spawn(move || {
                for due in (0..beats).map(|n| begin + beat * n) {
                    let now = Instant::now();
                    if now <= due + beat {
                        std::thread::sleep(due.saturating_duration_since(now));
                        fates.ask(&mut client);
                    }
                }
            });
        }
    });
    fates
}

#[test]
fn five_times_too_much_leaves_what_is_answered_in_time() {
    let service = Running::new(vec![shard(PLACES)]);
    // 80 a second for two seconds; then 400 a second.
    let alone = callers(&service, 2 * PLACES, Duration::from_millis(100), 20);
    let alone = Fates::of(&alone.answered);
    assert!(alone > 0);
    let crowd = callers(&service, 20 * PLACES, Duration::from_millis(200), 10);
    let (answered, refused) = (Fates::of(&crowd.answered), Fates::of(&crowd.refused));
    let late = Fates::of(&crowd.late) + Fates::of(&crowd.stopped);
    let told = format!("{alone} alone; {answered} in time, {late} late, {refused} refused");
    assert!(answered >= alone / 2, "{told}");
    assert!(late * 4 <= answered, "{told}");
    assert!(refused > answered, "{told}");
    println!("{told}");
    // It is over when it is over.
    assert_eq!(service.client().texts("main", "SELECT 'next'"), ["next"]);
}

/// A session from an address of the caller's choice, which speaks framed binary.
struct Session(TcpStream);

impl Session {
    fn from(address: Ipv4Addr, to: SocketAddr) -> Session {
        let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
        socket.bind(&SocketAddr::from((address, 0)).into()).unwrap();
        socket.connect(&to.into()).unwrap();
        let stream = TcpStream::from(socket);
        stream.set_nodelay(true).unwrap();
        stream.set_read_timeout(Some(TIMEOUT)).unwrap();
        Session(stream)
    }

    /// The reply's bytes; texts stand in them as they are.
    fn ask(&mut self, sql: &str) -> String {
        self.0.write_all(&message(sql)).unwrap();
        let mut length = [0; 4];
        self.0.read_exact(&mut length).unwrap();
        let mut reply = vec![0; u32::from_be_bytes(length) as usize];
        self.0.read_exact(&mut reply).unwrap();
        String::from_utf8_lossy(&reply).into_owned()
    }
}

/// `execute` on the shard `main`, with ten seconds.
fn message(sql: &str) -> Vec<u8> {
    let text = |id: u8, text: &str| {
        let length = (text.len() as u32).to_be_bytes();
        [&[11, 0, id], &length[..], text.as_bytes()].concat()
    };
    let message = [
        &b"\x80\x01\x00\x01\x00\x00\x00\x07execute\x00\x00\x00\x00\x0c\x00\x01"[..],
        &text(1, "main"),
        &[12, 0, 2],
        &text(1, sql),
        &[0, 12, 0, 15, 8, 0, 1, 0, 0, 0x27, 0x10, 0, 0, 0],
    ];
    let message = message.concat();
    [&(message.len() as u32).to_be_bytes()[..], &message].concat()
}

/// Sixty-four sessions of one caller keep the queue full; the other one's requests
/// are taken all the same, and wait for one of them at a time.
#[test]
fn a_noisy_caller_does_not_push_out_a_quiet_one() {
    let mut shard = shard(2);
    shard.queue_max_requests = 16;
    let service = Running::new(vec![shard]);
    let to = service.socket().peer_addr().unwrap();
    let [noisy, quiet] = [2, 3].map(|last| Ipv4Addr::new(127, 0, 0, last));
    let (ended, answers, refusals) = (AtomicBool::new(false), AtomicU32::new(0), AtomicU32::new(0));
    std::thread::scope(|scope| {
        for _ in 0..64 {
            scope.spawn(|| {
                let mut session = Session::from(noisy, to);
                while !ended.load(Ordering::Relaxed) {
                    match session
                        .ask("SELECT SLEEP(0.02)")
                        .contains("(queue_max_requests)")
                    {
                        true => {
                            refusals.fetch_add(1, Ordering::Relaxed);
                            std::thread::sleep(Duration::from_millis(2));
                        }
                        false => {
                            answers.fetch_add(1, Ordering::Relaxed);
                        }
                    }
                }
            });
        }
        wait_until("the queue is full", || {
            refusals.load(Ordering::Relaxed) > 50
        });
        let mut session = Session::from(quiet, to);
        let began = Instant::now();
        let told: Vec<String> = (0..30)
            .map(|_| session.ask("SELECT CONCAT('qu', 'iet')"))
            .collect();
        let took = began.elapsed();
        ended.store(true, Ordering::Relaxed);
        let answered = told.iter().filter(|reply| reply.contains("quiet")).count();
        assert_eq!(answered, 30, "{told:?}");
        // In turn with 16 others, each would have waited for 160 ms and more.
        assert!(took < Duration::from_millis(30 * 100), "{took:?}");
    });
    assert!(answers.load(Ordering::Relaxed) > 0);
}

/// An item that gives way has its multi submit the next one, for which another
/// multi's gives way, and so on through the queue: that takes no stack.
#[test]
fn a_queue_full_of_items_that_give_way_to_each_other_is_survived() {
    const LONG: &str = "SELECT SLEEP(0.2) AS is_long";
    const SHORT: &str = "SELECT SLEEP(0.05) AS is_short";
    let mut shard = shard(16);
    shard.queue_max_requests = 2_000;
    shard.long_statements_max = 12;
    let server = ServerConfig {
        multi_parallel_max: 8,
        drain_timeout: Duration::from_millis(100),
        ..ServerConfig::default()
    };
    let service = Running::watched(server, vec![shard]);
    let mut client = service.client();
    for sql in [LONG, SHORT] {
        client.run("main", sql, &[]);
    }
    // Nobody waits for these: they end with the service.
    let patience = Duration::from_secs(50);
    let item = |sql: &str| ("main", Operation::Query(statement(sql, &[])));
    for _ in 0..260 {
        let mut client = service.client_within(patience);
        let items: Vec<_> = [vec![item(LONG); 8], vec![item(SHORT); 8]].concat();
        std::thread::spawn(move || client.multi(items, Policy::TakeWhatCame));
    }
    // One of these begins it, and is itself answered or not.
    let mut client = service.client_within(Duration::from_secs(1));
    let displaced = r#"forebay_refusals_total{shard="main",lane="shard",cause="displaced"}"#;
    wait_until("hundreds have given way", || {
        let _ = client.query("main", SHORT, vec![], ParamStyle::Native);
        service.http().get("/metrics").body.lines().any(|line| {
            let count = line.strip_prefix(displaced);
            count.is_some_and(|count| count.trim().parse::<f64>().unwrap() > 300.0)
        })
    });
}

/// One line for many refusals, which says of which shard and why.
#[test]
fn the_log_tells_of_refusals() {
    let url = variable("FOREBAY_TEST_MYSQL_URL");
    let config = format!(
        "[shards.main]\nurl = \"{url}\"\npool_max_connections = 1\nqueue_max_requests = 1\n"
    );
    let process = Process::new(&config);
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                let mut client = process.client();
                client
                    .execute("main", "SELECT SLEEP(0.3)", vec![], ParamStyle::Native)
                    .ok();
            });
        }
    });
    let told = || {
        let log = process.log();
        let lines = log.lines().filter(|line| line.contains("were refused"));
        lines.map(str::to_owned).collect::<Vec<_>>()
    };
    let deadline = Instant::now() + 3 * TIMEOUT;
    while told().is_empty() {
        assert!(Instant::now() < deadline, "{}", process.log());
        std::thread::sleep(Duration::from_millis(50));
    }
    let lines = told();
    assert_eq!(lines.len(), 1, "{lines:?}");
    assert!(lines[0].contains("main"), "{lines:?}");
    assert!(lines[0].contains("queue_full"), "{lines:?}");
}
