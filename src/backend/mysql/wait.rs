//! What the `mysql` crate's connection does not offer and its socket does:
//! a time limit on reads that changes from statement to statement, a look at
//! whether the server has hung up, and a way to end a result without reading it.

use std::io;
use std::mem::MaybeUninit;
use std::net::Shutdown;
use std::os::fd::{AsRawFd, BorrowedFd, RawFd};
use std::time::{Duration, Instant};

use socket2::SockRef;

use crate::cancel::Stop;
use crate::error::{Error, ErrorKind, Result};

/// A socket whose reads and writes end at a deadline. It stays usable while a
/// result borrows its connection, and is used no longer than that lives.
#[derive(Clone, Copy)]
pub(super) struct Watch {
    socket: RawFd,
    deadline: Instant,
    /// What the socket was told last.
    limit: Duration,
}

/// A read or write may wait longer than the deadline by one part in so many:
/// most requests have much the same time left, and the socket need not be told.
const SLACK: u32 = 50;

impl Watch {
    pub(super) fn new(connection: &mysql::Conn) -> Watch {
        Watch {
            socket: connection.as_raw_fd(),
            deadline: Instant::now(),
            limit: Duration::ZERO,
        }
    }

    /// From here on nothing waits longer than until `deadline`.
    pub(super) fn start(&mut self, deadline: Instant) -> Result<()> {
        self.deadline = deadline;
        if Instant::now() >= deadline {
            let message = "the deadline passed before the statement was sent";
            return Err(Error::new(ErrorKind::DeadlineExceeded, message));
        }
        self.check()
    }

    /// An error once the deadline has passed; else the next read may wait for
    /// what is left. To be called between reads, each of which may wait.
    pub(super) fn check(&mut self) -> Result<()> {
        let left = self.deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(past_deadline());
        }
        let slack = left / SLACK;
        if self.limit < left || self.limit > left + slack {
            self.limit = left + slack;
            self.tell().map_err(|error| {
                let message = format!("the connection to the database was lost: {error}");
                Error::new(ErrorKind::ConnectionLost, message)
            })?;
        }
        Ok(())
    }

    fn tell(&self) -> io::Result<()> {
        // Zero would mean no limit.
        let limit = Some(self.limit.max(Duration::from_millis(1)));
        self.with_socket(|socket| {
            socket.set_read_timeout(limit)?;
            socket.set_write_timeout(limit)
        })
    }

    /// Ends the connection, so that dropping a result reads no more of it.
    pub(super) fn hang_up(&self) {
        // Already closed is as good.
        let _ = self.with_socket(|socket| socket.shutdown(Shutdown::Both));
    }

    /// What has another thread hang up.
    pub(super) fn stop(&self) -> Stop {
        Stop {
            call: |socket| {
                // SAFETY: it is called only while the exchange goes on that noted
                // it, on a connection which is open until then.
                let descriptor = unsafe { BorrowedFd::borrow_raw(socket) };
                let _ = SockRef::from(&descriptor).shutdown(Shutdown::Both);
            },
            on: self.socket,
        }
    }

    /// Whether the server has hung up, or said something unasked (as MySQL does
    /// before it closes an idle connection): either way it is of no more use.
    /// Never blocks.
    pub(super) fn has_hung_up(&self, encrypted: bool) -> bool {
        let mut byte = [MaybeUninit::uninit(); 1];
        let flags = libc::MSG_PEEK | libc::MSG_DONTWAIT;
        match self.with_socket(|socket| socket.recv_with_flags(&mut byte, flags)) {
            Ok(0) => true,
            // TLS may send tickets of its own accord.
            Ok(_) => !encrypted,
            Err(error) => error.kind() != io::ErrorKind::WouldBlock,
        }
    }

    fn with_socket<T>(&self, work: impl FnOnce(SockRef<'_>) -> io::Result<T>) -> io::Result<T> {
        // SAFETY: a watch is kept with its connection, or with a result that
        // borrows it, so that the descriptor is open and the connection's own.
        let descriptor = unsafe { BorrowedFd::borrow_raw(self.socket) };
        work(SockRef::from(&descriptor))
    }
}

fn past_deadline() -> Error {
    let message = "the deadline passed while the statement ran; it is being stopped";
    Error::new(ErrorKind::DeadlineExceeded, message)
}
