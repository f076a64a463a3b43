//! With the feature `driver`, what a resolver is told so that it is at home in a world.

use fedway_driver::dns::DnsConfig;
use fedway_driver::{Builder, Roots};

use crate::script;

use super::World;

impl World {
    /// A builder of resolvers that know the names of this world, its authority, and where its servers really are,
    /// those that are added later included.
    ///
    /// The configuration is [`config`](crate::config()): who sets another starts from that, lest the addresses of the
    /// world be refused. The cryptography is the builder's own choice, as outside of a test.
    ///
    /// ```
    /// use fedway_driver::Io;
    /// use fedway_testkit::world::World;
    ///
    /// async fn version<I: Io>(world: &World, io: I) -> Result<Vec<u8>, Box<dyn std::error::Error>> {
    ///     let resolver = world.builder().build(io)?;
    ///     let mut connected = resolver.connect(&"example.org".parse()?).await?;
    ///     Ok(connected.get("/_matrix/federation/v1/version").await?.body)
    /// }
    /// ```
    #[must_use]
    pub fn builder(&self) -> Builder {
        Builder::default()
            .config(script::config())
            .dns(DnsConfig::new(vec![self.dns()]))
            .reroute(self.router())
            .roots(self.roots())
    }

    /// The authority of this world, and no other, to add others to.
    #[must_use]
    pub fn roots(&self) -> Roots {
        let mut roots = Roots::none();
        roots
            .add_pem(self.ca_pem().as_bytes())
            .expect("an authority's certificate is PEM");
        roots
    }
}
