//! Every way to delegate a name, in every edition and over both families.

use fedway_core::{DnsName, Edition, Found, Lookahead, Verdict, Warning};
use fedway_testkit::world::{Event, Https, WorldPlan};

use crate::rig::{Rig, VERSION, WELL_KNOWN, address, socket};
use crate::runtime::Runtime;

on_every_runtime! {
    a_literal_is_the_server_itself,
    a_port_is_used_directly,
    the_draft_does_not_consult_a_port,
    a_well_known_literal_is_the_server,
    a_well_known_port_is_used_directly,
    a_well_known_host_may_have_srv_records,
    a_well_known_host_may_have_deprecated_srv_records,
    a_well_known_host_without_srv_records_is_the_server,
    srv_records_are_used_where_there_is_no_well_known,
    deprecated_srv_records_are_used_last,
    the_draft_asks_for_srv_before_well_known,
    a_host_without_anything_is_the_server,
    a_service_that_the_edition_does_not_know_is_not_asked_for,
    the_case_of_a_name_is_kept_for_the_host_header_only,
}

// Step 1
fn a_literal_is_the_server_itself<R: Runtime>() {
    for (name, tls_name, at) in [
        ("198.51.100.1", "198.51.100.1", "198.51.100.1:8448"),
        ("198.51.100.1:443", "198.51.100.1", "198.51.100.1:443"),
        ("[2001:db8::1]", "2001:db8::1", "[2001:db8::1]:8448"),
        ("[2001:db8::1]:443", "2001:db8::1", "[2001:db8::1]:443"),
    ] {
        for edition in Edition::ALL {
            let host = match edition {
                Edition::Draft2019 => name.trim_end_matches(":443"),
                _ => name,
            };
            let mut case = Case::new(edition, name, |plan| {
                plan.https(at, Https::for_name(tls_name));
            });
            case.addresses = vec![at.into()];
            case.ends::<R>("1", host, None);
        }
    }
}

// Step 2
fn a_port_is_used_directly<R: Runtime>() {
    for (edition, net) in both(&[Edition::R0_1, Edition::V1_8]) {
        let mut case = Case::new(edition, "example.org:8449", |plan| {
            net.host(plan, "example.org", 1);
            net.serve(plan, 1, 8449, "example.org");
        });
        case.questions = vec![addresses_of("example.org")];
        case.addresses = net.at(1, 8449);
        case.ends::<R>("2", "example.org:8449", Some("example.org"));
    }
}

fn the_draft_does_not_consult_a_port<R: Runtime>() {
    for net in Net::ALL {
        let mut case = Case::new(Edition::Draft2019, "example.org:8449", |plan| {
            net.host(plan, "example.org", 1);
            net.serve(plan, 1, 443, "example.org");
            net.serve(plan, 1, 8448, "example.org");
            net.serve(plan, 1, 8449, "example.org");
        });
        case.questions = vec![
            srv_of("_matrix", "example.org"),
            addresses_of("example.org"),
        ];
        case.fetches(net);
        case.addresses = net.at(1, 8448);
        case.ends::<R>("4", "example.org", Some("example.org"));
    }
}

// Step 3.1
fn a_well_known_literal_is_the_server<R: Runtime>() {
    for (delegated, tls_name, at) in [
        ("203.0.113.1", "203.0.113.1", "203.0.113.1:8448"),
        ("203.0.113.1:80", "203.0.113.1", "203.0.113.1:80"),
        ("[2001:db8::f]", "2001:db8::f", "[2001:db8::f]:8448"),
        ("[2001:db8::f]:80", "2001:db8::f", "[2001:db8::f]:80"),
    ] {
        for edition in Edition::ALL {
            let mut case = Case::delegated(edition, Net::V4, delegated, |plan| {
                plan.https(at, Https::for_name(tls_name));
            });
            case.addresses = vec![at.into()];
            let host = match edition {
                Edition::Draft2019 => delegated.trim_end_matches(":80"),
                _ => delegated,
            };
            case.ends::<R>("3.1", host, None);
        }
    }
}

