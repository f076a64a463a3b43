//! What goes wrong: what is tried once more, what is not, and what is reported.

use bytes::Bytes;
use fedway_client::{ExpectJson, Outcome};
use fedway_proof::peer::Peer;
use fedway_testkit::world::{Body, Https, Reply};
use http::{Request, Response};
use http_body_util::Full;

use crate::rig::{
    PATH, client, delegates, eventually, get, request, server_name, whole, world, world_of,
};

#[tokio::test]
async fn a_server_that_came_back_elsewhere_is_found_by_the_request_that_misses_it() {
    for is_http2 in [false, true] {
        let world = world_of("example.org", "192.0.2.7");
        let client = client(&world);
        for _ in 0..5 {
            let peer = Peer::start(&world, "192.0.2.7:8448", "example.org", is_http2).await;
            assert_eq!(get(&client, "example.org").await.unwrap().status(), 200);
            // The next request may come before the news that the connection is gone
            peer.kill().await;
        }
    }
}

#[tokio::test]
async fn a_request_that_was_taken_is_not_sent_again() {
    let world = world(|plan| {
        plan.a("example.org", "192.0.2.7");
        // Reads the request, and closes the connection
        let cut = Reply::raw("").sent(Body::Length);
        plan.https(
            "192.0.2.7:8448",
            Https::for_name("example.org").path(PATH, cut),
        );
    });
    let client = client(&world);
    let error = get(&client, "example.org").await.unwrap_err();
    assert!(error.is_temporary() && !error.is_connect(), "{error:?}");
    assert_eq!(
        world
            .requests()
            .iter()
            .filter(|it| it.target == PATH)
            .count(),
        1
    );
}

#[tokio::test]
async fn where_there_is_no_server_the_error_says_why() {
    let world = world_of("refused.example.org", "192.0.2.7");
    let client = client(&world);
    let refused = get(&client, "refused.example.org").await.unwrap_err();
    assert!(refused.is_connect() && refused.is_temporary() && !refused.is_timeout());
    let cause = refused.discovery().unwrap();
    assert_eq!(cause.kind.name(), "connect");
    assert_eq!(refused.to_string(), "refused.example.org: no connection");
    let absent = get(&client, "absent.example.org").await.unwrap_err();
    assert!(absent.is_connect() && !absent.is_temporary(), "{absent:?}");
}

#[tokio::test]
async fn a_421_has_the_delegation_asked_anew_and_the_connection_closed() {
    let world = world(|plan| {
        delegates(plan, "example.org", "198.51.100.1", "old.example.org:8449");
        plan.a("old.example.org", "192.0.2.7");
        plan.a("new.example.org", "192.0.2.8");
    });
    let misdirected = |_: &_| {
        let response = Response::builder().status(421);
        response.body(Full::<Bytes>::default()).unwrap()
    };
    let old = ("192.0.2.7:8449", "old.example.org");
    let _old = Peer::answering(&world, old.0, old.1, true, misdirected).await;
    let _new = Peer::start(&world, "192.0.2.8:8449", "new.example.org", true).await;
    let client = client(&world);
    assert_eq!(get(&client, "example.org").await.unwrap().status(), 421);
    assert_eq!(client.kept(), 0);
    world
        .add(|plan| delegates(plan, "example.org", "198.51.100.1", "new.example.org:8449"))
        .unwrap();
    assert_eq!(get(&client, "example.org").await.unwrap().status(), 200);
}

#[tokio::test]
async fn html_is_a_wrong_server_where_json_was_due_and_nowhere_else() {
    let html = |status| {
        move |_: &_| {
            let response = Response::builder()
                .status(status)
                .header("Content-Type", "Text/HTML; charset=utf-8");
            response
                .body(Full::<Bytes>::from("<!doctype html>"))
                .unwrap()
        }
    };
    for (status, expects, is_wrong) in [
        (200, true, true),
        (404, true, true),
        (502, true, false),
        (200, false, false),
    ] {
        let world = world_of("example.org", "192.0.2.7");
        let _peer =
            Peer::answering(&world, "192.0.2.7:8448", "example.org", true, html(status)).await;
        let client = client(&world);
        let mut request = request("example.org");
        if expects {
            request.extensions_mut().insert(ExpectJson);
        }
        let response = whole(client.request(request).await.unwrap()).await;
        assert_eq!(response.status(), status);
        world.forget();
        get(&client, "example.org").await.unwrap();
        let is_asked_anew = !world.dns_queries().is_empty();
        assert_eq!(
            (is_asked_anew, client.kept()),
            (is_wrong, 1),
            "{status} {expects}"
        );
    }
}

