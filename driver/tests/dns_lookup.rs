//! The machine of the DNS stub, in virtual time and without a socket.

#![allow(clippy::unwrap_used)]

use std::net::IpAddr;
use std::str::FromStr;
use std::time::Duration;

use fedway_core::{Absence, Answer, DnsError, DnsName, Family, Instant, SrvRecord};
use fedway_driver::dns::{DnsConfig, Lookup, Step, Transmit, Transport};
use hickory_proto::op::{Edns, Message, MessageType, OpCode, Query, ResponseCode};
use hickory_proto::rr::rdata::{A, AAAA, CNAME, SOA, SRV, TXT};
use hickory_proto::rr::{DNSClass, Name, RData, Record, RecordType};

// The query

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

// Answers

#[test]
fn addresses_are_found_with_the_least_time_to_live() {
    let mut lookup = v4("example.org");
    let sent = send(&mut lookup);
    sent.answer(
        &mut lookup,
        &[a("example.org.", 60, 1), a("EXAMPLE.org.", 30, 2)],
    );
    assert_eq!(done(&mut lookup), found(&[1, 2], 30, false));
    assert_eq!(
        done(&mut lookup),
        found(&[1, 2], 30, false),
        "each further poll says the same"
    );
}

#[test]
fn addresses_of_the_sixth_version_are_found() {
    let mut lookup = v6("example.org");
    let sent = send(&mut lookup);
    let address = "2001:db8::1".parse().unwrap();
    let data = RData::AAAA(AAAA(address));
    sent.answer(
        &mut lookup,
        &[Record::from_rdata(name("example.org."), 5, data)],
    );
    let ttl = Duration::from_secs(5);
    assert_eq!(
        done(&mut lookup),
        Ok(Answer::found(vec![address.into()], ttl))
    );
}

#[test]
fn srv_targets_are_absolute_text_and_the_root_is_a_dot() {
    let mut lookup = srv("_matrix._tcp.example.org");
    let sent = send(&mut lookup);
    let owner = name("_matrix._tcp.example.org.");
    let odd = Name::from_labels([&b"A.b"[..], b"x y", b"org"]).unwrap();
    let records = [
        (1, name("Matrix.example.org.")),
        (2, Name::root()),
        (3, odd),
    ]
    .map(|(priority, target)| {
        let data = RData::SRV(SRV::new(priority, 20, 8448, target));
        Record::from_rdata(owner.clone(), 9, data)
    });
    sent.answer(&mut lookup, &records);
    let Ok(Answer::Found { records, .. }) = done(&mut lookup) else {
        panic!("not found")
    };
    let record = |priority, target| {
        let target = DnsName::new(target).unwrap();
        SrvRecord {
            priority,
            weight: 20,
            port: 8448,
            target,
        }
    };
    assert_eq!(
        records,
        [
            record(1, "matrix.example.org"),
            record(2, "."),
            record(3, r"a\.b.x\032y.org"),
        ]
    );
}

#[test]
fn records_of_other_types_classes_and_owners_are_passed_over() {
    let mut lookup = v4("example.org");
    let sent = send(&mut lookup);
    let mut chaos = a("example.org.", 1, 9);
    chaos.dns_class = DNSClass::CH;
    let text = RData::TXT(TXT::new(vec!["192.0.2.9".into()]));
    sent.answer(
        &mut lookup,
        &[
            chaos,
            Record::from_rdata(name("example.org."), 1, text),
            a("other.org.", 1, 9),
            a("example.org.", 7, 1),
        ],
    );
    assert_eq!(done(&mut lookup), found(&[1], 7, false));
}

#[test]
fn no_more_than_64_records_are_taken() {
    let mut lookup = v4("example.org");
    let sent = send(&mut lookup);
    let records: Vec<_> = (0..65).map(|last| a("example.org.", 1, last)).collect();
    sent.answer(&mut lookup, &records);
    let all: Vec<_> = (0..64).collect();
    assert_eq!(done(&mut lookup), found(&all, 1, false));
}

