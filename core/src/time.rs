//! Time as the core knows it: a parameter, never a clock; and dates, for people to read.

use core::fmt;
use core::ops::Add;
use core::str::FromStr;
use core::time::Duration;

use serde::{Deserialize, Serialize};

use crate::date::{civil_from_days, days_from_civil};

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

/// A date and time in UTC: seconds since 1970-01-01T00:00:00Z, as POSIX counts them
///
/// Written as RFC 3339 does, such as `2026-11-23T12:00:00Z`, and read from that form alone.
///
/// ```
/// use fedway_core::UtcTime;
///
/// let time: UtcTime = "2026-11-23T12:00:00Z".parse()?;
/// assert_eq!(time, UtcTime::from_unix(1_795_435_200));
/// # Ok::<(), fedway_core::UtcTimeError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct UtcTime(u64);

impl UtcTime {
    /// The time so many seconds after 1970-01-01T00:00:00Z
    #[must_use]
    pub const fn from_unix(seconds: u64) -> Self {
        Self(seconds)
    }

    /// A date of the Gregorian calendar, month and day from 1, and the time of day
    ///
    /// # Errors
    ///
    /// If there is no such date or time, or it was before 1970. Leap seconds are none here.
    pub fn from_civil(
        (year, month, day): (u64, u64, u64),
        (hour, minute, second): (u64, u64, u64),
    ) -> Result<Self, UtcTimeError> {
        // No date that anybody writes has more than four digits
        if !(1970..=9999).contains(&year) || hour > 23 || minute > 59 || second > 59 {
            return Err(UtcTimeError);
        }
        let days = days_from_civil(year, month, day).ok_or(UtcTimeError)?;
        let days = u64::try_from(days).map_err(|_| UtcTimeError)?;
        Ok(Self(days * 86_400 + hour * 3_600 + minute * 60 + second))
    }

    /// Seconds since 1970-01-01T00:00:00Z
    #[must_use]
    pub const fn unix(self) -> u64 {
        self.0
    }
}

impl fmt::Display for UtcTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (year, month, day) = civil_from_days(self.0 / 86_400);
        let (hour, minute, second) = (self.0 / 3_600 % 24, self.0 / 60 % 60, self.0 % 60);
        write!(
            f,
            "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z"
        )
    }
}

impl FromStr for UtcTime {
    type Err = UtcTimeError;

    fn from_str(text: &str) -> Result<Self, UtcTimeError> {
        let shape = text
            .bytes()
            .map(|byte| if byte.is_ascii_digit() { b'0' } else { byte });
        if !shape.eq(*b"0000-00-00T00:00:00Z") {
            return Err(UtcTimeError);
        }
        // Four digits at most, all of them ASCII
        let number = |from, to| text[from..to].parse().map_err(|_| UtcTimeError);
        Self::from_civil(
            (number(0, 4)?, number(5, 7)?, number(8, 10)?),
            (number(11, 13)?, number(14, 16)?, number(17, 19)?),
        )
    }
}

/// Not a date and time of the calendar since 1970, or not written as RFC 3339 has it
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error, Serialize, Deserialize)]
#[error("no date and time such as 2026-11-23T12:00:00Z")]
pub struct UtcTimeError;

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;

    #[test]
    fn an_instant_is_written_in_milliseconds() {
        let instant = Instant::ORIGIN + Duration::from_micros(1_500);
        assert_eq!(instant.to_string(), "1 ms");
    }

    #[test]
    fn a_time_is_written_and_read_as_rfc_3339_has_it() {
        for (seconds, text) in [
            (0, "1970-01-01T00:00:00Z"),
            (951_782_370, "2000-02-28T23:59:30Z"),
            (951_868_799, "2000-02-29T23:59:59Z"),
            (951_868_800, "2000-03-01T00:00:00Z"),
            (1_795_435_200, "2026-11-23T12:00:00Z"),
            (4_107_542_400, "2100-03-01T00:00:00Z"),
            (253_402_300_799, "9999-12-31T23:59:59Z"),
        ] {
            assert_eq!(UtcTime::from_unix(seconds).to_string(), text);
            assert_eq!(text.parse(), Ok(UtcTime::from_unix(seconds)));
        }
        // What no form has room for is written longer
        assert!(UtcTime::from_unix(u64::MAX).to_string().ends_with('Z'));
    }

    #[test]
    fn what_is_no_time_is_not_read() {
        for text in [
            "",
            "2026-11-23",
            "2026-11-23 12:00:00Z",
            "2026-11-23T12:00:00",
            "2026-11-23T12:00:00.0Z",
            "2026-11-23T12:00:00+00:00",
            "+026-11-23T12:00:00Z",
            "２026-11-23T12:00:00Z",
            "1969-12-31T23:59:59Z",
            "2026-00-01T00:00:00Z",
            "2026-13-01T00:00:00Z",
            "2026-01-00T00:00:00Z",
            "2026-01-32T00:00:00Z",
            "2026-02-29T00:00:00Z",
            "2026-04-31T00:00:00Z",
            "2100-02-29T00:00:00Z",
            "2026-01-01T24:00:00Z",
            "2026-01-01T00:60:00Z",
            "2026-01-01T00:00:60Z",
        ] {
            assert_eq!(text.parse::<UtcTime>(), Err(UtcTimeError), "{text}");
        }
    }
}
