//! A certificate authority for tests: made in a moment, trusted by nobody else.

use std::sync::atomic::{AtomicU64, Ordering};

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, Error, ExtendedKeyUsagePurpose,
    IsCa, KeyPair, KeyUsagePurpose, SerialNumber, date_time_ymd,
};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};

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
    serial: AtomicU64,
}

impl Authority {
    /// Makes an authority whose root certificate bears `name`.
    pub fn new(name: &str) -> Result<Self, Error> {
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        Ok(Self {
            issuer: CertifiedIssuer::self_signed(params, KeyPair::generate()?)?,
            leaf_key: KeyPair::generate()?,
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

    /// Issues what `certificate` describes. Fails where a name cannot stand in a certificate.
    pub fn issue(&self, certificate: &Certificate) -> Result<Issued, Error> {
        let mut params = certificate.params()?;
        let serial = self.serial.fetch_add(1, Ordering::Relaxed);
        params.serial_number = Some(SerialNumber::from_slice(&serial_bytes(serial)));
        let leaf = match certificate.signer {
            Signer::Authority => params.signed_by(&self.leaf_key, &self.issuer)?,
            Signer::Itself => params.self_signed(&self.leaf_key)?,
            Signer::Stranger => {
                let stranger = Self::new("An authority nobody trusts")?;
                params.signed_by(&self.leaf_key, &stranger.issuer)?
            }
        };
        Ok(Issued {
            chain: vec![leaf.der().clone()],
            key: PrivatePkcs8KeyDer::from(self.leaf_key.serialize_der()).into(),
        })
    }
}

/// What a certificate shall say, and what shall be wrong with it. Valid unless told otherwise.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Certificate {
    names: Vec<String>,
    validity: Validity,
    signer: Signer,
}

impl Certificate {
    /// A certificate for one host name or IP address.
    pub fn for_name(name: &str) -> Self {
        Self::for_names([name])
    }

    /// A certificate for several host names and IP addresses, or for none.
    pub fn for_names<'a>(names: impl IntoIterator<Item = &'a str>) -> Self {
        Self {
            names: names.into_iter().map(plain_host).collect(),
            validity: Validity::Now,
            signer: Signer::Authority,
        }
    }

    /// Its time is long over.
    pub fn expired(mut self) -> Self {
        self.validity = Validity::Past;
        self
    }

    /// Its time is yet to come.
    pub fn not_yet_valid(mut self) -> Self {
        self.validity = Validity::Future;
        self
    }

    /// It vouches for itself.
    pub fn self_signed(mut self) -> Self {
        self.signer = Signer::Itself;
        self
    }

    /// It comes from another authority, which nobody trusts.
    pub fn from_unknown_authority(mut self) -> Self {
        self.signer = Signer::Stranger;
        self
    }

    fn params(&self) -> Result<CertificateParams, Error> {
        let mut params = CertificateParams::new(self.names.clone())?;
        let subject = self.names.first().map_or("nobody", String::as_str);
        params.distinguished_name.push(DnType::CommonName, subject);
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        params.use_authority_key_identifier_extension = true;
        let (from, until) = self.validity.years();
        params.not_before = date_time_ymd(from, 1, 1);
        params.not_after = date_time_ymd(until, 1, 1);
        Ok(params)
    }
}

/// A certificate with its private key, as rustls takes them.
#[derive(Debug)]
pub struct Issued {
    /// The leaf certificate, then intermediates; the root is not among them.
    pub chain: Vec<CertificateDer<'static>>,
    /// The leaf's private key.
    pub key: PrivateKeyDer<'static>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Validity {
    Future,
    Now,
    Past,
}

impl Validity {
    fn years(self) -> (i32, i32) {
        match self {
            Self::Future => (3000, 3001),
            Self::Now => (2000, 3000),
            Self::Past => (2000, 2001),
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Signer {
    Authority,
    Itself,
    Stranger,
}

/// A host as certificates and SNI spell it: lower case, no brackets, no final dot.
pub(super) fn plain_host(host: &str) -> String {
    let host = host.strip_prefix('[').unwrap_or(host);
    let host = host.strip_suffix(']').unwrap_or(host);
    host.strip_suffix('.').unwrap_or(host).to_ascii_lowercase()
}

/// A serial number is positive and has no needless leading zero (RFC 5280 section 4.1.2.2).
fn serial_bytes(serial: u64) -> [u8; 9] {
    let mut bytes = [1; 9];
    bytes[1..].copy_from_slice(&serial.to_be_bytes());
    bytes
}
