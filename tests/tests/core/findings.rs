//! What is said of a search that nobody has recorded: of its outcome alone.

use fedway_core::{Code, DnsError, Finding, HttpAnswer};
use fedway_testkit::script::{Run, Script, srv};

#[test]
fn of_a_document_that_nobody_has_any_more_nothing_is_said_that_was_not_kept() {
    for body in ["{", "{\"m.server\": \"https://m.example.org\"}"] {
        let mut s = Script::connect("example.org");
        s.well_known("example.org").has_body(body);
        let run = s.run();
        let finding = cause(&run);
        assert_eq!(finding.place.unwrap().number(run.error().edition), "3");
        for word in ["empty", "\"\""] {
            assert!(!finding.seen.contains(word), "{finding:?}");
        }
    }
}

#[test]
fn a_zone_that_cannot_be_looked_up_is_one_finding() {
    let mut s = Script::connect("example.org");
    for service in ["_matrix-fed._tcp.example.org", "_matrix._tcp.example.org"] {
        s.srv(service).fails(DnsError::ServFail);
    }
    s.a("example.org").fails(DnsError::ServFail);
    s.aaaa("example.org").fails(DnsError::ServFail);
    let run = s.run();
    assert_eq!(cause(&run).code, Code::DnsFailure);
    let all = run.error().findings(&name());
    assert!(
        all.iter().all(|it| it.code != Code::SrvUnanswered),
        "{all:?}"
    );
}

#[test]
fn whether_it_is_the_record_or_the_document_that_names_a_host_without_an_address_is_said() {
    let mut s = Script::connect("example.org");
    let owner = "_matrix-fed._tcp.example.org";
    s.srv(owner)
        .gives([srv(10, 0, 8448, "m.example.org.example.org")]);
    let finding = cause(&s.run());
    assert!(finding.seen.contains(owner), "{finding:?}");
    assert!(finding.remedy.contains("\"m.example.org.\""), "{finding:?}");

    let mut s = Script::connect("example.org");
    s.well_known("example.org")
        .delegates_to("m.example.org:443");
    let finding = cause(&s.run());
    assert!(
        finding.seen.contains("m.server in .well-known"),
        "{finding:?}"
    );
}

#[test]
fn a_refusal_decides_the_same_whatever_came_of_its_body() {
    let mut outcomes = Vec::new();
    for body in [
        "",
        "<title>Just a moment...</title>",
        "{\"m.server\": \"m.example.org:443\"}",
    ] {
        let mut answer = HttpAnswer::status(503);
        answer.body = body.into();
        let mut s = Script::connect("example.org");
        s.well_known("example.org").gives(answer);
        outcomes.push(s.run().outcome);
    }
    assert!(outcomes.iter().all(|it| *it == outcomes[0]), "{outcomes:?}");
}

fn name() -> fedway_core::ServerName {
    "example.org".parse().unwrap()
}

/// The first of the findings of a search that has failed
fn cause(run: &Run) -> Finding {
    run.error().findings(&name()).swap_remove(0)
}
