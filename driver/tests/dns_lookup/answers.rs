//! Records that are found.

use std::time::Duration;

use fedway_core::{Answer, DnsName, SrvRecord};
use fedway_driver::dns::Step;
use hickory_proto::rr::rdata::{AAAA, SRV, TXT};
use hickory_proto::rr::{DNSClass, Name, RData, Record};

use crate::rig::*;

#[test]
fn addresses_are_found_with_the_least_time_to_live() {
    let mut lookup = v4("example.org");
    let sent = send(&mut lookup);
    sent.answer(
        &mut lookup,
        &[a("example.org.", 60, 1), a("EXAMPLE.org.", 30, 2)],
    );
    assert_eq!(done(&mut lookup), found(&[1, 2], 30, false));
    assert_eq!(
        lookup.poll(),
        Step::Wait { until: None },
        "the outcome is told once"
    );
}

#[test]
fn addresses_of_the_sixth_version_are_found() {
    let mut lookup = v6("example.org");
    let sent = send(&mut lookup);
    let address = "2001:db8::1".parse().unwrap();
    let data = RData::AAAA(AAAA(address));
    sent.answer(
        &mut lookup,
        &[Record::from_rdata(name("example.org."), 5, data)],
    );
    let ttl = Duration::from_secs(5);
    assert_eq!(
        done(&mut lookup),
        Ok(Answer::found(vec![address.into()], ttl))
    );
}

#[test]
fn srv_targets_are_absolute_text_and_the_root_is_a_dot() {
    let mut lookup = srv("_matrix._tcp.example.org");
    let sent = send(&mut lookup);
    let owner = name("_matrix._tcp.example.org.");
    let odd = Name::from_labels([&b"A.b"[..], b"x y", b"org"]).unwrap();
    let records = [
        (1, name("Matrix.example.org.")),
        (2, Name::root()),
        (3, odd),
    ]
    .map(|(priority, target)| {
        let data = RData::SRV(SRV::new(priority, 20, 8448, target));
        Record::from_rdata(owner.clone(), 9, data)
    });
    sent.answer(&mut lookup, &records);
    let Ok(Answer::Found { records, .. }) = done(&mut lookup) else {
        panic!("not found")
    };
    let record = |priority, target| {
        let target = DnsName::new(target).unwrap();
        SrvRecord {
            priority,
            weight: 20,
            port: 8448,
            target,
        }
    };
    assert_eq!(
        records,
        [
            record(1, "matrix.example.org"),
            record(2, "."),
            record(3, r"a\.b.x\032y.org"),
        ]
    );
}

#[test]
fn records_of_other_types_classes_and_owners_are_passed_over() {
    let mut lookup = v4("example.org");
    let sent = send(&mut lookup);
    let mut chaos = a("example.org.", 1, 9);
    chaos.dns_class = DNSClass::CH;
    let text = RData::TXT(TXT::new(vec!["192.0.2.9".into()]));
    sent.answer(
        &mut lookup,
        &[
            chaos,
            Record::from_rdata(name("example.org."), 1, text),
            a("other.org.", 1, 9),
            a("example.org.", 7, 1),
        ],
    );
    assert_eq!(done(&mut lookup), found(&[1], 7, false));
}

#[test]
fn no_more_than_64_records_are_taken() {
    let mut lookup = v4("example.org");
    let sent = send(&mut lookup);
    let records: Vec<_> = (0..65).map(|last| a("example.org.", 1, last)).collect();
    sent.answer(&mut lookup, &records);
    let all: Vec<_> = (0..64).collect();
    assert_eq!(done(&mut lookup), found(&all, 1, false));
}

/// The last of them alone is the one to try first
#[test]
fn of_more_than_64_srv_records_those_of_the_first_priorities_are_taken() {
    let mut lookup = srv("_matrix._tcp.example.org");
    let sent = send(&mut lookup);
    let record = |priority, port| {
        let data = RData::SRV(SRV::new(priority, 0, port, name("m.example.org.")));
        Record::from_rdata(name("_matrix._tcp.example.org."), 9, data)
    };
    let mut records: Vec<_> = (1..=70).map(|port| record(10, port)).collect();
    records.push(record(0, 71));
    sent.answer(&mut lookup, &records);
    let Ok(Answer::Found { records, .. }) = done(&mut lookup) else {
        panic!("not found")
    };
    let ports: Vec<_> = records.iter().map(|record| record.port).collect();
    assert_eq!((ports[0], ports.len()), (71, 64));
    assert_eq!(ports[1..], (1..=63).collect::<Vec<_>>());
}

#[test]
fn a_time_to_live_with_the_top_bit_set_is_zero() {
    for (ttl, read) in [(0x7fff_ffff, 0x7fff_ffff), (0x8000_0000, 0), (u32::MAX, 0)] {
        let mut lookup = v4("example.org");
        let sent = send(&mut lookup);
        sent.answer(&mut lookup, &[a("example.org.", ttl, 1)]);
        assert_eq!(done(&mut lookup), found(&[1], read, false));
    }
}
