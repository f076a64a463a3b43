//! `fedway`: find the server behind a Matrix server name, and learn why federation works or does not.

mod args;
mod beside;
#[cfg(test)]
mod broken;
mod cache;
mod codes;
mod compare;
#[cfg(feature = "demo")]
mod demo;
mod everywhere;
mod failure;
mod inquiry;
mod json;
mod keys;
mod names;
mod output;
mod path;
mod probe;
mod record;
mod report;
mod run;
#[cfg(test)]
mod scenarios;
mod svg;
mod text;
mod tls;
mod version;
mod well_known;

use std::process::ExitCode;

use clap::Parser as _;
use clap::error::ErrorKind;

use crate::args::{Cli, Command};
use crate::failure::{USAGE, complain, written};

fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return refuse(&error),
    };
    let result = match cli.command {
        Command::Check(args) => run::run(run::Verb::Check, &args),
        Command::Compare(args) => compare::run(&args),
        #[cfg(feature = "demo")]
        Command::Demo(args) => demo::run(args.runtime),
        Command::Explain(args) => codes::run(&args),
        Command::Replay(args) => record::replay(&args),
        Command::Resolve(args) => run::run(run::Verb::Resolve, &args),
        Command::WellKnown(args) => well_known::run(&args),
    };
    match result {
        Ok(code) => code,
        Err(failure) => {
            complain(&failure.message);
            failure.code
        }
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
