//! Which of this machine's addresses sockets come from.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

/// Which of this machine's addresses sockets come from: one of each family, or whichever the system takes
///
/// An [`Io`](crate::Io) that lets its user choose keeps one of these, and binds a socket before it connects it.
///
/// ```
/// use fedway_driver::SourceAddresses;
///
/// let mut sources = SourceAddresses::default();
/// sources.set("192.0.2.1".parse().unwrap());
/// let (v4, v6) = ("198.51.100.1:53".parse().unwrap(), "[2001:db8::1]:53".parse().unwrap());
/// assert_eq!(sources.chosen_for(v4), Some("192.0.2.1:0".parse().unwrap()));
/// assert_eq!(sources.chosen_for(v6), None);
/// // What a UDP socket can be bound to in either case
/// assert_eq!(sources.for_peer(v6), "[::]:0".parse().unwrap());
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SourceAddresses {
    v4: Option<Ipv4Addr>,
    v6: Option<Ipv6Addr>,
}

impl SourceAddresses {
    /// Lets sockets to addresses of the same family come from this one
    pub fn set(&mut self, ip: IpAddr) {
        match ip {
            IpAddr::V4(ip) => self.v4 = Some(ip),
            IpAddr::V6(ip) => self.v6 = Some(ip),
        }
    }

    /// What a socket to this address comes from, with any port; `None` where that is left to the system
    #[must_use]
    pub fn chosen_for(&self, peer: SocketAddr) -> Option<SocketAddr> {
        let ip = match peer {
            SocketAddr::V4(_) => self.v4.map(IpAddr::from),
            SocketAddr::V6(_) => self.v6.map(IpAddr::from),
        };
        ip.map(|ip| (ip, 0).into())
    }

    /// The same, but with the unspecified address where it is left to the system
    #[must_use]
    pub fn for_peer(&self, peer: SocketAddr) -> SocketAddr {
        let any: IpAddr = match peer {
            SocketAddr::V4(_) => Ipv4Addr::UNSPECIFIED.into(),
            SocketAddr::V6(_) => Ipv6Addr::UNSPECIFIED.into(),
        };
        self.chosen_for(peer).unwrap_or((any, 0).into())
    }
}
