//! What a search is made of: all of it from one number.

use fedway_core::{DnsName, Edition, Family, Lookahead};
use fedway_testkit::oracle::{Reading, World, ask};
use fedway_testkit::script::{Answers, Dice, Goal, RecordKind, Reply};

use super::build::Build;
use super::schedule::Schedule;
use super::tame::tame;

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
        let races = dice.percent(50);
        tame(&mut world, races, &mut dice);
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
