//! The floor: the same connections, handshakes and GETs, and the questions of who reads the specification step by
//! step, on tokio with the same libraries, and nothing else.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicU16, Ordering};

use hickory_proto::op::{Edns, Message, Query};
use hickory_proto::rr::{Name, RData, RecordType};
use rustls::pki_types::{CertificateDer, ServerName, pem::PemObject as _};
use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpStream, UdpSocket};
use tokio_rustls::TlsConnector;

use super::names::Way;
use super::outside::Outside;
use super::task::{Result, Task, VERSION};

pub(super) struct Floor<'a> {
    outside: &'a Outside,
    tls: TlsConnector,
    next_id: AtomicU16,
}

impl<'a> Floor<'a> {
    pub(super) fn new(outside: &'a Outside) -> Result<Self> {
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_slice(outside.ca_pem.as_bytes())?)?;
        let provider = rustls::crypto::ring::default_provider();
        let mut config = ClientConfig::builder_with_provider(provider.into())
            .with_safe_default_protocol_versions()?
            .with_root_certificates(roots)
            .with_no_client_auth();
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Self {
            outside,
            tls: Arc::new(config).into(),
            next_id: AtomicU16::new(0),
        })
    }

    pub(super) async fn walk(&self, way: &Way, task: Task) -> Result<()> {
        let mut own = None;
        if let Some(host) = &way.well_known {
            let address = self.addresses(host).await?;
            own = Some(address);
            self.get((address, 443), host, host, WELL_KNOWN).await?;
        }
        for service in &way.services {
            self.ask(service, RecordType::SRV).await?;
        }
        let address = match own {
            Some(address) if way.well_known.as_ref() == Some(&way.target) => address,
            Some(_) | None => self.addresses(&way.target).await?,
        };
        match task {
            Task::Resolve => Ok(()),
            Task::Ask => {
                let at = (address, way.port);
                self.get(at, &way.host, &way.host_header, VERSION).await
            }
        }
    }

    /// Asks for both families, as everybody does who connects
    async fn addresses(&self, host: &str) -> Result<Ipv4Addr> {
        let (v6, v4) = futures_util::future::join(
            self.ask(host, RecordType::AAAA),
            self.ask(host, RecordType::A),
        )
        .await;
        v6?;
        let answers = v4?.answers;
        let address = answers.iter().find_map(|record| {
            let RData::A(address) = &record.data else {
                return None;
            };
            Some(address.0)
        });
        Ok(address.ok_or("no address")?)
    }

    /// One question, from a fresh socket
    async fn ask(&self, name: &str, record_type: RecordType) -> Result<Message> {
        let socket = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0)).await?;
        socket.connect(self.outside.dns).await?;
        let mut query = Message::query();
        query.metadata.id = self.next_id.fetch_add(1, Ordering::Relaxed);
        query.metadata.recursion_desired = true;
        let mut name = Name::from_ascii(name)?;
        name.set_fqdn(true);
        query.add_query(Query::query(name, record_type));
        let mut edns = Edns::new();
        edns.set_max_payload(1232);
        query.set_edns(edns);
        socket.send(&query.to_vec()?).await?;
        let mut buffer = [0; 1232];
        let len = socket.recv(&mut buffer).await?;
        Ok(Message::from_vec(&buffer[..len])?)
    }

    /// One connection, handshake and request
    async fn get(&self, at: (Ipv4Addr, u16), name: &str, host: &str, target: &str) -> Result<()> {
        let meant: SocketAddr = at.into();
        let real = self.outside.reroutes.get(&meant).ok_or("nobody there")?;
        let tcp = TcpStream::connect(real).await?;
        tcp.set_nodelay(true)?;
        let name = ServerName::try_from(name)?.to_owned();
        let mut tls = self.tls.connect(name, tcp).await?;
        let request = format!("GET {target} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
        tls.write_all(request.as_bytes()).await?;
        tls.flush().await?;
        let mut response = [0; 4096];
        let mut len = 0;
        // Every reply of this world fits, and ends with its body or, without one, with its head
        while !matches!(
            &response[..len],
            [.., b'}'] | [.., b'\r', b'\n', b'\r', b'\n']
        ) || response[..len].ends_with(b"\r\n\r\n")
            && response[..len].starts_with(b"HTTP/1.1 200")
        {
            match tls.read(&mut response[len..]).await? {
                0 => return Err("response cut short".into()),
                more => len += more,
            }
        }
        Ok(())
    }
}

const WELL_KNOWN: &str = "/.well-known/matrix/server";
