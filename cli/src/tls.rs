//! What is said of a TLS session: whom it is with, by which certificates, and what was negotiated.

use std::fmt::Write as _;
use std::time::{SystemTime, UNIX_EPOCH};

#[cfg(feature = "transparency")]
use fedway_core::UtcTime;
use fedway_core::Verdict;
use fedway_driver::CertificateSummary;
#[cfg(feature = "transparency")]
use fedway_driver::{LoggedAt, SctOutcome, Transparency};
use rustls::pki_types::CertificateDer;
use serde::ser::SerializeStruct as _;
use serde::{Serialize, Serializer};

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

/// One certificate of a chain, `None` where it could not be read
#[derive(Debug)]
struct Certificate {
    summary: Option<CertificateSummary>,
    /// When it was looked at, in seconds since 1970
    now: u64,
}

/// The same keys always; null is what could not be read
impl Serialize for Certificate {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let it = self.summary.as_ref();
        let mut object = serializer.serialize_struct("Certificate", 7)?;
        object.serialize_field("names", it.map_or(&[][..], |it| &it.names))?;
        object.serialize_field("subject", &it.map(|it| &it.subject))?;
        object.serialize_field("issuer", &it.map(|it| &it.issuer))?;
        object.serialize_field("not_before", &it.map(CertificateSummary::valid_from))?;
        object.serialize_field("not_after", &it.map(CertificateSummary::valid_until))?;
        object.serialize_field("days_left", &it.map(|it| it.days_left(self.now)))?;
        object.serialize_field("key", &it.map(|it| it.key.to_string()))?;
        object.end()
    }
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
        let mut text = match &self.rule {
            Some(rule) => format!("certificate not verified by rule {rule}"),
            None => String::from("certificate verified"),
        };
        let Session {
            version,
            cipher_suite,
            key_exchange,
            ..
        } = &self.session;
        for part in [version, cipher_suite, key_exchange].into_iter().flatten() {
            // Writing to a String cannot fail
            let _ = write!(text, ", {part}");
        }
        text
    }
}

impl Session {
    pub(crate) fn new(session: &rustls::ClientConnection) -> Self {
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
            certificate_transparency: None,
        }
    }

    /// With what the logs say of the server's certificate
    #[cfg(feature = "transparency")]
    pub(crate) fn logged(mut self, found: Option<&Transparency>) -> Self {
        self.certificate_transparency = found.map(Logged::new);
        self
    }
}

impl Certificate {
    fn read(der: &CertificateDer<'_>) -> Self {
        let now = SystemTime::now().duration_since(UNIX_EPOCH);
        Self {
            summary: CertificateSummary::read(der).ok(),
            // Before 1970 nothing is left or over
            now: now.unwrap_or_default().as_secs(),
        }
    }

    fn line(&self) -> String {
        let Some(it) = &self.summary else {
            return "unreadable".into();
        };
        let whom = match it.names.split_at_checked(MAX_NAMES_SHOWN) {
            _ if it.names.is_empty() => it.subject.clone(),
            None | Some((_, [])) => it.names.join(" "),
            Some((shown, rest)) => format!("{} and {} more", shown.join(" "), rest.len()),
        };
        let left = match it.days_left(self.now) {
            0 => "less than a day left".into(),
            1 => "1 day left".into(),
            days @ 2.. => format!("{days} days left"),
            _ => "expired".into(),
        };
        let (issuer, until, key) = (&it.issuer, it.valid_until(), &it.key);
        format!("{whom}, by {issuer}, until {until} ({left}), {key}")
    }
}

impl Logged {
    #[cfg(feature = "transparency")]
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

#[cfg(feature = "transparency")]
impl Timestamp {
    fn new(logged: &LoggedAt) -> Self {
        let is_read = logged.outcome != SctOutcome::Malformed;
        Self {
            log: logged.log.clone(),
            operator: logged.operator.clone(),
            source: logged.source.to_string(),
            time: is_read.then(|| UtcTime::from_unix(logged.milliseconds / 1000).to_string()),
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
        let unreadable = Certificate {
            summary: None,
            now: 0,
        };
        assert_eq!(unreadable.line(), "unreadable");
        let json = serde_json::to_string(&unreadable).unwrap();
        assert_eq!(
            json,
            r#"{"names":[],"subject":null,"issuer":null,"not_before":null,"not_after":null,"days_left":null,"key":null}"#
        );
    }

    #[test]
    fn a_certificate_is_one_line_with_few_of_its_names() {
        let authority = Authority::new("An authority").unwrap();
        let line = |names: &[&str], now| {
            let issued = authority.issue(&Issuable::for_names(names.iter().copied()));
            let summary = CertificateSummary::read(&issued.unwrap().chain[0]).ok();
            Certificate { summary, now }.line()
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
