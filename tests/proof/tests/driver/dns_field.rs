//! Name servers as they are met: those that drop, cut and speak one transport only.

use std::sync::Arc;

use std::net::{IpAddr, SocketAddr};

use fedway_core::{DnsError, ExtendedError, Found, Warning};
use fedway_driver::dns::DnsConfig;
use fedway_proof::on_every_runtime;
use fedway_proof::runtime::Runtime;
use fedway_testkit::world::{DnsFault, DnsServer, Https, RecordType, Transport, WorldPlan};

use crate::rig::{Rig, cause, ms, server_name, timed, unanswered};

on_every_runtime! {
    with_use_vc_a_server_that_is_silent_on_udp_is_asked_over_tcp,
    a_server_that_is_silent_on_udp_is_found_out_without_use_vc,
    a_server_that_drops_edns_costs_one_time_out_once_a_resolver,
    an_srv_answer_that_is_truncated_while_tcp_is_refused_makes_the_result_provisional,
    the_third_of_six_name_servers_answers_while_the_first_two_are_silent,
    a_failure_of_one_name_server_is_told_although_another_is_silent,
    the_reason_that_a_name_server_gives_is_kept_with_the_failure,
    with_no_aaaa_nobody_is_asked_for_ipv6_addresses,
    an_aaaa_record_with_a_v4_mapped_address_is_dialled_as_it_is,
}

fn with_use_vc_a_server_that_is_silent_on_udp_is_asked_over_tcp<R: Runtime>() {
    let mut rig = here().name_servers([DnsServer::TcpOnly]);
    let servers = rig.dns.servers;
    rig.dns = DnsConfig::from_resolv_conf(b"options use-vc\n").unwrap();
    rig.dns.servers = servers;
    assert_eq!(addresses(&rig.find::<R>(NAME)), [HERE]);
    assert_eq!(ways(&rig), [(true, Transport::Tcp)]);
}

fn a_server_that_is_silent_on_udp_is_found_out_without_use_vc<R: Runtime>() {
    let mut rig = here().name_servers([DnsServer::TcpOnly]);
    rig.dns.timeout = ms(100);
    let found = timed(ms(200), || rig.find::<R>(NAME));
    assert_eq!(addresses(&found), [HERE]);
    let tried = [
        (true, Transport::Udp),
        (false, Transport::Udp),
        (false, Transport::Tcp),
    ];
    assert_eq!(ways(&rig), tried);
}

fn a_server_that_drops_edns_costs_one_time_out_once_a_resolver<R: Runtime>() {
    let mut rig = here().name_servers([DnsServer::DropsEdns]);
    rig.dns.timeout = ms(100);
    let resolver = rig.resolver::<R>();
    let name = server_name(NAME);
    let find = || Arc::unwrap_or_clone(R::block_on(resolver.resolve_fresh(&name)).unwrap());
    let found = timed(ms(100), find);
    assert_eq!(addresses(&found), [HERE]);
    for _ in 0..3 {
        assert_eq!(addresses(&find()), [HERE]);
    }
    let edns: Vec<_> = ways(&rig).into_iter().map(|(edns, _)| edns).collect();
    assert_eq!(edns, [true, false, false, false, false]);
}

fn an_srv_answer_that_is_truncated_while_tcp_is_refused_makes_the_result_provisional<R: Runtime>() {
    let rig = Rig::new(|plan| {
        host(plan);
        plan.srv(OWNER, 0, 0, 8450, "matrix.example.net");
        plan.dns_fault(OWNER, RecordType::SRV, DnsFault::Truncate);
    });
    let rig = rig.name_servers([DnsServer::UdpOnly]);
    let found = rig.find::<R>("example.org");
    assert_eq!(addresses(&found), [HERE]);
    assert!(found.notes.provisional);
    let [Warning::SrvUnanswered { owner, error }] = &found.notes.warnings[..] else {
        panic!("{:?}", found.notes.warnings);
    };
    assert_eq!(
        (&*owner.to_string(), *error),
        (OWNER, DnsError::Unreachable)
    );
}

fn the_third_of_six_name_servers_answers_while_the_first_two_are_silent<R: Runtime>() {
    let (silent, healthy) = (DnsServer::Silent, DnsServer::Healthy);
    let mut rig = here().name_servers([silent, silent, healthy, healthy, healthy, healthy]);
    rig.dns.timeout = ms(100);
    let found = timed(ms(200), || rig.find::<R>(NAME));
    assert_eq!(addresses(&found), [HERE]);
}

/// With the deadline of a search and the timeouts of resolv.conf, save that both are shorter here
fn a_failure_of_one_name_server_is_told_although_another_is_silent<R: Runtime>() {
    for servers in [
        [DnsServer::ServFailAll, DnsServer::Silent],
        [DnsServer::Silent, DnsServer::ServFailAll],
    ] {
        let rig = here().name_servers(servers);
        let rig = rig.configure(|config| config.deadlines.dns = ms(1_000));
        let error = rig.resolve::<R>(NAME).unwrap_err();
        assert_eq!(cause(&error), unanswered(DnsError::ServFail), "{servers:?}");
    }
}

fn the_reason_that_a_name_server_gives_is_kept_with_the_failure<R: Runtime>() {
    let rig = Rig::new(|plan| {
        host(plan);
        for record_type in [RecordType::A, RecordType::AAAA] {
            plan.dns_fault("example.org", record_type, DnsFault::ServFailFor(6));
        }
    });
    let error = rig.resolve::<R>(NAME).unwrap_err();
    let explained = DnsError::Explained {
        code: 2,
        reason: ExtendedError(6),
    };
    assert_eq!(cause(&error), unanswered(explained));
    assert!(error.is_temporary());
}

fn with_no_aaaa_nobody_is_asked_for_ipv6_addresses<R: Runtime>() {
    let mut rig = here();
    rig.dns.no_aaaa = true;
    assert_eq!(addresses(&rig.find::<R>(NAME)), [HERE]);
    assert_eq!(rig.questions(), ["A example.org"]);
}

/// It is judged by the address that it maps to: see the address policy
fn an_aaaa_record_with_a_v4_mapped_address_is_dialled_as_it_is<R: Runtime>() {
    let mapped: IpAddr = "::ffff:198.51.100.1".parse().unwrap();
    let there = SocketAddr::from((mapped, 8448)).to_string();
    let rig = Rig::new(|plan| {
        plan.aaaa("example.org", &mapped.to_string());
        plan.https(&there, Https::for_name("example.org"));
    });
    assert_eq!(addresses(&rig.ask::<R>(NAME)), [there]);
}

fn here() -> Rig {
    Rig::new(host)
}

fn host(plan: &mut WorldPlan) {
    plan.address("example.org", "198.51.100.1");
    plan.https(HERE, Https::for_name("example.org"));
}

fn addresses(found: &Found) -> Vec<String> {
    let text = |address: SocketAddr| address.to_string();
    found.destination.addresses().map(text).collect()
}

/// Whether the questions for A had EDNS and how they travelled, in their order
fn ways(rig: &Rig) -> Vec<(bool, Transport)> {
    let queries = rig.world.dns_queries().into_iter();
    let of_a = queries.filter(|it| it.record_type == RecordType::A);
    of_a.map(|it| (it.edns, it.transport)).collect()
}

/// Its addresses are all that is asked for
const NAME: &str = "example.org:8448";

const HERE: &str = "198.51.100.1:8448";

const OWNER: &str = "_matrix-fed._tcp.example.org";
