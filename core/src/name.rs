//! Matrix server names and the DNS names inside them.
//!
//! The grammar is the one of the specification's appendix "Server Name"
//! (`hostname [ ":" port ]`). Where its text is silent, this module decides:
//!
//! * four all-digit groups are an IPv4 literal, read as decimal even with leading zeros, and refused
//!   when a group exceeds 255: they never fall back to being a DNS name;
//! * an empty label is refused ("a series of labels", each of letters, digits or hyphens), save that
//!   one trailing dot is kept, as the mark of an absolute name;
//! * labels over 63 and names over 253 bytes obey the grammar but not RFC 1035 §2.3.4: they parse, and
//!   a search answers them "cannot be asked" without sending a packet.

use alloc::borrow::Cow;
use alloc::boxed::Box;
use alloc::format;
use alloc::string::String;
use alloc::sync::Arc;
use core::fmt;
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use core::str::FromStr;

use serde::{Deserialize, Serialize};

/// The name of a Matrix server: a hostname and perhaps a port
///
/// Compared and hashed case-sensitively, as the specification has it. The case and the spelling given
/// are kept for the `Host` header; [`ServerName::host`] is the form used for DNS and TLS.
///
/// ```
/// use fedway_core::ServerName;
///
/// let name: ServerName = "Example.org:8449".parse()?;
/// assert_eq!(name.hostname(), "Example.org");
/// assert_eq!(name.host().to_string(), "example.org");
/// assert_eq!(name.port(), Some(8449));
///
/// let error = "exa mple.org".parse::<ServerName>().unwrap_err();
/// assert_eq!(error.to_string(), "character ' ' not allowed in a hostname at byte 3");
/// # Ok::<(), fedway_core::ServerNameError>(())
/// ```
#[derive(Clone, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ServerName {
    text: Arc<str>,
    host: Host,
    port: Option<u16>,
    /// Length of the hostname within `text`, brackets included
    hostname_len: u8,
}

impl ServerName {
    /// The longest name accepted, in bytes: a `dns-name` of the grammar has at most 255
    pub const MAX_LEN: usize = 255;
    /// The length in bytes that a name should not exceed, by the specification's recommendation
    pub const RECOMMENDED_LEN: usize = 230;

    /// The text, shared
    pub(crate) fn shared(&self) -> &Arc<str> {
        &self.text
    }

    /// Parses a server name
    ///
    /// # Errors
    ///
    /// Where the text stops being a server name. What people paste instead of one, such as a URL or a Matrix
    /// ID, is told apart, and the name in it is the error's [`suggestion`](ServerNameError::suggestion).
    pub fn parse(text: &str) -> Result<Self, ServerNameError> {
        Self::parse_strictly(text).map_err(|error| error.explain(text))
    }

    /// By the grammar alone
    fn parse_strictly(text: &str) -> Result<Self, ServerNameError> {
        use ServerNameErrorKind as Kind;
        if text.is_empty() {
            return Err(Kind::Empty.at(0));
        }
        if text.len() > Self::MAX_LEN {
            return Err(Kind::TooLong { len: text.len() }.at(Self::MAX_LEN));
        }
        let hostname_len = hostname_len(text)?;
        let (hostname, rest) = text.split_at(hostname_len);
        let host = parse_hostname(hostname, is_hostname_character)?;
        let port = match rest.strip_prefix(':') {
            Some(digits) => Some(parse_port(digits, hostname_len + 1)?),
            None if rest.is_empty() => None,
            None => {
                return Err(Kind::UnexpectedCharacter(first_char(rest)).at(hostname_len));
            }
        };
        Ok(Self {
            text: text.into(),
            host,
            port,
            // `text` is at most `MAX_LEN` bytes long, which fits
            hostname_len: hostname_len as u8,
        })
    }

    /// The name as it was written
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The hostname as it was written: no port, an IPv6 literal in its brackets
    #[must_use]
    pub fn hostname(&self) -> &str {
        &self.text[..usize::from(self.hostname_len)]
    }

    /// The host to look up and to expect a certificate for
    #[must_use]
    pub fn host(&self) -> &Host {
        &self.host
    }

    /// The port, where the name has one
    #[must_use]
    pub fn port(&self) -> Option<u16> {
        self.port
    }

    /// Whether the name is longer than [the specification recommends](Self::RECOMMENDED_LEN)
    #[must_use]
    pub fn is_longer_than_recommended(&self) -> bool {
        self.text.len() > Self::RECOMMENDED_LEN
    }
}

impl FromStr for ServerName {
    type Err = ServerNameError;

    fn from_str(text: &str) -> Result<Self, ServerNameError> {
        Self::parse(text)
    }
}

