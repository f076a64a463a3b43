//! What the process has: the environment, and rustls's default provider. Each test is a child of its own, since
//! both are the whole process's.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{self, Command};

use fedway_core::CertificateError;
use fedway_driver::{Builder, Roots};
use rcgen::{CertificateParams, CertifiedIssuer, KeyPair};
use rustls::crypto::{CryptoProvider, ring};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};

use crate::rig::{authority, builder, key, refusal, server, shake_hands};

#[test]
fn a_folder_of_roots_is_read_past_a_dead_link_a_broken_file_and_a_folder() {
    let folder = folder("roots");
    let (root, chain) = (issuer(), folder.join("server"));
    fs::write(folder.join("44444444.0"), root.pem()).unwrap();
    #[cfg(unix)]
    std::os::unix::fs::symlink("nowhere", folder.join("11111111.0")).unwrap();
    let broken = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    fs::write(folder.join("22222222.0"), broken).unwrap();
    fs::create_dir(folder.join("33333333.0")).unwrap();
    show(&root, &chain);
    let mut child = child("trusts_the_server_that_it_is_shown");
    child.env("SSL_CERT_DIR", &folder).env("SHOWN", &chain);
    assert!(child.status().unwrap().success());
}

#[test]
fn an_authority_that_was_added_is_enough_on_a_machine_without_any() {
    let folder = folder("added");
    let (root, chain) = (issuer(), folder.join("server"));
    fs::write(folder.join("ca.pem"), root.pem()).unwrap();
    show(&root, &chain);
    for lists in [None, Some(folder.join("crl.pem"))] {
        let mut child = child("trusts_the_server_that_it_is_shown");
        child.env("SSL_CERT_FILE", "/nonexistent");
        child.env("SSL_CERT_DIR", "/nonexistent");
        child.env("SHOWN", &chain);
        child.env("ADDED", folder.join("ca.pem"));
        if let Some(path) = lists {
            fs::write(&path, revocation_list(&root)).unwrap();
            child.env("LISTS", path);
        }
        assert!(child.status().unwrap().success());
    }
}

#[test]
#[ignore = "what a child does"]
fn trusts_the_server_that_it_is_shown() {
    let mut roots = Roots::default();
    if let Some(added) = env::var_os("ADDED") {
        roots.add_pem_file(Path::new(&added)).unwrap();
    }
    let mut builder = Builder::default().roots(roots);
    if let Some(lists) = env::var_os("LISTS") {
        let mut revocation = fedway_driver::Revocation::default();
        revocation.add_file(Path::new(&lists)).unwrap();
        builder = builder.revocation(revocation);
    }
    let (leaf, key) = shown();
    let trust = builder.trust().unwrap();
    assert_eq!(refusal(&trust, vec![leaf], key), None);
}

#[test]
fn a_wrong_purpose_is_told_by_the_platform_s_verifier_too() {
    let folder = folder("purpose");
    let (root, chain) = (issuer(), folder.join("server"));
    fs::write(folder.join("ca.pem"), root.pem()).unwrap();
    let mut params = server();
    params.extended_key_usages = vec![rcgen::ExtendedKeyUsagePurpose::ClientAuth];
    show_as(params, &root, &chain);
    let mut child = child("refuses_the_client_that_it_is_shown");
    child.env("SSL_CERT_FILE", folder.join("ca.pem"));
    child.env("SHOWN", &chain);
    assert!(child.status().unwrap().success());
}

#[test]
#[ignore = "what a child does"]
fn refuses_the_client_that_it_is_shown() {
    let (leaf, key) = shown();
    let trust = Builder::default().trust().unwrap();
    let refused = refusal(&trust, vec![leaf], key);
    assert_eq!(refused, Some(CertificateError::WrongPurpose));
}

#[test]
fn keys_are_logged_where_that_is_asked_for_and_never_otherwise() {
    let file = folder("keys").join("keys.log");
    for (log, expected) in [("", false), ("yes", true)] {
        let mut child = child("shakes_hands_with_or_without_logging_keys");
        child.env("SSLKEYLOGFILE", &file).env("LOG", log);
        assert!(child.status().unwrap().success());
        let logged = fs::read_to_string(&file).unwrap_or_default();
        let is_logged = logged.contains("CLIENT_TRAFFIC_SECRET_0 ");
        assert_eq!(is_logged, expected, "{log:?}: {logged}");
    }
}

