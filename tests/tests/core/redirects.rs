//! Redirects of the .well-known request.

use fedway_core::{
    AttemptError, Chain, ConnectError, DiscoveryErrorKind, DnsError, Edition, HttpAnswer,
    RedirectError, WellKnownError,
};
use fedway_testkit::script::{Run, Script};

#[test]
fn each_of_the_five_statuses_is_followed() {
    for status in [301, 302, 303, 307, 308] {
        let mut s = redirecting(status, "https://web.example.com/delegation?x=1");
        s.get("https://web.example.com/delegation?x=1")
            .delegates_to("192.0.2.7");
        let run = s.run();
        assert_eq!(run.found().destination.step(), "3.1", "{status}");
        assert_eq!(
            run.urls(),
            [URL, "https://web.example.com/delegation?x=1"],
            "{status}"
        );
        let well_known = run.found().notes.well_known.clone().unwrap();
        assert_eq!(
            well_known.redirects,
            ["https://web.example.com/delegation?x=1"]
        );
        assert_eq!(well_known.status, Some(200));
    }
}

#[test]
fn a_relative_location_is_resolved_against_the_url_it_came_from() {
    for (location, url) in [
        ("/a", "https://example.org/a"),
        ("a", "https://example.org/.well-known/matrix/a"),
        ("../a?b", "https://example.org/.well-known/a?b"),
        ("?b", "https://example.org/.well-known/matrix/server?b"),
        ("//web.example.com/a", "https://web.example.com/a"),
    ] {
        let mut s = redirecting(302, location);
        s.get(url).delegates_to("192.0.2.7");
        assert_eq!(s.run().urls(), [URL, url], "{location}");
    }
}

#[test]
fn a_relative_location_behind_a_redirect_is_resolved_against_the_new_url() {
    let mut s = redirecting(302, "https://web.example.com/a/b");
    s.get("https://web.example.com/a/b").redirects(302, "c");
    s.get("https://web.example.com/a/c")
        .delegates_to("192.0.2.7");
    assert_eq!(s.run().found().destination.step(), "3.1");
}

#[test]
fn each_hop_is_looked_up_and_verified_for_its_own_host() {
    let mut s = redirecting(302, "https://web.example.com/");
    s.get("https://web.example.com/")
        .redirects(302, "https://[2001:db8::5]/");
    s.get("https://[2001:db8::5]/").delegates_to("192.0.2.7");
    let run = s.run();
    let hops = run.gets().into_iter().map(|get| {
        (
            get.connection.to_string(),
            get.connection.sni.clone().map(|sni| sni.to_string()),
            get.host_header.clone(),
        )
    });
    let hop = |connection: &str, sni: Option<&str>, host: &str| {
        (
            connection.to_string(),
            sni.map(String::from),
            host.to_string(),
        )
    };
    assert_eq!(
        hops.collect::<Vec<_>>(),
        [
            hop(
                "198.51.100.1:443 as example.org",
                Some("example.org"),
                "example.org"
            ),
            hop(
                "198.51.100.2:443 as web.example.com",
                Some("web.example.com"),
                "web.example.com"
            ),
            hop("[2001:db8::5]:443 as 2001:db8::5", None, "[2001:db8::5]"),
        ]
    );
}

#[test]
fn a_certificate_for_the_first_host_does_not_do_for_the_second() {
    let mut s = redirecting(302, "https://web.example.com/");
    s.get("https://web.example.com/").delegates_to("192.0.2.7");
    s.connect("198.51.100.2:443")
        .is_certified_for(["example.org"]);
    let run = s.run();
    assert_eq!(run.found().destination.step(), "6");
    assert!(
        matches!(error_of(&run), WellKnownError::Unreachable { host, .. } if host.to_string() == "web.example.com")
    );
}

#[test]
fn the_delegation_is_for_the_first_host_and_knows_nothing_of_the_redirect() {
    let mut s = redirecting(302, "https://web.example.com/");
    s.get("https://web.example.com/").fails(404);
    let run = s.run();
    assert_eq!(run.found().destination.step(), "6");
    assert_eq!(run.found().destination.host_header, "example.org");
    assert_eq!(error_of(&run), WellKnownError::Status(404));
}

#[test]
fn another_port_is_followed_and_is_in_the_host_header() {
    let mut s = redirecting(307, "https://web.example.com:8443/a");
    s.get("https://web.example.com:8443/a")
        .delegates_to("192.0.2.7");
    let run = s.run();
    let get = run.gets()[1];
    assert_eq!(get.connection.address.to_string(), "198.51.100.2:8443");
    assert_eq!(get.host_header, "web.example.com:8443");
}

