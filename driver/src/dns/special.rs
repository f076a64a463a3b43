//! Names that are never asked for.

use fedway_core::DnsName;

/// A name whose answer is fixed, so that no name server hears of it
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Special {
    /// `invalid.` and below: there is no such name (RFC 6761 §6.4)
    Invalid,
    /// `localhost.` and below: the loopback address, and nothing else (RFC 6761 §6.3)
    Localhost,
    /// `onion.` and below: a matter of Tor (RFC 7686 §2)
    Onion,
}

impl Special {
    pub(super) fn of(name: &DnsName) -> Option<Self> {
        if name.is_within("invalid") {
            Some(Self::Invalid)
        } else if name.is_within("localhost") {
            Some(Self::Localhost)
        } else if name.is_within("onion") {
            Some(Self::Onion)
        } else {
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_last_label_makes_a_name_special() {
        for (name, special) in [
            ("localhost", Some(Special::Localhost)),
            ("_matrix._tcp.a.LOCALHOST.", Some(Special::Localhost)),
            ("a.invalid", Some(Special::Invalid)),
            ("a.onion", Some(Special::Onion)),
            ("localhost.example.org", None),
            ("notlocalhost", None),
            ("onion.org", None),
        ] {
            assert_eq!(Special::of(&DnsName::new(name).unwrap()), special, "{name}");
        }
    }
}
