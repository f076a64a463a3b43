//! What may be done with a session.

use std::time::{Duration, Instant};

use fedway_core::{FetchError, Limits};
use fedway_driver::{ByteStream, Connected, Io, Resolver};
use fedway_proof::on_every_runtime;
use fedway_proof::runtime::Runtime;
use fedway_testkit::world::{Https, Reply};

use crate::rig::{Rig, ms, server_name};

on_every_runtime! {
    a_session_says_which_protocol_was_agreed_on,
    a_session_that_is_taken_out_has_no_bound,
    a_question_with_limits_of_its_own_may_have_a_larger_answer_or_a_smaller_one,
    a_question_with_a_deadline_of_its_own_waits_no_longer,
}

fn a_session_says_which_protocol_was_agreed_on<R: Runtime>() {
    for (offered, agreed) in [
        (&["h2", "http/1.1"][..], Some(&b"http/1.1"[..])),
        (&[], None),
    ] {
        let rig = rig();
        let builder = rig.builder().alpn(offered.iter().copied());
        let resolver = builder.build(R::io()).unwrap();
        let connected = R::block_on(connect(&resolver));
        assert_eq!(connected.alpn(), agreed);
    }
}

fn a_session_that_is_taken_out_has_no_bound<R: Runtime>() {
    let rig = rig();
    let resolver = rig.resolver::<R>();
    R::block_on(async {
        let mut connected = connect(&resolver).await;
        let error = connected.get("/large").await;
        assert_eq!(error, Err(FetchError::TooMuchData { limit: VOLUME }));

        let mut stream = connect(&resolver).await.into_stream();
        let request = format!("GET /large HTTP/1.1\r\nHost: {NAME}\r\n\r\n");
        stream.write_all(request.as_bytes()).await.unwrap();
        let (mut response, mut buffer) = (Vec::new(), [0; 4096]);
        while !response.ends_with(&content()) {
            let len = stream.read(&mut buffer).await.unwrap();
            assert_ne!(len, 0, "ended after {}", response.len());
            response.extend(&buffer[..len]);
        }
    });
}

fn a_question_with_limits_of_its_own_may_have_a_larger_answer_or_a_smaller_one<R: Runtime>() {
    let rig = rig();
    let resolver = rig.resolver::<R>();
    let deadline = resolver.io().now() + ms(10_000);
    R::block_on(async {
        let mut limits = Limits::default();
        limits.body += LARGE;
        let mut connected = connect(&resolver).await;
        let response = connected.get_by("/large", limits, deadline).await.unwrap();
        assert!(response.body == content());

        for (body, status) in [
            (SMALL, Ok(200)),
            (
                SMALL - 1,
                Err(FetchError::BodyTooLarge { limit: SMALL - 1 }),
            ),
        ] {
            limits.body = body;
            let mut connected = connect(&resolver).await;
            let response = connected.get_by("/small", limits, deadline).await;
            assert_eq!(response.map(|response| response.status), status);
        }
    });
}

fn a_question_with_a_deadline_of_its_own_waits_no_longer<R: Runtime>() {
    let rig = rig();
    let resolver = rig.resolver::<R>();
    R::block_on(async {
        let mut connected = connect(&resolver).await;
        let start = Instant::now();
        let deadline = resolver.io().now() + ms(200);
        let late = connected.get_by("/late", Limits::default(), deadline).await;
        assert_eq!(late, Err(FetchError::TimedOut));
        let took = start.elapsed();
        assert!(took >= ms(200) && took < LATE, "{took:?}");
    });
}

async fn connect<I: Io>(resolver: &Resolver<I>) -> Connected<I> {
    resolver.connect(&server_name(NAME)).await.unwrap()
}

/// A server with more to say than its sessions may bring
fn rig() -> Rig {
    let server = Https::for_name("example.org")
        .path("/large", Reply::json(content()))
        .path("/small", Reply::json(vec![b'x'; SMALL]))
        .path("/late", Reply::json("{}").after(LATE));
    let rig = Rig::new(|plan| {
        plan.a("example.org", "198.51.100.1");
        plan.https("198.51.100.1:8448", server);
    });
    rig.configure(|config| config.limits.volume = VOLUME)
}

fn content() -> Vec<u8> {
    vec![b'x'; LARGE]
}

const NAME: &str = "example.org:8448";

/// No more than a search would read of a body
const LARGE: usize = 40_000;

/// One TLS record, which a session may bring
const SMALL: usize = 4_000;

/// A handshake and little more
const VOLUME: usize = 16_384;

const LATE: Duration = Duration::from_secs(5);
