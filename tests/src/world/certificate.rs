//! What a certificate shall say, and what shall be wrong with it.

use rcgen::{
    CertificateParams, DnType, Error, ExtendedKeyUsagePurpose, GeneralSubtree, IsCa,
    KeyUsagePurpose, NameConstraints, date_time_ymd,
};
use rustls::pki_types::CertificateDer;

use super::ct::Timestamp;

/// What a certificate shall say, and what shall be wrong with it. Valid unless told otherwise.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Certificate {
    names: Vec<String>,
    /// Whether the names stand in the subject alone.
    in_subject: bool,
    validity: Validity,
    purpose: ExtendedKeyUsagePurpose,
    pub(super) signer: Signer,
    pub(super) chain: Chain,
    pub(super) key: Key,
    pub(super) serial: Option<u64>,
    pub(super) timestamps: Vec<Timestamp>,
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
            in_subject: false,
            validity: Validity::Now,
            purpose: ExtendedKeyUsagePurpose::ServerAuth,
            signer: Signer::Authority,
            chain: Chain::Ordered,
            key: Key::Usual,
            serial: None,
            timestamps: Vec::new(),
        }
    }

    /// It has its name as the subject's common name, and no subjectAltName.
    pub fn common_name_only(mut self) -> Self {
        self.in_subject = true;
        self
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

    /// It is for clients, not for servers.
    pub fn for_clients(mut self) -> Self {
        self.purpose = ExtendedKeyUsagePurpose::ClientAuth;
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

    /// It comes from an intermediate authority, which the server shows as well.
    pub fn from_intermediate(mut self) -> Self {
        self.signer = Signer::Intermediate;
        self
    }

    /// It comes from an intermediate that may only issue for names below a domain.
    pub fn from_intermediate_limited_to(mut self, domain: &str) -> Self {
        self.signer = Signer::Limited(domain.to_owned());
        self
    }

    /// It comes from an intermediate of an intermediate; the server shows both.
    pub fn from_two_intermediates(mut self) -> Self {
        self.signer = Signer::TwoIntermediates;
        self
    }

    /// It comes from somebody with a certificate, but not of an authority (`CA:FALSE`).
    pub fn from_a_server(mut self) -> Self {
        self.signer = Signer::Server;
        self
    }

    /// The server shows it last, after its issuers.
    pub fn shown_last(mut self) -> Self {
        self.chain = Chain::LeafLast;
        self
    }

    /// The server shows the intermediates in the wrong order, after it.
    pub fn with_issuers_reversed(mut self) -> Self {
        self.chain = Chain::Reversed;
        self
    }

    /// The server does not show the intermediates.
    pub fn without_issuers(mut self) -> Self {
        self.chain = Chain::LeafAlone;
        self
    }

    /// The server does not show the intermediate that the root issued.
    pub fn without_outer_issuer(mut self) -> Self {
        self.chain = Chain::WithoutOuter;
        self
    }

    /// Its key is RSA of 1,024 bits.
    ///
    /// Nobody has the private half: the handshake of whoever accepts it fails at its signature.
    pub fn with_short_key(mut self) -> Self {
        self.key = Key::Rsa1024;
        self
    }

    /// It is signed over SHA-1, by [`SHA1_ROOT`](super::SHA1_ROOT). It is for `example.org`, whatever else
    /// was said.
    pub fn signed_over_sha1(mut self) -> Self {
        self.key = Key::UsualSignedOverSha1;
        self
    }

    /// It has this serial number, so that it can be revoked.
    pub fn serial(mut self, serial: u64) -> Self {
        self.serial = Some(serial);
        self
    }

    /// A certificate transparency log has promised to publish it. Not for those that vouch for themselves.
    pub fn timestamp(mut self, timestamp: Timestamp) -> Self {
        self.timestamps.push(timestamp);
        self
    }

    pub(super) fn params(&self) -> Result<CertificateParams, Error> {
        let alternatives = if self.in_subject {
            &[][..]
        } else {
            &self.names
        };
        let mut params = CertificateParams::new(alternatives)?;
        let subject = self.names.first().map_or("nobody", String::as_str);
        params.distinguished_name.push(DnType::CommonName, subject);
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![self.purpose.clone()];
        params.use_authority_key_identifier_extension = true;
        let (from, until) = self.validity.years();
        params.not_before = date_time_ymd(from, 1, 1);
        params.not_after = date_time_ymd(until, 1, 1);
        Ok(params)
    }
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

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Signer {
    Authority,
    Intermediate,
    Itself,
    Limited(String),
    Server,
    Stranger,
    TwoIntermediates,
}

impl Signer {
    /// Writes into the certificate of an intermediate what is special about it.
    pub(super) fn limit(&self, params: &mut CertificateParams) {
        match self {
            Self::Limited(domain) => {
                params.name_constraints = Some(NameConstraints {
                    permitted_subtrees: vec![GeneralSubtree::DnsName(domain.clone())],
                    excluded_subtrees: Vec::new(),
                });
            }
            Self::Server => params.is_ca = IsCa::ExplicitNoCa,
            Self::Authority
            | Self::Intermediate
            | Self::Itself
            | Self::Stranger
            | Self::TwoIntermediates => {}
        }
    }
}

/// A host as certificates and SNI spell it: lower case, no brackets, no final dot.
pub(super) fn plain_host(host: &str) -> String {
    let host = host.strip_prefix('[').unwrap_or(host);
    let host = host.strip_suffix(']').unwrap_or(host);
    host.strip_suffix('.').unwrap_or(host).to_ascii_lowercase()
}

/// In which order a server shows its certificates.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Chain {
    LeafAlone,
    LeafLast,
    Ordered,
    Reversed,
    WithoutOuter,
}

impl Chain {
    pub(super) fn order(
        self,
        leaf: CertificateDer<'static>,
        mut issuers: Vec<CertificateDer<'static>>,
    ) -> Vec<CertificateDer<'static>> {
        match self {
            Self::LeafAlone => issuers.clear(),
            Self::LeafLast => {
                issuers.push(leaf);
                return issuers;
            }
            Self::Ordered => {}
            Self::Reversed => issuers.reverse(),
            Self::WithoutOuter => drop(issuers.pop()),
        }
        issuers.insert(0, leaf);
        issuers
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Key {
    Rsa1024,
    Usual,
    UsualSignedOverSha1,
}
