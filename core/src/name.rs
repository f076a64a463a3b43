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

    /// Parses a server name; what it fails with says where
    pub fn parse(text: &str) -> Result<Self, ServerNameError> {
        use ServerNameErrorKind as Kind;
        if text.is_empty() {
            return Err(Kind::Empty.at(0));
        }
        if text.len() > Self::MAX_LEN {
            return Err(Kind::TooLong { len: text.len() }.at(Self::MAX_LEN));
        }
        let hostname_len = hostname_len(text)?;
        let (hostname, rest) = text.split_at(hostname_len);
        let host = parse_hostname(hostname)?;
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
    /// Wider than a hostname, since DNS holds other names too: any printable ASCII.
    ///
    /// # Errors
    ///
    /// If the text is empty, or holds something else than printable ASCII without space.
    pub fn new(text: &str) -> Result<Self, DnsNameError> {
        if let Some(offset) = text.bytes().position(|b| !b.is_ascii_graphic()) {
            return Err(DnsNameError { offset });
        }
        if text.is_empty() {
            return Err(DnsNameError { offset: 0 });
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
        let text = match text.strip_suffix('.') {
            None | Some("") => text,
            Some(relative) => relative,
        };
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
#[error("not printable ASCII at byte {offset}")]
pub struct DnsNameError {
    /// Where, in bytes
    pub offset: usize,
}

/// Why a text is no [`ServerName`], and where
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error, Serialize, Deserialize)]
#[error("{kind} at byte {offset}")]
#[non_exhaustive]
pub struct ServerNameError {
    /// Where the text stops being a server name, in bytes from its start
    pub offset: usize,
    /// What is wrong there
    pub kind: ServerNameErrorKind,
}

/// What is wrong with a text that is no [`ServerName`]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error, Serialize, Deserialize)]
#[non_exhaustive]
#[serde(rename_all = "snake_case")]
pub enum ServerNameErrorKind {
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
    #[error("empty port")]
    EmptyPort,
    /// Four numbers, one of them over 255
    #[error("number over 255 in an IPv4 literal")]
    InvalidIpv4,
    /// What stands in brackets is not an IPv6 address (RFC 4291 §2.2, no zone)
    #[error("no IPv6 address in the brackets")]
    InvalidIpv6,
    /// The port is not one to five digits, or not in 1 to 65535
    #[error("port not in 1 to 65535")]
    InvalidPort,
    /// Longer than [`ServerName::MAX_LEN`]
    #[error("{len} bytes, more than 255,")]
    TooLong {
        /// The length in bytes
        len: usize,
    },
    /// An opening bracket without its closing one
    #[error("bracket not closed")]
    UnclosedBracket,
    /// A character that a hostname may not have
    #[error("character {0:?} not allowed in a hostname")]
    UnexpectedCharacter(char),
}

impl ServerNameErrorKind {
    /// The kind in one stable word, for machines
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Empty => "empty",
            Self::EmptyHostname => "empty_hostname",
            Self::EmptyLabel => "empty_label",
            Self::EmptyPort => "empty_port",
            Self::InvalidIpv4 => "invalid_ipv4",
            Self::InvalidIpv6 => "invalid_ipv6",
            Self::InvalidPort => "invalid_port",
            Self::TooLong { .. } => "too_long",
            Self::UnclosedBracket => "unclosed_bracket",
            Self::UnexpectedCharacter(_) => "unexpected_character",
        }
    }

    fn at(self, offset: usize) -> ServerNameError {
        ServerNameError { offset, kind: self }
    }
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

fn parse_hostname(hostname: &str) -> Result<Host, ServerNameError> {
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
            'a'..='z' | 'A'..='Z' | '0'..='9' | '-' => {}
            _ => return Err(Kind::UnexpectedCharacter(character).at(offset)),
        }
    }
    Ok(Host::Dns(DnsName::from_checked(hostname)))
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

/// The first character of a text known not to be empty
fn first_char(text: &str) -> char {
    text.chars().next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::ServerNameErrorKind as Kind;
    use super::*;
    use alloc::string::ToString;
    use alloc::{format, vec};

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
            ("example.org:", 12, Kind::EmptyPort),
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
            ("[1.2.3.4]", 1, Kind::InvalidIpv6),
            ("[::1%eth0]", 1, Kind::InvalidIpv6),
            ("[::1", 4, Kind::UnclosedBracket),
            ("[::1]8448", 5, Kind::UnexpectedCharacter('8')),
            ("::1", 0, Kind::EmptyHostname),
            ("a..b", 2, Kind::EmptyLabel),
            (".a", 0, Kind::EmptyLabel),
            (".", 0, Kind::EmptyLabel),
            ("exa mple.org", 3, Kind::UnexpectedCharacter(' ')),
            ("under_score.org", 5, Kind::UnexpectedCharacter('_')),
            ("müller.de", 1, Kind::UnexpectedCharacter('ü')),
            ("user@example.org", 4, Kind::UnexpectedCharacter('@')),
            ("example.org/x", 11, Kind::UnexpectedCharacter('/')),
            (&long, 255, Kind::TooLong { len: 256 }),
        ] {
            assert_eq!(ServerName::parse(text), Err(kind.at(offset)), "{text}");
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
}
