//! The way into the texts.

use fedway_core::{Edition, SrvRecord};
use fedway_testkit::script::Goal;

use super::net::{Net, Reading};
use super::world::World;
use super::{draft_2019, r0_1, v1_8};

/// Reads an edition's text
///
/// RFC 2782 leaves the order among SRV records of one priority to chance: where `chance` has them, they come in its
/// order.
#[must_use]
pub fn ask(edition: Edition, goal: Goal, world: &World, chance: &[SrvRecord]) -> Reading {
    let name = world.server_name();
    let mut net = Net::new(goal, world, chance);
    let outcome = match edition {
        Edition::Draft2019 => draft_2019::draft_2019(&name, &mut net),
        Edition::R0_1 => r0_1::r0_1(&name, &mut net),
        Edition::V1_8 => v1_8::v1_8(&name, &mut net),
        other => panic!("the text of {other} was not read"),
    };
    net.close(outcome)
}
