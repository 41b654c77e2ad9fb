//! Who calls: those that share an address share what one caller may take.

use std::fmt;
use std::net::IpAddr;

/// The far end of a session, however many sessions it has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Peer {
    /// Over a Unix socket: all on this machine are one.
    Local,
    /// Over TCP, from this address.
    Address(IpAddr),
}

impl Peer {
    /// An IPv4 address that came over an IPv6 socket is the same as by itself.
    pub fn at(address: IpAddr) -> Peer {
        Peer::Address(address.to_canonical())
    }
}

impl fmt::Display for Peer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Peer::Local => f.write_str("a Unix socket"),
            Peer::Address(address) => address.fmt(f),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_address_is_one_peer() {
        let mapped = Peer::at("::ffff:10.0.0.1".parse().unwrap());
        let plain = Peer::at("10.0.0.1".parse().unwrap());
        assert_eq!(mapped, plain);
        assert_eq!(mapped.to_string(), "10.0.0.1");
    }
}
