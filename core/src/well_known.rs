//! The .well-known document: its body, and the URLs it may be redirected to.

use alloc::borrow::Cow;
use alloc::string::{String, ToString};
use alloc::sync::Arc;
use core::fmt::Write as _;

use iri_string::types::{UriAbsoluteStr, UriReferenceStr};
use serde::Deserialize;

use crate::error::{BodyError, RedirectError};
use crate::name::{Host, ServerName};

/// Reads a .well-known body, whatever its Content-Type says
///
/// # Errors
///
/// If it is not a JSON object (RFC 8259) with one `m.server` that is a string and obeys the grammar of
/// server names. A member twice is an error: RFC 8259 §4 leaves its meaning open, and what a delegation
/// means must not be.
pub fn parse_well_known(body: &[u8]) -> Result<ServerName, BodyError> {
    #[derive(Deserialize)]
    struct Body<'a> {
        #[serde(rename = "m.server", borrow)]
        server: Cow<'a, str>,
    }

    // "JSON text exchanged between systems … MUST be encoded using UTF-8" (RFC 8259 §8.1), ignored members too
    let text = str::from_utf8(body).map_err(|error| invalid_at(&body[..error.valid_up_to()]))?;
    // A derived visitor would take an array for the struct; only an object will do
    let unspaced = text.trim_start_matches([' ', '\t', '\n', '\r']);
    if unspaced.starts_with('[') {
        return Err(invalid_at(&body[..text.len() - unspaced.len()]));
    }
    let body: Body<'_> = serde_json::from_str(text).map_err(|error| BodyError::Json {
        // Bodies are bounded, and so are their lines
        line: u32::try_from(error.line()).unwrap_or(u32::MAX),
        column: u32::try_from(error.column()).unwrap_or(u32::MAX),
    })?;
    ServerName::parse(&body.server).map_err(BodyError::ServerName)
}

/// The error of a body that is valid up to here, and no further
fn invalid_at(valid: &[u8]) -> BodyError {
    let mut lines = valid.rsplit(|byte| *byte == b'\n');
    // Bodies are bounded, and so are their lines
    let column = lines
        .next()
        .and_then(|last| u32::try_from(last.len() + 1).ok());
    let line = u32::try_from(lines.count() + 1).unwrap_or(u32::MAX);
    BodyError::Json {
        line,
        column: column.unwrap_or(u32::MAX),
    }
}

/// An https URL to fetch .well-known from
#[derive(Clone, Debug)]
pub(crate) struct Url {
    pub(crate) host: Host,
    pub(crate) port: u16,
    /// The `Host` header: host, and port unless it is 443
    pub(crate) authority: Arc<str>,
    /// Path and query
    pub(crate) target: Arc<str>,
}

impl Url {
    /// `https://<hostname>/.well-known/matrix/server`, step 3
    pub(crate) fn well_known(name: &ServerName) -> Self {
        Self {
            host: name.host().clone(),
            port: HTTPS_PORT,
            authority: name.hostname().into(),
            target: WELL_KNOWN_PATH.into(),
        }
    }

    /// Resolves a `Location` against this URL (RFC 9110 §10.2.2, RFC 3986 §5)
    pub(crate) fn redirect(&self, location: &[u8]) -> Result<Self, RedirectError> {
        let location = escape(location)?;
        let reference = UriReferenceStr::new(&location).map_err(|_| RedirectError::Location)?;
        let base = self.to_string();
        // Host and target were taken from a URI, or are a hostname and a constant
        let base = UriAbsoluteStr::new(&base).map_err(|_| RedirectError::Location)?;
        let resolved = reference.resolve_against(base).to_string();
        Self::parse(&resolved)
    }