// Step 3.2
fn a_well_known_port_is_used_directly<R: Runtime>() {
    for (edition, net) in both(&Edition::ALL) {
        let mut case = Case::delegated(edition, net, "m.example.org:8449", |plan| {
            net.host(plan, "m.example.org", 2);
            net.serve(plan, 2, 8449, "m.example.org");
        });
        case.questions.push(addresses_of("m.example.org"));
        case.addresses = net.at(2, 8449);
        let host = match edition {
            Edition::Draft2019 => "m.example.org",
            _ => "m.example.org:8449",
        };
        case.ends::<R>("3.2", host, Some("m.example.org"));
    }
}

// Step 3.3
fn a_well_known_host_may_have_srv_records<R: Runtime>() {
    for (edition, net) in both(&Edition::ALL) {
        let service = service(edition);
        let mut case = Case::delegated(edition, net, "m.example.org", |plan| {
            srv(plan, service, "m.example.org", "a.example.net");
            net.host(plan, "a.example.net", 3);
            net.serve(plan, 3, 8450, "m.example.org");
        });
        case.questions.push(srv_of(service, "m.example.org"));
        case.questions.push(addresses_of("a.example.net"));
        case.addresses = net.at(3, 8450);
        case.ends::<R>("3.3", "m.example.org", Some("m.example.org"));
    }
}

// Step 3.4
fn a_well_known_host_may_have_deprecated_srv_records<R: Runtime>() {
    for net in Net::ALL {
        let mut case = Case::delegated(Edition::V1_8, net, "m.example.org", |plan| {
            srv(plan, "_matrix", "m.example.org", "a.example.net");
            net.host(plan, "a.example.net", 3);
            net.serve(plan, 3, 8450, "m.example.org");
        });
        case.questions.push(srv_of("_matrix-fed", "m.example.org"));
        case.questions.push(srv_of("_matrix", "m.example.org"));
        case.questions.push(addresses_of("a.example.net"));
        case.addresses = net.at(3, 8450);
        case.deprecated = Some("_matrix._tcp.m.example.org");
        case.ends::<R>("3.4", "m.example.org", Some("m.example.org"));
    }
}

// Step 3.5; 3.4 of r0.1, and the end of 3.3 of the draft
fn a_well_known_host_without_srv_records_is_the_server<R: Runtime>() {
    for (edition, net) in both(&Edition::ALL) {
        let mut case = Case::delegated(edition, net, "m.example.org", |plan| {
            net.host(plan, "m.example.org", 2);
            net.serve(plan, 2, 8448, "m.example.org");
        });
        case.asks_for_srv("m.example.org");
        case.questions.push(addresses_of("m.example.org"));
        case.addresses = net.at(2, 8448);
        let step = match edition {
            Edition::Draft2019 => "3.3.1",
            Edition::R0_1 => "3.4",
            _ => "3.5",
        };
        case.ends::<R>(step, "m.example.org", Some("m.example.org"));
    }
}

// Step 4
fn srv_records_are_used_where_there_is_no_well_known<R: Runtime>() {
    for (edition, net) in both(&[Edition::R0_1, Edition::V1_8]) {
        let service = service(edition);
        let mut case = Case::new(edition, "example.org", |plan| {
            net.host(plan, "example.org", 1);
            net.serve(plan, 1, 443, "example.org");
            srv(plan, service, "example.org", "a.example.net");
            net.host(plan, "a.example.net", 3);
            net.serve(plan, 3, 8450, "example.org");
        });
        case.questions = vec![addresses_of("example.org"), srv_of(service, "example.org")];
        case.questions.push(addresses_of("a.example.net"));
        case.fetches(net);
        case.addresses = net.at(3, 8450);
        case.ends::<R>("4", "example.org", Some("example.org"));
    }
}

// Step 5
fn deprecated_srv_records_are_used_last<R: Runtime>() {
    for net in Net::ALL {
        let mut case = Case::new(Edition::V1_8, "example.org", |plan| {
            net.host(plan, "example.org", 1);
            net.serve(plan, 1, 443, "example.org");
            srv(plan, "_matrix", "example.org", "a.example.net");
            net.host(plan, "a.example.net", 3);
            net.serve(plan, 3, 8450, "example.org");
        });
        case.questions = vec![addresses_of("example.org")];
        case.asks_for_srv("example.org");
        case.questions.push(addresses_of("a.example.net"));
        case.fetches(net);
        case.addresses = net.at(3, 8450);
        case.deprecated = Some("_matrix._tcp.example.org");
        case.ends::<R>("5", "example.org", Some("example.org"));
    }
}

