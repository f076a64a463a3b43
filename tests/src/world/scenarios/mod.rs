//! Names that are delegated in every way there is, and that fail in every way: what `fedway demo` shows, and what a
//! driver can be held to.
//!
//! 1. Let each of [`all`] [add](Scenario::add_to) to one plan what it needs; they share no name and no address.
//! 2. Search for its [name](Scenario::name) under its [configuration](Scenario::config), connect, and ask the server
//!    that was found for its version.
//! 3. Have what came of it [judged](Scenario::judge).

mod scenario;
mod table;

pub use self::scenario::{Ended, Kind, Scenario};
pub use self::table::all;
