//! Both runtimes, side by side: the same world gives each the same destination, questions, requests and errors.

use fedway_core::Lookahead;
use fedway_testkit::world::{Certificate, ConnectionFault, DnsFault, Https, RecordType, WorldPlan};

use crate::rig::{Rig, address, ms, web};
use crate::runtime::{Runtime, Smol, Tokio};

#[test]
fn both_runtimes_see_and_do_the_same_for_every_name() {
    for (names, is_found) in [(FOUND, true), (FAILS, false)] {
        for name in names {
            let on_tokio = what_comes_of::<Tokio>(name);
            assert_eq!(on_tokio, what_comes_of::<Smol>(name), "{name}");
            assert_eq!(
                on_tokio.0.starts_with("Destination"),
                is_found,
                "{name}: {on_tokio:?}"
            );
        }
    }
}

/// The outcome, what was asked (the order of what is asked at once is not told by a log), and what servers saw
fn what_comes_of<R: Runtime>(name: &str) -> (String, Vec<String>, Vec<String>) {
    // Without lookahead, no question is given up before or after it was sent as chance will have it
    let rig = Rig::new(world).configure(|config| {
        config.lookahead = Lookahead::None;
        (config.deadlines.dns, config.deadlines.connect) = (ms(1_500), ms(1_500));
    });
    let outcome = match rig.connect::<R>(name) {
        Ok(found) => {
            let address = found.connection.map(|connection| connection.address);
            format!("{:?} {address:?} {:?}", found.destination, found.notes)
        }
        Err(error) => format!("{error:?}"),
    };
    let mut questions = rig.questions();
    questions.sort_unstable();
    (outcome, questions, rig.requests())
}

fn world(plan: &mut WorldPlan) {
    plan.https("9.9.9.1:8448", Https::for_name("9.9.9.1"));
    plan.https("[2620:fe::9]:8449", Https::for_name("2620:fe::9"));
    address(plan, "port.example", "9.9.9.2");
    plan.https("9.9.9.2:8449", Https::for_name("port.example"));
    for (host, ip, to) in [
        ("wk-literal.example", "9.9.9.3", "9.9.9.1"),
        ("wk-port.example", "9.9.9.4", "port.example:8449"),
        ("wk-srv.example", "9.9.9.5", "srv.example"),
        ("wk-host.example", "9.9.9.6", "plain.example"),
    ] {
        let body = format!("{{\"m.server\": \"{to}\"}}");
        web(plan, host, ip, |server| server.well_known(body));
    }
    plan.srv("_matrix-fed._tcp.srv.example", 1, 1, 8448, "target.example");
    plan.srv("_matrix._tcp.old.example", 1, 1, 8448, "target.example");
    address(plan, "target.example", "9.9.9.7");
    plan.https(
        "9.9.9.7:8448",
        Https::for_names(["srv.example", "old.example"]),
    );
    address(plan, "plain.example", "9.9.9.8");
    plan.https("9.9.9.8:8448", Https::for_name("plain.example"));
    web(plan, "moved.example", "9.9.9.9", |server| {
        let to = fedway_testkit::world::Reply::redirect(
            308,
            "https://wk-port.example/.well-known/matrix/server",
        );
        server.path("/.well-known/matrix/server", to)
    });
    plan.dns_fault("servfail.example", RecordType::ANY, DnsFault::ServFail);
    plan.dns_fault("silent.example", RecordType::ANY, DnsFault::Silence);
    for (host, ip) in [
        ("refused.example", "9.9.9.10"),
        ("hanging.example", "9.9.9.11"),
        ("expired.example", "9.9.9.12"),
        ("elsewhere.example", "9.9.9.13"),
    ] {
        address(plan, host, ip);
    }
    plan.connection_fault("9.9.9.10:8448", ConnectionFault::Refused);
    plan.connection_fault("9.9.9.11:8448", ConnectionFault::HangInHandshake);
    let expired = Certificate::for_name("expired.example").expired();
    plan.https(
        "9.9.9.12:8448",
        Https::for_name("expired.example").certificate(expired),
    );
    let other = Certificate::for_name("other.example");
    plan.https(
        "9.9.9.13:8448",
        Https::for_name("elsewhere.example").certificate(other),
    );
}

/// Each delegation
const FOUND: &[&str] = &[
    "9.9.9.1",
    "[2620:fe::9]:8449",
    "port.example:8449",
    "wk-literal.example",
    "wk-port.example",
    "wk-srv.example",
    "wk-host.example",
    "srv.example",
    "old.example",
    "plain.example",
    "moved.example",
];

/// Each kind of failure
const FAILS: &[&str] = &[
    "missing.example",
    "servfail.example:8448",
    "silent.example:8448",
    "refused.example:8448",
    "hanging.example:8448",
    "expired.example:8448",
    "elsewhere.example:8448",
    "10.0.0.1",
    "a.onion",
];
