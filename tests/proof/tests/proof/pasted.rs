//! Script tests as [`print_test`](fedway_proof::oracle::print_test) prints them, pasted, each in a module of its own.

use fedway_core::{ConnectError, DiscoveryErrorKind, DnsError, Edition, FetchError, Lookahead, TlsError};
use fedway_testkit::script::{Goal, Script, srv};

mod legacy_srv_of_a_delegated_host {
use super::*;

#[test]
fn the_text_and_the_machine_agree() {
    let mut s = Script::new(Goal::Connect, "example.org").edition(Edition::V1_8).seed(0);
    s = s.lookahead(Lookahead::None);
    s.a("example.org").gives(["172.32.0.0"]);
    s.srv("_matrix._tcp.one.example.net").gives([srv(20, 1, 443, "example.org")]);
    s.get("https://example.org/.well-known/matrix/server").has_body("{\"m.server\":\"one.example.net\"}");
    // They differ about the outcome
    let run = s.run();
    let destination = &run.found().destination;
    assert_eq!(destination.step(), "3.4");
    assert_eq!(destination.host_header, "one.example.net");
    assert_eq!(destination.tls_name.to_string(), "one.example.net");
    assert_eq!(run.found().connection.as_ref().unwrap().address.to_string(), "172.32.0.0:443");
    let notes = &run.found().notes;
    assert!(!notes.provisional);
    let well_known = notes.well_known.clone().unwrap_or_default();
    assert_eq!(well_known.delegated.as_ref().map(|it| it.as_str()), Some("one.example.net"));
    assert!(well_known.error.is_none());
    let dialled: Vec<_> = run.dialled().iter().map(|it| it.address.to_string()).collect();
    assert_eq!(dialled, ["172.32.0.0:443", "172.32.0.0:443"] as [&str; 2]);
    assert_eq!(run.urls(), ["https://example.org/.well-known/matrix/server"] as [&str; 1]);
    for question in ["AAAA example.org", "A example.org", "SRV _matrix-fed._tcp.one.example.net", "SRV _matrix._tcp.one.example.net"] as [&str; 4] {
        assert!(run.questions().contains(&question.to_owned()), "{question}");
    }
}
}

mod an_srv_question_unanswered {
use super::*;

#[test]
fn the_text_and_the_machine_agree() {
    let mut s = Script::new(Goal::Resolve, "example.org").edition(Edition::V1_8).seed(0);
    s = s.lookahead(Lookahead::None);
    s.aaaa("delegated.example.net").gives(["2001:db8::1"]);
    s.srv("_matrix-fed._tcp.example.org").fails(DnsError::TimedOut);
    s.srv("_matrix._tcp.example.org").gives([srv(10, 0, 8448, "one.example.net"), srv(10, 1, 8448, "delegated.example.net")]);
    // They differ about the outcome
    let run = s.run();
    let destination = &run.found().destination;
    assert_eq!(destination.step(), "5");
    assert_eq!(destination.host_header, "example.org");
    assert_eq!(destination.tls_name.to_string(), "example.org");
    assert_eq!(run.found().connection, None);
    let notes = &run.found().notes;
    assert!(notes.provisional);
    let well_known = notes.well_known.clone().unwrap_or_default();
    assert_eq!(well_known.delegated.as_ref().map(|it| it.as_str()), None);
    // Unreachable(Dns(DnsName("example.org")), [NoAddress(NoData), NoAddress(NoData)])
    assert!(well_known.error.is_some());
    let dialled: Vec<_> = run.dialled().iter().map(|it| it.address.to_string()).collect();
    assert_eq!(dialled, [] as [&str; 0]);
    assert_eq!(run.urls(), [] as [&str; 0]);
    for question in ["AAAA example.org", "A example.org", "SRV _matrix-fed._tcp.example.org", "SRV _matrix._tcp.example.org", "AAAA one.example.net", "A one.example.net", "AAAA delegated.example.net", "A delegated.example.net"] as [&str; 8] {
        assert!(run.questions().contains(&question.to_owned()), "{question}");
    }
}
}

