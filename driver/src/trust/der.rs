//! A reader of DER (X.690): elements, and what of their contents certificates need.
//!
//! Chains are webpki's to read, and it refuses what is no DER before any of this is looked at. What is read here says
//! why something is refused, and decides only of a certificate that an administrator has added.

/// A tag, a length and a content
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Element<'a> {
    pub(super) tag: u8,
    pub(super) content: &'a [u8],
    /// All of it
    pub(super) encoding: &'a [u8],
}

impl<'a> Element<'a> {
    /// The first element, and what follows it
    pub(super) fn first(bytes: &'a [u8]) -> Option<(Self, &'a [u8])> {
        let (&[tag, first], rest) = bytes.split_first_chunk()?;
        // Tags of several bytes (§8.1.2.4) are in no certificate
        if tag & 0x1f == 0x1f {
            return None;
        }
        let (len, rest) = if first < 0x80 {
            (usize::from(first), rest)
        } else {
            let (bytes, rest) = rest.split_at_checked(usize::from(first & 0x7f))?;
            (length(bytes)?, rest)
        };
        let (content, rest) = rest.split_at_checked(len)?;
        let element = Self {
            tag,
            content,
            encoding: &bytes[..bytes.len() - rest.len()],
        };
        Some((element, rest))
    }

    /// The content of the one element that there is, if it has this tag
    pub(super) fn only(bytes: &'a [u8], tag: u8) -> Option<&'a [u8]> {
        match Self::first(bytes)? {
            (element, []) => element.of(tag),
            _ => None,
        }
    }

    /// The content, if it has this tag
    pub(super) fn of(self, tag: u8) -> Option<&'a [u8]> {
        (self.tag == tag).then_some(self.content)
    }
}

/// What is in a SEQUENCE or SET
pub(super) fn elements(mut content: &[u8]) -> Option<Vec<Element<'_>>> {
    let mut elements = Vec::new();
    while !content.is_empty() {
        let (element, rest) = Element::first(content)?;
        elements.push(element);
        content = rest;
    }
    Some(elements)
}

/// The bytes of a BIT STRING's content, if they are whole
pub(super) fn whole_bytes(content: &[u8]) -> Option<&[u8]> {
    match content {
        [0, bytes @ ..] => Some(bytes),
        _ => None,
    }
}

/// An element with this content
#[cfg(any(feature = "transparency", test))]
pub(super) fn encode(tag: u8, content: &[u8]) -> Vec<u8> {
    let len = content.len().to_be_bytes();
    let mut encoding = vec![tag];
    match content.len() {
        short @ 0..0x80 => encoding.push(short as u8),
        _ => {
            let zeros = len.iter().take_while(|byte| **byte == 0).count();
            // Eight bytes at most
            encoding.push(0x80 | (len.len() - zeros) as u8);
            encoding.extend(&len[zeros..]);
        }
    }
    encoding.extend(content);
    encoding
}

/// Writes the content of an OBJECT IDENTIFIER with dots
pub(super) fn dotted(content: &[u8]) -> Option<String> {
    let mut text = String::new();
    let mut arc: u64 = 0;
    for byte in content {
        arc = arc.checked_mul(128)? | u64::from(byte & 0x7f);
        if byte & 0x80 != 0 {
            continue;
        }
        if text.is_empty() {
            // §8.19.4: the first two arcs are one number
            let first = (arc / 40).min(2);
            text = format!("{first}.{}", arc - first * 40);
        } else {
            text.push('.');
            text.push_str(&arc.to_string());
        }
        arc = 0;
    }
    let is_whole = content.last()? & 0x80 == 0;
    is_whole.then_some(text)
}

/// A length of several bytes (§8.1.3.5), the fewest that can hold it (§10.1)
fn length(bytes: &[u8]) -> Option<usize> {
    if bytes.len() > 4 || *bytes.first()? == 0 {
        return None;
    }
    let len = bytes
        .iter()
        .fold(0, |sum, byte| sum << 8 | usize::from(*byte));
    (len >= 0x80).then_some(len)
}

/// §8.2, and so on
pub(super) const BIT_STRING: u8 = 0x03;
pub(super) const INTEGER: u8 = 0x02;
pub(super) const OBJECT_IDENTIFIER: u8 = 0x06;
pub(super) const OCTET_STRING: u8 = 0x04;
pub(super) const SEQUENCE: u8 = 0x30;
pub(super) const SET: u8 = 0x31;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_element_is_read_as_it_is_written() {
        for len in [0, 1, 0x7f, 0x80, 0xff, 0x100, 0xffff, 0x1_0000] {
            let content = vec![7; len];
            let encoding = encode(OCTET_STRING, &content);
            let two = [&encoding[..], &[5, 0]].concat();
            let (element, rest) = Element::first(&two).unwrap();
            assert_eq!((element.content, rest), (&content[..], &[5, 0][..]));
            assert_eq!(element.encoding, encoding);
            assert_eq!(Element::only(&encoding, OCTET_STRING), Some(&content[..]));
            assert_eq!(Element::only(&encoding, INTEGER), None);
            assert_eq!(Element::only(&two, OCTET_STRING), None);
            assert_eq!(elements(&two).unwrap().len(), 2);
            for end in 1..encoding.len().min(9) {
                assert_eq!(elements(&encoding[..end]), None, "{end} of {len}");
            }
        }
    }

    #[test]
    fn what_is_no_der_is_not_read() {
        for bytes in [
            // A long tag, a length without an end, lengths longer than they need be
            &[0x1f, 0x81, 0x00][..],
            &[0x30, 0x80, 0x00, 0x00],
            &[0x04, 0x81, 0x01, 0x00],
            &[0x04, 0x82, 0x00, 0x80],
            &[0x04, 0x85, 0x01, 0x00, 0x00, 0x00, 0x00],
            &[0x04],
        ] {
            assert_eq!(elements(bytes), None, "{bytes:x?}");
        }
    }

    #[test]
    fn an_identifier_is_written_with_dots() {
        for (content, text) in [
            (&[0x2a, 0x86, 0x48, 0xce, 0x3d][..], Some("1.2.840.10045")),
            (&[0x55, 0x04, 0x03], Some("2.5.4.3")),
            (&[0x88, 0x37], Some("2.999")),
            (&[0x2b], Some("1.3")),
            (&[], None),
            (&[0x2a, 0x86], None),
            (&[0xff; 11], None),
        ] {
            assert_eq!(dotted(content).as_deref(), text);
        }
    }
}
