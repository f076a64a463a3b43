//! Where a `Location` leads, by RFC 3986 §5.2, spelt out.

use std::fmt::Write as _;

use fedway_core::{Host, RedirectError, ServerName};

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
        let name: ServerName = host.parse().map_err(|_| RedirectError::Location)?;
        let mut authority = host.to_ascii_lowercase();
        if port != 443 {
            // Writing to a String cannot fail
            let _ = write!(authority, ":{port}");
        }
        Ok(Self {
            host: name.host().clone(),
            port,
            authority,
            target: target(path, query),
        })
    }
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

/// Spaces and bytes outside ASCII percent-encoded; an error where no URI may have what is there
fn readable(location: &[u8]) -> Result<String, RedirectError> {
    let mut text = String::new();
    for byte in location.trim_ascii() {
        match *byte {
            b'"' | b'<' | b'>' | b'\\' | b'^' | b'`' | b'{' | b'|' | b'}' => {
                return Err(RedirectError::Location);
            }
            byte @ b'!'..=b'~' => text.push(char::from(byte)),
            byte @ (b' ' | 0x80..) => {
                // Writing to a String cannot fail
                let _ = write!(text, "%{byte:02X}");
            }
            0..=0x1f | 0x7f => return Err(RedirectError::Location),
        }
    }
    if text.is_empty() {
        return Err(RedirectError::Location);
    }
    Ok(text)
}
