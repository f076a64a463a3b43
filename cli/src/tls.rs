//! What is said of a TLS session: whom it is with, by which certificates, and what was negotiated.

use std::fmt::Write as _;
use std::time::{SystemTime, UNIX_EPOCH};

use fedway_core::Verdict;
use fedway_driver::{CertificateSummary, LoggedAt, SctOutcome, Transparency, rfc3339};
use rustls::pki_types::CertificateDer;
use serde::Serialize;

/// How the server was, or would be, trusted
///
/// Null is what is not known: all but `status` and `rule` where no connection was made.
#[derive(Debug, Serialize)]
pub(crate) struct Tls {
    /// `verified`, or `skipped`
    status: &'static str,
    /// The rule by which it was skipped
    rule: Option<String>,
    #[serde(flatten)]
    session: Session,
}

/// The parameters of a TLS session
#[derive(Debug, Default, Serialize)]
pub(crate) struct Session {
    version: Option<String>,
    cipher_suite: Option<String>,
    key_exchange: Option<String>,
    /// As the server showed it, its own first
    chain: Option<Vec<Certificate>>,
    certificate_transparency: Option<Logged>,
}

/// One certificate of a chain; null is what could not be read
#[derive(Debug, Serialize)]
struct Certificate {
    names: Vec<String>,
    subject: Option<String>,
    issuer: Option<String>,
    not_before: Option<String>,
    not_after: Option<String>,
    days_left: Option<i64>,
    key: Option<String>,
}

/// What the logs say of the server's certificate
#[derive(Debug, Serialize)]
struct Logged {
    /// How many distinct operators' timestamps are valid
    operators: usize,
    timestamps: Vec<Timestamp>,
}

#[derive(Debug, Serialize)]
struct Timestamp {
    log: Option<String>,
    operator: Option<String>,
    source: String,
    time: Option<String>,
    outcome: String,
}

impl Tls {
    pub(crate) fn new(verdict: &Verdict, session: Session) -> Self {
        let (status, rule) = match verdict {
            Verdict::Skip(rule) => ("skipped", Some(rule.to_string())),
            Verdict::Verify => ("verified", None),
        };
        Self {
            status,
            rule,
            session,
        }
    }

    /// For a person to read: lines with their labels
    pub(crate) fn lines(&self) -> Vec<(&'static str, String)> {
        let mut lines = vec![("tls", self.summary())];
        for certificate in self.session.chain.iter().flatten() {
            lines.push(("certificate", certificate.line()));
        }
        if let Some(logged) = &self.session.certificate_transparency {
            lines.push(("logs", logged.line()));
        }
        lines
    }

    fn summary(&self) -> String {
        let mut text = String::from(match self.status {
            "skipped" => "certificate not verified",
            _ => "certificate verified",
        });
        // Writing to a String cannot fail
        if let Some(rule) = &self.rule {
            let _ = write!(text, " by rule {rule}");
        }
        let Session {
            version,
            cipher_suite,
            key_exchange,
            ..
        } = &self.session;
        for part in [version, cipher_suite, key_exchange].into_iter().flatten() {
            let _ = write!(text, ", {part}");
        }
        text
    }
}

impl Session {
    pub(crate) fn new(
        session: &rustls::ClientConnection,
        transparency: Option<&Transparency>,
    ) -> Self {
        let version = session
            .protocol_version()
            .and_then(|version| version.as_str());
        let suite = session
            .negotiated_cipher_suite()
            .and_then(|suite| suite.suite().as_str());
        let group = session
            .negotiated_key_exchange_group()
            .and_then(|group| group.name().as_str());
        let chain = session.peer_certificates();
        Self {
            version: version.map(Into::into),
            cipher_suite: suite.map(Into::into),
            key_exchange: group.map(Into::into),
            chain: chain.map(|chain| chain.iter().map(Certificate::read).collect()),
            certificate_transparency: transparency.map(Logged::new),
        }
    }
}

impl Certificate {
    fn read(der: &CertificateDer<'_>) -> Self {
        let now = SystemTime::now().duration_since(UNIX_EPOCH);
        Self::new(
            CertificateSummary::read(der).ok(),
            // Before 1970 nothing is left or over
            now.unwrap_or_default().as_secs(),
        )
    }

