//! What is said of a target, or an address of it, that could not be used.

use alloc::format;
use alloc::string::{String, ToString};
use core::net::{IpAddr, SocketAddr};

use super::case::Case;
use super::catalog::Code;
use super::finding::{Finding, Level};
use crate::address::AddressRefusal;
use crate::answer::{Absence, FieldName};
use crate::edition::Route;
use crate::error::{AttemptError, Chain, ConnectError, DnsError, WellKnownError};
use crate::found::Warning;
use crate::name::{DnsName, Host};

impl Case<'_> {
    /// Why a target, or an address of it, could not be used
    pub(super) fn unreachable(
        &self,
        host: &Host,
        address: Option<SocketAddr>,
        error: &AttemptError,
    ) -> Finding {
        let at = address.map_or_else(|| host.to_string(), |it| it.to_string());
        let (code, seen, remedy) = match error {
            AttemptError::AddressRefused(AddressRefusal::Denied(net)) => (
                Code::OurFailure,
                format!("{at} is in the network {net}, which --deny-net denies here"),
                "leave that flag out".into(),
            ),
            AttemptError::AddressRefused(refusal) => (
                Code::AddressRefused,
                match host {
                    Host::Ip(_) => format!(
                        "{at} is an address where nobody on the internet can reach it ({refusal})"
                    ),
                    Host::Dns(_) => format!(
                        "{host} leads to {at}, where nobody on the internet can reach it ({refusal})"
                    ),
                },
                match host {
                    Host::Dns(_) if address.is_some_and(|it| is_tunnel(it.ip())) => format!(
                        "switch the record of {host} to Proxied (orange cloud) at Cloudflare: this is the inside of a tunnel of theirs"
                    ),
                    Host::Dns(_) if address.is_some_and(|it| is_shared(it.ip())) => format!(
                        "give {host} another address: this one is of a provider's own network (carrier-grade NAT) or a VPN such as Tailscale; without a public IPv4 address, IPv6 or a tunnel is left"
                    ),
                    Host::Dns(name) if name.as_str() == "localhost" && host != self.name.host() => {
                        "write the public name and the port of the server in m.server: localhost is the own machine of whoever reads it".into()
                    }
                    Host::Ip(_) if host != self.name.host() => {
                        "write a public address, or a name, in m.server".into()
                    }
                    Host::Ip(_) => {
                        "use a public address; within a network of your own, --allow-net allows it"
                            .into()
                    }
                    Host::Dns(_) => format!(
                        "publish a public address for {host}; if DNS elsewhere has one, this machine's /etc/hosts or name server says otherwise: try --dns 9.9.9.9, or another machine"
                    ),
                },
            ),
            AttemptError::NoAddress(absence) => self.no_address(host, *absence),
            AttemptError::Dns(DnsError::OutOfResources) => out_of_resources(),
            AttemptError::Dns(error) if is_of_our_name_server(error) => (
                Code::OurFailure,
                format!(
                    "the name server that this machine asks does not answer for {host} ({error})"
                ),
                "look at /etc/resolv.conf, or ask another with --dns".into(),
            ),
            AttemptError::Dns(DnsError::Unreachable) => (
                Code::OurFailure,
                format!(
                    "this machine reaches none of its name servers, so that {host} could not be looked up"
                ),
                "look at its network, and at /etc/resolv.conf or --dns".into(),
            ),
            AttemptError::Dns(error) => (
                Code::DnsFailure,
                format!(
                    "the addresses of {host} could not be looked up: {}",
                    dns_in_words(error)
                ),
                dns_remedy(error, host),
            ),
            AttemptError::FamilyOff(family) => (
                Code::FamilyOff,
                format!("{at} is an address of {family}, which is switched off here"),
                "leave out --ipv4 or --ipv6".into(),
            ),
            AttemptError::TooManyAttempts { limit } => (
                Code::SrvTooMany,
                format!("{at} was not tried, after {limit} others that failed"),
                "publish fewer addresses and records, and such as work".into(),
            ),
            AttemptError::Connect(error) => self.connection(host, address, &at, error),
        };
        let is_ours_alone = code == Code::FamilyNotHere;
        let level = if is_ours_alone {
            Level::Notice
        } else {
            Level::Error
        };
        Finding::new(code, level, seen, remedy)
    }

    /// What is to be changed if the server listens at another port than this
    fn elsewhere(&self) -> String {
        let well_known = self.notes.well_known.as_ref();
        let delegated = well_known.and_then(|it| it.delegated.as_ref());
        match (self.destination.map(|it| it.route), delegated) {
            (Some(Route::Srv(_) | Route::DelegatedSrv(_)), _) => {
                let owner = self.srv_owner();
                let owner = owner.map(|it| format!(" {it}")).unwrap_or_default();
                format!("; or, if it is at another host or port, correct the SRV record{owner}")
            }
            (Some(Route::Fallback), _) => {
                let (host, redirects) = (self.name.host(), self.redirects());
                let before = if redirects.is_empty() {
                    ""
                } else {
                    " itself, before it redirects"
                };
                format!(
                    "; or, if it listens elsewhere, serve {{\"m.server\": \"HOST:PORT\"}} at https://{host}/.well-known/matrix/server{before}"
                )
            }
            (_, Some(delegated)) => format!(
                "; or, if it listens elsewhere, correct m.server in .well-known, which says {delegated}"
            ),
            (Some(_) | None, None) => ", or ask for the port that it listens on".into(),
        }
    }

    /// Whether the web server of the name is Cloudflare's, which is then what stands at the name's addresses
    fn is_behind_cloudflare(&self) -> bool {
        let server = self
            .response
            .and_then(|it| it.values(FieldName::Server).next());
        let is_fallback = self.destination.map(|it| it.route) == Some(Route::Fallback);
        is_fallback && self.redirects().is_empty() && server == Some(b"cloudflare")
    }

    /// That nothing leads elsewhere from the name, where its own host is the last resort
    fn undelegated(&self) -> String {
        if self.destination.map(|it| it.route) != Some(Route::Fallback) {
            return String::new();
        }
        let host = self.name.host();
        let well_known = self.notes.well_known.as_ref();
        let url = format!("https://{host}/.well-known/matrix/server");
        let url = match self.redirects().last() {
            Some(last) => format!("{url} redirects to {last}, which"),
            None => url,
        };
        let state = match well_known.and_then(|it| it.error.as_ref()) {
            Some(WellKnownError::Status(status)) => format!("{url} answers {status}"),
            Some(WellKnownError::Unreachable { cause, .. }) => match cause {
                AttemptError::Connect(ConnectError::Refused) if self.redirects().is_empty() => {
                    format!(
                        "nothing listens on port 443 of {host} either, and plain http does not count"
                    )
                }
                AttemptError::AddressRefused(_)
                | AttemptError::Connect(_)
                | AttemptError::Dns(_)
                | AttemptError::FamilyOff(_)
                | AttemptError::NoAddress(_)
                | AttemptError::TooManyAttempts { .. } => {
                    format!("{url} cannot be had ({})", Chain(cause))
                }
            },
            Some(
                WellKnownError::Body(_)
                | WellKnownError::Fetch(_)
                | WellKnownError::Redirect { .. }
                | WellKnownError::TimedOut,
            )
            | None => return String::new(),
        };
        let is_unanswered = |it: &Warning| matches!(it, Warning::SrvUnanswered { .. });
        let srv = if self.notes.warnings.iter().any(is_unanswered) {
            String::new()
        } else {
            format!(", and there is no SRV record {}", self.service())
        };
        format!("; nothing leads elsewhere: {state}{srv}")
    }

    pub(super) fn redirects(&self) -> &[String] {
        let well_known = self.notes.well_known.as_ref();
        well_known.map(|it| &*it.redirects).unwrap_or_default()
    }

    /// The SRV record that the name should have, if it is to have one
    fn service(&self) -> String {
        let services = self.destination.map(|it| it.edition.rules().services);
        let service = services.and_then(|it| it.first());
        let label = service.map_or("_matrix-fed._tcp", |it| it.label);
        format!("{label}.{}", self.name.host())
    }

    /// The SRV record that a target is from
    pub(super) fn srv_owner(&self) -> Option<DnsName> {
        let destination = self.destination?;
        let (Route::Srv(index) | Route::DelegatedSrv(index)) = destination.route else {
            return None;
        };
        let services = destination.edition.rules().services;
        let host = destination.tls_name.dns_name()?;
        Some(host.below(services.get(usize::from(index))?.label))
    }

    fn no_address(&self, host: &Host, absence: Absence) -> (Code, String, String) {
        if host == self.name.host() {
            let doubt = match absence {
                Absence::NoSuchName => {
                    " (but first see that it is spelt right, and that its domain has not expired)"
                }
                Absence::NoData => "",
            };
            let record = format!("give {host} an A or AAAA record{doubt}");
            let (seen, remedy) = match self.name.port() {
                Some(_) => (format!("{host} has no address in DNS ({absence})"), record),
                None => (
                    format!(
                        "{host} has no address in DNS ({absence}), and no delegation leads elsewhere"
                    ),
                    format!(
                        "{record}; or delegate, with .well-known on a web server there or an SRV record {}",
                        self.service()
                    ),
                ),
            };
            return (Code::NoAddress, seen, remedy);
        }
        let has_no_address = format!("{host}, which has no address in DNS ({absence})");
        let (seen, remedy) = match self.srv_owner() {
            Some(owner) => {
                let seen = format!("the SRV record {owner} names {has_no_address}");
                let remedy = match self.without_zone_twice(host) {
                    Some(meant) => format!(
                        "write the target of that record as \"{meant}.\", with a dot at its end: without it, the zone is added"
                    ),
                    None => format!(
                        "correct the target of that record, or give {host} an A or AAAA record"
                    ),
                };
                (seen, remedy)
            }
            None => {
                let is_local = host.dns_name().is_some_and(|it| !it.as_str().contains('.'));
                let remedy = if is_local {
                    format!(
                        "write in m.server the public name and the port at which the proxy answers with TLS, such as matrix.{}:443: {host} is a name that only a network of yours knows, such as that of a container",
                        self.name.host()
                    )
                } else {
                    format!(
                        "correct m.server in .well-known, or give {host} an A or AAAA record (or, if it is a CNAME, correct the name that it points to)"
                    )
                };
                let seen = format!(
                    "m.server in .well-known of {} says {has_no_address}",
                    self.name.host()
                );
                (seen, remedy)
            }
        };
        (Code::DelegatedNameHasNoAddress, seen, remedy)
    }

    /// The name that a target was meant to be, where the zone stands behind it twice
    fn without_zone_twice<'b>(&self, target: &'b Host) -> Option<&'b str> {
        let zone = self.destination?.tls_name.dns_name()?.as_str();
        let meant = target.dns_name()?.as_str().strip_suffix(zone)?;
        let meant = meant.strip_suffix('.')?;
        let is_within = |rest: &str| rest.is_empty() || rest.ends_with('.');
        meant
            .strip_suffix(zone)
            .is_some_and(is_within)
            .then_some(meant)
    }

    fn connection(
        &self,
        host: &Host,
        address: Option<SocketAddr>,
        at: &str,
        error: &ConnectError,
    ) -> (Code, String, String) {
        let port = address.map_or(8_448, |address| address.port());
        match error {
            ConnectError::Refused => (
                Code::PortClosed,
                format!("{at} refuses the connection: nothing listens there, or a router or firewall turns it away{}", self.undelegated()),
                format!("start the homeserver or its proxy on port {port} of {host}{}, listening on all addresses and not on 127.0.0.1 alone, with the port forwarded to it by a router and published by a container, where there is one{}", doubt(host, address), self.elsewhere()),
            ),
            ConnectError::TimedOut => (
                Code::NoAnswer,
                format!("there is no TLS with {at} in time: a firewall drops everything, or what listens there does not answer{}", self.undelegated()),
                if self.is_behind_cloudflare() {
                    format!("serve {{\"m.server\": \"HOST:PORT\"}} at https://{host}/.well-known/matrix/server, with a name that is DNS only (grey cloud), or with {host}:443: Cloudflare, which stands before {host}, passes no port {port}")
                } else {
                    format!("open port {port} in the firewall and the router of {host}{}, and look at what listens there{}", doubt(host, address), self.elsewhere())
                },
            ),
            ConnectError::Reset => (
                Code::ConnectionCut,
                format!("{at} accepts connections and resets them before TLS is up"),
                format!("look at what listens on port {port} of {host}: Docker, whose container has nothing on the port that is published; a firewall; or a proxy that does not know the name"),
            ),
            ConnectError::Closed | ConnectError::TooMuchData { .. } => (
                Code::ConnectionCut,
                format!("{at} accepts connections and closes them before TLS is up ({error})"),
                format!("look at what listens on port {port} of {host}: a proxy that does not know the name, a firewall, something that speaks no TLS, or a listener that waits for the PROXY protocol of a load balancer (nginx: proxy_protocol), which is to be taken off there"),
            ),
            ConnectError::Unreachable if address.is_some_and(|it| it.is_ipv6()) => (
                Code::FamilyNotHere,
                format!("this machine has no way to {at}, and IPv6 perhaps not at all"),
                "nothing has to be changed at the server for that; try again from a machine with IPv6".into(),
            ),
            ConnectError::Unreachable | ConnectError::Other(_) => (
                Code::Unreachable,
                format!("there is no way to {at} from here ({error})"),
                format!("check that {at} is the address of {host}, and the routes to it; a firewall that rejects looks the same: open port {port}"),
            ),
            ConnectError::OutOfResources => out_of_resources(),
            ConnectError::Tls(error) => self.tls(host, at, port, error),
        }
    }
}

