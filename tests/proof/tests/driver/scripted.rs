//! A resolver over the answers of a script, in virtual time: `Scripted`.

use std::future::pending;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use fedway_core::{
    AttemptError, CertificateError, ConnectError, DiscoveryError, DnsError, FetchError, FieldName,
    Found, HttpAnswer, TlsError,
};
use fedway_driver::Io;
use fedway_testkit::script::{Answers, Script, srv};
use fedway_testkit::{Scripted, config};

use crate::rig::{cause, certificate, server_name};

#[test]
fn the_resolver_finds_what_the_script_finds_and_when() {
    for describe in SCRIPTS {
        for goal in [Script::connect, Script::resolve] {
            let mut script = goal("example.org");
            describe(&mut script);
            let run = script.run();

            let scripted = Scripted::new((*script).clone(), config());
            let resolver = scripted.resolver().unwrap();
            let name = server_name("example.org");
            let outcome = scripted.block_on(async {
                if run
                    .outcome
                    .as_ref()
                    .is_ok_and(|found| found.connection.is_none())
                {
                    resolver.resolve(&name).await.map(Arc::unwrap_or_clone)
                } else {
                    let connected = resolver.connect(&name).await;
                    connected.map(|connected| connected.found)
                }
            });
            assert_eq!(but_for_chance(outcome), but_for_chance(run.outcome));
            assert_eq!(scripted.elapsed(), run.elapsed);
        }
    }
}

#[test]
fn reasons_arrive_as_they_were_scripted() {
    for reason in [
        ConnectError::Closed,
        ConnectError::Other(Some(71)),
        ConnectError::OutOfResources,
        ConnectError::Tls(TlsError::Alert(116)),
        ConnectError::TooMuchData { limit: 7 },
    ] {
        let mut answers = Answers::default();
        answers.connect("192.0.2.7:8448").fails(reason.clone());
        let connect = connect(answers, "192.0.2.7:8448");
        assert_eq!(connect, Err(AttemptError::Connect(reason)));
    }
    let mut answers = Answers::default();
    answers.a("example.org").fails(DnsError::Refused);
    answers.aaaa("example.org").fails(DnsError::Refused);
    let unanswered = AttemptError::Dns(DnsError::Refused);
    assert_eq!(connect(answers, "example.org:8448"), Err(unanswered));
    for reason in [FetchError::ConnectionLost, FetchError::Alert(116)] {
        let mut answers = Answers::default();
        answers.get("https://192.0.2.7:8448/a").fails(reason);
        assert_eq!(get(answers, "/a").0, Err(reason));
    }
}

#[test]
fn a_certificate_is_for_the_names_of_the_script_unless_a_rule_skips_it() {
    let mut answers = Answers::default();
    answers.a("example.org").gives(["192.0.2.7"]);
    let shown = ["example.net"];
    answers.connect("192.0.2.7:8448").is_certified_for(shown);
    let refusal = CertificateError::NotValidForName {
        expected: "example.org".into(),
        presented: vec!["example.net".into()],
    };
    assert_eq!(
        connect(answers.clone(), "example.org:8448"),
        Err(certificate(refusal))
    );

    let mut config = config();
    config.trust.skip.push("192.0.2.0/24".parse().unwrap());
    let scripted = Scripted::new(answers, config);
    let resolver = scripted.resolver().unwrap();
    let connected = scripted.block_on(resolver.connect(&server_name("example.org:8448")));
    assert!(connected.is_ok());
}

#[test]
fn a_session_gives_the_pages_of_the_script() {
    let mut answers = Answers::default();
    let page = HttpAnswer::ok("{}").with(FieldName::Age, "1");
    answers
        .get("https://192.0.2.7:8448/a?b")
        .gives(page)
        .after(Duration::from_secs(3));
    let (response, elapsed) = get(answers.clone(), "/a?b");
    assert_eq!(response, Ok((200, b"{}".to_vec())));
    // The connection, and the page
    assert_eq!(elapsed, Duration::from_millis(2 + 3_000));
    assert_eq!(get(answers, "/c").0, Ok((404, Vec::new())));

    let mut silent = Answers::default();
    silent.get("https://192.0.2.7:8448/a").hangs();
    let (response, elapsed) = get(silent, "/a");
    assert_eq!(response, Err(FetchError::TimedOut));
    assert_eq!(
        elapsed,
        Duration::from_millis(2) + config().deadlines.well_known
    );
}

