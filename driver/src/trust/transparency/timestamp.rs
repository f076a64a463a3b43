//! Signed certificate timestamps as they travel (RFC 6962 §3.2 and §3.3).

use std::iter;

use rustls::SignatureScheme;
use rustls::crypto::WebPkiSupportedAlgorithms;

use crate::trust::x509::Key;

/// A `SignedCertificateTimestamp`
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Timestamp<'a> {
    pub(super) log_id: &'a [u8; 32],
    pub(super) milliseconds: u64,
    extensions: &'a [u8],
    /// As TLS numbers them; RFC 6962's pairs of hash and signature are the same numbers
    scheme: SignatureScheme,
    signature: &'a [u8],
}

/// What a log signs
#[derive(Clone, Copy, Debug)]
pub(super) enum Entry<'a> {
    /// The certificate itself: `x509_entry`
    Certificate(&'a [u8]),
    /// What a certificate was before the timestamps were put into it: `precert_entry`
    Precertificate {
        issuer_key_hash: [u8; 32],
        /// `TBSCertificate`
        body: &'a [u8],
    },
}

/// The timestamps of a `SignedCertificateTimestampList`
///
/// A malformed timestamp is `None`; the list may end there.
pub(super) fn list(bytes: &[u8]) -> impl Iterator<Item = Option<Timestamp<'_>>> {
    let mut rest = Reader(bytes).counted::<2>();
    let mut is_over = false;
    iter::from_fn(move || {
        if is_over {
            return None;
        }
        let Some(list) = &mut rest else {
            is_over = true;
            return Some(None);
        };
        if list.0.is_empty() {
            return None;
        }
        let one = list.counted::<2>();
        is_over = one.is_none();
        Some(one.and_then(Timestamp::read))
    })
}

impl<'a> Timestamp<'a> {
    fn read(mut reader: Reader<'a>) -> Option<Self> {
        if reader.take(1)? != [V1] {
            return None;
        }
        let log_id = reader.take(32)?.try_into().ok()?;
        let milliseconds = u64::from_be_bytes(reader.take(8)?.try_into().ok()?);
        let extensions = reader.counted::<2>()?.0;
        let scheme = u16::from_be_bytes(reader.take(2)?.try_into().ok()?);
        let signature = reader.counted::<2>()?.0;
        reader.0.is_empty().then_some(Self {
            log_id,
            milliseconds,
            extensions,
            scheme: scheme.into(),
            signature,
        })
    }

    /// Whether it is the signature of this key for this entry
    pub(super) fn is_signed(
        &self,
        entry: &Entry<'_>,
        key: Key<'_>,
        algorithms: &WebPkiSupportedAlgorithms,
    ) -> bool {
        let Some(message) = self.message(entry) else {
            return false;
        };
        // §2.1.4: "A log MUST use a deterministic … ECDSA … or RSA" with SHA-256
        let of_scheme = algorithms
            .mapping
            .iter()
            .find(|(scheme, _)| *scheme == self.scheme && ALLOWED.contains(scheme));
        let mut candidates = of_scheme.into_iter().flat_map(|(_, all)| all.iter());
        candidates.any(|algorithm| {
            algorithm.public_key_alg_id().as_ref() == key.algorithm
                && algorithm
                    .verify_signature(key.bits, &message, self.signature)
                    .is_ok()
        })
    }

    /// The `digitally-signed` struct of §3.2
    fn message(&self, entry: &Entry<'_>) -> Option<Vec<u8>> {
        let mut message = vec![V1, CERTIFICATE_TIMESTAMP];
        message.extend(self.milliseconds.to_be_bytes());
        let body = match *entry {
            Entry::Certificate(certificate) => {
                message.extend(X509_ENTRY);
                certificate
            }
            Entry::Precertificate {
                issuer_key_hash,
                body,
            } => {
                message.extend(PRECERT_ENTRY);
                message.extend(issuer_key_hash);
                body
            }
        };
        let len = u32::try_from(body.len()).ok()?.to_be_bytes();
        // Of three bytes
        if len[0] != 0 {
            return None;
        }
        message.extend(&len[1..]);
        message.extend(body);
        let len = u16::try_from(self.extensions.len()).ok()?;
        message.extend(len.to_be_bytes());
        message.extend(self.extensions);
        Some(message)
    }
}

/// The rest of what is to be read
#[derive(Clone, Copy)]
struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn take(&mut self, len: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(len)?;
        self.0 = rest;
        Some(taken)
    }

    /// A vector after its length in so many bytes (RFC 5246 §4.3)
    fn counted<const WIDTH: usize>(&mut self) -> Option<Self> {
        let len = self.take(WIDTH)?.iter();
        let len = len.fold(0, |sum, byte| sum << 8 | usize::from(*byte));
        self.take(len).map(Reader)
    }
}

/// `Version`, §3.2
const V1: u8 = 0;
/// `SignatureType`, §3.2
const CERTIFICATE_TIMESTAMP: u8 = 0;
/// `LogEntryType`, §3.1
const X509_ENTRY: [u8; 2] = [0, 0];
/// `LogEntryType`, §3.1
const PRECERT_ENTRY: [u8; 2] = [0, 1];
/// §2.1.4
const ALLOWED: [SignatureScheme; 2] = [
    SignatureScheme::ECDSA_NISTP256_SHA256,
    SignatureScheme::RSA_PKCS1_SHA256,
];

#[cfg(test)]
mod tests {
    use super::*;

    fn one() -> Vec<u8> {
        let mut bytes = vec![V1];
        bytes.extend([7; 32]);
        bytes.extend(5_u64.to_be_bytes());
        bytes.extend([0, 1, 9, 4, 3, 0, 2, 8, 8]);
        bytes
    }

    fn counted(bytes: &[u8]) -> Vec<u8> {
        [
            &u16::try_from(bytes.len()).unwrap().to_be_bytes()[..],
            bytes,
        ]
        .concat()
    }

    #[test]
    fn a_list_gives_its_timestamps_in_order() {
        let bytes = counted(&[counted(&one()), counted(&one())].concat());
        let read: Vec<_> = list(&bytes).collect();
        let expected = Timestamp {
            log_id: &[7; 32],
            milliseconds: 5,
            extensions: &[9],
            scheme: SignatureScheme::ECDSA_NISTP256_SHA256,
            signature: &[8, 8],
        };
        assert_eq!(read, [Some(expected), Some(expected)]);
    }

    #[test]
    fn one_that_is_malformed_does_not_hide_the_next() {
        let mut other_version = one();
        other_version[0] = 1;
        let longer = [one(), vec![0]].concat();
        let all = [other_version, longer, vec![], one()].map(|each| counted(&each));
        let bytes = counted(&all.concat());
        let read: Vec<_> = list(&bytes).map(|each| each.is_some()).collect();
        assert_eq!(read, [false, false, false, true]);
    }

    #[test]
    fn a_list_cut_short_ends_in_one_that_is_malformed() {
        let bytes = counted(&counted(&one()));
        for end in 0..bytes.len() {
            assert_eq!(list(&bytes[..end]).collect::<Vec<_>>(), [None], "{end}");
        }
        assert_eq!(list(&[0, 0]).count(), 0);
        assert_eq!(list(&[0, 1, 0]).collect::<Vec<_>>(), [None]);
    }
}
