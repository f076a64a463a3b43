//! What the requests of a search say.

use std::collections::BTreeSet;

use fedway_driver::BuildError;
use fedway_proof::on_every_runtime;
use fedway_proof::runtime::Runtime;
use fedway_testkit::world::{Event, Https, Reply, Request};

use crate::rig::{Rig, WELL_KNOWN, ask_with, web};

on_every_runtime! {
    a_well_known_request_has_the_host_without_a_port,
    a_request_asks_for_plain_json_once,
    every_request_says_who_asks,
    a_user_agent_that_would_add_a_line_is_refused,
    each_request_has_a_connection_of_its_own,
}

fn a_well_known_request_has_the_host_without_a_port<R: Runtime>() {
    let rig = delegating();
    rig.find::<R>("Example.org");
    let [first, redirected] = &rig.world.requests()[..] else {
        panic!("{:?}", rig.requests());
    };
    assert_eq!((&*first.method, &*first.target), ("GET", WELL_KNOWN));
    assert_eq!(values(first, "host"), ["Example.org"]);
    assert_eq!(
        (&*redirected.method, &*redirected.target),
        ("GET", "/x?a=b&c")
    );
    assert_eq!(values(redirected, "host"), ["www.example.org"]);
}

fn a_request_asks_for_plain_json_once<R: Runtime>() {
    let rig = delegating();
    rig.ask::<R>("example.org");
    let requests = rig.world.requests();
    assert_eq!(requests.len(), 3);
    for request in requests {
        assert_eq!(values(&request, "accept"), ["application/json"]);
        assert_eq!(values(&request, "accept-encoding"), ["identity"]);
        assert_eq!(values(&request, "connection"), ["close"]);
        assert!(values(&request, "user-agent")[0].starts_with("fedway/"));
        // Nothing that tells more of who asks, and no body
        assert_eq!(request.headers.len(), 5, "{:?}", request.headers);
    }
}

fn every_request_says_who_asks<R: Runtime>() {
    let rig = delegating();
    let agent = "example/1.0 (+https://example.org)";
    let resolver = rig.builder().user_agent(agent).build(R::io()).unwrap();
    R::block_on(ask_with(&resolver, "example.org"));
    let requests = rig.world.requests();
    assert_eq!(requests.len(), 3);
    for request in requests {
        assert_eq!(values(&request, "user-agent"), [agent]);
    }
}

fn a_user_agent_that_would_add_a_line_is_refused<R: Runtime>() {
    for agent in ["", " ", "a  b", "a\r\nX: y", "a\u{e9}"] {
        let built = delegating().builder().user_agent(agent).build(R::io());
        let error = BuildError::UserAgent(agent.into());
        assert_eq!(built.map(drop), Err(error), "{agent:?}");
    }
}

fn each_request_has_a_connection_of_its_own<R: Runtime>() {
    let rig = delegating();
    rig.ask::<R>("example.org");
    let log = rig.world.log();
    let of = |wanted: fn(&Event) -> bool| {
        let found = log.iter().filter(move |entry| wanted(&entry.what));
        found
            .map(|entry| entry.connection.unwrap())
            .collect::<Vec<_>>()
    };
    let requests = of(|what| matches!(what, Event::Request(_)));
    assert_eq!(requests.iter().collect::<BTreeSet<_>>().len(), 3);
    assert_eq!(of(|what| matches!(what, Event::Accepted { .. })), requests);
}

/// `example.org` delegates to a host and port by way of a redirect
fn delegating() -> Rig {
    Rig::new(|plan| {
        web(plan, "example.org", "198.51.100.1", |server| {
            let to = "https://www.example.org/x?a=b&c";
            server.path(WELL_KNOWN, Reply::redirect(301, to))
        });
        web(plan, "www.example.org", "198.51.100.2", |server| {
            server.path("/x", Reply::json(r#"{"m.server": "m.example.org:8449"}"#))
        });
        plan.a("m.example.org", "198.51.100.3");
        plan.https("198.51.100.3:8449", Https::for_name("m.example.org"));
    })
}

fn values<'a>(request: &'a Request, header: &str) -> Vec<&'a str> {
    let of = |(name, _): &&(String, String)| name.eq_ignore_ascii_case(header);
    let found = request.headers.iter().filter(of);
    found.map(|(_, value)| value.as_str()).collect()
}
