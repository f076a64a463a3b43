//! What a resolver is made of, and what it refuses to be made of.

use std::collections::BTreeMap;
use std::future::pending;
use std::io;
use std::net::{IpAddr, TcpListener, UdpSocket};
use std::path::Path;
use std::sync::Arc;

use fedway_core::{
    Absence, Answer, AttemptError, ConnectError, DnsError, DnsName, Edition, Family, Instant,
    SrvRecord, WellKnownError,
};
use fedway_driver::dns::{ConfigError, Dns};
use fedway_driver::{BuildError, Builder, Datagrams, Io, PemError, Roots, TlsStream, TrustError};
use fedway_proof::on_every_runtime;
use fedway_proof::runtime::Runtime;
use fedway_testkit::world::{Https, Transport, WorldPlan};
use rustls::crypto::{CryptoProvider, ring};

use crate::rig::{Rig, ask_with, cause, ms, server_name, socket, timed, unanswered};

on_every_runtime! {
    without_an_authority_there_is_no_resolver,
    a_bad_pem_is_refused_and_adds_nothing,
    an_unusable_provider_is_refused,
    the_provider_decides_on_the_cryptography,
    a_hosts_file_that_cannot_be_read_is_refused,
    an_address_that_is_not_rerouted_is_refused,
    another_dns_takes_the_place_of_the_stub,
    another_dns_that_fails_is_believed,
    another_dns_that_never_answers_is_not_waited_for,
    the_configuration_is_readable,
    one_family_alone_is_asked_for_and_dialled,
    name_servers_are_asked_over_tcp_alone_where_that_is_wanted,
    sockets_come_from_the_address_that_they_are_bound_to,
}

fn without_an_authority_there_is_no_resolver<R: Runtime>() {
    let rig = healthy();
    let error = rig
        .builder()
        .roots(Roots::none())
        .build(R::io())
        .unwrap_err();
    assert_eq!(error, BuildError::Trust(TrustError::NoRoots));
    let built = Builder::default()
        .roots(Roots::none())
        .build_with(R::io().into(), Silent);
    assert_eq!(built.map(drop), Err(BuildError::Trust(TrustError::NoRoots)));
}

fn a_bad_pem_is_refused_and_adds_nothing<R: Runtime>() {
    let rig = healthy();
    let good = rig.world.ca_pem();
    let broken = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    let mut roots = Roots::none();
    for (pem, error) in [
        ("", PemError::Empty),
        ("no PEM at all", PemError::Empty),
        (broken, PemError::Malformed { part: 1 }),
        (&format!("{good}{broken}"), PemError::Malformed { part: 2 }),
    ] {
        assert_eq!(roots.add_pem(pem.as_bytes()), Err(error), "{pem}");
    }
    let missing = Path::new("/nonexistent/ca.pem");
    let TrustError::Unreadable { path, .. } = roots.add_pem_file(missing).unwrap_err() else {
        panic!("a file that is not there");
    };
    assert_eq!(path, missing);
    let error = rig
        .builder()
        .roots(roots.clone())
        .build(R::io())
        .unwrap_err();
    assert_eq!(error, BuildError::Trust(TrustError::NoRoots));
    // And spoils nothing
    roots.add_pem(good.as_bytes()).unwrap();
    let resolver = rig.builder().roots(roots).build(R::io()).unwrap();
    R::block_on(ask_with(&resolver, NAME));
}

fn an_unusable_provider_is_refused<R: Runtime>() {
    let mut provider = ring::default_provider();
    provider.cipher_suites.clear();
    let builder = healthy().builder().crypto_provider(provider.into());
    let error = builder.build(R::io()).unwrap_err();
    assert_eq!(error, BuildError::Trust(TrustError::Provider));
}

fn the_provider_decides_on_the_cryptography<R: Runtime>() {
    let rig = healthy();
    for suite in ring::default_provider().cipher_suites {
        let provider = CryptoProvider {
            cipher_suites: vec![suite],
            ..ring::default_provider()
        };
        // The world's keys are of elliptic curves
        if format!("{:?}", suite.suite()).contains("_RSA_") {
            continue;
        }
        let builder = rig.builder().crypto_provider(provider.into());
        let resolver = builder.build(R::io()).unwrap();
        R::block_on(async {
            let connected = ask_with(&resolver, NAME).await;
            let session = connected.stream.session().unwrap();
            assert_eq!(session.negotiated_cipher_suite(), Some(suite));
        });
    }
}

