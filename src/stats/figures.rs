//! What is told of counts: plain numbers.

use std::time::Duration;

use super::histogram::HistogramCounts;
use super::labels::{Code, Function};

/// So many requests of a function ended with that code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RequestCount {
    pub function: Function,
    pub code: Code,
    pub count: u64,
}

/// How long requests took: to be taken by a worker, from there on, and in all.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Times {
    pub queue: HistogramCounts,
    pub execution: HistogramCounts,
    pub total: HistogramCounts,
}

/// What has been answered on a shard, or on none.
#[derive(Clone, Debug, Default)]
pub struct Traffic {
    pub answers: Vec<RequestCount>,
    pub times: Times,
}

/// What the system tells of this process; None where it does not.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Process {
    /// Since 1970.
    pub started: Duration,
    pub cpu: Option<Duration>,
    pub resident_bytes: Option<u64>,
    pub threads: Option<u64>,
    pub descriptors: Option<u64>,
}