mod a_server_that_is_gone {
use super::*;

#[test]
fn the_text_and_the_machine_agree() {
    let mut s = Script::new(Goal::Resolve, "example.org").edition(Edition::V1_8).seed(0);
    s = s.lookahead(Lookahead::None);
    s = s.config(|config| { config.gone_is_final = true; });
    s.a("example.org").gives(["192.0.2.4"]);
    s.get("https://[2001:db8::1]:8443/0").redirects(302, "https://example.org/1");
    s.get("https://example.org/.well-known/matrix/server").redirects(303, "https://[2001:db8::1]:8443/0");
    s.get("https://example.org/1").fails(410);
    // They differ about the outcome
    let run = s.run();
    assert_eq!(run.error().step(), "3");
    // Gone
    assert!(matches!(run.error().kind, DiscoveryErrorKind::Gone));
    let notes = &run.error().notes;
    assert!(!notes.provisional);
    let well_known = notes.well_known.clone().unwrap_or_default();
    assert_eq!(well_known.delegated.as_ref().map(|it| it.as_str()), None);
    // Status(410)
    assert!(well_known.error.is_some());
    let dialled: Vec<_> = run.dialled().iter().map(|it| it.address.to_string()).collect();
    assert_eq!(dialled, ["192.0.2.4:443", "[2001:db8::1]:8443", "192.0.2.4:443"] as [&str; 3]);
    assert_eq!(run.urls(), ["https://example.org/.well-known/matrix/server", "https://[2001:db8::1]:8443/0", "https://example.org/1"] as [&str; 3]);
    for question in ["AAAA example.org", "A example.org"] as [&str; 2] {
        assert!(run.questions().contains(&question.to_owned()), "{question}");
    }
}
}

mod a_certificate_for_other_names {
use super::*;

#[test]
fn the_text_and_the_machine_agree() {
    let mut s = Script::new(Goal::Connect, "example.org").edition(Edition::V1_8).seed(0);
    s = s.lookahead(Lookahead::None);
    s.a("example.org").gives(["192.0.2.1"]);
    s.get("https://example.org/.well-known/matrix/server").has_body("{\"m.server\":\"[2001:DB8::3]\"}");
    s.connect("[2001:db8::3]:8448").works().is_certified_for([].iter().copied());
    // They differ about the outcome
    let run = s.run();
    assert_eq!(run.error().step(), "3.1");
    // Unreachable([Connect(Tls(Certificate(NotValidForName { expected: "2001:db8::3", presented: [] })))])
    assert!(matches!(run.error().kind, DiscoveryErrorKind::Unreachable(_)));
    let notes = &run.error().notes;
    assert!(!notes.provisional);
    let well_known = notes.well_known.clone().unwrap_or_default();
    assert_eq!(well_known.delegated.as_ref().map(|it| it.as_str()), Some("[2001:DB8::3]"));
    assert!(well_known.error.is_none());
    let dialled: Vec<_> = run.dialled().iter().map(|it| it.address.to_string()).collect();
    assert_eq!(dialled, ["192.0.2.1:443", "[2001:db8::3]:8448"] as [&str; 2]);
    assert_eq!(run.urls(), ["https://example.org/.well-known/matrix/server"] as [&str; 1]);
    for question in ["AAAA example.org", "A example.org"] as [&str; 2] {
        assert!(run.questions().contains(&question.to_owned()), "{question}");
    }
}
}

mod a_denied_address {
use super::*;

#[test]
fn the_text_and_the_machine_agree() {
    let mut s = Script::new(Goal::Connect, "example.org").edition(Edition::V1_8).seed(0);
    s = s.lookahead(Lookahead::None);
    s = s.config(|config| { config.addresses.deny.push("8.8.0.0/16".parse().unwrap()); });
    s.a("example.org").gives(["192.0.2.4", "8.8.8.8"]);
    // They differ about the outcome
    let run = s.run();
    assert_eq!(run.error().step(), "6");
    // Unreachable([NoAddress(NoData), AddressRefused(Denied(8.8.0.0/16)), Connect(Refused)])
    assert!(matches!(run.error().kind, DiscoveryErrorKind::Unreachable(_)));
    let notes = &run.error().notes;
    assert!(!notes.provisional);
    let well_known = notes.well_known.clone().unwrap_or_default();
    assert_eq!(well_known.delegated.as_ref().map(|it| it.as_str()), None);
    // Unreachable(Dns(DnsName("example.org")), [NoAddress(NoData), AddressRefused(Denied(8.8.0.0/16)), Connect(Refused)])
    assert!(well_known.error.is_some());
    let dialled: Vec<_> = run.dialled().iter().map(|it| it.address.to_string()).collect();
    assert_eq!(dialled, ["192.0.2.4:443", "192.0.2.4:8448"] as [&str; 2]);
    assert_eq!(run.urls(), [] as [&str; 0]);
    for question in ["AAAA example.org", "A example.org", "SRV _matrix-fed._tcp.example.org", "SRV _matrix._tcp.example.org"] as [&str; 4] {
        assert!(run.questions().contains(&question.to_owned()), "{question}");
    }
}
}

