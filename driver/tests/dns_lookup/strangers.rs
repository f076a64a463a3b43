//! What is no response to the query.

use fedway_driver::dns::{Step, Transport};
use hickory_proto::op::{Edns, MessageType, OpCode, ResponseCode};
use hickory_proto::rr::{DNSClass, RecordType};

use crate::rig::*;

#[test]
fn a_datagram_that_does_not_match_is_passed_over_and_the_truth_is_heard_after_it() {
    let edits: [(&str, Edit); 9] = [
        ("id", |message| message.metadata.id ^= 1),
        ("query", |message| {
            message.metadata.message_type = MessageType::Query
        }),
        ("opcode", |message| {
            message.metadata.op_code = OpCode::Status
        }),
        ("name", |message| {
            message.queries[0].name = name("example.net.")
        }),
        ("type", |message| {
            message.queries[0].query_type = RecordType::AAAA
        }),
        ("class", |message| {
            message.queries[0].query_class = DNSClass::CH
        }),
        ("no question", |message| message.queries.clear()),
        ("two questions", |message| {
            message.queries.push(message.queries[0].clone())
        }),
        ("error with another question", |message| {
            message.metadata.response_code = ResponseCode::ServFail;
            message.queries[0].name = name("example.net.");
        }),
    ];
    for (what, edit) in edits {
        let mut lookup = v4("example.org");
        let sent = send(&mut lookup);
        sent.reply(&mut lookup, |message| {
            message.add_answer(a("example.org.", 1, 66));
            edit(message);
        });
        assert_eq!(waits(&mut lookup), at(END / 2), "{what}");
        sent.answer(&mut lookup, &[a("example.org.", 1, 1)]);
        assert_eq!(done(&mut lookup), found(&[1], 1, false), "{what}");
    }
}

#[test]
fn the_question_is_compared_without_regard_to_case() {
    let mut lookup = v4("example.org");
    let sent = send(&mut lookup);
    sent.reply(&mut lookup, |message| {
        message.queries[0].name = name("EXAMPLE.Org.");
        message.add_answer(a("eXAMPLE.org.", 1, 1));
    });
    assert_eq!(done(&mut lookup), found(&[1], 1, false));
}

#[test]
fn garbage_counts_as_malformed_only_with_the_right_id() {
    let mut lookup = v4("example.org");
    let sent = send(&mut lookup);
    let [high, low] = sent.query.metadata.id.to_be_bytes();
    for garbage in [&[][..], &[high], &[high, low ^ 1, 1, 2, 3], &[0xff; 100]] {
        lookup.handle_message(sent.transmit.id(), garbage, at(1));
        assert_eq!(waits(&mut lookup), at(END / 2));
    }
    lookup.handle_message(sent.transmit.id(), &[high, low, 0x80], at(1));
    assert_eq!(
        send(&mut lookup).way(),
        (false, Transport::Udp),
        "the next exchange"
    );

    let mut response = sent.response();
    response.add_answer(a("example.org.", 1, 1));
    let bytes = response.to_vec().unwrap();
    for len in 2..bytes.len() {
        let mut lookup = v4("example.org");
        let id = send(&mut lookup).transmit.id();
        lookup.handle_message(id, &bytes[..len], at(1));
        assert_eq!(cancels(&mut lookup), [id], "{len} bytes");
        assert!(matches!(lookup.poll(), Step::Send(_)), "{len} bytes");
    }
}

#[test]
fn an_endless_flow_of_forgeries_ends_with_the_try() {
    let mut lookup = v4("example.org");
    let sent = send(&mut lookup);
    lookup.handle_message(sent.transmit.id(), b"forged", tick_before(at(END / 2)));
    assert_eq!(waits(&mut lookup), at(END / 2));
    lookup.handle_message(sent.transmit.id(), b"forged", at(END / 2));
    assert!(matches!(lookup.poll(), Step::Send(_)));
}

#[test]
fn what_belongs_to_an_exchange_that_is_over_changes_nothing() {
    let mut lookup = v4("example.org");
    let over_udp = send(&mut lookup);
    over_udp.reply(&mut lookup, |message| message.metadata.truncation = true);
    let over_tcp = send(&mut lookup);
    let until = waits(&mut lookup);
    over_udp.answer(&mut lookup, &[a("example.org.", 1, 1)]);
    lookup.handle_failure(over_udp.transmit.id(), at(1));
    lookup.handle_out_of_resources(over_udp.transmit.id(), at(1));
    assert_eq!(lookup.poll(), Step::Wait { until: Some(until) });
    over_tcp.answer(&mut lookup, &[a("example.org.", 1, 2)]);
    assert_eq!(done(&mut lookup), found(&[2], 1, false));
}

#[test]
fn no_bytes_make_it_panic() {
    let mut response = send(&mut v4("example.org")).response();
    response.add_answers([cname("example.org.", 1, "b.org."), a("b.org.", 1, 1)]);
    response.add_authority(soa("org.", 1, 1));
    response.set_edns(Edns::new());
    let bytes = response.to_vec().unwrap();
    for at_byte in 0..bytes.len() {
        for value in [0, 1, 0x3f, 0x7f, 0x80, 0xc0, 0xff] {
            let mut bytes = bytes.clone();
            bytes[at_byte] = value;
            for transport in [Transport::Udp, Transport::Tcp] {
                let mut lookup = v4("example.org");
                let sent = send_over(transport, &mut lookup);
                bytes[..2].copy_from_slice(&sent.query.metadata.id.to_be_bytes());
                lookup.handle_message(sent.transmit.id(), &bytes, at(1));
                lookup.poll();
            }
        }
    }
}
