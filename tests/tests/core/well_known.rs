//! The .well-known request: what counts as an answer, and where it goes.

use fedway_core::{
    Action, Answer, AttemptError, BodyError, ConnectError, DiscoveryErrorKind, DnsError, Edition,
    Family, FetchError, FieldName, HttpAnswer, Instant, Machine, MalformedResponse, Step,
    WellKnownError,
};
use fedway_testkit::script::Script;

#[test]
fn our_own_want_of_sockets_ends_the_search_before_another_server_is_found() {
    for cause in [
        AttemptError::Connect(ConnectError::OutOfResources),
        AttemptError::Dns(DnsError::OutOfResources),
    ] {
        for edition in Edition::ALL {
            let mut s = fallback().edition(edition);
            s.well_known("example.org").delegates_to("host.example.net");
            s.a("example.org").gives(["192.0.2.7", "192.0.2.8"]);
            // Others fail as well, later, and not for want of anything
            s.connect("192.0.2.7:443").refused();
            s.connect("192.0.2.8:443").refused();
            if let AttemptError::Connect(error) = &cause {
                s.connect("192.0.2.7:443").fails(error.clone());
            }
            if let AttemptError::Dns(error) = &cause {
                s.aaaa("example.org").fails(*error);
            }
            let run = s.run();
            let error = run.error();
            assert_eq!(error.kind, DiscoveryErrorKind::Unreachable(cause.clone()));
            assert!(error.step() == "3" && error.is_temporary(), "{edition}");
        }
    }
}

#[test]
fn our_own_want_of_sockets_does_not_matter_where_another_address_answers() {
    let mut s = fallback();
    s.well_known("example.org").delegates_to("192.0.2.9");
    s.a("example.org").gives(["192.0.2.7", "192.0.2.8"]);
    s.connect("192.0.2.7:443")
        .fails(ConnectError::OutOfResources);
    s.connect("192.0.2.9:8448").works();
    assert_eq!(s.run().found().destination.step(), "3.1");
}

