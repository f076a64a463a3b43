//! What one look-up learns of a server, and the next one knows.

use std::net::IpAddr;
use std::time::Duration;

use fedway_core::{DnsName, Family, Instant};
use fedway_driver::dns::{DnsConfig, Lookup, Memory, Step, Transport};
use hickory_proto::op::ResponseCode;

use crate::rig::*;

/// Routers that know no OPT record drop the whole query
#[test]
fn a_server_that_drops_edns_costs_one_time_out_in_ten_minutes() {
    let mut network = Network::new(1, |way| way == PLAIN);
    assert_eq!(network.look_up(at(0)), [EDNS, PLAIN]);
    let learnt = network.learnt.unwrap();
    assert_eq!(learnt, at(END / 2), "after one time-out");
    let end = learnt + Duration::from_secs(600);
    assert_eq!(network.look_up(learnt), [PLAIN]);
    assert_eq!(network.look_up(tick_before(end)), [PLAIN]);
    assert_eq!(network.look_up(end), [EDNS, PLAIN]);
}

#[test]
fn a_server_that_is_silent_on_udp_costs_its_time_outs_once() {
    let mut network = Network::new(1, |(_, transport)| transport == Transport::Tcp);
    assert_eq!(network.look_up(at(0)), [EDNS, PLAIN, TCP]);
    assert_eq!(network.look_up(at(60_000)), [TCP]);
}

/// Then it is as if nothing were known of it
#[test]
fn a_server_that_no_longer_answers_as_it_did_is_asked_from_the_beginning() {
    let mut network = Network::new(1, |(_, transport)| transport == Transport::Tcp);
    network.look_up(at(0));
    network.answers = |(_, transport)| transport == Transport::Udp;
    assert_eq!(network.look_up(at(60_000)), [TCP, EDNS]);
    assert_eq!(network.look_up(at(120_000)), [EDNS]);
}

#[test]
fn a_refusal_of_edns_is_remembered_and_of_its_server_only() {
    let memory = after(2, |sent, lookup| match sent.server {
        1 => sent.code(lookup, ResponseCode::FormErr),
        _ => sent.code(lookup, ResponseCode::Refused),
    });
    let ways = ways(&config(2), &memory);
    assert_eq!(ways[..2], [(1, PLAIN), (2, EDNS)]);
}

#[test]
fn a_malformed_answer_to_edns_and_a_good_one_without_are_remembered() {
    let memory = after(1, |sent, lookup| match sent.way() {
        EDNS => sent.garbage(lookup),
        _ => sent.answer(lookup, &[a("example.org.", 1, 1)]),
    });
    assert_eq!(ways(&config(1), &memory)[0], (1, PLAIN));
}

#[test]
fn a_server_that_never_answers_or_always_does_leaves_nothing_to_remember() {
    for answer in [
        (|_, lookup| time_out(lookup)) as Fault,
        |sent, lookup| sent.garbage(lookup),
        |sent, lookup| lookup.handle_failure(sent.transmit.id(), at(0)),
        |sent, lookup| sent.code(lookup, ResponseCode::ServFail),
        |sent, lookup| sent.answer(lookup, &[a("example.org.", 1, 1)]),
    ] {
        let memory = after(1, answer);
        assert_eq!(ways(&config(1), &memory)[0], (1, EDNS));
    }
}

/// It answered with EDNS, too, only not in time
#[test]
fn a_slow_answer_to_edns_teaches_nothing() {
    let mut lookup = v4("example.org");
    let slow = send(&mut lookup);
    time_out(&mut lookup);
    send(&mut lookup);
    slow.answer(&mut lookup, &[a("example.org.", 1, 1)]);
    loop {
        match lookup.poll() {
            Step::Learnt(lesson) => panic!("{lesson:?}"),
            Step::Done(_) => break,
            Step::Cancel(_) | Step::Send(_) | Step::Wait { .. } => {}
        }
    }
}

const EDNS: (bool, Transport) = (true, Transport::Udp);
const PLAIN: (bool, Transport) = (false, Transport::Udp);
const TCP: (bool, Transport) = (false, Transport::Tcp);

/// Name servers that answer in some ways and are silent in others, and the memory of a driver
struct Network {
    config: DnsConfig,
    answers: fn((bool, Transport)) -> bool,
    memory: Memory,
    /// When it last learnt
    learnt: Option<Instant>,
}

impl Network {
    fn new(servers: u8, answers: fn((bool, Transport)) -> bool) -> Self {
        Self {
            config: config(servers),
            answers,
            memory: Memory::default(),
            learnt: None,
        }
    }

    /// The ways of its queries; it ends with an answer
    fn look_up(&mut self, start: Instant) -> Vec<(bool, Transport)> {
        let (host, mut now) = (DnsName::new("example.org").unwrap(), start);
        let mut terms = terms(&self.config, &self.memory, 1);
        terms.deadline = start + Duration::from_secs(5);
        let mut lookup = Lookup::addresses(&host, Family::V4, terms, start);
        let mut ways = Vec::new();
        loop {
            match lookup.poll() {
                Step::Cancel(_) => {}
                Step::Done(outcome) => {
                    assert_eq!(outcome, found(&[1], 1, false));
                    return ways;
                }
                Step::Learnt(lesson) => {
                    self.memory.learn(lesson, now);
                    self.learnt = Some(now);
                }
                Step::Send(transmit) => {
                    let sent = Sent::from(transmit);
                    ways.push(sent.way());
                    if (self.answers)(sent.way()) {
                        sent.answer_at(&mut lookup, &[a("example.org.", 1, 1)], now);
                    }
                }
                Step::Wait { until } => {
                    now = until.unwrap();
                    lookup.handle_timeout(now);
                }
            }
        }
    }
}

/// What is remembered after a look-up whose every query meets this
fn after(servers: u8, meet: fn(&Sent, &mut Lookup<IpAddr>)) -> Memory {
    let (config, mut memory) = (config(servers), Memory::default());
    let mut lookup = seeded(&config, 1);
    loop {
        match lookup.poll() {
            Step::Cancel(_) => {}
            Step::Done(_) => return memory,
            Step::Learnt(lesson) => memory.learn(lesson, at(0)),
            Step::Send(transmit) => meet(&transmit.into(), &mut lookup),
            Step::Wait { .. } => time_out(&mut lookup),
        }
    }
}

/// Servers and ways of a look-up that nobody answers
fn ways(config: &DnsConfig, memory: &Memory) -> Vec<(u8, (bool, Transport))> {
    let host = DnsName::new("example.org").unwrap();
    let mut lookup = Lookup::addresses(&host, Family::V4, terms(config, memory, 1), at(0));
    let mut ways = Vec::new();
    while let Step::Send(transmit) = step(&mut lookup) {
        let sent = Sent::from(transmit);
        ways.push((sent.server, sent.way()));
        time_out(&mut lookup);
    }
    ways
}
