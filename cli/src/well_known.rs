//! `well-known`: the document that delegates to a name.

use std::error::Error;
use std::io::{self, Write as _};
use std::process::ExitCode;

use fedway_core::{Chain, ServerName, WellKnownServer};
use fedway_driver::dns::Dns;
use fedway_driver::{Io, Resolver};

use crate::args::{Runtime, WellKnownArgs};
use crate::failure::{Failure, complain, written};
use crate::run::{tokio_runtime, unusable};

/// Runs the command to its exit status
pub(crate) fn run(args: &WellKnownArgs) -> Result<ExitCode, Failure> {
    let document = WellKnownServer::parse(&args.name);
    let document =
        document.map_err(|error| Failure::usage(format_args!("{:?}: {error}", args.name)))?;
    let builder = args.network.builder()?;
    let warning = match args.network.runtime {
        Runtime::Smol => {
            let resolver = builder.build(fedway_smol::Sockets::default());
            smol::block_on(warning(&resolver.map_err(unusable)?, document.server()))
        }
        Runtime::Tokio => {
            let resolver = builder.build(fedway_tokio::Sockets::default());
            let resolver = resolver.map_err(unusable)?;
            tokio_runtime()?.block_on(warning(&resolver, document.server()))
        }
    };
    if let Some(warning) = warning {
        complain(&warning);
    }
    Ok(written(print(&document), ExitCode::SUCCESS))
}

/// What is wrong with delegating to a name, as far as that can be seen from here
async fn warning<I: Io, D: Dns>(resolver: &Resolver<I, D>, server: &ServerName) -> Option<String> {
    let cannot_be_told = |why: &dyn Error| {
        let why = Chain(why);
        Some(format!(
            "warning: whether {server} is itself delegated cannot be told: {why}"
        ))
    };
    let delegated = match resolver.delegation(server).await {
        Ok(delegated) => delegated,
        Err(error) => return cannot_be_told(&error),
    };
    let failed = delegated.well_known.as_ref();
    let failed = failed.and_then(|well_known| well_known.error.as_ref());
    match failed {
        _ if delegated.subject != *server => Some(format!(
            "warning: {server} is itself delegated to {0}, which nobody will follow from there: delegate to {0}",
            delegated.subject
        )),
        Some(error) if error.is_temporary() => cannot_be_told(error),
        Some(_) | None => None,
    }
}

fn print(document: &WellKnownServer) -> io::Result<()> {
    let mut out = anstream::stdout().lock();
    for (name, value) in document.headers() {
        writeln!(out, "{name}: {value}")?;
    }
    writeln!(out, "\n{}", document.json())
}
