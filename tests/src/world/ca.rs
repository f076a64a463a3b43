//! A certificate authority for tests: made in a moment, trusted by nobody else.

use std::sync::atomic::{AtomicU64, Ordering};

use rcgen::{
    BasicConstraints, CertificateParams, CertificateRevocationListParams, CertifiedIssuer, DnType,
    Error, IsCa, Issuer, KeyIdMethod, KeyPair, KeyUsagePurpose, PKCS_RSA_SHA256, PublicKeyData,
    RevokedCertParams, SerialNumber, SignatureAlgorithm, SigningKey, date_time_ymd,
};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};

use super::certificate::{Certificate, Key, Signer};
use super::ct;
use super::sha1;

/// A certificate authority with a key of its own.
///
/// ```
/// use fedway_testkit::world::{Authority, Certificate};
///
/// let authority = Authority::new("An authority for one test")?;
/// let issued = authority.issue(&Certificate::for_name("example.org"))?;
/// assert_eq!(issued.chain.len(), 1);
/// # Ok::<(), rcgen::Error>(())
/// ```
#[derive(Debug)]
pub struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
    /// One key for every leaf: a new one each would only cost time.
    leaf_key: KeyPair,
    /// And one for every intermediate.
    intermediate_key: KeyPair,
    serial: AtomicU64,
}

impl Authority {
    /// The serial number of the intermediate that the root issued, where there is one.
    pub const INTERMEDIATE: u64 = 1 << 40;

    /// Makes an authority whose root certificate bears `name`.
    pub fn new(name: &str) -> Result<Self, Error> {
        let params = authority_params(name);
        Ok(Self {
            issuer: CertifiedIssuer::self_signed(params, KeyPair::generate()?)?,
            leaf_key: KeyPair::generate()?,
            intermediate_key: KeyPair::generate()?,
            serial: AtomicU64::new(1),
        })
    }

    /// The root certificate, in PEM.
    pub fn pem(&self) -> String {
        self.issuer.pem()
    }

    /// The root certificate, in DER.
    pub fn der(&self) -> CertificateDer<'static> {
        self.issuer.der().clone()
    }

    /// A revocation list of the root, in PEM: these serial numbers, good until a year.
    pub fn revocation_list(&self, serials: &[u64], good_until: i32) -> Result<String, Error> {
        let revoked = |serial: &u64| RevokedCertParams {
            serial_number: serial_number(*serial),
            revocation_time: date_time_ymd(2001, 1, 1),
            reason_code: None,
            invalidity_date: None,
        };
        let params = CertificateRevocationListParams {
            this_update: date_time_ymd(2001, 1, 1),
            next_update: date_time_ymd(good_until, 1, 1),
            crl_number: SerialNumber::from(1),
            issuing_distribution_point: None,
            revoked_certs: serials.iter().map(revoked).collect(),
            key_identifier_method: KeyIdMethod::Sha256,
        };
        params.signed_by(&self.issuer)?.pem()
    }

    /// Issues what `certificate` describes. Fails where a name cannot stand in a certificate.
    pub fn issue(&self, certificate: &Certificate) -> Result<Issued, Error> {
        let mut params = certificate.params()?;
        let next = || self.serial.fetch_add(1, Ordering::Relaxed);
        params.serial_number = Some(serial_number(certificate.serial.unwrap_or_else(next)));
        let (leaf, issuers) = match certificate.key {
            Key::Rsa1024 => self.sign(certificate, params, &ShortKey)?,
            Key::Usual => self.sign(certificate, params, &self.leaf_key)?,
            Key::UsualSignedOverSha1 => return sha1_issued(),
        };
        let ocsp = ct::stapled(&certificate.timestamps, &leaf)?;
        Ok(Issued {
            chain: certificate.chain.order(leaf, issuers),
            key: PrivatePkcs8KeyDer::from(self.leaf_key.serialize_der()).into(),
            ocsp,
        })
    }

    /// The leaf, and the intermediates from the one that issued it up.
    fn sign(
        &self,
        certificate: &Certificate,
        params: CertificateParams,
        key: &impl PublicKeyData,
    ) -> Result<(CertificateDer<'static>, Vec<CertificateDer<'static>>), Error> {
        match &certificate.signer {
            Signer::Authority => {
                let leaf = sign_by(certificate, params, key, &self.issuer)?;
                Ok((leaf, Vec::new()))
            }
            Signer::Itself => Ok((params.self_signed(&self.leaf_key)?.into(), Vec::new())),
            Signer::Stranger => {
                let stranger = Self::new("An authority nobody trusts")?;
                let leaf = sign_by(certificate, params, key, &stranger.issuer)?;
                Ok((leaf, Vec::new()))
            }
            Signer::Intermediate | Signer::Limited(_) | Signer::Server => {
                let mut own = authority_params("An intermediate authority");
                own.serial_number = Some(serial_number(Self::INTERMEDIATE));
                certificate.signer.limit(&mut own);
                let own = CertifiedIssuer::signed_by(own, &self.intermediate_key, &self.issuer)?;
                let leaf = sign_by(certificate, params, key, &own)?;
                Ok((leaf, vec![own.der().clone()]))
            }
            Signer::TwoIntermediates => {
                let mut outer = authority_params("An outer authority");
                outer.serial_number = Some(serial_number(Self::INTERMEDIATE));
                let outer =
                    CertifiedIssuer::signed_by(outer, &self.intermediate_key, &self.issuer)?;
                let mut inner = authority_params("An inner authority");
                inner.serial_number = Some(serial_number(Self::INTERMEDIATE + 1));
                let inner = CertifiedIssuer::signed_by(inner, &self.intermediate_key, &outer)?;
                let leaf = sign_by(certificate, params, key, &inner)?;
                Ok((leaf, vec![inner.der().clone(), outer.der().clone()]))
            }
        }
    }
}

