//! Any text: what parses is written as it was read, by `Display` and serde alike; what does not says where.

#![no_main]

use fedway_core::{Host, ServerName};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let name = match ServerName::parse(text) {
        Ok(name) => name,
        Err(error) => {
            assert!(error.offset <= text.len(), "{error:?} of {text:?}");
            assert!(!error.to_string().contains('\n'));
            return;
        }
    };
    assert_eq!(name.to_string(), text);
    assert!(text.len() <= ServerName::MAX_LEN && text.is_ascii());
    let json = serde_json::to_string(&name).expect("a name is a string");
    assert_eq!(serde_json::from_str::<ServerName>(&json).expect("it was written"), name);

    let port = name.port().map(|_| text.rsplit_once(':').expect("a port stands behind a colon"));
    let hostname = port.map_or(text, |(hostname, _)| hostname);
    assert_eq!(name.hostname(), hostname);
    match name.host() {
        Host::Dns(host) => {
            assert_eq!(host.as_str(), hostname.trim_end_matches('.').to_ascii_lowercase());
        }
        Host::Ip(address) => assert_eq!(address.is_ipv6(), hostname.starts_with('[')),
    }
});
