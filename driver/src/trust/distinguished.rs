//! Distinguished names as RFC 4514 writes them.

use std::fmt::Write as _;

use super::der::{Element, OBJECT_IDENTIFIER, SEQUENCE, SET, dotted, elements};

/// Writes the content of a `Name` (RFC 5280 §4.1.2.4), the last of its parts first
pub(super) fn write(name: &[u8]) -> Option<String> {
    let mut text = String::new();
    for (index, part) in elements(name)?.into_iter().rev().enumerate() {
        if index > 0 {
            text.push(',');
        }
        for (index, attribute) in elements(part.of(SET)?)?.into_iter().enumerate() {
            if index > 0 {
                text.push('+');
            }
            write_attribute(attribute, &mut text)?;
        }
    }
    Some(text)
}

/// `AttributeTypeAndValue`
fn write_attribute(attribute: Element<'_>, text: &mut String) -> Option<()> {
    let parts = elements(attribute.of(SEQUENCE)?)?;
    let [id, value] = parts.as_slice() else {
        return None;
    };
    let id = id.of(OBJECT_IDENTIFIER)?;
    let known = SHORT_NAMES.iter().find(|(known, _)| *known == id);
    match known {
        Some((_, name)) => text.push_str(name),
        None => text.push_str(&dotted(id)?),
    }
    text.push('=');
    match (known, string(*value)) {
        (Some(_), Some(value)) => write_escaped(&value, text),
        // §2.4: a type without a short name, or a value that is no text, in hexadecimal
        (None, _) | (_, None) => {
            text.push('#');
            for byte in value.encoding {
                // Writing to a String cannot fail
                let _ = write!(text, "{byte:02x}");
            }
        }
    }
    Some(())
}

/// The text of a `DirectoryString` (RFC 5280 §4.1.2.4), or of one that older certificates have in its place
fn string(value: Element<'_>) -> Option<String> {
    match value.tag {
        UTF8_STRING | PRINTABLE_STRING | IA5_STRING | NUMERIC_STRING => {
            String::from_utf8(value.content.to_vec()).ok()
        }
        // T.61 in name, Latin-1 in fact (RFC 5280 appendix B leaves it open)
        TELETEX_STRING => Some(value.content.iter().map(|byte| char::from(*byte)).collect()),
        BMP_STRING if value.content.len().is_multiple_of(2) => {
            let pairs = value.content.chunks_exact(2);
            let units = pairs.map(|pair| u16::from_be_bytes([pair[0], pair[1]]));
            char::decode_utf16(units).collect::<Result<_, _>>().ok()
        }
        _ => None,
    }
}

/// §2.4
fn write_escaped(value: &str, text: &mut String) {
    let last = value.chars().count().saturating_sub(1);
    for (index, c) in value.chars().enumerate() {
        let is_special = match c {
            '"' | '+' | ',' | ';' | '<' | '>' | '\\' => true,
            '#' => index == 0,
            ' ' => index == 0 || index == last,
            _ => false,
        };
        if c.is_control() {
            for byte in c.encode_utf8(&mut [0; 4]).bytes() {
                // Writing to a String cannot fail
                let _ = write!(text, "\\{byte:02x}");
            }
            continue;
        }
        if is_special {
            text.push('\\');
        }
        text.push(c);
    }
}

/// The short names of §3, and those of two attributes that private authorities like to have
/// (RFC 4519 §2.31, RFC 2985 §5.2.1)
const SHORT_NAMES: [(&[u8], &str); 11] = [
    (b"\x55\x04\x03", "CN"),
    (b"\x55\x04\x05", "serialNumber"),
    (b"\x55\x04\x06", "C"),
    (b"\x55\x04\x07", "L"),
    (b"\x55\x04\x08", "ST"),
    (b"\x55\x04\x09", "STREET"),
    (b"\x55\x04\x0a", "O"),
    (b"\x55\x04\x0b", "OU"),
    (b"\x09\x92\x26\x89\x93\xf2\x2c\x64\x01\x01", "UID"),
    (b"\x09\x92\x26\x89\x93\xf2\x2c\x64\x01\x19", "DC"),
    (b"\x2a\x86\x48\x86\xf7\x0d\x01\x09\x01", "emailAddress"),
];

/// X.680 §8.4
const BMP_STRING: u8 = 0x1e;
const IA5_STRING: u8 = 0x16;
const NUMERIC_STRING: u8 = 0x12;
const PRINTABLE_STRING: u8 = 0x13;
const TELETEX_STRING: u8 = 0x14;
const UTF8_STRING: u8 = 0x0c;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trust::der::encode;

    const CN: &[u8] = b"\x55\x04\x03";
    const O: &[u8] = b"\x55\x04\x0a";

    /// One part of a name, of attributes with their values' tags
    fn part(attributes: &[(&[u8], u8, &[u8])]) -> Vec<u8> {
        let attributes = attributes.iter().map(|(id, tag, value)| {
            let id = encode(OBJECT_IDENTIFIER, id);
            encode(SEQUENCE, &[id, encode(*tag, value)].concat())
        });
        encode(SET, &attributes.collect::<Vec<_>>().concat())
    }

    #[test]
    fn a_name_is_written_from_its_end() {
        let name = [
            part(&[(b"\x55\x04\x06", PRINTABLE_STRING, b"US")]),
            part(&[(O, UTF8_STRING, b"Let's Encrypt, Inc.")]),
            part(&[
                (CN, UTF8_STRING, b"R3"),
                (b"\x55\x04\x05", PRINTABLE_STRING, b"7"),
            ]),
        ];
        assert_eq!(
            write(&name.concat()).as_deref(),
            Some("CN=R3+serialNumber=7,O=Let's Encrypt\\, Inc.,C=US")
        );
        assert_eq!(write(&[]).as_deref(), Some(""));
    }

    #[test]
    fn values_are_escaped_and_read_in_every_form_of_text() {
        for (tag, value, text) in [
            (UTF8_STRING, &b" #a# "[..], "CN=\\ #a#\\ "),
            (UTF8_STRING, b"#a<b>", "CN=\\#a\\<b\\>"),
            (UTF8_STRING, b" ", "CN=\\ "),
            (UTF8_STRING, b"\x1b\0\xc2\x80", "CN=\\1b\\00\\c2\\80"),
            (TELETEX_STRING, b"B\xfccher", "CN=Bücher"),
            (BMP_STRING, b"\x00B\x00\xfc", "CN=Bü"),
            (BMP_STRING, b"\x00B\x00", "CN=#1e03004200"),
            (BMP_STRING, b"\xd8\x00", "CN=#1e02d800"),
            (UTF8_STRING, b"\xff", "CN=#0c01ff"),
            (OBJECT_IDENTIFIER, b"\x2a", "CN=#06012a"),
        ] {
            let name = part(&[(CN, tag, value)]);
            assert_eq!(write(&name).as_deref(), Some(text));
        }
        let name = part(&[(b"\x55\x04\x2a", UTF8_STRING, b"a")]);
        assert_eq!(write(&name).as_deref(), Some("2.5.4.42=#0c0161"));
    }

    #[test]
    fn what_is_no_name_is_not_written() {
        for name in [&[0x31][..], &[0x30, 0x00], &[0x31, 0x02, 0x30, 0x00]] {
            assert_eq!(write(name), None, "{name:x?}");
        }
    }
}
