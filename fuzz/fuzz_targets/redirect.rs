//! Any `Location`: what a search does with it is https, without user info, to a host and address it may dial;
//! and where the `url` crate reads a URL too, it is the same.

#![no_main]

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use arbitrary::{Result, Unstructured};
use fedway_core::{
    Action, Answer, Config, Discovery, Family, FetchError, FieldName, Host, HttpAnswer, Instant,
    Limits, Machine, Notes, RedirectError, ServerName, Step, WellKnownError,
};
use fedway_driver::http::Exchange;
use fedway_fuzz::one_of;
use libfuzzer_sys::fuzz_target;
use url::Url;

fuzz_target!(|input: &[u8]| {
    // An input that has run out gives zeros, never an error
    let _ = run(&mut Unstructured::new(input));
});

fn run(u: &mut Unstructured<'_>) -> Result<()> {
    let name = ServerName::parse(one_of(u, NAMES)?).expect("a server name");
    let status = [301, 302, 303, 307, 308][usize::from(u.arbitrary::<u8>()? % 5)];
    // One line a hop
    let rest = u.bytes(u.len())?;
    let locations: Vec<_> = rest.split(|byte| *byte == b'\n').collect();
    let followed = follow(&name, status, &locations);
    compare(&name, &locations, &followed);
    Ok(())
}

/// What became of the redirects
struct Followed {
    /// Where each request went: port, `Host`, target
    requests: Vec<(u16, String, String)>,
    notes: Notes,
}

/// Runs a whole search whose .well-known requests are answered with these redirects, one after the other
fn follow(name: &ServerName, status: u16, locations: &[&[u8]]) -> Followed {
    let config = Arc::new(Config::default());
    let mut search = Discovery::resolve(name, &config, 0, Instant::ORIGIN);
    let mut now = Instant::ORIGIN;
    let mut requests = Vec::new();
    let mut dialled = None;
    let result = loop {
        let action = match search.poll() {
            Step::Act(action) => action,
            Step::Cancel(_) => continue,
            Step::Done(result) => break result,
            Step::Wait { until } => {
                now = until.expect("a search that is not done has a deadline");
                search.handle_timeout(now);
                continue;
            }
        };
        let event = match action {
            Action::Connect(connect) => {
                let address = connect.address();
                assert_eq!(config.addresses.judge(address.ip()), Ok(()));
                match connect.tls_name() {
                    Host::Ip(ip) => assert!(*ip == address.ip() && connect.sni().is_none()),
                    // As a verifier takes it, and no address in disguise
                    Host::Dns(host) => {
                        assert_eq!(connect.sni(), Some(host));
                        let is_address = host.as_str().parse::<IpAddr>().is_ok();
                        assert!(!is_address, "{host}");
                        let plain = |b: u8| b.is_ascii_alphanumeric() || b"-._".contains(&b);
                        assert!(host.as_str().bytes().all(plain), "{host}");
                    }
                }
                dialled = Some((connect.tls_name().clone(), address.port()));
                connect.reply(Ok(None))
            }
            Action::FetchWellKnown(fetch) => {
                let (host, port) = dialled.take().expect("a request needs a connection");
                // A URI's host may have underscores where a server name's has none
                let header = fetch.host_header().replace('_', "-");
                let header = ServerName::parse(&header).expect("a server name");
                let plain = host.to_string().replace('_', "-");
                assert_eq!(
                    header.host().to_string(),
                    plain,
                    "the connection is to another host"
                );
                assert_eq!(header.port().unwrap_or(443), port);
                let exchange =
                    Exchange::get(fetch.host_header(), fetch.target(), Limits::default());
                let exchange = exchange.expect("what the core asks for can be sent");
                let lines = exchange.request().split(|byte| *byte == b'\n').count();
                assert_eq!(lines, REQUEST_LINES);
                let answer = match locations.get(requests.len()) {
                    Some(location) => {
                        Ok(HttpAnswer::status(status).with(FieldName::Location, *location))
                    }
                    None => Err(FetchError::ConnectionLost),
                };
                let (header, target) = (fetch.host_header().to_owned(), fetch.target().to_owned());
                requests.push((port, header, target));
                assert!(requests.len() <= usize::from(config.limits.redirects) + 1);
                fetch.reply(answer)
            }
            Action::LookUpAddresses(look_up) => {
                assert!(!look_up.host().is_within("onion"));
                let records: Vec<IpAddr> = match look_up.family() {
                    Family::V4 => vec![[10, 0, 0, 1].into(), [9, 9, 9, 9].into()],
                    Family::V6 => vec!["::1".parse().expect("an address")],
                };
                look_up.reply(Ok(Answer::found(records, Duration::ZERO)))
            }
            // Nothing more is asked of this search
            Action::QuerySrv(query) => query.reply(Ok(Answer::found(Vec::new(), Duration::ZERO))),
        };
        search.handle(event, now);
    };
    let notes = match result {
        Ok(found) => found.notes,
        Err(error) => Notes::clone(&error.notes),
    };
    Followed { requests, notes }
}

