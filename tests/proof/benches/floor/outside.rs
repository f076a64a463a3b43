//! The world, in a process of its own on the other core.

use std::collections::BTreeMap;
use std::io::{self, BufRead as _, BufReader, Read as _};
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::Duration;

use fedway_testkit::world::WorldPlan;

use super::names::{NAMES, Way};
use super::task::Result;

/// A world in a child process, which ends with this
pub(super) struct Outside {
    child: Child,
    pub(super) dns: SocketAddr,
    pub(super) reroutes: BTreeMap<SocketAddr, SocketAddr>,
    pub(super) ca_pem: String,
}

impl Outside {
    /// Starts it, and gives each process a core
    pub(super) fn start() -> Result<Self> {
        let mut child = Command::new(std::env::current_exe()?)
            .arg(WORLD)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        pin(std::process::id(), 0);
        pin(child.id(), 1);
        let mut lines = BufReader::new(child.stdout.take().ok_or("no pipe to the world")?).lines();
        let mut line =
            move || -> Result<String> { Ok(lines.next().ok_or("the world has ended")??) };
        let (dns, count) = (line()?.parse()?, line()?.parse()?);
        let mut reroutes = BTreeMap::new();
        for _ in 0..count {
            reroutes.insert(line()?.parse()?, line()?.parse()?);
        }
        let mut ca_pem = String::new();
        while !ca_pem.contains("-----END") {
            ca_pem += &(line()? + "\n");
        }
        Ok(Self {
            child,
            dns,
            reroutes,
            ca_pem,
        })
    }
}

impl Drop for Outside {
    fn drop(&mut self) {
        // It ends with its standard input; an error means that it has ended already
        drop(self.child.stdin.take());
        let _ = self.child.wait();
    }
}

/// Runs the world until standard input ends
pub(super) fn serve() -> Result<()> {
    let mut plan = WorldPlan::new();
    for number in 0..NAMES {
        Way::of(number).plan(number, &mut plan);
    }
    let world = plan.start()?;
    println!("{}\n{}", world.dns(), world.reroutes().len());
    for (meant, real) in world.reroutes() {
        println!("{meant}\n{real}");
    }
    println!("{}", world.ca_pem());
    let (over, is_over) = mpsc::channel::<()>();
    thread::spawn(move || {
        // The end of the pipe, or its failure: either way nobody wants the world any more
        let _ = io::stdin().read(&mut [0]);
        drop(over);
    });
    while is_over.recv_timeout(FORGET_EVERY) == Err(RecvTimeoutError::Timeout) {
        world.forget();
    }
    Ok(())
}

/// Keeps a process and the threads it starts on one core, where there is a program for that
fn pin(process: u32, core: u32) {
    let command = ["-cp", &core.to_string(), &process.to_string()].map(String::from);
    let pinned = Command::new("taskset")
        .args(command)
        .stdout(Stdio::null())
        .status();
    if !pinned.is_ok_and(|status| status.success()) {
        println!("process {process} is not pinned to core {core}: its costs vary more");
    }
}

/// The argument that asks for a world
pub(super) const WORLD: &str = "--world";

/// The log of a world grows with each question
const FORGET_EVERY: Duration = Duration::from_secs(1);
