//! One name for a person to read.

use std::fmt::{self, Display};
use std::ops::RangeInclusive;

use anstyle::{AnsiColor, Style};
use serde_json::Value;

use crate::report::Report;
use crate::tls::Tls;

/// Writes a report as a block of lines, the verdict first
pub(crate) struct Block<'a> {
    pub(crate) name: &'a str,
    pub(crate) report: &'a Report,
}

impl Display for Block<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Report { step, error, .. } = self.report;
        let (style, verdict) = if self.report.ok {
            (GOOD, "ok")
        } else {
            (BAD, "failed")
        };
        write!(
            f,
            "{BOLD}{}{BOLD:#}: {style}{verdict}{style:#}",
            printable(self.name)
        )?;
        if let Some(step) = step {
            write!(f, ", step {step}")?;
        }
        if let Some(error) = error {
            write!(f, ": {}", printable(&error.message))?;
        }
        writeln!(f)?;
        for (label, value) in self.details() {
            writeln!(f, "  {label:<12}{}", printable(&value))?;
        }
        for warning in &self.report.warnings {
            writeln!(
                f,
                "  {NOTICE}{:<12}{NOTICE:#}{}",
                "warning",
                printable(warning)
            )?;
        }
        Ok(())
    }
}

impl Block<'_> {
    fn details(&self) -> Vec<(&'static str, String)> {
        let report = self.report;
        let mut lines = Vec::new();
        if let Some(well_known) = &report.well_known {
            for url in &well_known.redirects {
                lines.push(("redirected", url.clone()));
            }
            let said = well_known
                .m_server
                .as_ref()
                .map(|server| format!("delegates to {server}"));
            let failed = well_known
                .error
                .as_ref()
                .map(|error| format!("no delegation: {error}"));
            lines.extend(said.or(failed).map(|text| ("well-known", text)));
        }
        lines.extend(report.host_header.clone().map(|host| ("host header", host)));
        lines.extend(report.tls_name.clone().map(|name| ("tls name", name)));
        for candidate in &report.candidates {
            let order = match (candidate.priority, candidate.weight) {
                (Some(priority), Some(weight)) => {
                    format!(" (priority {priority}, weight {weight})")
                }
                _ => String::new(),
            };
            let addresses = candidate.addresses.join(" ");
            lines.push(("target", format!("{}{order} {addresses}", candidate.target)));
        }
        lines.extend(
            report
                .connected
                .clone()
                .map(|address| ("connected", address)),
        );
        lines.extend(report.tls.iter().flat_map(Tls::lines));
        if report.provisional {
            lines.push((
                "provisional",
                "an SRV question could not be answered".into(),
            ));
        }
        lines.extend(
            report
                .version
                .as_ref()
                .map(|version| ("version", software(version))),
        );
        lines
    }
}

/// `{"server":{"name":…,"version":…}}` as two words, or as it is where a server answers otherwise
fn software(version: &Value) -> String {
    let part = |key| {
        version
            .get("server")
            .and_then(|server| server.get(key))
            .and_then(Value::as_str)
    };
    match (part("name"), part("version")) {
        (Some(name), Some(version)) => format!("{name} {version}"),
        (Some(one), None) | (None, Some(one)) => one.into(),
        (None, None) => version.to_string(),
    }
}

/// A stranger's text without what a terminal would obey, and no longer than a person reads
pub(crate) fn printable(text: &str) -> String {
    let is_obeyed = |c: char| c.is_control() || DIRECTIONS.iter().any(|range| range.contains(&c));
    let plain = |c| {
        if is_obeyed(c) {
            char::REPLACEMENT_CHARACTER
        } else {
            c
        }
    };
    let mut printable: String = text.chars().take(MAX_PRINTED).map(plain).collect();
    if text.chars().nth(MAX_PRINTED).is_some() {
        printable.push('…');
    }
    printable
}

/// Characters that are not seen but change how others are: zero width, line and paragraph ends, directions, the BOM
const DIRECTIONS: [RangeInclusive<char>; 4] = [
    '\u{200b}'..='\u{200f}',
    '\u{2028}'..='\u{202e}',
    '\u{2060}'..='\u{206f}',
    '\u{feff}'..='\u{feff}',
];
/// Room for the attempts of a search with many targets
const MAX_PRINTED: usize = 4_000;
const BOLD: Style = Style::new().bold();
const GOOD: Style = AnsiColor::Green.on_default().bold();
const BAD: Style = AnsiColor::Red.on_default().bold();
const NOTICE: Style = AnsiColor::Yellow.on_default();

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_version_is_two_words_where_it_can_be() {
        assert_eq!(
            software(&json!({"server": {"name": "a", "version": "1"}})),
            "a 1"
        );
        assert_eq!(software(&json!({"server": {"version": "1"}})), "1");
        assert_eq!(software(&json!({"x": 1})), "{\"x\":1}");
    }

    #[test]
    fn a_terminal_is_not_sent_control_characters() {
        assert_eq!(printable("a\u{1b}[31m\n"), "a\u{fffd}[31m\u{fffd}");
        assert_eq!(printable("a\u{202e}b"), "a\u{fffd}b");
    }

    #[test]
    fn a_text_longer_than_a_person_reads_is_cut() {
        assert_eq!(
            printable(&"a".repeat(5_000)).chars().count(),
            MAX_PRINTED + 1
        );
    }
}
