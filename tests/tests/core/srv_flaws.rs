//! SRV records that cannot be used, that should not be as they are, or that nobody tells.

use std::net::SocketAddr;

use fedway_core::{
    DiscoveryErrorKind, DnsError, DnsName, Edition, SkippedRecord, SrvRecord, Warning,
};
use fedway_testkit::script::{Goal, Script, srv};

use crate::ms;
use crate::srv::{two_targets, with_records};

#[test]
fn a_target_of_the_root_says_that_the_service_is_not_offered() {
    for (edition, step) in [
        (Edition::Draft2019, "2"),
        (Edition::R0_1, "4"),
        (Edition::V1_8, "5"),
    ] {
        let mut s = Script::connect("example.org").edition(edition);
        s.well_known("example.org").fails(404);
        s.srv("_matrix._tcp.example.org").gives([srv(0, 0, 0, ".")]);
        s.connect("198.51.100.1:8448").works();
        let run = s.run();
        let service = DnsName::new("_matrix._tcp.example.org").unwrap();
        assert_eq!(run.error().kind, DiscoveryErrorKind::NotOffered { service });
        assert_eq!(run.error().step(), step);
        assert!(!run.error().is_temporary());
    }
}

#[test]
fn v1_8_does_not_ask_on_where_the_registered_service_is_not_offered() {
    let mut s = two_targets();
    s.srv("_matrix-fed._tcp.example.org")
        .gives([srv(0, 0, 0, ".")]);
    s.srv("_matrix._tcp.example.org")
        .gives([srv(0, 0, 8002, "b.example.net")]);
    let run = s.run();
    let service = DnsName::new("_matrix-fed._tcp.example.org").unwrap();
    assert_eq!(run.error().kind, DiscoveryErrorKind::NotOffered { service });
}

#[test]
fn a_delegation_is_not_touched_by_a_service_that_the_server_name_does_not_offer() {
    let mut s = Script::connect("example.org");
    s.well_known("example.org").delegates_to("192.0.2.1:8001");
    s.srv("_matrix-fed._tcp.example.org")
        .gives([srv(0, 0, 0, ".")]);
    s.connect("192.0.2.1:8001").works();
    assert_eq!(s.run().found().destination.step(), "3.1");
}

#[test]
fn a_record_that_cannot_be_used_is_skipped_with_a_warning() {
    for (record, reason) in [
        (srv(0, 0, 0, "a.example.net"), SkippedRecord::PortZero),
        (srv(0, 0, 8001, "."), SkippedRecord::RootTarget),
    ] {
        let mut s = with_records([record.clone(), srv(9, 0, 8002, "b.example.net")]);
        s.connect("192.0.2.2:8002").works();
        let run = s.run();
        assert_eq!(run.connects()[1..], ["192.0.2.2:8002 as example.org"]);
        assert_eq!(run.found().notes.warnings, [skipped(record, reason)]);
        assert_eq!(run.found().destination.candidates.len(), 1);
    }
}

#[test]
fn a_target_that_is_an_address_is_dialled_and_warned_about() {
    for (target, address) in [
        ("192.0.2.66", "192.0.2.66:8001"),
        ("192.0.2.66.", "192.0.2.66:8001"),
        ("2001:db8::66", "[2001:db8::66]:8001"),
        ("[2001:db8::66]", "[2001:db8::66]:8001"),
    ] {
        let mut s = with_records([srv(0, 0, 8001, target)]);
        s.connect(address).works();
        let run = s.run();
        // The certificate is still for the server name
        assert_eq!(run.connects()[1..], [format!("{address} as example.org")]);
        let owner = DnsName::new("_matrix-fed._tcp.example.org").unwrap();
        let address = address.parse::<SocketAddr>().unwrap().ip();
        let warning = Warning::AddressTarget { owner, address };
        assert_eq!(run.found().notes.warnings, [warning]);
    }
}

#[test]
fn a_set_of_which_no_record_can_be_used_binds_and_nothing_else_is_tried() {
    for edition in Edition::ALL {
        let first = edition.rules().services[0].label;
        let owner = &*format!("{first}.example.org");
        let mut s = Script::connect("example.org").edition(edition);
        s.well_known("example.org").fails(404);
        s.srv(owner)
            .gives([srv(0, 0, 0, "a.example.net"), srv(0, 0, 0, "b.example.net")]);
        s.srv("_matrix._tcp.other.example")
            .gives([srv(0, 0, 8002, "b.example.net")]);
        s.connect("198.51.100.1:8448").works();
        let run = s.run();
        let service = DnsName::new(owner).unwrap();
        assert_eq!(
            run.error().kind,
            DiscoveryErrorKind::NoUsableRecord { service }
        );
        assert_eq!(run.error().notes.warnings.len(), 2);
        assert!(!run.error().is_temporary());
        let dialled = run.connects();
        assert!(!dialled.iter().any(|it| it.starts_with("198.51.100.1:8448")));
    }
}

