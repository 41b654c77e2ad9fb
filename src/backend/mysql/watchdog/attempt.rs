//! Attempts to connect. Until one has succeeded its socket is known to nobody but
//! the `mysql` crate, so that it is marked and searched for: by two settings that
//! have no effect, since keepalive probes are not enabled.

use std::fs;
use std::net::Shutdown;
use std::os::fd::{AsRawFd, BorrowedFd, RawFd};
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use mysql::OptsBuilder;
use socket2::{SockRef, TcpKeepalive};

use super::{Watchdog, Watched, lock};

/// Between two searches for the sockets of the same attempts, of which there are
/// none while names are resolved; each looks at every descriptor that is open.
const SEARCH_PERIOD: Duration = Duration::from_millis(200);

impl Watchdog {
    /// Watches an attempt to connect, and what is asked on the new connection,
    /// until that is dropped: all of it may take `patience`.
    pub(in crate::backend::mysql) fn attempt(&self, patience: Duration) -> Attempt {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let state = Arc::new(AttemptState {
            mark: Mark::new(NEXT.fetch_add(1, Ordering::Relaxed)),
            until: Mutex::new(Instant::now() + patience),
            searched: AtomicBool::new(false),
        });
        lock(&self.0.attempts).push(state.clone());
        Attempt {
            state,
            watched: self.0.clone(),
        }
    }
}

/// An attempt to connect that is under way.
pub(in crate::backend::mysql) struct Attempt {
    state: Arc<AttemptState>,
    watched: Arc<Watched>,
}

pub(super) struct AttemptState {
    mark: Mark,
    until: Mutex<Instant>,
    searched: AtomicBool,
}

impl Attempt {
    /// What the connection is to be opened with, to be found meanwhile.
    pub(in crate::backend::mysql) fn options(&self, options: &mysql::Opts) -> OptsBuilder {
        OptsBuilder::from_opts(options.clone())
            .tcp_keepalive_probe_interval_secs(Some(self.state.mark.interval_secs))
            .tcp_keepalive_probe_count(Some(self.state.mark.count))
    }

    /// Its time is over, which may be why it failed.
    pub(in crate::backend::mysql) fn is_late(&self) -> bool {
        Instant::now() >= self.state.until()
    }

    /// It goes well: all that is still to be asked may take so long.
    pub(in crate::backend::mysql) fn extend(&self, patience: Duration) {
        *lock(&self.state.until) = Instant::now() + patience;
    }

    /// The connection is open, and nobody's to search for any more.
    pub(in crate::backend::mysql) fn done(self, connection: &mysql::Conn) {
        // SAFETY: the connection is there, and so is its descriptor.
        let descriptor = unsafe { BorrowedFd::borrow_raw(connection.as_raw_fd()) };
        let socket = SockRef::from(&descriptor);
        let usual = TcpKeepalive::new()
            .with_interval(Mark::USUAL_INTERVAL)
            .with_retries(Mark::USUAL_COUNT);
        // This enables the probes too. A Unix socket has none, and no mark.
        if socket.set_tcp_keepalive(&usual).is_ok() {
            let _ = socket.set_keepalive(false);
        }
    }
}

impl Drop for Attempt {
    fn drop(&mut self) {
        lock(&self.watched.attempts).retain(|state| !Arc::ptr_eq(state, &self.state));
    }
}

impl AttemptState {
    fn until(&self) -> Instant {
        *lock(&self.until)
    }
}

/// Ends attempts that are late.
#[derive(Default)]
pub(super) struct Search {
    last: Option<Instant>,
}

impl Search {
    /// However many are late, they are searched for together.
    pub(super) fn end_late(&mut self, attempts: &[Arc<AttemptState>], now: Instant) {
        let late = attempts.iter().filter(|state| now >= state.until());
        let (mut marks, mut has_new) = (Vec::new(), false);
        for state in late {
            marks.push(state.mark);
            has_new |= !state.searched.swap(true, Ordering::Relaxed);
        }
        let is_time = self.last.is_none_or(|last| now >= last + SEARCH_PERIOD);
        if !marks.is_empty() && (has_new || is_time) {
            self.last = Some(now);
            shut_sockets(&marks);
        }
    }
}

