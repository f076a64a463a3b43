//! Scripts made up from a number: a small internet where everything that can go wrong does, somewhere.

use std::net::IpAddr;
use std::time::Duration;

use fedway_core::{
    Absence, Answer, CertificateError, ConnectError, DnsError, DnsName, Family, FetchError,
    HttpAnswer, MalformedResponse, SplitMix64, SrvRecord, TlsError,
};

use super::answers::{Answers, srv};
use super::reply::{DnsResult, HttpResult, Peer, Reply, found, none};

/// A generator of random answers: the same seed gives the same ones
#[derive(Clone, Debug)]
pub struct Dice {
    random: SplitMix64,
    /// Whether replies may never come
    silence: bool,
}

impl Dice {
    /// Dice that make every exchange end
    #[must_use]
    pub const fn new(seed: u64) -> Self {
        Self {
            random: SplitMix64::new(seed),
            silence: false,
        }
    }

    /// Lets some replies never come
    #[must_use]
    pub const fn with_silence(mut self) -> Self {
        self.silence = true;
        self
    }

    /// A number below `limit`
    pub fn below(&mut self, limit: usize) -> usize {
        self.random.below(limit)
    }

    /// `true` in so many cases of a hundred
    pub fn percent(&mut self, chance: usize) -> bool {
        self.below(100) < chance
    }

    /// One of these
    ///
    /// # Panics
    ///
    /// If there are none.
    pub fn pick<T: Copy>(&mut self, choices: &[T]) -> T {
        choices[self.below(choices.len())]
    }

