//! Arbitrary searches: configurations, names, and an answer to any action.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::Arc;
use std::time::Duration;

use arbitrary::{Result, Unstructured};
use fedway_core::{
    Absence, Action, Answer, CertificateError, Config, ConnectError, DnsError, DnsName, Edition,
    Event, Family, FetchError, FieldName, HttpAnswer, Lookahead, MalformedResponse, ServerName,
    SrvRecord, TlsError,
};

use crate::{bytes, one_of, up_to};

/// A configuration with deadlines of at least a millisecond
pub fn config(u: &mut Unstructured<'_>) -> Result<Arc<Config>> {
    let mut config = Config::default();
    config.edition = Edition::ALL[usize::from(up_to(u, 2)?)];
    let flags: u8 = u.arbitrary()?;
    config.gone_is_final = flags & 1 != 0;
    if flags & 2 != 0 {
        config.lookahead = Lookahead::None;
    }
    if flags & 4 != 0 {
        config.deadlines.dns = at_least_a_millisecond(u)?;
        config.deadlines.connect = at_least_a_millisecond(u)?;
        config.deadlines.well_known = at_least_a_millisecond(u)?;
        config.deadlines.search = at_least_a_millisecond(u)?;
    }
    if flags & 8 != 0 {
        config.racing.resolution_delay = millis(u)?;
        config.racing.attempt_delay = millis(u)?;
    }
    if flags & 16 != 0 {
        config.limits.redirects = up_to(u, MAX_REDIRECTS)?;
        config.limits.body = usize::from(u.arbitrary::<u16>()?);
    }
    if flags & 32 != 0 {
        for _ in 0..up_to(u, 3)? {
            let net = one_of(u, NETS)?.parse().expect("a net");
            config.addresses.allow.push(net);
        }
        for _ in 0..up_to(u, 3)? {
            let net = one_of(u, NETS)?.parse().expect("a net");
            config.addresses.deny.push(net);
        }
    }
    if flags & 64 != 0 {
        for _ in 0..up_to(u, 3)? {
            let rule = one_of(u, RULES)?.parse().expect("a rule");
            config.trust.skip.push(rule);
        }
    }
    Ok(config.into())
}

/// A server name, one time in four of any text
pub fn name(u: &mut Unstructured<'_>) -> Result<Option<ServerName>> {
    let text = if up_to(u, 3)? == 3 {
        str::from_utf8(bytes(u)?).unwrap_or_default()
    } else {
        one_of(u, NAMES)?
    };
    Ok(ServerName::parse(text).ok())
}

/// Any answer to an action
pub fn reply(action: Action, u: &mut Unstructured<'_>) -> Result<Event> {
    Ok(match action {
        Action::Connect(connect) => {
            let result = match u.arbitrary::<u8>()? {
                0 => Err(ConnectError::Refused),
                1 => Err(ConnectError::TimedOut),
                2 => Err(ConnectError::Other(u.arbitrary()?)),
                3 => Err(ConnectError::Tls(TlsError::Alert(u.arbitrary()?))),
                4 => Err(certificate(CertificateError::Expired {
                    not_after: u.arbitrary()?,
                })),
                5 => Err(certificate(CertificateError::NotValidForName {
                    expected: connect.tls_name().to_string(),
                    // Without control characters, as the driver hands them out
                    presented: vec![
                        String::from_utf8_lossy(bytes(u)?)
                            .replace(char::is_control, "\u{fffd}");
                        3
                    ],
                })),
                6 => Err(ConnectError::OutOfResources),
                _ => Ok(()),
            };
            connect.reply(result.map(|()| None))
        }
        Action::FetchWellKnown(fetch) => {
            let result = match u.arbitrary::<u8>()? {
                0 => Err(FetchError::ConnectionLost),
                1 => Err(FetchError::Malformed(MalformedResponse::StatusLine)),
                _ => Ok(http(u)?),
            };
            fetch.reply(result)
        }
        Action::LookUpAddresses(look_up) => {
            let family = look_up.family();
            look_up.reply(dns(u, |u| address(u, family))?)
        }
        Action::QuerySrv(query) => query.reply(dns(u, record)?),
    })
}

/// The hosts that [`reply`] redirects to
pub const REDIRECT_HOSTS: &[&str] = &[
    "r1.example",
    "r2.example",
    "r3.onion",
    "10.0.0.1",
    "9.9.9.9",
    "[::1]",
];

