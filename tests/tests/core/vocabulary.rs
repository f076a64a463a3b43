//! The words between a search and whoever drives or reads it: all of them survive JSON, and each kind has a word of its own.

use std::collections::BTreeSet;
use std::fmt::Debug;
use std::net::IpAddr;

use fedway_core::{
    Absence, AddressPolicy, AddressRefusal, Answer, AttemptError, BodyError, CertificateError,
    Config, ConnectError, CtPolicy, DiscoveryErrorKind, DnsError, DnsName, Edition, ExtendedError,
    Families, Family, Fault, FetchError, FieldName, Host, HttpAnswer, Instant, Lookahead,
    MalformedResponse, Notes, Place, Purpose, RedirectError, Route, ServerName, ServerNameError,
    ServerNameErrorKind, Shown, SkipRule, SkippedRecord, SrvRecord, TlsError, UtcTime,
    UtcTimeError, Verdict, Warning, WellKnownError,
};
use fedway_testkit::script::{Script, srv};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::secs;

#[test]
fn every_kind_of_error_survives_json_and_has_a_word_of_its_own() {
    named(&dns_errors(), |it| it.name());
    named(&connect_errors(), |it| it.name());
    named(&tls_errors(), |it| it.name());
    named(&certificate_errors(), |it| it.name());
    named(&fetch_errors(), |it| it.name());
    named(&malformed(), |it| it.name());
    named(&refusals(), |it| it.name());
    named(&well_known_errors(), |it| it.name());
    named(&body_errors(), |it| it.name());
    named(&redirect_errors(), |it| it.name());
    named(&server_name_errors(), |it| it.name());
}

#[test]
fn every_cause_and_every_end_of_a_search_survives_json_and_has_a_word_of_its_own() {
    // What a connection failed with is told apart in the word, but not in the variant
    let tls = ConnectError::Tls(TlsError::Protocol);
    let certificate = ConnectError::Tls(TlsError::Certificate(CertificateError::Bad));
    let mut causes = attempt_errors();
    causes.extend([tls, certificate].map(AttemptError::Connect));
    all_survive(&causes);
    distinct(causes.iter().map(AttemptError::name));

    let kinds = kinds();
    all_survive(&kinds);
    distinct(kinds.iter().map(DiscoveryErrorKind::name));
}

#[test]
fn every_warning_survives_json_and_has_a_word_of_its_own() {
    named(&warnings(), |it| it.name());
    named(&skipped(), |it| it.name());
}

#[test]
fn every_choice_and_every_step_survives_json() {
    all_survive(&[Absence::NoData, Absence::NoSuchName]);
    all_survive(&[
        CtPolicy::Off,
        CtPolicy::Report,
        CtPolicy::Require { minimum: 2 },
    ]);
    all_survive(&Edition::ALL);
    all_survive(&[Families::Both, Families::V4, Families::V6]);
    all_survive(&[Family::V4, Family::V6]);
    all_survive(&[Fault::Caller, Fault::Ours, Fault::Peer]);
    all_survive(&FieldName::ALL);
    all_survive(&hosts());
    all_survive(&[Lookahead::Dns, Lookahead::None]);
    all_survive(&[Place::Route(Route::Srv(1)), Place::WellKnown]);
    all_survive(&[Purpose::Federation, Purpose::WellKnown]);
    all_survive(&[
        Route::DelegatedFallback,
        Route::DelegatedLiteral,
        Route::DelegatedPort,
        Route::DelegatedSrv(1),
        Route::ExplicitPort,
        Route::Fallback,
        Route::Literal,
        Route::Srv(0),
    ]);
    all_survive(&[Verdict::Skip(rule("*.example.org")), Verdict::Verify]);
    for text in ["example.org", "*.example.org", "10.0.0.0/8", "2001:db8::1"] {
        survives(&rule(text));
    }
}

#[test]
fn every_answer_survives_json() {
    let address: IpAddr = "2001:db8::1".parse().unwrap();
    all_survive(&[
        Answer::absent(Absence::NoData, Some(secs(60))),
        Answer::found(vec![address], secs(300)),
    ]);
    survives(&Answer::<IpAddr>::absent(Absence::NoSuchName, None));
    survives(
        &Answer::<SrvRecord>::found(vec![srv(10, 5, 8448, "example.org")], secs(1)).by_alias(),
    );
    // What a header or a body has need not be text
    let mut answer = HttpAnswer::redirect(302, "/a").with(FieldName::Age, b"\xff".to_vec());
    answer.body = vec![0, 0xff];
    survives(&answer);
    let mut shown = Shown::default();
    survives(&shown);
    shown.protocol = Some("TLSv1.3".into());
    shown.alpn = Some("http/1.1".into());
    shown.names = vec!["example.org".into()];
    shown.validity = Some((0, u64::MAX));
    survives(&shown);
}

