//! The longest chain of dependent round trips of every delegation in every edition, as a table.
//!
//! `cargo bench -p fedway-proof --bench round_trips`. A DNS query costs one round trip, TCP connect one, a
//! TLS 1.3 handshake one, an HTTP exchange one; questions asked together cost as one. The chains of the
//! machine are measured in virtual time, with lookahead and without. Beside them stands what data
//! dependence forces when nothing but DNS is asked ahead, computed from the specification's text alone.
//! Fails if the machine needs more or less than that with lookahead, or if v1.8 differs from [`PROMISED`].

#![expect(clippy::print_stdout, reason = "a bench prints its table")]

use std::process::ExitCode;
use std::time::Duration;

use fedway_core::{Edition, Lookahead};
use fedway_testkit::Visits;
use fedway_testkit::script::{Goal, Latency, Run, Script, srv};

use self::Delegation::{
    DelegatedHost, DelegatedLiteral, DelegatedPort, DelegatedSrv, Host, HostPort, Literal, Srv,
};

fn main() -> ExitCode {
    println!(
        "round trips to a verified federation connection: the longest chain of dependent ones\n"
    );
    println!("edition     step   with lookahead  without  forced  delegation");
    let mut faults = Vec::new();
    for (edition, step, delegation) in DELEGATIONS {
        let ahead = measure(edition, step, delegation, Lookahead::Dns);
        let without = measure(edition, step, delegation, Lookahead::None);
        let forced = forced(edition, step);
        println!(
            "{edition:<10}  {step:<5}  {ahead:>14}  {without:>7}  {forced:>6}  {}",
            delegation.text()
        );
        if ahead != forced {
            faults.push(format!(
                "{edition} {step}: {ahead} with lookahead, but data dependence forces {forced}"
            ));
        }
        if edition == Edition::V1_8
            && let Some((_, promised)) = PROMISED.iter().find(|(of, _)| *of == step)
            && ahead != *promised
        {
            faults.push(format!(
                "{edition} {step}: {ahead}, but promised are {promised}"
            ));
        }
    }
    println!();
    second_visits(&mut faults);
    println!();
    if faults.is_empty() {
        println!(
            "with lookahead, every chain is as long as data dependence forces, and as promised"
        );
        return ExitCode::SUCCESS;
    }
    for fault in faults {
        println!("WRONG: {fault}");
    }
    ExitCode::FAILURE
}

/// In a pool: what a later visit waits for
fn second_visits(faults: &mut Vec<String>) {
    println!("in a pool, milliseconds to a connection; a round trip takes one, and IPv6 is dead");
    let dead = |host: usize, script: &mut Script| {
        let name = format!("h{host}.example");
        let (v6, v4) = (format!("2001:db8::{host:x}"), format!("192.0.2.{host}"));
        script.aaaa(&name).gives([&*v6]);
        script.a(&name).gives([&*v4]);
        script.connect(&format!("[{v6}]:8448")).hangs();
        script.connect(&format!("{v4}:8448")).works();
    };
    let mut script = Script::connect("h1.example:8448");
    (1..=10).for_each(|host| dead(host, &mut script));
    let mut visits = Visits::new(&script);
    let mut visit = |host: usize| {
        let name = format!("h{host}.example:8448");
        visits.visit_to(Goal::Connect, &name).elapsed
    };
    let first = visit(1);
    let second = visit(1);
    for host in 2..10 {
        visit(host);
    }
    let tenth = visit(10);
    for (what, took, most) in [
        ("first visit: the attempt delay of RFC 8305", first, 253),
        ("second visit to the same host", second, 2),
        ("first visit to the tenth host", tenth, 3),
    ] {
        println!("{:>10}  {what}", took.as_millis());
        if took > Duration::from_millis(most) {
            faults.push(format!("{what}: {} ms", took.as_millis()));
        }
    }
}

/// What v1.8 is to need with lookahead, by step: a number of the project's, not of the machine's
const PROMISED: [(&str, u32); 10] = [
    ("1", 2),
    ("2", 3),
    ("3.1", 6),
    ("3.2", 7),
    ("3.3", 8),
    ("3.4", 8),
    ("3.5", 7),
    ("4", 6),
    ("5", 6),
    ("6", 6),
];

