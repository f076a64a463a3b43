//! How long answers may be believed; of .well-known, by RFC 9111, as a private cache that has no clock.
//!
//! What is decided here, where the RFC leaves it open or a cache of its kind has no choice:
//!
//! - **Contradictions**: of several lifetimes the least counts, be they two lines, one directive twice or two that
//!   differ; what cannot be read is no lifetime at all. §4.2.1 has "the most restrictive directive" for directives that
//!   conflict, "the first occurrence … or the response should be considered stale" for one that is repeated, and
//!   "stale" for invalid ones. The least is never more than the first, and a line said twice stays what it says.
//! - **No clock**: how old a response is, is what `Age` says of it, and when it ends is the distance from its `Date` to
//!   its `Expires`, two times of one clock. An `Expires` beside no `Date`, or beside one that cannot be read, is a
//!   lifetime that cannot be read. The apparent age of §4.2.3 would set our clock against the peer's; the time that the
//!   response took is left out, too: it is ten seconds at most, where five minutes are the least.
//! - **`no-store` and `no-cache`** are a lifetime of zero, and that is the least one: the search that asked rests on the
//!   response for as long as it runs, and a homeserver, which asks for one name hundreds of times a second, would
//!   otherwise fetch it for each. Synapse does likewise.

use alloc::borrow::Cow;
use alloc::vec::Vec;
use core::iter;
use core::time::Duration;

use serde::{Deserialize, Serialize};

use crate::answer::{FieldName, HttpAnswer};
use crate::date::parse_http_date;

/// How long answers are believed that do not say so themselves, or say too little or too much
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
#[serde(default)]
pub struct Lifetimes {
    /// A DNS question that could not be answered, and an absence without an SOA; 5 s
    pub dns_failure: Duration,
    /// A DNS answer at most, whatever its time to live; 24 h
    pub dns_most: Duration,
    /// A .well-known response that says nothing of its freshness; 24 h, to which up to a tenth is added or taken away
    pub well_known: Duration,
    /// The first failure of .well-known; 1 min, which a [`Pool`](crate::Pool) doubles with each further one
    pub well_known_failure: Duration,
    /// A failure of .well-known at most; 1 h
    pub well_known_failure_most: Duration,
    /// A .well-known response at least, whatever it says; 5 min
    pub well_known_least: Duration,
    /// A .well-known response at most, whatever it says; 48 h
    pub well_known_most: Duration,
}

impl Default for Lifetimes {
    fn default() -> Self {
        Self {
            dns_failure: DNS_FAILURE_LIFETIME,
            dns_most: DNS_MOST_LIFETIME,
            well_known: WELL_KNOWN_LIFETIME,
            well_known_failure: WELL_KNOWN_FAILURE_LIFETIME,
            well_known_failure_most: WELL_KNOWN_FAILURE_MOST_LIFETIME,
            well_known_least: WELL_KNOWN_LEAST_LIFETIME,
            well_known_most: WELL_KNOWN_MOST_LIFETIME,
        }
    }
}

/// How long a response may be believed from now on, within the limits of `lifetimes`
///
/// One that says nothing of it has the default, to which `draw` adds up to a tenth, or takes it away: of many that
/// were asked at once, not all are to end at once. What `Age` says is taken off either way.
pub(crate) fn lifetime(answer: &HttpAnswer, lifetimes: &Lifetimes, draw: u64) -> Duration {
    let stated = by_cache_control(answer).or_else(|| by_expires(answer));
    let lifetime = stated.unwrap_or_else(|| jitter(lifetimes.well_known, draw));
    // The most last: if a configuration has it below the least, it is the promise not to be wrong for longer
    lifetime
        .saturating_sub(age(answer))
        .max(lifetimes.well_known_least)
        .min(lifetimes.well_known_most)
}

/// What `Cache-Control` says, if anything of it is about lifetimes (§5.2.2)
///
/// What is: `max-age`, `no-cache` and `no-store`. What is not: `s-maxage`, `private`, `public` and `proxy-revalidate`, which
/// are for shared caches; `must-revalidate`, which is for what is stale; `must-understand`, which this cache does not
/// implement; whatever else there is, since "a cache MUST ignore unrecognized cache directives" (§5.2.3).
fn by_cache_control(answer: &HttpAnswer) -> Option<Duration> {
    let directives = answer.values(FieldName::CacheControl).flat_map(directives);
    directives.filter_map(|each| each.lifetime()).min()
}

