//! Racing the addresses of a host (RFC 8305).

use fedway_core::{AttemptError, ConnectError, DiscoveryErrorKind};
use fedway_testkit::script::Script;

use crate::{TICK, ms, secs};

#[test]
fn aaaa_and_a_are_asked_at_once_aaaa_first() {
    let run = host([V6], [V4]).run();
    assert_eq!(
        run.lines()[..2],
        ["0 ms ask AAAA example.org", "0 ms ask A example.org"]
    );
}

#[test]
fn ipv6_is_tried_first() {
    let mut s = host([V6], [V4]);
    s.connect(V6_9000).works();
    assert_eq!(s.run().connects(), ["[2001:db8::1]:9000 as example.org"]);
}

#[test]
fn ipv6_is_tried_first_even_if_a_was_answered_first() {
    let mut s = host([V6], [V4]);
    s.aaaa("example.org").after(ms(30));
    s.connect(V6_9000).works();
    let run = s.run();
    assert_eq!(run.connects(), ["[2001:db8::1]:9000 as example.org"]);
    assert_eq!(run.elapsed, ms(32));
}

#[test]
fn aaaa_does_not_wait_for_a() {
    let mut s = host([V6], [V4]);
    s.a("example.org").is_silent();
    s.connect(V6_9000).works();
    let run = s.run();
    assert_eq!(run.elapsed, ms(3));
    assert_eq!(run.cancelled(), ["ask A example.org"]);
}

#[test]
fn an_aaaa_answer_one_tick_before_the_end_of_the_resolution_delay_goes_first() {
    let mut s = host([V6], [V4]);
    // A is there at 1 ms
    s.aaaa("example.org").after(ms(51) - TICK);
    s.connect(V6_9000).works();
    let run = s.run();
    assert_eq!(run.connects(), ["[2001:db8::1]:9000 as example.org"]);
    assert_eq!(run.elapsed, ms(53) - TICK);
}

#[test]
fn an_aaaa_answer_on_the_end_of_the_resolution_delay_goes_second() {
    let mut s = host([V6], [V4]);
    s.aaaa("example.org").after(ms(51));
    s.connect(V4_9000).hangs();
    s.connect(V6_9000).works();
    assert_eq!(
        s.run().lines()[2..],
        [
            "51 ms connect 192.0.2.1:9000 as example.org",
            "301 ms connect [2001:db8::1]:9000 as example.org",
            "303 ms cancel connect 192.0.2.1:9000 as example.org",
        ]
    );
}

#[test]
fn an_aaaa_that_is_absent_or_fails_ends_the_resolution_delay_at_once() {
    let mut s = host([V6], [V4]);
    s.connect(V4_9000).works();
    s.aaaa("example.org").is_absent().after(ms(10));
    assert_eq!(s.run().elapsed, ms(12));
    s.aaaa("example.org").servfails();
    assert_eq!(s.run().elapsed, ms(12));
    s.aaaa("example.org").gives(["fe80::1"]);
    assert_eq!(s.run().elapsed, ms(12));
}

#[test]
fn families_take_turns_and_the_rest_of_the_longer_follows() {
    let mut s = host(
        [V6, "2001:db8::2", "2001:db8::3", "2001:db8::4"],
        [V4, "192.0.2.2"],
    );
    for address in [
        "[2001:db8::1]",
        "[2001:db8::2]",
        "[2001:db8::3]",
        "192.0.2.1",
        "192.0.2.2",
    ] {
        s.connect(&format!("{address}:9000")).hangs();
    }
    s.connect("[2001:db8::4]:9000").works();
    let run = s.run();
    assert_eq!(
        run.lines()[2..8],
        [
            "1 ms connect [2001:db8::1]:9000 as example.org",
            "251 ms connect 192.0.2.1:9000 as example.org",
            "501 ms connect [2001:db8::2]:9000 as example.org",
            "751 ms connect 192.0.2.2:9000 as example.org",
            "1001 ms connect [2001:db8::3]:9000 as example.org",
            "1251 ms connect [2001:db8::4]:9000 as example.org",
        ]
    );
    let tried: Vec<_> = run
        .dialled()
        .into_iter()
        .map(|dialled| dialled.address)
        .collect();
    assert_eq!(
        run.found().destination.addresses().collect::<Vec<_>>(),
        tried
    );
}

