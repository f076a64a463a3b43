//! Connections that fail, and what is tried next.

use fedway_core::{AttemptError, ConnectError, DiscoveryErrorKind, Edition, TlsError};
use fedway_proof::on_every_runtime;
use fedway_proof::runtime::Runtime;
use fedway_testkit::world::{ConnectionFault, DnsFault, Event, Https, RecordType, WorldPlan};

use crate::rig::{Rig, ask_with, cause, ms, socket, timed};

on_every_runtime! {
    each_failure_has_its_own_error,
    an_attempt_lasts_as_long_as_the_connect_deadline,
    a_slow_handshake_is_waited_for,
    a_search_lasts_as_long_as_its_deadline,
    the_next_address_is_tried_at_once,
    ipv4_wins_while_ipv6_hangs_and_ipv6_is_closed,
    the_first_to_finish_wins_even_if_it_began_first,
    a_race_over_many_dead_addresses_comes_to_the_living_one,
}

fn each_failure_has_its_own_error<R: Runtime>() {
    for (fault, expected) in [
        (ConnectionFault::CloseInHandshake, ConnectError::Closed),
        (
            ConnectionFault::GarbageInHandshake,
            ConnectError::Tls(TlsError::Protocol),
        ),
        (ConnectionFault::Refused, ConnectError::Refused),
        (ConnectionFault::Reset, ConnectError::Reset),
    ] {
        let rig = broken(fault);
        let error = rig.connect::<R>(NAME).unwrap_err();
        let temporary = fault != ConnectionFault::GarbageInHandshake;
        assert_eq!(cause(&error), AttemptError::Connect(expected), "{fault:?}");
        assert_eq!(error.is_temporary(), temporary, "{fault:?}");
        assert!(rig.is_left());
    }
}

fn an_attempt_lasts_as_long_as_the_connect_deadline<R: Runtime>() {
    for fault in [
        ConnectionFault::HangAfterAccept,
        ConnectionFault::HangInHandshake,
        ConnectionFault::SlowHandshake(ms(3_600_000)),
    ] {
        let rig = broken(fault).configure(|config| config.deadlines.connect = ms(250));
        let error = timed(ms(250), || rig.failure::<R>(NAME));
        assert_eq!(
            error,
            AttemptError::Connect(ConnectError::TimedOut),
            "{fault:?}"
        );
        assert!(rig.is_left());
    }
}

fn a_slow_handshake_is_waited_for<R: Runtime>() {
    let rig = broken(ConnectionFault::SlowHandshake(ms(200)));
    let found = timed(ms(200), || rig.ask::<R>(NAME));
    assert_eq!(found.connection.unwrap().address, socket(HERE));
}

fn a_search_lasts_as_long_as_its_deadline<R: Runtime>() {
    let rig = Rig::new(|plan| {
        plan.a("example.org", "198.51.100.1");
        plan.a("example.org", "198.51.100.2");
        for at in [HERE, THERE] {
            plan.connection_fault(at, ConnectionFault::HangInHandshake);
        }
    });
    let rig = rig
        .racing()
        .configure(|config| config.deadlines.search = ms(500));
    let error = timed(ms(500), || rig.connect::<R>(NAME).unwrap_err());
    assert_eq!(error.kind, DiscoveryErrorKind::TimedOut);
    assert_eq!(error.step(), "2");
    assert!(error.is_temporary());
    assert_eq!(
        [HERE, THERE].map(|at| rig.world.connections_to(at).len()),
        [1, 1]
    );
    assert!(rig.is_left());
    // While DNS is silent, too
    let rig = Rig::new(|plan| {
        plan.dns_fault("example.org", RecordType::ANY, DnsFault::Silence);
    });
    let rig = rig.configure(|config| config.deadlines.search = ms(250));
    let error = timed(ms(250), || rig.resolve::<R>(NAME).unwrap_err());
    assert_eq!(error.kind, DiscoveryErrorKind::TimedOut);
}

