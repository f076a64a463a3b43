//! Searches that are recorded, run again, and explained.
//!
//! Recording is done at the border of a machine and nowhere inside: a search is a function of its name, policies, seed and
//! what was handled, so that this is the recording. One in a pool is told more than a loop tells one, and by more verbs; that
//! is in it, too. A search that nobody records costs nothing for it.

mod explain;
mod explanation;
mod recorder;
mod recording;
mod rehearse;
mod replay;
mod words;

pub use self::explanation::{Exchange, Explanation, Fate, StepTaken, Use};
pub use self::recorder::Recorder;
pub use self::recording::{Outcome as SearchOutcome, Recording, RecordingError, SearchGoal};
pub use self::rehearse::Memory;
pub use self::replay::Diverged;
