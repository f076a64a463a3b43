//! The oracle: each edition's text once more, read word by word, and random worlds to hold the machine against it.
//!
//! An edition is one function ([`ask`] picks it) that does one thing after the other: it asks nothing ahead, races
//! nothing, and knows no time. It shares server names and plain data with `fedway-core`, and no decision: JSON, URLs,
//! special-purpose addresses, SRV records and the skip list are read here a second time, naively.
//!
//! 1. Roll a [`World`]: who answers what, faults included.
//! 2. [`check`] runs it through the oracle and through the machine, in every way the machine can be run.
//! 3. Where they differ, [`shrink`](fn@shrink) makes the world as small as it can be, and [`print_test`] writes it down as a
//!    script test.
//!
//! ```
//! use fedway_core::Edition;
//! use fedway_proof::oracle::{World, check};
//!
//! for seed in 0..10 {
//!     check(&World::roll(seed), Edition::V1_8).expect("both agree");
//! }
//! ```

mod address;
mod compare;
mod draft_2019;
mod json;
mod net;
mod outcome;
mod pools;
mod print;
mod r0_1;
mod roll;
mod shrink;
mod url;
mod v1_8;
mod well_known;
mod world;

use fedway_core::{Edition, ServerName, SrvRecord};
use fedway_testkit::script::Goal;

pub use self::compare::{Disagreement, Timing, chance, check, difference, machine_agrees};
pub use self::net::{Asked, Waits};
pub use self::outcome::{Failure, Outcome, Place, Target, WellKnownFailure};
pub use self::print::print_test;
pub use self::shrink::{prove, shrink};
pub use self::world::World;

use self::net::Net;

/// What an edition's text says about a world, and what had to be asked to know it
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reading {
    /// Where the search ends
    pub outcome: Outcome,
    /// Whether an SRV question was taken for absent because it was not answered
    pub provisional: bool,
    /// What became of .well-known, if that was asked for
    pub well_known: Option<Result<ServerName, WellKnownFailure>>,
    /// What was asked, in order
    pub asked: Asked,
    /// What of it never answered
    pub waits: Waits,
}

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
