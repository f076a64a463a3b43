//! `resolve` and `check`: all names, so many at once, each written when it is done.

use std::io::{self, IsTerminal as _, Write as _};
use std::process::ExitCode;

use fedway_core::Edition;
use fedway_driver::dns::Dns;
use fedway_driver::{BuildError, Io, Resolver};
use futures_util::StreamExt as _;
use futures_util::stream;
use indicatif::{ProgressBar, ProgressStyle};

use crate::args::{Format, Runtime, SearchArgs};
use crate::inquiry;
use crate::names::{self, Given};
use crate::report::Report;
use crate::text::Block;
use crate::{Failure, USAGE, complain};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verb {
    Check,
    Resolve,
}

/// Runs the command to its exit status
pub(crate) fn run(verb: Verb, args: &SearchArgs) -> Result<ExitCode, Failure> {
    // Each DNS question has a socket of its own, some four a name; as many as the system lets us have. Where it
    // lets us have too few, names fail for the want of them, and say so
    let _ = rlimit::increase_nofile_limit(u64::MAX);
    let builder = args.builder()?;
    let names = names::given(args)?;
    match args.runtime {
        Runtime::Smol => {
            let resolver = builder
                .build(fedway_smol::Sockets::default())
                .map_err(unusable)?;
            Ok(smol::block_on(look_at(verb, args, &resolver, &names)))
        }
        Runtime::Tokio => {
            let resolver = builder
                .build(fedway_tokio::Sockets::default())
                .map_err(unusable)?;
            Ok(tokio_runtime()?.block_on(look_at(verb, args, &resolver, &names)))
        }
    }
}

/// One thread: the work is waiting
pub(crate) fn tokio_runtime() -> Result<tokio::runtime::Runtime, Failure> {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(Failure::machine)
}

pub(crate) fn unusable(error: BuildError) -> Failure {
    Failure::machine(error)
}

async fn look_at<I: Io, D: Dns>(
    verb: Verb,
    args: &SearchArgs,
    resolver: &Resolver<I, D>,
    names: &[Given],
) -> ExitCode {
    let edition = resolver.config().edition;
    let reports = stream::iter(names)
        .map(|given| async move { (given, report(verb, resolver, edition, given).await) })
        .buffer_unordered(args.jobs.into());
    let mut reports = std::pin::pin!(reports);
    let progress = progress(names.len());
    let mut status = Status::default();
    while let Some((given, report)) = reports.next().await {
        status.count(given, &report);
        if given.argument
            && let Err(error) = &given.parsed
        {
            progress.suspend(|| complain(&format!("{:?}: {error}", given.text)));
        }
        if progress
            .suspend(|| write(args.format, given, &report))
            .is_err()
        {
            // Whoever read has gone: nobody is left to find anything out for
            return ExitCode::FAILURE;
        }
        progress.inc(1);
    }
    progress.finish_and_clear();
    status.code()
}

async fn report<I: Io, D: Dns>(
    verb: Verb,
    resolver: &Resolver<I, D>,
    edition: Edition,
    given: &Given,
) -> Report {
    let name = match &given.parsed {
        Ok(name) => name,
        Err(error) => return Report::invalid(&given.text, edition, error.clone()),
    };
    let inquiry = match verb {
        Verb::Check => inquiry::check(resolver, name).await,
        Verb::Resolve => inquiry::resolve(resolver, name).await,
    };
    Report::new(&given.text, edition, inquiry)
}

fn write(format: Format, given: &Given, report: &Report) -> io::Result<()> {
    let mut out = anstream::stdout().lock();
    match format {
        Format::Json => {
            serde_json::to_writer(&mut out, report)?;
            writeln!(out)
        }
        // A bad name on the command line has had its line on standard error
        Format::Text if given.argument && given.parsed.is_err() => Ok(()),
        Format::Text => write!(
            out,
            "{}",
            Block {
                name: &given.text,
                report
            }
        ),
    }
}

/// A bar on standard error, if that is a terminal and there is something to count
fn progress(len: usize) -> ProgressBar {
    if len < 2 || !io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let style = ProgressStyle::with_template("{wide_bar} {pos}/{len} {eta}");
    let bar = ProgressBar::new(len as u64);
    match style {
        Ok(style) => bar.with_style(style),
        Err(_) => bar,
    }
}

/// "0 all good, 1 some name failed, 2 usage"
#[derive(Debug, Default)]
struct Status {
    failed: bool,
    /// A name on the command line is no name
    misused: bool,
}

impl Status {
    fn count(&mut self, given: &Given, report: &Report) {
        self.failed |= !report.ok;
        self.misused |= given.argument && given.parsed.is_err();
    }

    fn code(&self) -> ExitCode {
        match (self.misused, self.failed) {
            (true, _) => ExitCode::from(USAGE),
            (false, true) => ExitCode::FAILURE,
            (false, false) => ExitCode::SUCCESS,
        }
    }
}
