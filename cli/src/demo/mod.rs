//! `demo`: every way a name can be delegated, and every kind of failure, against a world on this machine.

mod scenario;
mod scenarios;

use std::collections::BTreeMap;
use std::io::{self, Write as _};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use anstyle::{AnsiColor, Style};
use comfy_table::presets::NOTHING;
use comfy_table::{CellAlignment, Table};
use fedway_core::{Config, Edition};
use fedway_driver::dns::DnsConfig;
use fedway_driver::{Builder, Io, Resolver, Roots};
use fedway_testkit::world::{World, WorldPlan};
use futures_util::future::join_all;

use self::scenario::{Kind, Outcome, Scenario};
use crate::args::Runtime;
use crate::failure::{Failure, written};
use crate::inquiry;
use crate::report::Report;
use crate::run::{tokio_runtime, unusable};

/// Runs the command to its exit status
pub(crate) fn run(runtime: Runtime) -> Result<ExitCode, Failure> {
    let start = Instant::now();
    let scenarios = scenarios::all();
    let world = world(&scenarios).map_err(Failure::machine)?;
    let outcomes = match runtime {
        Runtime::Smol => {
            let resolvers = resolvers(&world, fedway_smol::Sockets::default())?;
            smol::block_on(check_all(&resolvers, &world, &scenarios))
        }
        Runtime::Tokio => {
            let resolvers = resolvers(&world, fedway_tokio::Sockets::default())?;
            tokio_runtime()?.block_on(check_all(&resolvers, &world, &scenarios))
        }
    };
    let wrong = outcomes
        .iter()
        .filter(|outcome| outcome.surprise.is_some())
        .count();
    let status = if wrong == 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    };
    let result = print(&scenarios, &outcomes, wrong, start.elapsed());
    Ok(written(result, status))
}

fn world(scenarios: &[Scenario]) -> io::Result<World> {
    let mut plan = WorldPlan::new();
    for scenario in scenarios {
        scenario.add_to(&mut plan);
    }
    plan.start()
}

async fn check_all<I: Io>(
    resolvers: &Resolvers<I>,
    world: &World,
    scenarios: &[Scenario],
) -> Vec<Outcome> {
    join_all(
        scenarios
            .iter()
            .map(|scenario| check(resolvers, world, scenario)),
    )
    .await
}

async fn check<I: Io>(resolvers: &Resolvers<I>, world: &World, scenario: &Scenario) -> Outcome {
    let Ok(name) = scenario.name.parse() else {
        return Outcome::misspelt();
    };
    let inquiry = inquiry::check(&resolvers[&scenario.edition], &name).await;
    let elapsed = inquiry.elapsed;
    let report = Report::new(&scenario.name, scenario.edition, inquiry);
    scenario.judge(&report, elapsed, &world.requests())
}

type Resolvers<I> = BTreeMap<Edition, Resolver<I>>;

/// A resolver for each edition, whose deadlines a person can wait for
fn resolvers<I: Io + Copy>(world: &World, io: I) -> Result<Resolvers<I>, Failure> {
    let mut roots = Roots::none();
    roots
        .add_pem(world.ca_pem().as_bytes())
        .map_err(Failure::machine)?;
    let nets: Result<Vec<_>, _> = scenario::NETS.iter().map(|net| net.parse()).collect();
    let nets = nets.map_err(Failure::machine)?;
    let resolver = |edition| {
        let mut config = Config::default();
        config.edition = edition;
        config.addresses.allow.clone_from(&nets);
        config.deadlines.dns = Duration::from_millis(1_500);
        config.deadlines.connect = Duration::from_millis(1_500);
        config.deadlines.well_known = Duration::from_secs(3);
        config.deadlines.search = Duration::from_secs(5);
        let builder = Builder::default()
            .config(config)
            .roots(roots.clone())
            .dns(DnsConfig::new(vec![world.dns()]))
            .reroute(world.reroutes());
        builder.build(io).map_err(unusable)
    };
    Edition::ALL
        .into_iter()
        .map(|edition| Ok((edition, resolver(edition)?)))
        .collect()
}

fn print(
    scenarios: &[Scenario],
    outcomes: &[Outcome],
    wrong: usize,
    elapsed: Duration,
) -> io::Result<()> {
    let mut out = anstream::stdout().lock();
    for kind in [Kind::Delegation, Kind::Detour, Kind::Failure] {
        let mut table = Table::new();
        let titles = [
            "",
            kind.title(),
            "edition",
            "name",
            "step",
            "what came of it",
            "ms",
        ];
        table.load_style(NOTHING).set_header(titles);
        if let Some(column) = table.column_mut(titles.len() - 1) {
            column.set_cell_alignment(CellAlignment::Right);
        }
        let rows = scenarios.iter().zip(outcomes);
        for (scenario, outcome) in rows.filter(|(scenario, _)| scenario.kind() == kind) {
            table.add_row(row(scenario, outcome));
        }
        for (index, line) in table.lines().enumerate() {
            let style = if index == 0 { BOLD } else { PLAIN };
            let line = line
                .trim_end()
                .replace(GOOD, &format!("{GREEN}{GOOD}{GREEN:#}"));
            let line = line.replace(WRONG, &format!("{RED}{WRONG}{RED:#}"));
            writeln!(out, "{style}{line}{style:#}")?;
        }
        writeln!(out)?;
    }
    let count = scenarios.len();
    let seconds = elapsed.as_secs_f64();
    match wrong {
        0 => writeln!(
            out,
            "{count} names, each as the specification says, in {seconds:.1} s"
        ),
        _ => writeln!(
            out,
            "{wrong} of {count} names came out otherwise than the specification says"
        ),
    }
}

fn row(scenario: &Scenario, outcome: &Outcome) -> Vec<String> {
    let (mark, text) = match &outcome.surprise {
        None => (GOOD, outcome.text.clone()),
        Some(surprise) => (WRONG, format!("{}; {surprise}", outcome.text)),
    };
    vec![
        mark.into(),
        scenario.title.into(),
        scenario.edition.to_string(),
        scenario.name.clone(),
        outcome.step.into(),
        text,
        outcome.elapsed.as_millis().to_string(),
    ]
}

const GOOD: &str = "✓";
const WRONG: &str = "✗";
const GREEN: Style = AnsiColor::Green.on_default();
const BOLD: Style = Style::new().bold();
const PLAIN: Style = Style::new();
const RED: Style = AnsiColor::Red.on_default();
