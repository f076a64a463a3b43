//! What the command line or the machine lacks: one line, and never a panic.

use std::process::Command;

use crate::rig::{command, scratch, stderr, stdout};

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
        (&["check", "--ipv4", "--ipv6", "a"], "--ipv6"),
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

#[cfg(target_os = "linux")]
#[test]
fn a_file_without_an_end_is_one_line_and_status_2() {
    for (flag, complaint) in [
        ("--ca-file", "larger than 64 MiB"),
        ("--crl-file", "larger than 64 MiB"),
        ("--ct-log-list", "larger than 64 MiB"),
        ("--input", "larger than 64 MiB"),
    ] {
        let output = command(&["check", flag, "/dev/zero", "a"], "");
        assert_eq!(output.status.code(), Some(2), "{flag}");
        assert_eq!(stderr(&output), format!("fedway: /dev/zero: {complaint}\n"));
    }
}
