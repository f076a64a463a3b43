//! The deadline of the whole search, one [`TICK`] before and on it.

use fedway_core::{DiscoveryErrorKind, Edition, Lookahead};
use fedway_testkit::script::{Goal, Script, Unscripted};

use crate::deadlines::{with_srv, with_well_known};
use crate::{TICK, secs};

#[test]
fn a_connection_one_tick_before_30_s_counts() {
    let mut s = Script::connect("192.0.2.1").config(|config| config.deadlines.connect = secs(60));
    s.connect("192.0.2.1:8448").works().after(secs(30) - TICK);
    assert_eq!(s.run().elapsed, secs(30) - TICK);
    assert_eq!(s.run().found().destination.step(), "1");
}

#[test]
fn a_connection_on_30_s_is_too_late_and_the_destination_is_told_all_the_same() {
    let mut s = Script::connect("192.0.2.1").config(|config| config.deadlines.connect = secs(60));
    s.connect("192.0.2.1:8448").works().after(secs(30));
    let run = s.run();
    let error = run.error();
    assert_eq!(
        (&error.kind, error.step()),
        (&DiscoveryErrorKind::TimedOut, "1")
    );
    assert_eq!(error.destination.as_ref().unwrap().host_header, "192.0.2.1");
    assert_eq!(run.elapsed, secs(30));
    assert_eq!(run.cancelled(), ["connect 192.0.2.1:8448 as 192.0.2.1"]);
    assert!(error.is_temporary());
}

#[test]
fn the_30_s_end_a_request_under_way() {
    let mut s = with_well_known().config(|config| config.deadlines.well_known = secs(60));
    s.well_known("example.org").hangs();
    let run = s.run();
    assert_eq!(
        (&run.error().kind, run.error().step()),
        (&DiscoveryErrorKind::TimedOut, "3")
    );
    assert_eq!(run.error().destination, None);
    assert_eq!(run.elapsed, secs(30));
    assert_eq!(
        run.cancelled(),
        ["get https://example.org/.well-known/matrix/server"]
    );
}

#[test]
fn the_30_s_end_an_srv_question_under_way_by_its_own_step() {
    for (edition, step) in [
        (Edition::Draft2019, "2"),
        (Edition::R0_1, "4"),
        (Edition::V1_8, "4"),
    ] {
        let mut s = with_srv()
            .edition(edition)
            .config(|config| config.deadlines.dns = secs(60));
        s.srv("_matrix-fed._tcp.example.org").is_silent();
        s.srv("_matrix._tcp.example.org").is_silent();
        let run = s.run();
        assert_eq!(
            (&run.error().kind, run.error().step()),
            (&DiscoveryErrorKind::TimedOut, step)
        );
        assert_eq!(run.elapsed, secs(30));
    }
}

#[test]
fn the_30_s_end_a_look_up_of_targets_under_way() {
    for goal in Goal::ALL {
        let mut s =
            Script::new(goal, "example.org:9000").config(|config| config.deadlines.dns = secs(60));
        s.a("example.org").is_silent();
        let run = s.run();
        assert_eq!(
            (&run.error().kind, run.error().step()),
            (&DiscoveryErrorKind::TimedOut, "2")
        );
        assert_eq!(
            (run.elapsed, run.cancelled()),
            (secs(30), vec!["ask A example.org".into()])
        );
    }
}

#[test]
fn a_search_that_nobody_answers_ends_within_30_s_in_every_edition() {
    for edition in Edition::ALL {
        for goal in Goal::ALL {
            for lookahead in [Lookahead::Dns, Lookahead::None] {
                for name in [
                    "example.org",
                    "example.org:9000",
                    "192.0.2.1",
                    "[2001:db8::1]:9000",
                ] {
                    let mut s = Script::new(goal, name)
                        .edition(edition)
                        .lookahead(lookahead);
                    s.unscripted = Unscripted::Silent;
                    assert!(
                        s.run().elapsed <= secs(30),
                        "{edition} {goal:?} {lookahead:?} {name}"
                    );
                }
            }
        }
    }
}
