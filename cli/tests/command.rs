//! The command line as a contract (DESIGN §9): what is written where, and with which exit status.
//!
//! `resolve` of a name with a port needs DNS only, so that it runs against the loopback world as it is;
//! what `check` finds is for the drivers' suites and the demo.

use std::fs;
use std::io::Write as _;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

use fedway_testkit::world::{DnsFault, RecordType, World, WorldPlan};
use serde_json::Value;

#[test]
fn a_name_that_resolves_is_one_json_object_and_status_0() {
    let world = world();
    let output = run(
        &world,
        &["resolve", "--format", "json", "Good.example:8449"],
        "",
    );
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let object = only_object(&output);
    assert_eq!(object["server_name"], "Good.example:8449");
    assert_eq!(
        (&object["ok"], &object["step"]),
        (&Value::Bool(true), &"2".into())
    );
    assert_eq!(object["host_header"], "Good.example:8449");
    assert_eq!(
        (&object["tls_name"], &object["sni"]),
        (&"good.example".into(), &"good.example".into())
    );
    let candidates: Value = serde_json::json!([{
        "target": "good.example", "priority": null, "weight": null,
        "addresses": ["[2001:db8::7]:8449", "192.0.2.7:8449"],
    }]);
    assert_eq!(object["candidates"], candidates);
}

#[test]
fn every_object_has_the_same_keys_in_the_same_order() {
    let world = world();
    let names = [
        "resolve",
        "--format",
        "json",
        "good.example:1",
        "missing.example:1",
        "10.0.0.1",
        "a b",
    ];
    let output = run(&world, &names, "");
    let text = String::from_utf8(output.stdout).unwrap();
    let mut keys = text.lines().map(keys);
    let first = keys.next().unwrap();
    for key in [
        "server_name",
        "edition",
        "ok",
        "step",
        "host_header",
        "tls_name",
        "sni",
        "tls",
        "candidates",
        "connected",
        "well_known",
        "provisional",
        "version",
        "error",
        "elapsed_ms",
    ] {
        assert!(first.contains(&key.to_owned()), "{key}");
    }
    assert_eq!(keys.map(|other| assert_eq!(other, first)).count(), 3);
}

#[test]
fn a_name_that_fails_is_status_1_and_says_why() {
    let world = world();
    let output = run(
        &world,
        &["resolve", "missing.example:8449", "good.example:8449"],
        "",
    );
    assert_eq!(output.status.code(), Some(1));
    let text = stdout(&output);
    assert!(
        text.contains(
            "missing.example:8449: failed, step 2: no usable server: no address: no such name\n"
        ),
        "{text}"
    );
    assert!(text.contains("good.example:8449: ok, step 2\n"), "{text}");
}

#[test]
fn a_name_server_that_cannot_be_reached_is_status_1_and_one_line_at_once() {
    let closed = world()
        .extra_dns(fedway_testkit::world::DnsServer::Closed)
        .unwrap();
    let output = command(
        &["resolve", "--dns", &closed.to_string(), "good.example:8449"],
        "",
    );
    assert_eq!(output.status.code(), Some(1));
    let text = stdout(&output);
    let first = text.lines().next().unwrap();
    assert!(first.contains("no name server could be reached"), "{text}");
}

#[test]
fn a_bad_name_is_one_line_and_status_2_and_not_a_packet_is_sent() {
    let world = world();
    for (name, complaint) in [
        (
            "exa mple.org",
            "fedway: \"exa mple.org\": character ' ' not allowed in a hostname at byte 3\n",
        ),
        (
            "good.example:0",
            "fedway: \"good.example:0\": port not in 1 to 65535 at byte 13\n",
        ),
        ("", "fedway: \"\": empty name at byte 0\n"),
        (
            "a\u{1b}[31m",
            "fedway: \"a\\u{1b}[31m\": character '\\u{1b}' not allowed in a hostname at byte 1\n",
        ),
    ] {
        let output = run(&world, &["resolve", name], "");
        assert_eq!(output.status.code(), Some(2), "{name}");
        assert_eq!(
            (stdout(&output).as_str(), stderr(&output).as_str()),
            ("", complaint)
        );
    }
    assert!(world.dns_queries().is_empty());
}

