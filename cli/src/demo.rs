//! `demo`: every way a name can be delegated, and every kind of failure, against a world on this machine.

use std::io::{self, Write as _};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use anstyle::{AnsiColor, Style};
use comfy_table::presets::NOTHING;
use comfy_table::{CellAlignment, Table};
use fedway_driver::{Io, Resolver};
use fedway_testkit::world::scenarios::{self, Ended, Kind, Scenario};
use fedway_testkit::world::{World, WorldPlan};
use futures_util::future::join_all;

use crate::args::Runtime;
use crate::failure::{Failure, written};
use crate::inquiry;
use crate::report::Report;
use crate::run::{tokio_runtime, unusable};
use crate::text::Block;

/// Runs the command to its exit status
pub(crate) fn run(runtime: Runtime) -> Result<ExitCode, Failure> {
    let start = Instant::now();
    let scenarios = scenarios::all();
    let mut plan = WorldPlan::new();
    for scenario in &scenarios {
        scenario.add_to(&mut plan);
    }
    let world = plan.start().map_err(Failure::machine)?;
    let (visits, explained) = match runtime {
        Runtime::Smol => {
            let resolvers = resolvers(&world, &scenarios, fedway_smol::Sockets::default())?;
            smol::block_on(visit(&resolvers, &world, &scenarios))
        }
        Runtime::Tokio => {
            let resolvers = resolvers(&world, &scenarios, fedway_tokio::Sockets::default())?;
            tokio_runtime()?.block_on(visit(&resolvers, &world, &scenarios))
        }
    };
    let (outcomes, second) = visits;
    let wrong = outcomes
        .iter()
        .filter(|outcome| outcome.surprise.is_some())
        .count();
    let status = if wrong == 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    };
    let result = print(&scenarios, &outcomes, &second, wrong, start.elapsed());
    let result = result.and_then(|()| explain(explained));
    Ok(written(result, status))
}

/// What came of a name, and whether that was a surprise
struct Outcome {
    step: &'static str,
    text: String,
    elapsed: Duration,
    surprise: Option<String>,
}

/// A resolver for each scenario
fn resolvers<I: Io + Copy>(
    world: &World,
    scenarios: &[Scenario],
    io: I,
) -> Result<Vec<Resolver<I>>, Failure> {
    scenarios
        .iter()
        .map(|scenario| world.builder().config(scenario.config()).build(io))
        .map(|resolver| resolver.map_err(unusable))
        .collect()
}

/// What it takes to ask again where requests for the names go that were found
struct Second {
    names: usize,
    questions: usize,
    requests: usize,
    elapsed: Duration,
}

/// Visits all of them twice, and looks at one failure closely
async fn visit<I: Io>(
    resolvers: &[Resolver<I>],
    world: &World,
    scenarios: &[Scenario],
) -> ((Vec<Outcome>, Second), Option<(String, Report)>) {
    let visits = visit_twice(resolvers, world, scenarios).await;
    let mut each = resolvers.iter().zip(scenarios);
    let explained = match each.find(|(_, scenario)| scenario.name.as_str() == EXPLAINED) {
        None => None,
        Some((resolver, scenario)) => {
            let inquiry = inquiry::check(resolver, &scenario.name, inquiry::How::Closely).await;
            let report = Report::new(EXPLAINED, scenario.edition, inquiry);
            Some((EXPLAINED.into(), report))
        }
    };
    (visits, explained)
}

/// Shows what is said of a failure
fn explain(explained: Option<(String, Report)>) -> io::Result<()> {
    let Some((name, report)) = &explained else {
        return Ok(());
    };
    let mut out = anstream::stdout().lock();
    writeln!(
        out,
        "\nand why one of them fails, as `fedway check --explain` says it:\n"
    )?;
    write!(out, "{}", Block { name, report })
}

