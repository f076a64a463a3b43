//! Name servers of the world.

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream, UdpSocket};
use std::time::{Duration, Instant};

use fedway_testkit::world::{DnsFault, DnsServer, RecordType, Transport, World, WorldPlan};
use hickory_proto::op::{Edns, Message, Query, ResponseCode};
use hickory_proto::rr::{Name, RData};

#[test]
fn a_name_is_answered_over_udp_and_tcp() {
    let world = world(|plan| plan.a("example.org", "192.0.2.7").ttl(5));

    let over_udp = ask(&world, "Example.org.", RecordType::A).unwrap();
    let over_tcp = ask_tcp(&world, "Example.org.", RecordType::A);

    assert_eq!(over_udp, over_tcp);
    assert!(over_udp.metadata.authoritative && over_udp.metadata.recursion_available);
    assert_eq!(over_udp.answers[0].ttl, 5);
    assert_eq!(over_udp.answers[0].name.to_ascii(), "Example.org.");
    assert_eq!(addresses(&over_udp), ["192.0.2.7"]);
    let log = world.dns_queries();
    assert_eq!(log[0].name, "example.org.");
    assert_eq!(
        [log[0].transport, log[1].transport],
        [Transport::Udp, Transport::Tcp]
    );
}

#[test]
fn an_unknown_name_and_a_missing_type_differ_and_both_bring_the_soa() {
    let world = world(|plan| {
        plan.negative_ttl(7);
        plan.srv("_matrix._tcp.example.org", 1, 2, 8448, "host.example.org")
            .ttl(1);
    });

    let missing = ask(&world, "example.org", RecordType::A).unwrap();
    let unknown = ask(&world, "example.com", RecordType::A).unwrap();

    assert_eq!(missing.metadata.response_code, ResponseCode::NoError);
    assert_eq!(unknown.metadata.response_code, ResponseCode::NXDomain);
    for reply in [missing, unknown] {
        let RData::SOA(soa) = &reply.authorities[0].data else {
            panic!("no SOA: {reply:?}");
        };
        assert_eq!((soa.minimum, reply.authorities[0].ttl), (7, 7));
    }
}

#[test]
fn aliases_are_followed_unless_the_target_is_left_out() {
    let world = world(|plan| {
        plan.cname("alias.example.org", "middle.example.com");
        plan.cname("middle.example.com", "real.example.net");
        plan.aaaa("real.example.net", "2001:db8::7");
        let cut = DnsFault::CnameWithoutTarget;
        plan.dns_fault("middle.example.com", RecordType::AAAA, cut);
    });

    let whole = ask(&world, "alias.example.org", RecordType::AAAA).unwrap();
    let alone = ask(&world, "middle.example.com", RecordType::AAAA).unwrap();

    assert_eq!(whole.answers.len(), 3);
    assert_eq!(addresses(&whole), ["2001:db8::7"]);
    assert_eq!(alone.answers.len(), 1);
    assert_eq!(alone.answers[0].record_type(), RecordType::CNAME);
}

#[test]
fn an_answer_too_long_for_the_datagram_is_truncated() {
    let world = world(|plan| {
        for host in 0..60 {
            plan.a("example.org", &format!("192.0.2.{host}"));
        }
    });
    let mut large = query("example.org", RecordType::A);
    large
        .set_edns(Edns::new())
        .edns
        .as_mut()
        .unwrap()
        .set_max_payload(1232);

    let plain = ask(&world, "example.org", RecordType::A).unwrap();
    let large = exchange(world.dns(), &large).unwrap();
    let tcp = ask_tcp(&world, "example.org", RecordType::A);

    assert!(plain.metadata.truncation && plain.answers.is_empty());
    assert!(!large.metadata.truncation && large.edns.is_some());
    assert_eq!((large.answers.len(), tcp.answers.len()), (60, 60));
}

#[test]
fn codes_come_as_they_were_planned() {
    let planned = [
        (DnsFault::NoData, ResponseCode::NoError),
        (DnsFault::NotImplemented, ResponseCode::NotImp),
        (DnsFault::NxDomain, ResponseCode::NXDomain),
        (DnsFault::Refused, ResponseCode::Refused),
        (DnsFault::ServFail, ResponseCode::ServFail),
    ];
    for (fault, code) in planned {
        let world = faulty(fault);
        let reply = ask(&world, "example.org", RecordType::A).unwrap();
        assert_eq!(
            (reply.metadata.response_code, reply.answers.len()),
            (code, 0)
        );
        assert_eq!(
            addresses(&ask(&world, "other.example.org", RecordType::A).unwrap()).len(),
            1
        );
    }
}

