//! `well-known`: the document that delegates to a name.

use crate::rig::{command, run, stderr, stdout};
use fedway_testkit::world::{DnsFault, RecordType, WorldPlan};

#[test]
fn the_document_comes_with_its_headers_and_nothing_is_asked_for_a_name_with_a_port() {
    let output = command(&["well-known", "m.example.org:443"], "");
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(
        stdout(&output),
        "content-type: application/json\ncache-control: max-age=86400\n\n{\"m.server\":\"m.example.org:443\"}\n"
    );
    assert_eq!(stderr(&output), "");
}

#[test]
fn what_is_no_server_name_is_said_with_what_to_write() {
    let output = command(&["well-known", "https://m.example.org/"], "");
    assert_eq!(output.status.code(), Some(2));
    assert_eq!(
        stderr(&output),
        "fedway: \"https://m.example.org/\": a URL, not a server name, at byte 6: write m.example.org\n"
    );
}

#[test]
fn where_it_cannot_be_told_whether_the_name_is_delegated_that_is_said() {
    let mut plan = WorldPlan::new();
    plan.dns_fault("m.example.org", RecordType::ANY, DnsFault::ServFail);
    let world = plan.start().unwrap();
    let output = run(&world, &["well-known", "m.example.org"], "");
    assert_eq!(output.status.code(), Some(0));
    assert!(stdout(&output).ends_with("{\"m.server\":\"m.example.org\"}\n"));
    let complaint = stderr(&output);
    assert!(
        complaint.starts_with(
            "fedway: warning: whether m.example.org is itself delegated cannot be told: "
        ),
        "{complaint}"
    );
}
