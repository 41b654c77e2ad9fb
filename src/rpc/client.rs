//! A small client of the service, framed and binary, through the generated stubs:
//! what the command line uses, and the tests.

use std::fmt;
use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpStream, ToSocketAddrs};
use std::os::unix::net::UnixStream;
use std::time::Duration;

use thrift::protocol::{
    TBinaryInputProtocol, TBinaryOutputProtocol, TInputProtocol, TOutputProtocol,
};
use thrift::transport::{TFramedReadTransport, TFramedWriteTransport};

use super::generated::{self, ForebaySyncClient, TForebaySyncClient};
use super::wire;
use crate::config::ListenAddress;
use crate::operation::ParamStyle;
use crate::value::{Column, ColumnData, Rows, Value};

/// The generated client over a socket of either kind.
pub type Stubs = ForebaySyncClient<Box<dyn TInputProtocol + Send>, Box<dyn TOutputProtocol + Send>>;

/// A session with a Forebay server.
pub struct Client {
    stubs: Stubs,
    timeout: Duration,
}

/// What came of an `execute`.
#[derive(Clone, Debug, PartialEq)]
pub struct Executed {
    pub affected_rows: i64,
    /// 0: there is none.
    pub insert_id: u64,
    pub warning_count: i32,
    /// None: the statement has no result set.
    pub rows: Option<Rows>,
}

/// Why a call brought no result.
#[derive(Debug)]
pub enum ClientError {
    /// The service's own answer.
    Data(Box<generated::DataError>),
    /// There was no answer, or none that could be understood.
    Transport(String),
}

/// A DataError as its code's name, MySQL's number if there is one, its message,
/// and its outcome if that is not the usual one.
impl fmt::Display for ClientError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ClientError::Data(error) => {
                f.write_str(&wire::code_name(error.code))?;
                match error.mysql_errno {
                    None | Some(0) => {}
                    Some(number) => write!(f, " ({number})")?,
                }
                write!(f, ": {}", error.message.as_deref().unwrap_or_default())?;
                match error.outcome {
                    Some(generated::Outcome::APPLIED) => f.write_str(" (it was applied)"),
                    Some(generated::Outcome::UNKNOWN) => f.write_str(" (it may have been applied)"),
                    _ => Ok(()),
                }
            }
            ClientError::Transport(message) => f.write_str(message),
        }
    }
}

impl std::error::Error for ClientError {}

/// Both kinds of socket behind one type.
enum Socket {
    Tcp(TcpStream),
    Unix(UnixStream),
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
        let request = generated::ExecuteRequest {
            shard: Some(shard.to_owned()),
            statement: Some(generated::Statement {
                sql: Some(sql.to_owned()),
                params: Some(values(params)),
                named_params: None,
                param_style: Some(match style {
                    ParamStyle::Native => generated::ParamStyle::NATIVE,
                    ParamStyle::Pyformat => generated::ParamStyle::PYFORMAT,
                }),
            }),
            options: Some(self.options()),
        };
        let result = self.stubs.execute(request)?;
        Ok(Executed {
            affected_rows: result.affected_rows.unwrap_or(0),
            insert_id: result.insert_id.unwrap_or(0).cast_unsigned(),
            warning_count: result.warning_count.unwrap_or(0),
            rows: result.rows.map(rows),
        })
    }

    /// Inserts rows; the number of them that were.
    pub fn insert(
        &mut self,
        shard: &str,
        table: &str,
        columns: &[&str],
        rows: Vec<Vec<Value>>,
    ) -> Result<i64, ClientError> {
        let request = generated::InsertRequest {
            shard: Some(shard.to_owned()),
            table: Some(table.to_owned()),
            columns: Some(columns.iter().map(|&name| name.to_owned()).collect()),
            rows: Some(rows.into_iter().map(values).collect()),
            mode: None,
            database: None,
            options: Some(self.options()),
        };
        let result = self.stubs.insert(request)?;
        Ok(result.affected_rows.unwrap_or(0))
    }

    fn options(&self) -> generated::Options {
        generated::Options {
            timeout_ms: Some(wire::clamp_i32(self.timeout.as_millis())),
            request_id: None,
            max_rows: None,
        }
    }

    /// The generated client, for what has no shorthand here.
    pub fn stubs(&mut self) -> &mut Stubs {
        &mut self.stubs
    }
}