fn http(u: &mut Unstructured<'_>) -> Result<HttpAnswer> {
    let status = match u.arbitrary::<u8>()? {
        0 => 404,
        1 => 410,
        2 => u.arbitrary()?,
        3..=120 => 302,
        _ => 200,
    };
    let location: Option<Vec<u8>> = match u.arbitrary::<u8>()? {
        0 => None,
        1..=5 => Some("http://r1.example/".into()),
        6..=10 => Some("https://user@r1.example/".into()),
        path @ 11..=60 => Some(format!("/{}", path % 8).into_bytes()),
        port => {
            let host = one_of(u, REDIRECT_HOSTS)?;
            let port = if port % 2 == 0 { "" } else { ":8443" };
            Some(format!("https://{host}{port}/{}", up_to(u, 3)?).into_bytes())
        }
    };
    let body = match u.arbitrary::<u8>()? {
        0 => bytes(u)?.to_vec(),
        _ => format!(r#"{{"m.server":"{}"}}"#, one_of(u, NAMES)?).into_bytes(),
    };
    let mut answer = HttpAnswer::status(status);
    if let Some(location) = location {
        answer = answer.with(FieldName::Location, location);
    }
    answer.body = body;
    Ok(answer)
}

fn dns<T: Clone>(
    u: &mut Unstructured<'_>,
    mut record: impl FnMut(&mut Unstructured<'_>) -> Result<T>,
) -> Result<Result<Answer<T>, DnsError>> {
    Ok(match u.arbitrary::<u8>()? {
        0 => Err(DnsError::ServFail),
        1 => Err(DnsError::ResponseCode(u.arbitrary()?)),
        2 => Err(DnsError::TimedOut),
        3..=20 => Ok(Answer::absent(Absence::NoSuchName, None)),
        21..=80 => Ok(Answer::absent(Absence::NoData, Some(seconds(u)?))),
        kind => {
            let most = if kind > 250 { 40 } else { 3 };
            // Zero is for a driver that breaks its promise
            let count = up_to(u, most)?;
            let mut records = (0..count).map(|_| record(u)).collect::<Result<Vec<_>>>()?;
            if let (255, Some(first)) = (kind, records.first().cloned()) {
                // More than any message holds, before the others
                let copies = std::iter::repeat_n(first, 1 << up_to(u, MOST_DOUBLINGS)?);
                records.splice(..1, copies);
            }
            let answer = Answer::found(records, seconds(u)?);
            Ok(if u.arbitrary()? {
                answer.by_alias()
            } else {
                answer
            })
        }
    })
}

fn address(u: &mut Unstructured<'_>, family: Family) -> Result<IpAddr> {
    let choice: u8 = u.arbitrary()?;
    Ok(match (choice, family) {
        (0, _) => Ipv6Addr::from(u.arbitrary::<u128>()?).into(),
        (1, _) => Ipv4Addr::from(u.arbitrary::<u32>()?).into(),
        (2..=40, Family::V4) => one_of(u, SPECIAL_V4)?.parse().expect("an address"),
        (2..=40, Family::V6) => one_of(u, SPECIAL_V6)?.parse().expect("an address"),
        (_, Family::V4) => Ipv4Addr::new(9, 9, 9, choice).into(),
        (_, Family::V6) => Ipv6Addr::new(0x2620, 0xfe, 0, 0, 0, 0, 0, choice.into()).into(),
    })
}

fn record(u: &mut Unstructured<'_>) -> Result<SrvRecord> {
    Ok(SrvRecord {
        priority: u16::from(up_to(u, 3)?),
        weight: u.arbitrary()?,
        port: u.arbitrary()?,
        target: DnsName::new(one_of(u, TARGETS)?).expect("a name"),
    })
}

fn certificate(error: CertificateError) -> ConnectError {
    ConnectError::Tls(TlsError::Certificate(error))
}

fn seconds(u: &mut Unstructured<'_>) -> Result<Duration> {
    Ok(Duration::from_secs(u.arbitrary::<u32>()?.into()))
}

fn millis(u: &mut Unstructured<'_>) -> Result<Duration> {
    Ok(Duration::from_millis(u.arbitrary::<u16>()?.into()))
}

fn at_least_a_millisecond(u: &mut Unstructured<'_>) -> Result<Duration> {
    Ok(millis(u)?.max(Duration::from_millis(1)))
}

/// No more than this, so that the number of actions has a bound that means something
pub const MAX_REDIRECTS: u8 = 8;

/// Of a record: 131,072, whose weights no 32 bits can add up
const MOST_DOUBLINGS: u8 = 17;

/// Of every form; the targets of SRV records are only among them where it says so
const NAMES: &[&str] = &[
    "a.example",
    "b.example",
    "A.Example.:8449",
    "b.example:1",
    "9.9.9.9",
    "9.9.9.9:443",
    "10.0.0.1",
    "[2620:fe::9]:8448",
    "[::1]",
    "x.onion",
    "x.onion:8448",
    "localhost",
    // Also a target
    "both.example",
    // A label that no message can hold
    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.example",
    // Over the recommended length; its SRV owners do not fit a message
    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.\
     aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.example",
    "not a name",
];

/// What SRV records point to
const TARGETS: &[&str] = &[
    "t1.example",
    "T2.example.",
    "t3.example",
    "both.example",
    ".",
    "9.9.9.9",
    "t4.onion",
    r"t5\.\001.example",
    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.t6.example",
];

const NETS: &[&str] = &[
    "0.0.0.0/0",
    "9.9.9.0/24",
    "9.9.9.64/26",
    "10.0.0.0/8",
    "127.0.0.1/32",
    "::/0",
    "2620:fe::/32",
    "::1/128",
    "::ffff:0:0/96",
];

const RULES: &[&str] = &[
    "a.example",
    "*.example",
    "both.example",
    "9.9.9.0/24",
    "2620:fe::/32",
];

const SPECIAL_V4: &[&str] = &[
    "10.0.0.1",
    "127.0.0.1",
    "169.254.169.254",
    "0.0.0.0",
    "255.255.255.255",
    "224.0.0.1",
];

const SPECIAL_V6: &[&str] = &[
    "::1",
    "::",
    "::ffff:10.0.0.1",
    "2002:a00:1::",
    "64:ff9b::10.0.0.1",
    "fe80::1",
    "fd00::1",
    "ff02::1",
];
