//! Where in a certificate things are (RFC 5280 §4.1), and the words for some of them.

use fedway_core::{CertificateError, UtcTime};

use super::der::{
    BIT_STRING, Element, INTEGER, OBJECT_IDENTIFIER, OCTET_STRING, SEQUENCE, dotted, elements,
    whole_bytes,
};

/// A certificate, its parts as they are encoded
#[derive(Clone, Debug)]
pub(super) struct Certificate<'a> {
    /// The elements of its `TBSCertificate`
    pub(super) fields: Vec<Element<'a>>,
    /// The content of its issuer's name
    pub(super) issuer: &'a [u8],
    /// The content of its own
    pub(super) subject: &'a [u8],
    pub(super) not_before: UtcTime,
    pub(super) not_after: UtcTime,
    pub(super) key: Key<'a>,
    /// The content of the `AlgorithmIdentifier` that it is signed by
    pub(super) signed_by: &'a [u8],
}

impl<'a> Certificate<'a> {
    pub(super) fn read(der: &'a [u8]) -> Option<Self> {
        let parts = elements(Element::only(der, SEQUENCE)?)?;
        let &[body, algorithm, _signature] = parts.as_slice() else {
            return None;
        };
        let fields = elements(body.of(SEQUENCE)?)?;
        // The version stands first, unless it is 1
        let versioned = match fields.split_first() {
            Some((version, rest)) if version.tag == VERSION => rest,
            _ => &fields,
        };
        let [_serial, _algorithm, issuer, validity, subject, key, ..] = versioned else {
            return None;
        };
        let validity = elements(validity.of(SEQUENCE)?)?;
        let [not_before, not_after] = validity.as_slice() else {
            return None;
        };
        Some(Self {
            issuer: issuer.of(SEQUENCE)?,
            subject: subject.of(SEQUENCE)?,
            not_before: time(*not_before)?,
            not_after: time(*not_after)?,
            key: Key::read(key.encoding)?,
            signed_by: algorithm.of(SEQUENCE)?,
            fields,
        })
    }

    /// The value of an extension, such as [`SUBJECT_ALTERNATIVES`]
    pub(super) fn extension(&self, id: &[u8]) -> Option<&'a [u8]> {
        let field = self.fields.iter().find(|field| field.tag == EXTENSIONS)?;
        let extensions = elements(Element::only(field.content, SEQUENCE)?)?;
        extensions
            .into_iter()
            .find_map(|extension| extension_value(extension, id))
    }

    /// Whether its purposes (§4.2.1.12), where it has any, allow it to be a server's
    pub(super) fn is_for_servers(&self) -> bool {
        let Some(purposes) = self.extension(PURPOSES) else {
            return true;
        };
        let purposes = Element::only(purposes, SEQUENCE).and_then(elements);
        let is_server = |it: &Element<'_>| it.of(OBJECT_IDENTIFIER) == Some(SERVER_AUTH);
        purposes.is_some_and(|purposes| purposes.iter().any(is_server))
    }
}

/// The value of an extension, if it is the one with this identifier
pub(super) fn extension_value<'a>(extension: Element<'a>, id: &[u8]) -> Option<&'a [u8]> {
    let parts = elements(extension.of(SEQUENCE)?)?;
    if parts.first()?.of(OBJECT_IDENTIFIER)? != id {
        return None;
    }
    parts.last()?.of(OCTET_STRING)
}

/// A `SubjectPublicKeyInfo` (§4.1.2.7)
#[derive(Clone, Copy, Debug)]
pub(super) struct Key<'a> {
    /// All of it
    #[cfg(feature = "transparency")]
    pub(super) encoding: &'a [u8],
    /// The content of its `AlgorithmIdentifier`
    pub(super) algorithm: &'a [u8],
    /// The key itself
    pub(super) bits: &'a [u8],
}

impl<'a> Key<'a> {
    pub(super) fn read(encoding: &'a [u8]) -> Option<Self> {
        let parts = elements(Element::only(encoding, SEQUENCE)?)?;
        let [algorithm, bits] = parts.as_slice() else {
            return None;
        };
        Some(Self {
            #[cfg(feature = "transparency")]
            encoding,
            algorithm: algorithm.of(SEQUENCE)?,
            bits: whole_bytes(bits.of(BIT_STRING)?)?,
        })
    }

    /// The length of an RSA key's modulus, in bits
    pub(super) fn rsa_bits(self) -> Option<usize> {
        if identifier(self.algorithm)? != RSA {
            return None;
        }
        // RFC 3279 §2.3.1, `RSAPublicKey`
        let parts = elements(Element::only(self.bits, SEQUENCE)?)?;
        let [modulus, _exponent] = parts.as_slice() else {
            return None;
        };
        let modulus = modulus.of(INTEGER)?;
        let zeros = modulus.iter().take_while(|byte| **byte == 0).count();
        let (first, rest) = modulus.get(zeros..)?.split_first()?;
        Some(rest.len() * 8 + (8 - first.leading_zeros() as usize))
    }
}

