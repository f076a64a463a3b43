//! What became of addresses and families: a dead one costs its delay once.

use std::time::Duration;

use fedway_testkit::Visits;
use fedway_testkit::script::{Goal, Script};

use crate::{ms, secs};

/// Dual stack; IPv6 is silent
fn dead_v6() -> Script {
    let mut s = Script::connect("example.org:8448");
    s.aaaa("example.org")
        .gives(["2001:db8::7"])
        .lasts(secs(86_400));
    s.a("example.org").gives(["192.0.2.7"]).lasts(secs(86_400));
    s.connect("[2001:db8::7]:8448").hangs();
    s.connect("192.0.2.7:8448").works();
    s
}

#[test]
fn a_second_visit_to_a_host_whose_ipv6_is_dead_costs_no_attempt_delay() {
    let mut visits = Visits::new(&dead_v6());
    assert_eq!(visits.visit().elapsed, ms(253));
    let run = visits.visit();
    assert_eq!(run.connects(), ["192.0.2.7:8448 as example.org"]);
    assert_eq!(run.elapsed, ms(2));
}

#[test]
fn an_address_that_failed_is_dialled_last_for_ten_minutes() {
    let mut s = Script::connect("example.org:8448");
    s.a("example.org")
        .gives(["192.0.2.1", "192.0.2.2", "192.0.2.3"])
        .lasts(secs(86_400));
    s.aaaa("example.org").is_absent().lasts(secs(86_400));
    for address in ["192.0.2.1:8448", "192.0.2.2:8448", "192.0.2.3:8448"] {
        s.connect(address).refused();
    }
    s.connect("192.0.2.2:8448").works();
    let mut visits = Visits::new(&s);
    assert_eq!(visits.visit().connects().len(), 2);
    // What worked comes first, what failed last
    visits.answers().connect("192.0.2.2:8448").refused();
    let first = |run: &fedway_testkit::script::Run| {
        let all = run.connects().into_iter();
        all.map(|it| it[8..9].to_owned()).collect::<Vec<_>>()
    };
    let run = visits.visit();
    assert_eq!(first(&run), ["2", "3", "1"]);
    visits.wait(secs(601));
    assert_eq!(first(&visits.visit()), ["1", "2", "3"]);
}

#[test]
fn a_family_that_is_dead_at_three_hosts_waits_its_turn_at_the_others_for_ten_minutes() {
    let mut s = Script::connect("example.org:8448");
    for host in 1..=12 {
        let (name, v6, v4) = (
            format!("h{host}.example"),
            format!("2001:db8::{host:x}"),
            format!("192.0.2.{host}"),
        );
        s.aaaa(&name).gives([&*v6]).lasts(secs(86_400));
        s.a(&name).gives([&*v4]).lasts(secs(86_400));
        s.connect(&format!("[{v6}]:8448")).hangs();
        s.connect(&format!("{v4}:8448")).works();
    }
    let mut visits = Visits::new(&s);
    let took = |visits: &mut Visits, host: u32| -> Duration {
        visits
            .visit_to(Goal::Connect, &format!("h{host}.example:8448"))
            .elapsed
    };
    let all: Vec<_> = (1..=10).map(|host| took(&mut visits, host)).collect();
    assert_eq!(all[..3], [ms(253); 3]);
    assert_eq!(all[3..], [ms(3); 7]);
    // Then it is tried again, once
    visits.wait(secs(601));
    assert_eq!(took(&mut visits, 11), ms(253));
    assert_eq!(took(&mut visits, 12), ms(3));
}

#[test]
fn a_host_that_is_down_says_nothing_of_a_family() {
    let mut s = Script::connect("example.org:8448");
    for host in 1..=4 {
        let (name, v6, v4) = (
            format!("h{host}.example"),
            format!("2001:db8::{host:x}"),
            format!("192.0.2.{host}"),
        );
        s.aaaa(&name).gives([&*v6]);
        s.a(&name).gives([&*v4]);
        s.connect(&format!("[{v6}]:8448")).hangs();
        s.connect(&format!("{v4}:8448")).hangs();
    }
    s.connect("[2001:db8::4]:8448").works();
    s.connect("192.0.2.4:8448").works();
    let mut visits = Visits::new(&s);
    for host in 1..=3 {
        let run = visits.visit_to(Goal::Connect, &format!("h{host}.example:8448"));
        assert!(run.outcome.is_err());
    }
    let run = visits.visit_to(Goal::Connect, "h4.example:8448");
    assert_eq!(run.connects(), ["[2001:db8::4]:8448 as h4.example"]);
}
