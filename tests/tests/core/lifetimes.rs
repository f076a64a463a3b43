//! How long what was found may be believed: the least of the answers it rests on, and no others.

use std::collections::BTreeSet;
use std::time::Duration;

use fedway_core::FieldName::{self, Age, CacheControl, Date, Expires};
use fedway_core::{DnsError, Edition, FetchError};
use fedway_testkit::script::{Goal, Run, Script, srv};

use crate::{TICK, ms, secs};

// What a response says of itself; the table of header fields stands beside the code that reads them

#[test]
fn a_delegation_lasts_as_long_as_its_response_says() {
    for (fields, lifetime) in [
        (&[(CacheControl, "max-age=3600")][..], 3_600),
        (&[(CacheControl, "max-age=7200"), (Age, "3600")], 3_600),
        (&[(Date, EIGHT), (Expires, NINE)], 3_600),
        (&[(Expires, NINE)], FIVE_MINUTES),
        (&[(CacheControl, "no-store")], FIVE_MINUTES),
    ] {
        let run = delegated_with(fields).run();
        // The response comes after 4 ms: DNS, TCP with TLS, GET
        assert_eq!(well_known(&run), Some(ms(4) + secs(lifetime)), "{fields:?}");
        assert_eq!(expiry(&run), Some(ms(4) + secs(lifetime)), "{fields:?}");
    }
}

#[test]
fn a_delegation_lasts_five_minutes_at_least_and_48_hours_at_most() {
    for (seconds, lifetime) in [
        (0, FIVE_MINUTES),
        (299, FIVE_MINUTES),
        (300, 300),
        (301, 301),
        (172_799, 172_799),
        (172_800, 172_800),
        (172_801, 172_800),
    ] {
        let run = delegated_with(&[(CacheControl, &format!("max-age={seconds}"))]).run();
        assert_eq!(expiry(&run), Some(ms(4) + secs(lifetime)), "{seconds}");
    }
}

#[test]
fn the_least_and_the_most_are_policies() {
    let lifetime = |max_age: &str| {
        let s = delegated_with(&[(CacheControl, max_age)]).config(|config| {
            config.lifetimes.well_known_least = secs(2);
            config.lifetimes.well_known_most = secs(4);
        });
        expiry(&s.run()).unwrap() - ms(4)
    };
    assert_eq!(lifetime("max-age=1"), secs(2));
    assert_eq!(lifetime("max-age=3"), secs(3));
    assert_eq!(lifetime("max-age=5"), secs(4));
}

#[test]
fn a_delegation_that_says_nothing_lasts_a_day_and_a_thousand_of_one_seed_end_all_over_it() {
    let (early, late) = (secs(77_760), secs(95_040));
    let ends: BTreeSet<_> = (0..1_000)
        .map(|index| {
            let host = format!("host{index}.example.org");
            let mut s = Script::resolve(&host);
            s.well_known(&host).delegates_to("192.0.2.7");
            let end = expiry(&s.run()).unwrap() - ms(4);
            assert!((early..=late).contains(&end), "{end:?}");
            end
        })
        .collect();
    // Of 17,280 seconds, some are drawn twice
    assert!(ends.len() > 900, "{}", ends.len());
    let span = *ends.last().unwrap() - *ends.first().unwrap();
    assert!(span > secs(17_000), "{span:?}");
}

#[test]
fn hosts_that_are_redirected_to_one_end_apart_as_well() {
    let end = |host: &str| {
        let mut s = Script::resolve(host);
        s.well_known(host)
            .redirects(302, "https://one.example.net/");
        s.get("https://one.example.net/").delegates_to("192.0.2.7");
        expiry(&s.run()).unwrap()
    };
    assert_ne!(end("a.example.org"), end("b.example.org"));
    assert_eq!(end("a.example.org"), end("A.Example.org"));
}

#[test]
fn of_a_chain_of_redirects_the_last_response_counts() {
    let run = |first: &str, last: &[(FieldName, &str)]| {
        let mut s = Script::connect("example.org");
        let page = s.well_known("example.org");
        page.redirects(301, "/second").with(CacheControl, first);
        let page = s.get("https://example.org/second");
        page.redirects(302, "/third").with(CacheControl, "no-store");
        let mut page = s.get("https://example.org/third");
        page = page.delegates_to("192.0.2.7");
        for (name, value) in last {
            page = page.with(*name, value);
        }
        s.connect("192.0.2.7:8448").works();
        let run = s.run();
        let answered = run.time_of("get https://example.org/third") + ms(1);
        expiry(&run).unwrap() - answered
    };
    assert_eq!(
        run("max-age=7200", &[(CacheControl, "max-age=3600")]),
        secs(3_600)
    );
    assert_eq!(
        run("max-age=60", &[(CacheControl, "max-age=3600")]),
        secs(3_600)
    );
    assert!(run("no-store", &[]) > secs(77_000));
}

