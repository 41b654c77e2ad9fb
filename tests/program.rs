//! The program itself, as a person or an init system starts it.

use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;

use forebay::config::ListenAddress;
use forebay::operation::{Batch, BatchMode, Params, Step};
use forebay::rpc::Client;
use forebay::value::Value;

use crate::support::shard::step;
use crate::support::*;

pub fn forebay(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_forebay"))
        .args(args)
        .output()
        .unwrap()
}

pub fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

pub fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

/// `forebay serve` on a file; ended when dropped.
pub struct Serving {
    child: Child,
    address: String,
    log: BufReader<std::process::ChildStderr>,
    _folder: tempfile::TempDir,
}

impl Serving {
    pub fn new(shards: &str, args: &[&str]) -> Serving {
        let folder = folder();
        let file = folder.path().join("forebay.toml");
        fs::write(&file, shards).unwrap();
        let mut child = Command::new(env!("CARGO_BIN_EXE_forebay"))
            .args(["serve", "--listen", "127.0.0.1:0", "--config"])
            .arg(&file)
            .args(args)
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut log = BufReader::new(child.stderr.take().unwrap());
        let mut line = String::new();
        while !line.contains("listening") {
            line.clear();
            assert!(log.read_line(&mut line).unwrap() > 0, "it does not listen");
        }
        let at = line
            .find("127.0.0.1:")
            .unwrap_or_else(|| panic!("no address in {line:?}"));
        let is_part = |c: &char| c.is_ascii_digit() || ".:".contains(*c);
        let address = line[at..].chars().take_while(is_part).collect();
        Serving {
            child,
            address,
            log,
            _folder: folder,
        }
    }

    fn signal(&self, name: &str) {
        let pid = self.child.id().to_string();
        assert!(
            Command::new("kill")
                .args(["-s", name, &pid])
                .status()
                .unwrap()
                .success()
        );
    }

    pub fn query(&self, args: &[&str]) -> Output {
        forebay(&[&["query", "--to", &self.address][..], args].concat())
    }

