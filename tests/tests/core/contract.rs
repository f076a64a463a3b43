//! What a driver may do to the machine: answer late, twice or never, and call it at any time.

use fedway_core::{
    Action, Answer, Discovery, DnsError, Edition, HttpAnswer, Instant, Lookahead, Machine, Step,
};
use fedway_testkit::script::{Script, srv};

use crate::by_hand::{acts, answered, at, rest, with_port};
use crate::{TICK, ms, secs};

#[test]
fn stale_late_and_repeated_replies_and_a_clock_gone_back_change_nothing() {
    for mut s in [delegated(), with_srv()] {
        for edition in Edition::ALL {
            s = s.edition(edition);
            assert_eq!(s.clone().noisy().run(), s.run(), "{edition}");
        }
    }
}

#[test]
fn our_own_want_of_sockets_for_a_question_asked_ahead_does_not_end_a_search_that_gets_sockets_later()
 {
    let mut search = Script::connect("example.org").start();
    let mut asked = 0;
    for _ in 0..100 {
        let action = match search.poll() {
            Step::Act(action) => action,
            Step::Done(outcome) => {
                assert_eq!(outcome.unwrap().destination.step(), "4");
                return;
            }
            Step::Cancel(_) => continue,
            step @ Step::Wait { .. } => panic!("every question was answered: {step:?}"),
        };
        let event = match action {
            Action::QuerySrv(query) => {
                asked += 1;
                // Both services ahead, and the first of them once it is needed
                query.reply(match asked {
                    1 | 2 => Err(DnsError::OutOfResources),
                    _ => Ok(Answer::found(vec![srv(0, 0, 8001, "192.0.2.7")], secs(1))),
                })
            }
            Action::FetchWellKnown(fetch) => fetch.reply(Ok(HttpAnswer::status(404))),
            action @ (Action::Connect(_) | Action::LookUpAddresses(_)) => answered(action),
        };
        search.handle(event, Instant::ORIGIN);
    }
    panic!("it does not end");
}

#[test]
fn the_reply_to_a_cancelled_action_changes_nothing() {
    let mut search = delegated().start();
    let is_srv = |action: &Action| matches!(action, Action::QuerySrv(_));
    let (late, addresses): (Vec<_>, Vec<_>) = acts(&mut search).into_iter().partition(is_srv);
    for action in addresses {
        search.handle(answered(action), at(1));
    }
    // The connection, then the request, whose answer leaves nobody to need SRV
    for time in [3, 4] {
        for action in acts(&mut search) {
            search.handle(answered(action), at(time));
        }
    }
    let mut cancelled = Vec::new();
    while let Step::Cancel(id) = search.poll() {
        cancelled.push(id);
    }
    let mut ids: Vec<_> = late.iter().map(Action::id).collect();
    cancelled.sort();
    ids.sort();
    assert_eq!(cancelled, ids);
    let before = format!("{search:?}");
    for action in late {
        search.handle(answered(action), at(4));
    }
    assert_eq!(format!("{search:?}"), before);
}

#[test]
fn a_reply_given_twice_counts_once() {
    let mut search = with_port().start();
    let events: Vec<_> = acts(&mut search).into_iter().map(answered).collect();
    for event in &events {
        search.handle(event.clone(), at(1));
    }
    let Step::Act(connect @ Action::Connect(_)) = search.poll() else {
        panic!("an address is known")
    };
    let before = format!("{search:?}");
    for event in events {
        search.handle(event, at(1));
    }
    assert_eq!(format!("{search:?}"), before);
    let connected = answered(connect);
    search.handle(connected.clone(), at(2));
    assert!(matches!(search.poll(), Step::Done(Ok(_))));
    search.handle(connected, at(2));
    assert!(matches!(search.poll(), Step::Wait { until: None }));
}

#[test]
fn the_response_of_one_hop_does_not_count_for_the_next() {
    let mut s = Script::connect("example.org");
    s.well_known("example.org").redirects(302, "/a");
    s.get("https://example.org/a").delegates_to("192.0.2.7");
    s.connect("192.0.2.7:8448").works();
    // 2.5 ms after the first response, its copy finds the second request under way
    let noisy = s.clone().noisy().run();
    assert_eq!(noisy.time_of("get https://example.org/a"), ms(6));
    assert_eq!(noisy, s.run());
    assert_eq!(noisy.found().destination.step(), "3.1");
}