#[test]
fn names_and_times_survive_json() {
    for text in [
        "Example.org",
        "example.org:8449",
        "1.2.3.4",
        "[2001:db8::1]:1",
    ] {
        survives(&text.parse::<ServerName>().unwrap());
    }
    for text in [".", "_matrix._tcp.example.org", r"a\.b.example"] {
        survives(&name(text));
    }
    survives(&DnsName::new("ä.example").unwrap_err());
    survives(&server_name_error());
    survives(&UtcTime::from_unix(1_795_435_200));
    survives(&UtcTimeError);
    survives(&Instant::from_origin(secs(1) + crate::TICK));
}

#[test]
fn a_configuration_survives_json_and_what_is_left_out_of_it_is_the_default() {
    survives(&Config::default());
    let mut config = Config::default();
    config.addresses.allow.push("10.0.0.0/8".parse().unwrap());
    config.addresses.deny.push("2001:db8::/32".parse().unwrap());
    config.trust.skip.push(rule("*.example.org"));
    config.trust.transparency = CtPolicy::Require { minimum: 2 };
    config.edition = Edition::R0_1;
    config.lookahead = Lookahead::None;
    config.families = Families::V4;
    config.gone_is_final = true;
    config.limits.redirects = 0;
    config.deadlines.dns = crate::TICK;
    survives(&config);
    for part in [
        "{}",
        r#"{"addresses": {}, "deadlines": {}, "lifetimes": {}, "limits": {}, "racing": {}, "trust": {}}"#,
    ] {
        let read: Config = serde_json::from_str(part).unwrap();
        assert_eq!(read, Config::default(), "{part}");
    }
}

#[test]
fn what_a_search_found_survives_json() {
    let mut s = Script::connect("example.org").config(|config| {
        config.trust.skip.push(rule("192.0.2.0/24"));
    });
    s.well_known("example.org")
        .delegates_to("delegated.example.org");
    s.srv("_matrix-fed._tcp.delegated.example.org")
        .fails(DnsError::ServFail);
    s.srv("_matrix._tcp.delegated.example.org").gives([
        srv(1, 2, 8449, "host.example.net"),
        srv(3, 4, 0, "host.example.net"),
    ]);
    s.a("host.example.net").gives(["10.0.0.1", "192.0.2.7"]);
    s.connect("192.0.2.7:8449").works();
    let found = s.run().found().clone();
    assert!(found.connection.is_some());
    assert!(!found.notes.attempts.is_empty() && !found.notes.warnings.is_empty());
    assert!(found.notes.well_known.is_some() && found.expires.is_some());
    survives(&found);

    survives(Script::resolve("192.0.2.1").run().found());
}

#[test]
fn why_a_search_found_nothing_survives_json() {
    let mut s = Script::connect("example.org");
    s.well_known("example.org").delegates_to("192.0.2.1:8449");
    s.connect("192.0.2.1:8449").fails(ConnectError::Refused);
    let error = s.run().error().clone();
    assert!(error.destination.is_some());
    for kind in kinds() {
        let mut error = error.clone();
        error.kind = kind;
        survives(&error);
    }

    survives(&Notes::default());
    let attempt = error.notes.attempts.last().unwrap();
    for cause in attempt_errors() {
        let mut attempt = attempt.clone();
        attempt.error = cause;
        survives(&attempt);
    }
    let well_known = error.notes.well_known.as_ref().unwrap();
    for cause in well_known_errors() {
        let mut well_known = well_known.clone();
        well_known.error = Some(cause);
        well_known.redirects = vec!["https://example.org/a".into()];
        survives(&well_known);
    }
}

/// One of each, which survive and whose words are those that they have in JSON
fn named<T>(all: &[T], word: impl Fn(&T) -> &'static str)
where
    T: Serialize + DeserializeOwned + PartialEq + Debug,
{
    all_survive(all);
    for value in all {
        assert_eq!(word(value), tag(value));
    }
    distinct(all.iter().map(word));
}

/// At least one of each variant, all of which survive
fn all_survive<T>(all: &[T])
where
    T: Serialize + DeserializeOwned + PartialEq + Debug,
{
    for value in all {
        survives(value);
    }
    // Serde says which variants there are, and so which are not among these
    let refusal = serde_json::from_str::<T>("\"\"").unwrap_err().to_string();
    let variants = refusal.split('`').skip(1).step_by(2).skip(1);
    let variants: BTreeSet<String> = variants.map(String::from).collect();
    assert!(!variants.is_empty(), "{refusal}");
    assert_eq!(all.iter().map(tag).collect::<BTreeSet<_>>(), variants);
}

fn survives<T: Serialize + DeserializeOwned + PartialEq + Debug>(value: &T) {
    let json = serde_json::to_string(value).unwrap();
    let back: T = serde_json::from_str(&json).unwrap_or_else(|error| panic!("{error}: {json}"));
    assert_eq!(back, *value, "{json}");
}

/// The word of a variant in JSON
fn tag(value: &impl Serialize) -> String {
    match serde_json::to_value(value).unwrap() {
        Value::String(word) => word,
        Value::Object(object) => object.keys().next().unwrap().clone(),
        other @ (Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_)) => {
            panic!("{other} is no variant")
        }
    }
}