#[test]
fn a_bad_name_loses_nothing_of_the_others() {
    let world = world();
    let output = run(&world, &["resolve", "a b", "good.example:8449"], "");
    assert_eq!(output.status.code(), Some(2));
    assert!(
        stdout(&output).contains("good.example:8449: ok"),
        "{}",
        stdout(&output)
    );
}

#[test]
fn names_come_from_a_file_or_standard_input_with_comments_and_any_line_ends() {
    let world = world();
    let input = "# a comment\n\ngood.example:1\r\n  good.example:2  \na b\ngood.example:3";
    let from_stdin = run(
        &world,
        &["resolve", "--format", "json", "--input", "-"],
        input,
    );
    assert_eq!(
        from_stdin.status.code(),
        Some(1),
        "a bad line is a name that failed"
    );
    let mut found = objects(&from_stdin);
    found.sort_by_key(|object| object["server_name"].to_string());
    let names: Vec<_> = found.iter().map(|object| &object["server_name"]).collect();
    assert_eq!(
        names,
        ["a b", "good.example:1", "good.example:2", "good.example:3"]
    );
    assert_eq!(found[0]["error"]["kind"], "invalid_server_name");

    let file = scratch("names.txt", input.as_bytes());
    let from_file = run(
        &world,
        &[
            "resolve",
            "--format",
            "json",
            "--input",
            file.to_str().unwrap(),
        ],
        "",
    );
    assert_eq!(objects(&from_file).len(), 4);
}

#[test]
fn what_the_command_line_cannot_mean_is_one_line_and_status_2() {
    let empty = scratch("empty.pem", b"no certificate here\n");
    let empty = empty.to_str().unwrap();
    for (args, complaint) in [
        (&["check", "--edition", "v9", "a"][..], "unknown edition"),
        (
            &["check", "--ca-file", "/nonexistent.pem", "a"],
            "/nonexistent.pem: entity not found",
        ),
        (
            &["check", "--ca-file", empty, "a"],
            "no certificate in PEM format",
        ),
        (
            &["check", "--no-system-roots", "a"],
            "--no-system-roots needs a --ca-file",
        ),
        (&["check", "--dns", "ns.example", "a"], "no IP address"),
        (&["check", "--allow-net", "10.0.0.0/99", "a"], "no network"),
        (&["check", "--danger-skip-verify", "*", "a"], "no domain"),
        (
            &["check", "--timeout", "0", "a"],
            "no number of seconds over zero",
        ),
        (&["check", "--jobs", "0", "a"], "0"),
        (&["check", "--input", "/nonexistent"], "/nonexistent"),
        (&["check"], "NAME"),
        (&["chekc", "a"], "chekc"),
    ] {
        let output = command(args, "");
        let text = stderr(&output);
        assert_eq!(output.status.code(), Some(2), "{args:?}: {text}");
        assert!(text.contains(complaint), "{args:?}: {text}");
        assert_eq!(text.lines().count(), 1, "{args:?}: {text}");
        assert!(stdout(&output).is_empty());
    }
}

#[test]
fn a_machine_without_roots_is_one_line_and_status_1() {
    let nowhere = scratch("no-roots", b"");
    let output = Command::new(env!("CARGO_BIN_EXE_fedway"))
        .args(["check", "good.example:1"])
        .env("SSL_CERT_FILE", &nowhere)
        .env("SSL_CERT_DIR", "/nonexistent")
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(
        stderr(&output),
        "fedway: the operating system has no usable certificate authority\n"
    );
}

