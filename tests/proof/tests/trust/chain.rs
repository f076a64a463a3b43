//! Identity, validity and chain: what is accepted, and what is refused with which reason.

use fedway_core::{CertificateError, ConnectError, TlsError};
use fedway_proof::on_every_runtime;
use fedway_proof::runtime::Runtime;
use fedway_testkit::world::{Certificate, ConnectionFault, Https};

use crate::rig::{HERE, Rig, unknown};

on_every_runtime! {
    each_valid_certificate_is_accepted,
    each_invalid_certificate_is_refused_with_its_reason,
    what_is_refused_under_tls_1_3_is_refused_under_tls_1_2,
    a_weak_key_is_refused_even_where_its_chain_is_not_looked_at,
    a_server_that_knows_nothing_newer_than_tls_1_1_is_refused,
    a_refusal_names_no_more_names_than_a_reader_can_use,
}

fn each_valid_certificate_is_accepted<R: Runtime>() {
    let valid = || Certificate::for_name("example.org");
    for (what, name, shown) in [
        ("DNS name", "example.org", valid()),
        ("DNS name in another case", "EXAMPLE.org", valid()),
        (
            "wildcard",
            "m.example.org",
            Certificate::for_name("*.example.org"),
        ),
        (
            "A-label",
            "xn--bcher-kva.example",
            Certificate::for_name("xn--bcher-kva.example"),
        ),
        (
            "IPv4",
            "198.51.100.1",
            Certificate::for_name("198.51.100.1"),
        ),
        (
            "IPv6",
            "[2001:db8::1]",
            Certificate::for_name("2001:db8::1"),
        ),
        ("intermediate", "example.org", valid().from_intermediate()),
        (
            "intermediate within its constraint",
            "example.org",
            valid().from_intermediate_limited_to("example.org"),
        ),
        (
            "two intermediates",
            "example.org",
            valid().from_two_intermediates(),
        ),
        // RFC 8446 §4.4.2: "implementations SHOULD be prepared to handle … arbitrary orderings"
        (
            "intermediates in the wrong order",
            "example.org",
            valid().from_two_intermediates().with_issuers_reversed(),
        ),
    ] {
        let refusal = Rig::showing(name, shown).refusal::<R>();
        assert_eq!(refusal, None, "{what}");
    }
}

fn each_invalid_certificate_is_refused_with_its_reason<R: Runtime>() {
    for (what, name, shown, reason) in invalid() {
        let refusal = Rig::showing(name, shown).refusal::<R>();
        assert_eq!(refusal, Some(reason), "{what}");
    }
}

fn what_is_refused_under_tls_1_3_is_refused_under_tls_1_2<R: Runtime>() {
    for (what, name, shown, reason) in invalid() {
        let rig = Rig::serving(name, |server| server.certificate(shown).tls12());
        assert_eq!(rig.refusal::<R>(), Some(reason), "{what}");
    }
}

fn a_weak_key_is_refused_even_where_its_chain_is_not_looked_at<R: Runtime>() {
    // Nobody could tell its owner from another
    let shown = Certificate::for_name("example.org").with_short_key();
    let rig = Rig::showing("example.org", shown).skip("example.org");
    assert!(rig.connect::<R>().is_err());
}

fn a_server_that_knows_nothing_newer_than_tls_1_1_is_refused<R: Runtime>() {
    for rule in [None, Some("example.org")] {
        let mut rig = Rig::serving("example.org", |server: Https| server);
        let fault = rig
            .world
            .add(|plan| plan.connection_fault(HERE, ConnectionFault::Tls11));
        fault.unwrap();
        if let Some(rule) = rule {
            rig = rig.skip(rule);
        }
        assert_eq!(
            rig.connect::<R>().err(),
            Some(ConnectError::Tls(TlsError::Unsupported))
        );
    }
}

