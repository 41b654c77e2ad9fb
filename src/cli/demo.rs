//! `forebay demo`: the service on two embedded shards, with nothing installed.
//! It calls itself as any client would, shows what was said, and goes on serving.

use std::time::Duration;

use super::args::DemoArgs;
use super::{Failure, log, output, serve};
use crate::cli::args::Format;
use crate::config::{
    Config, ListenAddress, LogConfig, LogLevel, ServerConfig, ShardConfig, SqliteTarget, Target,
};
use crate::operation::ParamStyle;
use crate::rpc::{Client, ClientError};
use crate::value::Value;

const CALL_TIMEOUT: Duration = Duration::from_secs(10);

/// Few enough for any machine's limit on open files.
const SESSIONS_MAX: usize = 500;

const CREATE_USERS: &str = "CREATE TABLE users (\
     id INTEGER PRIMARY KEY AUTOINCREMENT, \
     username VARCHAR(64) NOT NULL UNIQUE, \
     password VARCHAR(64) NOT NULL, \
     created DATETIME NOT NULL DEFAULT CURRENT_TIMESTAMP)";

const CREATE_FOLLOW_USER: &str = "CREATE TABLE follow_user (\
     user_id1 INTEGER NOT NULL, \
     user_id2 INTEGER NOT NULL, \
     PRIMARY KEY (user_id1, user_id2))";

/// Rows of `users`; each follows the `FOLLOWED` after it.
const USERS: i64 = 300;
const FOLLOWED: i64 = 2;

pub(super) fn run(args: &DemoArgs) -> Result<(), Failure> {
    let quiet = LogConfig {
        level: LogLevel::Warn,
        ..LogConfig::default()
    };
    log::start(quiet, &args.log);
    let embedded = |name: &str| ShardConfig::new(name, Target::Sqlite(SqliteTarget::Memory));
    let config = Config {
        server: ServerConfig {
            sessions_max: SESSIONS_MAX,
            ..ServerConfig::default()
        },
        shards: vec![embedded("slave001"), embedded("users")],
        ..Config::default()
    };
    let service = serve::start(&config, std::slice::from_ref(&args.listen), None)?;
    let address = service.addresses()[0].clone();
    let failed = |error: ClientError| Failure::refused(format!("the demo failed: {error}"));
    let mut client = Client::connect(&address, CALL_TIMEOUT).map_err(failed)?;
    fill(&mut client).map_err(failed)?;
    let text = examples(&mut client, &address).map_err(failed)?;
    drop(client);
    output::print(text.as_bytes())?;
    service.wait();
    Ok(())
}

fn fill(client: &mut Client) -> Result<(), ClientError> {
    let user = |number: i64| {
        let name = format!("user{number:03}");
        let password = format!("secret{number}");
        vec![Value::Text(name), Value::Text(password)]
    };
    let follows = |number: i64| {
        (1..=FOLLOWED).map(move |step| {
            let followed = (number + step - 1) % USERS + 1;
            vec![Value::Int(number), Value::Int(followed)]
        })
    };
    client.execute("users", CREATE_USERS, Vec::new(), ParamStyle::Native)?;
    let rows = (1..=USERS).map(user).collect();
    client.insert("users", "users", &["username", "password"], rows)?;
    for shard in ["slave001", "users"] {
        client.execute(shard, CREATE_FOLLOW_USER, Vec::new(), ParamStyle::Native)?;
    }
    let rows = (1..=USERS).flat_map(follows).collect();
    client.insert("slave001", "follow_user", &["user_id1", "user_id2"], rows)?;
    Ok(())
}

/// Runs the three examples and tells them, and what to paste to go on.
fn examples(client: &mut Client, address: &ListenAddress) -> Result<String, ClientError> {
    let text = |text: &str| Value::Text(text.to_owned());
    let calls: [(&str, &str, Vec<Value>); 3] = [
        (
            "slave001",
            "DELETE FROM follow_user WHERE user_id1=%s AND user_id2=%s",
            vec![Value::Int(1), Value::Int(2)],
        ),
        (
            "users",
            "INSERT INTO users (username, password) VALUES (%s, %s)",
            vec![text("ada"), text("it's \"quoted\"")],
        ),
        (
            "users",
            "SELECT id, username, password FROM users WHERE username IN (%s, %s) ORDER BY id",
            vec![text("user001"), text("ada")],
        ),
    ];
    let mut told = format!("Forebay serves the shards `slave001` and `users` on {address}.\n");
    for (shard, sql, params) in calls {
        let shown: Vec<String> = params.iter().map(show).collect();
        told += &format!(
            "\n> {sql}\n  with ({}) on shard `{shard}`\n",
            shown.join(", ")
        );
        let executed = client.execute(shard, sql, params, ParamStyle::Pyformat)?;
        let answer = output::format_answer(&executed.into(), Format::Table);
        told += &String::from_utf8_lossy(&answer);
    }
    Ok(told + &instructions(address))
}

fn show(value: &Value) -> String {
    match value {
        Value::Int(number) => number.to_string(),
        Value::Text(text) => format!("{text:?}"),
        other => format!("{other:?}"),
    }
}

fn instructions(address: &ListenAddress) -> String {
    let remote_hint = match address {
        ListenAddress::Tcp(address) => format!(
            r#"
From Python, in this repository:

PYTHONPATH=clients/python/src python3 - <<'END'
import forebay

with forebay.connect(host={host:?}, port={port}, database="users", autocommit=True) as connection:
    with connection.cursor() as cursor:
        cursor.execute("SELECT id, username FROM users WHERE id < %s", (4,))
        print(cursor.fetchall())
END

With the generated command-line client (`pip install thrift`):

PYTHONPATH=gen/py python3 gen/py/forebay_thrift/Forebay-remote -h {address} \
  query "QueryRequest('users', Statement('SELECT COUNT(*) FROM users'))"
"#,
            host = address
                .rsplit_once(':')
                .map_or(address.as_str(), |(host, _)| host.trim_matches(['[', ']'])),
            port = address.rsplit_once(':').map_or("9090", |(_, port)| port),
        ),
        ListenAddress::Unix(_) => String::new(),
    };
    let program = std::env::args().next();
    let program = program.as_deref().unwrap_or("forebay");
    format!(
        "{remote_hint}\nFrom the shell:\n\n\
         {program} query --to {address} --shard users 'SELECT * FROM users WHERE username=?' ada\n\n\
         Serving until Ctrl-C.\n"
    )
}
