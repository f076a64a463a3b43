//! The oracle: each edition's text once more, read word by word, and random worlds to hold the machine against it.
//!
//! An edition is one function ([`ask`](fn@ask) picks it) that does one thing after the other: it asks nothing ahead, races
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
mod ask;
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

pub use self::ask::ask;
pub use self::compare::{Disagreement, Timing, chance, check, difference, machine_agrees};
pub use self::net::{Asked, Reading, Waits};
pub use self::outcome::{Failure, Outcome, Place, Target, WellKnownFailure};
pub use self::print::print_test;
pub use self::shrink::{prove, shrink};
pub use self::world::World;
