//! `fedway`: find the server behind a Matrix server name, and learn why federation works or does not.

mod args;
#[cfg(feature = "demo")]
mod demo;
mod inquiry;
mod json;
mod names;
mod output;
mod report;
mod run;
mod text;
mod tls;

use std::io::{self, Write as _};
use std::process::ExitCode;

use clap::Parser as _;
use clap::error::ErrorKind;

use crate::args::{Cli, Command};

fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return refuse(&error),
    };
    let result = match cli.command {
        Command::Check(args) => run::run(run::Verb::Check, &args),
        #[cfg(feature = "demo")]
        Command::Demo(args) => demo::run(args.runtime),
        Command::Resolve(args) => run::run(run::Verb::Resolve, &args),
    };
    match result {
        Ok(code) => code,
        Err(failure) => {
            complain(&failure.message);
            failure.code
        }
    }
}

/// What keeps the command from doing anything
struct Failure {
    message: String,
    code: ExitCode,
}

impl Failure {
    /// The command line asks for something that cannot be
    fn usage(message: impl std::fmt::Display) -> Self {
        Self {
            message: message.to_string(),
            code: ExitCode::from(USAGE),
        }
    }

    /// The machine lacks something that every name needs
    fn machine(message: impl std::fmt::Display) -> Self {
        Self {
            message: message.to_string(),
            code: ExitCode::FAILURE,
        }
    }

    /// The machine has no thread left to read or write on
    fn thread(error: io::Error) -> Self {
        Self::machine(format_args!("no thread to read or write on: {error}"))
    }
}

/// Help as clap writes it; anything else as one line
fn refuse(error: &clap::Error) -> ExitCode {
    let is_help = matches!(
        error.kind(),
        ErrorKind::DisplayHelp
            | ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand
            | ErrorKind::DisplayVersion
    );
    let status = ExitCode::from(if error.use_stderr() { USAGE } else { 0 });
    if is_help {
        written(error.print(), status)
    } else {
        let text = error.render().to_string();
        let mut line = text.lines().next().unwrap_or_default();
        line = line.strip_prefix("error: ").unwrap_or(line);
        // clap lists what is missing on lines of its own
        let missing = text
            .lines()
            .skip(1)
            .take_while(|line| line.starts_with("  "));
        let missing: Vec<_> = missing.map(str::trim).collect();
        complain(&format!(
            "{line}{}{}",
            if missing.is_empty() { "" } else { " " },
            missing.join(", ")
        ));
        status
    }
}

/// The exit status after all that was to be written has been, or could not be
///
/// A reader that has had enough, such as `head`, is told nothing; but what it did not wait for is not called good.
fn written(result: io::Result<()>, status: ExitCode) -> ExitCode {
    match result {
        Ok(()) => status,
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => ExitCode::FAILURE,
        Err(error) => {
            complain(&format!("standard output: {error}"));
            ExitCode::FAILURE
        }
    }
}

/// One line on standard error
fn complain(message: &str) {
    // Nobody is left to tell if standard error is gone
    let _ = writeln!(anstream::stderr(), "fedway: {}", text::printable(message));
}

/// DESIGN §9: "2 usage"
const USAGE: u8 = 2;
