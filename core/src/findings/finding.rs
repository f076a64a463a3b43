//! What a finding is.

use alloc::string::String;
use core::fmt;

use serde::{Deserialize, Serialize};

use super::catalog::Code;
use crate::edition::Place;

/// What an administrator should know: what was seen, and what to change
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Finding {
    /// What it is, for good
    pub code: Code,
    /// How bad it is, here
    pub level: Level,
    /// The step of the specification that it was seen at
    pub place: Option<Place>,
    /// What was seen, as a clause: "nothing listens at 192.0.2.7:8448"
    pub seen: String,
    /// What to change, as an order: "open port 8448"
    pub remedy: String,
}

/// How bad a finding is
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Level {
    /// Federation does not work for it
    Error,
    /// Federation works, but some servers may not find this one, or soon none will
    Warning,
    /// Nothing has to be changed
    Notice,
}

impl Level {
    /// In one stable word
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
            Self::Notice => "notice",
        }
    }
}

impl Finding {
    /// Something that was seen by other means than a search
    #[must_use]
    pub fn new(
        code: Code,
        level: Level,
        seen: impl Into<String>,
        remedy: impl Into<String>,
    ) -> Self {
        Self {
            code,
            level,
            place: None,
            seen: seen.into(),
            remedy: remedy.into(),
        }
    }

    /// The same, at this step
    #[must_use]
    pub fn at(mut self, place: Place) -> Self {
        self.place = Some(place);
        self
    }
}

impl fmt::Display for Finding {
    /// On one line
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            code,
            level,
            seen,
            remedy,
            ..
        } = self;
        write!(f, "{}: {seen}: {remedy} [{code}]", level.name())
    }
}
