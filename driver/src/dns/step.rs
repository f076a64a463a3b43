//! What a look-up wants done.

use std::net::SocketAddr;

use fedway_core::{Answer, DnsError, Instant};

use super::way::{Lesson, Transport};

/// What a [`Lookup`](super::Lookup) wants
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step<T> {
    /// Close the socket of this query: nothing that comes of it counts any more
    Cancel(TransmitId),
    /// It is over; said once
    Done(Result<Answer<T>, DnsError>),
    /// Tell this to the [`Memory`](super::Memory) that later look-ups are given
    Learnt(Lesson),
    /// Send this from a fresh socket, and go on listening to earlier ones
    Send(Transmit),
    /// Wait for a message or a failure
    Wait {
        /// When to call [`Lookup::handle_timeout`](super::Lookup::handle_timeout) at the latest; `None` once it is over
        until: Option<Instant>,
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
