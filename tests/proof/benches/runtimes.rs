//! A thousand names at once on each runtime, ten rounds: searches a second, memory and open files.
//!
//! `cargo bench -p fedway-proof --bench runtimes`. Both runtimes are measured in one run, against the same
//! world in the same process, so that only the ratio means something. Fails if a name is not found, or if
//! open files or memory grow from round to round.

#![expect(clippy::print_stdout, reason = "a bench prints its table")]

use std::error::Error;
use std::fs;
use std::future::Future;
use std::time::{Duration, Instant};

use fedway_core::ServerName;
use fedway_driver::{Io, Resolver};
use fedway_testkit::world::{Https, World, WorldPlan};
use futures_util::future::join_all;

type Result<T> = std::result::Result<T, Box<dyn Error>>;

fn main() -> Result<()> {
    let world = world()?;
    let tokio = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let on_tokio = resolver(&world, fedway_tokio::Sockets::default())?;
    let on_smol = resolver(&world, fedway_smol::Sockets::default())?;
    println!("round  tokio/s  smol/s  smol:tokio  open files  memory");
    let mut rounds = Vec::new();
    for number in 1..=ROUNDS {
        let tokio = rate(&on_tokio, |search| tokio.block_on(search))?;
        let smol = rate(&on_smol, |search| smol::block_on(search))?;
        world.wait_for(Duration::from_secs(10), |_| world.open_connections() == 0);
        world.forget();
        let round = Round {
            files: open_files()?,
            memory: memory()?,
        };
        println!(
            "{number:>5}  {tokio:>7.0}  {smol:>6.0}  {:>10.2}  {:>10}  {:>3} MiB",
            smol / tokio,
            round.files,
            round.memory >> 20,
        );
        rounds.push(round);
    }
    judge(&rounds)
}

/// What the process holds after a round
struct Round {
    files: usize,
    memory: u64,
}

/// The first rounds fill caches and pools; what grows after them grows for ever
fn judge(rounds: &[Round]) -> Result<()> {
    let (Some(early), Some(last)) = (rounds.get(WARM_UP), rounds.last()) else {
        return Err("too few rounds".into());
    };
    if last.files > early.files {
        return Err(format!("open files grew from {} to {}", early.files, last.files).into());
    }
    if last.memory > early.memory + early.memory / 10 {
        return Err(format!("memory grew from {} to {}", early.memory, last.memory).into());
    }
    Ok(())
}

/// Finds all names at once, and tells how many a second that was
fn rate<I: Io>(
    resolver: &Resolver<I>,
    block_on: impl Fn(std::pin::Pin<Box<dyn Future<Output = Result<()>> + '_>>) -> Result<()>,
) -> Result<f64> {
    let names: std::result::Result<Vec<ServerName>, _> =
        (0..NAMES).map(|number| host(number).parse()).collect();
    let names = names?;
    let start = Instant::now();
    block_on(Box::pin(async {
        for result in join_all(names.iter().map(|name| resolver.resolve(name))).await {
            let step = result?.destination.step();
            if step != "4" {
                return Err(format!("found by step {step}").into());
            }
        }
        Ok(())
    }))?;
    Ok(f64::from(NAMES) / start.elapsed().as_secs_f64())
}

/// Every name has a web server that knows nothing, an SRV record, and a target with addresses of both families
fn world() -> Result<World> {
    let mut plan = WorldPlan::new();
    for number in 0..NAMES {
        let host = host(number);
        let web = format!("192.0.2.{}", number % WEB_SERVERS);
        plan.a(&host, &web);
        plan.srv(
            &format!("_matrix-fed._tcp.{host}"),
            1,
            1,
            8448,
            &format!("m.{host}"),
        );
        plan.a(&format!("m.{host}"), "198.51.100.1");
        plan.aaaa(&format!("m.{host}"), "2001:db8::1");
        plan.https(&format!("{web}:443"), Https::for_name(&host));
    }
    Ok(plan.start()?)
}

fn resolver<I: Io>(world: &World, io: I) -> Result<Resolver<I>> {
    Ok(world.builder().build(io)?)
}

fn host(number: u16) -> String {
    format!("n{number}.example")
}

fn open_files() -> Result<usize> {
    Ok(fs::read_dir("/proc/self/fd")?.count())
}

/// Resident, in bytes
fn memory() -> Result<u64> {
    let statm = fs::read_to_string("/proc/self/statm")?;
    let pages: u64 = statm
        .split_whitespace()
        .nth(1)
        .ok_or("no resident size")?
        .parse()?;
    Ok(pages * 4096)
}

const NAMES: u16 = 1_000;
const ROUNDS: usize = 10;
/// Rounds that do not count
const WARM_UP: usize = 2;
/// Web servers that the names share
const WEB_SERVERS: u16 = 50;
