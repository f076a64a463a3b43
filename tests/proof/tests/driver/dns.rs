//! Questions to DNS, and everything that may go wrong with them.

use std::net::SocketAddr;
use std::time::Duration;

use fedway_core::{
    Absence, AttemptError, Chain, Config, DiscoveryErrorKind, DnsError, Found, Lookahead, Warning,
};
use fedway_driver::dns::DnsConfig;
use fedway_proof::on_every_runtime;
use fedway_proof::runtime::Runtime;
use fedway_testkit::world::{DnsFault, DnsServer, Https, RecordType, Transport, WorldPlan};

use crate::rig::{Rig, cause, ms, socket, timed, unanswered};

on_every_runtime! {
    what_is_not_there_is_told_from_what_is_not_answered,
    each_failure_has_its_own_error,
    silence_lasts_nearly_as_long_as_the_deadline,
    what_anybody_could_have_sent_is_no_answer,
    a_noisy_forger_does_not_move_the_deadline,
    a_query_that_gets_lost_is_sent_again,
    a_slow_answer_is_an_answer,
    one_family_that_fails_does_not_matter_while_the_other_answers,
    an_answer_that_does_not_fit_is_asked_for_over_tcp,
    an_answer_that_grew_too_long_for_a_datagram_is_asked_for_over_tcp,
    a_forged_answer_is_passed_over,
    aliases_are_followed_as_far_as_eleven,
    an_alias_whose_target_is_left_out_is_asked_for_anew,
    an_srv_owner_may_be_an_alias,
    an_srv_target_that_is_an_alias_is_used_and_warned_about,
    a_server_that_rejects_edns_is_asked_without,
    a_name_server_that_fails_is_followed_by_the_next,
    a_silent_name_server_leaves_time_for_the_next,
    a_negative_answer_is_not_doubted,
    name_servers_that_all_fail_give_the_most_telling_error,
    without_a_name_server_nothing_is_reachable,
    an_srv_question_without_an_answer_makes_the_result_provisional,
    an_srv_question_with_a_negative_answer_does_not,
    no_search_list_applies,
    questions_are_absolute_whatever_the_name_looks_like,
    special_names_are_never_asked_for,
    the_hosts_file_is_read_before_dns_is_asked,
    an_own_name_at_the_loopback_device_is_refused_with_the_setting_that_would_admit_it,
    a_service_that_is_not_offered_ends_the_search,
    names_that_no_message_can_hold_are_not_sent,
}

fn what_is_not_there_is_told_from_what_is_not_answered<R: Runtime>() {
    for (fault, absence) in [
        (DnsFault::NxDomain, Absence::NoSuchName),
        (DnsFault::NoData, Absence::NoData),
    ] {
        let rig = faulty(fault);
        let error = rig.resolve::<R>(NAME).unwrap_err();
        assert_eq!(cause(&error), AttemptError::NoAddress(absence));
        assert!(!error.is_temporary() && !error.notes.provisional);
        assert_eq!(rig.failure::<R>(NAME), AttemptError::NoAddress(absence));
        assert_eq!(
            rig.questions().len(),
            4,
            "each is asked once in each search"
        );
    }
}

fn each_failure_has_its_own_error<R: Runtime>() {
    for (fault, expected) in [
        (DnsFault::CnameLoop, DnsError::AliasLoop),
        (DnsFault::GarbledRecord, DnsError::Malformed),
        (DnsFault::NotImplemented, DnsError::ResponseCode(4)),
        (DnsFault::Refused, DnsError::Refused),
        (DnsFault::ServFail, DnsError::ServFail),
    ] {
        let error = faulty(fault).resolve::<R>(NAME).unwrap_err();
        assert_eq!(cause(&error), unanswered(expected));
        // A loop stays until somebody mends it
        assert_eq!(error.is_temporary(), expected != DnsError::AliasLoop);
    }
}