#[test]
fn a_session_one_tick_before_the_attempt_delay_is_the_only_attempt() {
    let mut s = host([V6], [V4]);
    s.connect(V6_9000).works().after(ms(250) - TICK);
    assert_eq!(s.run().connects(), ["[2001:db8::1]:9000 as example.org"]);
    assert_eq!(s.run().cancelled(), [""; 0]);
}

#[test]
fn a_session_on_the_attempt_delay_wins_although_the_next_attempt_is_due() {
    let mut s = host([V6], [V4]);
    s.connect(V6_9000).works().after(ms(250));
    s.connect(V4_9000).works();
    let run = s.run();
    assert_eq!(
        run.found().connection.as_ref().unwrap().address.to_string(),
        V6_9000
    );
    // The reply and the attempt fall on one moment: the attempt is over before it could be given out
    assert_eq!(run.connects(), ["[2001:db8::1]:9000 as example.org"]);
    assert_eq!(run.elapsed, ms(251));
}

#[test]
fn the_attempt_delay_counts_from_the_last_attempt() {
    let mut s = host([V6], [V4, "192.0.2.2"]);
    s.connect(V6_9000).hangs();
    s.connect(V4_9000).fails(ConnectError::Reset).after(ms(100));
    s.connect("192.0.2.2:9000").works();
    let run = s.run();
    assert_eq!(
        run.time_of("connect 192.0.2.1:9000 as example.org"),
        ms(251)
    );
    assert_eq!(
        run.time_of("connect 192.0.2.2:9000 as example.org"),
        ms(351)
    );
    assert_eq!(run.elapsed, ms(353));
}

#[test]
fn a_failure_starts_the_next_attempt_at_once() {
    let mut s = host([V6], [V4]);
    s.connect(V6_9000).refused();
    s.connect(V4_9000).works();
    let run = s.run();
    assert_eq!(
        run.lines()[2..],
        [
            "1 ms connect [2001:db8::1]:9000 as example.org",
            "3 ms connect 192.0.2.1:9000 as example.org",
        ]
    );
    assert_eq!(run.elapsed, ms(5));
    assert_eq!(run.found().notes.attempts.len(), 1);
}

#[test]
fn a_failed_handshake_starts_the_next_attempt_as_a_closed_port_does() {
    let mut s = host([V6], [V4]);
    s.connect(V6_9000).is_untrusted();
    s.connect(V4_9000).works();
    assert_eq!(s.run().elapsed, ms(5));
}

#[test]
fn losers_are_cancelled_before_the_winner_is_told() {
    let mut s = host([V6], [V4]);
    s.connect(V6_9000).hangs();
    s.connect(V4_9000).works();
    assert_eq!(
        s.run().lines()[2..],
        [
            "1 ms connect [2001:db8::1]:9000 as example.org",
            "251 ms connect 192.0.2.1:9000 as example.org",
            "253 ms cancel connect [2001:db8::1]:9000 as example.org",
        ]
    );
}

#[test]
fn an_earlier_attempt_may_still_win() {
    let mut s = host([V6], [V4]);
    s.connect(V6_9000).works().after(ms(300));
    s.connect(V4_9000).works().after(ms(51));
    let run = s.run();
    assert_eq!(
        run.found().connection.as_ref().unwrap().address.to_string(),
        V6_9000
    );
    assert_eq!(run.cancelled(), ["connect 192.0.2.1:9000 as example.org"]);
}

#[test]
fn addresses_that_come_late_are_tried_once_the_others_have_failed() {
    let mut s = host([V6], [V4]);
    s.aaaa("example.org").after(secs(4));
    s.connect(V4_9000).refused();
    s.connect(V6_9000).works();
    let run = s.run();
    assert_eq!(run.time_of("connect 192.0.2.1:9000 as example.org"), ms(51));
    assert_eq!(
        run.time_of("connect [2001:db8::1]:9000 as example.org"),
        secs(4)
    );
    assert_eq!(run.elapsed, ms(4_002));
}

#[test]
fn addresses_that_come_late_join_the_race_at_the_next_attempt() {
    let mut s = host([V6], [V4, "192.0.2.2"]);
    s.aaaa("example.org").after(ms(100));
    s.connect(V4_9000).hangs();
    s.connect(V6_9000).works();
    let run = s.run();
    assert_eq!(
        run.time_of("connect [2001:db8::1]:9000 as example.org"),
        ms(301)
    );
}

