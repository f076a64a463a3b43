//! Deadlines of single exchanges and of .well-known, one [`TICK`] before and on them.

use fedway_core::{
    AttemptError, ConnectError, DiscoveryErrorKind, DnsError, Edition, WellKnownError,
};
use fedway_testkit::script::{Script, srv};

use crate::{TICK, ms, secs};

#[test]
fn an_address_one_tick_before_5_s_counts() {
    let mut s = with_port();
    s.a("example.org")
        .gives(["192.0.2.1"])
        .after(secs(5) - TICK);
    let run = s.run();
    assert_eq!(
        run.time_of("connect 192.0.2.1:9000 as example.org"),
        secs(5) - TICK
    );
    assert_eq!(run.elapsed, secs(5) - TICK + ms(2));
}

#[test]
fn an_address_on_5_s_is_too_late() {
    let mut s = with_port();
    s.a("example.org").gives(["192.0.2.1"]).after(secs(5));
    let run = s.run();
    assert_eq!(
        run.error().kind,
        unreachable(AttemptError::Dns(DnsError::TimedOut))
    );
    assert_eq!(
        (run.elapsed, run.cancelled()),
        (secs(5), vec!["ask A example.org".into()])
    );
    assert!(run.error().is_temporary());
}

#[test]
fn srv_one_tick_before_5_s_counts() {
    let mut s = with_srv();
    s.srv("_matrix-fed._tcp.example.org").after(secs(5) - TICK);
    let run = s.run();
    assert_eq!(run.found().destination.step(), "4");
    assert!(!run.found().notes.provisional);
}

#[test]
fn srv_on_5_s_counts_as_unanswered() {
    let mut s = with_srv();
    s.srv("_matrix-fed._tcp.example.org").after(secs(5));
    let run = s.run();
    assert_eq!(run.found().destination.step(), "6");
    assert!(run.found().notes.provisional);
}

#[test]
fn a_question_asked_ahead_has_5_s_of_its_own() {
    let mut s = with_srv();
    // The question of step 4 was asked at 0 ms, and step 3 takes 7 s
    s.well_known("example.org").fails(404).after(secs(7));
    s.srv("_matrix-fed._tcp.example.org").is_silent();
    let run = s.run();
    assert_eq!(run.cancelled(), ["ask SRV _matrix-fed._tcp.example.org"]);
    assert_eq!(
        run.time_of("cancel ask SRV _matrix-fed._tcp.example.org"),
        secs(5)
    );
    assert_eq!(run.found().destination.step(), "6");
}

#[test]
fn a_session_one_tick_before_5_s_counts() {
    let mut s = Script::connect("192.0.2.1");
    s.connect("192.0.2.1:8448").works().after(secs(5) - TICK);
    assert_eq!(s.run().elapsed, secs(5) - TICK);
    assert_eq!(s.run().found().destination.step(), "1");
}

#[test]
fn a_session_on_5_s_is_too_late() {
    let mut s = Script::connect("192.0.2.1");
    s.connect("192.0.2.1:8448").works().after(secs(5));
    let run = s.run();
    assert_eq!(
        run.error().kind,
        unreachable(AttemptError::Connect(ConnectError::TimedOut))
    );
    assert_eq!(run.elapsed, secs(5));
    assert_eq!(run.cancelled(), ["connect 192.0.2.1:8448 as 192.0.2.1"]);
}

#[test]
fn each_attempt_to_connect_has_5_s_of_its_own() {
    let mut s = with_port();
    s.a("example.org").gives(["192.0.2.1", "192.0.2.2"]);
    s.connect("192.0.2.1:9000").hangs();
    s.connect("192.0.2.2:9000").hangs();
    let run = s.run();
    assert_eq!(
        run.time_of("cancel connect 192.0.2.1:9000 as example.org"),
        ms(5_001)
    );
    assert_eq!(
        run.time_of("cancel connect 192.0.2.2:9000 as example.org"),
        ms(5_251)
    );
    assert_eq!(run.elapsed, ms(5_251));
}

#[test]
fn a_response_one_tick_before_10_s_counts_with_look_up_and_connect_included() {
    let mut s = with_well_known();
    s.well_known("example.org").after(secs(10) - ms(3) - TICK);
    let run = s.run();
    assert_eq!(run.found().destination.step(), "3.1");
    assert_eq!(
        run.time_of("connect 192.0.2.7:8448 as 192.0.2.7"),
        secs(10) - TICK
    );
}

