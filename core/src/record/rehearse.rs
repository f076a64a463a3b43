//! The same network by another edition: what was answered once is answered again, and what nobody has asked is named.

use alloc::collections::BTreeMap;
use alloc::string::{String, ToString as _};
use alloc::sync::Arc;
use alloc::vec::Vec;

use super::recorder::Recorder;
use super::recording::{Entry, Recording, Request, Said};
use crate::action::{Action, ActionId, Event, Purpose, Reply};
use crate::discovery::Verb;
use crate::edition::Edition;
use crate::error::{ConnectError, DnsError, FetchError};
use crate::machine::{Machine as _, Step};

/// What a network has answered, to be asked again
#[derive(Clone, Debug, Default)]
pub struct Memory {
    answers: BTreeMap<String, Reply>,
    /// What each connection is to, by the search that opened it
    connections: BTreeMap<ActionId, String>,
}

impl Memory {
    /// Takes in what was answered in a recorded search
    pub fn learn(&mut self, recording: &Recording) {
        let (mut asked, mut unused) = (BTreeMap::new(), BTreeMap::new());
        for entry in &recording.entries {
            match entry {
                Entry::Polled(Said::Act { id, request }) => {
                    let key = self.key(*id, request);
                    asked.insert(*id, (key, request));
                }
                Entry::Handled { event, .. } | Entry::Told(Verb::Hear { event, .. }) => {
                    let Some((key, request)) = asked.remove(&event.id) else {
                        continue;
                    };
                    if is_for_well_known(request) && matches!(event.reply, Reply::Connected(Ok(_)))
                    {
                        unused.insert(event.id, (key, event.reply.clone()));
                        continue;
                    }
                    // A connection is remembered with its response: without it, nobody could ask over it
                    if let Request::Fetch { connection, .. } = request {
                        self.answers.extend(unused.remove(connection));
                    }
                    self.answers.insert(key, event.reply.clone());
                }
                Entry::Polled(Said::Cancel(_) | Said::Done | Said::Wait(_))
                | Entry::TimedOut { .. }
                | Entry::Told(_) => {}
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

    /// What is asked, whoever asks
    fn key(&mut self, id: ActionId, request: &Request) -> String {
        let key = request.to_string();
        match request {
            Request::Connect { purpose, .. } => {
                // Each purpose may have authorities of its own
                let key = alloc::format!("{key} for {purpose:?}");
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

impl Recording {
    /// The same search by another edition, with what was answered then and no time passing; and what nobody asked then, such
    /// as `SRV _matrix._tcp.example.org`, which is taken for unanswered
    #[must_use]
    pub fn rehearse(&self, edition: Edition) -> (Self, Vec<String>) {
        let mut memory = Memory::default();
        memory.learn(self);
        let mut config = self.config.clone();
        config.edition = edition;
        let (config, now, mut missing) = (Arc::new(config), self.begun, Vec::new());
        let mut search = Recorder::new(self.goal, &self.name, &config, self.seed, now);
        loop {
            match search.poll() {
                Step::Act(action) => {
                    let asked = Request::of(&action).to_string();
                    let event = memory.answer(action).unwrap_or_else(|action| {
                        missing.push(asked);
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
}

fn is_for_well_known(request: &Request) -> bool {
    let purpose = match request {
        Request::Connect { purpose, .. } => Some(*purpose),
        Request::Fetch { .. } | Request::LookUp { .. } | Request::QuerySrv { .. } => None,
    };
    purpose == Some(Purpose::WellKnown)
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

#[cfg(test)]
mod tests {
    use alloc::vec;
    use core::time::Duration;

    use super::*;
    use crate::answer::{Absence, Answer};
    use crate::config::Config;
    use crate::record::recording::SearchGoal;
    use crate::time::Instant;

    /// A web server that accepts connections, and answers requests or not
    fn search(is_answering: bool) -> Recording {
        let name = "example.org".parse().unwrap();
        let mut now = Instant::ORIGIN;
        let config = Arc::new(Config::default());
        let mut search = Recorder::new(SearchGoal::Resolve, &name, &config, 0, now);
        loop {
            let event = match search.poll() {
                Step::Done(_) => return search.into_recording(),
                Step::Wait { until } => {
                    now = until.unwrap();
                    search.handle_timeout(now);
                    continue;
                }
                Step::Cancel(_) => continue,
                Step::Act(Action::Connect(connect)) => connect.reply(Ok(None)),
                Step::Act(Action::FetchWellKnown(_)) if !is_answering => continue,
                Step::Act(Action::FetchWellKnown(fetch)) => {
                    fetch.reply(Err(FetchError::BodyTooLarge { limit: 7 }))
                }
                Step::Act(Action::LookUpAddresses(look_up)) => {
                    let records = vec!["9.9.9.9".parse().unwrap()];
                    look_up.reply(Ok(Answer::found(records, Duration::from_secs(60))))
                }
                Step::Act(Action::QuerySrv(query)) => {
                    query.reply(Ok(Answer::absent(Absence::NoData, None)))
                }
            };
            search.handle(event, now);
        }
    }

    #[test]
    fn what_was_answered_is_answered_again() {
        let (again, missing) = search(true).rehearse(Edition::V1_8);
        assert_eq!(missing, Vec::<String>::new());
        assert_eq!(again.outcome(), search(true).outcome());
    }

    #[test]
    fn a_connection_that_nothing_came_over_is_to_be_made_again() {
        let (_, missing) = search(false).rehearse(Edition::V1_8);
        assert_eq!(missing, ["TLS 9.9.9.9:443 as example.org"]);
    }
}