#[test]
fn a_time_to_live_with_the_top_bit_set_is_zero() {
    for (ttl, read) in [(0x7fff_ffff, 0x7fff_ffff), (0x8000_0000, 0), (u32::MAX, 0)] {
        let mut lookup = v4("example.org");
        let sent = send(&mut lookup);
        sent.answer(&mut lookup, &[a("example.org.", ttl, 1)]);
        assert_eq!(done(&mut lookup), found(&[1], read, false));
    }
}

// Absence

#[test]
fn absence_is_firm_and_lasts_as_the_soa_says() {
    for (code, absence) in [
        (ResponseCode::NXDomain, Absence::NoSuchName),
        (ResponseCode::NoError, Absence::NoData),
    ] {
        for (ttl, minimum, least) in [(300, 60, 60), (60, 300, 60), (300, u32::MAX, 0)] {
            let mut lookup = v4("a.example.org");
            let sent = send(&mut lookup);
            sent.reply(&mut lookup, |message| {
                message.metadata.response_code = code;
                message.add_authority(soa("example.org.", ttl, minimum));
            });
            assert_eq!(done(&mut lookup), absent(absence, Some(least)));
        }
    }
}

#[test]
fn without_the_soa_of_its_zone_nobody_says_how_long_an_absence_lasts() {
    let mut lookup = v4("a.example.org");
    let sent = send(&mut lookup);
    sent.answer(&mut lookup, &[]);
    assert_eq!(done(&mut lookup), absent(Absence::NoData, None));

    let mut lookup = v4("a.example.org");
    let sent = send(&mut lookup);
    sent.reply(&mut lookup, |message| {
        message.metadata.response_code = ResponseCode::NXDomain;
        message.add_authority(soa("example.com.", 60, 60));
    });
    assert_eq!(done(&mut lookup), absent(Absence::NoSuchName, None));
}

#[test]
fn records_beside_nxdomain_are_not_believed() {
    let mut lookup = v4("example.org");
    let sent = send(&mut lookup);
    sent.reply(&mut lookup, |message| {
        message.metadata.response_code = ResponseCode::NXDomain;
        message.add_answer(a("example.org.", 1, 1));
    });
    assert_eq!(done(&mut lookup), absent(Absence::NoSuchName, None));
}

// Aliases

#[test]
fn a_chain_is_followed_in_any_order() {
    let records = [
        cname("a.org.", 50, "B.org."),
        cname("b.org.", 20, "c.org."),
        a("C.org.", 90, 1),
    ];
    for order in [
        [0, 1, 2],
        [0, 2, 1],
        [1, 0, 2],
        [1, 2, 0],
        [2, 0, 1],
        [2, 1, 0],
    ] {
        let mut lookup = v4("a.org");
        let sent = send(&mut lookup);
        sent.answer(&mut lookup, &order.map(|index| records[index].clone()));
        assert_eq!(done(&mut lookup), found(&[1], 20, true), "{order:?}");
    }
}

#[test]
fn a_chain_of_an_srv_owner_is_followed() {
    let mut lookup = srv("_matrix._tcp.a.org");
    let sent = send(&mut lookup);
    let data = RData::SRV(SRV::new(1, 2, 3, name("c.org.")));
    sent.answer(
        &mut lookup,
        &[
            cname("_matrix._tcp.a.org.", 50, "_matrix._tcp.b.org."),
            Record::from_rdata(name("_matrix._tcp.b.org."), 60, data),
        ],
    );
    assert!(matches!(
        done(&mut lookup),
        Ok(Answer::Found { alias: true, .. })
    ));
}

#[test]
fn a_chain_that_leaves_the_response_is_asked_for_where_it_ends() {
    let config = config(2);
    let mut lookup = seeded(&config, 1);
    let first = send(&mut lookup);
    lookup.handle_failure(first.transmit.id(), at(0));
    let second = send(&mut lookup);
    second.answer(
        &mut lookup,
        &[
            cname("example.org.", 50, "b.org."),
            cname("b.org.", 90, "c.org."),
        ],
    );
    let third = send(&mut lookup);
    assert_eq!(
        (third.server, &third.query.queries[0].name),
        (2, &name("c.org."))
    );
    assert_ne!(third.query.metadata.id, second.query.metadata.id);
    third.answer(&mut lookup, &[a("c.org.", 70, 1)]);
    assert_eq!(done(&mut lookup), found(&[1], 50, true));
}

