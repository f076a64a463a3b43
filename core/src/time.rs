//! Time as the core knows it: a parameter, never a clock.

use core::fmt;
use core::ops::Add;
use core::time::Duration;

use serde::{Deserialize, Serialize};

/// A point in time, counted from a moment of the driver's choosing
///
/// The core has no clock. A driver picks an origin (usually its own start), and passes the time since
/// then as `now`. Instants of different origins must not be mixed.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Instant(Duration);

impl Instant {
    /// The origin itself
    pub const ORIGIN: Self = Self(Duration::ZERO);

    /// Later than, or as late as, any other: what lasts until then does not end
    pub(crate) const END: Self = Self(Duration::MAX);

    /// The instant `elapsed` after the origin
    #[must_use]
    pub const fn from_origin(elapsed: Duration) -> Self {
        Self(elapsed)
    }

    /// The time that has passed since the origin
    #[must_use]
    pub const fn since_origin(self) -> Duration {
        self.0
    }

    /// The time from `earlier` to this instant, zero if `earlier` is later
    #[must_use]
    pub const fn saturating_since(self, earlier: Self) -> Duration {
        self.0.saturating_sub(earlier.0)
    }
}

impl Add<Duration> for Instant {
    type Output = Self;

    /// Saturates at the end of time instead of overflowing
    fn add(self, rhs: Duration) -> Self {
        Self(self.0.saturating_add(rhs))
    }
}

impl fmt::Display for Instant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ms", self.0.as_millis())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;

    #[test]
    fn an_instant_is_written_in_milliseconds() {
        let instant = Instant::ORIGIN + Duration::from_micros(1_500);
        assert_eq!(instant.to_string(), "1 ms");
    }
}