fn the_next_address_is_tried_at_once<R: Runtime>() {
    for fault in [
        ConnectionFault::CloseInHandshake,
        ConnectionFault::GarbageInHandshake,
        ConnectionFault::Refused,
        ConnectionFault::Reset,
    ] {
        let rig = Rig::new(|plan| {
            plan.a("example.org", "198.51.100.1");
            plan.a("example.org", "198.51.100.2");
            plan.connection_fault(HERE, fault);
            plan.https(THERE, Https::for_name("example.org"));
        });
        // An hour in which nothing but a failure starts another attempt
        let rig = rig.configure(|config| config.racing.attempt_delay = ms(3_600_000));
        let found = rig.ask::<R>(NAME);
        assert_eq!(
            found.connection.unwrap().address,
            socket(THERE),
            "{fault:?}"
        );
        let [attempt] = &found.notes.attempts[..] else {
            panic!("{:?}", found.notes.attempts);
        };
        assert_eq!(
            (attempt.address, attempt.place.number(Edition::V1_8)),
            (Some(socket(HERE)), "2")
        );
    }
}

fn ipv4_wins_while_ipv6_hangs_and_ipv6_is_closed<R: Runtime>() {
    for fault in [
        ConnectionFault::HangAfterAccept,
        ConnectionFault::HangInHandshake,
    ] {
        let rig = two_families(|plan| plan.connection_fault(V6, fault)).racing();
        let resolver = rig.resolver::<R>();
        R::block_on(async {
            let search = ask_with(&resolver, NAME);
            let start = std::time::Instant::now();
            let connected = search.await;
            let took = start.elapsed();
            assert!(took >= ms(250) && took < ms(4_000), "{took:?}");
            assert_eq!(
                connected.found.connection.as_ref().unwrap().address,
                socket(HERE)
            );
            // The winner alone is left
            assert!(rig.sees(|what| *what
                == Event::Closed {
                    address: socket(V6)
                }));
            assert_eq!(rig.world.open_connections(), 1);
            drop(connected);
        });
        assert!(rig.is_left());
    }
}

fn the_first_to_finish_wins_even_if_it_began_first<R: Runtime>() {
    let rig = two_families(|plan| {
        plan.connection_fault(V6, ConnectionFault::SlowHandshake(ms(500)));
        plan.connection_fault(HERE, ConnectionFault::HangInHandshake);
    });
    let rig = rig.racing();
    let found = timed(ms(500), || rig.ask::<R>(NAME));
    assert_eq!(found.connection.unwrap().address, socket(V6));
    assert_eq!(rig.world.connections_to(HERE).len(), 1);
    assert!(rig.is_left());
}

fn a_race_over_many_dead_addresses_comes_to_the_living_one<R: Runtime>() {
    let rig = Rig::new(|plan| {
        for number in 1..=5 {
            plan.a("example.org", &format!("198.51.100.{number}"));
            let at = format!("198.51.100.{number}:8448");
            plan.connection_fault(&at, ConnectionFault::HangAfterAccept);
        }
        plan.a("example.org", "198.51.100.6");
        plan.https("198.51.100.6:8448", Https::for_name("example.org"));
    });
    let rig = rig.configure(|config| config.racing.attempt_delay = ms(40));
    let found = timed(ms(200), || rig.ask::<R>(NAME));
    assert_eq!(
        found.connection.unwrap().address,
        socket("198.51.100.6:8448")
    );
    assert!(rig.is_left());
}

/// `example.org` at one address, where connections go wrong
fn broken(fault: ConnectionFault) -> Rig {
    Rig::new(|plan| {
        plan.a("example.org", "198.51.100.1");
        plan.https(HERE, Https::for_name("example.org"));
        plan.connection_fault(HERE, fault);
    })
}

fn two_families(describe: impl FnOnce(&mut WorldPlan)) -> Rig {
    Rig::new(|plan| {
        plan.a("example.org", "198.51.100.1");
        plan.aaaa("example.org", "2001:db8::1");
        plan.https(HERE, Https::for_name("example.org"));
        plan.https(V6, Https::for_name("example.org"));
        describe(plan);
    })
}

const NAME: &str = "example.org:8448";

const HERE: &str = "198.51.100.1:8448";

const THERE: &str = "198.51.100.2:8448";

const V6: &str = "[2001:db8::1]:8448";