/// The same by the `url` crate, which follows the WHATWG's standard where the core follows RFC 3986
fn compare(name: &ServerName, locations: &[&[u8]], followed: &Followed) {
    let well_known = followed.notes.well_known.as_ref().expect("it was asked");
    let redirects = &well_known.redirects;
    assert!(followed.requests.len() <= redirects.len() + 1);
    assert!(redirects.len() <= locations.len());
    let mut base = format!("https://{}/.well-known/matrix/server", name.hostname());
    for (hop, text) in redirects.iter().enumerate() {
        let ours = Url::parse(text);
        assert!(text.starts_with("https://"), "{text}");
        assert!(!text.contains(|c: char| !c.is_ascii_graphic()), "{text:?}");
        let authority = text["https://".len()..].split(['/', '?', '#']).next();
        assert!(
            authority.is_some_and(|authority| !authority.contains('@')),
            "{text}"
        );
        if let Some((port, header, target)) = followed.requests.get(hop + 1) {
            assert_eq!(*text, format!("https://{header}{target}"));
            assert_ne!(*port, 0);
        }
        let location = locations[hop];
        let theirs = Url::parse(&base).and_then(|base| {
            // Bytes above ASCII stand for themselves here, and for UTF-8 there
            base.join(
                str::from_utf8(location).map_err(|_| url::ParseError::InvalidDomainCharacter)?,
            )
        });
        let before = std::mem::replace(&mut base, text.clone()).into_bytes();
        // What neither should judge the other by, and why
        let (Ok(ours), Ok(theirs)) = (ours, theirs) else {
            continue; // only one of the two standards has the URL
        };
        if differs(location) || has_drive(&before) || has_drive(location) {
            continue;
        }
        assert_eq!((ours.scheme(), theirs.scheme()), ("https", "https"));
        assert!(theirs.username().is_empty() && theirs.password().is_none());
        assert_eq!(ours.host(), theirs.host(), "{location:?}");
        assert_eq!(ours.port(), theirs.port(), "{location:?}");
        assert_eq!(ours.path(), escaped(theirs.path()), "{location:?}");
        let query = theirs.query().map(escaped);
        assert_eq!(ours.query(), query.as_deref(), "{location:?}");
    }
    // What is refused for user info or its scheme is refused for what it says
    let refused = locations
        .get(redirects.len())
        .filter(|location| !differs(location));
    let theirs = refused.and_then(|location| {
        let text = str::from_utf8(location).ok()?;
        Url::parse(&base).ok()?.join(text).ok()
    });
    if let (Some(theirs), Some(WellKnownError::Redirect { location, cause })) =
        (theirs, &well_known.error)
    {
        let shown = location.as_deref().unwrap_or_default();
        assert!(!shown.contains(char::is_control), "{shown:?}");
        match cause {
            RedirectError::NotHttps => assert_ne!(theirs.scheme(), "https"),
            RedirectError::UserInfo => assert_eq!(theirs.scheme(), "https"),
            _ => {}
        }
    }
}

/// What WHATWG leaves in a path or query although RFC 3986 has it nowhere in a URI, percent-encoded
fn escaped(text: &str) -> String {
    let mut escaped = String::new();
    for (index, character) in text.char_indices() {
        let digits = text.as_bytes()[index + 1..].first_chunk::<2>();
        let is_stray = character == '%'
            && !digits.is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit));
        if is_stray || "\"<>[]^`{|}".contains(character) {
            escaped.push_str(&format!("%{:02X}", u32::from(character)));
        } else {
            escaped.push(character);
        }
    }
    escaped
}

/// Where the two standards read the same bytes differently
///
/// - WHATWG takes `\` for `/`, and drops tabs and line ends anywhere: RFC 3986 has neither in a URI.
/// - WHATWG takes `%2e` for a dot segment: RFC 3986 §5.2.4 knows only the dots themselves.
/// - WHATWG reads `https:x` and `https:/x` as relative, and `///x` as `//x`: RFC 3986 has no such host.
fn differs(location: &[u8]) -> bool {
    let text = location.trim_ascii().to_ascii_lowercase();
    let has = |part: &[u8]| text.windows(part.len()).any(|window| window == part);
    let scheme_only = text.starts_with(b"https:") && !text.starts_with(b"https://");
    has(b"%2e") || has(b"\\") || has(b"\t") || has(b"\r") || scheme_only || text.starts_with(b"///")
}

/// Whether a segment looks like a drive letter, which the `url` crate leaves standing before `..` whatever the scheme
///
/// (Neither standard says so; for `/a/b:/../c`, both have `/a/c`.)
fn has_drive(url: &[u8]) -> bool {
    let mut segments = url.split(|byte| b"/?#".contains(byte));
    segments.any(|segment| matches!(segment, [letter, b':' | b'|'] if letter.is_ascii_alphabetic()))
}

const NAMES: &[&str] = &["Example.org", "example.org."];

/// What any request of the exchange has: a host or target that adds a line is seen
const REQUEST_LINES: usize = 8;
