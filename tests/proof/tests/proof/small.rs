//! The small worlds of [`every_order`](crate::every_order).

use std::collections::BTreeSet;
use std::net::SocketAddr;

use fedway_core::{DnsError, Edition};
use fedway_proof::oracle::{Reading, World, ask};
use fedway_testkit::script::{Answers, Goal, Question, RecordKind, Reply, srv};

/// A few actions in flight: every timeout may come at any time
pub(crate) fn small_worlds() -> Vec<(&'static str, World)> {
    vec![
        (
            "a race of two families",
            world("example.org:8448", |w| {
                w.aaaa("example.org").gives(["2001:db8::1", "2001:db8::2"]);
                w.a("example.org").gives(["192.0.2.1"]);
                w.connect("[2001:db8::1]:8448").hangs();
                w.connect("[2001:db8::2]:8448").refused();
                w.connect("192.0.2.1:8448").works();
            }),
        ),
        (
            "a literal",
            world("192.0.2.1", |w| {
                w.connect("192.0.2.1:8448").works();
            }),
        ),
        (
            "nothing but the host",
            world("example.org", |w| {
                w.a("example.org").gives(["192.0.2.1"]);
                w.connect("192.0.2.1:8448").works();
            }),
        ),
        (
            "SRV behind a .well-known that fails",
            world("example.org", |w| {
                w.a("example.org").gives(["192.0.2.1"]);
                w.connect("192.0.2.1:443").works();
                w.get("https://example.org/.well-known/matrix/server")
                    .fails(500);
                w.srv("_matrix._tcp.example.org")
                    .gives([srv(0, 0, 9000, "one.example.net")]);
                w.a("one.example.net").gives(["192.0.2.3"]);
                w.connect("192.0.2.3:9000").works();
            }),
        ),
        (
            "an SRV question that fails before one that does not",
            world("example.org", |w| {
                w.srv("_matrix-fed._tcp.example.org").servfails();
                w.srv("_matrix._tcp.example.org")
                    .gives([srv(0, 0, 9000, "one.example.net")]);
                w.aaaa("one.example.net").gives(["2001:db8::3"]);
                w.connect("[2001:db8::3]:9000").works();
            }),
        ),
        (
            "a service that is not offered",
            world("example.org", |w| {
                w.srv("_matrix-fed._tcp.example.org")
                    .gives([srv(0, 0, 0, ".")]);
                w.srv("_matrix._tcp.example.org").gives([srv(0, 0, 0, ".")]);
            }),
        ),
        (
            "a redirect to a delegation",
            world("example.org", |w| {
                w.a("example.org").gives(["192.0.2.1"]);
                w.connect("192.0.2.1:443").works();
                w.get("https://example.org/.well-known/matrix/server")
                    .redirects(302, "https://192.0.2.2/x");
                w.connect("192.0.2.2:443").works();
                w.get("https://192.0.2.2/x")
                    .delegates_to("delegated.example.net:9000");
                w.a("delegated.example.net").gives(["192.0.2.3"]);
                w.connect("192.0.2.3:9000").works();
            }),
        ),
        (
            "an invalid .well-known",
            world("example.org", |w| {
                w.a("example.org").gives(["192.0.2.1"]);
                w.connect("192.0.2.1:443").works();
                w.get("https://example.org/.well-known/matrix/server")
                    .has_body("{}");
                w.connect("192.0.2.1:8448").works();
            }),
        ),
        (
            "silence",
            world("example.org", |w| {
                w.aaaa("example.org").is_silent();
                w.a("example.org").gives(["192.0.2.1"]);
                w.connect("192.0.2.1:443").works();
                w.get("https://example.org/.well-known/matrix/server")
                    .hangs();
                w.srv("_matrix-fed._tcp.example.org").is_silent();
                w.srv("_matrix._tcp.example.org").fails(DnsError::Refused);
                w.connect("192.0.2.1:8448").works();
            }),
        ),
    ]
}

/// Up to seven actions in flight: every answer comes in time
pub(crate) fn wide_worlds() -> Vec<(&'static str, World)> {
    vec![
        (
            "a delegated host of two targets",
            world("example.org", |w| {
                w.aaaa("example.org").gives(["2001:db8::1"]);
                w.connect("[2001:db8::1]:443").works();
                w.get("https://example.org/.well-known/matrix/server")
                    .delegates_to("delegated.example.net");
                let targets = [
                    srv(0, 0, 9000, "one.example.net"),
                    srv(10, 0, 9001, "two.example.net"),
                ];
                w.srv("_matrix-fed._tcp.delegated.example.net")
                    .gives(targets.clone());
                w.srv("_matrix._tcp.delegated.example.net").gives(targets);
                w.a("one.example.net").gives(["192.0.2.1"]);
                w.a("two.example.net").gives(["192.0.2.2"]);
                w.connect("192.0.2.1:9000").refused();
                w.connect("192.0.2.2:9001").works();
            }),
        ),
        (
            "two targets ahead of a .well-known that fails",
            world("example.org", |w| {
                w.a("example.org").gives(["192.0.2.1"]);
                let targets = [
                    srv(0, 0, 9000, "one.example.net"),
                    srv(10, 0, 9001, "two.example.net"),
                ];
                w.srv("_matrix-fed._tcp.example.org").gives(targets);
                w.a("one.example.net").gives(["192.0.2.2"]);
                w.connect("192.0.2.2:9000").works();
            }),
        ),
    ]
}

fn world(name: &str, describe: impl FnOnce(&mut Answers)) -> World {
    let mut answers = Answers::default();
    describe(&mut answers);
    World {
        name: name.to_owned(),
        answers,
        deny: Vec::new(),
        gone: false,
        skip: Vec::new(),
        seed: 0,
    }
}

/// The readings of a world with every subset of its replies silenced, as far as they are asked for
pub(crate) fn silenced(world: &World, edition: Edition, goal: Goal) -> Vec<Reading> {
    let mut readings = Vec::new();
    decide(world.clone(), edition, goal, BTreeSet::new(), &mut readings);
    readings
}

/// Something that is asked, once it is decided whether the answer comes
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Exchange {
    Connect(SocketAddr),
    Get(String),
    Question(Question),
}

fn decide(
    world: World,
    edition: Edition,
    goal: Goal,
    mut decided: BTreeSet<Exchange>,
    readings: &mut Vec<Reading>,
) {
    let reading = ask(edition, goal, &world, &[]);
    let asked = &reading.asked;
    let questions = asked.questions.iter().cloned().map(Exchange::Question);
    let connects = asked
        .connects
        .iter()
        .map(|(address, ..)| Exchange::Connect(*address));
    let gets = asked.urls.iter().cloned().map(Exchange::Get);
    for exchange in questions.chain(connects).chain(gets) {
        if decided.insert(exchange.clone()) {
            let mut silent = world.clone();
            silence(&mut silent.answers, exchange);
            decide(silent, edition, goal, decided.clone(), readings);
        }
    }
    readings.push(reading);
}

fn silence(answers: &mut Answers, exchange: Exchange) {
    match exchange {
        Exchange::Connect(address) => {
            answers.connect(&address.to_string()).hangs();
        }
        Exchange::Get(url) => {
            answers.pages.insert(url, Reply::never());
        }
        Exchange::Question(Question { kind, name }) => {
            let name = name.as_str();
            match kind {
                RecordKind::A => drop(answers.a(name).is_silent()),
                RecordKind::Aaaa => drop(answers.aaaa(name).is_silent()),
                RecordKind::Srv => drop(answers.srv(name).is_silent()),
            }
        }
    }
}
