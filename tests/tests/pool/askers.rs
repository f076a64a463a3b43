//! A thousand askers of one name are one search, which none of them owns.

use fedway_core::{DiscoveryErrorKind, Lookahead, Told};
use fedway_testkit::Visits;
use fedway_testkit::script::{Goal, Script, srv};

use crate::{HOUR, by_port, by_srv, delegated, ms, secs};

#[test]
fn a_thousand_askers_of_one_cold_name_make_one_search() {
    let script = delegated(HOUR);
    let alone = Visits::new(&script).visit();
    let mut visits = Visits::new(&script);
    let tickets: Vec<_> = (0..1_000)
        .map(|_| visits.ask(Goal::Resolve, "example.org"))
        .collect();
    let run = visits.finish(tickets[0]);
    assert_eq!(run.lines(), alone.lines());
    for ticket in &tickets[1..] {
        let run = visits.finish(*ticket);
        assert_eq!((&run.outcome, run.log.len()), (&Ok(run.found().clone()), 0));
    }
}

#[test]
fn askers_of_connections_share_every_question_and_connect_each_for_itself() {
    let mut visits = Visits::new(&delegated(HOUR));
    let tickets: Vec<_> = (0..10)
        .map(|_| visits.ask(Goal::Connect, "example.org"))
        .collect();
    visits.wait(secs(1));
    let commands = visits.commands();
    let count = |what: &str| commands.iter().filter(|it| it.starts_with(what)).count();
    assert_eq!(count("get "), 1);
    assert_eq!(count("ask A example.org"), 1);
    assert_eq!(count("ask A a.example.net"), 1);
    assert_eq!(count("connect 192.0.2.7:8449"), 10);
    for ticket in tickets {
        let _ = visits.finish(ticket).found();
    }
}

#[test]
fn an_asker_that_leaves_takes_nothing_from_the_others() {
    let mut visits = Visits::new(&delegated(HOUR));
    let first = visits.ask(Goal::Resolve, "example.org");
    visits.wait(ms(2));
    let second = visits.ask(Goal::Resolve, "example.org");
    let now = visits.now();
    visits.pool().leave(first, now);
    let run = visits.finish(second);
    assert_eq!(run.found().destination.step(), "3.2");
    assert_eq!(run.urls().len(), 1);
    assert!(visits.is_told(first).is_none());
}

#[test]
fn what_nobody_wants_any_more_is_given_up() {
    for script in [delegated(HOUR), by_srv(), by_port(secs(60))] {
        for (goal, after) in (0..8).flat_map(|after| Goal::ALL.map(|goal| (goal, after))) {
            let mut visits = Visits::new(&script);
            let name = script.name().to_owned();
            let ticket = visits.ask(goal, &name);
            visits.wait(ms(after));
            let now = visits.now();
            visits.pool().leave(ticket, now);
            visits.pool().leave(ticket, now);
            visits.wait(ms(1));
            assert!(visits.is_idle(), "{name} {goal:?} after {after} ms");
            let stats = visits.pool().stats();
            assert_eq!((stats.searches, stats.questions, stats.queued), (0, 0, 0));
            // And whoever asks now is told all the same
            let _ = visits.visit_to(goal, &name).found();
        }
    }
}

#[test]
fn a_session_that_is_on_its_way_to_somebody_who_has_left_is_closed() {
    let mut visits = Visits::new(&by_port(secs(60)));
    let ticket = visits.ask(Goal::Connect, "example.org:8449");
    // DNS, and all but the last of the handshake
    visits.wait(ms(3) - crate::TICK);
    visits.commands();
    let now = visits.now();
    visits.pool().leave(ticket, now);
    visits.wait(ms(1));
    assert_eq!(
        visits.commands(),
        ["cancel connect 192.0.2.7:8449 as example.org"]
    );
    assert!(visits.is_idle());
}

#[test]
fn who_joins_a_search_that_takes_too_long_gets_another() {
    let mut s = Script::resolve("example.org").config(|config| config.deadlines.search = secs(4));
    s.a("example.org").gives(["192.0.2.1"]);
    s.well_known("example.org").hangs();
    let mut visits = Visits::new(&s);
    let first = visits.ask(Goal::Resolve, "example.org");
    visits.wait(secs(3));
    let late = visits.ask(Goal::Resolve, "example.org");
    visits.wait(secs(2));
    let Some(Told::Resolved(_, Err(error))) = visits.is_told(first) else {
        panic!("the first has waited four seconds");
    };
    assert_eq!(error.kind, DiscoveryErrorKind::TimedOut);
    assert!(visits.is_told(late).is_none());
    let run = visits.finish(late);
    assert_eq!(run.error().kind, DiscoveryErrorKind::TimedOut);
    assert_eq!(visits.now().since_origin(), secs(8));
}

#[test]
fn who_joins_a_question_is_told_with_the_first() {
    let mut s = by_port(secs(60));
    s.a("example.org").gives(["192.0.2.7"]).after(ms(100));
    let mut visits = Visits::new(&s);
    let first = visits.ask(Goal::Connect, "example.org:8449");
    visits.wait(ms(60));
    let second = visits.ask(Goal::Connect, "example.org:8449");
    let _ = visits.finish(first).found();
    let run = visits.finish(second);
    assert_eq!(run.questions(), [""; 0]);
    assert_eq!(visits.now().since_origin(), ms(102));
}

#[test]
fn a_known_name_asks_at_once_for_what_its_last_way_used_and_for_nothing_else() {
    let mut s = by_srv().config(|config| config.lifetimes.well_known_failure = secs(HOUR));
    s.srv("_matrix-fed._tcp.example.org")
        .gives([srv(10, 0, 8449, "a.example.net")])
        .lasts(secs(60));
    s.a("a.example.net").gives(["192.0.2.7"]).lasts(secs(60));
    let mut visits = Visits::new(&s);
    let cold = visits.visit();
    assert!(
        cold.questions()
            .contains(&"SRV _matrix._tcp.example.org".into())
    );
    visits.rest();
    visits.wait(secs(50));
    visits.commands();
    visits.wait(secs(20));
    let run = visits.visit();
    let mut asked = run.questions();
    asked.sort();
    assert_eq!(
        asked,
        ["A a.example.net", "SRV _matrix-fed._tcp.example.org"]
    );
    // Both in one round trip
    assert_eq!(run.elapsed, ms(1));
}

#[test]
fn a_script_asks_the_same_of_a_cold_pool_without_looking_ahead() {
    let script = by_srv().lookahead(Lookahead::None);
    let _ = script.run().found();
}
