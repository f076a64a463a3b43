//! `.well-known`: what counts as an answer, and everything a server may send instead.

use fedway_core::{
    AttemptError, BodyError, DiscoveryErrorKind, Edition, FetchError, Found, MalformedResponse,
    RedirectError, WellKnownError,
};
use fedway_testkit::world::{Body, Event, Https, Reply};
use futures_util::future::join_all;

use crate::rig::{Rig, WELL_KNOWN, address, ms, server_name, socket, timed, web};
use crate::runtime::Runtime;

on_every_runtime! {
    only_200_is_an_answer,
    invalid_bodies_count_as_no_answer,
    an_invalid_body_is_final_in_the_draft,
    other_failures_are_not_final_in_the_draft,
    a_body_counts_whatever_its_type_and_however_it_travels,
    interim_responses_are_passed_over,
    a_body_as_large_as_allowed_is_read_and_one_byte_more_is_not,
    a_head_as_large_as_allowed_is_read_and_one_byte_more_is_not,
    what_never_ends_is_left_at_the_limit,
    what_is_cut_short_is_no_answer,
    what_is_not_http_is_no_answer,
    the_deadline_holds_while_a_server_dawdles,
    the_deadline_is_for_all_redirects_together,
    redirects_of_each_kind_are_followed,
    redirects_go_where_they_say,
    redirects_elsewhere_are_not_followed,
    five_redirects_are_followed_and_six_are_not,
    redirects_in_a_loop_end,
    a_redirect_inward_opens_no_connection,
    a_host_inward_is_not_asked,
    a_host_that_is_gone_is_gone_only_if_wanted,
    a_host_without_a_web_server_is_passed_over,
}

fn only_200_is_an_answer<R: Runtime>() {
    let classes = [
        200..=208,
        226..=226,
        300..=308,
        400..=431,
        451..=451,
        500..=511,
        599..=599,
    ];
    let redirects = [301, 302, 303, 307, 308];
    let statuses: Vec<u16> = classes.into_iter().flatten().collect();
    let reply = |status: &u16| Reply::status(*status).content(GOOD);
    let found = search_all::<R>(statuses.iter().map(reply));
    for (status, found) in statuses.into_iter().zip(found) {
        let expected = match status {
            200 => None,
            _ if redirects.contains(&status) => Some(WellKnownError::Redirect {
                location: None,
                cause: RedirectError::NoLocation,
            }),
            _ => Some(WellKnownError::Status(status)),
        };
        let step = if expected.is_none() { "3.1" } else { "6" };
        let well_known = found.notes.well_known.as_ref().unwrap();
        assert_eq!(
            (&well_known.error, well_known.status),
            (&expected, Some(status))
        );
        assert_eq!(found.destination.step(), step, "{status}");
    }
}

fn invalid_bodies_count_as_no_answer<R: Runtime>() {
    let bodies = invalid_bodies();
    let found = search_all::<R>(bodies.iter().map(|body| Reply::json(*body)));
    for (body, found) in bodies.iter().zip(found) {
        let error = found.notes.well_known.as_ref().unwrap().error.as_ref();
        let is_body = matches!(error, Some(WellKnownError::Body(_)));
        assert!(is_body, "{}: {error:?}", body.escape_ascii());
        assert_eq!(found.destination.step(), "6");
    }
}

