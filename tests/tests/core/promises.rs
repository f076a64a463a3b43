//! What the machine promises to whoever drives it: ids, cancellations, an end.

use std::collections::BTreeSet;

use fedway_core::{Action, DiscoveryErrorKind, Edition, Instant, Machine, Step};
use fedway_testkit::script::{Dice, Goal, Script, srv};

use crate::by_hand::{acts, answered, at, rest, with_port};
use crate::contract::{delegated, with_srv};
use crate::ms;

#[test]
fn what_was_never_given_out_is_never_cancelled() {
    for script in [
        with_port(),
        delegated(),
        with_srv(),
        Script::connect("192.0.2.1"),
    ] {
        for time in [5_000, 10_000, 30_000] {
            let mut search = script.start();
            search.handle_timeout(at(time));
            let steps = rest(&mut search);
            assert!(
                !steps.iter().any(|step| step.starts_with("Cancel")),
                "at {time} ms: {steps:?}"
            );
        }
    }
}

#[test]
fn a_search_whose_actions_are_all_dropped_ends_by_its_deadlines() {
    for edition in Edition::ALL {
        for goal in Goal::ALL {
            for name in ["example.org", "example.org:9000", "192.0.2.1"] {
                let mut search = Script::new(goal, name).edition(edition).start();
                let mut now = Instant::ORIGIN;
                let outcome = loop {
                    match search.poll() {
                        Step::Act(_) | Step::Cancel(_) => {}
                        Step::Done(outcome) => break Some(outcome),
                        Step::Wait { until: Some(until) } => {
                            assert!(until > now);
                            now = until;
                            search.handle_timeout(now);
                        }
                        Step::Wait { until: None } => break None,
                    }
                };
                assert_eq!(
                    outcome.unwrap().is_ok(),
                    goal == Goal::Resolve && name == "192.0.2.1"
                );
                assert!(now <= at(30_000));
            }
        }
    }
}

#[test]
fn after_done_nothing_is_said_whatever_comes() {
    let mut search = Script::connect("192.0.2.1").start();
    let connected = acts(&mut search).into_iter().map(answered).next().unwrap();
    search.handle(connected.clone(), at(2));
    assert!(matches!(search.poll(), Step::Done(Ok(_))));
    for time in [2, 1, 5_000, 30_000, 1_000_000] {
        search.handle(connected.clone(), at(time));
        search.handle_timeout(at(time));
        assert!(matches!(search.poll(), Step::Wait { until: None }));
    }
}

#[test]
fn an_outcome_outlives_the_deadline_of_the_search_that_nobody_polled() {
    let mut search = Script::connect("192.0.2.1").start();
    let connected = acts(&mut search).into_iter().map(answered).next().unwrap();
    search.handle(connected, at(2));
    search.handle_timeout(at(30_000));
    assert!(matches!(search.poll(), Step::Done(Ok(_))));
}

#[test]
fn the_deadline_of_the_whole_search_is_told_as_what_ended_it() {
    let s = delegated().config(|config| config.deadlines.search = ms(4_999));
    let mut search = s.start();
    drop(acts(&mut search));
    search.handle_timeout(at(4_999));
    let outcome = loop {
        match search.poll() {
            Step::Cancel(_) => {}
            Step::Done(outcome) => break outcome,
            step @ (Step::Act(_) | Step::Wait { .. }) => panic!("its time is over: {step:?}"),
        }
    };
    assert_eq!(outcome.unwrap_err().kind, DiscoveryErrorKind::TimedOut);
}

#[test]
fn ids_are_never_given_out_twice() {
    // A question asked ahead, given up and needed after all gets another one
    let mut s = Script::resolve("example.org");
    s.well_known("example.org").delegates_to("host.example.net");
    s.srv("_matrix-fed._tcp.example.org")
        .gives([srv(0, 0, 1, "host.example.net")]);
    s.a("host.example.net").gives(["192.0.2.7"]).after(ms(100));
    s.srv("_matrix._tcp.host.example.net").is_silent();
    // The script panics where one is
    assert_eq!(s.run().found().destination.step(), "3.5");

    let mut search = s.start();
    let ids: Vec<_> = acts(&mut search).iter().map(Action::id).collect();
    assert_eq!(ids.iter().collect::<BTreeSet<_>>().len(), ids.len());
}

#[test]
fn the_same_search_takes_the_same_steps() {
    for seed in 0..200 {
        let mut dice = Dice::new(seed).with_silence();
        let answers = dice.answers();
        let s = Script::connect(dice.server_name())
            .seed(seed)
            .answers(answers);
        assert_eq!(s.run(), s.run(), "seed {seed}");
    }
}

#[test]
fn a_copy_of_a_search_goes_its_own_way() {
    let mut search = with_port().start();
    let events: Vec<_> = acts(&mut search).into_iter().map(answered).collect();
    let mut copy = search.clone();
    for event in events {
        copy.handle(event, at(1));
    }
    assert!(matches!(copy.poll(), Step::Act(Action::Connect(_))));
    assert!(matches!(search.poll(), Step::Wait { .. }));
}
