//! A resolver that is at home in a world: `World::builder`.

use std::net::TcpListener;
use std::sync::Arc;
use std::thread;

use fedway_core::{AttemptError, ConnectError};
use fedway_proof::on_every_runtime;
use fedway_proof::runtime::Runtime;
use fedway_testkit::world::{Certificate, Https, WorldPlan};
use rustls::{ServerConnection, StreamOwned};

use crate::rig::{ask_with, cause, server_name, socket};

on_every_runtime! {
    names_authority_and_addresses_of_a_world_are_known,
    a_server_that_is_added_later_is_found,
    http_2_is_agreed_on_with_a_listener_of_the_app_s_own,
    when_the_world_has_ended_nobody_is_there,
}

fn names_authority_and_addresses_of_a_world_are_known<R: Runtime>() {
    let mut plan = WorldPlan::new();
    // In each network of the documentation
    for (name, address) in [
        ("a.example", "192.0.2.1"),
        ("b.example", "198.51.100.1"),
        ("c.example", "203.0.113.1"),
        ("d.example", "2001:db8::1"),
    ] {
        plan.web(name, address, well_known(name));
    }
    let world = plan.start().unwrap();
    let resolver = world.builder().build(R::io()).unwrap();
    for name in ["a.example", "b.example", "c.example", "d.example"] {
        let connected = R::block_on(ask_with(&resolver, name));
        assert_eq!(connected.found.destination.step(), "3.2", "{name}");
    }
}

fn a_server_that_is_added_later_is_found<R: Runtime>() {
    let world = WorldPlan::new().start().unwrap();
    let resolver = world.builder().build(R::io()).unwrap();
    let name = server_name("example.org:8448");
    R::block_on(async {
        assert!(resolver.connect(&name).await.is_err());
        let added = world.add(|plan| {
            plan.a("example.org", "192.0.2.7");
            plan.https("192.0.2.7:8448", Https::for_name("example.org"));
        });
        added.unwrap();
        // It has remembered that there was nobody
        resolver.forget_all();
        let connected = ask_with(&resolver, name.as_str()).await;
        let connection = connected.found.connection.unwrap();
        assert_eq!(connection.address, socket("192.0.2.7:8448"));
    });
}

fn http_2_is_agreed_on_with_a_listener_of_the_app_s_own<R: Runtime>() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let mut plan = WorldPlan::new();
    plan.a("example.org", "192.0.2.7");
    plan.listener("192.0.2.7:8448", listener.local_addr().unwrap());
    let world = plan.start().unwrap();
    let shown = Certificate::for_name("example.org");
    let mut config = world.server_config(&shown).unwrap();
    config.alpn_protocols = vec![b"h2".to_vec()];
    let server = thread::spawn(move || {
        let (stream, _) = listener.accept().unwrap();
        let tls = ServerConnection::new(Arc::new(config)).unwrap();
        let mut tls = StreamOwned::new(tls, stream);
        // Until the client leaves
        let _ = std::io::copy(&mut tls, &mut std::io::sink());
    });
    let builder = world.builder().alpn(["h2", "http/1.1"]);
    let resolver = builder.build(R::io()).unwrap();
    let name = server_name("example.org:8448");
    let connected = R::block_on(resolver.connect(&name)).unwrap();
    assert_eq!(connected.alpn(), Some(&b"h2"[..]));
    drop(connected);
    server.join().unwrap();
}

fn when_the_world_has_ended_nobody_is_there<R: Runtime>() {
    let world = WorldPlan::new().start().unwrap();
    let resolver = world.builder().build(R::io()).unwrap();
    drop(world);
    let name = server_name("192.0.2.7:8448");
    let error = R::block_on(resolver.connect(&name)).map(drop).unwrap_err();
    assert_eq!(cause(&error), AttemptError::Connect(ConnectError::Refused));
}

/// A server that delegates to itself
fn well_known(name: &str) -> Https {
    Https::for_name(name).well_known(format!(r#"{{"m.server": "{name}:443"}}"#))
}
