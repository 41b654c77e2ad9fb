//! What Linux tells of this process. Read when somebody asks, and never else.

use std::fs;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::figures::Process;

/// Ticks in a second of processor time, the same on every Linux; see proc(5).
const TICKS_PER_SECOND: u64 = 100;

impl Process {
    /// As it is now. Costs the reading of two small files, and of a folder.
    pub(super) fn read(started: SystemTime) -> Process {
        let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
        Process {
            started: started.duration_since(UNIX_EPOCH).unwrap_or_default(),
            cpu: cpu(),
            resident_bytes: number(&status, "VmRSS:").map(|kilobytes| kilobytes * 1_024),
            threads: number(&status, "Threads:"),
            descriptors: descriptors(),
        }
    }
}

/// The first number of a line of /proc/self/status.
fn number(status: &str, name: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix(name))?;
    line.split_whitespace().next()?.parse().ok()
}

fn cpu() -> Option<Duration> {
    let stat = fs::read_to_string("/proc/self/stat").ok()?;
    // After the name, which stands in parentheses and may hold anything, comes
    // field 3; 14 and 15 are the time as a user's program and in the system.
    let (_, rest) = stat.rsplit_once(')')?;
    let mut times = rest.split_whitespace().skip(14 - 3);
    let mut next = || times.next()?.parse::<u64>().ok();
    let ticks = next()? + next()?;
    Some(Duration::from_millis(ticks * 1_000 / TICKS_PER_SECOND))
}

/// Open files and sockets, without the one that counts them.
fn descriptors() -> Option<u64> {
    let count = fs::read_dir("/proc/self/fd").ok()?.count();
    Some(count.saturating_sub(1) as u64)
}
