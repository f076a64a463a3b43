//! What a search costs beside its floor: the same exchanges by hand, with no discovery at all.
//!
//! Two thousand cold names of mixed delegation, 64 at once, are resolved, and then connected to and asked for their
//! version: by a program that knows the way (`floor.rs`), by `fedway-tokio` and by `fedway-smol`; and once more by
//! `fedway-tokio` without look-ahead, which asks what the floor asks. CPU time is user and system together, of this
//! process alone: the world is in a child process on the other core. Only the ratios mean something, and nothing fails.
//!
//! # CPU against a floor
//!
//! `cargo bench -p fedway-proof --bench floor` does everything five times and prints the medians; on a machine that has
//! something else to do, the ratios vary by a tenth and more. Names of programs and tasks leave the others out, and do
//! each once, for tools that count. Counts repeat:
//!
//! ```text
//! strace -f -c -b execve target/release/deps/floor-… tokio resolve
//! valgrind --tool=callgrind target/release/deps/floor-… smol resolve
//! ```
//!
//! What they found, for each name:
//!
//! * **Questions asked ahead are what `fedway-tokio` adds in system calls.** The mix has 4.4 questions in the
//!   sequential reading, and 5.8 with look-ahead: SRV records that .well-known or the first service makes superfluous.
//!   Each has eight calls (`socket`, `bind`, `connect`, two of `epoll_ctl`, `sendto`, `recvfrom`, `close`). Resolving
//!   makes 50.1 calls on the floor, 50.5 without look-ahead and 61.8 with it; `connect+GET` 66.3, 66.5 and 77.9.
//! * **The reactor is what `fedway-smol` adds to that.** Resolving makes some 135 calls, though not one more question is
//!   asked: `async-io` waits nearly eight times a name where tokio waits once in seven names, since its own thread waits
//!   whenever the one that searches is busy. Each wait is a `timerfd_settime`, an `epoll_pwait`, a `read` and two of
//!   `epoll_ctl`, and most wake the other thread (`futex`). With timers that never ring, and so cost nothing, it still
//!   makes 119: deadlines are a tenth of it.
//! * **Of the floor's instructions, 97 in 100 are its connections'.** `fedway-smol` executes 6 % more in all: of these,
//!   the core, the reactor's own thread, what certificates show, and the boxes of futures are less than one each. It
//!   allocates 312 times where the floor does so 145 times; the largest shares are DNS messages and the reactor's.

#![expect(clippy::print_stdout, reason = "a bench prints its table")]

mod floor;
mod names;
mod outside;
mod task;

use std::fs;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Instant;

use fedway_core::{Config, Lookahead, ServerName};
use fedway_driver::dns::DnsConfig;
use fedway_driver::{Builder, Io, Resolver, Roots};
use futures_util::{StreamExt as _, TryStreamExt as _, stream};

use self::floor::Floor;
use self::names::{NAMES, Way};
use self::outside::Outside;
use self::task::{Result, Task, VERSION};

fn main() -> Result<()> {
    if std::env::args().any(|argument| argument == outside::WORLD) {
        return outside::serve();
    }
    // Cargo adds flags of its own
    let only: Vec<_> = std::env::args()
        .skip(1)
        .filter(|it| !it.starts_with('-'))
        .collect();
    let wanted = |names: &[&str], name| {
        let mut named = only.iter().filter(|it| names.contains(&it.as_str()));
        named.clone().next().is_none() || named.any(|it| it == name)
    };
    let rounds = if only.is_empty() { ROUNDS } else { 1 };
    let outside = Outside::start()?;
    let ways: Vec<_> = (0..NAMES).map(Way::of).collect();
    if only.is_empty() {
        // The world makes a certificate at the first handshake of each server
        Program::Floor.measure(&outside, &ways, Task::Ask)?;
    }
    println!("task         program     CPU ms for 1,000 names    of the floor     wall ms");
    for task in TASKS {
        if !wanted(&TASKS.map(Task::name), task.name()) {
            continue;
        }
        let mut costs = PROGRAMS.map(|_| Vec::new());
        for _ in 0..rounds {
            for (program, costs) in PROGRAMS.iter().zip(&mut costs) {
                if wanted(&PROGRAMS.map(Program::name), program.name()) {
                    costs.push(program.measure(&outside, &ways, task)?);
                }
            }
        }
        // Of the first program that ran, which is the floor unless it was left out
        let mut floor = None;
        for (program, costs) in PROGRAMS.iter().zip(costs) {
            let Some(cost) = median(costs) else { continue };
            let floor = *floor.get_or_insert(cost.cpu);
            let (name, ratio) = (program.name(), cost.cpu / floor);
            let thousands = f64::from(NAMES) / 1000.0;
            let (cpu, wall) = (cost.cpu / thousands, cost.wall / thousands);
            println!(
                "{:<12} {name:<11} {cpu:>22.0} {ratio:>15.2} {wall:>11.0}",
                task.name()
            );
        }
    }
    Ok(())
}

