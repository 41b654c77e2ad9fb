//! What the system tells of a process: CPU time, memory, threads. And the limit
//! on our own open files.

use std::fs;
use std::io;
use std::time::Duration;

/// User and system time that a process has used, all its threads together.
pub fn cpu_time(pid: u32) -> io::Result<Duration> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat"))?;
    // The second field is the program's name and may hold anything but this.
    let fields = stat.rsplit_once(") ").map_or("", |(_, fields)| fields);
    let ticks: u64 = fields
        .split(' ')
        .skip(USER_TIME_FIELD)
        .take(2)
        .map(|field| field.parse().unwrap_or(0))
        .sum();
    // SAFETY: takes no pointer.
    let ticks_per_second = unsafe { libc::sysconf(libc::_SC_CLK_TCK) }.max(1) as u64;
    Ok(Duration::from_micros(ticks * 1_000_000 / ticks_per_second))
}

/// `utime`, counted from the field after the name; `stime` follows it.
const USER_TIME_FIELD: usize = 11;

/// A number from /proc/PID/status.
pub fn status(pid: u32, name: &str) -> io::Result<u64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status"))?;
    let number = |line: &str| {
        line.strip_prefix(name)?
            .strip_prefix(':')?
            .split_whitespace()
            .next()?
            .parse()
            .ok()
    };
    status
        .lines()
        .find_map(number)
        .ok_or_else(|| io::Error::other(format!("no {name} of process {pid}")))
}

/// Raises our limit on open files as far as is allowed, and says if that is too
/// little.
pub fn allow_open_files(wanted: u64) -> io::Result<()> {
    let mut limit = libc::rlimit {
        rlim_cur: 0,
        rlim_max: 0,
    };
    // SAFETY: `limit` outlives both calls.
    let failed = unsafe {
        libc::getrlimit(libc::RLIMIT_NOFILE, &mut limit) != 0 || {
            limit.rlim_cur = limit.rlim_max;
            libc::setrlimit(libc::RLIMIT_NOFILE, &limit) != 0
        }
    };
    if failed {
        return Err(io::Error::last_os_error());
    }
    if limit.rlim_cur < wanted {
        let text = format!(
            "{wanted} open files are needed, {} are allowed",
            limit.rlim_cur
        );
        return Err(io::Error::other(text));
    }
    Ok(())
}
