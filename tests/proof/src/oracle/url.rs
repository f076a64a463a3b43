//! Where a `Location` leads, by RFC 3986 §5.2, spelt out.

use std::fmt::Write as _;

use fedway_core::{DnsName, Host, RedirectError, ServerName};

/// An https URL
pub(super) struct Url {
    pub(super) host: Host,
    pub(super) port: u16,
    /// The `Host` header
    pub(super) authority: String,
    /// Path and query
    pub(super) target: String,
}

impl Url {
    /// What makes two URLs the same
    pub(super) fn place(&self) -> (Host, u16, String) {
        (self.host.clone(), self.port, self.target.clone())
    }

    /// How the pages of a world are written down
    pub(super) fn key(&self) -> String {
        let authority = self.authority.to_ascii_lowercase();
        format!("https://{authority}{}", self.target)
    }

    /// Follows a `Location`
    pub(super) fn join(&self, location: &[u8]) -> Result<Self, RedirectError> {
        let reference = readable(location)?;
        let reference = reference.split('#').next().unwrap_or_default();
        let (scheme, rest) = match reference.split_once(':') {
            Some((scheme, rest)) if !scheme.contains(['/', '?']) => (Some(scheme), rest),
            _ => (None, reference),
        };
        if scheme.is_some_and(|scheme| !is_scheme(scheme)) {
            return Err(RedirectError::Location);
        }
        if scheme.is_some_and(|scheme| !scheme.eq_ignore_ascii_case("https")) {
            return Err(RedirectError::NotHttps);
        }
        if let Some(rest) = rest.strip_prefix("//") {
            let end = rest.find(['/', '?']).unwrap_or(rest.len());
            let (path, query) = split_query(&rest[end..]);
            return Self::at(&rest[..end], &without_dots(path), query);
        }
        if scheme.is_some() {
            return Err(RedirectError::Location);
        }
        let (path, query) = split_query(rest);
        let (base, base_query) = split_query(&self.target);
        let (path, query) = match path {
            "" => (base.to_owned(), query.or(base_query)),
            _ if path.starts_with('/') => (without_dots(path), query),
            _ => {
                let folder = base.rsplit_once('/').map_or("", |(folder, _)| folder);
                (without_dots(&format!("{folder}/{path}")), query)
            }
        };
        Ok(Self {
            host: self.host.clone(),
            port: self.port,
            authority: self.authority.to_ascii_lowercase(),
            target: target(&path, query),
        })
    }

    fn at(authority: &str, path: &str, query: Option<&str>) -> Result<Self, RedirectError> {
        if authority.contains('@') {
            return Err(RedirectError::UserInfo);
        }
        let host_end = authority.rfind(']').map_or_else(
            || authority.find(':').unwrap_or(authority.len()),
            |end| end + 1,
        );
        let (host, port) = authority.split_at(host_end);
        let port = match port.strip_prefix(':') {
            None | Some("") => 443,
            Some(digits) => match digits.parse() {
                Ok(0) | Err(_) => return Err(RedirectError::Location),
                Ok(port) => port,
            },
        };
        let mut authority = host.to_ascii_lowercase();
        if port != 443 {
            // Writing to a String cannot fail
            let _ = write!(authority, ":{port}");
        }
        Ok(Self {
            host: named(host)?,
            port,
            authority,
            target: target(path, query),
        })
    }
}

/// A host of a URI: as in a server name, and with underscores (RFC 3986 §3.2.2)
fn named(host: &str) -> Result<Host, RedirectError> {
    let mut octets = host.split('%').skip(1);
    if octets.any(|digits| digits.to_ascii_lowercase().as_str() >= "8") {
        return Err(RedirectError::InternationalHost);
    }
    // What an underscore stands in is no address, so that another letter tells the same of it
    let name: ServerName = host
        .replace('_', "x")
        .parse()
        .map_err(|_| RedirectError::Location)?;
    if !host.contains('_') {
        return Ok(name.host().clone());
    }
    DnsName::new(host)
        .map(Host::Dns)
        .map_err(|_| RedirectError::Location)
}

fn target(path: &str, query: Option<&str>) -> String {
    let path = if path.is_empty() { "/" } else { path };
    match query {
        Some(query) => format!("{path}?{query}"),
        None => path.to_owned(),
    }
}

fn split_query(text: &str) -> (&str, Option<&str>) {
    match text.split_once('?') {
        Some((path, query)) => (path, Some(query)),
        None => (text, None),
    }
}

fn is_scheme(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphabetic())
        && text
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || "+-.".contains(c))
}

/// RFC 3986 §5.2.4, for a path that begins with `/` or is empty
fn without_dots(path: &str) -> String {
    let mut kept: Vec<&str> = Vec::new();
    let segments: Vec<_> = path.split('/').skip(1).collect();
    for (place, segment) in segments.iter().enumerate() {
        let is_last = place + 1 == segments.len();
        match *segment {
            "." => {}
            ".." => {
                kept.pop();
            }
            other => kept.push(other),
        }
        if is_last && (*segment == "." || *segment == "..") {
            kept.push("");
        }
    }
    kept.iter().map(|segment| format!("/{segment}")).collect()
}

/// What no URI may have where it stands percent-encoded; an error for what no header may have
fn readable(location: &[u8]) -> Result<String, RedirectError> {
    let location = location.trim_ascii();
    if location.is_empty() {
        return Err(RedirectError::NoLocation);
    }
    let location = location
        .split(|byte| *byte == b'#')
        .next()
        .unwrap_or_default();
    let mut text = String::new();
    // Brackets belong to the authority, which is between two slashes and the next
    let mut slashes = 0;
    let mut in_authority = false;
    for (place, byte) in location.iter().enumerate() {
        match *byte {
            b'/' if slashes == 0
                && location.get(place + 1) == Some(&b'/')
                && is_before_authority(&location[..place]) =>
            {
                slashes = 1;
            }
            b'/' if slashes == 1 => {
                slashes = 2;
                in_authority = true;
            }
            b'/' | b'?' => in_authority = false,
            _ => {}
        }
        let is_hex = |at: usize| location.get(place + at).is_some_and(u8::is_ascii_hexdigit);
        match *byte {
            b'\t' => text.push_str("%09"),
            0..=0x1f | 0x7f => return Err(RedirectError::Location),
            b'%' if is_hex(1) && is_hex(2) => text.push('%'),
            b'[' | b']' if in_authority => text.push(char::from(*byte)),
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' => text.push(char::from(*byte)),
            byte if b"-._~:/?@!$&'()*+,;=".contains(&byte) => text.push(char::from(byte)),
            byte => {
                // Writing to a String cannot fail
                let _ = write!(text, "%{byte:02X}");
            }
        }
    }
    Ok(text)
}

/// Whether `//` after this begins an authority: nothing, or a scheme
fn is_before_authority(text: &[u8]) -> bool {
    text.is_empty() || text.ends_with(b":") && !text.contains(&b'/') && !text.contains(&b'?')
}
