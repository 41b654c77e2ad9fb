//! One lane: what waits, how much runs, and how long jobs took of late.

use std::time::{Duration, Instant};

use super::estimate::Estimate;
use super::queue::Queue;
use super::{Job, LaneFigures, LaneLimits, Refusal};

/// The expected wait is taken for longer by one part in so many: to refuse a few
/// jobs too many costs nothing while there are more than can be done, and to take
/// a few too many makes all of them late.
const WAIT_MARGIN: u32 = 4;

/// Jobs that hold a place for long have places and a queue of their own, so that
/// the others never wait for them. Those that may do so share the places, and have
/// another queue, so that one of them is soon known to be short.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Short,
    Unknown,
    Long,
}

impl Kind {
    fn of(job: &impl Job) -> Kind {
        if job.is_long() {
            Kind::Long
        } else if job.may_be_long() {
            Kind::Unknown
        } else {
            Kind::Short
        }
    }

    /// In turn, beginning with this one.
    fn turns(self) -> [Kind; 3] {
        match self {
            Kind::Short => [Kind::Short, Kind::Unknown, Kind::Long],
            Kind::Unknown => [Kind::Unknown, Kind::Long, Kind::Short],
            Kind::Long => [Kind::Long, Kind::Short, Kind::Unknown],
        }
    }
}

/// A job that has left the queue.
pub(super) enum Next<J> {
    Run(J, Kind),
    /// It has no time left, or too little to be of use. It has a place all the
    /// same, or each would bring in one more worker than there are places.
    GiveUp(J, Kind),
}

pub(super) struct Lane<J> {
    limits: LaneLimits,
    short: Kindred<J>,
    unknown: Kindred<J>,
    long: Kindred<J>,
    /// Places that are taken by what is no job; see `Dispatcher::hold`.
    held: usize,
    /// True while the lane stands in the list of ready lanes.
    listed: bool,
    /// True while the lane stands in the list of those where something may expire.
    watched: bool,
    /// Whose turn it is, if several kinds may run.
    next: Kind,
    counts: Counts,
}

/// The jobs of one kind.
struct Kindred<J> {
    waiting: Queue<J>,
    running: usize,
    takes: Estimate,
}

/// What became of jobs that were not run.
#[derive(Clone, Copy, Default)]
struct Counts {
    full: u64,
    displaced: u64,
    too_late: u64,
    expired: u64,
}

impl<J> Kindred<J> {
    fn new() -> Kindred<J> {
        Kindred {
            waiting: Queue::new(),
            running: 0,
            takes: Estimate::default(),
        }
    }
}

impl<J> Lane<J> {
    pub(super) fn new(limits: &LaneLimits) -> Lane<J> {
        let in_flight_max = limits.in_flight_max.max(1);
        Lane {
            limits: LaneLimits {
                in_flight_max,
                long_max: limits.long_max.clamp(1, in_flight_max),
                queue_max: limits.queue_max,
            },
            short: Kindred::new(),
            unknown: Kindred::new(),
            long: Kindred::new(),
            held: 0,
            listed: false,
            watched: false,
            next: Kind::Short,
            counts: Counts::default(),
        }
    }

    pub(super) fn figures(&self) -> LaneFigures {
        LaneFigures {
            waiting: self.waiting(),
            waiting_long: self.long.waiting.len(),
            running: self.running(),
            running_long: self.long.running,
            held: self.held,
            refused_full: self.counts.full,
            displaced: self.counts.displaced,
            refused_too_late: self.counts.too_late,
            expired: self.counts.expired,
        }
    }

    #[cfg(test)]
    pub(super) fn set_order(&mut self, order: super::tests::Order) {
        self.each()
            .into_iter()
            .for_each(|kindred| kindred.waiting.order = order);
    }

    pub(super) fn waiting(&self) -> usize {
        self.short.waiting.len() + self.unknown.waiting.len() + self.long.waiting.len()
    }

    fn running(&self) -> usize {
        self.short.running + self.unknown.running + self.long.running
    }

    fn each(&mut self) -> [&mut Kindred<J>; 3] {
        [&mut self.short, &mut self.unknown, &mut self.long]
    }

