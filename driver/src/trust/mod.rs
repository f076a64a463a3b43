//! Whom a TLS session trusts: the roots, and the two ways of checking a peer against them.
//!
//! Chains are built and signatures checked by rustls and webpki, or by the platform's own verifier
//! (`rustls-platform-verifier`); nothing of that is done here. There are two client configurations,
//! strict and lenient, and which one a handshake uses is decided by the core before it begins: a verifier
//! never learns the peer's address, and a session made without verification must not be resumed where
//! one is due.

mod certificate;
mod failure;
mod lenient;
#[cfg(test)]
mod limbo;
#[cfg(test)]
mod limbo_known;
mod revocation;
mod roots;
mod strict;
mod transparency;

use std::sync::Arc;

use fedway_core::{CtPolicy, Host, TlsError, Verdict};
use rustls::client::Resumption;
use rustls::client::danger::ServerCertVerifier;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::{ServerName, UnixTime};
use rustls::{ClientConfig, ClientConnection};

pub use self::certificate::{CertificateSummary, KeyType, UnreadableCertificate, rfc3339};
pub(crate) use self::failure::connect_error;
use self::lenient::Lenient;
pub use self::revocation::Revocation;
pub use self::roots::{PemError, Roots, TrustError};
use self::strict::Strict;
use self::transparency::Judge;
#[doc(hidden)]
pub use self::transparency::read_hostile;
pub use self::transparency::{
    LogList, LogListError, LoggedAt, SctOutcome, SctSource, Transparency,
};

/// What verification goes by
#[derive(Clone, Debug, Default)]
pub(crate) struct Basis {
    pub(crate) roots: Roots,
    pub(crate) revocation: Revocation,
    pub(crate) logs: Option<LogList>,
}

impl Basis {
    /// What judges certificate transparency: nobody without a list of logs
    fn judge(
        &self,
        policy: CtPolicy,
        provider: &CryptoProvider,
    ) -> Result<Option<Arc<Judge>>, TrustError> {
        let logs = match (policy, &self.logs) {
            (CtPolicy::Off | CtPolicy::Require { minimum: 0 } | CtPolicy::Report, None)
            | (CtPolicy::Off, Some(_)) => return Ok(None),
            (CtPolicy::Require { .. }, None) => return Err(TrustError::NoLogList),
            (CtPolicy::Report | CtPolicy::Require { .. }, Some(logs)) => logs.clone(),
        };
        let algorithms = provider.signature_verification_algorithms;
        let judge = Judge::new(logs, policy, &self.roots.store()?, algorithms);
        Ok(Some(judge.into()))
    }
}

/// The client configurations of both verdicts
#[derive(Clone, Debug)]
pub(crate) struct Trust {
    strict: Arc<ClientConfig>,
    lenient: Arc<ClientConfig>,
    transparency: Option<Arc<Judge>>,
}

impl Trust {
    pub(crate) fn new(
        basis: &Basis,
        policy: CtPolicy,
        provider: Arc<CryptoProvider>,
    ) -> Result<Self, TrustError> {
        let verifier = basis.roots.verifier(&basis.revocation, &provider)?;
        let transparency = basis.judge(policy, &provider)?;
        let strict = Strict::new(verifier, transparency.clone());
        let strict = client_config(&provider, Arc::new(strict))?;
        let mut lenient = client_config(&provider, Arc::new(Lenient::new(&provider)))?;
        lenient.resumption = Resumption::disabled();
        Ok(Self {
            strict: strict.into(),
            lenient: lenient.into(),
            transparency,
        })
    }

    /// What was found of a session's certificate transparency; `None` where nobody looked
    pub(crate) fn transparency(
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

    /// The configuration that carries out a verdict
    pub(crate) fn config(&self, verdict: &Verdict) -> Arc<ClientConfig> {
        match verdict {
            Verdict::Skip(_) => self.lenient.clone(),
            Verdict::Verify => self.strict.clone(),
        }
    }
}

/// A host in rustls's terms: from this it takes both the name to verify and the SNI, none for an address
pub(crate) fn server_name(host: &Host) -> Result<ServerName<'static>, TlsError> {
    match host {
        Host::Dns(name) => {
            let name = ServerName::try_from(name.as_str()).map_err(|_| TlsError::InvalidName)?;
            Ok(name.to_owned())
        }
        Host::Ip(address) => Ok((*address).into()),
    }
}

/// TLS 1.2 and 1.3 (DESIGN §7), offering HTTP/1.1 by ALPN (RFC 7301)
fn client_config(
    provider: &Arc<CryptoProvider>,
    verifier: Arc<dyn ServerCertVerifier>,
) -> Result<ClientConfig, TrustError> {
    let mut config = ClientConfig::builder_with_provider(provider.clone())
        .with_protocol_versions(&[&rustls::version::TLS13, &rustls::version::TLS12])
        .map_err(|_| TrustError::Provider)?
        .dangerous()
        .with_custom_certificate_verifier(verifier)
        .with_no_client_auth();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(config)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_to_trust_is_an_error_at_once() {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let basis = Basis {
            roots: Roots::none(),
            ..Basis::default()
        };
        assert_eq!(
            Trust::new(&basis, CtPolicy::default(), provider).unwrap_err(),
            TrustError::NoRoots
        );
    }

    #[test]
    fn transparency_cannot_be_required_without_a_list_of_logs() {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let required = CtPolicy::Require { minimum: 1 };
        let judge = Basis::default().judge(required, &provider);
        assert_eq!(judge.unwrap_err(), TrustError::NoLogList);
    }
}