mod too_many_redirects {
use super::*;

#[test]
fn the_text_and_the_machine_agree() {
    let mut s = Script::new(Goal::Connect, "example.org").edition(Edition::V1_8).seed(0);
    s = s.lookahead(Lookahead::None);
    s.a("example.org").gives(["198.51.100.100"]);
    s.a("web.example.com").gives(["198.51.100.100"]);
    s.get("https://192.0.2.4/0").redirects(308, "https://web.example.com/1");
    s.get("https://[2001:db8::1]:8443/4").redirects(303, "https://[2001:db8::1]:8443/5");
    s.get("https://example.org/.well-known/matrix/server").redirects(307, "https://192.0.2.4/0");
    s.get("https://example.org/2").redirects(302, "https://web.example.com:8443/3");
    s.get("https://web.example.com/1").redirects(303, "https://example.org/2");
    s.get("https://web.example.com:8443/3").redirects(307, "https://[2001:db8::1]:8443/4");
    s.connect("198.51.100.100:8448").works();
    // They differ about the outcome
    let run = s.run();
    let destination = &run.found().destination;
    assert_eq!(destination.step(), "6");
    assert_eq!(destination.host_header, "example.org");
    assert_eq!(destination.tls_name.to_string(), "example.org");
    assert_eq!(run.found().connection.as_ref().unwrap().address.to_string(), "198.51.100.100:8448");
    let notes = &run.found().notes;
    assert!(!notes.provisional);
    let well_known = notes.well_known.clone().unwrap_or_default();
    assert_eq!(well_known.delegated.as_ref().map(|it| it.as_str()), None);
    // Redirect(TooMany { limit: 5 })
    assert!(well_known.error.is_some());
    let dialled: Vec<_> = run.dialled().iter().map(|it| it.address.to_string()).collect();
    assert_eq!(dialled, ["198.51.100.100:443", "192.0.2.4:443", "198.51.100.100:443", "198.51.100.100:443", "198.51.100.100:8443", "[2001:db8::1]:8443", "198.51.100.100:8448"] as [&str; 7]);
    assert_eq!(run.urls(), ["https://example.org/.well-known/matrix/server", "https://192.0.2.4/0", "https://web.example.com/1", "https://example.org/2", "https://web.example.com:8443/3", "https://[2001:db8::1]:8443/4"] as [&str; 6]);
    for question in ["AAAA example.org", "A example.org", "AAAA web.example.com", "A web.example.com", "SRV _matrix-fed._tcp.example.org", "SRV _matrix._tcp.example.org"] as [&str; 6] {
        assert!(run.questions().contains(&question.to_owned()), "{question}");
    }
}
}

mod a_connection_lost {
use super::*;

#[test]
fn the_text_and_the_machine_agree() {
    let mut s = Script::new(Goal::Connect, "example.org").edition(Edition::R0_1).seed(0);
    s = s.lookahead(Lookahead::None);
    s.aaaa("example.org").gives(["2001:db8::1"]);
    s.get("https://example.org/.well-known/matrix/server").fails(FetchError::ConnectionLost);
    s.connect("[2001:db8::1]:8448").works();
    // They differ about the outcome
    let run = s.run();
    let destination = &run.found().destination;
    assert_eq!(destination.step(), "5");
    assert_eq!(destination.host_header, "example.org");
    assert_eq!(destination.tls_name.to_string(), "example.org");
    assert_eq!(run.found().connection.as_ref().unwrap().address.to_string(), "[2001:db8::1]:8448");
    let notes = &run.found().notes;
    assert!(notes.provisional);
    let well_known = notes.well_known.clone().unwrap_or_default();
    assert_eq!(well_known.delegated.as_ref().map(|it| it.as_str()), None);
    // Fetch(ConnectionLost)
    assert!(well_known.error.is_some());
    let dialled: Vec<_> = run.dialled().iter().map(|it| it.address.to_string()).collect();
    assert_eq!(dialled, ["[2001:db8::1]:443", "[2001:db8::1]:8448"] as [&str; 2]);
    assert_eq!(run.urls(), ["https://example.org/.well-known/matrix/server"] as [&str; 1]);
    for question in ["AAAA example.org", "A example.org", "SRV _matrix._tcp.example.org"] as [&str; 3] {
        assert!(run.questions().contains(&question.to_owned()), "{question}");
    }
}
}