    /// A server name that the [answers](Self::answers) are about
    pub fn server_name(&mut self) -> &'static str {
        if self.percent(60) {
            return "example.org";
        }
        self.pick(&SERVER_NAMES)
    }

    /// Answers to every question that a search for a [server name](Self::server_name) may come to
    pub fn answers(&mut self) -> Answers {
        let mut answers = Answers::default();
        for host in HOSTS {
            for family in [Family::V6, Family::V4] {
                if self.percent(75) {
                    let reply = self.reply(|dice| dice.addresses(family));
                    answers.addresses.insert((name(host), family), reply);
                }
            }
            for service in ["_matrix-fed._tcp", "_matrix._tcp"] {
                if self.percent(40) {
                    let owner = name(&format!("{service}.{host}"));
                    answers.services.insert(owner, self.reply(Self::records));
                }
            }
            if self.percent(85) {
                let url = format!("https://{host}/.well-known/matrix/server");
                answers.pages.insert(url, self.reply(Self::page));
            }
        }
        for url in REDIRECTS {
            let reply = self.reply(Self::page);
            answers.pages.insert(url.into(), reply);
        }
        for address in V4.iter().chain(&V6) {
            for port in [443, 8443, 8448, 9000] {
                // Most web servers work, since much of what can go wrong comes after them
                let is_web = port == 443 || port == 8443;
                let peer = if is_web && self.percent(70) {
                    Peer::working()
                } else {
                    self.peer()
                };
                let address: IpAddr = address.parse().expect("the constants hold addresses");
                answers.peers.insert((address, port).into(), peer);
            }
        }
        answers
    }

    /// Lets every exchange take its own time, up to these limits
    pub fn jitter(&mut self, answers: &mut Answers, longest: Duration) {
        let limit = longest.as_millis() as usize;
        let mut takes = || Some(Duration::from_millis(1 + self.below(limit) as u64));
        answers
            .addresses
            .values_mut()
            .for_each(|reply| reply.takes = takes());
        answers
            .services
            .values_mut()
            .for_each(|reply| reply.takes = takes());
        answers
            .pages
            .values_mut()
            .for_each(|reply| reply.takes = takes());
        answers
            .peers
            .values_mut()
            .for_each(|peer| peer.reply.takes = takes());
    }

    fn reply<T>(&mut self, says: impl FnOnce(&mut Self) -> T) -> Reply<T> {
        let says = says(self);
        if self.silence && self.percent(8) {
            return Reply::never();
        }
        Reply::new(says)
    }

    fn no_records<T>(&mut self) -> DnsResult<T> {
        match self.below(6) {
            0 => Err(DnsError::ServFail),
            1 => Err(DnsError::Refused),
            2 => none(Absence::NoSuchName),
            _ => none(Absence::NoData),
        }
    }

    fn addresses(&mut self, family: Family) -> DnsResult<IpAddr> {
        if self.percent(20) {
            return self.no_records();
        }
        let pool = match family {
            Family::V4 => &V4[..],
            Family::V6 => &V6[..],
        };
        let count = 1 + self.below(3);
        let pick = |_| {
            self.pick(pool)
                .parse()
                .expect("the constants hold addresses")
        };
        let records = (0..count).map(pick).collect();
        self.aliased(found(records))
    }

    fn records(&mut self) -> DnsResult<SrvRecord> {
        if self.percent(20) {
            return self.no_records();
        }
        let count = 1 + self.below(4);
        let records = (0..count).map(|_| self.record()).collect();
        self.aliased(found(records))
    }

    fn record(&mut self) -> SrvRecord {
        let port = self.pick(&[8448, 8448, 9000, 9000, 443, 0]);
        let (priority, weight) = (self.pick(&[0, 10, 20]), self.pick(&[0, 1, 5]));
        srv(priority, weight, port, self.pick(&TARGETS))
    }

    fn aliased<T>(&mut self, mut result: DnsResult<T>) -> DnsResult<T> {
        if let Ok(Answer::Found { alias, .. }) = &mut result {
            *alias = self.percent(20);
        }
        result
    }

    fn peer(&mut self) -> Peer {
        let mut peer = Peer::working();
        peer.reply = self.reply(|dice| match dice.below(10) {
            0 => Err(ConnectError::Refused),
            1 => Err(ConnectError::Reset),
            2 => {
                let error = CertificateError::Expired { not_after: None };
                Err(ConnectError::Tls(TlsError::Certificate(error)))
            }
            _ => Ok(()),
        });
        if self.percent(25) {
            let mut hosts = HOSTS.to_vec();
            hosts.retain(|_| self.percent(60));
            peer.certified = Some(hosts.into_iter().map(String::from).collect());
        }
        peer
    }

    fn page(&mut self) -> HttpResult {
        Ok(match self.below(12) {
            0 => return Err(FetchError::ConnectionLost),
            1 => return Err(FetchError::Malformed(MalformedResponse::NotHttp1)),
            2 => HttpAnswer::status(self.pick(&[404, 410, 500, 204])),
            3 => HttpAnswer::ok(self.pick(&["", "{}", "[1]", r#"{"m.server":"a b"}"#])),
            4..=6 => {
                let status = self.pick(&[301, 302, 303, 307, 308, 304]);
                HttpAnswer::redirect(status, self.pick(&LOCATIONS))
            }
            _ => {
                let delegated = self.pick(&DELEGATED);
                HttpAnswer::ok(format!("{{\"m.server\":\"{delegated}\"}}"))
            }
        })
    }
}

fn name(text: &str) -> DnsName {
    DnsName::new(text).expect("the constants hold names")
}

const HOSTS: [&str; 5] = [
    "example.org",
    "delegated.example.net",
    "one.example.net",
    "two.example.net",
    "web.example.com",
];

const SERVER_NAMES: [&str; 8] = [
    "Example.ORG",
    "example.org:9000",
    "delegated.example.net",
    "192.0.2.1",
    "192.0.2.2:9000",
    "[2001:db8::1]",
    "[2001:db8::2]:9000",
    "hidden.onion",
];

const DELEGATED: [&str; 12] = [
    "delegated.example.net",
    "delegated.example.net",
    "delegated.example.net",
    "Delegated.example.net:9000",
    "example.org",
    "one.example.net",
    "192.0.2.3",
    "192.0.2.4:9000",
    "[2001:db8::3]",
    "10.0.0.1",
    "hidden.onion",
    "nowhere.example",
];

const TARGETS: [&str; 9] = [
    "one.example.net",
    "one.example.net",
    "two.example.net",
    "two.example.net",
    "example.org",
    "nowhere.example",
    "hidden.onion",
    "192.0.2.1",
    ".",
];

const REDIRECTS: [&str; 4] = [
    "https://example.org/a",
    "https://web.example.com/",
    "https://web.example.com:8443/b",
    "https://192.0.2.4/c",
];

const LOCATIONS: [&str; 9] = [
    "/a",
    "/.well-known/matrix/server",
    "https://example.org/a",
    "https://web.example.com/",
    "https://web.example.com:8443/b",
    "https://192.0.2.4/c",
    "https://10.0.0.1/",
    "http://example.org/",
    "https://hidden.onion/",
];

const V4: [&str; 5] = [
    "192.0.2.1",
    "192.0.2.2",
    "192.0.2.3",
    "192.0.2.4",
    "10.0.0.1",
];

const V6: [&str; 4] = ["2001:db8::1", "2001:db8::2", "2001:db8::3", "fe80::1"];
