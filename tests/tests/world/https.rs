//! HTTPS servers of the world.

use std::io::{self, ErrorKind, Read, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::time::{Duration, Instant};

use fedway_testkit::world::{
    Body, Certificate, ConnectionFault, Entry, Event, Https, Reply, World,
};

use crate::client::{client_config, connect, connect_with, get, request, shake_hands, world};

const HERE: &str = "192.0.2.7:443";

#[test]
fn a_valid_handshake_leads_to_the_well_known_answer() {
    let world = world(|plan| {
        plan.https(HERE, Https::for_name("example.org").well_known("{}"));
        plan.https(
            "[2001:db8::7]:8448",
            Https::for_name("2001:db8::7").version("Conduit", "9"),
        );
    });

    let delegation = get(&world, HERE, "example.org", "/.well-known/matrix/server").unwrap();
    let version = "/_matrix/federation/v1/version";
    let version = get(&world, "[2001:db8::7]:8448", "2001:db8::7", version).unwrap();
    let nothing = get(&world, HERE, "example.org", "/nothing").unwrap();

    assert!(delegation.starts_with("HTTP/1.1 200 OK\r\n"));
    assert!(delegation.ends_with("\r\n\r\n{}"));
    assert!(version.ends_with(r#"{"server":{"name":"Conduit","version":"9"}}"#));
    assert!(nothing.starts_with("HTTP/1.1 404 "));
}

#[test]
fn the_log_tells_a_connection_from_end_to_end() {
    let world = world(|plan| plan.https(HERE, Https::for_name("example.org")));
    get(&world, HERE, "example.org", "/x?y").unwrap();
    assert!(closes(&world));

    let log = world.log();
    let address = HERE.parse().unwrap();
    let (sni, alpn) = (Some("example.org".to_owned()), vec!["http/1.1".to_owned()]);
    assert_eq!(log[0].what, Event::Accepted { address });
    assert_eq!(log[1].what, Event::ClientHello { address, sni, alpn });
    let finished = Ok(());
    assert_eq!(
        log[2].what,
        Event::Handshake {
            address,
            resumed: false,
            finished
        }
    );
    assert_eq!(log[4].what, Event::Closed { address });
    let [request] = &world.requests()[..] else {
        panic!("not one request: {log:?}");
    };
    assert_eq!((&*request.method, &*request.target), ("GET", "/x?y"));
    assert_eq!(request.host.as_deref(), Some("example.org"));
    assert_eq!(world.connections_to(HERE), [log[0].connection.unwrap()]);
    assert_eq!(world.open_connections(), 0);
    world.forget();
    assert!(world.log().is_empty());
}

#[test]
fn names_at_one_address_are_told_apart() {
    let world = world(|plan| {
        plan.https(HERE, Https::for_name("one.org").path("/", Reply::json("1")));
        plan.https(HERE, Https::for_name("two.org").path("/", Reply::json("2")));
        plan.https(
            HERE,
            Https::for_name("192.0.2.7").path("/", Reply::json("3")),
        );
    });
    for (name, reply) in [("one.org", "1"), ("two.org", "2"), ("192.0.2.7", "3")] {
        assert!(get(&world, HERE, name, "/").unwrap().ends_with(reply));
    }
}

#[test]
fn bad_certificates_are_refused_and_the_server_hears_why() {
    let own = || Certificate::for_name("example.org");
    let bad = [
        (own().expired(), "Expired"),
        (own().from_unknown_authority(), "UnknownIssuer"),
        (own().not_yet_valid(), "NotValidYet"),
        (own().self_signed(), "UnknownIssuer"),
        (Certificate::for_names(["other.org"]), "NotValidForName"),
    ];
    for (certificate, complaint) in bad {
        let server = Https::for_name("example.org").certificate(certificate);
        let world = world(|plan| plan.https(HERE, server));
        let error = get(&world, HERE, "example.org", "/").unwrap_err();
        let error = format!("{error:?}");
        assert!(
            error.contains(complaint),
            "{error} is not about {complaint}"
        );
        assert!(closes(&world));
        let failed = |event: &Event| {
            matches!(
                event,
                Event::Handshake {
                    finished: Err(_),
                    ..
                }
            )
        };
        assert!(world.log().iter().any(|entry| failed(&entry.what)));
    }
}

#[test]
fn bodies_travel_as_they_were_planned() {
    let reply = |body| Reply::status(200).content("content").sent(body);
    let expected = [
        (Body::Length, "Content-Length: 7\r\n\r\ncontent"),
        (
            Body::Chunked,
            "\r\n\r\n2\r\nco\r\n2\r\nnt\r\n2\r\nen\r\n1\r\nt\r\n0\r\n\r\n",
        ),
        (Body::ReadToEnd, "Connection: close\r\n\r\ncontent"),
    ];
    for (body, end) in expected {
        let text = get_reply(reply(body)).unwrap();
        assert!(text.ends_with(end), "{text:?} does not end in {end:?}");
    }
    for body in [Body::CutShort { missing: 1 }, Body::ReadToEndCut] {
        assert_eq!(
            get_reply(reply(body)).unwrap_err().kind(),
            ErrorKind::UnexpectedEof
        );
    }
    assert_eq!(get_reply(Reply::raw("anything")).unwrap(), "anything");
    let redirect = get_reply(Reply::redirect(307, "https:///\\")).unwrap();
    assert!(redirect.starts_with("HTTP/1.1 307 Temporary Redirect\r\nLocation: https:///\\\r\n"));
}

#[test]
fn replies_without_end_end_with_the_client() {
    let every = Duration::from_millis(5);
    for body in [Body::Endless, Body::EndlessSlow { every }] {
        let world = at_path(Reply::json("{").sent(body));
        let mut client = connect(&world, HERE, "example.org").unwrap();
        request(&mut client, "example.org", "/").unwrap();
        let mut some = [0; 100];
        client.read_exact(&mut some).unwrap();
        assert!(
            String::from_utf8_lossy(&some).contains("\r\n\r\n{   "),
            "{:?}",
            String::from_utf8_lossy(&some)
        );
        assert_eq!(world.open_connections(), 1);
        drop(client);
        assert!(closes(&world));
    }
}

#[test]
fn a_late_reply_is_late_and_noticed_when_unwanted() {
    let world = at_path(Reply::json("{}").after(Duration::from_millis(100)));
    let start = Instant::now();
    get(&world, HERE, "example.org", "/").unwrap();
    assert!(start.elapsed() >= Duration::from_millis(100));

    for reply in [
        Reply::none(),
        Reply::json("{}").after(Duration::from_secs(3600)),
    ] {
        let world = at_path(reply);
        let mut client = connect(&world, HERE, "example.org").unwrap();
        request(&mut client, "example.org", "/").unwrap();
        drop(client);
        assert!(closes(&world));
    }
}

#[test]
fn connections_fail_as_they_were_planned() {
    let failing = [
        (ConnectionFault::CloseInHandshake, ErrorKind::UnexpectedEof),
        (ConnectionFault::GarbageInHandshake, ErrorKind::InvalidData),
        (ConnectionFault::HangAfterAccept, ErrorKind::WouldBlock),
        (ConnectionFault::HangInHandshake, ErrorKind::WouldBlock),
        (ConnectionFault::Refused, ErrorKind::ConnectionRefused),
        (ConnectionFault::Reset, ErrorKind::ConnectionReset),
        (
            ConnectionFault::SlowHandshake(Duration::from_secs(3600)),
            ErrorKind::WouldBlock,
        ),
    ];
    for (fault, kind) in failing {
        let world = broken(fault);
        let error = connect(&world, HERE, "example.org").unwrap_err();
        assert_eq!(error.kind(), kind, "{fault:?}: {error}");
        assert!(fault == ConnectionFault::Refused || closes(&world));
        world.end_connection_fault(HERE);
        assert!(connect(&world, HERE, "example.org").is_ok());
    }
    let slow = broken(ConnectionFault::SlowHandshake(Duration::from_millis(50)));
    assert!(connect(&slow, HERE, "example.org").is_ok());
}

#[test]
fn a_connection_serves_many_requests_and_a_later_session_resumes() {
    let world = world(|plan| plan.https(HERE, Https::for_name("example.org")));
    let config = Arc::new(client_config(&world));
    for _ in 0..2 {
        let mut client = connect_with(&world, Arc::clone(&config), HERE, "example.org").unwrap();
        for _ in 0..2 {
            let nothing = "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n";
            client
                .write_all(b"GET / HTTP/1.1\r\nHost: example.org\r\n\r\n")
                .unwrap();
            let mut reply = vec![0; nothing.len()];
            client.read_exact(&mut reply).unwrap();
            assert_eq!(reply, nothing.as_bytes());
        }
    }
    assert_eq!(world.requests().len(), 4);
    let resumed = |event: &Event| matches!(event, Event::Handshake { resumed: true, .. });
    assert!(world.log().iter().any(|entry| resumed(&entry.what)));
}

#[test]
fn a_server_for_the_same_names_takes_the_place_of_the_former() {
    let world = at_path(Reply::json("old"));
    world
        .add(|plan| {
            plan.https(
                HERE,
                Https::for_name("example.org").path("/", Reply::json("new")),
            )
        })
        .unwrap();
    assert!(
        get(&world, HERE, "example.org", "/")
            .unwrap()
            .ends_with("new")
    );
}

#[test]
fn a_world_ends_at_once_while_hundreds_of_clients_hang() {
    let world = broken(ConnectionFault::HangAfterAccept);
    let real = world.reroutes()[&HERE.parse().unwrap()];
    let mut clients: Vec<_> = (0..250)
        .map(|_| TcpStream::connect(real).unwrap())
        .collect();
    let accepted = |log: &[_]| log.len() == 250;
    assert!(world.wait_for(Duration::from_secs(5), accepted));

    let start = Instant::now();
    drop(world);

    assert!(
        start.elapsed() < Duration::from_secs(1),
        "took {:?}",
        start.elapsed()
    );
    assert!(
        clients
            .iter_mut()
            .all(|client| client.read(&mut [0]).is_ok_and(|it| it == 0))
    );
    assert_eq!(
        TcpStream::connect(real).unwrap_err().kind(),
        ErrorKind::ConnectionRefused
    );
}

#[test]
fn two_hundred_clients_are_served_at_once() {
    let world = world(|plan| plan.https(HERE, Https::for_name("example.org")));
    let real = world.reroutes()[&HERE.parse().unwrap()];
    let config = Arc::new(client_config(&world));
    let streams: Vec<_> = (0..200)
        .map(|_| TcpStream::connect(real).unwrap())
        .collect();
    let is_open = |log: &[_]| log.len() == streams.len();
    assert!(world.wait_for(Duration::from_secs(5), is_open));
    assert_eq!(world.open_connections(), 200);

    for stream in streams.into_iter().rev() {
        let mut client = shake_hands(stream, Arc::clone(&config), "example.org").unwrap();
        request(&mut client, "example.org", "/").unwrap();
    }
    let is_read = |log: &[Entry]| {
        let is_request = |entry: &&Entry| matches!(entry.what, Event::Request(_));
        log.iter().filter(is_request).count() == 200
    };
    assert!(world.wait_for(Duration::from_secs(5), is_read));
}

#[test]
fn sixty_servers_start_in_a_moment() {
    let start = Instant::now();
    let world = world(|plan| {
        for host in 0..60 {
            plan.https(
                &format!("192.0.2.{host}:443"),
                Https::for_name("example.org"),
            );
        }
    });
    assert!(
        start.elapsed() < Duration::from_secs(1),
        "took {:?}",
        start.elapsed()
    );
    assert_eq!(world.reroutes().len(), 60);
}

fn at_path(reply: Reply) -> World {
    world(|plan| plan.https(HERE, Https::for_name("example.org").path("/", reply)))
}

fn broken(fault: ConnectionFault) -> World {
    world(|plan| {
        plan.https(HERE, Https::for_name("example.org"));
        plan.connection_fault(HERE, fault);
    })
}

/// Whether all connections come to their end.
fn closes(world: &World) -> bool {
    world.wait_for(Duration::from_secs(5), |log| {
        let is_closed = |event: &Event| matches!(event, Event::Closed { .. });
        log.iter().any(|entry| is_closed(&entry.what))
    })
}

fn get_reply(reply: Reply) -> io::Result<String> {
    get(&at_path(reply), HERE, "example.org", "/")
}