#[test]
#[ignore = "what a child does"]
fn shakes_hands_with_or_without_logging_keys() {
    let root = issuer();
    let mut builder = builder(&root.pem());
    if env::var_os("LOG").unwrap() == "yes" {
        builder = builder.log_keys();
    }
    let pair = KeyPair::generate().unwrap();
    let leaf = server().signed_by(&pair, &root).unwrap();
    let trust = builder.trust().unwrap();
    shake_hands(&trust, vec![leaf.into()], key(&pair)).unwrap();
}

#[test]
fn the_default_provider_of_the_process_is_neither_installed_nor_asked_for() {
    let child = child("has_a_default_provider_that_is_good_for_nothing").status();
    assert!(child.unwrap().success());
}

#[test]
#[ignore = "what a child does"]
fn has_a_default_provider_that_is_good_for_nothing() {
    let root = issuer();
    let builder = builder(&root.pem());
    let trust = || builder.trust().unwrap();
    let before = trust();
    assert!(CryptoProvider::get_default().is_none());
    let useless = CryptoProvider {
        cipher_suites: Vec::new(),
        kx_groups: Vec::new(),
        ..ring::default_provider()
    };
    useless.install_default().unwrap();
    for trust in [before, trust()] {
        let pair = KeyPair::generate().unwrap();
        let leaf = server().signed_by(&pair, &root).unwrap();
        shake_hands(&trust, vec![leaf.into()], key(&pair)).unwrap();
    }
}

#[cfg(feature = "aws-lc-rs")]
#[test]
fn with_both_providers_in_the_program_neither_has_to_be_its_default() {
    use rustls::crypto::aws_lc_rs;

    let root = issuer();
    for provider in [ring::default_provider(), aws_lc_rs::default_provider()] {
        let builder = builder(&root.pem()).crypto_provider(provider.into());
        let pair = KeyPair::generate().unwrap();
        let leaf = server().signed_by(&pair, &root).unwrap();
        let trust = builder.trust().unwrap();
        shake_hands(&trust, vec![leaf.into()], key(&pair)).unwrap();
    }
    assert!(CryptoProvider::get_default().is_none());
}

/// A run of one ignored test, without what the environment says of certificates
fn child(test: &str) -> Command {
    let mut command = Command::new(env::current_exe().unwrap());
    let name = format!("process::{test}");
    command.args(["--exact", "--ignored", "--quiet", &name]);
    for variable in ["SSL_CERT_DIR", "SSL_CERT_FILE", "SSLKEYLOGFILE"] {
        command.env_remove(variable);
    }
    command
}

/// An empty folder
fn folder(name: &str) -> PathBuf {
    let own = format!("fedway-trust-{}-{name}", process::id());
    let path = env::temp_dir().join(own);
    let _ = fs::remove_dir_all(&path);
    fs::create_dir(&path).unwrap();
    path
}

fn issuer() -> CertifiedIssuer<'static, KeyPair> {
    let pair = KeyPair::generate().unwrap();
    CertifiedIssuer::self_signed(authority("An authority"), pair).unwrap()
}

/// Writes a server's certificate and key, for a child to show
fn show(root: &CertifiedIssuer<'static, KeyPair>, to: &Path) {
    show_as(server(), root, to);
}

fn show_as(params: CertificateParams, root: &CertifiedIssuer<'static, KeyPair>, to: &Path) {
    let pair = KeyPair::generate().unwrap();
    let leaf = params.signed_by(&pair, root).unwrap();
    fs::write(to.with_extension("der"), leaf.der()).unwrap();
    fs::write(to.with_extension("key"), pair.serialize_der()).unwrap();
}

/// What was written so
fn shown() -> (CertificateDer<'static>, PrivateKeyDer<'static>) {
    let shown = PathBuf::from(env::var_os("SHOWN").unwrap());
    let leaf = fs::read(shown.with_extension("der")).unwrap();
    let key = fs::read(shown.with_extension("key")).unwrap();
    (leaf.into(), PrivatePkcs8KeyDer::from(key).into())
}

fn revocation_list(root: &CertifiedIssuer<'static, KeyPair>) -> String {
    let params = rcgen::CertificateRevocationListParams {
        this_update: rcgen::date_time_ymd(2001, 1, 1),
        next_update: rcgen::date_time_ymd(3000, 1, 1),
        crl_number: 1.into(),
        issuing_distribution_point: None,
        revoked_certs: Vec::new(),
        key_identifier_method: rcgen::KeyIdMethod::Sha256,
    };
    params.signed_by(root).unwrap().pem().unwrap()
}
