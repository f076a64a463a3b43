//! What is asked ahead and when, and what it saves.

use fedway_core::{Edition, Lookahead};
use fedway_testkit::script::{Script, srv};

use crate::ms;

#[test]
fn v1_8_asks_both_srv_services_while_well_known_is_fetched() {
    assert_eq!(
        fallback(Edition::V1_8, Lookahead::Dns).run().lines(),
        [
            "0 ms ask AAAA example.org",
            "0 ms ask A example.org",
            "0 ms ask SRV _matrix-fed._tcp.example.org",
            "0 ms ask SRV _matrix._tcp.example.org",
            "1 ms connect 198.51.100.1:443 as example.org",
            "3 ms get https://example.org/.well-known/matrix/server",
            "4 ms connect 198.51.100.1:8448 as example.org",
        ]
    );
}

#[test]
fn r0_1_asks_its_srv_service_while_well_known_is_fetched() {
    assert_eq!(
        fallback(Edition::R0_1, Lookahead::Dns).run().lines(),
        [
            "0 ms ask AAAA example.org",
            "0 ms ask A example.org",
            "0 ms ask SRV _matrix._tcp.example.org",
            "1 ms connect 198.51.100.1:443 as example.org",
            "3 ms get https://example.org/.well-known/matrix/server",
            "4 ms connect 198.51.100.1:8448 as example.org",
        ]
    );
}

#[test]
fn draft_2019_asks_the_host_s_addresses_together_with_srv() {
    assert_eq!(
        fallback(Edition::Draft2019, Lookahead::Dns).run().lines(),
        [
            "0 ms ask SRV _matrix._tcp.example.org",
            "0 ms ask AAAA example.org",
            "0 ms ask A example.org",
            "1 ms connect 198.51.100.1:443 as example.org",
            "3 ms get https://example.org/.well-known/matrix/server",
            "4 ms connect 198.51.100.1:8448 as example.org",
        ]
    );
}

#[test]
fn srv_targets_are_looked_up_while_well_known_is_fetched() {
    let mut s = Script::connect("example.org");
    s.well_known("example.org").fails(404);
    s.srv("_matrix-fed._tcp.example.org").gives([
        srv(0, 0, 8001, "a.example.net"),
        srv(1, 0, 8002, "b.example.net"),
    ]);
    s.a("a.example.net").gives(["192.0.2.1"]);
    s.connect("192.0.2.1:8001").works();
    assert_eq!(
        s.run().lines()[4..],
        [
            "1 ms connect 198.51.100.1:443 as example.org",
            "1 ms ask AAAA a.example.net",
            "1 ms ask A a.example.net",
            "1 ms ask AAAA b.example.net",
            "1 ms ask A b.example.net",
            "3 ms get https://example.org/.well-known/matrix/server",
            "4 ms connect 192.0.2.1:8001 as example.org",
        ]
    );
}

#[test]
fn targets_of_the_deprecated_service_wait_until_the_registered_one_is_known_to_have_none() {
    let mut s = Script::connect("example.org");
    s.well_known("example.org").fails(404).after(ms(20));
    s.srv("_matrix-fed._tcp.example.org")
        .is_absent()
        .after(ms(10));
    s.srv("_matrix._tcp.example.org")
        .gives([srv(0, 0, 8002, "b.example.net")]);
    let asked = s.run().time_of("ask A b.example.net");
    assert_eq!(asked, ms(10));
    s.srv("_matrix-fed._tcp.example.org")
        .gives([srv(0, 0, 8001, "a.example.net")]);
    assert!(!s.run().to_string().contains("b.example.net"));
}

