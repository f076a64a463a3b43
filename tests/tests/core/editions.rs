//! Where the editions differ: a row of the table, a test an edition.

use fedway_core::{BodyError, DiscoveryErrorKind, Edition, Lookahead, Warning, WellKnownError};
use fedway_testkit::script::{Script, srv};

#[test]
fn draft_2019_asks_srv_then_well_known_then_goes_to_the_host_on_8448() {
    assert_eq!(
        sequential(Edition::Draft2019, "example.org"),
        [
            "0 ms ask SRV _matrix._tcp.example.org",
            "1 ms ask AAAA example.org",
            "1 ms ask A example.org",
            "2 ms connect 198.51.100.1:443 as example.org",
            "4 ms get https://example.org/.well-known/matrix/server",
            "5 ms connect 198.51.100.1:8448 as example.org",
        ]
    );
}

#[test]
fn r0_1_asks_well_known_then_srv_then_goes_to_the_host_on_8448() {
    assert_eq!(
        sequential(Edition::R0_1, "example.org"),
        [
            "0 ms ask AAAA example.org",
            "0 ms ask A example.org",
            "1 ms connect 198.51.100.1:443 as example.org",
            "3 ms get https://example.org/.well-known/matrix/server",
            "4 ms ask SRV _matrix._tcp.example.org",
            "5 ms connect 198.51.100.1:8448 as example.org",
        ]
    );
}

#[test]
fn v1_8_asks_well_known_then_both_srv_services_then_goes_to_the_host_on_8448() {
    assert_eq!(
        sequential(Edition::V1_8, "example.org"),
        [
            "0 ms ask AAAA example.org",
            "0 ms ask A example.org",
            "1 ms connect 198.51.100.1:443 as example.org",
            "3 ms get https://example.org/.well-known/matrix/server",
            "4 ms ask SRV _matrix-fed._tcp.example.org",
            "5 ms ask SRV _matrix._tcp.example.org",
            "6 ms connect 198.51.100.1:8448 as example.org",
        ]
    );
}

#[test]
fn draft_2019_does_not_consult_the_port_of_a_server_name() {
    let lines = sequential(Edition::Draft2019, "example.org:9000");
    assert_eq!(lines, sequential(Edition::Draft2019, "example.org"));
}

#[test]
fn r0_1_uses_the_port_of_a_server_name_directly() {
    assert_eq!(
        sequential(Edition::R0_1, "example.org:9000"),
        STRAIGHT_TO_9000
    );
}

#[test]
fn v1_8_uses_the_port_of_a_server_name_directly() {
    assert_eq!(
        sequential(Edition::V1_8, "example.org:9000"),
        STRAIGHT_TO_9000
    );
}

#[test]
fn draft_2019_knows_one_srv_service_also_for_a_delegated_host() {
    let services = [
        "SRV _matrix._tcp.example.org",
        "SRV _matrix._tcp.host.example.net",
    ];
    assert_eq!(services_asked(Edition::Draft2019), services);
}

#[test]
fn r0_1_knows_one_srv_service_also_for_a_delegated_host() {
    assert_eq!(
        services_asked(Edition::R0_1),
        ["SRV _matrix._tcp.host.example.net"]
    );
}

#[test]
fn v1_8_knows_two_srv_services_in_order_also_for_a_delegated_host() {
    let services = [
        "SRV _matrix-fed._tcp.host.example.net",
        "SRV _matrix._tcp.host.example.net",
    ];
    assert_eq!(services_asked(Edition::V1_8), services);
}

#[test]
fn v1_8_goes_by_the_registered_service_where_both_are_there() {
    let mut s = both_services();
    s.connect("192.0.2.1:8001").works();
    let run = s.run();
    assert_eq!(run.found().destination.step(), "4");
    assert_eq!(run.found().notes.warnings, []);
}

#[test]
fn v1_8_does_not_turn_to_the_deprecated_service_where_the_targets_of_the_registered_one_are_down() {
    let mut s = both_services();
    s.connect("192.0.2.2:8002").works();
    let run = s.run();
    assert_eq!(run.error().step(), "4");
    assert_eq!(
        run.connects().last().unwrap(),
        "192.0.2.1:8001 as example.org"
    );
}

#[test]
fn v1_8_warns_where_the_deprecated_service_led_to_the_server_and_r0_1_does_not() {
    for (edition, warned) in [(Edition::V1_8, true), (Edition::R0_1, false)] {
        let mut s = Script::resolve("example.org").edition(edition);
        s.srv("_matrix._tcp.example.org")
            .gives([srv(0, 0, 8002, "two.example.net")]);
        s.a("two.example.net").gives(["192.0.2.2"]);
        let run = s.run();
        let owner = "_matrix._tcp.example.org";
        let warning = Warning::DeprecatedService {
            owner: fedway_core::DnsName::new(owner).unwrap(),
        };
        let expected = if warned { vec![warning] } else { vec![] };
        assert_eq!(run.found().notes.warnings, expected, "{edition}");
    }
}

#[test]
fn draft_2019_ends_where_the_body_of_a_200_is_invalid() {
    for body in INVALID_BODIES {
        let run = with_body(Edition::Draft2019, body).run();
        let error = run.error();
        assert_eq!(error.step(), "3", "{body}");
        assert!(
            matches!(error.kind, DiscoveryErrorKind::InvalidWellKnown(_)),
            "{body}"
        );
        assert_eq!(
            run.connects(),
            ["198.51.100.1:443 as example.org"],
            "{body}"
        );
        assert!(!error.is_temporary());
    }
}

