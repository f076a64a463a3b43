//! Any response in pieces of any size: the same outcome as in one piece, and never more than the limits allow.

#![no_main]

use fedway_driver::http::{Exchange, HttpError, Limits, Response};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    let [piece, clean, bytes @ ..] = input else {
        return;
    };
    let clean = clean % 2 == 1;
    let whole = run(bytes, bytes.len().max(1), clean);
    assert_eq!(run(bytes, usize::from(*piece).max(1), clean), whole);
    if let Ok(response) = whole {
        assert!(response.body.len() <= LIMITS.body);
        assert!(response.body.is_empty() || response.status == 200);
    }
});

fn run(bytes: &[u8], piece: usize, clean: bool) -> Result<Response, HttpError> {
    let mut exchange = Exchange::get("example.org", "/", LIMITS).expect("both are valid");
    for piece in bytes.chunks(piece) {
        if let Some(response) = exchange.handle_input(piece)? {
            return Ok(response);
        }
    }
    exchange.handle_end(clean)
}

const LIMITS: Limits = Limits {
    head: 512,
    body: 256,
};
