//! A world, and a blocking client that comes to its servers.

use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::time::Duration;

use fedway_testkit::world::{World, WorldPlan};
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};

pub(crate) fn world(describe: impl FnOnce(&mut WorldPlan)) -> World {
    let mut plan = WorldPlan::new();
    describe(&mut plan);
    plan.start().unwrap()
}

pub(crate) type Client = StreamOwned<ClientConnection, TcpStream>;

pub(crate) fn connect(world: &World, address: &str, name: &str) -> io::Result<Client> {
    connect_with(world, Arc::new(client_config(world)), address, name)
}

pub(crate) fn connect_with(
    world: &World,
    config: Arc<ClientConfig>,
    address: &str,
    name: &str,
) -> io::Result<Client> {
    let real = world.router()(address.parse().unwrap());
    let stream = TcpStream::connect(real.ok_or(io::ErrorKind::ConnectionRefused)?)?;
    stream.set_read_timeout(Some(Duration::from_millis(300)))?;
    shake_hands(stream, config, name)
}

pub(crate) fn shake_hands(
    mut stream: TcpStream,
    config: Arc<ClientConfig>,
    name: &str,
) -> io::Result<Client> {
    let name = ServerName::try_from(name.to_owned()).unwrap();
    let mut client = ClientConnection::new(config, name).map_err(io::Error::other)?;
    while client.is_handshaking() {
        client.complete_io(&mut stream)?;
    }
    Ok(StreamOwned::new(client, stream))
}

pub(crate) fn client_config(world: &World) -> ClientConfig {
    let mut roots = RootCertStore::empty();
    roots.add(world.ca_der()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    config
}

pub(crate) fn request(client: &mut Client, host: &str, target: &str) -> io::Result<()> {
    let head = format!("GET {target} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
    client.write_all(head.as_bytes())
}

pub(crate) fn get(world: &World, address: &str, name: &str, target: &str) -> io::Result<String> {
    let mut client = connect(world, address, name)?;
    request(&mut client, name, target)?;
    let mut reply = String::new();
    client.read_to_string(&mut reply)?;
    Ok(reply)
}
