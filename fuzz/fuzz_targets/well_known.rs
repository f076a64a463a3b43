//! Any body: what is accepted is a JSON object whose one `m.server` is a server name, by serde_json's own reading.

#![no_main]

use std::collections::BTreeMap;

use fedway_core::{ServerName, parse_well_known};
use libfuzzer_sys::fuzz_target;
use serde_json::value::RawValue;

fuzz_target!(|body: &[u8]| {
    // Values are left unread: reading them would stop at a depth that an ignored member may exceed
    let members = serde_json::from_slice::<BTreeMap<String, Box<RawValue>>>(body).ok();
    let server = members.as_ref().and_then(|members| members.get("m.server"));
    let text = server.and_then(|raw| serde_json::from_str::<String>(raw.get()).ok());
    let expected = text.and_then(|text| ServerName::parse(&text).ok());
    match parse_well_known(body) {
        Ok(name) => assert_eq!(Some(name), expected),
        // A map keeps the last of two members; a member twice is refused. It may be written with
        // escapes, so that all there is to say is that there are at least two members.
        Err(error) => {
            let colons = body.iter().filter(|byte| **byte == b':').count();
            assert!(expected.is_none() || colons >= 2, "{error:?}");
        }
    }
});
