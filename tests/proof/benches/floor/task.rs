//! What every program does with a name, and how it fails.

use std::error::Error;

pub(super) type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// What is done with each name
#[derive(Clone, Copy)]
pub(super) enum Task {
    /// Connect, verify, and ask for the version
    Ask,
    /// Find where it leads
    Resolve,
}

impl Task {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Ask => "connect+GET",
            Self::Resolve => "resolve",
        }
    }
}

/// What a server is asked for
pub(super) const VERSION: &str = "/_matrix/federation/v1/version";
