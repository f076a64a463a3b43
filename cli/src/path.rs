//! `--explain`: the path that a search took, for a person to read, in eighty columns.

use std::fmt::{self, Display, Write as _};
use std::time::Duration;

use anstyle::{AnsiColor, Style};
use fedway_core::{Exchange, Explanation, Fate, StepTaken, Use};
use textwrap::WordSplitter;

/// The steps of the specification, what was asked for each, and when
pub(crate) struct Path<'a>(pub(crate) &'a Explanation);

impl Display for Path<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(explanation) = self;
        let all = explanation.elapsed;
        let end = format!("{} ms", all.as_millis());
        writeln!(
            f,
            "  {BOLD}{:<52}0 ms{end:>22}{BOLD:#}",
            format!("path ({})", explanation.edition)
        )?;
        let is_one = |a: &StepTaken, b: &StepTaken| {
            let is_plain = |it: &StepTaken| it.fate == Fate::NotReached && it.asked.is_empty();
            is_plain(a) && is_plain(b) && a.reason == b.reason
        };
        for steps in explanation.steps.chunk_by(is_one) {
            match steps {
                [step] => self.step(f, step)?,
                [first, .., last] => {
                    let (first, last, reason) = (first.number, last.number, &first.reason);
                    writeln!(f, "  {DIM}· steps {first} to {last}: {reason}{DIM:#}")?;
                }
                [] => {}
            }
            for exchange in steps.iter().flat_map(|step| &step.asked) {
                self.exchange(f, exchange, all)?;
            }
        }
        Ok(())
    }
}

impl Path<'_> {
    fn step(&self, f: &mut fmt::Formatter<'_>, step: &StepTaken) -> fmt::Result {
        let (mark, style, word) = match step.fate {
            Fate::Taken => ("✓", GOOD, ""),
            Fate::Failed => ("✗", BAD, "failed: "),
            Fate::Left => ("–", PLAIN, ""),
            Fate::NotReached => ("·", DIM, ""),
        };
        let text = format!("{}: {word}{}", step.title, step.reason);
        for (index, line) in wrapped(&printable(&text), 68).iter().enumerate() {
            let (number, mark) = if index == 0 {
                (step.number, mark)
            } else {
                ("", " ")
            };
            writeln!(f, "  {number:<6}{style}{mark} {line}{style:#}")?;
        }
        Ok(())
    }

    fn exchange(
        &self,
        f: &mut fmt::Formatter<'_>,
        exchange: &Exchange,
        all: Duration,
    ) -> fmt::Result {
        let what = printable(&exchange.what);
        let what = if what.chars().count() > 43 {
            what.chars().take(42).chain(['…']).collect()
        } else {
            what
        };
        writeln!(f, "          {what:<44}{}", bar(exchange, all))?;
        let remark = match exchange.use_made {
            Use::Ahead => " (asked ahead)",
            Use::GivenUp | Use::Needed => "",
            Use::InVain => " (asked ahead, not needed)",
            Use::Known => " (known already)",
        };
        let style = if exchange.is_failure { BAD } else { PLAIN };
        let answer = printable(&format!("→ {}{remark}", exchange.answer));
        for line in wrapped(&answer, 66) {
            writeln!(f, "            {style}{line}{style:#}")?;
        }
        Ok(())
    }
}

/// When something was under way, over the time of the whole search
fn bar(exchange: &Exchange, all: Duration) -> String {
    let column = |at: Duration| {
        let share = at.as_secs_f64() / all.as_secs_f64().max(f64::MIN_POSITIVE);
        (share * WIDTH as f64).round() as usize
    };
    let from = column(exchange.from).min(WIDTH - 1);
    let until = column(exchange.until).clamp(from + 1, WIDTH);
    let mut bar = String::new();
    for index in 0..until {
        bar.push(if index < from { ' ' } else { '█' });
    }
    // Writing to a String cannot fail
    let took = exchange.until.saturating_sub(exchange.from);
    if until + 7 <= WIDTH {
        let _ = write!(bar, " {} ms", took.as_millis());
    }
    bar
}

/// Lines of so many columns
pub(crate) fn wrapped(text: &str, width: usize) -> Vec<String> {
    let options = textwrap::Options::new(width)
        .break_words(false)
        .word_splitter(WordSplitter::NoHyphenation);
    let lines = textwrap::wrap(text, options);
    lines.into_iter().map(Into::into).collect()
}

/// A stranger's text without what a terminal would obey, and no longer than a person reads
pub(crate) fn printable(text: &str) -> String {
    fedway_driver::printable(text, MAX_PRINTED)
}

/// Room for the attempts of a search with many targets
const MAX_PRINTED: usize = 4_000;
/// Columns of the time axis
const WIDTH: usize = 26;
const BOLD: Style = Style::new().bold();
const GOOD: Style = AnsiColor::Green.on_default();
const BAD: Style = AnsiColor::Red.on_default();
const DIM: Style = Style::new().dimmed();
const PLAIN: Style = Style::new();
