//! Which addresses may be dialled.
//!
//! A server name, an SRV record or a redirect is a stranger's wish; without a rule, it could point at a
//! machine that only this one can reach. The IANA special-purpose registries
//! ([IPv4](https://www.iana.org/assignments/iana-ipv4-special-registry),
//! [IPv6](https://www.iana.org/assignments/iana-ipv6-special-registry), as of October 2025) say which
//! addresses are no public unicast addresses; multicast (RFC 5771, RFC 4291 §2.7) and the deprecated
//! site-local prefix (RFC 3879) are refused with them, and so is all of IPv6 outside 2000::/3: the rest of
//! the [address space](https://www.iana.org/assignments/ipv6-address-space) is reserved by the IETF or
//! special. An IPv6 address that carries an IPv4 address is judged by that one.

use alloc::vec::Vec;
use core::fmt;
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use serde::{Deserialize, Serialize};

/// Which addresses may be dialled
///
/// The most specific net that holds the address decides; of two as specific, the one that denies. An
/// address that no net holds is refused if it is special-purpose. A net of IPv4 addresses holds their
/// IPv6 twins too (IPv4-mapped, IPv4-compatible, 6to4, ISATAP, NAT64, Teredo), as 96 bits more specific.
///
/// ```
/// use fedway_core::AddressPolicy;
///
/// let mut policy = AddressPolicy::default();
/// assert!(policy.judge("10.1.2.3".parse().unwrap()).is_err());
/// policy.allow.push("10.0.0.0/8".parse().unwrap());
/// policy.deny.push("10.1.0.0/16".parse().unwrap());
/// assert!(policy.judge("10.2.0.1".parse().unwrap()).is_ok());
/// assert!(policy.judge("::ffff:10.1.2.3".parse().unwrap()).is_err());
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
#[serde(default)]
pub struct AddressPolicy {
    /// Nets that may be dialled although they are special-purpose
    pub allow: Vec<IpNet>,
    /// Nets that may not be dialled
    pub deny: Vec<IpNet>,
}

impl AddressPolicy {
    /// Whether `address` may be dialled
    ///
    /// # Errors
    ///
    /// If it may not, the reason.
    pub fn judge(&self, address: IpAddr) -> Result<(), AddressRefusal> {
        let (embedded, isatap) = (embedded_ipv4(address), isatap_ipv4(address));
        let twin = embedded.or(isatap);
        let closest = |nets: &[IpNet]| {
            let lengths = nets
                .iter()
                .filter_map(|net| Self::specificity(net, address, twin));
            lengths.max_by_key(|(length, _)| *length)
        };
        match (closest(&self.allow), closest(&self.deny)) {
            (Some((allowed, _)), Some((denied, _))) if allowed > denied => return Ok(()),
            (_, Some((_, net))) => return Err(AddressRefusal::Denied(net)),
            (Some(_), None) => return Ok(()),
            (None, None) => {}
        }
        // An ISATAP address may have any prefix, which counts as well; the other twins' prefixes say nothing more
        let special = special_purpose(embedded.map_or(address, IpAddr::V4));
        match special.or_else(|| special_purpose(isatap?.into())) {
            Some(net) => Err(AddressRefusal::SpecialPurpose(net)),
            None => Ok(()),
        }
    }

    /// How closely `net` describes the address: the bits it fixes of it, if it holds it at all
    fn specificity(net: &IpNet, address: IpAddr, twin: Option<Ipv4Addr>) -> Option<(u8, IpNet)> {
        match (net, address, twin) {
            (IpNet::V4(v4), IpAddr::V4(own), _) if v4.contains(&own) => {
                Some((v4.prefix_len(), *net))
            }
            (IpNet::V6(v6), IpAddr::V6(own), _) if v6.contains(&own) => {
                Some((v6.prefix_len(), *net))
            }
            (IpNet::V4(v4), IpAddr::V6(_), Some(own)) if v4.contains(&own) => {
                Some((TWIN_BITS + v4.prefix_len(), *net))
            }
            _ => None,
        }
    }
}

