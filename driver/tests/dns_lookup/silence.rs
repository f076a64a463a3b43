//! Servers that say nothing: how long they are waited for, and how they are asked then.

use std::time::Duration;

use fedway_core::{DnsError, Instant};
use fedway_driver::dns::{Step, Transport};

use crate::rig::*;

#[test]
fn a_silent_server_has_its_share_of_the_time_and_no_tick_more() {
    let mut lookup = seeded(&config(2), 1);
    // In the last round both ways that are left are tried
    for (server, until) in [
        (1, 1_187_500),
        (2, 2_375_000),
        (1, 2_968_750),
        (1, 3_562_500),
        (2, 4_156_250),
        (2, END * 1_000),
    ] {
        let until = Instant::from_origin(Duration::from_micros(until));
        assert_eq!(send(&mut lookup).server, server);
        assert_eq!(lookup.deadline(), Some(until));
        lookup.handle_timeout(tick_before(until));
        assert_eq!(waits(&mut lookup), until);
        lookup.handle_timeout(until);
    }
    assert_eq!(done(&mut lookup), Err(DnsError::TimedOut));
    assert_eq!(lookup.deadline(), None);
}

#[test]
fn no_exchange_is_longer_than_the_configured_timeout() {
    let mut config = config(1);
    config.timeout = Duration::from_secs(1);
    let mut lookup = seeded(&config, 1);
    for until in [1_000, 2_000, 3_000] {
        send(&mut lookup);
        lookup.handle_timeout(tick_before(at(until)));
        assert_eq!(waits(&mut lookup), at(until));
        lookup.handle_timeout(at(until));
    }
    assert_eq!(done(&mut lookup), Err(DnsError::TimedOut));
}

/// RFC 6891 §6.2.5 has timeouts lead to queries without EDNS; what drops them may be in the way of all datagrams
#[test]
fn a_silent_server_is_asked_without_edns_and_then_over_tcp() {
    const EDNS: (bool, Transport) = (true, Transport::Udp);
    const PLAIN: (bool, Transport) = (false, Transport::Udp);
    const TCP: (bool, Transport) = (false, Transport::Tcp);
    for (attempts, expected) in [
        (1, &[EDNS, PLAIN, TCP][..]),
        (2, &[EDNS, PLAIN, TCP]),
        (3, &[EDNS, PLAIN, TCP]),
        (4, &[EDNS, PLAIN, TCP, EDNS, PLAIN, TCP]),
    ] {
        let mut config = config(1);
        config.attempts = attempts;
        let mut lookup = seeded(&config, 1);
        let mut ways = Vec::new();
        while let Step::Send(transmit) = step(&mut lookup) {
            ways.push(Sent::from(transmit).way());
            time_out(&mut lookup);
        }
        assert_eq!(ways, expected, "{attempts} attempts");
    }
}

#[test]
fn what_was_never_sent_is_sent_as_it_was_when_its_time_has_passed() {
    let mut lookup = v4("example.org");
    lookup.handle_timeout(lookup.deadline().unwrap());
    assert_eq!(send(&mut lookup).way(), (true, Transport::Udp));
    assert!(matches!(lookup.poll(), Step::Wait { .. }), "one query only");
}

/// `nameserver` lines of which glibc reads three
#[test]
fn of_six_name_servers_the_third_answers_while_the_first_two_are_silent() {
    let lines: String = (1..=6)
        .map(|last| format!("nameserver 192.0.2.{last}\n"))
        .collect();
    let config = fedway_driver::dns::DnsConfig::from_resolv_conf(lines.as_bytes()).unwrap();
    let mut lookup = seeded(&config, 1);
    for server in [1, 2] {
        assert_eq!(send(&mut lookup).server, server);
        time_out(&mut lookup);
    }
    let third = send(&mut lookup);
    assert_eq!(third.server, 3);
    third.answer(&mut lookup, &[a("example.org.", 1, 1)]);
    assert_eq!(done(&mut lookup), found(&[1], 1, false));
}
