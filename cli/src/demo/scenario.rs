//! One line of the demo: a name, the world around it, and what the specification says comes of it.

use std::time::Duration;

use fedway_core::Edition;
use fedway_testkit::world::{Https, Request, WorldPlan};

use crate::report::Report;

/// A name and what comes of it
pub(crate) struct Scenario {
    pub(crate) title: &'static str,
    pub(crate) name: String,
    pub(crate) edition: Edition,
    /// Whether something fails on the way that the specification goes around
    detour: bool,
    world: Vec<Part>,
    expected: Expected,
}

/// What the world has for a name
type Part = Box<dyn Fn(&mut WorldPlan)>;

enum Expected {
    /// A failure of this kind, at this step
    Failure {
        kind: &'static str,
        step: &'static str,
    },
    /// A version, from this address, asked with this `Host` and SNI
    Server {
        step: &'static str,
        address: &'static str,
        host: String,
        sni: Option<String>,
    },
    /// Nothing was said yet
    Nothing,
}

/// Which table of the demo a name belongs to
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Delegation,
    Detour,
    Failure,
}

impl Kind {
    pub(crate) fn title(self) -> &'static str {
        match self {
            Self::Delegation => "delegations",
            Self::Detour => "faults that are gone around",
            Self::Failure => "failures",
        }
    }
}

/// What came of a name, and whether that was a surprise
pub(crate) struct Outcome {
    pub(crate) step: &'static str,
    pub(crate) text: String,
    pub(crate) elapsed: Duration,
    pub(crate) surprise: Option<String>,
}

impl Scenario {
    pub(crate) fn new(title: &'static str, name: &str) -> Self {
        Self {
            title,
            name: name.into(),
            edition: Edition::V1_8,
            detour: false,
            world: Vec::new(),
            expected: Expected::Nothing,
        }
    }

    pub(crate) fn edition(mut self, edition: Edition) -> Self {
        self.edition = edition;
        self
    }

    /// What the world has for this name
    pub(crate) fn with(mut self, part: impl Fn(&mut WorldPlan) + 'static) -> Self {
        self.world.push(Box::new(part));
        self
    }