#[tokio::test]
async fn inbound_traffic_ends_the_back_off_of_a_server_that_was_down() {
    let world = world(|plan| {
        let down =
            Https::for_name("example.org").path("/.well-known/matrix/server", Reply::status(503));
        plan.web("example.org", "198.51.100.1", down);
        plan.a("m.example.org", "192.0.2.7");
    });
    let _peer = Peer::start(&world, "192.0.2.7:8449", "m.example.org", false).await;
    let client = client(&world);
    assert!(get(&client, "example.org").await.is_err());
    world
        .add(|plan| delegates(plan, "example.org", "198.51.100.1", "m.example.org:8449"))
        .unwrap();
    assert!(get(&client, "example.org").await.is_err());
    assert!(client.report(&server_name("example.org"), Outcome::Alive));
    assert_eq!(get(&client, "example.org").await.unwrap().status(), 200);
}

#[tokio::test]
async fn a_body_is_sent_whole_though_its_connection_turns_out_to_be_gone() {
    let world = world_of("example.org", "192.0.2.7");
    for is_http2 in [false, true] {
        let client = client(&world);
        let first = Peer::start(&world, "192.0.2.7:8448", "example.org", is_http2).await;
        get(&client, "example.org").await.unwrap();
        eventually(|| client.kept() == 1).await;
        first.kill().await;
        let second = Peer::start(&world, "192.0.2.7:8448", "example.org", is_http2).await;
        let body = vec![b'x'; 100_000];
        let request = Request::put("matrix-federation://example.org/a");
        let request = request.body(Full::<Bytes>::from(body.clone())).unwrap();
        client.request(request).await.unwrap();
        assert_eq!(second.seen()[0].body, body);
    }
}

#[tokio::test]
async fn everybody_who_waits_for_a_server_that_has_died_is_told_so() {
    for is_http2 in [false, true] {
        let world = world_of("example.org", "192.0.2.7");
        let client = client(&world);
        let peer = Peer::start(&world, "192.0.2.7:8448", "example.org", is_http2).await;
        get(&client, "example.org").await.unwrap();
        peer.kill().await;
        let mut crowd = tokio::task::JoinSet::new();
        for _ in 0..50 {
            let client = client.clone();
            crowd.spawn(async move { get(&client, "example.org").await.map(|_| ()) });
        }
        let failed = crowd.join_all().await;
        assert!(failed.iter().all(Result::is_err));
        let _peer = Peer::start(&world, "192.0.2.7:8448", "example.org", is_http2).await;
        assert_eq!(get(&client, "example.org").await.unwrap().status(), 200);
    }
}

#[tokio::test]
async fn a_body_of_the_caller_s_that_fails_is_the_caller_s_fault() {
    use std::pin::Pin;
    use std::task::{Context, Poll};

    struct Broken;

    impl hyper::body::Body for Broken {
        type Data = Bytes;
        type Error = std::io::Error;

        fn poll_frame(
            self: Pin<&mut Self>,
            _: &mut Context<'_>,
        ) -> Poll<Option<Result<hyper::body::Frame<Bytes>, std::io::Error>>> {
            Poll::Ready(Some(Err(std::io::Error::other("the file is gone"))))
        }
    }

    for is_http2 in [false, true] {
        let world = world_of("example.org", "192.0.2.7");
        let _peer = Peer::start(&world, "192.0.2.7:8448", "example.org", is_http2).await;
        let request = Request::put("matrix-federation://example.org/a").body(Broken);
        let error = client(&world).request(request.unwrap()).await.unwrap_err();
        assert!(!error.is_temporary() && !error.is_connect(), "{error:?}");
    }
}
