//! Certificate transparency (RFC 6962): which logs have promised to publish a certificate.
//!
//! A promise is a signed certificate timestamp (SCT). It is taken from the certificate and from a stapled
//! OCSP response. Not from the TLS extension of RFC 6962 §3.3.1: rustls 0.23 neither asks for it nor hands
//! it out. Public authorities embed theirs in certificates.
//!
//! Signatures are verified by the cryptographic provider. What is read here, and by no library: the SCTs
//! ([`timestamp`]), and where in a certificate and an OCSP response they are ([`envelope`]).

mod envelope;
mod found;
mod log_list;
mod timestamp;

use std::collections::{BTreeSet, VecDeque};
use std::fmt;
use std::sync::{Mutex, PoisonError};

use fedway_core::{CertificateError, CtPolicy};
use rustls::RootCertStore;
use rustls::crypto::{CryptoProvider, WebPkiSupportedAlgorithms};
use rustls::pki_types::{CertificateDer, UnixTime};

use self::envelope::{Authority, Leaf};
pub use self::found::{LoggedAt, SctOutcome, SctSource, Transparency};
pub use self::log_list::LogList;
use self::log_list::{Log, Sha256, Standing};
use self::timestamp::{Entry, Timestamp};
use super::error::TrustError;

/// Judges certificates by a list of logs
pub(super) struct Judge {
    logs: LogList,
    policy: CtPolicy,
    roots: Vec<Authority>,
    algorithms: WebPkiSupportedAlgorithms,
    sha256: Sha256,
    /// What was found lately, by leaf: a verifier cannot hand anything out, a session does not keep its OCSP
    /// response, and one that is resumed has no verifier
    recent: Mutex<VecDeque<(Vec<u8>, Transparency)>>,
}

impl Judge {
    pub(super) fn new(
        logs: LogList,
        policy: CtPolicy,
        roots: &RootCertStore,
        provider: &CryptoProvider,
    ) -> Result<Self, TrustError> {
        let sha256 = Sha256::of(provider)?;
        logs.check_ids(sha256)?;
        Ok(Self {
            logs,
            policy,
            roots: roots.roots.iter().map(Authority::of_anchor).collect(),
            algorithms: provider.signature_verification_algorithms,
            sha256,
            recent: Mutex::default(),
        })
    }