#[test]
fn a_response_on_10_s_is_too_late_and_an_error_like_any_other() {
    for (edition, step) in [(Edition::R0_1, "5"), (Edition::V1_8, "6")] {
        let mut s = with_well_known().edition(edition);
        s.well_known("example.org").after(secs(10) - ms(3));
        let run = s.run();
        assert_eq!(run.found().destination.step(), step);
        assert_eq!(
            run.found().notes.well_known.clone().unwrap().error,
            Some(WellKnownError::TimedOut)
        );
        assert_eq!(
            run.time_of("cancel get https://example.org/.well-known/matrix/server"),
            secs(10)
        );
    }
}

#[test]
fn draft_2019_counts_the_10_s_from_the_end_of_its_srv_step() {
    let mut s = with_well_known().edition(Edition::Draft2019);
    s.srv("_matrix._tcp.example.org").is_absent().after(secs(1));
    s.well_known("example.org").hangs();
    let run = s.run();
    assert_eq!(run.found().destination.step(), "4");
    assert_eq!(
        run.time_of("cancel get https://example.org/.well-known/matrix/server"),
        secs(11)
    );
}

#[test]
fn the_10_s_cover_all_redirects_together() {
    for (last, step) in [(secs(5) - ms(6) - TICK, "3.1"), (secs(5) - ms(6), "6")] {
        let mut s = with_well_known();
        s.well_known("example.org")
            .redirects(302, "/a")
            .after(secs(5));
        s.get("https://example.org/a")
            .redirects(302, "/b")
            .after(ms(1));
        // Look-up and connect of the first hop, connect of the others: 1 + 2 + 2 + 1 + 2 ms
        s.get("https://example.org/b")
            .delegates_to("192.0.2.7")
            .after(last - ms(2));
        assert_eq!(s.run().found().destination.step(), step);
    }
}

#[test]
fn the_10_s_end_a_connection_under_way() {
    let mut s = with_well_known();
    s.well_known("example.org")
        .redirects(302, "https://web.example.com/")
        .after(secs(9));
    s.get("https://web.example.com/").delegates_to("192.0.2.7");
    s.connect("198.51.100.2:443").hangs();
    let run = s.run();
    assert_eq!(
        run.time_of("cancel connect 198.51.100.2:443 as web.example.com"),
        secs(10)
    );
    assert_eq!(run.found().destination.step(), "6");
}

#[test]
fn the_10_s_end_a_look_up_under_way() {
    let mut s = with_well_known();
    s.well_known("example.org")
        .redirects(302, "https://web.example.com/")
        .after(secs(9));
    s.get("https://web.example.com/").delegates_to("192.0.2.7");
    s.a("web.example.com").is_silent();
    let run = s.run();
    assert_eq!(run.time_of("cancel ask A web.example.com"), secs(10));
    assert_eq!(run.found().destination.step(), "6");
}

#[test]
fn deadlines_can_be_configured() {
    let mut s = with_port().config(|config| config.deadlines.dns = ms(10));
    s.a("example.org").is_silent();
    assert_eq!(s.run().elapsed, ms(10));
    let mut s = Script::connect("192.0.2.1").config(|config| config.deadlines.connect = ms(20));
    s.connect("192.0.2.1:8448").hangs();
    assert_eq!(s.run().elapsed, ms(20));
    let mut s = with_well_known().config(|config| config.deadlines.well_known = ms(40));
    s.well_known("example.org").hangs();
    assert_eq!(s.run().elapsed, ms(42));
    let mut s = with_well_known().config(|config| config.deadlines.search = ms(30));
    s.well_known("example.org").hangs();
    assert_eq!(s.run().elapsed, ms(30));
}

fn with_port() -> Script {
    let mut s = Script::connect("example.org:9000");
    s.connect("192.0.2.1:9000").works();
    s
}

/// SRV leads to a target that works; without it, the host itself works
pub(crate) fn with_srv() -> Script {
    let mut s = Script::connect("example.org");
    s.well_known("example.org").fails(404);
    s.srv("_matrix-fed._tcp.example.org")
        .gives([srv(0, 0, 8448, "host.example.net")]);
    s.a("host.example.net").gives(["192.0.2.7"]);
    s.connect("192.0.2.7:8448").works();
    s.connect("198.51.100.1:8448").works();
    s
}

/// .well-known leads to a server that works; without it, the host itself works
pub(crate) fn with_well_known() -> Script {
    let mut s = Script::connect("example.org");
    s.well_known("example.org").delegates_to("192.0.2.7");
    s.connect("192.0.2.7:8448").works();
    s.connect("198.51.100.1:8448").works();
    s
}

fn unreachable(cause: AttemptError) -> DiscoveryErrorKind {
    DiscoveryErrorKind::Unreachable(cause)
}
