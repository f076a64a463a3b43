//! The pool: facts that last, and many searches over them, in virtual time.

mod askers;
mod crowd;
mod failures;
mod history;
mod lifetimes;
mod reports;
mod snapshots;

use std::time::Duration;

use fedway_core::FieldName::CacheControl;
use fedway_testkit::Visits;
use fedway_testkit::script::{Script, srv};

const fn secs(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

const fn ms(milliseconds: u64) -> Duration {
    Duration::from_millis(milliseconds)
}

/// The least there is
const TICK: Duration = Duration::from_nanos(1);
const HOUR: u64 = 3_600;
const WELL_KNOWN: &str = "get https://example.org/.well-known/matrix/server";

/// `example.org` delegates to `a.example.net:8449` for so many seconds, and DNS lasts for a day
fn delegated(max_age: u64) -> Script {
    let mut s = Script::resolve("example.org");
    s.a("example.org").gives(["192.0.2.1"]).lasts(secs(86_400));
    s.well_known("example.org")
        .delegates_to("a.example.net:8449")
        .with(CacheControl, &format!("max-age={max_age}"));
    s.a("a.example.net")
        .gives(["192.0.2.7"])
        .lasts(secs(86_400));
    s.aaaa("a.example.net").is_absent().lasts(secs(86_400));
    s.connect("192.0.2.7:8449").works();
    s
}

/// `example.org` has an SRV record, no .well-known, and DNS lasts for a day
fn by_srv() -> Script {
    let mut s = Script::resolve("example.org");
    s.a("example.org").gives(["192.0.2.1"]).lasts(secs(86_400));
    s.aaaa("example.org").is_absent().lasts(secs(86_400));
    s.well_known("example.org").fails(404);
    s.srv("_matrix-fed._tcp.example.org")
        .gives([srv(10, 0, 8449, "a.example.net")])
        .lasts(secs(86_400));
    s.a("a.example.net")
        .gives(["192.0.2.7"])
        .lasts(secs(86_400));
    s.aaaa("a.example.net").is_absent().lasts(secs(86_400));
    s.connect("192.0.2.7:8449").works();
    s
}

/// `example.org:8449` at an address that lasts so long
fn by_port(ttl: Duration) -> Script {
    let mut s = Script::resolve("example.org:8449");
    s.a("example.org").gives(["192.0.2.7"]).lasts(ttl);
    s.aaaa("example.org").is_absent().lasts(secs(86_400));
    s.connect("192.0.2.7:8449").works();
    s
}

/// A pool in which the script has been visited once, and that rests
fn visited(script: &Script) -> Visits {
    let mut visits = Visits::new(script);
    let _ = visits.visit();
    visits.rest();
    visits.commands();
    visits
}

/// Where the next visit leads, and what it asked for while it waited
fn visit(visits: &mut Visits) -> (Vec<String>, Vec<String>) {
    let run = visits.visit();
    let addresses = match &run.outcome {
        Ok(found) => found
            .destination
            .addresses()
            .map(|it| it.to_string())
            .collect(),
        Err(error) => vec![error.to_string()],
    };
    let commands = run
        .log
        .iter()
        .map(|entry| entry.command.to_string())
        .collect();
    (addresses, commands)
}
