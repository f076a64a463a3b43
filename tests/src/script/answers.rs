//! Who answers what: plain data, written by hand or made up by a program.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use fedway_core::{
    Absence, Answer, ConnectError, DnsName, Family, Host, HttpAnswer, ServerName, SrvRecord,
};

use super::reply::{DnsResult, HttpResult, Peer, Reply, found, none};
use super::verbs::{Connection, Dns, Page};

/// The answers of a small internet
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Answers {
    /// A and AAAA records, by owner
    pub addresses: BTreeMap<(DnsName, Family), Reply<DnsResult<IpAddr>>>,
    /// SRV records, by owner
    pub services: BTreeMap<DnsName, Reply<DnsResult<SrvRecord>>>,
    /// Who accepts connections, and how
    pub peers: BTreeMap<SocketAddr, Peer>,
    /// What is served, by URL: `https`, a lower-case authority without port 443, path and query
    pub pages: BTreeMap<String, Reply<HttpResult>>,
    /// The hosts that a URL was scripted for, each with the address it has if no other is scripted
    pub web_addresses: BTreeMap<DnsName, Ipv4Addr>,
    /// What becomes of everything else
    pub unscripted: Unscripted,
}

/// What becomes of an exchange that no line of a script speaks of
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Unscripted {
    /// A record is absent, a connection refused, a page not found
    #[default]
    Absent,
    /// It never ends
    Silent,
}

/// An SRV record
#[must_use]
pub fn srv(priority: u16, weight: u16, port: u16, target: &str) -> SrvRecord {
    SrvRecord {
        priority,
        weight,
        port,
        target: dns_name(target),
    }
}

impl Answers {
    /// The A records of a host
    pub fn a(&mut self, host: &str) -> Dns<'_, IpAddr> {
        Dns(self.dns(host, Family::V4))
    }

    /// The AAAA records of a host
    pub fn aaaa(&mut self, host: &str) -> Dns<'_, IpAddr> {
        Dns(self.dns(host, Family::V6))
    }

    /// The SRV records of an owner, such as `_matrix-fed._tcp.example.org`
    pub fn srv(&mut self, owner: &str) -> Dns<'_, SrvRecord> {
        let slot = self.services.entry(dns_name(owner));
        Dns(slot.or_insert_with(absent))
    }

    /// Connections to an address and port, TCP and TLS together
    pub fn connect(&mut self, address: &str) -> Connection<'_> {
        let address = address.parse().expect("a script has an address and port");
        Connection(self.peers.entry(address).or_insert_with(Peer::working))
    }

    /// GET of an https URL, over any connection; its host has an address and a web server from now on
    pub fn get(&mut self, url: &str) -> Page<'_> {
        let (authority, target) = split_url(url);
        let host = authority.host().dns_name();
        if let Some(host) = host
            && !self.web_addresses.contains_key(host)
        {
            let next = u8::try_from(self.web_addresses.len() + 1).expect("a script is short");
            let address = Ipv4Addr::new(198, 51, 100, next);
            self.web_addresses.insert(host.clone(), address);
        }
        let page = self.pages.entry(key(authority.as_str(), target));
        Page(page.or_insert_with(|| Reply::new(Ok(HttpAnswer::status(404)))))
    }

    /// GET of a host's `/.well-known/matrix/server`
    pub fn well_known(&mut self, host: &str) -> Page<'_> {
        self.get(&format!("https://{host}/.well-known/matrix/server"))
    }

    fn dns(&mut self, host: &str, family: Family) -> &mut Reply<DnsResult<IpAddr>> {
        let slot = self.addresses.entry((dns_name(host), family));
        slot.or_insert_with(absent)
    }

    /// Fills in what a scripted page needs: an address for its host, and a server there
    ///
    /// A [`Script`](super::Script) does so by itself before it runs.
    #[must_use]
    pub fn settle(mut self) -> Self {
        for (host, address) in self.web_addresses.clone() {
            let has = |family| self.addresses.contains_key(&(host.clone(), family));
            if !has(Family::V4) && !has(Family::V6) {
                let answer = found(vec![IpAddr::V4(address)]);
                self.addresses
                    .insert((host, Family::V4), Reply::new(answer));
            }
        }
        let urls: Vec<_> = self.pages.keys().cloned().collect();
        for (authority, _) in urls.iter().map(|url| split_url(url)) {
            let port = authority.port().unwrap_or(443);
            for address in self.known(authority.host()) {
                let slot = self.peers.entry(SocketAddr::new(address, port));
                slot.or_insert_with(Peer::working);
            }
        }
        self
    }

    fn known(&self, host: &Host) -> Vec<IpAddr> {
        let name = match host {
            Host::Dns(name) => name,
            Host::Ip(address) => return vec![*address],
        };
        [Family::V6, Family::V4]
            .into_iter()
            .filter_map(|family| self.addresses.get(&(name.clone(), family))?.says.as_ref())
            .flat_map(|answer| match answer {
                Ok(Answer::Found { records, .. }) => records.clone(),
                Ok(Answer::Absent { .. }) | Err(_) => Vec::new(),
            })
            .collect()
    }

    pub(crate) fn to_addresses(&self, host: &DnsName, family: Family) -> Reply<DnsResult<IpAddr>> {
        let scripted = self.addresses.get(&(host.clone(), family)).cloned();
        scripted.unwrap_or_else(|| self.otherwise(absent()))
    }

    pub(crate) fn to_srv(&self, owner: &DnsName) -> Reply<DnsResult<SrvRecord>> {
        let scripted = self.services.get(owner).cloned();
        scripted.unwrap_or_else(|| self.otherwise(absent()))
    }

    /// How a connection goes, `verified` or not
    pub(crate) fn to_connect(
        &self,
        address: SocketAddr,
        name: &Host,
        verified: bool,
    ) -> Reply<Result<(), ConnectError>> {
        match self.peers.get(&address) {
            Some(peer) => peer.reply_for(name, verified),
            None => self.otherwise(Reply::new(Err(ConnectError::Refused))),
        }
    }

    pub(crate) fn to_get(&self, authority: &str, target: &str) -> Reply<HttpResult> {
        let scripted = self.pages.get(&key(authority, target)).cloned();
        scripted.unwrap_or_else(|| self.otherwise(Reply::new(Ok(HttpAnswer::status(404)))))
    }

    fn otherwise<T>(&self, reply: Reply<T>) -> Reply<T> {
        match self.unscripted {
            Unscripted::Absent => reply,
            Unscripted::Silent => Reply::never(),
        }
    }
}

fn absent<T>() -> Reply<DnsResult<T>> {
    Reply::new(none(Absence::NoData))
}

fn dns_name(text: &str) -> DnsName {
    DnsName::new(text).expect("a script has a DNS name")
}

/// The authority of a scripted https URL, and its path and query
///
/// # Panics
///
/// If it is none.
#[must_use]
pub fn split_url(url: &str) -> (ServerName, &str) {
    let rest = url
        .strip_prefix("https://")
        .expect("a script has an https URL");
    let (authority, target) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let authority = ServerName::parse(authority).expect("a script's URL has a host");
    (authority, if target.is_empty() { "/" } else { target })
}

fn key(authority: &str, target: &str) -> String {
    let authority = authority.to_ascii_lowercase();
    let authority = authority.strip_suffix(":443").unwrap_or(&authority);
    format!("https://{authority}{target}")
}
