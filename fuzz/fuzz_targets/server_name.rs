//! Any text: what parses is written as it was read, by `Display` and serde alike; what does not says where.
//! Ruma's parser agrees, save where this one is stricter on purpose.

#![no_main]

use std::net::IpAddr;

use fedway_core::{Host, ServerName, ServerNameErrorKind};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let name = match ServerName::parse(text) {
        Ok(name) => name,
        Err(error) => {
            assert!(error.offset <= text.len(), "{error:?} of {text:?}");
            assert!(!error.to_string().contains('\n'));
            let theirs = ruma_identifiers_validation::server_name::validate(text);
            assert!(
                theirs.is_err() || is_stricter(error.kind),
                "{error:?} of {text:?}"
            );
            return;
        }
    };
    assert_eq!(
        ruma_identifiers_validation::server_name::validate(text),
        Ok(())
    );
    assert_eq!(name.to_string(), text);
    assert!(text.len() <= ServerName::MAX_LEN && text.is_ascii());
    let json = serde_json::to_string(&name).expect("a name is a string");
    assert_eq!(
        serde_json::from_str::<ServerName>(&json).expect("it was written"),
        name
    );

    let port = name
        .port()
        .map(|_| text.rsplit_once(':').expect("a port stands behind a colon"));
    let hostname = port.map_or(text, |(hostname, _)| hostname);
    assert_eq!(name.hostname(), hostname);
    match name.host() {
        Host::Dns(host) => {
            assert_eq!(
                host.as_str(),
                hostname.trim_end_matches('.').to_ascii_lowercase()
            );
        }
        Host::Ip(address) => assert_eq!(address.is_ipv6(), hostname.starts_with('[')),
    }
    let is_address = name
        .host()
        .dns_name()
        .is_some_and(|host| host.as_str().parse::<IpAddr>().is_ok());
    assert!(!is_address, "{text:?}");
});

/// What is refused here, and taken by Ruma
///
/// - `a..b`: the grammar's "series of labels" has no empty one, and DNS has no way to ask for it.
/// - `256.0.0.1`: "each in the range 0 to 255", and four numbers are no DNS name.
/// - Port 0, to which nothing can connect; ports of more than five digits, which the grammar does not have; and
///   `+1`, which Rust's numbers have and the grammar does not.
/// - 256 to 261 bytes: Ruma's limit leaves room for a port behind a hostname of 255, DESIGN §5's does not.
fn is_stricter(kind: ServerNameErrorKind) -> bool {
    matches!(
        kind,
        ServerNameErrorKind::EmptyLabel
            | ServerNameErrorKind::InvalidIpv4
            | ServerNameErrorKind::InvalidPort
            | ServerNameErrorKind::TooLong { .. }
            // Four numbers and a dot, which are neither an address nor an absolute name
            | ServerNameErrorKind::UnexpectedCharacter('.')
    )
}
