//! Private authorities on curves that not every provider knows.

use fedway_core::CertificateError;
use rustls::crypto::ring::default_provider;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

use crate::rig::{builder, refusal};

/// Each authority, the server's certificate that it signed with SHA-512, and what it signed by
const SIGNED: [(&str, &str, &str); 2] = [
    (P521_ROOT, P521_LEAF, "ECDSA P-521 with SHA-512"),
    (P384_ROOT, P384_LEAF, "ECDSA P-384 with SHA-512"),
];

#[test]
fn what_ring_does_not_verify_is_refused_by_its_curve_and_hash() {
    for (root, leaf, algorithm) in SIGNED {
        let builder = builder(root).crypto_provider(default_provider().into());
        let refused = refusal(&builder.trust().unwrap(), vec![read(leaf)], key());
        let algorithm = algorithm.into();
        let expected = CertificateError::UnsupportedSignature { algorithm };
        assert_eq!(refused, Some(expected));
    }
}

#[cfg(feature = "aws-lc-rs")]
#[test]
fn aws_lc_rs_verifies_it_and_is_what_its_feature_turns_on() {
    for (root, leaf, _) in SIGNED {
        let trust = builder(root).trust().unwrap();
        assert_eq!(refusal(&trust, vec![read(leaf)], key()), None);
    }
}

fn read(pem: &str) -> CertificateDer<'static> {
    CertificateDer::from_pem_slice(pem.as_bytes()).unwrap()
}

fn key() -> PrivateKeyDer<'static> {
    PrivateKeyDer::from_pem_slice(KEY.as_bytes()).unwrap()
}

// Made with OpenSSL 3.0 (`openssl ca -md sha512`): rcgen with ring cannot. Valid until the year 2999.

/// The key of both servers, on P-256
const KEY: &str = "\
-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgYilChcMh7uFBpFp4
B8H8ME1qSJLoYtcb2jwyHA0/10uhRANCAAQETW6fPSTs/Zh4jybhs+1mYHBaZxR2
NiZnEPn3dFKuBni1UxbtX+ZyOtck6vcmD7DGT9BcVYJrSNst6z3LfEyA
-----END PRIVATE KEY-----";

const P521_ROOT: &str = "\
-----BEGIN CERTIFICATE-----
MIICDjCCAW+gAwIBAgIURuq91gaiW1lrj2q18Y5G0XNtgC8wCgYIKoZIzj0EAwQw
IDEeMBwGA1UEAwwVQW4gYXV0aG9yaXR5IG9uIFAtNTIxMCAXDTAwMDEwMTAwMDAw
MFoYDzI5OTkxMjMxMjM1OTU5WjAgMR4wHAYDVQQDDBVBbiBhdXRob3JpdHkgb24g
UC01MjEwgZswEAYHKoZIzj0CAQYFK4EEACMDgYYABAFZ0S7cGoNVr5HG7KFqLscn
FNUuGU/DcAi5pI7kt5btxeS06E/5+ncUVW4x86KR25bCdu/Ds2ly3Yx6Z3Fd5cSK
1gEDB3RY2GrEEyeMMPh+Y9hoX/SCVm6wvMXs2Q2aZbYfZ83zkIt00tfAOj7MsWTS
kiqHX/SjHpYAbj/GR/nLwzejiaNCMEAwDwYDVR0TAQH/BAUwAwEB/zAOBgNVHQ8B
Af8EBAMCAQYwHQYDVR0OBBYEFEOvF6AoKjwSyJrPByw0Kmntytu9MAoGCCqGSM49
BAMEA4GMADCBiAJCAKxctqXpHj3ruPKurKMHAPGOSd36ufAiXAQRRjFiP8zm/1Ft
V6Pug8i6d62ghGnM2PzSE+pK5vQqvGX+72b5AtTtAkIBm8bQppQ22z22g/vzaa5f
Usru3jDQv38WKCvBtVU4gbVh94eHyM88PWB+PwaGIj+fl0+TZEbUBURRXbm9Af3K
iA8=
-----END CERTIFICATE-----";

