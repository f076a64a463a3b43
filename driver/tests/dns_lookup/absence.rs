//! Records that are firmly not there.

use fedway_core::{Absence, DnsError, Family};
use hickory_proto::op::ResponseCode;

use crate::rig::*;

#[test]
fn absence_is_firm_and_lasts_as_the_soa_says() {
    for (code, absence) in [
        (ResponseCode::NXDomain, Absence::NoSuchName),
        (ResponseCode::NoError, Absence::NoData),
    ] {
        for (ttl, minimum, least) in [(300, 60, 60), (60, 300, 60), (300, u32::MAX, 0)] {
            let mut lookup = v4("a.example.org");
            let sent = send(&mut lookup);
            sent.reply(&mut lookup, |message| {
                message.metadata.response_code = code;
                message.add_authority(soa("example.org.", ttl, minimum));
            });
            assert_eq!(done(&mut lookup), absent(absence, Some(least)));
        }
    }
}

#[test]
fn without_the_soa_of_its_zone_nobody_says_how_long_an_absence_lasts() {
    let mut lookup = v4("a.example.org");
    let sent = send(&mut lookup);
    sent.answer(&mut lookup, &[]);
    assert_eq!(done(&mut lookup), absent(Absence::NoData, None));

    let mut lookup = v4("a.example.org");
    let sent = send(&mut lookup);
    sent.reply(&mut lookup, |message| {
        message.metadata.response_code = ResponseCode::NXDomain;
        message.add_authority(soa("example.com.", 60, 60));
    });
    assert_eq!(done(&mut lookup), absent(Absence::NoSuchName, None));
}

#[test]
fn records_beside_nxdomain_are_not_believed() {
    let mut lookup = v4("example.org");
    let sent = send(&mut lookup);
    sent.reply(&mut lookup, |message| {
        message.metadata.response_code = ResponseCode::NXDomain;
        message.add_answer(a("example.org.", 1, 1));
    });
    assert_eq!(done(&mut lookup), absent(Absence::NoSuchName, None));
}

/// RFC 2308 §2.2: NS records without an SOA record are a referral; who gives one and does no recursion (RA) has not answered
#[test]
fn a_referral_is_a_failed_try_and_no_absence() {
    let mut lookup = seeded(&config(2), 1);
    send(&mut lookup).reply(&mut lookup, |message| {
        message.add_authority(ns("org.", "ns.example.net."));
    });
    let sent = send(&mut lookup);
    assert_eq!(sent.server, 2);
    sent.answer(&mut lookup, &[a("example.org.", 1, 1)]);
    assert_eq!(done(&mut lookup), found(&[1], 1, false));

    let mut lookup = v4("example.org");
    for _ in 0..2 {
        send(&mut lookup).reply(&mut lookup, |message| {
            message.add_authority(ns("org.", "ns.example.net."));
        });
    }
    assert_eq!(done(&mut lookup), Err(DnsError::Referral));
}

#[test]
fn name_servers_beside_an_soa_record_or_from_a_resolver_are_no_referral() {
    let mut lookup = v4("example.org");
    send(&mut lookup).reply(&mut lookup, |message| {
        message.add_authority(ns("org.", "ns.example.net."));
        message.add_authority(soa("org.", 60, 60));
    });
    assert_eq!(done(&mut lookup), absent(Absence::NoData, Some(60)));

    let mut lookup = v4("example.org");
    send(&mut lookup).reply(&mut lookup, |message| {
        message.metadata.recursion_available = true;
        message.add_authority(ns("org.", "ns.example.net."));
    });
    assert_eq!(done(&mut lookup), absent(Absence::NoData, None));
}

/// The alias holds; where its target is, such a server does not know
#[test]
fn an_alias_with_a_referral_is_asked_for_where_it_ends() {
    let mut lookup = seeded(&config(2), 1);
    send(&mut lookup).reply(&mut lookup, |message| {
        message.add_answer(cname("example.org.", 9, "b.net."));
        message.add_authority(ns("net.", "ns.example.net."));
    });
    let sent = send(&mut lookup);
    assert_eq!(
        (sent.server, &sent.query.queries[0].name),
        (1, &name("b.net."))
    );
    sent.reply(&mut lookup, |message| {
        message.add_authority(ns("net.", "ns.example.net."));
    });
    assert_eq!(send(&mut lookup).server, 2);
}

/// resolv.conf(5), `no-aaaa`
#[test]
fn without_aaaa_nobody_is_asked_for_ipv6_addresses_and_ipv4_is_as_ever() {
    let mut config = config(1);
    config.no_aaaa = true;
    let mut lookup = of_family("example.org", Family::V6, &config);
    assert_eq!(done(&mut lookup), absent(Absence::NoData, Some(0)));
    let mut lookup = of_family("a.onion", Family::V6, &config);
    assert_eq!(done(&mut lookup), Err(DnsError::Onion));
    let mut lookup = of_family("example.org", Family::V4, &config);
    send(&mut lookup).answer(&mut lookup, &[a("example.org.", 1, 1)]);
    assert_eq!(done(&mut lookup), found(&[1], 1, false));
}