#[test]
fn the_port_443_written_out_is_no_part_of_the_host_header() {
    let mut s = redirecting(307, "https://WEB.example.com:443/a");
    s.get("https://web.example.com/a").delegates_to("192.0.2.7");
    assert_eq!(s.run().gets()[1].host_header, "web.example.com");
}

#[test]
fn five_redirects_are_followed() {
    let run = chain(5).run();
    assert_eq!(run.found().destination.step(), "3.1");
    assert_eq!(run.urls().len(), 6);
}

#[test]
fn a_sixth_redirect_is_not_followed() {
    let run = chain(6).run();
    assert_eq!(run.found().destination.step(), "6");
    assert_eq!(run.urls().len(), 6);
    assert_eq!(
        error_of(&run),
        not_followed("/6", RedirectError::TooMany { limit: 5 })
    );
}

#[test]
fn how_many_are_followed_can_be_configured_down_to_none() {
    for limit in [0, 1, 7] {
        let fits = chain(limit).config(|config| config.limits.redirects = limit);
        assert_eq!(fits.run().urls().len(), usize::from(limit) + 1);
        assert_eq!(fits.run().found().destination.step(), "3.1");
        let over = chain(limit + 1).config(|config| config.limits.redirects = limit);
        assert_eq!(
            error_of(&over.run()),
            not_followed(&format!("/{}", limit + 1), RedirectError::TooMany { limit })
        );
    }
}

#[test]
fn a_url_seen_before_ends_the_fetch() {
    let mut s = redirecting(302, "/a");
    s.get("https://example.org/a")
        .redirects(302, "/.well-known/matrix/server");
    let run = s.run();
    assert_eq!(run.urls(), [URL, "https://example.org/a"]);
    assert_eq!(
        error_of(&run),
        not_followed("/.well-known/matrix/server", RedirectError::Loop)
    );
}

#[test]
fn a_url_that_redirects_to_itself_ends_the_fetch() {
    for location in [
        URL,
        "",
        "#fragment",
        "server",
        "https://EXAMPLE.org:443/.well-known/matrix/server",
    ] {
        let run = redirecting(302, location).run();
        assert_eq!(run.urls(), [URL], "{location}");
        let error = if location.is_empty() {
            RedirectError::NoLocation
        } else {
            RedirectError::Loop
        };
        assert_eq!(error_of(&run), not_followed(location, error), "{location}");
    }
}

#[test]
fn a_url_seen_before_in_other_letters_ends_the_fetch() {
    let mut s = Script::connect("Example.org");
    s.well_known("example.org").redirects(302, URL);
    s.connect("198.51.100.1:8448").works();
    let run = s.run();
    assert_eq!(
        run.urls(),
        ["https://Example.org/.well-known/matrix/server"]
    );
    assert_eq!(error_of(&run), not_followed(URL, RedirectError::Loop));
}

#[test]
fn a_url_that_differs_in_its_query_was_not_seen_before() {
    let mut s = redirecting(302, "?1");
    s.get(&format!("{URL}?1")).delegates_to("192.0.2.7");
    assert_eq!(s.run().found().destination.step(), "3.1");
}

#[test]
fn a_redirect_that_may_not_be_followed_ends_the_fetch_by_its_own_error() {
    for (location, error) in [
        ("http://web.example.com/", RedirectError::NotHttps),
        (
            "http://example.org/.well-known/matrix/server",
            RedirectError::NotHttps,
        ),
        ("ftp://web.example.com/", RedirectError::NotHttps),
        ("https://user@web.example.com/", RedirectError::UserInfo),
        (
            "https://user:password@web.example.com/",
            RedirectError::UserInfo,
        ),
        ("https://", RedirectError::Location),
        ("https://a~b.example.com/", RedirectError::Location),
        (
            "https://例え.example.com/",
            RedirectError::InternationalHost,
        ),
        (
            "https://%E4%BE%8B%E3%81%88.example.com/",
            RedirectError::InternationalHost,
        ),
        ("https://web.example.com:0/", RedirectError::Location),
    ] {
        let run = redirecting(302, location).run();
        assert_eq!(run.found().destination.step(), "6", "{location}");
        assert_eq!(error_of(&run), not_followed(location, error), "{location}");
        assert_eq!(run.urls(), [URL], "{location}");
    }
}

#[test]
fn a_redirect_without_location_ends_the_fetch() {
    let mut s = redirecting(302, "");
    s.well_known("example.org").gives(HttpAnswer::status(302));
    assert_eq!(
        error_of(&s.run()),
        WellKnownError::Redirect {
            location: None,
            cause: RedirectError::NoLocation,
        }
    );
}