fn values(values: Vec<Value>) -> Vec<generated::Value> {
    values.into_iter().map(wire::to_wire).collect()
}

impl Socket {
    fn connect(address: &ListenAddress, timeout: Duration) -> io::Result<Socket> {
        // The server answers by the deadline, if only with an error; so long
        // after it, it is not there any more.
        let patience = timeout + Duration::from_secs(1);
        match address {
            ListenAddress::Tcp(address) => {
                let mut last = io::Error::other("the name has no address");
                for address in address.to_socket_addrs()? {
                    match TcpStream::connect_timeout(&address, timeout) {
                        Ok(stream) => {
                            stream.set_nodelay(true)?;
                            stream.set_read_timeout(Some(patience))?;
                            stream.set_write_timeout(Some(patience))?;
                            return Ok(Socket::Tcp(stream));
                        }
                        Err(error) => last = error,
                    }
                }
                Err(last)
            }
            ListenAddress::Unix(path) => {
                let stream = UnixStream::connect(path)?;
                stream.set_read_timeout(Some(patience))?;
                stream.set_write_timeout(Some(patience))?;
                Ok(Socket::Unix(stream))
            }
        }
    }

    fn try_clone(&self) -> io::Result<Socket> {
        Ok(match self {
            Socket::Tcp(stream) => Socket::Tcp(stream.try_clone()?),
            Socket::Unix(stream) => Socket::Unix(stream.try_clone()?),
        })
    }
}

impl Read for Socket {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Socket::Tcp(stream) => stream.read(buffer),
            Socket::Unix(stream) => stream.read(buffer),
        }
    }
}

impl Write for Socket {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Socket::Tcp(stream) => stream.write(bytes),
            Socket::Unix(stream) => stream.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        // The other half holds the same socket; neither outlives the client.
        let _ = match self {
            Socket::Tcp(stream) => stream.shutdown(Shutdown::Both),
            Socket::Unix(stream) => stream.shutdown(Shutdown::Both),
        };
    }
}

impl From<thrift::Error> for ClientError {
    fn from(error: thrift::Error) -> ClientError {
        match error {
            thrift::Error::User(error) => match error.downcast::<generated::DataError>() {
                Ok(error) => ClientError::Data(error),
                Err(error) => ClientError::Transport(error.to_string()),
            },
            thrift::Error::Application(error) => ClientError::Transport(error.message),
            thrift::Error::Protocol(error) => ClientError::Transport(error.message),
            thrift::Error::Transport(error) => ClientError::Transport(format!(
                "the server gave no answer ({:?}: {})",
                error.kind, error.message
            )),
        }
    }
}

fn rows(set: generated::ResultSet) -> Rows {
    let columns = set.columns.unwrap_or_default();
    Rows {
        row_count: usize::try_from(set.row_count.unwrap_or(0)).unwrap_or(0),
        columns: columns.into_iter().map(column).collect(),
    }
}

fn column(column: generated::Column) -> Column {
    let data = if let Some(values) = column.int64s {
        ColumnData::Int64s(values)
    } else if let Some(values) = column.doubles {
        ColumnData::Doubles(values.into_iter().map(|value| value.0).collect())
    } else if let Some(values) = column.blobs {
        ColumnData::Blobs(values)
    } else {
        ColumnData::Strings(column.strings.unwrap_or_default())
    };
    Column {
        name: column.name.unwrap_or_default(),
        column_type: column.type_.map_or(0, |kind| kind.0 as u8),
        flags: column.flags.unwrap_or(0) as u16,
        collation: column.collation.unwrap_or(0) as u16,
        decimals: column.decimals.unwrap_or(0) as u8,
        length: column.length.unwrap_or(0) as u32,
        nulls: column.nulls.unwrap_or_default(),
        data,
    }
}
