//! Sockets of either kind behind one type: listening, reading into a buffer that
//! all sessions of a thread share, and writing from any thread.

use std::cell::RefCell;
use std::future::poll_fn;
use std::io;
use std::mem::MaybeUninit;
use std::net::{Shutdown, SocketAddr, ToSocketAddrs};
use std::os::unix::net::UnixStream as StdUnixStream;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use socket2::{Domain, Protocol, SockRef, Socket, TcpKeepalive, Type};
use tokio::io::{AsyncRead, Interest, ReadBuf};
use tokio::net::{TcpListener, TcpStream, UnixListener, UnixStream, tcp, unix};

use super::inbox::Inbox;
use crate::config::ListenAddress;
use crate::peer::Peer;

/// Connections that the kernel holds until they are accepted.
const BACKLOG: i32 = 4096;

/// Bytes that are read at once.
const READ_BYTES: usize = 64 * 1024;

/// A peer that vanished without a word is found out after the first of these
/// and so many probes, each the second of them apart.
const KEEPALIVE_TIME: Duration = Duration::from_secs(60);
const KEEPALIVE_INTERVAL: Duration = Duration::from_secs(10);
const KEEPALIVE_PROBES: u32 = 3;

thread_local! {
    /// Sessions own no read buffer: what they read is copied out at once.
    static READ_BUFFER: RefCell<Box<[u8]>> = RefCell::new(vec![0; READ_BYTES].into());
}

/// A bound address, not yet served.
pub struct Listener {
    kind: Kind,
    address: ListenAddress,
}

enum Kind {
    Tcp(std::net::TcpListener),
    Unix(std::os::unix::net::UnixListener),
}

impl Listener {
    /// Binds; port 0 takes a free one. A socket file that nobody listens on any
    /// more is replaced.
    pub fn bind(address: &ListenAddress) -> io::Result<Listener> {
        match address {
            ListenAddress::Tcp(name) => {
                let mut last = io::Error::other("the name has no address");
                for resolved in name.to_socket_addrs()? {
                    match bind_tcp(resolved) {
                        Ok(listener) => {
                            let bound = listener.local_addr()?.to_string();
                            return Ok(Listener {
                                kind: Kind::Tcp(listener),
                                address: ListenAddress::Tcp(bound),
                            });
                        }
                        Err(error) => last = error,
                    }
                }
                Err(last)
            }
            ListenAddress::Unix(path) => Ok(Listener {
                kind: Kind::Unix(bind_unix(path)?),
                address: address.clone(),
            }),
        }
    }

    /// Where it listens, with the port that it got.
    pub fn address(&self) -> &ListenAddress {
        &self.address
    }

    /// For whoever speaks another protocol there. Within a tokio runtime.
    pub fn into_async(self) -> io::Result<AsyncListener> {
        match self.kind {
            Kind::Tcp(listener) => {
                listener.set_nonblocking(true)?;
                Ok(AsyncListener::Tcp(TcpListener::from_std(listener)?))
            }
            Kind::Unix(listener) => {
                listener.set_nonblocking(true)?;
                let path = match self.address {
                    ListenAddress::Unix(path) => path,
                    ListenAddress::Tcp(_) => PathBuf::new(),
                };
                let listener = UnixListener::from_std(listener)?;
                Ok(AsyncListener::Unix {
                    listener,
                    file: SocketFile(path),
                })
            }
        }
    }
}

fn bind_tcp(address: SocketAddr) -> io::Result<std::net::TcpListener> {
    let socket = Socket::new(
        Domain::for_address(address),
        Type::STREAM,
        Some(Protocol::TCP),
    )?;
    socket.set_reuse_address(true)?;
    if address.is_ipv6() {
        // `[::]` is every interface, of either family.
        socket.set_only_v6(false)?;
    }
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    Ok(socket.into())
}

fn bind_unix(path: &Path) -> io::Result<std::os::unix::net::UnixListener> {
    use std::os::unix::fs::FileTypeExt;
    let is_socket = std::fs::symlink_metadata(path).is_ok_and(|meta| meta.file_type().is_socket());
    let refused = |error: io::Error| error.kind() == io::ErrorKind::ConnectionRefused;
    if is_socket && StdUnixStream::connect(path).is_err_and(refused) {
        std::fs::remove_file(path)?;
    }
    std::os::unix::net::UnixListener::bind(path)
}

/// Removes the file of a Unix socket once nobody listens on it.
pub struct SocketFile(PathBuf);