fn distinct<'a>(words: impl Iterator<Item = &'a str>) {
    let mut seen = BTreeSet::new();
    for word in words {
        assert!(seen.insert(word), "{word} is two kinds");
    }
}

fn dns_errors() -> Vec<DnsError> {
    vec![
        DnsError::AliasLoop,
        DnsError::Explained {
            code: 2,
            reason: ExtendedError(22),
        },
        DnsError::Malformed,
        DnsError::NotEncodable,
        DnsError::Onion,
        DnsError::OutOfResources,
        DnsError::Referral,
        DnsError::Refused,
        DnsError::ResponseCode(9),
        DnsError::ServFail,
        DnsError::TimedOut,
        DnsError::Unreachable,
    ]
}

fn connect_errors() -> Vec<ConnectError> {
    vec![
        ConnectError::Closed,
        ConnectError::Other(Some(-1)),
        ConnectError::OutOfResources,
        ConnectError::Refused,
        ConnectError::Reset,
        ConnectError::TimedOut,
        ConnectError::Tls(TlsError::Protocol),
        ConnectError::TooMuchData { limit: 1 },
        ConnectError::Unreachable,
    ]
}

fn tls_errors() -> Vec<TlsError> {
    vec![
        TlsError::Alert(40),
        TlsError::Certificate(CertificateError::Bad),
        TlsError::InvalidName,
        TlsError::Protocol,
        TlsError::Unsupported,
    ]
}

fn certificate_errors() -> Vec<CertificateError> {
    vec![
        CertificateError::Authority,
        CertificateError::Bad,
        CertificateError::ConstraintViolated,
        CertificateError::CriticalExtension,
        CertificateError::Expired {
            not_after: Some(u64::MAX),
        },
        CertificateError::IssuerNotAuthority,
        CertificateError::NotTransparent {
            operators: 1,
            minimum: 2,
        },
        CertificateError::NotValidForName {
            expected: "example.org".into(),
            presented: vec!["example.net".into()],
        },
        CertificateError::NotYetValid { not_before: None },
        CertificateError::Other,
        CertificateError::RevocationList,
        CertificateError::RevocationUnknown,
        CertificateError::Revoked,
        CertificateError::TooComplex,
        CertificateError::UnknownIssuer {
            issuer: Some("CN=An authority".into()),
        },
        CertificateError::UnsupportedSignature {
            algorithm: "ECDSA P-521".into(),
        },
        CertificateError::WeakKey { bits: 1024 },
        CertificateError::WeakSignature {
            algorithm: "RSA with SHA-1".into(),
        },
        CertificateError::WrongPurpose,
    ]
}

fn fetch_errors() -> Vec<FetchError> {
    vec![
        FetchError::Alert(116),
        FetchError::BodyTooLarge { limit: 1 },
        FetchError::ConnectionLost,
        FetchError::HeadTooLarge { limit: 1 },
        FetchError::InvalidRequest,
        FetchError::Malformed(MalformedResponse::Chunk),
        FetchError::TimedOut,
        FetchError::TooMuchData { limit: 1 },
    ]
}

fn malformed() -> Vec<MalformedResponse> {
    vec![
        MalformedResponse::Chunk,
        MalformedResponse::ContentCoding,
        MalformedResponse::ContentLengthConflict,
        MalformedResponse::ContentLengthLine,
        MalformedResponse::ContentLengthNumber,
        MalformedResponse::HeaderCharacter,
        MalformedResponse::NotHttp1,
        MalformedResponse::StatusLine,
        MalformedResponse::SwitchedProtocols,
        MalformedResponse::TransferCoding,
        MalformedResponse::TransferEncodingBesideLength,
        MalformedResponse::TransferEncodingInHttp10,
        MalformedResponse::TransferEncodingLine,
    ]
}

fn attempt_errors() -> Vec<AttemptError> {
    vec![
        AttemptError::AddressRefused(refusals()[0]),
        AttemptError::Connect(ConnectError::Refused),
        AttemptError::Dns(DnsError::ServFail),
        AttemptError::FamilyOff(Family::V6),
        AttemptError::NoAddress(Absence::NoData),
        AttemptError::TooManyAttempts { limit: 8 },
    ]
}

