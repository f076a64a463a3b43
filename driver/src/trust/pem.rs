//! The one reader of PEM (RFC 7468), for roots and revocation lists alike.
//!
//! Base64 is `rustls-pki-types`' to read; its own reader of texts passes over a part whose `BEGIN` does not
//! stand at the beginning of a line, as in a file with a byte order mark, or in files joined without a line
//! end between them. A text is read whole or refused here.

use std::mem;

use rustls::pki_types::pem::{PemObject as _, SectionKind};

use super::error::{PemError, without_mark};

/// What is looked for in a text
#[derive(Clone, Copy, Debug)]
pub(super) struct Kind {
    /// The label of RFC 7468
    label: &'static str,
    /// Ends of labels that stand for the same things, in forms that are not read
    others: &'static [&'static str],
}

impl Kind {
    /// RFC 7468 §5. `TRUSTED CERTIFICATE` and `X509 CERTIFICATE` are OpenSSL's, PKCS #7 and CMS hold several.
    pub(super) const CERTIFICATE: Self = Self {
        label: "CERTIFICATE",
        others: &[" CERTIFICATE", "PKCS7", "CMS"],
    };
    /// RFC 7468 §6, which knows of lists labelled `CRL`, too
    pub(super) const REVOCATION_LIST: Self = Self {
        label: "X509 CRL",
        others: &["CRL"],
    };
}

/// All of a kind in a text, each with the number of its part
///
/// Text around the parts is allowed, and so are parts of other kinds, such as a private key.
pub(super) fn read(text: &[u8], kind: Kind) -> Result<Vec<(usize, Vec<u8>)>, PemError> {
    let mut found = Vec::new();
    for (index, part) in parts(without_mark(text)).into_iter().enumerate() {
        let number = index + 1;
        let malformed = PemError::Malformed { part: number };
        let Part::Whole { label, body } = part else {
            return Err(malformed);
        };
        if label == kind.label.as_bytes() {
            found.push((number, decode(kind.label, &body).ok_or(malformed)?));
        } else if kind.others.iter().any(|it| label.ends_with(it.as_bytes())) {
            return Err(PemError::OtherForm {
                part: number,
                // Its end is a text of ours; the rest is an administrator's file
                label: String::from_utf8_lossy(&label).escape_debug().collect(),
                expected: kind.label,
            });
        }
    }
    Ok(found)
}

/// What a `BEGIN` began
enum Part {
    /// Its label does not end, or its `END` is missing or another's
    Broken,
    Whole {
        label: Vec<u8>,
        /// What stands between `BEGIN` and `END`, line ends and blanks around them removed
        body: Vec<u8>,
    },
}

fn parts(text: &[u8]) -> Vec<Part> {
    let mut parts = Vec::new();
    let mut open: Option<(Vec<u8>, Vec<u8>)> = None;
    for line in text.split(|byte| matches!(byte, b'\n' | b'\r')) {
        let mut line = line.trim_ascii();
        loop {
            if let Some(rest) = line.strip_prefix(BEGIN) {
                if open.take().is_some() {
                    parts.push(Part::Broken);
                }
                let Some((label, rest)) = split(rest, DASHES) else {
                    parts.push(Part::Broken);
                    break;
                };
                open = Some((label.to_vec(), Vec::new()));
                line = rest;
            }
            let Some((label, body)) = &mut open else {
                break;
            };
            let Some((last, rest)) = split(line, END) else {
                body.extend(line);
                break;
            };
            body.extend(last);
            let end = rest.strip_prefix(&label[..]);
            let end = end.and_then(|rest| rest.strip_prefix(DASHES));
            let Some(rest) = end else {
                parts.push(Part::Broken);
                open = None;
                break;
            };
            parts.push(Part::Whole {
                label: mem::take(label),
                body: mem::take(body),
            });
            open = None;
            // What is joined without a line end goes on here
            line = rest.trim_ascii();
        }
    }
    if open.is_some() {
        parts.push(Part::Broken);
    }
    parts
}

/// What stands before and behind the first of a mark
fn split<'a>(text: &'a [u8], mark: &[u8]) -> Option<(&'a [u8], &'a [u8])> {
    let at = text.windows(mark.len()).position(|it| it == mark)?;
    Some((&text[..at], &text[at + mark.len()..]))
}