impl PartialEq for ServerName {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Eq for ServerName {}

impl PartialOrd for ServerName {
    fn partial_cmp(&self, other: &Self) -> Option<core::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for ServerName {
    fn cmp(&self, other: &Self) -> core::cmp::Ordering {
        self.text.cmp(&other.text)
    }
}

impl core::hash::Hash for ServerName {
    fn hash<H: core::hash::Hasher>(&self, state: &mut H) {
        self.text.hash(state);
    }
}

impl fmt::Display for ServerName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.text)
    }
}

impl fmt::Debug for ServerName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ServerName({:?})", &*self.text)
    }
}

impl From<ServerName> for String {
    fn from(name: ServerName) -> Self {
        name.as_str().into()
    }
}

impl TryFrom<String> for ServerName {
    type Error = ServerNameError;

    fn try_from(text: String) -> Result<Self, ServerNameError> {
        Self::parse(&text)
    }
}

/// A host: something to look up in DNS, or an address already
///
/// It is also what a certificate is verified for (RFC 6125 §6, RFC 5280 §4.2.1.6).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Host {
    /// A DNS name
    Dns(DnsName),
    /// An IP literal
    Ip(IpAddr),
}

impl Host {
    /// The `host` of a URI (RFC 3986 §3.2.2): what a server name's hostname may be, and DNS names with underscores
    ///
    /// `None` for what DNS and certificates have no name for, and for percent-encoded characters.
    pub(crate) fn of_uri(text: &str) -> Option<Self> {
        if text.len() > ServerName::MAX_LEN || text.ends_with(']') != text.starts_with('[') {
            return None;
        }
        parse_hostname(text, |character| {
            is_hostname_character(character) || character == '_'
        })
        .ok()
    }

    /// The DNS name, unless the host is an IP literal
    #[must_use]
    pub fn dns_name(&self) -> Option<&DnsName> {
        match self {
            Self::Dns(name) => Some(name),
            Self::Ip(_) => None,
        }
    }
}

impl fmt::Display for Host {
    /// An IPv6 address is written without brackets
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Dns(name) => name.fmt(f),
            Self::Ip(address) => address.fmt(f),
        }
    }
}

/// An absolute DNS name in lower case, without the trailing dot (the root itself is `.`)
///
/// Cloning is cheap. Absolute means that a search list never applies to it.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct DnsName(Arc<str>);

impl DnsName {
    /// A name from its presentation format (RFC 1035 §5.1), such as a driver reads from an answer
    ///
    /// Wider than a hostname, since DNS holds other names too: any printable ASCII. A last dot is dropped, unless a
    /// backslash makes it part of its label.
    ///
    /// # Errors
    ///
    /// If the text is empty, ends with an empty label, or holds something else than printable ASCII without space.
    pub fn new(text: &str) -> Result<Self, DnsNameError> {
        if let Some(offset) = text.bytes().position(|b| !b.is_ascii_graphic()) {
            return Err(DnsNameError { offset });
        }
        let name = without_last_dot(text);
        if name.is_empty() || ends_with_dot(name) && text != "." {
            let offset = name.len().saturating_sub(1);
            return Err(DnsNameError { offset });
        }
        Ok(Self::from_checked(text))
    }

    /// The name as text
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether this is the root, the SRV target that says "not offered" (RFC 2782)
    #[must_use]
    pub fn is_root(&self) -> bool {
        &*self.0 == "."
    }

    /// Whether the name is `suffix` or lies below it
    #[must_use]
    pub fn is_within(&self, suffix: &str) -> bool {
        self.0
            .strip_suffix(suffix)
            .is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
    }

    /// Whether a DNS message can hold the name: labels of 1 to 63 bytes, 253 in all (RFC 1035 §2.3.4)
    #[must_use]
    pub fn is_encodable(&self) -> bool {
        let mut label_len = 0_usize;
        let mut labels_fit = true;
        for byte in self.0.bytes().chain([b'.']) {
            if byte == b'.' {
                labels_fit &= (1..=63).contains(&label_len);
                label_len = 0;
            } else {
                label_len += 1;
            }
        }
        labels_fit && self.0.len() <= 253
    }

    /// The address that the name is the text of, although it stands where a host name should
    pub(crate) fn ip_literal(&self) -> Option<IpAddr> {
        if let Ok(Some(address)) = parse_ipv4(&self.0) {
            return Some(address.into());
        }
        let unbracketed = self
            .0
            .strip_prefix('[')
            .and_then(|rest| rest.strip_suffix(']'));
        let address: Ipv6Addr = unbracketed.unwrap_or(&self.0).parse().ok()?;
        Some(address.into())
    }

    /// The owner name of a service's SRV record (RFC 2782): `_service._proto.name`
    pub(crate) fn below(&self, prefix: &str) -> Self {
        let mut text = String::with_capacity(prefix.len() + 1 + self.0.len());
        text.push_str(prefix);
        text.push('.');
        text.push_str(&self.0);
        Self(text.into())
    }

