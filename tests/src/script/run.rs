//! What a run leaves behind.

use std::fmt;
use std::net::SocketAddr;
use std::time::Duration;

use fedway_core::{DiscoveryError, DnsName, Found, Host, Verdict};

/// A search that has ended
#[derive(Clone, Debug, PartialEq)]
pub struct Run {
    /// What it ended with
    pub outcome: Result<Found, DiscoveryError>,
    /// The virtual time it took
    pub elapsed: Duration,
    /// What was asked for and cancelled, in order
    pub log: Vec<Entry>,
    /// The most actions, and sessions kept, that a driver had at once
    pub peak: usize,
}

impl Run {
    /// What was found
    ///
    /// # Panics
    ///
    /// If nothing was.
    #[must_use]
    pub fn found(&self) -> &Found {
        match &self.outcome {
            Ok(found) => found,
            Err(error) => panic!("nothing found: {error:#?}\n{self}"),
        }
    }

    /// Why nothing was found
    ///
    /// # Panics
    ///
    /// If something was.
    #[must_use]
    pub fn error(&self) -> &DiscoveryError {
        match &self.outcome {
            Ok(found) => panic!("found after all: {found:#?}\n{self}"),
            Err(error) => error,
        }
    }

    /// The log as text, such as `0 ms ask A example.org`
    #[must_use]
    pub fn lines(&self) -> Vec<String> {
        self.log.iter().map(Entry::to_string).collect()
    }

    /// The DNS questions in order, such as `A example.org`
    #[must_use]
    pub fn questions(&self) -> Vec<String> {
        self.pick(|command| match command {
            Command::Ask(question) => Some(question.to_string()),
            Command::Cancel(_) | Command::Connect(_) | Command::Get(_) => None,
        })
    }

    /// The connections begun in order, such as `192.0.2.7:8448 as example.org`
    #[must_use]
    pub fn connects(&self) -> Vec<String> {
        let dialled = self.dialled();
        dialled.into_iter().map(Dialled::to_string).collect()
    }

    /// The connections begun in order, with all there is to know
    #[must_use]
    pub fn dialled(&self) -> Vec<&Dialled> {
        self.pick(|command| match command {
            Command::Connect(dialled) => Some(dialled),
            Command::Ask(_) | Command::Cancel(_) | Command::Get(_) => None,
        })
    }

    /// The requests in order
    #[must_use]
    pub fn gets(&self) -> Vec<&Request> {
        self.pick(|command| match command {
            Command::Get(request) => Some(request),
            Command::Ask(_) | Command::Cancel(_) | Command::Connect(_) => None,
        })
    }

    /// The URLs requested, in order
    #[must_use]
    pub fn urls(&self) -> Vec<String> {
        self.gets().into_iter().map(Request::to_string).collect()
    }

    /// What was given up in order, such as `ask A example.org`
    #[must_use]
    pub fn cancelled(&self) -> Vec<String> {
        self.pick(|command| match command {
            Command::Cancel(what) => Some(what.to_string()),
            Command::Ask(_) | Command::Connect(_) | Command::Get(_) => None,
        })
    }

    /// The time that the first entry with this text, without time, was made
    ///
    /// # Panics
    ///
    /// If there is none.
    #[must_use]
    pub fn time_of(&self, command: &str) -> Duration {
        let first = self
            .log
            .iter()
            .find(|entry| entry.command.to_string() == command);
        first
            .unwrap_or_else(|| panic!("no {command:?} in\n{self}"))
            .at
    }

    fn pick<'a, T>(&'a self, pick: impl Fn(&'a Command) -> Option<T>) -> Vec<T> {
        self.log
            .iter()
            .filter_map(|entry| pick(&entry.command))
            .collect()
    }
}

impl fmt::Display for Run {
    /// Writes the log, an entry a line
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.log.iter().try_for_each(|entry| writeln!(f, "{entry}"))
    }
}

/// Something that the machine said, and when
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The time since the start
    pub at: Duration,
    /// What it said
    pub command: Command,
}

impl fmt::Display for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ms", self.at.as_millis())?;
        if let nanos @ 1.. = self.at.subsec_nanos() % 1_000_000 {
            write!(f, " {nanos} ns")?;
        }
        write!(f, " {}", self.command)
    }
}

/// What the machine can say before it is done
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// Ask DNS
    Ask(Question),
    /// Drop what was said before
    Cancel(Box<Self>),
    /// Open a session
    Connect(Dialled),
    /// Send a request
    Get(Request),
}

impl fmt::Display for Command {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ask(question) => write!(f, "ask {question}"),
            Self::Cancel(what) => write!(f, "cancel {what}"),
            Self::Connect(dialled) => write!(f, "connect {dialled}"),
            Self::Get(request) => write!(f, "get {request}"),
        }
    }
}

/// A DNS question
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Question {
    /// What is asked for
    pub kind: RecordKind,
    /// Of which name
    pub name: DnsName,
}

impl fmt::Display for Question {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = match self.kind {
            RecordKind::A => "A",
            RecordKind::Aaaa => "AAAA",
            RecordKind::Srv => "SRV",
        };
        write!(f, "{kind} {}", self.name)
    }
}

/// What DNS is asked for
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RecordKind {
    /// IPv4 addresses
    A,
    /// IPv6 addresses
    Aaaa,
    /// Services
    Srv,
}

/// A connection begun
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dialled {
    /// Where to
    pub address: SocketAddr,
    /// The server name indication sent
    pub sni: Option<DnsName>,
    /// What the certificate must be valid for
    pub tls_name: Host,
    /// Whether it is verified
    pub verdict: Verdict,
}

impl fmt::Display for Dialled {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} as {}", self.address, self.tls_name)?;
        match &self.verdict {
            Verdict::Skip(rule) => write!(f, " unverified by {rule}"),
            Verdict::Verify => Ok(()),
        }
    }
}

/// A request sent
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// The connection it is sent over
    pub connection: Dialled,
    /// The `Host` header
    pub host_header: String,
    /// The request target: path and query
    pub target: String,
}

impl fmt::Display for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "https://{}{}", self.host_header, self.target)
    }
}
