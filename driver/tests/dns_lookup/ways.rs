//! Servers that do not understand everything: EDNS and TCP.

use fedway_core::{Answer, DnsError, Family};
use fedway_driver::dns::{Step, Transport};
use hickory_proto::op::{MessageType, ResponseCode};
use hickory_proto::rr::rdata::SRV;
use hickory_proto::rr::{RData, Record};

use crate::rig::*;

#[test]
fn a_server_that_does_not_understand_edns_is_asked_again_without_it() {
    for code in [ResponseCode::FormErr, ResponseCode::NotImp] {
        for with_question in [true, false] {
            let mut lookup = v4("example.org");
            let sent = send(&mut lookup);
            sent.reply(&mut lookup, |message| {
                message.metadata.response_code = code;
                if !with_question {
                    message.queries.clear();
                }
            });
            let again = send(&mut lookup);
            assert_eq!((again.server, again.query.edns.is_none()), (1, true));
            assert_ne!(again.query.metadata.id, sent.query.metadata.id);
            again.answer(&mut lookup, &[a("example.org.", 1, 1)]);
            assert_eq!(done(&mut lookup), found(&[1], 1, false));
        }
    }
}

#[test]
fn a_server_that_does_not_understand_the_plain_query_either_has_failed() {
    let mut lookup = seeded(&config(2), 1);
    for (server, edns) in [
        (1, true),
        (1, false),
        (2, true),
        (2, false),
        (1, false),
        (2, false),
    ] {
        let sent = send(&mut lookup);
        assert_eq!((sent.server, sent.query.edns.is_some()), (server, edns));
        sent.code(&mut lookup, ResponseCode::FormErr);
    }
    assert_eq!(done(&mut lookup), Err(DnsError::ResponseCode(1)));
}

#[test]
fn what_does_not_fit_is_asked_for_over_tcp() {
    let mut lookup = seeded(&config(2), 1);
    let sent = send(&mut lookup);
    sent.reply(&mut lookup, |message| {
        message.metadata.truncation = true;
        message.add_answer(a("example.org.", 1, 66));
    });
    let over_tcp = send(&mut lookup);
    assert_eq!(
        (over_tcp.server, over_tcp.transmit.transport()),
        (1, Transport::Tcp)
    );
    assert_eq!(over_tcp.query.queries, sent.query.queries);
    assert_ne!(over_tcp.query.metadata.id, sent.query.metadata.id);
    over_tcp.answer(&mut lookup, &[a("example.org.", 1, 1)]);
    assert_eq!(done(&mut lookup), found(&[1], 1, false));
}

#[test]
fn a_response_that_was_cut_within_a_record_is_asked_for_over_tcp() {
    let mut lookup = v4("example.org");
    let sent = send(&mut lookup);
    let mut response = sent.response();
    response.metadata.truncation = true;
    response.add_answer(a("example.org.", 1, 1));
    let bytes = response.to_vec().unwrap();
    lookup.handle_message(sent.transmit.id(), &bytes[..bytes.len() - 3], at(1));
    assert_eq!(send(&mut lookup).transmit.transport(), Transport::Tcp);
}

#[test]
fn over_tcp_what_does_not_match_is_asked_for_without_edns_and_then_ends_the_try() {
    let edits: [Edit; 3] = [
        |message| message.metadata.id ^= 1,
        |message| message.queries[0].name = name("example.net."),
        |message| message.metadata.truncation = true,
    ];
    for edit in edits {
        let mut lookup = seeded(&config(2), 1);
        send_over(Transport::Tcp, &mut lookup).reply(&mut lookup, edit);
        let plain = send(&mut lookup);
        assert_eq!((plain.server, plain.way()), (1, (false, Transport::Udp)));
        plain.reply(&mut lookup, |message| message.metadata.truncation = true);
        let over_tcp = send(&mut lookup);
        assert_eq!(
            (over_tcp.server, over_tcp.way()),
            (1, (false, Transport::Tcp))
        );
        over_tcp.reply(&mut lookup, edit);
        assert_eq!(send(&mut lookup).server, 2);
    }
}

#[test]
fn a_stream_that_fails_moves_on_to_the_next_server() {
    let mut lookup = seeded(&config(2), 1);
    let sent = send_over(Transport::Tcp, &mut lookup);
    lookup.handle_failure(sent.transmit.id(), at(1));
    assert_eq!(send(&mut lookup).server, 2);
}