#[test]
fn a_reply_to_another_search_is_not_a_wrong_answer_to_this_one_if_its_kind_differs() {
    let mut search = with_port().start();
    drop(acts(&mut search));
    let before = format!("{search:?}");
    // The ids of both searches count from the same number; what was asked differs
    let mut other = Script::connect("192.0.2.1").start();
    for action in acts(&mut other) {
        search.handle(answered(action), Instant::ORIGIN);
    }
    assert_eq!(format!("{search:?}"), before);
}

#[test]
fn a_reply_to_another_search_changes_nothing() {
    let mut search = with_port().start();
    drop(acts(&mut search));
    let before = format!("{search:?}");
    // The same questions of the same name, by a search of another seed
    let mut other = with_port().seed(1).start();
    for action in acts(&mut other) {
        search.handle(answered(action), Instant::ORIGIN);
    }
    assert_eq!(format!("{search:?}"), before);
}

#[test]
fn time_that_runs_backwards_stands_still() {
    let mut search = with_port().start();
    let asked = acts(&mut search);
    search.handle_timeout(at(100));
    for action in asked {
        // Were it the origin again, the attempt would have its 5 s from there
        search.handle(answered(action), Instant::ORIGIN);
    }
    let Step::Act(Action::Connect(connect)) = search.poll() else {
        panic!("an address is known")
    };
    assert_eq!(connect.deadline(), at(5_100));
}

#[test]
fn a_timeout_that_comes_early_does_nothing() {
    let mut search = with_port().start();
    drop(acts(&mut search));
    let Step::Wait { until: Some(until) } = search.poll() else {
        panic!("it waits for DNS")
    };
    assert_eq!(until, at(5_000));
    search.handle_timeout(Instant::from_origin(secs(5) - TICK));
    assert!(matches!(search.poll(), Step::Wait { until: Some(again) } if again == until));
}

#[test]
fn a_timeout_that_comes_twice_or_late_is_done_once() {
    let mut once = with_port().start();
    drop(acts(&mut once));
    let mut twice = once.clone();
    once.handle_timeout(at(5_000));
    twice.handle_timeout(at(5_000));
    twice.handle_timeout(at(5_000));
    twice.handle_timeout(at(7_000));
    assert_eq!(rest(&mut once), rest(&mut twice));
}

#[test]
fn a_timeout_that_was_never_called_is_noticed_with_the_next_reply() {
    let mut search = with_port().start();
    let asked = acts(&mut search);
    for action in asked {
        search.handle(answered(action), at(6_000));
    }
    let rest = rest(&mut search);
    assert!(
        rest.iter()
            .any(|step| step.contains("Unreachable(Dns(TimedOut))")),
        "{rest:?}"
    );
}

#[test]
fn every_action_says_until_when_it_is_waited_for() {
    let mut search = with_port().lookahead(Lookahead::None).start();
    for action in acts(&mut search) {
        let Action::LookUpAddresses(look_up) = action else {
            panic!("addresses come first")
        };
        assert_eq!(look_up.deadline(), at(5_000));
        search.handle(answered(Action::LookUpAddresses(look_up)), at(7));
    }
    let Step::Act(Action::Connect(connect)) = search.poll() else {
        panic!("then a connection")
    };
    assert_eq!(connect.deadline(), at(5_007));
}

#[test]
fn a_search_may_start_at_any_time() {
    let start = Instant::from_origin(secs(1_000_000));
    let config = std::sync::Arc::new(fedway_core::Config::default());
    let mut search = Discovery::connect(&"example.org:9000".parse().unwrap(), &config, 0, start);
    drop(acts(&mut search));
    assert!(matches!(search.poll(), Step::Wait { until: Some(until) } if until == start + secs(5)));
}

pub(crate) fn delegated() -> Script {
    let mut s = Script::connect("example.org");
    s.well_known("example.org")
        .delegates_to("192.0.2.7")
        .after(ms(20));
    s.connect("192.0.2.7:8448").works();
    s.srv("_matrix-fed._tcp.example.org")
        .gives([srv(0, 0, 8001, "target.example.net")])
        .after(ms(30));
    s.srv("_matrix._tcp.example.org").is_silent();
    s
}

pub(crate) fn with_srv() -> Script {
    let mut s = Script::connect("example.org");
    s.well_known("example.org").hangs();
    s.aaaa("example.org").is_silent();
    s.a("example.org").gives(["192.0.2.1"]);
    s.srv("_matrix-fed._tcp.example.org").gives([
        srv(0, 0, 8001, "one.example.net"),
        srv(1, 0, 8002, "two.example.net"),
    ]);
    s.a("one.example.net").gives(["192.0.2.3"]);
    s.a("two.example.net").gives(["192.0.2.4"]);
    s.connect("192.0.2.3:8001").hangs();
    s.connect("192.0.2.4:8002").works().after(ms(50));
    s
}