    /// Addresses of a host, IPv4 or IPv6
    pub(crate) fn host(self, name: &'static str, addresses: &'static [&'static str]) -> Self {
        self.with(move |plan| {
            for address in addresses {
                add_address(plan, name, address);
            }
        })
    }

    /// An SRV record of priority 10 and weight 5
    pub(crate) fn srv(self, owner: &'static str, port: u16, target: &'static str) -> Self {
        self.with(move |plan| {
            plan.srv(owner, 10, 5, port, target);
        })
    }

    /// A server with a certificate for `name`
    pub(crate) fn server(self, address: &'static str, name: &'static str) -> Self {
        self.with(move |plan| plan.https(address, Https::for_name(name)))
    }

    /// A server that delegates, on port 443 of the host's first address
    pub(crate) fn delegates(self, host: &'static str, address: &'static str, to: &str) -> Self {
        let body = format!("{{\"m.server\": \"{to}\"}}");
        self.answers(host, address, move |server| server.well_known(body.clone()))
    }

    /// A web server on port 443 of a host that has this address
    pub(crate) fn answers(
        self,
        host: &'static str,
        address: &'static str,
        how: impl Fn(Https) -> Https + 'static,
    ) -> Self {
        self.with(move |plan| {
            add_address(plan, host, address);
            let socket = match address.contains(':') {
                true => format!("[{address}]:443"),
                false => format!("{address}:443"),
            };
            plan.https(&socket, how(Https::for_name(host)));
        })
    }

    /// Something fails on the way, and the specification goes around it
    pub(crate) fn in_spite_of_it(mut self) -> Self {
        self.detour = true;
        self
    }

    /// The server is found at this address, and asked with the `Host` and SNI that go with them
    pub(crate) fn reaches(
        mut self,
        step: &'static str,
        address: &'static str,
        host: &str,
        sni: Option<&str>,
    ) -> Self {
        let (host, sni) = (host.to_owned(), sni.map(ToOwned::to_owned));
        self.expected = Expected::Server {
            step,
            address,
            host,
            sni,
        };
        self
    }

    /// The search or the request fails
    pub(crate) fn ends(mut self, step: &'static str, kind: &'static str) -> Self {
        self.expected = Expected::Failure { kind, step };
        self
    }

    pub(crate) fn kind(&self) -> Kind {
        match self.expected {
            Expected::Failure { .. } => Kind::Failure,
            Expected::Server { .. } if self.detour => Kind::Detour,
            Expected::Server { .. } | Expected::Nothing => Kind::Delegation,
        }
    }

    pub(crate) fn add_to(&self, plan: &mut WorldPlan) {
        for part in &self.world {
            part(plan);
        }
    }

    /// Compares what was found, and what the servers saw, with what the specification says
    pub(crate) fn judge(
        &self,
        report: &Report,
        elapsed: Duration,
        requests: &[Request],
    ) -> Outcome {
        let surprise = match &self.expected {
            Expected::Failure { kind, step } => judge_failure(report, kind, step),
            Expected::Nothing => Some("nothing is expected".into()),
            Expected::Server {
                step,
                address,
                host,
                sni,
            } => judge_server(report, step, address)
                .or_else(|| judge_request(requests, address, host, sni.as_deref())),
        };
        Outcome {
            step: report.step.unwrap_or("-"),
            text: describe(report),
            elapsed,
            surprise,
        }
    }
}

impl Outcome {
    /// The scenario's own name breaks the grammar
    pub(crate) fn misspelt() -> Self {
        Self {
            step: "-",
            text: String::new(),
            elapsed: Duration::ZERO,
            surprise: Some("no server name".into()),
        }
    }
}

fn judge_failure(report: &Report, kind: &str, step: &str) -> Option<String> {
    let found = report.error.as_ref().map_or("none", |error| error.kind);
    if found != kind {
        return Some(format!("expected error {kind}, found {found}"));
    }
    (report.step != Some(step)).then(|| format!("expected at step {step}"))
}

fn judge_server(report: &Report, step: &str, address: &str) -> Option<String> {
    if report.step != Some(step) || report.connected.as_deref() != Some(address) {
        return Some(format!("expected {address} by step {step}"));
    }
    report
        .version
        .is_none()
        .then(|| "expected a version".into())
}

/// The server itself must have seen one request, with the right `Host` and SNI
fn judge_request(
    requests: &[Request],
    address: &str,
    host: &str,
    sni: Option<&str>,
) -> Option<String> {
    let is_version = |request: &&Request| {
        request.target == "/_matrix/federation/v1/version"
            && request.address.to_string() == address
            && request.host.as_deref() == Some(host)
            && request.sni.as_deref() == sni
    };
    match requests.iter().filter(is_version).count() {
        1 => None,
        count => Some(format!("the server saw {count} requests for Host {host}")),
    }
}

fn describe(report: &Report) -> String {
    if let Some(error) = &report.error {
        return match error.attempts.last() {
            Some(attempt) if error.kind == attempt.kind => innermost(&attempt.message),
            Some(_) | None => error.message.split("; ").next().unwrap_or_default().into(),
        };
    }
    let host = report.host_header.as_deref().unwrap_or("-");
    let address = report.connected.as_deref().unwrap_or("-");
    format!("{address}, Host: {host}")
}

/// The last two causes of a chain: `check` shows all of it, here there is one line
fn innermost(chain: &str) -> String {
    let causes: Vec<_> = chain.split(": ").collect();
    causes[causes.len().saturating_sub(2)..].join(": ")
}

fn add_address(plan: &mut WorldPlan, name: &str, address: &str) {
    if address.contains(':') {
        plan.aaaa(name, address);
    } else {
        plan.a(name, address);
    }
}

/// The documentation networks (RFC 5737, RFC 3849), where the demo's servers seem to be
pub(crate) const NETS: [&str; 3] = ["198.51.100.0/24", "203.0.113.0/24", "2001:db8::/32"];
