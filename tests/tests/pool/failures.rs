//! What could not be had: back-off, and the old that serves meanwhile.

use std::time::Duration;

use fedway_core::{DnsError, Outcome};
use fedway_testkit::Visits;
use fedway_testkit::script::Script;

use crate::{HOUR, TICK, WELL_KNOWN, by_port, delegated, ms, secs, visit, visited};

#[test]
fn a_failure_of_well_known_is_left_alone_for_a_minute_then_twice_as_long_each_time_up_to_an_hour() {
    let mut s = Script::resolve("example.org");
    s.a("example.org").gives(["192.0.2.1"]).lasts(secs(86_400));
    s.aaaa("example.org").is_absent().lasts(secs(86_400));
    s.well_known("example.org").fails(503);
    let mut visits = Visits::new(&s);
    visits.visit();
    let mut waits = Vec::new();
    let mut last = visits.now();
    while waits.len() < 9 {
        visits.wait(secs(1));
        let run = visits.visit();
        visits.rest();
        if run
            .log
            .iter()
            .any(|it| it.command.to_string() == WELL_KNOWN)
            || visits.commands().iter().any(|it| it == WELL_KNOWN)
        {
            waits.push(visits.now().saturating_since(last).as_secs());
            last = visits.now();
        }
    }
    // It is asked anew in the last fifth, and up to a tenth is taken off by chance
    let wholes = [60, 120, 240, 480, 960, 1_920, 3_600, 3_600, 3_600];
    for (wait, whole) in waits.iter().zip(wholes) {
        assert!((whole * 7 / 10..=whole).contains(wait), "{waits:?}");
    }
}

#[test]
fn a_server_that_was_down_is_found_as_soon_as_its_back_off_is_over() {
    let mut s = delegated(HOUR);
    let healthy = s.clone();
    s.well_known("example.org").fails(503);
    let mut visits = visited(&s);
    let (addresses, _) = visit(&mut visits);
    assert_eq!(addresses, ["192.0.2.1:8448"]);
    *visits.answers() = healthy.answers_settled();
    visits.wait(secs(60));
    assert_eq!(visit(&mut visits).0, ["192.0.2.7:8449"]);
}

#[test]
fn a_back_off_ends_in_time_for_the_old_to_be_renewed_before_it_serves_no_longer() {
    let mut s = delegated(HOUR);
    let healthy = s.clone();
    let mut visits = visited(&s);
    s.well_known("example.org").fails(503);
    *visits.answers() = s.answers_settled();
    visits.wait(secs(1));
    let used = visit(&mut visits);
    // Until shortly before the end of its life and of stale serving, 10 s before which it is asked for once more
    visits.wait(secs(3 * HOUR - 13));
    *visits.answers() = healthy.answers_settled();
    visits.commands();
    visits.wait(secs(1));
    assert_eq!(visits.commands(), [""; 0]);
    visits.wait(secs(2));
    assert!(visits.commands().contains(&WELL_KNOWN.into()));
    visits.wait(secs(10));
    assert_eq!(visit(&mut visits), used);
}

#[test]
fn a_delegation_that_cannot_be_renewed_serves_to_its_end_and_two_hours_more_as_provisional() {
    let mut visits = visited(&delegated(HOUR));
    visits.answers().well_known("example.org").fails(503);
    // Wanted in the last fifth: the renewal fails
    visits.wait(secs(3_000));
    assert!(!visits.visit().found().notes.provisional);
    visits.rest();
    visits.wait(secs(590));
    let run = visits.visit();
    assert_eq!(
        (run.elapsed, run.found().notes.provisional),
        (Duration::ZERO, false)
    );
    // Beyond its end, at once
    visits.wait(secs(60));
    for _ in 0..100 {
        let run = visits.visit();
        let found = run.found();
        let end = visits.now() >= fedway_core::Instant::from_origin(secs(HOUR + 7_200));
        if end {
            break;
        }
        assert_eq!(run.elapsed, Duration::ZERO, "{run}");
        assert!(found.notes.provisional);
        assert_eq!(found.destination.step(), "3.2");
        visits.wait(secs(72));
    }
    visits.wait(secs(200));
    let run = visits.visit();
    assert_eq!(run.found().destination.step(), "6");
}

#[test]
fn a_delegation_that_has_ended_before_anybody_wanted_it_serves_only_once_it_could_not_be_renewed() {
    let mut visits = visited(&delegated(HOUR));
    visits.answers().well_known("example.org").fails(503);
    visits.wait(secs(HOUR));
    let run = visits.visit();
    // It was asked for first
    assert_ne!(run.elapsed, Duration::ZERO);
    assert_eq!(run.found().destination.step(), "3.2");
    assert!(run.found().notes.provisional);
}

#[test]
fn the_old_is_not_served_a_tick_beyond_two_hours() {
    for (more, step) in [(secs(7_200) - TICK, "3.2"), (secs(7_200), "6")] {
        let mut visits = Visits::new(&delegated(HOUR));
        visits.visit();
        let end = secs(HOUR) + ms(4);
        visits.answers().well_known("example.org").hangs();
        // The request for the new one fails on the last moment: it has ten seconds
        visits.wait(end + more - secs(10) - visits.now().since_origin());
        assert_eq!(visits.visit().found().destination.step(), step);
    }
}

