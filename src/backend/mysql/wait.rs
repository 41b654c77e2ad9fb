//! What the `mysql` crate's connection does not offer and its socket does:
//! a time limit on reads that changes from statement to statement, a look at
//! whether the server has hung up, and a way to end a result without reading it.

use std::io;
use std::mem::MaybeUninit;
use std::net::Shutdown;
use std::os::fd::{AsRawFd, BorrowedFd, RawFd};
use std::time::Duration;

use socket2::SockRef;

fn with_socket<T>(
    connection: &mysql::Conn,
    work: impl FnOnce(SockRef<'_>) -> io::Result<T>,
) -> io::Result<T> {
    // SAFETY: the descriptor belongs to `connection`, which is borrowed, and so
    // stays open, until `work` has returned.
    let descriptor = unsafe { BorrowedFd::borrow_raw(connection.as_raw_fd()) };
    work(SockRef::from(&descriptor))
}

/// Ends each later read that waits longer than `timeout`.
pub(super) fn limit_reads(connection: &mysql::Conn, timeout: Duration) -> io::Result<()> {
    // A timeout of zero would mean none.
    let timeout = timeout.max(Duration::from_millis(1));
    with_socket(connection, |socket| socket.set_read_timeout(Some(timeout)))
}

/// Whether the server has hung up, or said something unasked (as MySQL does
/// before it closes an idle connection): either way it is of no more use.
/// Never blocks.
pub(super) fn has_hung_up(connection: &mysql::Conn, encrypted: bool) -> bool {
    let mut byte = [MaybeUninit::uninit(); 1];
    let flags = libc::MSG_PEEK | libc::MSG_DONTWAIT;
    let seen = with_socket(connection, |socket| {
        socket.recv_with_flags(&mut byte, flags)
    });
    match seen {
        Ok(0) => true,
        // TLS may send tickets of its own accord.
        Ok(_) => !encrypted,
        Err(error) => error.kind() != io::ErrorKind::WouldBlock,
    }
}

/// A way to end a connection while a result of it is being read.
pub(super) struct HangUp(RawFd);

impl HangUp {
    pub(super) fn of(connection: &mysql::Conn) -> HangUp {
        HangUp(connection.as_raw_fd())
    }

    /// Ends `result`'s connection, so that dropping the result reads no more of
    /// it. `self` was made of that same connection.
    pub(super) fn end(&self, _result: &mysql::QueryResult<'_, '_, '_, mysql::Text>) {
        // SAFETY: the result borrows the connection that the descriptor belongs
        // to, so it is open.
        let descriptor = unsafe { BorrowedFd::borrow_raw(self.0) };
        // Already closed is as good.
        let _ = SockRef::from(&descriptor).shutdown(Shutdown::Both);
    }
}
