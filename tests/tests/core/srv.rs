//! SRV records: order and failover.

use std::collections::BTreeMap;

use fedway_core::{
    AttemptError, ConnectError, DiscoveryErrorKind, DnsError, Edition, Lookahead, Place, Route,
    SrvRecord,
};
use fedway_testkit::script::{Script, srv};

use crate::ms;

#[test]
fn targets_are_tried_by_priority_lowest_first() {
    let s = with_records([
        srv(20, 9, 8003, "c.example.net"),
        srv(5, 0, 8001, "a.example.net"),
        srv(10, 9, 8002, "b.example.net"),
    ]);
    assert_eq!(
        s.run().connects()[1..],
        [
            "192.0.2.1:8001 as example.org",
            "192.0.2.2:8002 as example.org",
            "192.0.2.3:8003 as example.org",
        ]
    );
}

#[test]
fn a_target_tells_its_priority_and_weight() {
    let run = with_records([srv(10, 5, 8001, "a.example.net")]).run();
    let candidate = &run.error().destination.as_ref().unwrap().candidates[0];
    assert_eq!(
        (
            candidate.target.to_string().as_str(),
            candidate.port,
            candidate.srv
        ),
        ("a.example.net", 8001, Some((10, 5)))
    );
}

#[test]
fn the_same_seed_gives_the_same_order_in_whatever_order_the_records_come() {
    let records = [
        srv(0, 1, 8001, "a.example.net"),
        srv(0, 5, 8002, "b.example.net"),
        srv(0, 9, 8003, "c.example.net"),
    ];
    let mut reversed = records.clone();
    reversed.reverse();
    for seed in 0..100 {
        assert_eq!(order(&records, seed), order(&records, seed));
        assert_eq!(order(&records, seed), order(&reversed, seed));
    }
}

#[test]
fn seeds_share_out_the_first_place_by_weight() {
    let records = [
        srv(0, 1, 8001, "a.example.net"),
        srv(0, 3, 8002, "b.example.net"),
    ];
    let mut firsts = BTreeMap::<String, u32>::new();
    for seed in 0..1_000 {
        *firsts.entry(order(&records, seed)[0].clone()).or_default() += 1;
    }
    // RFC 2782 draws from 0 to the sum, both included, so that of 1 and 3 the first has 2 of 5
    assert!((350..450).contains(&firsts["a.example.net"]), "{firsts:?}");
}

#[test]
fn a_higher_weight_does_not_overcome_a_priority() {
    let records = [
        srv(1, 65535, 8001, "a.example.net"),
        srv(0, 0, 8002, "b.example.net"),
    ];
    for seed in 0..100 {
        assert_eq!(order(&records, seed), ["b.example.net", "a.example.net"]);
    }
}

#[test]
fn the_next_target_is_tried_after_any_failure_of_one() {
    for failure in [
        ConnectError::Refused,
        ConnectError::Reset,
        ConnectError::Closed,
        ConnectError::Unreachable,
        ConnectError::Other(Some(5)),
        ConnectError::Tls(fedway_core::TlsError::Protocol),
    ] {
        let mut s = two_targets();
        s.connect("192.0.2.1:8001").fails(failure.clone());
        let run = s.run();
        assert_eq!(connected(&run), "192.0.2.2:8002");
        assert_eq!(
            run.found().notes.attempts[0].error,
            AttemptError::Connect(failure)
        );
    }
}

#[test]
fn the_next_target_is_tried_after_one_whose_certificate_is_for_the_target_itself() {
    let mut s = two_targets();
    s.connect("192.0.2.1:8001")
        .works()
        .is_certified_for(["a.example.net"]);
    s.connect("192.0.2.2:8002")
        .works()
        .is_certified_for(["example.org"]);
    assert_eq!(connected(&s.run()), "192.0.2.2:8002");
}

#[test]
fn no_certificate_is_ever_verified_for_a_target() {
    for (edition, owner) in [
        (Edition::Draft2019, "_matrix._tcp.example.org"),
        (Edition::R0_1, "_matrix._tcp.example.org"),
        (Edition::V1_8, "_matrix-fed._tcp.example.org"),
        (Edition::V1_8, "_matrix._tcp.example.org"),
    ] {
        let mut s = Script::connect("example.org").edition(edition);
        s.srv(owner).gives([srv(0, 0, 8001, "a.example.net")]);
        s.a("a.example.net").gives(["192.0.2.1"]);
        let run = s.run();
        assert_eq!(run.connects(), ["192.0.2.1:8001 as example.org"]);
        assert_eq!(
            run.dialled()[0].sni.as_ref().unwrap().as_str(),
            "example.org"
        );
    }
}

#[test]
fn the_next_target_is_tried_after_one_that_hangs_for_5_s() {
    let mut s = two_targets();
    s.connect("192.0.2.1:8001").hangs();
    let run = s.run();
    assert_eq!(connected(&run), "192.0.2.2:8002");
    assert_eq!(
        run.time_of("connect 192.0.2.2:8002 as example.org"),
        ms(5_004)
    );
}