#[test]
fn a_failure_of_well_known_lasts_a_minute_whatever_its_response_says() {
    let failures: [fn(&mut Script); 6] = [
        |s| {
            s.well_known("example.org").fails(404);
        },
        |s| {
            s.well_known("example.org")
                .fails(FetchError::ConnectionLost);
        },
        |s| {
            s.well_known("example.org").has_body("<html>");
        },
        |s| {
            s.well_known("example.org")
                .redirects(302, "http://example.org/");
        },
        |s| {
            s.connect("198.51.100.1:443").refused();
        },
        |s| {
            s.well_known("example.org").hangs();
        },
    ];
    for fail in failures {
        for lifetime in [60, 7] {
            let mut s = Script::resolve("example.org")
                .config(|config| config.lifetimes.well_known_failure = secs(lifetime));
            s.well_known("example.org").delegates_to("192.0.2.7");
            fail(&mut s);
            s.well_known("example.org")
                .with(CacheControl, "max-age=3600");
            let run = s.run();
            assert_eq!(run.found().destination.step(), "6", "{run}");
            // What follows was asked ahead, and lasts longer
            let end = Some(run.elapsed + secs(lifetime));
            assert_eq!((well_known(&run), expiry(&run)), (end, end), "{run}");
        }
    }
}

// The least of what counts

#[test]
fn where_a_dns_answer_ends_first_it_ends_what_was_found() {
    for (addresses, services, end) in [
        (secs(60), secs(3_600), ms(6) + secs(60)),
        (secs(3_600), secs(60), ms(5) + secs(60)),
        (secs(7_200), secs(7_200), ms(4) + secs(3_600)),
        (secs(3_600) - ms(2), secs(7_200), ms(4) + secs(3_600)),
        (
            secs(3_600) - ms(2) - TICK,
            secs(7_200),
            ms(4) + secs(3_600) - TICK,
        ),
    ] {
        for goal in Goal::ALL {
            let mut s = Script::new(goal, "example.org");
            let page = s.well_known("example.org");
            let page = page.delegates_to("one.example.net");
            page.with(CacheControl, "max-age=3600");
            let owner = "_matrix-fed._tcp.one.example.net";
            let records = s.srv(owner).gives([srv(0, 0, 9000, "two.example.net")]);
            records.lasts(services);
            s.a("two.example.net").gives(["192.0.2.7"]).lasts(addresses);
            s.aaaa("two.example.net").is_absent().lasts(secs(9_000));
            s.connect("192.0.2.7:9000").works();
            let run = s.run();
            assert_eq!(expiry(&run), Some(end), "{addresses:?}, {services:?}");
            assert_eq!(well_known(&run), Some(ms(4) + secs(3_600)));
        }
    }
}

#[test]
fn an_absence_that_led_on_counts_like_a_record() {
    let end = |change: fn(&mut Script)| {
        let mut s = with_port();
        change(&mut s);
        expiry(&s.run()).unwrap() - ms(1)
    };
    assert_eq!(end(|_| {}), secs(300));
    assert_eq!(
        end(|s| {
            s.aaaa("example.org").is_absent().lasts(secs(9));
        }),
        secs(9)
    );
    let no_such_name = |s: &mut Script| {
        s.aaaa("example.org").has_no_such_name().lasts(secs(9));
    };
    assert_eq!(end(no_such_name), secs(9));
}

#[test]
fn an_absence_without_soa_and_a_question_without_answer_last_five_seconds() {
    let changes: [fn(&mut Script); 4] = [
        |s| {
            s.aaaa("example.org").is_absent().without_soa();
        },
        |s| {
            s.aaaa("example.org").has_no_such_name().without_soa();
        },
        |s| {
            s.aaaa("example.org").servfails();
        },
        |s| {
            s.aaaa("example.org").fails(DnsError::Refused);
        },
    ];
    for change in changes {
        for lifetime in [5, 7] {
            let mut s = with_port().config(|config| config.lifetimes.dns_failure = secs(lifetime));
            change(&mut s);
            assert_eq!(expiry(&s.run()), Some(ms(1) + secs(lifetime)));
        }
    }
}

#[test]
fn a_question_that_timed_out_is_believed_unanswered_for_five_seconds_more() {
    let mut s = with_port();
    s.aaaa("example.org").is_silent();
    // A connection would not wait for it
    assert_eq!(expiry(&s.run()), Some(secs(5) + secs(5)));
}

#[test]
fn an_srv_question_that_servfailed_counts_though_it_was_taken_for_an_absence() {
    let mut s = Script::resolve("example.org");
    let page = s.well_known("example.org").delegates_to("one.example.net");
    page.with(CacheControl, "max-age=3600");
    s.srv("_matrix-fed._tcp.one.example.net").servfails();
    s.a("one.example.net").gives(["192.0.2.7"]);
    let run = s.run();
    assert!(run.found().notes.provisional);
    assert_eq!(expiry(&run), Some(ms(5) + secs(5)));
}

#[test]
fn a_time_to_live_of_zero_ends_with_its_answer() {
    let mut s = with_port();
    s.a("example.org").gives(["192.0.2.7"]).lasts(secs(0));
    let run = s.run();
    assert_eq!(run.found().destination.addresses().count(), 1);
    assert_eq!(expiry(&run), Some(ms(1)));
}

