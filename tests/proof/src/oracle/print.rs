//! A world written down as a script test.

use std::fmt::Write as _;

use fedway_core::{
    Absence, Answer, ConnectError, DnsError, FieldName, HttpAnswer, Lookahead, SrvRecord, TlsError,
};
use fedway_testkit::script::{DnsResult, Reply, split_url};

use super::Reading;
use super::compare::{Disagreement, FAMILIES};
use super::outcome::{Failure, Outcome};
use super::world::World;

/// A test for the suite: the world as a script, and what the text says of its end
#[must_use]
pub fn print_test(world: &World, found: &Disagreement) -> String {
    let mut lines = vec![
        "#[test]".to_owned(),
        "fn the_text_and_the_machine_agree() {".to_owned(),
        format!(
            "    let mut s = Script::new(Goal::{:?}, {:?}).edition(Edition::{:?}).seed({});",
            found.goal, world.name, found.edition, world.seed
        ),
        format!("    s = s.lookahead(Lookahead::{:?});", found.lookahead),
    ];
    if found.lookahead == Lookahead::Dns {
        lines.pop();
    }
    lines.extend(policies(world));
    lines.extend(
        script(world)
            .into_iter()
            .map(|line| format!("    s.{line};")),
    );
    lines.push(format!("    // They differ about the {}", found.about));
    lines.push("    let run = s.run();".to_owned());
    lines.extend(expectation(&found.text));
    lines.push("}".to_owned());
    lines.join("\n")
}

fn policies(world: &World) -> Vec<String> {
    let mut changes = String::new();
    if world.gone {
        changes += " config.gone_is_final = true;";
    }
    for net in &world.deny {
        // Writing to a String cannot fail
        let _ = write!(
            changes,
            " config.addresses.deny.push({net:?}.parse().unwrap());"
        );
    }
    for rule in &world.skip {
        let _ = write!(
            changes,
            " config.trust.skip.push({rule:?}.parse().unwrap());"
        );
    }
    if changes.is_empty() {
        return Vec::new();
    }
    vec![format!("    s = s.config(|config| {{{changes} }});")]
}

fn expectation(text: &Reading) -> Vec<String> {
    let mut lines = end(&text.outcome);
    let told = match text.outcome {
        Outcome::Found(_) => "found",
        Outcome::Failed { .. } => "error",
    };
    lines.push(format!("    let notes = &run.{told}().notes;"));
    let provisional = if text.provisional { "" } else { "!" };
    lines.push(format!("    assert!({provisional}notes.provisional);"));
    let (delegated, failure) = match &text.well_known {
        None => (None, None),
        Some(Ok(delegated)) => (Some(delegated.as_str()), None),
        Some(Err(failure)) => (None, Some(failure)),
    };
    lines.extend([
        "    let well_known = notes.well_known.clone().unwrap_or_default();".to_owned(),
        format!(
            "    assert_eq!(well_known.delegated.as_ref().map(|it| it.as_str()), {delegated:?});"
        ),
        match failure {
            None => "    assert!(well_known.error.is_none());".to_owned(),
            Some(failure) => {
                format!("    // {failure:?}\n    assert!(well_known.error.is_some());")
            }
        },
    ]);
    let asked = &text.asked;
    let addresses = asked
        .connects
        .iter()
        .map(|(address, ..)| address.to_string());
    let addresses: Vec<_> = addresses.collect();
    let questions: Vec<_> = asked.questions.iter().map(ToString::to_string).collect();
    lines.extend([
        "    let dialled: Vec<_> = run.dialled().iter().map(|it| it.address.to_string()).collect();"
            .to_owned(),
        format!("    assert_eq!(dialled, {addresses:?} as [&str; {}]);", addresses.len()),
        format!("    assert_eq!(run.urls(), {:?} as [&str; {}]);", asked.urls, asked.urls.len()),
        format!("    for question in {questions:?} as [&str; {}] {{", questions.len()),
        "        assert!(run.questions().contains(&question.to_owned()), \"{question}\");".to_owned(),
        "    }".to_owned(),
    ]);
    lines
}

fn end(outcome: &Outcome) -> Vec<String> {
    match outcome {
        Outcome::Found(place) => vec![
            "    let destination = &run.found().destination;".to_owned(),
            format!("    assert_eq!(destination.step(), {:?});", place.step),
            format!(
                "    assert_eq!(destination.host_header, {:?});",
                place.host_header
            ),
            format!(
                "    assert_eq!(destination.tls_name.to_string(), {:?});",
                place.certificate.to_string()
            ),
            match place.connected {
                Some(address) => format!(
                    "    assert_eq!(run.found().connection.as_ref().unwrap().address.to_string(), {:?});",
                    address.to_string()
                ),
                None => "    assert_eq!(run.found().connection, None);".to_owned(),
            },
        ],
        Outcome::Failed { step, failure, .. } => vec![
            format!("    assert_eq!(run.error().step(), {step:?});"),
            format!("    // {failure:?}"),
            format!(
                "    assert!(matches!(run.error().kind, DiscoveryErrorKind::{}));",
                kind(failure)
            ),
        ],
    }
}