    fn kindred(&self, kind: Kind) -> &Kindred<J> {
        match kind {
            Kind::Short => &self.short,
            Kind::Unknown => &self.unknown,
            Kind::Long => &self.long,
        }
    }

    fn of(&mut self, kind: Kind) -> &mut Kindred<J> {
        match kind {
            Kind::Short => &mut self.short,
            Kind::Unknown => &mut self.unknown,
            Kind::Long => &mut self.long,
        }
    }

    /// Claims a place in the list of ready lanes, if this one belongs there and
    /// is not in it.
    pub(super) fn list(&mut self) -> bool {
        let ready = !self.listed && self.ready().is_some();
        self.listed |= ready;
        ready
    }

    /// Claims a place in the list of lanes where something may expire.
    pub(super) fn watch(&mut self) -> bool {
        let new = !self.watched && self.waiting() > 0;
        self.watched |= new;
        new
    }

    /// Whether it keeps that place.
    pub(super) fn stays_watched(&mut self) -> bool {
        self.watched = self.waiting() > 0;
        self.watched
    }

    /// The kind whose next job may run now.
    fn ready(&self) -> Option<Kind> {
        let may_run = |kind: &Kind| {
            let waiting = &self.kindred(*kind).waiting;
            !waiting.is_empty() && self.free(*kind) > 0
        };
        self.next.turns().into_iter().find(may_run)
    }

    /// Places that a job of the kind may take now.
    fn free(&self, kind: Kind) -> usize {
        let not_held = self.limits.in_flight_max.saturating_sub(self.held);
        let free = not_held.saturating_sub(self.running());
        let long_places = self.long_places();
        let long_taken = self.long.running + self.unknown.running;
        let long_free = long_places.saturating_sub(long_taken);
        match kind {
            Kind::Short => free,
            // However many long ones there are, some of the others' places: what
            // never runs would never be known to be short.
            Kind::Unknown => {
                let own = not_held.saturating_sub(long_places) / 2;
                let own_free = own.saturating_sub(self.unknown.running);
                free.min(long_free.max(own_free))
            }
            Kind::Long => free.min(long_free),
        }
    }

    /// Places for long jobs. What is held is held for long, and counts among
    /// them; but one is always left, or open transactions could shut long jobs
    /// out for good.
    fn long_places(&self) -> usize {
        self.limits.long_max.saturating_sub(self.held).max(1)
    }

    /// Places that the jobs of a kind share while others have work as well.
    fn places(&self, kind: Kind) -> u32 {
        let not_held = self.limits.in_flight_max.saturating_sub(self.held);
        let wanted = |kind| {
            let kindred = self.kindred(kind);
            kindred.running + kindred.waiting.len()
        };
        let (unknown, long) = (wanted(Kind::Unknown), wanted(Kind::Long));
        let long_places = self.long_places();
        let places = match kind {
            Kind::Short => not_held.saturating_sub(long_places.min(unknown + long)),
            // They take turns.
            Kind::Unknown if long > 0 => long_places / 2,
            Kind::Long if unknown > 0 => long_places / 2,
            Kind::Unknown | Kind::Long => long_places,
        };
        u32::try_from(places.max(1)).unwrap_or(u32::MAX)
    }

    pub(super) fn hold(&mut self) {
        self.held += 1;
    }

    pub(super) fn release(&mut self) {
        self.held = self.held.saturating_sub(1);
    }

    /// A job that was given up has been answered.
    pub(super) fn given_up(&mut self, kind: Kind) {
        self.of(kind).running -= 1;
    }

    pub(super) fn finish(&mut self, kind: Kind, began: Instant, ended: Instant) {
        let kindred = self.of(kind);
        kindred.running -= 1;
        kindred.takes.sample(began, ended);
    }

    pub(super) fn take_all(&mut self) -> Vec<J> {
        self.listed = false;
        let each = self.each().into_iter();
        each.flat_map(|kindred| kindred.waiting.take_all())
            .collect()
    }