#[test]
fn a_new_question_has_all_its_tries_again_and_no_more_time() {
    let mut lookup = v4("example.org");
    let sent = send(&mut lookup);
    sent.answer_at(
        &mut lookup,
        &[cname("example.org.", 50, "b.org.")],
        at(1_000),
    );
    let servers: Vec<_> = (0..2)
        .map(|index| {
            let sent = send(&mut lookup);
            lookup.handle_timeout(at(3_000 + 2_000 * index));
            sent.server
        })
        .collect();
    assert_eq!(servers, [1, 1]);
    assert_eq!(done(&mut lookup), Err(DnsError::TimedOut));
}

#[test]
fn a_missing_target_is_not_asked_for_when_an_soa_says_it_is_missing() {
    let mut lookup = v4("a.org");
    let sent = send(&mut lookup);
    sent.reply(&mut lookup, |message| {
        message.add_answer(cname("a.org.", 20, "b.com."));
        message.add_authority(soa("com.", 60, 60));
    });
    assert_eq!(done(&mut lookup), absent(Absence::NoData, Some(20)));

    let mut lookup = v4("a.org");
    let sent = send(&mut lookup);
    sent.reply(&mut lookup, |message| {
        message.add_answer(cname("a.org.", 20, "b.com."));
        message.add_authority(soa("org.", 60, 60));
    });
    assert_eq!(send(&mut lookup).query.queries[0].name, name("b.com."));
}

#[test]
fn an_alias_of_a_name_that_does_not_exist_does_not_exist() {
    let mut lookup = v4("a.org");
    let sent = send(&mut lookup);
    sent.reply(&mut lookup, |message| {
        message.metadata.response_code = ResponseCode::NXDomain;
        message.add_answer(cname("a.org.", 90, "b.com."));
        message.add_authority(soa("com.", 60, 60));
    });
    assert_eq!(done(&mut lookup), absent(Absence::NoSuchName, Some(60)));

    let mut lookup = v4("a.org");
    send(&mut lookup).answer(&mut lookup, &[cname("a.org.", 90, "b.com.")]);
    let sent = send(&mut lookup);
    sent.reply(&mut lookup, |message| {
        message.metadata.response_code = ResponseCode::NXDomain;
    });
    assert_eq!(done(&mut lookup), absent(Absence::NoSuchName, None));
}

#[test]
fn aliases_that_come_back_to_themselves_are_a_loop() {
    for records in [
        vec![cname("a.org.", 1, "A.org.")],
        vec![cname("a.org.", 1, "b.org."), cname("b.org.", 1, "a.org.")],
        vec![
            cname("a.org.", 1, "b.org."),
            cname("b.org.", 1, "c.org."),
            cname("c.org.", 1, "b.org."),
        ],
    ] {
        let mut lookup = v4("a.org");
        send(&mut lookup).answer(&mut lookup, &records);
        assert_eq!(done(&mut lookup), Err(DnsError::AliasLoop));
    }
}

#[test]
fn a_loop_over_several_responses_is_a_loop() {
    let mut lookup = v4("a.org");
    send(&mut lookup).answer(&mut lookup, &[cname("a.org.", 1, "b.org.")]);
    send(&mut lookup).answer(&mut lookup, &[cname("b.org.", 1, "a.org.")]);
    assert_eq!(done(&mut lookup), Err(DnsError::AliasLoop));
}

#[test]
fn eleven_aliases_are_followed_and_twelve_are_a_loop() {
    let chain = |len: u8| -> Vec<_> {
        let link = |index| cname(&format!("a{index}."), 1, &format!("a{}.", index + 1));
        (0..len)
            .map(link)
            .chain([a(&format!("a{len}."), 1, 1)])
            .collect()
    };
    let mut lookup = v4("a0");
    send(&mut lookup).answer(&mut lookup, &chain(11));
    assert_eq!(done(&mut lookup), found(&[1], 1, true));

    let mut lookup = v4("a0");
    send(&mut lookup).answer(&mut lookup, &chain(12));
    assert_eq!(done(&mut lookup), Err(DnsError::AliasLoop));

    let mut lookup = v4("a0");
    for index in 0..12 {
        let record = cname(&format!("a{index}."), 1, &format!("a{}.", index + 1));
        send(&mut lookup).answer(&mut lookup, &[record]);
    }
    assert_eq!(
        done(&mut lookup),
        Err(DnsError::AliasLoop),
        "one question for each alias"
    );
}