    /// Lower-cases ASCII text and drops the trailing dot
    fn from_checked(text: &str) -> Self {
        let text = without_last_dot(text);
        if text.bytes().any(|b| b.is_ascii_uppercase()) {
            Self(text.to_ascii_lowercase().into())
        } else {
            Self(text.into())
        }
    }
}

impl From<DnsName> for String {
    fn from(name: DnsName) -> Self {
        name.as_str().into()
    }
}

impl TryFrom<String> for DnsName {
    type Error = DnsNameError;

    fn try_from(text: String) -> Result<Self, DnsNameError> {
        Self::new(&text)
    }
}

impl fmt::Display for DnsName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl fmt::Debug for DnsName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DnsName({:?})", &*self.0)
    }
}

/// Why a text is no [`DnsName`]
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error, Serialize, Deserialize)]
#[non_exhaustive]
#[error("no label of printable ASCII at byte {offset}")]
pub struct DnsNameError {
    /// Where, in bytes
    pub offset: usize,
}

/// Why a text is no [`ServerName`], where, and what to write instead
///
/// ```
/// let error = fedway_core::ServerName::parse("https://example.org/").unwrap_err();
/// assert_eq!(error.to_string(), "a URL, not a server name, at byte 6: write example.org");
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ServerNameError {
    /// Where the text stops being a server name, in bytes from its start
    pub offset: usize,
    /// What is wrong there
    pub kind: ServerNameErrorKind,
    /// The server name that was probably meant; boxed, so that errors are small enough for a `Result`
    pub suggestion: Option<Box<ServerName>>,
}

impl ServerNameError {
    /// Says what the text is that is no server name, where that can be told
    #[cold]
    fn explain(self, text: &str) -> Self {
        use ServerNameErrorKind as Kind;
        if let Some(mistake) = Mistake::of(text) {
            return Self {
                kind: mistake.kind,
                suggestion: ServerName::parse_strictly(&mistake.meant)
                    .ok()
                    .map(Box::new),
                ..self
            };
        }
        if let Kind::UnexpectedCharacter(character) = self.kind
            && !character.is_ascii()
            && !character.is_whitespace()
        {
            return Kind::NotAscii(character).at(self.offset);
        }
        self
    }
}

impl fmt::Display for ServerNameError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} at byte {}", self.kind, self.offset)?;
        match (&self.suggestion, self.kind.advice()) {
            (Some(name), _) => write!(f, ": write {name}"),
            (None, Some(advice)) => write!(f, ": {advice}"),
            (None, None) => Ok(()),
        }
    }
}

impl core::error::Error for ServerNameError {}

/// What is wrong with a text that is no [`ServerName`]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error, Serialize, Deserialize)]
#[non_exhaustive]
#[serde(rename_all = "snake_case")]
pub enum ServerNameErrorKind {
    /// An e-mail address, or a name with user info before it
    #[error("an e-mail address, not a server name,")]
    EmailAddress,
    /// There is no text
    #[error("empty name")]
    Empty,
    /// Two dots in a row, or a dot at the start
    #[error("empty label")]
    EmptyLabel,
    /// A colon, or a bracket pair, with nothing before or in it
    #[error("empty hostname")]
    EmptyHostname,
    /// A colon with nothing behind it
    #[error("no port after the colon")]
    EmptyPort,
    /// Four numbers, one of them over 255
    #[error("number over 255 in an IPv4 literal")]
    InvalidIpv4,
    /// What stands in brackets is not an IPv6 address (RFC 4291 §2.2)
    #[error("no IPv6 address in the brackets")]
    InvalidIpv6,
    /// The port is not one to five digits, or not in 1 to 65535
    #[error("port not in 1 to 65535")]
    InvalidPort,
    /// An IPv6 address that stands without its brackets
    #[error("an IPv6 address without brackets")]
    Ipv6WithoutBrackets,
    /// An IPv6 address with a zone (RFC 4007 §11), which means something on one machine only
    #[error("an IPv6 address with a zone")]
    Ipv6Zone,
    /// A Matrix ID of a user, a room or another entity, or a link to one
    #[error("a Matrix ID, not a server name,")]
    MatrixId,
    /// A character outside ASCII, as international names have where they are shown to people (RFC 5890 §2.3.2.1)
    #[error("character {0:?} outside ASCII")]
    NotAscii(char),
    /// Longer than [`ServerName::MAX_LEN`]
    #[error("{len} bytes, more than 255,")]
    TooLong {
        /// The length in bytes
        len: usize,
    },
    /// A path, a query or a fragment behind what would be a server name
    #[error("a path behind the name")]
    TrailingPath,
    /// An opening bracket without its closing one
    #[error("bracket not closed")]
    UnclosedBracket,
    /// A character that a hostname may not have
    #[error("character {0:?} not allowed in a hostname")]
    UnexpectedCharacter(char),
    /// A closing bracket without its opening one
    #[error("bracket not opened")]
    UnopenedBracket,
    /// A URL
    #[error("a URL, not a server name,")]
    Url,
    /// White space around what would be a server name
    #[error("white space around the name")]
    WhiteSpace,
}