    /// Whether both lead to the same place, however the host is spelt
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        (&self.host, self.port, &self.target) == (&other.host, other.port, &other.target)
    }

    fn parse(text: &str) -> Result<Self, RedirectError> {
        let uri = iri_string::types::UriStr::new(text).map_err(|_| RedirectError::Location)?;
        if !uri.scheme_str().eq_ignore_ascii_case("https") {
            return Err(RedirectError::NotHttps);
        }
        let authority = uri.authority_components().ok_or(RedirectError::Location)?;
        if authority.userinfo().is_some() {
            return Err(RedirectError::UserInfo);
        }
        // An empty port is the default port (RFC 3986 §3.2.3)
        let port = match authority.port() {
            None | Some("") => HTTPS_PORT,
            Some(digits) => digits
                .parse()
                .ok()
                .filter(|port| *port != 0)
                .ok_or(RedirectError::Location)?,
        };
        let host = authority.host();
        let mut header = host.to_ascii_lowercase();
        let host = match Host::of_uri(host) {
            Some(host) => host,
            None if has_percent_encoded_utf8(host) => return Err(RedirectError::InternationalHost),
            None => return Err(RedirectError::Location),
        };
        if port != HTTPS_PORT {
            // Writing to a String cannot fail
            let _ = write!(header, ":{port}");
        }
        let path = match uri.path_str() {
            "" => "/",
            path => path,
        };
        let mut target = String::from(path);
        if let Some(query) = uri.query_str() {
            target.push('?');
            target.push_str(query);
        }
        Ok(Self {
            host,
            port,
            authority: header.into(),
            target: target.into(),
        })
    }
}

impl core::fmt::Display for Url {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "https://{}{}", self.authority, self.target)
    }
}

/// A `Location` for people: on one line, without what moves a cursor, and not without end
pub(crate) fn printable(location: &[u8]) -> String {
    let mut shown = String::new();
    for chunk in location.utf8_chunks() {
        for character in chunk.valid().chars() {
            if matches!(character, ' '..='~') || character.is_alphanumeric() {
                shown.push(character);
            } else {
                let mut bytes = [0; 4];
                let text = character.encode_utf8(&mut bytes);
                text.bytes()
                    .for_each(|byte| percent_encode(byte, &mut shown));
            }
        }
        for byte in chunk.invalid() {
            percent_encode(*byte, &mut shown);
        }
    }
    if let Some((end, _)) = shown.char_indices().nth(MAX_SHOWN) {
        shown.truncate(end);
        shown.push('…');
    }
    shown
}

/// Drops the fragment, and percent-encodes what servers send raw although no URI may have it there (RFC 3986 §2)
///
/// "Some recipients attempt to recover from Location header fields that are not valid URI references. This
/// specification does not mandate or define such processing, but does allow it for the sake of robustness"
/// (RFC 9110 §10.2.2). In a host, what was escaped is no name, so that nothing is guessed there.
fn escape(location: &[u8]) -> Result<String, RedirectError> {
    let location = location.trim_ascii();
    if location.is_empty() {
        return Err(RedirectError::NoLocation);
    }
    let end = location.iter().position(|byte| *byte == b'#');
    let reference = &location[..end.unwrap_or(location.len())];
    let path_start = path_start(reference);
    let mut escaped = String::with_capacity(reference.len());
    for (index, byte) in reference.iter().copied().enumerate() {
        let is_allowed = match byte {
            0..=0x08 | 0x0a..=0x1f | 0x7f => return Err(RedirectError::Location),
            b'%' => reference[index + 1..]
                .first_chunk::<2>()
                .is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit)),
            // Around an IPv6 address, and nowhere else
            b'[' | b']' => index < path_start,
            b'\t'
            | b' '
            | b'"'
            | b'<'
            | b'>'
            | b'\\'
            | b'^'
            | b'`'
            | b'{'
            | b'|'
            | b'}'
            | 0x80.. => false,
            b'!'..=b'~' => true,
        };
        if is_allowed {
            escaped.push(char::from(byte));
        } else {
            percent_encode(byte, &mut escaped);
        }
    }
    Ok(escaped)
}

