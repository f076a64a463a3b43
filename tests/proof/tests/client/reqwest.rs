//! The same client with reqwest's types, and what its own client can be given.

use std::time::Duration;

use fedway_client::Hook;
use fedway_proof::peer::Peer;
use reqwest::{Method, Request, Url};

use crate::rig::{client, delegates, resolver, server_name, world};

#[tokio::test]
async fn a_url_of_its_own_scheme_is_for_the_name_in_it_to_the_letter() {
    let world = world(|plan| {
        delegates(plan, "example.org", "198.51.100.1", "m.example.org:443");
        plan.a("m.example.org", "192.0.2.7");
    });
    let peer = Peer::start(&world, "192.0.2.7:443", "m.example.org", true).await;
    let client = client(&world);
    for url in [
        "matrix-federation://example.org/a?b",
        "matrix-federation://m.example.org:443/a?b",
    ] {
        let mut request = Request::new(Method::PUT, Url::parse(url).unwrap());
        *request.body_mut() = Some("{}".into());
        let response = client.execute(request).await.unwrap();
        assert_eq!(response.url().as_str(), url);
        assert_eq!(response.text().await.unwrap(), "{}");
    }
    // In a URL of https the port is lost, and beside it not
    let url = Url::parse("https://m.example.org:443/a?b").unwrap();
    let name = server_name("m.example.org:443");
    let request = Request::new(Method::GET, url);
    client.execute_for(&name, request).await.unwrap();
    for seen in peer.seen() {
        assert_eq!((&*seen.host, &*seen.target), ("m.example.org:443", "/a?b"));
    }
    assert_eq!((peer.accepted(), peer.seen().len()), (1, 3));
}

#[tokio::test]
async fn the_time_out_of_a_request_is_kept() {
    let world = world(|plan| {
        plan.a("example.org", "192.0.2.7");
        plan.connection_fault(
            "192.0.2.7:8448",
            fedway_testkit::world::ConnectionFault::HangAfterAccept,
        );
    });
    let url = Url::parse("matrix-federation://example.org/").unwrap();
    let mut request = Request::new(Method::GET, url);
    *request.timeout_mut() = Some(Duration::from_millis(50));
    let error = client(&world).execute(request).await.unwrap_err();
    assert!(error.is_timeout() && error.is_temporary());
}

#[tokio::test]
async fn a_hook_answers_with_the_ports_of_srv() {
    use reqwest::dns::Resolve as _;
    let world = world(|plan| {
        plan.srv("_matrix-fed._tcp.example.org", 10, 0, 8450, "a.example.net");
        plan.a("a.example.net", "192.0.2.7");
    });
    let hook = Hook::new(resolver(&world));
    let addresses = hook.resolve("example.org".parse().unwrap()).await.unwrap();
    let addresses: Vec<_> = addresses.map(|it| it.to_string()).collect();
    assert_eq!(addresses, ["192.0.2.7:8450"]);
    assert!(
        hook.resolve("absent.example.org".parse().unwrap())
            .await
            .is_err()
    );
}