impl ServerNameErrorKind {
    /// The kind in one stable word, for machines
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::EmailAddress => "email_address",
            Self::Empty => "empty",
            Self::EmptyHostname => "empty_hostname",
            Self::EmptyLabel => "empty_label",
            Self::EmptyPort => "empty_port",
            Self::InvalidIpv4 => "invalid_ipv4",
            Self::InvalidIpv6 => "invalid_ipv6",
            Self::InvalidPort => "invalid_port",
            Self::Ipv6WithoutBrackets => "ipv6_without_brackets",
            Self::Ipv6Zone => "ipv6_zone",
            Self::MatrixId => "matrix_id",
            Self::NotAscii(_) => "not_ascii",
            Self::TooLong { .. } => "too_long",
            Self::TrailingPath => "trailing_path",
            Self::UnclosedBracket => "unclosed_bracket",
            Self::UnexpectedCharacter(_) => "unexpected_character",
            Self::UnopenedBracket => "unopened_bracket",
            Self::Url => "url",
            Self::WhiteSpace => "white_space",
        }
    }

    fn at(self, offset: usize) -> ServerNameError {
        ServerNameError {
            offset,
            kind: self,
            suggestion: None,
        }
    }

    /// What to write, where the name that was meant cannot be told
    fn advice(self) -> Option<&'static str> {
        match self {
            Self::EmailAddress => Some("write what follows the @"),
            Self::InvalidIpv6 => Some("only an IPv6 address has brackets"),
            Self::Ipv6Zone => Some("an address that others can reach has none"),
            Self::MatrixId => Some("write what follows its first colon"),
            Self::NotAscii(_) => Some("write an international name in ASCII, as xn--…"),
            Self::TrailingPath | Self::Url => {
                Some("write a host alone, or a host and a port, such as example.org:8448")
            }
            Self::Empty
            | Self::EmptyHostname
            | Self::EmptyLabel
            | Self::EmptyPort
            | Self::InvalidIpv4
            | Self::InvalidPort
            | Self::Ipv6WithoutBrackets
            | Self::TooLong { .. }
            | Self::UnclosedBracket
            | Self::UnexpectedCharacter(_)
            | Self::UnopenedBracket
            | Self::WhiteSpace => None,
        }
    }
}

/// What somebody took for a server name
struct Mistake<'a> {
    kind: ServerNameErrorKind,
    /// Where the server name should be; it may be none either
    meant: Cow<'a, str>,
}

impl<'a> Mistake<'a> {
    /// The mistake in a text that breaks the grammar, if it is one that people make
    fn of(text: &'a str) -> Option<Self> {
        use ServerNameErrorKind as Kind;
        let trimmed = text.trim_matches(|c: char| c.is_whitespace() || INVISIBLE.contains(&c));
        if trimmed.len() < text.len() && ServerName::parse_strictly(trimmed).is_ok() {
            return Some(Self::new(Kind::WhiteSpace, trimmed));
        }
        Self::of_id(trimmed)
            .or_else(|| Self::of_url(trimmed))
            .or_else(|| Self::of_ipv6(trimmed))
            .or_else(|| {
                let (_, domain) = trimmed.rsplit_once('@')?;
                Some(Self::new(Kind::EmailAddress, domain))
            })
            .or_else(|| {
                let (name, _) = trimmed.split_once(['/', '?', '#'])?;
                let is_name = ServerName::parse_strictly(name).is_ok();
                is_name.then(|| Self::new(Kind::TrailingPath, name))
            })
            .or_else(|| {
                let name = trimmed.strip_suffix(':')?;
                let is_name = ServerName::parse_strictly(name).is_ok();
                is_name.then(|| Self::new(Kind::EmptyPort, name))
            })
    }

    fn new(kind: ServerNameErrorKind, meant: impl Into<Cow<'a, str>>) -> Self {
        let meant = meant.into();
        Self { kind, meant }
    }

    /// `@user:name` and its like (appendix "Common Identifier Format"), or a link to one (`matrix:u/user:name`)
    fn of_id(text: &'a str) -> Option<Self> {
        let id = if text.starts_with(SIGILS) {
            text
        } else if let Some((link, id)) = text.split_once("#/")
            && link.contains("://")
            && id.starts_with(SIGILS)
        {
            id
        } else {
            let path = strip_scheme(text, "matrix")?;
            path.split_once('/').filter(|(kind, _)| !kind.is_empty())?.1
        };
        let id = id.split(['/', '?']).next().unwrap_or_default();
        let name = id.split_once(':').map_or("", |(_, name)| name);
        Some(Self::new(ServerNameErrorKind::MatrixId, name))
    }

