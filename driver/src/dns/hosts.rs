//! The hosts file, which is read before DNS is asked.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::path::Path;
use std::time::Duration;

use fedway_core::{Absence, Answer, DnsName, Family};

use super::chain::MAX_RECORDS;
use super::config::{ConfigError, read_if_present};
use super::special::Special;

/// The names of a hosts file (hosts(5))
///
/// Read once, when it is made. A line that cannot be understood is passed over, and so is a name
/// that is [special](super), since its answer is fixed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Hosts {
    names: BTreeMap<DnsName, Vec<IpAddr>>,
}

impl Hosts {
    /// Reads a file; one that is not there holds no names
    ///
    /// # Errors
    ///
    /// If the file is there and cannot be read.
    pub fn read(path: &Path) -> Result<Self, ConfigError> {
        Ok(Self::parse(&read_if_present(path)?.unwrap_or_default()))
    }

    /// Reads the bytes of a file: lines of an address, a name and its aliases
    #[must_use]
    pub fn parse(text: &[u8]) -> Self {
        let mut hosts = Self::default();
        for line in text.split(|byte| *byte == b'\n') {
            // A line's comment need not be UTF-8
            let line = line.split(|byte| *byte == b'#').next().unwrap_or_default();
            if let Ok(line) = str::from_utf8(line) {
                hosts.add_line(line);
            }
        }
        for addresses in hosts.names.values_mut() {
            let mut seen = BTreeSet::new();
            addresses.retain(|address| seen.insert(*address));
        }
        hosts
    }

    /// The addresses of one family, if the file has the name; they are never to be cached
    ///
    /// The first 64 are given, as of a response of DNS.
    ///
    /// A name that the file has in the other family only is without data in this one, and DNS is not
    /// asked: getaddrinfo(3) of glibc does the same when it is asked for both families, as a search
    /// does in two look-ups.
    #[must_use]
    pub fn look_up(&self, host: &DnsName, family: Family) -> Option<Answer<IpAddr>> {
        let addresses = self.names.get(host)?;
        let of_family = addresses.iter().filter(|address| match family {
            Family::V4 => address.is_ipv4(),
            Family::V6 => address.is_ipv6(),
        });
        let records: Vec<_> = of_family.copied().take(MAX_RECORDS).collect();
        let ttl = Duration::ZERO;
        Some(if records.is_empty() {
            Answer::absent(Absence::NoData, Some(ttl))
        } else {
            Answer::found(records, ttl)
        })
    }

    fn add_line(&mut self, line: &str) {
        let mut fields = line.split_ascii_whitespace();
        let Some(Ok(address)) = fields.next().map(str::parse::<IpAddr>) else {
            return;
        };
        for name in fields.filter_map(|field| DnsName::new(field).ok()) {
            if Special::of(&name).is_some() {
                continue;
            }
            self.names.entry(name).or_default().push(address);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_aliases_are_found_whatever_their_case() {
        let hosts = Hosts::parse(b"192.0.2.1 Example.org  www.EXAMPLE.org. short # comment\n");
        for name in ["example.org", "www.example.org", "SHORT"] {
            assert_eq!(
                look_up(&hosts, name, Family::V4),
                found(&["192.0.2.1"]),
                "{name}"
            );
        }
        assert_eq!(look_up(&hosts, "comment", Family::V4), None);
        assert_eq!(look_up(&hosts, "org", Family::V4), None);
    }

    #[test]
    fn a_name_of_several_lines_has_all_their_addresses_once() {
        let hosts = Hosts::parse(b"192.0.2.1 a\n2001:db8::1 a\n192.0.2.2 a b\n192.0.2.1\ta");
        assert_eq!(
            look_up(&hosts, "a", Family::V4),
            found(&["192.0.2.1", "192.0.2.2"])
        );
        assert_eq!(look_up(&hosts, "a", Family::V6), found(&["2001:db8::1"]));
    }

    /// A block list has lines like these the other way around; comparing each address with each would take 800 million steps
    #[test]
    fn a_name_may_have_forty_thousand_addresses_and_the_first_are_given() {
        let address = |number: u32| std::net::Ipv4Addr::from(0x0a00_0000 + number);
        let lines = (0..80_000).map(|line| format!("{} a\n", address(line % 40_000)));
        let hosts = Hosts::parse(lines.collect::<String>().as_bytes());
        assert_eq!(hosts.names.values().next().unwrap().len(), 40_000);
        let Some(Answer::Found { records, .. }) = look_up(&hosts, "a", Family::V4) else {
            panic!("not found")
        };
        let first: Vec<IpAddr> = (0..64).map(|number| address(number).into()).collect();
        assert_eq!(records, first);
    }

    #[test]
    fn a_name_with_one_family_has_no_data_in_the_other() {
        let hosts = Hosts::parse(b"192.0.2.1 a\n");
        let absent = Answer::absent(Absence::NoData, Some(Duration::ZERO));
        assert_eq!(look_up(&hosts, "a", Family::V6), Some(absent));
    }

    #[test]
    fn what_cannot_be_understood_is_passed_over() {
        let hosts = Hosts::parse(
            b"127.1 a\nfe80::1%eth0 b\n\n192.0.2.1\n# \xff\n192.0.2.1 c # \xff\n\xff d\n",
        );
        assert_eq!(hosts, Hosts::parse(b"192.0.2.1 c"));
    }

    #[test]
    fn special_names_are_not_taken_from_the_file() {
        let hosts = Hosts::parse(b"192.0.2.1 localhost a.localhost b.onion c.invalid\n");
        assert_eq!(hosts, Hosts::default());
    }

    #[test]
    fn a_file_that_is_not_there_holds_no_names() {
        assert_eq!(
            Hosts::read(Path::new("/nonexistent/hosts")),
            Ok(Hosts::default())
        );
    }

    fn look_up(hosts: &Hosts, name: &str, family: Family) -> Option<Answer<IpAddr>> {
        hosts.look_up(&DnsName::new(name).unwrap(), family)
    }

    fn found(addresses: &[&str]) -> Option<Answer<IpAddr>> {
        let records = addresses
            .iter()
            .map(|address| address.parse().unwrap())
            .collect();
        Some(Answer::found(records, Duration::ZERO))
    }
}
