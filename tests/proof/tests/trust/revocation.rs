//! Revocation lists.

use fedway_core::CertificateError;
use fedway_driver::{Builder, Revocation};
use fedway_proof::on_every_runtime;
use fedway_proof::runtime::Runtime;
use fedway_testkit::world::{Authority, Certificate, World};

use crate::rig::Rig;

on_every_runtime! {
    a_revoked_leaf_is_refused,
    a_revoked_intermediate_is_refused,
    a_certificate_that_no_list_names_is_accepted,
    a_list_of_another_authority_says_nothing,
    an_old_list_still_revokes_what_it_revoked_and_nothing_else,
    where_a_status_is_required_only_a_current_list_gives_it,
    a_list_that_its_issuer_did_not_sign_is_not_believed,
    lists_count_beside_the_systems_roots,
}

fn a_revoked_leaf_is_refused<R: Runtime>() {
    for shown in [leaf(), leaf().expired()] {
        let expected = match shown == leaf() {
            true => CertificateError::Revoked,
            // Nothing that is over needs revoking
            false => CertificateError::Expired {
                not_after: Some(978_307_200),
            },
        };
        let rig = Rig::showing("example.org", shown).given(lists(&[LEAF], FAR));
        assert_eq!(rig.refusal::<R>(), Some(expected));
    }
}

fn a_revoked_intermediate_is_refused<R: Runtime>() {
    for shown in [leaf().from_intermediate(), leaf().from_two_intermediates()] {
        let rig = Rig::showing("example.org", shown);
        let rig = rig.given(lists(&[Authority::INTERMEDIATE], FAR));
        assert_eq!(rig.refusal::<R>(), Some(CertificateError::Revoked));
    }
}

fn a_certificate_that_no_list_names_is_accepted<R: Runtime>() {
    for shown in [leaf(), leaf().from_intermediate()] {
        let rig = Rig::showing("example.org", shown).given(lists(&[LEAF + 1], FAR));
        assert_eq!(rig.refusal::<R>(), None);
    }
}

fn a_list_of_another_authority_says_nothing<R: Runtime>() {
    let other = Authority::new("Another authority").unwrap();
    let pem = other.revocation_list(&[LEAF], FAR).unwrap();
    let rig = Rig::showing("example.org", leaf());
    let rig = rig.given(|_, builder| builder.revocation(revocation(&pem)));
    assert_eq!(rig.refusal::<R>(), None);
}

fn an_old_list_still_revokes_what_it_revoked_and_nothing_else<R: Runtime>() {
    for (revoked, expected) in [(LEAF, Some(CertificateError::Revoked)), (LEAF + 1, None)] {
        let rig = Rig::showing("example.org", leaf()).given(lists(&[revoked], PAST));
        assert_eq!(rig.refusal::<R>(), expected);
    }
}

fn where_a_status_is_required_only_a_current_list_gives_it<R: Runtime>() {
    let unknown = Some(CertificateError::RevocationUnknown);
    for (shown, until, expected) in [
        (leaf(), FAR, None),
        (leaf(), PAST, unknown.clone()),
        // The list is the root's: of the intermediate's certificates it says nothing
        (leaf().from_intermediate(), FAR, unknown),
    ] {
        let rig = Rig::showing("example.org", shown).given(|world, builder| {
            let pem = world.authority().revocation_list(&[], until).unwrap();
            builder.revocation(revocation(&pem).require_status())
        });
        assert_eq!(rig.refusal::<R>(), expected);
    }
}

fn a_list_that_its_issuer_did_not_sign_is_not_believed<R: Runtime>() {
    // The name of the world's authority, and another key
    let other = Authority::new("Fedway loopback world").unwrap();
    let pem = other.revocation_list(&[LEAF + 1], FAR).unwrap();
    let rig = Rig::showing("example.org", leaf());
    let rig = rig.given(|_, builder| builder.revocation(revocation(&pem)));
    assert_eq!(rig.refusal::<R>(), Some(CertificateError::RevocationList));
}

fn lists_count_beside_the_systems_roots<R: Runtime>() {
    let rig = Rig::showing("example.org", leaf()).given(|world, builder| {
        let mut roots = fedway_driver::Roots::default();
        roots.add_pem(world.ca_pem().as_bytes()).unwrap();
        let pem = world.authority().revocation_list(&[LEAF], FAR).unwrap();
        builder.roots(roots).revocation(revocation(&pem))
    });
    // A machine without any root of its own says so when the resolver is made
    let builder = rig.builder.clone();
    if let Err(error) = builder.build(R::io()) {
        println!("skipped: {error}");
        return;
    }
    assert_eq!(rig.refusal::<R>(), Some(CertificateError::Revoked));
}

fn leaf() -> Certificate {
    Certificate::for_name("example.org").serial(LEAF)
}

fn lists(serials: &[u64], until: i32) -> impl FnOnce(&World, Builder) -> Builder {
    move |world, builder| {
        let pem = world.authority().revocation_list(serials, until).unwrap();
        builder.revocation(revocation(&pem))
    }
}

fn revocation(pem: &str) -> Revocation {
    let mut revocation = Revocation::default();
    revocation.add(pem.as_bytes()).unwrap();
    revocation
}

/// The serial number of the certificate in question
const LEAF: u64 = 1000;

/// A year to come
const FAR: i32 = 3000;

/// A year that is over
const PAST: i32 = 2002;
