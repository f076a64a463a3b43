//! One family of addresses alone: nothing is asked of the other.

use fedway_core::{Absence, AttemptError, DiscoveryErrorKind, Families, Family};
use fedway_testkit::script::{Goal, Script, srv};

#[test]
fn nothing_is_asked_of_a_family_that_is_off() {
    for goal in Goal::ALL {
        for (families, other) in [(Families::V4, "AAAA"), (Families::V6, "A ")] {
            let mut s =
                Script::new(goal, "example.org").config(|config| config.families = families);
            s.well_known("example.org").delegates_to("a.example.net");
            s.srv("_matrix-fed._tcp.a.example.net")
                .gives([srv(0, 0, 8001, "b.example.net")]);
            s.a("b.example.net").gives(["192.0.2.1"]);
            s.aaaa("b.example.net").gives(["2001:db8::1"]);
            s.connect("192.0.2.1:8001").works();
            s.connect("[2001:db8::1]:8001").works();
            let run = s.run();
            let mut questions = run.questions().into_iter();
            assert!(
                questions.all(|question| !question.starts_with(other)),
                "{run}"
            );
        }
    }
}

#[test]
fn the_family_that_is_on_is_dialled_without_waiting_for_the_other() {
    let mut s = Script::connect("example.org:9000").config(|config| config.families = Families::V4);
    s.a("example.org").gives(["192.0.2.1"]);
    s.aaaa("example.org").gives(["2001:db8::1"]);
    s.connect("192.0.2.1:9000").works();
    let run = s.run();
    assert_eq!(run.connects(), ["192.0.2.1:9000 as example.org"]);
    assert_eq!(run.elapsed, crate::ms(3));
}

#[test]
fn a_host_without_an_address_of_the_family_that_is_on_has_none() {
    for goal in Goal::ALL {
        let mut s =
            Script::new(goal, "example.org:9000").config(|config| config.families = Families::V6);
        s.a("example.org").gives(["192.0.2.1"]);
        let absent = AttemptError::NoAddress(Absence::NoData);
        assert_eq!(
            s.run().error().kind,
            DiscoveryErrorKind::Unreachable(absent)
        );
    }
}

#[test]
fn a_literal_of_the_family_that_is_off_says_so() {
    for goal in Goal::ALL {
        let s = Script::new(goal, "192.0.2.1").config(|config| config.families = Families::V6);
        let run = s.run();
        let off = AttemptError::FamilyOff(Family::V4);
        assert_eq!(run.error().kind, DiscoveryErrorKind::Unreachable(off));
        assert_eq!(run.connects(), [""; 0]);
    }
}
