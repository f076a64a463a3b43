//! Names as text and as the labels of a message.
//!
//! hickory-proto has both conversions, but reads `\DDD` as octal where RFC 1035 §5.1 has it decimal,
//! and applies IDNA, which has no place in names that are asked as they are.

use std::fmt::Write;

use fedway_core::DnsName;
use hickory_proto::rr::Name;

/// The labels of a name; `None` if no message can hold it (RFC 1035 §2.3.4)
pub(super) fn to_labels(name: &DnsName) -> Option<Name> {
    if !name.is_encodable() {
        return None;
    }
    let mut labels = Name::root();
    let mut label = Vec::with_capacity(MAX_LABEL);
    let mut bytes = name.as_str().bytes();
    while let Some(byte) = bytes.next() {
        match byte {
            b'.' => {
                labels = labels.append_label(label.as_slice()).ok()?;
                label.clear();
            }
            b'\\' => label.push(unescape(&mut bytes)?),
            byte => label.push(byte),
        }
    }
    labels.append_label(label.as_slice()).ok()
}

/// A name from a message, in presentation format; `None` if a [`DnsName`] cannot hold it
pub(super) fn from_labels(name: &Name) -> Option<DnsName> {
    let mut text = String::new();
    for label in name.iter() {
        for byte in label {
            match byte {
                // RFC 4343 §2.1 asks for these two escapes, and for the next
                b'.' | b'\\' => text.extend(['\\', char::from(*byte)]),
                byte if byte.is_ascii_graphic() => text.push(char::from(*byte)),
                byte => write!(text, "\\{byte:03}").ok()?,
            }
        }
        text.push('.');
    }
    if text.is_empty() {
        text.push('.');
    }
    DnsName::new(&text).ok()
}

/// The bytes of a name, such that names which are the same have the same (RFC 4343 §3)
pub(super) fn folded(name: &Name) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(name.len());
    for label in name.iter() {
        // No label is longer than 63 bytes
        bytes.push(label.len() as u8);
        bytes.extend(label.iter().map(u8::to_ascii_lowercase));
    }
    bytes
}

/// What follows a backslash: `DDD`, a byte in decimal, or a character that stands for itself
fn unescape(bytes: &mut impl Iterator<Item = u8>) -> Option<u8> {
    let first = bytes.next()?;
    if !first.is_ascii_digit() {
        return Some(first);
    }
    [first, bytes.next()?, bytes.next()?]
        .into_iter()
        .try_fold(0_u8, |value, digit| {
            let digit = char::from(digit).to_digit(10)?;
            value.checked_mul(10)?.checked_add(digit as u8)
        })
}

/// RFC 1035 §2.3.4
const MAX_LABEL: usize = 63;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_come_back_as_they_went() {
        for text in [
            "example.org",
            "_matrix._tcp.a-b",
            r"a\\b.c",
            r"\000\255\032x.org",
            "*.é",
        ] {
            let Ok(name) = DnsName::new(text) else {
                continue;
            };
            assert_eq!(
                from_labels(&to_labels(&name).unwrap()),
                Some(name),
                "{text}"
            );
        }
        assert_eq!(from_labels(&Name::root()), Some(DnsName::new(".").unwrap()));
    }

    #[test]
    fn a_dot_within_a_label_is_escaped() {
        let name = Name::from_labels([b"a.b".as_slice(), b"org."]).unwrap();
        assert_eq!(from_labels(&name).unwrap().as_str(), r"a\.b.org\.");
    }

    #[test]
    fn escapes_are_decimal_and_letters_are_not_escaped() {
        let name = to_labels(&DnsName::new(r"\065\b.org").unwrap()).unwrap();
        assert_eq!(name.iter().next(), Some(b"Ab".as_slice()));
        assert_eq!(from_labels(&name).unwrap().as_str(), "ab.org");
    }

    #[test]
    fn names_that_no_message_can_hold_have_no_labels() {
        for text in [
            ".",
            "a..b",
            r"a\",
            r"a\2",
            r"a\25x",
            r"a\256",
            &"a".repeat(64),
        ] {
            assert_eq!(to_labels(&DnsName::new(text).unwrap()), None, "{text}");
        }
        assert!(to_labels(&DnsName::new(&vec!["a"; 127].join(".")).unwrap()).is_some());
        assert_eq!(
            to_labels(&DnsName::new(&vec!["a"; 128].join(".")).unwrap()),
            None
        );
    }
}
