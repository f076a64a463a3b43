//! Where in a certificate and an OCSP response timestamps are (RFC 6962 §3.2 and §3.3).
//!
//! Elements are read by the `der` crate and put together again as they were: what a log signed is the
//! certificate byte for byte, without the extension that its timestamps are in.

use rustls::pki_types::TrustAnchor;
use x509_cert::der::asn1::{AnyRef, ObjectIdentifier, OctetStringRef};
use x509_cert::der::{
    Decode, Encode, Error, Reader as _, Result, SliceReader, Tag, TagNumber, Tagged,
};

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
    pub(super) fn read(certificate: &'a [u8]) -> Result<Self> {
        let body = body(certificate)?;
        let mut list = None;
        let mut without_list = Vec::new();
        for field in elements(body)? {
            if field.tag() != EXTENSIONS {
                field.encode_to_vec(&mut without_list)?;
                continue;
            }
            let mut extensions = Vec::new();
            for extension in elements(AnyRef::from_der(field.value())?)? {
                match extension_value(extension, EMBEDDED)? {
                    Some(value) => list = Some(value),
                    None => {
                        extension.encode_to_vec(&mut extensions)?;
                    }
                }
            }
            let extensions = AnyRef::new(Tag::Sequence, &extensions)?.to_der()?;
            AnyRef::new(EXTENSIONS, &extensions)?.encode_to_vec(&mut without_list)?;
        }
        let (issuer, ..) = names_and_key(body)?;
        Ok(Self {
            issuer,
            list,
            without_list: AnyRef::new(Tag::Sequence, &without_list)?.to_der()?,
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
    pub(super) fn read(certificate: &[u8]) -> Result<Self> {
        let (_, subject, key) = names_and_key(body(certificate)?)?;
        Ok(Self {
            subject: subject.to_vec(),
            key: key.to_der()?,
        })
    }

    /// A root, of which rustls keeps the contents of both
    pub(super) fn of_anchor(anchor: &TrustAnchor<'_>) -> Option<Self> {
        let key = AnyRef::new(Tag::Sequence, &anchor.subject_public_key_info);
        Some(Self {
            subject: anchor.subject.to_vec(),
            key: key.and_then(|key| key.to_der()).ok()?,
        })
    }
}

/// The `SignedCertificateTimestampList` in a stapled OCSP response (RFC 6960 §4.2.1)
///
/// Nothing else of the response is looked at, its signature included: a log has signed for this very
/// certificate, and who brings that does not matter.
pub(super) fn stapled_list(response: &[u8]) -> Option<&[u8]> {
    // OCSPResponse, ResponseBytes, BasicOCSPResponse, ResponseData, responses, SingleResponse
    let response = last(AnyRef::from_der(response).ok()?)?;
    let bytes = last(AnyRef::from_der(response.value()).ok()?)?;
    let basic = AnyRef::from_der(bytes.decode_as::<&OctetStringRef>().ok()?.as_bytes()).ok()?;
    let data = elements(basic).ok()?.into_iter().next()?;
    let is_list = |field: &AnyRef<'_>| field.tag() == Tag::Sequence;
    let responses = elements(data).ok()?.into_iter().find(is_list)?;
    let single = elements(responses).ok()?.into_iter().next()?;
    let extensions = last(single).filter(|field| field.tag() == SINGLE_EXTENSIONS)?;
    let mut extensions = elements(AnyRef::from_der(extensions.value()).ok()?)
        .ok()?
        .into_iter();
    extensions.find_map(|extension| extension_value(extension, STAPLED).ok()?)
}

/// `TBSCertificate`
fn body(certificate: &[u8]) -> Result<AnyRef<'_>> {
    let mut parts = elements(AnyRef::from_der(certificate)?)?.into_iter();
    parts.next().ok_or_else(missing)
}

/// The content of the issuer's name, that of the subject's, and the key
fn names_and_key(body: AnyRef<'_>) -> Result<(&[u8], &[u8], AnyRef<'_>)> {
    let fields = elements(body)?;
    // The version stands first, unless it is 1
    let fields = match fields.split_first() {
        Some((version, rest)) if version.tag() == VERSION => rest,
        _ => &fields[..],
    };
    // RFC 5280 §4.1: serial number, signature algorithm, issuer, validity, subject, key
    match fields {
        [_, _, issuer, _, subject, key, ..] => Ok((issuer.value(), subject.value(), *key)),
        _ => Err(missing()),
    }
}

/// The content of an extension's value, which must be an OCTET STRING in the OCTET STRING that all have, if
/// it is the one
fn extension_value(extension: AnyRef<'_>, wanted: ObjectIdentifier) -> Result<Option<&[u8]>> {
    let parts = elements(extension)?;
    let (Some(id), Some(value)) = (parts.first(), parts.last()) else {
        return Err(missing());
    };
    if id.decode_as::<ObjectIdentifier>()? != wanted {
        return Ok(None);
    }
    let value: &OctetStringRef = value.decode_as()?;
    Ok(Some(
        <&OctetStringRef>::from_der(value.as_bytes())?.as_bytes(),
    ))
}

/// What is in a SEQUENCE, or in a SEQUENCE by another tag
fn elements(of: AnyRef<'_>) -> Result<Vec<AnyRef<'_>>> {
    let mut reader = SliceReader::new(of.value())?;
    let mut elements = Vec::new();
    while !reader.is_finished() {
        elements.push(AnyRef::decode(&mut reader)?);
    }
    Ok(elements)
}

fn last(of: AnyRef<'_>) -> Option<AnyRef<'_>> {
    elements(of).ok()?.pop()
}

fn missing() -> Error {
    x509_cert::der::ErrorKind::Failed.into()
}

const fn context(number: u32) -> Tag {
    Tag::ContextSpecific {
        constructed: true,
        number: TagNumber(number),
    }
}

/// `version`, RFC 5280 §4.1
const VERSION: Tag = context(0);
/// `extensions`, RFC 5280 §4.1
const EXTENSIONS: Tag = context(3);
/// `singleExtensions`, RFC 6960 §4.2.1
const SINGLE_EXTENSIONS: Tag = context(1);
/// RFC 6962 §3.3
const EMBEDDED: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.4.1.11129.2.4.2");
/// RFC 6962 §3.3
const STAPLED: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.4.1.11129.2.4.5");
