//! Where a reading ends: plain data.

use std::net::SocketAddr;

use fedway_core::{AttemptError, DnsName, FetchError, Host, RedirectError, ServerNameError};

/// Where a search ends, by the text
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Without a server
    Failed {
        /// The text's number for the step
        step: &'static str,
        /// The hostname, or delegated hostname, that the step is about
        host: Host,
        /// Why
        failure: Failure,
        /// Where requests would have gone
        place: Option<Place>,
    },
    /// With one
    Found(Place),
}

/// Where requests go, and what they carry
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The text's number for the step
    pub step: &'static str,
    /// The `Host` header
    pub host_header: String,
    /// What the certificate must be valid for
    pub certificate: Host,
    /// The server name indication, "unless that certificate is expected to be an IP address"
    pub sni: Option<DnsName>,
    /// Who may answer, in the order in which they are asked
    pub targets: Vec<Target>,
    /// The address connected to, by a search that connects
    pub connected: Option<SocketAddr>,
}

/// A host and port that requests may go to
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// The host
    pub host: Host,
    /// The port
    pub port: u16,
    /// Priority and weight, of an SRV record
    pub srv: Option<(u16, u16)>,
    /// The addresses; none before the text comes to it
    pub addresses: Vec<SocketAddr>,
}

/// Why there is no server
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Failure {
    /// MSC4188, where it is turned on
    Gone,
    /// A .well-known that draft-2019 gives up for
    InvalidWellKnown(InvalidBody),
    /// A target of `.` under this name
    NotOffered(DnsName),
    /// SRV records under this name, of which none can be used
    NoUsableRecord(DnsName),
    /// RFC 7686
    Onion,
    /// What stood against the last target, in order
    Unreachable(Vec<AttemptError>),
}

/// Why .well-known delegates nowhere
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WellKnownFailure {
    /// Not the body that the schema asks for
    Body(InvalidBody),
    /// No response
    Fetch(FetchError),
    /// A redirect not to be followed
    Redirect(RedirectError),
    /// Not 200
    Status(u16),
    /// No response, ever
    TimedOut,
    /// No connection to this host, and what stood against it, in order
    Unreachable(Host, Vec<AttemptError>),
}

/// What is wrong with a body
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum InvalidBody {
    /// "Failures parsing the JSON"
    Json,
    /// "invalid data provided in the resulting parsed JSON"
    ServerName(ServerNameError),
}

impl Outcome {
    /// A failure before it is known where requests would go
    pub(super) fn failed(step: &'static str, host: &DnsName, failure: Failure) -> Self {
        Self::Failed {
            step,
            host: Host::Dns(host.clone()),
            failure,
            place: None,
        }
    }
}