#[test]
fn an_old_server_rejects_edns_and_answers_without() {
    for fault in [DnsFault::FormErr, DnsFault::NotImplementedToEdns] {
        let world = faulty(fault);
        let mut with_edns = query("example.org", RecordType::A);
        with_edns.set_edns(Edns::new());

        let rejected = exchange(world.dns(), &with_edns).unwrap();
        let plain = ask(&world, "example.org", RecordType::A).unwrap();

        assert_ne!(rejected.metadata.response_code, ResponseCode::NoError);
        assert!(rejected.edns.is_none());
        assert_eq!(addresses(&plain), ["192.0.2.7"]);
        assert_eq!(
            world
                .dns_queries()
                .iter()
                .map(|it| it.edns)
                .collect::<Vec<_>>(),
            [true, false]
        );
    }
}

#[test]
fn a_silent_name_stays_silent_and_dropped_queries_are_counted() {
    let silent = faulty(DnsFault::Silence);
    assert_eq!(
        ask(&silent, "example.org", RecordType::A).unwrap_err(),
        ErrorKind::WouldBlock
    );
    silent.end_dns_fault("example.org", RecordType::A);
    assert!(ask(&silent, "example.org", RecordType::A).is_ok());

    let forgetful = faulty(DnsFault::DropFirst(1));
    assert!(ask(&forgetful, "example.org", RecordType::A).is_err());
    assert!(ask(&forgetful, "example.org", RecordType::A).is_ok());
}

#[test]
fn a_slow_name_keeps_no_other_waiting() {
    let world = faulty(DnsFault::Slow(Duration::from_millis(150)));
    let socket = connect(world.dns());
    let start = Instant::now();
    send(&socket, &query("example.org", RecordType::A));
    send(&socket, &query("other.example.org", RecordType::A));

    let first = receive(&socket).unwrap();
    let second = receive(&socket).unwrap();

    assert_eq!(first.queries[0].name.to_ascii(), "other.example.org.");
    assert_eq!(addresses(&second), ["192.0.2.7"]);
    assert!(start.elapsed() >= Duration::from_millis(150));
}

#[test]
fn forged_replies_are_recognisable() {
    let asked = query("example.org", RecordType::A);

    let wrong_id = exchange(faulty(DnsFault::WrongId).dns(), &asked).unwrap();
    assert_ne!(wrong_id.metadata.id, asked.metadata.id);

    let wrong_question = exchange(faulty(DnsFault::WrongQuestion).dns(), &asked).unwrap();
    assert_eq!(wrong_question.metadata.id, asked.metadata.id);
    assert_ne!(wrong_question.queries, asked.queries);

    let spoofing = faulty(DnsFault::SpoofThenRight("198.51.100.1".parse().unwrap()));
    let socket = connect(spoofing.dns());
    send(&socket, &asked);
    let (forged, right) = (receive(&socket).unwrap(), receive(&socket).unwrap());
    assert_ne!(forged.metadata.id, asked.metadata.id);
    assert_eq!(addresses(&forged), ["198.51.100.1"]);
    assert_eq!(right.metadata.id, asked.metadata.id);
    assert_eq!(addresses(&right), ["192.0.2.7"]);

    let garbage = faulty(DnsFault::Garbage);
    assert_eq!(
        exchange(garbage.dns(), &asked).unwrap_err(),
        ErrorKind::InvalidData
    );
}

#[test]
fn truncation_on_demand_is_for_udp_only() {
    let world = faulty(DnsFault::Truncate);
    assert!(
        ask(&world, "example.org", RecordType::A)
            .unwrap()
            .metadata
            .truncation
    );
    assert_eq!(
        addresses(&ask_tcp(&world, "example.org", RecordType::A)),
        ["192.0.2.7"]
    );
}

#[test]
fn a_loop_of_aliases_closes() {
    let reply = ask(&faulty(DnsFault::CnameLoop), "example.org", RecordType::A).unwrap();
    let RData::CNAME(end) = &reply.answers[1].data else {
        panic!("no alias: {reply:?}");
    };
    assert_eq!(end.0, reply.queries[0].name);
}

