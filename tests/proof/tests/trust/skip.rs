//! The skip list: each kind of rule where it applies, and where it just misses.

use fedway_core::{Verdict, Warning};
use fedway_proof::on_every_runtime;
use fedway_proof::runtime::Runtime;
use fedway_testkit::world::Certificate;

use crate::rig::{Rig, unknown};

on_every_runtime! {
    each_rule_that_applies_lets_a_certificate_pass_and_is_told,
    each_rule_that_just_misses_changes_nothing,
}

fn each_rule_that_applies_lets_a_certificate_pass_and_is_told<R: Runtime>() {
    for (name, rule) in [
        ("example.org", "example.org"),
        ("example.org", "EXAMPLE.ORG"),
        ("m.example.org", "*.example.org"),
        ("a.b.example.org", "*.example.org"),
        ("example.org", "198.51.100.1"),
        ("example.org", "198.51.100.0/31"),
        ("198.51.100.1", "198.51.100.0/24"),
        ("198.51.100.1", "::ffff:198.51.100.0/120"),
        ("[2001:db8::1]", "2001:db8::/127"),
    ] {
        let rig = invalid(name).skip(rule);
        let found = rig.connect::<R>().unwrap().found;
        let rule = rig.config.trust.skip[0].clone();
        let connection = found.connection.unwrap();
        assert_eq!(connection.verdict, Verdict::Skip(rule.clone()), "{name}");
        let warning = Warning::VerificationSkipped {
            host: found.destination.tls_name,
            address: connection.address,
            rule,
        };
        assert_eq!(found.notes.warnings, [warning], "{name}");
    }
}

fn each_rule_that_just_misses_changes_nothing<R: Runtime>() {
    for (name, rule) in [
        ("m.example.org", "example.org"),
        ("example.org", "xample.org"),
        ("example.org", "*.example.org"),
        ("aexample.org", "*.example.org"),
        ("example.org", "198.51.100.2/31"),
        ("example.org", "198.51.100.0"),
        ("198.51.100.1", "::ffff:198.51.100.2/127"),
        ("[2001:db8::1]", "2001:db8::2/127"),
        ("example.org", "::/0"),
        ("[2001:db8::1]", "0.0.0.0/0"),
        ("example.org", "*.onion"),
    ] {
        let host = name.trim_matches(['[', ']']);
        let refusal = invalid(name).skip(rule).refusal::<R>();
        assert_eq!(
            refusal,
            Some(unknown(&format!("CN={host}"))),
            "{name} {rule}"
        );
    }
}

fn invalid(name: &str) -> Rig {
    let host = name.trim_matches(['[', ']']);
    Rig::showing(name, Certificate::for_name(host).self_signed())
}