fn silence_lasts_nearly_as_long_as_the_deadline<R: Runtime>() {
    let rig = faulty(DnsFault::Silence).configure(|config| config.deadlines.dns = ms(400));
    let error = timed(ms(380), || rig.resolve::<R>(NAME).unwrap_err());
    assert_eq!(cause(&error), unanswered(DnsError::TimedOut));
    assert!(error.is_temporary());
}

/// What is passed over as a datagram is malformed when it comes over TCP
fn what_anybody_could_have_sent_is_no_answer<R: Runtime>() {
    for fault in [
        DnsFault::Garbage,
        DnsFault::WrongId,
        DnsFault::WrongQuestion,
    ] {
        let rig = faulty(fault.clone()).configure(|config| config.deadlines.dns = ms(250));
        let error = rig.resolve::<R>(NAME).unwrap_err();
        assert_eq!(cause(&error), unanswered(DnsError::Malformed), "{fault:?}");
        let rig = rig.name_servers([DnsServer::UdpOnly]);
        let error = rig.resolve::<R>(NAME).unwrap_err();
        assert_eq!(cause(&error), unanswered(DnsError::TimedOut), "{fault:?}");
        assert!(error.is_temporary());
    }
}

/// Each try ends in time although something arrives with each query
fn a_noisy_forger_does_not_move_the_deadline<R: Runtime>() {
    let rig = faulty(DnsFault::WrongId).configure(|config| config.deadlines.dns = ms(400));
    let mut rig = rig.name_servers([DnsServer::UdpOnly]);
    rig.dns.attempts = 4;
    // Two tries of a quarter each, one that ends at once over TCP, and a last one in three ways, of which TCP is one
    let error = timed(ms(316), || rig.resolve::<R>(NAME).unwrap_err());
    assert_eq!(cause(&error), unanswered(DnsError::TimedOut));
    // With EDNS and without, twice, of two families
    assert_eq!(rig.questions().len(), 8);
}

fn a_query_that_gets_lost_is_sent_again<R: Runtime>() {
    let mut rig = faulty(DnsFault::DropFirst(1));
    rig.dns.timeout = ms(100);
    assert_eq!(addresses(&rig.find::<R>(NAME)), [HERE]);
    assert!(rig.questions().len() >= 4, "{:?}", rig.questions());
}

fn a_slow_answer_is_an_answer<R: Runtime>() {
    let rig = faulty(DnsFault::Slow(ms(200)));
    let found = timed(ms(200), || rig.find::<R>(NAME));
    assert_eq!(addresses(&found), [HERE]);
}

fn one_family_that_fails_does_not_matter_while_the_other_answers<R: Runtime>() {
    for fault in [DnsFault::ServFail, DnsFault::Refused, DnsFault::Silence] {
        let rig = Rig::new(|plan| {
            plan.a("example.org", "198.51.100.1");
            plan.https(HERE, Https::for_name("example.org"));
            plan.dns_fault("example.org", RecordType::AAAA, fault);
        });
        let rig = rig
            .racing()
            .configure(|config| config.deadlines.dns = ms(300));
        assert_eq!(rig.ask::<R>(NAME).connection.unwrap().address, socket(HERE));
        let found = rig.find::<R>(NAME);
        assert_eq!(addresses(&found), [HERE]);
        assert_eq!(found.notes.attempts.len(), 1);
    }
}

fn an_answer_that_does_not_fit_is_asked_for_over_tcp<R: Runtime>() {
    let rig = faulty(DnsFault::Truncate);
    assert_eq!(addresses(&rig.find::<R>(NAME)), [HERE]);
    assert_eq!(transports(&rig), [Transport::Udp, Transport::Tcp]);
}

fn an_answer_that_grew_too_long_for_a_datagram_is_asked_for_over_tcp<R: Runtime>() {
    let rig = Rig::new(|plan| {
        for host in 1..=100 {
            plan.a("example.org", &format!("198.51.100.{host}"));
        }
    });
    // As many as a search tries
    assert_eq!(addresses(&rig.find::<R>(NAME)).len(), 16);
    assert_eq!(transports(&rig), [Transport::Udp, Transport::Tcp]);
}

