//! Special-purpose addresses, from the IANA registries once more.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::LazyLock;

use fedway_core::{AddressRefusal, IpNet};
use fedway_testkit::script::DOCUMENTATION;

use super::world::World;

/// Which addresses may be dialled in a world
pub(super) struct Judge {
    allow: Vec<IpNet>,
    deny: Vec<IpNet>,
}

impl Judge {
    pub(super) fn new(world: &World) -> Self {
        let allow = DOCUMENTATION.iter().map(|net| parse(net)).collect();
        let deny = world.deny.iter().map(|net| parse(net)).collect();
        Self { allow, deny }
    }

    /// "refused before any Connect …; allow and deny nets override, most specific first"
    pub(super) fn judge(&self, address: IpAddr) -> Result<(), AddressRefusal> {
        let twin = twin(address);
        // The embedded address says more than the prefix it is embedded in
        for address in [twin, Some(address)].into_iter().flatten() {
            for bits in (0..=128).rev() {
                let holds = |net: &&IpNet| net.prefix_len() == bits && net.contains(&address);
                if let Some(net) = self.deny.iter().find(holds) {
                    return Err(AddressRefusal::Denied(*net));
                }
                if self.allow.iter().any(|net| holds(&net)) {
                    return Ok(());
                }
            }
        }
        // A prefix that only says that there is an IPv4 address inside is not looked at itself
        let own = if has_prefix_of_twins(address) {
            None
        } else {
            Some(address)
        };
        for judged in [own, twin].into_iter().flatten() {
            for net in NETS.iter() {
                if net.contains(&judged) {
                    return Err(AddressRefusal::SpecialPurpose(*net));
                }
            }
        }
        Ok(())
    }
}

/// The IPv4 address inside: v4-mapped, v4-compatible, v4-translated, 6to4, NAT64, Teredo; or ISATAP
fn twin(address: IpAddr) -> Option<IpAddr> {
    let IpAddr::V6(v6) = address else {
        return None;
    };
    let bits = v6.to_bits();
    let low = bits as u32;
    if v6 == Ipv6Addr::LOCALHOST || v6 == Ipv6Addr::UNSPECIFIED {
        return None;
    }
    let place = LazyLock::force(&TWINS)
        .iter()
        .find(|(net, _)| net.contains(&address));
    let v4 = match place {
        Some((_, Place::High)) => (bits >> 80) as u32,
        Some((_, Place::Low)) => low,
        Some((_, Place::LowInverted)) => !low,
        // "00-00-5E-FE" or "02-00-5E-FE" before the address (RFC 5214)
        None if (bits >> 32) as u32 & !0x0200_0000 == 0x5efe => low,
        None => return None,
    };
    Some(Ipv4Addr::from_bits(v4).into())
}

fn has_prefix_of_twins(address: IpAddr) -> bool {
    let is_twin = |(net, _): &(IpNet, Place)| net.contains(&address);
    twin(address).is_some() && TWINS.iter().any(is_twin)
}

fn parse(net: &str) -> IpNet {
    net.parse().expect("the constants hold networks")
}

/// Where in an IPv6 address the IPv4 address is
enum Place {
    High,
    Low,
    LowInverted,
}

static TWINS: LazyLock<[(IpNet, Place); 6]> = LazyLock::new(|| {
    [
        (parse("::/96"), Place::Low),
        (parse("::ffff:0:0/96"), Place::Low),
        (parse("::ffff:0:0:0/96"), Place::Low),
        (parse("64:ff9b::/96"), Place::Low),
        (parse("2002::/16"), Place::High),
        (parse("2001::/32"), Place::LowInverted),
    ]
});

static NETS: LazyLock<Vec<IpNet>> =
    LazyLock::new(|| SPECIAL.iter().map(|net| parse(net)).collect());

const SPECIAL: [&str; 38] = [
    "0.0.0.0/8",
    "10.0.0.0/8",
    "100.64.0.0/10",
    "127.0.0.0/8",
    "169.254.0.0/16",
    "172.16.0.0/12",
    "192.0.0.0/24",
    "192.0.2.0/24",
    "192.88.99.0/24",
    "192.168.0.0/16",
    "198.18.0.0/15",
    "198.51.100.0/24",
    "203.0.113.0/24",
    "224.0.0.0/4",
    "255.255.255.255/32",
    "240.0.0.0/4",
    "192.31.196.0/24",
    "192.52.193.0/24",
    "192.175.48.0/24",
    "::1/128",
    "::/128",
    "64:ff9b:1::/48",
    "100::/64",
    "2001::/23",
    "2001:db8::/32",
    "3fff::/20",
    "5f00::/16",
    "fc00::/7",
    "fe80::/10",
    "fec0::/10",
    "ff00::/8",
    "::/3",
    "4000::/3",
    "6000::/3",
    "8000::/3",
    "a000::/3",
    "c000::/3",
    "e000::/3",
];