/// An address family
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Family {
    /// IPv4: A records
    V4,
    /// IPv6: AAAA records
    V6,
}

impl fmt::Display for Family {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::V4 => "IPv4",
            Self::V6 => "IPv6",
        })
    }
}

impl Family {
    pub(crate) fn of(address: IpAddr) -> Self {
        match address {
            IpAddr::V4(_) => Self::V4,
            IpAddr::V6(_) => Self::V6,
        }
    }
}

/// Why an address may not be dialled, and which setting of the configuration decides it
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error, Serialize, Deserialize)]
#[non_exhaustive]
#[serde(rename_all = "snake_case")]
pub enum AddressRefusal {
    /// The administrator denies this net
    #[error("in the network {0}, which Config::addresses.deny denies")]
    Denied(IpNet),
    /// The address, or the IPv4 address in it, is in this special-purpose net
    #[error("in the special-purpose network {0}; Config::addresses.allow would admit it")]
    SpecialPurpose(IpNet),
}

impl AddressRefusal {
    /// The kind of refusal in one stable word, for machines
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Denied(_) => "denied",
            Self::SpecialPurpose(_) => "special_purpose",
        }
    }
}

/// The special-purpose net that holds `address`, if one does
fn special_purpose(address: IpAddr) -> Option<IpNet> {
    match address {
        IpAddr::V4(v4) => {
            let bits = u32::from(v4);
            let net = SPECIAL_V4
                .iter()
                .find(|net| (bits ^ net.bits) >> (32 - net.prefix_len) == 0)?;
            Ipv4Net::new(net.bits.into(), net.prefix_len)
                .ok()
                .map(IpNet::V4)
        }
        IpAddr::V6(v6) => {
            let bits = u128::from(v6);
            let eighth = Special {
                bits: bits & EIGHTH,
                prefix_len: 3,
            };
            let net = SPECIAL_V6
                .iter()
                .find(|net| (bits ^ net.bits) >> (128 - net.prefix_len) == 0)
                .or((eighth.bits != PUBLIC).then_some(&eighth))?;
            Ipv6Net::new(net.bits.into(), net.prefix_len)
                .ok()
                .map(IpNet::V6)
        }
    }
}

/// A net as two numbers, which compare faster than an [`IpNet`]; its prefix is never empty
struct Special<Bits> {
    bits: Bits,
    prefix_len: u8,
}

/// The IPv4 address that an IPv6 address leads to by a transition mechanism with a prefix of its own
fn embedded_ipv4(address: IpAddr) -> Option<Ipv4Addr> {
    let IpAddr::V6(v6) = address else { return None };
    let [.., e, f, g, h] = v6.octets();
    let last = Ipv4Addr::new(e, f, g, h);
    match v6.segments() {
        // The unspecified address and the loopback address are themselves (RFC 4291 §2.5.2, §2.5.3)
        [0, 0, 0, 0, 0, 0, 0, 0 | 1] => None,
        // IPv4-compatible (RFC 4291 §2.5.5.1), IPv4-mapped (§2.5.5.2), IPv4-translated (RFC 2765 §2.1)
        [0, 0, 0, 0, 0, 0 | 0xffff, _, _] | [0, 0, 0, 0, 0xffff, 0, _, _] => Some(last),
        // NAT64's well-known prefix (RFC 6052 §2.1)
        [0x64, 0xff9b, 0, 0, 0, 0, _, _] => Some(last),
        // 6to4 (RFC 3056 §2)
        [0x2002, high, low, ..] => Some(Ipv4Addr::from((u32::from(high) << 16) | u32::from(low))),
        // Teredo, whose client address has every bit inverted (RFC 4380 §4)
        [0x2001, 0, ..] => Some(Ipv4Addr::from(!u32::from(last))),
        _ => None,
    }
}

