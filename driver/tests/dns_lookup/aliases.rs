//! Names that are aliases of others.

use std::time::Duration;

use fedway_core::{Absence, Answer, DnsError, Instant};
use hickory_proto::op::ResponseCode;
use hickory_proto::rr::rdata::SRV;
use hickory_proto::rr::{RData, Record};

use crate::rig::*;

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
    // Half of what is left for the first, and a quarter for each way of the second
    for until in [2_875_000, 3_812_500, END * 1_000] {
        assert_eq!(send(&mut lookup).server, 1);
        let until = Instant::from_origin(Duration::from_micros(until));
        assert_eq!(lookup.deadline(), Some(until));
        lookup.handle_timeout(until);
    }
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
