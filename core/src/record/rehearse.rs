//! The same network under another edition: what was answered once is answered again, and what nobody has asked is named.

use alloc::collections::BTreeMap;
use alloc::string::{String, ToString as _};
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;

use super::recorder::Recorder;
use super::recording::{Entry, Recording, Request, Said, SearchGoal};
use crate::action::{Action, ActionId, Event, Reply};
use crate::config::Config;
use crate::edition::Edition;
use crate::error::{ConnectError, DnsError, FetchError};
use crate::machine::{Machine as _, Step};
use crate::name::ServerName;
use crate::time::Instant;

/// What a network has answered, to be asked again
#[derive(Clone, Debug, Default)]
pub struct Memory {
    answers: BTreeMap<String, Reply>,
    /// What each connection is to, by the search that opened it
    connections: BTreeMap<ActionId, String>,
}

/// A question that nobody asked then
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Missing(String);

impl fmt::Display for Missing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Memory {
    /// Takes in what was answered in a recorded search
    pub fn learn(&mut self, recording: &Recording) {
        let mut asked = BTreeMap::new();
        for entry in &recording.entries {
            match entry {
                Entry::Polled(Said::Act { id, request }) => {
                    let key = self.key(*id, request);
                    asked.insert(*id, key);
                }
                Entry::Handled { event, .. } => {
                    if let Some(key) = asked.remove(&event.id) {
                        self.answers.insert(key, event.reply.clone());
                    }
                }
                Entry::Polled(Said::Cancel(_) | Said::Done | Said::Wait(_))
                | Entry::TimedOut { .. } => {}
            }
        }
    }

    /// The answer to an action, if it was given before; else the action
    ///
    /// # Errors
    ///
    /// The action, which is to be carried out.
    pub fn answer(&mut self, action: Action) -> Result<Event, Action> {
        let key = self.key(action.id(), &Request::of(&action));
        match self.answers.get(&key) {
            Some(reply) => Ok(Event {
                id: action.id(),
                reply: reply.clone(),
            }),
            None => Err(action),
        }
    }

    /// Searches in what is remembered alone, with no time passing; the recording, and the questions that nobody has asked,
    /// which are taken for such that could not be answered
    #[must_use]
    pub fn rehearse(
        &mut self,
        name: &ServerName,
        config: &Config,
        edition: Edition,
    ) -> (Recording, Vec<Missing>) {
        let mut config = config.clone();
        config.edition = edition;
        let (now, mut missing) = (Instant::ORIGIN, Vec::new());
        let mut search = Recorder::new(SearchGoal::Resolve, name, &Arc::new(config), 0, now);
        loop {
            match search.poll() {
                Step::Act(action) => {
                    let asked = self.key(action.id(), &Request::of(&action));
                    let event = self.answer(action).unwrap_or_else(|action| {
                        missing.push(Missing(asked));
                        unanswered(action)
                    });
                    search.handle(event, now);
                }
                Step::Cancel(_) => {}
                // Every question has its answer at once
                Step::Done(_) | Step::Wait { .. } => return (search.into_recording(), missing),
            }
        }
    }

    /// What is asked, whoever asks
    fn key(&mut self, id: ActionId, request: &Request) -> String {
        let key = request.to_string();
        match request {
            Request::Connect { .. } => {
                self.connections.insert(id, key.clone());
                key
            }
            Request::Fetch { connection, .. } => match self.connections.get(connection) {
                Some(over) => alloc::format!("{key} ({over})"),
                None => key,
            },
            Request::LookUp { .. } | Request::QuerySrv { .. } => key,
        }
    }
}

/// That nobody could say
fn unanswered(action: Action) -> Event {
    match action {
        Action::Connect(connect) => connect.reply(Err(ConnectError::TimedOut)),
        Action::FetchWellKnown(fetch) => fetch.reply(Err(FetchError::TimedOut)),
        Action::LookUpAddresses(look_up) => look_up.reply(Err(DnsError::TimedOut)),
        Action::QuerySrv(query) => query.reply(Err(DnsError::TimedOut)),
    }
}
