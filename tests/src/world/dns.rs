//! What a name server of the world says to one query: the records, or the fault in their stead.

use std::net::IpAddr;
use std::time::Duration;

use hickory_proto::op::{Edns, Message, MessageType, Metadata, OpCode, Query, ResponseCode};
use hickory_proto::rr::rdata::CNAME;
use hickory_proto::rr::rdata::opt::EdnsOption;
use hickory_proto::rr::{Name, RData, Record, RecordType};

use super::log::Transport;
use super::zone::{DnsFault, Lookup, Zone};

/// Bytes to send, and how long to wait before.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Packet {
    pub(super) after: Duration,
    pub(super) bytes: Vec<u8>,
}

/// A query that has been read.
#[derive(Debug)]
pub(super) struct Question {
    message: Message,
    query: Query,
    transport: Transport,
}

impl Question {
    /// Reads a query; `None` for anything else.
    pub(super) fn read(bytes: &[u8], transport: Transport) -> Option<Self> {
        let message = Message::from_vec(bytes).ok()?;
        let query = message.queries.first()?.clone();
        let is_query = message.metadata.message_type == MessageType::Query
            && message.metadata.op_code == OpCode::Query;
        is_query.then_some(Self {
            message,
            query,
            transport,
        })
    }

    /// The name asked for, absolute and in lower case.
    pub(super) fn name(&self) -> String {
        self.query.name.to_lowercase().to_ascii()
    }

    pub(super) fn record_type(&self) -> RecordType {
        self.query.query_type
    }

    pub(super) fn has_edns(&self) -> bool {
        self.message.edns.is_some()
    }

    /// The packets that answer this question, faults of `zone` included.
    pub(super) fn answer(&self, zone: &mut Zone) -> Vec<Packet> {
        let Some((fault, met)) = zone.meet_fault(&self.query.name, self.query.query_type) else {
            return self.truth(zone);
        };
        match fault {
            DnsFault::CnameLoop => self.packets(&self.looping()),
            DnsFault::CnameWithoutTarget => self.alias_alone(zone),
            DnsFault::DropFirst(count) if met < count => Vec::new(),
            DnsFault::DropFirst(_) => self.truth(zone),
            DnsFault::FormErr if self.has_edns() => self.old_server(ResponseCode::FormErr),
            DnsFault::FormErr => self.truth(zone),
            DnsFault::Garbage => vec![Packet::now(GARBAGE.to_vec())],
            DnsFault::GarbledRecord => self.garbled(),
            DnsFault::NoData => self.nothing(zone, ResponseCode::NoError),
            DnsFault::NotImplemented => self.fail(ResponseCode::NotImp),
            DnsFault::NotImplementedToEdns if self.has_edns() => {
                self.old_server(ResponseCode::NotImp)
            }
            DnsFault::NotImplementedToEdns => self.truth(zone),
            DnsFault::NxDomain => self.nothing(zone, ResponseCode::NXDomain),
            DnsFault::Refused => self.fail(ResponseCode::Refused),
            DnsFault::ServFail => self.fail(ResponseCode::ServFail),
            DnsFault::ServFailFor(reason) => self.fail_for(reason),
            DnsFault::Silence => Vec::new(),
            DnsFault::Slow(after) => self.late(zone, after),
            DnsFault::SpoofThenRight(address) => self.spoofed(zone, address),
            DnsFault::Truncate if self.transport == Transport::Udp => {
                self.packets(&self.reply(ResponseCode::NoError).truncate())
            }
            DnsFault::Truncate => self.truth(zone),
            DnsFault::WrongId => self.under_wrong_id(zone),
            DnsFault::WrongQuestion => self.to_wrong_question(zone),
        }
    }

    /// A bare reply with `code`.
    pub(super) fn fail(&self, code: ResponseCode) -> Vec<Packet> {
        self.packets(&self.reply(code))
    }

    fn fail_for(&self, reason: u16) -> Vec<Packet> {
        let mut reply = self.reply(ResponseCode::ServFail);
        if let Some(edns) = &mut reply.edns {
            let data = reason.to_be_bytes().to_vec();
            edns.options_mut()
                .insert(EdnsOption::Unknown(EXTENDED_ERROR, data));
        }
        self.packets(&reply)
    }

    fn truth(&self, zone: &Zone) -> Vec<Packet> {
        self.packets(&self.true_reply(zone))
    }

    fn late(&self, zone: &Zone, after: Duration) -> Vec<Packet> {
        let mut packets = self.truth(zone);
        for packet in &mut packets {
            packet.after = after;
        }
        packets
    }

    fn nothing(&self, zone: &Zone, code: ResponseCode) -> Vec<Packet> {
        let lookup = zone.negative(&self.query.name, code, Vec::new());
        self.packets(&self.reply_with(lookup))
    }

    fn alias_alone(&self, zone: &Zone) -> Vec<Packet> {
        let Some((alias, _)) = zone.alias(&self.query.name) else {
            return self.truth(zone);
        };
        let mut reply = self.reply(ResponseCode::NoError);
        reply.add_answer(alias);
        self.packets(&reply)
    }