    fn of_url(text: &'a str) -> Option<Self> {
        let rest = if let Some((_, rest)) = text.split_once("://") {
            rest
        } else if let Some(rest) = text.strip_prefix("//") {
            rest
        } else {
            let rest = strip_scheme(text, "https").or_else(|| strip_scheme(text, "http"))?;
            // What follows could be meant as a port otherwise
            let starts_host = |c: char| c == '/' || c.is_alphabetic();
            rest.starts_with(starts_host).then_some(rest)?
        };
        let rest = rest.trim_start_matches('/');
        let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
        let name = authority.rsplit('@').next().unwrap_or_default();
        Some(Self::new(ServerNameErrorKind::Url, name))
    }

    fn of_ipv6(text: &'a str) -> Option<Self> {
        use ServerNameErrorKind as Kind;
        let is_ipv6 = |text: &str| text.parse::<Ipv6Addr>().is_ok();
        let inner = text.strip_prefix('[').unwrap_or(text);
        if let Some((address, _)) = inner.split_once('%')
            && is_ipv6(address)
        {
            return Some(Self::new(Kind::Ipv6Zone, ""));
        }
        if is_ipv6(text) {
            let meant = format!("[{text}]");
            return Some(Self::new(Kind::Ipv6WithoutBrackets, meant));
        }
        let (inner, rest) = inner.split_once(']')?;
        match (text.starts_with('['), is_ipv6(inner)) {
            (false, true) => Some(Self::new(Kind::UnopenedBracket, format!("[{text}"))),
            (true, false) if !inner.is_empty() && !inner.contains(':') => {
                Some(Self::new(Kind::InvalidIpv6, format!("{inner}{rest}")))
            }
            (true, _) | (false, false) => None,
        }
    }
}

/// What follows a scheme and its colon, whatever the scheme's case
fn strip_scheme<'a>(text: &'a str, scheme: &str) -> Option<&'a str> {
    let (before, rest) = text.split_once(':')?;
    before.eq_ignore_ascii_case(scheme).then_some(rest)
}

fn hostname_len(text: &str) -> Result<usize, ServerNameError> {
    if text.starts_with('[') {
        return match text.find(']') {
            Some(end) => Ok(end + 1),
            None => Err(ServerNameErrorKind::UnclosedBracket.at(text.len())),
        };
    }
    Ok(text.find(':').unwrap_or(text.len()))
}

fn parse_hostname(
    hostname: &str,
    is_allowed: impl Fn(char) -> bool,
) -> Result<Host, ServerNameError> {
    use ServerNameErrorKind as Kind;
    if let Some(rest) = hostname.strip_prefix('[') {
        let literal = &rest[..rest.len() - 1];
        if literal.is_empty() {
            return Err(Kind::EmptyHostname.at(1));
        }
        return match literal.parse::<Ipv6Addr>() {
            Ok(address) => Ok(Host::Ip(address.into())),
            Err(_) => Err(Kind::InvalidIpv6.at(1)),
        };
    }
    if hostname.is_empty() {
        return Err(Kind::EmptyHostname.at(0));
    }
    // An absolute name is a DNS name, and four numbers are none, with a dot behind them or without
    if let Some(relative) = hostname.strip_suffix('.')
        && !matches!(parse_ipv4(relative), Ok(None))
    {
        return Err(Kind::UnexpectedCharacter('.').at(relative.len()));
    }
    if let Some(ipv4) = parse_ipv4(hostname)? {
        return Ok(Host::Ip(ipv4.into()));
    }
    let mut label_start = 0;
    for (offset, character) in hostname.char_indices() {
        match character {
            '.' if offset == label_start => return Err(Kind::EmptyLabel.at(offset)),
            '.' => label_start = offset + 1,
            _ if is_allowed(character) => {}
            _ => return Err(Kind::UnexpectedCharacter(character).at(offset)),
        }
    }
    Ok(Host::Dns(DnsName::from_checked(hostname)))
}

/// `dns-char` of the grammar, save the dot
fn is_hostname_character(character: char) -> bool {
    character.is_ascii_alphanumeric() || character == '-'
}

/// `IPv4address = 1*3DIGIT "." 1*3DIGIT "." 1*3DIGIT "." 1*3DIGIT`, each "in the range 0 to 255"
fn parse_ipv4(hostname: &str) -> Result<Option<Ipv4Addr>, ServerNameError> {
    if !hostname.starts_with(|c: char| c.is_ascii_digit()) {
        return Ok(None);
    }
    let is_group =
        |group: &str| (1..=3).contains(&group.len()) && group.bytes().all(|b| b.is_ascii_digit());
    if hostname.split('.').count() != 4 || !hostname.split('.').all(is_group) {
        return Ok(None);
    }
    let mut octets = [0; 4];
    let mut offset = 0;
    for (octet, group) in octets.iter_mut().zip(hostname.split('.')) {
        *octet = group
            .parse()
            .map_err(|_| ServerNameErrorKind::InvalidIpv4.at(offset))?;
        offset += group.len() + 1;
    }
    Ok(Some(octets.into()))
}

