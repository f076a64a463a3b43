//! `--format svg`: the path that a search took, as a picture to attach.

use std::fmt::{self, Display, Write as _};
use std::time::Duration;

use fedway_core::{Exchange, Explanation, Fate, StepTaken, Use};

use crate::path::printable;
use crate::report::Report;

/// What there is to draw of a report: nothing, of a text that is no name
pub(crate) struct Picture<'a>(pub(crate) &'a Report);

impl Display for Picture<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0.explanation {
            Some(explanation) => Waterfall(explanation).fmt(f),
            None => Ok(()),
        }
    }
}

/// A waterfall: what was asked for each step, and when
struct Waterfall<'a>(&'a Explanation);

impl Display for Waterfall<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(explanation) = self;
        let mut rows = Rows {
            body: String::new(),
            y: TOP,
            all: explanation.elapsed,
        };
        for step in &explanation.steps {
            // A picture has no room for what was not reached
            if step.fate != Fate::NotReached || !step.asked.is_empty() {
                rows.step(step)?;
            }
            for exchange in &step.asked {
                rows.exchange(exchange)?;
            }
        }
        let (height, end) = (rows.y + ROW, explanation.elapsed.as_millis());
        writeln!(
            f,
            r#"<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height}" viewBox="0 0 {WIDTH} {height}" font-family="sans-serif" font-size="13">"#
        )?;
        writeln!(
            f,
            r##"<rect width="{WIDTH}" height="{height}" fill="#fff"/>"##
        )?;
        let headline = Escaped(&explanation.headline()).to_string();
        writeln!(f, "<title>{headline}</title>")?;
        let name = explanation.server_name.to_string();
        writeln!(
            f,
            r#"<text x="12" y="22" font-weight="bold">{} ({})</text>"#,
            Escaped(&name),
            explanation.edition
        )?;
        writeln!(f, r#"<text x="{AXIS}" y="22">0 ms</text>"#)?;
        let right = AXIS + SPAN;
        writeln!(
            f,
            r#"<text x="{right}" y="22" text-anchor="end">{end} ms</text>"#
        )?;
        writeln!(f, "{}</svg>", rows.body)
    }
}

struct Rows {
    body: String,
    y: u32,
    all: Duration,
}

impl Rows {
    fn step(&mut self, step: &StepTaken) -> fmt::Result {
        self.y += ROW;
        let (mark, color) = match step.fate {
            Fate::Taken => ("✓", "#176b2c"),
            Fate::Failed => ("✗", "#b3261e"),
            Fate::Left => ("–", "#444"),
            Fate::NotReached => ("·", "#888"),
        };
        let text = printable(&format!("{mark} {}: {}", step.title, step.reason));
        let (y, number) = (self.y, step.number);
        writeln!(
            self.body,
            r#"<text x="12" y="{y}" fill="{color}">{number}</text><text x="48" y="{y}" fill="{color}">{}</text>"#,
            Escaped(&short(&text, 118))
        )
    }

    fn exchange(&mut self, exchange: &Exchange) -> fmt::Result {
        self.y += ROW;
        let place = |at: Duration| {
            let share = at.as_secs_f64() / self.all.as_secs_f64().max(f64::MIN_POSITIVE);
            f64::from(AXIS) + share.min(1.0) * f64::from(SPAN)
        };
        let (from, until) = (place(exchange.from), place(exchange.until));
        let width = (until - from).max(2.0);
        let color = match exchange.use_made {
            _ if exchange.is_failure => "#d9534a",
            Use::Needed | Use::Known => "#3a8f57",
            Use::Ahead => "#5b84c4",
            Use::GivenUp | Use::InVain => "#b9b9b9",
        };
        let (y, top) = (self.y, self.y - 11);
        let what = printable(&exchange.what);
        let took = exchange.until.saturating_sub(exchange.from).as_millis();
        let answer = printable(&format!("{what}: {} ({took} ms)", exchange.answer));
        writeln!(
            self.body,
            r#"<text x="64" y="{y}">{}</text><rect x="{from:.1}" y="{top}" width="{width:.1}" height="13" fill="{color}"><title>{}</title></rect>"#,
            Escaped(&short(&what, 56)),
            Escaped(&answer)
        )
    }
}

/// No longer than there is room for
fn short(text: &str, most: usize) -> String {
    if text.chars().count() <= most {
        return text.into();
    }
    text.chars().take(most - 1).chain(['…']).collect()
}

/// Text in XML (§2.4)
struct Escaped<'a>(&'a str);

impl Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for c in self.0.chars() {
            match c {
                '&' => f.write_str("&amp;")?,
                '<' => f.write_str("&lt;")?,
                '>' => f.write_str("&gt;")?,
                '"' => f.write_str("&quot;")?,
                c => f.write_char(c)?,
            }
        }
        Ok(())
    }
}

const WIDTH: u32 = 960;
/// Where the time axis begins, and how long it is
const AXIS: u32 = 480;
const SPAN: u32 = 460;
/// Of the first row
const TOP: u32 = 28;
const ROW: u32 = 20;
