//! What is kept between two runs.

use std::time::Duration;

use fedway_core::{Instant, Snapshot, SnapshotError};
use fedway_testkit::Visits;
use fedway_testkit::script::{Goal, Script};

use crate::{HOUR, by_srv, delegated, secs, visit, visited};

fn kept(visits: &mut Visits) -> String {
    let now = visits.now();
    visits.pool().snapshot(now).to_json()
}

fn restored(script: &Script, json: &str, elapsed: Duration) -> Visits {
    let snapshot = Snapshot::from_json(json.as_bytes()).expect("it is one");
    let mut visits = Visits::new(script);
    visits
        .pool()
        .restore(snapshot, elapsed, Instant::ORIGIN)
        .expect("it is of this version");
    visits
}

#[test]
fn a_pool_that_takes_in_a_snapshot_asks_nothing_that_the_other_knew() {
    for script in [delegated(HOUR), by_srv()] {
        let mut before = visited(&script);
        let (addresses, _) = visit(&mut before);
        let json = kept(&mut before);
        let mut after = restored(&script, &json, Duration::ZERO);
        assert_eq!(visit(&mut after), (addresses, vec![]));
        assert_eq!(kept(&mut after), json);
    }
}

#[test]
fn the_time_in_between_counts() {
    let script = delegated(HOUR);
    let json = kept(&mut visited(&script));
    for (elapsed, urls) in [(3_590, 0), (3_601, 1), (10_000_000, 1)] {
        let mut visits = restored(&script, &json, secs(elapsed));
        let run = visits.visit();
        let waited = run.urls().len();
        // One that is due is renewed, while it serves
        assert_eq!(
            (waited, run.elapsed.is_zero()),
            (urls, urls == 0),
            "{elapsed}"
        );
    }
}

#[test]
fn a_back_off_goes_on() {
    let mut script = delegated(HOUR);
    script.well_known("example.org").fails(503);
    let mut before = visited(&script);
    for _ in 0..3 {
        before.wait(secs(241));
        before.visit();
        before.rest();
    }
    let json = kept(&mut before);
    let mut visits = restored(&script, &json, Duration::ZERO);
    visits.wait(secs(100));
    assert_eq!(visits.visit().urls().len(), 0);
}

#[test]
fn absurd_durations_are_no_longer_than_the_policies_have_them() {
    let script = delegated(HOUR);
    let json = kept(&mut visited(&script));
    let absurd = json.replace("\"life_ms\":3600000", "\"life_ms\":18446744073709551615");
    let absurd: String = {
        let mut parts = absurd.split("\"left_ms\":");
        let mut text = parts.next().unwrap().to_owned();
        for part in parts {
            let rest = part.trim_start_matches(|c: char| c.is_ascii_digit());
            text += "\"left_ms\":18446744073709551615";
            text += rest;
        }
        text
    };
    let mut visits = restored(&script, &absurd, Duration::ZERO);
    visits.wait(secs(48 * HOUR));
    let run = visits.visit();
    assert_eq!(run.urls().len(), 1, "{run}");
}

#[test]
fn what_is_damaged_or_newer_is_refused_in_a_line_and_the_pool_stays_empty() {
    let json = kept(&mut visited(&delegated(HOUR)));
    for (text, says) in [
        (
            String::new(),
            "no snapshot of a pool: EOF while parsing a value at line 1 column 0",
        ),
        (
            "{}".into(),
            "no snapshot of a pool: missing field `version` at line 1 column 2",
        ),
        (
            json.replace("\"version\":1", "\"version\":2"),
            "a snapshot of version 2, where 1 is read",
        ),
        (json[..json.len() / 2].into(), ""),
        (
            json.replace("\"rests_on\":[0", "\"rests_on\":[99"),
            "no snapshot of a pool: it names fact 99, and has 3",
        ),
        (json.replace("example.org", "exa mple.org"), ""),
    ] {
        let error = Snapshot::from_json(text.as_bytes()).unwrap_err();
        let line = error.to_string();
        assert!(!line.contains('\n'));
        assert!(says.is_empty() || line == says, "{line}");
    }
    let of_another = serde_json::from_str(&json.replace("\"version\":1", "\"version\":9"));
    let mut visits = Visits::new(&delegated(HOUR));
    let refused = visits
        .pool()
        .restore(of_another.unwrap(), Duration::ZERO, Instant::ORIGIN);
    assert_eq!(refused, Err(SnapshotError::Version { found: 9 }));
    assert_eq!(visits.pool().stats().facts, 0);
}

#[test]
fn what_is_known_by_now_is_not_replaced_and_the_order_of_use_is_kept() {
    let script = delegated(HOUR);
    let mut before = visited(&script);
    before.visit_to(Goal::Resolve, "192.0.2.9");
    let json = kept(&mut before);
    let mut visits = restored(&script, &json, Duration::ZERO);
    let names: Vec<_> = visits
        .pool()
        .entries()
        .map(|entry| entry.name.to_owned())
        .collect();
    assert_eq!(names, ["192.0.2.9", "example.org"]);
    // Once more, with less time left
    let snapshot = Snapshot::from_json(json.as_bytes()).unwrap();
    let now = visits.now();
    visits.pool().restore(snapshot, secs(3_599), now).unwrap();
    visits.wait(secs(100));
    assert_eq!(visits.visit().log.len(), 0);
}

#[test]
fn a_clock_that_jumps_ends_what_it_ends_and_nothing_else() {
    let script = delegated(HOUR);
    let mut visits = visited(&script);
    // Back: it is taken for the latest time seen
    assert!(
        visits
            .pool()
            .look(&"example.org".parse().unwrap(), Instant::ORIGIN)
            .is_some()
    );
    visits
        .pool()
        .resolve(&"example.org".parse().unwrap(), Instant::ORIGIN);
    // And ahead: by a hundred years
    visits.wait(secs(100 * 365 * 86_400));
    visits.commands();
    let run = visits.visit();
    assert_eq!(run.found().destination.step(), "3.2");
    assert_eq!(run.urls().len(), 1);
}