/// That an address may be the server's no more
fn doubt(host: &Host, address: Option<SocketAddr>) -> String {
    match (host, address) {
        (Host::Dns(_), Some(address)) => format!(
            ", if {} is still its address (else correct that in DNS) and the machine is on",
            address.ip()
        ),
        (Host::Dns(_) | Host::Ip(_), _) => String::new(),
    }
}

/// Whether it is an address of the inside of a Cloudflare tunnel, as `cfargotunnel.com` has them
fn is_tunnel(address: IpAddr) -> bool {
    matches!(address, IpAddr::V6(ip) if ip.segments()[..3] == [0xfd10, 0xaec2, 0x5dae])
}

/// RFC 6598 §7
fn is_shared(address: IpAddr) -> bool {
    matches!(address, IpAddr::V4(ip) if ip.octets()[0] == 100 && ip.octets()[1] & 0xc0 == 64)
}

/// Whether it is the name server asked that does not answer for anybody like us, or is told not to
fn is_of_our_name_server(error: &DnsError) -> bool {
    match error {
        DnsError::Refused | DnsError::Referral => true,
        // Blocked, Censored, Filtered and Prohibited (RFC 8914 §4.16 to §4.19)
        DnsError::Explained { reason, .. } => (15..=18).contains(&reason.0),
        DnsError::AliasLoop
        | DnsError::Malformed
        | DnsError::NotEncodable
        | DnsError::Onion
        | DnsError::OutOfResources
        | DnsError::ResponseCode(_)
        | DnsError::ServFail
        | DnsError::TimedOut
        | DnsError::Unreachable => false,
    }
}

