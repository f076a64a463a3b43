//! Dates of header fields: HTTP-date (RFC 9110 §5.6.7), in each of its three formats.
//!
//! The crates that read it know a clock (`httpdate`, which the tests hold this against) or a calendar (`time`, `jiff`);
//! what freshness needs is the distance of two dates.

use alloc::vec::Vec;

/// The seconds from 1970-01-01T00:00:00Z to a date, less than zero if it lies before that
///
/// "A cache recipient SHOULD match the field value case-insensitively", and "SHOULD consider a date with a zone
/// abbreviation other than "GMT" to be invalid" (RFC 9111 §4.2). That the weekday is that of the date is not asked for:
/// the date is the same without it.
pub(crate) fn parse_http_date(text: &[u8]) -> Option<i64> {
    let text = str::from_utf8(text).ok()?.trim().to_ascii_lowercase();
    let words: Vec<_> = text.split(' ').collect();
    match words[..] {
        // IMF-fixdate: `Sun, 06 Nov 1994 08:49:37 GMT`
        [weekday, day, month, year, time, "gmt"] if is_short(weekday, ",") => {
            seconds(number(year, 4)?, month, number(day, 2)?, time)
        }
        // rfc850-date: `Sunday, 06-Nov-94 08:49:37 GMT`
        [weekday, date, time, "gmt"] if is_long(weekday, ",") => {
            let (day, date) = date.split_once('-')?;
            let (month, year) = date.split_once('-')?;
            seconds(full_year(number(year, 2)?), month, number(day, 2)?, time)
        }
        // asctime-date: `Sun Nov  6 08:49:37 1994`
        [weekday, month, "", day, time, year] if is_short(weekday, "") => {
            seconds(number(year, 4)?, month, number(day, 1)?, time)
        }
        [weekday, month, day, time, year] if is_short(weekday, "") => {
            seconds(number(year, 4)?, month, number(day, 2)?, time)
        }
        _ => None,
    }
}

fn seconds(year: i64, month: &str, day: i64, time: &str) -> Option<i64> {
    let month = MONTHS.iter().position(|(name, _)| *name == month)?;
    let is_leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let leap_day = |month: usize| i64::from(is_leap && month == FEBRUARY);
    let days_of = |month: usize| MONTHS[month].1 + leap_day(month);
    if !(1..=days_of(month)).contains(&day) {
        return None;
    }
    // Of the years before this one, every fourth was a leap year, save every hundredth, but every four hundredth
    let past = year - 1;
    let leap_years = past.div_euclid(4) - past.div_euclid(100) + past.div_euclid(400);
    let of_year: i64 = (0..month).map(days_of).sum();
    let days = 365 * past + leap_years + of_year + day - 1 - DAYS_TO_1970;

    let (hour, time) = time.split_once(':')?;
    let (minute, second) = time.split_once(':')?;
    let (hour, minute, second) = (number(hour, 2)?, number(minute, 2)?, number(second, 2)?);
    // A second of 60 is a leap second, which the day count does not have: the one after it
    if hour > 23 || minute > 59 || second > 60 {
        return None;
    }
    Some(((days * 24 + hour) * 60 + minute) * 60 + second)
}

/// A number of so many digits
fn number(text: &str, digits: usize) -> Option<i64> {
    let is_one = text.len() == digits && text.bytes().all(|byte| byte.is_ascii_digit());
    is_one.then(|| text.parse().ok())?
}

/// "MUST interpret a timestamp that appears to be more than 50 years in the future as representing the most recent year
/// in the past that had the same last two digits": without a clock, the turn stands where `httpdate` has it
fn full_year(two_digits: i64) -> i64 {
    two_digits + if two_digits < 70 { 2000 } else { 1900 }
}

fn is_long(weekday: &str, end: &str) -> bool {
    let weekday = weekday.strip_suffix(end);
    WEEKDAYS.iter().any(|name| weekday == Some(name))
}

fn is_short(weekday: &str, end: &str) -> bool {
    let weekday = weekday.strip_suffix(end);
    WEEKDAYS.iter().any(|name| weekday == Some(&name[..3]))
}