async fn visit_twice<I: Io>(
    resolvers: &[Resolver<I>],
    world: &World,
    scenarios: &[Scenario],
) -> (Vec<Outcome>, Second) {
    let outcomes = check_all(resolvers, world, scenarios).await;
    world.forget();
    let (start, mut names) = (Instant::now(), 0);
    for (resolver, scenario) in resolvers.iter().zip(scenarios) {
        if scenario.kind != Kind::Failure && resolver.resolve(&scenario.name).await.is_ok() {
            names += 1;
        }
    }
    let second = Second {
        names,
        questions: world.dns_queries().len(),
        requests: world.requests().len(),
        elapsed: start.elapsed(),
    };
    (outcomes, second)
}

async fn check_all<I: Io>(
    resolvers: &[Resolver<I>],
    world: &World,
    scenarios: &[Scenario],
) -> Vec<Outcome> {
    let each = resolvers.iter().zip(scenarios);
    join_all(each.map(|(resolver, scenario)| check(resolver, world, scenario))).await
}

async fn check<I: Io>(resolver: &Resolver<I>, world: &World, scenario: &Scenario) -> Outcome {
    let inquiry = inquiry::check(resolver, &scenario.name, inquiry::How::Shared).await;
    let elapsed = inquiry.elapsed;
    let connection = inquiry.result.as_ref().ok();
    let connection = connection.and_then(|found| found.connection.as_ref());
    let address = connection.map(|connection| connection.address);
    let report = Report::new(scenario.name.as_str(), scenario.edition, inquiry);
    let ended = Ended {
        step: report.step,
        address,
        error: report.error.as_ref().map(|error| error.kind),
    };
    Outcome {
        step: report.step.unwrap_or("-"),
        text: describe(&report),
        elapsed,
        surprise: scenario.judge(&ended, &world.requests()).err(),
    }
}

fn describe(report: &Report) -> String {
    if let Some(error) = &report.error {
        return match error.attempts.last() {
            Some(attempt) if error.kind == attempt.kind => innermost(&attempt.message),
            Some(_) | None => error.message.split("; ").next().unwrap_or_default().into(),
        };
    }
    let host = report.host_header.as_deref().unwrap_or("-");
    let address = report.connected.as_deref().unwrap_or("-");
    format!("{address}, Host: {host}")
}

/// The last two causes of a chain: `check` shows all of it, here there is one line
fn innermost(chain: &str) -> String {
    let causes: Vec<_> = chain.split(": ").collect();
    causes[causes.len().saturating_sub(2)..].join(": ")
}

fn print(
    scenarios: &[Scenario],
    outcomes: &[Outcome],
    second: &Second,
    wrong: usize,
    elapsed: Duration,
) -> io::Result<()> {
    let mut out = anstream::stdout().lock();
    for (kind, title) in [
        (Kind::Delegation, "delegations"),
        (Kind::Detour, "faults that are gone around"),
        (Kind::Failure, "failures"),
    ] {
        let mut table = Table::new();
        let titles = [
            "",
            title,
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
        for (scenario, outcome) in rows.filter(|(scenario, _)| scenario.kind == kind) {
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
    let Second {
        names,
        questions,
        requests,
        elapsed: again,
    } = second;
    let again = again.as_secs_f64() * 1_000.0;
    writeln!(
        out,
        "a second visit: where {names} of them are is remembered, for {questions} more questions to DNS and \
         {requests} more requests, in {again:.1} ms"
    )?;
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
        scenario.name.to_string(),
        outcome.step.into(),
        text,
        outcome.elapsed.as_millis().to_string(),
    ]
}

/// The commonest mistake there is: a certificate for the target of an SRV record
const EXPLAINED: &str = "srv-cert.example";
const GOOD: &str = "✓";
const WRONG: &str = "✗";
const GREEN: Style = AnsiColor::Green.on_default();
const BOLD: Style = Style::new().bold();
const PLAIN: Style = Style::new();
const RED: Style = AnsiColor::Red.on_default();
