//! Queries as bytes, and bytes as responses to a query.

use fedway_core::ExtendedError;
use hickory_proto::op::{Edns, Header, Message, MessageType, OpCode, Query, ResponseCode};
use hickory_proto::rr::RecordType;
use hickory_proto::serialize::binary::{BinDecodable, BinDecoder};

use super::records::{Flaw, OwnedRecord, Reader, Zone};

/// What some bytes are to a query that waits for its response
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Reading {
    /// A response code other than NOERROR and NXDOMAIN, and the reason where one is given
    Failed(ResponseCode, Option<ExtendedError>),
    /// It claims to be the response, but is not one
    Malformed,
    /// No response to this query: another id, no response at all, or another question
    Other,
    /// The response
    Response(Response),
    /// A response that did not fit, to be asked for over TCP (RFC 7766 §5)
    Truncated,
}

/// A response without an error
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Response {
    /// Whether the name, or the last alias of it, does not exist: NXDOMAIN (RFC 6604 §2)
    pub(super) no_such_name: bool,
    /// Whether it points to other servers, and comes from one that asks none itself (RFC 2308 §2.2)
    pub(super) referral: bool,
    /// Records of the type asked for, and aliases
    pub(super) answers: Vec<OwnedRecord>,
    pub(super) zones: Vec<Zone>,
}

/// A query that asks for recursion, with EDNS (RFC 6891) or as plain as in 1987
///
/// `None` if the message cannot hold it.
pub(super) fn write(id: u16, question: &Query, edns: bool) -> Option<Vec<u8>> {
    let mut message = Message::new(id, MessageType::Query, OpCode::Query);
    message.metadata.recursion_desired = true;
    message.add_query(question.clone());
    if edns {
        let mut edns = Edns::new();
        edns.set_max_payload(MAX_PAYLOAD);
        message.set_edns(edns);
    }
    message.to_vec().ok()
}

/// Reads any bytes as the response to a query
///
/// The checks are those of RFC 5452 §9.1 that bytes allow; that they come from the server asked, to
/// the port it was asked from, is the business of a connected socket.
///
/// A few servers answer without the question when they did not understand it: an error is believed
/// without one, as glibc does. Some say that there is an additional section, as the query had one, and
/// send none: nothing that counts is in it, so it need not be there. Some cut what is too long without
/// saying so: an answer or authority section that ends too early is truncated.
pub(super) fn read(bytes: &[u8], id: u16, question: &Query) -> Reading {
    if !bytes.starts_with(&id.to_be_bytes()) {
        return Reading::Other;
    }
    let mut decoder = BinDecoder::new(bytes);
    let Ok(header) = Header::read(&mut decoder) else {
        return Reading::Malformed;
    };
    if header.message_type != MessageType::Response || header.op_code != OpCode::Query {
        return Reading::Other;
    }
    let code = header.response_code;
    let failed = !matches!(code, ResponseCode::NoError | ResponseCode::NXDomain);
    match header.counts.queries {
        0 if failed => {}
        1 => match Query::read(&mut decoder) {
            Ok(echo) if echo == *question => {}
            Ok(_) => return Reading::Other,
            Err(_) => return Reading::Malformed,
        },
        _ => return Reading::Other,
    }
    if header.truncation && !failed {
        // The records are not looked at: the cut may go through one of them
        return Reading::Truncated;
    }
    let mut reader = Reader::new(bytes, decoder.index());
    let sections = read_sections(&mut reader, &header, question.query_type);
    let edns = match sections {
        Ok(_) => reader.edns(header.counts.additionals).unwrap_or_default(),
        Err(_) => (0, None),
    };
    // EDNS has eight more bits of the code
    let (more, reason) = edns;
    if failed || more > 0 {
        return Reading::Failed(ResponseCode::from(more, code.low()), reason);
    }
    match sections {
        Ok(response) => Reading::Response(response),
        Err(Flaw::Broken) => Reading::Malformed,
        Err(Flaw::Cut) => Reading::Truncated,
    }
}

/// RFC 6891 §7: what servers say that do not know EDNS
pub(super) fn is_edns_refusal(code: ResponseCode) -> bool {
    code == ResponseCode::FormErr || code == ResponseCode::NotImp
}

fn read_sections(
    reader: &mut Reader<'_>,
    header: &Header,
    record_type: RecordType,
) -> Result<Response, Flaw> {
    let answers = reader.answers(header.counts.answers, record_type)?;
    let (zones, has_name_servers) = reader.authorities(header.counts.authorities)?;
    Ok(Response {
        no_such_name: header.response_code == ResponseCode::NXDomain,
        referral: has_name_servers && zones.is_empty() && !header.recursion_available,
        answers,
        zones,
    })
}

/// The largest datagram asked for, in bytes: what passes without fragments nearly everywhere
/// (DNS Flag Day 2020)
const MAX_PAYLOAD: u16 = 1232;
