//! `resolve` and `check`: all names, so many at once, each written when it is done.

use std::future::Future;
use std::pin::pin;
use std::process::ExitCode;

use fedway_core::Edition;
use fedway_driver::dns::Dns;
use fedway_driver::{BuildError, Io, Resolver};
use futures_util::future::{Either, select};
use futures_util::{StreamExt as _, TryStreamExt as _};
use smol::channel;

use crate::args::{Format, Runtime, SearchArgs};
use crate::cache::Cache;
use crate::failure::{Failure, USAGE, complain, written};
use crate::inquiry::{self, How};
use crate::names::{Given, Names};
use crate::output::{self, Output};
use crate::record;
use crate::report::Report;

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
    let builder = args.network.builder()?;
    if args.format == Format::Svg && (args.input.is_some() || args.names.len() > 1) {
        return Err(Failure::usage("--format svg is for one name"));
    }
    if let Some(folder) = &args.record {
        record::prepare(folder)?;
    }
    let names = Names::new(args)?;
    let cache = args.cache.as_deref().map(Cache::new).transpose()?;
    let interrupted = interruption(cache.is_some())?;
    let kept = Kept { cache, interrupted };
    match args.network.runtime {
        Runtime::Smol => {
            let resolver = builder
                .build(fedway_smol::Sockets::default())
                .map_err(unusable)?;
            smol::block_on(kept.around(&resolver, look_at(verb, args, &resolver, &names)))
        }
        Runtime::Tokio => {
            let resolver = builder
                .build(fedway_tokio::Sockets::default())
                .map_err(unusable)?;
            let work = look_at(verb, args, &resolver, &names);
            tokio_runtime()?.block_on(kept.around(&resolver, work))
        }
    }
}

/// What is kept between two runs, and what ends one early
struct Kept {
    cache: Option<Cache>,
    interrupted: channel::Receiver<()>,
}

impl Kept {
    /// Works with what is known, and keeps it, also where somebody loses patience
    async fn around<I: Io, D: Dns>(
        &self,
        resolver: &Resolver<I, D>,
        work: impl Future<Output = Result<ExitCode, Failure>>,
    ) -> Result<ExitCode, Failure> {
        let Some(cache) = &self.cache else {
            return work.await;
        };
        cache.read(resolver);
        let result = match select(pin!(work), pin!(self.interrupted.recv())).await {
            Either::Left((result, _)) => result,
            Either::Right(_) => Ok(ExitCode::from(INTERRUPTED)),
        };
        cache.write(resolver)?;
        result
    }
}

/// Tells when the user presses Ctrl-C, or the system ends the process; if not `wanted`, never: then it ends at once
fn interruption(wanted: bool) -> Result<channel::Receiver<()>, Failure> {
    let (sender, receiver) = channel::bounded(1);
    if wanted {
        let tell = move || {
            // Once is enough
            let _ = sender.try_send(());
        };
        ctrlc::set_handler(tell).map_err(Failure::machine)?;
    }
    Ok(receiver)
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
    names: &Names<'_>,
) -> Result<ExitCode, Failure> {
    let edition = resolver.config().edition;
    let jobs = usize::from(args.jobs);
    // While a reader pauses, as many results may wait for it as names are looked at at once
    let progress = output::progress(names.count());
    let output = Output::start(args.format, 2 * jobs, progress)?;
    let status = {
        let begun = names
            .stream()
            .and_then(|given| async { Ok((given, output.place().await)) });
        let statuses = begun
            .map(|begun| async move {
                let (given, place) = match begun {
                    Ok(begun) => begun,
                    Err(message) => return Status::stopped(message),
                };
                let report = report(verb, args, resolver, edition, &given).await;
                let status = Status::of(&given, &report);
                place.write(given, report);
                status
            })
            .buffer_unordered(jobs);
        let all = statuses.fold(Status::default(), async |all, one| all.and(one));
        match select(pin!(all), pin!(output.ended())).await {
            Either::Left((status, _)) => status,
            // Nobody is left to find anything out for
            Either::Right(_) => Status::default(),
        }
    };
    let result = output.finish().await;
    if let Some(message) = &status.stopped {
        complain(message);
    }
    Ok(written(result, status.code()))
}

/// Whoever looks at a few names wants to know why; many share what is known
fn how(verb: Verb, args: &SearchArgs) -> How {
    let is_for_many = args.cache.is_some() || args.input.is_some();
    let is_recorded = args.record.is_some();
    if args.all && verb == Verb::Check {
        How::Everywhere
    } else if args.wants_path() {
        How::Closely
    } else if !is_for_many && (is_recorded || verb == Verb::Check) {
        How::Afresh
    } else if is_recorded {
        How::Recorded
    } else {
        How::Shared
    }
}

async fn report<I: Io, D: Dns>(
    verb: Verb,
    args: &SearchArgs,
    resolver: &Resolver<I, D>,
    edition: Edition,
    given: &Given,
) -> Report {
    let name = match &given.parsed {
        Ok(name) => name,
        Err(error) => return Report::invalid(&given.text, edition, error.clone()),
    };
    let how = how(verb, args);
    let mut inquiry = match verb {
        Verb::Check => inquiry::check(resolver, name, how).await,
        Verb::Resolve => inquiry::resolve(resolver, name, how).await,
    };
    if let (Some(folder), Some(recording)) = (&args.record, &inquiry.recording) {
        // One that cannot be kept is said, and its name is looked at all the same
        if let Err(failure) = record::keep(folder, recording) {
            complain(&failure.message);
        }
    }
    if !args.wants_path() {
        inquiry.explanation = None;
    }
    Report::new(&given.text, edition, inquiry)
}

/// "0 all good, 1 some name failed, 2 usage"
#[derive(Debug, Default)]
struct Status {
    failed: bool,
    /// A name on the command line is no name
    misused: bool,
    /// Why no further names could be read
    stopped: Option<String>,
}

impl Status {
    fn of(given: &Given, report: &Report) -> Self {
        Self {
            failed: !report.ok,
            misused: given.argument && given.parsed.is_err(),
            stopped: None,
        }
    }

    fn stopped(message: String) -> Self {
        Self {
            stopped: Some(message),
            ..Self::default()
        }
    }

    fn and(self, other: Self) -> Self {
        Self {
            failed: self.failed || other.failed,
            misused: self.misused || other.misused,
            stopped: self.stopped.or(other.stopped),
        }
    }

    fn code(&self) -> ExitCode {
        if self.misused || self.stopped.is_some() {
            ExitCode::from(USAGE)
        } else if self.failed {
            ExitCode::FAILURE
        } else {
            ExitCode::SUCCESS
        }
    }
}

/// As a shell says of a process that SIGINT (signal(7), 2) has ended
const INTERRUPTED: u8 = 128 + 2;
