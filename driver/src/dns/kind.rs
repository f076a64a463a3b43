//! What a look-up looks for: a type of records, and how they are read.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use fedway_core::{Family, SrvRecord};
use hickory_proto::rr::{RData, RecordType};

use super::text;

/// What a look-up looks for
#[derive(Clone, Debug)]
pub(super) struct Kind<T> {
    pub(super) record_type: RecordType,
    /// Takes a record's data, if it is of the type and representable
    pub(super) read: fn(&RData) -> Option<T>,
    /// What of too many records is kept: those with the least of this, then those that come first
    pub(super) priority: fn(&T) -> u16,
    /// The answer for `localhost`
    pub(super) loopback: Option<T>,
}

impl Kind<IpAddr> {
    pub(super) fn addresses(family: Family) -> Self {
        match family {
            Family::V4 => Self {
                record_type: RecordType::A,
                read: |data| {
                    let RData::A(address) = data else { return None };
                    Some(address.0.into())
                },
                priority: |_| 0,
                loopback: Some(Ipv4Addr::LOCALHOST.into()),
            },
            Family::V6 => Self {
                record_type: RecordType::AAAA,
                read: |data| {
                    let RData::AAAA(address) = data else {
                        return None;
                    };
                    Some(address.0.into())
                },
                priority: |_| 0,
                loopback: Some(Ipv6Addr::LOCALHOST.into()),
            },
        }
    }
}

impl Kind<SrvRecord> {
    pub(super) fn srv() -> Self {
        let read = |data: &RData| {
            let RData::SRV(srv) = data else { return None };
            let target = text::from_labels(&srv.target)?;
            let (priority, weight, port) = (srv.priority, srv.weight, srv.port);
            Some(SrvRecord {
                priority,
                weight,
                port,
                target,
            })
        };
        Self {
            record_type: RecordType::SRV,
            read,
            priority: |record| record.priority,
            loopback: None,
        }
    }
}