#[test]
fn in_draft_2019_absent_srv_sets_before_well_known_count() {
    for edition in Edition::ALL {
        let mut s = delegated_with(&[(CacheControl, "max-age=3600")]).edition(edition);
        s.srv("_matrix._tcp.example.org")
            .is_absent()
            .lasts(secs(10));
        let run = s.run();
        let end = if edition == Edition::Draft2019 {
            Some(ms(1) + secs(10))
        } else {
            well_known(&run)
        };
        assert_eq!(expiry(&run), end, "{edition}");
    }
}

// What does not count

#[test]
fn an_ip_literal_never_ends() {
    for name in ["192.0.2.7", "192.0.2.7:8448", "[2001:db8::7]"] {
        for goal in Goal::ALL {
            let mut s = Script::new(goal, name);
            s.connect("192.0.2.7:8448").works();
            s.connect("[2001:db8::7]:8448").works();
            assert_eq!(s.run().found().expires, None, "{name}");
        }
    }
}

#[test]
fn the_addresses_of_the_web_server_do_not_count() {
    let mut s = delegated_with(&[(CacheControl, "max-age=3600")]);
    s.a("example.org").gives(["198.51.100.1"]).lasts(secs(1));
    s.aaaa("example.org").is_absent().without_soa();
    assert_eq!(expiry(&s.run()), Some(ms(4) + secs(3_600)));
}

#[test]
fn what_was_only_asked_ahead_does_not_count() {
    let mut s = delegated_with(&[(CacheControl, "max-age=3600")]);
    for owner in ["_matrix-fed._tcp.example.org", "_matrix._tcp.example.org"] {
        let records = s.srv(owner).gives([srv(0, 0, 9000, "two.example.net")]);
        records.lasts(secs(1));
    }
    s.a("two.example.net").gives(["192.0.2.9"]).lasts(secs(1));
    let run = s.run();
    assert!(
        run.questions()
            .contains(&"SRV _matrix._tcp.example.org".into())
    );
    assert!(run.questions().contains(&"A two.example.net".into()));
    assert_eq!(expiry(&run), Some(ms(4) + secs(3_600)));
}

#[test]
fn the_service_after_the_one_with_records_does_not_count() {
    let mut s = Script::resolve("example.org");
    s.well_known("example.org").fails(404);
    let owner = "_matrix-fed._tcp.example.org";
    s.srv(owner).gives([srv(0, 0, 9000, "one.example.net")]);
    s.srv("_matrix._tcp.example.org").is_absent().lasts(secs(1));
    s.a("one.example.net").gives(["192.0.2.7"]);
    assert_eq!(expiry(&s.run()), Some(ms(4) + secs(60)));
}

#[test]
fn a_target_that_a_connection_did_not_come_to_does_not_count() {
    for (goal, end) in [
        (Goal::Connect, ms(4) + secs(60)),
        (Goal::Resolve, ms(2) + secs(1)),
    ] {
        let mut s = Script::new(goal, "example.org");
        s.well_known("example.org").fails(404);
        s.srv("_matrix-fed._tcp.example.org").gives([
            srv(0, 0, 9000, "one.example.net"),
            srv(1, 0, 9000, "two.example.net"),
        ]);
        s.a("one.example.net").gives(["192.0.2.7"]);
        s.a("two.example.net").gives(["192.0.2.8"]).lasts(secs(1));
        s.connect("192.0.2.7:9000").works();
        assert_eq!(expiry(&s.run()), Some(end), "{goal:?}");
    }
}

#[test]
fn a_family_that_answers_after_the_connection_does_not_count() {
    let mut s = Script::connect("example.org:9000");
    s.a("example.org").gives(["192.0.2.7"]);
    let late = s.aaaa("example.org").gives(["2001:db8::7"]);
    late.lasts(secs(1)).after(secs(1));
    s.connect("192.0.2.7:9000").works();
    assert_eq!(expiry(&s.run()), Some(ms(1) + secs(300)));
}

/// A search that rests on .well-known alone, whose response has these fields
fn delegated_with(fields: &[(FieldName, &str)]) -> Script {
    let mut s = Script::connect("example.org");
    let mut page = s.well_known("example.org").delegates_to("192.0.2.7");
    for (name, value) in fields {
        page = page.with(*name, value);
    }
    s.connect("192.0.2.7:8448").works();
    s
}

/// A search that rests on the addresses of one host, which come after 1 ms
fn with_port() -> Script {
    let mut s = Script::resolve("example.org:9000");
    s.a("example.org").gives(["192.0.2.7"]);
    s
}

fn expiry(run: &Run) -> Option<Duration> {
    Some(run.found().expires?.since_origin())
}

fn well_known(run: &Run) -> Option<Duration> {
    let well_known = run.found().notes.well_known.as_ref()?;
    Some(well_known.expires?.since_origin())
}

const EIGHT: &str = "Sun, 06 Nov 1994 08:49:37 GMT";
const NINE: &str = "Sun, 06 Nov 1994 09:49:37 GMT";
/// In seconds
const FIVE_MINUTES: u64 = 300;
