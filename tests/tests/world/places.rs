//! Who is behind an address of the world: now, later, and in its place.

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::thread;

use fedway_testkit::world::{Certificate, ConnectionFault, Https, Reply, World, WorldPlan};
use rustls::{ServerConnection, StreamOwned};

use crate::client::{client_config, connect, connect_with, get, world};

const HERE: &str = "192.0.2.7:443";

#[test]
fn a_router_knows_what_is_added_later() {
    let world = WorldPlan::new().start().unwrap();
    let router = world.router();
    let here: SocketAddr = HERE.parse().unwrap();
    assert_eq!(router(here), None);

    put(&world, Https::for_name("example.org"));
    let real = router(here);
    assert_eq!(real, Some(world.reroutes()[&here]));
    TcpStream::connect(real.unwrap()).unwrap();

    let broken = world.add(|plan| plan.connection_fault(HERE, ConnectionFault::Refused));
    broken.unwrap();
    let refused = TcpStream::connect(router(here).unwrap()).unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::ConnectionRefused);
    world.end_connection_fault(HERE);
    assert_eq!(router(here), real);
}

#[test]
fn a_router_knows_nothing_once_its_world_has_ended() {
    let world = world(|plan| plan.https(HERE, Https::for_name("example.org")));
    let router = world.router();
    drop(world);
    assert_eq!(router(HERE.parse().unwrap()), None);
}

#[test]
fn a_listener_of_the_app_s_own_speaks_what_it_likes_by_the_world_s_authority() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let world = world(|plan| plan.listener(HERE, listener.local_addr().unwrap()));
    let shown = Certificate::for_name("example.org");
    let mut config = world.server_config(&shown).unwrap();
    config.alpn_protocols = vec![b"h2".to_vec()];
    let server = thread::spawn(move || {
        let (stream, _) = listener.accept().unwrap();
        let tls = ServerConnection::new(Arc::new(config)).unwrap();
        let mut tls = StreamOwned::new(tls, stream);
        tls.write_all(b"own").unwrap();
        // The client leaves
        let _ = tls.read(&mut [0]);
    });

    let mut config = client_config(&world);
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    let mut client = connect_with(&world, Arc::new(config), HERE, "example.org").unwrap();
    let mut said = [0; 3];
    client.read_exact(&mut said).unwrap();

    assert_eq!(&said, b"own");
    assert_eq!(client.conn.alpn_protocol(), Some(&b"h2"[..]));
    drop(client);
    server.join().unwrap();
    assert!(world.log().is_empty());
}

#[test]
fn what_is_added_later_takes_the_place_of_a_server_or_a_listener() {
    let world = world(|plan| plan.https(HERE, Https::for_name("example.org")));
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let real = listener.local_addr().unwrap();
    world.add(|plan| plan.listener(HERE, real)).unwrap();
    assert_eq!(world.router()(HERE.parse().unwrap()), Some(real));

    put(
        &world,
        Https::for_name("example.org").path("/", Reply::json("again")),
    );
    assert!(
        get(&world, HERE, "example.org", "/")
            .unwrap()
            .ends_with("again")
    );

    world.add(|plan| plan.listener(HERE, real)).unwrap();
    let fault = world.add(|plan| plan.connection_fault(HERE, ConnectionFault::Reset));
    fault.unwrap();
    assert!(connect(&world, HERE, "example.org").is_err());
    // With the fault that took its place, the listener is gone for good
    world.end_connection_fault(HERE);
    assert_ne!(world.router()(HERE.parse().unwrap()), Some(real));
}

#[test]
fn a_name_that_cannot_stand_in_a_certificate_is_told() {
    let world = WorldPlan::new().start().unwrap();
    let config = world.server_config(&Certificate::for_name("b\u{fc}cher.example"));
    assert!(config.is_err());
}

fn put(world: &World, server: Https) {
    world.add(|plan| plan.https(HERE, server)).unwrap();
}
