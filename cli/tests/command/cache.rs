//! `--cache`: what is known is kept between two runs, whole or not at all.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::rig::{command, only_object, run, scratch, start, stderr, stdout, world};

#[test]
fn a_second_run_asks_nothing_that_the_first_has_learnt() {
    let world = world();
    let path = fresh("second-run.json");
    let args = [
        "resolve",
        "--format",
        "json",
        "--cache",
        text(&path),
        "good.example:8449",
    ];
    let first = only_object(&run(&world, &args, ""));
    assert_ne!(world.dns_queries(), []);
    world.forget();
    let second = only_object(&run(&world, &args, ""));
    assert_eq!(world.dns_queries(), []);
    assert_eq!(second["candidates"], first["candidates"]);
    // What is left of the lifetime is less by the time in between
    let lasts = |object: &Value| object["expires_in_s"].as_u64().expect("it ends");
    assert!(lasts(&second) < lasts(&first));
}

#[test]
fn a_recording_of_a_second_run_says_what_was_known_already() {
    let world = world();
    let path = fresh("recorded.json");
    let folder = path.with_file_name("recorded");
    let args = ["resolve", "--cache", text(&path), "good.example:8449"];
    run(&world, &args, "");
    world.forget();
    let recorded = [&args[..], &["--record", text(&folder)]].concat();
    run(&world, &recorded, "");
    assert_eq!(world.dns_queries(), []);
    let file = folder.join("good.example+8449.v1.8.json");
    let replayed = stdout(&command(&["replay", text(&file)], ""));
    let said = "→ 192.0.2.7 (known already)";
    assert!(replayed.contains(said), "{replayed}");
}

#[test]
fn what_cannot_be_read_is_one_line_and_the_run_goes_on_without_it() {
    let world = world();
    for (name, content, says) in [
        (
            "damaged.json",
            "{\"written\": 1, \"pool\": {\"ver",
            "EOF while parsing",
        ),
        ("empty.json", "", "EOF while parsing"),
        ("foreign.json", "[1, 2, 3]", "trailing characters"),
        (
            "newer.json",
            "{\"written\": 1, \"pool\": {\"version\": 99}}",
            "a snapshot of version 99, where 1 is read",
        ),
        (
            "future.json",
            "{\"written\": 99999999999, \"pool\": {\"version\": 1}}",
            "written at a time that has not come yet",
        ),
    ] {
        let path = scratch(name, content.as_bytes());
        let output = run(
            &world,
            &["resolve", "--cache", text(&path), "good.example:1"],
            "",
        );
        assert_eq!(output.status.code(), Some(0), "{name}");
        let error = stderr(&output);
        assert_eq!(error.lines().count(), 1, "{error}");
        assert!(
            error.contains(says) && error.contains("begins with nothing known"),
            "{error}"
        );
        // From now on it can be
        let output = run(
            &world,
            &["resolve", "--cache", text(&path), "good.example:1"],
            "",
        );
        assert_eq!(stderr(&output), "", "{name}");
    }
}

#[test]
fn a_file_that_cannot_be_kept_is_a_usage_error_before_anything_is_asked() {
    let world = world();
    let folder = env!("CARGO_TARGET_TMPDIR");
    for path in ["/no/such/folder/cache.json", folder] {
        let output = run(&world, &["resolve", "--cache", path, "good.example:1"], "");
        assert_eq!(output.status.code(), Some(2), "{path}");
        assert_eq!(stdout(&output), "");
        assert!(stderr(&output).starts_with("fedway: --cache "));
    }
    assert_eq!(world.dns_queries(), []);
}

#[test]
#[cfg(unix)]
fn what_is_known_is_kept_after_ctrl_c_too() {
    let world = world();
    let path = fresh("interrupted.json");
    let args = [
        "resolve",
        "--cache",
        text(&path),
        "good.example:1",
        "silent.example:1",
    ];
    let child = start(&world, &args);
    let asked = || {
        world
            .dns_queries()
            .iter()
            .any(|it| it.name.starts_with("silent"))
    };
    let patience = Instant::now() + Duration::from_secs(30);
    while !asked() && Instant::now() < patience {
        thread::sleep(Duration::from_millis(10));
    }
    thread::sleep(Duration::from_millis(200));
    let kill = Command::new("kill")
        .args(["-INT", &child.id().to_string()])
        .status();
    assert!(kill.expect("there is a kill").success());
    let output = child.wait_with_output().expect("it ends");
    assert_eq!(output.status.code(), Some(130), "{}", stderr(&output));
    let kept = fs::read_to_string(&path).expect("it was kept");
    assert!(kept.contains("good.example"), "{kept}");
}

/// A file that is not there
fn fresh(name: &str) -> PathBuf {
    let path = scratch(name, b"");
    fs::remove_file(&path).expect("it was just made");
    path
}

fn text(path: &Path) -> &str {
    path.to_str().expect("cargo's folders are UTF-8 here")
}