fn kind(failure: &Failure) -> &'static str {
    match failure {
        Failure::Gone => "Gone",
        Failure::InvalidWellKnown(_) => "InvalidWellKnown(_)",
        Failure::NotOffered(_) => "NotOffered { .. }",
        Failure::Onion => "Onion",
        Failure::Unreachable(_) => "Unreachable(_)",
    }
}

/// The verbs
fn script(world: &World) -> Vec<String> {
    let answers = &world.answers;
    let mut lines = Vec::new();
    for ((owner, family), reply) in &answers.addresses {
        let verb = match family {
            fedway_core::Family::V4 => "a",
            fedway_core::Family::V6 => "aaaa",
        };
        let records = |list: &[std::net::IpAddr]| {
            let texts: Vec<_> = list.iter().map(|it| format!("\"{it}\"")).collect();
            texts.join(", ")
        };
        lines.push(format!("{verb}(\"{owner}\"){}", dns(reply, records)));
    }
    for (owner, reply) in &answers.services {
        let record = |it: &SrvRecord| {
            let SrvRecord {
                priority,
                weight,
                port,
                target,
            } = it;
            format!("srv({priority}, {weight}, {port}, \"{target}\")")
        };
        let records = |list: &[SrvRecord]| list.iter().map(record).collect::<Vec<_>>().join(", ");
        lines.push(format!("srv(\"{owner}\"){}", dns(reply, records)));
    }
    lines.extend(hosts_without_address(world));
    for (url, reply) in &answers.pages {
        let verb = match &reply.says {
            None => "hangs()".to_owned(),
            Some(Err(error)) => format!("fails(FetchError::{error:?})"),
            Some(Ok(answer)) => http(answer),
        };
        lines.push(format!("get({url:?}).{verb}"));
    }
    for (address, peer) in &answers.peers {
        let verb = match &peer.reply.says {
            None => ".hangs()".to_owned(),
            Some(Ok(())) => ".works()".to_owned(),
            Some(Err(error)) => format!(".fails({})", session(error)),
        };
        let names = match &peer.certified {
            None => String::new(),
            Some(hosts) => format!(".is_certified_for({hosts:?}.iter().copied())"),
        };
        lines.push(format!("connect(\"{address}\"){verb}{names}"));
    }
    lines
}

/// A script gives the host of a page an address unless it is told otherwise
fn hosts_without_address(world: &World) -> Vec<String> {
    let mut lines = Vec::new();
    for url in world.answers.pages.keys() {
        if let Some(host) = split_url(url).0.host().dns_name() {
            let key = |family| (host.clone(), family);
            let mut known = FAMILIES.into_iter().map(key);
            if !known.any(|key| world.answers.addresses.contains_key(&key)) {
                lines.push(format!("a(\"{host}\").is_absent()"));
            }
        }
    }
    lines.dedup();
    lines
}

fn dns<T>(reply: &Reply<DnsResult<T>>, records: impl Fn(&[T]) -> String) -> String {
    match &reply.says {
        None => ".is_silent()".to_owned(),
        Some(Err(DnsError::ServFail)) => ".servfails()".to_owned(),
        Some(Err(error)) => format!(".fails(DnsError::{error:?})"),
        Some(Ok(Answer::Absent { absence, .. })) => match absence {
            Absence::NoData => ".is_absent()".to_owned(),
            Absence::NoSuchName => ".has_no_such_name()".to_owned(),
        },
        Some(Ok(Answer::Found {
            records: list,
            alias,
            ..
        })) => {
            let alias = if *alias { ".by_alias()" } else { "" };
            format!(".gives([{}]){alias}", records(list))
        }
    }
}

fn http(answer: &HttpAnswer) -> String {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    match (answer.values(FieldName::Location).next(), answer.status) {
        (Some(location), status) => format!("redirects({status}, {:?})", text(location)),
        (None, 200) => format!("has_body({:?})", text(&answer.body)),
        (None, status) => format!("fails({status})"),
    }
}

#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "the enum is open, and prints as it is written"
)]
fn session(error: &ConnectError) -> String {
    match error {
        ConnectError::Tls(TlsError::Certificate(error)) => {
            format!("ConnectError::Tls(TlsError::Certificate(CertificateError::{error:?}))")
        }
        ConnectError::Tls(error) => format!("ConnectError::Tls(TlsError::{error:?})"),
        other => format!("ConnectError::{other:?}"),
    }
}
