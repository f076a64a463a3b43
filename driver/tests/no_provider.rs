//! The driver without the cryptography of any provider: what `--no-default-features` leaves.
#![cfg(not(any(feature = "aws-lc-rs", feature = "ring")))]

use fedway_driver::{BuildError, Builder, Roots};
use rustls::crypto::{CryptoProvider, ring};

#[test]
fn a_provider_must_be_given_and_the_default_of_the_process_is_none() {
    let authority = rcgen::generate_simple_self_signed(["example.org".to_owned()]).unwrap();
    let mut roots = Roots::none();
    roots.add_pem(authority.cert.pem().as_bytes()).unwrap();
    let builder = Builder::default().roots(roots);
    let missing = |builder: Builder| matches!(builder.trust(), Err(BuildError::NoCryptoProvider));

    assert!(missing(builder.clone()));
    ring::default_provider().install_default().unwrap();
    assert!(CryptoProvider::get_default().is_some());
    assert!(missing(builder.clone()));
    let given = builder.crypto_provider(ring::default_provider().into());
    given.trust().unwrap();
}