/// `port = 1*5DIGIT`, and a port that can be connected to
fn parse_port(digits: &str, offset: usize) -> Result<u16, ServerNameError> {
    use ServerNameErrorKind as Kind;
    if digits.is_empty() {
        return Err(Kind::EmptyPort.at(offset));
    }
    if let Some(at) = digits.bytes().position(|b| !b.is_ascii_digit()) {
        return Err(Kind::InvalidPort.at(offset + at));
    }
    match digits.parse() {
        Ok(port) if port != 0 && digits.len() <= 5 => Ok(port),
        Ok(_) | Err(_) => Err(Kind::InvalidPort.at(offset)),
    }
}

/// A name without the dot that makes it absolute; the root stays as it is
fn without_last_dot(name: &str) -> &str {
    if ends_with_dot(name) && name != "." {
        &name[..name.len() - 1]
    } else {
        name
    }
}

/// Whether a name ends with the dot that ends a label, and not with one that is part of it, behind a backslash
fn ends_with_dot(name: &str) -> bool {
    name.strip_suffix('.').is_some_and(|rest| {
        let backslashes = rest.len() - rest.trim_end_matches('\\').len();
        backslashes.is_multiple_of(2)
    })
}

/// The first character of a text known not to be empty
fn first_char(text: &str) -> char {
    text.chars().next().unwrap_or_default()
}

/// What Matrix IDs of users, rooms, aliases, events and (once) groups begin with
const SIGILS: [char; 5] = ['!', '#', '$', '+', '@'];
/// What comes along with a copied name and is not seen: a byte order mark, a zero-width space
const INVISIBLE: [char; 2] = ['\u{200b}', '\u{feff}'];

#[cfg(test)]
mod tests {
    use super::ServerNameErrorKind as Kind;
    use super::*;
    use alloc::string::ToString;
    use alloc::vec;

    #[test]
    fn the_examples_of_the_specification_parse() {
        for (text, port) in [
            ("matrix.org", None),
            ("matrix.org:8888", Some(8888)),
            ("1.2.3.4", None),
            ("1.2.3.4:1234", Some(1234)),
            ("[1234:5678::abcd]", None),
            ("[1234:5678::abcd]:5678", Some(5678)),
        ] {
            let name = ServerName::parse(text).unwrap();
            assert_eq!((name.to_string().as_str(), name.port()), (text, port));
        }
    }

    #[test]
    fn case_is_kept_in_the_name_and_folded_in_the_host() {
        let name = ServerName::parse("Matrix.ORG:1").unwrap();
        assert_eq!(
            (name.hostname(), name.as_str()),
            ("Matrix.ORG", "Matrix.ORG:1")
        );
        assert_eq!(name.host(), &Host::Dns(DnsName::new("matrix.org").unwrap()));
        assert_ne!(name, ServerName::parse("matrix.org:1").unwrap());
    }

    #[test]
    fn a_trailing_dot_stays_in_the_name_and_leaves_the_host() {
        let name = ServerName::parse("example.org.").unwrap();
        assert_eq!(
            (name.hostname(), name.host().to_string().as_str()),
            ("example.org.", "example.org")
        );
    }

    #[test]
    fn what_breaks_the_grammar_is_refused_with_its_offset() {
        let long = "a".repeat(256);
        for (text, offset, kind) in [
            ("", 0, Kind::Empty),
            (":8448", 0, Kind::EmptyHostname),
            ("[]", 1, Kind::EmptyHostname),
            ("example.org:0", 12, Kind::InvalidPort),
            ("example.org:65536", 12, Kind::InvalidPort),
            ("example.org:008448", 12, Kind::InvalidPort),
            ("example.org:84a", 14, Kind::InvalidPort),
            ("example.org:+80", 12, Kind::InvalidPort),
            ("example.org:1:2", 13, Kind::InvalidPort),
            ("256.1.1.1", 0, Kind::InvalidIpv4),
            ("1.1.999.1", 4, Kind::InvalidIpv4),
            // Found by the fuzz target `redirect`
            ("1.2.3.4.", 7, Kind::UnexpectedCharacter('.')),
            ("256.2.3.4.", 9, Kind::UnexpectedCharacter('.')),
            ("[1:2]", 1, Kind::InvalidIpv6),
            ("[::1", 4, Kind::UnclosedBracket),
            ("[::1]8448", 5, Kind::UnexpectedCharacter('8')),
            ("a..b", 2, Kind::EmptyLabel),
            (".a", 0, Kind::EmptyLabel),
            (".", 0, Kind::EmptyLabel),
            ("exa mple.org", 3, Kind::UnexpectedCharacter(' ')),
            ("under_score.org", 5, Kind::UnexpectedCharacter('_')),
            (&long, 255, Kind::TooLong { len: 256 }),
        ] {
            assert_eq!(ServerName::parse(text), Err(kind.at(offset)), "{text}");
        }
    }

