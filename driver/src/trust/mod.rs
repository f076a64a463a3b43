//! Whom a TLS session trusts: the roots, and the two ways of checking a peer against them.
//!
//! Chains are built and signatures checked by rustls and webpki, or by the platform's own verifier
//! (`rustls-platform-verifier`); nothing of that is done here. There are two client configurations,
//! strict and lenient, and which one a handshake uses is decided by the core before it begins: a verifier
//! never learns the peer's address, and a session made without verification must not be resumed where
//! one is due.

mod certificate;
mod der;
mod distinguished;
mod error;
mod failure;
mod lenient;
#[cfg(all(test, feature = "transparency"))]
mod limbo;
#[cfg(all(test, feature = "transparency"))]
mod limbo_known;
mod pem;
mod revocation;
mod roots;
mod strict;
#[cfg(feature = "transparency")]
mod transparency;
mod x509;

use std::fmt;
use std::sync::Arc;

use fedway_core::{CtPolicy, Host, Purpose, TlsError, Verdict};
use rustls::client::danger::ServerCertVerifier;
use rustls::client::{Resumption, WebPkiServerVerifier};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, KeyLogFile, NoKeyLog};
#[cfg(feature = "transparency")]
use rustls::{ClientConnection, pki_types::UnixTime};
use rustls_platform_verifier::Verifier;

pub use self::certificate::{CertificateSummary, KeyType, UnreadableCertificate};
pub use self::error::{LogListError, PemError, TrustError, without_mark};
pub(crate) use self::failure::tls_error;
use self::lenient::Lenient;
pub use self::revocation::Revocation;
pub use self::roots::Roots;
use self::strict::Strict;
#[cfg(feature = "transparency")]
use self::transparency::Judge;
#[cfg(all(feature = "transparency", fuzzing))]
pub use self::transparency::read_hostile;
#[cfg(feature = "transparency")]
pub use self::transparency::{LogList, LoggedAt, SctOutcome, SctSource, Transparency};

/// What verification goes by
#[derive(Clone, Debug, Default)]
pub(crate) struct Sources {
    pub(crate) roots: Roots,
    pub(crate) revocation: Revocation,
    #[cfg(feature = "transparency")]
    pub(crate) logs: Option<LogList>,
}

impl Sources {
    /// What builds and verifies chains
    ///
    /// The platform's own verifier where it can; it takes no revocation lists, and cannot leave its roots
    /// out: then webpki, with the roots that the platform tells.
    fn verifier(
        &self,
        provider: &Arc<CryptoProvider>,
    ) -> Result<Arc<dyn ServerCertVerifier>, TrustError> {
        if self.roots.system && self.revocation.is_empty() {
            // Its only other failure is a root that `add_pem` has parsed already
            let added = self.roots.added.clone();
            let verifier = Verifier::new_with_extra_roots(added, provider.clone());
            return Ok(Arc::new(verifier.map_err(|_| TrustError::NoSystemRoots)?));
        }
        let store = self.roots.store()?.into();
        let builder = WebPkiServerVerifier::builder_with_provider(store, provider.clone());
        // Its only failure is a list that `Revocation` has parsed already: the store is not empty
        let verifier = self.revocation.apply(builder).build();
        Ok(verifier.map_err(|_| TrustError::NoRoots)?)
    }

    /// What judges certificate transparency: nobody without a list of logs
    #[cfg(feature = "transparency")]
    fn judge(
        &self,
        policy: CtPolicy,
        provider: &CryptoProvider,
    ) -> Result<Option<Arc<Judge>>, TrustError> {
        match (policy, &self.logs) {
            (CtPolicy::Off | CtPolicy::Require { minimum: 0 } | CtPolicy::Report, None)
            | (CtPolicy::Off, Some(_)) => Ok(None),
            (CtPolicy::Require { .. }, None) => Err(TrustError::NoLogList),
            (CtPolicy::Report | CtPolicy::Require { .. }, Some(logs)) => {
                let judge = Judge::new(logs.clone(), policy, &self.roots.store()?, provider)?;
                Ok(Some(judge.into()))
            }
        }
    }
}

/// Whom TLS sessions trust, as rustls takes it: the client configuration for each verdict of the core
///
/// A resolver has one of its own. Whoever connects by hand makes one with
/// [`Builder::trust`](crate::Builder::trust), and takes for each handshake the configuration that the core's
/// [`Connect`](fedway_core::Connect) asks for:
///
/// ```
/// use fedway_core::{Host, Purpose, Verdict};
/// use fedway_driver::{Builder, Roots, server_name};
///
/// fn session(authority: &[u8]) -> Result<rustls::ClientConnection, Box<dyn std::error::Error>> {
///     let mut roots = Roots::none();
///     roots.add_pem(authority)?;
///     let trust = Builder::default().roots(roots).trust()?;
///     // From a search: `connect.verdict()`, `connect.purpose()` and `connect.tls_name()`
///     let (verdict, purpose) = (Verdict::Verify, Purpose::Federation);
///     let host = Host::Ip("192.0.2.1".parse()?);
///     let config = trust.config(&verdict, purpose);
///     Ok(rustls::ClientConnection::new(config, server_name(&host)?)?)
/// }
/// ```
#[derive(Clone)]
pub struct Trust {
    strict: Configs,
    lenient: Configs,
    #[cfg(feature = "transparency")]
    transparency: Option<Arc<Judge>>,
}

