//! `--record` and `replay`: recordings of searches, a file each.

use std::error::Error;
use std::fmt::Display;
use std::fs;
use std::io::{self, Write as _};
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use fedway_core::{Edition, Recording};

use crate::args::{Format, ReplayArgs};
use crate::failure::{Failure, USAGE, complain, written};
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
    let (mut all_good, mut is_misused) = (true, false);
    for path in &args.files {
        let wrong = |why: &dyn Display| complain(&format!("{}: {why}", path.display()));
        let recording = match read(path) {
            Ok(recording) => recording,
            Err(error) => {
                wrong(&error);
                is_misused = true;
                continue;
            }
        };
        match by_edition(recording, args.edition).and_then(report) {
            Ok(report) => {
                all_good &= report.0.ok;
                if let Err(error) = print(args.format, &report) {
                    return Ok(written(Err(error), ExitCode::FAILURE));
                }
            }
            Err(why) => {
                wrong(&why);
                all_good = false;
            }
        }
    }
    Ok(match (is_misused, all_good) {
        (true, _) => ExitCode::from(USAGE),
        (false, true) => ExitCode::SUCCESS,
        (false, false) => ExitCode::FAILURE,
    })
}

fn read(path: &Path) -> Result<Recording, Box<dyn Error>> {
    Ok(Recording::from_json(&fs::read(path)?)?)
}

/// The search as it was, or by another edition with the same answers; or why neither can be had
fn by_edition(recording: Recording, edition: Option<Edition>) -> Result<Recording, String> {
    recording
        .replay()
        .map_err(|diverged| diverged.to_string())?;
    let Some(edition) = edition else {
        return Ok(recording);
    };
    let (other, missing) = recording.rehearse(edition);
    if missing.is_empty() {
        return Ok(other);
    }
    Err(format!(
        "by {edition} there are questions that it has no answer to: {}; ask them with: fedway compare {}",
        missing.join(", "),
        recording.name()
    ))
}

/// What is said of a recorded search, if it came to an end
fn report(recording: Recording) -> Result<(Report, String), String> {
    let (name, edition) = (recording.name().clone(), recording.edition());
    let outcome = recording.outcome().ok_or("the search was given up")?;
    let outcome = outcome.clone().map(Arc::from);
    let inquiry = Inquiry::recorded(outcome, recording, &name);
    if inquiry.has_connected() {
        complain(&format!(
            "{name}: a recording ends with the connection: what the server answered over it is not in it"
        ));
    }
    let report = Report::new(name.as_str(), edition, inquiry);
    Ok((report, name.to_string()))
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
