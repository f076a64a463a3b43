//! DNS messages, written by hand: names from a small pool, so that records are about each other.

use arbitrary::{Result, Unstructured};

use crate::{bytes, one_of, up_to};

/// A name as its labels
pub type Labels = Vec<Vec<u8>>;

/// A resource record
#[derive(Clone, Debug)]
pub struct Record {
    pub owner: Labels,
    /// The internet, or a class that nothing is to be believed of
    pub internet: bool,
    pub ttl: u32,
    pub data: Data,
}

/// The data of a record, as far as a look-up looks at it
#[derive(Clone, Debug)]
pub enum Data {
    A([u8; 4]),
    Aaaa([u8; 16]),
    Cname(Labels),
    Ns(Labels),
    /// Only the last field matters
    Soa(u32),
    Srv(u16, u16, u16, Labels),
    Text,
}

/// A response without an error
#[derive(Clone, Debug)]
pub struct Response {
    pub no_such_name: bool,
    /// Whether the server asks others for its clients
    pub recursion: bool,
    pub answers: Vec<Record>,
    pub authorities: Vec<Record>,
}

impl Response {
    pub fn arbitrary(u: &mut Unstructured<'_>) -> Result<Self> {
        let flags: u8 = u.arbitrary()?;
        let many = flags & 2 != 0;
        let answers = up_to(u, if many { 90 } else { 7 })?;
        let authorities = up_to(u, 2)?;
        Ok(Self {
            no_such_name: flags & 1 != 0,
            recursion: flags & 4 == 0,
            answers: records(u, answers)?,
            authorities: records(u, authorities)?,
        })
    }

    /// The response to a query, whose header and question it takes over
    pub fn write(&self, query: &[u8]) -> Vec<u8> {
        let mut message = query[..2].to_vec();
        let recursion = if self.recursion { 0x80 } else { 0 };
        let code = if self.no_such_name { 3 } else { 0 };
        message.extend([0x81, recursion | code, 0, 1]);
        for section in [&self.answers, &self.authorities] {
            message.extend((section.len() as u16).to_be_bytes());
        }
        message.extend([0, 0]);
        message.extend(question(query));
        for record in self.answers.iter().chain(&self.authorities) {
            record.write(&mut message);
        }
        message
    }
}

impl Record {
    fn arbitrary(u: &mut Unstructured<'_>) -> Result<Self> {
        let owner = name(u)?;
        let kind: u8 = u.arbitrary()?;
        let data = match kind % 8 {
            0 | 1 => Data::A(u.arbitrary()?),
            2 => Data::Aaaa(u.arbitrary()?),
            3 | 4 => Data::Cname(name(u)?),
            5 => Data::Soa(u.arbitrary()?),
            6 => Data::Srv(u.arbitrary()?, u.arbitrary()?, u.arbitrary()?, name(u)?),
            _ if kind & 64 == 0 => Data::Ns(name(u)?),
            _ => Data::Text,
        };
        Ok(Self {
            owner,
            internet: kind < 250,
            ttl: u.arbitrary()?,
            data,
        })
    }

    fn write(&self, message: &mut Vec<u8>) {
        write_name(&self.owner, message);
        let (kind, data) = match &self.data {
            Data::A(address) => (1_u16, address.to_vec()),
            Data::Aaaa(address) => (28, address.to_vec()),
            Data::Cname(target) => (5, written(target)),
            Data::Ns(server) => (2, written(server)),
            Data::Soa(minimum) => {
                let mut data = vec![0; 2 + 4 * 4];
                data.extend(minimum.to_be_bytes());
                (6, data)
            }
            Data::Srv(priority, weight, port, target) => {
                let mut data = Vec::new();
                for number in [priority, weight, port] {
                    data.extend(number.to_be_bytes());
                }
                data.extend(written(target));
                (33, data)
            }
            Data::Text => (16, vec![1, b'x']),
        };
        message.extend(kind.to_be_bytes());
        message.extend([0, if self.internet { 1 } else { 3 }]);
        message.extend(self.ttl.to_be_bytes());
        message.extend((data.len() as u16).to_be_bytes());
        message.extend(data);
    }
}