/// What `Expires` says (§5.3)
///
/// "A cache recipient MUST interpret invalid date formats, especially the value "0", as representing a time in the past".
fn by_expires(answer: &HttpAnswer) -> Option<Duration> {
    let date = date(answer);
    let until = |value| {
        let distance = parse_http_date(value)? - date?;
        // An end before the beginning is one that has passed
        Some(Duration::from_secs(u64::try_from(distance).unwrap_or(0)))
    };
    let expires = answer.values(FieldName::Expires);
    expires
        .map(|value| until(value).unwrap_or(Duration::ZERO))
        .min()
}

/// When the peer says that it sent the response: of several dates the latest, which leaves the least
fn date(answer: &HttpAnswer) -> Option<i64> {
    let dates = answer.values(FieldName::Date).map(parse_http_date);
    dates.reduce(|one, other| Some(one?.max(other?))).flatten()
}

/// How old the response is already (§5.1)
///
/// "A cache encountering a message with a list-based Age field value SHOULD use the first member of the field value,
/// discarding subsequent ones. If the field value … is invalid …, a cache SHOULD ignore the field."
fn age(answer: &HttpAnswer) -> Duration {
    let first = answer.values(FieldName::Age).next();
    let member = first.and_then(|line| line.split(|byte| *byte == b',').next());
    let seconds = member.and_then(|member| delta_seconds(member.trim_ascii()));
    seconds.unwrap_or(Duration::ZERO)
}

/// A directive of `Cache-Control`: `token [ "=" ( token / quoted-string ) ]`
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Directive<'a> {
    name: &'a [u8],
    /// As it was sent, with its quotes
    argument: Option<&'a [u8]>,
}

impl<'a> Directive<'a> {
    /// The first of a list, and the rest of the list behind its comma
    fn split_off(list: &'a [u8]) -> (Self, Option<&'a [u8]>) {
        let end = list.iter().position(|byte| matches!(byte, b',' | b'='));
        let end = end.unwrap_or(list.len());
        let name = list[..end].trim_ascii();
        let Some((b'=', value)) = list[end..].split_first() else {
            let rest = list.get(end + 1..);
            return (
                Self {
                    name,
                    argument: None,
                },
                rest,
            );
        };
        // Blanks around "=" are not in the grammar, and plain to read
        let value = value.trim_ascii_start();
        let quoted = quoted_len(value).unwrap_or(value.len());
        let comma = value[quoted..].iter().position(|byte| *byte == b',');
        let end = comma.map_or(value.len(), |comma| quoted + comma);
        let argument = Some(value[..end].trim_ascii_end());
        (Self { name, argument }, value.get(end + 1..))
    }

    /// The lifetime that it gives a response in a private cache, if it is about that
    fn lifetime(self) -> Option<Duration> {
        let is = |name: &str| self.name.eq_ignore_ascii_case(name.as_bytes());
        if is("max-age") {
            let seconds = self.argument.and_then(unquote);
            let lifetime = seconds.and_then(|seconds| delta_seconds(&seconds));
            return Some(lifetime.unwrap_or(Duration::ZERO));
        }
        // "The qualified form of the directive is often handled by caches as if an unqualified no-cache directive was
        // received" (§5.2.2.4): so here. What is behind a quote that does not end may have been any of the three.
        let hides_the_rest = self.argument.is_some_and(|text| quoted_len(text).is_none());
        let is_zero = is("no-store") || is("no-cache") || hides_the_rest;
        is_zero.then_some(Duration::ZERO)
    }
}

/// The directives of one line
fn directives(line: &[u8]) -> impl Iterator<Item = Directive<'_>> {
    let mut rest = Some(line);
    iter::from_fn(move || {
        let (first, others) = Directive::split_off(rest?);
        rest = others;
        Some(first)
    })
}

