//! Any search, as the command line prints and explains it: one line of JSON with the keys of its README, that reads back as
//! what was found; in that line as in text, nothing that a terminal would obey or not show; every step of the edition in its
//! explanation, and everything that was asked at one of them; and its recording does the same again.

#![no_main]

// The command line is a binary; these are the files that it prints with
#[allow(dead_code, reason = "no server is at hand")]
#[path = "../../cli/src/beside.rs"]
mod beside;
#[allow(dead_code, reason = "no server is at hand")]
#[path = "../../cli/src/everywhere.rs"]
mod everywhere;
#[allow(dead_code, reason = "the target asks no server")]
#[path = "../../cli/src/inquiry.rs"]
mod inquiry;
#[path = "../../cli/src/json.rs"]
mod json;
#[allow(dead_code, reason = "no server is at hand")]
#[path = "../../cli/src/keys.rs"]
mod keys;
#[path = "../../cli/src/path.rs"]
mod path;
#[allow(dead_code, reason = "no server is at hand")]
#[path = "../../cli/src/probe.rs"]
mod probe;
#[path = "../../cli/src/report.rs"]
mod report;
#[path = "../../cli/src/text.rs"]
mod text;
#[allow(dead_code, reason = "no session is at hand")]
#[path = "../../cli/src/tls.rs"]
mod tls;
#[allow(dead_code, reason = "no server is at hand")]
#[path = "../../cli/src/version.rs"]
mod version;

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};

use anstyle::{AnsiColor, Style};
use arbitrary::{Result, Unstructured};
use fedway_core::{
    DiscoveryError, Edition, Found, HttpAnswer, Instant, Machine, Recorder, Recording, SearchGoal,
    ServerName, Step,
};
use fedway_driver::is_hidden;
use fedway_fuzz::search::{config, name, reply};
use fedway_fuzz::{bytes, up_to};
use libfuzzer_sys::fuzz_target;
use serde_json::Value;
use serde_json::value::RawValue;

use crate::inquiry::Inquiry;
use crate::report::Report;
use crate::text::Block;
use crate::version::{Answered, VersionError, read_version};

fuzz_target!(|input: &[u8]| {
    // An input that has run out gives zeros, never an error
    let _ = run(&mut Unstructured::new(input));
});

fn run(u: &mut Unstructured<'_>) -> Result<()> {
    let config = config(u)?;
    let edition = config.edition;
    let text = String::from_utf8_lossy(bytes(u)?).into_owned();
    if let Err(error) = ServerName::parse(&text) {
        let report = Report::invalid(&text, edition, error);
        let json = judge(&text, edition, &report);
        assert_eq!(json["error"]["kind"], "invalid_server_name");
        assert_eq!(json["ok"], false);
    }
    let Some(name) = name(u)? else { return Ok(()) };
    let now = Instant::ORIGIN;
    let goal = match u.arbitrary()? {
        true => SearchGoal::Connect,
        false => SearchGoal::Resolve,
    };
    let search = Recorder::new(goal, &name, &config, 0, now);
    let (result, end, asked, recording) = drive(search, u)?;
    assert_eq!(recording.replay(), Ok(recording.outcome()));
    let version = match (&result, up_to(u, 4)?) {
        (Ok(found), choice @ 1..) if found.connection.is_some() => Some(match choice {
            1 => Err(VersionError::TimedOut),
            2 => {
                let mut answer = HttpAnswer::status(u.arbitrary()?);
                answer.body = bytes(u)?.to_vec();
                Err(VersionError::Status(Answered::of(answer)))
            }
            3 => {
                let name = String::from_utf8_lossy(bytes(u)?);
                let body = serde_json::json!({"server": {"name": name}});
                read_version(Answered::of(HttpAnswer::ok(body.to_string())))
            }
            _ => {
                let mut answer = HttpAnswer::status(200);
                answer.body = bytes(u)?.to_vec();
                read_version(Answered::of(answer))
            }
        }),
        _ => None,
    };
    // What was read before is given back, be it an object or not
    let (told, failed) = match &version {
        Some(Ok(json) | Err(VersionError::NotAnObject(json))) => {
            (Some(json.as_str().to_owned()), !json.is_object())
        }
        Some(Err(_)) => (None, true),
        None => (None, false),
    };
    let outcome = result.clone().map(|found| (*found).into());
    let mut inquiry = Inquiry::recorded(outcome, recording, &name);
    (inquiry.version, inquiry.elapsed, inquiry.ended) = (version, end.since_origin(), end);
    if let Some(explanation) = &inquiry.explanation {
        let told: usize = explanation.steps.iter().map(|step| step.asked.len()).sum();
        assert_eq!(told, asked);
        let mut numbers: Vec<_> = explanation.steps.iter().map(|step| step.number).collect();
        numbers.dedup();
        assert_eq!(numbers.len(), explanation.steps.len());
        assert!(!explanation.headline().is_empty());
    }
    assert!(inquiry.explanation.is_some());
    let report = Report::new(name.as_str(), edition, inquiry);
    let json = judge(name.as_str(), edition, &report);
    assert_eq!(json["elapsed_ms"], end.since_origin().as_millis() as u64);
    assert_eq!(json["version"], read(told.as_deref().unwrap_or("null")));
    if failed {
        assert_eq!(json["error"]["kind"], "version");
    }
    match &result {
        Ok(found) => judge_found(&json, found, failed),
        Err(error) => judge_error(&json, error),
    }
    Ok(())
}

