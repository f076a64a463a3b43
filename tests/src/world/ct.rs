//! Certificate transparency logs (RFC 6962), as far as a client of their timestamps sees them.

use std::sync::Arc;

use data_encoding::BASE64;
use rcgen::{CertificateParams, CustomExtension, Error, KeyPair, PublicKeyData, SigningKey};
use ring::digest::{SHA256, digest};
use rustls::pki_types::CertificateDer;

/// A log, which signs whatever it is shown and publishes nothing.
#[derive(Clone, Debug)]
pub struct CtLog {
    operator: String,
    key: Arc<KeyPair>,
}

impl CtLog {
    /// A log of this operator; it bears the operator's name as well.
    pub fn new(operator: &str) -> Result<Self, Error> {
        Ok(Self {
            operator: operator.to_owned(),
            key: Arc::new(KeyPair::generate()?),
        })
    }

    /// Its promise at a time, in milliseconds since 1970, to publish a certificate.
    pub fn at(&self, milliseconds: u64) -> Timestamp {
        Timestamp {
            log: self.clone(),
            milliseconds,
            is_stapled: false,
            is_forged: false,
        }
    }

    /// A list of logs in the format that browsers publish (version 3): each with its state, such as
    /// `usable`, and since when, such as `2020-01-01T00:00:00Z`.
    pub fn list<'a>(logs: impl IntoIterator<Item = (&'a Self, &'a str, &'a str)>) -> String {
        let operator = |(log, state, since): (&Self, &str, &str)| {
            format!(
                r#"{{"name": "{name}", "email": [], "logs": [{{"description": "{name}", "log_id": "{id}",
                    "key": "{key}", "url": "https://ct.example/", "mmd": 86400,
                    "state": {{"{state}": {{"timestamp": "{since}"}}}}}}]}}"#,
                name = log.operator,
                id = BASE64.encode(&log.id()),
                key = BASE64.encode(&log.key.subject_public_key_info()),
            )
        };
        let operators: Vec<_> = logs.into_iter().map(operator).collect();
        format!(
            r#"{{"version": "1.0", "log_list_timestamp": "2026-01-01T00:00:00Z", "operators": [{}]}}"#,
            operators.join(", ")
        )
    }

    /// RFC 6962 section 3.2: the hash of its key.
    fn id(&self) -> Vec<u8> {
        sha256(&self.key.subject_public_key_info())
    }
}

impl PartialEq for CtLog {
    fn eq(&self, other: &Self) -> bool {
        self.id() == other.id()
    }
}

impl Eq for CtLog {}

/// A signed certificate timestamp (RFC 6962 section 3.2); in the certificate unless told otherwise.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Timestamp {
    log: CtLog,
    milliseconds: u64,
    is_stapled: bool,
    is_forged: bool,
}

impl Timestamp {
    /// The time it states, in milliseconds since 1970.
    pub fn milliseconds(&self) -> u64 {
        self.milliseconds
    }

    /// The server shows it in a stapled OCSP response (section 3.3).
    pub fn stapled(mut self) -> Self {
        self.is_stapled = true;
        self
    }

    /// Its signature is one for another certificate.
    pub fn forged(mut self) -> Self {
        self.is_forged = true;
        self
    }

    /// As it travels, for an entry of a type.
    fn sign(&self, entry_type: u16, entry: &[u8]) -> Result<Vec<u8>, Error> {
        let mut signed = vec![V1, CERTIFICATE_TIMESTAMP];
        signed.extend(self.milliseconds.to_be_bytes());
        signed.extend(entry_type.to_be_bytes());
        signed.extend(if self.is_forged { b"another" } else { entry });
        signed.extend(NO_EXTENSIONS);
        let mut timestamp = vec![V1];
        timestamp.extend(self.log.id());
        timestamp.extend(self.milliseconds.to_be_bytes());
        timestamp.extend(NO_EXTENSIONS);
        timestamp.extend(SHA256_ECDSA);
        timestamp.extend(counted::<2>(&self.log.key.sign(&signed)?));
        Ok(timestamp)
    }
}

/// Signs a certificate with the timestamps embedded that shall be in it (section 3.3).
pub(super) fn logged(
    timestamps: &[Timestamp],
    mut params: CertificateParams,
    sign: impl Fn(&CertificateParams) -> Result<rcgen::Certificate, Error>,
    issuer_key: &[u8],
) -> Result<CertificateDer<'static>, Error> {
    let without = sign(&params)?;
    let embedded = timestamps.iter().filter(|it| !it.is_stapled);
    let mut entry = sha256(issuer_key);
    entry.extend(counted::<3>(first_element(without.der())));
    let embedded = embedded.map(|it| it.sign(PRECERTIFICATE, &entry));
    let Some(content) = list(embedded)? else {
        return Ok(without.into());
    };
    let extension = CustomExtension::from_oid_content(EMBEDDED, content);
    params.custom_extensions.push(extension);
    Ok(sign(&params)?.into())
}

