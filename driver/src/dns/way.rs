//! The ways in which a name server can be asked.

use std::net::SocketAddr;

/// How a query travels
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Transport {
    /// A TCP connection, each message after its length in two bytes
    Tcp,
    /// A datagram, from a port that is used for nothing else
    Udp,
}

/// A way to ask a name server
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Way {
    pub(super) edns: bool,
    /// What a query goes by at first: an answer that does not fit a datagram comes over TCP in any case
    pub(super) transport: Transport,
}

impl Way {
    /// The way of a server of which nothing is known
    pub(super) fn first(transport: Transport) -> Self {
        Self {
            edns: true,
            transport,
        }
    }

    pub(super) fn without_edns(self) -> Self {
        Self {
            edns: false,
            ..self
        }
    }

    /// What a server may understand that is silent when it is asked in this way; `None` after the last
    pub(super) fn next(self) -> Option<Self> {
        match (self.edns, self.transport) {
            (true, _) => Some(self.without_edns()),
            (false, Transport::Udp) => Some(Self {
                edns: false,
                transport: Transport::Tcp,
            }),
            (false, Transport::Tcp) => None,
        }
    }
}

/// In which way a name server answers, found out by a look-up, for a [`Memory`](super::Memory)
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lesson {
    pub(super) server: SocketAddr,
    /// `None`: as any other does
    pub(super) way: Option<Way>,
}

impl Lesson {
    pub(super) fn new(server: SocketAddr, way: Option<Way>) -> Self {
        Self { server, way }
    }
}
