//! One server in a world, and a resolver that is to trust it or not.

use fedway_core::{
    AttemptError, CertificateError, Config, ConnectError, DiscoveryErrorKind, ServerName, TlsError,
};
use fedway_driver::{Builder, Connected, Resolver};
use fedway_proof::runtime::Runtime;
use fedway_testkit::world::{Certificate, Https, SHA1_ROOT, World, WorldPlan};

/// A world with one server, and what its resolver is told
pub(crate) struct Rig {
    pub(crate) world: World,
    pub(crate) config: Config,
    pub(crate) builder: Builder,
    name: ServerName,
}

impl Rig {
    /// The server of a name, such as `example.org` or `[2001:db8::1]`, on port 8448, with this certificate
    pub(crate) fn showing(name: &str, shown: Certificate) -> Self {
        Self::serving(name, |server| server.certificate(shown))
    }

    pub(crate) fn serving(name: &str, how: impl FnOnce(Https) -> Https) -> Self {
        let mut plan = WorldPlan::new();
        let host = name.trim_matches(['[', ']']);
        let at = if name.contains(':') {
            format!("{name}:8448")
        } else if host.parse::<std::net::IpAddr>().is_ok() {
            format!("{host}:8448")
        } else {
            plan.a(host, "198.51.100.1");
            HERE.into()
        };
        plan.https(&at, how(Https::for_name(host)));
        let world = plan.start().unwrap();
        let mut roots = world.roots();
        roots.add_pem(SHA1_ROOT.as_bytes()).unwrap();
        Self {
            config: fedway_testkit::config(),
            builder: world.builder().roots(roots),
            world,
            // A port of its own, so that no .well-known stands before the certificate
            name: format!("{name}:8448").parse().unwrap(),
        }
    }

    pub(crate) fn skip(mut self, rule: &str) -> Self {
        self.config.trust.skip.push(rule.parse().unwrap());
        self
    }

    /// What the resolver is given besides
    pub(crate) fn given(mut self, how: impl FnOnce(&World, Builder) -> Builder) -> Self {
        self.builder = how(&self.world, self.builder);
        self
    }

    pub(crate) fn name(&self) -> &ServerName {
        &self.name
    }

    pub(crate) fn resolver<R: Runtime>(&self) -> Resolver<R::Io> {
        let builder = self.builder.clone().config(self.config.clone());
        builder.build(R::io()).unwrap()
    }

    /// A session, or why there is none
    pub(crate) fn connect<R: Runtime>(&self) -> Result<Connected<R::Io>, ConnectError> {
        let resolver = self.resolver::<R>();
        R::block_on(resolver.connect(&self.name)).map_err(|error| {
            let text = error.to_string();
            let DiscoveryErrorKind::Unreachable(AttemptError::Connect(cause)) = error.kind else {
                panic!("{text}");
            };
            cause
        })
    }

    /// Why the certificate is refused; `None` where it is accepted
    pub(crate) fn refusal<R: Runtime>(&self) -> Option<CertificateError> {
        match self.connect::<R>() {
            Ok(_) => None,
            Err(ConnectError::Tls(TlsError::Certificate(reason))) => Some(reason),
            Err(other) => panic!("{other:?}"),
        }
    }
}

/// A chain that leads to nobody trusted, but to this issuer
pub(crate) fn unknown(issuer: &str) -> CertificateError {
    CertificateError::UnknownIssuer {
        issuer: Some(issuer.into()),
    }
}

/// Where the server of a name is
pub(crate) const HERE: &str = "198.51.100.1:8448";