/// RFC 9110 §5.6.7, in lower case; the first three letters are the short names
const WEEKDAYS: [&str; 7] = [
    "monday",
    "tuesday",
    "wednesday",
    "thursday",
    "friday",
    "saturday",
    "sunday",
];
/// RFC 9110 §5.6.7, in lower case, with the days of each in a year that is no leap year
const MONTHS: [(&str, i64); 12] = [
    ("jan", 31),
    ("feb", 28),
    ("mar", 31),
    ("apr", 30),
    ("may", 31),
    ("jun", 30),
    ("jul", 31),
    ("aug", 31),
    ("sep", 30),
    ("oct", 31),
    ("nov", 30),
    ("dec", 31),
];
/// Where February stands among them
const FEBRUARY: usize = 1;
/// From 0001-01-01 to 1970-01-01: 1969 years and 477 leap days
const DAYS_TO_1970: i64 = 1969 * 365 + 477;

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::format;
    use std::time::{Duration, UNIX_EPOCH};

    fn read(text: &str) -> Option<i64> {
        parse_http_date(text.as_bytes())
    }

    #[test]
    fn the_three_formats_of_the_rfc_are_one_date() {
        for text in [
            "Sun, 06 Nov 1994 08:49:37 GMT",
            "Sunday, 06-Nov-94 08:49:37 GMT",
            "Sun Nov  6 08:49:37 1994",
            "Sun Nov 06 08:49:37 1994",
            "sUN, 06 nOV 1994 08:49:37 gmt",
            "Mon, 06 Nov 1994 08:49:37 GMT",
            " Sun, 06 Nov 1994 08:49:37 GMT\t",
        ] {
            assert_eq!(read(text), Some(784_111_777), "{text}");
        }
    }

    #[test]
    fn the_calendar_is_that_of_gregory() {
        for (text, seconds) in [
            ("Thu, 01 Jan 1970 00:00:00 GMT", 0),
            ("Wed, 31 Dec 1969 23:59:59 GMT", -1),
            ("Mon, 01 Jan 0001 00:00:00 GMT", -62_135_596_800),
            ("Sat, 01 Jan 0000 00:00:00 GMT", -62_167_219_200),
            ("Tue, 29 Feb 2000 12:00:00 GMT", 951_825_600),
            ("Fri, 31 Dec 9999 23:59:59 GMT", 253_402_300_799),
            ("Tue, 30 Jun 2015 23:59:60 GMT", 1_435_708_800),
            ("Monday, 01-Jan-69 00:00:00 GMT", 3_124_224_000),
            ("Thursday, 01-Jan-70 00:00:00 GMT", 0),
        ] {
            assert_eq!(read(text), Some(seconds), "{text}");
        }
    }

    #[test]
    fn what_the_grammar_does_not_have_is_no_date() {
        for text in [
            "",
            "0",
            "-1",
            "784111777",
            "Sun, 06 Nov 1994 08:49:37 UTC",
            "Sun, 06 Nov 1994 08:49:37 +0000",
            "Sun, 06 Nov 1994 08:49:37",
            "Sun, 06 Nov 1994 08:49 GMT",
            "Sun, 6 Nov 1994 08:49:37 GMT",
            "Sun, 06 Nov 94 08:49:37 GMT",
            "Sun, 06 Nov 1994 8:49:37 GMT",
            "Sun, 06  Nov 1994 08:49:37 GMT",
            "Sun, 00 Nov 1994 08:49:37 GMT",
            "Sun, 31 Nov 1994 08:49:37 GMT",
            "Wed, 29 Feb 1900 00:00:00 GMT",
            "Sun, 06 Nov 1994 24:00:00 GMT",
            "Sun, 06 Nov 1994 08:60:00 GMT",
            "Sun, 06 Nov 1994 08:49:61 GMT",
            "Sun, +6 Nov 1994 08:49:37 GMT",
            "Sun, 06 Brumaire 1994 08:49:37 GMT",
            "Sunday, 06 Nov 1994 08:49:37 GMT",
            "Sun, 06-Nov-94 08:49:37 GMT",
            "Sunday, 06-Nov-1994 08:49:37 GMT",
            "So, 06 Nov 1994 08:49:37 GMT",
            "06 Nov 1994 08:49:37 GMT",
            "Sun Nov 6 08:49:37 1994",
            "Sun Nov  16 08:49:37 1994",
            "Sun, Nov  6 08:49:37 1994",
            "1994-11-06T08:49:37Z",
            "Sun, 06 Nov 1994 08:49:37 GMT, Sun, 06 Nov 1994 08:49:37 GMT",
        ] {
            assert_eq!(read(text), None, "{text}");
        }
        assert_eq!(parse_http_date(b"Sun, 06 Nov 1994 08:49:37 GMT\xff"), None);
    }

    proptest! {
        /// In each of the three formats, and until the year in which two digits are another century's
        #[test]
        fn what_httpdate_writes_and_reads_is_read_the_same(seconds in 0..3_155_760_000_u64) {
            let imf = httpdate::fmt_http_date(UNIX_EPOCH + Duration::from_secs(seconds));
            let [day, month, year, time] = [5..7, 8..11, 12..16, 17..25].map(|part| &imf[part]);
            let short = &imf[..3];
            let mut weekdays = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"].into_iter();
            let long = weekdays.find(|weekday| weekday.starts_with(short)).unwrap();
            let rfc850 = format!("{long}, {day}-{month}-{} {time} GMT", &year[2..]);
            let padded = day.strip_prefix('0').map_or(day.into(), |digit| format!(" {digit}"));
            let asctime = format!("{short} {month} {padded} {time} {year}");
            for text in [imf.clone(), rfc850, asctime] {
                let theirs = httpdate::parse_http_date(&text).unwrap();
                prop_assert_eq!(theirs.duration_since(UNIX_EPOCH).unwrap().as_secs(), seconds);
                prop_assert_eq!(read(&text), i64::try_from(seconds).ok(), "{}", text);
            }
        }
    }
}
