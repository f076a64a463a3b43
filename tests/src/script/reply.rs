//! One reply: what is said, and when.

use std::time::Duration;

use fedway_core::{
    Absence, Answer, CertificateError, ConnectError, DnsError, FetchError, Host, HttpAnswer,
    TlsError,
};

/// What DNS says
pub type DnsResult<T> = Result<Answer<T>, DnsError>;

/// What a web server says
pub type HttpResult = Result<HttpAnswer, FetchError>;

/// One scripted reply
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply<T> {
    /// What it says; `None` if it never comes
    pub says: Option<T>,
    /// How long it takes; `None` for the latency of its kind
    pub takes: Option<Duration>,
}

/// Who accepts connections at an address
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Peer {
    /// Whether a session comes about, as far as the certificate allows
    pub reply: Reply<Result<(), ConnectError>>,
    /// The names and addresses that the certificate is valid for; `None` if it is for any
    pub certified: Option<Vec<String>>,
}

impl<T> Reply<T> {
    /// A reply that comes after the latency of its kind
    pub const fn new(says: T) -> Self {
        Self {
            says: Some(says),
            takes: None,
        }
    }

    /// A reply that never comes
    #[must_use]
    pub const fn never() -> Self {
        Self {
            says: None,
            takes: None,
        }
    }
}

impl Peer {
    /// Accepts every connection, with a certificate for every name
    #[must_use]
    pub const fn working() -> Self {
        Self {
            reply: Reply::new(Ok(())),
            certified: None,
        }
    }

    /// What a skipped verification lets pass is the certificate, and nothing else
    pub(super) fn reply_for(&self, name: &Host, verified: bool) -> Reply<Result<(), ConnectError>> {
        let mut reply = self.reply.clone();
        let expected = name.to_string();
        if let Some(presented) = &self.certified
            && let Some(Ok(())) = reply.says
            && !presented.contains(&expected)
        {
            let error = CertificateError::NotValidForName {
                expected,
                presented: presented.clone(),
            };
            reply.says = Some(Err(ConnectError::Tls(TlsError::Certificate(error))));
        }
        if let Some(Err(ConnectError::Tls(TlsError::Certificate(_)))) = reply.says
            && !verified
        {
            reply.says = Some(Ok(()));
        }
        reply
    }
}

pub(super) fn found<T>(records: Vec<T>) -> DnsResult<T> {
    Ok(Answer::found(records, TTL))
}

pub(super) fn none<T>(absence: Absence) -> DnsResult<T> {
    Ok(Answer::absent(absence, Some(TTL)))
}

/// Long enough to outlive any search
const TTL: Duration = Duration::from_secs(300);
