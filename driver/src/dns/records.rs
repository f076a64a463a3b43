//! The records of a message, as many of them as a look-up is about.
//!
//! hickory-proto reads whole messages only, and follows each pointer in each name as far as it leads. Here
//! the sections are walked first, and what is not needed is stepped over; names and data that are needed
//! are hickory-proto's to read, once it is known how far they lead.

use fedway_core::ExtendedError;
use hickory_proto::rr::{DNSClass, Name, RData, RecordType};
use hickory_proto::serialize::binary::{BinDecodable, BinDecoder, Restrict};

use super::text;

/// A record of the answer section, of the internet's class
#[derive(Clone, Debug, PartialEq)]
pub(super) struct OwnedRecord {
    /// As [`text::folded`] has it
    pub(super) owner: Vec<u8>,
    pub(super) ttl: u32,
    pub(super) data: RData,
}

/// What an SOA record in the authority section says
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Zone {
    pub(super) name: Name,
    pub(super) ttl: u32,
    /// Its last field (RFC 2308 §4)
    pub(super) minimum: u32,
}

/// Why sections cannot be read
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Flaw {
    /// They are not what RFC 1035 says
    Broken,
    /// The message ends before they do
    Cut,
}

/// Reads sections one after the other
pub(super) struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
    /// How many pointers may still be followed: as many as the message has bytes, so that reading takes a
    /// time in proportion to its length, whatever is in it
    pointers: usize,
}

impl<'a> Reader<'a> {
    /// Begins with the section at this place
    pub(super) fn new(bytes: &'a [u8], at: usize) -> Self {
        Self {
            bytes,
            at,
            pointers: bytes.len(),
        }
    }

    /// Reads the answer section; records of other types than this one and CNAME are passed over
    pub(super) fn answers(
        &mut self,
        count: u16,
        record_type: RecordType,
    ) -> Result<Vec<OwnedRecord>, Flaw> {
        let mut records = Vec::new();
        for _ in 0..count {
            let frame = self.section_frame()?;
            let is_wanted =
                frame.record_type == record_type || frame.record_type == RecordType::CNAME;
            if is_wanted && frame.class == DNSClass::IN {
                records.push(OwnedRecord {
                    owner: text::folded(&self.name(frame.owner)?),
                    ttl: frame.ttl,
                    data: self.data(&frame)?,
                });
            }
        }
        Ok(records)
    }

    /// Reads the authority section: the zones of its SOA records, and whether there are NS records
    pub(super) fn authorities(&mut self, count: u16) -> Result<(Vec<Zone>, bool), Flaw> {
        let (mut zones, mut has_name_servers) = (Vec::new(), false);
        for _ in 0..count {
            let frame = self.section_frame()?;
            if frame.record_type == RecordType::NS {
                has_name_servers = true;
            }
            if frame.record_type == RecordType::SOA && frame.class == DNSClass::IN {
                zones.push(Zone {
                    name: self.name(frame.owner)?,
                    ttl: frame.ttl,
                    minimum: self.minimum(&frame)?,
                });
            }
        }
        Ok((zones, has_name_servers))
    }

    /// Looks for EDNS in the additional section, as far as that can be read: the upper bits of the response
    /// code (RFC 6891 §6.1.3), and the reason for it (RFC 8914 §2)
    pub(super) fn edns(&mut self, count: u16) -> Option<(u8, Option<ExtendedError>)> {
        for _ in 0..count {
            let frame = self.frame().ok()?;
            if frame.record_type == RecordType::OPT {
                let [upper, ..] = frame.ttl.to_be_bytes();
                return Some((upper, reason(self.bytes.get(frame.data..self.at)?)));
            }
        }
        None
    }

    /// A record of a section in which EDNS has no place (RFC 6891 §6.1.1)
    fn section_frame(&mut self) -> Result<Frame, Flaw> {
        let frame = self.frame()?;
        if frame.record_type == RecordType::OPT {
            return Err(Flaw::Broken);
        }
        Ok(frame)
    }

    /// Steps over a record
    fn frame(&mut self) -> Result<Frame, Flaw> {
        let owner = self.at;
        self.skip_name()?;
        let fixed = self.bytes.get(self.at..).unwrap_or_default();
        let Some((&[t1, t2, c1, c2, l1, l2, l3, l4, d1, d2], rest)) = fixed.split_first_chunk()
        else {
            return Err(Flaw::Cut);
        };
        let len = u16::from_be_bytes([d1, d2]);
        if rest.len() < len.into() {
            return Err(Flaw::Cut);
        }
        let data = self.bytes.len() - rest.len();
        self.at = data + usize::from(len);
        Ok(Frame {
            owner,
            record_type: RecordType::from(u16::from_be_bytes([t1, t2])),
            class: DNSClass::from(u16::from_be_bytes([c1, c2])),
            ttl: u32::from_be_bytes([l1, l2, l3, l4]),
            data,
            len,
        })
    }

    /// Steps over a name, whose end is its first pointer (RFC 1035 §4.1.4)
    fn skip_name(&mut self) -> Result<(), Flaw> {
        loop {
            let first = *self.bytes.get(self.at).ok_or(Flaw::Cut)?;
            self.at += match first {
                0 => 1,
                1..=MAX_LABEL => 1 + usize::from(first),
                POINTER.. => 2,
                _ => return Err(Flaw::Broken),
            };
            if first == 0 || first >= POINTER {
                return Ok(());
            }
        }
    }

    /// The name at a place, if its pointers lead somewhere and are not too many
    fn name(&mut self, at: usize) -> Result<Name, Flaw> {
        self.follow(at)?;
        Name::read(&mut self.decoder(at)?).map_err(|_| Flaw::Broken)
    }

