//! What sockets on one machine cannot do, or cannot do in a certain order, is taken out of a rolled world.

use std::collections::BTreeSet;

use fedway_core::{Answer, ConnectError, DnsError, DnsName, Family, TlsError};
use fedway_proof::oracle::World;
use fedway_testkit::script::{Answers, Dice, DnsResult, Reply};

/// Puts something as bad in its place
pub(super) fn tame(world: &mut World, races: bool, dice: &mut Dice) {
    let answers = &mut world.answers;
    answers.addresses.values_mut().for_each(tame_answer);
    answers.services.values_mut().for_each(tame_answer);
    answers.services.retain(|owner, _| owner.is_encodable());
    for reply in answers.services.values_mut() {
        if let Some(Ok(Answer::Found { records, .. })) = &mut reply.says {
            records.retain(|record| has_a_name(&record.target));
        }
    }
    for peer in answers.peers.values_mut() {
        if let Some(Err(error)) = &mut peer.reply.says {
            tame_session(error, dice);
        }
    }
    if !races {
        leave_one_family(answers, dice);
    }
    serve_with_a_dot(world);
}

/// A name server can be out of reach only for all names, and silence is told by a timer alone
fn tame_answer<T>(reply: &mut Reply<DnsResult<T>>) {
    match &mut reply.says {
        Some(Err(error @ DnsError::Unreachable)) => *error = DnsError::ServFail,
        Some(Err(DnsError::TimedOut)) => reply.says = None,
        Some(Err(_) | Ok(_)) | None => {}
    }
}

/// Whether a zone can hold the target of a record
fn has_a_name(target: &DnsName) -> bool {
    target.is_root() || (target.is_encodable() && !target.as_str().contains(':'))
}

/// The loopback device is always there, and servers send no alert without a reason
fn tame_session(error: &mut ConnectError, dice: &mut Dice) {
    match error {
        ConnectError::Unreachable => *error = ConnectError::Refused,
        ConnectError::Tls(TlsError::Alert(_)) => {
            *error = match dice.below(3) {
                0 => ConnectError::Closed,
                1 => ConnectError::Tls(TlsError::Protocol),
                _ => ConnectError::Tls(TlsError::Unsupported),
            };
        }
        _ => {}
    }
}

/// Whether A is answered when the first address of AAAA has failed is a matter of time, and with it what is next
fn leave_one_family(answers: &mut Answers, dice: &mut Dice) {
    let hosts: BTreeSet<_> = answers
        .addresses
        .keys()
        .map(|(host, _)| host.clone())
        .collect();
    for host in hosts {
        let [v6, v4] = [Family::V6, Family::V4].map(|family| (host.clone(), family));
        let has = |key| {
            let reply = answers.addresses.get(key);
            reply.is_some_and(|reply| matches!(reply.says, Some(Ok(Answer::Found { .. }))))
        };
        if has(&v6) && has(&v4) {
            answers.addresses.remove(dice.pick(&[&v6, &v4]));
        }
    }
}

/// A real server knows its name with a dot behind it as well
fn serve_with_a_dot(world: &mut World) {
    let Some(host) = world.name.strip_suffix('.') else {
        return;
    };
    let without = format!("https://{host}/");
    let pages = &mut world.answers.pages;
    let dotted: Vec<_> = pages
        .iter()
        .filter_map(|(url, page)| {
            let rest = url.strip_prefix(&without)?;
            Some((format!("https://{host}./{rest}"), page.clone()))
        })
        .collect();
    pages.extend(dotted);
}
