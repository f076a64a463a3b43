//! What a search is made of: all of it from one number, save the order of SRV records, which a driver leaves to chance.

use std::time::Duration;

use fedway_core::{Edition, Lookahead};
use fedway_proof::oracle::{Waits, World, ask};
use fedway_testkit::script::{Answers, Dice, Goal};

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
    /// What the text waits for that never answers
    pub(super) waits: Waits,
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
        let text = ask(edition, Goal::Connect, &world, &[]);
        if text.waits.questions + text.waits.connects > MOST_WAITS {
            return None;
        }
        Some(Self {
            number,
            edition,
            goal: dice.pick(&Goal::ALL),
            lookahead: dice.pick(&[Lookahead::Dns, Lookahead::None]),
            races,
            waits: text.waits,
            schedule: Schedule::roll(&mut dice, &world, &text.asked, races),
            world,
        })
    }

    /// How long an exchange may take: short only where something may have to be waited for
    pub(super) fn deadline(&self) -> Duration {
        match is_silent(&self.world.answers) {
            true => SHORT,
            false => LONG,
        }
    }

    /// How long .well-known may take: enough for all that the text waits for before its last request
    pub(super) fn well_known_deadline(&self) -> Duration {
        match is_silent(&self.world.answers) {
            true => waiting(self.waits) + 2 * SHORT,
            false => 3 * LONG,
        }
    }

    /// How long the search may take if the text waits so often
    pub(super) fn longest(&self, waits: Waits) -> Duration {
        let page = match waits.urls {
            0 => Duration::ZERO,
            _ => self.well_known_deadline(),
        };
        waiting(waits) + page + GRACE
    }
}

fn waiting(waits: Waits) -> Duration {
    // A few
    SHORT * (waits.questions + waits.connects) as u32
}

/// Whether something never answers, wherever chance may lead
fn is_silent(answers: &Answers) -> bool {
    answers.addresses.values().any(|reply| reply.says.is_none())
        || answers.services.values().any(|reply| reply.says.is_none())
        || answers.peers.values().any(|peer| peer.reply.says.is_none())
        || answers.pages.values().any(|reply| reply.says.is_none())
}

/// A few seconds' worth
const MOST_WAITS: usize = 3;

/// Longer than an exchange takes on a machine that is not overloaded
const SHORT: Duration = Duration::from_secs(3);
/// Longer than one takes on a machine that is
const LONG: Duration = Duration::from_secs(20);
/// For all that does not wait, the request over what was found included
const GRACE: Duration = Duration::from_secs(15);
