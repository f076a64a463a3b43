//! Worlds made up from a number, where everything that can go wrong does, somewhere.

use std::collections::BTreeSet;
use std::net::{IpAddr, SocketAddr};

use fedway_core::{
    Absence, Answer, CertificateError, ConnectError, DnsError, DnsName, Family, FetchError,
    HttpAnswer, MalformedResponse, SrvRecord, TlsError,
};
use fedway_testkit::script::{Answers, Dice, DnsResult, HttpResult, Peer, Reply, srv};

use super::pools::{
    BAD_TARGETS, BODIES, DELEGATED, HOSTS, LITERALS, LOCATIONS, REDIRECT_HOSTS, SERVER_NAMES,
    SPECIAL_V4, SPECIAL_V6, TARGETS, TTL, V4, V6, WELL_KNOWN,
};
use super::world::World;

impl World {
    /// The world of this number
    #[must_use]
    pub fn roll(seed: u64) -> Self {
        let mut roll = Roll {
            dice: Dice::new(seed),
            silence: 0,
            trouble: 0,
        };
        roll.silence = roll.dice.pick(&[0, 0, 0, 8, 25]);
        roll.trouble = roll.dice.pick(&[5, 20, 20, 50]);
        roll.world(seed)
    }
}

struct Roll {
    dice: Dice,
    /// How many replies of a hundred never come
    silence: usize,
    /// How many tell of trouble
    trouble: usize,
}

impl Roll {
    fn world(&mut self, seed: u64) -> World {
        let name = if self.dice.percent(55) {
            "example.org"
        } else {
            self.dice.pick(&SERVER_NAMES)
        };
        let mut answers = Answers::default();
        let subject = name
            .split(':')
            .next()
            .unwrap_or_default()
            .to_ascii_lowercase();
        for host in HOSTS {
            self.host(&mut answers, host, subject.trim_end_matches('.') == host);
        }
        if self.dice.percent(30) {
            self.redirects(&mut answers);
        }
        self.peers(&mut answers);
        World {
            name: name.to_owned(),
            answers,
            deny: self.some(&["192.0.2.3/32", "2001:db8::2/127", "8.8.0.0/16"]),
            gone: self.dice.percent(30),
            skip: self.some(&[
                "one.example.net",
                "*.example.net",
                "192.0.2.2/32",
                "example.org",
            ]),
            seed,
        }
    }

    fn some(&mut self, choices: &[&str]) -> Vec<String> {
        if self.dice.percent(80) {
            return Vec::new();
        }
        vec![self.dice.pick(choices).to_owned()]
    }

    fn host(&mut self, answers: &mut Answers, host: &str, is_subject: bool) {
        for family in [Family::V6, Family::V4] {
            if self.dice.percent(75) {
                let reply = self.reply(|roll| roll.addresses(family));
                answers.addresses.insert((dns(host), family), reply);
            }
        }
        for service in ["_matrix-fed._tcp", "_matrix._tcp"] {
            if self.dice.percent(35) {
                let reply = self.reply(Self::records);
                answers
                    .services
                    .insert(dns(&format!("{service}.{host}")), reply);
            }
        }
        if is_subject && self.dice.percent(85) {
            let reply = self.reply(Self::page);
            answers
                .pages
                .insert(format!("https://{host}{WELL_KNOWN}"), reply);
        }
    }

    /// A chain, or a web, of URLs that redirect
    fn redirects(&mut self, answers: &mut Answers) {
        let length = 1 + self.dice.below(7);
        let start = format!("https://example.org{WELL_KNOWN}");
        let mut url = start;
        for place in 0..length {
            let next = format!("https://{}/{place}", self.dice.pick(&REDIRECT_HOSTS));
            let status = self.dice.pick(&[301, 302, 303, 307, 308]);
            let answer = Ok(HttpAnswer::redirect(status, next.clone()));
            answers.pages.insert(url, Reply::new(answer));
            url = next;
        }
        let last = self.reply(Self::page);
        answers.pages.insert(url, last);
    }

    /// Who is at the addresses that the names lead to, and at those that a literal may name
    fn peers(&mut self, answers: &mut Answers) {
        let mut addresses: BTreeSet<IpAddr> = LITERALS.iter().map(|it| ip(it)).collect();
        for reply in answers.addresses.values() {
            if let Some(Ok(Answer::Found { records, .. })) = &reply.says {
                addresses.extend(records);
            }
        }
        for address in addresses {
            for port in [443, 8443, 8448, 9000] {
                let is_web = port == 443 || port == 8443;
                if is_web && self.dice.percent(60) {
                    continue;
                }
                let peer = self.peer(is_web);
                answers.peers.insert(SocketAddr::new(address, port), peer);
            }
        }
    }

    fn reply<T>(&mut self, says: impl FnOnce(&mut Self) -> T) -> Reply<T> {
        let says = says(self);
        if self.dice.percent(self.silence) {
            return Reply::never();
        }
        Reply::new(says)
    }

