//! What is said of TLS that did not come about, and of a certificate.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use super::case::Case;
use super::catalog::Code;
use crate::edition::Route;
use crate::error::{CertificateError, TlsError};
use crate::name::Host;

impl Case<'_> {
    pub(super) fn tls(
        &self,
        host: &Host,
        at: &str,
        port: u16,
        error: &TlsError,
    ) -> (Code, String, String) {
        let verified = self
            .destination
            .map_or(host, |destination| &destination.tls_name);
        match error {
            TlsError::Certificate(error) => self.certificate(verified, at, port, error),
            TlsError::Alert(70) | TlsError::Unsupported => (
                Code::TlsTooOld,
                format!(
                    "{at} and this machine have no version or cipher of TLS in common ({error})"
                ),
                format!("turn on TLS 1.2 and 1.3 on port {port} of {host}"),
            ),
            TlsError::Alert(116) => (
                Code::TlsAlert,
                format!(
                    "{at} wants a certificate of its clients ({error}), which no other server has"
                ),
                format!(
                    "turn off client certificates on port {port} of {host}: in nginx \"ssl_verify_client off\""
                ),
            ),
            TlsError::Alert(number) => (
                Code::TlsAlert,
                format!(
                    "{at} refuses the TLS handshake for {verified}: {error}{}",
                    alert_in_words(*number)
                ),
                format!(
                    "have the server or proxy on port {port} of {host} know the name {verified}, with a certificate for it"
                ),
            ),
            TlsError::Protocol if port == 80 => (
                Code::NotTls,
                format!(
                    "what answers at {at} does not speak TLS: port 80 is that of HTTP without it"
                ),
                match self.destination.map(|it| it.route) {
                    Some(Route::DelegatedPort) => format!(
                        "write \"m.server\": \"{verified}:443\" in .well-known, or another port on which TLS is spoken"
                    ),
                    Some(Route::Srv(_) | Route::DelegatedSrv(_)) => {
                        "name port 443 in the SRV record, or another on which TLS is spoken".into()
                    }
                    Some(_) | None => {
                        format!("ask for {verified}:443, or another port on which TLS is spoken")
                    }
                },
            ),
            TlsError::Protocol => (
                Code::NotTls,
                format!("what answers at {at} does not speak TLS"),
                format!(
                    "turn on TLS for port {port} of {host}: in nginx \"listen {port} ssl\", in Synapse \"tls: true\" or a proxy before it"
                ),
            ),
            TlsError::InvalidName => (
                Code::CertificateRefused,
                format!("no certificate can have the name {verified}"),
                "delegate to another name".into(),
            ),
        }
    }

    fn certificate(
        &self,
        verified: &Host,
        at: &str,
        port: u16,
        error: &CertificateError,
    ) -> (Code, String, String) {
        let renew = || {
            format!(
                "get a certificate for {verified} from a public authority, and serve it with its chain"
            )
        };
        match error {
            CertificateError::NotValidForName { presented, .. } => {
                self.wrong_name(verified, at, port, presented)
            }
            CertificateError::Expired { .. } => (
                Code::CertificateExpired,
                format!("the certificate at {at} has {error}"),
                "renew it, and have the server load the new one".into(),
            ),
            CertificateError::NotYetValid { .. } => (
                Code::CertificateNotYetValid,
                format!("the certificate at {at} is {error}"),
                "check the clocks of both machines, or wait".into(),
            ),
            CertificateError::UnknownIssuer { issuer } => {
                let by = issuer
                    .as_ref()
                    .map(|it| format!(" ({it})"))
                    .unwrap_or_default();
                (
                    Code::CertificateUnknownAuthority,
                    format!(
                        "nobody trusted here vouches for the certificate at {at}: whoever issued it{by} is unknown"
                    ),
                    format!(
                        "serve the full chain (fullchain.pem), with a certificate for {verified} of a public authority; if the authority is your own, give it with --ca-file"
                    ),
                )
            }
            CertificateError::Revoked => (
                Code::CertificateRevoked,
                format!("the certificate at {at} was revoked by its authority"),
                renew(),
            ),
            CertificateError::WeakKey { .. }
            | CertificateError::WeakSignature { .. }
            | CertificateError::UnsupportedSignature { .. } => (
                Code::CertificateWeak,
                format!("the certificate at {at} is too weak: {error}"),
                renew(),
            ),
            CertificateError::WrongPurpose | CertificateError::Authority => (
                Code::CertificateNotForServers,
                format!("the certificate at {at} is not one of a server: {error}"),
                renew(),
            ),
            CertificateError::NotTransparent { .. } => (
                Code::CertificateNotTransparent,
                format!("the certificate at {at} is {error}"),
                "get one that more logs vouch for, or ask for fewer with --ct-require".into(),
            ),
            CertificateError::Bad
            | CertificateError::ConstraintViolated
            | CertificateError::CriticalExtension
            | CertificateError::IssuerNotAuthority
            | CertificateError::Other
            | CertificateError::RevocationList
            | CertificateError::RevocationUnknown
            | CertificateError::TooComplex => (
                Code::CertificateRefused,
                format!("the certificate at {at} cannot be accepted: {error}"),
                renew(),
            ),
        }
    }

    fn wrong_name(
        &self,
        verified: &Host,
        at: &str,
        port: u16,
        presented: &[String],
    ) -> (Code, String, String) {
        let name = verified.to_string();
        let names = match presented {
            [] => "no name at all".into(),
            some => some.iter().take(5).cloned().collect::<Vec<_>>().join(", "),
        };
        let candidates = self
            .destination
            .map(|it| &*it.candidates)
            .unwrap_or_default();
        let target = candidates
            .iter()
            .filter(|it| it.srv.is_some())
            .map(|it| it.target.to_string());
        let mut targets = target.filter(|target| *target != name);
        let of_target = targets.find(|target| presented.iter().any(|it| is_covered(target, it)));
        let below = presented.iter().find(|it| {
            it.len() > name.len() && it.to_ascii_lowercase().ends_with(&format!(".{name}"))
        });
        if let Some(target) = of_target {
            let well_known = self.notes.well_known.as_ref();
            let is_delegated = well_known.is_some_and(|it| it.delegated.is_some());
            let or = if is_delegated {
                format!(
                    "or write \"m.server\": \"{target}:{port}\" in .well-known: the certificate there is already good for that name"
                )
            } else {
                format!(
                    "or delegate by .well-known in place of SRV, to {target}:{port}: the certificate there is already good for that name"
                )
            };
            return (
                Code::CertificateForSrvTarget,
                format!(
                    "the certificate at {at} is for {target}, the target of the SRV record, and not for {name}, which is what other servers check: they never check the target of an SRV record"
                ),
                format!("get a certificate for {name}, and serve it at {at}; {or}"),
            );
        }
        if let Some(below) = below {
            return (
                Code::CertificateForSubdomainOnly,
                format!("the certificate at {at} is for {names}, and not for {name} itself"),
                format!("add {name} to the certificate: {below} does not cover it"),
            );
        }
        let parent = name.split_once('.').map(|(_, parent)| parent);
        let is_too_deep = |it: &&String| {
            let above = it.strip_prefix("*.");
            above.is_some_and(|above| parent.is_some_and(|it| it.ends_with(&format!(".{above}"))))
        };
        let deep = presented.iter().find(is_too_deep);
        let covers = deep.map(|it| format!(": {it} covers one level of names and no more"));
        let seen = format!(
            "the certificate at {at} is for {names}, and not for {name}{}",
            covers.unwrap_or_default()
        );
        let certificate = match verified {
            Host::Ip(_) => {
                "name a host in place of the address, one that the certificate is for: few authorities give certificates for addresses".into()
            }
            Host::Dns(_) => format!(
                "get a certificate for {name}, and have what listens there show it for that name (nginx: a server block with server_name {name})"
            ),
        };
        if let (Host::Dns(_), Some(first)) = (verified, presented.first())
            && !presented.iter().any(|it| is_related(it, &name))
        {
            let remedy = format!(
                "if {first} is not yours, this is not your server: correct the address of the host that leads here in DNS; else {certificate}"
            );
            let seen = format!("the certificate at {at} is for {names}, and not for {name}");
            return (Code::CertificateForOtherName, seen, remedy);
        }
        let plain = presented.iter().filter(|it| !it.starts_with("*."));
        let plain: Vec<_> = plain.take(3).cloned().collect();
        let plain = plain.join(" or ");
        let remedy = match self.destination.map(|it| it.route) {
            _ if plain.is_empty() || matches!(verified, Host::Ip(_)) => certificate,
            Some(Route::Fallback) => format!(
                "{certificate}; or, if {plain} leads to the homeserver as well, delegate to that by .well-known"
            ),
            Some(
                Route::DelegatedFallback
                | Route::DelegatedLiteral
                | Route::DelegatedPort
                | Route::DelegatedSrv(_),
            ) => format!(
                "{certificate}; or, if {plain} leads to the homeserver as well, write that into m.server, with the port"
            ),
            Some(Route::ExplicitPort | Route::Literal | Route::Srv(_)) | None => certificate,
        };
        (Code::CertificateForOtherName, seen, remedy)
    }
}

/// Whether two names have their last two labels in common, as those of one owner mostly have
fn is_related(name: &str, other: &str) -> bool {
    let end = |name: &str| {
        let mut labels = name.rsplit('.').map(str::to_ascii_lowercase);
        (labels.next(), labels.next())
    };
    end(name) == end(other)
}

/// What an alert means to whoever runs the server
fn alert_in_words(alert: u8) -> &'static str {
    match alert {
        40 => {
            ", which is to say: it found nothing in common, or has no certificate to show for this name"
        }
        80 => ", an error of its own (Caddy says so of a name that it has no site for)",
        112 => ", which is to say: it does not know this name",
        _ => "",
    }
}

/// Whether a name of a certificate covers a host (RFC 6125 §6.4.3)
fn is_covered(host: &str, name: &str) -> bool {
    match name.strip_prefix("*.") {
        Some(parent) => host
            .split_once('.')
            .is_some_and(|(_, above)| above.eq_ignore_ascii_case(parent)),
        None => host.eq_ignore_ascii_case(name),
    }
}