fn a_hosts_file_that_cannot_be_read_is_refused<R: Runtime>() {
    let mut rig = healthy();
    // A directory is there, and is no file
    rig.dns.hosts = Some(std::env::temp_dir());
    let error = rig.builder().build(R::io()).unwrap_err();
    assert!(
        matches!(error, BuildError::Dns(ConfigError::Unreadable { .. })),
        "{error}"
    );
    // One that is not there has no names
    rig.dns.hosts = Some("/nonexistent/hosts".into());
    assert!(rig.connect::<R>(NAME).is_ok());
}

fn an_address_that_is_not_rerouted_is_refused<R: Runtime>() {
    let rig = healthy();
    let resolver = rig.builder().reroute(|_| None).build(R::io()).unwrap();
    let error = R::block_on(resolver.connect(&server_name(NAME))).unwrap_err();
    assert_eq!(cause(&error), AttemptError::Connect(ConnectError::Refused));
    assert!(rig.world.connections_to(HERE).is_empty());
}

fn another_dns_takes_the_place_of_the_stub<R: Runtime>() {
    let rig = Rig::new(|plan| {
        plan.https("198.51.100.1:443", Https::for_name("example.org"));
        plan.https("[2001:db8::2]:8450", Https::for_name("example.org"));
    });
    let book = Book {
        addresses: [
            (("example.org", Family::V4), "198.51.100.1"),
            (("a.example.net", Family::V6), "2001:db8::2"),
        ]
        .into(),
        srv: ("_matrix._tcp.example.org", 8450, "a.example.net"),
    };
    let builder = rig.builder();
    let resolver = builder.build_with(Arc::new(R::io()), book).unwrap();
    let connected = R::block_on(resolver.connect(&server_name("example.org"))).unwrap();
    let found = connected.found;
    assert_eq!(found.destination.step(), "5");
    assert_eq!(
        found.connection.unwrap().address,
        socket("[2001:db8::2]:8450")
    );
    assert_eq!(rig.questions(), [""; 0]);
    assert_eq!(rig.requests().len(), 1);
}

fn another_dns_that_fails_is_believed<R: Runtime>() {
    for error in [
        DnsError::ServFail,
        DnsError::Unreachable,
        DnsError::Malformed,
    ] {
        let rig = healthy();
        let resolver = rig
            .builder()
            .build_with(Arc::new(R::io()), Failing(error))
            .unwrap();
        let found = R::block_on(resolver.resolve(&server_name("example.org"))).unwrap_err();
        assert_eq!(cause(&found), unanswered(error));
        assert!(found.notes.provisional);
        let well_known = found.notes.well_known.unwrap().error.unwrap();
        let WellKnownError::Unreachable { cause, .. } = well_known else {
            panic!("{well_known}");
        };
        assert_eq!(cause, unanswered(error));
    }
}

fn another_dns_that_never_answers_is_not_waited_for<R: Runtime>() {
    let rig = healthy().configure(|config| config.deadlines.dns = ms(200));
    let resolver = rig.builder().build_with(Arc::new(R::io()), Silent).unwrap();
    let name = server_name(NAME);
    let error = timed(ms(200), || {
        R::block_on(resolver.resolve(&name)).unwrap_err()
    });
    assert_eq!(cause(&error), unanswered(DnsError::TimedOut));
}

fn the_configuration_is_readable<R: Runtime>() {
    let rig = healthy().edition(Edition::R0_1);
    assert_eq!(*rig.resolver::<R>().clone().config(), rig.config);
}

fn one_family_alone_is_asked_for_and_dialled<R: Runtime>() {
    for (only, question, address) in [
        (Builder::ipv4_only as fn(_) -> _, "A example.org", HERE),
        (Builder::ipv6_only, "AAAA example.org", HERE_BY_V6),
    ] {
        let rig = healthy();
        let resolver = only(rig.builder()).build(R::io()).unwrap();
        let connected = R::block_on(ask_with(&resolver, NAME));
        let connection = connected.found.connection.as_ref().unwrap();
        assert_eq!(connection.address, socket(address));
        assert_eq!(rig.questions(), [question]);
    }
}

