//! The .well-known request of step 3: connect, GET, follow redirects, read the body.

use alloc::string::ToString;
use alloc::vec::Vec;
use core::mem;

use super::context::Context;
use super::dial::Dial;
use crate::action::{Action, ActionId, FetchWellKnown};
use crate::answer::HttpAnswer;
use crate::error::{FetchError, RedirectError, WellKnownError};
use crate::found::{Connection, WellKnown};
use crate::name::ServerName;
use crate::time::Instant;
use crate::well_known::{Url, parse_body};

/// The request, over all its redirects
#[derive(Clone, Debug)]
pub(super) struct Fetch {
    step: &'static str,
    deadline: Instant,
    url: Url,
    /// The URLs before it
    seen: Vec<Url>,
    hop: Hop,
}

/// How far the present URL is
#[derive(Clone, Debug)]
#[expect(clippy::large_enum_variant, reason = "there is one in a search")]
enum Hop {
    Dialling(Dial),
    Getting {
        id: ActionId,
        connection: ActionId,
        sent: bool,
    },
}

impl Fetch {
    pub(super) fn new(step: &'static str, name: &ServerName, context: &mut Context) -> Self {
        let url = Url::well_known(name);
        context.notes.well_known = Some(WellKnown::default());
        Self {
            step,
            deadline: context.now + context.config.deadlines.well_known,
            seen: Vec::new(),
            hop: Hop::dialling(step, &url),
            url,
        }
    }

    pub(super) fn poll(&mut self, context: &Context) -> Option<Action> {
        match &mut self.hop {
            Hop::Dialling(dial) => dial.poll().map(Action::Connect),
            Hop::Getting { sent: true, .. } => None,
            Hop::Getting {
                id,
                connection,
                sent,
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

    pub(super) fn deadline(&self) -> Instant {
        match &self.hop {
            Hop::Dialling(dial) => dial
                .deadline()
                .map_or(self.deadline, |own| own.min(self.deadline)),
            Hop::Getting { .. } => self.deadline,
        }
    }

    pub(super) fn dial(&mut self) -> Option<&mut Dial> {
        match &mut self.hop {
            Hop::Dialling(dial) => Some(dial),
            Hop::Getting { .. } => None,
        }
    }

    /// The present hop has its connection: send the request over it
    pub(super) fn handle_connection(&mut self, connection: &Connection, context: &mut Context) {
        let id = context.ids.next();
        self.hop = Hop::Getting {
            id,
            connection: connection.id,
            sent: false,
        };
    }

    /// Takes in a response; one to another request than the present changes nothing
    pub(super) fn handle_fetched(
        &mut self,
        id: ActionId,
        result: Result<HttpAnswer, FetchError>,
        context: &mut Context,
    ) -> Option<Result<ServerName, WellKnownError>> {
        match &self.hop {
            Hop::Getting { id: awaited, .. } if *awaited == id => {}
            Hop::Getting { .. } | Hop::Dialling(_) => return None,
        }
        let answer = match result {
            Ok(answer) => answer,
            Err(error) => return Some(Err(WellKnownError::Fetch(error))),
        };
        context.well_known().status = Some(answer.status);
        match answer.status {
            200 => Some(parse_body(&answer.body).map_err(WellKnownError::Body)),
            301 | 302 | 303 | 307 | 308 => match self.redirect(&answer, context) {
                Ok(()) => None,
                Err(error) => Some(Err(WellKnownError::Redirect(error))),
            },
            other => Some(Err(WellKnownError::Status(other))),
        }
    }

    /// Goes on as far as what is known and the time allow; the error, once the request has failed
    pub(super) fn advance(&mut self, context: &mut Context) -> Option<WellKnownError> {
        if self.deadline <= context.now {
            self.cancel(context);
            return Some(WellKnownError::TimedOut);
        }
        let Hop::Dialling(dial) = &mut self.hop else {
            return None;
        };
        let cause = dial.advance(context)?;
        Some(WellKnownError::Unreachable {
            host: self.url.host.clone(),
            cause,
        })
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

    fn redirect(
        &mut self,
        answer: &HttpAnswer,
        context: &mut Context,
    ) -> Result<(), RedirectError> {
        let limit = context.config.limits.redirects;
        let location = answer.location.as_deref().ok_or(RedirectError::Location)?;
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
        self.hop = Hop::dialling(self.step, &url);
        self.seen.push(mem::replace(&mut self.url, url));
        Ok(())
    }
}

impl Hop {
    fn dialling(step: &'static str, url: &Url) -> Self {
        Self::Dialling(Dial::new(
            step,
            url.host.clone(),
            url.port,
            url.host.clone(),
        ))
    }
}
