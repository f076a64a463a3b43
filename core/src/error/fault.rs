//! Whose fault an error is

use serde::{Deserialize, Serialize};

/// Whose fault an error is
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[non_exhaustive]
#[serde(rename_all = "snake_case")]
pub enum Fault {
    /// Whoever asked: the name, or the configuration, forbids it
    Caller,
    /// This machine, which has run out of something: says nothing of any other
    Ours,
    /// The server that was looked for, or those that should have told where it is
    Peer,
}