    /// How long a job that came now would wait for its turn behind `ahead`
    /// others. Nothing for one that has a place at once: so a lane tries what its
    /// shard can do as often as it has a place to spare, whatever it expects.
    fn expected_wait(&self, kind: Kind, ahead: usize) -> Duration {
        if ahead < self.free(kind) {
            return Duration::ZERO;
        }
        let ahead = u32::try_from(ahead).unwrap_or(u32::MAX);
        let turns = ahead.saturating_add(1);
        let mean = self.kindred(kind).takes.mean();
        mean.saturating_mul(turns) / self.places(kind)
    }
}

impl<J: Job> Lane<J> {
    /// None: what was waiting when the lane was listed is gone since, or has to
    /// wait for a place for long jobs.
    pub(super) fn start(&mut self, now: Instant) -> Option<Next<J>> {
        self.listed = false;
        let (kind, job, deadline) = self.take_next()?;
        let left = deadline.saturating_duration_since(now);
        let kindred = self.of(kind);
        // A place is better used for another job than for one that would hardly
        // be done in time. Without another one it is tried.
        let others_wait = !kindred.waiting.is_empty();
        let is_hopeless = others_wait && left < kindred.takes.usual();
        kindred.running += 1;
        if !left.is_zero() && !is_hopeless {
            return Some(Next::Run(job, kind));
        }
        self.counts.expired += 1;
        Some(Next::GiveUp(job, kind))
    }

    /// The job whose turn it is, and its deadline. One that has turned out to be
    /// long while it waited goes to wait with its like first: of a kind that nobody
    /// knew, many may have come before the first has ended.
    fn take_next(&mut self) -> Option<(Kind, J, Instant)> {
        loop {
            let kind = self.ready()?;
            let (job, deadline) = self.of(kind).waiting.pop()?;
            let known = Kind::of(&job);
            let moves = match kind {
                Kind::Short => known != Kind::Short,
                // It may as well run as what it came as.
                Kind::Unknown => known == Kind::Long,
                Kind::Long => false,
            };
            if moves {
                let peer = job.peer();
                self.of(known).waiting.push(job, peer);
                continue;
            }
            let [_, next, _] = kind.turns();
            self.next = next;
            return Some((kind, job, deadline));
        }
    }

    pub(super) fn renew_deadlines(&mut self) {
        for kindred in self.each() {
            kindred.waiting.renew_deadlines();
        }
    }

    pub(super) fn take_expired(&mut self, now: Instant, expired: &mut Vec<J>) {
        let before = expired.len();
        for kindred in self.each() {
            kindred.waiting.take_expired(now, expired);
        }
        self.counts.expired += (expired.len() - before) as u64;
    }

    /// Takes a job, or refuses it. What comes back has to give way to it.
    pub(super) fn admit(&mut self, job: J, now: Instant) -> Result<Option<J>, Refusal<J>> {
        let peer = job.peer();
        let kind = Kind::of(&job);
        let free = self.free(kind);
        let queue = &self.of(kind).waiting;
        let own = queue.len_of(peer);
        let ahead = queue.ahead_of_next(own);
        let usual = self.of(kind).takes.usual();
        let wait = self.expected_wait(kind, ahead);
        if !wait.is_zero() && now + wait + wait / WAIT_MARGIN + usual > job.deadline() {
            self.counts.too_late += 1;
            return Err(Refusal::TooLate { job, wait });
        }
        let mut displaced = None;
        if self.waiting() >= free + self.limits.queue_max {
            displaced = self.make_room(own);
            if displaced.is_none() {
                self.counts.full += 1;
                let limit = self.limits.queue_max;
                return Err(Refusal::Full { job, limit });
            }
            self.counts.displaced += 1;
        }
        self.of(kind).waiting.push(job, peer);
        Ok(displaced)
    }

    /// Takes out the newest job of whoever has the most jobs waiting, if that is
    /// more than somebody with `own` has after one more.
    fn make_room(&mut self, own: usize) -> Option<J> {
        let queues = self.each().map(|kindred| &mut kindred.waiting);
        let fullest = queues.into_iter().max_by_key(|queue| queue.fullest_len())?;
        if own + 1 >= fullest.fullest_len() {
            return None;
        }
        fullest.pop_newest_of_fullest()
    }
}
