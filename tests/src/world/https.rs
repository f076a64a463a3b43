//! What an HTTPS server is for one set of names, and what can go wrong with an address.

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use rustls::crypto::CryptoProvider;
use rustls::server::{ServerSessionMemoryCache, WebPkiClientVerifier};
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use rustls::{RootCertStore, ServerConfig, SupportedProtocolVersion};

use super::ca::Authority;
use super::certificate::{Certificate, plain_host};
use super::log::Request;
use super::replies::Replies;
use super::reply::Reply;

/// An HTTPS server for one or several names: a certificate and the replies to paths.
///
/// From the start it has a valid certificate for its names, answers the federation version request
/// and knows nothing else.
#[derive(Clone, Debug)]
pub struct Https {
    names: Vec<String>,
    certificate: Certificate,
    versions: &'static [&'static SupportedProtocolVersion],
    /// Whether clients must show a certificate, too.
    asks_clients: bool,
    /// By path; with a query only where the plan has one.
    paths: BTreeMap<String, Path>,
    otherwise: Replies,
    /// Made at the first handshake.
    config: OnceLock<Result<Arc<ServerConfig>, String>>,
}

/// What goes wrong with every connection to an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConnectionFault {
    /// Replies to the ClientHello with a fatal alert, by the number that IANA's registry has for it.
    Alert(u8),
    /// Closes the connection after the ClientHello.
    CloseInHandshake,
    /// Replies to the ClientHello in plain HTTP.
    GarbageInHandshake,
    /// Accepts and says nothing until the client leaves.
    HangAfterAccept,
    /// Reads and logs the ClientHello, then says nothing until the client leaves.
    HangInHandshake,
    /// The address leads to a closed port.
    Refused,
    /// Accepts, then resets the connection.
    Reset,
    /// Waits after the ClientHello, then goes on.
    SlowHandshake(Duration),
    /// Replies to the ClientHello as a server does that knows nothing newer than TLS 1.1.
    Tls11,
}

impl Https {
    /// A server for one host name or IP address.
    pub fn for_name(name: &str) -> Self {
        Self::for_names([name])
    }

    /// A server for several host names and IP addresses.
    pub fn for_names<'a>(names: impl IntoIterator<Item = &'a str> + Clone) -> Self {
        Self {
            certificate: Certificate::for_names(names.clone()),
            names: names.into_iter().map(plain_host).collect(),
            versions: rustls::DEFAULT_VERSIONS,
            asks_clients: false,
            paths: BTreeMap::new(),
            otherwise: Reply::status(404).into(),
            config: OnceLock::new(),
        }
        .version("world", env!("CARGO_PKG_VERSION"))
    }

    /// Answers `/.well-known/matrix/server` with 200 and this JSON.
    pub fn well_known(self, json: impl Into<Vec<u8>>) -> Self {
        self.path(WELL_KNOWN, Reply::json(json))
    }

    /// Answers the federation version request with this software and version.
    ///
    /// # Panics
    ///
    /// When a word cannot stand in JSON as it is.
    pub fn version(self, software: &str, version: &str) -> Self {
        let plain = |c: char| c != '"' && c != '\\' && !c.is_control();
        assert!(
            (software.chars().chain(version.chars())).all(plain),
            "a word that JSON must escape"
        );
        let server = format!(r#"{{"server":{{"name":"{software}","version":"{version}"}}}}"#);
        self.path(VERSION, Reply::json(server))
    }

    /// Answers a path, whatever the method. With a query in it, it stands before the same path without.
    pub fn path(mut self, path: &str, replies: impl Into<Replies>) -> Self {
        self.at(path).any_method = Some(replies.into());
        self
    }

    /// Answers a path where the request has this method, such as `PUT`; this stands before [`path`](Self::path).
    pub fn method(mut self, method: &str, path: &str, replies: impl Into<Replies>) -> Self {
        let methods = &mut self.at(path).methods;
        methods.insert(method.to_owned(), replies.into());
        self
    }

    /// Answers whatever nothing else is planned for; with 404 unless called.
    pub fn otherwise(mut self, replies: impl Into<Replies>) -> Self {
        self.otherwise = replies.into();
        self
    }

    /// Shows this certificate in place of the valid one for its names.
    pub fn certificate(mut self, certificate: Certificate) -> Self {
        self.certificate = certificate;
        self
    }

    /// Speaks TLS 1.2 and nothing newer.
    pub fn tls12(mut self) -> Self {
        self.versions = ONLY_TLS12;
        self
    }

    /// Refuses clients that show no certificate of the world's authority.
    ///
    /// Under TLS 1.3 a client learns of that after its handshake (RFC 8446 section 4.4.2.4).
    pub fn asking_for_a_client_certificate(mut self) -> Self {
        self.asks_clients = true;
        self
    }

    /// Whether this server goes by `host`, as [`plain_host`] spells it.
    pub(super) fn is_for(&self, host: &str) -> bool {
        self.names.iter().any(|name| name == host)
    }

    /// Whether this server takes the place of `other`.
    pub(super) fn replaces(&self, other: &Self) -> bool {
        self.names == other.names
    }

    pub(super) fn reply(&self, request: &Request) -> Reply {
        let target = &*request.target;
        let path = target.split_once('?').map_or(target, |(path, _)| path);
        let at = |path| self.paths.get(path)?.replies(&request.method);
        let replies = at(target).or_else(|| at(path));
        replies.unwrap_or(&self.otherwise).to(request)
    }

    fn at(&mut self, path: &str) -> &mut Path {
        self.paths.entry(path.to_owned()).or_default()
    }

    /// The TLS side, made once.
    pub(super) fn config(
        &self,
        authority: &Authority,
        provider: &Arc<CryptoProvider>,
    ) -> Result<Arc<ServerConfig>, String> {
        let make = || make_config(self, authority, Arc::clone(provider));
        self.config.get_or_init(make).clone()
    }
}