#[test]
fn srv_of_a_delegated_host_is_asked_together_with_its_addresses() {
    let mut s = Script::connect("example.org");
    s.well_known("example.org").delegates_to("host.example.net");
    s.a("host.example.net").gives(["192.0.2.7"]);
    s.connect("192.0.2.7:8448").works();
    assert_eq!(
        s.run().lines()[6..],
        [
            "4 ms ask SRV _matrix-fed._tcp.host.example.net",
            "4 ms ask SRV _matrix._tcp.host.example.net",
            "4 ms ask AAAA host.example.net",
            "4 ms ask A host.example.net",
            "5 ms connect 192.0.2.7:8448 as host.example.net",
        ]
    );
}

#[test]
fn without_lookahead_nothing_is_asked_before_its_step() {
    let mut s = fallback(Edition::V1_8, Lookahead::None);
    s.srv("_matrix._tcp.example.org").gives([
        srv(0, 0, 8001, "a.example.net"),
        srv(1, 0, 8002, "b.example.net"),
    ]);
    s.a("a.example.net").gives(["192.0.2.1"]);
    s.a("b.example.net").gives(["192.0.2.2"]);
    s.connect("192.0.2.2:8002").works();
    assert_eq!(
        s.run().lines(),
        [
            "0 ms ask AAAA example.org",
            "0 ms ask A example.org",
            "1 ms connect 198.51.100.1:443 as example.org",
            "3 ms get https://example.org/.well-known/matrix/server",
            "4 ms ask SRV _matrix-fed._tcp.example.org",
            "5 ms ask SRV _matrix._tcp.example.org",
            "6 ms ask AAAA a.example.net",
            "6 ms ask A a.example.net",
            "7 ms connect 192.0.2.1:8001 as example.org",
            "9 ms ask AAAA b.example.net",
            "9 ms ask A b.example.net",
            "10 ms connect 192.0.2.2:8002 as example.org",
        ]
    );
}

#[test]
fn a_port_or_a_literal_leaves_nothing_to_ask_ahead() {
    for name in ["example.org:9000", "192.0.2.1"] {
        let ahead = Script::connect(name).run();
        assert_eq!(
            ahead.lines(),
            Script::connect(name)
                .lookahead(Lookahead::None)
                .run()
                .lines()
        );
    }
}

#[test]
fn what_was_asked_ahead_is_cancelled_once_nobody_needs_it() {
    let mut s = Script::connect("example.org");
    s.well_known("example.org").delegates_to("192.0.2.7");
    s.srv("_matrix-fed._tcp.example.org").is_silent();
    s.srv("_matrix._tcp.example.org").is_silent();
    s.connect("192.0.2.7:8448").works();
    let run = s.run();
    let mut cancelled = run.cancelled();
    cancelled.sort();
    assert_eq!(
        cancelled,
        [
            "ask SRV _matrix-fed._tcp.example.org",
            "ask SRV _matrix._tcp.example.org"
        ]
    );
    assert_eq!(
        run.time_of("cancel ask SRV _matrix._tcp.example.org"),
        ms(4)
    );
    assert_eq!(run.elapsed, ms(6));
}

#[test]
fn the_deprecated_service_is_cancelled_once_the_registered_one_has_targets() {
    let mut s = Script::resolve("example.org");
    s.well_known("example.org").fails(404);
    s.srv("_matrix-fed._tcp.example.org")
        .gives([srv(0, 0, 8001, "a.example.net")]);
    s.srv("_matrix._tcp.example.org").is_silent();
    s.a("a.example.net").gives(["192.0.2.1"]);
    assert_eq!(s.run().cancelled(), ["ask SRV _matrix._tcp.example.org"]);
    assert_eq!(s.run().elapsed, ms(4));
}

#[test]
fn an_answer_that_is_still_on_its_way_is_waited_for_and_not_asked_for_again() {
    let mut s = fallback(Edition::V1_8, Lookahead::Dns);
    s.srv("_matrix-fed._tcp.example.org")
        .gives([srv(0, 0, 8001, "a.example.net")])
        .after(ms(10));
    s.a("a.example.net").gives(["192.0.2.1"]);
    s.connect("192.0.2.1:8001").works();
    let run = s.run();
    assert_eq!(
        run.questions()
            .iter()
            .filter(|q| q.starts_with("SRV _matrix-fed"))
            .count(),
        1
    );
    assert_eq!(run.elapsed, ms(13));
}