#[test]
fn a_reader_that_leaves_ends_the_command_without_a_panic() {
    let world = world();
    let names: Vec<_> = (1..500)
        .map(|port| format!("good.example:{port}\n"))
        .collect();
    let mut child = Command::new(env!("CARGO_BIN_EXE_fedway"))
        .args([
            "resolve",
            "--format",
            "json",
            "--input",
            "-",
            "--dns",
            &world.dns().to_string(),
        ])
        .args(["--allow-net", "192.0.2.0/24"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    child
        .stdin
        .take()
        .unwrap()
        .write_all(names.concat().as_bytes())
        .unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!(
        (output.status.code(), stderr(&output).as_str()),
        (Some(1), "")
    );
}

#[test]
fn an_address_that_may_not_be_dialled_fails_until_it_is_allowed() {
    let world = world();
    let dns = world.dns().to_string();
    let refused = command(
        &[
            "resolve",
            "--format",
            "json",
            "--dns",
            &dns,
            "good.example:1",
        ],
        "",
    );
    assert_eq!(only_object(&refused)["error"]["kind"], "address_refused");
    let denied = run(
        &world,
        &[
            "resolve",
            "--format",
            "json",
            "--deny-net",
            "192.0.2.7",
            "good.example:1",
        ],
        "",
    );
    assert_eq!(
        only_object(&denied)["candidates"][0]["addresses"],
        serde_json::json!(["[2001:db8::7]:1"])
    );
}

#[test]
fn a_rule_that_skips_verification_is_seen_before_anything_is_connected() {
    let world = world();
    let args = [
        "resolve",
        "--format",
        "json",
        "--danger-skip-verify",
        "*.example",
        "good.example:1",
    ];
    let object = only_object(&run(&world, &args, ""));
    assert_eq!(
        (&object["tls"]["status"], &object["tls"]["rule"]),
        (&"skipped".into(), &"*.example".into())
    );
}

#[test]
fn a_search_ends_by_its_timeout() {
    let world = world();
    let args = [
        "resolve",
        "--format",
        "json",
        "--timeout",
        "0.3",
        "silent.example:1",
    ];
    let object = only_object(&run(&world, &args, ""));
    assert_eq!(object["error"]["kind"], "timed_out");
    assert_eq!(object["error"]["temporary"], true);
}

fn world() -> World {
    let mut plan = WorldPlan::new();
    plan.a("good.example", "192.0.2.7");
    plan.aaaa("good.example", "2001:db8::7");
    plan.dns_fault("silent.example", RecordType::ANY, DnsFault::Silence);
    plan.start().expect("the loopback device is there")
}

/// With the world's name server, and its addresses allowed
fn run(world: &World, args: &[&str], stdin: &str) -> Output {
    let dns = world.dns().to_string();
    let nets = [
        "--dns",
        &dns,
        "--allow-net",
        "192.0.2.0/24",
        "--allow-net",
        "2001:db8::/32",
    ];
    command(&[args, &nets].concat(), stdin)
}

fn command(args: &[&str], stdin: &str) -> Output {
    let mut child = Command::new(env!("CARGO_BIN_EXE_fedway"))
        .args(args)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the binary was built for this test");
    child
        .stdin
        .take()
        .expect("the test's own files and pipes are there")
        .write_all(stdin.as_bytes())
        .expect("the test's own files and pipes are there");
    child.wait_with_output().expect("it ends")
}

/// A file in a folder that cargo keeps for this test
fn scratch(name: &str, content: &[u8]) -> PathBuf {
    let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
    fs::write(&path, content).expect("cargo made the folder");
    path
}

fn objects(output: &Output) -> Vec<Value> {
    stdout(output)
        .lines()
        .map(|line| serde_json::from_str(line).expect("an object a line"))
        .collect()
}

fn only_object(output: &Output) -> Value {
    let objects = objects(output);
    assert_eq!(objects.len(), 1, "{}{}", stdout(output), stderr(output));
    objects.into_iter().next().expect("there is one")
}

/// The top-level keys as they stand in the text, which a parsed object would not tell
fn keys(line: &str) -> Vec<String> {
    let mut keys = Vec::new();
    let (mut depth, mut string, mut start) = (0, false, 0);
    for (index, character) in line.char_indices() {
        match character {
            '"' if !line[..index].ends_with('\\') => {
                string = !string;
                if string {
                    start = index + 1;
                } else if depth == 1 && line[index + 1..].starts_with(':') {
                    keys.push(line[start..index].to_owned());
                }
            }
            '{' | '[' if !string => depth += 1,
            '}' | ']' if !string => depth -= 1,
            _ => {}
        }
    }
    keys
}

fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).expect("text is UTF-8")
}

fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).expect("text is UTF-8")
}
