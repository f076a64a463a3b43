//! The searches that are counted, and the smallest driver that can carry them.

use std::collections::VecDeque;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use fedway_core::{
    Absence, Action, ActionId, Answer, Config, Connect, DnsError, DnsName, Edition, Event,
    FetchWellKnown, Found, HttpAnswer, Instant, LookUpAddresses, Machine, QuerySrv, ServerName,
    SrvRecord, Step,
};

use self::Said::{Addresses, Connected, NoSrv, Srv, WellKnown};

/// A search to a connection, with lookahead
pub(crate) struct Case {
    /// As an argument on a command line
    pub(crate) name: &'static str,
    /// As a row of a table
    pub(crate) title: &'static str,
    edition: Edition,
    server_name: &'static str,
    /// The step it ends with
    step: &'static str,
    /// What is answered, in the order in which it is: each to the first action of its kind
    ///
    /// Whatever was asked ahead is answered before it can be given up: no other order makes more work.
    replies: &'static [Said],
}

/// A reply as it stands in a [`Case`]
#[derive(Clone, Copy)]
pub(crate) enum Said {
    /// A and AAAA records: the family asked for is not looked at
    Addresses(&'static str),
    Connected,
    NoSrv,
    Srv(&'static str),
    /// A delegation to this name
    WellKnown(&'static str),
}

/// Step 1: nothing to ask, one connection
pub(crate) const LITERAL: Case = Case {
    name: "literal",
    title: "IP literal: v1.8, step 1",
    edition: Edition::V1_8,
    server_name: "9.9.9.9",
    step: "1",
    replies: &[Connected],
};

/// The longest chain of v1.8: step 3.4, every host with an IPv4 and an IPv6 address
pub(crate) const LONGEST_V1_8: Case = Case {
    name: "longest-v1.8",
    title: "longest of v1.8: step 3.4, dual stack",
    edition: Edition::V1_8,
    server_name: "example.org",
    step: "3.4",
    replies: &[
        // example.org itself, and ahead _matrix-fed._tcp and _matrix._tcp below it
        Addresses("2620:fe::1"),
        Addresses("9.9.9.1"),
        NoSrv,
        NoSrv,
        Connected,
        WellKnown("matrix.example.net"),
        // matrix.example.net, ahead; _matrix-fed._tcp below it, and ahead _matrix._tcp
        Addresses("2620:fe::2"),
        Addresses("9.9.9.2"),
        NoSrv,
        Srv("target.example.com"),
        // target.example.com
        Addresses("2620:fe::3"),
        Addresses("9.9.9.3"),
        Connected,
    ],
};

/// The longest chain of r0.1: step 3.3
pub(crate) const LONGEST_R0_1: Case = Case {
    name: "longest-r0.1",
    title: "longest of r0.1: step 3.3, dual stack",
    edition: Edition::R0_1,
    server_name: "example.org",
    step: "3.3",
    replies: &[
        Addresses("2620:fe::1"),
        Addresses("9.9.9.1"),
        NoSrv,
        Connected,
        WellKnown("matrix.example.net"),
        Addresses("2620:fe::2"),
        Addresses("9.9.9.2"),
        Srv("target.example.com"),
        Addresses("2620:fe::3"),
        Addresses("9.9.9.3"),
        Connected,
    ],
};

/// The longest chain of draft-2019: step 3.3
pub(crate) const LONGEST_DRAFT_2019: Case = Case {
    name: "longest-draft-2019",
    title: "longest of draft-2019: step 3.3, dual stack",
    edition: Edition::Draft2019,
    server_name: "example.org",
    step: "3.3",
    replies: &[
        Addresses("2620:fe::1"),
        Addresses("9.9.9.1"),
        NoSrv,
        Connected,
        WellKnown("matrix.example.net"),
        Addresses("2620:fe::2"),
        Addresses("9.9.9.2"),
        Srv("target.example.com"),
        Addresses("2620:fe::3"),
        Addresses("9.9.9.3"),
        Connected,
    ],
};

impl Case {
    /// What the caller of a search has before it starts
    pub(crate) fn given(&self) -> (ServerName, Arc<Config>) {
        let mut config = Config::default();
        config.edition = self.edition;
        let name = self.server_name.parse().expect("a case has a server name");
        (name, Arc::new(config))
    }

    /// The replies, made as they are taken
    pub(crate) fn replies(&self) -> impl Iterator<Item = Reply> {
        self.replies.iter().copied().map(Reply::new)
    }

    /// Panics if the search ended in another way than it should
    pub(crate) fn check(&self, found: &Found) {
        assert_eq!(found.destination.step(), self.step, "{}", self.name);
        assert!(found.connection.is_some(), "{}", self.name);
    }
}

/// A reply ready to be handed in: what a driver has once DNS, TLS or HTTP has answered
pub(crate) enum Reply {
    Addresses(Result<Answer<IpAddr>, DnsError>),
    Connected,
    Fetched(HttpAnswer),
    Srv(Result<Answer<SrvRecord>, DnsError>),
}

impl Reply {
    fn new(said: Said) -> Self {
        match said {
            Addresses(address) => Self::Addresses(found(address.parse().expect("an address"))),
            Connected => Self::Connected,
            NoSrv => Self::Srv(absent()),
            Srv(target) => Self::Srv(found(SrvRecord {
                priority: 10,
                weight: 5,
                port: 8449,
                target: DnsName::new(target).expect("a name"),
            })),
            WellKnown(name) => {
                Self::Fetched(HttpAnswer::ok(format!("{{\"m.server\":\"{name}\"}}")))
            }
        }
    }
}

fn found<T>(record: T) -> Result<Answer<T>, DnsError> {
    Ok(Answer::found(vec![record], TTL))
}

fn absent<T>() -> Result<Answer<T>, DnsError> {
    Ok(Answer::absent(Absence::NoData, Some(TTL)))
}

/// The actions under way, each kind in the order in which they were given out
///
/// Made before anything is counted, with room for all.
pub(crate) struct UnderWay {
    connects: VecDeque<Connect>,
    fetches: VecDeque<FetchWellKnown>,
    look_ups: VecDeque<LookUpAddresses>,
    queries: VecDeque<QuerySrv>,
}

impl UnderWay {
    pub(crate) fn new() -> Self {
        Self {
            connects: VecDeque::with_capacity(ROOM),
            fetches: VecDeque::with_capacity(ROOM),
            look_ups: VecDeque::with_capacity(ROOM),
            queries: VecDeque::with_capacity(ROOM),
        }
    }

    fn start(&mut self, action: Action) {
        match action {
            Action::Connect(connect) => self.connects.push_back(connect),
            Action::FetchWellKnown(fetch) => self.fetches.push_back(fetch),
            Action::LookUpAddresses(look_up) => self.look_ups.push_back(look_up),
            Action::QuerySrv(query) => self.queries.push_back(query),
        }
    }

    fn cancel(&mut self, id: ActionId) {
        self.connects.retain(|connect| connect.id() != id);
        self.fetches.retain(|fetch| fetch.id() != id);
        self.look_ups.retain(|look_up| look_up.id() != id);
        self.queries.retain(|query| query.id() != id);
    }

    /// Answers the first action of the reply's kind
    fn answer(&mut self, reply: Reply) -> Option<Event> {
        Some(match reply {
            Reply::Addresses(answer) => self.look_ups.pop_front()?.reply(answer),
            Reply::Connected => self.connects.pop_front()?.reply(Ok(None)),
            Reply::Fetched(answer) => self.fetches.pop_front()?.reply(Ok(answer)),
            Reply::Srv(answer) => self.queries.pop_front()?.reply(answer),
        })
    }
}

/// Carries a search to its end
///
/// `look` is called whenever the search waits.
pub(crate) fn carry<M: Machine>(
    search: &mut M,
    under_way: &mut UnderWay,
    replies: &mut impl Iterator<Item = Reply>,
    mut look: impl FnMut(),
) -> M::Done {
    loop {
        match search.poll() {
            Step::Act(action) => under_way.start(action),
            Step::Cancel(id) => under_way.cancel(id),
            Step::Done(done) => return done,
            Step::Wait { .. } => {
                look();
                let reply = replies.next().expect("a case has all replies");
                let event = under_way.answer(reply);
                let event = event.expect("a case has no reply before its action");
                search.handle(event, Instant::ORIGIN);
            }
        }
    }
}

/// More actions of a kind than a case has under way
const ROOM: usize = 8;
/// Longer than a search
const TTL: Duration = Duration::from_secs(300);