/// Every way that an edition's text has to a server, under the number it has there
const DELEGATIONS: [(Edition, &str, Delegation); 25] = [
    (Edition::Draft2019, "1", Literal),
    (Edition::Draft2019, "2", Srv("_matrix._tcp")),
    (Edition::Draft2019, "3.1", DelegatedLiteral),
    (Edition::Draft2019, "3.2", DelegatedPort),
    (Edition::Draft2019, "3.3", DelegatedSrv("_matrix._tcp")),
    (Edition::Draft2019, "3.3.1", DelegatedHost),
    (Edition::Draft2019, "4", Host),
    (Edition::R0_1, "1", Literal),
    (Edition::R0_1, "2", HostPort),
    (Edition::R0_1, "3.1", DelegatedLiteral),
    (Edition::R0_1, "3.2", DelegatedPort),
    (Edition::R0_1, "3.3", DelegatedSrv("_matrix._tcp")),
    (Edition::R0_1, "3.4", DelegatedHost),
    (Edition::R0_1, "4", Srv("_matrix._tcp")),
    (Edition::R0_1, "5", Host),
    (Edition::V1_8, "1", Literal),
    (Edition::V1_8, "2", HostPort),
    (Edition::V1_8, "3.1", DelegatedLiteral),
    (Edition::V1_8, "3.2", DelegatedPort),
    (Edition::V1_8, "3.3", DelegatedSrv("_matrix-fed._tcp")),
    (Edition::V1_8, "3.4", DelegatedSrv("_matrix._tcp")),
    (Edition::V1_8, "3.5", DelegatedHost),
    (Edition::V1_8, "4", Srv("_matrix-fed._tcp")),
    (Edition::V1_8, "5", Srv("_matrix._tcp")),
    (Edition::V1_8, "6", Host),
];

