//! Carrying actions out: what is asked for is written down, and the reply put into the queue.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::time::Duration;

use fedway_core::{
    Action, ActionId, Connect, Event, Family, FetchWellKnown, HttpAnswer, Instant, LookUpAddresses,
    Machine, QuerySrv, Verdict,
};

use super::{Brings, Delivery, Driven, Given, State};
use crate::script::answers::srv;
use crate::script::reply::{Reply, found};
use crate::script::run::{Command, Dialled, Question, RecordKind, Request};

impl<M: Machine> Driven<M> {
    pub(super) fn start(&mut self, action: Action) {
        match action {
            Action::Connect(action) => self.connect(action),
            Action::FetchWellKnown(action) => self.fetch(action),
            Action::LookUpAddresses(action) => self.look_up(action),
            Action::QuerySrv(action) => self.query(action),
        }
    }

    fn connect(&mut self, action: Connect) {
        let dialled = Dialled {
            address: action.address(),
            sni: action.sni().cloned(),
            tls_name: action.tls_name().clone(),
            verdict: action.verdict().clone(),
        };
        let verified = dialled.verdict == Verdict::Verify;
        let reply = self
            .answers
            .to_connect(dialled.address, &dialled.tls_name, verified);
        let brings = match reply.says {
            Some(Ok(())) => Brings::Session,
            Some(Err(_)) | None => Brings::Answer,
        };
        let (id, deadline) = (action.id(), action.deadline());
        self.give(id, Command::Connect(dialled), deadline);
        self.schedule(
            id,
            reply,
            self.script.latency.connect,
            brings,
            Ok(()),
            |result| action.reply(result.map(|()| None)),
        );
    }

    fn fetch(&mut self, action: FetchWellKnown) {
        let session = match self.given.get_mut(&action.connection()) {
            Some(Given {
                command: Command::Connect(dialled),
                state: state @ State::Session,
                ..
            }) => {
                *state = State::Over;
                dialled.clone()
            }
            Some(_) | None => self.complain("a request over a session that is not open"),
        };
        let request = Request {
            connection: session,
            host_header: action.host_header().into(),
            target: action.target().into(),
        };
        let reply = self.answers.to_get(&request.host_header, &request.target);
        let (id, deadline) = (action.id(), action.deadline());
        self.give(id, Command::Get(request), deadline);
        let tempting = Ok(HttpAnswer::ok(r#"{"m.server":"tempting.example:1"}"#));
        self.schedule(
            id,
            reply,
            self.script.latency.get,
            Brings::Answer,
            tempting,
            |result| action.reply(result),
        );
    }

    fn look_up(&mut self, action: LookUpAddresses) {
        let (kind, tempting) = match action.family() {
            Family::V4 => (RecordKind::A, IpAddr::V4(Ipv4Addr::new(203, 0, 113, 66))),
            Family::V6 => (
                RecordKind::Aaaa,
                IpAddr::V6(Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 0x66)),
            ),
        };
        let reply = self.answers.to_addresses(action.host(), action.family());
        let (id, deadline, name) = (action.id(), action.deadline(), action.host().clone());
        self.give(id, Command::Ask(Question { kind, name }), deadline);
        let tempting = found(vec![tempting]);
        self.schedule(
            id,
            reply,
            self.script.latency.dns,
            Brings::Answer,
            tempting,
            |result| action.reply(result),
        );
    }

    fn query(&mut self, action: QuerySrv) {
        let reply = self.answers.to_srv(action.name());
        let (id, deadline, name) = (action.id(), action.deadline(), action.name().clone());
        let kind = RecordKind::Srv;
        self.give(id, Command::Ask(Question { kind, name }), deadline);
        let tempting = found(vec![srv(0, 0, 1, "tempting.example")]);
        self.schedule(
            id,
            reply,
            self.script.latency.dns,
            Brings::Answer,
            tempting,
            |result| action.reply(result),
        );
    }

    /// Lets a reply come, and in a noisy run what must change nothing
    fn schedule<T>(
        &mut self,
        id: ActionId,
        reply: Reply<T>,
        latency: Duration,
        brings: Brings,
        tempting: T,
        event: impl FnOnce(T) -> Event,
    ) {
        let (first, event, brings) = match reply.says {
            Some(result) => {
                let at = self.now + reply.takes.unwrap_or(latency);
                (at, event(result), Some(brings))
            }
            None if self.script.noisy => (self.given[&id].deadline, event(tempting), None),
            None => return,
        };
        let later: &[Duration] = if self.script.noisy { &LATER } else { &[] };
        for at in later.iter().map(|delay| first + *delay) {
            let (event, brings) = (event.clone(), None);
            self.enqueue(at, Delivery { id, event, brings });
        }
        self.enqueue(first, Delivery { id, event, brings });
    }

    fn enqueue(&mut self, at: Instant, delivery: Delivery) {
        self.scheduled += 1;
        self.queue.insert((at, self.scheduled), delivery);
    }
}

/// When a reply comes again: while the next exchange is under way, a connection, and what is done over it
const LATER: [Duration; 2] = [Duration::from_millis(1), Duration::from_micros(2_500)];
