//! What reached a world, in order of arrival.

use std::fmt;
use std::net::SocketAddr;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use hickory_proto::rr::RecordType;

/// One line of a world's log.
///
/// Whatever may differ between two runs that did the same stands here; the [`Event`] can be
/// compared.
#[derive(Clone, Debug)]
pub struct Entry {
    /// Time since the world started.
    pub at: Duration,
    /// The connection it happened on; none for DNS.
    pub connection: Option<ConnectionId>,
    /// What happened.
    pub what: Event,
}

/// A connection to an HTTPS server of the world; never used twice in one world.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ConnectionId(pub(super) u64);

impl fmt::Display for ConnectionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "#{}", self.0)
    }
}

/// Something that reached a world. Addresses are virtual.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// A TCP connection was opened.
    Accepted {
        /// The address the client meant.
        address: SocketAddr,
    },
    /// A whole ClientHello was read.
    ClientHello {
        /// The address the client meant.
        address: SocketAddr,
        /// The server name it asked for.
        sni: Option<String>,
        /// The protocols it offered.
        alpn: Vec<String>,
    },
    /// A connection is over, whoever ended it.
    Closed {
        /// The address the client meant.
        address: SocketAddr,
    },
    /// A DNS query was read.
    DnsQuery(DnsQuery),
    /// A TLS handshake came to its end.
    Handshake {
        /// The address the client meant.
        address: SocketAddr,
        /// Whether an earlier session was resumed.
        resumed: bool,
        /// What went wrong, as the server saw it.
        finished: Result<(), String>,
    },
    /// A whole HTTP request was read.
    Request(Request),
}

/// A DNS query as it arrived.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DnsQuery {
    /// Which name server was asked: 0 is the world's own, the extra ones count from 1.
    pub server: usize,
    /// The name, absolute and in lower case.
    pub name: String,
    /// The type of records asked for.
    pub record_type: RecordType,
    /// How the query travelled.
    pub transport: Transport,
    /// Whether it carried an OPT record.
    pub edns: bool,
}

/// How a DNS query travelled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Transport {
    /// On a stream.
    Tcp,
    /// In a datagram.
    Udp,
}

/// An HTTP request as it arrived.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// The address the client meant.
    pub address: SocketAddr,
    /// The server name of the TLS handshake.
    pub sni: Option<String>,
    /// Such as `GET`.
    pub method: String,
    /// The request target, query included.
    pub target: String,
    /// The `Host` header, port included.
    pub host: Option<String>,
    /// All headers, names as they were spelt; a value that is not UTF-8 is shown lossily.
    pub headers: Vec<(String, String)>,
    /// The body, in one piece however it travelled.
    pub body: Vec<u8>,
}

impl Request {
    /// The value of the first header of this name, in whatever case.
    pub fn header(&self, name: &str) -> Option<&str> {
        let fitting = |(key, _): &&(String, String)| key.eq_ignore_ascii_case(name);
        let header = self.headers.iter().find(fitting);
        header.map(|(_, value)| value.as_str())
    }
}

/// Where the threads of a world write.
#[derive(Debug)]
pub(super) struct Log {
    started: Instant,
    entries: Mutex<Vec<Entry>>,
    written: Condvar,
}

impl Log {
    pub(super) fn new(started: Instant) -> Self {
        Self {
            started,
            entries: Mutex::default(),
            written: Condvar::new(),
        }
    }

    pub(super) fn write(&self, connection: Option<ConnectionId>, what: Event) {
        let mut entries = self.entries();
        // Read under the lock, so that times never run backwards.
        let at = self.started.elapsed();
        entries.push(Entry {
            at,
            connection,
            what,
        });
        self.written.notify_all();
    }

    pub(super) fn snapshot(&self) -> Vec<Entry> {
        self.entries().clone()
    }

    /// What `pick` finds, in order.
    pub(super) fn pick<T>(&self, pick: impl FnMut(&Entry) -> Option<T>) -> Vec<T> {
        self.entries().iter().filter_map(pick).collect()
    }

    /// Waits until the entries are as `wanted`; whether that came about in time.
    pub(super) fn wait_for(&self, timeout: Duration, wanted: impl Fn(&[Entry]) -> bool) -> bool {
        let unwanted = |entries: &mut Vec<Entry>| !wanted(entries);
        let waited = self
            .written
            .wait_timeout_while(self.entries(), timeout, unwanted);
        !waited.unwrap_or_else(PoisonError::into_inner).1.timed_out()
    }

    pub(super) fn clear(&self) {
        self.entries().clear();
    }

    fn entries(&self) -> MutexGuard<'_, Vec<Entry>> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