    fn new(summary: Option<CertificateSummary>, now: u64) -> Self {
        Self {
            subject: summary.as_ref().map(|it| it.subject.clone()),
            issuer: summary.as_ref().map(|it| it.issuer.clone()),
            not_before: summary.as_ref().map(CertificateSummary::valid_from),
            not_after: summary.as_ref().map(CertificateSummary::valid_until),
            days_left: summary.as_ref().map(|it| it.days_left(now)),
            key: summary.as_ref().map(|it| it.key.to_string()),
            names: summary.map(|it| it.names).unwrap_or_default(),
        }
    }

    fn line(&self) -> String {
        let (Some(subject), Some(issuer), Some(not_after), Some(days), Some(key)) = (
            &self.subject,
            &self.issuer,
            &self.not_after,
            self.days_left,
            &self.key,
        ) else {
            return "unreadable".into();
        };
        let whom = match self.names.split_at_checked(MAX_NAMES_SHOWN) {
            _ if self.names.is_empty() => subject.clone(),
            None | Some((_, [])) => self.names.join(" "),
            Some((shown, rest)) => format!("{} and {} more", shown.join(" "), rest.len()),
        };
        let left = match days {
            0 => "less than a day left".into(),
            1 => "1 day left".into(),
            2.. => format!("{days} days left"),
            _ => "expired".into(),
        };
        format!("{whom}, by {issuer}, until {not_after} ({left}), {key}")
    }
}

impl Logged {
    fn new(found: &Transparency) -> Self {
        Self {
            operators: found.operators(),
            timestamps: found.timestamps.iter().map(Timestamp::new).collect(),
        }
    }

    fn line(&self) -> String {
        let mut text = match self.operators {
            1 => "1 operator".into(),
            operators => format!("{operators} operators"),
        };
        for (index, each) in self.timestamps.iter().enumerate() {
            let log = each.log.as_deref().unwrap_or("a log");
            let separator = if index == 0 { ": " } else { ", " };
            // Writing to a String cannot fail
            let _ = write!(text, "{separator}{log} {}", each.outcome);
        }
        text
    }
}

impl Timestamp {
    fn new(logged: &LoggedAt) -> Self {
        let is_read = logged.outcome != SctOutcome::Malformed;
        Self {
            log: logged.log.clone(),
            operator: logged.operator.clone(),
            source: logged.source.to_string(),
            time: is_read.then(|| rfc3339(logged.milliseconds / 1000)),
            outcome: logged.outcome.to_string(),
        }
    }
}

/// Some sites have a hundred; whoever wants all has JSON
const MAX_NAMES_SHOWN: usize = 5;

#[cfg(test)]
mod tests {
    use super::*;
    use fedway_testkit::world::{Authority, Certificate as Issuable};

    #[test]
    fn a_certificate_that_cannot_be_read_is_said_to_be_so() {
        let unreadable = Certificate::new(None, 0);
        assert_eq!(unreadable.line(), "unreadable");
        assert!(unreadable.names.is_empty());
    }

    #[test]
    fn a_certificate_is_one_line_with_few_of_its_names() {
        let authority = Authority::new("An authority").unwrap();
        let line = |names: &[&str], now| {
            let issued = authority.issue(&Issuable::for_names(names.iter().copied()));
            let summary = CertificateSummary::read(&issued.unwrap().chain[0]);
            Certificate::new(summary.ok(), now).line()
        };
        let year_3000 = 32_503_680_000;
        assert_eq!(
            line(&["example.org"], year_3000 - 86_400 * 3),
            "example.org, by CN=An authority, until 3000-01-01T00:00:00Z (3 days left), ECDSA P-256"
        );
        assert!(line(&[], year_3000).starts_with("CN=nobody, by CN=An authority"));
        assert!(line(&[], year_3000).contains("(less than a day left)"));
        assert!(line(&[], year_3000 + 1).contains("(expired)"));
        let many = ["a.b", "b.b", "c.b", "d.b", "e.b", "f.b", "g.b"];
        assert!(line(&many, 0).starts_with("a.b b.b c.b d.b e.b and 2 more, by "));
    }

    #[test]
    fn keys_are_the_same_whether_there_was_a_session_or_not() {
        let tls = Tls::new(&Verdict::Verify, Session::default());
        let json = serde_json::to_value(&tls).unwrap();
        let keys: Vec<_> = json.as_object().unwrap().keys().cloned().collect();
        for key in [
            "status",
            "rule",
            "version",
            "cipher_suite",
            "key_exchange",
            "chain",
            "certificate_transparency",
        ] {
            assert!(keys.iter().any(|it| it == key), "{key}");
        }
        assert_eq!(keys.len(), 7);
        assert_eq!(tls.lines(), [("tls", "certificate verified".into())]);
    }
}
