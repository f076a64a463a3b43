//! What comes back from the network: the answers of DNS and of an HTTP server.

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;
use core::time::Duration;

use crate::name::DnsName;

/// What DNS says to a question
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer<T> {
    /// There is no such record, firmly
    Absent {
        /// In which way
        absence: Absence,
        /// How long this may be believed (RFC 2308 §5); `None` where the answer had no SOA
        ttl: Option<Duration>,
    },
    /// These records
    Found {
        /// One or more, in any order
        records: Vec<T>,
        /// The least time to live among the records and the aliases that led to them
        ttl: Duration,
        /// Whether the name asked for is an alias (CNAME) of the records' owner
        alias: bool,
    },
}

/// The two ways of not being there
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Absence {
    /// The name exists, a record of this type does not
    NoData,
    /// The name does not exist (NXDOMAIN)
    NoSuchName,
}

impl fmt::Display for Absence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NoData => "no such record",
            Self::NoSuchName => "no such name",
        })
    }
}

/// An SRV record's data (RFC 2782)
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SrvRecord {
    /// Lower is tried first
    pub priority: u16,
    /// The share of the choices among records of one priority
    pub weight: u16,
    /// The TCP port
    pub port: u16,
    /// The host; the root means that the service is not offered
    pub target: DnsName,
}

/// An HTTP response, as much of it as discovery reads
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HttpAnswer {
    /// The status code
    pub status: u16,
    /// The `Location` header, as sent
    pub location: Option<Vec<u8>>,
    /// The body, at most [`FetchWellKnown::max_body`](crate::FetchWellKnown::max_body) bytes; only read for a status of 200
    pub body: Vec<u8>,
}

impl HttpAnswer {
    /// A 200 with this body
    #[must_use]
    pub fn ok(body: impl Into<String>) -> Self {
        Self {
            status: 200,
            location: None,
            body: body.into().into_bytes(),
        }
    }

    /// A response that redirects there
    #[must_use]
    pub fn redirect(status: u16, location: impl Into<String>) -> Self {
        Self {
            status,
            location: Some(location.into().into_bytes()),
            body: Vec::new(),
        }
    }

    /// A response without a body
    #[must_use]
    pub fn status(status: u16) -> Self {
        Self {
            status,
            ..Self::default()
        }
    }
}