/// resolv.conf(5), `use-vc`: "forces the use of TCP for DNS resolutions"
#[test]
fn with_use_vc_nothing_goes_by_udp() {
    let mut config = config(1);
    config.tcp = true;
    let mut lookup = of_family("example.org", Family::V4, &config);
    let sent = send(&mut lookup);
    assert_eq!(sent.way(), (true, Transport::Tcp));
    sent.code(&mut lookup, ResponseCode::FormErr);
    let sent = send(&mut lookup);
    assert_eq!(sent.way(), (false, Transport::Tcp));
    sent.answer(&mut lookup, &[a("example.org.", 1, 1)]);
    assert_eq!(done(&mut lookup), found(&[1], 1, false));

    let mut lookup = of_family("example.org", Family::V4, &config);
    let mut ways = Vec::new();
    while let Step::Send(transmit) = step(&mut lookup) {
        ways.push(Sent::from(transmit).way());
        time_out(&mut lookup);
    }
    assert_eq!(ways, [(true, Transport::Tcp), (false, Transport::Tcp)]);
}

/// A router's proxy that puts its answer behind the whole query: our OPT record stands where the answer should
#[test]
fn an_answer_behind_the_whole_query_is_asked_for_without_edns() {
    let mut lookup = v4("example.org");
    let proxied = |sent: &Sent, lookup: &mut _| {
        sent.bytes(
            lookup,
            |message| {
                *message = sent.query.clone();
                message.metadata.message_type = MessageType::Response;
            },
            |bytes| {
                // The number of answers, and one that points to the name of the question
                bytes[7] = 1;
                bytes.extend([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 9, 0, 4, 192, 0, 2, 1]);
            },
        );
    };
    let sent = send(&mut lookup);
    proxied(&sent, &mut lookup);
    let sent = send(&mut lookup);
    assert_eq!((sent.server, sent.way()), (1, (false, Transport::Udp)));
    proxied(&sent, &mut lookup);
    assert_eq!(done(&mut lookup), found(&[1], 9, false));
}

/// ARCOUNT copied from the query, and what it counts left out
#[test]
fn an_answer_whose_additional_section_is_missing_or_broken_is_whole() {
    for broken in [
        &[][..],
        &[63],
        &[0, 0, 41, 0, 0, 0, 0, 0, 0, 0, 99, 1],
        &[0x80; 40],
    ] {
        let mut lookup = v4("example.org");
        send(&mut lookup).bytes(
            &mut lookup,
            |message| message.answers = vec![a("example.org.", 1, 1)],
            |bytes| {
                bytes[11] = 1;
                bytes.extend(broken);
            },
        );
        assert_eq!(done(&mut lookup), found(&[1], 1, false), "{broken:?}");
    }
}

/// 20 SRV records, cut at 512 bytes, and the header does not say so (RFC 7766 §5)
#[test]
fn an_answer_that_was_cut_without_saying_so_is_asked_for_over_tcp() {
    let mut lookup = srv("_matrix._tcp.example.org");
    let sent = send(&mut lookup);
    let record = |port| {
        let target = name(&format!("matrix-{port}.example.net."));
        let data = RData::SRV(SRV::new(0, 0, port, target));
        Record::from_rdata(name("_matrix._tcp.example.org."), 9, data)
    };
    let records: Vec<_> = (1..=20).map(record).collect();
    sent.bytes(
        &mut lookup,
        |message| message.answers = records.clone(),
        |bytes| {
            assert!(bytes.len() > 512);
            bytes.truncate(512);
        },
    );
    let over_tcp = send(&mut lookup);
    assert_eq!(
        (over_tcp.server, over_tcp.way()),
        (1, (true, Transport::Tcp))
    );
    over_tcp.answer(&mut lookup, &records);
    let Ok(Answer::Found { records, .. }) = done(&mut lookup) else {
        panic!("not found")
    };
    assert_eq!(records.len(), 20);
}

/// The core goes on from that as if the records were absent, and says so
#[test]
fn a_truncated_answer_without_tcp_is_no_answer() {
    let mut lookup = srv("_matrix._tcp.example.org");
    for _ in 0..2 {
        send(&mut lookup).reply(&mut lookup, |message| message.metadata.truncation = true);
        let over_tcp = send(&mut lookup);
        assert_eq!(over_tcp.transmit.transport(), Transport::Tcp);
        lookup.handle_failure(over_tcp.transmit.id(), at(1));
    }
    assert_eq!(done(&mut lookup), Err(DnsError::Unreachable));
}

#[test]
fn a_malformed_answer_to_the_plain_query_too_is_asked_for_over_tcp_in_the_next_try() {
    let mut lookup = seeded(&config(2), 1);
    let expected = [
        (1, (true, Transport::Udp)),
        (1, (false, Transport::Udp)),
        (2, (true, Transport::Udp)),
        (2, (false, Transport::Udp)),
        (1, (false, Transport::Tcp)),
        (2, (false, Transport::Tcp)),
    ];
    for expected in expected {
        let sent = send(&mut lookup);
        assert_eq!((sent.server, sent.way()), expected);
        sent.garbage(&mut lookup);
    }
    assert_eq!(done(&mut lookup), Err(DnsError::Malformed));
}
