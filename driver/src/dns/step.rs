//! What a look-up wants done.

use std::net::SocketAddr;

use fedway_core::{Answer, DnsError, Instant};

/// What a [`Lookup`](super::Lookup) wants
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step<T> {
    /// It is over; each further poll says the same
    Done(Result<Answer<T>, DnsError>),
    /// Send this from a fresh socket, and give up what an earlier one is waiting for
    Send(Transmit),
    /// Wait for a message or a failure, and call [`Lookup::handle_timeout`](super::Lookup::handle_timeout) when the time has come
    Wait {
        /// The time
        until: Instant,
    },
}

/// A query to send
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Transmit {
    id: TransmitId,
    server: SocketAddr,
    transport: Transport,
    message: Vec<u8>,
}

impl Transmit {
    pub(super) fn new(
        id: TransmitId,
        server: SocketAddr,
        transport: Transport,
        message: Vec<u8>,
    ) -> Self {
        Self {
            id,
            server,
            transport,
            message,
        }
    }

    /// The name by which what comes of it is handled
    #[must_use]
    pub fn id(&self) -> TransmitId {
        self.id
    }

    /// The name server, and the only source from which to hear
    #[must_use]
    pub fn server(&self) -> SocketAddr {
        self.server
    }

    /// How to send it
    #[must_use]
    pub fn transport(&self) -> Transport {
        self.transport
    }

    /// The query; over TCP its length goes before it (RFC 1035 §4.2.2)
    #[must_use]
    pub fn message(&self) -> &[u8] {
        &self.message
    }
}

/// Names a [`Transmit`] within its look-up; never reused
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TransmitId(u32);

impl TransmitId {
    pub(super) const FIRST: Self = Self(0);

    pub(super) fn next(self) -> Self {
        Self(self.0 + 1)
    }
}

/// How a query travels
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Transport {
    /// A TCP connection, each message after its length in two bytes
    Tcp,
    /// A datagram, from a port that is used for nothing else
    Udp,
}
