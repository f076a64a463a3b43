//! Who has asked, and what they are told; and what may be told to a pool in return.

use alloc::boxed::Box;
use alloc::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::found::{Connection, DiscoveryError, Found, WellKnown};
use crate::name::ServerName;
use crate::record::Recording;
use crate::time::Instant;
use crate::trust::Verdict;

/// Somebody who asked
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Ticket {
    number: u64,
    /// The search that was joined
    search: u32,
}

impl Ticket {
    pub(super) fn new(number: u64, search: u32) -> Self {
        Self { number, search }
    }

    pub(super) fn search(self) -> u32 {
        self.search
    }
}

/// What somebody who asked is told
#[derive(Clone, Debug, PartialEq)]
pub enum Told {
    /// [`Pool::connect`](crate::Pool::connect) or [`Pool::connect_to`](crate::Pool::connect_to); the session is the driver's, under the name of the connection
    Connected(Ticket, Result<Box<Found>, DiscoveryError>),
    /// [`Pool::delegation`](crate::Pool::delegation)
    Delegated(Ticket, Result<Arc<Delegated>, DiscoveryError>),
    /// [`Pool::record`](crate::Pool::record): the outcome is in it, and a session there is as for [`Connected`](Self::Connected)
    Recorded(Ticket, Box<Recording>),
    /// [`Pool::resolve`](crate::Pool::resolve) or [`Pool::resolve_fresh`](crate::Pool::resolve_fresh)
    Resolved(Ticket, Result<Arc<Found>, Arc<DiscoveryError>>),
}

impl Told {
    /// Whom it is for
    #[must_use]
    pub fn ticket(&self) -> Ticket {
        match self {
            Self::Connected(ticket, _)
            | Self::Delegated(ticket, _)
            | Self::Recorded(ticket, _)
            | Self::Resolved(ticket, _) => *ticket,
        }
    }

    /// The connection that is handed out with it, if one is
    #[must_use]
    pub fn connection(&self) -> Option<&Connection> {
        match self {
            Self::Connected(_, Ok(found)) => found.connection.as_ref(),
            Self::Recorded(_, recording) => match recording.outcome()? {
                Ok(found) => found.connection.as_ref(),
                Err(_) => None,
            },
            Self::Connected(_, Err(_)) | Self::Delegated(..) | Self::Resolved(..) => None,
        }
    }
}

/// The name that requests for a server name are really for: the delegated one, or the name itself
///
/// The way from here on is a function of the subject alone, so that it is what connections are kept by.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Delegated {
    /// The name to go on with
    pub subject: ServerName,
    /// The request for .well-known, if there was one
    pub well_known: Option<WellKnown>,
    /// Whether certificates on the way here were verified
    pub verdict: Verdict,
    /// Whether a later search may find another
    pub provisional: bool,
    /// Until when this may be believed, on the clock of the pool; `None` if for ever
    pub expires: Option<Instant>,
}

/// What was seen of a server from above
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[non_exhaustive]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// It sends, or answers: ends the back-off of its .well-known
    Alive,
    /// It is another one: 421, HTML where JSON was due, a wrong peer. What is known of it does not serve any more
    Misdirected,
    /// It cannot be reached. What is known of it is asked anew, and serves meanwhile
    Unreachable,
}

/// A name that is remembered
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Entry<'a> {
    /// The server name, or what it was delegated to if [`Pool::connect_to`](crate::Pool::connect_to) was asked
    pub name: &'a str,
    /// What was found last, or why nothing was; `None` where no search for a destination has ended
    pub conclusion: Option<Result<&'a Found, &'a DiscoveryError>>,
    /// When the first of the facts that it rests on is asked anew, on the clock of the pool
    pub due: Instant,
    /// How many searches in a row have failed
    pub failures: u32,
}
