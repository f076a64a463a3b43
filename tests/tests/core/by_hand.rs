//! Driving a search without the harness of scripts.

use fedway_core::{Action, Answer, Discovery, Event, Family, HttpAnswer, Instant, Machine, Step};
use fedway_testkit::script::{Script, srv};

use crate::{ms, secs};

/// Everything there is to start
pub(crate) fn acts(search: &mut Discovery) -> Vec<Action> {
    let mut actions = Vec::new();
    loop {
        match search.poll() {
            Step::Act(action) => actions.push(action),
            Step::Cancel(_) => {}
            Step::Done(_) | Step::Wait { .. } => return actions,
        }
    }
}

/// What a search says until it waits, as text
pub(crate) fn rest(search: &mut Discovery) -> Vec<String> {
    let mut steps = Vec::new();
    loop {
        match search.poll() {
            Step::Wait { .. } => return steps,
            step @ (Step::Act(_) | Step::Cancel(_) | Step::Done(_)) => {
                steps.push(format!("{step:?}"))
            }
        }
    }
}

/// The good answer to an action
pub(crate) fn answered(action: Action) -> Event {
    let ttl = secs(300);
    match action {
        Action::Connect(connect) => connect.reply(Ok(None)),
        Action::FetchWellKnown(fetch) => {
            fetch.reply(Ok(HttpAnswer::ok(r#"{"m.server":"192.0.2.7"}"#)))
        }
        Action::LookUpAddresses(look_up) => {
            let records = match look_up.family() {
                Family::V4 => vec!["192.0.2.1".parse().unwrap()],
                Family::V6 => vec!["2001:db8::1".parse().unwrap()],
            };
            look_up.reply(Ok(Answer::found(records, ttl)))
        }
        Action::QuerySrv(query) => {
            let records = vec![srv(0, 0, 8001, "target.example.net")];
            query.reply(Ok(Answer::found(records, ttl)))
        }
    }
}

pub(crate) fn at(millis: u64) -> Instant {
    Instant::from_origin(ms(millis))
}

/// A name with a port, whose host works
pub(crate) fn with_port() -> Script {
    let mut s = Script::connect("example.org:9000");
    s.a("example.org").gives(["192.0.2.1"]);
    s.connect("192.0.2.1:9000").works();
    s
}
