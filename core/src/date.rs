//! The calendar, and dates of header fields: HTTP-date (RFC 9110 §5.6.7), in each of its three formats.
//!
//! The crates that read it know a clock (`httpdate`, which the tests hold this against) or are larger than all of this
//! (`time`, `jiff`); what freshness needs is the distance of two dates.

use alloc::vec::Vec;
use core::str::FromStr;

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

fn seconds(year: u64, month: &str, day: u64, time: &str) -> Option<i64> {
    let (month, _) = (1..).zip(MONTHS).find(|(_, name)| *name == month)?;
    let days = days_from_civil(year, month, day)?;
    let (hour, time) = time.split_once(':')?;
    let (minute, second) = time.split_once(':')?;
    let (hour, minute, second): (i64, i64, i64) =
        (number(hour, 2)?, number(minute, 2)?, number(second, 2)?);
    // A second of 60 is a leap second, which the day count does not have: the one after it
    if hour > 23 || minute > 59 || second > 60 {
        return None;
    }
    Some(((days * 24 + hour) * 60 + minute) * 60 + second)
}

/// A number of so many digits
fn number<N: FromStr>(text: &str, digits: usize) -> Option<N> {
    let is_one = text.len() == digits && text.bytes().all(|byte| byte.is_ascii_digit());
    is_one.then(|| text.parse().ok())?
}

/// "MUST interpret a timestamp that appears to be more than 50 years in the future as representing the most recent year
/// in the past that had the same last two digits": without a clock, the turn stands where `httpdate` has it
fn full_year(two_digits: u64) -> u64 {
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

/// The days from 1970-01-01 to a date of the Gregorian calendar, month and day from 1; less than zero if it lies before
///
/// `None` if there is no such date. Years have four digits at most.
pub(crate) fn days_from_civil(year: u64, month: u64, day: u64) -> Option<i64> {
    let is_leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    let days_of_month = match month {
        2 => 28 + u64::from(is_leap),
        4 | 6 | 9 | 11 => 30,
        1..=12 => 31,
        _ => return None,
    };
    if !(1..=days_of_month).contains(&day) {
        return None;
    }
    // Years are counted from March, so that the leap day is the last of its year, and from an era before year 0
    let year = year + 400 - u64::from(month <= 2);
    let shifted_month = if month > 2 { month - 3 } else { month + 9 };
    let day_of_year = (153 * shifted_month + 2) / 5 + day - 1;
    let year_of_era = year % 400;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    let days = year / 400 * DAYS_OF_ERA + day_of_era;
    let days = i64::try_from(days).ok()?;
    days.checked_sub_unsigned(DAYS_OF_ERA + DAYS_TO_1970)
}

/// The way back, from 1970 on
pub(crate) fn civil_from_days(days: u64) -> (u64, u64, u64) {
    let days = days + DAYS_TO_1970;
    let era = days / DAYS_OF_ERA;
    let day_of_era = days % DAYS_OF_ERA;
    let year_of_era =
        (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 {
        shifted_month + 3
    } else {
        shifted_month - 9
    };
    (era * 400 + year_of_era + u64::from(month <= 2), month, day)
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
/// RFC 9110 §5.6.7, in lower case
const MONTHS: [&str; 12] = [
    "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec",
];
/// From March of year 0 to 1970-01-01
const DAYS_TO_1970: u64 = 719_468;
/// Of four hundred years, after which the Gregorian calendar repeats
const DAYS_OF_ERA: u64 = 146_097;

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

    #[test]
    fn a_day_is_counted_there_and_back() {
        // To the end of the year 9999
        let mut last = (1969, 12, 31);
        for days in 0..=2_932_896 {
            let date = civil_from_days(days);
            assert!(date > last, "{date:?} after {last:?}");
            last = date;
            let (year, month, day) = date;
            assert_eq!(days_from_civil(year, month, day), i64::try_from(days).ok());
        }
        assert_eq!(last, (9999, 12, 31));
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