fn a_forged_answer_is_passed_over<R: Runtime>() {
    let rig = faulty(DnsFault::SpoofThenRight("203.0.113.66".parse().unwrap()));
    assert_eq!(addresses(&rig.find::<R>(NAME)), [HERE]);
    assert_eq!(rig.questions().len(), 2, "the right answer was heard");
}

fn aliases_are_followed_as_far_as_eleven<R: Runtime>() {
    for (aliases, whole) in [(1, true), (11, true), (12, false), (1, false), (11, false)] {
        let rig = Rig::new(|plan| {
            let name = |number| match number {
                0 => "example.org".to_owned(),
                number => format!("alias{number}.example.net"),
            };
            for number in 0..aliases {
                plan.cname(&name(number), &name(number + 1));
                if !whole {
                    let cut = DnsFault::CnameWithoutTarget;
                    plan.dns_fault(&name(number), RecordType::ANY, cut);
                }
            }
            plan.a(&name(aliases), "198.51.100.1");
        });
        match rig.resolve::<R>(NAME) {
            Ok(found) if aliases <= 11 => assert_eq!(addresses(&found), [HERE]),
            Err(error) if aliases > 11 => {
                assert_eq!(cause(&error), unanswered(DnsError::AliasLoop));
            }
            other => panic!("{aliases}, {whole}: {other:?}"),
        }
    }
}

fn an_alias_whose_target_is_left_out_is_asked_for_anew<R: Runtime>() {
    let rig = Rig::new(|plan| {
        plan.cname("example.org", "real.example.net");
        plan.dns_fault("example.org", RecordType::ANY, DnsFault::CnameWithoutTarget);
        plan.a("real.example.net", "198.51.100.1");
        plan.https(HERE, Https::for_name("example.org"));
    });
    // The alias changes nothing about whom the certificate must name
    let found = rig.ask::<R>(NAME);
    assert_eq!(found.destination.tls_name.to_string(), "example.org");
    let mut questions = rig.questions();
    questions.sort();
    let of = [
        "A example.org",
        "A real.example.net",
        "AAAA example.org",
        "AAAA real.example.net",
    ];
    assert_eq!(questions, of);
}

fn an_srv_owner_may_be_an_alias<R: Runtime>() {
    for fault in [None, Some(DnsFault::CnameWithoutTarget)] {
        let rig = Rig::new(|plan| {
            plan.cname(OWNER, "hosted.example.net");
            if let Some(fault) = &fault {
                plan.dns_fault(OWNER, RecordType::SRV, fault.clone());
            }
            plan.srv("hosted.example.net", 1, 0, 8450, "a.example.net");
            plan.a("a.example.net", "198.51.100.3");
        });
        let found = rig.find::<R>("example.org");
        assert_eq!(addresses(&found), ["198.51.100.3:8450"]);
        assert!(found.notes.warnings.is_empty());
    }
}

fn an_srv_target_that_is_an_alias_is_used_and_warned_about<R: Runtime>() {
    let rig = Rig::new(|plan| {
        plan.srv(OWNER, 1, 0, 8450, "a.example.net");
        plan.cname("a.example.net", "b.example.net");
        plan.a("b.example.net", "198.51.100.3");
        plan.https("198.51.100.3:8450", Https::for_name("example.org"));
    });
    let found = rig.ask::<R>("example.org");
    assert_eq!(addresses(&found), ["198.51.100.3:8450"]);
    let [Warning::AliasTarget { target }] = &found.notes.warnings[..] else {
        panic!("{:?}", found.notes.warnings);
    };
    assert_eq!(target.to_string(), "a.example.net");
}

