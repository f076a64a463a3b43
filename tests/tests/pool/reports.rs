//! What is seen from above: reports, forgetting, entries, and names that share facts.

use fedway_core::{Outcome, ServerName};
use fedway_testkit::Visits;
use fedway_testkit::script::{Goal, Script};

use crate::{HOUR, WELL_KNOWN, delegated, secs, visit, visited};

fn name(text: &str) -> ServerName {
    text.parse().expect("a test has a server name")
}

/// A name that delegates elsewhere now; the old delegation serves, and its address has to be waited for, for longer than
/// a new delegation takes
fn moved() -> Visits {
    let mut s = delegated(HOUR);
    s.a("a.example.net").gives(["192.0.2.7"]).lasts(secs(60));
    let mut visits = visited(&s);
    let answers = visits.answers();
    answers
        .well_known("example.org")
        .delegates_to("192.0.2.8:8450");
    answers
        .a("a.example.net")
        .gives(["192.0.2.7"])
        .after(secs(1));
    visits
}

fn report(visits: &mut Visits, text: &str, outcome: Outcome) -> bool {
    let now = visits.now();
    visits.pool().report(&name(text), outcome, now)
}

#[test]
fn what_leads_to_another_server_serves_no_longer() {
    let mut visits = visited(&delegated(HOUR));
    visits
        .answers()
        .well_known("example.org")
        .delegates_to("192.0.2.8:8450");
    assert_eq!(visit(&mut visits).0, ["192.0.2.7:8449"]);
    assert!(report(&mut visits, "example.org", Outcome::Misdirected));
    let run = visits.visit();
    assert!(run.urls().len() == 1, "{run}");
    assert_eq!(run.found().destination.host_header, "192.0.2.8:8450");
}

#[test]
fn what_cannot_be_reached_serves_while_it_is_asked_anew() {
    let mut visits = visited(&delegated(HOUR));
    visits.answers().a("a.example.net").gives(["192.0.2.8"]);
    assert!(report(&mut visits, "example.org", Outcome::Unreachable));
    assert_eq!(visit(&mut visits).0, ["192.0.2.7:8449"]);
    visits.rest();
    visits.commands();
    let (addresses, asked) = visit(&mut visits);
    assert_eq!((addresses, asked.len()), (vec!["192.0.2.8:8449".into()], 0));
}

#[test]
fn a_report_counts_once_a_minute_and_a_name() {
    let mut visits = visited(&delegated(HOUR));
    assert!(!report(
        &mut visits,
        "elsewhere.example",
        Outcome::Unreachable
    ));
    assert!(report(&mut visits, "example.org", Outcome::Unreachable));
    visits.wait(secs(59));
    assert!(!report(&mut visits, "example.org", Outcome::Misdirected));
    visits.wait(secs(1));
    assert!(report(&mut visits, "example.org", Outcome::Misdirected));
}

#[test]
fn a_name_that_is_forgotten_is_searched_for_anew() {
    let mut visits = visited(&delegated(HOUR));
    assert!(visits.pool().forget(&name("example.org")));
    assert!(!visits.pool().forget(&name("example.org")));
    let run = visits.visit();
    assert_eq!(run.urls().len(), 1);
    assert!(run.questions().contains(&"A a.example.net".into()));
    visits.pool().forget_all();
    assert_eq!(visits.pool().entries().count(), 0);
    assert_eq!(visits.visit().urls().len(), 1);
}

#[test]
fn an_entry_tells_name_destination_and_when_it_is_asked_anew() {
    let mut visits = visited(&delegated(HOUR));
    let now = visits.now();
    let pool = visits.pool();
    let entry = pool.entries().next().unwrap();
    assert_eq!(entry.name, "example.org");
    assert_eq!(entry.conclusion.unwrap().unwrap().destination.step(), "3.2");
    let due = entry.due.saturating_since(now);
    assert!((secs(2_800)..secs(2_900)).contains(&due), "{due:?}");
    assert_eq!(entry.failures, 0);
}

#[test]
fn what_was_asked_past_the_facts_renews_them() {
    let mut visits = visited(&delegated(HOUR));
    visits
        .answers()
        .well_known("example.org")
        .delegates_to("192.0.2.8:8450");
    let now = visits.now();
    let ticket = visits.pool().resolve_fresh(&name("example.org"), now);
    let run = visits.finish(ticket);
    assert_eq!(run.found().destination.host_header, "192.0.2.8:8450");
    assert_eq!(visit(&mut visits), (vec!["192.0.2.8:8450".into()], vec![]));
}

