//! Chains as servers and stores really have them.

use rcgen::{CertifiedIssuer, KeyPair, date_time_ymd};

use crate::rig::{authority, key, refusal, server, trust};

#[test]
fn a_root_that_is_cross_signed_by_an_expired_one_is_trusted_with_both_in_the_store() {
    let mut old = authority("The old root");
    old.not_after = date_time_ymd(2001, 1, 1);
    let old = CertifiedIssuer::self_signed(old, KeyPair::generate().unwrap()).unwrap();
    let root = KeyPair::generate().unwrap();
    let mut cross_signed = authority("The new root");
    cross_signed.not_after = date_time_ymd(2001, 1, 1);
    let cross_signed = cross_signed.signed_by(&root, &old).unwrap();
    let root = CertifiedIssuer::self_signed(authority("The new root"), root).unwrap();
    let pair = KeyPair::generate().unwrap();
    let leaf = server().signed_by(&pair, &root).unwrap();
    for roots in [[old.pem(), root.pem()], [root.pem(), old.pem()]] {
        let chain = vec![leaf.der().clone(), cross_signed.der().clone()];
        assert_eq!(refusal(&trust(&roots.concat()), chain, key(&pair)), None);
    }
}

#[test]
fn a_chain_in_the_wrong_order_with_a_stranger_in_it_is_trusted() {
    let new = || KeyPair::generate().unwrap();
    let root = CertifiedIssuer::self_signed(authority("A root"), new()).unwrap();
    let outer = CertifiedIssuer::signed_by(authority("An outer authority"), new(), &root).unwrap();
    let inner = CertifiedIssuer::signed_by(authority("An inner authority"), new(), &outer).unwrap();
    let stranger = CertifiedIssuer::self_signed(authority("A stranger"), new()).unwrap();
    let pair = new();
    let leaf = server().signed_by(&pair, &inner).unwrap();
    let chain = [leaf.der(), stranger.der(), outer.der(), inner.der()];
    let chain = chain.map(Clone::clone).into();
    assert_eq!(refusal(&trust(&root.pem()), chain, key(&pair)), None);
}