fn a_server_that_rejects_edns_is_asked_without<R: Runtime>() {
    for fault in [DnsFault::FormErr, DnsFault::NotImplementedToEdns] {
        let rig = faulty(fault);
        assert_eq!(addresses(&rig.find::<R>(NAME)), [HERE]);
        let queries = rig.world.dns_queries();
        let of_a = queries.iter().filter(|it| it.record_type == RecordType::A);
        assert_eq!(of_a.map(|it| it.edns).collect::<Vec<_>>(), [true, false]);
    }
}

fn a_name_server_that_fails_is_followed_by_the_next<R: Runtime>() {
    for (first, heard) in [
        (DnsServer::Closed, &[2][..]),
        (DnsServer::RefusesAll, &[1, 2]),
        (DnsServer::ServFailAll, &[1, 2]),
    ] {
        let rig = healthy().name_servers([first, DnsServer::Healthy]);
        // Well before the first would be given up
        let found = timed(Duration::ZERO, || rig.find::<R>(NAME));
        assert_eq!(addresses(&found), [HERE]);
        assert_eq!(servers(&rig, RecordType::A), heard);
        assert_eq!(servers(&rig, RecordType::AAAA), heard);
    }
}

fn a_silent_name_server_leaves_time_for_the_next<R: Runtime>() {
    let rig = healthy().name_servers([DnsServer::Silent, DnsServer::Healthy]);
    // Two servers, each tried twice: a quarter of the deadline, but for a twentieth of that
    let rig = rig.configure(|config| config.deadlines.dns = ms(1200));
    let found = timed(ms(285), || rig.find::<R>(NAME));
    assert_eq!(addresses(&found), [HERE]);
    assert_eq!(servers(&rig, RecordType::A), [1, 2]);
    // And no longer than resolv.conf's timeout says
    let mut rig = healthy().name_servers([DnsServer::Silent, DnsServer::Healthy]);
    rig.dns.timeout = ms(100);
    let found = timed(ms(100), || rig.find::<R>(NAME));
    assert_eq!(addresses(&found), [HERE]);
}

fn a_negative_answer_is_not_doubted<R: Runtime>() {
    let rig = Rig::new(|_| {}).name_servers([DnsServer::Healthy, DnsServer::Healthy]);
    let error = rig.resolve::<R>(NAME).unwrap_err();
    assert_eq!(cause(&error), AttemptError::NoAddress(Absence::NoSuchName));
    assert_eq!(servers(&rig, RecordType::A), [1]);
}

fn name_servers_that_all_fail_give_the_most_telling_error<R: Runtime>() {
    for (servers, expected) in [
        (
            [DnsServer::Closed, DnsServer::Closed],
            DnsError::Unreachable,
        ),
        ([DnsServer::Silent, DnsServer::Closed], DnsError::TimedOut),
        (
            [DnsServer::RefusesAll, DnsServer::Silent],
            DnsError::Refused,
        ),
        (
            [DnsServer::RefusesAll, DnsServer::ServFailAll],
            DnsError::ServFail,
        ),
    ] {
        let mut rig = healthy().name_servers(servers);
        rig.dns.timeout = ms(50);
        let error = rig.resolve::<R>(NAME).unwrap_err();
        assert_eq!(cause(&error), unanswered(expected), "{servers:?}");
    }
}

fn without_a_name_server_nothing_is_reachable<R: Runtime>() {
    let rig = healthy().name_servers([]);
    let error = rig.resolve::<R>(NAME).unwrap_err();
    assert_eq!(cause(&error), unanswered(DnsError::Unreachable));
}

