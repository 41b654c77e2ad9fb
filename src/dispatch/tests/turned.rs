//! Jobs of which it turns out while they wait that they are long.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use super::jobs::peer;
use crate::dispatch::lane::{Kind, Lane, Next};
use crate::dispatch::{Job, LaneLimits};
use crate::peer::Peer;

struct Turning {
    name: &'static str,
    is_long: Arc<AtomicBool>,
    deadline: Instant,
}

impl Job for Turning {
    type Scratch = ();

    fn deadline(&self) -> Instant {
        self.deadline
    }

    fn peer(&self) -> Peer {
        peer(1)
    }

    fn is_long(&self) -> bool {
        self.is_long.load(Ordering::Relaxed)
    }

    fn run(self, _: &mut ()) {}

    fn expire(self, _: &mut ()) {}
}

fn start(lane: &mut Lane<Turning>, now: Instant) -> Option<(&'static str, Kind)> {
    match lane.start(now)? {
        Next::Run(job, kind) => Some((job.name, kind)),
        Next::GiveUp(job, _) => panic!("{} is given up", job.name),
    }
}

#[test]
fn what_turns_out_long_while_it_waits_stands_in_nobodys_way() {
    let limits = LaneLimits {
        in_flight_max: 2,
        long_max: 1,
        queue_max: 100,
    };
    let mut lane = Lane::new(&limits);
    let now = Instant::now();
    let sleeps = Arc::new(AtomicBool::new(false));
    let reads = Arc::new(AtomicBool::new(false));
    let submit = |lane: &mut Lane<Turning>, name, is_long: &Arc<AtomicBool>| {
        let job = Turning {
            name,
            is_long: is_long.clone(),
            deadline: now + Duration::from_secs(3600),
        };
        assert!(lane.admit(job, now).is_ok());
    };
    for name in ["sleep 1", "sleep 2", "sleep 3", "sleep 4"] {
        submit(&mut lane, name, &sleeps);
    }
    submit(&mut lane, "read", &reads);
    let short = |name| Some((name, Kind::Short));
    assert_eq!(start(&mut lane, now), short("sleep 1"));
    assert_eq!(start(&mut lane, now), short("sleep 2"));
    assert_eq!(start(&mut lane, now), None);
    // The first one ends, and tells what the others are.
    sleeps.store(true, Ordering::Relaxed);
    lane.finish(Kind::Short, now, now + Duration::from_secs(1));
    assert_eq!(start(&mut lane, now), Some(("sleep 3", Kind::Long)));
    lane.finish(Kind::Short, now, now + Duration::from_secs(1));
    assert_eq!(start(&mut lane, now), short("read"));
    lane.finish(Kind::Short, now, now + Duration::from_millis(1));
    assert_eq!(start(&mut lane, now), None);
    assert_eq!(lane.figures().waiting, 1);
    lane.finish(Kind::Long, now, now + Duration::from_secs(1));
    assert_eq!(start(&mut lane, now), Some(("sleep 4", Kind::Long)));
}
