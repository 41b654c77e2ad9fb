//! The server of HTTP itself: what it refuses, and what it does not put up with.

use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use forebay::config::{ListenAddress, ServerConfig};
use forebay::frontend::Listener;

use super::watched;
use crate::support::http::{Answer, Samples};
use crate::support::*;

fn some() -> Running {
    watched(vec![sqlite_shard("a")])
}

#[test]
fn only_reading_is_served() {
    let service = some();
    let http = service.http();
    for method in ["POST", "PUT", "DELETE", "OPTIONS"] {
        let answer = http.ask(method, "/metrics", "Content-Length: 0\r\n");
        assert_eq!(answer.status, 405, "{method}");
        assert_eq!(answer.headers["allow"], "GET, HEAD");
    }
    let lost = http.get("/metric");
    assert_eq!(lost.status, 404);
    for path in ["/metrics", "/healthz", "/readyz", "/digests"] {
        assert!(lost.body.contains(path), "{}", lost.body);
    }
}

#[test]
fn a_head_is_an_answer_without_its_body() {
    let service = some();
    let http = service.http();
    for path in ["/healthz", "/readyz", "/nowhere"] {
        let (head, whole) = (http.ask("HEAD", path, ""), http.get(path));
        assert_eq!(head.status, whole.status);
        assert_eq!(head.body, "");
        for name in ["content-length", "content-type"] {
            assert_eq!(head.headers[name], whole.headers[name], "{path}");
        }
        assert_eq!(
            whole.headers["content-length"],
            whole.body.len().to_string()
        );
    }
}

#[test]
fn metrics_come_in_the_form_that_is_asked_for() {
    let service = some();
    let http = service.http();
    let plain = http.get("/metrics");
    assert_eq!(
        plain.headers["content-type"],
        "text/plain; version=0.0.4; charset=utf-8"
    );
    let accept = "Accept: application/openmetrics-text;version=1.0.0,text/plain;q=0.5\r\n";
    let open = http.ask("GET", "/metrics?any=thing", accept);
    let form = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    assert_eq!(open.headers["content-type"], form);
    assert!(open.body.ends_with("\n# EOF\n"));
    assert!(open.body.contains("# TYPE forebay_requests counter\n"));
    let samples = Samples::parse(&plain.body);
    assert_eq!(samples.types["forebay_requests_total"], "counter");
}

#[test]
fn digests_are_asked_for_with_care() {
    let service = some();
    let http = service.http();
    assert_eq!(http.get("/digests?limit=0").status, 400);
    assert_eq!(http.get("/digests?shard=b").status, 404);
    let mut client = service.client();
    client.run("a", "SELECT 'a secret', 1", &[]);
    client.run("a", "SELECT 'a secret', 2", &[]);
    client.run("a", "CREATE TABLE t (n INT)", &[]);
    let (status, told) = http.json("/digests?shard=a");
    assert_eq!(status, 200);
    let digests = told.as_array().unwrap();
    assert_eq!(digests.len(), 2, "{told}");
    let select = digests.iter().find(|row| row["count"] == 2);
    let digest = select.unwrap()["digest"].as_str().unwrap();
    assert!(digest.starts_with("SELECT"), "{digest}");
    assert!(!told.to_string().contains("secret"), "{told}");
    let (_, told) = http.json("/digests?limit=1");
    assert_eq!(told.as_array().unwrap().len(), 1);
}

#[test]
fn a_head_that_does_not_come_is_not_waited_for() {
    let service = some();
    let begun = Instant::now();
    let mut slow = service.http().connect();
    let mut stream = slow.try_clone().unwrap();
    // A byte a moment would keep a server busy that only watches for silence.
    let trickle = std::thread::spawn(move || {
        for byte in b"GET /metrics HTTP/1.1\r\nX: "
            .iter()
            .chain(std::iter::repeat(&b'x'))
        {
            if stream.write_all(&[*byte]).is_err() || begun.elapsed() > 2 * TIMEOUT {
                return;
            }
            std::thread::sleep(Duration::from_millis(50));
        }
    });
    let mut rest = Vec::new();
    // Closed, or reset since bytes were on their way.
    let _ = slow.read_to_end(&mut rest);
    assert!(begun.elapsed() < TIMEOUT, "{:?}", begun.elapsed());
    assert!(!String::from_utf8_lossy(&rest).contains("200"));
    drop(slow);
    trickle.join().unwrap();
}

#[test]
fn a_head_is_not_larger_than_it_may_be() {
    let service = some();
    let long = format!("X: {}\r\n", "x".repeat(20_000));
    let mut stream = service.http().connect();
    let request = format!("GET /metrics HTTP/1.1\r\n{long}\r\n");
    // It may be closed before all of it is sent.
    let _ = stream.write_all(request.as_bytes());
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer);
    let answer = String::from_utf8_lossy(&answer);
    assert!(!answer.contains(" 200 "), "{answer}");
    assert_eq!(service.http().get("/healthz").status, 200);
}

#[test]
fn connections_that_idle_are_in_nobodys_way() {
    let service = some();
    let http = service.http();
    let mut idle: Vec<_> = (0..300).map(|_| http.connect()).collect();
    for _ in 0..5 {
        assert_eq!(http.get("/healthz").status, 200);
        http.scrape();
    }
    // The oldest have given way: there are never more than 64.
    idle.iter()
        .for_each(|stream| stream.set_nonblocking(true).unwrap());
    let is_open = |stream: &mut TcpStream| {
        let read = stream.read(&mut [0]);
        read.is_err_and(|error| error.kind() == ErrorKind::WouldBlock)
    };
    wait_until("most are closed", || {
        let open = idle
            .iter_mut()
            .filter_map(|stream| is_open(stream).then_some(()));
        open.count() <= 64
    });
    let mut client = service.client();
    assert_eq!(client.texts("a", "SELECT 7"), ["7"]);
}

#[test]
fn it_is_served_on_a_unix_socket() {
    let folder = folder();
    let path = folder.path().join("http.sock");
    let anywhere = ListenAddress::Tcp("127.0.0.1:0".to_owned());
    let listener = Listener::bind(&ListenAddress::Unix(path.clone())).unwrap();
    let shards = vec![sqlite_shard("a")];
    let service = Running::listening(&anywhere, Some(listener), ServerConfig::default(), shards);
    let mut stream = std::os::unix::net::UnixStream::connect(&path).unwrap();
    stream
        .write_all(b"GET /healthz HTTP/1.1\r\nHost: test\r\n\r\n")
        .unwrap();
    assert_eq!(Answer::read(stream).body, "ok\n");
    assert!(service.wait());
    assert!(!path.exists());
}
