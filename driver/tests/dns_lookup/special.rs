//! Names that are never asked for.

use std::time::Duration;

use fedway_core::{Absence, Answer, DnsError};

use crate::rig::*;

#[test]
fn localhost_is_the_loopback_address_and_nothing_is_sent() {
    let loopback = |address: &str| {
        let records = vec![address.parse().unwrap()];
        Ok(Answer::found(records, Duration::ZERO))
    };
    for host in ["localhost", "LOCALHOST.", "a.b.localhost"] {
        assert_eq!(done(&mut v4(host)), loopback("127.0.0.1"));
        assert_eq!(done(&mut v6(host)), loopback("::1"));
    }
    let nothing = Answer::absent(Absence::NoData, Some(Duration::ZERO));
    assert_eq!(done(&mut srv("_matrix._tcp.localhost")), Ok(nothing));
}

#[test]
fn invalid_onion_and_unencodable_names_are_not_sent() {
    assert_eq!(
        done(&mut v4("a.invalid")),
        absent(Absence::NoSuchName, Some(0))
    );
    assert_eq!(done(&mut v4("a.onion")), Err(DnsError::Onion));
    assert_eq!(done(&mut srv("_matrix._tcp.a.onion")), Err(DnsError::Onion));
    for host in ["a..b", ".", &"a".repeat(64), r"a\999.org"] {
        assert_eq!(done(&mut v4(host)), Err(DnsError::NotEncodable), "{host}");
    }
}

#[test]
fn an_alias_does_not_make_a_special_name_be_sent() {
    for (target, result) in [
        ("b.onion.", Err(DnsError::Onion)),
        ("b.invalid.", absent(Absence::NoSuchName, Some(0))),
        (
            "b.localhost.",
            Ok(Answer::found(vec!["127.0.0.1".parse().unwrap()], Duration::ZERO).by_alias()),
        ),
    ] {
        let mut lookup = v4("a.org");
        send(&mut lookup).answer(&mut lookup, &[cname("a.org.", 9, target)]);
        assert_eq!(done(&mut lookup), result, "{target}");
    }
}
