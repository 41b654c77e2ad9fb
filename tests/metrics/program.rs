//! The program and its flag.

use std::io::Write;
use std::net::TcpListener;
use std::os::unix::net::UnixStream;

use crate::program::{Serving, forebay, stderr};
use crate::support::http::Answer;
use crate::support::*;

const SHARD: &str = "[shards.a]\nurl = \"sqlite::memory:\"\n";

fn health(path: &std::path::Path) -> Answer {
    let mut stream = UnixStream::connect(path).unwrap();
    let request = b"GET /healthz HTTP/1.1\r\nHost: test\r\n\r\n";
    stream.write_all(request).unwrap();
    Answer::read(stream)
}

#[test]
fn the_flag_or_the_file_says_where() {
    let folder = folder();
    let (file, flag) = (
        folder.path().join("file.sock"),
        folder.path().join("flag.sock"),
    );
    let config = format!(
        "[server]\nhttp_listen = \"unix:{}\"\n{SHARD}",
        file.display()
    );
    let serving = Serving::new(&config, &[]);
    assert_eq!(health(&file).status, 200);
    drop(serving);
    let argument = format!("unix:{}", flag.display());
    let _serving = Serving::new(&config, &["--http-listen", &argument]);
    assert_eq!(health(&flag).status, 200);
    assert!(UnixStream::connect(&file).is_err());
}

#[test]
fn an_address_that_is_taken_is_told() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let folder = folder();
    let file = folder.path().join("forebay.toml");
    std::fs::write(&file, SHARD).unwrap();
    let arguments = [
        "serve",
        "--listen",
        "127.0.0.1:0",
        "--http-listen",
        &address,
    ];
    let config = ["--config", file.to_str().unwrap()];
    let output = forebay(&[&arguments[..], &config].concat());
    assert_eq!(output.status.code(), Some(69));
    let told = stderr(&output);
    assert!(
        told.contains(&format!("cannot listen on {address}")),
        "{told}"
    );
    assert!(told.contains("choose another with --http-listen"), "{told}");
}