/// What is to be changed where DNS could not answer
pub(super) fn dns_remedy(error: &DnsError, host: &Host) -> String {
    match error {
        DnsError::AliasLoop => {
            format!("correct the CNAME records of {host}: they lead back to themselves")
        }
        // What cannot be verified (RFC 8914 §4.2, §4.3, §4.6 to §4.13)
        DnsError::Explained { reason, .. } if matches!(reason.0, 1 | 2 | 5..=12) => format!(
            "correct DNSSEC of the zone of {host}: sign it anew, or correct or delete its DS record at the registrar"
        ),
        // No Reachable Authority, Network Error (RFC 8914 §4.23, §4.24)
        DnsError::Explained { reason, .. } if matches!(reason.0, 22 | 23) => format!(
            "see to it that the name servers of the zone of {host} run and answer, and that the NS records in the zone above it (of a domain, at the registrar) are theirs"
        ),
        DnsError::Explained { .. }
        | DnsError::Malformed
        | DnsError::NotEncodable
        | DnsError::Onion
        | DnsError::OutOfResources
        | DnsError::Referral
        | DnsError::Refused
        | DnsError::ResponseCode(_)
        | DnsError::ServFail
        | DnsError::TimedOut
        | DnsError::Unreachable => {
            format!(
                "look at the name servers of the zone of {host}, and at its DNSSEC; then try again"
            )
        }
    }
}

/// A failure of DNS, with what it means
pub(super) fn dns_in_words(error: &DnsError) -> String {
    let meaning = match error {
        DnsError::ServFail => " (it could not get an answer itself, or not verify one)",
        DnsError::Refused => " (it does not answer for this name, or not to this machine)",
        DnsError::TimedOut => " (no name server answers; or this machine's network is at fault)",
        DnsError::AliasLoop
        | DnsError::Explained { .. }
        | DnsError::Malformed
        | DnsError::NotEncodable
        | DnsError::Onion
        | DnsError::OutOfResources
        | DnsError::Referral
        | DnsError::ResponseCode(_)
        | DnsError::Unreachable => "",
    };
    format!("{error}{meaning}")
}

fn out_of_resources() -> (Code, String, String) {
    (
        Code::OurFailure,
        "this machine has run out of files, ports or memory for sockets, which says nothing of the server".into(),
        "try again with fewer --jobs".into(),
    )
}
