//! The verbs that every machine has, and what it says.

use crate::action::{Action, ActionId, Event};
use crate::time::Instant;

/// Something that is driven from outside: [`Discovery`](crate::Discovery), or a machine around machines
///
/// What comes out is `poll`, what goes in `handle` and `handle_timeout`. They may be called in any order and any
/// number of times. See the [crate page](crate#the-loop) for the loop, and what a loop may do.
///
/// The time never runs backwards: a `now` before an earlier one counts as the earlier one.
pub trait Machine {
    /// What the machine ends with
    type Done;

    /// What to do next
    ///
    /// A [`Step::Wait`] is stale after any `handle` or `handle_timeout`.
    fn poll(&mut self) -> Step<Self::Done>;

    /// Takes in the reply to an action
    ///
    /// A reply that is late, or repeated, or to a cancelled action or one of another machine, changes nothing.
    fn handle(&mut self, event: Event, now: Instant);

    /// Notices that time has passed
    ///
    /// May be called early, late or twice: what is due is done, once.
    fn handle_timeout(&mut self, now: Instant);
}

/// What [`Machine::poll`] says
///
/// Exhaustive, so that a loop that forgets one does not build.
#[derive(Debug)]
pub enum Step<T> {
    /// Start this, and answer it
    Act(Action),
    /// Drop this action and whatever it opened; its reply no longer counts
    Cancel(ActionId),
    /// The machine has ended; told once, after everything open was cancelled
    Done(T),
    /// There is nothing to do before a reply, or before this time
    Wait {
        /// When to call [`Machine::handle_timeout`]; `None` once the machine has ended
        until: Option<Instant>,
    },
}
