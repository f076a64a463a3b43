//! Any file taken for a snapshot: it is refused in a line, or what it holds lasts no longer than the policies allow.

#![no_main]

use std::sync::Arc;
use std::time::Duration;

use fedway_core::{Config, Instant, Machine, Pool, Snapshot, Step};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    let snapshot = match Snapshot::from_json(input) {
        Ok(snapshot) => snapshot,
        Err(error) => {
            assert!(!error.to_string().contains('\n'));
            return;
        }
    };
    // What was read is written and read again as it was
    let text = snapshot.to_json();
    assert_eq!(Snapshot::from_json(text.as_bytes()).as_ref(), Ok(&snapshot));
    let config = Arc::new(Config::default());
    let mut pool = Pool::new(config, 1);
    let now = Instant::from_origin(Duration::from_secs(1));
    pool.restore(snapshot, Duration::ZERO, now)
        .expect("it has been checked");
    let names: Vec<String> = pool.entries().map(|entry| entry.name.to_owned()).collect();
    for name in &names {
        let name = name.parse().expect("a name that is remembered is one");
        let _ = pool.resolve(&name, now);
    }
    for _ in 0..10_000 {
        match pool.poll() {
            Step::Act(_) | Step::Cancel(_) | Step::Done(_) => {}
            Step::Wait { .. } => break,
        }
    }
    // The most that anything lasts, and serves beyond that
    let later = now + Duration::from_secs(50 * 3_600);
    let kept = pool.snapshot(later).to_json();
    assert!(kept.contains("\"facts\":[]"), "{kept}");
});
