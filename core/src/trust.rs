//! Whom to trust: the skip list, and its verdict for a host at an address.
//!
//! The specification (section "TLS") lets servers "skip the certificate validation for a given
//! whitelist of domains or netmasks". Which roots and transparency logs count is the driver's to know:
//! they are not data that a decision of the search depends on.

use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt;
use core::net::IpAddr;
use core::str::FromStr;

use ipnet::IpNet;
use serde::{Deserialize, Serialize};

use crate::error::CertificateError;
use crate::name::{DnsName, Host, ServerName};

/// What an administrator says about trust
///
/// There is no one switch for everything: a check is only ever skipped by a rule that names a domain or network.
/// A rule may be as wide as its writer makes it, though: `0.0.0.0/0` and `::/0` together skip every check, the
/// first where an IPv4 address is dialled (as IPv4-mapped, too), the second where an IPv6 address is. Neither
/// holds an address of the other family.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
#[serde(default)]
pub struct TrustPolicy {
    /// Where certificates are not verified; empty by default
    pub skip: Vec<SkipRule>,
    /// What certificate transparency is asked of the certificates that are verified
    pub transparency: CtPolicy,
}

impl TrustPolicy {
    /// Whether the certificate for `host` is to be verified when `address` is dialled
    #[must_use]
    pub fn verdict(&self, host: &Host, address: IpAddr) -> Verdict {
        match self.skip.iter().find(|rule| rule.applies(host, address)) {
            Some(rule) => Verdict::Skip(rule.clone()),
            None => Verdict::Verify,
        }
    }
}

/// What is asked of a certificate in the way of certificate transparency (RFC 6962)
///
/// A log's promise to publish a certificate is a signed certificate timestamp (SCT). It counts where the
/// driver's log list knows the log and its signature verifies.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum CtPolicy {
    /// Nothing, and nothing is looked at
    Off,
    /// Nothing, but what is found is reported, where the driver has a log list
    #[default]
    Report,
    /// Timestamps of the logs of so many distinct operators, or the certificate is refused
    Require {
        /// How many
        minimum: usize,
    },
}

impl CtPolicy {
    /// Whether a certificate with valid timestamps of logs of so many distinct operators is accepted
    ///
    /// # Errors
    ///
    /// [`CertificateError::NotTransparent`] where it is not.
    pub fn accept(&self, operators: usize) -> Result<(), CertificateError> {
        match *self {
            Self::Require { minimum } if operators < minimum => {
                Err(CertificateError::NotTransparent { operators, minimum })
            }
            Self::Off | Self::Report | Self::Require { .. } => Ok(()),
        }
    }
}

/// Whether a certificate is to be verified
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// Take whatever certificate the peer has, by this rule; its handshake signature still counts
    Skip(SkipRule),
    /// Verify chain, name and validity
    Verify,
}

/// One entry of the skip list
///
/// ```
/// use fedway_core::SkipRule;
///
/// for text in ["example.org", "*.example.org", "*.onion", "10.0.0.0/8", "2001:db8::1"] {
///     text.parse::<SkipRule>()?;
/// }
/// # Ok::<(), fedway_core::InvalidSkipRule>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum SkipRule {
    /// `example.org`: this host, and none below it
    Domain(DnsName),
    /// `10.0.0.0/8`: every host that is dialled at such an address; IPv4-mapped addresses count as IPv4
    Net(IpNet),
    /// `*.example.org`: every host below this one at any depth, but not the host itself
    Subdomains(DnsName),
}

impl SkipRule {
    fn applies(&self, host: &Host, address: IpAddr) -> bool {
        match (self, host) {
            (Self::Domain(domain), Host::Dns(name)) => name == domain,
            (Self::Net(net), Host::Dns(_) | Host::Ip(_)) => net.contains(&address.to_canonical()),
            (Self::Subdomains(domain), Host::Dns(name)) => {
                name != domain && name.is_within(domain.as_str())
            }
            (Self::Domain(_) | Self::Subdomains(_), Host::Ip(_)) => false,
        }
    }
}

impl From<SkipRule> for String {
    fn from(rule: SkipRule) -> Self {
        rule.to_string()
    }
}

impl TryFrom<String> for SkipRule {
    type Error = InvalidSkipRule;

    fn try_from(text: String) -> Result<Self, InvalidSkipRule> {
        text.parse()
    }
}

impl fmt::Display for SkipRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Domain(domain) => domain.fmt(f),
            Self::Net(net) => net.fmt(f),
            Self::Subdomains(domain) => write!(f, "*.{domain}"),
        }
    }
}

impl FromStr for SkipRule {
    type Err = InvalidSkipRule;

    fn from_str(text: &str) -> Result<Self, InvalidSkipRule> {
        if let Ok(net) = text.parse::<IpNet>() {
            return Ok(Self::Net(canonical(net)));
        }
        if let Ok(address) = text.parse::<IpAddr>() {
            return Ok(Self::Net(address.to_canonical().into()));
        }
        let (domain, below) = match text.strip_prefix("*.") {
            Some(domain) => (domain, true),
            None => (text, false),
        };
        let name = ServerName::parse(domain).map_err(|_| InvalidSkipRule)?;
        match name.host() {
            Host::Dns(domain) if name.port().is_none() && below => {
                Ok(Self::Subdomains(domain.clone()))
            }
            Host::Dns(domain) if name.port().is_none() => Ok(Self::Domain(domain.clone())),
            Host::Dns(_) | Host::Ip(_) => Err(InvalidSkipRule),
        }
    }
}

