//! `compare`: the same name by all three editions, from one set of answers where they overlap.

use std::io::{self, Write as _};
use std::process::ExitCode;

use fedway_core::{Edition, Explanation, Memory, SearchGoal, SearchOutcome, ServerName};
use fedway_driver::dns::Dns;
use fedway_driver::{Io, Resolver};

use crate::args::{CompareArgs, Runtime};
use crate::failure::{Failure, USAGE, complain, written};
use crate::path::{printable, wrapped};
use crate::run::{tokio_runtime, unusable};

/// Where requests for a name go by one edition
struct Way {
    edition: Edition,
    outcome: SearchOutcome,
    explanation: Option<Explanation>,
}

/// Runs the command to its exit status
pub(crate) fn run(args: &CompareArgs) -> Result<ExitCode, Failure> {
    let (mut names, mut is_misused) = (Vec::new(), false);
    for text in &args.names {
        match ServerName::parse(text) {
            Ok(name) => names.push(name),
            Err(error) => {
                complain(&format!("{text:?}: {error}"));
                is_misused = true;
            }
        }
    }
    let builder = args.network.builder()?;
    let ways = match args.network.runtime {
        Runtime::Smol => {
            let resolver = builder.build(fedway_smol::Sockets::default());
            smol::block_on(all(&resolver.map_err(unusable)?, &names))
        }
        Runtime::Tokio => {
            let resolver = builder.build(fedway_tokio::Sockets::default());
            let resolver = resolver.map_err(unusable)?;
            tokio_runtime()?.block_on(all(&resolver, &names))
        }
    };
    let is_found = ways.iter().flatten().all(|way| way.outcome.is_ok());
    let status = match (is_misused, is_found) {
        (true, _) => ExitCode::from(USAGE),
        (false, true) => ExitCode::SUCCESS,
        (false, false) => ExitCode::FAILURE,
    };
    Ok(written(print(&names, &ways), status))
}

async fn all<I: Io, D: Dns>(resolver: &Resolver<I, D>, names: &[ServerName]) -> Vec<Vec<Way>> {
    let mut ways = Vec::new();
    for name in names {
        let mut memory = Memory::default();
        let mut of_name = Vec::new();
        // The newest first: what it asks is asked anyway
        for edition in Edition::ALL.into_iter().rev() {
            let mut config = resolver.config().clone();
            config.edition = edition;
            let goal = SearchGoal::Resolve;
            let explained = resolver
                .explain_by(name, goal, config, Some(&mut memory))
                .await;
            of_name.push(Way {
                edition,
                outcome: explained.outcome,
                // It was recorded by this very build, which does the same again
                explanation: explained.recording.explain().ok(),
            });
        }
        ways.push(of_name);
    }
    ways
}

fn print(names: &[ServerName], ways: &[Vec<Way>]) -> io::Result<()> {
    let mut out = anstream::stdout().lock();
    for (name, ways) in names.iter().zip(ways) {
        writeln!(out, "{name}")?;
        let newest = ways.first().map(Way::place);
        for way in ways {
            let place = way.place();
            let mark = if Some(&place) == newest.as_ref() {
                ' '
            } else {
                '≠'
            };
            let line = format!("{:<12}{mark} {}", way.edition.name(), way.line());
            for (index, line) in wrapped(&printable(&line), 76).iter().enumerate() {
                let indent = if index == 0 { 2 } else { 16 };
                writeln!(out, "{:indent$}{line}", "")?;
            }
        }
        match ways.iter().find(|way| Some(way.place()) != newest) {
            None if ways.iter().all(|way| way.outcome.is_ok()) => {
                writeln!(out, "  all three lead to the same place")?;
            }
            None => writeln!(out, "  all three fail for the same reason")?,
            Some(other) => {
                for line in wrapped(&printable(&other.difference()), 78) {
                    writeln!(out, "  {line}")?;
                }
            }
        }
    }
    Ok(())
}

impl Way {
    /// Where it leads and what requests carry, or why nowhere
    fn place(&self) -> (Vec<String>, String) {
        match &self.outcome {
            Ok(found) => {
                let addresses = found.destination.addresses().map(|it| it.to_string());
                let mut addresses: Vec<_> = addresses.collect();
                // Weights decide the order, by chance
                addresses.sort();
                (addresses, found.destination.host_header.clone())
            }
            Err(error) => (Vec::new(), error.kind.name().into()),
        }
    }

    fn line(&self) -> String {
        match &self.outcome {
            Ok(found) => {
                let (addresses, host) = self.place();
                let step = found.destination.step();
                format!("step {step}: {}, Host: {host}", addresses.join(" "))
            }
            // It begins with the step
            Err(error) => format!("{error:#}"),
        }
    }

    /// What a server of this edition does otherwise, and why
    fn difference(&self) -> String {
        // The newest is what the others are compared with
        let (age, why) = if self.edition == Edition::Draft2019 {
            (
                "A server of early 2019 (draft-2019)",
                "since it asks for SRV first, then for .well-known, and does not look at a port in the name",
            )
        } else {
            (
                "A server of 2019 to 2023 (r0.1 to v1.7)",
                "since it knows the service _matrix._tcp alone, not _matrix-fed._tcp",
            )
        };
        match &self.outcome {
            Ok(found) => {
                let first = found.destination.addresses().next();
                let first = first.map_or_else(|| "nowhere".into(), |it| it.to_string());
                let host = &found.destination.host_header;
                format!("{age} connects to {first} and sends Host: {host}, {why}.")
            }
            Err(error) => {
                let what = self.explanation.as_ref().map(Explanation::headline);
                let what = what.unwrap_or_else(|| error.to_string());
                format!("{age} finds no server, {why}. {what}")
            }
        }
    }
}