/// Bytes that may pass for the response to a query
pub fn message(u: &mut Unstructured<'_>, query: &[u8]) -> Result<Vec<u8>> {
    let kind: u8 = u.arbitrary()?;
    if kind >= 240 {
        return explained(u, query);
    }
    Ok(match kind % 8 {
        0 => bytes(u)?.to_vec(),
        // The right id and anything behind it
        1 => [&query[..2], bytes(u)?].concat(),
        // The right id and question; any flags and counts, and anything for records
        2 | 3 => {
            let flags: [u8; 2] = u.arbitrary()?;
            let counts = [up_to(u, 3)?, up_to(u, 3)?, up_to(u, 3)?];
            let mut message = [&query[..2], &[flags[0] | 0x80, flags[1], 0, 1]].concat();
            message.extend(counts.into_iter().flat_map(|count| [0, count]));
            message.extend(question(query));
            message.extend(bytes(u)?);
            message
        }
        // An error, with the question or without
        4 => {
            let code = u.arbitrary::<u8>()?;
            let mut message = [&query[..2], &[0x81, code & 0x8f, 0, code >> 7]].concat();
            message.extend([0; 6]);
            if code >> 7 == 1 {
                message.extend(question(query));
            }
            message
        }
        // Good, save for a byte or its end
        5 => {
            let mut message = Response::arbitrary(u)?.write(query);
            let place = usize::from(u.arbitrary::<u16>()?) % message.len();
            match u.arbitrary::<u8>()? {
                0 => message.truncate(place),
                byte => message[place] ^= byte,
            }
            message
        }
        // Truncated
        6 => {
            let mut message = Response::arbitrary(u)?.write(query);
            message[2] |= 2;
            message
        }
        _ => Response::arbitrary(u)?.write(query),
    })
}

/// An error with EDNS, whose options may be a reason (RFC 8914)
fn explained(u: &mut Unstructured<'_>, query: &[u8]) -> Result<Vec<u8>> {
    let [code, upper]: [u8; 2] = u.arbitrary()?;
    let options = bytes(u)?;
    let mut message = [&query[..2], &[0x81, code & 0x8f, 0, 1, 0, 0, 0, 0, 0, 1]].concat();
    message.extend(question(query));
    message.extend([0, 0, 41, 4, 208, upper & 1, 0, 0, 0]);
    message.extend((options.len() as u16 + 4).to_be_bytes());
    message.extend([0, 15, 0, options.len() as u8]);
    message.extend(options);
    Ok(message)
}

/// The name of a query's only question
pub fn asked(query: &[u8]) -> Labels {
    let mut labels = Vec::new();
    let mut rest = &query[12..];
    while let [len @ 1..=63, tail @ ..] = rest {
        let (label, tail) = tail.split_at(usize::from(*len));
        labels.push(label.to_vec());
        rest = tail;
    }
    labels
}

/// The type that a query's only question asks for
pub fn kind(query: &[u8]) -> u16 {
    let question = question(query);
    let [.., high, low, _, _] = question else {
        panic!("a question ends with its type and class");
    };
    u16::from_be_bytes([*high, *low])
}

/// A name of the pool, as it is asked for
pub fn text(u: &mut Unstructured<'_>) -> Result<&'static str> {
    one_of(u, POOL)
}

/// Lower-cases as DNS compares
pub fn folded(name: &Labels) -> Labels {
    name.iter()
        .map(|label| label.to_ascii_lowercase())
        .collect()
}

fn records(u: &mut Unstructured<'_>, count: u8) -> Result<Vec<Record>> {
    (0..count).map(|_| Record::arbitrary(u)).collect()
}

fn name(u: &mut Unstructured<'_>) -> Result<Labels> {
    let choice: u8 = u.arbitrary()?;
    if choice == 255 {
        let label = bytes(u)?;
        let label = &label[..label.len().min(63)];
        return Ok(if label.is_empty() {
            Vec::new()
        } else {
            vec![label.to_vec(), b"example".to_vec()]
        });
    }
    let text = POOL[usize::from(choice) % POOL.len()];
    let labels = text.split('.').map(|label| label.as_bytes().to_vec());
    let labels: Labels = labels.collect();
    // Another spelling of the same name
    Ok(if choice > 200 {
        labels
            .iter()
            .map(|label| label.to_ascii_uppercase())
            .collect()
    } else {
        labels
    })
}

fn question(query: &[u8]) -> &[u8] {
    let len: usize = asked(query).iter().map(|label| label.len() + 1).sum();
    &query[12..12 + len + 5]
}

fn written(name: &Labels) -> Vec<u8> {
    let mut bytes = Vec::new();
    write_name(name, &mut bytes);
    bytes
}

fn write_name(name: &Labels, message: &mut Vec<u8>) {
    for label in name {
        message.push(label.len() as u8);
        message.extend(label);
    }
    message.push(0);
}

/// More names than a chain of aliases may have, and the special ones
const POOL: &[&str] = &[
    "a.example",
    "b.example",
    "c.example",
    "d.example",
    "e.example",
    "f.example",
    "g.example",
    "h.example",
    "i.example",
    "j.example",
    "k.example",
    "l.example",
    "m.example",
    "example",
    "_matrix._tcp.a.example",
    "localhost",
    "x.invalid",
    "x.onion",
];
