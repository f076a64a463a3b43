//! Where in a certificate and an OCSP response timestamps are (RFC 6962 §3.2 and §3.3).
//!
//! What a log signed is the certificate byte for byte, without the extension that its timestamps are in: all
//! else is put together again as it was encoded.

use rustls::pki_types::TrustAnchor;

use crate::trust::der::{Element, OCTET_STRING, SEQUENCE, elements, encode};
use crate::trust::x509::{Certificate, EXTENSIONS, extension_value};

/// What of a server's certificate transparency depends on
pub(super) struct Leaf<'a> {
    /// The content of its issuer's name
    pub(super) issuer: &'a [u8],
    /// The `SignedCertificateTimestampList` in it
    pub(super) list: Option<&'a [u8]>,
    /// Its `TBSCertificate`, without the extension that has the list
    pub(super) without_list: Vec<u8>,
}

impl<'a> Leaf<'a> {
    pub(super) fn read(certificate: &'a [u8]) -> Option<Self> {
        let certificate = Certificate::read(certificate)?;
        let mut list = None;
        let mut without_list = Vec::new();
        for field in certificate.fields {
            if field.tag != EXTENSIONS {
                without_list.extend(field.encoding);
                continue;
            }
            let mut extensions = Vec::new();
            for extension in elements(Element::only(field.content, SEQUENCE)?)? {
                match extension_value(extension, EMBEDDED) {
                    // An OCTET STRING, in the OCTET STRING that all have
                    Some(value) => list = Some(Element::only(value, OCTET_STRING)?),
                    None => extensions.extend(extension.encoding),
                }
            }
            without_list.extend(encode(EXTENSIONS, &encode(SEQUENCE, &extensions)));
        }
        Some(Self {
            issuer: certificate.issuer,
            list,
            without_list: encode(SEQUENCE, &without_list),
        })
    }
}

/// Who may have issued a certificate
#[derive(Clone)]
pub(super) struct Authority {
    /// The content of its name
    pub(super) subject: Vec<u8>,
    /// Its `SubjectPublicKeyInfo`
    pub(super) key: Vec<u8>,
}

impl Authority {
    pub(super) fn read(certificate: &[u8]) -> Option<Self> {
        let certificate = Certificate::read(certificate)?;
        Some(Self {
            subject: certificate.subject.to_vec(),
            key: certificate.key.encoding.to_vec(),
        })
    }

    /// A root, of which rustls keeps the contents of both
    pub(super) fn of_anchor(anchor: &TrustAnchor<'_>) -> Self {
        Self {
            subject: anchor.subject.to_vec(),
            key: encode(SEQUENCE, &anchor.subject_public_key_info),
        }
    }
}

/// The `SignedCertificateTimestampList` in a stapled OCSP response (RFC 6960 §4.2.1)
///
/// Nothing else of the response is looked at, its signature included: a log has signed for this very
/// certificate, so it does not matter who delivers it.
pub(super) fn stapled_list(response: &[u8]) -> Option<&[u8]> {
    // OCSPResponse, ResponseBytes, BasicOCSPResponse, ResponseData, responses, SingleResponse
    let response = last(Element::only(response, SEQUENCE)?)?;
    let bytes = last(Element::only(response.content, SEQUENCE)?)?;
    let basic = Element::only(bytes.of(OCTET_STRING)?, SEQUENCE)?;
    let (data, _) = Element::first(basic)?;
    let mut fields = elements(data.content)?.into_iter();
    let responses = fields.find(|field| field.tag == SEQUENCE)?;
    let (single, _) = Element::first(responses.content)?;
    let extensions = last(single.content)?.of(SINGLE_EXTENSIONS)?;
    let mut extensions = elements(Element::only(extensions, SEQUENCE)?)?.into_iter();
    let list = extensions.find_map(|extension| extension_value(extension, STAPLED))?;
    Element::only(list, OCTET_STRING)
}

