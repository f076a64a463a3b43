//! A driver for a runtime that neither of ours uses, over real sockets and real TLS
//!
//! `cargo run -p fedway-driver --example threads`
//!
//! `io.rs` is the driver: all that a runtime's own crate has to say, with TLS by [`TlsOver`](fedway_driver::TlsOver).
//! `runtime.rs` is the runtime, which has a thread for each socket, and `world.rs` a name server and an HTTPS server on
//! the loopback device.

#![expect(clippy::print_stdout, reason = "an example says what it found")]

mod io;
mod runtime;
mod world;

use fedway_core::{Config, ServerName};
use fedway_driver::dns::DnsConfig;
use fedway_driver::{Builder, Roots};

use crate::io::Sockets;
use crate::runtime::block_on;
use crate::world::{NAME, VERSION, World};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let world = World::start()?;
    let mut config = Config::default();
    // The loopback device, refused by default
    config.addresses.allow = vec!["127.0.0.0/8".parse()?];
    let mut roots = Roots::none();
    roots.add_pem(world.authority.as_bytes())?;
    let resolver = Builder::default()
        .config(config)
        .dns(DnsConfig::new(vec![world.dns]))
        .roots(roots)
        .build(Sockets::default())?;
    let name: ServerName = format!("{NAME}:{}", world.https.port()).parse()?;

    let mut connected = block_on(resolver.connect(&name))?;
    let connection = connected.found.connection.as_ref();
    let address = connection.ok_or("not asked to connect")?.address;
    println!("{name} is at {address}");
    assert_eq!(address, world.https);

    let response = block_on(connected.get("/_matrix/federation/v1/version"))?;
    let version = String::from_utf8(response.body)?;
    println!("{version}");
    assert_eq!(version, VERSION);
    Ok(())
}
