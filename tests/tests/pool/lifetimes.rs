//! How long facts serve, one tick before the end and on it; and that only what has ended is asked again.

use std::time::Duration;

use fedway_core::FieldName::{Age, CacheControl, Date, Expires};
use fedway_testkit::Visits;
use fedway_testkit::script::Script;

use crate::{HOUR, TICK, WELL_KNOWN, by_port, by_srv, delegated, secs, visit, visited};

#[test]
fn what_is_known_is_not_asked_again() {
    let mut visits = visited(&delegated(HOUR));
    assert_eq!(visit(&mut visits), (vec!["192.0.2.7:8449".into()], vec![]));
    let mut visits = visited(&by_srv());
    assert_eq!(visit(&mut visits), (vec!["192.0.2.7:8449".into()], vec![]));
}

#[test]
fn whom_requests_are_for_is_remembered_until_the_delegation_is_due_and_not_a_tick_longer() {
    let mut visits = Visits::new(&delegated(HOUR));
    let first = visits.delegation("example.org").unwrap();
    let learnt = visits.now();
    let name = "example.org".parse().unwrap();
    let mut look = |at| visits.pool().look_delegation(&name, at);
    let four_fifths = secs(HOUR / 5 * 4);
    assert_eq!(look(learnt + (four_fifths - TICK)), Some(first));
    assert_eq!(look(learnt + four_fifths), None);
}

#[test]
fn a_delegation_is_fetched_again_at_the_end_of_its_life_and_not_a_tick_before() {
    for (fields, life) in [
        (&[(CacheControl, "max-age=3600")][..], 3_600),
        (&[(CacheControl, "max-age=7200"), (Age, "3600")], 3_600),
        (&[(Date, EIGHT), (Expires, NINE)], 3_600),
        (&[(CacheControl, "no-store")], 300),
        (&[(CacheControl, "max-age=299")], 300),
        (&[(CacheControl, "max-age=301")], 301),
        (&[(CacheControl, "max-age=172799")], 172_799),
        (&[(CacheControl, "max-age=172801")], 172_800),
    ] {
        let mut s = delegated(0).config(|config| config.lifetimes.dns_most = secs(10_000_000));
        s.a("a.example.net")
            .gives(["192.0.2.7"])
            .lasts(secs(10_000_000));
        s.aaaa("a.example.net").is_absent().lasts(secs(10_000_000));
        let page = s
            .well_known("example.org")
            .delegates_to("a.example.net:8449");
        fields
            .iter()
            .fold(page, |page, (name, value)| page.with(*name, value));
        waits_for_the_network_from(&s, secs(life), &format!("{fields:?}"), |command| {
            command == WELL_KNOWN
        });
    }
}

#[test]
fn a_delegation_without_headers_lasts_24_h_give_or_take_a_tenth() {
    let mut s = delegated(0);
    s.well_known("example.org")
        .delegates_to("a.example.net:8449");
    s.a("a.example.net")
        .gives(["192.0.2.7"])
        .lasts(secs(10_000_000));
    let expires = |seed| {
        let mut visits = Visits::new(&s.clone().seed(seed));
        visits
            .visit()
            .found()
            .notes
            .well_known
            .as_ref()
            .unwrap()
            .expires
            .unwrap()
    };
    let all: Vec<_> = (0..20).map(|seed| expires(seed).since_origin()).collect();
    assert!(
        all.iter()
            .all(|life| (secs(77_760)..secs(95_050)).contains(life)),
        "{all:?}"
    );
    assert!(all.iter().any(|life| *life < secs(82_000)), "{all:?}");
    assert!(all.iter().any(|life| *life > secs(90_000)), "{all:?}");
}

#[test]
fn a_dns_answer_is_asked_again_at_the_end_of_its_time_to_live_and_not_a_tick_before() {
    let is_a = |command: &str| command == "ask A example.org";
    waits_for_the_network_from(&by_port(secs(60)), secs(60), "60 s", is_a);
    let mut s = by_port(secs(86_400));
    s.aaaa("example.org").is_absent().lasts(secs(900));
    let is_aaaa = |command: &str| command == "ask AAAA example.org";
    waits_for_the_network_from(&s, secs(900), "an absence", is_aaaa);
}

#[test]
fn an_absence_without_soa_lasts_5_s() {
    let mut s = by_port(secs(86_400));
    s.aaaa("example.org").is_absent().without_soa();
    let is_aaaa = |command: &str| command == "ask AAAA example.org";
    waits_for_the_network_from(&s, secs(5), "an absence", is_aaaa);
}

#[test]
fn a_dns_answer_lasts_a_day_at_most() {
    let is_a = |command: &str| command == "ask A example.org";
    let mut s = by_port(secs(10_000_000));
    s.aaaa("example.org").is_absent().lasts(secs(10_000_000));
    waits_for_the_network_from(&s, secs(86_400), "a day", is_a);
}

