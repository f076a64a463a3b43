//! Connections that fail, and what is tried next.

use fedway_core::{
    Absence, AttemptError, ConnectError, DiscoveryError, DiscoveryErrorKind, DnsError, Edition,
    Place, Route, TlsError,
};
use fedway_testkit::world::{
    Certificate, ConnectionFault, DnsFault, Event, Https, RecordType, WorldPlan,
};

use crate::rig::{Rig, address, ask_with, cause, ms, socket, timed, unanswered};
use crate::runtime::Runtime;

on_every_runtime! {
    each_failure_has_its_own_error,
    an_attempt_lasts_as_long_as_the_connect_deadline,
    a_slow_handshake_is_waited_for,
    a_search_lasts_as_long_as_its_deadline,
    the_next_address_is_tried_at_once,
    the_next_srv_target_is_tried_after_all_addresses_of_the_last,
    an_srv_target_without_an_address_is_passed_over,
    srv_targets_are_tried_by_priority,
    when_nothing_works_all_attempts_are_told_in_their_order,
    ipv4_wins_while_ipv6_hangs_and_ipv6_is_closed,
    the_first_to_finish_wins_even_if_it_began_first,
    a_race_over_many_dead_addresses_comes_to_the_living_one,
    addresses_that_may_not_be_dialled_are_not,
    an_error_says_where_requests_would_have_gone,
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

fn the_next_srv_target_is_tried_after_all_addresses_of_the_last<R: Runtime>() {
    for wrong in [
        |plan: &mut WorldPlan, at: &str| plan.connection_fault(at, ConnectionFault::Refused),
        |plan: &mut WorldPlan, at: &str| {
            plan.connection_fault(at, ConnectionFault::HangInHandshake)
        },
        |plan: &mut WorldPlan, at: &str| {
            let certificate = Certificate::for_name("a.example.net");
            plan.https(at, Https::for_name("example.org").certificate(certificate));
        },
    ] {
        let dead = ["198.51.100.1:8450", "[2001:db8::1]:8450"];
        let rig = Rig::new(|plan| {
            plan.srv(OWNER, 1, 0, 8450, "a.example.net");
            plan.srv(OWNER, 2, 0, 8451, "b.example.net");
            address(plan, "a.example.net", "198.51.100.1");
            address(plan, "a.example.net", "2001:db8::1");
            address(plan, "b.example.net", "198.51.100.2");
            for at in dead {
                wrong(plan, at);
            }
            plan.https("198.51.100.2:8451", Https::for_name("example.org"));
        });
        let rig = rig
            .racing()
            .configure(|config| config.deadlines.connect = ms(600));
        let found = rig.ask::<R>("example.org");
        assert_eq!(
            found.connection.unwrap().address,
            socket("198.51.100.2:8451")
        );
        let mut tried: Vec<_> = (found.notes.attempts.iter())
            .filter(|attempt| attempt.place == Place::Route(Route::Srv(0)))
            .map(|attempt| attempt.address.unwrap().to_string())
            .collect();
        tried.sort();
        assert_eq!(tried, dead);
    }
}

fn an_srv_target_without_an_address_is_passed_over<R: Runtime>() {
    for fault in [DnsFault::NxDomain, DnsFault::NoData, DnsFault::ServFail] {
        let rig = Rig::new(|plan| {
            plan.srv(OWNER, 1, 0, 8450, "a.example.net");
            plan.srv(OWNER, 2, 0, 8450, "b.example.net");
            plan.dns_fault("a.example.net", RecordType::ANY, fault);
            plan.a("b.example.net", "198.51.100.2");
            plan.https("198.51.100.2:8450", Https::for_name("example.org"));
        });
        let found = rig.ask::<R>("example.org");
        assert_eq!(
            found.connection.unwrap().address,
            socket("198.51.100.2:8450")
        );
        assert_eq!(
            rig.find::<R>("example.org").destination.addresses().count(),
            1
        );
    }
}

fn srv_targets_are_tried_by_priority<R: Runtime>() {
    let targets = ["c", "a", "d", "b"];
    let rig = Rig::new(|plan| {
        for (index, target) in targets.iter().enumerate().rev() {
            let (number, target) = (index as u16, format!("{target}.example.net"));
            plan.srv(OWNER, number, 0, 8450, &target);
            plan.a(&target, &format!("198.51.100.{number}"));
            plan.connection_fault(
                &format!("198.51.100.{number}:8450"),
                ConnectionFault::Refused,
            );
        }
    });
    let error = rig.connect::<R>("example.org").unwrap_err();
    let hosts = attempts(&error).into_iter().map(|(host, _)| host);
    let expected = targets.map(|target| format!("{target}.example.net"));
    // The first attempt was for .well-known
    assert_eq!(hosts.skip(1).collect::<Vec<_>>(), expected);
    let candidates = &error.destination.unwrap().candidates;
    let priorities: Vec<_> = candidates.iter().map(|it| it.srv.unwrap().0).collect();
    assert_eq!(priorities, [0, 1, 2, 3]);
}

fn when_nothing_works_all_attempts_are_told_in_their_order<R: Runtime>() {
    let rig = Rig::new(|plan| {
        plan.srv(OWNER, 1, 0, 8450, "a.example.net");
        plan.srv(OWNER, 2, 0, 8450, "b.example.net");
        plan.srv(OWNER, 3, 0, 8450, "c.example.net");
        plan.a("a.example.net", "198.51.100.1");
        plan.connection_fault("198.51.100.1:8450", ConnectionFault::Reset);
        plan.dns_fault("b.example.net", RecordType::ANY, DnsFault::Refused);
        plan.a("c.example.net", "198.51.100.3");
        let certificate = Certificate::for_name("example.org").expired();
        let server = Https::for_name("example.org").certificate(certificate);
        plan.https("198.51.100.3:8450", server);
    });
    let error = rig.connect::<R>("example.org").unwrap_err();
    let mut tried = attempts(&error);
    // Both families
    tried.dedup();
    let [well_known, a, b, (c, last)] = &tried[..] else {
        panic!("{tried:?}");
    };
    let absent = AttemptError::NoAddress(Absence::NoData);
    assert_eq!(*well_known, ("example.org".into(), absent));
    let reset = AttemptError::Connect(ConnectError::Reset);
    assert_eq!(*a, ("a.example.net".into(), reset));
    assert_eq!(*b, ("b.example.net".into(), unanswered(DnsError::Refused)));
    assert_eq!((&**c, last), ("c.example.net", &cause(&error)));
    assert!(error.is_temporary(), "the first target may come back");
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

fn addresses_that_may_not_be_dialled_are_not<R: Runtime>() {
    for ip in [
        "10.0.0.1",
        "127.0.0.1",
        "169.254.169.254",
        "::1",
        "fe80::1",
        "::ffff:10.0.0.1",
    ] {
        let at = match ip.contains(':') {
            true => format!("[{ip}]:8448"),
            false => format!("{ip}:8448"),
        };
        let rig = Rig::new(|plan| {
            address(plan, "example.org", ip);
            plan.https(&at, Https::for_names(["example.org", ip]));
        });
        let name = at.trim_end_matches(":8448");
        for name in [NAME, "example.org", name] {
            let error = rig.failure::<R>(name);
            assert!(
                matches!(error, AttemptError::AddressRefused(_)),
                "{ip}: {error:?}"
            );
        }
        assert!(
            rig.world
                .log()
                .iter()
                .all(|entry| matches!(entry.what, Event::DnsQuery(_)))
        );
    }
}

fn an_error_says_where_requests_would_have_gone<R: Runtime>() {
    let rig = broken(ConnectionFault::Refused);
    let destination = rig.connect::<R>(NAME).unwrap_err().destination.unwrap();
    assert_eq!(destination.host_header, NAME);
    assert_eq!(destination.addresses().collect::<Vec<_>>(), [socket(HERE)]);
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

/// What was tried: the host, and why it failed
fn attempts(error: &DiscoveryError) -> Vec<(String, AttemptError)> {
    let attempts = error.notes.attempts.iter();
    attempts
        .map(|it| (it.host.to_string(), it.error.clone()))
        .collect()
}

const NAME: &str = "example.org:8448";

const HERE: &str = "198.51.100.1:8448";

const THERE: &str = "198.51.100.2:8448";

const V6: &str = "[2001:db8::1]:8448";

const OWNER: &str = "_matrix-fed._tcp.example.org";