// Step 2 of the draft
fn the_draft_asks_for_srv_before_well_known<R: Runtime>() {
    for net in Net::ALL {
        let mut case = Case::new(Edition::Draft2019, "example.org", |plan| {
            net.host(plan, "example.org", 1);
            let delegation = r#"{"m.server": "198.51.100.1"}"#;
            for at in net.at(1, 443) {
                plan.https(&at, Https::for_name("example.org").well_known(delegation));
            }
            srv(plan, "_matrix", "example.org", "a.example.net");
            net.host(plan, "a.example.net", 3);
            net.serve(plan, 3, 8450, "example.org");
        });
        case.questions = vec![srv_of("_matrix", "example.org")];
        case.questions.push(addresses_of("a.example.net"));
        case.addresses = net.at(3, 8450);
        case.ends::<R>("2", "example.org", Some("example.org"));
    }
}

// Step 6; 5 of r0.1, 4 of the draft
fn a_host_without_anything_is_the_server<R: Runtime>() {
    for (edition, net) in both(&Edition::ALL) {
        let mut case = Case::new(edition, "example.org", |plan| {
            net.host(plan, "example.org", 1);
            net.serve(plan, 1, 443, "example.org");
            net.serve(plan, 1, 8448, "example.org");
        });
        if edition == Edition::Draft2019 {
            case.asks_for_srv("example.org");
        }
        case.questions.push(addresses_of("example.org"));
        if edition != Edition::Draft2019 {
            case.asks_for_srv("example.org");
        }
        case.fetches(net);
        case.addresses = net.at(1, 8448);
        let step = match edition {
            Edition::Draft2019 => "4",
            Edition::R0_1 => "5",
            _ => "6",
        };
        case.ends::<R>(step, "example.org", Some("example.org"));
    }
}

fn a_service_that_the_edition_does_not_know_is_not_asked_for<R: Runtime>() {
    for edition in [Edition::Draft2019, Edition::R0_1] {
        let rig = Rig::new(|plan| {
            Net::V4.host(plan, "example.org", 1);
            srv(plan, "_matrix-fed", "example.org", "a.example.net");
        })
        .edition(edition);
        let found = rig.find::<R>("example.org").destination;
        assert_eq!(found.addresses().next(), Some(socket("198.51.100.1:8448")));
        let questions = rig.questions();
        assert!(
            !questions.iter().any(|it| it.contains("_matrix-fed")),
            "{questions:?}"
        );
    }
}

fn the_case_of_a_name_is_kept_for_the_host_header_only<R: Runtime>() {
    let rig = Rig::new(|plan| {
        Net::V4.host(plan, "example.org", 1);
        Net::V4.serve(plan, 1, 8448, "example.org");
    });
    let found = rig.ask::<R>("Example.ORG");
    assert_eq!(found.destination.host_header, "Example.ORG");
    assert_eq!(found.destination.tls_name.to_string(), "example.org");
    let request = &rig.world.requests()[0];
    assert_eq!(request.sni.as_deref(), Some("example.org"));
    assert_eq!(request.host.as_deref(), Some("Example.ORG"));
}

/// A name, the world around it, and what comes of it
struct Case {
    edition: Edition,
    name: &'static str,
    rig: Rig,
    /// What is asked with nothing asked ahead: those of a group together, the groups in turn
    questions: Vec<Vec<String>>,
    /// The .well-known requests
    requests: Vec<String>,
    /// Where the server listens, in the order in which the addresses are tried
    addresses: Vec<String>,
    /// The owner of SRV records that a warning is about
    deprecated: Option<&'static str>,
}

impl Case {
    fn new(edition: Edition, name: &'static str, describe: impl FnOnce(&mut WorldPlan)) -> Self {
        Self {
            edition,
            name,
            rig: Rig::new(describe).edition(edition),
            questions: Vec::new(),
            requests: Vec::new(),
            addresses: Vec::new(),
            deprecated: None,
        }
    }

