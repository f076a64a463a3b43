//! What an error and a warning say, and whether the error may be gone the next time.

use std::error::Error as _;

use fedway_core::{
    Absence, AddressPolicy, AttemptError, CertificateError, ConnectError, DiscoveryError,
    DiscoveryErrorKind, DnsError, DnsName, Host, SkippedRecord, TlsError, Warning,
};
use fedway_testkit::script::{Script, srv};

#[test]
fn an_error_says_step_and_host_and_its_source_is_the_cause() {
    let s = Script::connect("Example.org:8449");
    let error = s.run().error().clone();
    assert_eq!(error.to_string(), "step 2 (example.org): no usable server");
    let chain = "step 2 (example.org): no usable server: no address: no such record";
    assert_eq!(format!("{error:#}"), chain);
    let cause = error.source().unwrap();
    assert_eq!(cause.to_string(), "no address: no such record");
    assert!(cause.source().is_none());
}

#[test]
fn a_cause_is_temporary_where_nobody_has_to_change_anything() {
    let refused = "10.0.0.1".parse().unwrap();
    let refused = AddressPolicy::default().judge(refused).unwrap_err();
    for (cause, temporary) in [
        (AttemptError::AddressRefused(refused), false),
        (AttemptError::Connect(ConnectError::Refused), true),
        (AttemptError::Connect(ConnectError::TimedOut), true),
        (
            AttemptError::Connect(ConnectError::Tls(TlsError::Protocol)),
            false,
        ),
        (AttemptError::Dns(DnsError::AliasLoop), false),
        (AttemptError::Dns(DnsError::NotEncodable), false),
        (AttemptError::Dns(DnsError::Onion), false),
        (AttemptError::Dns(DnsError::OutOfResources), true),
        (AttemptError::Dns(DnsError::ServFail), true),
        (AttemptError::NoAddress(Absence::NoSuchName), false),
    ] {
        assert_eq!(cause.is_temporary(), temporary, "{cause}");
    }
}

#[test]
fn a_search_that_took_too_long_may_succeed_the_next_time() {
    let mut s = Script::connect("192.0.2.1").config(|config| {
        config.deadlines.search = config.deadlines.connect / 2;
    });
    s.connect("192.0.2.1:8448").hangs();
    let error = s.run().error().clone();
    assert_eq!(error.kind, DiscoveryErrorKind::TimedOut);
    assert!(error.is_temporary());
}

#[test]
fn a_server_without_an_address_is_gone_for_good_unless_its_srv_records_were_not_to_be_had() {
    let mut s = Script::connect("example.org");
    assert!(!s.run().error().is_temporary());
    s.srv("_matrix._tcp.example.org").servfails();
    assert!(s.run().error().is_temporary());
}

#[test]
fn a_target_that_may_come_back_makes_an_error_temporary_though_the_last_one_is_refused_for_good() {
    let error = targets(|s| {
        s.connect("192.0.2.1:8448").refused();
        s.connect("192.0.2.2:8448").fails(expired());
    });
    assert!(is_expired(&error));
    assert!(error.is_temporary());
}

#[test]
fn an_error_is_permanent_where_every_target_is_refused_for_good_whatever_failed_before_that_step() {
    let error = targets(|s| {
        // .well-known may be back the next time, and says nothing of the targets
        s.a("example.org").gives(["192.0.2.3"]);
        s.connect("192.0.2.3:443").refused();
        s.connect("192.0.2.1:8448").fails(expired());
        s.connect("192.0.2.2:8448").fails(expired());
    });
    assert!(is_expired(&error));
    assert!(
        error
            .notes
            .attempts
            .iter()
            .any(|it| it.error.is_temporary())
    );
    assert!(!error.is_temporary());
}

#[test]
fn a_warning_says_what_it_is_about_and_what_is_wrong() {
    let dns = |text: &str| DnsName::new(text).unwrap();
    let owner = dns("_matrix._tcp.a.org");
    let skipped = |reason| Warning::SkippedRecord {
        owner: owner.clone(),
        target: dns("b.org"),
        reason,
    };
    for (warning, text) in [
        (
            Warning::AliasTarget {
                target: dns("b.org"),
            },
            "SRV target b.org is an alias, which RFC 2782 forbids",
        ),
        (
            Warning::DeprecatedService {
                owner: owner.clone(),
            },
            "found by the deprecated SRV service _matrix._tcp.a.org",
        ),
        (
            Warning::LongName { len: 231 },
            "server name of 231 bytes, more than the recommended 230",
        ),
        (
            Warning::AddressTarget {
                owner: owner.clone(),
                address: [192, 0, 2, 1].into(),
            },
            "SRV record _matrix._tcp.a.org has the address 192.0.2.1 for a target, which RFC 2782 forbids",
        ),
        (
            Warning::RecordsCut {
                owner: owner.clone(),
                cut: 7,
            },
            "SRV _matrix._tcp.a.org has 7 records more than are looked at",
        ),
        (
            skipped(SkippedRecord::PortZero),
            "SRV record _matrix._tcp.a.org with target b.org skipped: its port is 0",
        ),
        (
            Warning::SrvUnanswered {
                owner: owner.clone(),
                error: DnsError::ServFail,
            },
            "SRV _matrix._tcp.a.org taken for absent: name server answered SERVFAIL",
        ),
        (
            Warning::TooManyAddresses { host: dns("b.org") },
            "b.org has more addresses than are tried",
        ),
        (
            Warning::VerificationSkipped {
                host: Host::Dns(dns("b.org")),
                address: "192.0.2.1:8448".parse().unwrap(),
                rule: "*.org".parse().unwrap(),
            },
            "certificate for b.org at 192.0.2.1:8448 not verified, by rule *.org",
        ),
    ] {
        assert_eq!(warning.to_string(), text);
    }
}

/// What comes of two targets, one after the other
fn targets(describe: impl FnOnce(&mut Script)) -> DiscoveryError {
    let mut s = Script::connect("example.org");
    s.srv("_matrix-fed._tcp.example.org").gives([
        srv(0, 0, 8448, "one.example.net"),
        srv(1, 0, 8448, "two.example.net"),
    ]);
    s.a("one.example.net").gives(["192.0.2.1"]);
    s.a("two.example.net").gives(["192.0.2.2"]);
    describe(&mut s);
    s.run().error().clone()
}

fn is_expired(error: &DiscoveryError) -> bool {
    error.kind == DiscoveryErrorKind::Unreachable(AttemptError::Connect(expired()))
}

fn expired() -> ConnectError {
    ConnectError::Tls(TlsError::Certificate(CertificateError::Expired {
        not_after: None,
    }))
}
