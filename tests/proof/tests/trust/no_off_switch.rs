//! Verification is off only where a rule names the domain or network.

use fedway_core::{Config, CtPolicy, SkipRule};
use fedway_driver::{Builder, LogList, Revocation};
use fedway_proof::on_every_runtime;
use fedway_proof::runtime::Runtime;
use fedway_testkit::world::{Certificate, CtLog};
use rustls::crypto::ring::default_provider;

use crate::rig::{Rig, unknown};

on_every_runtime! {
    no_configuration_without_a_rule_accepts_an_invalid_certificate,
}

/// Whatever else the public API lets one say
fn no_configuration_without_a_rule_accepts_an_invalid_certificate<R: Runtime>() {
    // A field more in the policy fails here until it has been considered
    let trust = Config::default().trust;
    assert_eq!(
        format!("{trust:?}"),
        "TrustPolicy { skip: [], transparency: Report }"
    );
    for policy in [
        CtPolicy::Off,
        CtPolicy::Report,
        CtPolicy::Require { minimum: 0 },
    ] {
        let mut rig = invalid();
        rig.config.trust.transparency = policy;
        assert_eq!(rig.refusal::<R>(), Some(unknown("CN=example.org")));
    }
    // Nor does anything that a builder is given
    let logs = CtLog::new("A log").unwrap();
    let logs = CtLog::list([(&logs, "usable", "2020-01-01T00:00:00Z")]);
    let logs = LogList::from_json(logs.as_bytes()).unwrap();
    for given in [
        |builder: Builder, _: &LogList| builder.revocation(Revocation::default()),
        |builder: Builder, _: &LogList| builder.revocation(Revocation::default().require_status()),
        |builder: Builder, logs: &LogList| builder.log_list(logs.clone()),
        |builder: Builder, _: &LogList| builder.crypto_provider(default_provider().into()),
    ] {
        let rig = invalid().given(|_, builder| given(builder, &logs));
        assert_eq!(rig.refusal::<R>(), Some(unknown("CN=example.org")));
    }
}

fn invalid() -> Rig {
    Rig::showing(
        "example.org",
        Certificate::for_name("example.org").self_signed(),
    )
}

#[test]
fn no_text_is_a_rule_for_everything() {
    for text in ["*", "*.", ".", "", "**", "all", "any", "0/0", "*.*"] {
        let rule = text.parse::<SkipRule>();
        // A word such as `all` names a host
        assert!(
            matches!(rule, Err(_) | Ok(SkipRule::Domain(_))),
            "{text}: {rule:?}"
        );
    }
}
