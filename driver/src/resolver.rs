//! The public face: from a server name to a destination or a session.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;

use fedway_core::{Config, Discovery, DiscoveryError, FetchError, Found, Limits, ServerName};
use rustls::crypto::CryptoProvider;

use crate::dns::{ConfigError, Dns, DnsConfig, Stub};
use crate::get::get;
use crate::http::Response;
use crate::io::{Io, TlsStream};
use crate::search::{self, Means};
use crate::trust::{Habits, Keys, Revocation, Roots, Sources, Trust, TrustError};
#[cfg(feature = "transparency")]
use crate::trust::{LogList, Transparency};

/// Finds the servers of Matrix server names
///
/// Cheap to clone; the clones share everything. Nothing is cached yet, and no task is spawned: all work
/// is done in the futures that the methods return, and ends when they are dropped.
#[derive(Debug)]
pub struct Resolver<I: Io, D = Stub<I>> {
    config: Arc<Config>,
    means: Arc<Means<I, D>>,
}

impl<I: Io, D> Clone for Resolver<I, D> {
    fn clone(&self) -> Self {
        Self {
            config: self.config.clone(),
            means: self.means.clone(),
        }
    }
}

impl<I: Io, D: Dns> Resolver<I, D> {
    /// Finds where requests for a server name go, without connecting there
    ///
    /// # Errors
    ///
    /// If there is no such place, or it could not be found in time.
    pub async fn resolve(&self, name: &ServerName) -> Result<Found, DiscoveryError> {
        let search = Discovery::resolve(name, &self.config, seed(), self.means.io.now());
        search::run(search, &self.means).await.0.map(|found| *found)
    }

    /// Finds the server of a name, connects to it and verifies its certificate
    ///
    /// # Errors
    ///
    /// If there is no such server, or none of its addresses gives a session that may be trusted.
    pub async fn connect(&self, name: &ServerName) -> Result<Connected<I::Tls>, DiscoveryError> {
        let search = Discovery::connect(name, &self.config, seed(), self.means.io.now());
        let (result, session) = search::run(search, &self.means).await;
        let found = *result?;
        // The core hands out only a connection that the loop reported to it, and keeps until then
        let stream = session.expect("a search that connects ends with a session or an error");
        #[cfg(feature = "transparency")]
        let transparency = match (&found.connection, stream.session()) {
            (Some(connection), Some(session)) => {
                let trust = &self.means.trust;
                trust.transparency(session, &connection.verdict)
            }
            (None, _) | (_, None) => None,
        };
        Ok(Connected {
            found,
            stream,
            #[cfg(feature = "transparency")]
            transparency,
        })
    }

    /// The policies in force
    #[must_use]
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// The runtime, for its clock and timers
    #[must_use]
    pub fn io(&self) -> &I {
        &self.means.io
    }
}

/// A session with the server of a name
#[derive(Debug)]
#[non_exhaustive]
pub struct Connected<S> {
    /// What the search found, with the `Host` header to send and the address connected to
    pub found: Found,
    /// The session, on which HTTP/1.1 was offered
    pub stream: S,
    /// What the logs of certificate transparency say of its certificate, where there is a list of them and the
    /// certificate was verified
    #[cfg(feature = "transparency")]
    pub transparency: Option<Transparency>,
}

impl<S> Connected<S> {
    /// The `Host` header that every request over this session must have
    #[must_use]
    pub fn host_header(&self) -> &str {
        &self.found.destination.host_header
    }
}

impl<S: TlsStream> Connected<S> {
    /// Sends one GET for `target` with the right `Host` header, and reads its response
    ///
    /// Says `Connection: close`: it is for a single question, such as the server's version. Waits as long
    /// as the peer lets it: bound it with a timer.
    ///
    /// # Errors
    ///
    /// If the connection is lost, the response is malformed or larger than `limits` allow, or `target` cannot
    /// stand in a request.
    pub async fn get(&mut self, target: &str, limits: Limits) -> Result<Response, FetchError> {
        get(
            &mut self.stream,
            &self.found.destination.host_header,
            target,
            limits,
        )
        .await
    }
}

/// Makes a [`Resolver`]
#[derive(Clone, Debug, Default)]
pub struct Builder {
    config: Config,
    dns: Option<DnsConfig>,
    provider: Option<Arc<CryptoProvider>>,
    reroutes: Option<BTreeMap<SocketAddr, SocketAddr>>,
    sources: Sources,
    habits: Habits,
}

impl Builder {
    /// The policies; [`Config::default`] unless said otherwise
    #[must_use]
    pub fn config(mut self, config: Config) -> Self {
        self.config = config;
        self
    }

    /// The name servers; the operating system's unless said otherwise
    #[must_use]
    pub fn dns(mut self, dns: DnsConfig) -> Self {
        self.dns = Some(dns);
        self
    }

    /// The certificate authorities to trust; the operating system's unless said otherwise
    #[must_use]
    pub fn roots(mut self, roots: Roots) -> Self {
        self.sources.roots = roots;
        self
    }