/// The OCSP response with the timestamps that shall be in it: nothing else of it is right.
pub(super) fn stapled(timestamps: &[Timestamp], leaf: &[u8]) -> Result<Option<Vec<u8>>, Error> {
    let stapled = timestamps.iter().filter(|it| it.is_stapled);
    let stapled = stapled.map(|it| it.sign(CERTIFICATE, &counted::<3>(leaf)));
    let Some(content) = list(stapled)? else {
        return Ok(None);
    };
    let time = element(0x18, b"20260101000000Z");
    let extension = element(
        0x30,
        &[element(0x06, STAPLED), element(0x04, &content)].concat(),
    );
    let extensions = element(0xa1, &element(0x30, &extension));
    let (id, good) = (element(0x30, &[]), element(0x80, &[]));
    let single = element(0x30, &[id, good, time.clone(), extensions].concat());
    let responder = element(0xa2, &element(0x04, &[0; 20]));
    let data = element(0x30, &[responder, time, element(0x30, &single)].concat());
    let (algorithm, signature) = (element(0x30, &[]), element(0x03, &[0]));
    let basic = element(0x30, &[data, algorithm, signature].concat());
    let bytes = [element(0x06, BASIC), element(0x04, &basic)].concat();
    let bytes = element(0xa0, &element(0x30, &bytes));
    Ok(Some(element(0x30, &[element(0x0a, &[0]), bytes].concat())))
}

/// `SignedCertificateTimestampList` in an OCTET STRING; `None` for none.
fn list(
    timestamps: impl Iterator<Item = Result<Vec<u8>, Error>>,
) -> Result<Option<Vec<u8>>, Error> {
    let timestamps = timestamps.map(|timestamp| Ok(counted::<2>(&timestamp?)));
    let all = timestamps.collect::<Result<Vec<_>, Error>>()?.concat();
    Ok((!all.is_empty()).then(|| element(0x04, &counted::<2>(&all))))
}

/// Bytes after their length, in so many bytes, as TLS writes them.
fn counted<const WIDTH: usize>(bytes: &[u8]) -> Vec<u8> {
    let length = bytes.len().to_be_bytes();
    [&length[length.len() - WIDTH..], bytes].concat()
}

/// An element in DER (X.690 section 8.1).
fn element(tag: u8, content: &[u8]) -> Vec<u8> {
    let length = content.len().to_be_bytes();
    let significant = length.iter().position(|byte| *byte != 0);
    let length = &length[significant.unwrap_or(length.len() - 1)..];
    let mut element = vec![tag];
    if content.len() >= 0x80 {
        element.push(0x80 | length.len().to_be_bytes()[7]);
    }
    element.extend(length);
    element.extend(content);
    element
}

/// The first element in a SEQUENCE of DER, such as what is signed of a certificate.
fn first_element(sequence: &[u8]) -> &[u8] {
    let (head, _) = measure(sequence);
    let first = &sequence[head..];
    let (head, length) = measure(first);
    &first[..head + length]
}

/// The length of an element's head, and of its content.
fn measure(element: &[u8]) -> (usize, usize) {
    match element[1] {
        long if long >= 0x80 => {
            let end = 2 + usize::from(long & 0x7f);
            let length = element[2..end].iter();
            (
                end,
                length.fold(0, |sum, byte| sum << 8 | usize::from(*byte)),
            )
        }
        short => (2, short.into()),
    }
}

fn sha256(bytes: &[u8]) -> Vec<u8> {
    digest(&SHA256, bytes).as_ref().to_vec()
}

/// `Version`, section 3.2.
const V1: u8 = 0;
/// `SignatureType`, section 3.2.
const CERTIFICATE_TIMESTAMP: u8 = 0;
/// `LogEntryType`, section 3.1.
const CERTIFICATE: u16 = 0;
/// `LogEntryType`, section 3.1.
const PRECERTIFICATE: u16 = 1;
/// `CtExtensions` of no bytes.
const NO_EXTENSIONS: [u8; 2] = [0; 2];
/// `SignatureAndHashAlgorithm` (RFC 5246 section 7.4.1.4.1).
const SHA256_ECDSA: [u8; 2] = [4, 3];
/// The extension of a certificate, section 3.3.
const EMBEDDED: &[u64] = &[1, 3, 6, 1, 4, 1, 11129, 2, 4, 2];
/// The extension of an OCSP response, section 3.3, in DER: 1.3.6.1.4.1.11129.2.4.5.
const STAPLED: &[u8] = &[0x2b, 6, 1, 4, 1, 0xd6, 0x79, 2, 4, 5];
/// id-pkix-ocsp-basic (RFC 6960 section 4.2.1), in DER: 1.3.6.1.5.5.7.48.1.1.
const BASIC: &[u8] = &[0x2b, 6, 1, 5, 5, 7, 0x30, 1, 1];