#[test]
fn the_next_target_is_tried_after_one_without_address_or_with_addresses_nobody_tells() {
    for lookahead in [Lookahead::Dns, Lookahead::None] {
        let mut s = two_targets().lookahead(lookahead);
        s.a("a.example.net").has_no_such_name();
        assert_eq!(connected(&s.run()), "192.0.2.2:8002");
        s.a("a.example.net").servfails();
        let run = s.run();
        assert_eq!(connected(&run), "192.0.2.2:8002");
        assert_eq!(
            run.found().notes.attempts[0].error,
            AttemptError::Dns(DnsError::ServFail)
        );
        assert!(!run.found().notes.provisional);
    }
}

#[test]
fn all_addresses_of_a_target_are_tried_before_the_next_target() {
    let mut s = two_targets();
    s.a("a.example.net").gives(["192.0.2.1", "192.0.2.11"]);
    s.connect("192.0.2.1:8001").refused();
    s.connect("192.0.2.11:8001").refused();
    assert_eq!(
        s.run().connects()[1..],
        [
            "192.0.2.1:8001 as example.org",
            "192.0.2.11:8001 as example.org",
            "192.0.2.2:8002 as example.org",
        ]
    );
}

#[test]
fn where_all_targets_fail_the_host_itself_is_not_tried() {
    let mut s = two_targets();
    s.connect("192.0.2.1:8001").refused();
    s.connect("192.0.2.2:8002").fails(ConnectError::Reset);
    s.connect("198.51.100.1:8448").works();
    let run = s.run();
    assert_eq!(run.error().step(), "4");
    let cause = AttemptError::Connect(ConnectError::Reset);
    assert_eq!(run.error().kind, DiscoveryErrorKind::Unreachable(cause));
    assert_eq!(run.connects().len(), 3);
}

#[test]
fn a_search_that_resolves_looks_up_every_target_and_is_content_with_one_that_has_an_address() {
    let mut s = Script::resolve("example.org");
    s.srv("_matrix-fed._tcp.example.org").gives([
        srv(0, 0, 8001, "a.example.net"),
        srv(1, 0, 8002, "b.example.net"),
    ]);
    s.a("b.example.net").gives(["192.0.2.2"]);
    let run = s.run();
    let candidates: Vec<_> = run
        .found()
        .destination
        .candidates
        .iter()
        .map(|c| (c.target.to_string(), c.addresses.len()))
        .collect();
    assert_eq!(
        candidates,
        [("a.example.net".into(), 0), ("b.example.net".into(), 1)]
    );
    let attempts = run
        .found()
        .notes
        .attempts
        .iter()
        .filter(|attempt| attempt.place == Place::Route(Route::Srv(0)));
    let attempts: Vec<_> = attempts.map(ToString::to_string).collect();
    assert_eq!(attempts, ["a.example.net: no address: no such record"]);
}

/// These records of the server name; targets a to c have an address each, where nothing listens
pub(crate) fn with_records(records: impl IntoIterator<Item = SrvRecord>) -> Script {
    let mut s = Script::connect("example.org");
    s.well_known("example.org").fails(404);
    s.srv("_matrix-fed._tcp.example.org").gives(records);
    s.a("a.example.net").gives(["192.0.2.1"]);
    s.a("b.example.net").gives(["192.0.2.2"]);
    s.a("c.example.net").gives(["192.0.2.3"]);
    s
}

/// Two targets that work, in this order
pub(crate) fn two_targets() -> Script {
    let mut s = with_records([
        srv(0, 0, 8001, "a.example.net"),
        srv(1, 0, 8002, "b.example.net"),
    ]);
    s.connect("192.0.2.1:8001").works();
    s.connect("192.0.2.2:8002").works();
    s
}

fn connected(run: &fedway_testkit::script::Run) -> String {
    run.found().connection.as_ref().unwrap().address.to_string()
}

fn order(records: &[SrvRecord], seed: u64) -> Vec<String> {
    let run = with_records(records.to_vec()).seed(seed).run();
    let destination = run.error().destination.as_ref().unwrap();
    destination
        .candidates
        .iter()
        .map(|candidate| candidate.target.to_string())
        .collect()
}

#[test]
fn our_own_want_of_sockets_is_never_taken_for_an_absent_record() {
    let mut s = fedway_testkit::script::Script::connect("example.org");
    s.srv("_matrix-fed._tcp.example.org")
        .fails(fedway_core::DnsError::OutOfResources);
    s.a("example.org").gives(["192.0.2.7"]);
    s.connect("192.0.2.7:8448").works();
    let run = s.run();
    let error = run.error();
    let cause = fedway_core::AttemptError::Dns(fedway_core::DnsError::OutOfResources);
    assert_eq!(
        error.kind,
        fedway_core::DiscoveryErrorKind::Unreachable(cause)
    );
    assert!(error.is_temporary() && !error.notes.provisional);
    assert_eq!(error.step(), "4");
}

#[test]
fn a_host_with_more_addresses_than_are_tried_is_warned_about() {
    let of_count = |count: u8| {
        let mut s = fedway_testkit::script::Script::resolve("example.org:8448");
        let addresses: Vec<String> = (1..=count).map(|last| format!("192.0.2.{last}")).collect();
        s.a("example.org")
            .gives(addresses.iter().map(String::as_str));
        let found = s.run().found().clone();
        (
            found.destination.addresses().count(),
            found.notes.warnings.len(),
        )
    };
    assert_eq!((of_count(16), of_count(17)), ((16, 0), (16, 1)));
}
