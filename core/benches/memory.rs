//! What a search allocates, and what it keeps, as two tables.
//!
//! `cargo bench -p fedway-core --bench memory`. Fails where a number is above what was reached before. Counted by dhat, exactly: a reallocation counts as an
//! allocation of its new size. Counted is what the bench `cost` counts; what replies hold was allocated before.

#![expect(clippy::print_stdout, reason = "a bench prints its tables")]

mod names;
mod searches;

use std::env;
use std::hint::black_box;
use std::mem::size_of;
use std::process::ExitCode;

use dhat::{HeapStats, Profiler};
use fedway_core::{Discovery, Instant, ServerName};

use self::searches::{
    Case, LITERAL, LONGEST_DRAFT_2019, LONGEST_R0_1, LONGEST_V1_8, UnderWay, carry,
};

#[global_allocator]
static ALLOCATOR: dhat::Alloc = dhat::Alloc;

fn main() -> ExitCode {
    // `cargo test --benches` leaves it out
    let judged = env::args().any(|argument| argument == "--bench");
    let mut table = Table { missed: false };

    println!("allocations (dhat)\n");
    println!("allocations  at most            bytes  case");
    for (text, target) in [("matrix.example.org:8448", 2), ("[2620:fe::9]:8448", 1)] {
        let parse = || drop(black_box(ServerName::parse(black_box(text))));
        table.allocations(&format!("parse {text}"), &allocated(parse), target);
    }
    for (case, target) in [
        (LITERAL, 6),
        (LONGEST_V1_8, 32),
        (LONGEST_R0_1, 27),
        (LONGEST_DRAFT_2019, 27),
    ] {
        let title = format!("search, {}", case.title);
        table.allocations(&title, &allocated_by(&case), target);
    }

    println!("\nmemory (bytes)\n");
    println!("bytes  at most           what");
    let size = size_of::<Discovery>();
    table.bytes("size of a Discovery", size, 752);
    for (case, at_rest, at_peak) in [(LITERAL, 912, 1_359), (LONGEST_V1_8, 2_816, 3_274)] {
        let Kept { waiting, peak } = kept(&case);
        let title = case.title;
        let what = format!("while it waits, with its heap: {title}");
        table.bytes(&what, size + waiting, at_rest);
        // One search at a time is in a call, and the reply was the driver's
        let what = format!("within a call, with the reply: {title}");
        table.bytes(&what, size + peak, at_peak);
    }
    println!("\na pool (bytes a name: .well-known, then host and port, dual stack)\n");
    let names = if judged { 20_000 } else { 100 };
    let each = bytes_a_name(names);
    println!("bytes  at most           what");
    table.bytes(&format!("each of {names} names"), each, 1_920);
    println!("       a million in {:.2} GB", each as f64 / 1_000.0);
    if judged && table.missed {
        ExitCode::FAILURE
    } else {
        ExitCode::SUCCESS
    }
}

struct Table {
    /// Whether any target was
    missed: bool,
}

impl Table {
    fn allocations(&mut self, title: &str, stats: &HeapStats, target: u64) {
        let (blocks, bytes) = (stats.total_blocks, stats.total_bytes);
        let verdict = self.judge(blocks, target);
        println!("{blocks:>11}  {target:>7}  {verdict:<8}  {bytes:>5}  {title}");
    }

    fn bytes(&mut self, title: &str, bytes: usize, target: usize) {
        let verdict = self.judge(bytes, target);
        println!("{bytes:>5}  {target:>7}  {verdict:<7}  {title}");
    }

    /// Whether a number is at most what was reached before
    fn judge<N: PartialOrd>(&mut self, number: N, target: N) -> &'static str {
        if number <= target {
            "holds"
        } else {
            self.missed = true;
            "MISSED"
        }
    }
}

fn allocated(work: impl FnOnce()) -> HeapStats {
    let _profiler = profiler();
    work();
    HeapStats::get()
}

fn allocated_by(case: &Case) -> HeapStats {
    let (name, config) = case.given();
    let mut under_way = UnderWay::new();
    let mut replies = case.replies().collect::<Vec<_>>().into_iter();
    let mut found = None;
    let stats = allocated(|| {
        let mut search = Discovery::connect(&name, &config, SEED, Instant::ORIGIN);
        found = Some(carry(&mut search, &mut under_way, &mut replies, || ()));
    });
    let found = found.expect("it ran").expect("a case finds its server");
    case.check(&found);
    stats
}

/// The heap that a search keeps
struct Kept {
    /// At most, whenever it waits for a reply
    waiting: usize,
    /// At most at all
    peak: usize,
}

/// Counts the name and whatever the search keeps of replies; a configuration is shared by all searches
fn kept(case: &Case) -> Kept {
    let (name, config) = case.given();
    let text = name.as_str();
    let mut under_way = UnderWay::new();
    let _profiler = profiler();
    let own = ServerName::parse(text).expect("it was one before");
    let mut search = Discovery::connect(&own, &config, SEED, Instant::ORIGIN);
    drop(own);
    let mut waiting = 0;
    let found = carry(&mut search, &mut under_way, &mut case.replies(), || {
        waiting = waiting.max(HeapStats::get().curr_bytes);
    });
    let peak = HeapStats::get().max_bytes;
    case.check(&found.expect("a case finds its server"));
    Kept { waiting, peak }
}

/// The heap that a pool keeps for each of so many names
fn bytes_a_name(names: usize) -> usize {
    let _profiler = profiler();
    let pool = names::known(names);
    let bytes = HeapStats::get().curr_bytes;
    assert_eq!(pool.stats().names, names);
    bytes / names
}

/// Counts from here to its drop; writes no file
fn profiler() -> Profiler {
    Profiler::builder().testing().build()
}

/// Nothing is drawn: each SRV set has one record
const SEED: u64 = 0;
