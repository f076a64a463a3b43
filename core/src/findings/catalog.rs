//! Every code that a finding can have, and what it means.

use core::fmt;
use core::str::FromStr;

use serde::{Deserialize, Serialize};

/// What a finding is, for good: a code is never used for anything else
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[non_exhaustive]
#[serde(rename_all = "kebab-case")]
pub enum Code {
    /// One of several addresses does not work
    AddressDead,
    /// The name leads to an address that nobody on the internet can reach: of a private network, of this machine, or reserved
    AddressRefused,
    /// The certificate's time is over
    CertificateExpired,
    /// The certificate has few days left
    CertificateExpiresSoon,
    /// The certificate is for other names than the one that other servers verify
    CertificateForOtherName,
    /// The certificate is for the host that the SRV record leads to
    CertificateForSrvTarget,
    /// The certificate is for a host below the name, such as www, and not for the name itself
    CertificateForSubdomainOnly,
    /// The server sends its own certificate without the one between it and the authority
    CertificateMissingIntermediate,
    /// The certificate was not issued for a TLS server
    CertificateNotForServers,
    /// Too few logs of certificate transparency vouch for the certificate
    CertificateNotTransparent,
    /// The certificate is not valid yet; or a clock is wrong
    CertificateNotYetValid,
    /// The certificate cannot be accepted
    CertificateRefused,
    /// Its authority has revoked the certificate
    CertificateRevoked,
    /// The certificate is signed by itself, and nobody vouches for it
    CertificateSelfSigned,
    /// The certificate comes from an authority that is not trusted here
    CertificateUnknownAuthority,
    /// The certificate has a key or a signature that is too weak
    CertificateWeak,
    /// The server closes the connection before TLS is up
    ConnectionCut,
    /// .well-known or SRV leads to a host that has no address
    DelegatedNameHasNoAddress,
    /// DNS could not answer: not that there is no record, but that nobody could say
    DnsFailure,
    /// No address of one family of IP works, though the other does
    FamilyDead,
    /// This machine has no way to one family of IP
    FamilyNotHere,
    /// The only addresses are of a family that is switched off here
    FamilyOff,
    /// The server answers elsewhere than where other servers look, and its clients alone are told
    FederationElsewhere,
    /// Port 8448 does not answer, and port 443 of the same host does, as a homeserver
    #[serde(rename = "federation-on-443")]
    FederationOn443,
    /// The server says by status 410 that it is gone for good
    Gone,
    /// The server's signing keys are valid no longer, by what it says itself
    KeysExpired,
    /// The document with the signing keys is not signed by them
    KeysNotSigned,
    /// The document with the signing keys has fields that nobody reads any more
    KeysObsoleteField,
    /// The homeserver calls itself by another name than the one that was asked for
    KeysOfAnotherName,
    /// The signing keys cannot be had, so that nobody can verify what the server says
    KeysUnreadable,
    /// The name is longer than the specification recommends
    NameTooLong,
    /// The name has no address in DNS
    NoAddress,
    /// Nothing answers at the address, as if a firewall dropped it all
    NoAnswer,
    /// The server has no IPv4 address, so that those who have no IPv6 do not reach it
    NoIpv4,
    /// What answers there does not speak TLS
    NotTls,
    /// A certificate was not looked at, because a rule of this machine says so
    NotVerified,
    /// The name is a .onion name, which only a proxy reaches
    Onion,
    /// This machine lacks something that every search needs: files, ports, memory, or a name server that can be reached
    OurFailure,
    /// The port speaks HTTP without TLS
    PlainHttp,
    /// Nothing listens at the port
    PortClosed,
    /// The SRV record says that there is no such service here: its target is a dot
    SrvNotOffered,
    /// The server is found by the deprecated service _matrix._tcp alone
    SrvOldService,
    /// An SRV record cannot be used
    SrvRecordSkipped,
    /// The target of an SRV record is an IP address, which has to be a name
    SrvTargetIsAddress,
    /// The target of an SRV record is an alias (CNAME)
    SrvTargetIsAlias,
    /// There are more SRV records or addresses than are tried
    SrvTooMany,
    /// Nobody could say whether there is an SRV record
    SrvUnanswered,
    /// There are SRV records, and none of them can be used
    SrvUnusable,
    /// The whole search took too long
    TimedOut,
    /// The server refuses the TLS handshake
    TlsAlert,
    /// The server and this machine have no version or cipher of TLS in common: most often it speaks nothing newer than TLS 1.1
    TlsTooOld,
    /// There is no way to the address from here
    Unreachable,
    /// A page that is made for browsers (a challenge, a log-in) answers in place of the homeserver
    VersionChallenge,
    /// The server was reached, and did not answer the request for its version
    VersionFailed,
    /// The server says by status 421 that it does not know this name
    VersionMisdirected,
    /// What answers for the homeserver is no JSON
    VersionNotJson,
    /// The proxy answers that the homeserver behind it is down
    VersionProxyDown,
    /// The server refuses the request for its version
    VersionStatus,
    /// What answers does not know the federation's paths: the proxy does not pass them on for this name
    VersionUnknownPath,
    /// There is no .well-known, which is no error where the name itself or an SRV record leads to the server
    WellKnownAbsent,
    /// m.server in .well-known is no server name
    WellKnownBadServerName,
    /// The response of .well-known cannot be read
    WellKnownBrokenResponse,
    /// The certificate of the web server that has .well-known cannot be accepted, so that other servers pass over the delegation
    WellKnownCertificate,
    /// One address of the web server delegates, and another does not
    WellKnownDiffers,
    /// .well-known is answered with a web page in place of JSON
    WellKnownHtml,
    /// A change of the delegation takes long to reach others, since .well-known may be believed for so long
    WellKnownLongLived,
    /// What .well-known answers is no JSON object with one m.server
    WellKnownNotJson,
    /// The redirect of .well-known cannot be followed
    WellKnownRedirect,
    /// .well-known redirects to http, which is never followed
    WellKnownRedirectToHttp,
    /// .well-known is answered by way of a redirect
    WellKnownRedirected,
    /// .well-known is answered with an error, so that other servers pass over it
    WellKnownStatus,
    /// .well-known delegates to a name that is itself delegated
    WellKnownToDelegated,
    /// .well-known delegates the name to itself, which changes nothing
    WellKnownToItself,
    /// The web server that should answer .well-known cannot be reached; other servers go on as if there were no delegation
    WellKnownUnreachable,
    /// The document has another key than m.server: that of .well-known/matrix/client is m.homeserver
    WellKnownWrongKey,
}