fn last(content: &[u8]) -> Option<Element<'_>> {
    elements(content)?.pop()
}

/// `singleExtensions`, RFC 6960 §4.2.1
const SINGLE_EXTENSIONS: u8 = 0xa1;
/// 1.3.6.1.4.1.11129.2.4.2, RFC 6962 §3.3
const EMBEDDED: &[u8] = b"\x2b\x06\x01\x04\x01\xd6\x79\x02\x04\x02";
/// 1.3.6.1.4.1.11129.2.4.5, RFC 6962 §3.3
const STAPLED: &[u8] = b"\x2b\x06\x01\x04\x01\xd6\x79\x02\x04\x05";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trust::der::OBJECT_IDENTIFIER;
    use rcgen::{CertificateParams, CustomExtension, KeyPair};

    const LIST: &[u8] = b"a list";

    fn certificate() -> Vec<u8> {
        let mut params = CertificateParams::new(["example.org".to_owned()]).unwrap();
        let list = CustomExtension::from_oid_content(
            &[1, 3, 6, 1, 4, 1, 11129, 2, 4, 2],
            encode(OCTET_STRING, LIST),
        );
        params.custom_extensions = vec![list];
        let key = KeyPair::generate().unwrap();
        params.self_signed(&key).unwrap().der().to_vec()
    }

    /// As much of a response as is read (RFC 6960 §4.2.1)
    fn response() -> Vec<u8> {
        let sequence = |parts: &[Vec<u8>]| encode(SEQUENCE, &parts.concat());
        let value = encode(OCTET_STRING, &encode(OCTET_STRING, LIST));
        let extension = sequence(&[encode(OBJECT_IDENTIFIER, STAPLED), value]);
        let extensions = encode(SINGLE_EXTENSIONS, &sequence(&[extension]));
        let id = sequence(&[encode(OCTET_STRING, b"issuer")]);
        let data = sequence(&[encode(0xa1, b""), sequence(&[sequence(&[id, extensions])])]);
        let basic = encode(OCTET_STRING, &sequence(&[data]));
        let bytes = sequence(&[encode(OBJECT_IDENTIFIER, b"\x2b"), basic]);
        sequence(&[encode(0x0a, &[0]), encode(0xa0, &bytes)])
    }

    #[test]
    fn a_list_is_found_in_a_certificate_and_taken_out_of_it() {
        let with = certificate();
        let leaf = Leaf::read(&with).unwrap();
        assert_eq!(leaf.list, Some(LIST));
        let is_there = |bytes: &[u8]| bytes.windows(LIST.len()).any(|part| part == LIST);
        assert!(is_there(&with) && !is_there(&leaf.without_list));
        let Some((body, _)) = Element::first(Element::only(&with, SEQUENCE).unwrap()) else {
            panic!("a certificate has a body");
        };
        // An identifier, a list and their headers
        let taken = 12 + 2 + LIST.len() + 2 + 2;
        assert_eq!(leaf.without_list.len(), body.encoding.len() - taken);
    }

    #[test]
    fn a_list_is_found_in_a_stapled_response() {
        assert_eq!(stapled_list(&response()), Some(LIST));
        assert_eq!(stapled_list(&[]), None);
        assert_eq!(stapled_list(&certificate()), None);
    }

    #[test]
    fn no_prefix_and_no_changed_byte_of_either_panics() {
        let read = |bytes: &[u8]| {
            let _ = (
                Leaf::read(bytes).is_some(),
                Authority::read(bytes).is_some(),
                stapled_list(bytes),
            );
        };
        for whole in [certificate(), response()] {
            for index in 0..whole.len() {
                read(&whole[..index]);
                for change in [0, 1, 0x7f, 0x80, 0x81, 0x84, 0xff] {
                    let mut changed = whole.clone();
                    changed[index] = change;
                    read(&changed);
                }
            }
        }
    }
}