#[test]
fn extra_name_servers_fail_in_their_own_ways() {
    let world = world(|plan| plan.a("example.org", "192.0.2.7").ttl(5));
    let asked = query("example.org", RecordType::A);
    let ask = |server| exchange(world.extra_dns(server).unwrap(), &asked);

    let code = |reply: Message| reply.metadata.response_code;
    assert_eq!(
        ask(DnsServer::Closed).unwrap_err(),
        ErrorKind::ConnectionRefused
    );
    assert_eq!(ask(DnsServer::Silent).unwrap_err(), ErrorKind::WouldBlock);
    assert_eq!(
        code(ask(DnsServer::ServFailAll).unwrap()),
        ResponseCode::ServFail
    );
    assert_eq!(
        code(ask(DnsServer::RefusesAll).unwrap()),
        ResponseCode::Refused
    );
    assert_eq!(addresses(&ask(DnsServer::Healthy).unwrap()), ["192.0.2.7"]);

    let asked_in_order: Vec<_> = world.dns_queries().iter().map(|it| it.server).collect();
    assert_eq!(asked_in_order, [2, 3, 4, 5]);
    let closed = world.extra_dns(DnsServer::Closed).unwrap();
    assert_eq!(
        TcpStream::connect(closed).unwrap_err().kind(),
        ErrorKind::ConnectionRefused
    );
}

#[test]
fn records_come_and_go_while_the_world_runs() {
    let world = world(|_| {});
    let is_known = || {
        !ask(&world, "example.org", RecordType::A)
            .unwrap()
            .answers
            .is_empty()
    };

    assert!(!is_known());
    world
        .add(|plan| plan.a("example.org", "192.0.2.7").ttl(5))
        .unwrap();
    assert!(is_known());
    world.remove_records("example.org");
    assert!(!is_known());
}

#[test]
fn a_burst_of_a_thousand_queries_is_answered_whole() {
    let world = world(|plan| plan.a("example.org", "192.0.2.7").ttl(5));
    let clients: Vec<_> = (0..8).map(|_| world.dns()).collect();
    std::thread::scope(|scope| {
        for server in clients {
            scope.spawn(move || {
                for _ in 0..125 {
                    exchange(server, &query("example.org", RecordType::A)).unwrap();
                }
            });
        }
    });
    assert_eq!(world.dns_queries().len(), 1000);
}

fn world(describe: impl FnOnce(&mut WorldPlan)) -> World {
    let mut plan = WorldPlan::new();
    describe(&mut plan);
    plan.start().unwrap()
}

/// Two names, one of which answers faultily.
fn faulty(fault: DnsFault) -> World {
    world(|plan| {
        plan.a("example.org", "192.0.2.7");
        plan.a("other.example.org", "192.0.2.8");
        plan.dns_fault("example.org", RecordType::A, fault);
    })
}

fn query(name: &str, record_type: RecordType) -> Message {
    let mut message = Message::query();
    let mut name = Name::from_ascii(name).unwrap();
    name.set_fqdn(true);
    message.metadata.id = 7;
    message.add_query(Query::query(name, record_type));
    message
}

fn ask(world: &World, name: &str, record_type: RecordType) -> Result<Message, ErrorKind> {
    exchange(world.dns(), &query(name, record_type))
}

fn exchange(server: SocketAddr, query: &Message) -> Result<Message, ErrorKind> {
    let socket = connect(server);
    send(&socket, query);
    receive(&socket)
}

fn connect(server: SocketAddr) -> UdpSocket {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    socket
        .set_read_timeout(Some(Duration::from_millis(400)))
        .unwrap();
    socket.connect(server).unwrap();
    socket
}

fn send(socket: &UdpSocket, query: &Message) {
    socket.send(&query.to_vec().unwrap()).unwrap();
}

fn receive(socket: &UdpSocket) -> Result<Message, ErrorKind> {
    let mut buffer = [0; 4096];
    let length = socket.recv(&mut buffer).map_err(|error| error.kind())?;
    Message::from_vec(&buffer[..length]).map_err(|_| ErrorKind::InvalidData)
}

fn ask_tcp(world: &World, name: &str, record_type: RecordType) -> Message {
    let mut stream = TcpStream::connect(world.dns()).unwrap();
    let query = query(name, record_type).to_vec().unwrap();
    let length = u16::try_from(query.len()).unwrap();
    stream
        .write_all(&[&length.to_be_bytes(), &query[..]].concat())
        .unwrap();
    let mut length = [0; 2];
    stream.read_exact(&mut length).unwrap();
    let mut reply = vec![0; usize::from(u16::from_be_bytes(length))];
    stream.read_exact(&mut reply).unwrap();
    Message::from_vec(&reply).unwrap()
}

fn addresses(reply: &Message) -> Vec<String> {
    let address = |data: &RData| data.ip_addr().map(|address| address.to_string());
    reply
        .answers
        .iter()
        .filter_map(|record| address(&record.data))
        .collect()
}