    fn data(&mut self, frame: &Frame) -> Result<RData, Flaw> {
        // Nothing else that is asked for has a name in it
        if frame.record_type == RecordType::CNAME {
            self.follow(frame.data)?;
        } else if frame.record_type == RecordType::SRV {
            // Behind priority, weight and port (RFC 2782)
            self.follow(frame.data + 6)?;
        }
        RData::read(
            &mut self.decoder(frame.data)?,
            frame.record_type,
            Restrict::new(frame.len),
        )
        .map_err(|_| Flaw::Broken)
    }

    /// The last field of an SOA record, behind two names and four other numbers (RFC 1035 §3.3.13)
    fn minimum(&self, frame: &Frame) -> Result<u32, Flaw> {
        let end = frame.data + usize::from(frame.len);
        let mut names = Self::new(&self.bytes[..end], frame.data);
        names
            .skip_name()
            .and_then(|()| names.skip_name())
            .map_err(|_| Flaw::Broken)?;
        let numbers = names.bytes.get(names.at..).unwrap_or_default();
        match numbers.as_chunks() {
            ([_, _, _, _, minimum], []) => Ok(u32::from_be_bytes(*minimum)),
            _ => Err(Flaw::Broken),
        }
    }

    /// Goes to the end of a name, and counts the pointers on the way
    fn follow(&mut self, mut at: usize) -> Result<(), Flaw> {
        let mut len = 0;
        loop {
            let first = *self.bytes.get(at).ok_or(Flaw::Broken)?;
            match first {
                0 => return Ok(()),
                POINTER.. => {
                    let second = *self.bytes.get(at + 1).ok_or(Flaw::Broken)?;
                    self.pointers = self.pointers.checked_sub(1).ok_or(Flaw::Broken)?;
                    at = usize::from(u16::from_be_bytes([first - POINTER, second]));
                }
                label => {
                    len += 1 + usize::from(label);
                    at += 1 + usize::from(label);
                    if len >= Name::MAX_LENGTH {
                        return Err(Flaw::Broken);
                    }
                }
            }
        }
    }

    /// `Broken` behind the place that a message can have at most
    fn decoder(&self, at: usize) -> Result<BinDecoder<'a>, Flaw> {
        let at = u16::try_from(at).map_err(|_| Flaw::Broken)?;
        Ok(BinDecoder::new(self.bytes).clone(at))
    }
}

/// Where a record stands, and what it is about
struct Frame {
    owner: usize,
    record_type: RecordType,
    class: DNSClass,
    ttl: u32,
    data: usize,
    len: u16,
}

/// The first reason among the options of EDNS: a code, a length, and that many bytes (RFC 6891 §6.1.2), which
/// begin with the number of the reason (RFC 8914 §2)
fn reason(mut options: &[u8]) -> Option<ExtendedError> {
    loop {
        let (&[c1, c2, l1, l2], rest) = options.split_first_chunk()?;
        let (option, rest) = rest.split_at_checked(u16::from_be_bytes([l1, l2]).into())?;
        if u16::from_be_bytes([c1, c2]) == EXTENDED_ERROR {
            let number = *option.first_chunk()?;
            return Some(ExtendedError(u16::from_be_bytes(number)));
        }
        options = rest;
    }
}

/// RFC 8914 §2
const EXTENDED_ERROR: u16 = 15;

/// RFC 1035 §2.3.4
const MAX_LABEL: u8 = 63;

/// A length with these two bits is the upper half of a pointer (RFC 1035 §4.1.4)
const POINTER: u8 = 0b1100_0000;

#[cfg(test)]
mod tests {
    use super::*;

    /// A record of the type NULL, whose data is a chain of pointers, and aliases whose owner and target lead through all of it
    #[test]
    fn chains_of_pointers_are_followed_no_further_than_the_message_is_long() {
        const CHAIN: usize = 8_000;
        let mut bytes = vec![0];
        bytes.extend([0, 10, 0, 1, 0, 0, 0, 0]);
        bytes.extend((2 * CHAIN as u16).to_be_bytes());
        // The first of them points to the root at the beginning, each other one to the one before
        bytes.extend([POINTER, 0]);
        let mut last = bytes.len() - 2;
        for _ in 1..CHAIN {
            let pointer = last as u16 | 0xc000;
            last = bytes.len();
            bytes.extend(pointer.to_be_bytes());
        }
        let mut count = 1;
        while bytes.len() < 65_535 - 14 {
            let pointer = (last as u16 | 0xc000).to_be_bytes();
            bytes.extend(pointer);
            bytes.extend([0, 5, 0, 1, 0, 0, 0, 0, 0, 2]);
            bytes.extend(pointer);
            count += 1;
        }
        let mut reader = Reader::new(&bytes, 0);
        assert_eq!(reader.answers(count, RecordType::A), Err(Flaw::Broken));
        assert_eq!(reader.pointers, 0, "it went as far as it may");
        // Eight names lead through 8,000 pointers each; the ninth is the owner of the fifth alias
        assert_eq!(reader.at, 11 + 2 * CHAIN + 5 * 14);
    }

    #[test]
    fn a_name_that_leads_to_itself_ends() {
        // A label and a pointer to it; a label that is 63 bytes long and a pointer to it; a pointer to itself
        let long = [&[63][..], &[b'a'; 63], &[POINTER, 0]].concat();
        for bytes in [&[1, b'a', POINTER, 0][..], &long, &[POINTER, 0]] {
            assert_eq!(Reader::new(bytes, 0).name(0), Err(Flaw::Broken));
        }
    }
}
