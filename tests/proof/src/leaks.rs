//! What this process holds open, and patience until it does not.

use std::collections::BTreeSet;
use std::thread;
use std::time::{Duration, Instant};

use fedway_testkit::world::World;

/// How many sockets of this process lead to a world: TCP connections and UDP sockets
///
/// Other tests of this process have worlds of their own, so that all file descriptors could not be counted. The tables
/// tell of all processes; but nobody else knows where a world listens.
/// Zero where there is no /proc/net, as outside Linux.
pub fn sockets_to(world: &World) -> usize {
    let mut servers: BTreeSet<_> = world.reroutes().into_values().collect();
    servers.insert(world.dns());
    let remotes: BTreeSet<_> = servers
        .into_iter()
        .map(|server| format!("0100007F:{:04X}", server.port()))
        .collect();
    let tables = ["/proc/self/net/tcp", "/proc/self/net/udp"];
    let tables = tables.map(|table| std::fs::read_to_string(table).unwrap_or_default());
    let lines = tables.iter().flat_map(|table| table.lines().skip(1));
    let is_ours = |line: &&str| {
        let fields: Vec<_> = line.split_ascii_whitespace().collect();
        // A closed port of the world's is connected to itself
        let is_own = fields[1] == fields[2];
        // A socket that no file descriptor holds any more has no inode
        remotes.contains(fields[2]) && !is_own && fields[9] != "0"
    };
    lines.filter(is_ours).count()
}

/// How many files this process may have open; a cautious guess where there is no /proc
pub fn open_files_limit() -> usize {
    let limits = std::fs::read_to_string("/proc/self/limits").unwrap_or_default();
    let line = limits
        .lines()
        .find(|line| line.starts_with("Max open files"));
    let soft = line.and_then(|line| line.split_ascii_whitespace().nth(3)?.parse().ok());
    soft.unwrap_or(256)
}

/// Waits until something holds; whether that came about in time
pub fn eventually(holds: impl Fn() -> bool) -> bool {
    let start = Instant::now();
    while !holds() {
        if start.elapsed() > PATIENCE {
            return false;
        }
        thread::sleep(Duration::from_millis(2));
    }
    true
}

/// More than a busy machine needs for what takes a moment
const PATIENCE: Duration = Duration::from_secs(10);
