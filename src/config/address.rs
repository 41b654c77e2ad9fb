//! Where the service listens: the form of an address in the file's `listen` and
//! behind `--listen`. Names are not resolved here, and nothing is bound.

use std::fmt;
use std::net::Ipv4Addr;
use std::net::Ipv6Addr;
use std::path::PathBuf;
use std::str::FromStr;

use super::error::Invalid;

const FORMS: &str = "write host:port, [ipv6]:port, :port for every interface, or unix:/path";

/// Bytes that the kernel takes in the path of a Unix socket.
pub(super) const SOCKET_PATH_MAX_BYTES: usize = 107;

/// An address to listen on. Displays in the form that it is parsed from.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum ListenAddress {
    /// `host:port` or `[ipv6]:port`, as the standard library resolves it. Port 0
    /// takes a free one; `:port` was turned into `[::]:port`.
    Tcp(String),
    Unix(PathBuf),
}

impl ListenAddress {
    /// The socket at `path`, if the kernel takes such a path.
    pub fn unix(path: PathBuf) -> Result<ListenAddress, Invalid> {
        let bytes = path.as_os_str().as_encoded_bytes();
        match bytes.len() {
            _ if bytes.contains(&0) => Err(Invalid(
                "the path of the Unix socket has a NUL in it; write unix:/path".to_owned(),
            )),
            0 => Err(Invalid(
                "the path of the Unix socket is missing; write unix:/path".to_owned(),
            )),
            1..=SOCKET_PATH_MAX_BYTES => Ok(ListenAddress::Unix(path)),
            length => Err(Invalid(format!(
                "the path of the Unix socket has {length} bytes; it must have at most \
                 {SOCKET_PATH_MAX_BYTES}"
            ))),
        }
    }
}

/// Where generated clients look when they are told nothing: 127.0.0.1:9090.
impl Default for ListenAddress {
    fn default() -> ListenAddress {
        ListenAddress::Tcp("127.0.0.1:9090".to_owned())
    }
}

impl fmt::Display for ListenAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ListenAddress::Tcp(address) => f.write_str(address),
            ListenAddress::Unix(path) => write!(f, "unix:{}", path.display()),
        }
    }
}

impl FromStr for ListenAddress {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<ListenAddress, Invalid> {
        if let Some(path) = text.strip_prefix("unix:") {
            return ListenAddress::unix(PathBuf::from(path));
        }
        let invalid = |problem: &str| Err(Invalid(format!("{text:?} {problem}; {FORMS}")));
        if text.contains("//") {
            return invalid("is a URL, not an address");
        }
        let Some((host, port)) = text.rsplit_once(':') else {
            return invalid("has no port");
        };
        // Only digits: `parse` alone would take "+9090".
        let digits = !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit());
        let Some(port) = port.parse::<u16>().ok().filter(|_| digits) else {
            return invalid("has no port from 0 to 65535");
        };
        if host.is_empty() {
            return Ok(ListenAddress::Tcp(format!("[::]:{port}")));
        }
        if let Some(inside) = host.strip_prefix('[') {
            return match inside.strip_suffix(']').map(str::parse::<Ipv6Addr>) {
                Some(Ok(_)) => Ok(ListenAddress::Tcp(format!("{host}:{port}"))),
                _ => invalid("has no IPv6 address between its brackets"),
            };
        }
        if host.contains(':') {
            return invalid("has an IPv6 address without brackets");
        }
        if !is_host_name(host) {
            return invalid("has no valid host");
        }
        Ok(ListenAddress::Tcp(format!("{host}:{port}")))
    }
}

/// Whether `host` can be a DNS name or an IPv4 address. What is all digits and
/// dots must be a real IPv4 address: resolvers would take it for one.
pub(super) fn is_host_name(host: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    if host.is_empty() || host.len() > 253 || !host.bytes().all(allowed) {
        return false;
    }
    let numeric = host
        .bytes()
        .all(|byte| byte.is_ascii_digit() || byte == b'.');
    !numeric || host.parse::<Ipv4Addr>().is_ok()
}