    /// The logs of certificate transparency; none unless said otherwise
    ///
    /// What is asked of certificates then is [`TrustPolicy::transparency`](fedway_core::TrustPolicy::transparency).
    #[cfg(feature = "transparency")]
    #[must_use]
    pub fn log_list(mut self, logs: LogList) -> Self {
        self.sources.logs = Some(logs);
        self
    }

    /// What is revoked; nothing unless said otherwise
    #[must_use]
    pub fn revocation(mut self, revocation: Revocation) -> Self {
        self.sources.revocation = revocation;
        self
    }

    /// The cryptography; unless said otherwise that of aws-lc-rs or *ring*, as the features of this crate have it
    ///
    /// rustls's default of the process is never asked for.
    #[must_use]
    pub fn crypto_provider(mut self, provider: Arc<CryptoProvider>) -> Self {
        self.provider = Some(provider);
        self
    }

    /// What federation connections offer by ALPN (RFC 7301), the most wanted first; `http/1.1` unless said otherwise
    ///
    /// For those who speak HTTP/2 over a [`Connected::stream`]: which of them the server has chosen, its session
    /// says. [`Connected::get`] speaks HTTP/1.1 and nothing else. The requests for .well-known are not
    /// touched by this.
    #[must_use]
    pub fn alpn<P: Into<Vec<u8>>>(mut self, protocols: impl IntoIterator<Item = P>) -> Self {
        self.habits.alpn = protocols.into_iter().map(Into::into).collect();
        self
    }

    /// Writes the keys of every session to the file that the environment's `SSLKEYLOGFILE` names, for Wireshark
    /// and the like
    ///
    /// Whoever has the file can read the sessions. Without this method the variable means nothing.
    #[must_use]
    pub fn log_keys(mut self) -> Self {
        self.habits.keys = Keys::Logged;
        self
    }

    /// For test rigs: connects to other addresses than the search says, and refuses those not in the table
    ///
    /// Name servers are not rerouted. What may be dialled is judged by the addresses of the search.
    #[must_use]
    pub fn reroute(mut self, reroutes: BTreeMap<SocketAddr, SocketAddr>) -> Self {
        self.reroutes = Some(reroutes);
        self
    }

    /// Whom sessions trust, without a resolver: for those who connect by hand
    ///
    /// # Errors
    ///
    /// If the operating system's certificate authorities are needed and unusable, or there is no cryptographic
    /// provider.
    pub fn trust(&self) -> Result<Trust, BuildError> {
        let provider = self.provider.clone().or_else(default_provider);
        let provider = provider.ok_or(BuildError::NoCryptoProvider)?;
        let policy = self.config.trust.transparency;
        Ok(Trust::new(&self.sources, policy, &provider, &self.habits)?)
    }

    /// A resolver on a runtime, with the stub of this crate for DNS
    ///
    /// # Errors
    ///
    /// If the operating system's DNS configuration or certificate authorities are needed and unusable.
    pub fn build<I: Io>(mut self, io: I) -> Result<Resolver<I>, BuildError> {
        let io = Arc::new(io);
        let config = match self.dns.take() {
            Some(config) => config,
            None => DnsConfig::system()?,
        };
        let dns = Stub::new(io.clone(), config)?;
        self.build_with(io, dns)
    }

    /// A resolver on a runtime, with another [`Dns`]
    ///
    /// # Errors
    ///
    /// If the operating system's certificate authorities are needed and unusable.
    pub fn build_with<I: Io, D: Dns>(
        self,
        io: Arc<I>,
        dns: D,
    ) -> Result<Resolver<I, D>, BuildError> {
        let trust = self.trust()?;
        let means = Means {
            io,
            dns,
            trust,
            reroutes: self.reroutes,
        };
        Ok(Resolver {
            config: self.config.into(),
            means: means.into(),
        })
    }
}

/// Why there is no [`Resolver`]
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BuildError {
    /// The DNS configuration is unusable
    #[error(transparent)]
    Dns(#[from] ConfigError),
    /// No cryptographic provider is given, and neither the feature `ring` nor `aws-lc-rs` brings one
    #[error("no cryptographic provider: give one, or turn on the feature `ring` or `aws-lc-rs`")]
    NoCryptoProvider,
    /// There is nobody to trust
    #[error(transparent)]
    Trust(#[from] TrustError),
}

/// That of the features: aws-lc-rs verifies more, so that whoever turned it on wants it
fn default_provider() -> Option<Arc<CryptoProvider>> {
    #[cfg(feature = "aws-lc-rs")]
    return Some(rustls::crypto::aws_lc_rs::default_provider().into());
    #[cfg(all(feature = "ring", not(feature = "aws-lc-rs")))]
    return Some(rustls::crypto::ring::default_provider().into());
    #[cfg(not(any(feature = "aws-lc-rs", feature = "ring")))]
    None
}

/// Chooses among SRV targets of one priority; guessing it gains nothing, so that it may be predictable
/// where the operating system has no entropy
fn seed() -> u64 {
    getrandom::u64().unwrap_or_default()
}
