//! What is known of a request beside its bytes, and the limits that it is held to.

use std::time::{Duration, Instant};

use crate::error::LimitMet;

/// Limits that callers are told and held to.
#[derive(Clone, Copy, Debug)]
pub struct ApiLimits {
    pub request_max_bytes: usize,
    pub result_max_bytes: usize,
    pub result_max_rows: usize,
    pub default_timeout: Duration,
    pub max_timeout: Duration,
    /// Items of a multi.
    pub multi_items_max: usize,
    /// Items of one multi that run on one shard at the same time.
    pub multi_parallel_max: usize,
    /// Steps of a batch.
    pub batch_steps_max: usize,
    /// A transaction that is not used for so long is rolled back.
    pub transaction_idle_timeout: Duration,
    /// A transaction that is open for so long is rolled back.
    pub transaction_timeout: Duration,
    /// No answer is begun so long after its deadline.
    pub reply_grace: Duration,
}

/// What is known of a request beside its bytes.
#[derive(Clone, Copy, Debug)]
pub struct Call<'a> {
    /// As sent, perhaps with the service's name before a colon.
    pub name: &'a str,
    pub sequence_id: i32,
    /// Empty if there was none.
    pub request_id: &'a str,
    /// Empty if there was none.
    pub shard: &'a str,
    pub arrived: Instant,
    /// When a worker took it.
    pub started: Instant,
    pub deadline: Instant,
}

/// What headers and errors tell of a request, or of an item of a multi.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Facts {
    /// Empty if there was none.
    pub request_id: String,
    /// Empty if none was asked.
    pub shard: String,
    /// Microseconds from its arrival to a worker taking it.
    pub queue_us: i64,
    /// Microseconds from there on.
    pub execute_us: i64,
    /// Milliseconds that it was allowed, and that have passed: what an error
    /// tells if it was the deadline that was met.
    pub time_met: LimitMet,
}

/// The same, borrowed for as long as a reply is written.
#[derive(Clone, Copy)]
pub(super) struct Told<'a> {
    pub(super) request_id: &'a str,
    pub(super) shard: &'a str,
    pub(super) queue_us: i64,
    pub(super) execute_us: i64,
    pub(super) time_met: LimitMet,
}

impl Call<'_> {
    /// The name without the service's.
    pub fn function(&self) -> &str {
        function(self.name)
    }

    /// What there is to tell of the request by now.
    pub fn facts(&self) -> Facts {
        let told = self.told();
        Facts {
            request_id: told.request_id.to_owned(),
            shard: told.shard.to_owned(),
            queue_us: told.queue_us,
            execute_us: told.execute_us,
            time_met: told.time_met,
        }
    }

    pub(super) fn told(&self) -> Told<'_> {
        let now = Instant::now();
        Told {
            request_id: self.request_id,
            shard: self.shard,
            queue_us: micros(self.started.saturating_duration_since(self.arrived)),
            execute_us: micros(now.saturating_duration_since(self.started)),
            time_met: LimitMet {
                limit: millis(self.deadline.saturating_duration_since(self.arrived)),
                seen: millis(now.saturating_duration_since(self.arrived)),
            },
        }
    }
}

/// A message's name without that of the service.
pub fn function(name: &str) -> &str {
    name.split_once(':').map_or(name, |(_, function)| function)
}

impl Facts {
    pub(super) fn told(&self) -> Told<'_> {
        Told {
            request_id: &self.request_id,
            shard: &self.shard,
            queue_us: self.queue_us,
            execute_us: self.execute_us,
            time_met: self.time_met,
        }
    }
}

fn micros(duration: Duration) -> i64 {
    i64::try_from(duration.as_micros()).unwrap_or(i64::MAX)
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