/// Who does it
#[derive(Clone, Copy)]
enum Program {
    Floor,
    /// On tokio, asking nothing before the specification wants it
    Sequential,
    Smol,
    Tokio,
}

impl Program {
    fn name(self) -> &'static str {
        match self {
            Self::Floor => "floor",
            Self::Sequential => "sequential",
            Self::Smol => "smol",
            Self::Tokio => "tokio",
        }
    }

    /// Does all names once, with nothing left of an earlier time
    fn measure(self, outside: &Outside, ways: &[Way], task: Task) -> Result<Cost> {
        match self {
            Self::Floor => {
                let floor = Floor::new(outside)?;
                spend(ways, |way| Box::pin(floor.walk(way, task)), tokio()?)
            }
            Self::Sequential => {
                let io = fedway_tokio::Sockets::default();
                let resolver = resolver(outside, Lookahead::None, io)?;
                spend(ways, |way| Box::pin(search(&resolver, way, task)), tokio()?)
            }
            Self::Smol => {
                let io = fedway_smol::Sockets::default();
                let resolver = resolver(outside, Lookahead::Dns, io)?;
                spend(
                    ways,
                    |way| Box::pin(search(&resolver, way, task)),
                    |all| smol::block_on(all),
                )
            }
            Self::Tokio => {
                let io = fedway_tokio::Sockets::default();
                let resolver = resolver(outside, Lookahead::Dns, io)?;
                spend(ways, |way| Box::pin(search(&resolver, way, task)), tokio()?)
            }
        }
    }
}

type Work<'a> = Pin<Box<dyn Future<Output = Result<()>> + 'a>>;

fn tokio() -> Result<impl Fn(Work<'_>) -> Result<()>> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    Ok(move |work: Work<'_>| runtime.block_on(work))
}

/// What it took to do all names, in milliseconds
#[derive(Clone, Copy)]
struct Cost {
    cpu: f64,
    wall: f64,
}

fn spend<'a>(
    ways: &'a [Way],
    walk: impl Fn(&'a Way) -> Work<'a>,
    run: impl Fn(Work<'_>) -> Result<()>,
) -> Result<Cost> {
    let (start, cpu) = (Instant::now(), cpu_time()?);
    run(Box::pin(
        stream::iter(ways)
            .map(walk)
            .buffer_unordered(AT_ONCE)
            .try_collect(),
    ))?;
    let wall = start.elapsed().as_secs_f64() * 1000.0;
    Ok(Cost {
        cpu: cpu_time()? - cpu,
        wall,
    })
}

async fn search<I: Io>(resolver: &Resolver<I>, way: &Way, task: Task) -> Result<()> {
    let name: ServerName = way.name.parse()?;
    let found = match task {
        Task::Resolve => Arc::unwrap_or_clone(resolver.resolve(&name).await?),
        Task::Ask => {
            let mut connected = resolver.connect(&name).await?;
            let response = connected.get(VERSION).await?;
            if response.status != 200 {
                return Err(format!("{name}: status {}", response.status).into());
            }
            connected.found
        }
    };
    let (step, expected) = (found.destination.step(), way.step);
    if step != expected {
        return Err(format!("{name}: step {step} in place of {expected}").into());
    }
    Ok(())
}

fn resolver<I: Io>(outside: &Outside, lookahead: Lookahead, io: I) -> Result<Resolver<I>> {
    let mut roots = Roots::none();
    roots.add_pem(outside.ca_pem.as_bytes())?;
    let mut config = Config::default();
    config.lookahead = lookahead;
    config.addresses.allow.push(names::NET.parse()?);
    let reroutes = outside.reroutes.clone();
    let builder = Builder::default().config(config).roots(roots);
    let builder = builder
        .dns(DnsConfig::new(vec![outside.dns]))
        .reroute(move |address| reroutes.get(&address).copied());
    Ok(builder.build(io)?)
}

fn median(mut costs: Vec<Cost>) -> Option<Cost> {
    costs.sort_by(|a, b| a.cpu.total_cmp(&b.cpu));
    costs.get(costs.len() / 2).copied()
}

/// User and system time of this process, all its threads together, in milliseconds (proc_pid_stat(5))
fn cpu_time() -> Result<f64> {
    let stat = fs::read_to_string("/proc/self/stat")?;
    // The name of the program stands in parentheses, and may have blanks
    let (_, fields) = stat.rsplit_once(')').ok_or("no name in stat")?;
    let field = |number: usize| -> Result<f64> {
        let field = fields.split_ascii_whitespace().nth(number - 3);
        Ok(field.ok_or("too few fields in stat")?.parse()?)
    };
    Ok((field(14)? + field(15)?) * MS_PER_TICK)
}

const TASKS: [Task; 2] = [Task::Resolve, Task::Ask];

const PROGRAMS: [Program; 4] = [
    Program::Floor,
    Program::Sequential,
    Program::Tokio,
    Program::Smol,
];

/// Searches under way at a time
const AT_ONCE: usize = 64;

/// The median of so many counts
const ROUNDS: usize = 5;

/// Linux counts in hundredths of a second (`USER_HZ`)
const MS_PER_TICK: f64 = 10.0;
