//! What becomes of the spelling of names, and of names that are never asked for.

use fedway_core::{AttemptError, DiscoveryErrorKind, DnsError, Edition, Warning};
use fedway_testkit::script::{Goal, Script, srv};

#[test]
fn a_name_of_230_bytes_is_nothing_to_warn_about() {
    assert_eq!(name_of_len(230).run().found().notes.warnings, []);
}

#[test]
fn a_name_of_231_bytes_is_warned_about_and_works() {
    assert_eq!(
        name_of_len(231).run().found().notes.warnings,
        [Warning::LongName { len: 231 }]
    );
}

#[test]
fn case_is_kept_in_host_headers_and_folded_in_dns_and_tls() {
    let mut s = Script::connect("Example.ORG:9000");
    s.a("example.org").gives(["192.0.2.1"]);
    s.connect("192.0.2.1:9000").works();
    let run = s.run();
    assert_eq!(run.questions(), ["AAAA example.org", "A example.org"]);
    assert_eq!(run.connects(), ["192.0.2.1:9000 as example.org"]);
    assert_eq!(
        run.dialled()[0].sni.as_ref().unwrap().as_str(),
        "example.org"
    );
    assert_eq!(run.found().destination.host_header, "Example.ORG:9000");
}

#[test]
fn case_is_kept_in_the_host_headers_of_a_request_and_of_a_delegated_name() {
    for edition in Edition::ALL {
        let mut s = Script::connect("Example.ORG").edition(edition);
        s.well_known("example.org").delegates_to("Host.Example.NET");
        s.a("host.example.net").gives(["192.0.2.7"]);
        s.connect("192.0.2.7:8448").works();
        let run = s.run();
        assert_eq!(run.gets()[0].host_header, "Example.ORG");
        assert_eq!(run.found().destination.host_header, "Host.Example.NET");
        assert_eq!(run.connects()[1], "192.0.2.7:8448 as host.example.net");
        let questions = run.questions().concat();
        assert!(!questions.contains("ORG") && !questions.contains("NET"));
    }
}

#[test]
fn a_trailing_dot_is_kept_in_the_host_header_and_asked_for_without() {
    let mut s = Script::connect("example.org.:9000");
    s.a("example.org").gives(["192.0.2.1"]);
    s.connect("192.0.2.1:9000").works();
    let run = s.run();
    assert_eq!(run.found().destination.host_header, "example.org.:9000");
    assert_eq!(run.connects(), ["192.0.2.1:9000 as example.org"]);
}

#[test]
fn the_spelling_of_a_literal_is_kept_in_the_host_header() {
    let mut s = Script::connect("[2001:DB8:0::1]");
    s.connect("[2001:db8::1]:8448").works();
    let run = s.run();
    assert_eq!(run.found().destination.host_header, "[2001:DB8:0::1]");
    assert_eq!(run.found().destination.tls_name.to_string(), "2001:db8::1");
}

#[test]
fn an_onion_name_asks_nobody_anything_by_the_first_step_that_would() {
    for (edition, step) in [
        (Edition::Draft2019, "2"),
        (Edition::R0_1, "3"),
        (Edition::V1_8, "3"),
    ] {
        for goal in Goal::ALL {
            for name in [
                "hidden.onion",
                "Hidden.ONION",
                "a.hidden.onion",
                "hidden.onion.",
                "onion",
            ] {
                let run = Script::new(goal, name).edition(edition).run();
                assert_eq!(run.lines(), [""; 0], "{name}");
                assert_eq!(
                    (&run.error().kind, run.error().step()),
                    (&DiscoveryErrorKind::Onion, step),
                    "{edition} {name}"
                );
                assert!(!run.error().is_temporary());
            }
        }
    }
}

#[test]
fn an_onion_name_with_port_asks_nobody_anything_by_step_2() {
    for edition in [Edition::R0_1, Edition::V1_8] {
        let run = Script::connect("hidden.onion:8448").edition(edition).run();
        assert_eq!(run.lines(), [""; 0]);
        assert_eq!(
            (&run.error().kind, run.error().step()),
            (&DiscoveryErrorKind::Onion, "2")
        );
    }
}

#[test]
fn a_name_that_only_looks_like_an_onion_is_asked_for() {
    for name in [
        "hiddenonion.example:1",
        "onion.example:1",
        "hidden.xonion:1",
    ] {
        assert_eq!(Script::connect(name).run().questions().len(), 2);
    }
}

#[test]
fn a_delegated_onion_name_asks_nobody_for_it() {
    for edition in Edition::ALL {
        for (delegated, step) in [("hidden.onion", "3.3"), ("hidden.onion:8448", "3.2")] {
            let mut s = Script::connect("example.org").edition(edition);
            s.well_known("example.org").delegates_to(delegated);
            let run = s.run();
            assert!(!run.to_string().contains("onion"), "{run}");
            assert_eq!(
                (&run.error().kind, run.error().step()),
                (&DiscoveryErrorKind::Onion, step)
            );
        }
    }
}

#[test]
fn an_onion_target_of_srv_is_passed_over_for_the_next() {
    for goal in Goal::ALL {
        let mut s = Script::new(goal, "example.org");
        s.srv("_matrix-fed._tcp.example.org").gives([
            srv(0, 0, 8001, "hidden.onion"),
            srv(1, 0, 8002, "host.example.net"),
        ]);
        s.a("host.example.net").gives(["192.0.2.7"]);
        s.connect("192.0.2.7:8002").works();
        let run = s.run();
        assert!(!run.to_string().contains("onion"), "{run}");
        assert_eq!(run.found().destination.step(), "4");
        let mut attempts = run.found().notes.attempts.iter();
        let onion = attempts
            .find(|attempt| attempt.host.to_string() == "hidden.onion")
            .unwrap();
        assert_eq!(onion.error, AttemptError::Dns(DnsError::Onion));
    }
}

#[test]
fn a_name_that_fits_no_dns_message_is_not_asked_for() {
    let label = "a".repeat(64);
    let run = Script::connect(&format!("{label}.example")).run();
    assert_eq!(run.lines(), [""; 0]);
    let cause = AttemptError::Dns(DnsError::NotEncodable);
    assert_eq!(run.error().kind, DiscoveryErrorKind::Unreachable(cause));
    assert!(!run.error().is_temporary());
}

#[test]
fn a_name_whose_srv_owner_fits_no_dns_message_has_no_srv_and_is_not_provisional() {
    // 253 bytes fit, and a service in front of them does not
    let name = [
        &*"a".repeat(63),
        &*"b".repeat(63),
        &*"c".repeat(63),
        &*"d".repeat(61),
    ]
    .join(".");
    let mut s = Script::resolve(&name);
    s.a(&name).gives(["192.0.2.1"]);
    let run = s.run();
    assert_eq!(run.found().destination.step(), "6");
    assert!(!run.found().notes.provisional);
    assert_eq!(run.questions().len(), 2);
}

/// A search for a name of this length whose host itself works
fn name_of_len(len: usize) -> Script {
    let host = [
        &*"a".repeat(63),
        &*"b".repeat(63),
        &*"c".repeat(63),
        &*"d".repeat(len - 3 * 64),
    ]
    .join(".");
    let mut s = Script::resolve(&host);
    s.a(&host).gives(["192.0.2.1"]);
    s
}
