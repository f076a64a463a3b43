//! What a search costs in instructions, as a table.
//!
//! `cargo bench -p fedway-core --bench cost`. Fails where a case costs more than was reached before. Counted by
//! callgrind, under which the bench runs itself once a case; without valgrind it says so and counts nothing. Allocations are counted by the bench `memory`: the
//! allocator that counts them must not be counted here.
//!
//! Counted are `Discovery::connect`, every `poll` and `handle`, the loop around them with its queue of
//! actions, and the drop of search and result; `malloc` and `free` included, also the `free` of what replies
//! hold. Not counted is what a driver does: making the replies. Each case ran before it is counted, so that
//! the allocator has its free lists. Instructions repeat as long as compiler, libc and processor features do.

#![expect(clippy::print_stdout, reason = "a bench prints its table")]

mod names;
mod pools;
mod searches;

use std::env;
use std::error::Error;
use std::fs;
use std::hint::black_box;
use std::io;
use std::path::Path;
use std::process::{Command, ExitCode, Stdio};

use fedway_core::{Discovery, Instant, ServerName};

use self::searches::{
    Case, LITERAL, LONGEST_DRAFT_2019, LONGEST_R0_1, LONGEST_V1_8, UnderWay, carry,
};

fn main() -> Result<ExitCode, Box<dyn Error>> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [CASE, name] => {
            let row = ROWS.iter().find(|row| row.work.name() == name);
            row.ok_or("no such case")?.work.run();
            Ok(ExitCode::SUCCESS)
        }
        // `cargo test --benches` leaves it out: nothing is worth counting in a debug build
        ref others if !others.contains(&"--bench") => {
            ROWS.iter().for_each(|row| row.work.run());
            Ok(ExitCode::SUCCESS)
        }
        _ => table(),
    }
}

fn table() -> Result<ExitCode, Box<dyn Error>> {
    println!("instructions (callgrind; malloc and free included)\n");
    println!("instructions  at most           case");
    let mut status = ExitCode::SUCCESS;
    for Row { work, target } in &ROWS {
        let Some(count) = count(work.name())? else {
            println!("valgrind is not on the PATH: instructions are not counted");
            return Ok(ExitCode::SUCCESS);
        };
        let verdict = if count <= *target {
            "holds"
        } else {
            status = ExitCode::FAILURE;
            "MISSED"
        };
        println!("{count:>12}  {target:>7}  {verdict:<7}  {}", work.title());
    }
    println!("\nwhere they go: callgrind_annotate {}", output("CASE"));
    Ok(status)
}

struct Row {
    work: Work,
    /// What the count may be at most: what was reached and a hundredth, for other compilers; to be lowered whenever less is
    target: u64,
}

const ROWS: [Row; 14] = [
    Row {
        work: Work::Parse("matrix.example.org:8448"),
        target: 1_370,
    },
    Row {
        work: Work::Parse("[2620:fe::9]:8448"),
        target: 1_400,
    },
    Row {
        work: Work::Search(LITERAL),
        target: 4_620,
    },
    Row {
        work: Work::Search(LONGEST_V1_8),
        target: 37_940,
    },
    Row {
        work: Work::Search(LONGEST_R0_1),
        target: 32_070,
    },
    Row {
        work: Work::Search(LONGEST_DRAFT_2019),
        target: 31_230,
    },
    Row {
        work: Work::Pool("hit-1000", pools::hit::<1_000>),
        target: 220,
    },
    Row {
        work: Work::Pool("hit-20000", pools::hit::<20_000>),
        target: 220,
    },
    Row {
        work: Work::Pool("cold-alone", pools::cold::<0>),
        target: 109_920,
    },
    Row {
        work: Work::Pool("cold-beside-100", pools::cold::<100>),
        target: 119_730,
    },
    Row {
        work: Work::Pool("warm", pools::warm),
        target: 26_860,
    },
    Row {
        work: Work::Pool("asks-1000", pools::asks),
        target: 612_100,
    },
    Row {
        work: Work::Pool("idle-poll-10", pools::poll::<10>),
        target: 300,
    },
    Row {
        work: Work::Pool("idle-poll-10000", pools::poll::<10_000>),
        target: 333,
    },
];

enum Work {
    /// Parse this server name
    Parse(&'static str),
    Search(Case),
    /// In a pool: how what is counted is called, and what runs it
    Pool(&'static str, fn(pools::Count<'_>)),
}

impl Work {
    /// Unique, and fit for a file name
    fn name(&self) -> &str {
        match self {
            Self::Parse(text) if text.starts_with('[') => "parse-literal",
            Self::Parse(_) => "parse-host",
            Self::Search(case) => case.name,
            Self::Pool(name, _) => name,
        }
    }

    fn title(&self) -> String {
        match self {
            Self::Parse(text) => format!("parse {text}"),
            Self::Search(case) => format!("search, {}", case.title),
            Self::Pool(name, _) => format!("pool, {name}"),
        }
    }

    fn run(&self) {
        match self {
            Self::Parse(text) => {
                let parse = |text: &str| drop(black_box(ServerName::parse(black_box(text))));
                parse(text);
                counted_region(|| parse(text));
            }
            Self::Pool(_, run) => {
                run(&|work| counted_region(work));
            }
            Self::Search(case) => {
                let (name, config) = case.given();
                let search = |counted: bool| {
                    let mut under_way = UnderWay::new();
                    let mut replies = case.replies().collect::<Vec<_>>().into_iter();
                    let mut run = || {
                        let mut search = Discovery::connect(&name, &config, SEED, Instant::ORIGIN);
                        let found = carry(&mut search, &mut under_way, &mut replies, || ());
                        found.expect("a case finds its server")
                    };
                    if counted {
                        counted_region(|| drop(black_box(run())));
                    } else {
                        case.check(&run());
                    }
                };
                search(false);
                search(true);
            }
        }
    }
}

/// Callgrind collects from its begin to its end: the pattern [`REGION`] is its name
#[inline(never)]
fn counted_region(work: impl FnOnce()) {
    work();
    // Not a tail call: the region ends here
    black_box(());
}

/// Runs a case under callgrind; `None` if there is none
fn count(case: &str) -> Result<Option<u64>, Box<dyn Error>> {
    let output = output(case);
    let run = Command::new("valgrind")
        .args(["--quiet", "--tool=callgrind"])
        .arg(format!("--toggle-collect={REGION}"))
        .arg(format!("--callgrind-out-file={output}"))
        .arg(env::current_exe()?)
        .args([CASE, case])
        .stdin(Stdio::null())
        .output();
    let run = match run {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        run => run?,
    };
    if !run.status.success() {
        return Err(format!("{case}: {}", String::from_utf8_lossy(&run.stderr)).into());
    }
    let profile = fs::read_to_string(output)?;
    let mut totals = profile
        .lines()
        .filter_map(|line| line.strip_prefix("totals: "));
    let total = totals.next().ok_or("no totals in callgrind's output")?;
    match total.trim().parse()? {
        0 => Err(format!("{case}: nothing matches {REGION}").into()),
        count => Ok(Some(count)),
    }
}

/// Where callgrind's profile of a case is left
fn output(case: &str) -> String {
    let directory = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let file = directory.join(format!("callgrind.{case}"));
    file.to_string_lossy().into_owned()
}

/// What callgrind's demangled name of [`counted_region`] has in it
const REGION: &str = "*counted_region*";
/// The argument before a case
const CASE: &str = "case";
/// Nothing is drawn: each SRV set has one record
const SEED: u64 = 0;