#[test]
fn sixteen_targets_are_tried_and_the_next_is_skipped_with_a_warning() {
    let records: Vec<_> = (1..=17)
        .map(|n| srv(n, 0, 8000 + n, "a.example.net"))
        .collect();
    let run = with_records(records).run();
    assert_eq!(run.connects().len(), 1 + 16);
    assert_eq!(
        run.error().notes.warnings,
        [skipped(
            srv(17, 0, 8017, "a.example.net"),
            SkippedRecord::TooMany
        )]
    );
}

#[test]
fn a_target_that_is_an_alias_is_used_and_warned_about() {
    for goal in Goal::ALL {
        let mut s = Script::new(goal, "example.org");
        s.srv("_matrix-fed._tcp.example.org")
            .gives([srv(0, 0, 8001, "a.example.net")]);
        s.a("a.example.net").gives(["192.0.2.1"]).by_alias();
        s.connect("192.0.2.1:8001").works();
        let run = s.run();
        let target = DnsName::new("a.example.net").unwrap();
        assert_eq!(
            run.found().notes.warnings,
            [Warning::AliasTarget { target }]
        );
    }
}

#[test]
fn a_target_that_is_an_alias_is_warned_about_once_where_two_records_have_it() {
    let mut s = Script::resolve("example.org");
    s.srv("_matrix-fed._tcp.example.org").gives([
        srv(0, 0, 8001, "a.example.net"),
        srv(1, 0, 8002, "a.example.net"),
    ]);
    s.a("a.example.net").gives(["192.0.2.1"]).by_alias();
    let target = DnsName::new("a.example.net").unwrap();
    assert_eq!(
        s.run().found().notes.warnings,
        [Warning::AliasTarget { target }]
    );
}

#[test]
fn an_owner_or_a_host_that_is_an_alias_is_as_good_as_any() {
    let mut s = Script::resolve("example.org");
    s.srv("_matrix-fed._tcp.example.org")
        .gives([srv(0, 0, 8001, "a.example.net")])
        .by_alias();
    s.a("a.example.net").gives(["192.0.2.1"]);
    assert_eq!(s.run().found().notes.warnings, []);
    let mut s = Script::resolve("example.org:8448");
    s.a("example.org").gives(["192.0.2.1"]).by_alias();
    assert_eq!(s.run().found().notes.warnings, []);
}

#[test]
fn srv_that_is_not_answered_counts_as_absent_and_makes_the_result_provisional() {
    for error in [
        DnsError::ServFail,
        DnsError::Refused,
        DnsError::ResponseCode(4),
        DnsError::Malformed,
        DnsError::Unreachable,
        DnsError::AliasLoop,
    ] {
        for (edition, step, owner) in [
            (Edition::Draft2019, "4", "_matrix._tcp.example.org"),
            (Edition::R0_1, "5", "_matrix._tcp.example.org"),
            (Edition::V1_8, "6", "_matrix-fed._tcp.example.org"),
        ] {
            let mut s = Script::connect("example.org").edition(edition);
            s.well_known("example.org").fails(404);
            s.srv(owner).fails(error);
            s.connect("198.51.100.1:8448").works();
            let run = s.run();
            assert_eq!(run.found().destination.step(), step);
            assert!(run.found().notes.provisional);
            let owner = DnsName::new(owner).unwrap();
            assert_eq!(
                run.found().notes.warnings,
                [Warning::SrvUnanswered { owner, error }]
            );
        }
    }
}

#[test]
fn v1_8_goes_on_to_the_deprecated_service_where_the_registered_one_is_not_answered() {
    let mut s = two_targets();
    s.srv("_matrix-fed._tcp.example.org").servfails();
    s.srv("_matrix._tcp.example.org")
        .gives([srv(0, 0, 8002, "b.example.net")]);
    let run = s.run();
    assert_eq!(run.found().destination.step(), "5");
    assert!(run.found().notes.provisional);
}

#[test]
fn srv_that_nobody_needed_makes_nothing_provisional() {
    let mut s = Script::connect("example.org");
    s.well_known("example.org")
        .delegates_to("192.0.2.1:8001")
        .after(ms(9));
    s.srv("_matrix-fed._tcp.example.org").servfails();
    s.connect("192.0.2.1:8001").works();
    let run = s.run();
    assert!(!run.found().notes.provisional);
    assert_eq!(run.found().notes.warnings, []);
}

#[test]
fn a_failure_after_unanswered_srv_may_pass() {
    let mut s = Script::resolve("example.org");
    s.srv("_matrix-fed._tcp.example.org").servfails();
    assert!(s.run().error().is_temporary());
    s.srv("_matrix-fed._tcp.example.org").is_absent();
    assert!(!s.run().error().is_temporary());
}

fn skipped(record: SrvRecord, reason: SkippedRecord) -> Warning {
    Warning::SkippedRecord {
        owner: DnsName::new("_matrix-fed._tcp.example.org").unwrap(),
        target: record.target,
        reason,
    }
}
