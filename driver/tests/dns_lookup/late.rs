//! What comes from a server that was given up for being slow.

use fedway_core::DnsError;
use fedway_driver::dns::{Step, Transport};
use hickory_proto::op::ResponseCode;

use crate::rig::*;

#[test]
fn an_answer_that_comes_after_its_try_still_counts() {
    let mut lookup = v4("example.org");
    let slow = send(&mut lookup);
    time_out(&mut lookup);
    let new = send(&mut lookup);
    slow.answer_at(&mut lookup, &[a("example.org.", 1, 1)], at(2_400));
    assert_eq!(
        cancels(&mut lookup),
        [slow.transmit.id(), new.transmit.id()]
    );
    assert_eq!(done(&mut lookup), found(&[1], 1, false));
}

#[test]
fn only_the_last_slow_exchange_is_kept() {
    let mut lookup = seeded(&config(3), 1);
    let first = send(&mut lookup);
    time_out(&mut lookup);
    let second = send(&mut lookup);
    time_out(&mut lookup);
    assert_eq!(cancels(&mut lookup), [first.transmit.id()]);
    send(&mut lookup);
    let until = waits(&mut lookup);
    first.answer(&mut lookup, &[a("example.org.", 1, 1)]);
    assert_eq!(waits(&mut lookup), until);
    second.answer(&mut lookup, &[a("example.org.", 1, 2)]);
    assert_eq!(done(&mut lookup), found(&[2], 1, false));
}

#[test]
fn what_else_comes_after_its_try_leaves_the_one_in_hand_as_it_is() {
    let still_waits = |disturb: fn(&Sent, &mut _)| {
        let mut lookup = v4("example.org");
        let slow = send(&mut lookup);
        time_out(&mut lookup);
        let new = send(&mut lookup);
        let until = waits(&mut lookup);
        disturb(&slow, &mut lookup);
        lookup.handle_timeout(at(2_400));
        assert_eq!(waits(&mut lookup), until);
        new.answer(&mut lookup, &[a("example.org.", 1, 1)]);
        assert_eq!(done(&mut lookup), found(&[1], 1, false));
    };
    still_waits(|slow, lookup| slow.code(lookup, ResponseCode::ServFail));
    still_waits(|slow, lookup| slow.code(lookup, ResponseCode::FormErr));
    still_waits(|slow, lookup| slow.garbage(lookup));
    still_waits(|slow, lookup| lookup.handle_failure(slow.transmit.id(), at(2_400)));
    still_waits(|slow, lookup| lookup.handle_out_of_resources(slow.transmit.id(), at(2_400)));
    still_waits(|slow, lookup| lookup.handle_message(slow.transmit.id(), b"forged", at(2_400)));
}

#[test]
fn a_late_answer_that_does_not_fit_is_asked_for_over_tcp_beside_the_try_in_hand() {
    let mut lookup = seeded(&config(2), 1);
    let slow = send(&mut lookup);
    time_out(&mut lookup);
    let new = send(&mut lookup);
    let until = waits(&mut lookup);
    slow.reply(&mut lookup, |message| message.metadata.truncation = true);
    assert_eq!(cancels(&mut lookup), [slow.transmit.id()]);
    let over_tcp = send(&mut lookup);
    assert_eq!(
        (over_tcp.server, over_tcp.transmit.transport()),
        (1, Transport::Tcp)
    );
    assert_eq!(waits(&mut lookup), until, "the second server has its time");
    over_tcp.answer(&mut lookup, &[a("example.org.", 1, 1)]);
    assert_eq!(
        cancels(&mut lookup),
        [over_tcp.transmit.id(), new.transmit.id()]
    );
    assert_eq!(done(&mut lookup), found(&[1], 1, false));
}

/// Here the next try would be without EDNS in any case; see the chapter on memory for the rest of it
#[test]
fn a_late_formerr_is_remembered() {
    let mut lookup = seeded(&config(2), 1);
    let slow = send(&mut lookup);
    time_out(&mut lookup);
    send(&mut lookup);
    slow.code(&mut lookup, ResponseCode::FormErr);
    let is_lesson = |step| matches!(step, Step::Learnt(_));
    assert!([lookup.poll(), lookup.poll()].into_iter().any(is_lesson));
    time_out(&mut lookup);
    let again = send(&mut lookup);
    assert_eq!((again.server, again.way()), (1, (false, Transport::Udp)));
}

/// The server in hand may be about to give all of it
#[test]
fn a_late_alias_without_its_target_restarts_nothing() {
    let mut lookup = seeded(&config(2), 1);
    let slow = send(&mut lookup);
    time_out(&mut lookup);
    let new = send(&mut lookup);
    let until = waits(&mut lookup);
    slow.answer(&mut lookup, &[cname("example.org.", 9, "b.org.")]);
    assert_eq!(cancels(&mut lookup), [slow.transmit.id()]);
    assert_eq!(waits(&mut lookup), until);
    new.answer(&mut lookup, &[a("example.org.", 1, 1)]);
    assert_eq!(done(&mut lookup), found(&[1], 1, false));
}

#[test]
fn a_late_alias_with_its_target_is_an_answer_and_a_late_loop_a_loop() {
    let mut lookup = seeded(&config(2), 1);
    let slow = send(&mut lookup);
    time_out(&mut lookup);
    send(&mut lookup);
    let mut other = lookup.clone();
    let alias = cname("example.org.", 9, "b.org.");
    slow.answer(&mut lookup, &[alias.clone(), a("b.org.", 1, 1)]);
    assert_eq!(done(&mut lookup), found(&[1], 1, true));
    slow.answer(&mut other, &[alias, cname("b.org.", 9, "example.org.")]);
    assert_eq!(done(&mut other), Err(DnsError::AliasLoop));
}

#[test]
fn a_late_failure_tells_more_than_silence() {
    for (code, error) in [
        (ResponseCode::ServFail, DnsError::ServFail),
        (ResponseCode::Refused, DnsError::Refused),
    ] {
        let mut lookup = seeded(&config(1), 1);
        let slow = send(&mut lookup);
        time_out(&mut lookup);
        send(&mut lookup);
        slow.code(&mut lookup, code);
        let outcome = run(&mut lookup, |_, lookup| time_out(lookup));
        assert_eq!(outcome, Err(error));
    }
}

/// The last try fails at once, for want of a socket or since the port is closed, and time is left
#[test]
fn a_slow_server_has_the_last_word() {
    let last_word = |speak: fn(&Sent, &mut _)| {
        let mut lookup = v4("example.org");
        let slow = send(&mut lookup);
        time_out(&mut lookup);
        let last = send(&mut lookup);
        lookup.handle_out_of_resources(last.transmit.id(), at(2_400));
        assert_eq!(waits(&mut lookup), at(END));
        speak(&slow, &mut lookup);
        done(&mut lookup)
    };
    assert_eq!(
        last_word(|slow, lookup| slow.answer(lookup, &[a("example.org.", 1, 1)])),
        found(&[1], 1, false)
    );
    assert_eq!(
        last_word(|slow, lookup| slow.code(lookup, ResponseCode::ServFail)),
        Err(DnsError::ServFail)
    );
    assert_eq!(
        last_word(|slow, lookup| lookup.handle_failure(slow.transmit.id(), at(3_000))),
        Err(DnsError::OutOfResources)
    );
    assert_eq!(
        last_word(|_, lookup| lookup.handle_timeout(at(END))),
        Err(DnsError::OutOfResources)
    );
}