// Special names

#[test]
fn localhost_is_the_loopback_address_and_nothing_is_sent() {
    let loopback = |address: &str| {
        let records = vec![address.parse().unwrap()];
        Ok(Answer::found(records, Duration::ZERO))
    };
    for host in ["localhost", "LOCALHOST.", "a.b.localhost"] {
        assert_eq!(done(&mut v4(host)), loopback("127.0.0.1"));
        assert_eq!(done(&mut v6(host)), loopback("::1"));
    }
    let nothing = Answer::absent(Absence::NoData, Some(Duration::ZERO));
    assert_eq!(done(&mut srv("_matrix._tcp.localhost")), Ok(nothing));
}

#[test]
fn invalid_onion_and_unencodable_names_are_not_sent() {
    assert_eq!(
        done(&mut v4("a.invalid")),
        absent(Absence::NoSuchName, Some(0))
    );
    assert_eq!(done(&mut v4("a.onion")), Err(DnsError::Onion));
    assert_eq!(done(&mut srv("_matrix._tcp.a.onion")), Err(DnsError::Onion));
    for host in ["a..b", ".", &"a".repeat(64), r"a\999.org"] {
        assert_eq!(done(&mut v4(host)), Err(DnsError::NotEncodable), "{host}");
    }
}

#[test]
fn an_alias_does_not_make_a_special_name_be_sent() {
    for (target, result) in [
        ("b.onion.", Err(DnsError::Onion)),
        ("b.invalid.", absent(Absence::NoSuchName, Some(0))),
        (
            "b.localhost.",
            Ok(Answer::found(vec!["127.0.0.1".parse().unwrap()], Duration::ZERO).by_alias()),
        ),
    ] {
        let mut lookup = v4("a.org");
        send(&mut lookup).answer(&mut lookup, &[cname("a.org.", 9, target)]);
        assert_eq!(done(&mut lookup), result, "{target}");
    }
}

// What is no response to the query

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
        assert_eq!(lookup.poll(), Step::Wait { until: at(2_500) }, "{what}");
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
        assert_eq!(lookup.poll(), Step::Wait { until: at(2_500) });
    }
    lookup.handle_message(sent.transmit.id(), &[high, low, 0x80], at(1));
    assert_eq!(send(&mut lookup).server, 1, "the next try");

    let mut response = sent.response();
    response.add_answer(a("example.org.", 1, 1));
    let bytes = response.to_vec().unwrap();
    for len in 2..bytes.len() {
        let mut lookup = v4("example.org");
        let id = send(&mut lookup).transmit.id();
        lookup.handle_message(id, &bytes[..len], at(1));
        assert!(!lookup.awaits(id), "{len} bytes");
        assert!(matches!(lookup.poll(), Step::Send(_)), "{len} bytes");
    }
}

#[test]
fn an_endless_flow_of_forgeries_ends_with_the_try() {
    let mut lookup = v4("example.org");
    let sent = send(&mut lookup);
    lookup.handle_message(sent.transmit.id(), b"forged", tick_before(2_500));
    assert!(lookup.awaits(sent.transmit.id()));
    assert_eq!(lookup.poll(), Step::Wait { until: at(2_500) });
    lookup.handle_message(sent.transmit.id(), b"forged", at(2_500));
    assert!(matches!(lookup.poll(), Step::Send(_)));
}

#[test]
fn an_answer_that_comes_after_its_try_still_counts() {
    let mut lookup = v4("example.org");
    let slow = send(&mut lookup);
    lookup.handle_timeout(at(2_500));
    let new = send(&mut lookup);
    assert!(lookup.awaits(slow.transmit.id()) && lookup.awaits(new.transmit.id()));
    slow.answer_at(&mut lookup, &[a("example.org.", 1, 1)], at(4_000));
    assert!(matches!(
        lookup.poll(),
        Step::Done(Ok(Answer::Found { .. }))
    ));
    assert!(!lookup.awaits(slow.transmit.id()) && !lookup.awaits(new.transmit.id()));
}