#[test]
fn a_winner_ends_the_wait_for_the_other_family() {
    let mut s = host([V6], [V4]);
    s.aaaa("example.org").is_silent();
    s.connect(V4_9000).works();
    let run = s.run();
    assert_eq!(
        (run.elapsed, run.cancelled()),
        (ms(53), vec!["ask AAAA example.org".into()])
    );
}

#[test]
fn the_search_has_failed_when_every_address_has() {
    let mut s = host([V6], [V4]);
    s.connect(V6_9000).fails(ConnectError::Unreachable);
    s.connect(V4_9000).fails(ConnectError::Refused);
    let run = s.run();
    let cause = AttemptError::Connect(ConnectError::Refused);
    assert_eq!(run.error().kind, DiscoveryErrorKind::Unreachable(cause));
    let attempts: Vec<_> = run
        .error()
        .notes
        .attempts
        .iter()
        .map(ToString::to_string)
        .collect();
    assert_eq!(
        attempts,
        [
            "example.org at [2001:db8::1]:9000: connection failed: address unreachable",
            "example.org at 192.0.2.1:9000: connection failed: connection refused",
        ]
    );
}

#[test]
fn a_connection_that_failed_tells_more_than_a_look_up_that_fails_later() {
    let mut s = host([V6], [V4]);
    s.aaaa("example.org").is_silent();
    s.connect(V4_9000).is_untrusted();
    let run = s.run();
    assert_eq!(run.elapsed, secs(5));
    let DiscoveryErrorKind::Unreachable(cause) = &run.error().kind else {
        panic!("the only address has failed")
    };
    assert!(
        matches!(cause, AttemptError::Connect(ConnectError::Tls(_))),
        "{cause:?}"
    );
}

#[test]
fn an_address_given_twice_is_tried_once() {
    let run = host([V6, V6], [V4, V4]).run();
    assert_eq!(run.connects().len(), 2);
}

#[test]
fn sixteen_addresses_of_a_family_are_looked_at_and_not_one_more() {
    let all: Vec<_> = (1..=17).map(|last| format!("192.0.2.{last}")).collect();
    let mut s =
        Script::connect("example.org:9000").config(|config| config.limits.attempts_per_host = 32);
    s.a("example.org").gives(all.iter().map(String::as_str));
    let run = s.run();
    assert_eq!(run.connects().len(), 16);
    assert_eq!(run.connects()[15], "192.0.2.16:9000 as example.org");
}

#[test]
fn an_address_of_the_other_family_in_an_answer_is_not_used() {
    assert_eq!(host([V4], [V6]).run().connects(), [""; 0]);
}

#[test]
fn both_delays_can_be_configured() {
    let mut s = host([V6], [V4, "192.0.2.2"]).config(|config| {
        config.racing.resolution_delay = ms(10);
        config.racing.attempt_delay = ms(20);
    });
    s.aaaa("example.org").is_silent();
    s.connect(V4_9000).hangs();
    let run = s.run();
    assert_eq!(run.time_of("connect 192.0.2.1:9000 as example.org"), ms(11));
    assert_eq!(run.time_of("connect 192.0.2.2:9000 as example.org"), ms(31));
}

#[test]
fn the_web_server_of_well_known_is_raced_for_as_well() {
    let mut s = Script::connect("example.org");
    s.well_known("example.org").delegates_to("192.0.2.7");
    s.aaaa("example.org").gives([V6]);
    s.a("example.org").gives([V4]);
    s.connect("[2001:db8::1]:443").hangs();
    s.connect("192.0.2.7:8448").works();
    let run = s.run();
    assert_eq!(
        run.cancelled()[0],
        "connect [2001:db8::1]:443 as example.org"
    );
    assert_eq!(
        run.gets()[0].connection.address.to_string(),
        "192.0.2.1:443"
    );
    assert_eq!(run.time_of("connect 192.0.2.1:443 as example.org"), ms(251));
}

/// A server name with a port, its host having these addresses; connections are refused
fn host<const A: usize, const B: usize>(v6: [&str; A], v4: [&str; B]) -> Script {
    let mut s = Script::connect("example.org:9000");
    s.aaaa("example.org").gives(v6);
    s.a("example.org").gives(v4);
    s
}

const V4: &str = "192.0.2.1";
const V6: &str = "2001:db8::1";
const V4_9000: &str = "192.0.2.1:9000";
const V6_9000: &str = "[2001:db8::1]:9000";