const P521_LEAF: &str = "\
-----BEGIN CERTIFICATE-----
MIIB7TCCAU+gAwIBAgIUOWA760CIB90Z/n2ii1ZsG25CYxswCgYIKoZIzj0EAwQw
IDEeMBwGA1UEAwwVQW4gYXV0aG9yaXR5IG9uIFAtNTIxMCAXDTAwMDEwMTAwMDAw
MFoYDzI5OTkxMjMxMjM1OTU5WjAWMRQwEgYDVQQDDAtleGFtcGxlLm9yZzBZMBMG
ByqGSM49AgEGCCqGSM49AwEHA0IABARNbp89JOz9mHiPJuGz7WZgcFpnFHY2JmcQ
+fd0Uq4GeLVTFu1f5nI61yTq9yYPsMZP0FxVgmtI2y3rPct8TICjbzBtMBYGA1Ud
EQQPMA2CC2V4YW1wbGUub3JnMBMGA1UdJQQMMAoGCCsGAQUFBwMBMB0GA1UdDgQW
BBTXdfUD8LwVJG6YBy4THB44w6vmYzAfBgNVHSMEGDAWgBRDrxegKCo8Esiazwcs
NCpp7crbvTAKBggqhkjOPQQDBAOBiwAwgYcCQgHN4rn8pGP9VVNyQlWySUaeNim+
pki7tj4f+Lzd5gwDP6KuugpA1mJQe29vDy56vSm6cBpT70iQNt5AuzJQxryPxwJB
Kcmems6hFYa3BfJ+oek9rAXy2rfBn/O2L2Hj6Sb7jLi8KVmtaD7hHf3guks4uoFD
odbDgpUAIL6gDOBSC45Rei4=
-----END CERTIFICATE-----";

const P384_ROOT: &str = "\
-----BEGIN CERTIFICATE-----
MIIBwzCCAUmgAwIBAgIUZHAifGDjT5ih2oMpDoWJBWBH7GEwCgYIKoZIzj0EAwQw
IDEeMBwGA1UEAwwVQW4gYXV0aG9yaXR5IG9uIFAtMzg0MCAXDTAwMDEwMTAwMDAw
MFoYDzI5OTkxMjMxMjM1OTU5WjAgMR4wHAYDVQQDDBVBbiBhdXRob3JpdHkgb24g
UC0zODQwdjAQBgcqhkjOPQIBBgUrgQQAIgNiAARMIry69mMp8BsyIPCJ9Ik3xP0h
VV0absKvHsRjrNQ3kXqoK+Eg4XpRhqsDHGZQunx0QAoBx7VEUz844KVrI4I2FcPX
9S064bgj9QTiAIXmcDlOO1mIqFvFVDOIzz/fMUGjQjBAMA8GA1UdEwEB/wQFMAMB
Af8wDgYDVR0PAQH/BAQDAgEGMB0GA1UdDgQWBBSxC6el9E1fyerUXG7R8W1MEEd1
STAKBggqhkjOPQQDBANoADBlAjB4Nqran2kbZnRPKRiEX99GgPvdM6PY02XOBnr7
tAlwysd5+Ai+8KD8RlxZCkvI7wcCMQD9A4N/IVFxb1fGoHzy2Oj/+p/WP3D5JNql
r2GPp0wmlKLXrB6AzW6X6U7vNR9pZ48=
-----END CERTIFICATE-----";

const P384_LEAF: &str = "\
-----BEGIN CERTIFICATE-----
MIIByjCCAU+gAwIBAgIUEAmuRe4l/RbRkjWgth2xQyG3hBwwCgYIKoZIzj0EAwQw
IDEeMBwGA1UEAwwVQW4gYXV0aG9yaXR5IG9uIFAtMzg0MCAXDTAwMDEwMTAwMDAw
MFoYDzI5OTkxMjMxMjM1OTU5WjAWMRQwEgYDVQQDDAtleGFtcGxlLm9yZzBZMBMG
ByqGSM49AgEGCCqGSM49AwEHA0IABARNbp89JOz9mHiPJuGz7WZgcFpnFHY2JmcQ
+fd0Uq4GeLVTFu1f5nI61yTq9yYPsMZP0FxVgmtI2y3rPct8TICjbzBtMBYGA1Ud
EQQPMA2CC2V4YW1wbGUub3JnMBMGA1UdJQQMMAoGCCsGAQUFBwMBMB0GA1UdDgQW
BBTXdfUD8LwVJG6YBy4THB44w6vmYzAfBgNVHSMEGDAWgBSxC6el9E1fyerUXG7R
8W1MEEd1STAKBggqhkjOPQQDBANpADBmAjEA1KqtLyql8+5Vz5aewgmZtVO/y7Pm
xRh7hQEiUXpy6XOCBH1tsoVy+NQzW50b4P0SAjEAmVeGxClKtE5geWKJBLtztIW5
IJwMYkVwxZuHlaH1dDP+0LTttfFEBMBgDu8nYpxV
-----END CERTIFICATE-----";
