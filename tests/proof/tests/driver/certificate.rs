//! Certificates that are refused, and the rules by which they are not looked at.

use fedway_core::{CertificateError, SkipRule, Verdict, Warning, WellKnownError};
use fedway_driver::Roots;
use fedway_proof::on_every_runtime;
use fedway_proof::runtime::Runtime;
use fedway_testkit::world::{Authority, Certificate, Event, Https, Reply, WorldPlan};

use crate::rig::{
    Rig, VERSION, WELL_KNOWN, ask_with, cause, certificate, server_name, socket, web,
};

on_every_runtime! {
    each_fault_is_refused_with_its_reason_before_anything_is_asked,
    an_address_is_verified_like_a_name,
    the_server_name_is_verified_and_not_the_srv_target,
    the_delegated_name_is_verified_and_not_the_delegating_one,
    well_known_is_not_fetched_from_a_host_that_is_not_verified,
    each_redirect_is_verified_for_its_own_host,
    an_authority_that_was_not_added_is_unknown,
    a_rule_lets_a_certificate_pass_and_is_visible,
    a_rule_that_just_misses_changes_nothing,
    a_rule_for_a_network_goes_by_the_address_dialled,
    a_rule_for_the_delegating_name_does_not_reach_the_delegated_one,
    a_rule_says_nothing_of_hosts_that_verify,
    a_session_is_resumed_where_it_was_verified,
    a_session_that_was_not_verified_is_never_resumed,
}

fn each_fault_is_refused_with_its_reason_before_anything_is_asked<R: Runtime>() {
    let valid = || Certificate::for_name("example.org");
    let year_2001 = 978_307_200;
    let year_3000 = 32_503_680_000;
    let other = CertificateError::NotValidForName {
        expected: "example.org".into(),
        presented: vec!["other.example".into(), "*.example.org".into()],
    };
    let nameless = CertificateError::NotValidForName {
        expected: "example.org".into(),
        presented: vec![],
    };
    for (shown, expected) in [
        (
            Certificate::for_names(["other.example", "*.example.org"]),
            other,
        ),
        (Certificate::for_names([]), nameless),
        (
            valid().expired(),
            CertificateError::Expired {
                not_after: Some(year_2001),
            },
        ),
        (
            valid().not_yet_valid(),
            CertificateError::NotYetValid {
                not_before: Some(year_3000),
            },
        ),
        (
            valid().from_unknown_authority(),
            unknown("CN=An authority nobody trusts"),
        ),
        (valid().self_signed(), unknown("CN=example.org")),
    ] {
        let rig = showing(shown);
        let error = rig.connect::<R>(NAME).unwrap_err();
        assert_eq!(cause(&error), certificate(expected));
        assert!(!error.is_temporary());
        assert!(is_unfinished(&rig) && rig.requests().is_empty());
        assert!(rig.is_left());
    }
}

fn an_address_is_verified_like_a_name<R: Runtime>() {
    for (ip, at) in [
        ("198.51.100.1", HERE),
        ("2001:db8::1", "[2001:db8::1]:8448"),
    ] {
        let name = at.trim_end_matches(":8448");
        let rig = Rig::new(|plan| plan.https(at, Https::for_name(ip)));
        assert!(rig.ask::<R>(name).connection.is_some());
        let other = Certificate::for_names(["198.51.100.2", "2001:db8::2", "example.org"]);
        let rig = Rig::new(|plan| plan.https(at, Https::for_name(ip).certificate(other)));
        let error = rig.failure::<R>(name);
        assert_eq!(
            error,
            certificate(CertificateError::NotValidForName {
                expected: ip.into(),
                presented: ["198.51.100.2", "2001:db8::2", "example.org"]
                    .map(Into::into)
                    .into(),
            })
        );
    }
}