fn an_srv_question_without_an_answer_makes_the_result_provisional<R: Runtime>() {
    for (fault, expected) in [
        (DnsFault::CnameLoop, DnsError::AliasLoop),
        (DnsFault::GarbledRecord, DnsError::Malformed),
        (DnsFault::NotImplemented, DnsError::ResponseCode(4)),
        (DnsFault::Refused, DnsError::Refused),
        (DnsFault::ServFail, DnsError::ServFail),
        (DnsFault::Silence, DnsError::TimedOut),
    ] {
        let rig = Rig::new(|plan| {
            host(plan);
            plan.dns_fault(OWNER, RecordType::SRV, fault);
        });
        let rig = rig.configure(|config| config.deadlines.dns = ms(300));
        let found = rig.find::<R>("example.org");
        assert_eq!(
            (found.destination.step(), &*addresses(&found)[0]),
            ("6", HERE)
        );
        assert!(found.notes.provisional);
        let [Warning::SrvUnanswered { owner, error }] = &found.notes.warnings[..] else {
            panic!("{:?}", found.notes.warnings);
        };
        assert_eq!((&*owner.to_string(), *error), (OWNER, expected));
    }
}

fn an_srv_question_with_a_negative_answer_does_not<R: Runtime>() {
    for fault in [DnsFault::NoData, DnsFault::NxDomain] {
        let rig = Rig::new(|plan| {
            host(plan);
            plan.dns_fault(OWNER, RecordType::SRV, fault);
        });
        let found = rig.find::<R>("example.org");
        assert_eq!(
            (found.destination.step(), &*addresses(&found)[0]),
            ("6", HERE)
        );
        assert!(!found.notes.provisional && found.notes.warnings.is_empty());
    }
}

fn no_search_list_applies<R: Runtime>() {
    for name in ["short", "short:8448", "two.labels"] {
        let mut rig = Rig::new(|plan| {
            for found in ["short.corp.example", "two.labels.corp.example"] {
                plan.a(found, "198.51.100.66");
            }
        });
        let server = rig.world.dns();
        let resolv_conf = b"search corp.example\ndomain corp.example\noptions ndots:5\n";
        rig.dns = DnsConfig::from_resolv_conf(resolv_conf).unwrap();
        rig.dns.servers = vec![server];
        let error = rig.resolve::<R>(name).unwrap_err();
        assert_eq!(cause(&error), AttemptError::NoAddress(Absence::NoSuchName));
        let questions = rig.questions();
        assert!(
            !questions.iter().any(|it| it.contains("corp")),
            "{questions:?}"
        );
    }
}

fn questions_are_absolute_whatever_the_name_looks_like<R: Runtime>() {
    for (name, labels) in [
        ("example.org", 2),
        ("example.org.", 2),
        ("org", 1),
        ("a.b.c.d.e", 5),
    ] {
        let rig = Rig::new(|_| {}).configure(|config| config.lookahead = Lookahead::None);
        rig.resolve::<R>(name).unwrap_err();
        for query in rig.world.dns_queries() {
            let service = if query.record_type == RecordType::SRV {
                2
            } else {
                0
            };
            assert!(query.name.ends_with('.'));
            assert_eq!(
                query.name.matches('.').count(),
                labels + service,
                "{}",
                query.name
            );
        }
    }
}

fn special_names_are_never_asked_for<R: Runtime>() {
    let rig = Rig::new(|_| {});
    for name in ["localhost", "a.localhost:8448", "a.invalid", "invalid:8448"] {
        rig.connect::<R>(name).unwrap_err();
    }
    for name in ["abc.onion", "abc.onion:8448"] {
        let error = rig.connect::<R>(name).unwrap_err();
        assert_eq!(error.kind, DiscoveryErrorKind::Onion);
    }
    assert_eq!(rig.questions(), [""; 0]);
    // Nor where an alias leads
    for target in ["a.onion", "a.invalid", "a.localhost"] {
        let rig = Rig::new(|plan| {
            plan.cname("example.org", target);
            plan.dns_fault("example.org", RecordType::ANY, DnsFault::CnameWithoutTarget);
        });
        rig.connect::<R>(NAME).unwrap_err();
        assert_eq!(rig.questions().len(), 2, "{target}");
    }
}