/// A certificate with its private key, as rustls takes them.
#[derive(Debug)]
#[non_exhaustive]
pub struct Issued {
    /// The leaf certificate, then intermediates; the root is not among them.
    pub chain: Vec<CertificateDer<'static>>,
    /// The leaf's private key; another, where the certificate's is too short for anybody to sign with.
    pub key: PrivateKeyDer<'static>,
    /// The OCSP response to staple (RFC 6066 section 8), where it shall have one.
    pub ocsp: Option<Vec<u8>>,
}

fn sign_by(
    certificate: &Certificate,
    params: CertificateParams,
    key: &impl PublicKeyData,
    issuer: &Issuer<'_, impl SigningKey>,
) -> Result<CertificateDer<'static>, Error> {
    let sign = |params: &CertificateParams| params.signed_by(key, issuer);
    let issuer_key = issuer.key().subject_public_key_info();
    ct::logged(&certificate.timestamps, params, sign, &issuer_key)
}

fn authority_params(name: &str) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params.use_authority_key_identifier_extension = true;
    params
}

fn sha1_issued() -> Result<Issued, Error> {
    let unreadable = |_| Error::CouldNotParseCertificate;
    Ok(Issued {
        chain: vec![CertificateDer::from_pem_slice(sha1::LEAF.as_bytes()).map_err(unreadable)?],
        key: PrivateKeyDer::from_pem_slice(sha1::KEY.as_bytes()).map_err(unreadable)?,
        ocsp: None,
    })
}

/// An RSA key of 1,024 bits, whose private half nobody has: who looks at it refuses it.
struct ShortKey;

impl PublicKeyData for ShortKey {
    fn der_bytes(&self) -> &[u8] {
        &SHORT_KEY
    }

    fn algorithm(&self) -> &'static SignatureAlgorithm {
        &PKCS_RSA_SHA256
    }
}

/// `RSAPublicKey` (RFC 3279 section 2.3.1): an odd modulus of 1,024 bits, and the usual exponent.
static SHORT_KEY: [u8; 140] = {
    let mut key = [0xc5; 140];
    let head = [0x30, 0x81, 0x89, 0x02, 0x81, 0x81, 0x00];
    let tail = [0x02, 0x03, 0x01, 0x00, 0x01];
    let mut at = 0;
    while at < head.len() {
        key[at] = head[at];
        at += 1;
    }
    at = 0;
    while at < tail.len() {
        key[135 + at] = tail[at];
        at += 1;
    }
    key
};

/// A serial number is positive and has no needless leading zero (RFC 5280 section 4.1.2.2).
fn serial_number(serial: u64) -> SerialNumber {
    let mut bytes = [1; 9];
    bytes[1..].copy_from_slice(&serial.to_be_bytes());
    SerialNumber::from_slice(&bytes)
}