    #[test]
    fn what_people_paste_instead_is_refused_in_words_that_say_what_to_write() {
        for (text, message) in PASTED {
            let error = ServerName::parse(text).unwrap_err();
            assert_eq!(error.to_string(), *message, "{text:?}");
            // A suggestion is a name that parses
            if let Some(name) = error.suggestion {
                assert_eq!(ServerName::parse(name.as_str()), Ok(*name), "{text:?}");
            }
        }
    }

    #[test]
    fn edges_of_the_grammar_are_accepted() {
        let longest = vec!["a"; 128].join(".");
        for text in [
            "a",
            "-",
            "1.2.3",
            "1.2.3.4.5",
            "0x7f.1",
            "1.2.3.a",
            "example.org:08448",
            &longest,
        ] {
            assert!(ServerName::parse(text).is_ok(), "{text}");
        }
        assert_eq!(longest.len(), 255);
    }

    #[test]
    fn leading_zeros_in_an_ipv4_literal_are_decimal() {
        let name = ServerName::parse("010.000.001.255").unwrap();
        assert_eq!(name.host(), &Host::Ip([10, 0, 1, 255].into()));
    }

    #[test]
    fn a_name_over_230_bytes_is_longer_than_recommended() {
        assert!(
            !ServerName::parse(&"a".repeat(230))
                .unwrap()
                .is_longer_than_recommended()
        );
        assert!(
            ServerName::parse(&"a".repeat(231))
                .unwrap()
                .is_longer_than_recommended()
        );
    }

    #[test]
    fn serde_reads_what_it_writes_and_refuses_what_parse_refuses() {
        let name = ServerName::parse("[::1]:8448").unwrap();
        let json = serde_json::to_string(&name).unwrap();
        assert_eq!(json, "\"[::1]:8448\"");
        assert_eq!(serde_json::from_str::<ServerName>(&json).unwrap(), name);
        let error = serde_json::from_str::<ServerName>("\"a b\"").unwrap_err();
        assert!(error.to_string().contains("' '"), "{error}");
        let error = serde_json::from_str::<ServerName>("7").unwrap_err();
        assert!(error.to_string().contains("expected a string"), "{error}");
    }

    #[test]
    fn names_are_kept_apart_by_their_text_alone() {
        use alloc::collections::BTreeSet;

        let texts = ["b.org", "a.org", "A.org", "a.org:8448", "a.org"];
        let names = texts.map(|text| ServerName::parse(text).unwrap());
        let sorted: BTreeSet<_> = names.iter().collect();
        let sorted: alloc::vec::Vec<_> = sorted.into_iter().map(ServerName::as_str).collect();
        assert_eq!(sorted, ["A.org", "a.org", "a.org:8448", "b.org"]);
        assert!(names[1] < names[0] && names[1] == names[4]);
        let hashes = names.each_ref().map(hash);
        assert_eq!(BTreeSet::from(hashes).len(), 4);
        assert_eq!(format!("{:?}", names[2]), "ServerName(\"A.org\")");
    }

    fn hash(name: &ServerName) -> u64 {
        use core::hash::{BuildHasher as _, BuildHasherDefault};
        BuildHasherDefault::<std::hash::DefaultHasher>::default().hash_one(name)
    }

    #[test]
    fn only_names_that_fit_a_dns_message_are_encodable() {
        let fits = |text: &str| DnsName::new(text).unwrap().is_encodable();
        assert!(fits(&"a".repeat(63)));
        assert!(!fits(&"a".repeat(64)));
        let labels = |n: usize| vec!["a"; n].join(".");
        assert!(fits(&labels(127)));
        assert!(!fits(&labels(128)));
    }

    #[test]
    fn a_dns_name_is_read_as_it_is_written() {
        for (text, written) in [
            (".", "."),
            ("A.b.", "a.b"),
            (r"a\.", r"a\."),
            (r"a\..", r"a\."),
            (r"a\\.", r"a\\"),
        ] {
            let name = DnsName::new(text).unwrap();
            assert_eq!(name.as_str(), written);
            assert_eq!(DnsName::new(written), Ok(name), "{text}");
        }
        for (text, offset) in [("", 0), ("..", 0), ("a..", 1), (r"a\...", 3), ("a b", 1)] {
            assert_eq!(DnsName::new(text), Err(DnsNameError { offset }), "{text}");
        }
    }

    #[test]
    fn a_suffix_matches_whole_labels_only() {
        let within = |text: &str| DnsName::new(text).unwrap().is_within("onion");
        assert!(within("onion") && within("a.onion") && within("b.a.ONION."));
        assert!(!within("aonion") && !within("onion.org"));
        assert!(DnsName::new(".").unwrap().is_root());
        assert_eq!(
            format!("{:?}", DnsName::new("A.b.").unwrap()),
            "DnsName(\"a.b\")"
        );
    }

