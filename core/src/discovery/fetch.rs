//! The .well-known request of step 3: connect, GET, follow redirects, read the body.

use alloc::boxed::Box;
use alloc::string::ToString;
use alloc::vec::Vec;
use core::mem;
use core::time::Duration;

use serde::{Deserialize, Serialize};

use super::addresses::Reach;
use super::context::Context;
use super::dial::Dial;
use crate::action::{Action, ActionId, FetchWellKnown};
use crate::answer::{FieldName, HttpAnswer, Shown};
use crate::edition::Place;
use crate::error::{ConnectError, FetchError, RedirectError, WellKnownError};
use crate::found::WellKnown;
use crate::freshness;
use crate::name::ServerName;
use crate::random;
use crate::time::Instant;
use crate::well_known::{Url, parse_well_known, printable};

/// The request, over all its redirects
#[derive(Clone, Debug)]
pub(super) struct Fetch {
    /// Put off by the time that the loop loses, until a driver has been given the GET
    deadline: Instant,
    url: Url,
    /// The URLs before it
    seen: Vec<Url>,
    hop: Hop,
}

/// What step 3 comes to
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Said {
    /// The server name that is delegated to
    pub(crate) result: Result<ServerName, WellKnownError>,
    /// How long that may be believed
    pub(crate) until: Instant,
}

/// How far the present URL is
#[derive(Clone, Debug)]
enum Hop {
    Dialling(Dial),
    Getting {
        id: ActionId,
        connection: ActionId,
        /// Whether a driver has been given it
        sent: bool,
    },
}

impl Fetch {
    pub(super) fn new(name: &ServerName, context: &mut Context) -> Self {
        let url = Url::well_known(name);
        context.notes.well_known = Some(WellKnown::default());
        Self {
            deadline: context.now + context.config.deadlines.well_known,
            seen: Vec::new(),
            hop: Hop::dialling(&url, context),
            url,
        }
    }

    pub(super) fn poll(&mut self, context: &Context) -> Option<Action> {
        match &mut self.hop {
            Hop::Dialling(dial) => dial.poll(&self.url.host, context).map(Action::Connect),
            Hop::Getting { sent: true, .. } => None,
            Hop::Getting {
                id,
                connection,
                sent: sent @ false,
            } => {
                *sent = true;
                Some(Action::FetchWellKnown(FetchWellKnown {
                    id: *id,
                    connection: *connection,
                    authority: self.url.authority.clone(),
                    target: self.url.target.clone(),
                    max_head: context.config.limits.head,
                    max_body: context.config.limits.body,
                    deadline: self.deadline,
                }))
            }
        }
    }

    /// Whether there is an action that a driver has not been given yet
    pub(super) fn has_due(&self) -> bool {
        match &self.hop {
            Hop::Dialling(dial) => dial.has_due(),
            Hop::Getting { sent, .. } => !sent,
        }
    }

    /// When something happens without an answer
    pub(super) fn deadline(&self) -> Instant {
        match &self.hop {
            Hop::Dialling(dial) => {
                let of_dial = dial.deadline();
                of_dial.map_or(self.deadline, |own| own.min(self.deadline))
            }
            Hop::Getting { .. } => self.deadline,
        }
    }

    /// Takes in the result of an attempt; whether there is a connection to send the request over
    pub(super) fn handle_connected(
        &mut self,
        id: ActionId,
        result: Result<Option<Box<Shown>>, ConnectError>,
        context: &mut Context,
    ) -> bool {
        let Hop::Dialling(dial) = &mut self.hop else {
            return false;
        };
        let host = &self.url.host;
        let Some(connection) = dial.handle_connected(id, result, host, context) else {
            return false;
        };
        self.hop = Hop::Getting {
            id: context.ids.next(),
            connection: connection.id,
            sent: false,
        };
        true
    }

    /// Whether a driver has this action
    pub(super) fn is_under_way(&self, action: ActionId) -> bool {
        match &self.hop {
            Hop::Dialling(dial) => dial.is_under_way_as(action),
            Hop::Getting { .. } => self.awaits(action),
        }
    }

    /// Whether a driver has this request, and it is the present one
    pub(super) fn awaits(&self, request: ActionId) -> bool {
        match &self.hop {
            Hop::Getting { id, sent, .. } => *id == request && *sent,
            Hop::Dialling(_) => false,
        }
    }

