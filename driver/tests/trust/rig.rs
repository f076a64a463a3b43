//! A handshake in memory.

use std::io;
use std::sync::Arc;

use fedway_core::{CertificateError, ConnectError, DnsName, Host, Purpose, TlsError, Verdict};
use fedway_driver::{Builder, Roots, Trust, connect_error, server_name};
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, KeyPair,
    date_time_ymd,
};
use rustls::crypto::ring::default_provider;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use rustls::{ClientConnection, ServerConfig, ServerConnection};

/// Trust in these authorities alone, in PEM
pub(crate) fn trust(authorities: &str) -> Trust {
    builder(authorities).trust().unwrap()
}

pub(crate) fn builder(authorities: &str) -> Builder {
    let mut roots = Roots::none();
    roots.add_pem(authorities.as_bytes()).unwrap();
    Builder::default().roots(roots)
}

/// Why a server for `example.org` that shows this chain is refused; `None` where it is accepted
pub(crate) fn refusal(
    trust: &Trust,
    chain: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
) -> Option<CertificateError> {
    match shake_hands(trust, chain, key) {
        Ok(_) => None,
        Err(ConnectError::Tls(TlsError::Certificate(reason))) => Some(reason),
        Err(other) => panic!("{other:?}"),
    }
}

pub(crate) fn shake_hands(
    trust: &Trust,
    chain: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
) -> Result<ClientConnection, ConnectError> {
    let host = Host::Dns(DnsName::new("example.org").unwrap());
    let name = server_name(&host).unwrap();
    let mut client =
        ClientConnection::new(trust.config(&Verdict::Verify, Purpose::Federation), name).unwrap();
    let mut server = ServerConnection::new(server_config(chain, key)).unwrap();
    while client.is_handshaking() {
        let mut flight = Vec::new();
        client.write_tls(&mut flight).unwrap();
        server.read_tls(&mut &flight[..]).unwrap();
        server.process_new_packets().unwrap();
        let mut flight = Vec::new();
        while server.wants_write() {
            server.write_tls(&mut flight).unwrap();
        }
        client.read_tls(&mut &flight[..]).unwrap();
        let read = client.process_new_packets();
        read.map_err(|error| connect_error(&io::Error::other(error)))?;
    }
    Ok(client)
}

fn server_config(
    chain: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
) -> Arc<ServerConfig> {
    let provider = Arc::new(default_provider());
    let key = provider.key_provider.load_private_key(key).unwrap();
    // Unlike `with_single_cert` this shows whatever it is given
    let shown = SingleCertAndKey::from(CertifiedKey::new(chain, key));
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_cert_resolver(Arc::new(shown));
    config.into()
}

pub(crate) fn key(pair: &KeyPair) -> PrivateKeyDer<'static> {
    PrivatePkcs8KeyDer::from(pair.serialize_der()).into()
}

/// A server's certificate for `example.org`
pub(crate) fn server() -> CertificateParams {
    let mut params = CertificateParams::new(["example.org".to_owned()]).unwrap();
    params
        .distinguished_name
        .push(DnType::CommonName, "A server");
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    params.not_before = date_time_ymd(2000, 1, 1);
    params.not_after = date_time_ymd(3000, 1, 1);
    params
}

/// An authority's certificate
pub(crate) fn authority(name: &str) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.not_before = date_time_ymd(2000, 1, 1);
    params.not_after = date_time_ymd(3000, 1, 1);
    params
}
