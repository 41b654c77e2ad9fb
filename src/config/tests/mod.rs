//! The configuration from its text: what comes out, and every fault by its exact
//! message. A bad value is a test of its own, through `bad!`.

mod addresses;
mod example;
mod long_statements;
mod server_faults;
mod shard_faults;
mod url_faults;
mod valid;

use std::ffi::OsString;
use std::path::Path;

use proptest::prelude::*;

use super::{Config, ConfigErrors, parse};

/// Parses with three environment variables and no other; relative paths are
/// under `/srv/forebay`, which need not exist.
fn parse_text(text: &str) -> Result<Config, ConfigErrors> {
    parse_in(text, Path::new("/srv/forebay"))
}

fn parse_in(text: &str, base_dir: &Path) -> Result<Config, ConfigErrors> {
    let environment = |name: &str| match name {
        "USERS_PASSWORD" => Some(OsString::from("s3cret")),
        "EMPTY" => Some(OsString::new()),
        #[cfg(unix)]
        "NOT_UTF8" => Some(std::os::unix::ffi::OsStringExt::from_vec(vec![0xff])),
        _ => None,
    };
    parse(text, "forebay.toml", base_dir, &environment)
}

fn valid(text: &str) -> Config {
    parse_text(text).unwrap_or_else(|errors| panic!("{errors}"))
}

/// All the faults of a text, each in its line, and without their count.
fn faults_of(text: &str) -> String {
    let Err(errors) = parse_text(text) else {
        panic!("no fault in:\n{text}");
    };
    let shown = errors.to_string();
    let (faults, _) = shown.rsplit_once('\n').expect("faults and their count");
    faults.to_owned()
}

/// One test for each: what is at fault, and the fault as it is displayed without
/// `forebay.toml:`. A valid shard is added where it does not matter which.
macro_rules! bad {
    ($wrap:path; $($name:ident: $text:expr => $fault:expr;)+) => {$(
        #[test]
        fn $name() {
            let text = $wrap($text);
            let expected = format!("forebay.toml:{}", $fault);
            assert_eq!($crate::config::tests::faults_of(&text), expected, "in:\n{text}");
        }
    )+};
}
use bad;

#[test]
fn every_fault_is_reported_at_once() {
    let text = r#"
[server]
listen = ["127.0.0.1:9090", "nowhere"]
io_threads = 0
wirte_timeout_ms = 5

[log]
level = "loud"

[shards.users]
url = "mysql://app:secret@db/users"
pool_max_connections = "8"
charset = "gbk"
tls_cert_file = 1

[shards.Users]
queue_max_requests = 1000000
"#;
    let errors = parse_text(text).expect_err("faulty");
    let lines: Vec<_> = errors.faults().iter().map(|fault| fault.line).collect();
    let expected = [3, 4, 5, 8, 11, 12, 13, 14, 14, 16, 16, 17].map(Some);
    assert_eq!(lines, expected, "{errors}");
    let shown = errors.to_string();
    assert!(shown.ends_with("\n12 faults in forebay.toml"), "{shown}");
    assert!(!shown.contains("secret"), "{shown}");
}

#[test]
fn faults_of_a_default_are_told_once() {
    let text = "[shard_defaults]\nidle_timeout_ms = 7200000\n\
                [shards.a]\nurl = \"sqlite::memory:\"\n[shards.b]\nurl = \"sqlite::memory:\"";
    assert_eq!(
        faults_of(text),
        "forebay.toml:2: shard_defaults.idle_timeout_ms: 7200000 is more than the default of \
         max_lifetime_ms, which is 1800000; lower it, or raise max_lifetime_ms"
    );
}

#[test]
fn a_file_that_is_not_there_is_a_fault() {
    let errors = Config::load(Path::new("/nowhere/forebay.toml")).expect_err("no such file");
    assert_eq!(
        errors.to_string(),
        "/nowhere/forebay.toml: cannot be read (No such file or directory (os error 2)); give the \
         path of a configuration file that the service may read\n1 fault in /nowhere/forebay.toml"
    );
}

#[test]
fn a_file_that_is_not_text_is_a_fault() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let path = folder.path().join("forebay.toml");
    std::fs::write(&path, b"[server]\n\xff").expect("written");
    let errors = Config::load(&path).expect_err("not UTF-8");
    let [fault] = errors.faults() else {
        panic!("{errors}");
    };
    assert_eq!(fault.line, Some(2));
    assert_eq!(fault.message, "is not UTF-8 text; save the file as UTF-8");
}

#[test]
fn ten_thousand_duplicates_take_no_time() {
    let text = "x = 1\n".repeat(10_000);
    assert_eq!(parse_text(&text).expect_err("faulty").faults().len(), 100);
}

/// Pieces of which a configuration is made, so that random ones get far.
const PIECES: &[&str] = &[
    "[server]\n",
    "[log]\n",
    "[shard_defaults]\n",
    "[shards.a]\n",
    "[shards.A]\n",
    "[[shards]]\n",
    "shards.b.url = ",
    "url = ",
    "listen = ",
    "sql_mode = ",
    "time_zone = ",
    "collation = ",
    "io_threads = ",
    "max_lifetime_ms = ",
    "pool_max_connections = ",
    "transactions_max = ",
    "long_statements_max = ",
    "statements = ",
    "prepared_statements_max = ",
    "password_env = ",
    "\"mysql://u@h/d\"\n",
    "\"mysql+unix://u@localhost/?socket=/s\"\n",
    "\"sqlite::memory:\"\n",
    "\"+00:00\"\n",
    "[\"x\", 1]\n",
    "{ x = 1, x = 2 }\n",
    "-99999999999999999999999999999999999999999999\n",
    "0\n",
    "1\n",
    "1000\n",
    "\"\"\n",
    "\"é\"\n",
    "=",
    "[",
    "\"",
    "\n",
];

proptest! {
    #[test]
    fn arbitrary_text_never_panics(text in any::<String>()) {
        let _ = parse_text(&text);
    }

    #[test]
    fn arbitrary_pieces_never_panic(pieces in prop::collection::vec(0..PIECES.len(), 0..40)) {
        let text: String = pieces.into_iter().map(|piece| PIECES[piece]).collect();
        if let Err(errors) = parse_text(&text) {
            prop_assert!(!errors.faults().is_empty());
        }
    }

    #[test]
    fn arbitrary_urls_and_addresses_never_panic(
        rest in any::<String>(),
        scheme in prop::sample::select(
            vec!["", "mysql://", "mysql://u@", "mysql+unix://u@localhost/?socket=", "sqlite:"],
        ),
    ) {
        let _ = super::Target::from_url(&format!("{scheme}{rest}"), Path::new(""));
        let _ = rest.parse::<super::ListenAddress>();
    }
}