    /// Takes in the response to the present request; what step 3 comes to, unless it is redirected
    pub(super) fn handle_fetched(
        &mut self,
        result: Result<HttpAnswer, FetchError>,
        context: &mut Context,
    ) -> Option<Said> {
        let answer = match result {
            Ok(answer) => answer,
            Err(error) => return Some(Said::failed(WellKnownError::Fetch(error), context)),
        };
        context.well_known().status = Some(answer.status);
        match answer.status {
            200 => Some(match parse_well_known(&answer.body) {
                Ok(name) => {
                    let lifetimes = &context.config.lifetimes;
                    // The host that was asked for: many may be redirected to one
                    let first = self.seen.first().unwrap_or(&self.url);
                    let draw = random::draw(context.seed, &first.authority);
                    let lifetime = freshness::lifetime(&answer, lifetimes, draw);
                    Said {
                        result: Ok(name),
                        until: context.now + lifetime,
                    }
                }
                Err(error) => Said::failed(WellKnownError::Body(error), context),
            }),
            301 | 302 | 303 | 307 | 308 => match self.redirect(&answer, context) {
                Ok(()) => None,
                Err(cause) => {
                    let location = answer.values(FieldName::Location).next().map(printable);
                    let error = WellKnownError::Redirect { location, cause };
                    Some(Said::failed(error, context))
                }
            },
            other => Some(Said::failed(WellKnownError::Status(other), context)),
        }
    }

    /// Goes on as far as what is known and the time allow; what step 3 comes to, once the request has failed
    pub(super) fn advance(&mut self, context: &mut Context) -> Option<Said> {
        if self.deadline <= context.now {
            self.cancel(context);
            return Some(Said::failed(WellKnownError::TimedOut, context));
        }
        let Hop::Dialling(dial) = &mut self.hop else {
            return None;
        };
        let cause = dial.advance(&self.url.host, context)?;
        let host = self.url.host.clone();
        Some(Said::failed(
            WellKnownError::Unreachable { host, cause },
            context,
        ))
    }

    /// Gives up whatever is under way
    pub(super) fn cancel(&mut self, context: &mut Context) {
        match &mut self.hop {
            Hop::Dialling(dial) => dial.cancel(context),
            Hop::Getting { id, sent: true, .. } => context.cancelled.push(*id),
            // The session is open and the request was never given out: it is the session that must go
            Hop::Getting {
                connection,
                sent: false,
                ..
            } => context.cancelled.push(*connection),
        }
    }

    /// The loop has lost so much time; a driver that has been given the GET was told when it ends
    pub(super) fn put_off(&mut self, lost: Duration) {
        match self.hop {
            Hop::Getting { sent: true, .. } => {}
            Hop::Getting { sent: false, .. } | Hop::Dialling(_) => {
                self.deadline = self.deadline + lost;
            }
        }
    }

    /// Whoever drives this stood still for so long: nobody could have kept a deadline
    pub(super) fn stood_still(&mut self, lost: Duration) {
        self.deadline = self.deadline + lost;
        if let Hop::Dialling(dial) = &mut self.hop {
            dial.stood_still(lost);
        }
    }

    fn redirect(
        &mut self,
        answer: &HttpAnswer,
        context: &mut Context,
    ) -> Result<(), RedirectError> {
        let limit = context.config.limits.redirects;
        let mut locations = answer.values(FieldName::Location);
        let location = locations.next().ok_or(RedirectError::NoLocation)?;
        let url = self.url.redirect(location)?;
        if self
            .seen
            .iter()
            .chain([&self.url])
            .any(|seen| seen.is_same(&url))
        {
            return Err(RedirectError::Loop);
        }
        if self.seen.len() >= usize::from(limit) {
            return Err(RedirectError::TooMany { limit });
        }
        context.well_known().redirects.push(url.to_string());
        self.hop = Hop::dialling(&url, context);
        self.seen.push(mem::replace(&mut self.url, url));
        Ok(())
    }
}

impl Said {
    fn failed(error: WellKnownError, context: &Context) -> Self {
        Self {
            result: Err(error),
            until: context.now + context.config.lifetimes.well_known_failure,
        }
    }
}

impl Hop {
    fn dialling(url: &Url, context: &mut Context) -> Self {
        let reach = Reach::new(Place::WellKnown, &url.host, url.port, context);
        Self::Dialling(Dial::new(reach, context))
    }
}