/// The IPv4 address in an ISATAP interface identifier, under whatever prefix (RFC 5214 §6.1)
fn isatap_ipv4(address: IpAddr) -> Option<Ipv4Addr> {
    let IpAddr::V6(v6) = address else { return None };
    let [.., e, f, g, h] = v6.octets();
    match v6.segments() {
        [_, _, _, _, 0 | 0x200, 0x5efe, _, _] => Some(Ipv4Addr::new(e, f, g, h)),
        _ => None,
    }
}

const fn v4(a: u8, b: u8, c: u8, d: u8, prefix_len: u8) -> Special<u32> {
    Special {
        bits: u32::from_be_bytes([a, b, c, d]),
        prefix_len,
    }
}

const fn v6(a: u16, b: u16, c: u16, d: u16, prefix_len: u8) -> Special<u128> {
    v6_host(a, b, c, d, 0, prefix_len)
}

const fn v6_host(a: u16, b: u16, c: u16, d: u16, h: u16, prefix_len: u8) -> Special<u128> {
    Special {
        bits: Ipv6Addr::new(a, b, c, d, 0, 0, 0, h).to_bits(),
        prefix_len,
    }
}

/// The bits that tell one eighth of all IPv6 addresses from the others
const EIGHTH: u128 = 0b111 << 125;
/// 2000::/3: "Global Unicast" (RFC 3587 §3); all else is "Reserved by IETF" or special (IANA's IPv6 address space)
const PUBLIC: u128 = 0b001 << 125;
/// The bits of an IPv6 address outside an embedded IPv4 address
const TWIN_BITS: u8 = 96;

static SPECIAL_V4: [Special<u32>; 19] = [
    v4(0, 0, 0, 0, 8),          // this network (RFC 791)
    v4(10, 0, 0, 0, 8),         // private use (RFC 1918)
    v4(100, 64, 0, 0, 10),      // shared address space (RFC 6598)
    v4(127, 0, 0, 0, 8),        // loopback (RFC 1122)
    v4(169, 254, 0, 0, 16),     // link local (RFC 3927)
    v4(172, 16, 0, 0, 12),      // private use (RFC 1918)
    v4(192, 0, 0, 0, 24),       // IETF protocol assignments (RFC 6890)
    v4(192, 0, 2, 0, 24),       // documentation (RFC 5737)
    v4(192, 31, 196, 0, 24),    // AS112-v4 (RFC 7535)
    v4(192, 52, 193, 0, 24),    // AMT (RFC 7450)
    v4(192, 88, 99, 0, 24),     // deprecated 6to4 relay anycast (RFC 7526)
    v4(192, 168, 0, 0, 16),     // private use (RFC 1918)
    v4(192, 175, 48, 0, 24),    // direct delegation AS112 service (RFC 7534)
    v4(198, 18, 0, 0, 15),      // benchmarking (RFC 2544)
    v4(198, 51, 100, 0, 24),    // documentation (RFC 5737)
    v4(203, 0, 113, 0, 24),     // documentation (RFC 5737)
    v4(224, 0, 0, 0, 4),        // multicast (RFC 5771)
    v4(255, 255, 255, 255, 32), // limited broadcast (RFC 919)
    v4(240, 0, 0, 0, 4),        // reserved (RFC 1112)
];

