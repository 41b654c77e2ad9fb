//! A transaction in the hands of the request that uses it.

use std::sync::Arc;
use std::time::Instant;

use super::{Open, Place, abandon, expired};
use crate::error::{Error, ErrorKind, Result, Retry};
use crate::operation::{Answer, Begin, Limits, Operation};
use crate::service::core::Core;
use crate::service::lanes::Places;

/// Opens a transaction and gives its token, and how often the database was asked.
pub(in crate::service) fn begin(
    core: &Arc<Core>,
    session: u64,
    shard: usize,
    begin: &Begin,
    limits: &Limits,
) -> Result<(String, u32)> {
    let places = Places::take(&core.lanes, shard);
    let transaction = core.shards.get(shard).begin(begin, limits)?;
    let begun = transaction.begun();
    let open = Open {
        transaction,
        places: Some(places),
    };
    let token = core.transactions.add(session, shard, open)?;
    Ok((token, begun))
}

/// A transaction in the hands of one request; it goes back when dropped.
pub(in crate::service) struct Lease<'c> {
    core: &'c Arc<Core>,
    token: String,
    session: u64,
    shard: usize,
    ends: Instant,
    /// None: it has ended, or what ran in it has panicked.
    open: Option<Box<Open>>,
    /// It was over its total limit while it was here.
    expired: bool,
}

impl<'c> Lease<'c> {
    /// TRANSACTION_NOT_FOUND, TRANSACTION_EXPIRED, or INVALID_ARGUMENT if another
    /// request has it.
    pub(in crate::service) fn take(
        core: &'c Arc<Core>,
        token: &str,
        session: u64,
    ) -> Result<Lease<'c>> {
        let transactions = &core.transactions;
        let mut state = transactions.lock();
        transactions.find(&state, token, session)?;
        let Some(entry) = state.by_token.get_mut(token) else {
            return Err(Error::new(ErrorKind::Internal, "a transaction was lost"));
        };
        let open = match std::mem::replace(&mut entry.place, Place::Lent) {
            Place::Kept(open) => open,
            Place::Lent => {
                let message = "another request is using the transaction; send them one by one";
                return Err(Error::invalid(message));
            }
            Place::Expired(why) => {
                let error = expired(&why);
                entry.place = Place::Expired(why);
                return Err(error);
            }
        };
        Ok(Lease {
            core,
            token: token.to_owned(),
            session,
            shard: entry.shard,
            ends: entry.ends,
            open: Some(open),
            expired: false,
        })
    }

    pub(in crate::service) fn shard(&self) -> usize {
        self.shard
    }

    pub(in crate::service) fn run(
        &mut self,
        operation: &Operation,
        limits: &Limits,
    ) -> Result<Answer> {
        let Some(mut open) = self.open.take() else {
            return Err(Error::new(ErrorKind::Internal, "a transaction was lost"));
        };
        let mut result = open.transaction.run(operation, &self.within(limits));
        if open.transaction.is_dead() {
            open.places = None;
            // The same request would find it dead: all of it is to be begun anew.
            result = result.map_err(|error| error.with_retry(Retry::No));
        }
        self.open = Some(open);
        result.map_err(|error| self.told(error))
    }

    pub(in crate::service) fn commit(mut self, limits: &Limits) -> Result<()> {
        let limits = self.within(limits);
        let Some(mut open) = self.open.take() else {
            return Err(Error::new(ErrorKind::Internal, "a transaction was lost"));
        };
        let was_dead = open.transaction.is_dead();
        let result = open.transaction.commit(&limits);
        if was_dead {
            // It stays, to say so, until it is rolled back.
            self.open = Some(open);
        }
        result
    }

    pub(in crate::service) fn roll_back(mut self, limits: &Limits) -> Result<()> {
        match self.open.take() {
            Some(open) => open.transaction.rollback(limits),
            None => Ok(()),
        }
    }

    /// What ended an operation at the transaction's own end was not its deadline.
    fn told(&mut self, error: Error) -> Error {
        let late = error.kind() == ErrorKind::DeadlineExceeded && error.database().is_none();
        if !late || Instant::now() < self.ends {
            return error;
        }
        self.expired = true;
        let why = self.core.transactions.over_total();
        expired(&why).with_outcome(error.outcome())
    }

    /// No operation goes on past the transaction's own end.
    fn within(&self, limits: &Limits) -> Limits {
        Limits {
            deadline: limits.deadline.min(self.ends),
            ..limits.clone()
        }
    }
}

impl Drop for Lease<'_> {
    fn drop(&mut self) {
        let mut state = self.core.transactions.lock();
        let entry = state.by_token.get_mut(&self.token);
        match (self.open.take(), entry) {
            (Some(open), Some(entry)) if self.expired => {
                entry.place = Place::Expired(self.core.transactions.over_total());
                drop(state);
                abandon(self.core, self.shard, open);
            }
            (Some(open), Some(entry)) => {
                entry.last_used = Instant::now();
                entry.place = Place::Kept(open);
            }
            (Some(open), None) => {
                drop(state);
                abandon(self.core, self.shard, open);
            }
            (None, _) => state.remove(&self.token, self.session),
        }
    }
}

/// Ends a transaction that has expired, for those who roll it back all the same.
pub(in crate::service) fn roll_back(
    core: &Arc<Core>,
    token: &str,
    session: u64,
    limits: &Limits,
) -> Result<()> {
    match Lease::take(core, token, session) {
        Ok(lease) => lease.roll_back(limits),
        Err(error) if error.kind() == ErrorKind::TransactionExpired => {
            core.transactions.lock().remove(token, session);
            Ok(())
        }
        Err(error) => Err(error),
    }
}
