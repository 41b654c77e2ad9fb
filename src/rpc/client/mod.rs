//! A small client of the service, framed and binary, through the generated stubs:
//! what the command line uses, and the tests.

mod error;
mod replies;
pub(super) mod requests;
mod socket;

use std::io;
use std::time::Duration;

use thrift::protocol::{
    TBinaryInputProtocol, TBinaryOutputProtocol, TInputProtocol, TOutputProtocol,
};
use thrift::transport::{TFramedReadTransport, TFramedWriteTransport};

use super::ask::Policy;
use super::generated::{self, ForebaySyncClient, TForebaySyncClient};
use super::wire;
use crate::config::ListenAddress;
use crate::operation::{
    Batch, Begin, Insert, InsertMode, Operation, ParamStyle, Params, Statement,
};
use crate::value::{Rows, Value};
pub use error::ClientError;
pub use replies::Executed;
use socket::Socket;

/// The generated client over a socket of either kind.
pub type Stubs = ForebaySyncClient<Box<dyn TInputProtocol + Send>, Box<dyn TOutputProtocol + Send>>;

/// A session with a Forebay server.
pub struct Client {
    stubs: Stubs,
    timeout: Duration,
}

impl Client {
    /// Connects within `timeout`, and gives every call that long, which its
    /// deadline on the server then is as well.
    pub fn connect(address: &ListenAddress, timeout: Duration) -> Result<Client, ClientError> {
        let cannot = |error: io::Error| {
            ClientError::Transport(format!("cannot connect to {address}: {error}"))
        };
        let reading = Socket::connect(address, timeout).map_err(cannot)?;
        let writing = reading.try_clone().map_err(cannot)?;
        let input = TBinaryInputProtocol::new(TFramedReadTransport::new(reading), true);
        let output = TBinaryOutputProtocol::new(TFramedWriteTransport::new(writing), true);
        Ok(Client {
            stubs: ForebaySyncClient::new(Box::new(input), Box::new(output)),
            timeout,
        })
    }

    /// Runs one statement of any kind; `params` take the places of `?` or `%s`.
    pub fn execute(
        &mut self,
        shard: &str,
        sql: &str,
        params: Vec<Value>,
        style: ParamStyle,
    ) -> Result<Executed, ClientError> {
        let statement = statement(sql, params, style);
        let request = requests::execute(Some(shard.to_owned()), statement, self.options());
        Ok(self.stubs.execute(request)?.into())
    }

    /// Runs one statement that reads, which the service may run again if its
    /// connection is lost; `params` as for [`Client::execute`].
    pub fn query(
        &mut self,
        shard: &str,
        sql: &str,
        params: Vec<Value>,
        style: ParamStyle,
    ) -> Result<Rows, ClientError> {
        let statement = statement(sql, params, style);
        let request = requests::query(Some(shard.to_owned()), statement, self.options());
        let result = self.stubs.query(request)?;
        Ok(result.rows.map(Rows::from).unwrap_or_default())
    }

    /// As [`Client::execute`] within a transaction, whose shard it is.
    pub fn execute_in(
        &mut self,
        transaction: &str,
        sql: &str,
        params: Vec<Value>,
        style: ParamStyle,
    ) -> Result<Executed, ClientError> {
        let options = self.options_in(transaction);
        let request = requests::execute(None, statement(sql, params, style), options);
        Ok(self.stubs.execute(request)?.into())
    }

    /// Inserts rows; the number of them that were.
    pub fn insert(
        &mut self,
        shard: &str,
        table: &str,
        columns: &[&str],
        rows: Vec<Vec<Value>>,
    ) -> Result<i64, ClientError> {
        let insert = Insert {
            database: None,
            table: table.to_owned(),
            columns: columns.iter().map(|&name| name.to_owned()).collect(),
            rows,
            mode: InsertMode::Insert,
        };
        let request = requests::insert(Some(shard.to_owned()), insert, self.options());
        let result = self.stubs.insert(request)?;
        Ok(result.affected_rows.unwrap_or(0))
    }

    /// Runs the steps of a batch; what came of each.
    pub fn batch(
        &mut self,
        shard: &str,
        batch: Batch,
    ) -> Result<generated::BatchResult, ClientError> {
        let request = requests::batch(Some(shard.to_owned()), batch, self.options());
        Ok(self.stubs.batch(request)?)
    }

    /// Runs each operation on its shard, side by side; what came of each, in
    /// their order. A ping is no item, and comes back as INVALID_ARGUMENT.
    pub fn multi(
        &mut self,
        items: Vec<(&str, Operation)>,
        policy: Policy,
    ) -> Result<Vec<generated::MultiOutcome>, ClientError> {
        let request = requests::multi(items, policy, self.options());
        Ok(self.stubs.multi(request)?.outcomes.unwrap_or_default())
    }

    /// The shards' names in their order, and how many items a multi may have.
    pub fn shards(&mut self) -> Result<(Vec<String>, usize), ClientError> {
        let options = Some(self.options());
        let info = self.stubs.info(generated::InfoRequest { options })?;
        let shards = info.shards.unwrap_or_default().into_iter();
        let items_max = info.limits.and_then(|limits| limits.multi_items_max);
        let items_max = items_max.and_then(|most| usize::try_from(most).ok());
        let names = shards.filter_map(|shard| shard.name).collect();
        Ok((names, items_max.unwrap_or(1).max(1)))
    }

    /// Opens a transaction; its token, of use in this session only.
    pub fn begin(&mut self, shard: &str, begin: Begin) -> Result<String, ClientError> {
        let request = requests::begin(Some(shard.to_owned()), begin, self.options());
        let result = self.stubs.begin_transaction(request)?;
        Ok(result.transaction.unwrap_or_default())
    }

    /// Makes a transaction's changes last.
    pub fn commit(&mut self, transaction: &str) -> Result<(), ClientError> {
        let options = Some(self.options_in(transaction));
        let request = generated::CommitRequest { options };
        self.stubs.commit_transaction(request)?;
        Ok(())
    }

    /// Undoes a transaction's changes.
    pub fn rollback(&mut self, transaction: &str) -> Result<(), ClientError> {
        let options = Some(self.options_in(transaction));
        let request = generated::RollbackRequest { options };
        self.stubs.rollback_transaction(request)?;
        Ok(())
    }

    fn options(&self) -> generated::Options {
        generated::Options {
            timeout_ms: Some(wire::clamp_i32(self.timeout.as_millis())),
            request_id: None,
            transaction: None,
            max_rows: None,
            warnings_max: None,
            idempotent: None,
            result_layout: None,
        }
    }

    fn options_in(&self, transaction: &str) -> generated::Options {
        generated::Options {
            transaction: Some(transaction.to_owned()),
            ..self.options()
        }
    }

    /// The generated client, for what has no shorthand here.
    pub fn stubs(&mut self) -> &mut Stubs {
        &mut self.stubs
    }
}

fn statement(sql: &str, params: Vec<Value>, style: ParamStyle) -> Statement {
    Statement {
        sql: sql.to_owned(),
        params: Params::Positional(params),
        style,
    }
}