fn refusals() -> Vec<AddressRefusal> {
    let mut policy = AddressPolicy::default();
    policy.deny.push("192.0.2.0/24".parse().unwrap());
    ["192.0.2.1", "::1"]
        .map(|address| policy.judge(address.parse().unwrap()).unwrap_err())
        .into()
}

fn well_known_errors() -> Vec<WellKnownError> {
    vec![
        WellKnownError::Body(body_errors().remove(0)),
        WellKnownError::Fetch(FetchError::TimedOut),
        WellKnownError::Redirect {
            location: Some("http://example.org/".into()),
            cause: RedirectError::NotHttps,
        },
        WellKnownError::Status(404),
        WellKnownError::TimedOut,
        WellKnownError::Unreachable {
            host: hosts().remove(0),
            cause: AttemptError::Connect(ConnectError::Refused),
        },
    ]
}

fn body_errors() -> Vec<BodyError> {
    vec![
        BodyError::Json { line: 1, column: 0 },
        BodyError::ServerName(server_name_error()),
    ]
}

fn redirect_errors() -> Vec<RedirectError> {
    vec![
        RedirectError::InternationalHost,
        RedirectError::Location,
        RedirectError::Loop,
        RedirectError::NoLocation,
        RedirectError::NotHttps,
        RedirectError::TooMany { limit: 5 },
        RedirectError::UserInfo,
    ]
}

/// With a name to write instead
fn server_name_error() -> ServerNameError {
    let error = ServerName::parse("https://example.org/").unwrap_err();
    assert!(error.suggestion.is_some());
    error
}

fn server_name_errors() -> Vec<ServerNameErrorKind> {
    vec![
        ServerNameErrorKind::EmailAddress,
        ServerNameErrorKind::Empty,
        ServerNameErrorKind::EmptyHostname,
        ServerNameErrorKind::EmptyLabel,
        ServerNameErrorKind::EmptyPort,
        ServerNameErrorKind::InvalidIpv4,
        ServerNameErrorKind::InvalidIpv6,
        ServerNameErrorKind::InvalidPort,
        ServerNameErrorKind::Ipv6WithoutBrackets,
        ServerNameErrorKind::Ipv6Zone,
        ServerNameErrorKind::MatrixId,
        ServerNameErrorKind::NotAscii('ä'),
        ServerNameErrorKind::TooLong { len: 256 },
        ServerNameErrorKind::TrailingPath,
        ServerNameErrorKind::UnclosedBracket,
        ServerNameErrorKind::UnexpectedCharacter('\0'),
        ServerNameErrorKind::UnopenedBracket,
        ServerNameErrorKind::Url,
        ServerNameErrorKind::WhiteSpace,
    ]
}

fn kinds() -> Vec<DiscoveryErrorKind> {
    let service = name("_matrix-fed._tcp.example.org");
    vec![
        DiscoveryErrorKind::Gone,
        DiscoveryErrorKind::InvalidWellKnown(body_errors().remove(1)),
        DiscoveryErrorKind::NoUsableRecord {
            service: service.clone(),
        },
        DiscoveryErrorKind::NotOffered { service },
        DiscoveryErrorKind::Onion,
        DiscoveryErrorKind::TimedOut,
        DiscoveryErrorKind::Unreachable(AttemptError::Connect(ConnectError::Refused)),
    ]
}

fn warnings() -> Vec<Warning> {
    let owner = name("_matrix._tcp.example.org");
    let target = name("host.example.net");
    vec![
        Warning::AddressTarget {
            owner: owner.clone(),
            address: "2001:db8::1".parse().unwrap(),
        },
        Warning::AliasTarget {
            target: target.clone(),
        },
        Warning::DeprecatedService {
            owner: owner.clone(),
        },
        Warning::LongName { len: 231 },
        Warning::RecordsCut {
            owner: owner.clone(),
            cut: 1,
        },
        Warning::SkippedRecord {
            owner: owner.clone(),
            target: target.clone(),
            reason: SkippedRecord::PortZero,
        },
        Warning::SrvUnanswered {
            owner,
            error: DnsError::ServFail,
        },
        Warning::TooManyAddresses { host: target },
        Warning::VerificationSkipped {
            host: hosts().remove(1),
            address: "192.0.2.1:8448".parse().unwrap(),
            rule: rule("192.0.2.0/24"),
        },
    ]
}

fn skipped() -> Vec<SkippedRecord> {
    vec![
        SkippedRecord::PortZero,
        SkippedRecord::RootTarget,
        SkippedRecord::TooMany,
    ]
}

fn hosts() -> Vec<Host> {
    vec![
        Host::Dns(name("example.org")),
        Host::Ip("2001:db8::1".parse().unwrap()),
    ]
}

fn name(text: &str) -> DnsName {
    DnsName::new(text).unwrap()
}

fn rule(text: &str) -> SkipRule {
    text.parse().unwrap()
}
