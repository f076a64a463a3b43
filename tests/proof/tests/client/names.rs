//! Whom a request is for, in `Host` and `:authority`, by every delegation.

use bytes::Bytes;
use fedway_client::Via;
use fedway_proof::peer::Peer;
use http::Request;
use http_body_util::Full;

use crate::rig::{PATH, client, delegates, get, request, server_name, whole, world, world_of};

/// A server name, what it delegates to, where its server listens, and the `Host` that it is to see
const NAMES: [(&str, Option<&str>, &str, &str); 6] = [
    (
        "plain.example.org",
        None,
        "192.0.2.1:8448",
        "plain.example.org",
    ),
    (
        "port.example.org:443",
        None,
        "192.0.2.2:443",
        "port.example.org:443",
    ),
    (
        "a.example.org",
        Some("m.example.org:443"),
        "192.0.2.3:443",
        "m.example.org:443",
    ),
    (
        "b.example.org",
        Some("M.example.net"),
        "192.0.2.4:8448",
        "M.example.net",
    ),
    (
        "c.example.org",
        Some("192.0.2.5:8449"),
        "192.0.2.5:8449",
        "192.0.2.5:8449",
    ),
    ("192.0.2.6", None, "192.0.2.6:8448", "192.0.2.6"),
];

#[tokio::test]
async fn a_server_is_told_whom_a_request_is_for_to_the_letter_in_http_1_and_http_2() {
    for is_http2 in [false, true] {
        let world = world(|plan| {
            for (index, (name, subject, address, host)) in NAMES.iter().enumerate() {
                if let Some(subject) = subject {
                    delegates(plan, name, &format!("198.51.100.{index}"), subject);
                }
                let host = host.split(':').next().unwrap();
                if !host.starts_with("192") {
                    plan.a(host, address.split(':').next().unwrap());
                }
            }
        });
        let client = client(&world);
        for (name, _, address, host) in NAMES {
            let certified = host.split(':').next().unwrap();
            let peer = Peer::start(&world, address, certified, is_http2).await;
            let response = get(&client, name).await.unwrap();
            assert_eq!(response.status(), 200, "{name}");
            let Via(found) = response.extensions().get().unwrap();
            assert_eq!(found.destination.host_header, host);
            let seen = peer.seen();
            assert_eq!(seen.len(), 1, "{name}");
            assert_eq!((&*seen[0].host, &*seen[0].target), (host, PATH));
            let version = if is_http2 { "HTTP/2.0" } else { "HTTP/1.1" };
            assert_eq!(seen[0].version, version);
        }
    }
}

#[tokio::test]
async fn a_name_beside_the_request_stands_before_the_one_in_it() {
    let world = world_of("example.org", "192.0.2.7");
    let peer = Peer::start(&world, "192.0.2.7:8448", "example.org", false).await;
    let client = client(&world);
    for uri in ["/a?b=c", "https://elsewhere.example:443/a?b=c"] {
        let request = Request::put(uri).header("Host", "elsewhere.example");
        let request = request.body(Full::<Bytes>::from("{\"a\":1}")).unwrap();
        let sent = client.send(&server_name("example.org"), request).await;
        assert_eq!(whole(sent.unwrap()).await.status(), 200);
    }
    for seen in peer.seen() {
        assert_eq!((&*seen.host, &*seen.target), ("example.org", "/a?b=c"));
        assert_eq!((&*seen.method, &*seen.body), ("PUT", &b"{\"a\":1}"[..]));
    }
}

#[tokio::test]
async fn what_names_no_server_is_refused_in_words_that_say_what_to_write() {
    let client = client(&world(|_| {}));
    for (uri, complaint) in [
        (
            "/path",
            "the URI /path names no server: it has to be matrix-federation://SERVER_NAME/PATH, or https",
        ),
        (
            "http://example.org/",
            "the URI http://example.org/ names no server: it has to be matrix-federation://SERVER_NAME/PATH, or https",
        ),
        (
            "https://a@example.org/",
            "the URI https://a@example.org/ names no server",
        ),
        (
            "https://example.org:0/",
            "the URI https://example.org:0/ names no server",
        ),
    ] {
        let mut request = request("example.org");
        *request.uri_mut() = uri.parse().unwrap();
        let error = client.request(request).await.unwrap_err();
        assert_eq!(error.to_string(), complaint);
        assert!(!error.is_connect() && !error.is_timeout() && !error.is_temporary());
    }
}
