//! Certificates are a stranger's bytes.

use fedway_driver::{CertificateSummary, KeyType};
use fedway_testkit::world::{Authority, Certificate};

#[test]
fn no_prefix_and_no_changed_byte_of_a_certificate_panics() {
    let shown = Certificate::for_names(["example.org", "192.0.2.1"]);
    let authority = Authority::new("An authority").unwrap();
    let whole = authority.issue(&shown).unwrap().chain[0].to_vec();
    for index in 0..whole.len() {
        let _ = CertificateSummary::read(&whole[..index]);
        for change in [0, 1, 0x7f, 0x80, 0x81, 0x84, 0xff] {
            let mut changed = whole.clone();
            changed[index] = change;
            let _ = CertificateSummary::read(&changed);
        }
    }
}

#[test]
fn a_certificate_is_read_as_it_was_made() {
    let names = ["example.org", "*.example.org", "192.0.2.1", "2001:db8::1"];
    let authority = Authority::new("An authority").unwrap();
    let issued = authority.issue(&Certificate::for_names(names)).unwrap();
    let summary = CertificateSummary::read(&issued.chain[0]).unwrap();
    assert_eq!(summary.names, names);
    assert_eq!(summary.subject, "CN=example.org");
    assert_eq!(summary.issuer, "CN=An authority");
    assert_eq!(summary.valid_from(), "2000-01-01T00:00:00Z");
    assert_eq!(summary.valid_until(), "3000-01-01T00:00:00Z");
    assert_eq!(summary.key.to_string(), "ECDSA P-256");
    let issued = authority.issue(&Certificate::for_name("example.org").with_short_key());
    let summary = CertificateSummary::read(&issued.unwrap().chain[0]).unwrap();
    assert_eq!(summary.key, KeyType::Rsa { bits: 1024 });
    let issued = authority.issue(&Certificate::for_name("example.org").signed_over_sha1());
    let summary = CertificateSummary::read(&issued.unwrap().chain[0]).unwrap();
    assert_eq!(summary.issuer, "CN=An authority that signs over SHA-1");
}

#[test]
fn control_characters_of_a_certificate_are_not_shown() {
    let authority = Authority::new("An\u{1b}[2J authority\u{202e}").unwrap();
    let issued = authority.issue(&Certificate::for_name("example.org"));
    let mut leaf = issued.unwrap().chain[0].to_vec();
    let summary = CertificateSummary::read(&leaf).unwrap();
    // RFC 4514 has an escape for the first, and none for the second
    assert_eq!(summary.issuer, "CN=An\\1b[2J authority\u{fffd}");
    // A library would not make such a DNS name
    let name = leaf.windows(11).rposition(|part| part == b"example.org");
    leaf[name.unwrap()] = 0x1b;
    let summary = CertificateSummary::read(&leaf).unwrap();
    assert_eq!(summary.names, ["\u{fffd}xample.org"]);
}