#[test]
fn two_names_with_one_delegated_host_share_what_is_known_of_it_and_nothing_else() {
    let mut s = delegated(HOUR);
    s.a("example.com").gives(["192.0.2.1"]);
    s.well_known("example.com")
        .delegates_to("a.example.net:9999");
    let mut visits = visited(&s);
    let run = visits.visit_to(Goal::Resolve, "example.com");
    assert!(
        !run.questions()
            .iter()
            .any(|it| it.ends_with("a.example.net")),
        "{run}"
    );
    assert_eq!(run.found().destination.host_header, "a.example.net:9999");
    // Its port is its own
    assert_eq!(visit(&mut visits).0, ["192.0.2.7:8449"]);
    // One that is forgotten is forgotten with what it rests on: the other asks for that anew
    assert!(visits.pool().forget(&name("example.com")));
    let addresses: Vec<_> = visits.visit().found().destination.addresses().collect();
    assert_eq!(addresses, ["192.0.2.7:8449".parse().unwrap()]);
}

#[test]
fn a_name_that_is_also_somebody_s_delegated_host_goes_its_own_way() {
    // a.example.net is asked for by itself: then it has a .well-known of its own
    let mut s = Script::resolve("example.org");
    s.a("example.org").gives(["192.0.2.1"]);
    s.well_known("example.org").delegates_to("a.example.net");
    s.a("a.example.net").gives(["192.0.2.7"]);
    s.well_known("a.example.net").delegates_to("192.0.2.9:1234");
    let mut visits = visited(&s);
    assert_eq!(visit(&mut visits).0, ["192.0.2.7:8448"]);
    let run = visits.visit_to(Goal::Resolve, "a.example.net");
    assert_eq!(run.found().destination.host_header, "192.0.2.9:1234");
    assert!(
        !run.questions().contains(&"A a.example.net".into()),
        "{run}"
    );
    assert_eq!(visit(&mut visits).0, ["192.0.2.7:8448"]);
}

#[test]
fn the_subject_is_found_without_a_question_for_it_and_leads_on() {
    let mut s = Script::connect("example.org");
    s.a("example.org").gives(["192.0.2.1"]);
    s.well_known("example.org").delegates_to("a.example.net");
    s.a("a.example.net").gives(["192.0.2.7"]);
    s.connect("192.0.2.7:8448").works();
    let mut visits = Visits::new(&s);
    let delegated = visits.delegation("example.org").unwrap();
    assert_eq!(delegated.subject.as_str(), "a.example.net");
    let asked = visits.commands();
    assert!(
        !asked.iter().any(|it| it.contains("a.example.net")),
        "{asked:?}"
    );
    let now = visits.now();
    let ticket = visits.pool().connect_to(&delegated.subject, now);
    let run = visits.finish(ticket);
    assert_eq!(run.connects(), ["192.0.2.7:8448 as a.example.net"]);
    assert_eq!(run.found().destination.host_header, "a.example.net");
    for (asked, subject) in [
        ("192.0.2.9", "192.0.2.9"),
        ("example.net:443", "example.net:443"),
    ] {
        assert_eq!(visits.delegation(asked).unwrap().subject.as_str(), subject);
    }
    assert_eq!(visits.commands(), [""; 0]);
}

#[test]
fn one_request_for_well_known_serves_names_that_differ_in_case() {
    let mut visits = visited(&delegated(HOUR));
    let run = visits.visit_to(Goal::Resolve, "EXAMPLE.org");
    assert!(
        !run.lines().iter().any(|line| line.ends_with(WELL_KNOWN)),
        "{run}"
    );
    assert_eq!(run.found().destination.host_header, "a.example.net:8449");
}

#[test]
fn signs_of_life_do_not_drown_what_is_wrong() {
    let mut visits = visited(&delegated(HOUR));
    assert!(report(&mut visits, "example.org", Outcome::Alive));
    assert!(report(&mut visits, "example.org", Outcome::Misdirected));
    assert_eq!(visits.visit().urls().len(), 1);
}

#[test]
fn what_a_search_was_told_before_it_was_renewed_is_not_remembered_with_the_new_life() {
    let mut visits = moved();
    visits.wait(secs(3_000));
    assert_eq!(visit(&mut visits).0, ["192.0.2.7:8449"]);
    visits.rest();
    assert_eq!(visit(&mut visits).0, ["192.0.2.8:8450"]);
}

#[test]
fn who_asks_after_a_report_does_not_join_a_search_that_was_told_before() {
    let mut visits = moved();
    visits.wait(secs(100));
    let before = visits.ask(Goal::Resolve, "example.org");
    visits.wait(crate::ms(500));
    assert!(report(&mut visits, "example.org", Outcome::Misdirected));
    assert_eq!(visit(&mut visits).0, ["192.0.2.8:8450"]);
    assert_eq!(
        visits.finish(before).found().destination.host_header,
        "a.example.net:8449"
    );
}