#[test]
fn r0_1_goes_on_to_step_4_where_the_body_of_a_200_is_invalid() {
    goes_on_after_an_invalid_body(Edition::R0_1, "4");
}

#[test]
fn v1_8_goes_on_to_step_4_where_the_body_of_a_200_is_invalid() {
    goes_on_after_an_invalid_body(Edition::V1_8, "5");
}

#[test]
fn draft_2019_goes_to_the_host_on_8448_after_any_other_error_and_asks_no_srv_again() {
    let run = with_status(Edition::Draft2019).run();
    assert_eq!(run.found().destination.step(), "4");
    assert_eq!(
        run.questions()
            .iter()
            .filter(|q| q.starts_with("SRV"))
            .count(),
        1
    );
}

#[test]
fn r0_1_asks_srv_after_any_other_error() {
    let mut s = with_status(Edition::R0_1);
    s.srv("_matrix._tcp.example.org")
        .gives([srv(0, 0, 8002, "two.example.net")]);
    s.a("two.example.net").gives(["192.0.2.2"]);
    s.connect("192.0.2.2:8002").works();
    assert_eq!(s.run().found().destination.step(), "4");
}

#[test]
fn v1_8_asks_both_srv_services_after_any_other_error() {
    let run = with_status(Edition::V1_8).run();
    assert_eq!(run.found().destination.step(), "6");
    let services = [
        "SRV _matrix-fed._tcp.example.org",
        "SRV _matrix._tcp.example.org",
    ];
    let asked = run.questions();
    assert_eq!(
        asked
            .iter()
            .filter(|q| q.starts_with("SRV"))
            .collect::<Vec<_>>(),
        services.iter().collect::<Vec<_>>()
    );
}

/// What a search without lookahead says, where only the host itself on 8448 and 9000 works
fn sequential(edition: Edition, name: &str) -> Vec<String> {
    let mut s = Script::connect(name)
        .edition(edition)
        .lookahead(Lookahead::None);
    s.well_known("example.org").fails(404);
    s.connect("198.51.100.1:8448").works();
    s.connect("198.51.100.1:9000").works();
    s.run().lines()
}

/// The SRV questions of a search for a name that delegates to a host without port
fn services_asked(edition: Edition) -> Vec<String> {
    let mut s = Script::resolve("example.org")
        .edition(edition)
        .lookahead(Lookahead::None);
    s.well_known("example.org").delegates_to("host.example.net");
    s.a("host.example.net").gives(["192.0.2.7"]);
    let mut asked = s.run().questions();
    asked.retain(|question| question.starts_with("SRV"));
    asked
}

fn both_services() -> Script {
    let mut s = Script::connect("example.org");
    s.well_known("example.org").fails(404);
    s.srv("_matrix-fed._tcp.example.org")
        .gives([srv(0, 0, 8001, "one.example.net")]);
    s.srv("_matrix._tcp.example.org")
        .gives([srv(0, 0, 8002, "two.example.net")]);
    s.a("one.example.net").gives(["192.0.2.1"]);
    s.a("two.example.net").gives(["192.0.2.2"]);
    s
}

fn with_body(edition: Edition, body: &str) -> Script {
    let mut s = Script::connect("example.org").edition(edition);
    s.well_known("example.org").has_body(body);
    s.connect("198.51.100.1:8448").works();
    s
}

fn goes_on_after_an_invalid_body(edition: Edition, step: &str) {
    for body in INVALID_BODIES {
        let mut s = with_body(edition, body);
        s.srv("_matrix._tcp.example.org")
            .gives([srv(0, 0, 8002, "two.example.net")]);
        s.a("two.example.net").gives(["192.0.2.2"]);
        s.connect("192.0.2.2:8002").works();
        let run = s.run();
        assert_eq!(run.found().destination.step(), step, "{body}");
        let well_known = run.found().notes.well_known.as_ref().unwrap();
        assert!(
            matches!(well_known.error, Some(WellKnownError::Body(_))),
            "{body}"
        );
    }
    // What is wrong with a body is told, where it is no JSON and where it names no server
    let error = with_body(edition, "{}")
        .run()
        .found()
        .notes
        .well_known
        .clone()
        .unwrap()
        .error;
    assert!(matches!(
        error,
        Some(WellKnownError::Body(BodyError::Json { .. }))
    ));
    let error = with_body(edition, INVALID_BODIES[4])
        .run()
        .found()
        .notes
        .well_known
        .clone()
        .unwrap()
        .error;
    assert!(matches!(
        error,
        Some(WellKnownError::Body(BodyError::ServerName(_)))
    ));
}

fn with_status(edition: Edition) -> Script {
    let mut s = Script::connect("example.org").edition(edition);
    s.well_known("example.org").fails(500);
    s.connect("198.51.100.1:8448").works();
    s
}

const STRAIGHT_TO_9000: [&str; 3] = [
    "0 ms ask AAAA example.org",
    "0 ms ask A example.org",
    "1 ms connect 198.51.100.1:9000 as example.org",
];

const INVALID_BODIES: [&str; 5] = [
    "",
    "<html>",
    "{}",
    r#"{"m.server":1}"#,
    r#"{"m.server":"a b"}"#,
];