    /// `example.org`, delegated by .well-known
    fn delegated(
        edition: Edition,
        net: Net,
        to: &str,
        describe: impl FnOnce(&mut WorldPlan),
    ) -> Self {
        let mut case = Self::new(edition, "example.org", |plan| {
            net.host(plan, "example.org", 1);
            let delegation = format!(r#"{{"m.server": "{to}"}}"#);
            for at in net.at(1, 443) {
                plan.https(&at, Https::for_name("example.org").well_known(&*delegation));
            }
            describe(plan);
        });
        if edition == Edition::Draft2019 {
            case.asks_for_srv("example.org");
        }
        case.questions.push(addresses_of("example.org"));
        case.fetches(net);
        case
    }

    /// Every service of the edition is asked for, in turn
    fn asks_for_srv(&mut self, name: &str) {
        let services = self.edition.rules().services.iter();
        let questions = services.map(|service| vec![format!("SRV {}.{name}", service.label)]);
        self.questions.extend(questions);
    }

    /// .well-known of `example.org` is fetched
    fn fetches(&mut self, net: Net) {
        let at = &net.at(1, 443)[0];
        self.requests = vec![format!("{at} example.org {WELL_KNOWN}")];
    }

    /// Resolves and connects, with and without asking ahead, and compares
    fn ends<R: Runtime>(mut self, step: &str, host: &str, sni: Option<&str>) {
        for lookahead in [Lookahead::None, Lookahead::Dns] {
            self.rig.config.lookahead = lookahead;

            let found = self.rig.find::<R>(self.name);
            self.check_destination(&found, step, host, sni);
            assert_eq!(found.connection, None);
            assert_eq!(self.rig.requests(), self.requests, "{}", self.name);
            self.check_questions(lookahead);
            self.check_unconnected();
            self.rig.world.forget();

            let found = self.rig.ask::<R>(self.name);
            self.check_destination(&found, step, host, sni);
            let connection = found.connection.unwrap();
            assert_eq!(connection.address.to_string(), self.addresses[0]);
            assert_eq!(connection.verdict, Verdict::Verify);
            self.check_questions(lookahead);
            self.check_requests(host, sni);
            assert!(self.rig.is_left());
            self.rig.world.forget();
        }
    }

    fn check_destination(&self, found: &Found, step: &str, host: &str, sni: Option<&str>) {
        let destination = &found.destination;
        let of = format!("{} by {}", self.name, self.edition);
        assert_eq!(
            (destination.edition, destination.step()),
            (self.edition, step),
            "{of}"
        );
        assert_eq!(destination.host_header, host, "{of}");
        let sent = destination.sni().map(ToString::to_string);
        assert_eq!(sent.as_deref(), sni, "{of}");
        if let Some(sni) = sni {
            assert_eq!(destination.tls_name.to_string(), sni, "{of}");
        }
        let addresses: Vec<_> = destination.addresses().map(|it| it.to_string()).collect();
        // A search that connects is over when one address is good, whether or not DNS has told them all
        let is_told = match found.connection {
            None => addresses == self.addresses,
            Some(_) => !addresses.is_empty() && self.addresses.starts_with(&addresses),
        };
        assert!(is_told, "{of}: {addresses:?}");
        let mut candidates = destination.candidates.iter().flat_map(|it| &it.addresses);
        assert!(candidates.all(|it| it.verdict == Verdict::Verify), "{of}");
        assert!(!found.notes.provisional, "{of}");
        let deprecated = self.deprecated.map(|owner| Warning::DeprecatedService {
            owner: DnsName::new(owner).unwrap(),
        });
        assert_eq!(found.notes.warnings, Vec::from_iter(deprecated), "{of}");
    }

    /// Nothing is asked twice; without asking ahead, nothing else is asked, and in this order
    fn check_questions(&self, lookahead: Lookahead) {
        let mut asked = Vec::new();
        for question in self.rig.questions() {
            // A question is given up once IPv6 has won, and nothing asked ahead keeps it
            let is_given_up = lookahead == Lookahead::None && question.starts_with("A ");
            if !asked.contains(&question) {
                asked.push(question);
            } else if !is_given_up {
                panic!("{question} twice");
            }
        }
        let needed = self.questions.concat();
        let is_asked = |question: &&str| asked.iter().any(|it| it == question);
        // IPv6 may have won before A was even sent
        let is_asked_of_ipv6 = |question: &&str| {
            question
                .strip_prefix("A ")
                .is_some_and(|host| asked.contains(&format!("AAAA {host}")))
        };
        assert!(
            needed
                .iter()
                .all(|it| is_asked(&&**it) || is_asked_of_ipv6(&&**it)),
            "{needed:?} {asked:?}"
        );
        if lookahead == Lookahead::Dns {
            return;
        }
        assert!(asked.iter().all(|it| needed.contains(it)), "{asked:?}");
        asked.retain(|it| !it.starts_with("A "));
        let mut rest = &asked[..];
        for group in &self.questions {
            let mut group = group.clone();
            group.retain(|it| !it.starts_with("A "));
            let (now, later) = rest.split_at(group.len().min(rest.len()));
            let mut now = now.to_vec();
            now.sort();
            assert_eq!(now, group, "{asked:?}");
            rest = later;
        }
        assert!(rest.is_empty(), "{rest:?}");
    }

    /// Connections are for .well-known only
    fn check_unconnected(&self) {
        let fetched: Vec<_> = self
            .requests
            .iter()
            .map(|it| it.split_once(' ').unwrap().0)
            .collect();
        for entry in self.rig.world.log() {
            if let Event::Accepted { address } = entry.what {
                assert!(fetched.contains(&&*address.to_string()), "{address}");
            }
        }
    }

    /// After .well-known, one request at the first address
    fn check_requests(&self, host: &str, sni: Option<&str>) {
        let version = format!("{} {host} {VERSION}", self.addresses[0]);
        let expected = [&self.requests[..], &[version]].concat();
        assert_eq!(self.rig.requests(), expected);
        let requests = self.rig.world.requests();
        let last = requests.last().unwrap();
        assert_eq!((&*last.method, last.sni.as_deref()), ("GET", sni));
        // One connection each: none is opened in vain, none is shared
        let is_accepted = |what: &Event| matches!(what, Event::Accepted { .. });
        let accepted = self
            .rig
            .world
            .log()
            .iter()
            .filter(|it| is_accepted(&it.what))
            .count();
        assert_eq!(accepted, expected.len());
    }
}

/// Which addresses the hosts of a case have
#[derive(Clone, Copy)]
enum Net {
    Both,
    V4,
    V6,
}

impl Net {
    const ALL: [Self; 3] = [Self::Both, Self::V4, Self::V6];