static SPECIAL_V6: [Special<u128>; 16] = [
    v6_host(0, 0, 0, 0, 1, 128),     // RFC 4291
    v6(0, 0, 0, 0, 128),             // RFC 4291
    v6(0x64, 0xff9b, 1, 0, 48),      // IPv4-IPv6 translation within a network (RFC 8215)
    v6(0x100, 0, 0, 0, 64),          // discard only (RFC 6666)
    v6(0x100, 0, 0, 1, 64),          // dummy prefix (RFC 9780)
    v6(0x2001, 0, 0, 0, 23),         // IETF protocol assignments (RFC 2928), Teredo judged before
    v6(0x2001, 0xdb8, 0, 0, 32),     // documentation (RFC 3849)
    v6(0x2620, 0x4f, 0x8000, 0, 48), // direct delegation AS112 service (RFC 7534)
    v6(0x3fff, 0, 0, 0, 20),         // documentation (RFC 9637)
    v6(0x5f00, 0, 0, 0, 16),         // segment routing identifiers (RFC 9602)
    v6(0xfc00, 0, 0, 0, 7),          // unique local (RFC 4193)
    v6(0xfe80, 0, 0, 0, 10),         // link-local unicast (RFC 4291)
    v6(0xfec0, 0, 0, 0, 10),         // deprecated site-local (RFC 3879)
    v6(0xff00, 0, 0, 0, 8),          // multicast (RFC 4291)
    v6(0x2002, 0, 0, 0, 16),         // 6to4 (RFC 3056), judged before by the embedded address
    v6(0x64, 0xff9b, 0, 0, 96),      // NAT64 (RFC 6052), likewise
];

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(address: &str) -> Option<AddressRefusal> {
        AddressPolicy::default()
            .judge(address.parse().unwrap())
            .err()
    }

    #[test]
    fn public_addresses_may_be_dialled() {
        for address in [
            "1.1.1.1",
            "11.0.0.0",
            "172.32.0.1",
            "192.0.1.1",
            "2606:4700::1111",
            "2001:200::1",
        ] {
            assert_eq!(refusal(address), None, "{address}");
        }
    }

    #[test]
    fn the_first_and_last_address_of_every_special_purpose_net_are_refused() {
        let nets = SPECIAL_V4
            .iter()
            .map(|net| IpNet::V4(Ipv4Net::new(net.bits.into(), net.prefix_len).unwrap()));
        for net in nets {
            assert!(
                AddressPolicy::default().judge(net.network()).is_err(),
                "{net}"
            );
            assert!(
                AddressPolicy::default().judge(net.broadcast()).is_err(),
                "{net}"
            );
        }
        // Of the nets that carry an IPv4 address only the special-purpose ones are refused: tested below
        let transition = |net: &IpNet| {
            net.prefix_len() == 96 || net.addr() == Ipv6Addr::from([0x2002, 0, 0, 0, 0, 0, 0, 0])
        };
        let nets = SPECIAL_V6
            .iter()
            .map(|net| IpNet::V6(Ipv6Net::new(net.bits.into(), net.prefix_len).unwrap()));
        for net in nets.filter(|net| !transition(net)) {
            assert!(
                AddressPolicy::default().judge(net.network()).is_err(),
                "{net}"
            );
            assert!(
                AddressPolicy::default().judge(net.broadcast()).is_err(),
                "{net}"
            );
        }
    }

    #[test]
    fn twins_are_judged_by_the_ipv4_address_in_them() {
        for (special, public) in [
            ("::ffff:10.0.0.1", "::ffff:8.8.8.8"),
            ("::10.0.0.1", "::8.8.8.8"),
            ("::ffff:0:10.0.0.1", "::ffff:0:8.8.8.8"),
            ("64:ff9b::10.0.0.1", "64:ff9b::8.8.8.8"),
            ("2002:a00:1::1", "2002:808:808::1"),
            // Teredo: 10.0.0.1 and 8.8.8.8 with every bit inverted
            ("2001:0:5:6:7:8:f5ff:fffe", "2001:0:5:6:7:8:f7f7:f7f7"),
        ] {
            assert!(
                matches!(
                    refusal(special),
                    Some(AddressRefusal::SpecialPurpose(IpNet::V4(_)))
                ),
                "{special}"
            );
            assert_eq!(refusal(public), None, "{public}");
        }
    }

    #[test]
    fn nothing_of_ipv6_is_dialled_outside_the_public_eighth() {
        for (address, net) in [
            ("::1:0:0", "::/3"),
            ("64:ff9b:2::", "::/3"),
            ("200::1", "::/3"),
            ("400::1", "::/3"),
            ("1fff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "::/3"),
            ("4000::", "4000::/3"),
            ("fe00::1", "e000::/3"),
            ("fec0::1", "fec0::/10"),
        ] {
            let net = AddressRefusal::SpecialPurpose(net.parse().unwrap());
            assert_eq!(refusal(address), Some(net), "{address}");
        }
        assert_eq!(refusal("2000::"), None);
        assert_eq!(refusal("3ffe:ffff:ffff:ffff:ffff:ffff:ffff:ffff"), None);
    }

    #[test]
    fn an_isatap_address_is_judged_by_its_prefix_and_by_the_ipv4_address_in_it() {
        for (address, refused_for) in [
            ("2606:4700::5efe:8.8.8.8", None),
            ("2606:4700::200:5efe:8.8.8.8", None),
            ("2606:4700::5efe:10.0.0.1", Some("10.0.0.0/8")),
            ("2606:4700::200:5efe:10.0.0.1", Some("10.0.0.0/8")),
            ("2606:4700::100:5efe:10.0.0.1", None),
            ("fe80::5efe:8.8.8.8", Some("fe80::/10")),
        ] {
            let expected =
                refused_for.map(|net| AddressRefusal::SpecialPurpose(net.parse().unwrap()));
            assert_eq!(refusal(address), expected, "{address}");
        }
        let mut policy = AddressPolicy::default();
        policy.deny.push("8.8.8.0/24".parse().unwrap());
        policy.allow.push("10.0.0.0/8".parse().unwrap());
        let judge = |address: &str| policy.judge(address.parse().unwrap());
        assert!(judge("2606:4700::5efe:8.8.8.8").is_err());
        assert_eq!(judge("2606:4700::5efe:10.0.0.1"), Ok(()));
    }

    #[test]
    fn a_refusal_names_the_setting_that_decides_it() {
        let net = "10.0.0.0/8".parse().unwrap();
        for (refusal, text) in [
            (
                AddressRefusal::SpecialPurpose(net),
                "in the special-purpose network 10.0.0.0/8; Config::addresses.allow would admit it",
            ),
            (
                AddressRefusal::Denied(net),
                "in the network 10.0.0.0/8, which Config::addresses.deny denies",
            ),
        ] {
            assert_eq!(alloc::string::ToString::to_string(&refusal), text);
        }
    }

    #[test]
    fn the_most_specific_net_decides_and_a_tie_denies() {
        let policy = |allow: &[&str], deny: &[&str]| AddressPolicy {
            allow: allow.iter().map(|net| net.parse().unwrap()).collect(),
            deny: deny.iter().map(|net| net.parse().unwrap()).collect(),
        };
        let ok =
            |policy: &AddressPolicy, address: &str| policy.judge(address.parse().unwrap()).is_ok();

        let nested = policy(&["10.0.0.0/8", "10.1.2.0/24"], &["10.1.0.0/16"]);
        assert!(ok(&nested, "10.0.0.1") && !ok(&nested, "10.1.0.1") && ok(&nested, "10.1.2.1"));
        assert!(!ok(&policy(&["10.0.0.0/8"], &["10.0.0.0/8"]), "10.0.0.1"));
        assert!(!ok(&policy(&[], &["8.8.8.0/24"]), "8.8.8.8"));
        assert!(ok(&policy(&[], &["8.8.8.0/24"]), "8.8.9.8"));
    }

    #[test]
    fn a_net_of_ipv4_addresses_holds_their_twins() {
        let mut policy = AddressPolicy {
            allow: ["::/0".parse().unwrap()].into(),
            deny: ["8.8.8.0/24".parse().unwrap()].into(),
        };
        assert!(policy.judge("::ffff:8.8.8.8".parse().unwrap()).is_err());
        policy.allow = ["8.8.8.8/32".parse().unwrap()].into();
        assert!(policy.judge("64:ff9b::8.8.8.8".parse().unwrap()).is_ok());
    }
}