    /// A reply whose only record is cut in its owner name.
    fn garbled(&self) -> Vec<Packet> {
        let mut reply = self.reply(ResponseCode::NoError);
        reply.edns = None;
        let mut bytes = encode(&reply);
        bytes[ANSWER_COUNT] = 1;
        bytes.push(MAX_LABEL);
        vec![Packet::now(bytes)]
    }

    /// As a server that never heard of EDNS replies: without an OPT record.
    fn old_server(&self, code: ResponseCode) -> Vec<Packet> {
        let mut reply = self.reply(code);
        reply.edns = None;
        self.packets(&reply)
    }

    fn spoofed(&self, zone: &Zone, address: IpAddr) -> Vec<Packet> {
        let mut forged = self.reply(ResponseCode::NoError);
        forged.metadata.id ^= WRONG_ID;
        forged.add_answer(address_record(&self.query.name, address));
        let mut packets = self.packets(&forged);
        packets.extend(self.truth(zone));
        packets
    }

    fn under_wrong_id(&self, zone: &Zone) -> Vec<Packet> {
        let mut reply = self.true_reply(zone);
        reply.metadata.id ^= WRONG_ID;
        self.packets(&reply)
    }

    fn to_wrong_question(&self, zone: &Zone) -> Vec<Packet> {
        let mut reply = self.true_reply(zone);
        for query in &mut reply.queries {
            query.name = other_name(&query.name);
        }
        self.packets(&reply)
    }

    fn looping(&self) -> Message {
        let (here, there) = (&self.query.name, other_name(&self.query.name));
        let mut reply = self.reply(ResponseCode::NoError);
        reply.add_answer(alias_record(here, &there));
        reply.add_answer(alias_record(&there, here));
        reply
    }

    fn true_reply(&self, zone: &Zone) -> Message {
        self.reply_with(zone.look_up(&self.query.name, self.query.query_type))
    }

    fn reply_with(&self, lookup: Lookup) -> Message {
        let mut reply = self.reply(lookup.code);
        reply.add_answers(lookup.answers);
        reply.add_authorities(lookup.authority);
        reply
    }

    fn reply(&self, code: ResponseCode) -> Message {
        let mut reply = Message::response(self.message.metadata.id, OpCode::Query);
        reply.metadata = Metadata::response_from_request(&self.message.metadata);
        reply.metadata.authoritative = true;
        reply.metadata.recursion_available = true;
        reply.metadata.response_code = code;
        reply.add_query(self.query.clone());
        if self.has_edns() {
            let mut edns = Edns::new();
            edns.set_max_payload(UDP_PAYLOAD);
            reply.set_edns(edns);
        }
        reply
    }

    /// The reply on the wire, truncated where it does not fit the client's datagram.
    fn packets(&self, reply: &Message) -> Vec<Packet> {
        let encoded = encode(reply);
        let bytes = match self.transport {
            Transport::Udp if encoded.len() > self.datagram_size() => encode(&reply.truncate()),
            Transport::Tcp | Transport::Udp => encoded,
        };
        vec![Packet::now(bytes)]
    }

    fn datagram_size(&self) -> usize {
        let edns = self.message.edns.as_ref();
        edns.map_or(MIN_DATAGRAM, |edns| {
            usize::from(edns.max_payload()).max(MIN_DATAGRAM)
        })
    }
}

impl Packet {
    fn now(bytes: Vec<u8>) -> Self {
        Self {
            after: Duration::ZERO,
            bytes,
        }
    }
}

fn encode(message: &Message) -> Vec<u8> {
    message
        .to_vec()
        .expect("replies are made of names and records that were checked")
}

/// A name close to `name` that nobody asked for.
fn other_name(name: &Name) -> Name {
    name.prepend_label("other").unwrap_or_else(|_| Name::root())
}

fn alias_record(name: &Name, target: &Name) -> Record {
    Record::from_rdata(name.clone(), 300, RData::CNAME(CNAME(target.clone())))
}

fn address_record(name: &Name, address: IpAddr) -> Record {
    let data = match address {
        IpAddr::V4(address) => RData::A(address.into()),
        IpAddr::V6(address) => RData::AAAA(address.into()),
    };
    Record::from_rdata(name.clone(), 300, data)
}

/// Too short for a header.
const GARBAGE: &[u8] = b"garbage";

/// Where the low byte of the number of answers stands (RFC 1035 section 4.1.1).
const ANSWER_COUNT: usize = 7;

/// The length of a label that does not follow.
const MAX_LABEL: u8 = 63;

/// Flips bits of an id, so that a wrong one never happens to be right.
const WRONG_ID: u16 = 0x5555;

/// What every client takes in a datagram (RFC 1035 section 4.2.1).
const MIN_DATAGRAM: usize = 512;

/// What the world's name servers take in a datagram themselves (DNS flag day 2020).
const UDP_PAYLOAD: u16 = 1232;

/// The option of EDNS that says why (RFC 8914 section 2).
const EXTENDED_ERROR: u16 = 15;
