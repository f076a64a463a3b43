//! One name for a person to read.

use std::fmt::{self, Display};

use anstyle::{AnsiColor, Style};
use fedway_core::Level;
use serde_json::Value;

use crate::everywhere;
use crate::json::Foreign;
use crate::path::{Path, printable, wrapped};
use crate::report::{FindingReport, Report};
use crate::tls::Tls;

/// Writes a report as a block of lines, the verdict first
pub(crate) struct Block<'a> {
    pub(crate) name: &'a str,
    pub(crate) report: &'a Report,
}

impl Display for Block<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(explanation) = &self.report.explanation {
            for line in wrapped(&printable(&explanation.headline()), 80) {
                writeln!(f, "{BOLD}{line}{BOLD:#}")?;
            }
        }
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
        for finding in &self.report.findings {
            write!(f, "{}", Item(finding))?;
        }
        match &self.report.explanation {
            Some(explanation) => write!(f, "{}", Path(explanation)),
            None => Ok(()),
        }
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
            let mut line = format!("{}{order}", candidate.target);
            for address in &candidate.addresses {
                line += " ";
                line += address;
            }
            lines.push(("target", line));
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
                "what could not be asked now may lead elsewhere later".into(),
            ));
        }
        lines.extend(
            report
                .version
                .as_ref()
                .map(|version| ("version", software(version))),
        );
        let keys = report.keys.as_ref().filter(|keys| keys.signed);
        lines.extend(keys.map(|keys| ("keys", keys.line())));
        if let Some(tried) = &report.tried {
            lines.extend(tried.iter().map(|it| ("address", it.line())));
            lines.push(("all", everywhere::sums(tried)));
        }
        lines
    }
}

/// A finding: what was seen, and what to change
struct Item<'a>(&'a FindingReport);

impl Display for Item<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(finding) = self;
        let style = match finding.level {
            Level::Error => BAD,
            Level::Warning => NOTICE,
            Level::Notice => PLAIN,
        };
        let level = finding.level.name();
        let step = finding.step.map(|step| format!(" (step {step})"));
        let seen = printable(&format!("{}{}", finding.seen, step.unwrap_or_default()));
        for (index, line) in wrapped(&seen, BESIDE).iter().enumerate() {
            let label = if index == 0 { level } else { "" };
            writeln!(f, "  {style}{label:<12}{style:#}{line}")?;
        }
        let FindingReport {
            change,
            code,
            source,
            ..
        } = finding;
        let change = format!("change: {change} [{code}] ({source})");
        for line in wrapped(&printable(&change), BESIDE) {
            writeln!(f, "  {:<12}{line}", "")?;
        }
        Ok(())
    }
}

/// `{"server":{"name":…,"version":…}}` as two words, or as it is where a server answers otherwise
fn software(version: &Foreign) -> String {
    // Not every JSON is one of serde_json's values: a number may be too big
    let value = serde_json::from_str::<Value>(version.as_str()).unwrap_or_default();
    let part = |key| value.get("server")?.get(key)?.as_str();
    match (part("name"), part("version")) {
        (Some(name), Some(version)) => format!("{name} {version}"),
        (Some(one), None) | (None, Some(one)) => one.into(),
        (None, None) => version.as_str().into(),
    }
}

const BOLD: Style = Style::new().bold();
const GOOD: Style = AnsiColor::Green.on_default().bold();
const BAD: Style = AnsiColor::Red.on_default().bold();
const NOTICE: Style = AnsiColor::Yellow.on_default();
const PLAIN: Style = Style::new();
/// What fits beside a label, in eighty columns
const BESIDE: usize = 66;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_is_two_words_where_it_can_be() {
        for (body, text) in [
            (r#"{"server": {"name": "a", "version": "1"}}"#, "a 1"),
            (r#"{"server": {"version": "1"}}"#, "1"),
            (r#"{ "x": 1 }"#, r#"{"x":1}"#),
            (r#"{"x": 1e999}"#, r#"{"x":1e999}"#),
        ] {
            let version = Foreign::parse(body.as_bytes()).unwrap();
            assert_eq!(software(&version), text);
        }
    }

    #[test]
    fn a_text_longer_than_a_person_reads_is_cut() {
        assert_eq!(printable(&"a".repeat(5_000)).chars().count(), 4_001);
    }
}