#[test]
fn a_moved_delegation_is_taken_up_when_it_is_renewed() {
    let mut visits = visited(&delegated(HOUR));
    visits
        .answers()
        .well_known("example.org")
        .delegates_to("192.0.2.8:8450");
    visits.wait(secs(3_000));
    assert_eq!(visit(&mut visits).0, ["192.0.2.7:8449"]);
    visits.rest();
    assert_eq!(visit(&mut visits).0, ["192.0.2.8:8450"]);
}

#[test]
fn a_failure_of_dns_is_kept_for_5_s_and_the_old_serves_beyond_its_end() {
    let mut s = by_port(secs(60));
    s.a("example.org").servfails();
    let mut visits = visited(&s);
    visits.wait(secs(3));
    assert_eq!(visit(&mut visits).1, [""; 0]);
    visits.wait(secs(2));
    assert_eq!(visit(&mut visits).1, ["ask A example.org"]);

    let mut visits = visited(&by_port(secs(60)));
    visits.answers().a("example.org").servfails();
    visits.wait(secs(60));
    let run = visits.visit();
    assert_eq!(run.questions(), ["A example.org"]);
    assert!(run.found().notes.provisional);
    let again = visits.visit();
    assert_eq!((again.elapsed, again.questions()), (Duration::ZERO, vec![]));
    // It comes back
    visits.answers().a("example.org").gives(["192.0.2.9"]);
    visits.wait(secs(5));
    assert_eq!(visit(&mut visits).0, ["192.0.2.7:8449"]);
    visits.rest();
    assert_eq!(visit(&mut visits).0, ["192.0.2.9:8449"]);
}

#[test]
fn an_srv_question_that_nobody_could_answer_is_asked_again_after_5_s() {
    let mut s = crate::by_srv();
    s.srv("_matrix-fed._tcp.example.org").servfails();
    let mut visits = Visits::new(&s);
    let run = visits.visit();
    assert!(run.found().notes.provisional);
    assert_eq!(run.found().destination.step(), "6");
    visits.rest();
    *visits.answers() = crate::by_srv().answers_settled();
    visits.wait(secs(5));
    assert_eq!(visits.visit().found().destination.step(), "4");
}

#[test]
fn what_this_machine_lacked_is_no_fact() {
    let mut s = by_port(secs(60));
    s.a("example.org").fails(DnsError::OutOfResources);
    let mut visits = Visits::new(&s);
    assert_eq!(visits.visit().error().fault(), fedway_core::Fault::Ours);
    visits.answers().a("example.org").gives(["192.0.2.7"]);
    assert_eq!(visit(&mut visits).0, ["192.0.2.7:8449"]);
}

#[test]
fn a_sign_of_life_ends_a_back_off() {
    let mut s = delegated(HOUR);
    let healthy = s.answers_settled();
    s.well_known("example.org").fails(503);
    let mut visits = visited(&s);
    *visits.answers() = healthy;
    visits.wait(secs(5));
    assert_eq!(visit(&mut visits).0, ["192.0.2.1:8448"]);
    let now = visits.now();
    assert!(
        visits
            .pool()
            .report(&"example.org".parse().unwrap(), Outcome::Alive, now)
    );
    assert_eq!(visit(&mut visits).0, ["192.0.2.7:8449"]);
}

#[test]
fn a_name_that_fails_is_remembered_as_long_as_its_facts_say() {
    let mut s = Script::resolve("example.org:8449");
    s.a("example.org").has_no_such_name().lasts(secs(100));
    s.aaaa("example.org").has_no_such_name().lasts(secs(100));
    let mut visits = visited(&s);
    visits.wait(secs(79));
    let run = visits.visit();
    assert!(run.outcome.is_err());
    assert_eq!(run.questions(), [""; 0]);
    visits.answers().a("example.org").gives(["192.0.2.7"]);
    visits.wait(secs(21));
    assert_eq!(visit(&mut visits).0, ["192.0.2.7:8449"]);
}

#[test]
fn an_outage_of_dns_is_asked_through_a_few_times_and_not_every_five_seconds() {
    let mut visits = visited(&by_port(secs(300)));
    let _ = visits.visit();
    visits.answers().a("example.org").servfails();
    let (mut asked, mut used) = (0, 0);
    visits.commands();
    for _ in 0..60 {
        visits.wait(secs(60));
        let commands = visits.commands();
        asked += commands
            .iter()
            .filter(|it| *it == "ask A example.org")
            .count();
        let run = visits.visit();
        assert_eq!(run.elapsed, Duration::ZERO, "{run}");
        used += 1;
        asked += run
            .questions()
            .iter()
            .filter(|it| *it == "A example.org")
            .count();
    }
    // Once a use at most, and a few times besides
    assert!(
        asked <= used + 12,
        "{asked} questions in an hour of {used} uses"
    );
}