    /// What may be pasted, and what is said of it
    const PASTED: &[(&str, &str)] = &[
        (
            "https://example.org",
            "a URL, not a server name, at byte 6: write example.org",
        ),
        (
            "HTTP://example.org:8448/x?y#z",
            "a URL, not a server name, at byte 5: write example.org:8448",
        ),
        (
            "https://user:pw@example.org/",
            "a URL, not a server name, at byte 6: write example.org",
        ),
        (
            "https:example.org",
            "a URL, not a server name, at byte 6: write example.org",
        ),
        (
            "https:/example.org",
            "a URL, not a server name, at byte 6: write example.org",
        ),
        (
            "//example.org/",
            "a URL, not a server name, at byte 0: write example.org",
        ),
        (
            "ws://[2001:db8::1]/",
            "a URL, not a server name, at byte 3: write [2001:db8::1]",
        ),
        (
            "https://",
            "a URL, not a server name, at byte 6: write a host alone, or a host and a port, such as example.org:8448",
        ),
        (
            "@user:example.org",
            "a Matrix ID, not a server name, at byte 0: write example.org",
        ),
        (
            "#room:example.org:8448",
            "a Matrix ID, not a server name, at byte 0: write example.org:8448",
        ),
        (
            "!id:[2001:db8::1]:1",
            "a Matrix ID, not a server name, at byte 0: write [2001:db8::1]:1",
        ),
        (
            "@user",
            "a Matrix ID, not a server name, at byte 0: write what follows its first colon",
        ),
        (
            "https://matrix.to/#/@user:example.org?via=b.org",
            "a Matrix ID, not a server name, at byte 6: write example.org",
        ),
        (
            "matrix:u/user:example.org?action=chat",
            "a Matrix ID, not a server name, at byte 7: write example.org",
        ),
        (
            "user@example.org",
            "an e-mail address, not a server name, at byte 4: write example.org",
        ),
        (
            "user@",
            "an e-mail address, not a server name, at byte 4: write what follows the @",
        ),
        (
            "example.org/",
            "a path behind the name at byte 11: write example.org",
        ),
        (
            "example.org:8448/_matrix",
            "a path behind the name at byte 16: write example.org:8448",
        ),
        (
            "example.org?x",
            "a path behind the name at byte 11: write example.org",
        ),
        (
            "example.org#x",
            "a path behind the name at byte 11: write example.org",
        ),
        (
            "example.org:",
            "no port after the colon at byte 12: write example.org",
        ),
        (
            " example.org",
            "white space around the name at byte 0: write example.org",
        ),
        (
            "example.org\r\n",
            "white space around the name at byte 11: write example.org",
        ),
        (
            "\u{feff}example.org\u{a0}",
            "white space around the name at byte 0: write example.org",
        ),
        (
            "\thttps://example.org ",
            "a URL, not a server name, at byte 0: write example.org",
        ),
        (" ", "character ' ' not allowed in a hostname at byte 0"),
        (
            "2001:db8::1",
            "an IPv6 address without brackets at byte 5: write [2001:db8::1]",
        ),
        (
            "::1",
            "an IPv6 address without brackets at byte 0: write [::1]",
        ),
        (
            "::ffff:192.0.2.1",
            "an IPv6 address without brackets at byte 0: write [::ffff:192.0.2.1]",
        ),
        (
            "2001:db8::1]:8448",
            "bracket not opened at byte 5: write [2001:db8::1]:8448",
        ),
        ("[2001:db8::1", "bracket not closed at byte 12"),
        (
            "fe80::1%eth0",
            "an IPv6 address with a zone at byte 5: an address that others can reach has none",
        ),
        (
            "[fe80::1%eth0]:8448",
            "an IPv6 address with a zone at byte 1: an address that others can reach has none",
        ),
        (
            "[192.0.2.1]",
            "no IPv6 address in the brackets at byte 1: write 192.0.2.1",
        ),
        (
            "[example.org]:8448",
            "no IPv6 address in the brackets at byte 1: write example.org:8448",
        ),
        (
            "[2001:db8]",
            "no IPv6 address in the brackets at byte 1: only an IPv6 address has brackets",
        ),
        (
            "例え.テスト:8448",
            "character '例' outside ASCII at byte 0: write an international name in ASCII, as xn--…",
        ),
        (
            "müller.de",
            "character 'ü' outside ASCII at byte 1: write an international name in ASCII, as xn--…",
        ),
        (
            "https://müller.de/",
            "a URL, not a server name, at byte 6: write a host alone, or a host and a port, such as example.org:8448",
        ),
        ("example.org:8448:8448", "port not in 1 to 65535 at byte 16"),
        (
            "under_score.example.org",
            "character '_' not allowed in a hostname at byte 5",
        ),
        (
            "*.example.org",
            "character '*' not allowed in a hostname at byte 0",
        ),
    ];
}