/// Runs a search to its end: each action is answered at once, or its time passes
fn drive(
    mut search: Recorder,
    u: &mut Unstructured<'_>,
) -> Result<(
    std::result::Result<Box<Found>, DiscoveryError>,
    Instant,
    usize,
    Recording,
)> {
    let (mut now, mut asked) = (Instant::ORIGIN, 0);
    loop {
        match search.poll() {
            Step::Act(action) => {
                asked += 1;
                if u.arbitrary::<u8>()? < 250 {
                    let event = reply(action, u)?;
                    search.handle(event, now);
                }
            }
            Step::Cancel(_) => {}
            Step::Done(result) => return Ok((result, now, asked, search.into_recording())),
            Step::Wait { until } => {
                now = until.expect("a search that is not done has a deadline");
                search.handle_timeout(now);
            }
        }
    }
}

/// What holds for every object; gives the object as it reads back
fn judge(name: &str, edition: Edition, report: &Report) -> Value {
    let line = json::line(report).expect("a report is JSON");
    let line = String::from_utf8(line).expect("JSON is UTF-8");
    let line = line.strip_suffix('\n').expect("it ends its line");
    let hidden = line.chars().find(|c| is_hidden(*c));
    assert_eq!(hidden, None, "{line}");
    // Not as a whole: a version may have what no `Value` holds, such as 1e999
    let members: BTreeMap<&str, &RawValue> = serde_json::from_str(line).expect("it reads back");
    let json: serde_json::Map<_, _> = members
        .iter()
        .map(|(key, text)| ((*key).to_owned(), read(text.get())))
        .collect();
    // What is no name has no path
    let is_explained = json.contains_key("path");
    let keys = &KEYS[..KEYS.len() - usize::from(!is_explained)];
    assert_eq!(json.len(), keys.len(), "{line}");
    let json = Value::Object(json);
    assert_eq!(json["server_name"], name);
    assert_eq!(json["edition"], edition.name());

    // In this order: a reader's eye and `cut` rely on it
    let mut rest = line;
    for key in keys {
        let key = format!("\"{key}\":");
        let at = rest
            .find(&key)
            .unwrap_or_else(|| panic!("no {key} in {line}"));
        rest = &rest[at + key.len()..];
    }
    assert_eq!(json["ok"] == true, json["error"].is_null(), "{line}");
    if let Some(error) = json["error"].as_object() {
        let message = error["message"].as_str().expect("a text");
        assert!(
            !message.is_empty() && !message.contains('\n'),
            "{message:?}"
        );
        assert!(error["kind"].as_str().is_some_and(|kind| kind != "other"));
        assert!(error["temporary"].is_boolean());
        for attempt in error["attempts"].as_array().expect("a list") {
            assert!(attempt["kind"].as_str().is_some_and(|kind| kind != "other"));
            assert!(
                attempt["step"]
                    .as_str()
                    .is_some_and(|step| !step.is_empty())
            );
            if !attempt["address"].is_null() {
                address(&attempt["address"]);
            }
        }
    }
    let mut block = Block { name, report }.to_string();
    for style in STYLES {
        block = block.replace(&style.render().to_string(), "");
    }
    block = block.replace(&Style::new().bold().render_reset().to_string(), "");
    let obeyed = block.chars().find(|c| is_hidden(*c) && *c != '\n');
    assert_eq!(obeyed, None, "{block:?}");
    json
}

