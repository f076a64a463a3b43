//! `.well-known`: what a session makes of servers that send too much, too little or too slowly.
//!
//! Which bytes are a response is for `driver/tests/http.rs`, and what is made of one for `tests/tests/core`.

use fedway_core::{FetchError, Found, WellKnownError};
use fedway_proof::on_every_runtime;
use fedway_proof::runtime::Runtime;
use fedway_testkit::world::{Body, Https, Reply};
use futures_util::future::join_all;
use std::sync::Arc;

use crate::rig::{Rig, WELL_KNOWN, ms, server_name, timed, web};

on_every_runtime! {
    a_body_as_large_as_allowed_is_read_and_one_byte_more_is_not,
    what_never_ends_is_left_at_the_limit,
    what_is_cut_short_is_no_answer,
    the_deadline_holds_while_a_server_dawdles,
}

fn a_body_as_large_as_allowed_is_read_and_one_byte_more_is_not<R: Runtime>() {
    let limit = 50 << 10;
    let mut allowed = GOOD.to_vec();
    allowed.resize(limit, b' ');
    let beyond = [&allowed[..], b" "].concat();
    let ways = [Body::Length, Body::Chunked, Body::ReadToEnd];
    for found in search_all::<R>(ways.map(|way| Reply::json(&*allowed).sent(way))) {
        assert_eq!(found.notes.well_known.unwrap().error, None);
    }
    for found in search_all::<R>(ways.map(|way| Reply::json(&*beyond).sent(way))) {
        let error = found.notes.well_known.unwrap().error;
        assert_eq!(error, fetch(FetchError::BodyTooLarge { limit }));
    }
}

fn what_never_ends_is_left_at_the_limit<R: Runtime>() {
    let (head, body) = (16 << 10, 50 << 10);
    for (reply, error) in [
        (
            Reply::json("{").sent(Body::Endless),
            FetchError::BodyTooLarge { limit: body },
        ),
        (
            Reply::raw("HTTP/1.1 200 OK\r\nX: ").sent(Body::Endless),
            FetchError::HeadTooLarge { limit: head },
        ),
        (
            Reply::raw("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1;")
                .sent(Body::Endless),
            FetchError::HeadTooLarge { limit: head },
        ),
        (
            Reply::raw("HTTP/1.1 103 Early Hints\r\n\r\n".repeat(1000)).sent(Body::Endless),
            FetchError::HeadTooLarge { limit: head },
        ),
    ] {
        let rig = serving(reply);
        assert_eq!(rig.well_known_error::<R>("example.org"), fetch(error));
        assert!(rig.is_left());
    }
}

fn what_is_cut_short_is_no_answer<R: Runtime>() {
    let found = search_all::<R>([
        Reply::json(GOOD).sent(Body::CutShort { missing: 1 }),
        // Anybody on the way can cut a stream; only close_notify says that the peer did
        Reply::json("[1, 2]").sent(Body::ReadToEndCut),
        Reply::json(&GOOD[..26]).sent(Body::ReadToEndCut),
        Reply::raw("HTTP/1.1 200 OK\r\nContent-Len"),
        Reply::raw("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1c\r\n").content(GOOD),
        Reply::raw(""),
    ]);
    for found in found {
        let error = found.notes.well_known.unwrap().error;
        assert_eq!(error, fetch(FetchError::ConnectionLost));
    }
}

fn the_deadline_holds_while_a_server_dawdles<R: Runtime>() {
    let drip = Body::EndlessSlow { every: ms(20) };
    for reply in [
        Reply::none(),
        Reply::json(GOOD).after(ms(3_600_000)),
        Reply::json("{").sent(drip),
        Reply::raw("HTTP/1.1 200 OK\r\nX: ").sent(drip),
    ] {
        let rig = serving(reply).configure(|config| config.deadlines.well_known = ms(250));
        let found = timed(ms(250), || rig.find::<R>("example.org"));
        assert_eq!(
            found.notes.well_known.unwrap().error,
            Some(WellKnownError::TimedOut)
        );
        assert_eq!(found.destination.step(), "6");
        assert!(rig.is_left());
    }
    let rig = serving(Reply::json(GOOD).after(ms(200)));
    let found = timed(ms(200), || rig.find::<R>("example.org"));
    assert_eq!(found.destination.step(), "3.1");
}

/// `example.org` with this reply, and a server of its own
fn serving(reply: Reply) -> Rig {
    Rig::new(|plan| {
        web(plan, "example.org", "198.51.100.1", |server| {
            server.path(WELL_KNOWN, reply)
        });
        plan.https(FEDERATION, Https::for_name("example.org"));
    })
}

/// Searches, all at once, for hosts that differ in their reply
fn search_all<R: Runtime>(replies: impl IntoIterator<Item = Reply>) -> Vec<Found> {
    let mut names = Vec::new();
    let rig = Rig::new(|plan| {
        for (number, reply) in replies.into_iter().enumerate() {
            let name = format!("h{number}.example.org");
            web(plan, &name, "198.51.100.1", |server| {
                server.path(WELL_KNOWN, reply)
            });
            names.push(server_name(&name));
        }
    });
    let resolver = rig.resolver::<R>();
    let found = R::block_on(join_all(names.iter().map(|name| resolver.resolve(name))));
    assert!(rig.is_left());
    let found = found.into_iter().map(Result::unwrap);
    found.map(Arc::unwrap_or_clone).collect()
}

fn fetch(error: FetchError) -> Option<WellKnownError> {
    Some(WellKnownError::Fetch(error))
}

/// A delegation
const GOOD: &[u8] = b"{\"m.server\": \"203.0.113.1\"} ";

const FEDERATION: &str = "198.51.100.1:8448";
