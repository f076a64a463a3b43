//! `--record` and `replay`: recordings of searches, a file each.

use std::fs;
use std::io::{self, Write as _};
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use fedway_core::Recording;

use crate::args::{Format, ReplayArgs};
use crate::failure::{Failure, complain, written};
use crate::inquiry::Inquiry;
use crate::json;
use crate::report::Report;
use crate::svg::Picture;
use crate::text::Block;

/// Makes the folder, if it is not there
pub(crate) fn prepare(folder: &Path) -> Result<(), Failure> {
    fs::create_dir_all(folder).map_err(|error| unusable(folder, &error))
}

/// Keeps a recording, under the name that was searched for
pub(crate) fn keep(folder: &Path, recording: &Recording) -> Result<(), Failure> {
    // Brackets and colons are no characters for files everywhere
    let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
    let name = recording.name().as_str();
    let plain: String = name
        .chars()
        .map(|c| if is_plain(c) { c } else { '+' })
        .collect();
    let path = folder.join(format!("{plain}.{}.json", recording.edition()));
    fs::write(&path, recording.to_json()).map_err(|error| unusable(&path, &error))
}

/// Runs recordings again, and explains them, to the exit status
pub(crate) fn replay(args: &ReplayArgs) -> Result<ExitCode, Failure> {
    if args.format == Format::Svg && args.files.len() > 1 {
        return Err(Failure::usage("--format svg is for one recording"));
    }
    let mut all_good = true;
    for path in &args.files {
        let text = fs::read(path).map_err(|error| unreadable(path, &error))?;
        let recording = Recording::from_json(&text);
        let recording = recording.map_err(|error| unreadable(path, &error))?;
        if let Err(diverged) = recording.replay() {
            complain(&format!("{}: {diverged}", path.display()));
            all_good = false;
            continue;
        }
        let Some(report) = report(recording) else {
            complain(&format!("{}: the search was given up", path.display()));
            all_good = false;
            continue;
        };
        all_good &= report.0.ok;
        if let Err(error) = print(args.format, &report) {
            return Ok(written(Err(error), ExitCode::FAILURE));
        }
    }
    Ok(if all_good {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// What is said of a recorded search, as far as it came to an end
fn report(recording: Recording) -> Option<(Report, String)> {
    let (name, edition) = (recording.name().clone(), recording.edition());
    let outcome = recording.outcome()?.clone().map(Arc::from);
    let inquiry = Inquiry::recorded(outcome, recording, &name);
    if inquiry.has_connected() {
        complain(&format!(
            "{name}: a recording ends with the connection: what the server answered over it is not in it"
        ));
    }
    let report = Report::new(name.as_str(), edition, inquiry);
    Some((report, name.to_string()))
}

fn print(format: Format, (report, name): &(Report, String)) -> io::Result<()> {
    match format {
        Format::Json => io::stdout().write_all(&json::line(report)?),
        Format::Svg => write!(io::stdout(), "{}", Picture(report)),
        Format::Text => write!(anstream::stdout().lock(), "{}", Block { name, report }),
    }
}

fn unusable(path: &Path, error: &io::Error) -> Failure {
    Failure::usage(format_args!("--record {}: {error}", path.display()))
}

fn unreadable(path: &Path, error: &dyn std::error::Error) -> Failure {
    Failure::usage(format_args!("{}: {error}", path.display()))
}