    fn no_records<T>(&mut self) -> DnsResult<T> {
        match self.dice.below(8) {
            0 => Err(DnsError::ServFail),
            1 => Err(DnsError::Refused),
            2 => Err(self.dice.pick(&[
                DnsError::AliasLoop,
                DnsError::Malformed,
                DnsError::ResponseCode(4),
                DnsError::TimedOut,
                DnsError::Unreachable,
            ])),
            3 | 4 => Ok(absent(Absence::NoSuchName)),
            _ => Ok(absent(Absence::NoData)),
        }
    }

    fn found<T>(&mut self, records: Vec<T>) -> DnsResult<T> {
        let answer = Answer::found(records, TTL);
        Ok(if self.dice.percent(15) {
            answer.by_alias()
        } else {
            answer
        })
    }

    fn addresses(&mut self, family: Family) -> DnsResult<IpAddr> {
        if self.dice.percent(self.trouble) {
            return self.no_records();
        }
        let (good, bad) = match family {
            Family::V4 => (&V4[..], &SPECIAL_V4[..]),
            Family::V6 => (&V6[..], &SPECIAL_V6[..]),
        };
        let count = match self.dice.below(50) {
            0 => 18,
            1 => 0,
            _ => 1 + self.dice.below(3) as u8,
        };
        let one = |place| match self.dice.percent(self.trouble / 2) {
            true => ip(self.dice.pick(bad)),
            false if count < 18 => ip(self.dice.pick(good)),
            false => numbered(family, place),
        };
        let records = (0..count).map(one).collect();
        self.found(records)
    }

    fn records(&mut self) -> DnsResult<SrvRecord> {
        if self.dice.percent(self.trouble) {
            return self.no_records();
        }
        if self.dice.percent(8) {
            let count = 1 + self.dice.below(2);
            return self.found(vec![srv(0, 0, 0, "."); count]);
        }
        let count = match self.dice.below(60) {
            0 => 0,
            _ => 1 + self.dice.below(4),
        };
        let records = (0..count).map(|_| self.record()).collect();
        self.found(records)
    }

    fn record(&mut self) -> SrvRecord {
        let (port, target) = match self.dice.percent(self.trouble) {
            true => (self.dice.pick(&[8448, 0]), self.dice.pick(&BAD_TARGETS)),
            false => (self.dice.pick(&[8448, 9000, 443]), self.dice.pick(&TARGETS)),
        };
        let (priority, weight) = (self.dice.pick(&[0, 10, 20]), self.dice.pick(&[0, 1, 5]));
        srv(priority, weight, port, target)
    }

    fn peer(&mut self, is_web: bool) -> Peer {
        let mut peer = Peer::working();
        let trouble = if is_web {
            self.trouble / 2
        } else {
            self.trouble
        };
        peer.reply = self.reply(|roll| match roll.dice.percent(trouble) {
            true => Err(roll.no_session()),
            false => Ok(()),
        });
        if self.dice.percent(15) {
            let mut hosts = HOSTS.to_vec();
            hosts.retain(|_| self.dice.percent(60));
            peer.certified = Some(hosts.into_iter().map(String::from).collect());
        }
        peer
    }

    fn no_session(&mut self) -> ConnectError {
        let certificate = |error| ConnectError::Tls(TlsError::Certificate(error));
        match self.dice.below(8) {
            0..=2 => ConnectError::Refused,
            3 => ConnectError::Reset,
            4 => ConnectError::Unreachable,
            5 => ConnectError::Tls(TlsError::Alert(40)),
            6 => certificate(CertificateError::Expired { not_after: None }),
            _ => certificate(CertificateError::UnknownIssuer { issuer: None }),
        }
    }

    fn page(&mut self) -> HttpResult {
        if !self.dice.percent(self.trouble + 10) {
            let delegated = self.dice.pick(&DELEGATED);
            return Ok(HttpAnswer::ok(format!("{{\"m.server\":\"{delegated}\"}}")));
        }
        Ok(match self.dice.below(10) {
            0 => return Err(FetchError::ConnectionLost),
            1 => return Err(FetchError::Malformed(MalformedResponse::NotHttp1)),
            2 => return Err(FetchError::BodyTooLarge { limit: 51_200 }),
            3 | 4 => HttpAnswer::status(self.dice.pick(&[404, 410, 500, 204, 302])),
            5..=7 => HttpAnswer::ok(self.dice.pick(&BODIES)),
            _ => {
                let status = self.dice.pick(&[301, 302, 303, 307, 308, 304]);
                HttpAnswer::redirect(status, self.dice.pick(&LOCATIONS))
            }
        })
    }
}

fn absent<T>(absence: Absence) -> Answer<T> {
    Answer::absent(absence, Some(TTL))
}

fn numbered(family: Family, place: u8) -> IpAddr {
    match family {
        Family::V4 => [198, 51, 100, 100 + place].into(),
        Family::V6 => [0x2001, 0xdb8, 0, 1, 0, 0, 0, place.into()].into(),
    }
}

fn dns(text: &str) -> DnsName {
    DnsName::new(text).expect("the constants hold names")
}

fn ip(text: &str) -> IpAddr {
    text.parse().expect("the constants hold addresses")
}
