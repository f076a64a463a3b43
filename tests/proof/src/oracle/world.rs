//! A world: plain data.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use fedway_core::{Answer, Config, Edition, Host, Lookahead, ServerName, SkipRule};
use fedway_testkit::script::{Answers, Goal, Script, split_url};

/// Who answers what, and what a search in it is told
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct World {
    /// The server name searched for
    pub name: String,
    /// Who answers what; what is not there is absent, refused, or a 404
    pub answers: Answers,
    /// Networks that may not be dialled
    pub deny: Vec<String>,
    /// Whether 410 ends a search
    pub gone: bool,
    /// Where certificates are not verified
    pub skip: Vec<String>,
    /// What decides among SRV records of one priority
    pub seed: u64,
}

impl World {
    /// The server name searched for
    ///
    /// # Panics
    ///
    /// If it is none.
    #[must_use]
    pub fn server_name(&self) -> ServerName {
        self.name.parse().expect("a world has a server name")
    }

    /// The world as a script for the machine
    ///
    /// No deadline over many steps: the text knows no time, and one after the other takes longer than at once.
    ///
    /// # Panics
    ///
    /// If a rule is none.
    #[must_use]
    pub fn script(&self, edition: Edition, goal: Goal, lookahead: Lookahead) -> Script {
        let script = Script::new(goal, &self.name)
            .edition(edition)
            .lookahead(lookahead)
            .seed(self.seed)
            .answers(self.answers.clone());
        script.config(|config| {
            self.configure(config);
            config.deadlines.search = FOREVER;
            config.deadlines.well_known = LONG;
        })
    }

    /// Tells a search the policies of this world
    ///
    /// # Panics
    ///
    /// If a rule is none.
    pub fn configure(&self, config: &mut Config) {
        config.gone_is_final = self.gone;
        let deny = self.deny.iter().map(|net| net.parse());
        config.addresses.deny = deny.collect::<Result<_, _>>().expect("networks");
        let skip = self.skip.iter().map(|rule| rule.parse());
        config.trust.skip = skip.collect::<Result<_, _>>().expect("rules");
    }

    /// "Servers can additionally skip the certificate validation for a given whitelist of domains or netmasks"
    pub(super) fn skips(&self, host: &Host, address: IpAddr) -> bool {
        self.skip.iter().any(
            |rule| match (rule.parse::<SkipRule>().expect("a rule"), host) {
                (SkipRule::Domain(domain), Host::Dns(name)) => domain == *name,
                (SkipRule::Subdomains(domain), Host::Dns(name)) => {
                    name.as_str().ends_with(&format!(".{domain}"))
                }
                (SkipRule::Net(net), _) => net.contains(&address.to_canonical()),
                (SkipRule::Domain(_) | SkipRule::Subdomains(_), Host::Ip(_)) => false,
            },
        )
    }

    /// A script's convenience: where a page is, and no peer is spoken of, one works
    pub(super) fn serves_a_page(&self, address: SocketAddr) -> bool {
        self.answers.pages.keys().any(|url| {
            let (authority, _) = split_url(url);
            let port = authority.port().unwrap_or(443);
            port == address.port() && self.has_address(authority.host(), address.ip())
        })
    }

    fn has_address(&self, host: &Host, address: IpAddr) -> bool {
        let name = match host {
            Host::Dns(name) => name,
            Host::Ip(literal) => return *literal == address,
        };
        let of_host = self.answers.addresses.iter();
        of_host
            .filter(|((owner, _), _)| owner == name)
            .any(|(_, reply)| {
                matches!(&reply.says, Some(Ok(Answer::Found { records, .. })) if records.contains(&address))
            })
    }
}

/// More than all that may be silent before a request is sent
const LONG: Duration = Duration::from_secs(1_000);
/// More than all that may be silent
const FOREVER: Duration = Duration::from_secs(1_000_000);
