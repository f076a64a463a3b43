//! What a resolver is told so that it is at home in a world.

use fedway_core::Config;
use fedway_driver::dns::DnsConfig;
use fedway_driver::{Builder, Roots};
use fedway_testkit::script::DOCUMENTATION;
use fedway_testkit::world::World;

/// The defaults, but that the networks where a world's servers seem to be may be dialled
#[must_use]
pub fn config() -> Config {
    let mut config = Config::default();
    config.addresses.allow = DOCUMENTATION
        .map(|net| net.parse().expect("the constant holds networks"))
        .into();
    config
}

/// The authority of a world
#[must_use]
pub fn roots(world: &World) -> Roots {
    let mut roots = Roots::none();
    roots
        .add_pem(world.ca_pem().as_bytes())
        .expect("a world has an authority");
    roots
}

/// A builder that knows the name server of a world, its authority and where its servers really are
#[must_use]
pub fn builder(world: &World) -> Builder {
    Builder::default()
        .config(config())
        .dns(DnsConfig::new(vec![world.dns()]))
        .reroute(world.reroutes())
        .roots(roots(world))
}