fn decode(label: &str, body: &[u8]) -> Option<Vec<u8>> {
    let begin = format!("-----BEGIN {label}-----\n");
    let end = format!("\n-----END {label}-----\n");
    let text = [begin.as_bytes(), body, end.as_bytes()].concat();
    let (_, der) = <(SectionKind, Vec<u8>)>::from_pem_slice(&text).ok()?;
    Some(der)
}

/// RFC 7468 §3, `preeb`
const BEGIN: &[u8] = b"-----BEGIN ";
/// RFC 7468 §3, `posteb`
const END: &[u8] = b"-----END ";
/// What ends both
const DASHES: &[u8] = b"-----";

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: &str = "-----BEGIN CERTIFICATE-----\nAQ==\n-----END CERTIFICATE-----";
    const TWO: &str = "-----BEGIN CERTIFICATE-----\nAg==\n-----END CERTIFICATE-----";
    const KEY: &str = "-----BEGIN PRIVATE KEY-----\nAw==\n-----END PRIVATE KEY-----";

    fn certificates(text: &str) -> Result<Vec<(usize, Vec<u8>)>, PemError> {
        read(text.as_bytes(), Kind::CERTIFICATE)
    }

    #[test]
    fn a_text_is_read_however_its_lines_end_and_whatever_stands_between() {
        let both = Ok(vec![(1, vec![1]), (2, vec![2])]);
        for text in [
            format!("{ONE}\n{TWO}\n"),
            format!("{ONE}{TWO}"),
            format!("{ONE} {TWO}"),
            format!("\u{feff}{ONE}\n{TWO}").replace('\n', "\r\n"),
            format!("{ONE}\n{TWO}").replace('\n', "\r"),
            format!("subject=CN = one\n{ONE}\n\n# two --\n{TWO}\nend"),
            format!("{ONE}\n{TWO}").replace('\n', "\n  "),
            format!("{ONE}\n{TWO}").replace('\n', " \n"),
            format!("{ONE}{TWO}").replace('\n', ""),
            format!("# {}\n{ONE}\n{TWO}", ONE.replace('\n', "\n# ")),
        ] {
            assert_eq!(certificates(&text), both, "{text:?}");
        }
    }

    #[test]
    fn parts_of_other_kinds_are_passed_over_and_counted() {
        let read = certificates(&format!("{KEY}\n{ONE}"));
        assert_eq!(read, Ok(vec![(2, vec![1])]));
        for text in ["", "hello", KEY] {
            assert_eq!(certificates(text), Ok(vec![]));
        }
    }

    #[test]
    fn a_text_with_a_broken_part_is_refused_with_its_number() {
        for broken in [
            "-----BEGIN CERTIFICATE-----\nAg==\n",
            "-----BEGIN CERTIFICATE-----\nAg==\n-----END CERTIFICATE----",
            "-----BEGIN CERTIFICATE-----\nAg==\n-----END X509 CRL-----",
            "-----BEGIN CERTIFICATE-----\nA!==\n-----END CERTIFICATE-----",
            "-----BEGIN CERTIFICATE-----\nA\n-----END CERTIFICATE-----",
            "-----BEGIN CERTIFICATE\nAg==\n-----END CERTIFICATE-----",
            "-----BEGIN PRIVATE KEY-----\nAw==",
        ] {
            for text in [format!("{ONE}\n{broken}"), format!("{ONE}{broken}\n{TWO}")] {
                let error = Err(PemError::Malformed { part: 2 });
                assert_eq!(certificates(&text), error, "{text:?}");
            }
        }
    }

    #[test]
    fn certificates_in_another_form_are_refused_by_its_name() {
        for label in ["TRUSTED CERTIFICATE", "X509 CERTIFICATE", "PKCS7"] {
            let error = certificates(&format!("{ONE}\n{}", TWO.replace("CERTIFICATE", label)));
            assert_eq!(
                error.unwrap_err().to_string(),
                format!("part 2 is a {label}, and only a CERTIFICATE can be read")
            );
        }
        let list = "-----BEGIN CRL-----\nAQ==\n-----END CRL-----";
        let error = read(list.as_bytes(), Kind::REVOCATION_LIST);
        assert!(matches!(error, Err(PemError::OtherForm { part: 1, .. })));
        let other = ONE.replace("CERTIFICATE", "CERTIFICATE REQUEST");
        assert_eq!(certificates(&other), Ok(vec![]));
    }
}