/// How much of the start of this is a quoted string (RFC 9110 §5.6.4), unless that has no end
fn quoted_len(text: &[u8]) -> Option<usize> {
    if text.first() != Some(&b'"') {
        return Some(0);
    }
    let mut at = 1;
    loop {
        match text.get(at)? {
            b'"' => return Some(at + 1),
            b'\\' => at += 2,
            _ => at += 1,
        }
    }
}

/// What an argument says: "Recipients that process the value of a quoted-string MUST handle a quoted-pair as if it were
/// replaced by the octet following the backslash" (RFC 9110 §5.6.4)
fn unquote(argument: &[u8]) -> Option<Cow<'_, [u8]>> {
    let Some((b'"', text)) = argument.split_first() else {
        return Some(Cow::Borrowed(argument));
    };
    let mut unquoted = Vec::with_capacity(text.len());
    let mut bytes = text.iter();
    loop {
        match bytes.next()? {
            b'"' if bytes.len() == 0 => return Some(Cow::Owned(unquoted)),
            b'"' => return None,
            b'\\' => unquoted.push(*bytes.next()?),
            byte => unquoted.push(*byte),
        }
    }
}

/// "A non-negative integer, representing time in seconds", of digits only (§1.2.2)
fn delta_seconds(text: &[u8]) -> Option<Duration> {
    if text.is_empty() || !text.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let add = |sum: u64, digit: &u8| (sum * 10 + u64::from(digit - b'0')).min(MAX_DELTA_SECONDS);
    Some(Duration::from_secs(text.iter().fold(0, add)))
}

/// How long .well-known is left alone that has failed so many times in a row, one at least: twice as long each time, less
/// up to a tenth, so that what failed in one moment is not asked for again in one moment
pub(crate) fn back_off(failures: u8, lifetimes: &Lifetimes, draw: u64) -> Duration {
    let doubled = 1_u32.checked_shl(u32::from(failures.saturating_sub(1)));
    let whole = doubled.map_or(Duration::MAX, |times| {
        lifetimes.well_known_failure.saturating_mul(times)
    });
    let whole = whole.min(lifetimes.well_known_failure_most);
    let share = (u128::from((whole / 10).as_millis() as u64) * u128::from(draw)) >> u64::BITS;
    // Less than it is a share of
    whole - Duration::from_millis(share as u64)
}

/// A lifetime to which up to a tenth is added, or taken away
fn jitter(lifetime: Duration, draw: u64) -> Duration {
    let share = (u128::from(lifetime.as_secs() / 5) * u128::from(draw)) >> u64::BITS;
    // Less than it is a share of
    let share = Duration::from_secs(share as u64);
    (lifetime - lifetime / 10).saturating_add(share)
}