fn shut_sockets(marks: &[Mark]) {
    let Ok(descriptors) = fs::read_dir("/proc/self/fd") else {
        return;
    };
    let names = descriptors.flatten().map(|entry| entry.file_name());
    let numbers = names.filter_map(|name| name.to_str()?.parse::<RawFd>().ok());
    let is_marked = |socket: &SockRef<'_>| Mark::on(socket).is_some_and(|on| marks.contains(&on));
    for number in numbers {
        // SAFETY: it may be closed meanwhile, or be another's: then asking for the
        // mark fails, or finds none. What is shut is a duplicate that has it.
        let descriptor = unsafe { BorrowedFd::borrow_raw(number) };
        if is_marked(&SockRef::from(&descriptor))
            && let Ok(own) = descriptor.try_clone_to_owned()
            && is_marked(&SockRef::from(&own))
        {
            let _ = SockRef::from(&own).shutdown(Shutdown::Both);
        }
    }
}

/// What tells the socket of one attempt from all others.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Mark {
    interval_secs: u32,
    count: u32,
}

impl Mark {
    /// The greatest that Linux takes (`MAX_TCP_KEEPINTVL`, `MAX_TCP_KEEPCNT`).
    const INTERVAL_MAX: u32 = 32_767;
    const COUNT_MAX: u32 = 127;

    /// What a socket has if nobody says otherwise.
    const USUAL_INTERVAL: Duration = Duration::from_secs(75);
    const USUAL_COUNT: u32 = 9;

    /// Of four million attempts in a row each has another.
    fn new(number: u32) -> Mark {
        Mark {
            interval_secs: number % Mark::INTERVAL_MAX + 1,
            // None of those that sockets usually have.
            count: number / Mark::INTERVAL_MAX % (Mark::COUNT_MAX - Mark::USUAL_COUNT)
                + Mark::USUAL_COUNT
                + 1,
        }
    }

    /// That of a socket, if it is one of these.
    fn on(socket: &SockRef<'_>) -> Option<Mark> {
        let count = socket.tcp_keepalive_retries().ok()?;
        if count <= Mark::USUAL_COUNT {
            return None;
        }
        let interval = socket.tcp_keepalive_interval().ok()?;
        Some(Mark {
            interval_secs: u32::try_from(interval.as_secs()).ok()?,
            count,
        })
    }
}

#[cfg(test)]
mod tests {
    use std::io::{ErrorKind, Read};
    use std::net::{TcpListener, TcpStream};

    use super::*;

    /// Numbers that no attempt of other tests has.
    fn late(number: u32) -> Arc<AttemptState> {
        Arc::new(AttemptState {
            mark: Mark::new(3_000_000 + number),
            until: Mutex::new(Instant::now()),
            searched: AtomicBool::new(false),
        })
    }

    fn marked(listener: &TcpListener, state: &AttemptState) -> TcpStream {
        let stream = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let keepalive = TcpKeepalive::new()
            .with_interval(Duration::from_secs(state.mark.interval_secs.into()))
            .with_retries(state.mark.count);
        SockRef::from(&stream)
            .set_tcp_keepalive(&keepalive)
            .unwrap();
        stream.set_nonblocking(true).unwrap();
        stream
    }

    fn is_shut(mut stream: &TcpStream) -> bool {
        match stream.read(&mut [0]) {
            Ok(count) => count == 0,
            Err(error) => {
                assert_eq!(error.kind(), ErrorKind::WouldBlock);
                false
            }
        }
    }

    /// Each search looks at every descriptor: while many names are not resolved,
    /// there is one for all of them, and not one each.
    #[test]
    fn late_attempts_are_searched_for_together_and_not_all_the_time() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let states = [late(0), late(1)];
        let streams = states.each_ref().map(|state| marked(&listener, state));
        let other = marked(&listener, &late(2));
        let (mut search, now) = (Search::default(), Instant::now());
        search.end_late(&states, now);
        assert!(streams.iter().all(is_shut));
        let next = marked(&listener, &states[1]);
        search.end_late(&states, now);
        assert!(!is_shut(&next), "looked again at once");
        search.end_late(&states, now + SEARCH_PERIOD);
        assert!(is_shut(&next));
        assert!(!is_shut(&other));
    }
}
