//! Standard output: who reads it, and what.

#[cfg(target_os = "linux")]
use std::fs::File;
use std::io::{Read as _, Write as _};
#[cfg(target_os = "linux")]
use std::process::Command;
use std::thread;
use std::time::Duration;

use fedway_testkit::world::WorldPlan;

use crate::rig::{only_object, run, scratch, start, stderr, stdout, world};

#[test]
fn a_reader_that_leaves_ends_the_command_at_once_and_quietly() {
    let world = world();
    let mut child = start(&world, &["resolve", "--input", "-"]);
    drop(child.stdout.take());
    // It stays open: more names could come
    let mut input = child.stdin.take().unwrap();
    writeln!(input, "good.example:1").unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!(
        (output.status.code(), stderr(&output).as_str()),
        (Some(1), "")
    );
}

#[test]
fn a_reader_that_pauses_makes_no_name_fail() {
    let mut plan = WorldPlan::new();
    let hosts = (1..=900).map(|number| format!("h{number}.example"));
    let hosts: Vec<_> = hosts.collect();
    for host in &hosts {
        plan.a(host, "192.0.2.7");
    }
    let world = plan.start().unwrap();
    let names: Vec<_> = hosts.iter().map(|host| format!("{host}:8448\n")).collect();
    let file = scratch("many.txt", names.concat().as_bytes());
    for runtime in ["tokio", "smol"] {
        let asked_before = world.dns_queries().len();
        let args = [
            "resolve",
            "--format",
            "json",
            "--runtime",
            runtime,
            "--jobs",
            "8",
        ];
        let input = ["--timeout", "2", "--input", file.to_str().unwrap()];
        let mut child = start(&world, &[&args[..], &input].concat());
        // Longer than a search may last; the pipe is full long before
        thread::sleep(Duration::from_millis(2_500));
        let asked = (world.dns_queries().len() - asked_before) / 2;
        assert!((8..900).contains(&asked), "{asked} names begun");
        let mut output = String::new();
        let mut pipe = child.stdout.take().unwrap();
        pipe.read_to_string(&mut output).unwrap();
        let failed = output.lines().find(|line| !line.contains("\"ok\":true"));
        assert_eq!(failed, None);
        assert_eq!(output.lines().count(), 900);
        assert_eq!(child.wait().unwrap().code(), Some(0));
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_is_one_line_and_status_1() {
    let world = world();
    let dns = world.dns().to_string();
    let resolve = ["resolve", "--dns", &dns, "good.example:1"];
    let json = [
        "resolve",
        "--format",
        "json",
        "--dns",
        &dns,
        "good.example:1",
    ];
    for args in [
        &resolve[..],
        &json,
        &["help"],
        &["help", "check"],
        &["--version"],
    ] {
        let output = Command::new(env!("CARGO_BIN_EXE_fedway"))
            .args(args)
            .stdout(File::options().write(true).open("/dev/full").unwrap())
            .output()
            .unwrap();
        assert_eq!(output.status.code(), Some(1), "{args:?}");
        assert_eq!(
            stderr(&output),
            "fedway: standard output: No space left on device (os error 28)\n",
            "{args:?}"
        );
    }
}

#[test]
fn a_reader_sees_every_character_of_a_stranger_and_a_parser_gets_it_as_it_was() {
    let world = world();
    let hidden = "a\u{1b}[31m\u{7f}\u{85}\u{9b}\u{ad}\u{61c}\u{200b}\u{2028}\u{202e}\u{2066}\u{feff}\u{e0041}b";
    let shown = |c: char| c == '\n' || !fedway_driver::is_hidden(c);
    let json = run(
        &world,
        &["resolve", "--format", "json", "--input", "-"],
        hidden,
    );
    assert_eq!(only_object(&json)["server_name"], hidden);
    assert!(stdout(&json).chars().all(shown), "{:?}", stdout(&json));
    let text = run(&world, &["resolve", "--input", "-"], hidden);
    assert!(stdout(&text).chars().all(shown), "{:?}", stdout(&text));
    assert!(stdout(&text).starts_with("a\u{fffd}[31m\u{fffd}"));
    let argument = run(&world, &["resolve", hidden], "");
    assert!(
        stderr(&argument).chars().all(shown),
        "{:?}",
        stderr(&argument)
    );
}