fn the_server_name_is_verified_and_not_the_srv_target<R: Runtime>() {
    for (named, is_good) in [("example.org", true), ("a.example.net", false)] {
        let rig = Rig::new(|plan| {
            plan.srv("_matrix-fed._tcp.example.org", 1, 0, 8448, "a.example.net");
            plan.a("a.example.net", "198.51.100.1");
            let shown = Certificate::for_name(named);
            plan.https(HERE, Https::for_name("example.org").certificate(shown));
        });
        assert_eq!(rig.connect::<R>("example.org").is_ok(), is_good, "{named}");
    }
}

fn the_delegated_name_is_verified_and_not_the_delegating_one<R: Runtime>() {
    for (named, is_good) in [("m.example.org", true), ("example.org", false)] {
        let rig = delegated(Certificate::for_name(named));
        assert_eq!(rig.connect::<R>("example.org").is_ok(), is_good, "{named}");
    }
}

fn well_known_is_not_fetched_from_a_host_that_is_not_verified<R: Runtime>() {
    let rig = Rig::new(|plan| {
        web(plan, "example.org", "198.51.100.1", |server| {
            let server = server.well_known(r#"{"m.server": "203.0.113.66"}"#);
            server.certificate(Certificate::for_name("example.org").self_signed())
        });
    });
    let found = rig.find::<R>("example.org");
    assert_eq!(found.destination.step(), "6");
    let error = found.notes.well_known.unwrap().error;
    let Some(WellKnownError::Unreachable { cause, .. }) = error else {
        panic!("{error:?}");
    };
    assert_eq!(cause, certificate(unknown("CN=example.org")));
    assert!(is_unfinished(&rig) && rig.requests().is_empty());
}

fn each_redirect_is_verified_for_its_own_host<R: Runtime>() {
    let rig = Rig::new(|plan| {
        web(plan, "example.org", "198.51.100.1", |server| {
            server.path(WELL_KNOWN, Reply::redirect(302, "https://www.example.org/"))
        });
        web(plan, "www.example.org", "198.51.100.2", |server| {
            let server = server.path("/", Reply::json(r#"{"m.server": "203.0.113.66"}"#));
            server.certificate(Certificate::for_name("example.org"))
        });
    });
    let error = rig.well_known_error::<R>("example.org").unwrap();
    let WellKnownError::Unreachable { host, cause } = error else {
        panic!("{error:?}");
    };
    assert_eq!(host.to_string(), "www.example.org");
    assert_eq!(
        cause,
        certificate(CertificateError::NotValidForName {
            expected: "www.example.org".into(),
            presented: vec!["example.org".into()],
        })
    );
    assert_eq!(rig.requests().len(), 1);
}

fn an_authority_that_was_not_added_is_unknown<R: Runtime>() {
    let rig = showing(Certificate::for_name("example.org"));
    let mut roots = Roots::none();
    let stranger = Authority::new("Another authority").unwrap();
    roots.add_pem(stranger.pem().as_bytes()).unwrap();
    let resolver = rig.builder().roots(roots.clone()).build(R::io()).unwrap();
    let error = R::block_on(resolver.connect(&server_name(NAME))).unwrap_err();
    assert_eq!(
        cause(&error),
        certificate(unknown("CN=Fedway loopback world"))
    );
    // Both may be trusted
    roots.add_pem(rig.world.ca_pem().as_bytes()).unwrap();
    let resolver = rig.builder().roots(roots).build(R::io()).unwrap();
    R::block_on(ask_with(&resolver, NAME));
}

fn a_rule_lets_a_certificate_pass_and_is_visible<R: Runtime>() {
    for rule in [
        "example.org",
        "EXAMPLE.org",
        "*.org",
        "198.51.100.0/31",
        "198.51.100.1",
    ] {
        for shown in [
            Certificate::for_name("other.example"),
            Certificate::for_name("example.org").expired(),
            Certificate::for_name("example.org").not_yet_valid(),
            Certificate::for_name("example.org").from_unknown_authority(),
            Certificate::for_name("example.org").self_signed(),
        ] {
            let rig = showing(shown).skip(rule);
            let found = rig.ask::<R>(NAME);
            let expected: SkipRule = rule.parse().unwrap();
            let verdict = Verdict::Skip(expected.clone());
            assert_eq!(found.connection.unwrap().verdict, verdict);
            assert_eq!(
                found.destination.candidates[0].addresses[0].verdict,
                verdict
            );
            let [
                Warning::VerificationSkipped {
                    host,
                    address,
                    rule,
                },
            ] = &found.notes.warnings[..]
            else {
                panic!("{:?}", found.notes.warnings);
            };
            assert_eq!(
                (host, *address),
                (&found.destination.tls_name, socket(HERE))
            );
            assert_eq!(*rule, expected);
            // Who only asks where to go must know too
            let candidate = &rig.find::<R>(NAME).destination.candidates[0];
            assert_eq!(candidate.addresses[0].verdict, verdict);
        }
    }
}

fn a_rule_that_just_misses_changes_nothing<R: Runtime>() {
    for rule in [
        "a.example.org",
        "xample.org",
        "*.example.org",
        "*.xample.org",
        "org",
        "198.51.100.0/32",
        "198.51.100.2/31",
        "2001:db8::/32",
    ] {
        let rig = showing(Certificate::for_name("example.org").self_signed()).skip(rule);
        let error = rig.failure::<R>(NAME);
        assert_eq!(error, certificate(unknown("CN=example.org")), "{rule}");
        assert!(is_unfinished(&rig) && rig.requests().is_empty());
    }
    // A domain is not what is below it, and the other way round
    for (rule, is_good) in [("*.example.org", true), ("example.org", false)] {
        let rig = Rig::new(|plan| {
            plan.a("m.example.org", "198.51.100.1");
            let shown = Certificate::for_name("m.example.org").self_signed();
            plan.https(HERE, Https::for_name("m.example.org").certificate(shown));
        });
        let found = rig.skip(rule).connect::<R>("m.example.org:8448");
        assert_eq!(found.is_ok(), is_good, "{rule}");
    }
}

fn a_rule_for_a_network_goes_by_the_address_dialled<R: Runtime>() {
    let rig = Rig::new(|plan| {
        for number in 1..=3 {
            plan.a("example.org", &format!("198.51.100.{number}"));
            let shown = Certificate::for_name("example.org").self_signed();
            let server = Https::for_name("example.org").certificate(shown);
            plan.https(&format!("198.51.100.{number}:8448"), server);
        }
    });
    let found = rig.skip("198.51.100.3").connect::<R>(NAME).unwrap();
    assert_eq!(
        found.connection.unwrap().address,
        socket("198.51.100.3:8448")
    );
    let refused = certificate(unknown("CN=example.org"));
    let attempts = &found.notes.attempts;
    assert!(
        attempts.len() == 2 && attempts.iter().all(|it| it.error == refused),
        "{attempts:?}"
    );
    let candidates = &found.destination.candidates[0].addresses;
    let is_skipped = candidates.iter().map(|it| it.verdict != Verdict::Verify);
    assert_eq!(is_skipped.collect::<Vec<_>>(), [false, false, true]);
}

fn a_rule_for_the_delegating_name_does_not_reach_the_delegated_one<R: Runtime>() {
    let shown = || Certificate::for_name("m.example.org").self_signed();
    let error = delegated(shown())
        .skip("example.org")
        .failure::<R>("example.org");
    assert_eq!(error, certificate(unknown("CN=m.example.org")));
    let rig = delegated(shown()).skip("m.example.org");
    assert!(rig.connect::<R>("example.org").is_ok());
}

fn a_rule_says_nothing_of_hosts_that_verify<R: Runtime>() {
    let rig = showing(Certificate::for_name("example.org")).skip("other.example");
    let found = rig.ask::<R>(NAME);
    assert_eq!(found.connection.unwrap().verdict, Verdict::Verify);
    assert!(found.notes.warnings.is_empty());
}

fn a_session_is_resumed_where_it_was_verified<R: Runtime>() {
    for rig in versions(|server| server) {
        let resolver = rig.resolver::<R>();
        R::block_on(async {
            drop(ask_with(&resolver, NAME).await);
            drop(ask_with(&resolver, NAME).await);
        });
        assert_eq!(resumptions(&rig), [false, true]);
        // Another resolver knows nothing of it
        rig.ask::<R>(NAME);
        assert_eq!(resumptions(&rig), [false, true, false]);
    }
}

fn a_session_that_was_not_verified_is_never_resumed<R: Runtime>() {
    let shown = Certificate::for_name("example.org").self_signed();
    for rig in versions(|server| server.certificate(shown.clone())) {
        let rig = rig.skip("198.51.100.0/24");
        // One server behind two addresses, of which the rule knows one
        let real = rig.world.router()(socket(HERE)).unwrap();
        let twin = rig
            .world
            .add(|plan| plan.listener("203.0.113.1:8448", real));
        twin.unwrap();
        let resolver = rig.resolver::<R>();
        R::block_on(async {
            drop(ask_with(&resolver, NAME).await);
            drop(ask_with(&resolver, NAME).await);
            rig.world.remove_records("example.org");
            rig.world
                .add(|plan| {
                    plan.a("example.org", "203.0.113.1");
                })
                .unwrap();
            resolver.forget_all();
            let error = resolver.connect(&server_name(NAME)).await.unwrap_err();
            assert_eq!(cause(&error), certificate(unknown("CN=example.org")));
        });
        assert!(is_unfinished(&rig));
        assert_eq!(resumptions(&rig), [false, false, false]);
        assert_eq!(rig.requests(), vec![format!("{HERE} {NAME} {VERSION}"); 2]);
    }
}

fn unknown(issuer: &str) -> CertificateError {
    CertificateError::UnknownIssuer {
        issuer: Some(issuer.into()),
    }
}

/// `example.org`, whose server shows this certificate
fn showing(shown: Certificate) -> Rig {
    Rig::new(|plan| {
        plan.a("example.org", "198.51.100.1");
        plan.https(HERE, Https::for_name("example.org").certificate(shown));
    })
}

/// `example.org` delegates to `m.example.org`, whose server shows this certificate
fn delegated(shown: Certificate) -> Rig {
    Rig::new(|plan| {
        web(plan, "example.org", "198.51.100.2", |server| {
            server.well_known(r#"{"m.server": "m.example.org:8448"}"#)
        });
        plan.a("m.example.org", "198.51.100.1");
        plan.https(HERE, Https::for_name("m.example.org").certificate(shown));
    })
}

/// A server of each TLS version
fn versions(how: impl Fn(Https) -> Https) -> [Rig; 2] {
    let describe = |server: Https| {
        let server = how(server);
        move |plan: &mut WorldPlan| {
            plan.a("example.org", "198.51.100.1");
            plan.https(HERE, server);
        }
    };
    let server = || Https::for_name("example.org");
    [
        Rig::new(describe(server())),
        Rig::new(describe(server().tls12())),
    ]
}

/// Waits for a handshake that the world saw fail
fn is_unfinished(rig: &Rig) -> bool {
    rig.sees(|what| {
        matches!(
            what,
            Event::Handshake {
                finished: Err(_),
                ..
            }
        )
    })
}

/// Which handshakes resumed a session, as the world saw it
fn resumptions(rig: &Rig) -> Vec<bool> {
    let resumed = |what: &Event| match what {
        Event::Handshake { resumed, .. } => Some(*resumed),
        Event::Accepted { .. }
        | Event::ClientHello { .. }
        | Event::Closed { .. }
        | Event::DnsQuery(_)
        | Event::Request(_) => None,
    };
    rig.world
        .log()
        .iter()
        .filter_map(|entry| resumed(&entry.what))
        .collect()
}

const NAME: &str = "example.org:8448";

const HERE: &str = "198.51.100.1:8448";