/// RFC 2308 §7.1 allows five minutes at most; our choice
const DNS_FAILURE_LIFETIME: Duration = Duration::from_secs(5);
/// As Unbound's `cache-max-ttl`
const DNS_MOST_LIFETIME: Duration = Duration::from_secs(24 * 3_600);
/// Step 3: "The recommended sensible default is 24 hours"
const WELL_KNOWN_LIFETIME: Duration = Duration::from_secs(24 * 3_600);
/// Step 3: errors "up to an hour", with "exponential backoff": where that begins is our choice
const WELL_KNOWN_FAILURE_LIFETIME: Duration = Duration::from_secs(60);
/// Likewise: "up to an hour"
const WELL_KNOWN_FAILURE_MOST_LIFETIME: Duration = Duration::from_secs(3_600);
/// As Synapse's `WELL_KNOWN_MIN_CACHE_PERIOD`
const WELL_KNOWN_LEAST_LIFETIME: Duration = Duration::from_secs(5 * 60);
/// Step 3: "a maximum cache time for responses: 48 hours is recommended"
const WELL_KNOWN_MOST_LIFETIME: Duration = Duration::from_secs(48 * 3_600);
/// "If a cache receives a delta-seconds value greater than the greatest integer it can represent …, the cache MUST consider
/// the value to be 2147483648 (2^31) or the greatest positive integer it can conveniently represent" (§1.2.2)
const MAX_DELTA_SECONDS: u64 = 1 << 31;

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::String;
    use alloc::vec;
    use http_cache_semantics::{CacheOptions, CachePolicy};
    use proptest::prelude::*;
    use std::format;
    use std::time::UNIX_EPOCH;

    const LEAST: u64 = 300;
    const DEFAULT: u64 = 86_400;
    const MOST: u64 = 172_800;
    /// The draw that adds nothing to a default and takes nothing away
    const MIDDLE: u64 = 1 << 63;

    /// The lifetime in seconds of a response with these header lines
    fn seconds(lines: &[&str]) -> u64 {
        seconds_drawn(lines, MIDDLE)
    }

    fn seconds_drawn(lines: &[&str], draw: u64) -> u64 {
        let lifetime = lifetime(&answer(lines), &Lifetimes::default(), draw);
        assert_eq!(lifetime.subsec_nanos(), 0);
        lifetime.as_secs()
    }

    fn answer(lines: &[&str]) -> HttpAnswer {
        let add = |answer: HttpAnswer, line: &&str| {
            let (name, value) = line.split_once(':').unwrap();
            answer.with(FieldName::named(name).unwrap(), value.trim())
        };
        lines.iter().fold(HttpAnswer::ok("{}"), add)
    }

    #[test]
    fn cache_control_is_read_as_rfc_9111_has_it() {
        for (section, line, expected) in [
            // Of RFC 9111, or where it says so of 9110
            ("1.2.2", "max-age=2147483648", MOST),
            ("1.2.2", "max-age=2147483649", MOST),
            ("1.2.2", "max-age=18446744073709551616", MOST),
            (
                "1.2.2",
                "max-age=99999999999999999999999999999999999999999",
                MOST,
            ),
            ("1.2.2", "max-age=0003600", 3_600),
            ("1.2.2", "max-age=-3600", LEAST),
            ("1.2.2", "max-age=+3600", LEAST),
            ("1.2.2", "max-age=3600.5", LEAST),
            ("1.2.2", "max-age=0xe10", LEAST),
            ("1.2.2", "max-age=3600s", LEAST),
            ("1.2.2", "max-age=1h", LEAST),
            ("1.2.2", "max-age=3 600", LEAST),
            ("1.2.2", "max-age=\u{663}", LEAST),
            ("4.2.1", "max-age=3600, max-age=3600", 3_600),
            ("4.2.1", "max-age=3600, max-age=7200", 3_600),
            ("4.2.1", "max-age=7200, max-age=3600", 3_600),
            ("4.2.1", "max-age=7200, max-age=x", LEAST),
            ("4.2.1", "max-age=3600, no-cache", LEAST),
            ("4.2.1", "no-cache, max-age=3600", LEAST),
            ("4.2.1", "max-age=3600, no-store", LEAST),
            ("4.2.1", "max-age", LEAST),
            ("4.2.1", "max-age=", LEAST),
            ("4.2.1", "max-age=3600; public", LEAST),
            ("4.2.1", "max-age=3600 public", LEAST),
            ("4.2.2", "", DEFAULT),
            ("4.2.2", ",", DEFAULT),
            ("4.2.2", "max-agee=3600", DEFAULT),
            ("4.2.2", "=3600", DEFAULT),
            ("5.2", "max-age=3600", 3_600),
            ("5.2", "max-age=\"3600\"", 3_600),
            ("5.2", "MAX-AGE=3600", 3_600),
            ("5.2", "Max-Age=\"3600\", Public", 3_600),
            ("5.2", "max-age='3600'", LEAST),
            ("5.2", "max-age=\"3600", LEAST),
            ("5.2", "max-age=3600\"", LEAST),
            ("5.2", "max-age=\"3600\"0", LEAST),
            ("5.2", "max-age=\"\"", LEAST),
            ("5.2", "max-age = 3600", 3_600),
            ("5.2", "max-age=\t\"3600\" ,public", 3_600),
            ("9110 5.6.1", ",, , max-age=3600,,", 3_600),
            ("9110 5.6.1", "public,max-age=3600,must-revalidate", 3_600),
            ("9110 5.6.4", "max-age=\"\\3\\6\\0\\0\"", 3_600),
            ("9110 5.6.4", "max-age=\"36\\\\00\"", LEAST),
            (
                "9110 5.6.4",
                "ext=\"no-store, max-age=1\", max-age=3600",
                3_600,
            ),
            (
                "9110 5.6.4",
                "ext=\"a\\\", no-store, b\", max-age=3600",
                3_600,
            ),
            ("9110 5.6.4", "ext=\"a\"b, max-age=3600", 3_600),
            ("9110 5.6.4", "ext=a\"b, max-age=3600, c\"d", 3_600),
            ("9110 5.6.4", "max-age=3600, ext=\"no-store", LEAST),
            ("9110 5.6.4", "ext=\"\\", LEAST),
            ("5.2.2.1", "max-age=0", LEAST),
            ("5.2.2.1", "max-age=86400", 86_400),
            ("5.2.2.2", "must-revalidate", DEFAULT),
            ("5.2.2.2", "max-age=3600, must-revalidate", 3_600),
            ("5.2.2.3", "must-understand, no-store", LEAST),
            ("5.2.2.4", "no-cache", LEAST),
            ("5.2.2.4", "No-Cache", LEAST),
            ("5.2.2.4", "no-cache=\"Set-Cookie\", max-age=3600", LEAST),
            ("5.2.2.5", "no-store", LEAST),
            ("5.2.2.5", "NO-STORE", LEAST),
            ("5.2.2.5", "no-store=1", LEAST),
            ("5.2.2.5", "no-stores", DEFAULT),
            ("5.2.2.6", "no-transform, max-age=3600", 3_600),
            ("5.2.2.7", "private", DEFAULT),
            ("5.2.2.7", "private, max-age=3600", 3_600),
            ("5.2.2.7", "private=\"a, no-store\", max-age=3600", 3_600),
            ("5.2.2.8", "proxy-revalidate, max-age=3600", 3_600),
            ("5.2.2.9", "public", DEFAULT),
            ("5.2.2.10", "s-maxage=3600", DEFAULT),
            ("5.2.2.10", "s-maxage=60, max-age=3600", 3_600),
            ("5.2.3", "max-age=3600, immutable, stale-if-error=9", 3_600),
            ("5.2.3", "pre-check=0, post-check=0", DEFAULT),
            ("5.2.3", "community=\"UCI\"", DEFAULT),
        ] {
            let line = format!("Cache-Control: {line}");
            assert_eq!(seconds(&[&line]), expected, "§{section}: {line}");
        }
    }

    #[test]
    fn fields_together_are_read_as_rfc_9111_has_it() {
        const DATE: &str = "Date: Sun, 06 Nov 1994 08:49:37 GMT";
        const IN_AN_HOUR: &str = "Expires: Sun, 06 Nov 1994 09:49:37 GMT";
        const IN_TWO: &str = "Expires: Sun, 06 Nov 1994 10:49:37 GMT";
        const A_MINUTE_LATER: &str = "Date: Sun, 06 Nov 1994 08:50:37 GMT";
        let rows: &[(&str, &[&str], u64)] = &[
            (
                "1.2.2",
                &["Cache-Control: max-age=9999999999", "Age: 2147483347"],
                301,
            ),
            (
                "1.2.2",
                &["Cache-Control: max-age=9999999999", "Age: 2147483348"],
                LEAST,
            ),
            (
                "4.2.1",
                &["Cache-Control: max-age=60", "Cache-Control: no-cache"],
                LEAST,
            ),
            (
                "4.2.1",
                &["Cache-Control: public", "Cache-Control: max-age=3600"],
                3_600,
            ),
            (
                "4.2.1",
                &["Cache-Control: max-age=9000", "Cache-Control: max-age=3600"],
                3_600,
            ),
            (
                "4.2.1",
                &["Cache-Control: ext=\"a", "Cache-Control: b\", max-age=3600"],
                LEAST,
            ),
            ("4.2.1", &[DATE, IN_AN_HOUR], 3_600),
            ("4.2.1", &[IN_AN_HOUR, DATE], 3_600),
            ("4.2.1", &[DATE, IN_TWO, IN_AN_HOUR], 3_600),
            ("4.2.1", &[DATE, IN_AN_HOUR, IN_TWO], 3_600),
            ("4.2.1", &[DATE, IN_AN_HOUR, "Expires: 0"], LEAST),
            ("4.2.2", &[], DEFAULT),
            ("4.2.2", &[DATE], DEFAULT),
            ("4.2.2", &["Age: 3600"], DEFAULT - 3_600),
            (
                "4.2.2",
                &["Date: 0", "Content-Type: application/json"],
                DEFAULT,
            ),
            (
                "4.2.3",
                &["Cache-Control: max-age=7200", "Age: 3600"],
                3_600,
            ),
            (
                "4.2.3",
                &["Cache-Control: max-age=864000", "Age: 860400"],
                3_600,
            ),
            (
                "4.2.3",
                &["Cache-Control: max-age=3600", "Age: 3601"],
                LEAST,
            ),
            (
                "4.2.3",
                &["Cache-Control: max-age=99999999999", "Age: 99999999999"],
                LEAST,
            ),
            ("4.2.3", &[DATE, IN_TWO, "Age: 3600"], 3_600),
            // The peer's clock is years behind ours, which nobody asks
            ("4.2.3", &[DATE, "Cache-Control: max-age=3600"], 3_600),
            (
                "5.1",
                &["Cache-Control: max-age=7200", "Age: 3600", "Age: 60"],
                3_600,
            ),
            (
                "5.1",
                &["Cache-Control: max-age=7200", "Age: 3600, 60"],
                3_600,
            ),
            (
                "5.1",
                &["Cache-Control: max-age=7200", "Age: 3600 ,x"],
                3_600,
            ),
            (
                "5.1",
                &["Cache-Control: max-age=7200", "Age: x, 3600"],
                7_200,
            ),
            ("5.1", &["Cache-Control: max-age=7200", "Age: -1"], 7_200),
            (
                "5.1",
                &["Cache-Control: max-age=7200", "Age: \"3600\""],
                7_200,
            ),
            (
                "5.1",
                &["Cache-Control: max-age=7200", "Age: 3600.0"],
                7_200,
            ),
            ("5.1", &["Cache-Control: max-age=7200", "Age:"], 7_200),
            (
                "5.3",
                &[DATE, IN_AN_HOUR, "Cache-Control: max-age=7200"],
                7_200,
            ),
            (
                "5.3",
                &[DATE, "Expires: 0", "Cache-Control: max-age=7200"],
                7_200,
            ),
            (
                "5.3",
                &[DATE, IN_AN_HOUR, "Cache-Control: s-maxage=7200"],
                3_600,
            ),
            ("5.3", &[DATE, IN_AN_HOUR, "Cache-Control: private"], 3_600),
            ("5.3", &[DATE, IN_AN_HOUR, "Cache-Control: no-cache"], LEAST),
            ("5.3", &[DATE, "Expires: 0"], LEAST),
            ("5.3", &[DATE, "Expires: -1"], LEAST),
            ("5.3", &[DATE, "Expires:"], LEAST),
            ("5.3", &[DATE, "Expires: 3600"], LEAST),
            (
                "5.3",
                &[DATE, "Expires: Sun, 06 Nov 1994 09:49:37 CET"],
                LEAST,
            ),
            (
                "5.3",
                &[DATE, "Expires: Sun, 06 Nov 1994 07:49:37 GMT"],
                LEAST,
            ),
            (
                "5.3",
                &[DATE, "Expires: Sunday, 06-Nov-94 09:49:37 GMT"],
                3_600,
            ),
            ("5.3", &[DATE, "Expires: Sun Nov  6 09:49:37 1994"], 3_600),
            (
                "5.3",
                &["Date: Sun Nov  6 08:49:37 1994", IN_AN_HOUR],
                3_600,
            ),
            ("5.3", &["Expires: 0"], LEAST),
            ("9110 6.6.1", &[IN_AN_HOUR], LEAST),
            (
                "9110 6.6.1",
                &["Expires: Fri, 31 Dec 9999 23:59:59 GMT"],
                LEAST,
            ),
            ("9110 6.6.1", &["Date: now", IN_AN_HOUR], LEAST),
            ("9110 6.6.1", &[DATE, A_MINUTE_LATER, IN_AN_HOUR], 3_540),
            ("9110 6.6.1", &[A_MINUTE_LATER, DATE, IN_AN_HOUR], 3_540),
            ("9110 6.6.1", &[DATE, "Date: now", IN_AN_HOUR], LEAST),
            (
                "9110 6.6.1",
                &[DATE, "Expires: Fri, 31 Dec 9999 23:59:59 GMT"],
                MOST,
            ),
        ];
        for (section, lines, expected) in rows {
            assert_eq!(seconds(lines), *expected, "§{section}: {lines:?}");
        }
    }

    #[test]
    fn bytes_that_are_no_text_are_no_lifetime() {
        let of = |name, value: &[u8]| {
            let answer = HttpAnswer::ok("{}").with(name, value);
            lifetime(&answer, &Lifetimes::default(), MIDDLE).as_secs()
        };
        assert_eq!(of(FieldName::CacheControl, b"max-age=36\xff00"), LEAST);
        assert_eq!(
            of(FieldName::CacheControl, b"\xff=\"\xff,\", max-age=3600"),
            3_600
        );
        assert_eq!(of(FieldName::Expires, b"\xff"), LEAST);
        assert_eq!(of(FieldName::Age, b"\xff"), DEFAULT);
    }

    #[test]
    fn what_is_left_is_never_under_five_minutes_nor_over_48_hours() {
        for (left, expected) in [
            (0, LEAST),
            (LEAST - 1, LEAST),
            (LEAST, LEAST),
            (LEAST + 1, LEAST + 1),
            (MOST - 1, MOST - 1),
            (MOST, MOST),
            (MOST + 1, MOST),
        ] {
            let of = |lines: &[String]| {
                let lines: Vec<_> = lines.iter().map(String::as_str).collect();
                seconds(&lines)
            };
            let by_max_age = format!("Cache-Control: max-age={left}");
            assert_eq!(of(&[by_max_age]), expected, "{left}");
            let with_age = format!("Cache-Control: max-age={}", left + 500_000);
            assert_eq!(of(&[with_age, "Age: 500000".into()]), expected, "{left}");
            let date = |since| httpdate::fmt_http_date(UNIX_EPOCH + Duration::from_secs(since));
            let lines = [
                format!("Date: {}", date(9)),
                format!("Expires: {}", date(9 + left)),
            ];
            assert_eq!(of(&lines), expected, "{left}");
        }
    }

    #[test]
    fn only_the_default_is_jittered_and_by_a_tenth_at_most() {
        for (draw, expected) in [
            (0, DEFAULT - DEFAULT / 10),
            (MIDDLE, DEFAULT),
            (u64::MAX, DEFAULT + DEFAULT / 10 - 1),
        ] {
            assert_eq!(seconds_drawn(&[], draw), expected);
            assert_eq!(seconds_drawn(&["Age: 60"], draw), expected - 60);
            assert_eq!(seconds_drawn(&["Cache-Control: max-age=7200"], draw), 7_200);
            assert_eq!(seconds_drawn(&["Cache-Control: no-store"], draw), LEAST);
            assert_eq!(seconds_drawn(&["Expires: 0"], draw), LEAST);
        }
    }

    #[test]
    fn the_limits_are_those_of_the_configuration_and_the_most_is_the_last() {
        let mut lifetimes = Lifetimes {
            well_known: Duration::MAX,
            ..Lifetimes::default()
        };
        for draw in [0, MIDDLE, u64::MAX] {
            assert_eq!(lifetime(&answer(&[]), &lifetimes, draw).as_secs(), MOST);
        }
        lifetimes.well_known = Duration::ZERO;
        assert_eq!(
            lifetime(&answer(&[]), &lifetimes, u64::MAX).as_secs(),
            LEAST
        );
        lifetimes.well_known_least = Duration::from_secs(9);
        lifetimes.well_known_most = Duration::from_secs(7);
        assert_eq!(lifetime(&answer(&[]), &lifetimes, MIDDLE).as_secs(), 7);
    }

    /// What both read alike. Left out, since the other does not read it, or reads it otherwise on purpose:
    ///
    /// - names of directives in capitals, which it does not compare "case-insensitively" (§5.2)
    /// - quoted strings with commas, escapes or no end, which it cuts at the comma
    /// - `max-age` without an argument, which it passes over; signs, which it takes
    /// - a directive or field twice with two values, of which it takes the first (§4.2.1 allows it)
    /// - more than 2^64 seconds, which are zero to it
    /// - dates that are not in the format of IMF-fixdate, which are all invalid to it
    fn fields() -> impl Strategy<Value = Vec<(FieldName, String)>> {
        let max_age = prop_oneof![
            (0..400_000_u32).prop_map(|seconds| format!("max-age={seconds}")),
            (0..400_000_u32).prop_map(|seconds| format!("max-age=\"{seconds}\"")),
            prop::sample::select(vec![
                "max-age=x",
                "max-age=-1",
                "max-age=2147483648",
                "max-age="
            ])
            .prop_map(String::from),
        ];
        let others = prop::sample::subsequence(
            vec![
                "s-maxage=60",
                "private",
                "public",
                "must-revalidate",
                "proxy-revalidate",
                "no-transform",
                "immutable",
                "stale-if-error=60",
                "private=\"x\"",
                "",
            ],
            0..4,
        );
        let forbidden = prop::sample::select(vec!["no-store", "no-cache"]);
        let directives = (
            prop::option::of(max_age),
            others,
            prop::option::weighted(0.1, forbidden),
        );
        let directives = directives.prop_map(|(max_age, others, forbidden)| {
            let others = others.into_iter().chain(forbidden).map(String::from);
            max_age.into_iter().chain(others).collect::<Vec<_>>()
        });
        let cache_control = (directives.prop_shuffle(), any::<bool>());
        let cache_control = cache_control.prop_map(|(directives, one_line)| {
            let lines = if one_line {
                vec![directives.join(", ")]
            } else {
                directives
            };
            let fields = lines.into_iter();
            fields
                .map(|line| (FieldName::CacheControl, line))
                .collect::<Vec<_>>()
        });
        let date = |invalid: &'static [&'static str]| {
            prop_oneof![
                9 => (0..400_000_u64).prop_map(|since| {
                    httpdate::fmt_http_date(UNIX_EPOCH + Duration::from_secs(since))
                }),
                1 => prop::sample::select(invalid).prop_map(String::from),
            ]
        };
        let age = prop_oneof![
            (0..400_000_u32).prop_map(|seconds| format!("{seconds}")),
            prop::sample::select(vec!["x", "-1", "1.5", ""]).prop_map(String::from),
        ];
        let singles = (
            prop::option::of(date(&["0", "-1", "", "tomorrow"])),
            prop::option::of(date(&["0", "yesterday"])),
            prop::option::of(age),
        );
        let fields = (cache_control, singles);
        fields
            .prop_map(|(mut fields, (expires, date, age))| {
                fields.extend(expires.map(|value| (FieldName::Expires, value)));
                fields.extend(date.map(|value| (FieldName::Date, value)));
                fields.extend(age.map(|value| (FieldName::Age, value)));
                fields
            })
            .prop_shuffle()
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2_000))]

        /// Held against a cache for browsers, read at the moment the response comes
        #[test]
        fn what_http_cache_semantics_says_is_so_within_the_limits(fields in fields()) {
            let mut answer = HttpAnswer::ok("{}");
            let mut response = http::Response::new(());
            for (name, value) in &fields {
                answer = answer.with(*name, value.as_str());
                let value = http::HeaderValue::from_str(value).unwrap();
                response.headers_mut().append(name.as_str(), value);
            }
            let options = CacheOptions {
                shared: false,
                // RFC 8246 §2 gives `immutable` no lifetime of its own
                immutable_min_time_to_live: Duration::ZERO,
                ..CacheOptions::default()
            };
            let now = UNIX_EPOCH;
            let policy = CachePolicy::new_options(&http::Request::new(()), &response, now, options);
            let theirs = policy.time_to_live(now).as_secs().clamp(LEAST, MOST);

            let says_max_age = by_cache_control(&answer).is_some();
            let says_expires = answer.values(FieldName::Expires).next().is_some();
            // By decision: their default is zero, and where there is no date, they take their clock's
            let expected = match (says_max_age, says_expires) {
                (false, false) => (DEFAULT - age(&answer).as_secs().min(DEFAULT)).max(LEAST),
                (false, true) if date(&answer).is_none() => LEAST,
                (true, _) | (false, true) => theirs,
            };
            prop_assert_eq!(lifetime(&answer, &Lifetimes::default(), MIDDLE).as_secs(), expected);
        }
    }
}
