//! Whose certificate is verified, and how a skipped check shows.

use fedway_core::{Edition, Host, SkipRule, Verdict, Warning};
use fedway_testkit::script::{Script, srv};

#[test]
fn every_certificate_is_verified_where_nothing_else_was_said() {
    for edition in Edition::ALL {
        let run = delegated().edition(edition).run();
        assert_eq!(
            run.connects(),
            [
                "198.51.100.1:443 as example.org",
                "192.0.2.7:9000 as host.example.net",
            ]
        );
        assert_eq!(run.found().notes.warnings, []);
        assert_eq!(
            run.found().connection.as_ref().unwrap().verdict,
            Verdict::Verify
        );
    }
}

#[test]
fn a_rule_for_the_server_name_holds_for_its_well_known_and_not_for_the_delegated_host() {
    assert_eq!(
        skipping("example.org").run().connects(),
        [
            "198.51.100.1:443 as example.org unverified by example.org",
            "192.0.2.7:9000 as host.example.net",
        ]
    );
}

#[test]
fn a_rule_for_the_delegated_host_does_not_hold_for_well_known() {
    assert_eq!(
        skipping("host.example.net").run().connects(),
        [
            "198.51.100.1:443 as example.org",
            "192.0.2.7:9000 as host.example.net unverified by host.example.net",
        ]
    );
}

#[test]
fn a_rule_for_a_network_holds_by_the_address_dialled_for_both() {
    assert_eq!(
        skipping("198.51.100.0/24").run().connects(),
        [
            "198.51.100.1:443 as example.org unverified by 198.51.100.0/24",
            "192.0.2.7:9000 as host.example.net",
        ]
    );
    assert_eq!(
        skipping("192.0.2.7").run().connects(),
        [
            "198.51.100.1:443 as example.org",
            "192.0.2.7:9000 as host.example.net unverified by 192.0.2.7/32",
        ]
    );
}

#[test]
fn a_wildcard_holds_below_its_domain_only() {
    assert_eq!(
        skipping("*.example.net").run().connects(),
        [
            "198.51.100.1:443 as example.org",
            "192.0.2.7:9000 as host.example.net unverified by *.example.net",
        ]
    );
    assert_eq!(
        skipping("*.example.org").run().connects()[0],
        "198.51.100.1:443 as example.org"
    );
}

#[test]
fn a_rule_for_an_srv_target_holds_for_nobody() {
    let mut s = Script::connect("example.org").config(|config| {
        config.trust.skip = vec!["target.example.net".parse().unwrap()];
    });
    s.srv("_matrix-fed._tcp.example.org")
        .gives([srv(0, 0, 8001, "target.example.net")]);
    s.a("target.example.net").gives(["192.0.2.9"]);
    s.connect("192.0.2.9:8001").works();
    assert_eq!(s.run().connects(), ["192.0.2.9:8001 as example.org"]);
}

#[test]
fn each_hop_of_a_redirect_is_judged_for_its_own_host() {
    let mut s = skipping("web.example.com");
    s.well_known("example.org")
        .redirects(302, "https://web.example.com/");
    s.get("https://web.example.com/")
        .delegates_to("host.example.net:9000");
    assert_eq!(
        s.run().connects(),
        [
            "198.51.100.1:443 as example.org",
            "198.51.100.2:443 as web.example.com unverified by web.example.com",
            "192.0.2.7:9000 as host.example.net",
        ]
    );
}

#[test]
fn a_skipped_check_shows_as_a_warning_for_well_known() {
    let run = skipping("example.org").run();
    assert_eq!(
        run.found().notes.warnings,
        [warning("example.org", "198.51.100.1:443", "example.org")]
    );
}

#[test]
fn who_leads_elsewhere_unverified_has_not_verified_where() {
    // .well-known of example.org is not verified: anybody may have written it, and the certificate of the host it
    // names proves nothing of example.org
    let run = skipping("example.org").run();
    let verdict = Verdict::Skip("example.org".parse().unwrap());
    assert_eq!(run.found().verdict, verdict);
    assert_eq!(run.found().connection.as_ref().unwrap().verdict, verdict);
    // So has nobody who said there that there is no delegation
    let mut s = skipping("example.org").config(|config| config.edition = Edition::R0_1);
    s.well_known("example.org").fails(404);
    s.connect("198.51.100.1:8448").works();
    assert_eq!(s.run().found().verdict, verdict);
    assert_eq!(delegated().run().found().verdict, Verdict::Verify);
}

