//! The limit to compare with: the `mysql` crate asking the database itself, with
//! a thread for each connection and the same statement as escaped text.

use std::io;
use std::thread;
use std::time::Instant;

use mysql::prelude::Queryable;
use mysql::{Conn, Opts, OptsBuilder};
use serde_json::Value;

use crate::args::DirectArgs;
use crate::call::POINT_SQL;
use crate::closed::Ids;
use crate::tally::{Tally, Usage, Window};

pub fn measure(options: &DirectArgs) -> io::Result<Value> {
    let connections: Vec<Conn> = (0..options.connections)
        .map(|_| Conn::new(database(options)).map_err(io::Error::other))
        .collect::<io::Result<_>>()?;
    let mut usage = Usage::new(&options.window.watch, Window::from_now(&options.window));
    let (begin, end) = (usage.window().begin, usage.window().end);
    let threads: Vec<_> = connections
        .into_iter()
        .zip(1..)
        .map(|(connection, seed)| {
            let ids = Ids::seeded(options.rows, seed);
            thread::spawn(move || ask(connection, ids, &Window { begin, end }))
        })
        .collect();
    for time in [begin, end] {
        thread::sleep(time.saturating_duration_since(Instant::now()));
        usage.has_ended(Instant::now())?;
    }
    let mut total = Tally::new()?;
    for thread in threads {
        let tally = thread
            .join()
            .map_err(|_| io::Error::other("a thread has panicked"))??;
        total.add(&tally)?;
    }
    Ok(usage.result(&total))
}

fn database(options: &DirectArgs) -> Opts {
    let builder = OptsBuilder::new()
        .user(Some("root"))
        .db_name(Some("test"))
        .prefer_socket(false);
    match options.socket.as_deref().and_then(|path| path.to_str()) {
        Some(path) => builder.socket(Some(path)).into(),
        None => builder
            .ip_or_hostname(Some("127.0.0.1"))
            .tcp_port(options.port)
            .into(),
    }
}

fn ask(mut connection: Conn, mut ids: Ids, window: &Window) -> io::Result<Tally> {
    let mut tally = Tally::new()?;
    let mut now = Instant::now();
    while now < window.end {
        let due = now;
        let id = ids.next();
        let literal = mysql::Value::from(id).as_sql(connection.no_backslash_escape());
        let row: Option<(i64, String)> = connection
            .query_first(POINT_SQL.replace('?', &literal))
            .map_err(io::Error::other)?;
        now = Instant::now();
        if window.holds(now) {
            tally.count(now - due, row.is_some_and(|row| row.0 == id));
        }
    }
    Ok(tally)
}