fn the_hosts_file_is_read_before_dns_is_asked<R: Runtime>() {
    let mut rig = healthy();
    let line = "203.0.113.9 example.org # as an administrator wants it\n";
    let found = with_hosts(&mut rig, line, |rig| rig.resolve::<R>(NAME));
    assert_eq!(addresses(&found.unwrap()), ["203.0.113.9:8448"]);
    assert_eq!(rig.questions(), [""; 0]);
}

/// As Debian's installer writes it
fn an_own_name_at_the_loopback_device_is_refused_with_the_setting_that_would_admit_it<
    R: Runtime,
>() {
    let mut rig = healthy();
    let line = "127.0.1.1 example.org example\n";
    let error = with_hosts(&mut rig, line, |rig| rig.resolve::<R>(NAME)).unwrap_err();
    let text = Chain(&error).to_string();
    let reason = "address refused: in the special-purpose network 127.0.0.0/8; \
                  Config::addresses.allow would admit it";
    assert!(text.ends_with(reason), "{text}");
    let allow = |config: &mut Config| config.addresses.allow.push("127.0.1.1/32".parse().unwrap());
    let mut rig = rig.configure(allow);
    let found = with_hosts(&mut rig, line, |rig| rig.resolve::<R>(NAME));
    assert_eq!(addresses(&found.unwrap()), ["127.0.1.1:8448"]);
}

/// What comes of a search while this is the hosts file
fn with_hosts<T>(rig: &mut Rig, content: &str, search: impl FnOnce(&Rig) -> T) -> T {
    let file = format!(
        "fedway-hosts-{}-{}",
        std::process::id(),
        rig.world.dns().port()
    );
    let path = std::env::temp_dir().join(file);
    std::fs::write(&path, content).unwrap();
    rig.dns.hosts = Some(path.clone());
    let outcome = search(rig);
    std::fs::remove_file(path).unwrap();
    outcome
}

fn a_service_that_is_not_offered_ends_the_search<R: Runtime>() {
    let rig = Rig::new(|plan| {
        host(plan);
        plan.srv(OWNER, 0, 0, 0, ".");
    });
    let error = rig.connect::<R>("example.org").unwrap_err();
    let DiscoveryErrorKind::NotOffered { service } = &error.kind else {
        panic!("{error}");
    };
    assert_eq!((&*service.to_string(), error.step()), (OWNER, "4"));
    assert!(!error.is_temporary());
    assert!(rig.world.connections_to(HERE).is_empty());
}

fn names_that_no_message_can_hold_are_not_sent<R: Runtime>() {
    let rig = Rig::new(|_| {});
    let long = format!("{}.org:8448", "a".repeat(64));
    let error = rig.resolve::<R>(&long).unwrap_err();
    assert_eq!(cause(&error), unanswered(DnsError::NotEncodable));
    assert!(!error.is_temporary());
    assert_eq!(rig.questions(), [""; 0]);
}

/// `example.org` with an IPv4 address, and this fault with both types
fn faulty(fault: DnsFault) -> Rig {
    Rig::new(|plan| {
        host(plan);
        plan.dns_fault("example.org", RecordType::A, fault.clone());
        plan.dns_fault("example.org", RecordType::AAAA, fault);
    })
}

fn healthy() -> Rig {
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

/// How the questions for A travelled, in their order
fn transports(rig: &Rig) -> Vec<Transport> {
    let queries = rig.world.dns_queries().into_iter();
    let of_a = queries.filter(|it| it.record_type == RecordType::A);
    of_a.map(|it| it.transport).collect()
}

/// Which name servers were asked for a type, in their order
fn servers(rig: &Rig, record_type: RecordType) -> Vec<usize> {
    let queries = rig.world.dns_queries().into_iter();
    let of_type = queries.filter(|it| it.record_type == record_type);
    of_type.map(|it| it.server).collect()
}

/// Its addresses are all that is asked for
const NAME: &str = "example.org:8448";

const HERE: &str = "198.51.100.1:8448";

const OWNER: &str = "_matrix-fed._tcp.example.org";
