//! Any header fields of a .well-known response: how long a search believes it is within the limits, whatever they are;
//! what forbids keeping it leaves the least, and what says nothing new changes nothing.

#![no_main]

use std::sync::Arc;
use std::time::Duration;

use fedway_core::{
    Action, Answer, Config, Discovery, Family, FieldName, HttpAnswer, Instant, Machine, ServerName,
    Step,
};
use libfuzzer_sys::fuzz_target;

type Fields = [(FieldName, Vec<u8>)];

// Eight bytes of seed, and then a field a line: the first letter of its name, a blank, its value
fuzz_target!(|input: &[u8]| {
    let (seed, lines) = input.split_first_chunk().unwrap_or((&[0; 8], input));
    let seed = u64::from_le_bytes(*seed);
    let fields: Vec<_> = lines
        .split(|byte| *byte == b'\n')
        .filter_map(field)
        .collect();
    let config = Config::default();
    let (least, most) = (
        config.lifetimes.well_known_least,
        config.lifetimes.well_known_most,
    );
    let config = Arc::new(config);
    let lifetime = |fields: &Fields, seed| lifetime(fields, &config, seed);

    let found = lifetime(&fields, seed);
    assert!((least..=most).contains(&found) && found.subsec_nanos() == 0);

    // One line more, before or behind the others, or one directive more in any line
    let no_store = (FieldName::CacheControl, b"no-store".to_vec());
    for at in [0, fields.len()] {
        let mut more = fields.clone();
        more.insert(at, no_store.clone());
        assert_eq!(lifetime(&more, seed), least);
    }
    for at in 0..fields.len() {
        if fields[at].0 == FieldName::CacheControl {
            let mut more = fields.clone();
            more[at].1.extend(b", no-store");
            assert_eq!(lifetime(&more, seed), least);
        }
    }

    // The order of different fields (RFC 9110 §5.3), and all of it twice
    let mut others = fields.clone();
    others.sort_by_key(|(name, _)| *name);
    assert_eq!(lifetime(&others, seed), found);
    others.sort_by_key(|(name, _)| std::cmp::Reverse(*name));
    assert_eq!(lifetime(&others, seed), found);
    let twice = [&*fields, &fields].concat();
    assert_eq!(lifetime(&twice, seed), found);

    // The seed decides on the default, and whatever `Expires` says is no default
    if fields.iter().any(|(name, _)| *name == FieldName::Expires) {
        assert_eq!(lifetime(&fields, !seed), found);
    }
});

fn field(line: &[u8]) -> Option<(FieldName, Vec<u8>)> {
    let (letter, value) = line.split_first()?;
    let mut names = FieldName::ALL.into_iter();
    let name = names.find(|name| name.as_str().as_bytes()[0] == *letter)?;
    Some((name, value.trim_ascii().to_vec()))
}

/// How long a search believes a response with these fields, which delegates to an address: it rests on nothing else
fn lifetime(fields: &Fields, config: &Arc<Config>, seed: u64) -> Duration {
    let now = Instant::ORIGIN;
    let name = ServerName::parse("example.org").expect("a server name");
    let mut search = Discovery::resolve(&name, config, seed, now);
    loop {
        let event = match search.poll() {
            Step::Act(Action::Connect(connect)) => connect.reply(Ok(None)),
            Step::Act(Action::FetchWellKnown(fetch)) => {
                let answer = HttpAnswer::ok(r#"{"m.server":"9.9.9.9"}"#);
                let add = |answer: HttpAnswer, field: &(FieldName, Vec<u8>)| {
                    answer.with(field.0, &*field.1)
                };
                fetch.reply(Ok(fields.iter().fold(answer, add)))
            }
            Step::Act(Action::LookUpAddresses(look_up)) => {
                let records = match look_up.family() {
                    Family::V4 => vec![[9, 9, 9, 9].into()],
                    Family::V6 => Vec::new(),
                };
                look_up.reply(Ok(Answer::found(records, Duration::ZERO)))
            }
            Step::Act(Action::QuerySrv(_)) | Step::Cancel(_) => continue,
            Step::Done(result) => {
                let found = result.expect("it is delegated to an address");
                let noted = found.notes.well_known.expect("it was asked");
                assert_eq!(found.expires, noted.expires, "it rests on nothing else");
                let expires = found.expires.expect("a response does not last for ever");
                return expires.saturating_since(now);
            }
            Step::Wait { .. } => panic!("everything was answered at once"),
        };
        search.handle(event, now);
    }
}
