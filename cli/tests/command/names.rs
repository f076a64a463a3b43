//! Where names come from, and what becomes of those that are none.

use std::io::{BufRead as _, BufReader, Write as _};

use serde_json::Value;

use crate::rig::{objects, run, scratch, start, stderr, stdout, world};

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
fn a_file_may_begin_with_a_byte_order_mark() {
    let world = world();
    let content = "\u{feff}good.example:1\r\ngood.example:2\r\n";
    let file = scratch("marked.txt", content.as_bytes());
    let args = ["resolve", "--input", file.to_str().unwrap()];
    let output = run(&world, &args, "");
    assert_eq!(output.status.code(), Some(0), "{}", stdout(&output));
}

#[test]
fn standard_input_is_looked_at_before_its_end() {
    let world = world();
    let mut child = start(&world, &["resolve", "--format", "json", "--input", "-"]);
    let mut input = child.stdin.take().unwrap();
    let mut output = BufReader::new(child.stdout.take().unwrap());
    for name in ["good.example:1", "good.example:2"] {
        writeln!(input, "{name}").unwrap();
        let mut line = String::new();
        output.read_line(&mut line).unwrap();
        let object: Value = serde_json::from_str(&line).unwrap();
        assert_eq!(object["server_name"], name);
    }
    drop(input);
    assert_eq!(child.wait().unwrap().code(), Some(0));
}

#[test]
fn a_line_too_long_ends_standard_input_with_one_line_and_loses_nothing_before_it() {
    let world = world();
    let input = format!("good.example:1\n{}\ngood.example:2\n", "a".repeat(4097));
    let output = run(&world, &["resolve", "--input", "-"], &input);
    assert_eq!(output.status.code(), Some(2));
    assert_eq!(
        stderr(&output),
        "fedway: standard input: line 2 is longer than 4 KiB\n"
    );
    assert!(stdout(&output).starts_with("good.example:1: ok"));
    assert!(!stdout(&output).contains("good.example:2"));
}

#[test]
fn a_line_too_long_in_a_file_is_told_before_anything_is_asked() {
    let world = world();
    let content = format!("good.example:1\n{}", "a".repeat(4097));
    let file = scratch("long.txt", content.as_bytes());
    let file = file.to_str().unwrap();
    let output = run(&world, &["resolve", "--input", file], "");
    assert_eq!(output.status.code(), Some(2));
    let complaint = format!("fedway: {file}: line 2 is longer than 4 KiB\n");
    assert_eq!(stderr(&output), complaint);
    assert!(world.dns_queries().is_empty());
}