/// The text is no [`SkipRule`]
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no domain, *.domain, address or network (CIDR)")]
pub struct InvalidSkipRule;

/// Writes a network of IPv4-mapped addresses as the IPv4 network it is
fn canonical(net: IpNet) -> IpNet {
    match (net, net.addr().to_canonical()) {
        (IpNet::V6(mapped), IpAddr::V4(address)) if mapped.prefix_len() >= MAPPED_PREFIX => {
            IpNet::new(address.into(), mapped.prefix_len() - MAPPED_PREFIX).unwrap_or(net)
        }
        _ => net,
    }
}

/// The length of `::ffff:0:0/96` (RFC 4291 §2.5.5.2)
const MAPPED_PREFIX: u8 = 96;

#[cfg(test)]
mod tests {
    use super::*;

    fn skips(rule: &str, host: &str, address: &str) -> bool {
        let policy = TrustPolicy {
            skip: [rule.parse().unwrap()].into(),
            ..TrustPolicy::default()
        };
        let name = ServerName::parse(host).unwrap();
        policy.verdict(name.host(), address.parse().unwrap()) != Verdict::Verify
    }

    #[test]
    fn a_domain_is_skipped_itself_and_nothing_below_it() {
        assert!(skips("Example.org", "example.ORG", "192.0.2.1"));
        assert!(!skips("example.org", "a.example.org", "192.0.2.1"));
        assert!(!skips("example.org", "notexample.org", "192.0.2.1"));
    }

    #[test]
    fn a_wildcard_skips_any_depth_below_but_not_the_domain() {
        assert!(skips("*.example.org", "a.example.org", "192.0.2.1"));
        assert!(skips("*.example.org", "b.a.example.org", "192.0.2.1"));
        assert!(!skips("*.example.org", "example.org", "192.0.2.1"));
        assert!(!skips("*.example.org", "aexample.org", "192.0.2.1"));
        assert!(skips("*.onion", "abc.onion", "192.0.2.1"));
    }

    #[test]
    fn a_network_is_judged_by_the_address_dialled() {
        assert!(skips("10.0.0.0/8", "example.org", "10.255.255.255"));
        assert!(!skips("10.0.0.0/8", "example.org", "11.0.0.0"));
        assert!(!skips("10.0.0.0/8", "10.0.0.1", "192.0.2.1"));
        assert!(skips("2001:db8::/32", "example.org", "2001:db8::1"));
    }

    #[test]
    fn a_network_of_every_address_skips_every_check_of_its_own_family() {
        for (rule, address, is_skipped) in [
            ("0.0.0.0/0", "192.0.2.1", true),
            ("0.0.0.0/0", "::ffff:192.0.2.1", true),
            ("0.0.0.0/0", "2001:db8::1", false),
            ("::/0", "2001:db8::1", true),
            ("::/0", "192.0.2.1", false),
            ("::/0", "::ffff:192.0.2.1", false),
        ] {
            assert_eq!(
                skips(rule, "example.org", address),
                is_skipped,
                "{rule} {address}"
            );
        }
    }

    #[test]
    fn an_ipv4_mapped_address_is_judged_as_ipv4_in_rules_and_when_dialled() {
        assert!(skips("10.0.0.0/8", "example.org", "::ffff:10.0.0.1"));
        assert!(skips("::ffff:10.0.0.0/104", "example.org", "10.0.0.1"));
        assert!(!skips("::ffff:10.0.0.0/104", "example.org", "11.0.0.1"));
        assert!(skips("::ffff:10.0.0.1", "example.org", "10.0.0.1"));
    }

    #[test]
    fn a_network_that_is_wider_than_the_ipv4_mapped_addresses_stays_as_it_is() {
        for text in ["::ffff:10.0.0.0/95", "::/0"] {
            let Ok(SkipRule::Net(net)) = text.parse() else {
                panic!("{text} is a network")
            };
            assert_eq!(net, text.parse::<IpNet>().unwrap());
        }
    }

    #[test]
    fn transparency_is_required_from_the_minimum_on_and_by_default_only_reported() {
        let required = CtPolicy::Require { minimum: 2 };
        for (policy, operators, is_good) in [
            (required, 1, false),
            (required, 2, true),
            (CtPolicy::default(), 0, true),
            (CtPolicy::Off, 0, true),
        ] {
            assert_eq!(policy.accept(operators).is_ok(), is_good, "{policy:?}");
        }
    }

    #[test]
    fn rules_are_written_as_they_are_read() {
        for text in [
            "example.org",
            "*.example.org",
            "10.0.0.0/8",
            "2001:db8::/32",
        ] {
            assert_eq!(text.parse::<SkipRule>().unwrap().to_string(), text);
        }
        for text in [
            "",
            "*",
            "*.",
            "a b",
            "example.org:1",
            "10.0.0.0/33",
            "*.10.0.0.1",
            "**.a",
        ] {
            assert_eq!(text.parse::<SkipRule>(), Err(InvalidSkipRule), "{text}");
        }
    }
}