/// What is said of a code
struct Page {
    code: Code,
    name: &'static str,
    meaning: &'static str,
    remedy: &'static str,
    source: &'static str,
}

impl Code {
    /// Every code, by its name
    pub fn all() -> impl Iterator<Item = Self> {
        PAGES.iter().map(|page| page.code)
    }

    /// The code itself, in words with hyphens
    #[must_use]
    pub fn name(self) -> &'static str {
        self.page().name
    }

    /// What it means, for somebody who never read the specification
    #[must_use]
    pub fn meaning(self) -> &'static str {
        self.page().meaning
    }

    /// What to do about it
    #[must_use]
    pub fn remedy(self) -> &'static str {
        self.page().remedy
    }

    /// The sentence of the specification, or the RFC, that it rests on
    #[must_use]
    pub fn source(self) -> &'static str {
        self.page().source
    }

    /// Whether it is this machine that lacks something, or its owner who wants it so: it says nothing of the server
    #[must_use]
    pub fn is_of_this_machine(self) -> bool {
        matches!(
            self,
            Self::CertificateNotTransparent
                | Self::FamilyNotHere
                | Self::FamilyOff
                | Self::OurFailure
        )
    }

    /// The pages stand in the order of the codes, which a test holds them to
    fn page(self) -> &'static Page {
        &PAGES[self as usize]
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for Code {
    type Err = UnknownCode;

    fn from_str(text: &str) -> Result<Self, UnknownCode> {
        let mut all = Self::all();
        all.find(|code| code.name() == text).ok_or(UnknownCode)
    }
}

/// The text is no [`Code`]
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no code of a finding")]
pub struct UnknownCode;

