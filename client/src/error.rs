//! Why a request has no response.

use std::sync::Arc;

use fedway_tokio::{DiscoveryError, DiscoveryErrorKind, ServerNameError};
use http::Uri;

/// Why a request has no response
///
/// [`source()`](std::error::Error::source) is the cause: the [`DiscoveryError`], where no connection could be made.
#[derive(Clone, Debug, thiserror::Error)]
#[error(transparent)]
pub struct Error(Kind);

/// What came of it
#[derive(Clone, Debug, thiserror::Error)]
pub(crate) enum Kind {
    /// The search for the server failed, or no address of it gave a session that may be trusted
    #[error("{name}: no connection")]
    Discovery {
        name: String,
        #[source]
        cause: Arc<DiscoveryError>,
    },
    /// The session was there, and HTTP failed on it before a request
    #[error("{name}: no HTTP over the connection")]
    Handshake {
        name: String,
        #[source]
        cause: Arc<hyper::Error>,
    },
    /// The request failed on its way, or its response did
    #[error("{name}: request failed")]
    Request {
        name: String,
        #[source]
        cause: Arc<hyper::Error>,
        /// Whether it was the caller's body that failed
        is_callers: bool,
    },
    #[error("CONNECT is for proxies, not for servers")]
    Connect,
    #[error(
        "the URI {0:?} names no server: it has to be matrix-federation://SERVER_NAME/PATH, or https"
    )]
    NoName(Uri),
    #[error("the URI {uri:?} names no server")]
    Name {
        uri: Uri,
        #[source]
        cause: ServerNameError,
    },
    /// What reqwest took for a URL is no URI, or its other parts are no request
    #[cfg(feature = "reqwest")]
    #[error("the URL {0:?} cannot be sent")]
    Url(String),
    /// The time-out of a request of reqwest's
    #[cfg(feature = "reqwest")]
    #[error("{0}: no response in the time that the request has")]
    TimedOut(String),
    /// The runtime has ended, and what it ran with it
    #[error("{0}: the runtime that opens connections has ended")]
    RuntimeEnded(String),
}

impl Error {
    /// Whether the server was never reached: nothing of the request was sent
    #[must_use]
    pub fn is_connect(&self) -> bool {
        let was_never_there = matches!(
            self.0,
            Kind::Discovery { .. } | Kind::Handshake { .. } | Kind::RuntimeEnded(_)
        );
        was_never_there || self.http().is_some_and(hyper::Error::is_canceled)
    }

    /// Whether time ran out: that of a whole search ([`Deadlines::search`](fedway_tokio::Deadlines::search)), or that of an
    /// HTTP/2 connection on which the server does not answer a ping
    ///
    /// A time-out of the caller's own is an error of the layer that has it.
    #[must_use]
    pub fn is_timeout(&self) -> bool {
        #[cfg(feature = "reqwest")]
        if matches!(self.0, Kind::TimedOut(_)) {
            return true;
        }
        let discovery = self.discovery();
        discovery.is_some_and(|cause| cause.kind == DiscoveryErrorKind::TimedOut)
            || self.http().is_some_and(hyper::Error::is_timeout)
    }

    /// Whether the same request may succeed later without anybody changing a configuration
    #[must_use]
    pub fn is_temporary(&self) -> bool {
        // What a caller's body failed with is the caller's to judge
        let is_callers = matches!(
            self.0,
            Kind::Request {
                is_callers: true,
                ..
            }
        );
        self.discovery().is_some_and(DiscoveryError::is_temporary)
            || self.http().is_some_and(|_| !is_callers)
            || self.is_timeout()
    }

    /// How the search for the server failed, if it did
    #[must_use]
    pub fn discovery(&self) -> Option<&DiscoveryError> {
        if let Kind::Discovery { cause, .. } = &self.0 {
            Some(cause)
        } else {
            None
        }
    }

    fn http(&self) -> Option<&hyper::Error> {
        if let Kind::Handshake { cause, .. } | Kind::Request { cause, .. } = &self.0 {
            Some(cause)
        } else {
            None
        }
    }
}

impl From<Kind> for Error {
    fn from(kind: Kind) -> Self {
        Self(kind)
    }
}
