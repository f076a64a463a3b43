//! A world, and the command in it.

use std::fs;
use std::io::Write as _;
use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};

use fedway_testkit::world::{DnsFault, RecordType, World, WorldPlan};
use serde_json::Value;

pub(crate) fn world() -> World {
    let mut plan = WorldPlan::new();
    plan.a("good.example", "192.0.2.7");
    plan.aaaa("good.example", "2001:db8::7");
    plan.dns_fault("silent.example", RecordType::ANY, DnsFault::Silence);
    plan.start().expect("the loopback device is there")
}

/// With the world's name server, and its addresses allowed
pub(crate) fn run(world: &World, args: &[&str], stdin: &str) -> Output {
    end(start(world, args), stdin)
}

/// The same, with its pipes open
pub(crate) fn start(world: &World, args: &[&str]) -> Child {
    let dns = world.dns().to_string();
    let nets = [
        "--dns",
        &dns,
        "--allow-net",
        "192.0.2.0/24",
        "--allow-net",
        "2001:db8::/32",
    ];
    spawn(&[args, &nets].concat())
}

pub(crate) fn command(args: &[&str], stdin: &str) -> Output {
    end(spawn(args), stdin)
}

fn spawn(args: &[&str]) -> Child {
    Command::new(env!("CARGO_BIN_EXE_fedway"))
        .args(args)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the binary was built for this test")
}

fn end(mut child: Child, stdin: &str) -> Output {
    child
        .stdin
        .take()
        .expect("the test's own files and pipes are there")
        .write_all(stdin.as_bytes())
        .expect("the test's own files and pipes are there");
    child.wait_with_output().expect("it ends")
}

/// A file in a folder that cargo keeps for this test
pub(crate) fn scratch(name: &str, content: &[u8]) -> PathBuf {
    let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
    fs::write(&path, content).expect("cargo made the folder");
    path
}

pub(crate) fn objects(output: &Output) -> Vec<Value> {
    stdout(output)
        .lines()
        .map(|line| serde_json::from_str(line).expect("an object a line"))
        .collect()
}

pub(crate) fn only_object(output: &Output) -> Value {
    let objects = objects(output);
    assert_eq!(objects.len(), 1, "{}{}", stdout(output), stderr(output));
    objects.into_iter().next().expect("there is one")
}

pub(crate) fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).expect("text is UTF-8")
}

pub(crate) fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).expect("text is UTF-8")
}