    /// Whether the policy accepts a certificate that is good otherwise
    pub(super) fn verify(
        &self,
        leaf: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<(), CertificateError> {
        let found = self.look(leaf, intermediates, ocsp_response, now);
        let verdict = self.policy.accept(found.operators());
        let mut recent = self.recent.lock().unwrap_or_else(PoisonError::into_inner);
        recent.retain(|(of, _)| of != leaf.as_ref());
        recent.push_front((leaf.to_vec(), found));
        recent.truncate(MAX_RECENT);
        verdict
    }

    /// What was found when this chain was judged; by the chain alone where that is long ago
    pub(super) fn recall(&self, chain: &[CertificateDer<'_>], now: UnixTime) -> Transparency {
        let Some((leaf, intermediates)) = chain.split_first() else {
            return Transparency::default();
        };
        let recent = self.recent.lock().unwrap_or_else(PoisonError::into_inner);
        let known = recent.iter().find(|(of, _)| of == leaf.as_ref());
        match known {
            Some((_, found)) => found.clone(),
            None => {
                drop(recent);
                self.look(leaf, intermediates, &[], now)
            }
        }
    }

    /// Verifies every timestamp of a certificate
    fn look(
        &self,
        leaf: &[u8],
        intermediates: &[CertificateDer<'_>],
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Transparency {
        // The verifier accepted it, so an unreadable certificate is no error here: it just has no timestamps
        let Some(body) = Leaf::read(leaf) else {
            return Transparency::default();
        };
        let stapled = envelope::stapled_list(ocsp_response);
        // The certificate that a log was shown before this one was signed, under each key that may have signed it
        let precertificates: Vec<_> = self
            .issuer_keys(&body, intermediates)
            .map(|hash| Entry::Precertificate {
                issuer_key_hash: hash,
                body: &body.without_list,
            })
            .collect();
        let certificate = [Entry::Certificate(leaf)];
        let embedded = (SctSource::Certificate, body.list, &precertificates[..]);
        let stapled = (SctSource::Ocsp, stapled, &certificate[..]);
        let mut timestamps = Vec::new();
        for (source, list, entries) in [embedded, stapled] {
            let Some(list) = list else { continue };
            for each in timestamp::list(list).take(MAX_TIMESTAMPS) {
                timestamps.push(self.verify_timestamp(source, each, entries, now));
            }
        }
        Transparency { timestamps }
    }

    fn verify_timestamp(
        &self,
        source: SctSource,
        timestamp: Option<Timestamp<'_>>,
        entries: &[Entry<'_>],
        now: UnixTime,
    ) -> LoggedAt {
        let mut logged = LoggedAt {
            source,
            log: None,
            operator: None,
            milliseconds: 0,
            outcome: SctOutcome::Malformed,
            in_force: false,
        };
        let Some(timestamp) = timestamp else {
            return logged;
        };
        logged.milliseconds = timestamp.milliseconds;
        let Some(log) = self.logs.find(timestamp.log_id) else {
            logged.outcome = SctOutcome::UnknownLog;
            return logged;
        };
        logged.log = Some(log.name.clone());
        logged.operator = Some(log.operator_at(timestamp.milliseconds).to_owned());
        let now = now.as_secs().saturating_mul(1000);
        (logged.outcome, logged.in_force) = self.outcome(log, &timestamp, entries, now);
        logged
    }

    fn outcome(
        &self,
        log: &Log,
        timestamp: &Timestamp<'_>,
        entries: &[Entry<'_>],
        now: u64,
    ) -> (SctOutcome, bool) {
        let is_signed = |entry: &Entry<'_>| {
            let key = log.key();
            key.is_some_and(|key| timestamp.is_signed(entry, key, &self.algorithms))
        };
        if !entries.iter().any(is_signed) {
            return (SctOutcome::BadSignature, false);
        }
        // RFC 6962 §5.2: "a TLS client MUST reject SCTs whose timestamp is in the future"; by the second, as
        // the clock here is
        if timestamp.milliseconds / 1000 > now / 1000 {
            return (SctOutcome::InFuture, false);
        }
        match log.standing(timestamp.milliseconds, now) {
            Standing::InForce => (SctOutcome::Valid, true),
            Standing::RetiredAfterwards => (SctOutcome::Valid, false),
            Standing::RetiredBefore => (SctOutcome::RetiredLog, false),
            Standing::Untrusted => (SctOutcome::UntrustedLog, false),
        }
    }

    /// The hashes of all keys that may have signed a certificate
    ///
    /// Only the verifier knows which key signed, and it does not say. Names are enough here: for a wrong one
    /// the log's signature does not verify. A chain comes in any order, and without its root.
    fn issuer_keys<'a>(
        &'a self,
        leaf: &'a Leaf<'_>,
        intermediates: &'a [CertificateDer<'_>],
    ) -> impl Iterator<Item = [u8; 32]> + 'a {
        let shown = intermediates.iter().filter_map(|der| Authority::read(der));
        let candidates = shown.chain(self.roots.iter().cloned());
        let keys: BTreeSet<_> = candidates
            .filter(|authority| authority.subject == leaf.issuer)
            .map(|authority| self.sha256.hash(&authority.key))
            .take(MAX_ISSUERS)
            .collect();
        keys.into_iter()
    }
}

impl fmt::Debug for Judge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Judge")
            .field("policy", &self.policy)
            .field("logs", &self.logs.len())
            .finish_non_exhaustive()
    }
}

/// Reads bytes as the part of a peer's that no library reads here; for fuzzing
#[cfg(fuzzing)]
pub fn read_hostile(bytes: &[u8]) -> usize {
    let embedded = Leaf::read(bytes);
    let embedded = embedded.as_ref().and_then(|leaf| leaf.list);
    let stapled = envelope::stapled_list(bytes);
    let _ = Authority::read(bytes);
    let lists = [embedded, stapled, Some(bytes)];
    lists
        .into_iter()
        .flatten()
        .map(|list| timestamp::list(list).count())
        .sum()
}

/// Certificates have two to four; what comes after is not looked at
const MAX_TIMESTAMPS: usize = 16;
/// Cross-signing gives an authority a handful of certificates, mostly of one key
const MAX_ISSUERS: usize = 8;
/// More than there are sessions between their handshake and the question what it found
const MAX_RECENT: usize = 64;
