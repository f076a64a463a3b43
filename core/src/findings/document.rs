//! What is said of a document that .well-known gives and that cannot be read.

use alloc::format;
use alloc::string::{String, ToString as _};
use core::net::Ipv6Addr;

use serde::Deserialize;

use super::case::Case;
use super::catalog::Code;
use crate::answer::{FieldName, HttpAnswer};
use crate::error::BodyError;
use crate::name::{ServerName, ServerNameError};
use crate::well_known::printable;

impl Case<'_> {
    /// A document that is none
    pub(super) fn body(&self, url: &str, error: &BodyError) -> (Code, String, String) {
        // Where nobody has it any more, nothing can be said of what it looks like
        let Some(body) = self.response.map(|it| &*it.body) else {
            return match error {
                BodyError::ServerName(cause) => server_name(url, None, cause),
                BodyError::Json { line, column } => (
                    Code::WellKnownNotJson,
                    no_object(url, *line, *column),
                    format!("serve {} there", document(&[])),
                ),
            };
        };
        match error {
            BodyError::ServerName(cause) => server_name(url, m_server(body), cause),
            BodyError::Json { .. } if self.is_html(body) => {
                let well_known = self.notes.well_known.as_ref();
                let to = well_known.and_then(|it| it.redirects.last());
                let serve = format!("serve {} there", document(&[]));
                let remedy = match to {
                    None => format!(
                        "{serve}, before the rule of the web server that serves the page; if that page is not yours, correct the address of {0} in DNS, or use the name of the homeserver in place of {0}",
                        self.name.host()
                    ),
                    Some(to) if to.ends_with("/.well-known/matrix/server/") => {
                        format!(
                            "{serve}, as a file: it is a folder, to which the web server redirects"
                        )
                    }
                    Some(to) => {
                        let host = to.split('/').nth(2).unwrap_or(to);
                        format!(
                            "{serve}, before the rule of the web server that redirects to {host}"
                        )
                    }
                };
                (
                    Code::WellKnownHtml,
                    format!(
                        "{url} answers with a web page in place of the delegation{}",
                        self.who()
                    ),
                    remedy,
                )
            }
            BodyError::Json { line, column } => {
                let Some(Mistake { code, what, advice }) = mistake(body) else {
                    let seen = no_object(url, *line, *column) + &self.who();
                    let remedy = format!("serve {} there", document(body));
                    return (Code::WellKnownNotJson, seen, remedy);
                };
                let remedy = format!("{advice} {}", document(body));
                (code, format!("{url} answers with {what}"), remedy)
            }
        }
    }

    /// Who has answered last
    fn who(&self) -> String {
        self.response.map(HttpAnswer::who).unwrap_or_default()
    }

    fn is_html(&self, body: &[u8]) -> bool {
        let kind = self
            .response
            .and_then(|it| it.values(FieldName::ContentType).next());
        let is_said = kind.is_some_and(|kind| {
            kind.get(..9)
                .is_some_and(|kind| kind.eq_ignore_ascii_case(b"text/html"))
        });
        is_said || body.trim_ascii_start().starts_with(b"<")
    }
}

/// What people get wrong in a document
struct Mistake {
    code: Code,
    /// What it is
    what: &'static str,
    /// What to do; what it should look like follows
    advice: &'static str,
}

/// What is wrong in a document that is no JSON object with one m.server, where it can be told
fn mistake(body: &[u8]) -> Option<Mistake> {
    let text = body.trim_ascii();
    let has = |part: &str| text.windows(part.len()).any(|it| it == part.as_bytes());
    let has_last_comma = || {
        let inner = text.strip_suffix(b"}").map(<[u8]>::trim_ascii_end);
        inner.is_some_and(|it| it.ends_with(b","))
    };
    let object = serde_json::from_slice::<serde_json::Map<String, serde_json::Value>>(body);
    let has_key = |is_it: fn(&str) -> bool| {
        let keys = object.as_ref().map(serde_json::Map::keys);
        keys.is_ok_and(|mut keys| keys.any(|key| is_it(key)))
    };
    let (code, what, advice) = if text.is_empty() {
        (Code::WellKnownNotJson, "an empty document", "serve there")
    } else if text.starts_with(b"\xef\xbb\xbf") {
        (
            Code::WellKnownNotJson,
            "a document that begins with a byte order mark (BOM), which is no JSON",
            "save it as UTF-8 without a byte order mark, so that it is no more than",
        )
    } else if has("\u{201c}") || has("\u{201d}") {
        (
            Code::WellKnownNotJson,
            "a document with typographic quotes (\u{201c} \u{201d}), which is no JSON",
            "write plain quotes in their place:",
        )
    } else if text.starts_with(b"{\\") || has("&quot;") {
        (
            Code::WellKnownNotJson,
            "a document whose quotes are escaped (\\\" or &quot;), which is no JSON",
            "write plain quotes, without a backslash:",
        )
    } else if text.starts_with(b"{'") || has("'m.server'") {
        (
            Code::WellKnownNotJson,
            "a document with single quotes ('), which is no JSON",
            "write double quotes in their place:",
        )
    } else if text.starts_with(b"{") && has("m.server:") {
        (
            Code::WellKnownNotJson,
            "a document without quotes, which is no JSON",
            "write double quotes around the name and the value:",
        )
    } else if has_last_comma() {
        (
            Code::WellKnownNotJson,
            "a document with a comma before its last brace, which is no JSON",
            "remove that comma:",
        )
    } else if has_key(|key| key == "m.homeserver") {
        (
            Code::WellKnownWrongKey,
            "a document that has the key m.homeserver, which is that of /.well-known/matrix/client, and no m.server",
            "serve in its place",
        )
    } else if has_key(|key| key.ends_with("server")) && !has_key(|key| key == "m.server") {
        (
            Code::WellKnownWrongKey,
            "a JSON object without the key m.server, and with one that looks like it",
            "write that key as m.server:",
        )
    } else {
        return None;
    };
    Some(Mistake { code, what, advice })
}

