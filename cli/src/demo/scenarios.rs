//! The lines of the demo.

use std::time::Duration;

use fedway_core::Edition;
use fedway_testkit::world::{
    Body, Certificate, ConnectionFault, DnsFault, Https, RecordType, Reply,
};

use super::scenario::Scenario;

/// Every way to delegate a name, then every kind of failure
pub(crate) fn all() -> Vec<Scenario> {
    [
        by_name(),
        by_well_known(),
        by_srv(),
        by_older_editions(),
        around_failures(),
        failures(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn new(title: &'static str, name: &str) -> Scenario {
    Scenario::new(title, name)
}

/// Steps 1 and 2
fn by_name() -> Vec<Scenario> {
    vec![
        new("IPv4 literal", "198.51.100.1")
            .server("198.51.100.1:8448", "198.51.100.1")
            .reaches("1", "198.51.100.1:8448", "198.51.100.1", None),
        new("IPv4 literal, port", "198.51.100.2:8449")
            .server("198.51.100.2:8449", "198.51.100.2")
            .reaches("1", "198.51.100.2:8449", "198.51.100.2:8449", None),
        new("IPv6 literal", "[2001:db8::3]")
            .server("[2001:db8::3]:8448", "2001:db8::3")
            .reaches("1", "[2001:db8::3]:8448", "[2001:db8::3]", None),
        new("IPv6 literal, port", "[2001:db8::4]:8449")
            .server("[2001:db8::4]:8449", "2001:db8::4")
            .reaches("1", "[2001:db8::4]:8449", "[2001:db8::4]:8449", None),
        new("host and port, IPv4", "port.example:8449")
            .host("port.example", &["198.51.100.5"])
            .server("198.51.100.5:8449", "port.example")
            .reaches(
                "2",
                "198.51.100.5:8449",
                "port.example:8449",
                Some("port.example"),
            ),
        new("host and port, IPv6", "port6.example:8449")
            .host("port6.example", &["2001:db8::6"])
            .server("[2001:db8::6]:8449", "port6.example")
            .reaches(
                "2",
                "[2001:db8::6]:8449",
                "port6.example:8449",
                Some("port6.example"),
            ),
        new("host and port, alias", "alias.example:8449")
            .with(|plan| {
                plan.cname("alias.example", "real.example");
            })
            .host("real.example", &["198.51.100.7"])
            .server("198.51.100.7:8449", "alias.example")
            .reaches(
                "2",
                "198.51.100.7:8449",
                "alias.example:8449",
                Some("alias.example"),
            ),
        new("IPv6 first", "dual.example:8448")
            .host("dual.example", &["198.51.100.8", "2001:db8::8"])
            .server("198.51.100.8:8448", "dual.example")
            .server("[2001:db8::8]:8448", "dual.example")
            .reaches(
                "2",
                "[2001:db8::8]:8448",
                "dual.example:8448",
                Some("dual.example"),
            ),
        new("IPv6 dead, IPv4 alive", "dual4.example:8448")
            .host("dual4.example", &["198.51.100.9", "2001:db8::9"])
            .with(|plan| {
                plan.connection_fault("[2001:db8::9]:8448", ConnectionFault::HangAfterAccept);
            })
            .server("198.51.100.9:8448", "dual4.example")
            .reaches(
                "2",
                "198.51.100.9:8448",
                "dual4.example:8448",
                Some("dual4.example"),
            )
            .in_spite_of_it(),
    ]
}

/// Steps 3.1 to 3.5
fn by_well_known() -> Vec<Scenario> {
    vec![
        new(".well-known → IPv4 literal", "wk-ipv4.example")
            .delegates("wk-ipv4.example", "198.51.100.10", "203.0.113.10")
            .server("203.0.113.10:8448", "203.0.113.10")
            .reaches("3.1", "203.0.113.10:8448", "203.0.113.10", None),
        new(".well-known → IPv6 literal, port", "wk-ipv6.example")
            .delegates("wk-ipv6.example", "2001:db8::11", "[2001:db8::b:11]:443")
            .server("[2001:db8::b:11]:443", "2001:db8::b:11")
            .reaches("3.1", "[2001:db8::b:11]:443", "[2001:db8::b:11]:443", None),
        new(".well-known → host and port", "wk-port.example")
            .delegates(
                "wk-port.example",
                "198.51.100.12",
                "matrix.wk-port.example:443",
            )
            .host("matrix.wk-port.example", &["203.0.113.12"])
            .server("203.0.113.12:443", "matrix.wk-port.example")
            .reaches(
                "3.2",
                "203.0.113.12:443",
                "matrix.wk-port.example:443",
                Some("matrix.wk-port.example"),
            ),
        new(".well-known → SRV", "wk-fed.example")
            .delegates("wk-fed.example", "198.51.100.13", "m.wk-fed.example")
            .srv(
                "_matrix-fed._tcp.m.wk-fed.example",
                8450,
                "a.wk-fed.example",
            )
            .host("a.wk-fed.example", &["203.0.113.13"])
            .server("203.0.113.13:8450", "m.wk-fed.example")
            .reaches(
                "3.3",
                "203.0.113.13:8450",
                "m.wk-fed.example",
                Some("m.wk-fed.example"),
            ),
        new(".well-known → deprecated SRV", "wk-old.example")
            .delegates("wk-old.example", "198.51.100.14", "m.wk-old.example")
            .srv("_matrix._tcp.m.wk-old.example", 8450, "a.wk-old.example")
            .host("a.wk-old.example", &["203.0.113.14", "2001:db8::b:14"])
            .server("[2001:db8::b:14]:8450", "m.wk-old.example")
            .reaches(
                "3.4",
                "[2001:db8::b:14]:8450",
                "m.wk-old.example",
                Some("m.wk-old.example"),
            ),
        new(".well-known → host", "wk-host.example")
            .delegates("wk-host.example", "198.51.100.15", "m.wk-host.example")
            .host("m.wk-host.example", &["203.0.113.15"])
            .server("203.0.113.15:8448", "m.wk-host.example")
            .reaches(
                "3.5",
                "203.0.113.15:8448",
                "m.wk-host.example",
                Some("m.wk-host.example"),
            ),
        new(".well-known, redirected", "wk-moved.example")
            .answers("wk-moved.example", "198.51.100.16", |server| {
                let to = "https://www.wk-moved.example/server.json";
                server.path("/.well-known/matrix/server", Reply::redirect(301, to))
            })
            .answers("www.wk-moved.example", "198.51.100.17", |server| {
                let body = "{\"m.server\": \"m.wk-moved.example:8448\"}";
                server.path("/server.json", Reply::json(body))
            })
            .host("m.wk-moved.example", &["203.0.113.16"])
            .server("203.0.113.16:8448", "m.wk-moved.example")
            .reaches(
                "3.2",
                "203.0.113.16:8448",
                "m.wk-moved.example:8448",
                Some("m.wk-moved.example"),
            ),
    ]
}

/// Steps 4, 5 and 6
fn by_srv() -> Vec<Scenario> {
    vec![
        new("SRV", "srv.example")
            .answers("srv.example", "198.51.100.20", |server| server)
            .srv("_matrix-fed._tcp.srv.example", 8450, "a.srv.example")
            .host("a.srv.example", &["203.0.113.20"])
            .server("203.0.113.20:8450", "srv.example")
            .reaches("4", "203.0.113.20:8450", "srv.example", Some("srv.example")),
        new("deprecated SRV", "srv-old.example")
            .answers("srv-old.example", "198.51.100.21", |server| server)
            .srv("_matrix._tcp.srv-old.example", 8450, "a.srv-old.example")
            .host("a.srv-old.example", &["203.0.113.21"])
            .server("203.0.113.21:8450", "srv-old.example")
            .reaches(
                "5",
                "203.0.113.21:8450",
                "srv-old.example",
                Some("srv-old.example"),
            ),
        new("SRV, both services", "srv-both.example")
            .srv(
                "_matrix-fed._tcp.srv-both.example",
                8450,
                "new.srv-both.example",
            )
            .srv(
                "_matrix._tcp.srv-both.example",
                8450,
                "old.srv-both.example",
            )
            .host("new.srv-both.example", &["203.0.113.22"])
            .host("old.srv-both.example", &["203.0.113.23"])
            .server("203.0.113.22:8450", "srv-both.example")
            .reaches(
                "4",
                "203.0.113.22:8450",
                "srv-both.example",
                Some("srv-both.example"),
            ),
        new("SRV, first target dead", "srv-dead.example")
            .with(|plan| {
                let owner = "_matrix-fed._tcp.srv-dead.example";
                plan.srv(owner, 1, 0, 8450, "dead.srv-dead.example");
                plan.srv(owner, 2, 0, 8450, "alive.srv-dead.example");
                plan.connection_fault("203.0.113.24:8450", ConnectionFault::Refused);
            })
            .host("dead.srv-dead.example", &["203.0.113.24"])
            .host("alive.srv-dead.example", &["2001:db8::b:25"])
            .server("[2001:db8::b:25]:8450", "srv-dead.example")
            .reaches(
                "4",
                "[2001:db8::b:25]:8450",
                "srv-dead.example",
                Some("srv-dead.example"),
            )
            .in_spite_of_it(),
        new("SRV, owner is an alias", "srv-alias.example")
            .with(|plan| {
                plan.cname("_matrix-fed._tcp.srv-alias.example", "hosted.example");
            })
            .srv("hosted.example", 8450, "a.srv-alias.example")
            .host("a.srv-alias.example", &["203.0.113.26"])
            .server("203.0.113.26:8450", "srv-alias.example")
            .reaches(
                "4",
                "203.0.113.26:8450",
                "srv-alias.example",
                Some("srv-alias.example"),
            ),
        new("SRV, answer only fits TCP", "srv-tcp.example")
            .srv(
                "_matrix-fed._tcp.srv-tcp.example",
                8450,
                "a.srv-tcp.example",
            )
            .with(|plan| {
                let owner = "_matrix-fed._tcp.srv-tcp.example";
                plan.dns_fault(owner, RecordType::SRV, DnsFault::Truncate);
            })
            .host("a.srv-tcp.example", &["203.0.113.27"])
            .server("203.0.113.27:8450", "srv-tcp.example")
            .reaches(
                "4",
                "203.0.113.27:8450",
                "srv-tcp.example",
                Some("srv-tcp.example"),
            ),
        new("the host itself", "plain.example")
            .answers("plain.example", "198.51.100.28", |server| server)
            .server("198.51.100.28:8448", "plain.example")
            .reaches(
                "6",
                "198.51.100.28:8448",
                "plain.example",
                Some("plain.example"),
            ),
        new("the host itself, no web server", "bare.example")
            .host("bare.example", &["2001:db8::29"])
            .server("[2001:db8::29]:8448", "bare.example")
            .reaches(
                "6",
                "[2001:db8::29]:8448",
                "bare.example",
                Some("bare.example"),
            ),
    ]
}

/// The same names are found otherwise by older texts
fn by_older_editions() -> Vec<Scenario> {
    vec![
        new("SRV before .well-known", "wk-srv.example")
            .edition(Edition::Draft2019)
            .delegates("wk-srv.example", "198.51.100.30", "203.0.113.30")
            .srv("_matrix._tcp.wk-srv.example", 8450, "a.wk-srv.example")
            .host("a.wk-srv.example", &["203.0.113.31"])
            .server("203.0.113.31:8450", "wk-srv.example")
            .reaches(
                "2",
                "203.0.113.31:8450",
                "wk-srv.example",
                Some("wk-srv.example"),
            ),
        new(".well-known → host and port", "wk-draft.example")
            .edition(Edition::Draft2019)
            .delegates(
                "wk-draft.example",
                "198.51.100.32",
                "m.wk-draft.example:8449",
            )
            .host("m.wk-draft.example", &["203.0.113.32"])
            .server("203.0.113.32:8449", "m.wk-draft.example")
            .reaches(
                "3.2",
                "203.0.113.32:8449",
                "m.wk-draft.example",
                Some("m.wk-draft.example"),
            ),
        new("port not consulted", "draft-port.example:8449")
            .edition(Edition::Draft2019)
            .host("draft-port.example", &["198.51.100.33"])
            .server("198.51.100.33:8448", "draft-port.example")
            .reaches(
                "4",
                "198.51.100.33:8448",
                "draft-port.example",
                Some("draft-port.example"),
            ),
        new("SRV", "srv-r01.example")
            .edition(Edition::R0_1)
            .srv("_matrix._tcp.srv-r01.example", 8450, "a.srv-r01.example")
            .host("a.srv-r01.example", &["203.0.113.34"])
            .server("203.0.113.34:8450", "srv-r01.example")
            .reaches(
                "4",
                "203.0.113.34:8450",
                "srv-r01.example",
                Some("srv-r01.example"),
            ),
        new("registered service not known", "fed-r01.example")
            .edition(Edition::R0_1)
            .srv(
                "_matrix-fed._tcp.fed-r01.example",
                8450,
                "a.fed-r01.example",
            )
            .host("fed-r01.example", &["198.51.100.35"])
            .server("198.51.100.35:8448", "fed-r01.example")
            .reaches(
                "5",
                "198.51.100.35:8448",
                "fed-r01.example",
                Some("fed-r01.example"),
            ),
    ]
}

/// A failure of .well-known or SRV that the specification goes around
fn around_failures() -> Vec<Scenario> {
    let broken = |title, host: &'static str, address: &'static str, reply: fn() -> Reply| {
        let federation: &'static str = match address {
            "198.51.100.40" => "198.51.100.40:8448",
            "198.51.100.41" => "198.51.100.41:8448",
            "198.51.100.42" => "198.51.100.42:8448",
            "198.51.100.43" => "198.51.100.43:8448",
            "198.51.100.44" => "198.51.100.44:8448",
            _ => "198.51.100.45:8448",
        };
        new(title, host)
            .answers(host, address, move |server| {
                server.path("/.well-known/matrix/server", reply())
            })
            .server(federation, host)
            .reaches("6", federation, host, Some(host))
            .in_spite_of_it()
    };
    vec![
        broken(
            ".well-known is no JSON",
            "wk-html.example",
            "198.51.100.40",
            || Reply::json("<html>"),
        ),
        broken(
            ".well-known names no server",
            "wk-bad.example",
            "198.51.100.41",
            || Reply::json("{\"m.server\": \"https://m.example/\"}"),
        ),
        broken(
            ".well-known redirects to http",
            "wk-http.example",
            "198.51.100.42",
            || Reply::redirect(302, "http://wk-http.example/"),
        ),
        broken(
            ".well-known redirects in a loop",
            "wk-loop.example",
            "198.51.100.43",
            || Reply::redirect(308, "/.well-known/matrix/server"),
        ),
        broken(
            ".well-known never ends",
            "wk-endless.example",
            "198.51.100.44",
            || Reply::json("{").sent(Body::Endless),
        ),
        broken(
            ".well-known drips",
            "wk-drip.example",
            "198.51.100.45",
            || {
                Reply::json("{").sent(Body::EndlessSlow {
                    every: Duration::from_millis(100),
                })
            },
        ),
        new(".well-known redirects inward", "wk-inward.example")
            .answers("wk-inward.example", "198.51.100.46", |server| {
                let to = "https://127.0.0.1/";
                server.path("/.well-known/matrix/server", Reply::redirect(302, to))
            })
            .server("198.51.100.46:8448", "wk-inward.example")
            .reaches(
                "6",
                "198.51.100.46:8448",
                "wk-inward.example",
                Some("wk-inward.example"),
            )
            .in_spite_of_it(),
        new("SRV answered SERVFAIL", "srv-fail.example")
            .with(|plan| {
                let owner = "_matrix-fed._tcp.srv-fail.example";
                plan.dns_fault(owner, RecordType::SRV, DnsFault::ServFail);
            })
            .host("srv-fail.example", &["198.51.100.47"])
            .server("198.51.100.47:8448", "srv-fail.example")
            .reaches(
                "6",
                "198.51.100.47:8448",
                "srv-fail.example",
                Some("srv-fail.example"),
            )
            .in_spite_of_it(),
    ]
}

fn failures() -> Vec<Scenario> {
    let mut all = dns_failures();
    all.extend(connection_failures());
    all.extend(certificate_failures());
    all.extend(refusals());
    all
}

fn dns_failures() -> Vec<Scenario> {
    let faulty = |title, name, host: &'static str, fault: DnsFault| {
        new(title, name)
            .with(move |plan| plan.dns_fault(host, RecordType::ANY, fault.clone()))
            .ends("2", "dns")
    };
    vec![
        new("no such name", "missing.example:8448").ends("2", "no_address"),
        faulty(
            "SERVFAIL",
            "servfail.example:8448",
            "servfail.example",
            DnsFault::ServFail,
        ),
        faulty(
            "REFUSED",
            "refused.example:8448",
            "refused.example",
            DnsFault::Refused,
        ),
        faulty(
            "no answer",
            "silent.example:8448",
            "silent.example",
            DnsFault::Silence,
        ),
        faulty(
            "forged answers only",
            "forged.example:8448",
            "forged.example",
            DnsFault::WrongId,
        ),
        faulty(
            "aliases in a loop",
            "loop.example:8448",
            "loop.example",
            DnsFault::CnameLoop,
        ),
        faulty(
            "answer is noise",
            "noise.example:8448",
            "noise.example",
            DnsFault::Garbage,
        ),
        new("service not offered", "none.example")
            .srv("_matrix-fed._tcp.none.example", 0, ".")
            .ends("4", "not_offered"),
    ]
}

fn connection_failures() -> Vec<Scenario> {
    let faulty = |title, name, address, kind, fault: ConnectionFault| {
        new(title, name)
            .with(move |plan| plan.connection_fault(address, fault))
            .ends("1", kind)
    };
    vec![
        faulty(
            "port closed",
            "198.51.100.60",
            "198.51.100.60:8448",
            "connect",
            ConnectionFault::Refused,
        ),
        faulty(
            "reset",
            "198.51.100.61",
            "198.51.100.61:8448",
            "connect",
            ConnectionFault::Reset,
        ),
        faulty(
            "hangs after accept",
            "198.51.100.62",
            "198.51.100.62:8448",
            "connect",
            ConnectionFault::HangAfterAccept,
        ),
        faulty(
            "hangs in the handshake",
            "198.51.100.63",
            "198.51.100.63:8448",
            "connect",
            ConnectionFault::HangInHandshake,
        ),
        faulty(
            "closes in the handshake",
            "198.51.100.64",
            "198.51.100.64:8448",
            "connect",
            ConnectionFault::CloseInHandshake,
        ),
        faulty(
            "speaks no TLS",
            "198.51.100.65",
            "198.51.100.65:8448",
            "tls",
            ConnectionFault::GarbageInHandshake,
        ),
        new("whole search too long", "slow.example")
            .with(|plan| {
                for priority in 1..=4 {
                    let target = format!("t{priority}.slow.example");
                    plan.srv("_matrix-fed._tcp.slow.example", priority, 0, 8448, &target);
                    plan.a(&target, &format!("198.51.100.7{priority}"));
                    let address = format!("198.51.100.7{priority}:8448");
                    plan.connection_fault(&address, ConnectionFault::HangAfterAccept);
                }
            })
            .ends("4", "timed_out"),
        new("no version", "198.51.100.66")
            .with(|plan| {
                let server = Https::for_name("198.51.100.66")
                    .path("/_matrix/federation/v1/version", Reply::status(502));
                plan.https("198.51.100.66:8448", server);
            })
            .ends("1", "version"),
    ]
}

fn certificate_failures() -> Vec<Scenario> {
    let faulty = |title,
                  name: &str,
                  host: &'static str,
                  address: &'static str,
                  certificate: fn(&str) -> Certificate| {
        new(title, name)
            .with(move |plan| {
                let (ip, _) = address.split_once(':').unwrap_or((address, ""));
                plan.a(host, ip);
                plan.https(
                    address,
                    Https::for_name(host).certificate(certificate(host)),
                );
            })
            .ends("2", "certificate")
    };
    vec![
        faulty(
            "other name",
            "cn-other.example:8448",
            "cn-other.example",
            "198.51.100.80:8448",
            |_| Certificate::for_name("other.example"),
        ),
        faulty(
            "expired",
            "expired.example:8448",
            "expired.example",
            "198.51.100.81:8448",
            |host| Certificate::for_name(host).expired(),
        ),
        faulty(
            "not yet valid",
            "early.example:8448",
            "early.example",
            "198.51.100.82:8448",
            |host| Certificate::for_name(host).not_yet_valid(),
        ),
        faulty(
            "unknown authority",
            "ca.example:8448",
            "ca.example",
            "198.51.100.83:8448",
            |host| Certificate::for_name(host).from_unknown_authority(),
        ),
        faulty(
            "self-signed",
            "self.example:8448",
            "self.example",
            "198.51.100.84:8448",
            |host| Certificate::for_name(host).self_signed(),
        ),
        new("valid for the SRV target only", "srv-cert.example")
            .srv(
                "_matrix-fed._tcp.srv-cert.example",
                8448,
                "a.srv-cert.example",
            )
            .host("a.srv-cert.example", &["198.51.100.85"])
            .with(|plan| {
                let certificate = Certificate::for_name("a.srv-cert.example");
                let server = Https::for_name("srv-cert.example").certificate(certificate);
                plan.https("198.51.100.85:8448", server);
            })
            .ends("4", "certificate"),
    ]
}

fn refusals() -> Vec<Scenario> {
    vec![
        new("private address", "10.0.0.1").ends("1", "address_refused"),
        new("name of a private address", "inward.example:8448")
            .host("inward.example", &["127.0.0.1", "::1"])
            .ends("2", "address_refused"),
        new("onion", "abcdefgh.onion").ends("3", "onion"),
        new("invalid .well-known is final", "wk-final.example")
            .edition(Edition::Draft2019)
            .answers("wk-final.example", "198.51.100.90", |server| {
                server.well_known("[]")
            })
            .ends("3", "invalid_well_known"),
    ]
}
