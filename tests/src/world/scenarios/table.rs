//! The scenarios.

use std::time::Duration;

use fedway_core::Edition;

use super::scenario::{Scenario, Setting};
use crate::world::https::VERSION;
use crate::world::{Body, Certificate, ConnectionFault, DnsFault, Https, RecordType, Reply};

/// Every way to delegate a name, then every kind of failure.
pub fn all() -> Vec<Scenario> {
    [
        by_name(),
        by_well_known(),
        by_srv(),
        by_older_editions(),
        around_failures(),
        dns_failures(),
        connection_failures(),
        certificate_failures(),
        refusals(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn new(title: &'static str, name: &str) -> Setting {
    Setting::new(title, name)
}

/// Steps 1 and 2
fn by_name() -> Vec<Scenario> {
    vec![
        new("IPv4 literal", "198.51.100.1")
            .server("198.51.100.1:8448", "198.51.100.1")
            .reaches("1", "198.51.100.1:8448", "198.51.100.1"),
        new("IPv4 literal, port", "198.51.100.2:8449")
            .server("198.51.100.2:8449", "198.51.100.2")
            .reaches("1", "198.51.100.2:8449", "198.51.100.2:8449"),
        new("IPv6 literal", "[2001:db8::3]")
            .server("[2001:db8::3]:8448", "2001:db8::3")
            .reaches("1", "[2001:db8::3]:8448", "[2001:db8::3]"),
        new("IPv6 literal, port", "[2001:db8::4]:8449")
            .server("[2001:db8::4]:8449", "2001:db8::4")
            .reaches("1", "[2001:db8::4]:8449", "[2001:db8::4]:8449"),
        new("host and port, IPv4", "port.example:8449")
            .host("port.example", &["198.51.100.5"])
            .server("198.51.100.5:8449", "port.example")
            .reaches("2", "198.51.100.5:8449", "port.example:8449"),
        new("host and port, IPv6", "port6.example:8449")
            .host("port6.example", &["2001:db8::6"])
            .server("[2001:db8::6]:8449", "port6.example")
            .reaches("2", "[2001:db8::6]:8449", "port6.example:8449"),
        new("host and port, alias", "alias.example:8449")
            .with(|plan| {
                plan.cname("alias.example", "real.example");
            })
            .host("real.example", &["198.51.100.7"])
            .server("198.51.100.7:8449", "alias.example")
            .reaches("2", "198.51.100.7:8449", "alias.example:8449"),
        new("host and port, in capitals", "Capitals.EXAMPLE:8449")
            .host("capitals.example", &["198.51.100.6"])
            .server("198.51.100.6:8449", "capitals.example")
            .reaches("2", "198.51.100.6:8449", "Capitals.EXAMPLE:8449"),
        new("IPv6 first", "dual.example:8448")
            .host("dual.example", &["198.51.100.8", "2001:db8::8"])
            .server("198.51.100.8:8448", "dual.example")
            .server("[2001:db8::8]:8448", "dual.example")
            .reaches("2", "[2001:db8::8]:8448", "dual.example:8448"),
        new("IPv6 dead, IPv4 alive", "dual4.example:8448")
            .host("dual4.example", &["198.51.100.9", "2001:db8::9"])
            .with(|plan| {
                plan.connection_fault("[2001:db8::9]:8448", ConnectionFault::HangAfterAccept);
            })
            .server("198.51.100.9:8448", "dual4.example")
            .in_spite_of_it()
            .reaches("2", "198.51.100.9:8448", "dual4.example:8448"),
    ]
}

/// Steps 3.1 to 3.5
fn by_well_known() -> Vec<Scenario> {
    vec![
        new(".well-known → IPv4 literal", "wk-ipv4.example")
            .delegates("wk-ipv4.example", "198.51.100.10", "203.0.113.10")
            .server("203.0.113.10:8448", "203.0.113.10")
            .reaches("3.1", "203.0.113.10:8448", "203.0.113.10"),
        new(".well-known → IPv6 literal, port", "wk-ipv6.example")
            .delegates("wk-ipv6.example", "2001:db8::11", "[2001:db8::b:11]:443")
            .server("[2001:db8::b:11]:443", "2001:db8::b:11")
            .reaches("3.1", "[2001:db8::b:11]:443", "[2001:db8::b:11]:443"),
        new(".well-known → host and port", "wk-port.example")
            .delegates(
                "wk-port.example",
                "198.51.100.12",
                "matrix.wk-port.example:443",
            )
            .host("matrix.wk-port.example", &["203.0.113.12"])
            .server("203.0.113.12:443", "matrix.wk-port.example")
            .reaches("3.2", "203.0.113.12:443", "matrix.wk-port.example:443"),
        new(".well-known → SRV", "wk-fed.example")
            .delegates("wk-fed.example", "198.51.100.13", "m.wk-fed.example")
            .srv(
                "_matrix-fed._tcp.m.wk-fed.example",
                8450,
                "a.wk-fed.example",
            )
            .host("a.wk-fed.example", &["203.0.113.13"])
            .server("203.0.113.13:8450", "m.wk-fed.example")
            .reaches("3.3", "203.0.113.13:8450", "m.wk-fed.example"),
        new(".well-known → deprecated SRV", "wk-old.example")
            .delegates("wk-old.example", "198.51.100.14", "m.wk-old.example")
            .srv("_matrix._tcp.m.wk-old.example", 8450, "a.wk-old.example")
            .host("a.wk-old.example", &["203.0.113.14", "2001:db8::b:14"])
            .server("[2001:db8::b:14]:8450", "m.wk-old.example")
            .reaches("3.4", "[2001:db8::b:14]:8450", "m.wk-old.example"),
        new(".well-known → host", "wk-host.example")
            .delegates("wk-host.example", "198.51.100.15", "m.wk-host.example")
            .host("m.wk-host.example", &["203.0.113.15"])
            .server("203.0.113.15:8448", "m.wk-host.example")
            .reaches("3.5", "203.0.113.15:8448", "m.wk-host.example"),
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
            .reaches("3.2", "203.0.113.16:8448", "m.wk-moved.example:8448"),
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
            .reaches("4", "203.0.113.20:8450", "srv.example"),
        new("deprecated SRV", "srv-old.example")
            .answers("srv-old.example", "198.51.100.21", |server| server)
            .srv("_matrix._tcp.srv-old.example", 8450, "a.srv-old.example")
            .host("a.srv-old.example", &["203.0.113.21"])
            .server("203.0.113.21:8450", "srv-old.example")
            .reaches("5", "203.0.113.21:8450", "srv-old.example"),
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
            .reaches("4", "203.0.113.22:8450", "srv-both.example"),
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
            .in_spite_of_it()
            .reaches("4", "[2001:db8::b:25]:8450", "srv-dead.example"),
        new("SRV, owner is an alias", "srv-alias.example")
            .with(|plan| {
                plan.cname("_matrix-fed._tcp.srv-alias.example", "hosted.example");
            })
            .srv("hosted.example", 8450, "a.srv-alias.example")
            .host("a.srv-alias.example", &["203.0.113.26"])
            .server("203.0.113.26:8450", "srv-alias.example")
            .reaches("4", "203.0.113.26:8450", "srv-alias.example"),
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
            .reaches("4", "203.0.113.27:8450", "srv-tcp.example"),
        new("the host itself", "plain.example")
            .answers("plain.example", "198.51.100.28", |server| server)
            .server("198.51.100.28:8448", "plain.example")
            .reaches("6", "198.51.100.28:8448", "plain.example"),
        new("the host itself, no web server", "bare.example")
            .host("bare.example", &["2001:db8::29"])
            .server("[2001:db8::29]:8448", "bare.example")
            .reaches("6", "[2001:db8::29]:8448", "bare.example"),
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
            .reaches("2", "203.0.113.31:8450", "wk-srv.example"),
        new(".well-known → host and port", "wk-draft.example")
            .edition(Edition::Draft2019)
            .delegates(
                "wk-draft.example",
                "198.51.100.32",
                "m.wk-draft.example:8449",
            )
            .host("m.wk-draft.example", &["203.0.113.32"])
            .server("203.0.113.32:8449", "m.wk-draft.example")
            .reaches("3.2", "203.0.113.32:8449", "m.wk-draft.example"),
        new("port not consulted", "draft-port.example:8449")
            .edition(Edition::Draft2019)
            .host("draft-port.example", &["198.51.100.33"])
            .server("198.51.100.33:8448", "draft-port.example")
            .reaches("4", "198.51.100.33:8448", "draft-port.example"),
        new("SRV", "srv-r01.example")
            .edition(Edition::R0_1)
            .srv("_matrix._tcp.srv-r01.example", 8450, "a.srv-r01.example")
            .host("a.srv-r01.example", &["203.0.113.34"])
            .server("203.0.113.34:8450", "srv-r01.example")
            .reaches("4", "203.0.113.34:8450", "srv-r01.example"),
        new("registered service not known", "fed-r01.example")
            .edition(Edition::R0_1)
            .srv(
                "_matrix-fed._tcp.fed-r01.example",
                8450,
                "a.fed-r01.example",
            )
            .host("fed-r01.example", &["198.51.100.35"])
            .server("198.51.100.35:8448", "fed-r01.example")
            .reaches("5", "198.51.100.35:8448", "fed-r01.example"),
    ]
}

/// A failure of .well-known or SRV that the specification goes around
fn around_failures() -> Vec<Scenario> {
    let drip = Body::EndlessSlow {
        every: Duration::from_millis(100),
    };
    vec![
        broken(
            ".well-known is no JSON",
            "wk-html.example",
            40,
            Reply::json("<html>"),
        ),
        broken(
            ".well-known names no server",
            "wk-bad.example",
            41,
            Reply::json("{\"m.server\": \"https://m.example/\"}"),
        ),
        broken(
            ".well-known redirects to http",
            "wk-http.example",
            42,
            Reply::redirect(302, "http://wk-http.example/"),
        ),
        broken(
            ".well-known redirects in a loop",
            "wk-loop.example",
            43,
            Reply::redirect(308, "/.well-known/matrix/server"),
        ),
        broken(
            ".well-known never ends",
            "wk-endless.example",
            44,
            Reply::json("{").sent(Body::Endless),
        ),
        broken(
            ".well-known drips",
            "wk-drip.example",
            45,
            Reply::json("{").sent(drip),
        ),
        broken(
            ".well-known redirects inward",
            "wk-inward.example",
            46,
            Reply::redirect(302, "https://127.0.0.1/"),
        ),
        new("SRV answered SERVFAIL", "srv-fail.example")
            .with(|plan| {
                let owner = "_matrix-fed._tcp.srv-fail.example";
                plan.dns_fault(owner, RecordType::SRV, DnsFault::ServFail);
            })
            .host("srv-fail.example", &["198.51.100.47"])
            .server("198.51.100.47:8448", "srv-fail.example")
            .in_spite_of_it()
            .reaches("6", "198.51.100.47:8448", "srv-fail.example"),
    ]
}

/// A host whose .well-known is answered with this, and that is the server itself
fn broken(title: &'static str, host: &'static str, number: u8, reply: Reply) -> Scenario {
    let ip = format!("198.51.100.{number}");
    let server = format!("{ip}:8448");
    let at = server.clone();
    new(title, host)
        .with(move |plan| {
            let web = Https::for_name(host).path("/.well-known/matrix/server", reply.clone());
            plan.web(host, &ip, web);
            plan.https(&at, Https::for_name(host));
        })
        .in_spite_of_it()
        .reaches("6", &server, host)
}

fn dns_failures() -> Vec<Scenario> {
    let faulty = |title, host: &'static str, fault: DnsFault| {
        new(title, &format!("{host}:8448"))
            .with(move |plan| plan.dns_fault(host, RecordType::ANY, fault.clone()))
            .fails("2", "dns")
    };
    vec![
        new("no such name", "missing.example:8448").fails("2", "no_address"),
        faulty("SERVFAIL", "servfail.example", DnsFault::ServFail),
        faulty("REFUSED", "refused.example", DnsFault::Refused),
        faulty("no answer", "silent.example", DnsFault::Silence),
        faulty("forged answers only", "forged.example", DnsFault::WrongId),
        faulty("aliases in a loop", "loop.example", DnsFault::CnameLoop),
        faulty("answer is noise", "noise.example", DnsFault::Garbage),
        new("service not offered", "none.example")
            .srv("_matrix-fed._tcp.none.example", 0, ".")
            .fails("4", "not_offered"),
    ]
}

fn connection_failures() -> Vec<Scenario> {
    use ConnectionFault as Fault;
    let faulty = |title, number: u8, error, fault| {
        let ip = format!("198.51.100.{number}");
        let server = format!("{ip}:8448");
        new(title, &ip)
            .with(move |plan| plan.connection_fault(&server, fault))
            .fails("1", error)
    };
    vec![
        faulty("port closed", 60, "connect", Fault::Refused),
        faulty("reset", 61, "connect", Fault::Reset),
        faulty("hangs after accept", 62, "connect", Fault::HangAfterAccept),
        faulty(
            "hangs in the handshake",
            63,
            "connect",
            Fault::HangInHandshake,
        ),
        faulty(
            "closes in the handshake",
            64,
            "connect",
            Fault::CloseInHandshake,
        ),
        faulty("speaks no TLS", 65, "tls", Fault::GarbageInHandshake),
        new("whole search too long", "slow.example")
            .with(|plan| {
                for priority in 1..=4 {
                    let target = format!("t{priority}.slow.example");
                    plan.srv("_matrix-fed._tcp.slow.example", priority, 0, 8448, &target);
                    plan.a(&target, &format!("198.51.100.7{priority}"));
                    let address = format!("198.51.100.7{priority}:8448");
                    plan.connection_fault(&address, Fault::HangAfterAccept);
                }
            })
            .fails("4", "timed_out"),
        new("no version", "198.51.100.66")
            .with(|plan| {
                let server = Https::for_name("198.51.100.66").path(VERSION, Reply::status(502));
                plan.https("198.51.100.66:8448", server);
            })
            .fails("1", "version"),
    ]
}

fn certificate_failures() -> Vec<Scenario> {
    let faulty = |title, host: &'static str, number: u8, certificate: Certificate| {
        let ip = format!("198.51.100.{number}");
        new(title, &format!("{host}:8448"))
            .with(move |plan| {
                plan.a(host, &ip);
                let server = Https::for_name(host).certificate(certificate.clone());
                plan.https(&format!("{ip}:8448"), server);
            })
            .fails("2", "certificate")
    };
    let valid = Certificate::for_name;
    vec![
        faulty("other name", "cn-other.example", 80, valid("other.example")),
        faulty(
            "expired",
            "expired.example",
            81,
            valid("expired.example").expired(),
        ),
        faulty(
            "not yet valid",
            "early.example",
            82,
            valid("early.example").not_yet_valid(),
        ),
        faulty(
            "unknown authority",
            "ca.example",
            83,
            valid("ca.example").from_unknown_authority(),
        ),
        faulty(
            "self-signed",
            "self.example",
            84,
            valid("self.example").self_signed(),
        ),
        new("valid for the SRV target only", "srv-cert.example")
            .srv(
                "_matrix-fed._tcp.srv-cert.example",
                8448,
                "a.srv-cert.example",
            )
            .host("a.srv-cert.example", &["198.51.100.85"])
            .with(|plan| {
                let server = Https::for_name("srv-cert.example");
                let server = server.certificate(Certificate::for_name("a.srv-cert.example"));
                plan.https("198.51.100.85:8448", server);
            })
            .fails("4", "certificate"),
    ]
}

fn refusals() -> Vec<Scenario> {
    vec![
        new("private address", "10.0.0.1").fails("1", "address_refused"),
        new("name of a private address", "inward.example:8448")
            .host("inward.example", &["127.0.0.1", "::1"])
            .fails("2", "address_refused"),
        new("onion", "abcdefgh.onion").fails("3", "onion"),
        new("invalid .well-known is final", "wk-final.example")
            .edition(Edition::Draft2019)
            .answers("wk-final.example", "198.51.100.90", |server| {
                server.well_known("[]")
            })
            .fails("3", "invalid_well_known"),
    ]
}
