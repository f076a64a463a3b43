//! Any response in pieces of any size: the same outcome as in one piece, and never more than the limits allow.

#![no_main]

use fedway_core::Limits;
use fedway_driver::http::{Ending, Exchange, HttpError, Response};
use libfuzzer_sys::fuzz_target;
use serde_json::value::RawValue;

fuzz_target!(|input: &[u8]| {
    let [piece, clean, bytes @ ..] = input else {
        return;
    };
    let clean = clean % 2 == 1;
    let whole = run(bytes, bytes.len().max(1), clean);
    assert_eq!(run(bytes, usize::from(*piece).max(1), clean), whole);
    if let Ok(response) = whole {
        assert!(response.body.len() <= MAX_BODY);
        assert!(response.body.is_empty() || response.status == 200);
        for (name, value) in &response.headers {
            assert!(!name.is_empty() && name.bytes().all(|b| b.is_ascii_graphic()));
            assert!(!value.iter().any(|b| b"\0\r\n".contains(b)), "{value:?}");
        }
        match response.ending {
            Ending::Announced => assert!(clean),
            Ending::Cut => {
                let body = response.body.trim_ascii();
                assert!(!clean && body.starts_with(b"{") && body.ends_with(b"}"));
                // Strings that are not UTF-8 are for whoever reads the object
                let text = str::from_utf8(body).unwrap_or("{}");
                assert!(serde_json::from_str::<&RawValue>(text).is_ok(), "{text}");
            }
            _ => {}
        }
    }
});

fn run(bytes: &[u8], piece: usize, clean: bool) -> Result<Response, HttpError> {
    let mut limits = Limits::default();
    (limits.head, limits.body) = (MAX_HEAD, MAX_BODY);
    let mut exchange = Exchange::get("example.org", "/", limits).expect("both are valid");
    for piece in bytes.chunks(piece) {
        if let Some(response) = exchange.handle_input(piece)? {
            return Ok(response);
        }
    }
    exchange.handle_end(clean)
}

const MAX_HEAD: usize = 512;
const MAX_BODY: usize = 256;
