//! What a search is made of: all of it from one number.

use std::collections::BTreeSet;

use fedway_core::{Answer, ConnectError, DnsError, DnsName, Edition, Family, Lookahead, TlsError};
use fedway_testkit::oracle::{Reading, World, ask};
use fedway_testkit::script::{Answers, Dice, DnsResult, Goal, RecordKind, Reply};

use super::build::Build;
use super::schedule::Schedule;

/// A search to make, and the world it is made in
#[derive(Debug)]
pub(super) struct Case {
    pub(super) number: u64,
    pub(super) edition: Edition,
    pub(super) goal: Goal,
    pub(super) lookahead: Lookahead,
    /// Whether addresses are raced, as by default; otherwise one is tried after the other, and no host has two
    /// families, whose answers would race
    pub(super) races: bool,
    /// How often the text waits for what never comes
    pub(super) waits: usize,
    pub(super) world: World,
    pub(super) schedule: Schedule,
}

impl Case {
    /// The case of this number, unless too much in it never answers: a test has to end
    pub(super) fn roll(number: u64) -> Option<Self> {
        let mut dice = Dice::new(!number);
        let mut world = World::roll(number);
        tame(&mut world.answers, &mut dice);
        serve_with_a_dot(&mut world);
        let races = dice.percent(50);
        if !races {
            leave_one_family(&mut world.answers, &mut dice);
        }
        let edition = dice.pick(&Edition::ALL);
        let goal = dice.pick(&Goal::ALL);
        let waits = waits(&world.answers, &ask(edition, Goal::Connect, &world, &[]));
        if waits > MOST_WAITS {
            return None;
        }
        Some(Self {
            number,
            edition,
            goal,
            lookahead: dice.pick(&[Lookahead::Dns, Lookahead::None]),
            races,
            waits,
            schedule: Schedule::roll(&mut dice, &Build::new(&world)),
            world,
        })
    }
}

/// Puts something as bad in the place of what sockets on one machine cannot do
fn tame(answers: &mut Answers, dice: &mut Dice) {
    answers.addresses.values_mut().for_each(tame_answer);
    answers.services.values_mut().for_each(tame_answer);
    answers.services.retain(|owner, _| owner.is_encodable());
    for reply in answers.services.values_mut() {
        if let Some(Ok(Answer::Found { records, .. })) = &mut reply.says {
            records.retain(|record| has_a_name(&record.target));
        }
    }
    for peer in answers.peers.values_mut() {
        peer.reply.says = match peer.reply.says.take() {
            Some(Err(ConnectError::Unreachable)) => Some(Err(ConnectError::Refused)),
            Some(Err(ConnectError::Tls(TlsError::Alert(_)))) => Some(Err(dice
                .pick(&[
                    &ConnectError::Closed,
                    &ConnectError::Tls(TlsError::Protocol),
                    &ConnectError::Tls(TlsError::Unsupported),
                ])
                .clone())),
            says => says,
        };
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

/// Whether a zone can hold the target of a record
fn has_a_name(target: &DnsName) -> bool {
    target.is_root() || (target.is_encodable() && !target.as_str().contains(':'))
}

fn leave_one_family(answers: &mut Answers, dice: &mut Dice) {
    let has_addresses =
        |reply: &Reply<DnsResult<_>>| matches!(&reply.says, Some(Ok(Answer::Found { .. })));
    let given = answers
        .addresses
        .iter()
        .filter(|(_, reply)| has_addresses(reply));
    let given: BTreeSet<_> = given.map(|(key, _)| key.clone()).collect();
    for (host, _) in given.iter().filter(|(_, family)| *family == Family::V6) {
        if given.contains(&(host.clone(), Family::V4)) {
            let family = dice.pick(&[Family::V6, Family::V4]);
            answers.addresses.remove(&(host.clone(), family));
        }
    }
}

fn tame_answer<T>(reply: &mut Reply<DnsResult<T>>) {
    match &mut reply.says {
        Some(Err(error @ DnsError::Unreachable)) => *error = DnsError::ServFail,
        Some(Err(DnsError::TimedOut)) => reply.says = None,
        Some(Err(_) | Ok(_)) | None => {}
    }
}

/// How often the text waits for what never comes
fn waits(answers: &Answers, text: &Reading) -> usize {
    let addresses =
        |name: &DnsName, family| is_silent(answers.addresses.get(&(name.clone(), family)));
    let questions = text.asked.questions.iter().filter(|it| match it.kind {
        RecordKind::A => addresses(&it.name, Family::V4),
        RecordKind::Aaaa => addresses(&it.name, Family::V6),
        RecordKind::Srv => is_silent(answers.services.get(&it.name)),
    });
    let peers = &answers.peers;
    let connects = text
        .asked
        .connects
        .iter()
        .filter(|(address, ..)| is_silent(peers.get(address).map(|peer| &peer.reply)));
    questions.count() + connects.count()
}

fn is_silent<T>(reply: Option<&Reply<T>>) -> bool {
    reply.is_some_and(|reply| reply.says.is_none())
}

/// A few seconds' worth
const MOST_WAITS: usize = 3;