fn an_invalid_body_is_final_in_the_draft<R: Runtime>() {
    let rig = serving(Reply::json(r#"{"m.server": "a b"}"#)).edition(Edition::Draft2019);
    let error = rig.connect::<R>("example.org").unwrap_err();
    let DiscoveryErrorKind::InvalidWellKnown(BodyError::ServerName(_)) = error.kind else {
        panic!("{error}");
    };
    assert_eq!((error.step(), error.is_temporary()), ("3", false));
    assert!(rig.world.connections_to(FEDERATION).is_empty());
}

fn other_failures_are_not_final_in_the_draft<R: Runtime>() {
    for reply in [
        Reply::status(404),
        Reply::status(500).content("{}"),
        Reply::redirect(302, "http://example.org/"),
        Reply::json("{").sent(Body::CutShort { missing: 1 }),
    ] {
        let rig = serving(reply).edition(Edition::Draft2019);
        let found = rig.ask::<R>("example.org");
        assert_eq!(found.destination.step(), "4");
        assert_eq!(found.connection.unwrap().address, socket(FEDERATION));
    }
}

fn a_body_counts_whatever_its_type_and_however_it_travels<R: Runtime>() {
    let typed = |value: &str| {
        Reply::status(200)
            .header("Content-Type", value)
            .content(GOOD)
    };
    let found = search_all::<R>([
        typed("text/html"),
        typed("application/octet-stream"),
        typed("application/json; charset=utf-16"),
        typed("nonsense"),
        Reply::status(200).content(GOOD),
        Reply::json(GOOD).sent(Body::Chunked),
        Reply::json(GOOD).sent(Body::ReadToEnd),
        Reply::json(GOOD).header("Content-Encoding", "identity"),
        Reply::raw("HTTP/1.0 200 OK\r\n\r\n").content(GOOD),
        Reply::raw("HTTP/1.1 200\nContent-Length: 28\n\n").content(GOOD),
    ]);
    for found in found {
        let well_known = found.notes.well_known.unwrap();
        assert_eq!(well_known.error, None);
        assert_eq!(well_known.delegated.unwrap().as_str(), "203.0.113.1");
    }
}

fn interim_responses_are_passed_over<R: Runtime>() {
    let rig = serving(Reply::raw(
        "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n\
         HTTP/1.1 200 OK\r\nContent-Length: 28\r\n\r\n{\"m.server\": \"203.0.113.1\"} ",
    ));
    assert_eq!(rig.find::<R>("example.org").destination.step(), "3.1");
    let rig = serving(Reply::raw(
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n",
    ));
    assert_eq!(
        rig.well_known_error::<R>("example.org"),
        fetch(FetchError::Malformed(MalformedResponse::SwitchedProtocols))
    );
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

fn a_head_as_large_as_allowed_is_read_and_one_byte_more_is_not<R: Runtime>() {
    let limit = 16 << 10;
    let head = |len: usize| {
        let (start, end) = ("HTTP/1.1 200 OK\r\nX: ", "\r\nContent-Length: 28\r\n\r\n");
        let filling = "x".repeat(len - start.len() - end.len());
        Reply::raw(format!("{start}{filling}{end}")).content(GOOD)
    };
    let found = search_all::<R>([head(limit), head(limit + 1)]);
    let errors: Vec<_> = found
        .into_iter()
        .map(|it| it.notes.well_known.unwrap().error)
        .collect();
    assert_eq!(errors, [None, fetch(FetchError::HeadTooLarge { limit })]);
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

fn what_is_not_http_is_no_answer<R: Runtime>() {
    use MalformedResponse as Reason;
    let raw = |head: &str| Reply::raw(format!("{head}\r\n\r\n")).content(GOOD);
    let replies = [
        (raw("SSH-2.0-OpenSSH"), Reason::NotHttp1),
        (raw("HTTP/2 200 OK"), Reason::NotHttp1),
        (raw("HTTP/1.1 abc OK"), Reason::StatusLine),
        (raw("HTTP/1.1 200 OK\r\nX: a\0"), Reason::HeaderCharacter),
        (
            raw("HTTP/1.1 200 OK\r\nContent-Length : 28"),
            Reason::ContentLengthLine,
        ),
        (
            raw("HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2"),
            Reason::ContentLengthConflict,
        ),
        (
            raw("HTTP/1.1 200 OK\r\nContent-Length: -1"),
            Reason::ContentLengthNumber,
        ),
        (
            raw("HTTP/1.1 200 OK\r\nContent-Length: 28\r\nTransfer-Encoding: chunked"),
            Reason::TransferEncodingBesideLength,
        ),
        (
            raw("HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip"),
            Reason::TransferCoding,
        ),
        (
            Reply::json(GOOD).header("Content-Encoding", "gzip"),
            Reason::ContentCoding,
        ),
    ];
    let found = search_all::<R>(replies.iter().map(|(reply, _)| reply.clone()));
    for ((_, reason), found) in replies.iter().zip(found) {
        let error = found.notes.well_known.unwrap().error;
        assert_eq!(error, fetch(FetchError::Malformed(*reason)));
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

fn the_deadline_is_for_all_redirects_together<R: Runtime>() {
    let rig = Rig::new(|plan| {
        web(plan, "example.org", "198.51.100.1", |server| {
            chain(server, 5, |to| Reply::redirect(302, to).after(ms(150)))
        });
    });
    let rig = rig.configure(|config| config.deadlines.well_known = ms(400));
    let found = timed(ms(400), || rig.find::<R>("example.org"));
    let well_known = found.notes.well_known.unwrap();
    assert_eq!(well_known.error, Some(WellKnownError::TimedOut));
    assert!(
        well_known.redirects.len() <= 2,
        "{:?}",
        well_known.redirects
    );
}

fn redirects_of_each_kind_are_followed<R: Runtime>() {
    for status in [301, 302, 303, 307, 308] {
        let rig = Rig::new(|plan| {
            web(plan, "example.org", "198.51.100.1", |server| {
                chain(server, 1, |to| {
                    Reply::redirect(status, to).content("<a>moved</a>")
                })
            });
        });
        let found = rig.find::<R>("example.org");
        let well_known = found.notes.well_known.unwrap();
        assert_eq!(well_known.delegated.unwrap().as_str(), "203.0.113.1");
        assert_eq!(well_known.redirects, ["https://example.org/1"]);
        assert_eq!(
            rig.requests(),
            [asked("example.org", WELL_KNOWN), asked("example.org", "/1")]
        );
        let requests = rig.world.requests();
        assert!(
            requests.iter().all(|request| request.method == "GET"),
            "{status}"
        );
    }
}

fn redirects_go_where_they_say<R: Runtime>() {
    for (location, at, host, target) in [
        ("/x?y=z#w", "198.51.100.1:443", "example.org", "/x?y=z"),
        (
            "other",
            "198.51.100.1:443",
            "example.org",
            "/.well-known/matrix/other",
        ),
        (
            "../up/./x",
            "198.51.100.1:443",
            "example.org",
            "/.well-known/up/x",
        ),
        (
            "?q",
            "198.51.100.1:443",
            "example.org",
            "/.well-known/matrix/server?q",
        ),
        (
            "https://example.org:443/x",
            "198.51.100.1:443",
            "example.org",
            "/x",
        ),
        (
            "https://example.org:8443/x",
            "198.51.100.1:8443",
            "example.org:8443",
            "/x",
        ),
        (
            "//www.example.net/x",
            "198.51.100.2:443",
            "www.example.net",
            "/x",
        ),
        (
            "https://WWW.Example.NET",
            "198.51.100.2:443",
            "www.example.net",
            "/",
        ),
        (
            "https://198.51.100.3/x",
            "198.51.100.3:443",
            "198.51.100.3",
            "/x",
        ),
        (
            "https://[2001:db8::3]:1/x",
            "[2001:db8::3]:1",
            "[2001:db8::3]:1",
            "/x",
        ),
    ] {
        let rig = Rig::new(|plan| {
            web(plan, "example.org", "198.51.100.1", |server| {
                server.path(WELL_KNOWN, Reply::redirect(302, location))
            });
            address(plan, "www.example.net", "198.51.100.2");
            let name = host.trim_end_matches(":8443").trim_end_matches(":1");
            let server = Https::for_name(name).path(target, Reply::json(GOOD));
            let redirect = Reply::redirect(302, location);
            plan.https(at, server.path(WELL_KNOWN, redirect));
        });
        let found = rig.find::<R>("example.org");
        let requests = rig.requests();
        assert_eq!(
            requests.last(),
            Some(&format!("{at} {host} {target}")),
            "{location}"
        );
        let well_known = found.notes.well_known.unwrap();
        assert_eq!((well_known.error, requests.len()), (None, 2), "{location}");
        assert_eq!(well_known.redirects, [format!("https://{host}{target}")]);
    }
}

fn redirects_elsewhere_are_not_followed<R: Runtime>() {
    let locations = [
        ("http://example.org/", RedirectError::NotHttps),
        ("ftp://example.org/", RedirectError::NotHttps),
        ("file:///etc/passwd", RedirectError::NotHttps),
        ("https://user@example.org/", RedirectError::UserInfo),
        ("https://user:secret@example.org/", RedirectError::UserInfo),
        ("https://", RedirectError::Location),
        ("https://example.org:0/", RedirectError::Location),
        ("https://example.org:65536/", RedirectError::Location),
        ("", RedirectError::NoLocation),
    ];
    let found = search_all::<R>(locations.map(|(to, _)| Reply::redirect(302, to)));
    for ((location, error), found) in locations.iter().zip(found) {
        let well_known = found.notes.well_known.unwrap();
        assert_eq!(well_known.error, redirect(location, *error), "{location}");
        assert_eq!(well_known.redirects, [""; 0]);
    }
}

fn five_redirects_are_followed_and_six_are_not<R: Runtime>() {
    let error = redirect("/6", RedirectError::TooMany { limit: 5 });
    for (redirects, expected) in [(5, None), (6, error)] {
        let rig = Rig::new(|plan| {
            web(plan, "example.org", "198.51.100.1", |server| {
                chain(server, redirects, |to| Reply::redirect(307, to))
            });
        });
        assert_eq!(rig.well_known_error::<R>("example.org"), expected);
        assert_eq!(rig.requests().len(), 6);
        // Each over a connection of its own, and one after the other
        assert_eq!(rig.world.connections_to("198.51.100.1:443").len(), 6);
        assert!(rig.is_left());
    }
}

fn redirects_in_a_loop_end<R: Runtime>() {
    let to_itself = [
        WELL_KNOWN,
        "https://example.org/.well-known/matrix/server",
        "#here",
        "",
    ];
    for location in &to_itself[..3] {
        let rig = serving(Reply::redirect(302, *location));
        let error = rig.well_known_error::<R>("example.org");
        assert_eq!(error, redirect(location, RedirectError::Loop), "{location}");
        assert_eq!(rig.requests().len(), 1);
    }
    let rig = Rig::new(|plan| {
        web(plan, "example.org", "198.51.100.1", |server| {
            let server = server.path(WELL_KNOWN, Reply::redirect(302, "/a"));
            let server = server.path("/a", Reply::redirect(302, "/b"));
            server.path("/b", Reply::redirect(302, "/a"))
        });
    });
    let error = rig.well_known_error::<R>("example.org");
    assert_eq!(error, redirect("/a", RedirectError::Loop));
    assert_eq!(rig.requests().len(), 3);
}

fn a_redirect_inward_opens_no_connection<R: Runtime>() {
    for (host, ip) in [
        ("10.0.0.1", "10.0.0.1"),
        ("127.0.0.1", "127.0.0.1"),
        ("169.254.169.254", "169.254.169.254"),
        ("[::1]", "::1"),
        ("[::ffff:192.168.0.1]", "::ffff:192.168.0.1"),
        ("inward.example.org", "192.168.0.1"),
    ] {
        let rig = Rig::new(|plan| {
            web(plan, "example.org", "198.51.100.1", |server| {
                let to = format!("https://{host}/");
                server.path(WELL_KNOWN, Reply::redirect(302, to))
            });
            web(plan, "inward.example.org", ip, |server| {
                server.path("/", Reply::json(GOOD))
            });
        });
        let error = rig.well_known_error::<R>("example.org").unwrap();
        let WellKnownError::Unreachable {
            cause: AttemptError::AddressRefused(_),
            ..
        } = error
        else {
            panic!("{host}: {error:?}");
        };
        assert_eq!(accepted(&rig), 1, "{host}");
    }
}

fn a_host_inward_is_not_asked<R: Runtime>() {
    let rig = Rig::new(|plan| {
        web(plan, "example.org", "127.0.0.1", |server| {
            server.well_known(GOOD)
        });
        web(plan, "example.org", "::1", |server| server.well_known(GOOD));
    });
    let error = rig.connect::<R>("example.org").unwrap_err();
    let error = error.notes.well_known.unwrap().error.unwrap();
    let WellKnownError::Unreachable {
        cause: AttemptError::AddressRefused(_),
        ..
    } = error
    else {
        panic!("{error:?}");
    };
    assert_eq!(accepted(&rig), 0);
}

fn a_host_that_is_gone_is_gone_only_if_wanted<R: Runtime>() {
    let rig = serving(Reply::status(410));
    assert_eq!(rig.find::<R>("example.org").destination.step(), "6");
    let rig = rig.configure(|config| config.gone_is_final = true);
    let error = rig.connect::<R>("example.org").unwrap_err();
    assert_eq!((error.step(), error.kind), ("3", DiscoveryErrorKind::Gone));
}

fn a_host_without_a_web_server_is_passed_over<R: Runtime>() {
    let rig = Rig::new(|plan| {
        plan.a("example.org", "198.51.100.1");
        plan.https(FEDERATION, Https::for_name("example.org"));
    });
    let found = rig.ask::<R>("example.org");
    assert_eq!(found.connection.unwrap().address, socket(FEDERATION));
    let error = found.notes.well_known.unwrap().error;
    assert!(
        matches!(error, Some(WellKnownError::Unreachable { .. })),
        "{error:?}"
    );
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
    found.into_iter().map(Result::unwrap).collect()
}

/// Redirects from .well-known over `/1`, `/2` and so on to a delegation
fn chain(server: Https, redirects: usize, redirect: impl Fn(String) -> Reply) -> Https {
    let path = |number| match number {
        0 => WELL_KNOWN.to_owned(),
        number => format!("/{number}"),
    };
    let hops = 0..redirects;
    let server = hops.fold(server, |server, hop| {
        server.path(&path(hop), redirect(path(hop + 1)))
    });
    server.path(&path(redirects), Reply::json(GOOD))
}

fn asked(host: &str, target: &str) -> String {
    format!("198.51.100.1:443 {host} {target}")
}

fn fetch(error: FetchError) -> Option<WellKnownError> {
    Some(WellKnownError::Fetch(error))
}

/// A redirect to there that is not followed
fn redirect(location: &str, cause: RedirectError) -> Option<WellKnownError> {
    Some(WellKnownError::Redirect {
        location: Some(location.into()),
        cause,
    })
}

/// How many connections the world has accepted
fn accepted(rig: &Rig) -> usize {
    let is_accepted = |what: &Event| matches!(what, Event::Accepted { .. });
    rig.world
        .log()
        .iter()
        .filter(|entry| is_accepted(&entry.what))
        .count()
}

fn invalid_bodies() -> Vec<&'static [u8]> {
    vec![
        b"",
        b" ",
        b"null",
        b"[]",
        b"{}",
        b"\"203.0.113.1\"",
        b"<html></html>",
        b"{\"m.server\": \"203.0.113.1\"",
        b"{\"m.server\": \"203.0.113.1\"} x",
        b"{\"m.server\": null}",
        b"{\"m.server\": 1}",
        b"{\"m.server\": [\"203.0.113.1\"]}",
        b"{\"m.server\": \"\"}",
        b"{\"m.server\": \"https://m.example.org\"}",
        b"{\"m.server\": \"m.example.org/\"}",
        b"{\"m.server\": \"m.example.org:0\"}",
        b"{\"m.server\": \"m.example.org:99999\"}",
        b"{\"m.server\": \"m example.org\"}",
        b"{\"m.server\": \"2001:db8::1\"}",
        b"{\"m.server\": \"[fe80::1%25lo]\"}",
        b"{\"m.server\": \"a\", \"m.server\": \"b\"}",
        b"{\"M.Server\": \"203.0.113.1\"}",
        b"{\"m\": {\"server\": \"203.0.113.1\"}}",
        b"{\"m.server\": \"\xff\"}",
        b"\xef\xbb\xbf{\"m.server\": \"203.0.113.1\"}",
        b"{'m.server': '203.0.113.1'}",
    ]
}

/// A delegation, 28 bytes long
const GOOD: &[u8] = b"{\"m.server\": \"203.0.113.1\"} ";

const FEDERATION: &str = "198.51.100.1:8448";
