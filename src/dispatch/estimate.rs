//! What a job of a lane takes, by those that ended of late.

use std::time::{Duration, Instant};

/// A sample counts in the averages for one part in so many: quick to follow a
/// shard that turns slow or recovers, and steady enough to add up a queue by.
const WEIGHT: u32 = 16;

/// No sample counts for more than so many times the mean, and `OUTLIER_FLOOR`: one
/// slow job, or one after an outage, does not close the lane to others.
const OUTLIER_FACTOR: u32 = 16;
const OUTLIER_FLOOR: Duration = Duration::from_millis(1);

/// Of the jobs that were under way together and were all slow, so many count: it
/// was one thing that held them up, however many places the lane has.
const OUTLIERS_AT_ONCE_MAX: u32 = 2;

/// Zero at first, so that a lane is closed to nobody for the first jobs it sees.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Estimate {
    mean: Duration,
    /// Mean of the distances from the mean.
    deviation: Duration,
    /// The last time that jobs were held up; None: never.
    stall: Option<Stall>,
}

#[derive(Clone, Copy, Debug)]
struct Stall {
    /// When the first of them ended. Those that began before are of the same.
    until: Instant,
    /// What was the most that counted then.
    most: Duration,
    counted: u32,
}

impl Estimate {
    pub(super) fn mean(&self) -> Duration {
        self.mean
    }

    /// Most jobs are done in this.
    pub(super) fn usual(&self) -> Duration {
        self.mean + self.deviation
    }

    pub(super) fn sample(&mut self, began: Instant, ended: Instant) {
        let took = ended.saturating_duration_since(began);
        let most = self.mean * OUTLIER_FACTOR + OUTLIER_FLOOR;
        match &mut self.stall {
            Some(stall) if began < stall.until && took > stall.most => {
                stall.counted += 1;
                if stall.counted > OUTLIERS_AT_ONCE_MAX {
                    return;
                }
            }
            stall if took > most => {
                *stall = Some(Stall {
                    until: ended,
                    most,
                    counted: 1,
                });
            }
            _ => {}
        }
        let counts = took.min(most);
        self.deviation = moved(self.deviation, counts.abs_diff(self.mean));
        self.mean = moved(self.mean, counts);
    }
}

fn moved(average: Duration, sample: Duration) -> Duration {
    average - average / WEIGHT + sample / WEIGHT
}