#[test]
fn a_time_to_live_that_is_shorter_than_the_delegation_s_has_only_dns_asked_again() {
    let mut s = delegated(HOUR);
    s.a("a.example.net").gives(["192.0.2.7"]).lasts(secs(60));
    let mut visits = visited(&s);
    visits.wait(secs(61));
    let (addresses, asked) = visit(&mut visits);
    assert_eq!(addresses, ["192.0.2.7:8449"]);
    assert_eq!(asked, ["ask A a.example.net"]);
}

#[test]
fn an_answer_that_may_not_be_kept_serves_the_search_that_asked_for_it_and_no_other() {
    // The request for .well-known and the last step both want the host's address
    let mut s = Script::resolve("example.org");
    s.a("example.org")
        .gives(["192.0.2.1"])
        .lasts(Duration::ZERO);
    s.well_known("example.org").fails(404);
    let mut visits = Visits::new(&s);
    let count = |commands: &[String]| {
        commands
            .iter()
            .filter(|it| *it == "ask A example.org")
            .count()
    };
    let (addresses, asked) = visit(&mut visits);
    assert_eq!(
        (addresses, count(&asked)),
        (vec!["192.0.2.1:8448".into()], 1)
    );
    visits.wait(TICK);
    let (addresses, asked) = visit(&mut visits);
    assert_eq!(
        (addresses, count(&asked)),
        (vec!["192.0.2.1:8448".into()], 1)
    );
}

#[test]
fn in_the_last_fifth_of_its_life_a_fact_that_is_wanted_is_asked_anew_while_it_serves() {
    for (script, life, command) in [
        (by_port(secs(100)), 100, "ask A example.org"),
        (delegated(1_000), 1_000, WELL_KNOWN),
    ] {
        let mut visits = Visits::new(&script);
        visits.visit();
        // All that was learnt was by now
        let learnt = visits.now();
        let due = secs(life) - secs(life) / 5;
        visits.wait(due - ms_since(&visits, learnt) - crate::ms(10));
        visits.visit();
        visits.rest();
        assert!(
            !visits.commands().iter().any(|it| it == command),
            "{command}: too early"
        );
        visits.wait(crate::ms(20));
        let run = visits.visit();
        assert_eq!(run.elapsed, Duration::ZERO, "{command}");
        visits.rest();
        let asked = run
            .lines()
            .into_iter()
            .map(|line| line[line.find(" ms ").unwrap() + 4..].into());
        let mut asked: Vec<String> = asked.collect();
        asked.extend(visits.commands());
        assert_eq!(
            asked.iter().filter(|it| *it == command).count(),
            1,
            "{command}: {asked:?}"
        );
        // It has a new life
        visits.wait(secs(life) / 2);
        assert_eq!(visits.visit().lines(), [""; 0], "{command}");
    }
}

#[test]
fn a_name_used_once_a_life_never_waits_for_the_network_again() {
    let mut s = delegated(1_000);
    s.a("a.example.net").gives(["192.0.2.7"]).lasts(secs(60));
    let mut visits = visited(&s);
    for _ in 0..1_000 {
        visits.wait(secs(11));
        let run = visits.visit();
        assert_eq!(run.elapsed, Duration::ZERO, "{run}");
    }
}

#[test]
fn every_fact_may_end_while_a_search_goes_on_with_it() {
    // Each answer lasts less than the next takes
    let mut s = Script::connect("example.org");
    s.a("example.org").gives(["192.0.2.1"]).lasts(crate::ms(1));
    s.well_known("example.org")
        .delegates_to("one.example.net")
        .after(secs(2));
    s.srv("_matrix-fed._tcp.one.example.net")
        .gives([fedway_testkit::script::srv(0, 0, 9000, "two.example.net")])
        .lasts(crate::ms(1));
    s.a("two.example.net")
        .gives(["192.0.2.2"])
        .lasts(crate::ms(1));
    s.connect("192.0.2.2:9000").works().after(secs(3));
    // `run` itself runs it in a pool: nothing is asked twice
    assert_eq!(s.run().found().destination.step(), "3.3");
}

/// From so long after its facts were learnt on, a visit waits for this; a tick before it does not
fn waits_for_the_network_from(
    script: &Script,
    life: Duration,
    what: &str,
    command: impl Fn(&str) -> bool,
) {
    let mut visits = Visits::new(script);
    let run = visits.visit();
    let mut log = run.log.iter();
    let asked = log
        .find(|entry| command(&entry.command.to_string()))
        .expect("it was asked for");
    // A question or a request takes a millisecond
    let end = asked.at + crate::ms(1) + life;
    let left = end - visits.now().since_origin();
    let mut before = visits.clone();
    before.wait(left - TICK);
    assert_eq!(before.visit().elapsed, Duration::ZERO, "{what}");
    visits.wait(left);
    let run = visits.visit();
    assert_ne!(run.elapsed, Duration::ZERO, "{what}");
    assert!(
        run.log
            .iter()
            .any(|entry| command(&entry.command.to_string())),
        "{what}: {run}"
    );
}

fn ms_since(visits: &Visits, then: fedway_core::Instant) -> Duration {
    visits.now().saturating_since(then)
}

const EIGHT: &str = "Thu, 26 Nov 2026 08:00:00 GMT";
const NINE: &str = "Thu, 26 Nov 2026 09:00:00 GMT";
