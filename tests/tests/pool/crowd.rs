//! Many searches at once: a bound, a queue, and a name server that is asked too much.

use std::time::Duration;

use fedway_core::DnsError;
use fedway_testkit::Visits;
use fedway_testkit::script::{Goal, Script};

use crate::{ms, secs};

/// So many hosts, each with an address and a port
fn hosts(count: usize) -> Script {
    let mut s = Script::resolve("h0.example:8448");
    for host in 0..count {
        let address = format!("192.0.2.{}", host % 250 + 1);
        s.a(&format!("h{host}.example"))
            .gives([&*address])
            .lasts(secs(86_400));
    }
    s
}

fn ask_all(visits: &mut Visits, count: usize) -> Vec<fedway_core::Ticket> {
    let names = (0..count).map(|host| format!("h{host}.example:8448"));
    names.map(|name| visits.ask(Goal::Resolve, &name)).collect()
}

#[test]
fn no_more_searches_ask_dns_at_once_than_the_configuration_says_and_the_first_go_first() {
    let script = hosts(50).config(|config| config.asking = 5);
    let mut visits = Visits::new(&script);
    let tickets = ask_all(&mut visits, 50);
    for ticket in &tickets {
        let run = visits.finish(*ticket);
        // Two questions each
        assert!(run.peak <= 10, "{}", run.peak);
        let _ = run.found();
    }
    // Five at a time, a millisecond each
    assert_eq!(visits.now().since_origin(), ms(10));
}

#[test]
fn the_time_in_line_is_not_the_search_s() {
    let mut script = hosts(40).config(|config| {
        config.asking = 1;
        config.deadlines.search = secs(3);
    });
    for host in 0..40 {
        let address = "192.0.2.1";
        script
            .a(&format!("h{host}.example"))
            .gives([address])
            .after(secs(1));
    }
    let mut visits = Visits::new(&script);
    for ticket in ask_all(&mut visits, 40) {
        let _ = visits.finish(ticket).found();
    }
    assert_eq!(visits.now().since_origin(), secs(40));
}

#[test]
fn those_that_dial_hold_up_nobody() {
    let mut script = hosts(10).config(|config| config.asking = 1);
    for host in 0..10 {
        script
            .connect(&format!("192.0.2.{}:8448", host + 1))
            .hangs();
    }
    let mut visits = Visits::new(&script);
    for host in 0..9 {
        visits.ask(Goal::Connect, &format!("h{host}.example:8448"));
    }
    let last = visits.ask(Goal::Resolve, "h9.example:8448");
    let _ = visits.finish(last).found();
    assert_eq!(visits.now().since_origin(), ms(10));
}

#[test]
fn a_question_that_is_lost_in_a_crowd_is_asked_again_before_its_silence_is_believed() {
    let mut script = hosts(20);
    for host in 5..10 {
        script.a(&format!("h{host}.example")).is_silent();
    }
    let mut visits = Visits::new(&script);
    let tickets = ask_all(&mut visits, 20);
    visits.wait(secs(4));
    // The name server had too much to do; now it has time
    for host in 5..10 {
        visits
            .answers()
            .a(&format!("h{host}.example"))
            .gives(["192.0.2.8"]);
    }
    assert!(visits.is_told(tickets[7]).is_none());
    let run = visits.finish(tickets[7]);
    assert!(run.found().notes.attempts.is_empty());
    assert!(visits.pool().stats().limit < 100);
}

#[test]
fn a_silence_that_is_no_crowd_s_is_believed_at_once() {
    let mut script = hosts(1);
    script.a("h0.example").is_silent();
    let mut visits = Visits::new(&script);
    let run = visits.visit();
    let attempts = &run.error().notes.attempts;
    assert_eq!(attempts.len(), 1, "{attempts:?}");
    let error = fedway_core::AttemptError::Dns(DnsError::TimedOut);
    assert_eq!(attempts[0].error, error);
    assert_eq!(run.elapsed, secs(5));
    assert_eq!(visits.pool().stats().limit, 100);
}

