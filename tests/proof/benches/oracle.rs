//! Random worlds by the million: the machine against the second reading of the text.
//!
//! `cargo bench -p fedway-proof --bench oracle -- 1000000` tries so many worlds an edition, each with both goals and
//! both lookaheads, on every processor; a second number is the first seed. Ends at the first disagreement, with a
//! script test that shows it.

#![expect(clippy::print_stdout, reason = "a bench prints its figures")]

use std::error::Error;
use std::num::NonZeroUsize;
use std::thread;
use std::time::Instant;

use fedway_core::Edition;
use fedway_proof::oracle::prove;

fn main() -> Result<(), Box<dyn Error>> {
    let mut numbers = std::env::args()
        .skip(1)
        .filter_map(|word| word.parse().ok());
    let worlds: u64 = numbers.next().unwrap_or(20_000);
    let first: u64 = numbers.next().unwrap_or(0);
    let threads = thread::available_parallelism().map_or(1, NonZeroUsize::get);
    for edition in Edition::ALL {
        let start = Instant::now();
        thread::scope(|scope| {
            for thread in 0..threads {
                let seeds = (first..first + worlds).skip(thread).step_by(threads);
                scope.spawn(move || seeds.for_each(|seed| prove(seed, edition)));
            }
        });
        let seconds = start.elapsed().as_secs_f64();
        println!(
            "{edition}: {worlds} worlds from {first} agree, {} runs of the machine, {seconds:.0} s",
            worlds * 4
        );
    }
    Ok(())
}
