//! What a peer's certificate and OCSP response may hold: nothing panics, and what is shown is printable and bounded.

#![no_main]

use fedway_driver::{CertificateSummary, read_hostile};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    // A timestamp has two bytes of length at least, and may be counted in each of the three places
    assert!(read_hostile(bytes) <= 3 * (bytes.len() / 2 + 1));
    let Ok(summary) = CertificateSummary::read(bytes) else {
        return;
    };
    assert!(summary.names.len() <= 100);
    let texts = summary.names.iter();
    for text in texts.chain([&summary.subject, &summary.issuer]) {
        assert!(text.chars().count() <= 257);
        assert!(!text.chars().any(char::is_control));
    }
    for text in [
        summary.valid_from(),
        summary.valid_until(),
        summary.key.to_string(),
    ] {
        assert!(!text.chars().any(char::is_control));
    }
    let _ = summary.days_left(0);
});
