//! Steps, and what came back, in words.

use alloc::format;
use alloc::string::{String, ToString as _};
use alloc::vec::Vec;
use core::fmt::Write as _;

use super::recording::Request;
use crate::action::{Purpose, Reply};
use crate::answer::{Answer, FieldName, SrvRecord};
use crate::edition::{Edition, Place, Route};
use crate::error::Chain;
use crate::trust::Verdict;
use crate::well_known::printable;

/// In which way a server is found
pub(super) fn how(place: Place) -> &'static str {
    match place {
        Place::WellKnown
        | Place::Route(Route::DelegatedFallback | Route::DelegatedLiteral | Route::DelegatedPort) => {
            "by .well-known"
        }
        Place::Route(Route::DelegatedSrv(_)) => "by .well-known and an SRV record",
        Place::Route(Route::Srv(_)) => "by an SRV record",
        Place::Route(Route::ExplicitPort) => "since the name says so",
        Place::Route(Route::Literal) => "since the name is an address",
        Place::Route(Route::Fallback) => "since nothing says otherwise",
    }
}

/// What a step is about
pub(super) fn title(place: Place, edition: Edition) -> String {
    let service = |index: u8| {
        let services = edition.rules().services;
        services.get(usize::from(index)).map_or("", |it| it.label)
    };
    match place {
        Place::WellKnown => ".well-known".into(),
        Place::Route(Route::DelegatedFallback) => "port 8448 of m.server".into(),
        Place::Route(Route::DelegatedLiteral) => "m.server is an address".into(),
        Place::Route(Route::DelegatedPort) => "m.server has a port".into(),
        Place::Route(Route::DelegatedSrv(index)) => format!("SRV {} of m.server", service(index)),
        Place::Route(Route::ExplicitPort) => "the name has a port".into(),
        Place::Route(Route::Fallback) => "port 8448 of the name".into(),
        Place::Route(Route::Literal) => "the name is an address".into(),
        Place::Route(Route::Srv(index)) => format!("SRV {}", service(index)),
    }
}

/// What came back, in words, and whether it is a failure
pub(super) fn describe(reply: &Reply, request: &Request) -> (String, bool) {
    match reply {
        Reply::Addresses(Ok(answer)) => (records(answer, |ip| ip.to_string()), false),
        Reply::Srv(Ok(answer)) => (records(answer, srv), false),
        Reply::Addresses(Err(error)) | Reply::Srv(Err(error)) => (error.to_string(), true),
        Reply::Connected(Ok(shown)) => {
            let is_for_well_known = matches!(
                request,
                Request::Connect { purpose, .. } if *purpose == Purpose::WellKnown
            );
            let protocol = shown.as_ref().and_then(|shown| shown.protocol.as_deref());
            let certificate = if is_skipped(request) {
                "certificate not looked at"
            } else {
                "certificate good"
            };
            let what = if is_for_well_known { "" } else { "connected, " };
            let version = protocol.map(|it| format!(", {it}")).unwrap_or_default();
            (format!("{what}{certificate}{version}"), false)
        }
        Reply::Connected(Err(error)) => (Chain(error).to_string(), true),
        Reply::Fetched(Ok(answer)) => {
            let mut text = format!("{}", answer.status);
            let location = answer.values(FieldName::Location).next();
            let start = answer.body.get(..answer.body.len().min(60));
            // Writing to a String cannot fail
            let _ = match (answer.status, location) {
                (300..=399, Some(location)) => write!(text, " to {}", printable(location)),
                (200, _) => write!(text, " {}", printable(start.unwrap_or_default())),
                _ => write!(text, "{}", answer.who()),
            };
            (
                text,
                !matches!(answer.status, 200 | 301 | 302 | 303 | 307 | 308 | 404),
            )
        }
        Reply::Fetched(Err(error)) => (Chain(error).to_string(), true),
    }
}

fn is_skipped(request: &Request) -> bool {
    matches!(
        request,
        Request::Connect {
            verdict: Verdict::Skip(_),
            ..
        }
    )
}

fn records<T>(answer: &Answer<T>, text: impl Fn(&T) -> String) -> String {
    match answer {
        Answer::Absent { absence, .. } => absence.to_string(),
        Answer::Found { records, alias, .. } => {
            let all: Vec<_> = records.iter().map(text).collect();
            let through = if *alias { "through an alias: " } else { "" };
            format!("{through}{}", all.join(", "))
        }
    }
}

fn srv(record: &SrvRecord) -> String {
    let SrvRecord {
        priority,
        weight,
        port,
        target,
    } = record;
    format!("{priority} {weight} {port} {target}")
}