#[test]
fn no_connection_is_opened_ahead() {
    let mut s = fallback(Edition::V1_8, Lookahead::Dns);
    s.srv("_matrix-fed._tcp.example.org")
        .gives([srv(0, 0, 8001, "a.example.net")]);
    s.a("a.example.net").gives(["192.0.2.1"]);
    s.connect("192.0.2.1:8001").works();
    s.well_known("example.org").fails(404).after(ms(5_000));
    let run = s.run();
    assert_eq!(
        run.time_of("connect 192.0.2.1:8001 as example.org"),
        ms(5_003)
    );
}

#[test]
fn the_longest_chain_is_the_one_that_data_dependence_forces() {
    // DNS 1, connect 2, GET 1; draft-2019, r0.1 and v1.8
    for (what, mut s, trips) in [
        (
            "a literal: connect",
            Script::connect("192.0.2.1"),
            [2, 2, 2],
        ),
        // draft-2019 does not consult the port
        (
            "a port: DNS, connect",
            Script::connect("example.org:9000"),
            [6, 3, 3],
        ),
        (
            "neither: DNS, connect, GET, connect",
            Script::connect("example.org"),
            [6, 6, 6],
        ),
        (
            "SRV: DNS, connect, GET, connect",
            with_srv("example.org"),
            [4, 6, 6],
        ),
        (
            "delegated to a literal: DNS, connect, GET, connect",
            delegated("192.0.2.1"),
            [6, 6, 6],
        ),
        (
            "delegated with port: DNS, connect, GET, DNS, connect",
            delegated("host.example.net:9000"),
            [7, 7, 7],
        ),
        (
            "delegated: DNS, connect, GET, DNS, connect",
            delegated("host.example.net"),
            [7, 7, 7],
        ),
        (
            "delegated with SRV: DNS, connect, GET, DNS, DNS, connect",
            with_delegated_srv(),
            [8, 8, 8],
        ),
    ] {
        for port in [8448, 9000] {
            for address in ["192.0.2.1", "192.0.2.7", "192.0.2.9"] {
                s.connect(&format!("{address}:{port}")).works();
            }
        }
        if !s.pages.contains_key(URL) {
            s.well_known("example.org").fails(404);
        }
        s.a("example.org").gives(["192.0.2.1"]);
        let taken = Edition::ALL.map(|edition| s.clone().edition(edition).run().elapsed);
        assert_eq!(taken, trips.map(ms), "{what}");
    }
}

/// A name whose host itself works on 8448
fn fallback(edition: Edition, lookahead: Lookahead) -> Script {
    let mut s = Script::connect("example.org")
        .edition(edition)
        .lookahead(lookahead);
    s.well_known("example.org").fails(404);
    s.connect("198.51.100.1:8448").works();
    s
}

fn with_srv(host: &str) -> Script {
    srv_of(Script::connect("example.org"), host)
}

fn srv_of(mut s: Script, host: &str) -> Script {
    for service in ["_matrix-fed._tcp", "_matrix._tcp"] {
        s.srv(&format!("{service}.{host}"))
            .gives([srv(0, 0, 9000, "target.example.net")]);
    }
    s.a("target.example.net").gives(["192.0.2.9"]);
    s
}

fn delegated(to: &str) -> Script {
    let mut s = Script::connect("example.org");
    s.well_known("example.org").delegates_to(to);
    s.a("host.example.net").gives(["192.0.2.7"]);
    s
}

fn with_delegated_srv() -> Script {
    srv_of(delegated("host.example.net"), "host.example.net")
}

const URL: &str = "https://example.org/.well-known/matrix/server";
