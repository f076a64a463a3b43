//! One scenario: a name, the world around it, and what the specification says comes of it.

use std::net::SocketAddr;
use std::time::Duration;

use fedway_core::{Config, Edition, ServerName};

use crate::script;
use crate::world::https::VERSION;
use crate::world::{Https, Request, WorldPlan};

/// A name, the world around it, and what the specification says comes of it.
#[expect(
    missing_debug_implementations,
    reason = "what it adds to a plan is code"
)]
pub struct Scenario {
    /// What is tried, in a few words.
    pub title: &'static str,
    /// The name to search for.
    pub name: ServerName,
    /// The edition it is searched for by.
    pub edition: Edition,
    /// Which table it belongs to.
    pub kind: Kind,
    parts: Vec<Part>,
    expected: Expected,
}

/// What kind of end a scenario comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The server is found.
    Delegation,
    /// Something fails on the way, the specification goes around it, and the server is found.
    Detour,
    /// The search fails, or the server does.
    Failure,
}

/// What came of a scenario.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Ended<'a> {
    /// The number of the step that led to the server, or that the search had reached.
    pub step: Option<&'a str>,
    /// Where the server was connected to.
    pub address: Option<SocketAddr>,
    /// The [name](fedway_core::DiscoveryErrorKind::name) of the kind of error; `version` where the server was found and
    /// did not tell its version.
    pub error: Option<&'a str>,
}

impl Scenario {
    /// The configuration to search with: the defaults, but for the networks of the world and for deadlines that a person
    /// can wait for.
    pub fn config(&self) -> Config {
        let mut config = script::config();
        config.edition = self.edition;
        config.deadlines.dns = EXCHANGE;
        config.deadlines.connect = EXCHANGE;
        config.deadlines.well_known = 2 * EXCHANGE;
        config.deadlines.search = SEARCH;
        config
    }

    /// Puts down what the world has for this name.
    pub fn add_to(&self, plan: &mut WorldPlan) {
        for part in &self.parts {
            part(plan);
        }
    }

    /// Compares what came of it, and the requests that the world has seen, with what the specification says; in words,
    /// what is wrong.
    pub fn judge(&self, ended: &Ended<'_>, requests: &[Request]) -> Result<(), String> {
        match &self.expected {
            Expected::Failure { step, error } => {
                let expected = (Some(*step), Some(*error));
                if (ended.step, ended.error) != expected {
                    return Err(format!("expected the error {error} at step {step}"));
                }
                Ok(())
            }
            Expected::Server {
                step,
                address,
                host,
            } => {
                if (ended.step, ended.address) != (Some(*step), Some(*address)) {
                    return Err(format!("expected {address} by step {step}"));
                }
                if let Some(error) = ended.error {
                    return Err(format!("expected a version, found the error {error}"));
                }
                self.judge_requests(requests, *address, host)
            }
        }
    }

    /// The server itself must have seen one request, with the right `Host` and server name indication.
    fn judge_requests(
        &self,
        requests: &[Request],
        address: SocketAddr,
        host: &ServerName,
    ) -> Result<(), String> {
        let sni = host.host().dns_name().map(ToString::to_string);
        let is_version = |request: &&Request| {
            request.target == VERSION
                && request.address == address
                && request.host.as_deref() == Some(host.as_str())
                && request.sni == sni
        };
        match requests.iter().filter(is_version).count() {
            1 => Ok(()),
            count => Err(format!("the server saw {count} requests for Host {host}")),
        }
    }
}

/// What the world has for a name.
type Part = Box<dyn Fn(&mut WorldPlan)>;

enum Expected {
    /// An error of this kind, at this step.
    Failure {
        step: &'static str,
        error: &'static str,
    },
    /// A version from this address, asked with this `Host` and the server name indication that goes with it.
    Server {
        step: &'static str,
        address: SocketAddr,
        host: ServerName,
    },
}

/// A scenario of which the end is not said yet.
pub(super) struct Setting {
    title: &'static str,
    name: String,
    edition: Edition,
    is_detour: bool,
    parts: Vec<Part>,
}

impl Setting {
    pub(super) fn new(title: &'static str, name: &str) -> Self {
        Self {
            title,
            name: name.into(),
            edition: Edition::V1_8,
            is_detour: false,
            parts: Vec::new(),
        }
    }

    pub(super) fn edition(mut self, edition: Edition) -> Self {
        self.edition = edition;
        self
    }

    /// What the world has for this name
    pub(super) fn with(mut self, part: impl Fn(&mut WorldPlan) + 'static) -> Self {
        self.parts.push(Box::new(part));
        self
    }

    /// Addresses of a host, of either family
    pub(super) fn host(self, name: &'static str, addresses: &'static [&'static str]) -> Self {
        self.with(move |plan| {
            for address in addresses {
                plan.address(name, address);
            }
        })
    }

    /// An SRV record of priority 10 and weight 5
    pub(super) fn srv(self, owner: &'static str, port: u16, target: &'static str) -> Self {
        self.with(move |plan| {
            plan.srv(owner, 10, 5, port, target);
        })
    }

    /// A server with a certificate for `name`
    pub(super) fn server(self, address: &'static str, name: &'static str) -> Self {
        self.with(move |plan| plan.https(address, Https::for_name(name)))
    }

    /// A server that delegates, on port 443 of a host
    pub(super) fn delegates(self, host: &'static str, address: &'static str, to: &str) -> Self {
        let body = format!("{{\"m.server\": \"{to}\"}}");
        self.answers(host, address, move |server| server.well_known(body.clone()))
    }

    /// A server on port 443 of a host
    pub(super) fn answers(
        self,
        host: &'static str,
        address: &'static str,
        how: impl Fn(Https) -> Https + 'static,
    ) -> Self {
        self.with(move |plan| plan.web(host, address, how(Https::for_name(host))))
    }

    /// Something fails on the way, and the specification goes around it
    pub(super) fn in_spite_of_it(mut self) -> Self {
        self.is_detour = true;
        self
    }

    /// The server is found at this address, and asked with this `Host`
    pub(super) fn reaches(self, step: &'static str, address: &str, host: &str) -> Scenario {
        let kind = match self.is_detour {
            true => Kind::Detour,
            false => Kind::Delegation,
        };
        let expected = Expected::Server {
            step,
            address: address.parse().expect("the table holds addresses"),
            host: host.parse().expect("a Host header is a server name"),
        };
        self.ending(kind, expected)
    }

    /// The search fails, or the request
    pub(super) fn fails(self, step: &'static str, error: &'static str) -> Scenario {
        self.ending(Kind::Failure, Expected::Failure { step, error })
    }

    fn ending(self, kind: Kind, expected: Expected) -> Scenario {
        Scenario {
            title: self.title,
            name: self.name.parse().expect("the table holds server names"),
            edition: self.edition,
            kind,
            parts: self.parts,
            expected,
        }
    }
}

/// How long a question or a connection may take: longer than on a busy machine.
const EXCHANGE: Duration = Duration::from_millis(1_500);

/// How long a search may take: longer than what a scenario goes around.
const SEARCH: Duration = Duration::from_secs(5);
