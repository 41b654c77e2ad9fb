//! The limit to compare with: the `mysql` crate asking the database itself, with
//! a thread for each connection and the same statement as escaped text.

use std::io;
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Barrier, Mutex, OnceLock, PoisonError};
use std::thread;
use std::time::Instant;

use mysql::prelude::Queryable;
use mysql::{Conn, Opts, OptsBuilder};
use serde_json::Value;

use crate::args::{DirectArgs, Request};
use crate::call::{NAP_SQL, POINT_SQL, SLEEP_SQL};
use crate::closed::Ids;
use crate::tally::{Tally, Usage, Window};

pub fn measure(options: &DirectArgs) -> io::Result<Value> {
    let connections: Vec<Conn> = (0..options.connections)
        .map(|_| Conn::new(database(options)).map_err(io::Error::other))
        .collect::<io::Result<_>>()?;
    // Threads that ran already would keep a shared core from starting the others.
    let everyone_is_there = Barrier::new(connections.len() + 1);
    let opened = OnceLock::new();
    let mut total = Tally::new()?;
    thread::scope(|scope| {
        let (everyone_is_there, opened) = (&everyone_is_there, &opened);
        let threads: Vec<_> = connections
            .into_iter()
            .zip(1..)
            .map(|(connection, seed)| {
                let ids = Ids::seeded(options.rows, seed);
                scope.spawn(move || {
                    everyone_is_there.wait();
                    let opened = opened.get().ok_or(io::ErrorKind::NotFound)?;
                    ask(connection, options.request, ids, opened)
                })
            })
            .collect();
        opened.get_or_init(|| Opened::now(options));
        everyone_is_there.wait();
        for thread in threads {
            let tally = thread.join();
            total.add(&tally.map_err(|_| io::Error::other("a thread has panicked"))??)?;
        }
        Ok::<_, io::Error>(())
    })?;
    let opened = opened.into_inner().ok_or(io::ErrorKind::NotFound)?;
    let usage = opened.usage.into_inner();
    Ok(usage.unwrap_or_else(PoisonError::into_inner).result(&total))
}

/// The window that all threads have, and what is looked at when it opens and closes:
/// by whichever thread comes first, since one of its own would wait for its turn
/// behind a thousand others.
struct Opened<'a> {
    window: Window,
    looks: AtomicU8,
    usage: Mutex<Usage<'a>>,
}

impl<'a> Opened<'a> {
    fn now(options: &'a DirectArgs) -> Opened<'a> {
        let window = Window::from_now(&options.window);
        Opened {
            window,
            looks: AtomicU8::new(0),
            usage: Mutex::new(Usage::new(&options.window.watch, window)),
        }
    }

    fn look(&self, now: Instant) -> io::Result<()> {
        let looks = self.looks.load(Ordering::Relaxed);
        let due = match looks {
            0 => self.window.begin,
            1 => self.window.end,
            _ => return Ok(()),
        };
        let next = looks + 1;
        let relaxed = Ordering::Relaxed;
        let swapped = || self.looks.compare_exchange(looks, next, relaxed, relaxed);
        if now >= due && swapped().is_ok() {
            let mut usage = self.usage.lock().unwrap_or_else(PoisonError::into_inner);
            usage.has_ended(now)?;
        }
        Ok(())
    }
}

fn database(options: &DirectArgs) -> Opts {
    let builder = OptsBuilder::new()
        .user(Some(&options.user))
        .pass(Some(&options.password))
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

fn ask(
    mut connection: Conn,
    request: Request,
    mut ids: Ids,
    opened: &Opened<'_>,
) -> io::Result<Tally> {
    let window = &opened.window;
    let mut tally = Tally::new()?;
    let mut now = Instant::now();
    while now < window.end {
        let due = now;
        let id = ids.next();
        let right = is_answered(&mut connection, request, id).map_err(io::Error::other)?;
        now = Instant::now();
        if window.holds(now) {
            tally.count(now - due, right);
        }
        opened.look(now)?;
    }
    Ok(tally)
}

fn is_answered(connection: &mut Conn, request: Request, id: i64) -> mysql::Result<bool> {
    match request {
        Request::Ping => connection.ping().map(|()| true),
        Request::Point => {
            let literal = mysql::Value::from(id).as_sql(connection.no_backslash_escape());
            let row: Option<(i64, String)> =
                connection.query_first(POINT_SQL.replace('?', &literal))?;
            Ok(row.is_some_and(|row| row.0 == id))
        }
        Request::Sleep => Ok(connection.query_first(SLEEP_SQL)? == Some(0)),
        Request::Nap => Ok(connection.query_first(NAP_SQL)? == Some(0)),
    }
}