const PAGES: &[Page] = &[
    Page {
        code: Code::AddressDead,
        name: "address-dead",
        meaning: "One of several addresses does not work. Whoever tries it first loses time, and whoever has no other fails.",
        remedy: "Start the server there, or take the address out of DNS.",
        source: "RFC 8305 §4",
    },
    Page {
        code: Code::AddressRefused,
        name: "address-refused",
        meaning: "The name leads to an address that nobody on the internet can reach: of a private network, of this machine, or reserved.",
        remedy: "Publish a public address. To test within a network of your own, allow it with --allow-net.",
        source: "IANA special-purpose registries, RFC 6890",
    },
    Page {
        code: Code::CertificateExpired,
        name: "certificate-expired",
        meaning: "The certificate's time is over. No other server accepts it.",
        remedy: "Renew it, and have the server load the new one; check that the renewal runs by itself.",
        source: "RFC 5280 §4.1.2.5",
    },
    Page {
        code: Code::CertificateExpiresSoon,
        name: "certificate-expires-soon",
        meaning: "The certificate has few days left.",
        remedy: "See to its renewal; most authorities' tools renew 30 days ahead.",
        source: "RFC 5280 §4.1.2.5",
    },
    Page {
        code: Code::CertificateForOtherName,
        name: "certificate-for-other-name",
        meaning: "The certificate is for other names than the one that other servers verify.",
        remedy: "Get a certificate that has the name, or delegate by .well-known to a name that it has.",
        source: "specification, Resolving server names; RFC 6125",
    },
    Page {
        code: Code::CertificateForSrvTarget,
        name: "certificate-for-srv-target",
        meaning: "The certificate is for the host that the SRV record leads to. Other servers verify the server name, and never the target: it is the commonest mistake there is.",
        remedy: "Get a certificate for the server name, and serve it at the target. Or delegate by .well-known in place of SRV: then the certificate is for the delegated name.",
        source: "specification, Resolving server names, steps 3.3 and 4",
    },
    Page {
        code: Code::CertificateForSubdomainOnly,
        name: "certificate-for-subdomain-only",
        meaning: "The certificate is for a host below the name, such as www, and not for the name itself.",
        remedy: "Add the name itself to the certificate: a wildcard does not cover it.",
        source: "RFC 6125 §6.4",
    },
    Page {
        code: Code::CertificateMissingIntermediate,
        name: "certificate-missing-intermediate",
        meaning: "The server sends its own certificate without the one between it and the authority. Browsers get it from elsewhere; other servers do not.",
        remedy: "Serve the full chain: fullchain.pem in place of cert.pem.",
        source: "RFC 8446 §4.4.2",
    },
    Page {
        code: Code::CertificateNotForServers,
        name: "certificate-not-for-servers",
        meaning: "The certificate was not issued for a TLS server.",
        remedy: "Get one for server authentication.",
        source: "RFC 5280 §4.2.1.12",
    },
    Page {
        code: Code::CertificateNotTransparent,
        name: "certificate-not-transparent",
        meaning: "Too few logs of certificate transparency vouch for the certificate.",
        remedy: "Get one from an authority that logs, or ask for fewer with --ct-require.",
        source: "RFC 6962",
    },
    Page {
        code: Code::CertificateNotYetValid,
        name: "certificate-not-yet-valid",
        meaning: "The certificate is not valid yet; or a clock is wrong.",
        remedy: "Check the clocks of the server and of this machine; or wait.",
        source: "RFC 5280 §4.1.2.5",
    },
    Page {
        code: Code::CertificateRefused,
        name: "certificate-refused",
        meaning: "The certificate cannot be accepted.",
        remedy: "Get another from a public authority.",
        source: "RFC 5280",
    },
    Page {
        code: Code::CertificateRevoked,
        name: "certificate-revoked",
        meaning: "Its authority has revoked the certificate.",
        remedy: "Get another, with a new key.",
        source: "RFC 5280 §5",
    },
    Page {
        code: Code::CertificateSelfSigned,
        name: "certificate-self-signed",
        meaning: "The certificate is signed by itself, and nobody vouches for it. Federation takes certificates of authorities that everybody trusts alone.",
        remedy: "Get one from a public authority, such as Let's Encrypt.",
        source: "specification, TLS",
    },
    Page {
        code: Code::CertificateUnknownAuthority,
        name: "certificate-unknown-authority",
        meaning: "The certificate comes from an authority that is not trusted here.",
        remedy: "Get one from a public authority, or serve the full chain. If the authority is your own, give it with --ca-file.",
        source: "RFC 5280 §6",
    },
    Page {
        code: Code::CertificateWeak,
        name: "certificate-weak",
        meaning: "The certificate has a key or a signature that is too weak.",
        remedy: "Get a new one with today's settings of the authority's tool.",
        source: "CA/Browser Forum, Baseline Requirements",
    },
    Page {
        code: Code::ConnectionCut,
        name: "connection-cut",
        meaning: "The server closes the connection before TLS is up.",
        remedy: "Look at what listens there: a proxy that refuses this name or this address, a firewall, or a server that is not ready.",
        source: "RFC 8446 §4",
    },
    Page {
        code: Code::DelegatedNameHasNoAddress,
        name: "delegated-name-has-no-address",
        meaning: ".well-known or SRV leads to a host that has no address.",
        remedy: "Correct the host in the delegation, or give it an A or AAAA record.",
        source: "RFC 2782; RFC 1035",
    },
    Page {
        code: Code::DnsFailure,
        name: "dns-failure",
        meaning: "DNS could not answer: not that there is no record, but that nobody could say.",
        remedy: "Look at the zone's name servers and at DNSSEC; ask again later.",
        source: "RFC 2308 §7; RFC 8914",
    },
    Page {
        code: Code::FamilyDead,
        name: "family-dead",
        meaning: "No address of one family of IP works, though the other does.",
        remedy: "Have the server listen on both, open the firewall for both, or take the records of the dead one out of DNS.",
        source: "RFC 8305",
    },
    Page {
        code: Code::FamilyNotHere,
        name: "family-not-here",
        meaning: "This machine has no way to one family of IP. That says nothing of the server.",
        remedy: "Nothing has to be changed at the server; try from a machine that has both.",
        source: "RFC 6724",
    },
    Page {
        code: Code::FamilyOff,
        name: "family-off",
        meaning: "The only addresses are of a family that is switched off here.",
        remedy: "Leave out --ipv4 or --ipv6.",
        source: "this command",
    },
    Page {
        code: Code::FederationElsewhere,
        name: "federation-elsewhere",
        meaning: "Port 8448 does not answer and there is no delegation, and the homeserver answers where its clients find it, by /.well-known/matrix/client.",
        remedy: "Tell other servers as well: serve {\"m.server\": \"HOST:PORT\"} at /.well-known/matrix/server.",
        source: "specification, Resolving server names, step 3",
    },
    Page {
        code: Code::FederationOn443,
        name: "federation-on-443",
        meaning: "Port 8448 does not answer, and port 443 of the same host does, as a homeserver.",
        remedy: "Delegate to it: serve {\"m.server\": \"HOST:443\"} at /.well-known/matrix/server. Or open port 8448.",
        source: "specification, Resolving server names, step 3",
    },
    Page {
        code: Code::Gone,
        name: "gone",
        meaning: "The server says by status 410 that it is gone for good.",
        remedy: "Take it out; or answer .well-known otherwise, if it is back.",
        source: "MSC4188",
    },
    Page {
        code: Code::KeysExpired,
        name: "keys-expired",
        meaning: "The server's signing keys are valid no longer, by what it says itself.",
        remedy: "Restart the homeserver, or check its clock: it publishes keys anew by itself.",
        source: "specification, Publishing keys",
    },
    Page {
        code: Code::KeysNotSigned,
        name: "keys-not-signed",
        meaning: "The document with the signing keys is not signed by them.",
        remedy: "Check what answers /_matrix/key/v2/server: it has to be the homeserver, unchanged by a proxy.",
        source: "specification, Publishing keys",
    },
    Page {
        code: Code::KeysObsoleteField,
        name: "keys-obsolete-field",
        meaning: "The document with the signing keys has fields that nobody reads any more.",
        remedy: "Nothing has to be changed; a newer version of the homeserver leaves them out.",
        source: "specification, Publishing keys",
    },
    Page {
        code: Code::KeysOfAnotherName,
        name: "keys-of-another-name",
        meaning: "The homeserver calls itself by another name than the one that was asked for. Events from it will be refused.",
        remedy: "Ask for the name that it has, or set its server_name; that cannot be changed once it has users.",
        source: "specification, Publishing keys",
    },
    Page {
        code: Code::KeysUnreadable,
        name: "keys-unreadable",
        meaning: "The signing keys cannot be had, so that nobody can verify what the server says.",
        remedy: "Have the proxy pass everything below /_matrix to the homeserver.",
        source: "specification, Publishing keys",
    },
    Page {
        code: Code::NameTooLong,
        name: "name-too-long",
        meaning: "The name is longer than the specification recommends.",
        remedy: "Nothing has to be changed, unless names of users become longer than 255 bytes.",
        source: "specification, Server name",
    },
    Page {
        code: Code::NoAddress,
        name: "no-address",
        meaning: "The name has no address in DNS.",
        remedy: "Give it an A or AAAA record; or delegate by .well-known or SRV to a host that has one.",
        source: "RFC 1035; specification, step 6",
    },
    Page {
        code: Code::NoAnswer,
        name: "no-answer",
        meaning: "Nothing answers at the address, as if a firewall dropped it all.",
        remedy: "Open the port in the firewall and in the router, and check that the address is the server's.",
        source: "RFC 9293",
    },
    Page {
        code: Code::NoIpv4,
        name: "no-ipv4",
        meaning: "The server has no IPv4 address. Servers without IPv6 do not reach it, and there are many.",
        remedy: "Give its host a public IPv4 address and an A record; where the line has none, by a tunnel or a proxy elsewhere.",
        source: "RFC 8305",
    },
    Page {
        code: Code::NotTls,
        name: "not-tls",
        meaning: "What answers there does not speak TLS.",
        remedy: "Have the proxy or the homeserver speak TLS on this port; in its configuration, the listener has to be one with tls or ssl.",
        source: "specification, TLS",
    },
    Page {
        code: Code::NotVerified,
        name: "not-verified",
        meaning: "A certificate was not looked at, because a rule of this machine says so.",
        remedy: "Nothing has to be changed at the server.",
        source: "this command, --danger-skip-verify",
    },
    Page {
        code: Code::Onion,
        name: "onion",
        meaning: "The name is a .onion name, which only a proxy reaches.",
        remedy: "Use another name; there is no proxy support.",
        source: "RFC 7686",
    },
    Page {
        code: Code::OurFailure,
        name: "our-failure",
        meaning: "This machine lacks something that every search needs: files, ports, memory, or a name server that can be reached. That says nothing of the server.",
        remedy: "Look at this machine's network, at /etc/resolv.conf or --dns, and at its limits (ulimit -n); try again with fewer --jobs.",
        source: "getrlimit(2); resolv.conf(5)",
    },
    Page {
        code: Code::PlainHttp,
        name: "plain-http",
        meaning: "The port speaks HTTP without TLS.",
        remedy: "Turn TLS on for this port: in nginx, listen 8448 ssl.",
        source: "specification, TLS",
    },
    Page {
        code: Code::PortClosed,
        name: "port-closed",
        meaning: "Nothing listens at the port.",
        remedy: "Start the server there, or open the port; or delegate to where it listens.",
        source: "RFC 9293 §3.10.7",
    },
    Page {
        code: Code::SrvNotOffered,
        name: "srv-not-offered",
        meaning: "The SRV record says that there is no such service here: its target is a dot.",
        remedy: "Take the record out, or name the host.",
        source: "RFC 2782, Target",
    },
    Page {
        code: Code::SrvOldService,
        name: "srv-old-service",
        meaning: "The server is found by the deprecated service _matrix._tcp alone.",
        remedy: "Add the same record for _matrix-fed._tcp, and keep the old one while old servers matter.",
        source: "specification v1.8, steps 3.4 and 5",
    },
    Page {
        code: Code::SrvRecordSkipped,
        name: "srv-record-skipped",
        meaning: "An SRV record cannot be used.",
        remedy: "Correct or remove it.",
        source: "RFC 2782",
    },
    Page {
        code: Code::SrvTargetIsAddress,
        name: "srv-target-is-address",
        meaning: "The target of an SRV record is an IP address, which has to be a name. Some servers refuse it.",
        remedy: "Give the address a name with an A or AAAA record, and let the SRV record name that.",
        source: "RFC 2782, Target",
    },
    Page {
        code: Code::SrvTargetIsAlias,
        name: "srv-target-is-alias",
        meaning: "The target of an SRV record is an alias (CNAME). Some servers refuse it.",
        remedy: "Let the SRV record name the host that the alias leads to.",
        source: "RFC 2782, Target",
    },
    Page {
        code: Code::SrvTooMany,
        name: "srv-too-many",
        meaning: "There are more SRV records or addresses than are tried.",
        remedy: "Keep fewer.",
        source: "this command, its limits",
    },
    Page {
        code: Code::SrvUnanswered,
        name: "srv-unanswered",
        meaning: "Nobody could say whether there is an SRV record.",
        remedy: "Look at the name servers of the zone.",
        source: "RFC 2308 §7",
    },
    Page {
        code: Code::SrvUnusable,
        name: "srv-unusable",
        meaning: "There are SRV records, and none of them can be used. Records that are there count, so nothing else is tried.",
        remedy: "Correct the records, or remove them all.",
        source: "RFC 2782",
    },
    Page {
        code: Code::TimedOut,
        name: "timed-out",
        meaning: "The whole search took too long.",
        remedy: "Look at what was tried last; give it more time with --timeout.",
        source: "this command, --timeout",
    },
    Page {
        code: Code::TlsAlert,
        name: "tls-alert",
        meaning: "The server refuses the TLS handshake.",
        remedy: "Check that the server or proxy knows this name (SNI) and speaks TLS 1.2 or 1.3.",
        source: "RFC 8446 §6",
    },
    Page {
        code: Code::TlsTooOld,
        name: "tls-too-old",
        meaning: "The server and this machine have no version or cipher of TLS in common: most often it speaks nothing newer than TLS 1.1.",
        remedy: "Turn on TLS 1.2 and 1.3.",
        source: "RFC 8996",
    },
    Page {
        code: Code::Unreachable,
        name: "unreachable",
        meaning: "There is no way to the address from here.",
        remedy: "Check the address and its network; if only this machine fails, its own network is at fault.",
        source: "RFC 792",
    },
    Page {
        code: Code::VersionChallenge,
        name: "version-challenge",
        meaning: "A page that is made for browsers (a challenge, a log-in) answers in place of the homeserver.",
        remedy: "Turn it off for everything below /_matrix: servers cannot solve it.",
        source: "specification, Server implementation",
    },
    Page {
        code: Code::VersionFailed,
        name: "version-failed",
        meaning: "The server was reached, and did not answer the request for its version.",
        remedy: "Check that the homeserver runs behind the proxy.",
        source: "specification, Server implementation",
    },
    Page {
        code: Code::VersionMisdirected,
        name: "version-misdirected",
        meaning: "The server says by status 421 that it does not know this name.",
        remedy: "Configure the name as a virtual host of the proxy.",
        source: "RFC 9110 §15.5.20",
    },
    Page {
        code: Code::VersionNotJson,
        name: "version-not-json",
        meaning: "What answers for the homeserver is no JSON.",
        remedy: "Have the proxy pass everything below /_matrix to the homeserver.",
        source: "specification, Server implementation",
    },
    Page {
        code: Code::VersionProxyDown,
        name: "version-proxy-down",
        meaning: "The proxy answers that the homeserver behind it is down.",
        remedy: "Start the homeserver, or correct where the proxy looks for it.",
        source: "RFC 9110 §15.6",
    },
    Page {
        code: Code::VersionStatus,
        name: "version-status",
        meaning: "The server refuses the request for its version.",
        remedy: "Have the proxy let everything below /_matrix through.",
        source: "specification, Server implementation",
    },
    Page {
        code: Code::VersionUnknownPath,
        name: "version-unknown-path",
        meaning: "What answers does not know the federation's paths: the proxy does not pass them on for this name.",
        remedy: "Have the proxy pass /_matrix to the homeserver for this Host.",
        source: "specification, Server implementation",
    },
    Page {
        code: Code::WellKnownAbsent,
        name: "well-known-absent",
        meaning: "There is no .well-known, which is no error where the name itself or an SRV record leads to the server.",
        remedy: "Nothing has to be changed where the server is found.",
        source: "specification, step 3",
    },
    Page {
        code: Code::WellKnownBadServerName,
        name: "well-known-bad-server-name",
        meaning: "m.server in .well-known is no server name.",
        remedy: "Write host or host:port there: no https://, no path, no blanks.",
        source: "specification, step 3; Server name",
    },
    Page {
        code: Code::WellKnownBrokenResponse,
        name: "well-known-broken-response",
        meaning: "The response of .well-known cannot be read.",
        remedy: "Look at the web server's response to /.well-known/matrix/server.",
        source: "RFC 9112",
    },
    Page {
        code: Code::WellKnownCertificate,
        name: "well-known-certificate",
        meaning: "The certificate of the web server that has .well-known cannot be accepted, so that other servers pass over the delegation.",
        remedy: "Renew or replace the certificate of the web server.",
        source: "specification, step 3",
    },
    Page {
        code: Code::WellKnownDiffers,
        name: "well-known-differs",
        meaning: "The name has several addresses for its web server: one delegates, and another does not. What others find is left to chance.",
        remedy: "Serve the same document at every address, or remove the record of the one that is not meant.",
        source: "specification, step 3",
    },
    Page {
        code: Code::WellKnownHtml,
        name: "well-known-html",
        meaning: ".well-known is answered with a web page in place of JSON.",
        remedy: "Serve the document itself, before the rule that serves the page to all that is not there.",
        source: "specification, step 3",
    },
    Page {
        code: Code::WellKnownLongLived,
        name: "well-known-long-lived",
        meaning: "A change of the delegation takes long to reach others, since .well-known may be believed for so long.",
        remedy: "Before a move, serve it with a small max-age in Cache-Control.",
        source: "RFC 9111 §5.2.2.1",
    },
    Page {
        code: Code::WellKnownNotJson,
        name: "well-known-not-json",
        meaning: "What .well-known answers is no JSON object with one m.server.",
        remedy: "Serve {\"m.server\": \"HOST:PORT\"}.",
        source: "specification, step 3",
    },
    Page {
        code: Code::WellKnownRedirect,
        name: "well-known-redirect",
        meaning: "The redirect of .well-known cannot be followed.",
        remedy: "Answer the request itself, with status 200; or redirect to an https URL that answers.",
        source: "specification, step 3; RFC 9110 §15.4",
    },
    Page {
        code: Code::WellKnownRedirectToHttp,
        name: "well-known-redirect-to-http",
        meaning: ".well-known redirects to http, which is never followed.",
        remedy: "Redirect to https, or answer the request itself.",
        source: "specification, step 3",
    },
    Page {
        code: Code::WellKnownRedirected,
        name: "well-known-redirected",
        meaning: ".well-known is answered by way of a redirect.",
        remedy: "Nothing has to be changed; answering the request itself is one step less that can fail.",
        source: "specification, step 3",
    },
    Page {
        code: Code::WellKnownStatus,
        name: "well-known-status",
        meaning: ".well-known is answered with an error, so that other servers pass over it.",
        remedy: "Serve the document with status 200; or 404 if there is to be no delegation.",
        source: "specification, step 3",
    },
    Page {
        code: Code::WellKnownToDelegated,
        name: "well-known-to-delegated",
        meaning: ".well-known delegates to a name that is itself delegated. Nobody follows a second delegation.",
        remedy: "Delegate to the last name at once.",
        source: "specification, step 3",
    },
    Page {
        code: Code::WellKnownToItself,
        name: "well-known-to-itself",
        meaning: ".well-known delegates the name to itself, which changes nothing.",
        remedy: "Remove it, or give it the port that it is for.",
        source: "specification, step 3",
    },
    Page {
        code: Code::WellKnownUnreachable,
        name: "well-known-unreachable",
        meaning: "The web server that should answer .well-known cannot be reached; other servers go on as if there were no delegation.",
        remedy: "Start it on port 443, if there is to be a delegation.",
        source: "specification, step 3",
    },
    Page {
        code: Code::WellKnownWrongKey,
        name: "well-known-wrong-key",
        meaning: "The document has another key than m.server: that of .well-known/matrix/client is m.homeserver.",
        remedy: "Serve {\"m.server\": \"HOST:PORT\"} at /.well-known/matrix/server; the other document is for users' programs.",
        source: "specification, step 3",
    },
];

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::format;
    use alloc::string::ToString;

    #[test]
    fn every_code_has_its_page_and_is_read_back() {
        for (index, code) in Code::all().enumerate() {
            assert_eq!((code as usize, code.page().code), (index, code));
            assert_eq!(code.name().parse(), Ok(code));
            let json = serde_json::to_string(&code).unwrap();
            assert_eq!(json, format!("\"{code}\""));
            for text in [code.meaning(), code.remedy()] {
                assert!(text.ends_with('.'), "{code}: {text}");
            }
            assert!(!code.source().is_empty());
        }
        assert_eq!("x".parse::<Code>(), Err(UnknownCode));
        assert_eq!(UnknownCode.to_string(), "no code of a finding");
    }
}