#[test]
fn what_else_comes_after_its_try_changes_nothing() {
    let still_waits = |disturb: fn(&Sent, &mut Lookup<IpAddr>)| {
        let mut lookup = v4("example.org");
        let slow = send(&mut lookup);
        lookup.handle_timeout(at(2_500));
        let new = send(&mut lookup);
        disturb(&slow, &mut lookup);
        lookup.handle_timeout(at(2_500));
        assert_eq!(lookup.poll(), Step::Wait { until: at(5_000) });
        assert!(lookup.awaits(new.transmit.id()));
    };
    still_waits(|slow, lookup| slow.code(lookup, ResponseCode::ServFail));
    still_waits(|slow, lookup| slow.reply(lookup, |message| message.metadata.truncation = true));
    still_waits(|slow, lookup| lookup.handle_failure(slow.transmit.id(), at(2_500)));
    still_waits(|slow, lookup| lookup.handle_message(slow.transmit.id(), b"forged", at(2_500)));
}

#[test]
fn what_belongs_to_an_exchange_that_is_over_changes_nothing() {
    let mut lookup = v4("example.org");
    let over_udp = send(&mut lookup);
    over_udp.reply(&mut lookup, |message| message.metadata.truncation = true);
    let over_tcp = send(&mut lookup);
    over_udp.answer(&mut lookup, &[a("example.org.", 1, 1)]);
    assert!(!lookup.awaits(over_udp.transmit.id()) && lookup.awaits(over_tcp.transmit.id()));
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

// EDNS and TCP

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
fn over_tcp_what_does_not_match_ends_the_try() {
    let edits: [Edit; 3] = [
        |message| message.metadata.id ^= 1,
        |message| message.queries[0].name = name("example.net."),
        |message| message.metadata.truncation = true,
    ];
    for edit in edits {
        let mut lookup = seeded(&config(2), 1);
        let sent = send_over(Transport::Tcp, &mut lookup);
        sent.reply(&mut lookup, edit);
        let next = send(&mut lookup);
        assert_eq!(
            (next.server, next.transmit.transport()),
            (2, Transport::Udp)
        );
    }
}

#[test]
fn a_stream_that_fails_moves_on_to_the_next_server() {
    let mut lookup = seeded(&config(2), 1);
    let sent = send_over(Transport::Tcp, &mut lookup);
    lookup.handle_failure(sent.transmit.id(), at(1));
    assert_eq!(send(&mut lookup).server, 2);
}

// Tries

#[test]
fn a_silent_server_has_its_share_of_the_time_and_no_tick_more() {
    let mut lookup = seeded(&config(2), 1);
    for (server, until) in [(1, 1_250), (2, 2_500), (1, 3_750), (2, 5_000)] {
        assert_eq!(send(&mut lookup).server, server);
        assert_eq!(lookup.deadline(), Some(at(until)));
        lookup.handle_timeout(tick_before(until));
        assert_eq!(lookup.poll(), Step::Wait { until: at(until) });
        lookup.handle_timeout(at(until));
    }
    assert_eq!(done(&mut lookup), Err(DnsError::TimedOut));
    assert_eq!(lookup.deadline(), None);
}

#[test]
fn no_try_is_longer_than_the_configured_timeout() {
    let mut config = config(1);
    config.timeout = Duration::from_secs(1);
    let mut lookup = seeded(&config, 1);
    for until in [1_000, 2_000] {
        send(&mut lookup);
        lookup.handle_timeout(tick_before(until));
        assert_eq!(lookup.poll(), Step::Wait { until: at(until) });
        lookup.handle_timeout(at(until));
    }
    assert_eq!(done(&mut lookup), Err(DnsError::TimedOut));
}

#[test]
fn time_that_a_failing_server_leaves_goes_to_the_others() {
    let mut lookup = seeded(&config(2), 1);
    let sent = send(&mut lookup);
    lookup.handle_failure(sent.transmit.id(), at(200));
    send(&mut lookup);
    assert_eq!(lookup.deadline(), Some(at(1_800)));
}

#[test]
fn nothing_is_sent_after_the_deadline() {
    let mut lookup = seeded(&config(2), 1);
    let sent = send(&mut lookup);
    sent.code(&mut lookup, ResponseCode::Refused);
    send(&mut lookup);
    lookup.handle_timeout(at(5_000));
    assert_eq!(done(&mut lookup), Err(DnsError::Refused));

    let host = DnsName::new("example.org").unwrap();
    let mut late = Lookup::addresses(&host, Family::V4, &config(1), 1, at(5_000), at(5_000));
    assert_eq!(done(&mut late), Err(DnsError::TimedOut));
}

#[test]
fn an_error_moves_on_to_the_next_server_at_once() {
    for code in [
        ResponseCode::ServFail,
        ResponseCode::Refused,
        ResponseCode::NotAuth,
    ] {
        let mut lookup = seeded(&config(2), 1);
        send(&mut lookup).code(&mut lookup, code);
        let sent = send(&mut lookup);
        assert_eq!(sent.server, 2, "{code}");
        sent.answer(&mut lookup, &[a("example.org.", 1, 1)]);
        assert_eq!(done(&mut lookup), found(&[1], 1, false));
    }
}

#[test]
fn an_error_counts_even_if_the_rest_of_its_message_is_cut_or_broken() {
    let mut lookup = v4("example.org");
    let sent = send(&mut lookup);
    sent.reply(&mut lookup, |message| {
        message.metadata.response_code = ResponseCode::ServFail;
        message.metadata.truncation = true;
    });
    let sent = send(&mut lookup);
    assert_eq!(sent.transmit.transport(), Transport::Udp);
    let mut response = sent.response();
    response.metadata.response_code = ResponseCode::Refused;
    response.add_authority(soa("org.", 1, 1));
    let bytes = response.to_vec().unwrap();
    lookup.handle_message(sent.transmit.id(), &bytes[..bytes.len() - 3], at(1));
    assert_eq!(done(&mut lookup), Err(DnsError::ServFail));

    let mut lookup = v4("example.org");
    for _ in 0..2 {
        let mut bytes = bytes.clone();
        let sent = send(&mut lookup);
        bytes[..2].copy_from_slice(&sent.query.metadata.id.to_be_bytes());
        lookup.handle_message(sent.transmit.id(), &bytes[..bytes.len() - 3], at(1));
    }
    assert_eq!(done(&mut lookup), Err(DnsError::Refused));
}

#[test]
fn a_response_without_an_error_whose_records_are_broken_is_malformed() {
    let mut lookup = v4("example.org");
    while let Step::Send(transmit) = lookup.poll() {
        let sent = Sent::from(transmit);
        let mut response = sent.response();
        response.add_answer(a("example.org.", 1, 1));
        let bytes = response.to_vec().unwrap();
        lookup.handle_message(sent.transmit.id(), &bytes[..bytes.len() - 3], at(1));
    }
    assert_eq!(done(&mut lookup), Err(DnsError::Malformed));
}

#[test]
fn errors_of_an_answered_question_are_forgotten() {
    let mut lookup = v4("example.org");
    send(&mut lookup).code(&mut lookup, ResponseCode::ServFail);
    send(&mut lookup).answer(&mut lookup, &[cname("example.org.", 1, "b.org.")]);
    send(&mut lookup);
    lookup.handle_timeout(at(5_000));
    assert_eq!(done(&mut lookup), Err(DnsError::TimedOut));
}

#[test]
fn each_error_is_told_apart() {
    for (code, error) in [
        (ResponseCode::ServFail, DnsError::ServFail),
        (ResponseCode::Refused, DnsError::Refused),
        (ResponseCode::NotAuth, DnsError::ResponseCode(9)),
        (ResponseCode::NotImp, DnsError::ResponseCode(4)),
    ] {
        let mut lookup = v4("example.org");
        while let Step::Send(transmit) = lookup.poll() {
            Sent::from(transmit).code(&mut lookup, code);
        }
        assert_eq!(done(&mut lookup), Err(error));
    }
    let mut lookup = v4("example.org");
    while let Step::Send(transmit) = lookup.poll() {
        lookup.handle_failure(transmit.id(), at(1));
    }
    assert_eq!(done(&mut lookup), Err(DnsError::Unreachable));
    let mut lookup = v4("example.org");
    while let Step::Send(transmit) = lookup.poll() {
        lookup.handle_message(transmit.id(), &transmit.message()[..2], at(1));
    }
    assert_eq!(done(&mut lookup), Err(DnsError::Malformed));
}

#[test]
fn the_bits_of_a_response_code_that_edns_has_count_too() {
    let mut lookup = v4("example.org");
    for _ in 0..2 {
        let sent = send(&mut lookup);
        sent.reply(&mut lookup, |message| {
            message.metadata.response_code = ResponseCode::BADVERS;
            message.set_edns(Edns::new());
        });
    }
    assert_eq!(done(&mut lookup), Err(DnsError::ResponseCode(16)));
}

#[test]
fn the_most_telling_error_is_the_result_in_whatever_order_they_come() {
    let errors: [(Fault, DnsError); 6] = [
        (
            |sent, lookup| lookup.handle_failure(sent.transmit.id(), at(0)),
            DnsError::Unreachable,
        ),
        (
            |_, lookup| lookup.handle_timeout(lookup.deadline().unwrap()),
            DnsError::TimedOut,
        ),
        (
            |sent, lookup| {
                lookup.handle_message(sent.transmit.id(), &sent.transmit.message()[..2], at(0));
            },
            DnsError::Malformed,
        ),
        (
            |sent, lookup| sent.code(lookup, ResponseCode::NotAuth),
            DnsError::ResponseCode(9),
        ),
        (
            |sent, lookup| sent.code(lookup, ResponseCode::Refused),
            DnsError::Refused,
        ),
        (
            |sent, lookup| sent.code(lookup, ResponseCode::ServFail),
            DnsError::ServFail,
        ),
    ];
    for (index, (less, _)) in errors.iter().enumerate() {
        for (more, error) in &errors[index..] {
            for order in [[less, more], [more, less]] {
                let mut lookup = v4("example.org");
                for fail in order {
                    let sent = send(&mut lookup);
                    fail(&sent, &mut lookup);
                }
                assert_eq!(done(&mut lookup), Err(*error));
            }
        }
    }
}

#[test]
fn without_a_server_nothing_is_reachable() {
    assert_eq!(done(&mut seeded(&config(0), 1)), Err(DnsError::Unreachable));
}

#[test]
fn no_attempts_are_one_attempt() {
    let mut config = config(1);
    config.attempts = 0;
    let mut lookup = seeded(&config, 1);
    send(&mut lookup).code(&mut lookup, ResponseCode::ServFail);
    assert_eq!(done(&mut lookup), Err(DnsError::ServFail));
}

// Helpers

type Edit = fn(&mut Message);
type Fault = fn(&Sent, &mut Lookup<IpAddr>);

/// A query as the server sees it
struct Sent {
    transmit: Transmit,
    /// The last number of its address
    server: u8,
    query: Message,
}

impl Sent {
    fn response(&self) -> Message {
        let mut message = Message::response(self.query.metadata.id, OpCode::Query);
        message.add_queries(self.query.queries.clone());
        message
    }

    fn reply<T: Clone>(&self, lookup: &mut Lookup<T>, edit: impl FnOnce(&mut Message)) {
        self.reply_at(lookup, edit, at(1));
    }

    fn reply_at<T: Clone>(
        &self,
        lookup: &mut Lookup<T>,
        edit: impl FnOnce(&mut Message),
        now: Instant,
    ) {
        let mut message = self.response();
        edit(&mut message);
        lookup.handle_message(self.transmit.id(), &message.to_vec().unwrap(), now);
    }

    fn answer<T: Clone>(&self, lookup: &mut Lookup<T>, records: &[Record]) {
        self.answer_at(lookup, records, at(1));
    }

    fn answer_at<T: Clone>(&self, lookup: &mut Lookup<T>, records: &[Record], now: Instant) {
        self.reply_at(lookup, |message| message.answers = records.to_vec(), now);
    }

    fn code<T: Clone>(&self, lookup: &mut Lookup<T>, code: ResponseCode) {
        self.reply(lookup, |message| message.metadata.response_code = code);
    }
}

impl From<Transmit> for Sent {
    fn from(transmit: Transmit) -> Self {
        let IpAddr::V4(server) = transmit.server().ip() else {
            panic!("not from this config")
        };
        let query = Message::from_vec(transmit.message()).unwrap();
        Self {
            server: server.octets()[3],
            query,
            transmit,
        }
    }
}

fn send<T: Clone + std::fmt::Debug>(lookup: &mut Lookup<T>) -> Sent {
    match lookup.poll() {
        Step::Send(transmit) => transmit.into(),
        step @ (Step::Done(_) | Step::Wait { .. }) => panic!("nothing is sent, but: {step:?}"),
    }
}

fn send_over(transport: Transport, lookup: &mut Lookup<IpAddr>) -> Sent {
    let mut sent = send(lookup);
    if transport == Transport::Tcp {
        sent.reply(lookup, |message| message.metadata.truncation = true);
        sent = send(lookup);
    }
    sent
}

fn done<T: Clone + std::fmt::Debug>(lookup: &mut Lookup<T>) -> Result<Answer<T>, DnsError> {
    match lookup.poll() {
        Step::Done(result) => result,
        step @ (Step::Send(_) | Step::Wait { .. }) => panic!("it is not over, but: {step:?}"),
    }
}

fn config(servers: u8) -> DnsConfig {
    DnsConfig::new(
        (1..=servers)
            .map(|last| ([192, 0, 2, last], 53).into())
            .collect(),
    )
}

fn seeded(config: &DnsConfig, seed: u64) -> Lookup<IpAddr> {
    let host = DnsName::new("example.org").unwrap();
    Lookup::addresses(&host, Family::V4, config, seed, at(5_000), at(0))
}

fn v4(host: &str) -> Lookup<IpAddr> {
    let host = DnsName::new(host).unwrap();
    Lookup::addresses(&host, Family::V4, &config(1), 7, at(5_000), at(0))
}

fn v6(host: &str) -> Lookup<IpAddr> {
    let host = DnsName::new(host).unwrap();
    Lookup::addresses(&host, Family::V6, &config(1), 7, at(5_000), at(0))
}

fn srv(name: &str) -> Lookup<SrvRecord> {
    Lookup::srv(
        &DnsName::new(name).unwrap(),
        &config(1),
        7,
        at(5_000),
        at(0),
    )
}

fn at(millis: u64) -> Instant {
    Instant::from_origin(Duration::from_millis(millis))
}

fn tick_before(millis: u64) -> Instant {
    Instant::from_origin(Duration::from_millis(millis) - Duration::from_nanos(1))
}

fn name(text: &str) -> Name {
    Name::from_str(text).unwrap()
}

fn a(owner: &str, ttl: u32, last: u8) -> Record {
    Record::from_rdata(name(owner), ttl, RData::A(A::new(192, 0, 2, last)))
}

fn cname(owner: &str, ttl: u32, target: &str) -> Record {
    Record::from_rdata(name(owner), ttl, RData::CNAME(CNAME(name(target))))
}

fn soa(zone: &str, ttl: u32, minimum: u32) -> Record {
    let data = SOA::new(name("ns."), name("admin."), 1, 2, 3, 4, minimum);
    Record::from_rdata(name(zone), ttl, RData::SOA(data))
}

fn found(last: &[u8], ttl: u64, alias: bool) -> Result<Answer<IpAddr>, DnsError> {
    let records = last.iter().map(|last| [192, 0, 2, *last].into()).collect();
    let answer = Answer::found(records, Duration::from_secs(ttl));
    Ok(if alias { answer.by_alias() } else { answer })
}

fn absent<T>(absence: Absence, ttl: Option<u64>) -> Result<Answer<T>, DnsError> {
    Ok(Answer::absent(absence, ttl.map(Duration::from_secs)))
}
