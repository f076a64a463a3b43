//! Any file taken for a recording: it is refused in a line; or it is written again as it was read, and run again and explained
//! without a panic, whatever it says that was said then.

#![no_main]

use fedway_core::Recording;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    let recording = match Recording::from_json(input) {
        Ok(recording) => recording,
        Err(error) => {
            assert!(!error.to_string().contains('\n'));
            return;
        }
    };
    let text = recording.to_json();
    assert_eq!(
        Recording::from_json(text.as_bytes()).as_ref(),
        Ok(&recording)
    );
    let replayed = recording.replay();
    match recording.explain() {
        // Where it was not cut off, it was replayed to its end
        Ok(explanation) => {
            assert_eq!(replayed, Ok(recording.outcome()));
            assert!(!explanation.headline().is_empty());
        }
        Err(diverged) => assert_eq!(replayed, Err(diverged)),
    }
});