mod a_server_that_hangs {
use super::*;

#[test]
fn the_text_and_the_machine_agree() {
    let mut s = Script::new(Goal::Connect, "example.org").edition(Edition::V1_8).seed(0);
    s = s.lookahead(Lookahead::None);
    s.a("example.org").gives(["192.0.2.1"]);
    s.get("https://example.org/.well-known/matrix/server").has_body("{\"m.server\":\"[2001:db8::2]:9000\"}");
    s.connect("[2001:db8::2]:9000").hangs();
    // They differ about the outcome
    let run = s.run();
    assert_eq!(run.error().step(), "3.1");
    // Unreachable([Connect(TimedOut)])
    assert!(matches!(run.error().kind, DiscoveryErrorKind::Unreachable(_)));
    let notes = &run.error().notes;
    assert!(!notes.provisional);
    let well_known = notes.well_known.clone().unwrap_or_default();
    assert_eq!(well_known.delegated.as_ref().map(|it| it.as_str()), Some("[2001:db8::2]:9000"));
    assert!(well_known.error.is_none());
    let dialled: Vec<_> = run.dialled().iter().map(|it| it.address.to_string()).collect();
    assert_eq!(dialled, ["192.0.2.1:443", "[2001:db8::2]:9000"] as [&str; 2]);
    assert_eq!(run.urls(), ["https://example.org/.well-known/matrix/server"] as [&str; 1]);
    for question in ["AAAA example.org", "A example.org"] as [&str; 2] {
        assert!(run.questions().contains(&question.to_owned()), "{question}");
    }
}
}

mod a_question_that_never_answers {
use super::*;

#[test]
fn the_text_and_the_machine_agree() {
    let mut s = Script::new(Goal::Resolve, "example.org").edition(Edition::R0_1).seed(0);
    s = s.lookahead(Lookahead::None);
    s.a("delegated.example.net").gives(["192.0.2.1"]);
    s.aaaa("delegated.example.net").is_silent();
    s.aaaa("example.org").gives(["2001:db8::2"]);
    s.get("https://example.org/.well-known/matrix/server").has_body("{\"m.server\":\"Delegated.example.net:9000\"}");
    // They differ about the outcome
    let run = s.run();
    let destination = &run.found().destination;
    assert_eq!(destination.step(), "3.2");
    assert_eq!(destination.host_header, "Delegated.example.net:9000");
    assert_eq!(destination.tls_name.to_string(), "delegated.example.net");
    assert_eq!(run.found().connection, None);
    let notes = &run.found().notes;
    assert!(!notes.provisional);
    let well_known = notes.well_known.clone().unwrap_or_default();
    assert_eq!(well_known.delegated.as_ref().map(|it| it.as_str()), Some("Delegated.example.net:9000"));
    assert!(well_known.error.is_none());
    let dialled: Vec<_> = run.dialled().iter().map(|it| it.address.to_string()).collect();
    assert_eq!(dialled, ["[2001:db8::2]:443"] as [&str; 1]);
    assert_eq!(run.urls(), ["https://example.org/.well-known/matrix/server"] as [&str; 1]);
    for question in ["AAAA example.org", "A example.org", "AAAA delegated.example.net", "A delegated.example.net"] as [&str; 4] {
        assert!(run.questions().contains(&question.to_owned()), "{question}");
    }
}
}