    /// The exit code, and the rest of the log.
    fn end(mut self) -> (Option<i32>, String) {
        let mut log = String::new();
        self.log.read_to_string(&mut log).unwrap();
        (self.child.wait().unwrap().code(), log)
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

/// The most memory that a process has ever taken, in bytes.
fn memory_peak(pid: u32) -> usize {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kibibytes = line.unwrap().trim().strip_suffix(" kB").unwrap();
    kibibytes.parse::<usize>().unwrap() << 10
}

/// As columns, and as the reply's bytes; not as a million texts.
#[test]
fn many_short_rows_take_what_their_reply_takes() {
    const RESULT_MAX_BYTES: usize = 16_000_000;
    const BESIDES: usize = 16_000_000;
    let serving = Serving::new(&main_shard(), &[]);
    let address = ListenAddress::Tcp(serving.address.clone());
    let mut client = Client::connect(&address, Duration::from_secs(30)).unwrap();
    client.run("main", "SELECT 1", &[]);
    let before = memory_peak(serving.child.id());
    let many = "SELECT CONCAT('row', seq) FROM seq_1_to_1000000";
    let rows = client.run("main", many, &[]).rows.unwrap();
    assert_eq!(rows.row_count, 1_000_000);
    let grown = memory_peak(serving.child.id()) - before;
    assert!(grown < 2 * RESULT_MAX_BYTES + BESIDES, "{grown} bytes");
}

/// A long statement for many short rows: each time it is sent it is made anew.
#[test]
fn many_rows_of_a_long_statement_take_the_memory_of_one() {
    const BESIDES: usize = 16_000_000;
    let serving = Serving::new(&main_shard(), &[]);
    let address = ListenAddress::Tcp(serving.address.clone());
    let mut client = Client::connect(&address, Duration::from_secs(30)).unwrap();
    client.run("main", "CREATE TABLE t (n INT)", &[]);
    let many = |length: usize| {
        let step = Step {
            rows: Some(vec![Params::Positional(vec![Value::Int(1)]); 1_300]),
            ..step(
                &format!("UPDATE t SET n = ? /* {} */", "x".repeat(length)),
                &[],
            )
        };
        Batch {
            mode: BatchMode::Atomic,
            steps: vec![step],
        }
    };
    client.batch("main", many(1)).unwrap();
    let before = memory_peak(serving.child.id());
    client.batch("main", many(200_000)).unwrap();
    let grown = memory_peak(serving.child.id()) - before;
    assert!(grown < BESIDES, "{grown} bytes");
}

fn main_shard() -> String {
    let (port, database) = (mysql_port(), new_database());
    format!("[shards.main]\nurl = \"mysql://root@127.0.0.1:{port}/{database}\"\n")
}

#[test]
fn a_signal_finishes_what_is_in_flight_and_exits_0() {
    for signal in ["TERM", "INT"] {
        let serving = Serving::new(&main_shard(), &[]);
        std::thread::scope(|scope| {
            let last = scope
                .spawn(|| serving.query(&["--shard", "main", "SELECT SLEEP(0.5) AS last_one"]));
            wait_until("it runs", || running_like("AS last_one") == 1);
            serving.signal(signal);
            let last = last.join().unwrap();
            assert_eq!(last.status.code(), Some(0), "{}", stderr(&last));
        });
        let (code, log) = serving.end();
        assert_eq!(code, Some(0), "{log}");
        assert!(log.contains("draining"), "{log}");
    }
}

#[test]
fn a_second_signal_exits_at_once() {
    let serving = Serving::new(&main_shard(), &[]);
    std::thread::scope(|scope| {
        let sql = "SELECT SLEEP(30) AS never_ends";
        scope.spawn(|| serving.query(&["--shard", "main", "--timeout-ms", "30000", sql]));
        wait_until("it runs", || running_like("AS never_ends") == 1);
        serving.signal("TERM");
        // Two that come as one would count as one.
        std::thread::sleep(std::time::Duration::from_millis(300));
        serving.signal("TERM");
    });
    let (code, log) = serving.end();
    assert_eq!(code, Some(130), "{log}");
}

/// The sessions give way, so that they cannot take the pools' descriptors.
#[test]
fn a_limit_on_open_files_is_taken_from_the_sessions() {
    let folder = folder();
    let file = folder.path().join("forebay.toml");
    fs::write(&file, "[shards.mem]\nurl = \"sqlite::memory:\"\n").unwrap();
    let script = "ulimit -n 500 && exec \"$0\" serve --listen 127.0.0.1:0 --config \"$1\"";
    let mut child = Command::new("sh")
        .args(["-c", script, env!("CARGO_BIN_EXE_forebay")])
        .arg(&file)
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    let log = child.stderr.take().unwrap();
    BufReader::new(log).read_line(&mut line).unwrap();
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(line.contains("sessions_max is lowered"), "{line}");
    assert!(line.contains("effective=236"), "{line}");
}

#[test]
fn the_log_holds_no_values() {
    let shards = format!("{}[shards.mem]\nurl = \"sqlite::memory:\"\n", main_shard());
    let serving = Serving::new(&shards, &["--log-format", "json", "--log-level", "trace"]);
    for (sql, param) in [
        ("SELECT ?", "very-secret-1"),
        ("SELECT * FROM nothing WHERE a=?", "very-secret-2"),
    ] {
        for shard in ["main", "mem"] {
            serving.query(&["--shard", shard, sql, param]);
        }
    }
    serving.signal("TERM");
    let (code, log) = serving.end();
    assert_eq!(code, Some(0));
    assert!(
        log.lines()
            .all(|line| line.starts_with('{') && line.ends_with('}')),
        "{log}"
    );
    assert!(log.contains("request failed"), "{log}");
    assert!(!log.contains("very-secret"), "{log}");
}

#[test]
fn query_prints_in_three_formats() {
    let serving = Serving::new("[shards.mem]\nurl = \"sqlite::memory:\"\n", &[]);
    let sql = "SELECT ? AS n, ? AS t, NULL AS z";
    let run = |format: &str| {
        let output = serving.query(&["--shard", "mem", "--format", format, sql, "7", "a,\"b"]);
        assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
        stdout(&output)
    };
    assert_eq!(run("csv"), "n,t,z\r\n7,\"a,\"\"b\",\r\n");
    let json: serde_json::Value = serde_json::from_str(&run("json")).unwrap();
    assert_eq!(json, serde_json::json!([{"n": 7, "t": "a,\"b", "z": null}]));
    let table = run("table");
    assert!(table.contains("| n | t    | z    |\n"), "{table}");
    assert!(table.ends_with("1 row\n"), "{table}");
}

#[test]
fn query_fails_with_code_and_message() {
    let serving = Serving::new("[shards.mem]\nurl = \"sqlite::memory:\"\n", &[]);
    let refused = serving.query(&["--shard", "men", "SELECT 1"]);
    assert_eq!(refused.status.code(), Some(1));
    assert!(
        stderr(&refused).contains("UNKNOWN_SHARD"),
        "{}",
        stderr(&refused)
    );
    let typo = serving.query(&["--shard", "mem", "SELECT ?", "int:x"]);
    assert_eq!(typo.status.code(), Some(64));
    assert!(stderr(&typo).contains("int:-7"), "{}", stderr(&typo));
    let nobody = forebay(&["query", "--to", "127.0.0.1:1", "--shard", "mem", "SELECT 1"]);
    assert_eq!(nobody.status.code(), Some(69));
    assert!(
        stderr(&nobody).contains("cannot connect to 127.0.0.1:1"),
        "{}",
        stderr(&nobody)
    );
}

#[test]
fn query_counts_what_it_changed() {
    let serving = Serving::new("[shards.mem]\nurl = \"sqlite::memory:\"\n", &[]);
    let run = |format: &str, sql: &str| {
        let output = serving.query(&["--shard", "mem", "--format", format, sql]);
        assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
        stdout(&output)
    };
    let insert = "INSERT INTO t VALUES (1), (2)";
    run("table", "CREATE TABLE t (id INTEGER PRIMARY KEY)");
    assert_eq!(run("table", insert), "affected rows: 2, insert id: 2\n");
    let delete = run("csv", "DELETE FROM t WHERE id = 1");
    assert_eq!(delete.lines().next(), Some("affected_rows,insert_id"));
    assert_eq!(delete.lines().nth(1), Some("1,0"));
    let update = run("json", "UPDATE t SET id = 3");
    let json: serde_json::Value = serde_json::from_str(&update).unwrap();
    assert_eq!(
        json,
        serde_json::json!({"affected_rows": 1, "insert_id": 0})
    );
}

#[test]
fn query_takes_a_shard_or_all_shards() {
    let refused = |which: &[&str], says: &str| {
        let args = [&["query", "--to", "127.0.0.1:1"], which, &["SELECT 1"]].concat();
        let output = forebay(&args);
        assert_eq!(output.status.code(), Some(64), "{}", stderr(&output));
        assert!(stderr(&output).contains(says), "{}", stderr(&output));
    };
    refused(&[], "<--shard <NAME>|--all-shards>");
    refused(&["--all-shards", "--shard", "a"], "cannot be used with");
    let nobody = forebay(&["query", "--to", "127.0.0.1:1", "--all-shards", "SELECT 1"]);
    assert_eq!(nobody.status.code(), Some(69));
    let told = stderr(&nobody);
    assert!(told.contains("cannot connect to 127.0.0.1:1"), "{told}");
}

#[test]
fn a_faulty_configuration_is_told_whole_with_exit_code_64() {
    let folder = folder();
    let file = folder.path().join("bad.toml");
    let text =
        "[server]\nlisen = []\n[shards.a]\nurl = \"mysql://nobody\"\npool_max_connections = 0\n";
    fs::write(&file, text).unwrap();
    for command in ["serve", "check"] {
        let output = forebay(&[command, "--config", file.to_str().unwrap()]);
        assert_eq!(output.status.code(), Some(64));
        let told = stderr(&output);
        for part in [
            "server.lisen",
            "listen",
            "shards.a.url",
            "shards.a.pool_max_connections",
        ] {
            assert!(told.contains(part), "{part} is not in {told}");
        }
    }
    let missing = forebay(&["serve", "--config", "/nowhere/forebay.toml"]);
    assert_eq!(missing.status.code(), Some(64));
    assert!(stderr(&missing).contains("/nowhere/forebay.toml"));
    assert_eq!(forebay(&["sreve"]).status.code(), Some(64));
}

#[test]
fn check_prints_what_it_found() {
    let folder = folder();
    let file = folder.path().join("forebay.toml");
    let dead = "[shards.dead]\nurl = \"mysql://root@127.0.0.1:1/x\"\n";
    fs::write(&file, main_shard()).unwrap();
    let well = forebay(&["check", "--config", file.to_str().unwrap()]);
    assert_eq!(well.status.code(), Some(0), "{}", stderr(&well));
    let table = stdout(&well);
    for part in [
        "version",
        "latency",
        "read only",
        "sql_mode",
        "MariaDB",
        "STRICT_TRANS_TABLES",
    ] {
        assert!(table.contains(part), "{part} is not in {table}");
    }
    fs::write(&file, main_shard() + dead).unwrap();
    let partly = forebay(&["check", "--config", file.to_str().unwrap()]);
    assert_eq!(partly.status.code(), Some(69));
    assert!(stdout(&partly).contains("MariaDB"));
    assert!(
        stderr(&partly).contains("shard `dead`"),
        "{}",
        stderr(&partly)
    );
}

#[test]
fn help_completions_and_man_page_are_there() {
    let help = stdout(&forebay(&["--help"]));
    for part in [
        "serve",
        "demo",
        "check",
        "query",
        "Start here",
        "Exit codes",
    ] {
        assert!(help.contains(part), "{part} is not in {help}");
    }
    let help = stdout(&forebay(&["query", "--help"]));
    for part in ["decimal:12.30", "--all-shards", "--shard <NAME>"] {
        assert!(help.contains(part), "{part} is not in {help}");
    }
    for shell in ["bash", "zsh", "fish"] {
        assert!(stdout(&forebay(&["completions", shell])).contains("forebay"));
    }
    let man = stdout(&forebay(&["man"]));
    assert!(
        man.contains(".TH") && man.contains("FOREBAY QUERY") && man.contains("all\\-shards"),
        "{man}"
    );
    let config = stdout(&forebay(&["config"]));
    assert!(forebay::config::Config::parse(&config, ".".as_ref()).is_ok());
}