fn a_refusal_names_no_more_names_than_a_reader_can_use<R: Runtime>() {
    let names: Vec<_> = (0..300)
        .map(|number| format!("a{number}.example"))
        .collect();
    let shown = Certificate::for_names(names.iter().map(String::as_str));
    let refusal = Rig::showing("example.org", shown).refusal::<R>().unwrap();
    let text = refusal.to_string();
    assert!(text.len() < 500, "{text}");
    assert!(text.ends_with(" and 80 more"), "{text}");
}

type Row = (&'static str, &'static str, Certificate, CertificateError);

/// What is shown for which name, and why it is refused
fn invalid() -> Vec<Row> {
    use CertificateError as Refusal;
    let valid = || Certificate::for_name("example.org");
    let not_valid_for = |expected: &str, presented: &[&str]| Refusal::NotValidForName {
        expected: expected.into(),
        presented: presented.iter().copied().map(Into::into).collect(),
    };
    let rows = [
        (
            "common name only",
            valid().common_name_only(),
            not_valid_for("example.org", &[]),
        ),
        (
            "wrong name",
            Certificate::for_name("example.com"),
            not_valid_for("example.org", &["example.com"]),
        ),
        (
            "wildcard of the name itself",
            Certificate::for_name("*.example.org"),
            not_valid_for("example.org", &["*.example.org"]),
        ),
        (
            "address",
            Certificate::for_name("198.51.100.1"),
            not_valid_for("example.org", &["198.51.100.1"]),
        ),
        (
            "expired",
            valid().expired(),
            Refusal::Expired {
                not_after: Some(YEAR_2001),
            },
        ),
        (
            "not yet valid",
            valid().not_yet_valid(),
            Refusal::NotYetValid {
                not_before: Some(YEAR_3000),
            },
        ),
        (
            "self-signed",
            valid().self_signed(),
            unknown("CN=example.org"),
        ),
        (
            "unknown root",
            valid().from_unknown_authority(),
            unknown("CN=An authority nobody trusts"),
        ),
        (
            "missing intermediate",
            valid().from_intermediate().without_issuers(),
            unknown("CN=An intermediate authority"),
        ),
        (
            "missing outer intermediate",
            valid().from_two_intermediates().without_outer_issuer(),
            unknown("CN=An outer authority"),
        ),
        (
            "leaf not first",
            valid().from_intermediate().shown_last(),
            Refusal::Authority,
        ),
        (
            "CA:false issuer",
            valid().from_a_server(),
            Refusal::IssuerNotAuthority,
        ),
        (
            "name constraint broken",
            valid().from_intermediate_limited_to("example.com"),
            Refusal::ConstraintViolated,
        ),
        (
            "wrong extended key usage",
            valid().for_clients(),
            Refusal::WrongPurpose,
        ),
        (
            "SHA-1",
            valid().signed_over_sha1(),
            Refusal::WeakSignature {
                algorithm: "SHA-1 with RSA".into(),
            },
        ),
        (
            "RSA 1024",
            valid().with_short_key(),
            Refusal::WeakKey { bits: 1024 },
        ),
    ];
    let rows = rows.map(|(what, shown, reason)| (what, "example.org", shown, reason));
    let others = [
        (
            "wildcard two labels deep",
            "a.b.example.org",
            Certificate::for_name("*.example.org"),
            not_valid_for("a.b.example.org", &["*.example.org"]),
        ),
        (
            "another IPv4 address, and the right one as a DNS name's subject",
            "198.51.100.1",
            Certificate::for_name("198.51.100.2"),
            not_valid_for("198.51.100.1", &["198.51.100.2"]),
        ),
        (
            "address in the common name only",
            "198.51.100.1",
            Certificate::for_name("198.51.100.1").common_name_only(),
            not_valid_for("198.51.100.1", &[]),
        ),
        (
            "another IPv6 address",
            "[2001:db8::1]",
            Certificate::for_name("2001:db8::2"),
            not_valid_for("2001:db8::1", &["2001:db8::2"]),
        ),
    ];
    rows.into_iter().chain(others).collect()
}

/// 2001-01-01T00:00:00Z
const YEAR_2001: u64 = 978_307_200;

/// 3000-01-01T00:00:00Z
const YEAR_3000: u64 = 32_503_680_000;
