//! Requests to servers of the world: their bodies, and what is said to one after another.

use std::io::{Read, Write};

use fedway_testkit::world::{Https, Replies, Reply, World};

use crate::client::{Client, connect, world};

const HERE: &str = "192.0.2.7:443";

#[test]
fn a_body_is_read_and_logged_and_the_connection_goes_on() {
    let (world, mut client) = meet(|server| server.path("/send", Reply::json("{}")));
    let (head, body) = ("POST /send HTTP/1.1\r\nHost: example.org\r\n", "{\"a\": 1}");

    // By its length, in two halves; in chunks, with what they may have besides; and none
    send(
        &mut client,
        &format!("{head}Content-Length: 8\r\n\r\n{{\"a\""),
    );
    send(&mut client, ": 1}");
    assert_eq!(reply(&mut client), "200 {}");
    let chunks = "3;x=y\r\n{\"a\r\n5\r\n\": 1}\r\n0\r\nTrailer: x\r\n\r\n";
    send(
        &mut client,
        &format!("{head}Transfer-Encoding: chunked\r\n\r\n{chunks}"),
    );
    assert_eq!(reply(&mut client), "200 {}");
    send(&mut client, &format!("{head}\r\n"));
    assert_eq!(reply(&mut client), "200 {}");

    let bodies = world.requests().into_iter().map(|request| request.body);
    assert_eq!(bodies.collect::<Vec<_>>(), [body, body, ""].map(Vec::from));
}

#[test]
fn who_waits_before_the_body_is_told_to_go_on() {
    let (world, mut client) = meet(|server| server.path("/send", Reply::json("{}")));
    let head = "PUT /send HTTP/1.1\r\nHost: example.org\r\nContent-Length: 2\r\n";
    send(&mut client, &format!("{head}Expect: 100-Continue\r\n\r\n"));
    let mut told = [0; 25];
    client.read_exact(&mut told).unwrap();
    assert_eq!(&told, b"HTTP/1.1 100 Continue\r\n\r\n");
    assert!(world.requests().is_empty());

    send(&mut client, "{}");
    assert_eq!(reply(&mut client), "200 {}");
    assert_eq!(world.requests()[0].body, b"{}");
}

#[test]
fn a_request_that_is_broken_off_or_broken_is_not_one() {
    let head = "PUT / HTTP/1.1\r\nHost: example.org\r\n";
    for rest in [
        "Content-Length: 3\r\n\r\n{}",
        "Content-Length: many\r\n\r\n{}",
        "Transfer-Encoding: chunked\r\n\r\n2\r\n{}0\r\n\r\n",
        "Transfer-Encoding: chunked\r\n\r\nmany\r\n",
        "Transfer-Encoding: chunked\r\n\r\n0\r\n",
    ] {
        let (world, mut client) = meet(|server| server);
        send(&mut client, &format!("{head}{rest}"));
        client.conn.send_close_notify();
        client.flush().unwrap();
        assert_eq!(client.read(&mut [0]).unwrap_or(0), 0, "{rest}");
        assert!(world.requests().is_empty(), "{rest}");
    }
}

#[test]
fn the_method_decides_on_the_reply_then_the_path_then_what_is_said_otherwise() {
    let (_world, mut client) = meet(|server| {
        server
            .path("/a", Reply::json("any"))
            .path("/a?b", Reply::json("any, query"))
            .method("PUT", "/a", Reply::json("put"))
            .method("PUT", "/c", Reply::status(204))
            .otherwise(Reply::status(405))
    });
    for (request, expected) in [
        ("GET /a", "200 any"),
        ("PUT /a", "200 put"),
        ("PUT /a?x", "200 put"),
        ("PUT /a?b", "200 any, query"),
        ("PUT /c", "204 "),
        ("GET /c", "405 "),
        ("GET /_matrix/federation/v1/version?", "200 "),
        ("GET /d", "405 "),
    ] {
        ask(&mut client, request);
        let reply = reply(&mut client);
        assert!(reply.starts_with(expected), "{request}: {reply}");
    }
}

#[test]
fn replies_come_in_turn_and_the_last_again_whatever_the_connection() {
    let busy = Reply::status(503);
    let replies = Replies::in_turn([busy.clone(), busy, Reply::json("{}")]);
    let (world, mut client) = meet(|server| server.method("GET", "/", replies));
    let next = |client: &mut Client| {
        ask(client, "GET /");
        reply(client)
    };
    assert_eq!(next(&mut client), "503 ");
    let mut other = connect(&world, HERE, "example.org").unwrap();
    assert_eq!(next(&mut other), "503 ");
    assert_eq!(next(&mut client), "200 {}");
    assert_eq!(next(&mut other), "200 {}");
}

#[test]
fn a_function_replies_by_the_request() {
    let echo = Replies::by(|request| {
        let kind = request.header("content-type").unwrap_or_default();
        let text = format!("{} {} {kind}", request.method, request.target);
        Reply::status(202).content([text.as_bytes(), &request.body].concat())
    });
    let (_world, mut client) = meet(|server| server.otherwise(echo));
    let head = "PUT /send/1 HTTP/1.1\r\nHost: example.org\r\ncontent-type: text/x;\r\n";
    send(&mut client, &format!("{head}Content-Length: 2\r\n\r\nhi"));
    assert_eq!(reply(&mut client), "202 PUT /send/1 text/x;hi");
}

#[test]
#[should_panic(expected = "a sequence of no replies")]
fn no_replies_are_no_sequence() {
    let _ = Replies::in_turn([]);
}

/// A world with one server, and a client that has connected
fn meet(how: impl FnOnce(Https) -> Https) -> (World, Client) {
    let world = world(|plan| plan.https(HERE, how(Https::for_name("example.org"))));
    let client = connect(&world, HERE, "example.org").unwrap();
    (world, client)
}

fn send(client: &mut Client, text: &str) {
    client.write_all(text.as_bytes()).unwrap();
}

fn ask(client: &mut Client, request: &str) {
    send(
        client,
        &format!("{request} HTTP/1.1\r\nHost: example.org\r\n\r\n"),
    );
}

/// The status and body of one reply, whose end its Content-Length tells
fn reply(client: &mut Client) -> String {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        client.read_exact(&mut byte).unwrap();
        head.extend(byte);
    }
    let head = String::from_utf8(head).unwrap();
    let length = head.split("Content-Length: ").nth(1).unwrap();
    let mut body = vec![0; length.trim_end().parse().unwrap()];
    client.read_exact(&mut body).unwrap();
    format!("{} {}", &head[9..12], String::from_utf8(body).unwrap())
}