#[test]
fn one_zone_that_is_dead_slows_nobody_down() {
    let mut script = Script::resolve("dead.example");
    script.unscripted = fedway_testkit::script::Unscripted::Silent;
    let mut visits = Visits::new(&script);
    let run = visits.visit();
    assert!(run.outcome.is_err());
    assert_eq!(visits.pool().stats().limit, 100);
    // Nor does a pause of the process, after which answers lie ready
    let script = hosts(30);
    let mut visits = Visits::new(&script);
    let tickets = ask_all(&mut visits, 3);
    visits.wait(Duration::from_micros(500));
    visits.pool().stood_still(secs(10));
    for ticket in tickets {
        let _ = visits.finish(ticket).found();
    }
    assert_eq!(visits.pool().stats().limit, 100);
}

#[test]
fn fewer_ask_at_once_while_questions_are_lost_and_more_as_they_are_answered() {
    let mut script = hosts(400);
    for host in 0..30 {
        script.a(&format!("h{host}.example")).is_silent();
    }
    let mut visits = Visits::new(&script);
    ask_all(&mut visits, 30);
    visits.wait(secs(6));
    let low = visits.pool().stats().limit;
    assert!(low <= 15, "{low}");
    visits.wait(secs(30));
    let names: Vec<_> = (30..400)
        .map(|host| format!("h{host}.example:8448"))
        .collect();
    for name in &names {
        let _ = visits.visit_to(Goal::Resolve, name).found();
    }
    let high = visits.pool().stats().limit;
    assert!(high > low, "{high} after {low}");
}

#[test]
fn no_more_names_are_remembered_than_the_configuration_says_and_no_fact_without_one() {
    let script = hosts(200).config(|config| config.capacity = 20);
    let mut visits = Visits::new(&script);
    for ticket in ask_all(&mut visits, 200) {
        let _ = visits.finish(ticket).found();
    }
    visits.wait(secs(1));
    let stats = visits.pool().stats();
    assert_eq!((stats.names, stats.facts), (20, 40));
    // The last are those that are left
    let names: Vec<_> = visits
        .pool()
        .entries()
        .map(|entry| entry.name.to_owned())
        .collect();
    assert_eq!(names[0], "h199.example:8448");
    assert!(!names.contains(&"h100.example:8448".to_owned()));
}

#[test]
fn a_crowd_of_names_asks_nothing_ahead_while_it_queues() {
    let mut script = Script::resolve("h0.example").config(|config| config.asking = 2);
    for host in 0..30 {
        let name = format!("h{host}.example");
        script.a(&name).gives(["192.0.2.1"]).lasts(secs(86_400));
        script.well_known(&name).delegates_to("192.0.2.9:8448");
    }
    let mut visits = Visits::new(&script);
    let names: Vec<_> = (0..30).map(|host| format!("h{host}.example")).collect();
    let tickets: Vec<_> = names
        .iter()
        .map(|name| visits.ask(Goal::Resolve, name))
        .collect();
    visits.wait(Duration::from_secs(5));
    let asked = visits.commands();
    for ticket in tickets {
        let _ = visits.finish(ticket).found();
    }
    let ahead = asked.iter().filter(|it| it.starts_with("ask SRV")).count();
    // Those that came before there was a queue
    assert!(ahead <= 8, "{ahead}: {asked:?}");
}

#[test]
fn the_time_in_line_is_not_that_of_a_search_whose_well_known_waits_there() {
    let mut script = Script::resolve("h0.example").config(|config| {
        config.asking = 1;
        config.deadlines.search = secs(8);
        config.deadlines.well_known = secs(6);
    });
    for host in 0..12 {
        let name = format!("h{host}.example");
        script
            .a(&name)
            .gives(["192.0.2.1"])
            .after(secs(1))
            .lasts(secs(86_400));
        script.well_known(&name).delegates_to("192.0.2.9:8448");
    }
    let mut visits = Visits::new(&script);
    let names: Vec<_> = (0..12).map(|host| format!("h{host}.example")).collect();
    let tickets: Vec<_> = names
        .iter()
        .map(|name| visits.ask(Goal::Resolve, name))
        .collect();
    for ticket in tickets {
        let run = visits.finish(ticket);
        assert_eq!(run.found().destination.step(), "3.1", "{run}");
    }
}