mod a_name_that_does_not_exist {
use super::*;

#[test]
fn the_text_and_the_machine_agree() {
    let mut s = Script::new(Goal::Connect, "example.org").edition(Edition::V1_8).seed(0);
    s = s.lookahead(Lookahead::None);
    s.a("example.org").has_no_such_name();
    // They differ about the outcome
    let run = s.run();
    assert_eq!(run.error().step(), "6");
    // Unreachable([NoAddress(NoData), NoAddress(NoSuchName)])
    assert!(matches!(run.error().kind, DiscoveryErrorKind::Unreachable(_)));
    let notes = &run.error().notes;
    assert!(!notes.provisional);
    let well_known = notes.well_known.clone().unwrap_or_default();
    assert_eq!(well_known.delegated.as_ref().map(|it| it.as_str()), None);
    // Unreachable(Dns(DnsName("example.org")), [NoAddress(NoData), NoAddress(NoSuchName)])
    assert!(well_known.error.is_some());
    let dialled: Vec<_> = run.dialled().iter().map(|it| it.address.to_string()).collect();
    assert_eq!(dialled, [] as [&str; 0]);
    assert_eq!(run.urls(), [] as [&str; 0]);
    for question in ["AAAA example.org", "A example.org", "SRV _matrix-fed._tcp.example.org", "SRV _matrix._tcp.example.org"] as [&str; 4] {
        assert!(run.questions().contains(&question.to_owned()), "{question}");
    }
}
}

mod an_alert {
use super::*;

#[test]
fn the_text_and_the_machine_agree() {
    let mut s = Script::new(Goal::Connect, "example.org").edition(Edition::V1_8).seed(0);
    s = s.lookahead(Lookahead::None);
    s.aaaa("delegated.example.net").gives(["2001:db8::1"]);
    s.srv("_matrix._tcp.example.org").gives([srv(10, 0, 8448, "one.example.net"), srv(10, 1, 8448, "delegated.example.net")]);
    s.connect("[2001:db8::1]:8448").fails(ConnectError::Tls(TlsError::Alert(40)));
    // They differ about the outcome
    let run = s.run();
    assert_eq!(run.error().step(), "5");
    // Unreachable([NoAddress(NoData), Connect(Tls(Alert(40)))])
    assert!(matches!(run.error().kind, DiscoveryErrorKind::Unreachable(_)));
    let notes = &run.error().notes;
    assert!(!notes.provisional);
    let well_known = notes.well_known.clone().unwrap_or_default();
    assert_eq!(well_known.delegated.as_ref().map(|it| it.as_str()), None);
    // Unreachable(Dns(DnsName("example.org")), [NoAddress(NoData), NoAddress(NoData)])
    assert!(well_known.error.is_some());
    let dialled: Vec<_> = run.dialled().iter().map(|it| it.address.to_string()).collect();
    assert_eq!(dialled, ["[2001:db8::1]:8448"] as [&str; 1]);
    assert_eq!(run.urls(), [] as [&str; 0]);
    for question in ["AAAA example.org", "A example.org", "SRV _matrix-fed._tcp.example.org", "SRV _matrix._tcp.example.org", "AAAA one.example.net", "A one.example.net", "AAAA delegated.example.net", "A delegated.example.net"] as [&str; 8] {
        assert!(run.questions().contains(&question.to_owned()), "{question}");
    }
}
}

mod a_certificate_not_looked_at {
use super::*;

#[test]
fn the_text_and_the_machine_agree() {
    let mut s = Script::new(Goal::Connect, "EXAMPLE.org:08448").edition(Edition::V1_8).seed(0);
    s = s.lookahead(Lookahead::None);
    s = s.config(|config| { config.trust.skip.push("example.org".parse().unwrap()); });
    s.a("example.org").gives(["192.0.2.3"]);
    s.connect("192.0.2.3:8448").works();
    // They differ about the outcome
    let run = s.run();
    let destination = &run.found().destination;
    assert_eq!(destination.step(), "2");
    assert_eq!(destination.host_header, "EXAMPLE.org:08448");
    assert_eq!(destination.tls_name.to_string(), "example.org");
    assert_eq!(run.found().connection.as_ref().unwrap().address.to_string(), "192.0.2.3:8448");
    let notes = &run.found().notes;
    assert!(!notes.provisional);
    let well_known = notes.well_known.clone().unwrap_or_default();
    assert_eq!(well_known.delegated.as_ref().map(|it| it.as_str()), None);
    assert!(well_known.error.is_none());
    let dialled: Vec<_> = run.dialled().iter().map(|it| it.address.to_string()).collect();
    assert_eq!(dialled, ["192.0.2.3:8448"] as [&str; 1]);
    assert_eq!(run.urls(), [] as [&str; 0]);
    for question in ["AAAA example.org", "A example.org"] as [&str; 2] {
        assert!(run.questions().contains(&question.to_owned()), "{question}");
    }
}
}