impl Trust {
    pub(crate) fn new(
        sources: &Sources,
        policy: CtPolicy,
        provider: &Arc<CryptoProvider>,
        habits: &Habits,
    ) -> Result<Self, TrustError> {
        #[cfg(feature = "transparency")]
        let transparency = sources.judge(policy, provider)?;
        #[cfg(not(feature = "transparency"))]
        if matches!(policy, CtPolicy::Require { minimum: 1.. }) {
            return Err(TrustError::NoLogList);
        }
        let strict = Strict {
            inner: sources.verifier(provider)?,
            added: sources.roots.added.clone(),
            #[cfg(feature = "transparency")]
            transparency: transparency.clone(),
        };
        let strict = client_config(provider, Arc::new(strict), habits)?;
        let mut lenient = client_config(provider, Arc::new(Lenient::new(provider)), habits)?;
        lenient.resumption = Resumption::disabled();
        Ok(Self {
            strict: Configs::new(strict, habits),
            lenient: Configs::new(lenient, habits),
            #[cfg(feature = "transparency")]
            transparency,
        })
    }

    /// The configuration that carries out a verdict, and offers by ALPN what fits the purpose
    ///
    /// What it refuses, [`connect_error`](crate::connect_error) reads off the error of a handshake.
    #[must_use]
    pub fn config(&self, verdict: &Verdict, purpose: Purpose) -> Arc<ClientConfig> {
        let configs = match verdict {
            Verdict::Skip(_) => &self.lenient,
            Verdict::Verify => &self.strict,
        };
        match purpose {
            Purpose::Federation => configs.federation.clone(),
            Purpose::WellKnown => configs.well_known.clone(),
        }
    }

    /// What was found of a session's certificate transparency; `None` where nobody looked
    #[cfg(feature = "transparency")]
    #[must_use]
    pub fn transparency(
        &self,
        session: &ClientConnection,
        verdict: &Verdict,
    ) -> Option<Transparency> {
        match verdict {
            Verdict::Skip(_) => None,
            Verdict::Verify => {
                let judge = self.transparency.as_ref()?;
                Some(judge.recall(session.peer_certificates()?, UnixTime::now()))
            }
        }
    }
}

impl fmt::Debug for Trust {
    /// Without the configurations, which are pages long
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Trust").finish_non_exhaustive()
    }
}

/// The configurations of one verdict; they share their sessions
#[derive(Clone)]
struct Configs {
    federation: Arc<ClientConfig>,
    well_known: Arc<ClientConfig>,
}

impl Configs {
    fn new(config: ClientConfig, habits: &Habits) -> Self {
        let mut federation = config.clone();
        federation.alpn_protocols.clone_from(&habits.alpn);
        Self {
            federation: federation.into(),
            well_known: config.into(),
        }
    }
}

/// What is done in every session, whomever it is with
#[derive(Clone, Debug)]
pub(crate) struct Habits {
    /// What federation connections offer by ALPN (RFC 7301)
    pub(crate) alpn: Vec<Vec<u8>>,
    pub(crate) keys: Keys,
}

impl Default for Habits {
    fn default() -> Self {
        Self {
            alpn: vec![HTTP_1_1.to_vec()],
            keys: Keys::Secret,
        }
    }
}

/// What becomes of a session's keys
#[derive(Clone, Copy, Debug)]
pub(crate) enum Keys {
    /// Written to the file that `SSLKEYLOGFILE` names, where it names one
    Logged,
    Secret,
}

/// A host in rustls's terms: from this it takes both the name to verify and the SNI, none for an address
///
/// # Errors
///
/// [`TlsError::InvalidName`] if it is no name that a certificate can have.
pub fn server_name(host: &Host) -> Result<ServerName<'static>, TlsError> {
    match host {
        Host::Dns(name) => {
            let name = ServerName::try_from(name.as_str()).map_err(|_| TlsError::InvalidName)?;
            Ok(name.to_owned())
        }
        Host::Ip(address) => Ok((*address).into()),
    }
}

/// TLS 1.2 and 1.3, offering what .well-known is fetched by
fn client_config(
    provider: &Arc<CryptoProvider>,
    verifier: Arc<dyn ServerCertVerifier>,
    habits: &Habits,
) -> Result<ClientConfig, TrustError> {
    let mut config = ClientConfig::builder_with_provider(provider.clone())
        .with_protocol_versions(&[&rustls::version::TLS13, &rustls::version::TLS12])
        .map_err(|_| TrustError::Provider)?
        .dangerous()
        .with_custom_certificate_verifier(verifier)
        .with_no_client_auth();
    config.alpn_protocols = vec![HTTP_1_1.to_vec()];
    config.key_log = match habits.keys {
        Keys::Logged => Arc::new(KeyLogFile::new()),
        Keys::Secret => Arc::new(NoKeyLog),
    };
    Ok(config)
}

/// The protocol of .well-known, by the name of RFC 7301 §6
const HTTP_1_1: &[u8] = b"http/1.1";

#[cfg(test)]
mod tests {
    use super::*;
    use rustls::crypto::ring::default_provider;

    fn trust(sources: &Sources, policy: CtPolicy) -> Result<Trust, TrustError> {
        let provider = Arc::new(default_provider());
        Trust::new(sources, policy, &provider, &Habits::default())
    }

    #[test]
    fn nobody_to_trust_is_an_error_at_once() {
        let sources = Sources {
            roots: Roots::none(),
            ..Sources::default()
        };
        let error = trust(&sources, CtPolicy::default()).unwrap_err();
        assert_eq!(error, TrustError::NoRoots);
    }

    #[test]
    fn transparency_cannot_be_required_without_a_list_of_logs() {
        let required = CtPolicy::Require { minimum: 1 };
        let error = trust(&Sources::default(), required).unwrap_err();
        assert_eq!(error, TrustError::NoLogList);
    }
}