#[test]
fn every_status_but_200_is_an_error() {
    for status in [
        100, 199, 201, 202, 203, 204, 206, 300, 304, 305, 306, 400, 401, 403, 404, 410, 418, 429,
        500, 503, 599,
    ] {
        let mut s = fallback();
        let mut answer = HttpAnswer::ok(r#"{"m.server":"host.example.net:9000"}"#)
            .with(FieldName::Location, "https://other.example.com/");
        answer.status = status;
        s.well_known("example.org").gives(answer);
        let run = s.run();
        assert_eq!(run.found().destination.step(), "6", "{status}");
        assert_eq!(error_of(&run), Some(WellKnownError::Status(status)));
        assert_eq!(run.urls(), [URL], "{status}");
    }
}

#[test]
fn a_200_that_delegates_counts_whatever_else_it_holds_and_has_a_location() {
    let mut s = fallback();
    let answer = HttpAnswer::ok(r#"{"x":[{"m.server":1}],"m.server":"192.0.2.7:9000","y":null}"#)
        .with(FieldName::Location, "https://other.example.com/");
    s.well_known("example.org").gives(answer);
    s.connect("192.0.2.7:9000").works();
    let run = s.run();
    assert_eq!(run.found().destination.step(), "3.1");
    let well_known = run.found().notes.well_known.clone().unwrap();
    assert_eq!(well_known.status, Some(200));
    assert_eq!(well_known.delegated.unwrap().as_str(), "192.0.2.7:9000");
    assert_eq!((well_known.redirects, well_known.error), (vec![], None));
}

#[test]
fn a_failure_that_may_pass_leads_on_and_makes_the_result_provisional() {
    let provisional = |failure: fedway_testkit::script::Failure| {
        let mut s = fallback();
        s.well_known("example.org").fails(failure);
        let run = s.run();
        assert_eq!(run.found().destination.step(), "6");
        run.found().notes.provisional
    };
    for status in [408, 429, 500, 502, 503, 599] {
        assert!(provisional(status.into()), "{status}");
    }
    for status in [204, 400, 403, 404, 410] {
        assert!(!provisional(status.into()), "{status}");
    }
    assert!(provisional(FetchError::ConnectionLost.into()));
}

#[test]
fn a_closed_port_is_an_answer_and_a_silent_one_is_none() {
    for (error, provisional) in [
        (ConnectError::Refused, false),
        (ConnectError::Reset, true),
        (ConnectError::TimedOut, true),
        (ConnectError::Unreachable, true),
    ] {
        let mut s = fallback();
        s.connect("198.51.100.1:443").fails(error.clone());
        assert_eq!(s.run().found().notes.provisional, provisional, "{error}");
    }
}

#[test]
fn a_failure_that_led_to_a_permanent_end_may_pass_with_it() {
    let mut s = Script::resolve("example.org");
    s.srv("_matrix-fed._tcp.example.org")
        .gives([fedway_testkit::script::srv(0, 0, 0, ".")]);
    s.well_known("example.org").fails(404);
    assert!(!s.run().error().is_temporary());
    s.well_known("example.org").fails(503);
    assert!(s.run().error().is_temporary());
}

#[test]
fn a_body_counts_whatever_its_content_type() {
    for content_type in ["text/html", "application/octet-stream", ""] {
        let mut s = fallback();
        let answer = HttpAnswer::ok(r#"{"m.server":"192.0.2.7:9000"}"#);
        let answer = answer.with(FieldName::ContentType, content_type);
        s.well_known("example.org").gives(answer);
        s.connect("192.0.2.7:9000").works();
        assert_eq!(s.run().found().destination.step(), "3.1");
    }
}

#[test]
fn a_response_that_does_not_arrive_is_an_error_like_any_other() {
    for error in [
        FetchError::BodyTooLarge { limit: 51_200 },
        FetchError::ConnectionLost,
        FetchError::HeadTooLarge { limit: 16_384 },
        FetchError::Malformed(MalformedResponse::StatusLine),
        FetchError::TimedOut,
        FetchError::TooMuchData { limit: 262_144 },
    ] {
        for (edition, step) in FALLBACK_STEPS {
            let mut s = fallback().edition(edition);
            s.well_known("example.org").fails(error);
            let run = s.run();
            assert_eq!(run.found().destination.step(), step, "{error}");
            assert_eq!(error_of(&run), Some(WellKnownError::Fetch(error)));
        }
    }
}

#[test]
fn a_web_server_that_cannot_be_connected_to_is_an_error_like_any_other() {
    for (edition, step) in FALLBACK_STEPS {
        let mut s = fallback().edition(edition);
        s.connect("198.51.100.1:443").refused();
        let run = s.run();
        assert_eq!(run.found().destination.step(), step);
        let cause = AttemptError::Connect(ConnectError::Refused);
        let Some(WellKnownError::Unreachable { host, cause: told }) = error_of(&run) else {
            panic!("{edition}: {:?}", error_of(&run))
        };
        assert_eq!((host.to_string().as_str(), told), ("example.org", cause));
        let [attempt] = &run.found().notes.attempts[..] else {
            panic!("one attempt has failed")
        };
        assert_eq!(
            attempt.to_string(),
            "example.org at 198.51.100.1:443: connection failed: connection refused"
        );
    }
}

#[test]
fn a_web_server_whose_certificate_is_refused_is_not_asked() {
    let mut s = fallback();
    s.well_known("example.org").delegates_to("evil.example.com");
    s.connect("198.51.100.1:443")
        .is_certified_for(["evil.example.com"]);
    let run = s.run();
    assert_eq!(run.found().destination.step(), "6");
    assert_eq!(run.urls(), [""; 0]);
}

#[test]
fn a_host_without_web_server_may_still_have_srv() {
    let mut s = Script::resolve("example.org");
    s.srv("_matrix-fed._tcp.example.org")
        .gives([fedway_testkit::script::srv(0, 0, 8448, "host.example.net")]);
    s.a("host.example.net").gives(["192.0.2.7"]);
    let run = s.run();
    assert_eq!(run.found().destination.step(), "4");
    assert_eq!(run.connects(), [""; 0]);
}

#[test]
fn well_known_goes_to_port_443_even_if_draft_2019_ignores_a_port_in_the_name() {
    let mut s = Script::connect("Example.org:9000").edition(Edition::Draft2019);
    s.well_known("example.org").delegates_to("192.0.2.7");
    s.connect("192.0.2.7:8448").works();
    let run = s.run();
    let [get] = run.gets()[..] else {
        panic!("one request is sent\n{run}")
    };
    assert_eq!(get.connection.address.port(), 443);
    assert_eq!(
        (&*get.host_header, &*get.target),
        ("Example.org", "/.well-known/matrix/server")
    );
}

#[test]
fn the_request_is_sent_over_the_connection_that_was_verified_for_the_host() {
    let mut s = fallback();
    s.well_known("example.org").fails(404);
    let run = s.run();
    let [get] = run.gets()[..] else {
        panic!("one request is sent\n{run}")
    };
    assert_eq!(
        get.connection.to_string(),
        "198.51.100.1:443 as example.org"
    );
    assert_eq!(get.connection.sni.as_ref().unwrap().as_str(), "example.org");
    assert_eq!(
        (&*get.host_header, &*get.target),
        ("example.org", "/.well-known/matrix/server")
    );
}

#[test]
fn a_delegated_name_is_not_asked_for_a_delegation_of_its_own() {
    for (edition, _) in FALLBACK_STEPS {
        let mut s = Script::connect("example.org").edition(edition);
        s.well_known("example.org").delegates_to("host.example.net");
        s.well_known("host.example.net").delegates_to("192.0.2.66");
        s.connect("198.51.100.2:8448").works();
        let run = s.run();
        assert_eq!(run.urls(), [URL]);
        assert_eq!(run.found().destination.host_header, "host.example.net");
    }
}

#[test]
fn a_410_is_an_error_like_any_other_unless_it_is_turned_on() {
    for (edition, step) in FALLBACK_STEPS {
        let mut s = fallback().edition(edition);
        s.well_known("example.org").fails(410);
        assert_eq!(s.run().found().destination.step(), step);
    }
}

#[test]
fn a_410_ends_the_search_where_it_is_turned_on_and_no_other_status_does() {
    for (edition, _) in FALLBACK_STEPS {
        let mut s = fallback()
            .edition(edition)
            .config(|config| config.gone_is_final = true);
        s.well_known("example.org").fails(410);
        let run = s.run();
        assert_eq!(
            (&run.error().kind, run.error().step()),
            (&DiscoveryErrorKind::Gone, "3")
        );
        assert_eq!(run.connects().len(), 1);
        assert!(!run.error().is_temporary());
    }
    for status in [404, 409, 411, 500] {
        let mut s = fallback().config(|config| config.gone_is_final = true);
        s.well_known("example.org").fails(status);
        assert_eq!(s.run().found().destination.step(), "6");
    }
}

#[test]
fn a_410_behind_a_redirect_ends_the_search_where_it_is_turned_on() {
    let mut s = fallback().config(|config| config.gone_is_final = true);
    s.well_known("example.org").redirects(302, "/gone");
    s.get("https://example.org/gone").fails(410);
    assert_eq!(s.run().error().kind, DiscoveryErrorKind::Gone);
}

#[test]
fn the_driver_is_told_how_much_to_read() {
    let defaults = limits(Script::connect("example.org"));
    assert_eq!(defaults, (16 * 1024, 50 * 1024));
    let own = Script::connect("example.org").config(|config| {
        config.limits.head = 1;
        config.limits.body = 2;
    });
    assert_eq!(limits(own), (1, 2));
}

#[test]
fn where_the_body_is_read_no_further_than_it_is_wrong_the_error_says_where() {
    let mut s = fallback();
    s.well_known("example.org")
        .has_body("{\n  \"m.server\": 1}");
    let Some(WellKnownError::Body(BodyError::Json { line, .. })) = error_of(&s.run()) else {
        panic!("the body is invalid")
    };
    assert_eq!(line, 2);
}

/// A name whose host itself works on 8448
fn fallback() -> Script {
    let mut s = Script::connect("example.org");
    s.well_known("example.org").fails(404);
    s.connect("198.51.100.1:8448").works();
    s
}

fn error_of(run: &fedway_testkit::script::Run) -> Option<WellKnownError> {
    run.found().notes.well_known.clone().unwrap().error
}

/// The limits that the first request carries, found by hand
fn limits(script: Script) -> (usize, usize) {
    let (mut search, now) = (script.start(), Instant::ORIGIN);
    loop {
        match search.poll() {
            Step::Act(Action::Connect(connect)) => search.handle(connect.reply(Ok(None)), now),
            Step::Act(Action::FetchWellKnown(fetch)) => {
                return (fetch.max_head(), fetch.max_body());
            }
            Step::Act(Action::LookUpAddresses(look_up)) => {
                let records = match look_up.family() {
                    Family::V4 => vec!["192.0.2.1".parse().unwrap()],
                    Family::V6 => vec![],
                };
                let answer = Answer::found(records, crate::secs(1));
                search.handle(look_up.reply(Ok(answer)), now);
            }
            Step::Act(Action::QuerySrv(_)) | Step::Cancel(_) => {}
            step @ (Step::Done(_) | Step::Wait { .. }) => panic!("no request: {step:?}"),
        }
    }
}

const URL: &str = "https://example.org/.well-known/matrix/server";

const FALLBACK_STEPS: [(Edition, &str); 3] = [
    (Edition::Draft2019, "4"),
    (Edition::R0_1, "5"),
    (Edition::V1_8, "6"),
];