impl Drop for SocketFile {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

/// A bound address that can be accepted from.
pub enum AsyncListener {
    Tcp(TcpListener),
    Unix {
        listener: UnixListener,
        /// To be kept as long as it is listened on.
        file: SocketFile,
    },
}

impl AsyncListener {
    pub(super) async fn accept(&self) -> io::Result<(ReadHalf, WriteHalf, Peer)> {
        match self {
            AsyncListener::Tcp(listener) => {
                let (stream, address) = listener.accept().await?;
                // Without them the session works all the same.
                let _ = stream.set_nodelay(true);
                let keepalive = TcpKeepalive::new()
                    .with_time(KEEPALIVE_TIME)
                    .with_interval(KEEPALIVE_INTERVAL)
                    .with_retries(KEEPALIVE_PROBES);
                let _ = SockRef::from(&stream).set_tcp_keepalive(&keepalive);
                let (read, write) = stream.into_split();
                let peer = Peer::at(address.ip());
                Ok((ReadHalf::Tcp(read), WriteHalf::Tcp(write), peer))
            }
            AsyncListener::Unix { listener, .. } => {
                let (stream, _) = listener.accept().await?;
                let (read, write) = stream.into_split();
                Ok((ReadHalf::Unix(read), WriteHalf::Unix(write), Peer::Local))
            }
        }
    }
}

pub(super) enum ReadHalf {
    Tcp(tcp::OwnedReadHalf),
    Unix(unix::OwnedReadHalf),
}

impl ReadHalf {
    /// Waits for bytes and moves them to the inbox; 0 is the end. Nothing is
    /// lost if the wait is given up.
    pub(super) async fn read_into(&mut self, inbox: &mut Inbox) -> io::Result<usize> {
        poll_fn(|context| {
            READ_BUFFER.with_borrow_mut(|buffer| {
                let most = inbox.read_max_bytes(READ_BYTES);
                let mut buffer = ReadBuf::new(&mut buffer[..most]);
                ready!(self.poll_read(context, &mut buffer))?;
                inbox.push(buffer.filled());
                Poll::Ready(Ok(buffer.filled().len()))
            })
        })
        .await
    }

    /// Waits for bytes and forgets them; 0 is the end.
    pub(super) async fn discard(&mut self) -> io::Result<usize> {
        poll_fn(|context| {
            READ_BUFFER.with_borrow_mut(|buffer| {
                let mut buffer = ReadBuf::new(buffer);
                ready!(self.poll_read(context, &mut buffer))?;
                Poll::Ready(Ok(buffer.filled().len()))
            })
        })
        .await
    }

    /// Whether the client has closed its connection or its sending side, or reset
    /// it, even if bytes are there that were not read. Does not wait.
    pub(super) async fn has_hung_up(&self) -> bool {
        let ready = async {
            match self {
                ReadHalf::Tcp(half) => half.ready(Interest::READABLE).await,
                ReadHalf::Unix(half) => half.ready(Interest::READABLE).await,
            }
        };
        tokio::select! {
            biased;
            ready = ready => ready.map_or(true, |ready| ready.is_read_closed()),
            () = std::future::ready(()) => false,
        }
    }

    fn poll_read(
        &mut self,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match self {
            ReadHalf::Tcp(half) => Pin::new(half).poll_read(context, buffer),
            ReadHalf::Unix(half) => Pin::new(half).poll_read(context, buffer),
        }
    }
}

pub(super) enum WriteHalf {
    Tcp(tcp::OwnedWriteHalf),
    Unix(unix::OwnedWriteHalf),
}

impl WriteHalf {
    /// Writes what the socket takes at once, which may be nothing.
    pub(super) fn write_now(&self, bytes: &[u8]) -> io::Result<usize> {
        let mut written = 0;
        while written < bytes.len() {
            let result = match self {
                WriteHalf::Tcp(half) => half.try_write(&bytes[written..]),
                WriteHalf::Unix(half) => half.try_write(&bytes[written..]),
            };
            match result {
                Ok(count) => written += count,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(error) => return Err(error),
            }
        }
        Ok(written)
    }

    /// Whether the client has sent what nobody has read.
    pub(super) fn has_input(&self) -> bool {
        let mut byte = [MaybeUninit::uninit(); 1];
        // Past tokio, which knows of what came only when it has been told.
        self.as_socket()
            .peek(&mut byte)
            .is_ok_and(|count| count > 0)
    }

    /// Closes the connection for both sides. What the client sends from here on is
    /// not read, and what was sent to it still arrives.
    pub(super) fn shut_down(&self) {
        // It may be closed already.
        let _ = self.as_socket().shutdown(Shutdown::Both);
    }

    fn as_socket(&self) -> SockRef<'_> {
        match self {
            WriteHalf::Tcp(half) => SockRef::from(AsRef::<TcpStream>::as_ref(half)),
            WriteHalf::Unix(half) => SockRef::from(AsRef::<UnixStream>::as_ref(half)),
        }
    }

    pub(super) async fn writable(&self) -> io::Result<()> {
        match self {
            WriteHalf::Tcp(half) => half.writable().await,
            WriteHalf::Unix(half) => half.writable().await,
        }
    }
}