/// What is said to the requests for one path.
#[derive(Clone, Debug, Default)]
struct Path {
    methods: BTreeMap<String, Replies>,
    any_method: Option<Replies>,
}

impl Path {
    fn replies(&self, method: &str) -> Option<&Replies> {
        self.methods.get(method).or(self.any_method.as_ref())
    }
}

fn make_config(
    server: &Https,
    authority: &Authority,
    provider: Arc<CryptoProvider>,
) -> Result<Arc<ServerConfig>, String> {
    let shown = certify(&server.certificate, authority, &provider)?;
    let clients = if server.asks_clients {
        let mut roots = RootCertStore::empty();
        let root = roots.add(authority.der());
        root.map_err(|error| error.to_string())?;
        WebPkiClientVerifier::builder_with_provider(roots.into(), Arc::clone(&provider))
            .build()
            .map_err(|error| error.to_string())?
    } else {
        WebPkiClientVerifier::no_client_auth()
    };
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(server.versions)
        .map_err(|error| error.to_string())?
        .with_client_cert_verifier(clients)
        .with_cert_resolver(Arc::new(shown));
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    config.enable_secret_extraction = true;
    config.session_storage = ServerSessionMemoryCache::new(REMEMBERED_SESSIONS);
    Ok(Arc::new(config))
}

/// The TLS side of a server that is none of the world's, but has a certificate of its authority.
pub(super) fn app_config(
    certificate: &Certificate,
    authority: &Authority,
    provider: &Arc<CryptoProvider>,
) -> Result<ServerConfig, String> {
    let shown = certify(certificate, authority, provider)?;
    let config = ServerConfig::builder_with_provider(Arc::clone(provider))
        .with_safe_default_protocol_versions()
        .map_err(|error| error.to_string())?;
    Ok(config
        .with_no_client_auth()
        .with_cert_resolver(Arc::new(shown)))
}

fn certify(
    certificate: &Certificate,
    authority: &Authority,
    provider: &CryptoProvider,
) -> Result<SingleCertAndKey, String> {
    let issued = authority
        .issue(certificate)
        .map_err(|error| error.to_string())?;
    let key = provider.key_provider.load_private_key(issued.key);
    let key = key.map_err(|error| error.to_string())?;
    // Unlike `with_single_cert` this shows certificates that are not the key's
    let mut certified = CertifiedKey::new(issued.chain, key);
    certified.ocsp = issued.ocsp;
    Ok(SingleCertAndKey::from(certified))
}

/// A few, where rustls has 256: a world may have a thousand servers, and shall not grow with every handshake.
const REMEMBERED_SESSIONS: usize = 8;

/// Where a server name delegates (Server-Server API, "Resolving server names", step 3).
const WELL_KNOWN: &str = "/.well-known/matrix/server";

/// What a homeserver always answers (Server-Server API, "Server implementation").
pub(super) const VERSION: &str = "/_matrix/federation/v1/version";

/// Made so that it outlives every server.
static ONLY_TLS12: &[&SupportedProtocolVersion] = &[&rustls::version::TLS12];
