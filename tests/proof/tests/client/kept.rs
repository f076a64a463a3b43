//! Which connections are kept, for whom, and for how long.

use std::time::Duration;

use bytes::Bytes;
use fedway_client::Client;
use fedway_proof::peer::Peer;
use http::{Request, Response};
use http_body_util::Full;
use tokio::task::JoinSet;
use tokio::time::sleep;

use crate::rig::{client, delegates, eventually, get, request, resolver, world, world_of};

#[tokio::test]
async fn a_second_request_takes_neither_a_connection_nor_a_question() {
    for is_http2 in [false, true] {
        let world = world(|plan| {
            delegates(plan, "example.org", "198.51.100.1", "m.example.org:8449");
            plan.a("m.example.org", "192.0.2.7");
        });
        let peer = Peer::start(&world, "192.0.2.7:8449", "m.example.org", is_http2).await;
        let client = client(&world);
        get(&client, "example.org").await.unwrap();
        world.forget();
        for _ in 0..10 {
            eventually(|| client.kept() == 1).await;
            get(&client, "example.org").await.unwrap();
        }
        assert_eq!((peer.accepted(), peer.seen().len()), (1, 11));
        assert!(world.log().is_empty());
    }
}

#[tokio::test]
async fn names_with_one_subject_share_its_connections() {
    for is_http2 in [false, true] {
        let world = world(|plan| {
            delegates(plan, "a.example.org", "198.51.100.1", "m.example.org:8449");
            delegates(plan, "b.example.org", "198.51.100.2", "m.example.org:8449");
            plan.a("m.example.org", "192.0.2.7");
        });
        let peer = Peer::start(&world, "192.0.2.7:8449", "m.example.org", is_http2).await;
        let client = client(&world);
        for name in ["a.example.org", "b.example.org", "m.example.org:8449"] {
            get(&client, name).await.unwrap();
            eventually(|| client.kept() == 1).await;
        }
        assert_eq!(peer.accepted(), 1);
    }
}

#[tokio::test]
async fn a_connection_is_not_used_for_a_name_that_it_was_not_verified_for() {
    let world = world(|plan| {
        plan.a("a.example.org", "192.0.2.7");
        plan.a("b.example.org", "192.0.2.7");
    });
    let _peer = Peer::start(&world, "192.0.2.7:8448", "a.example.org", true).await;
    let client = client(&world);
    get(&client, "a.example.org").await.unwrap();
    assert!(
        get(&client, "b.example.org")
            .await
            .unwrap_err()
            .is_connect()
    );
}

#[tokio::test]
async fn a_crowd_shares_one_connection_of_http_2_and_has_one_each_of_http_1() {
    for (is_http2, connections) in [(true, 1..=1), (false, 2..=100)] {
        let world = world_of("example.org", "192.0.2.7");
        let peer = Peer::start(&world, "192.0.2.7:8448", "example.org", is_http2).await;
        let client = client(&world);
        let mut crowd = JoinSet::new();
        for _ in 0..100 {
            let client = client.clone();
            crowd.spawn(async move { get(&client, "example.org").await.unwrap().status() });
        }
        assert!(crowd.join_all().await.iter().all(|status| *status == 200));
        assert!(
            connections.contains(&peer.accepted()),
            "{}",
            peer.accepted()
        );
        // One by default for HTTP/2, and four of the others are kept
        eventually(|| client.kept() == if is_http2 { 1 } else { 4 }).await;
    }
}

#[tokio::test]
async fn who_gives_up_leaves_the_connection_to_the_others() {
    let world = world_of("example.org", "192.0.2.7");
    let peer = Peer::start(&world, "192.0.2.7:8448", "example.org", false).await;
    let client = client(&world);
    let impatient = tokio::spawn({
        let client = client.clone();
        async move { get(&client, "example.org").await }
    });
    tokio::task::yield_now().await;
    impatient.abort();
    let _ = impatient.await;
    get(&client, "example.org").await.unwrap();
    assert!(peer.accepted() <= 2);
    eventually(|| client.kept() == peer.accepted()).await;
}

#[tokio::test]
async fn what_nobody_uses_is_closed_in_time_and_beyond_the_limits_at_once() {
    let world = world(|plan| {
        for (name, address) in [
            ("a.example.org", "192.0.2.1"),
            ("b.example.org", "192.0.2.2"),
        ] {
            plan.a(name, address);
        }
    });
    let mut peers = Vec::new();
    for (name, address) in [
        ("a.example.org", "192.0.2.1:8448"),
        ("b.example.org", "192.0.2.2:8448"),
    ] {
        peers.push(Peer::start(&world, address, name, false).await);
    }
    let builder = Client::<fedway_client::dns::Stub<fedway_client::Sockets>>::builder();
    let short = builder
        .idle_time(Duration::from_millis(50))
        .build(resolver(&world));
    get(&short, "a.example.org").await.unwrap();
    eventually(|| short.kept() == 0).await;

    let few = builder.idle_in_all(1).build(resolver(&world));
    for name in ["a.example.org", "b.example.org", "a.example.org"] {
        get(&few, name).await.unwrap();
        eventually(|| few.kept() == 1).await;
    }
    let none = builder.idle_per_peer(0).build(resolver(&world));
    get(&none, "a.example.org").await.unwrap();
    sleep(Duration::from_millis(20)).await;
    assert_eq!(none.kept(), 0);
    assert_eq!(peers[0].accepted(), 1 + 2 + 1);
}

#[tokio::test]
async fn a_connection_that_the_server_has_closed_is_not_kept() {
    let world = world_of("example.org", "192.0.2.7");
    for is_http2 in [false, true] {
        let peer = Peer::start(&world, "192.0.2.7:8448", "example.org", is_http2).await;
        let client = client(&world);
        get(&client, "example.org").await.unwrap();
        eventually(|| client.kept() == 1).await;
        peer.kill().await;
        eventually(|| client.kept() == 0).await;
    }
}

#[tokio::test]
async fn a_response_that_says_so_is_the_last_of_its_connection() {
    let world = world_of("example.org", "192.0.2.7");
    let close = |_: &_| {
        let response = Response::builder().header("Connection", "close");
        response.body(Full::<Bytes>::from("{}")).unwrap()
    };
    let peer = Peer::answering(&world, "192.0.2.7:8448", "example.org", false, close).await;
    let client = client(&world);
    for _ in 0..3 {
        get(&client, "example.org").await.unwrap();
    }
    assert_eq!(peer.accepted(), 3);
}

#[tokio::test]
async fn a_body_that_nobody_reads_does_not_hold_up_the_next_request() {
    let world = world_of("example.org", "192.0.2.7");
    let long = |_: &_| Response::new(Full::<Bytes>::from(vec![b' '; 4_000_000]));
    let peer = Peer::answering(&world, "192.0.2.7:8448", "example.org", false, long).await;
    let client = client(&world);
    let unread = client.request(request("example.org")).await.unwrap();
    get(&client, "example.org").await.unwrap();
    drop(unread);
    assert_eq!(peer.accepted(), 2);
}

#[tokio::test]
async fn a_stack_of_tower_s_goes_around_it() {
    use tower::{ServiceBuilder, ServiceExt as _};
    let world = world_of("example.org", "192.0.2.7");
    let _peer = Peer::start(&world, "192.0.2.7:8448", "example.org", true).await;
    let service = ServiceBuilder::new()
        .timeout(Duration::from_secs(30))
        .service(client(&world));
    let request = Request::get("https://example.org/").body(Full::<Bytes>::default());
    let response = service.oneshot(request.unwrap()).await.unwrap();
    assert_eq!(response.status(), 200);
}