/// Where the authority of a reference ends; 0 if it has none
fn path_start(reference: &[u8]) -> usize {
    let ends_authority = |byte: &u8| matches!(byte, b'/' | b'?');
    let Some(slashes) = reference.windows(2).position(|pair| pair == b"//") else {
        return 0;
    };
    let before = &reference[..slashes];
    let is_scheme = before.ends_with(b":") && !before.iter().any(ends_authority);
    if !before.is_empty() && !is_scheme {
        return 0;
    }
    let start = slashes + 2;
    let len = reference[start..].iter().position(ends_authority);
    len.map_or(reference.len(), |len| start + len)
}

fn percent_encode(byte: u8, text: &mut String) {
    // Writing to a String cannot fail
    let _ = write!(text, "%{byte:02X}");
}

fn has_percent_encoded_utf8(host: &str) -> bool {
    // Every byte of a character outside ASCII has its first bit set
    host.split('%')
        .skip(1)
        .any(|rest| rest.starts_with(|digit| matches!(digit, '8' | '9' | 'a'..='f' | 'A'..='F')))
}

/// Where the document is (RFC 8615)
const WELL_KNOWN_PATH: &str = "/.well-known/matrix/server";
/// RFC 9110 §4.2.2
const HTTPS_PORT: u16 = 443;
/// How many characters of a `Location` an error shows: a few lines of a terminal; our choice
const MAX_SHOWN: usize = 256;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::name::ServerNameErrorKind;

    fn base() -> Url {
        Url::well_known(&ServerName::parse("Example.org").unwrap())
    }

    fn go(location: &str) -> Result<String, RedirectError> {
        base()
            .redirect(location.as_bytes())
            .map(|url| url.to_string())
    }

    #[test]
    fn a_body_with_a_server_name_is_valid_whatever_else_it_holds() {
        for body in [
            r#"{"m.server":"a.example:1"}"#,
            " \n{ \"x\": [1, {}], \"m.server\" : \"a.example:1\" }\n",
            r#"{"m.server":"\u0061.example:1"}"#,
        ] {
            assert_eq!(
                parse_well_known(body.as_bytes()).unwrap().as_str(),
                "a.example:1",
                "{body}"
            );
        }
    }

    #[test]
    fn a_body_that_breaks_the_schema_is_invalid() {
        for body in [
            "",
            "null",
            "{}",
            "[]",
            r#"["a.example"]"#,
            r#""a.example""#,
            r#"{"m.server":1}"#,
            r#"{"m.server":null}"#,
            r#"{"m.server":{}}"#,
            r#"{"m.server":"a"} x"#,
            r#"{"m.server":"a""#,
            r#"{"m.server":"a","m.server":"b"}"#,
            r#"{"M.server":"a"}"#,
            "\u{feff}{\"m.server\":\"a\"}",
            "<html></html>",
        ] {
            assert!(
                matches!(
                    parse_well_known(body.as_bytes()),
                    Err(BodyError::Json { .. })
                ),
                "{body}"
            );
        }
        assert!(matches!(
            parse_well_known(b"{\"m.server\":\"\xff\"}"),
            Err(BodyError::Json { .. })
        ));
    }

    /// Found by the fuzz target `well_known`
    #[test]
    fn a_body_that_is_not_utf_8_is_invalid_even_in_a_member_that_is_ignored() {
        let body = b"{\"m.server\":\"a\",\n\"x\":\"\xec\"}";
        assert_eq!(
            parse_well_known(body),
            Err(BodyError::Json { line: 2, column: 6 })
        );
    }

    #[test]
    fn a_body_that_is_an_array_is_invalid_from_its_bracket_on() {
        assert_eq!(
            parse_well_known(b" \n [\"a.example\"]"),
            Err(BodyError::Json { line: 2, column: 2 })
        );
    }

    #[test]
    fn a_delegated_name_that_breaks_the_grammar_is_invalid_with_its_offset() {
        for (name, offset) in [
            ("", 0),
            ("https://a.example", 6),
            ("a.example/", 9),
            ("a b", 1),
            ("a:99999", 2),
        ] {
            let body = alloc::format!("{{\"m.server\":\"{name}\"}}");
            let Err(BodyError::ServerName(error)) = parse_well_known(body.as_bytes()) else {
                panic!("{name}")
            };
            assert_eq!(error.offset, offset, "{name}");
        }
        let error = parse_well_known(br#"{"m.server":""}"#).unwrap_err();
        assert!(matches!(error, BodyError::ServerName(e) if e.kind == ServerNameErrorKind::Empty));
    }

    #[test]
    fn redirects_may_be_absolute_relative_and_cross_host() {
        for (location, url) in [
            ("https://b.example/x?y#z", "https://b.example/x?y"),
            ("HTTPS://B.Example", "https://b.example/"),
            ("https://b.example:8443/", "https://b.example:8443/"),
            ("https://b.example:443/", "https://b.example/"),
            ("https://b.example:/", "https://b.example/"),
            ("//b.example/x", "https://b.example/x"),
            ("/x", "https://Example.org/x"),
            ("y", "https://Example.org/.well-known/matrix/y"),
            ("?q", "https://Example.org/.well-known/matrix/server?q"),
            ("../a/./b", "https://Example.org/.well-known/a/b"),
            ("https://my_group.b.example/", "https://my_group.b.example/"),
            ("https://_b.example:8443/", "https://_b.example:8443/"),
            ("https://b.example./", "https://b.example./"),
            ("https://[2001:DB8::1]:1/", "https://[2001:db8::1]:1/"),
            ("https://192.0.2.1/", "https://192.0.2.1/"),
        ] {
            // The base host keeps the server name's case, which a header may have
            let resolved = go(location)
                .map(|found| found.replace("https://example.org", "https://Example.org"));
            assert_eq!(resolved.as_deref(), Ok(url), "{location}");
        }
    }

    #[test]
    fn characters_that_no_uri_may_have_are_escaped() {
        for (location, url) in [
            ("/a b/\u{e9}", "https://Example.org/a%20b/%C3%A9"),
            ("/a\tb", "https://Example.org/a%09b"),
            (
                "/x?dc=%ppublisher=!;&x=50%",
                "https://Example.org/x?dc=%25ppublisher=!;&x=50%25",
            ),
            ("/%", "https://Example.org/%25"),
            ("/%4", "https://Example.org/%254"),
            ("/%4g", "https://Example.org/%254g"),
            ("/%41%4a%%41", "https://Example.org/%41%4a%25%41"),
            (
                "/\"<>\\^`{|}",
                "https://Example.org/%22%3C%3E%5C%5E%60%7B%7C%7D",
            ),
            (
                "/?\"<>\\^`{|}",
                "https://Example.org/?%22%3C%3E%5C%5E%60%7B%7C%7D",
            ),
            ("/x[1]?y[2]", "https://Example.org/x%5B1%5D?y%5B2%5D"),
            ("/x#a#b[%", "https://Example.org/x"),
            ("https://[::1]/x[1]", "https://[::1]/x%5B1%5D"),
            ("https://[::1]?[", "https://[::1]/?%5B"),
            ("//[::1]/[", "https://[::1]/%5B"),
            ("/x//[::1]", "https://Example.org/x//%5B::1%5D"),
            (
                "?u=https://[::1]",
                "https://Example.org/.well-known/matrix/server?u=https://%5B::1%5D",
            ),
            ("/\\b.example", "https://Example.org/%5Cb.example"),
        ] {
            let resolved = go(location)
                .map(|found| found.replace("https://example.org", "https://Example.org"));
            assert_eq!(resolved.as_deref(), Ok(url), "{location}");
        }
        let latin_1 = base().redirect(b"/\xe9").map(|url| url.to_string());
        assert_eq!(latin_1.as_deref(), Ok("https://example.org/%E9"));
    }

    #[test]
    fn a_host_in_letters_outside_ascii_has_an_error_of_its_own() {
        for location in [
            "https://例え.テスト/",
            "https://%E4%BE%8B%E3%81%88.%E3%83%86%E3%82%B9%E3%83%88/",
            "//b\u{fc}cher.example",
            "https://b%c3%bccher.example:8443/x",
        ] {
            assert_eq!(
                go(location),
                Err(RedirectError::InternationalHost),
                "{location}"
            );
        }
        let latin_1 = base()
            .redirect(b"https://b\xfccher.example/")
            .map(|url| url.to_string());
        assert_eq!(latin_1, Err(RedirectError::InternationalHost));
    }

    #[test]
    fn a_location_is_shown_on_one_line_and_not_without_end() {
        for (location, shown) in [
            (&b"https://b.example/x?y#z"[..], "https://b.example/x?y#z"),
            ("https://例え.テスト/".as_bytes(), "https://例え.テスト/"),
            (b"/a\r\n\x1b[31m\x7f", "/a%0D%0A%1B[31m%7F"),
            (
                "/\u{202e}\u{200b}\u{feff}".as_bytes(),
                "/%E2%80%AE%E2%80%8B%EF%BB%BF",
            ),
            (b"/\xffa", "/%FFa"),
            (b"", ""),
        ] {
            assert_eq!(printable(location), shown);
        }
        let longest = "x".repeat(MAX_SHOWN);
        assert_eq!(printable(longest.as_bytes()), longest);
        let longer = alloc::format!("{longest}x");
        assert_eq!(printable(longer.as_bytes()), alloc::format!("{longest}…"));
    }

    #[test]
    fn a_redirect_to_the_same_place_in_another_spelling_is_the_same_place() {
        let same = |location: &str| {
            base()
                .redirect(location.as_bytes())
                .map(|url| url.is_same(&base()))
        };
        assert_eq!(
            same("https://EXAMPLE.org:443/.well-known/matrix/server#x"),
            Ok(true)
        );
        assert_eq!(
            same("https://example.org/.well-known/matrix/server?"),
            Ok(false)
        );
    }

    #[test]
    fn redirects_elsewhere_than_to_plain_https_are_refused() {
        for (location, error) in [
            ("http://b.example/", RedirectError::NotHttps),
            ("ftp://b.example/", RedirectError::NotHttps),
            ("javascript:alert(1)", RedirectError::NotHttps),
            ("https://user@b.example/", RedirectError::UserInfo),
            ("https://user:pw@b.example/", RedirectError::UserInfo),
            ("https://@b.example/", RedirectError::UserInfo),
            ("https:\\\\b.example\\", RedirectError::Location),
            ("https:///x", RedirectError::Location),
            ("https://b.example:0/", RedirectError::Location),
            ("https://b.example:65536/", RedirectError::Location),
            ("https://%62.example/", RedirectError::Location),
            ("https://%.example/", RedirectError::Location),
            ("https://b|.example/", RedirectError::Location),
            ("https://b~.example/", RedirectError::Location),
            ("https://b..example/", RedirectError::Location),
            ("https://b.example\\@evil.example/", RedirectError::UserInfo),
            ("https://b.example\\/", RedirectError::Location),
            ("https://b.example:8443x/", RedirectError::Location),
            ("https://[::1/", RedirectError::Location),
            ("https://::1]/", RedirectError::Location),
            ("https://[v1.x]/", RedirectError::Location),
            ("https://[::1%25lo]/", RedirectError::Location),
            ("https://256.0.0.1/", RedirectError::Location),
            ("", RedirectError::NoLocation),
            ("  ", RedirectError::NoLocation),
            ("/a\0", RedirectError::Location),
            ("/a\r\nHost: evil", RedirectError::Location),
        ] {
            assert_eq!(go(location), Err(error), "{location}");
        }
    }
}