#[test]
fn a_skipped_check_shows_as_a_warning_in_the_connection_and_in_the_destination() {
    let run = skipping("host.example.net").run();
    let verdict = Verdict::Skip("host.example.net".parse().unwrap());
    assert_eq!(
        run.found().notes.warnings,
        [warning(
            "host.example.net",
            "192.0.2.7:9000",
            "host.example.net"
        )]
    );
    assert_eq!(run.found().connection.as_ref().unwrap().verdict, verdict);
    assert_eq!(
        run.found().destination.candidates[0].addresses[0].verdict,
        verdict
    );
}

#[test]
fn a_check_that_will_be_skipped_shows_in_the_destination_of_a_search_that_only_resolves() {
    let mut s = Script::resolve("example.org:9000").config(|config| {
        config.trust.skip = vec!["192.0.2.1".parse().unwrap()];
    });
    s.a("example.org").gives(["192.0.2.1", "192.0.2.2"]);
    let run = s.run();
    let verdicts = run.found().destination.candidates[0]
        .addresses
        .iter()
        .map(|a| a.verdict.clone());
    assert_eq!(
        verdicts.collect::<Vec<_>>(),
        [Verdict::Skip("192.0.2.1".parse().unwrap()), Verdict::Verify]
    );
}

#[test]
fn a_skipped_check_shows_where_the_search_fails_later() {
    let mut s = skipping("example.org");
    s.connect("192.0.2.7:9000").refused();
    assert_eq!(
        s.run().error().notes.warnings,
        [warning("example.org", "198.51.100.1:443", "example.org")]
    );
}

#[test]
fn a_connection_that_did_not_come_about_skipped_nothing() {
    let mut s = skipping("host.example.net");
    s.connect("192.0.2.7:9000").refused();
    assert_eq!(s.run().error().notes.warnings, []);
}

#[test]
fn a_skipped_check_lets_any_certificate_pass_and_a_verified_one_does_not() {
    let mut s = skipping("host.example.net");
    s.connect("192.0.2.7:9000").is_untrusted();
    assert_eq!(s.run().found().destination.step(), "3.2");
    let mut s = delegated();
    s.connect("192.0.2.7:9000").is_untrusted();
    assert_eq!(s.run().error().step(), "3.2");
}

#[test]
fn the_first_rule_that_holds_is_the_one_told() {
    let s = delegated().config(|config| {
        config.trust.skip = ["*.example.net", "192.0.2.0/24"]
            .map(|rule| rule.parse().unwrap())
            .into();
    });
    assert_eq!(
        s.run().connects()[1],
        "192.0.2.7:9000 as host.example.net unverified by *.example.net"
    );
}

#[test]
fn sni_is_sent_whether_the_certificate_is_verified_or_not() {
    let run = skipping("host.example.net").run();
    assert_eq!(
        run.dialled()[1].sni.as_ref().unwrap().as_str(),
        "host.example.net"
    );
}

/// `example.org` delegates to `host.example.net:9000`, which works
fn delegated() -> Script {
    let mut s = Script::connect("example.org");
    s.well_known("example.org")
        .delegates_to("host.example.net:9000");
    s.a("host.example.net").gives(["192.0.2.7"]);
    s.connect("192.0.2.7:9000").works();
    s
}

fn skipping(rule: &str) -> Script {
    delegated().config(|config| config.trust.skip = vec![rule.parse().unwrap()])
}

fn warning(host: &str, address: &str, rule: &str) -> Warning {
    Warning::VerificationSkipped {
        host: Host::Dns(fedway_core::DnsName::new(host).unwrap()),
        address: address.parse().unwrap(),
        rule: rule.parse::<SkipRule>().unwrap(),
    }
}
