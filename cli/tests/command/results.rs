//! What is said of a name, and with which exit status.

use std::fs;

use fedway_testkit::world::{DnsServer, Https, Reply, WorldPlan};
use serde_json::Value;

use crate::rig::{command, only_object, run, scratch, stderr, stdout, world};

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
fn a_family_alone_is_asked_for_and_the_address_of_the_other_is_switched_off() {
    let world = world();
    for (flag, address, asked, literal, off) in [
        ("--ipv4", "192.0.2.7:1", "A", "[2001:db8::7]:1", "IPv6"),
        ("--ipv6", "[2001:db8::7]:1", "AAAA", "192.0.2.7:1", "IPv4"),
    ] {
        world.forget();
        let args = ["resolve", "--format", "json", flag, "good.example:1"];
        let object = only_object(&run(&world, &args, ""));
        assert_eq!(
            object["candidates"][0]["addresses"],
            serde_json::json!([address])
        );
        let questions = world.dns_queries();
        let types: Vec<_> = questions
            .iter()
            .map(|it| it.record_type.to_string())
            .collect();
        assert_eq!(types, [asked]);
        let output = run(&world, &["resolve", "--format", "json", flag, literal], "");
        assert_eq!(output.status.code(), Some(1));
        let error = &only_object(&output)["error"];
        assert_eq!(error["kind"], "family_off");
        let message = error["message"].as_str().unwrap();
        assert!(
            message.ends_with(&format!("{off} is switched off")),
            "{message}"
        );
    }
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
        "expires_in_s",
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
    let closed = world().extra_dns(DnsServer::Closed).unwrap();
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

#[test]
fn a_refused_address_is_told_with_the_flag_that_would_admit_it() {
    let mut plan = WorldPlan::new();
    plan.a("own.example", "127.0.1.1");
    plan.a("denied.example", "8.8.8.8");
    let world = plan.start().unwrap();
    let dns = world.dns().to_string();
    let args = ["resolve", "--dns", &dns, "--deny-net", "8.8.8.0/24"];
    let output = command(
        &[&args[..], &["own.example:1", "denied.example:1"]].concat(),
        "",
    );
    let text = stdout(&output);
    for complaint in [
        "address refused: in the special-purpose network 127.0.0.0/8; --allow-net would admit it",
        "address refused: in the network 8.8.8.0/24, which --deny-net denies",
    ] {
        assert!(text.contains(complaint), "{text}");
    }
}

#[test]
fn the_version_is_the_server_s_own_text() {
    let answers = [
        (
            "{\"server\": {\"name\": \"A\", \"build\": 123456789012345678901234567890},\n \"server\": {}}",
            r#""version":{"server":{"name":"A","build":123456789012345678901234567890},"server":{}}"#,
            None,
        ),
        (
            "[1.10]",
            r#""version":[1.10]"#,
            Some("answer is no JSON object"),
        ),
        (
            "<html>",
            r#""version":null"#,
            Some("answer is no JSON: expected value at line 1 column 1"),
        ),
    ];
    for (body, version, complaint) in answers {
        let path = "/_matrix/federation/v1/version";
        let server = Https::for_name("here.example").path(path, Reply::json(body));
        let mut plan = WorldPlan::new();
        plan.a("here.example", "127.0.0.1");
        plan.https("192.0.2.7:8448", server);
        let world = plan.start().unwrap();
        let port = world.reroutes()[&"192.0.2.7:8448".parse().unwrap()].port();
        let authority = scratch(&format!("version-{port}.pem"), world.ca_pem().as_bytes());
        let (name, dns) = (format!("here.example:{port}"), world.dns().to_string());
        let trust = [
            "--no-system-roots",
            "--ca-file",
            authority.to_str().unwrap(),
        ];
        let args = [
            "check",
            "--format",
            "json",
            &name,
            "--dns",
            &dns,
            "--allow-net",
            "127.0.0.1",
        ];
        let output = command(&[&args[..], &trust].concat(), "");
        fs::remove_file(authority).unwrap();
        assert!(stdout(&output).contains(version), "{}", stdout(&output));
        let object = only_object(&output);
        assert_eq!(object["ok"], complaint.is_none());
        match complaint {
            None => assert_eq!(object["error"], Value::Null),
            Some(complaint) => {
                assert_eq!(
                    object["error"]["message"],
                    format!("GET {path}: {complaint}")
                );
            }
        }
    }
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
