//! The system's epoll and its timer, behind safe functions.

use std::io;
use std::mem;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};
use std::ptr;
use std::time::Duration;

/// Events that are taken at once.
const EVENTS_MAX: usize = 256;

pub struct Epoll {
    descriptor: OwnedFd,
    events: Vec<libc::epoll_event>,
}

impl Epoll {
    pub fn new() -> io::Result<Epoll> {
        // SAFETY: takes no pointer.
        let descriptor = owned(unsafe { libc::epoll_create1(libc::EPOLL_CLOEXEC) })?;
        Ok(Epoll {
            descriptor,
            events: Vec::with_capacity(EVENTS_MAX),
        })
    }

    /// Reports `token` whenever there is something to read.
    pub fn add(&self, source: &impl AsRawFd, token: usize) -> io::Result<()> {
        let mut event = libc::epoll_event {
            events: libc::EPOLLIN as u32,
            u64: token as u64,
        };
        // SAFETY: `event` outlives the call, which copies it.
        let result = unsafe {
            libc::epoll_ctl(
                self.descriptor.as_raw_fd(),
                libc::EPOLL_CTL_ADD,
                source.as_raw_fd(),
                &mut event,
            )
        };
        checked(result).map(drop)
    }

    /// Waits, and gives the tokens that have something to read; none if the time
    /// passes.
    pub fn wait(&mut self, timeout: Duration) -> io::Result<impl Iterator<Item = usize> + '_> {
        // Rounded up: a wait that ends too early would be repeated without rest.
        let timeout_ms = timeout.as_nanos().div_ceil(1_000_000);
        let timeout_ms = i32::try_from(timeout_ms).unwrap_or(i32::MAX);
        // SAFETY: the buffer has room for EVENTS_MAX events, and no more than
        // were written are made part of the vector.
        unsafe {
            let count = libc::epoll_wait(
                self.descriptor.as_raw_fd(),
                self.events.as_mut_ptr(),
                EVENTS_MAX as i32,
                timeout_ms,
            );
            self.events.set_len(checked(count)? as usize);
        }
        Ok(self.events.iter().map(|event| event.u64 as usize))
    }
}

/// Ticks at a fixed rate; ticks that nobody looked at add up.
pub struct Ticker(OwnedFd);

impl Ticker {
    pub fn new(period: Duration) -> io::Result<Ticker> {
        let flags = libc::TFD_NONBLOCK | libc::TFD_CLOEXEC;
        // SAFETY: takes no pointer.
        let descriptor = owned(unsafe { libc::timerfd_create(libc::CLOCK_MONOTONIC, flags) })?;
        let period = libc::timespec {
            tv_sec: period.as_secs() as libc::time_t,
            tv_nsec: libc::c_long::from(period.subsec_nanos().max(1)),
        };
        let schedule = libc::itimerspec {
            it_interval: period,
            it_value: period,
        };
        // SAFETY: `schedule` outlives the call, and the last pointer may be null.
        let result =
            unsafe { libc::timerfd_settime(descriptor.as_raw_fd(), 0, &schedule, ptr::null_mut()) };
        checked(result)?;
        Ok(Ticker(descriptor))
    }

    /// Ticks since the last call.
    pub fn ticks(&self) -> io::Result<u64> {
        let mut ticks = 0u64;
        // SAFETY: the buffer is as long as is said.
        let length = unsafe {
            libc::read(
                self.0.as_raw_fd(),
                (&raw mut ticks).cast(),
                mem::size_of::<u64>(),
            )
        };
        if length >= 0 {
            return Ok(ticks);
        }
        match io::Error::last_os_error() {
            error if error.kind() == io::ErrorKind::WouldBlock => Ok(0),
            error => Err(error),
        }
    }
}

impl AsRawFd for Ticker {
    fn as_raw_fd(&self) -> RawFd {
        self.0.as_raw_fd()
    }
}

fn owned(descriptor: i32) -> io::Result<OwnedFd> {
    let descriptor = checked(descriptor)?;
    // SAFETY: it was just made, and nobody else knows it.
    Ok(unsafe { OwnedFd::from_raw_fd(descriptor) })
}

fn checked(result: i32) -> io::Result<i32> {
    if result < 0 {
        return Err(io::Error::last_os_error());
    }
    Ok(result)
}
