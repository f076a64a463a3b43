//! A server's own certificate, added as a root: it is trusted, and nothing more than before.

use fedway_core::CertificateError;
use rcgen::{
    CertificateParams, CertifiedIssuer, ExtendedKeyUsagePurpose, IsCa, KeyPair, date_time_ymd,
};

use crate::rig::{authority, key, refusal, server, trust};

/// What `openssl req -x509` makes
fn self_signed(how: impl FnOnce(&mut CertificateParams)) -> Option<CertificateError> {
    let mut params = server();
    params.is_ca = authority("").is_ca;
    params.extended_key_usages = Vec::new();
    how(&mut params);
    let pair = KeyPair::generate().unwrap();
    let shown = params.self_signed(&pair).unwrap();
    refusal(&trust(&shown.pem()), vec![shown.into()], key(&pair))
}

#[test]
fn a_self_signed_certificate_of_an_authority_is_trusted_as_a_server_s_where_it_was_added() {
    assert_eq!(self_signed(|_| ()), None);
    assert_eq!(self_signed(|params| params.is_ca = IsCa::NoCa), None);
    assert_eq!(
        self_signed(|params| params.extended_key_usages = server().extended_key_usages),
        None
    );
}

#[test]
fn its_dates_names_and_purpose_still_count() {
    let expired = self_signed(|params| params.not_after = date_time_ymd(2001, 1, 1));
    let not_after = Some(978_307_200);
    assert_eq!(expired, Some(CertificateError::Expired { not_after }));
    let early = self_signed(|params| params.not_before = date_time_ymd(2999, 1, 1));
    let not_before = Some(32_472_144_000);
    assert_eq!(early, Some(CertificateError::NotYetValid { not_before }));
    let other = self_signed(|params| {
        let names = CertificateParams::new(["example.com".to_owned()]).unwrap();
        params.subject_alt_names = names.subject_alt_names;
    });
    let other = other.unwrap().to_string();
    assert_eq!(other, "not valid for example.org, only for example.com");
    let clients = vec![ExtendedKeyUsagePurpose::ClientAuth];
    let purpose = self_signed(|params| params.extended_key_usages = clients);
    assert_eq!(purpose, Some(CertificateError::WrongPurpose));
}

#[test]
fn a_certificate_that_somebody_else_issued_is_trusted_where_it_was_added_itself() {
    let issuer = KeyPair::generate().unwrap();
    let issuer = CertifiedIssuer::self_signed(authority("Nobody trusted"), issuer).unwrap();
    let pair = KeyPair::generate().unwrap();
    let shown = server().signed_by(&pair, &issuer).unwrap();
    let refused = refusal(&trust(&shown.pem()), vec![shown.into()], key(&pair));
    assert_eq!(refused, None);
}

#[test]
fn another_certificate_with_the_same_name_and_key_is_not_trusted() {
    let mut params = server();
    params.is_ca = authority("").is_ca;
    let pair = KeyPair::generate().unwrap();
    let added = params.self_signed(&pair).unwrap();
    params.serial_number = Some(7.into());
    let shown = params.self_signed(&pair).unwrap();
    let refused = refusal(&trust(&added.pem()), vec![shown.into()], key(&pair));
    assert_eq!(refused, Some(CertificateError::Authority));
}

#[test]
fn the_certificate_of_an_authority_that_was_not_added_is_no_server_s() {
    let issuer = KeyPair::generate().unwrap();
    let issuer = CertifiedIssuer::self_signed(authority("An authority"), issuer).unwrap();
    let mut params = server();
    params.is_ca = authority("").is_ca;
    let pair = KeyPair::generate().unwrap();
    let shown = params.signed_by(&pair, &issuer).unwrap();
    let refused = refusal(&trust(&issuer.pem()), vec![shown.into()], key(&pair));
    assert_eq!(refused, Some(CertificateError::Authority));
}