/// JSON as a `Value`, or where no `Value` can hold it, its text
fn read(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|_| text.into())
}

fn judge_found(json: &Value, found: &Found, version_failed: bool) {
    assert_eq!(json["ok"], !version_failed);
    let destination = &found.destination;
    assert_eq!(json["step"], destination.step());
    assert_eq!(json["host_header"], destination.host_header);
    assert!(ServerName::parse(&destination.host_header).is_ok());
    assert_eq!(json["tls_name"], destination.tls_name.to_string());
    let is_address = json["tls_name"]
        .as_str()
        .is_some_and(|name| name.parse::<IpAddr>().is_ok());
    assert_eq!(json["sni"].is_null(), is_address);
    let listed: Vec<_> = json["candidates"]
        .as_array()
        .into_iter()
        .flatten()
        .flat_map(|candidate| candidate["addresses"].as_array().expect("a list"))
        .map(address)
        .collect();
    assert!(listed.iter().copied().eq(destination.addresses()));
    match &found.connection {
        Some(connection) => assert_eq!(address(&json["connected"]), connection.address),
        None => assert!(json["connected"].is_null()),
    }
    assert_eq!(json["provisional"], found.notes.provisional);
    assert_eq!(json["expires_in_s"].is_null(), found.expires.is_none());
    assert!(json["findings"].is_array());
}

fn judge_error(json: &Value, error: &DiscoveryError) {
    assert_eq!(json["ok"], false);
    assert_eq!(json["error"]["temporary"], error.is_temporary());
    let fault = serde_json::to_value(error.fault()).expect("a word");
    // A name server that cannot be reached, or does not serve us, is this machine's
    let is_ours = fault == "peer" && json["findings"][0]["code"] == "our-failure";
    assert!(json["error"]["fault"] == fault || is_ours && json["error"]["fault"] == "ours");
    assert!(json["expires_in_s"].is_null());
    assert_eq!(
        json["error"]["attempts"].as_array().map(Vec::len),
        Some(error.notes.attempts.len())
    );
    assert_eq!(json["provisional"], error.notes.provisional);
    assert_eq!(json["host_header"].is_null(), error.destination.is_none());
    assert!(json["connected"].is_null() && json["version"].is_null());
}

fn address(text: &Value) -> SocketAddr {
    text.as_str()
        .expect("a text")
        .parse()
        .expect("an address and port")
}

/// The README of the command line
const KEYS: [&str; 19] = [
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
    "keys",
    "findings",
    "error",
    "elapsed_ms",
    "path",
];

/// What the command line itself sends a terminal, those that begin with another last
const STYLES: [Style; 7] = [
    Style::new().dimmed(),
    AnsiColor::Green.on_default(),
    AnsiColor::Red.on_default(),
    AnsiColor::Green.on_default().bold(),
    AnsiColor::Red.on_default().bold(),
    AnsiColor::Yellow.on_default(),
    Style::new().bold(),
];
