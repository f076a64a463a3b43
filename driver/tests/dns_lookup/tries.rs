//! Who is asked when, and which failure is told.

use fedway_core::{DnsError, DnsName, ExtendedError, Family};
use fedway_driver::dns::{Lookup, Memory, Step, Transport};
use hickory_proto::op::{Edns, Message, ResponseCode};

use crate::rig::*;

#[test]
fn time_that_a_failing_server_leaves_goes_to_the_others() {
    let mut lookup = seeded(&config(2), 1);
    let sent = send(&mut lookup);
    lookup.handle_failure(sent.transmit.id(), at(250));
    send(&mut lookup);
    assert_eq!(lookup.deadline(), Some(at(1_750)));
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
    let (config, memory) = (config(1), Memory::default());
    let terms = terms(&config, &memory, 1);
    let mut late = Lookup::addresses(&host, Family::V4, terms, at(5_000));
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
    let outcome = run(&mut v4("example.org"), |sent, lookup| {
        sent.bytes(
            lookup,
            |message| message.answers = vec![a("example.org.", 1, 1)],
            |bytes| {
                // An address of five bytes
                let len = bytes.len();
                bytes[len - 5] = 5;
                bytes.push(0);
            },
        )
    });
    assert_eq!(outcome, Err(DnsError::Malformed));
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
        let outcome = run(&mut v4("example.org"), |sent, lookup| {
            sent.code(lookup, code)
        });
        assert_eq!(outcome, Err(error));
    }
    let outcome = run(&mut v4("example.org"), |sent, lookup| {
        lookup.handle_failure(sent.transmit.id(), at(1))
    });
    assert_eq!(outcome, Err(DnsError::Unreachable));
    let outcome = run(&mut v4("example.org"), |sent, lookup| {
        lookup.handle_message(sent.transmit.id(), &sent.transmit.message()[..2], at(1))
    });
    assert_eq!(outcome, Err(DnsError::Malformed));
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
    let errors: [(Fault, DnsError); 9] = [
        (
            |sent, lookup| lookup.handle_failure(sent.transmit.id(), at(0)),
            DnsError::Unreachable,
        ),
        (|_, lookup| time_out(lookup), DnsError::TimedOut),
        (
            |sent, lookup| lookup.handle_out_of_resources(sent.transmit.id(), at(0)),
            DnsError::OutOfResources,
        ),
        (|sent, lookup| sent.garbage(lookup), DnsError::Malformed),
        (
            |sent, lookup| {
                sent.reply(lookup, |message| {
                    message.add_authority(ns("org.", "ns."));
                });
            },
            DnsError::Referral,
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
        (
            |sent, lookup| sent.explained(lookup, ResponseCode::ServFail, 22),
            DnsError::Explained {
                code: 2,
                reason: ExtendedError(22),
            },
        ),
    ];
    for (index, (less, _)) in errors.iter().enumerate() {
        for (more, error) in &errors[index..] {
            for [first, then] in [[less, more], [more, less]] {
                let mut lookup = v4("example.org");
                let sent = send(&mut lookup);
                first(&sent, &mut lookup);
                let outcome = run(&mut lookup, then);
                assert_eq!(outcome, Err(*error));
            }
        }
    }
}

/// RFC 8914: the reason is kept with the failure, whatever else is in EDNS
#[test]
fn a_failure_keeps_the_reason_that_the_server_gives() {
    for (code, number) in [(ResponseCode::ServFail, 6), (ResponseCode::Refused, 18)] {
        let outcome = run(&mut v4("example.org"), |sent, lookup| {
            sent.explained(lookup, code, number)
        });
        let explained = DnsError::Explained {
            code: code.into(),
            reason: ExtendedError(number),
        };
        assert_eq!(outcome, Err(explained));
    }
}

#[test]
fn a_reason_that_is_cut_is_none_and_an_answer_needs_none() {
    let outcome = run(&mut v4("example.org"), |sent, lookup| {
        sent.bytes(
            lookup,
            |message| {
                message.metadata.response_code = ResponseCode::ServFail;
                message.set_edns(explanation(6));
            },
            |bytes| bytes.truncate(bytes.len() - 9),
        )
    });
    assert_eq!(outcome, Err(DnsError::ServFail));

    let mut lookup = v4("example.org");
    send(&mut lookup).reply(&mut lookup, |message| {
        message.add_answer(a("example.org.", 1, 1));
        // Stale Answer
        message.set_edns(explanation(3));
    });
    assert_eq!(done(&mut lookup), found(&[1], 1, false));
}

#[test]
fn out_of_resources_for_one_server_is_no_end_while_another_answers() {
    let mut lookup = seeded(&config(2), 1);
    let sent = send(&mut lookup);
    lookup.handle_out_of_resources(sent.transmit.id(), at(0));
    let sent = send(&mut lookup);
    assert_eq!(sent.server, 2);
    sent.answer(&mut lookup, &[a("example.org.", 1, 1)]);
    assert_eq!(done(&mut lookup), found(&[1], 1, false));
}

#[test]
fn out_of_resources_for_all_is_the_result_at_once() {
    let mut lookup = seeded(&config(2), 1);
    let outcome = run(&mut lookup, |sent, lookup| {
        lookup.handle_out_of_resources(sent.transmit.id(), at(0));
    });
    assert_eq!(outcome, Err(DnsError::OutOfResources));
}

/// With the timeouts of resolv.conf and the deadline of a search: told before that has passed
#[test]
fn a_failure_of_one_server_and_silence_of_another_is_told_as_the_failure_in_time() {
    let mut lookup = seeded(&config(2), 1);
    let mut now = at(0);
    let outcome = loop {
        match step(&mut lookup) {
            Step::Send(transmit) => {
                let sent = Sent::from(transmit);
                if sent.server == 1 {
                    let fail = |message: &mut Message| {
                        message.metadata.response_code = ResponseCode::ServFail;
                    };
                    sent.reply_at(&mut lookup, fail, now);
                }
            }
            Step::Wait { until: Some(until) } => {
                now = until;
                lookup.handle_timeout(now);
            }
            Step::Done(outcome) => break outcome,
            Step::Cancel(_) | Step::Learnt(_) | Step::Wait { until: None } => panic!("it is stuck"),
        }
    };
    assert_eq!(outcome, Err(DnsError::ServFail));
    assert_eq!(now, at(END));
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
