//! The verbs a script is written with.

use std::mem;
use std::net::IpAddr;
use std::time::Duration;

use fedway_core::{
    Absence, Answer, CertificateError, ConnectError, DnsError, FetchError, FieldName, HttpAnswer,
    SrvRecord, TlsError,
};

use super::reply::{DnsResult, HttpResult, Peer, Reply, found, none};

/// The answer to a DNS question
///
/// Each verb gives the answer back, to add to it: `.gives(["192.0.2.7"]).after(seconds)`.
#[derive(Debug)]
pub struct Dns<'a, T>(pub(super) &'a mut Reply<DnsResult<T>>);

impl<T> Dns<'_, T> {
    /// The name exists, no such record does
    pub fn is_absent(self) -> Self {
        self.says(none(Absence::NoData))
    }

    /// The name does not exist (NXDOMAIN)
    pub fn has_no_such_name(self) -> Self {
        self.says(none(Absence::NoSuchName))
    }

    /// The name server answers SERVFAIL
    pub fn servfails(self) -> Self {
        self.fails(DnsError::ServFail)
    }

    /// There is no answer, for this reason
    pub fn fails(self, error: DnsError) -> Self {
        self.says(Err(error))
    }

    /// The answer never comes
    pub fn is_silent(self) -> Self {
        self.0.says = None;
        self
    }

    /// The records found belong to another name, of which the one asked for is an alias (CNAME)
    pub fn by_alias(self) -> Self {
        if let Some(Ok(Answer::Found { alias, .. })) = &mut self.0.says {
            *alias = true;
        }
        self
    }

    /// The answer may be believed this long: 5 min if nothing is said
    pub fn lasts(self, time: Duration) -> Self {
        match &mut self.0.says {
            Some(Ok(Answer::Found { ttl, .. })) => *ttl = time,
            Some(Ok(Answer::Absent { ttl, .. })) => *ttl = Some(time),
            Some(Err(_)) | None => {}
        }
        self
    }

    /// There is no SOA in the answer, which would say how long an absence may be believed (RFC 2308 §5)
    pub fn without_soa(self) -> Self {
        if let Some(Ok(Answer::Absent { ttl, .. })) = &mut self.0.says {
            *ttl = None;
        }
        self
    }

    /// The answer takes this long
    pub fn after(self, time: Duration) -> Self {
        self.0.takes = Some(time);
        self
    }

    fn says(self, result: DnsResult<T>) -> Self {
        self.0.says = Some(result);
        self
    }
}

impl Dns<'_, IpAddr> {
    /// These addresses
    pub fn gives<'t>(self, addresses: impl IntoIterator<Item = &'t str>) -> Self {
        let parse = |text: &str| text.parse().expect("a script has an IP address");
        self.says(found(addresses.into_iter().map(parse).collect()))
    }
}

impl Dns<'_, SrvRecord> {
    /// These [records](super::srv)
    pub fn gives(self, records: impl IntoIterator<Item = SrvRecord>) -> Self {
        self.says(found(records.into_iter().collect()))
    }
}

/// How connections to an address go
#[derive(Debug)]
pub struct Connection<'a>(pub(super) &'a mut Peer);

impl Connection<'_> {
    /// There is a session, for whatever name it is verified
    pub fn works(self) -> Self {
        *self.0 = Peer::working();
        self
    }

    /// The port is closed
    pub fn refused(self) -> Self {
        self.fails(ConnectError::Refused)
    }

    /// No session comes about, for this reason
    pub fn fails(self, error: ConnectError) -> Self {
        self.0.reply.says = Some(Err(error));
        self
    }

    /// The certificate comes from nobody trusted
    pub fn is_untrusted(self) -> Self {
        let error = CertificateError::UnknownIssuer { issuer: None };
        self.fails(ConnectError::Tls(TlsError::Certificate(error)))
    }

    /// The certificate is valid for these hosts only
    pub fn is_certified_for<'t>(self, hosts: impl IntoIterator<Item = &'t str>) -> Self {
        self.0.certified = Some(hosts.into_iter().map(String::from).collect());
        self
    }

    /// Nothing comes back, ever
    pub fn hangs(self) -> Self {
        self.0.reply.says = None;
        self
    }

    /// The session, or its failure, takes this long
    pub fn after(self, time: Duration) -> Self {
        self.0.reply.takes = Some(time);
        self
    }
}

/// What a URL serves
#[derive(Debug)]
pub struct Page<'a>(pub(super) &'a mut Reply<HttpResult>);

impl Page<'_> {
    /// This response
    pub fn gives(self, answer: HttpAnswer) -> Self {
        self.0.says = Some(Ok(answer));
        self
    }

    /// A 200 that delegates to this server name
    pub fn delegates_to(self, name: &str) -> Self {
        self.gives(HttpAnswer::ok(format!("{{\"m.server\":\"{name}\"}}")))
    }

    /// A 200 with this body
    pub fn has_body(self, body: &str) -> Self {
        self.gives(HttpAnswer::ok(body))
    }

    /// A status, or no response for a [reason](FetchError)
    pub fn fails(self, failure: impl Into<Failure>) -> Self {
        self.0.says = Some(match failure.into() {
            Failure::NoResponse(error) => Err(error),
            Failure::Status(status) => Ok(HttpAnswer::status(status)),
        });
        self
    }

    /// A redirect to this `Location`
    pub fn redirects(self, status: u16, location: &str) -> Self {
        self.gives(HttpAnswer::redirect(status, location))
    }

    /// The response has one more header field
    pub fn with(self, name: FieldName, value: &str) -> Self {
        if let Some(Ok(answer)) = &mut self.0.says {
            *answer = mem::take(answer).with(name, value);
        }
        self
    }

    /// The response never comes
    pub fn hangs(self) -> Self {
        self.0.says = None;
        self
    }

    /// The response takes this long
    pub fn after(self, time: Duration) -> Self {
        self.0.takes = Some(time);
        self
    }
}

/// In which way a GET fails
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failure {
    /// No complete response comes
    NoResponse(FetchError),
    /// The response has this status
    Status(u16),
}

impl From<FetchError> for Failure {
    fn from(error: FetchError) -> Self {
        Self::NoResponse(error)
    }
}

impl From<u16> for Failure {
    fn from(status: u16) -> Self {
        Self::Status(status)
    }
}