/// Where a server name leads
#[derive(Clone, Copy)]
enum Delegation {
    /// .well-known names a host, which has no SRV record
    DelegatedHost,
    /// .well-known names an IP literal
    DelegatedLiteral,
    /// .well-known names a host and port
    DelegatedPort,
    /// .well-known names a host, which has an SRV record of this service and of no other
    DelegatedSrv(&'static str),
    /// .well-known answers 404, and there is no SRV record
    Host,
    /// The name has a port
    HostPort,
    /// The name is an IP literal
    Literal,
    /// .well-known answers 404, and there is an SRV record of this service and of no other
    Srv(&'static str),
}

impl Delegation {
    fn text(self) -> String {
        match self {
            DelegatedHost => "delegated host, no SRV: port 8448".into(),
            DelegatedLiteral => "delegated IP literal".into(),
            DelegatedPort => "delegated host and port".into(),
            DelegatedSrv(service) => format!("delegated host, SRV {service}"),
            Host => "not delegated, no SRV: port 8448".into(),
            HostPort => "host and port".into(),
            Literal => "IP literal".into(),
            Srv(service) => format!("not delegated, SRV {service}"),
        }
    }

    /// A world in which `example.org` (or what stands for it) leads there
    fn script(self) -> Script {
        let name = match self {
            Literal => "192.0.2.1",
            HostPort => "example.org:8449",
            DelegatedHost | DelegatedLiteral | DelegatedPort | DelegatedSrv(_) | Host | Srv(_) => {
                "example.org"
            }
        };
        let mut s = Script::connect(name).latency(Latency {
            dns: ROUND_TRIP,
            connect: 2 * ROUND_TRIP,
            get: ROUND_TRIP,
        });
        for (host, v6, v4) in [
            ("example.org", "2001:db8::1", "192.0.2.1"),
            ("matrix.example.net", "2001:db8::2", "192.0.2.2"),
            ("target.example.com", "2001:db8::3", "192.0.2.3"),
        ] {
            s.aaaa(host).gives([v6]);
            s.a(host).gives([v4]);
        }
        match self {
            Host | HostPort | Literal | Srv(_) => s.well_known("example.org").fails(404),
            DelegatedHost | DelegatedSrv(_) => s
                .well_known("example.org")
                .delegates_to("matrix.example.net"),
            DelegatedLiteral => s.well_known("example.org").delegates_to("192.0.2.2"),
            DelegatedPort => s
                .well_known("example.org")
                .delegates_to("matrix.example.net:8449"),
        };
        let owner = match self {
            Srv(service) => Some(format!("{service}.example.org")),
            DelegatedSrv(service) => Some(format!("{service}.matrix.example.net")),
            DelegatedHost | DelegatedLiteral | DelegatedPort | Host | HostPort | Literal => None,
        };
        if let Some(owner) = owner {
            s.srv(&owner)
                .gives([srv(10, 0, 8450, "target.example.com")]);
        }
        for (number, port) in [1, 2, 3]
            .into_iter()
            .flat_map(|number| [8448, 8449, 8450].map(|port| (number, port)))
        {
            s.connect(&format!("192.0.2.{number}:{port}")).works();
            s.connect(&format!("[2001:db8::{number}]:{port}")).works();
        }
        s
    }
}

/// The chain that the machine needs, in virtual time
fn measure(edition: Edition, step: &str, delegation: Delegation, lookahead: Lookahead) -> u32 {
    let script = delegation.script().edition(edition).lookahead(lookahead);
    let run = script.run();
    assert_eq!(
        run.found().destination.step(),
        step,
        "{edition}: another way than meant:\n{run}"
    );
    assert!(
        run.found().connection.is_some(),
        "{edition} {step}: no connection:\n{run}"
    );
    round_trips(&run)
}

fn round_trips(run: &Run) -> u32 {
    let (time, unit) = (run.elapsed.as_nanos(), ROUND_TRIP.as_nanos());
    assert_eq!(time % unit, 0, "a timer ran beside the exchanges:\n{run}");
    u32::try_from(time / unit).expect("a chain of some round trips")
}

/// Far below the shortest timer of a search, RFC 8305's resolution delay of 50 ms
const ROUND_TRIP: Duration = Duration::from_millis(1);

/// The chain that data dependence forces up to the connection of a step: the longest path to it
fn forced(edition: Edition, step: &str) -> u32 {
    let exchanges = match edition {
        Edition::Draft2019 => DRAFT_2019,
        Edition::R0_1 => R0_1,
        Edition::V1_8 => V1_8,
        other => panic!("no graph of {other}"),
    };
    longest_path(exchanges, step)
}

fn longest_path(exchanges: &[Exchange], to: &str) -> u32 {
    let exchange = exchanges.iter().find(|exchange| exchange.name == to);
    let exchange = exchange.unwrap_or_else(|| panic!("no exchange {to:?} in the graph"));
    let needs = exchange
        .needs
        .iter()
        .map(|need| longest_path(exchanges, need));
    needs.max().unwrap_or(0) + exchange.round_trips
}

/// A node of an edition's graph
///
/// The graphs are read off the texts, sentence by sentence; nothing of the machine is in them. What ends at
/// a server has the number of its step for a name.
struct Exchange {
    name: &'static str,
    round_trips: u32,
    /// What must be over before the exchange can begin
    needs: &'static [&'static str],
}

/// A question may be asked ahead: it needs what holds the name it asks about, and nothing else
const fn dns(name: &'static str, needs: &'static [&'static str]) -> Exchange {
    Exchange {
        name,
        round_trips: 1,
        needs,
    }
}

/// TCP and TLS 1.3, never ahead: needs what holds the address, and all that brings the text to this step
const fn connect(name: &'static str, needs: &'static [&'static str]) -> Exchange {
    Exchange {
        name,
        round_trips: 2,
        needs,
    }
}

/// HTTP, never ahead: needs its connection
const fn get(name: &'static str, needs: &'static [&'static str]) -> Exchange {
    Exchange {
        name,
        round_trips: 1,
        needs,
    }
}

const DRAFT_2019: &[Exchange] = &[
    // 1. "If the hostname is an IP literal, then that IP address should be used"
    connect("1", &[]),
    // 2. "a server is found by resolving an SRV record for _matrix._tcp.<hostname>"
    dns("2 SRV", &[]),
    // "This may result in a hostname (to be resolved using AAAA or A records) and port"
    dns("2 address", &["2 SRV"]),
    connect("2", &["2 address"]),
    // 3. "If the SRV record yielded no results, a /.well-known request is made to the hostname"
    dns("3 address", &[]),
    connect("3 session", &["3 address", "2 SRV"]),
    get("3 response", &["3 session"]),
    // First bullet: "If <delegated_server_name> is an IP literal, then that IP address should be used"
    connect("3.1", &["3 response"]),
    // Second: "discovered by looking up an AAAA or A record for <delegated_server_name>"
    dns("3.2 address", &["3 response"]),
    connect("3.2", &["3.2 address"]),
    // Third: "an SRV record is looked up for _matrix._tcp.<delegated_server_name>"
    dns("3.3 SRV", &["3 response"]),
    dns("3.3 address", &["3.3 SRV"]),
    connect("3.3", &["3.3 address"]),
    // The bullet in it: "If no SRV record is found, an IP address is resolved"
    dns("3.3.1 address", &["3 response"]),
    connect("3.3.1", &["3.3.1 address", "3.3 SRV"]),
    // 4. "If the /.well-known request was invalid or returned an error response, and the SRV record was not found"
    dns("4 address", &[]),
    connect("4", &["4 address", "3 response", "2 SRV"]),
];

const R0_1: &[Exchange] = &[
    // 1. "If the hostname is an IP literal, then that IP address should be used"
    connect("1", &[]),
    // 2. "resolve the IP address using AAAA or A records"
    dns("2 address", &[]),
    connect("2", &["2 address"]),
    // 3. "a regular HTTPS request is made to https://<hostname>/.well-known/matrix/server"
    dns("3 address", &[]),
    connect("3 session", &["3 address"]),
    get("3 response", &["3 session"]),
    // First bullet: "If <delegated_hostname> is an IP literal, then that IP address should be used"
    connect("3.1", &["3 response"]),
    // Second: "discovered by looking up an AAAA or A record for <delegated_hostname>"
    dns("3.2 address", &["3 response"]),
    connect("3.2", &["3.2 address"]),
    // Third: "an SRV record is looked up for _matrix._tcp.<delegated_hostname>"
    dns("3.3 SRV", &["3 response"]),
    dns("3.3 address", &["3.3 SRV"]),
    connect("3.3", &["3.3 address"]),
    // Fourth: "If no SRV record is found, an IP address is resolved"
    dns("3.4 address", &["3 response"]),
    connect("3.4", &["3.4 address", "3.3 SRV"]),
    // 4. "If the /.well-known request resulted in an error response […] an SRV record for _matrix._tcp.<hostname>"
    dns("4 SRV", &[]),
    dns("4 address", &["4 SRV"]),
    connect("4", &["4 address", "3 response"]),
    // 5. "If the /.well-known request returned an error response, and the SRV record was not found"
    dns("5 address", &[]),
    connect("5", &["5 address", "3 response", "4 SRV"]),
];

const V1_8: &[Exchange] = &[
    // 1. "If the hostname is an IP literal, then that IP address should be used"
    connect("1", &[]),
    // 2. "resolve the hostname to an IP address using CNAME, AAAA or A records"
    dns("2 address", &[]),
    connect("2", &["2 address"]),
    // 3. "a regular HTTPS request is made to https://<hostname>/.well-known/matrix/server"
    dns("3 address", &[]),
    connect("3 session", &["3 address"]),
    get("3 response", &["3 session"]),
    // 3.1. "If <delegated_hostname> is an IP literal, then that IP address should be used"
    connect("3.1", &["3 response"]),
    // 3.2. "discovered by looking up CNAME, AAAA or A records for <delegated_hostname>"
    dns("3.2 address", &["3 response"]),
    connect("3.2", &["3.2 address"]),
    // 3.3. "an SRV record is looked up for _matrix-fed._tcp.<delegated_hostname>"
    dns("3.3 SRV", &["3 response"]),
    dns("3.3 address", &["3.3 SRV"]),
    connect("3.3", &["3.3 address"]),
    // 3.4. "and a _matrix-fed._tcp.<delegated_hostname> SRV record was not found, an SRV record is looked up
    // for _matrix._tcp.<delegated_hostname>": the first answer decides whether the second counts, not what it is
    dns("3.4 SRV", &["3 response"]),
    dns("3.4 address", &["3.4 SRV"]),
    connect("3.4", &["3.4 address", "3.3 SRV"]),
    // 3.5. "If no SRV record is found, an IP address is resolved"
    dns("3.5 address", &["3 response"]),
    connect("3.5", &["3.5 address", "3.3 SRV", "3.4 SRV"]),
    // 4. "If the /.well-known request resulted in an error response, […] _matrix-fed._tcp.<hostname>"
    dns("4 SRV", &[]),
    dns("4 address", &["4 SRV"]),
    connect("4", &["4 address", "3 response"]),
    // 5. "[…] and a _matrix-fed._tcp.<hostname> SRV record was not found, […] _matrix._tcp.<hostname>"
    dns("5 SRV", &[]),
    dns("5 address", &["5 SRV"]),
    connect("5", &["5 address", "3 response", "4 SRV"]),
    // 6. "If the /.well-known request returned an error response, and no SRV records were found"
    dns("6 address", &[]),
    connect("6", &["6 address", "3 response", "4 SRV", "5 SRV"]),
];