    fn ips(self, number: u8) -> Vec<String> {
        let (v6, v4) = (
            format!("2001:db8::{number}"),
            format!("198.51.100.{number}"),
        );
        match self {
            Self::Both => vec![v6, v4],
            Self::V4 => vec![v4],
            Self::V6 => vec![v6],
        }
    }

    fn host(self, plan: &mut WorldPlan, name: &str, number: u8) {
        for ip in self.ips(number) {
            address(plan, name, &ip);
        }
    }

    /// The sockets of a host, IPv6 first
    fn at(self, number: u8, port: u16) -> Vec<String> {
        let socket = |ip: String| match ip.contains(':') {
            true => format!("[{ip}]:{port}"),
            false => format!("{ip}:{port}"),
        };
        self.ips(number).into_iter().map(socket).collect()
    }

    fn serve(self, plan: &mut WorldPlan, number: u8, port: u16, name: &str) {
        for at in self.at(number, port) {
            plan.https(&at, Https::for_name(name));
        }
    }
}

fn both(editions: &[Edition]) -> impl Iterator<Item = (Edition, Net)> {
    let pairs = |edition: &Edition| Net::ALL.map(|net| (*edition, net));
    editions.iter().flat_map(pairs)
}

/// The first service that an edition knows
fn service(edition: Edition) -> &'static str {
    match edition {
        Edition::Draft2019 | Edition::R0_1 => "_matrix",
        _ => "_matrix-fed",
    }
}

fn srv(plan: &mut WorldPlan, service: &str, name: &str, target: &str) {
    plan.srv(&format!("{service}._tcp.{name}"), 10, 5, 8450, target);
}

fn srv_of(service: &str, name: &str) -> Vec<String> {
    vec![format!("SRV {service}._tcp.{name}")]
}

fn addresses_of(name: &str) -> Vec<String> {
    vec![format!("A {name}"), format!("AAAA {name}")]
}
