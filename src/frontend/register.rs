//! Which sessions are connected, in all and of each peer, and whether there is a
//! place for one more.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use super::counts::{Counters, Throttle};
use super::session::Session;
use crate::peer::Peer;

pub(super) struct Register {
    sessions_max: usize,
    sessions_per_peer_max: usize,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    sessions: HashMap<u64, Arc<Session>>,
    /// Only those that have any.
    of_peers: HashMap<Peer, usize>,
    /// Of the lines about refused sessions.
    log: Throttle,
}

/// Why a session has no place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refused {
    SessionsMax,
    SessionsPerPeerMax,
}

impl Refused {
    pub(super) fn count(self, counters: &Counters) {
        match self {
            Refused::SessionsMax => counters.refused_sessions_max(),
            Refused::SessionsPerPeerMax => counters.refused_sessions_per_peer_max(),
        }
    }
}

impl Register {
    pub(super) fn new(sessions_max: usize, sessions_per_peer_max: usize) -> Register {
        Register {
            sessions_max,
            sessions_per_peer_max,
            state: Mutex::default(),
        }
    }

    pub(super) fn count(&self) -> usize {
        self.lock().sessions.len()
    }

    /// Takes a session in, or says in the log why not.
    pub(super) fn add(&self, number: u64, session: &Arc<Session>) -> Result<(), Refused> {
        let peer = session.peer;
        let mut state = self.lock();
        let of_peer = state.of_peers.get(&peer).copied().unwrap_or(0);
        let refused = if state.sessions.len() >= self.sessions_max {
            Refused::SessionsMax
        } else if of_peer >= self.sessions_per_peer_max {
            Refused::SessionsPerPeerMax
        } else {
            state.sessions.insert(number, session.clone());
            state.of_peers.insert(peer, of_peer + 1);
            return Ok(());
        };
        let told = state.log.pass(Instant::now());
        drop(state);
        if let Some(unlogged) = told {
            self.tell(refused, peer, unlogged);
        }
        Err(refused)
    }

    fn tell(&self, refused: Refused, peer: Peer, unlogged: u64) {
        match refused {
            Refused::SessionsMax => {
                let limit = self.sessions_max;
                tracing::warn!(limit, %peer, unlogged, "a session is refused: sessions_max are connected");
            }
            Refused::SessionsPerPeerMax => {
                let limit = self.sessions_per_peer_max;
                tracing::warn!(
                    limit, %peer, unlogged,
                    "a session is refused: sessions_per_peer_max of its peer are connected"
                );
            }
        }
    }

    pub(super) fn remove(&self, number: u64) {
        let mut state = self.lock();
        let session = state.sessions.remove(&number);
        if let Some(session) = &session
            && let Entry::Occupied(mut of_peer) = state.of_peers.entry(session.peer)
        {
            *of_peer.get_mut() -= 1;
            if *of_peer.get() == 0 {
                of_peer.remove();
            }
        }
        // What its end brings about is not done under the lock that all wait for.
        drop(state);
        drop(session);
    }

    pub(super) fn wake_all(&self) {
        for session in self.lock().sessions.values() {
            session.wake();
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
