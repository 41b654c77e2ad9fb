//! The answer to one message, given from any thread.

use std::sync::Arc;
use std::time::Instant;

use super::detect::{Transport, Wire};
use super::inbox::FRAME_HEADER_BYTES;
use super::session::{Session, Times};
use crate::cancel::Cancel;
use crate::peer::Peer;

/// The right, and the duty, to answer one message. Dropped unused it closes the
/// session, since the client would wait for ever.
pub struct Reply {
    session: Arc<Session>,
    wire: Wire,
    wanted: bool,
    used: bool,
    times: Times,
}

impl Reply {
    pub(super) fn to(session: &Arc<Session>, wire: Wire, wanted: bool) -> Reply {
        Reply {
            session: session.clone(),
            wire,
            wanted,
            used: false,
            times: Times {
                arrived: Instant::now(),
                deadline: None,
            },
        }
    }

    /// Empties `buffer` and leaves room in it for a frame's length. The reply
    /// is appended to it.
    pub fn begin(&self, buffer: &mut Vec<u8>) {
        buffer.clear();
        if self.wire.transport == Transport::Framed {
            buffer.extend_from_slice(&[0; FRAME_HEADER_BYTES]);
        }
    }

    /// The number of the session that is answered.
    pub fn session(&self) -> u64 {
        self.session.number
    }

    /// Who is answered.
    pub fn peer(&self) -> Peer {
        self.session.peer
    }

    /// Cancelled when nobody waits for the answer any more.
    pub fn cancel(&self) -> &Arc<Cancel> {
        &self.session.cancel
    }

    /// When the message was there.
    pub fn arrived(&self) -> Instant {
        self.times.arrived
    }

    /// An answer that is not ready by then, and a short grace, is not given: the
    /// session is closed instead.
    pub fn set_deadline(&mut self, deadline: Instant) {
        self.times.deadline = Some(deadline);
    }

    /// Sends what was appended since `begin`. Never waits for the client, which
    /// may take its time: `kept` is dropped when all is written, or given up. The
    /// buffer may be taken.
    pub fn send(mut self, buffer: &mut Vec<u8>, kept: impl Send + 'static) {
        self.used = true;
        if !self.wanted {
            self.session.finish();
            return;
        }
        if self.wire.transport == Transport::Framed
            && let Some((header, reply)) = buffer.split_first_chunk_mut::<FRAME_HEADER_BYTES>()
        {
            // Replies are held below 16 MB long before this.
            *header = u32::try_from(reply.len()).unwrap_or(u32::MAX).to_be_bytes();
        }
        self.session.send(buffer, kept, self.times);
    }
}

impl Drop for Reply {
    fn drop(&mut self) {
        if !self.used {
            self.session.fail();
        }
    }
}
