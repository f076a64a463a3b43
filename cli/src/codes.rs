//! `explain`: what the codes of findings mean.

use std::io::{self, Write as _};
use std::process::ExitCode;

use fedway_core::Code;

use crate::args::ExplainArgs;
use crate::failure::{Failure, written};
use crate::path::{printable, wrapped};

/// Runs the command to its exit status
pub(crate) fn run(args: &ExplainArgs) -> Result<ExitCode, Failure> {
    let result = match &args.code {
        None => list(),
        Some(text) => match text.parse::<Code>() {
            Ok(code) => one(code),
            Err(error) => {
                let text = printable(text);
                return Err(Failure::usage(format_args!(
                    "{text:?}: {error}; `fedway explain` lists them"
                )));
            }
        },
    };
    Ok(written(result, ExitCode::SUCCESS))
}

fn list() -> io::Result<()> {
    let mut out = anstream::stdout().lock();
    for code in Code::all() {
        let first = code.meaning().split(". ").next().unwrap_or_default();
        writeln!(out, "{code:<34}{}", first.trim_end_matches('.'))?;
    }
    Ok(())
}

fn one(code: Code) -> io::Result<()> {
    let mut out = anstream::stdout().lock();
    writeln!(out, "{code}")?;
    for (label, text) in [
        ("meaning", code.meaning()),
        ("change", code.remedy()),
        ("source", code.source()),
    ] {
        for (index, line) in wrapped(text, 66).iter().enumerate() {
            let label = if index == 0 { label } else { "" };
            writeln!(out, "  {label:<12}{line}")?;
        }
    }
    Ok(())
}
