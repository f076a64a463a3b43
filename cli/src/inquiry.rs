//! One name: search, and for `check` ask the server for its version.

use std::sync::Arc;
use std::time::Duration;

use fedway_core::{Chain, DiscoveryError, FetchError, Found, Instant, ServerName};
use fedway_driver::dns::Dns;
use fedway_driver::{Connected, Io, Resolver, TlsStream, before};

use crate::json::Foreign;
use crate::tls::Session;

/// What came of one name
pub(crate) struct Inquiry {
    pub(crate) result: Result<Arc<Found>, DiscoveryError>,
    /// What a connection was made with, once there was one
    pub(crate) session: Option<Session>,
    /// The server's answer; `None` where it was not asked
    pub(crate) version: Option<Result<Foreign, VersionError>>,
    pub(crate) elapsed: Duration,
    /// When that was, on the clock of what expires
    pub(crate) ended: Instant,
}

/// Why a server that was reached did not tell its version
#[derive(Debug)]
pub(crate) enum VersionError {
    Fetch(FetchError),
    NotAnObject(Foreign),
    NotJson(serde_json::Error),
    Status(u16),
    TimedOut,
}

impl VersionError {
    /// Whether the server may answer later without anybody changing a configuration
    pub(crate) fn is_temporary(&self) -> bool {
        match self {
            Self::Fetch(error) => matches!(error, FetchError::ConnectionLost),
            Self::NotAnObject(_) | Self::NotJson(_) => false,
            // Too many requests, and what a proxy says of a server that is down (RFC 6585 §4, RFC 9110 §15.6)
            Self::Status(status) => *status == 429 || *status >= 500,
            Self::TimedOut => true,
        }
    }
}

impl std::fmt::Display for VersionError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "GET {VERSION_PATH}: ")?;
        match self {
            Self::Fetch(error) => Chain(error).fmt(f),
            Self::NotAnObject(_) => f.write_str("answer is no JSON object"),
            Self::NotJson(error) => write!(f, "answer is no JSON: {error}"),
            Self::Status(status) => write!(f, "status {status}"),
            Self::TimedOut => f.write_str("no answer in time"),
        }
    }
}

/// Where requests for a name go
pub(crate) async fn resolve<I: Io, D: Dns>(
    resolver: &Resolver<I, D>,
    name: &ServerName,
) -> Inquiry {
    let start = resolver.io().now();
    let result = resolver.resolve(name).await;
    let ended = resolver.io().now();
    Inquiry {
        result,
        session: None,
        version: None,
        elapsed: ended.saturating_since(start),
        ended,
    }
}

/// The same, connected to and asked for its version
pub(crate) async fn check<I: Io, D: Dns>(resolver: &Resolver<I, D>, name: &ServerName) -> Inquiry {
    let start = resolver.io().now();
    let deadlines = resolver.config().deadlines;
    let mut inquiry = match resolver.connect(name).await {
        Err(error) => Inquiry {
            result: Err(error),
            session: None,
            version: None,
            elapsed: Duration::ZERO,
            ended: start,
        },
        Ok(mut connected) => {
            let connected_at = resolver.io().now();
            // A server that has accepted the connection gets as long for its answer as .well-known
            let deadline = connected_at + deadlines.well_known;
            let version = version(resolver, &mut connected, deadline).await;
            let session = connected.stream.session().map(Session::new);
            #[cfg(feature = "transparency")]
            let session = session.map(|it| it.logged(connected.transparency.as_ref()));
            Inquiry {
                session,
                result: Ok(connected.found.into()),
                version: Some(version),
                elapsed: Duration::ZERO,
                ended: start,
            }
        }
    };
    inquiry.ended = resolver.io().now();
    inquiry.elapsed = inquiry.ended.saturating_since(start);
    inquiry
}

async fn version<I: Io, D: Dns>(
    resolver: &Resolver<I, D>,
    connected: &mut Connected<I, D>,
    deadline: Instant,
) -> Result<Foreign, VersionError> {
    let get = connected.get(VERSION_PATH);
    let response = match before(resolver.io(), deadline, get).await {
        None | Some(Err(FetchError::TimedOut)) => return Err(VersionError::TimedOut),
        Some(Err(error)) => return Err(VersionError::Fetch(error)),
        Some(Ok(response)) => response,
    };
    if response.status != 200 {
        return Err(VersionError::Status(response.status));
    }
    read_version(&response.body)
}

/// What a server says of itself, which is to be an object
pub(crate) fn read_version(body: &[u8]) -> Result<Foreign, VersionError> {
    let body = Foreign::parse(body).map_err(VersionError::NotJson)?;
    if body.is_object() {
        Ok(body)
    } else {
        Err(VersionError::NotAnObject(body))
    }
}

/// Server-server API, "Retrieving server version"
const VERSION_PATH: &str = "/_matrix/federation/v1/version";
