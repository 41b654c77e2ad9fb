//! A way between two ends of TCP that a test can spoil: cut it, reset it, swallow
//! what it carries, or let it through byte by byte.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use socket2::SockRef;

/// Between two bytes of a link that trickles.
const TRICKLE_PERIOD: Duration = Duration::from_millis(30);

/// What a link does with what it is given.
#[derive(Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Manner {
    Carries,
    /// What comes from the far end, by single bytes.
    Trickles,
    /// What comes from either end is lost.
    Swallows,
}

/// How a link ends for the far end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// As when a process ends.
    Close,
    /// As when it ends with bytes unread.
    Reset,
    /// The near end says only that it will send no more.
    SendingSide,
}

/// Listens at `port`, and carries to another one.
pub struct Link {
    pub port: u16,
    shared: Arc<Shared>,
}

struct Shared {
    manner: AtomicU8,
    /// Towards the far end.
    ways: Mutex<Vec<TcpStream>>,
}

impl Link {
    pub fn to(port: u16) -> Link {
        Link::of(TcpListener::bind("127.0.0.1:0").unwrap(), port)
    }

    pub fn of(listener: TcpListener, port: u16) -> Link {
        let own = listener.local_addr().unwrap().port();
        let shared = Arc::new(Shared {
            manner: AtomicU8::new(Manner::Carries as u8),
            ways: Mutex::default(),
        });
        let link = Link {
            port: own,
            shared: shared.clone(),
        };
        std::thread::spawn(move || {
            for near in listener.incoming().flatten() {
                let Ok(far) = TcpStream::connect(("127.0.0.1", port)) else {
                    continue;
                };
                near.set_nodelay(true).unwrap();
                far.set_nodelay(true).unwrap();
                shared.ways.lock().unwrap().push(far.try_clone().unwrap());
                let (from, to) = (near.try_clone().unwrap(), far.try_clone().unwrap());
                let way = shared.clone();
                std::thread::spawn(move || {
                    carry(from, to, || way.manner() == Manner::Swallows, || false)
                });
                let way = shared.clone();
                std::thread::spawn(move || {
                    let trickles = || way.manner() == Manner::Trickles;
                    carry(far, near, || way.manner() == Manner::Swallows, trickles);
                });
            }
        });
        link
    }

    pub fn set(&self, manner: Manner) {
        self.shared.manner.store(manner as u8, Ordering::SeqCst);
    }

    /// Ends all there is of it towards the far end.
    pub fn end(&self, how: End) {
        for far in self.shared.ways.lock().unwrap().drain(..) {
            match how {
                End::Close => drop(far.shutdown(Shutdown::Both)),
                End::SendingSide => drop(far.shutdown(Shutdown::Write)),
                End::Reset => {
                    // Then a close is a reset; the other handles are closed first.
                    SockRef::from(&far)
                        .set_linger(Some(Duration::ZERO))
                        .unwrap();
                    reset(&far);
                }
            }
        }
    }
}

/// A connection to nowhere is a reset on Linux, however many handles there are.
fn reset(stream: &TcpStream) {
    use std::os::fd::AsRawFd;
    let address = libc::sockaddr {
        sa_family: libc::AF_UNSPEC as libc::sa_family_t,
        sa_data: [0; 14],
    };
    // SAFETY: the address lives for the call, and is as long as it is said to be.
    let done = unsafe {
        libc::connect(
            stream.as_raw_fd(),
            &raw const address,
            size_of::<libc::sockaddr>() as libc::socklen_t,
        )
    };
    assert_eq!(done, 0, "{}", std::io::Error::last_os_error());
}

impl Shared {
    fn manner(&self) -> Manner {
        match self.manner.load(Ordering::SeqCst) {
            1 => Manner::Trickles,
            2 => Manner::Swallows,
            _ => Manner::Carries,
        }
    }
}

/// Until either end is over, which ends the other.
fn carry(
    mut from: TcpStream,
    mut to: TcpStream,
    swallows: impl Fn() -> bool,
    trickles: impl Fn() -> bool,
) {
    let mut bytes = [0; 16 * 1024];
    'carrying: while let Ok(count @ 1..) = from.read(&mut bytes) {
        let mut rest = &bytes[..count];
        while !rest.is_empty() && !swallows() {
            let part = if trickles() { &rest[..1] } else { rest };
            if to.write_all(part).is_err() {
                break 'carrying;
            }
            if part.len() < rest.len() {
                std::thread::sleep(TRICKLE_PERIOD);
            }
            rest = &rest[part.len()..];
        }
    }
    for stream in [from, to] {
        stream.shutdown(Shutdown::Both).ok();
    }
}
