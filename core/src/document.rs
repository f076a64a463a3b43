//! The .well-known document from the other side: what a server name is delegated with.

use alloc::string::String;
use core::time::Duration;

use crate::name::{ServerName, ServerNameError};

/// What `https://<server name>/.well-known/matrix/server` is to be answered with, to delegate that name to another
///
/// Whoever asks does so in HTTP/1.1 on port 443, and follows redirects; the status has to be 200.
///
/// The name that it delegates to is the end of the way: where that is delegated itself, nobody looks. To be warned of it, ask
/// whom requests for it are for ([`Pool::delegation`](crate::Pool::delegation)): it should be itself.
///
/// ```
/// use fedway_core::WellKnownServer;
///
/// let document = WellKnownServer::parse("m.example.org:443")?;
/// assert_eq!(document.json(), r#"{"m.server":"m.example.org:443"}"#);
/// let headers = [("content-type", "application/json".into()), ("cache-control", "max-age=86400".into())];
/// assert_eq!(document.headers(), headers);
/// # Ok::<(), fedway_core::ServerNameError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WellKnownServer {
    server: ServerName,
    max_age: Duration,
}

impl WellKnownServer {
    /// Delegates to this name
    #[must_use]
    pub fn new(server: ServerName) -> Self {
        let max_age = MAX_AGE;
        Self { server, max_age }
    }

    /// Delegates to the name in a text
    ///
    /// # Errors
    ///
    /// If it is no server name, and why.
    pub fn parse(server: &str) -> Result<Self, ServerNameError> {
        ServerName::parse(server).map(Self::new)
    }

    /// How long others may believe it; 24 h unless said otherwise
    ///
    /// A change takes as long to reach everybody. Servers take no less than some minutes and no more than 48 h.
    #[must_use]
    pub fn max_age(mut self, max_age: Duration) -> Self {
        self.max_age = max_age;
        self
    }

    /// The name that is delegated to
    #[must_use]
    pub fn server(&self) -> &ServerName {
        &self.server
    }

    /// The body
    #[must_use]
    pub fn json(&self) -> String {
        // The grammar of server names has no character that JSON escapes
        alloc::format!(r#"{{"m.server":"{}"}}"#, self.server)
    }

    /// The headers to send with it, by name and value
    #[must_use]
    pub fn headers(&self) -> [(&'static str, String); 2] {
        let lifetime = alloc::format!("max-age={}", self.max_age.as_secs());
        [
            ("content-type", "application/json".into()),
            ("cache-control", lifetime),
        ]
    }
}

/// What is believed of a response that says nothing of it, in the specification's words: "24 hours"
const MAX_AGE: Duration = Duration::from_secs(24 * 60 * 60);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::well_known::parse_well_known;

    #[test]
    fn what_is_served_is_what_is_read() {
        for name in [
            "example.org",
            "example.org:8449",
            "192.0.2.7",
            "[2001:db8::7]:443",
        ] {
            let document = WellKnownServer::parse(name).unwrap();
            let read = parse_well_known(document.json().as_bytes()).unwrap();
            assert_eq!((read.as_str(), document.server()), (name, &read));
        }
        assert!(WellKnownServer::parse("https://example.org").is_err());
        assert!(WellKnownServer::parse("a\"b").is_err());
    }

    #[test]
    fn its_lifetime_is_in_whole_seconds() {
        let document = WellKnownServer::parse("example.org").unwrap();
        let document = document.max_age(Duration::from_millis(300_999));
        assert_eq!(document.headers()[1].1, "max-age=300");
    }
}