/// The object identifier in the content of an `AlgorithmIdentifier`
pub(super) fn identifier(algorithm: &[u8]) -> Option<&[u8]> {
    Element::first(algorithm)?.0.of(OBJECT_IDENTIFIER)
}

/// The curve of a key on an elliptic curve (RFC 5480 §2.1.1), by the contents of `AlgorithmIdentifier`s
pub(super) fn curve(algorithm: &[u8]) -> Option<String> {
    let (id, parameters) = Element::first(algorithm)?;
    if id.of(OBJECT_IDENTIFIER)? != ELLIPTIC {
        return None;
    }
    let Some(curve) = Element::only(parameters, OBJECT_IDENTIFIER) else {
        return Some(String::from("of explicit parameters"));
    };
    match CURVES.iter().find(|(id, _)| *id == curve) {
        Some((_, name)) => Some((*name).into()),
        None => dotted(curve),
    }
}

/// A signature algorithm that is not supported: those over broken hashes are weak, whoever else supports them
///
/// Both are contents of `AlgorithmIdentifier`s; of the key that signed, where it is known.
pub(super) fn unsupported(signature: &[u8], key: Option<&[u8]>) -> CertificateError {
    let id = identifier(signature).unwrap_or_default();
    if let Some((_, algorithm)) = WEAK_SIGNATURES.iter().find(|(weak, _)| *weak == id) {
        let algorithm = (*algorithm).into();
        return CertificateError::WeakSignature { algorithm };
    }
    let algorithm = match ECDSA_HASHES.iter().find(|(ecdsa, _)| *ecdsa == id) {
        Some((_, hash)) => match key.and_then(curve) {
            Some(curve) => format!("ECDSA {curve} with {hash}"),
            None => format!("ECDSA with {hash}"),
        },
        None => match SIGNATURES.iter().find(|(other, _)| *other == id) {
            Some((_, name)) => (*name).into(),
            None => dotted(id).unwrap_or_else(|| String::from("malformed")),
        },
    };
    CertificateError::UnsupportedSignature { algorithm }
}

/// `Time` (§4.1.2.5)
fn time(element: Element<'_>) -> Option<UtcTime> {
    let digits = element.content.strip_suffix(b"Z")?;
    let (century, digits) = match (element.tag, digits) {
        // "Where YY is greater than or equal to 50, the year SHALL be interpreted as 19YY"
        (UTC_TIME, [b'5'..=b'9', ..]) => (19, digits),
        (UTC_TIME, _) => (20, digits),
        (GENERALIZED_TIME, [thousands, hundreds, rest @ ..]) => {
            (number(&[*thousands, *hundreds])?, rest)
        }
        _ => return None,
    };
    let pairs: Option<Vec<u64>> = digits.chunks(2).map(number).collect();
    match pairs?.as_slice() {
        &[year, month, day, hour, minute, second] if digits.len() == 12 => {
            let date = (century * 100 + year, month, day);
            UtcTime::from_civil(date, (hour, minute, second)).ok()
        }
        _ => None,
    }
}

/// Two digits at most
fn number(digits: &[u8]) -> Option<u64> {
    digits.iter().try_fold(0, |sum, digit| {
        digit
            .is_ascii_digit()
            .then(|| sum * 10 + u64::from(digit - b'0'))
    })
}

/// `version`, §4.1
const VERSION: u8 = 0xa0;
/// `extensions`, §4.1
pub(super) const EXTENSIONS: u8 = 0xa3;
/// X.690 §8.25 and X.680 §46
const GENERALIZED_TIME: u8 = 0x18;
/// X.690 §8.25 and X.680 §47
const UTC_TIME: u8 = 0x17;

/// id-ce-subjectAltName (§4.2.1.6)
pub(super) const SUBJECT_ALTERNATIVES: &[u8] = b"\x55\x1d\x11";
/// id-ce-extKeyUsage (§4.2.1.12)
const PURPOSES: &[u8] = b"\x55\x1d\x25";
/// id-kp-serverAuth (§4.2.1.12)
const SERVER_AUTH: &[u8] = b"\x2b\x06\x01\x05\x05\x07\x03\x01";

/// rsaEncryption (RFC 3279 §2.3.1)
const RSA: &[u8] = b"\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01";
/// id-ecPublicKey (RFC 5480 §2.1.1)
const ELLIPTIC: &[u8] = b"\x2a\x86\x48\xce\x3d\x02\x01";
/// secp256r1 and so on (RFC 5480 §2.1.1.1), by the names of FIPS 186
const CURVES: [(&[u8], &str); 3] = [
    (b"\x2a\x86\x48\xce\x3d\x03\x01\x07", "P-256"),
    (b"\x2b\x81\x04\x00\x22", "P-384"),
    (b"\x2b\x81\x04\x00\x23", "P-521"),
];

