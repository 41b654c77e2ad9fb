//! The queue's books against a plain list, by random steps.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use proptest::prelude::*;

use super::jobs::{Paper, peer};
use crate::dispatch::queue::Queue;

#[derive(Clone, Debug)]
enum Act {
    Push { peer: u8, timeout_ms: u64 },
    Pop,
    PopNewestOfFullest,
    Expire { at_ms: u64 },
}

fn act() -> impl Strategy<Value = Act> {
    prop_oneof![
        4 => (0..6u8, 1..50u64).prop_map(|(peer, timeout_ms)| Act::Push { peer, timeout_ms }),
        2 => Just(Act::Pop),
        1 => Just(Act::PopNewestOfFullest),
        1 => (0..50u64).prop_map(|at_ms| Act::Expire { at_ms }),
    ]
}

/// Jobs as (peer, deadline), in the order in which they came.
type Books = Vec<(u8, Instant)>;

fn count(books: &Books, peer: u8) -> usize {
    books.iter().filter(|job| job.0 == peer).count()
}

fn fullest(books: &Books) -> usize {
    (0..6).map(|peer| count(books, peer)).max().unwrap_or(0)
}

fn number(job: &Paper) -> u8 {
    (0..6).find(|&number| peer(number) == job.peer).unwrap()
}

/// Takes the peer's first or last job off the list, which must be this one.
fn strike(books: &mut Books, job: &Paper, from_the_end: bool) {
    let own = |entry: &(u8, Instant)| entry.0 == number(job);
    let at = match from_the_end {
        true => books.iter().rposition(own),
        false => books.iter().position(own),
    };
    assert_eq!(books.remove(at.unwrap()).1, job.deadline);
}

fn apply(act: &Act, queue: &mut Queue<Paper>, books: &mut Books, begin: Instant) {
    match *act {
        Act::Push {
            peer: number,
            timeout_ms,
        } => {
            let deadline = begin + Duration::from_millis(timeout_ms);
            let job = Paper {
                name: "",
                peer: peer(number),
                is_long: false,
                may_be_long: false,
                deadline,
            };
            queue.push(job, peer(number));
            books.push((number, deadline));
        }
        Act::Pop => match queue.pop() {
            Some((job, _)) => strike(books, &job, false),
            None => assert!(books.is_empty()),
        },
        Act::PopNewestOfFullest => match queue.pop_newest_of_fullest() {
            Some(job) => {
                assert_eq!(count(books, number(&job)), fullest(books));
                strike(books, &job, true);
            }
            None => assert!(books.is_empty()),
        },
        Act::Expire { at_ms } => {
            let now = begin + Duration::from_millis(at_ms);
            let mut expired = Vec::new();
            queue.take_expired(now, &mut expired);
            assert!(expired.iter().all(|job| job.deadline <= now));
            let before = books.len();
            books.retain(|job| job.1 > now);
            assert_eq!(before - books.len(), expired.len());
        }
    }
}

proptest! {
    #[test]
    fn the_books_are_true(acts in proptest::collection::vec(act(), 1..200)) {
        let begin = Instant::now();
        let (mut queue, mut books) = (Queue::new(), Books::new());
        for act in &acts {
            apply(act, &mut queue, &mut books, begin);
            prop_assert_eq!(queue.len(), books.len());
            prop_assert_eq!(queue.fullest_len(), fullest(&books));
            for number in 0..6 {
                let own = count(&books, number);
                prop_assert_eq!(queue.len_of(peer(number)), own);
                let others = (0..6).filter(|&other| other != number);
                let ahead: usize = others.map(|other| count(&books, other).min(own + 1)).sum();
                prop_assert_eq!(queue.ahead_of_next(own), own + ahead);
            }
        }
        // In turn: nobody is served twice while another one waits.
        let mut served: HashMap<u8, usize> = HashMap::new();
        while let Some((job, _)) = queue.pop() {
            *served.entry(number(&job)).or_default() += 1;
            let times = served[&number(&job)];
            strike(&mut books, &job, false);
            for waiting in &books {
                let others = served.get(&waiting.0).copied().unwrap_or(0);
                prop_assert!(times <= others + 1);
            }
        }
        prop_assert!(books.is_empty());
    }
}