#[test]
fn a_host_with_an_underscore_is_looked_up_and_verified_as_it_is_written() {
    let mut s = redirecting(301, "https://My_Group.example.com/x");
    s.a("my_group.example.com").gives(["203.0.113.7"]);
    s.connect("203.0.113.7:443").fails(ConnectError::Refused);
    let run = s.run();
    let dialled = &run.dialled()[1];
    assert_eq!(dialled.address.to_string(), "203.0.113.7:443");
    assert_eq!(dialled.tls_name.to_string(), "my_group.example.com");
    assert!(matches!(error_of(&run), WellKnownError::Unreachable { .. }));
}

#[test]
fn a_location_with_characters_that_no_uri_may_have_is_followed_escaped() {
    let mut s = redirecting(301, "/x?dc=%ppublisher=!;&x=50%");
    s.get("https://example.org/x?dc=%25ppublisher=!;&x=50%25")
        .delegates_to("192.0.2.7");
    assert_eq!(s.run().found().destination.step(), "3.1");
}

#[test]
fn an_error_of_a_redirect_shows_where_it_led_and_why_that_was_not_followed() {
    for (location, message) in [
        (
            "https://例え.テスト/",
            "redirect to https://例え.テスト/ not followed: international host names must be written in ASCII, as xn--…",
        ),
        (
            "http://web.example.com/",
            "redirect to http://web.example.com/ not followed: not https",
        ),
        (
            "https://user@web.example.com/",
            "redirect to https://user@web.example.com/ not followed: user info before the host",
        ),
        (
            "server",
            "redirect to server not followed: redirects form a loop",
        ),
        (
            "https:///\u{1b}[31m",
            "redirect to https:///%1B[31m not followed: not a URI with a host",
        ),
    ] {
        let error = error_of(&redirecting(302, location).run());
        assert_eq!(Chain(&error).to_string(), message);
    }
}

/// A load balancer that wants its cookie back: there is no jar, so the second request would be as the first
#[test]
fn a_redirect_to_itself_with_a_cookie_is_a_loop() {
    let run = redirecting(301, URL).run();
    assert_eq!(error_of(&run), not_followed(URL, RedirectError::Loop));
    assert_eq!(run.urls(), [URL]);
}

#[test]
fn a_redirect_not_followed_is_an_error_like_any_other_in_every_edition() {
    for (edition, step) in [
        (Edition::Draft2019, "4"),
        (Edition::R0_1, "5"),
        (Edition::V1_8, "6"),
    ] {
        let run = redirecting(302, "http://web.example.com/")
            .edition(edition)
            .run();
        assert_eq!(run.found().destination.step(), step);
    }
}

#[test]
fn draft_2019_ends_where_the_body_behind_a_redirect_is_invalid() {
    let mut s = redirecting(302, "/a").edition(Edition::Draft2019);
    s.get("https://example.org/a").has_body("{}");
    assert!(matches!(
        s.run().error().kind,
        DiscoveryErrorKind::InvalidWellKnown(_)
    ));
}

#[test]
fn a_redirect_to_an_onion_name_asks_nobody_for_it() {
    let run = redirecting(302, "https://hidden.onion/").run();
    assert!(!run.to_string().contains("onion"), "{run}");
    let WellKnownError::Unreachable { host, cause } = error_of(&run) else {
        panic!("{run}")
    };
    assert_eq!(
        (host.to_string().as_str(), cause),
        ("hidden.onion", AttemptError::Dns(DnsError::Onion))
    );
}

/// A name whose .well-known redirects; what it may delegate to works, and so does its host
fn redirecting(status: u16, location: &str) -> Script {
    let mut s = Script::connect("example.org");
    s.well_known("example.org").redirects(status, location);
    s.connect("192.0.2.7:8448").works();
    s.connect("198.51.100.1:8448").works();
    s
}

/// So many redirects, then a delegation
fn chain(redirects: u8) -> Script {
    let mut s = redirecting(302, "/1");
    for hop in 1..=redirects {
        s.get(&format!("https://example.org/{hop}"))
            .redirects(302, &format!("/{}", hop + 1));
    }
    match redirects {
        0 => s.well_known("example.org").delegates_to("192.0.2.7"),
        last => s
            .get(&format!("https://example.org/{last}"))
            .delegates_to("192.0.2.7"),
    };
    s
}

/// The error of a redirect to there
fn not_followed(location: &str, cause: RedirectError) -> WellKnownError {
    WellKnownError::Redirect {
        location: Some(location.into()),
        cause,
    }
}

fn error_of(run: &Run) -> WellKnownError {
    run.found().notes.well_known.clone().unwrap().error.unwrap()
}

const URL: &str = "https://example.org/.well-known/matrix/server";