fn name_servers_are_asked_over_tcp_alone_where_that_is_wanted<R: Runtime>() {
    let mut rig = healthy();
    rig.dns = rig.dns.over_tcp();
    rig.ask::<R>(NAME);
    let queries = rig.world.dns_queries();
    assert_eq!(queries.len(), 2);
    assert!(
        queries
            .iter()
            .all(|query| query.transport == Transport::Tcp),
        "{queries:?}"
    );
}

fn sockets_come_from_the_address_that_they_are_bound_to<R: Runtime>() {
    // All of 127.0.0.0/8 is the loopback device on Linux, and only there
    if !cfg!(target_os = "linux") {
        return;
    }
    let source: IpAddr = "127.0.0.2".parse().unwrap();
    let io = R::io_from(source);
    let (tcp, udp) = ("127.0.0.1:0", "127.0.0.1:0");
    let (tcp, udp) = (
        TcpListener::bind(tcp).unwrap(),
        UdpSocket::bind(udp).unwrap(),
    );
    let (tcp_at, udp_at) = (tcp.local_addr().unwrap(), udp.local_addr().unwrap());
    R::block_on(async {
        let _connection = io.connect_tcp(tcp_at).await.unwrap();
        assert_eq!(tcp.accept().unwrap().1.ip(), source);
        let datagrams = io.connect_udp(udp_at).await.unwrap();
        datagrams.send(b"?").await.unwrap();
        assert_eq!(udp.recv_from(&mut [0]).unwrap().1.ip(), source);
        drop(tcp);
        let refused = io.connect_tcp(tcp_at).await.map(drop).unwrap_err();
        assert_eq!(refused.kind(), io::ErrorKind::ConnectionRefused);
    });
    let rig = healthy();
    let resolver = rig.builder().build(io).unwrap();
    R::block_on(ask_with(&resolver, NAME));
}

/// A resolver with a few names
struct Book {
    addresses: BTreeMap<(&'static str, Family), &'static str>,
    /// An owner, a port and a target
    srv: (&'static str, u16, &'static str),
}

impl Dns for Book {
    async fn look_up(
        &self,
        host: &DnsName,
        family: Family,
        _deadline: Instant,
    ) -> Result<Answer<IpAddr>, DnsError> {
        let address = self.addresses.get(&(host.as_str(), family));
        Ok(answer(address.map(|address| address.parse().unwrap())))
    }

    async fn query_srv(
        &self,
        name: &DnsName,
        _deadline: Instant,
    ) -> Result<Answer<SrvRecord>, DnsError> {
        let (owner, port, target) = self.srv;
        let record = SrvRecord {
            priority: 0,
            weight: 0,
            port,
            target: DnsName::new(target).unwrap(),
        };
        Ok(answer((name.as_str() == owner).then_some(record)))
    }
}

fn answer<T>(record: Option<T>) -> Answer<T> {
    match record {
        None => Answer::absent(Absence::NoSuchName, None),
        Some(record) => Answer::found(vec![record], ms(60_000)),
    }
}

/// A resolver that always fails
struct Failing(DnsError);

impl Dns for Failing {
    async fn look_up(
        &self,
        _host: &DnsName,
        _family: Family,
        _deadline: Instant,
    ) -> Result<Answer<IpAddr>, DnsError> {
        Err(self.0)
    }

    async fn query_srv(
        &self,
        _name: &DnsName,
        _deadline: Instant,
    ) -> Result<Answer<SrvRecord>, DnsError> {
        Err(self.0)
    }
}

/// A resolver that heeds no deadline
struct Silent;

impl Dns for Silent {
    async fn look_up(
        &self,
        _host: &DnsName,
        _family: Family,
        _deadline: Instant,
    ) -> Result<Answer<IpAddr>, DnsError> {
        pending().await
    }

    async fn query_srv(
        &self,
        _name: &DnsName,
        _deadline: Instant,
    ) -> Result<Answer<SrvRecord>, DnsError> {
        pending().await
    }
}

fn healthy() -> Rig {
    Rig::new(|plan: &mut WorldPlan| {
        plan.a("example.org", "198.51.100.1");
        plan.aaaa("example.org", "2001:db8::1");
        plan.https(HERE, Https::for_name("example.org"));
        plan.https(HERE_BY_V6, Https::for_name("example.org"));
    })
}

const NAME: &str = "example.org:8448";

const HERE: &str = "198.51.100.1:8448";

const HERE_BY_V6: &str = "[2001:db8::1]:8448";
