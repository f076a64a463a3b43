//! The query that is sent.

use fedway_driver::dns::{DnsConfig, Transport};
use hickory_proto::op::{MessageType, OpCode, Query};
use hickory_proto::rr::RecordType;

use crate::rig::*;

#[test]
fn a_query_asks_one_absolute_question_with_recursion_and_edns() {
    let mut lookup = v6("Example.org");
    let sent = send(&mut lookup);
    assert_eq!(
        (sent.server, sent.transmit.transport()),
        (1, Transport::Udp)
    );
    let metadata = sent.query.metadata;
    assert_eq!(
        (metadata.message_type, metadata.op_code),
        (MessageType::Query, OpCode::Query)
    );
    assert!(metadata.recursion_desired);
    assert_eq!(
        sent.query.queries,
        [Query::query(name("example.org."), RecordType::AAAA)]
    );
    assert_eq!(sent.query.edns.unwrap().max_payload(), 1232);
}

#[test]
fn an_srv_owner_keeps_its_underscores_and_escapes() {
    let mut lookup = srv(r"_matrix._tcp.a\032b.org");
    let labels: Vec<_> = send(&mut lookup).query.queries[0]
        .name
        .iter()
        .map(<[u8]>::to_vec)
        .collect();
    assert_eq!(labels, [&b"_matrix"[..], b"_tcp", b"a b", b"org"]);
}

#[test]
fn the_seed_alone_decides_ids_and_each_query_has_another() {
    let ids = |seed| {
        let mut lookup = seeded(&config(3), seed);
        let mut ids = Vec::new();
        for _ in 0..6 {
            let sent = send(&mut lookup);
            lookup.handle_failure(sent.transmit.id(), at(0));
            ids.push(sent.query.metadata.id);
        }
        ids
    };
    assert_eq!(ids(1), ids(1));
    assert_ne!(ids(1), ids(2));
    let mut distinct = ids(1);
    distinct.sort_unstable();
    distinct.dedup();
    assert_eq!(distinct.len(), 6);
}

#[test]
fn rotation_begins_with_each_server_and_is_off_by_default() {
    let firsts = |config: &DnsConfig| {
        let mut firsts: Vec<_> = (0..32)
            .map(|seed| send(&mut seeded(config, seed)).server)
            .collect();
        firsts.sort_unstable();
        firsts.dedup();
        firsts
    };
    let mut config = config(3);
    assert_eq!(firsts(&config), [1]);
    config.rotate = true;
    assert_eq!(firsts(&config), [1, 2, 3]);
}