#[test]
fn an_hour_takes_no_time() {
    let scripted = Scripted::new(Answers::default(), config());
    let hour = Duration::from_secs(3600);
    let start = std::time::Instant::now();
    scripted.block_on(async {
        let later = scripted.now() + hour;
        scripted.sleep_until(later).await;
    });
    assert_eq!(scripted.elapsed(), hour);
    assert!(start.elapsed() < hour / 60);
}

#[test]
#[should_panic(expected = "waits for what never comes, at 0 ms")]
fn what_never_comes_is_not_waited_for() {
    Scripted::new(Answers::default(), config()).block_on(pending::<()>());
}

/// What a search ended with, and the address connected to, without what its seed decides
fn but_for_chance(
    mut outcome: Result<Found, DiscoveryError>,
) -> (Result<Found, DiscoveryError>, Option<SocketAddr>) {
    let mut address = None;
    let notes = match &mut outcome {
        Ok(found) => {
            address = found.connection.take().map(|connection| connection.address);
            // So is a tenth of the time for which a failure is left alone
            if found
                .notes
                .well_known
                .as_ref()
                .is_some_and(|it| it.error.is_some())
            {
                found.expires = None;
            }
            &mut found.notes
        }
        Err(error) => &mut error.notes,
    };
    if let Some(well_known) = &mut notes.well_known {
        well_known.expires = None;
    }
    (outcome, address)
}

/// Why there is no session
fn connect(answers: Answers, name: &str) -> Result<(), AttemptError> {
    let scripted = Scripted::new(answers, config());
    let resolver = scripted.resolver().unwrap();
    let result = scripted.block_on(resolver.connect(&server_name(name)));
    result.map(drop).map_err(|error| cause(&error))
}

/// What a server gives over a session, and when
fn get(answers: Answers, target: &str) -> (Result<(u16, Vec<u8>), FetchError>, Duration) {
    let scripted = Scripted::new(answers, config());
    let resolver = scripted.resolver().unwrap();
    let response = scripted.block_on(async {
        let name = server_name("192.0.2.7:8448");
        let mut connected = resolver.connect(&name).await.unwrap();
        connected.get(target).await
    });
    let response = response.map(|response| (response.status, response.body));
    (response, scripted.elapsed())
}

/// Ways for example.org to be found, or not
const SCRIPTS: [fn(&mut Answers); 6] = [
    |_| {},
    // A delegation, redirects included
    |answers| {
        let there = "https://www.example.org/there";
        answers.well_known("example.org").redirects(302, there);
        answers
            .get(there)
            .delegates_to("m.example.org:443")
            .after(Duration::from_secs(2));
        answers.a("m.example.org").gives(["192.0.2.1"]);
        answers.connect("192.0.2.1:443").works();
    },
    // A target that fails, and one that is silent at first
    |answers| {
        answers.well_known("example.org").fails(500);
        let targets = [srv(1, 0, 8449, "a.example"), srv(2, 0, 8450, "b.example")];
        answers.srv("_matrix-fed._tcp.example.org").gives(targets);
        answers.a("a.example").gives(["192.0.2.1"]);
        answers.connect("192.0.2.1:8449").is_untrusted();
        answers.aaaa("b.example").gives(["2001:db8::2"]);
        answers.a("b.example").gives(["192.0.2.2"]);
        answers.connect("[2001:db8::2]:8450").hangs();
        answers.connect("192.0.2.2:8450").works();
    },
    // A web server that never answers
    |answers| {
        answers.well_known("example.org").hangs();
        answers.connect("198.51.100.1:8448").works();
    },
    // A name server that never answers
    |answers| {
        answers.a("example.org").is_silent();
        answers.aaaa("example.org").servfails();
    },
    // Another, which answers too late for the race
    |answers| {
        let late = answers.aaaa("example.org").gives(["2001:db8::1"]);
        late.after(Duration::from_millis(52));
        answers.a("example.org").gives(["192.0.2.1"]);
        answers.connect("192.0.2.1:8448").works();
        answers.connect("[2001:db8::1]:8448").works();
    },
];