/// Signature algorithms over broken hashes (RFC 3279 §2.2)
const WEAK_SIGNATURES: [(&[u8], &str); 5] = [
    (b"\x2a\x86\x48\x86\xf7\x0d\x01\x01\x02", "MD2 with RSA"),
    (b"\x2a\x86\x48\x86\xf7\x0d\x01\x01\x04", "MD5 with RSA"),
    (b"\x2a\x86\x48\x86\xf7\x0d\x01\x01\x05", "SHA-1 with RSA"),
    (b"\x2a\x86\x48\xce\x38\x04\x03", "SHA-1 with DSA"),
    (b"\x2a\x86\x48\xce\x3d\x04\x01", "SHA-1 with ECDSA"),
];
/// ecdsa-with-SHA224 and so on (RFC 5758 §3.2)
const ECDSA_HASHES: [(&[u8], &str); 4] = [
    (b"\x2a\x86\x48\xce\x3d\x04\x03\x01", "SHA-224"),
    (b"\x2a\x86\x48\xce\x3d\x04\x03\x02", "SHA-256"),
    (b"\x2a\x86\x48\xce\x3d\x04\x03\x03", "SHA-384"),
    (b"\x2a\x86\x48\xce\x3d\x04\x03\x04", "SHA-512"),
];
/// RFC 8410 §3, RFC 4055 §3.1 and §5
const SIGNATURES: [(&[u8], &str); 7] = [
    (b"\x2b\x65\x70", "Ed25519"),
    (b"\x2b\x65\x71", "Ed448"),
    (b"\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0a", "RSASSA-PSS"),
    (b"\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0b", "RSA with SHA-256"),
    (b"\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0c", "RSA with SHA-384"),
    (b"\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0d", "RSA with SHA-512"),
    (b"\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0e", "RSA with SHA-224"),
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trust::der::encode;

    #[test]
    fn times_are_read_in_both_forms() {
        for (tag, text, expected) in [
            (UTC_TIME, "700101000000Z", Some("1970-01-01T00:00:00Z")),
            (UTC_TIME, "991231235959Z", Some("1999-12-31T23:59:59Z")),
            (UTC_TIME, "490101000000Z", Some("2049-01-01T00:00:00Z")),
            // Before 1970, when there were no certificates
            (UTC_TIME, "500101000000Z", None),
            (
                GENERALIZED_TIME,
                "30000101000000Z",
                Some("3000-01-01T00:00:00Z"),
            ),
            (GENERALIZED_TIME, "30000101000000", None),
            (GENERALIZED_TIME, "3000010100000Z", None),
            (GENERALIZED_TIME, "3000010100000aZ", None),
            (GENERALIZED_TIME, "300001010000000Z", None),
            (UTC_TIME, "30000101000000Z", None),
            (UTC_TIME, "Z", None),
            (INTEGER, "700101000000Z", None),
        ] {
            let encoding = encode(tag, text.as_bytes());
            let (element, _) = Element::first(&encoding).unwrap();
            let read = time(element).map(|time| time.to_string());
            assert_eq!(read.as_deref(), expected, "{text}");
        }
    }

    #[test]
    fn an_unsupported_algorithm_is_named() {
        let algorithm = |id: &[u8]| encode(OBJECT_IDENTIFIER, id);
        let p521 = [algorithm(ELLIPTIC), algorithm(CURVES[2].0)].concat();
        let other = [algorithm(ELLIPTIC), algorithm(b"\x2b\x81\x04\x00\x0a")].concat();
        let explicit = [algorithm(ELLIPTIC), encode(SEQUENCE, &[])].concat();
        let (sha_512, _) = ECDSA_HASHES[3];
        for (signature, key, text) in [
            (sha_512, Some(&p521), "ECDSA P-521 with SHA-512"),
            (sha_512, Some(&other), "ECDSA 1.3.132.0.10 with SHA-512"),
            (
                sha_512,
                Some(&explicit),
                "ECDSA of explicit parameters with SHA-512",
            ),
            (sha_512, None, "ECDSA with SHA-512"),
            (b"\x2b\x65\x71", Some(&p521), "Ed448"),
            (b"\x2a\x03", None, "1.2.3"),
            (b"", None, "malformed"),
        ] {
            let error = unsupported(&algorithm(signature), key.map(Vec::as_slice));
            assert_eq!(
                error.to_string(),
                format!("unsupported signature algorithm: {text}")
            );
        }
        let weak = [algorithm(WEAK_SIGNATURES[2].0), vec![5, 0]].concat();
        let error = unsupported(&weak, None);
        assert_eq!(error.to_string(), "weak signature: SHA-1 with RSA");
    }
}
