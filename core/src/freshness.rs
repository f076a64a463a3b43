//! How long a .well-known response may be believed (RFC 9111, as a private cache).

use core::time::Duration;

use crate::answer::HttpAnswer;
use crate::config::Lifetimes;

/// How long a response may be believed; `draw` decides how much is added to a default, or taken away
pub(crate) fn lifetime(_answer: &HttpAnswer, lifetimes: &Lifetimes, _draw: u64) -> Duration {
    lifetimes.well_known
}