fn no_object(url: &str, line: u32, column: u32) -> String {
    format!(
        "{url} answers with something else than a JSON object with one m.server, at line {line} column {column}"
    )
}

/// The document that should be there: with the name that is there, if one can be made out
fn document(body: &[u8]) -> String {
    let text = String::from_utf8_lossy(body);
    let text = text.replace("\\\"", "\"").replace("&quot;", "\"");
    let text = text.replace(['\u{201c}', '\u{201d}', '\''], "\"");
    let key = text
        .split_once("base_url\"")
        .or_else(|| text.split_once("server\""));
    let salvaged = key.and_then(|(_, rest)| {
        let (_, value) = rest.split_once(':')?.1.split_once('"')?;
        let value = value.split('"').next()?;
        // Of /.well-known/matrix/client, it is a URL
        let name = match value.strip_prefix("https://") {
            Some(host) => format!("{}:443", host.trim_end_matches('/')),
            None => value.into(),
        };
        ServerName::parse(&name).ok()
    });
    let bare = || {
        let (_, value) = text.split_once("m.server:")?;
        let value = value.split(['}', ',']).next()?;
        ServerName::parse(value.trim()).ok()
    };
    match salvaged.or_else(bare) {
        Some(name) => format!("{{\"m.server\": \"{name}\"}}"),
        None => "{\"m.server\": \"HOST:PORT\"}".into(),
    }
}

/// An m.server that is no server name
fn server_name(
    url: &str,
    value: Option<String>,
    cause: &ServerNameError,
) -> (Code, String, String) {
    let is = match &value {
        Some(value) => format!("\"{value}\", which is no server name"),
        None => "no server name".into(),
    };
    let value = value.unwrap_or_default();
    let plain: String = value.split_whitespace().collect();
    let spaced = (plain != value).then_some(&*plain);
    // Whoever writes a URL means its port, which is 443
    let is_url = value.starts_with("https://") || !value.contains("://") && value.contains('/');
    // The last group of what looks like an address is the port, where it is one that servers have
    let of_ipv6 = value.rsplit_once(':').and_then(|(address, port)| {
        let address: Ipv6Addr = address.parse().ok()?;
        matches!(port, "443" | "8448").then(|| format!("[{address}]:{port}"))
    });
    let name = spaced
        .and_then(|it| ServerName::parse(it).ok())
        .or_else(|| cause.suggestion.as_deref().cloned());
    let is_placeholder = ["{{", "${", "%(", "<"].iter().any(|it| value.contains(it));
    let remedy = match name {
        _ if is_placeholder => {
            "write the host and port of the server there, such as matrix.example.org:443".into()
        }
        _ if of_ipv6.is_some() => format!(
            "write a name and a port, such as \"m.server\": \"matrix.example.org:8448\"; the address would be written as {}, and need a certificate for itself, which few authorities give",
            of_ipv6.unwrap_or_default()
        ),
        _ if value.starts_with("_matrix") => {
            "write the host and the port that the SRV record names in its place, and not the name of the record".into()
        }
        Some(name) if is_url && name.port().is_none() => format!(
            "write \"m.server\": \"{name}:443\", with the port of https: without one, other servers look for an SRV record, and then try port 8448"
        ),
        Some(name) => format!("write \"m.server\": \"{name}\""),
        None if value.contains('_') => {
            "give the server a name without \"_\", in DNS, its certificate and its proxy, and write that there".into()
        }
        None => "write host or host:port there, such as matrix.example.org:443".into(),
    };
    let why = if is_placeholder {
        "it is a placeholder that was never filled in".to_string()
    } else if spaced.is_some() {
        "there is a space in it".to_string()
    } else {
        // A sentence may go on behind it
        cause.kind.to_string().trim_end_matches(',').to_string()
    };
    (
        Code::WellKnownBadServerName,
        format!("m.server at {url} is {is}: {why}"),
        remedy,
    )
}

/// The value that was refused
fn m_server(body: &[u8]) -> Option<String> {
    #[derive(Deserialize)]
    struct Body {
        #[serde(rename = "m.server")]
        server: String,
    }
    let body = serde_json::from_slice::<Body>(body).ok()?;
    Some(printable(body.server.as_bytes()))
}
